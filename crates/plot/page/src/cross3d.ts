// The models of the plane and the slices through the inspected point, drawn over the 3D picture, so that hovering never redraws the surface.

import { type Camera, Vector3 } from "three";
import { type Rect, fitText, font } from "./canvas";
import { locate } from "./lines3d";
import type { Pane } from "./model";
import { ALONG_INK, models, originLabel, originMark } from "./overlay";
import type { Along } from "./state";
import { type HeightField, pick } from "./pick";
import { nearest } from "./values";

/** Points a slice is drawn with. */
const POINTS = 120;
/** Steps of the search for what stands between the eye and a point: coarser than that for picking. */
const SIGHT = 240;

interface Spot { x: number; y: number; hidden: boolean }

/** Evenly chosen grid lines, the ends among them. */
function thinned(coords: Float64Array): number[] {
  const n = Math.min(POINTS, coords.length);
  return Array.from({ length: n }, (_, k) => coords[Math.round((k * (coords.length - 1)) / (n - 1))]);
}

/** Places of a pane's surface on the screen, and whether they can be seen. */
export class Sight {
  constructor(
    private readonly c: CanvasRenderingContext2D, private readonly camera: Camera, private readonly rect: Rect,
    private readonly pane: Pane, private readonly field: HeightField,
  ) {}

  /** The place of a point of the plane; null where the surface has a hole or is clipped. */
  private spot(x: number, y: number): Spot | null {
    const { rect, field, camera } = this;
    const p = locate(this.pane, x, y);
    if (!Number.isFinite(p[1]) || p[1] > field.top * 1.001) return null;
    const world = new Vector3(p[0], p[1] * field.rise, p[2]);
    const hidden = isHidden(world, camera, field);
    world.project(camera);
    return { x: rect.x + ((world.x + 1) / 2) * rect.w, y: rect.y + ((1 - world.y) / 2) * rect.h, hidden };
  }

  /** Draws both slices and the point: what the surface hides from the eye is faint. */
  cross(point: [number, number], pinned: boolean): void {
    const { c } = this;
    const { xs, ys } = this.pane.field;
    const [x, y] = [xs[nearest(xs, point[0])], ys[nearest(ys, point[1])]];
    for (const line of [thinned(xs).map((u) => this.spot(u, y)), thinned(ys).map((v) => this.spot(x, v))]) {
      stroke(c, line, 3.2, "rgba(0,0,0,.4)");
      stroke(c, line, 1.4, "#fff");
    }
    const here = this.spot(x, y);
    if (!here) return;
    c.beginPath();
    c.arc(here.x, here.y, pinned ? 5.5 : 4.5, 0, 2 * Math.PI);
    c.fillStyle = "#fff";
    c.fill();
    c.lineWidth = 1.8;
    c.strokeStyle = "#111";
    c.stroke();
  }

  /** Draws the line over the plane along which values are shown: what the surface hides from the eye is faint. */
  along([x0, y0, x1, y1]: Along): void {
    const { c } = this;
    const { xs, ys, nx, ny } = this.pane.field;
    const inside = (x: number, y: number) => x >= xs[0] && x <= xs[nx - 1] && y >= ys[0] && y <= ys[ny - 1];
    const line = Array.from({ length: POINTS }, (_, k) => {
      const share = k / (POINTS - 1);
      const [x, y] = [x0 + share * (x1 - x0), y0 + share * (y1 - y0)];
      return inside(x, y) ? this.spot(x, y) : null;
    });
    stroke(c, line, 4, "#fff");
    stroke(c, line, 2, ALONG_INK);
  }

  /** Marks the models that the plane goes through: what the surface hides from the eye is faint, and said in words. */
  models(muted: string): void {
    const { c, rect } = this;
    const { xs, ys } = this.pane.field;
    const inside = (axis: ArrayLike<number>, value: number) => value >= axis[0] && value <= axis[axis.length - 1];
    const [behind, cut]: [string[], string[]] = [[], []];
    for (const { name, at: [u, v] } of models(this.pane.run)) {
      if (!inside(xs, u) || !inside(ys, v)) continue;
      const at = this.spot(u, v);
      if (!at || at.hidden) (at ? behind : cut).push(name || "origin");
      if (!at) continue;
      c.globalAlpha = at.hidden ? 0.45 : 1;
      originMark(c, at.x, at.y);
      if (this.pane.paths.length === 0) originLabel(c, name, at.x, at.y);
      c.globalAlpha = 1;
    }
    const words = modelNote(behind, cut);
    c.font = font(11);
    c.textAlign = "left";
    c.textBaseline = "alphabetic";
    c.fillStyle = muted;
    c.fillText(fitText(c, words, rect.w - 16), rect.x + 8, rect.y + rect.h - 8);
  }
}

/** What a 3D picture says of models that are not plainly seen. */
export function modelNote(behind: string[], cut: string[]): string {
  const parts = [];
  if (behind.length > 0) parts.push(`behind the surface, faint: ${behind.join(", ")}`);
  if (cut.length > 0) parts.push(`not on the surface shown: ${cut.join(", ")}`);
  return parts.join(" · ");
}

/** True when the surface stands between the eye and a point of it. */
function isHidden(world: Vector3, camera: Camera, field: HeightField): boolean {
  const direction = world.clone().sub(camera.position);
  const far = direction.length();
  direction.divideScalar(far);
  const ray = { origin: camera.position.toArray(), direction: direction.toArray() };
  const hit = pick(ray, field, SIGHT);
  return hit !== null && hit.distance < far - 0.02;
}

function stroke(c: CanvasRenderingContext2D, line: (Spot | null)[], width: number, color: string): void {
  c.lineWidth = width;
  c.strokeStyle = color;
  for (const hidden of [true, false]) {
    c.globalAlpha = hidden ? 0.25 : 1;
    c.beginPath();
    for (let k = 1; k < line.length; k++) {
      const [a, b] = [line[k - 1], line[k]];
      if (!a || !b || (a.hidden || b.hidden) !== hidden) continue;
      c.moveTo(a.x, a.y);
      c.lineTo(b.x, b.y);
    }
    c.stroke();
  }
  c.globalAlpha = 1;
}
