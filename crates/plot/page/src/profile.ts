// The values of a plane along a straight line over it.

import { sample } from "./geometry/field";
import { type Pane, fine } from "./model";
import type { Along } from "./state";
import { type Field, position } from "./values";

/** Points of a profile: as many as those of `landscape plot --along`. */
export const POINTS = 241;

/** Distances from the start of the line, in coordinates of the plane, and the values there: NaN in holes and outside. */
export interface Profile { at: Float64Array; values: Float64Array }

/** The length of a line in coordinates of the plane. */
export function lengthOf([x0, y0, x1, y1]: Along): number { return Math.hypot(x1 - x0, y1 - y0); }

/** The values along a line, interpolated as colours and contours are. */
export function profile(pane: Pane, along: Along): Profile {
  const { field, picture } = pane;
  const [x0, y0, x1, y1] = along;
  const grid = fine(pane);
  const length = lengthOf(along);
  const shares = Float64Array.from({ length: POINTS }, (_, k) => k / (POINTS - 1));
  const value = (share: number) => {
    const [u, v] = [position(field.xs, x0 + share * (x1 - x0)), position(field.ys, y0 + share * (y1 - y0))];
    return inside(u, field.nx) && inside(v, field.ny) ? picture.value(sample(grid, u * grid.steps[0], v * grid.steps[1])) : NaN;
  };
  return { at: shares.map((share) => share * length), values: shares.map(value) };
}

/** Whether a fractional index is one of an axis; a rounded end is. */
function inside(u: number, n: number): boolean { return u >= -1e-6 && u <= n - 1 + 1e-6; }

/** The line from the lower left corner of a plane to the upper right one. */
export function diagonal({ xs, ys, nx, ny }: Field): Along { return [xs[0], ys[0], xs[nx - 1], ys[ny - 1]]; }

/** The part of a line that a pointer holds. */
export type Grip = "A" | "B" | "middle";

/** A line whose part is moved by so much, within the plane. */
export function moved(along: Along, grip: Grip, [dx, dy]: [number, number], field: Field): Along {
  const [x0, y0, x1, y1] = along;
  const { xs, ys, nx, ny } = field;
  const within = (x: number, lo: number, hi: number) => Math.min(hi, Math.max(lo, x));
  const end = (x: number, y: number): [number, number] => [short(within(x, xs[0], xs[nx - 1])), short(within(y, ys[0], ys[ny - 1]))];
  if (grip === "A") return [...end(x0 + dx, y0 + dy), x1, y1];
  if (grip === "B") return [x0, y0, ...end(x1 + dx, y1 + dy)];
  // The whole line, as far as both its ends stay inside.
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [low, high] = [Math.min(y0, y1), Math.max(y0, y1)];
  const [bx, by] = [within(dx, xs[0] - left, xs[nx - 1] - right), within(dy, ys[0] - low, ys[ny - 1] - high)];
  return [...end(x0 + bx, y0 + by), ...end(x1 + bx, y1 + by)];
}

/** A coordinate as it is kept in the address. */
function short(x: number): number { return Number(x.toPrecision(4)); }
