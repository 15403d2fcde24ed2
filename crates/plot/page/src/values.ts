// A two-dimensional view of a run: one quantity on the grid of the first two axes.

import type { Quantity, Run } from "./data";

/** What a field holds: its range, and what the picture can't show. */
export interface Stats { min: number; max: number; nonFinite: number; missing: number }

export interface Field {
  /** Coordinates along the first and second axis; a line has one second coordinate, 0. */
  xs: Float64Array;
  ys: Float64Array;
  nx: number;
  ny: number;
  /** Values, first axis slowest. */
  v: Float64Array;
  /** Index into the run's arrays of each value. */
  index: (i: number, j: number) => number;
  missing: (i: number, j: number) => boolean;
  stats: Stats;
}

const ZERO = new Float64Array(1);

function statistics(v: Float64Array, missing: (k: number) => boolean): Stats {
  const s: Stats = { min: Infinity, max: -Infinity, nonFinite: 0, missing: 0 };
  v.forEach((value, k) => {
    if (missing(k)) s.missing++;
    else if (!Number.isFinite(value)) s.nonFinite++;
    else {
      s.min = Math.min(s.min, value);
      s.max = Math.max(s.max, value);
    }
  });
  return s;
}

/** The plane of a run at index `slice` of its third axis (ignored for lines and planes). */
export function fieldOf(run: Run, quantity: Quantity, slice: number): Field {
  const [ax, ay, az] = run.axes;
  const xs = ax.coords;
  const ys = ay ? ay.coords : ZERO;
  const nz = az ? az.coords.length : 1;
  const k = Math.min(slice, nz - 1);
  const [nx, ny] = [xs.length, ys.length];
  const index = (i: number, j: number) => (i * ny + j) * nz + k;
  let v = quantity.data;
  if (nz > 1) {
    v = new Float64Array(nx * ny);
    for (let n = 0; n < v.length; n++) v[n] = quantity.data[n * nz + k];
  }
  const gone = run.missing;
  const missing = (i: number, j: number) => gone !== null && gone[index(i, j)] === 1;
  const stats = statistics(v, (n) => gone !== null && gone[n * nz + k] === 1);
  return { xs, ys, nx, ny, v, index, missing, stats };
}

const ranked = new WeakMap<Field, Float64Array>();

/** The sizes of a field's finite values, ascending (the values themselves where none is negative). */
function ranks(field: Field, size: boolean): Float64Array {
  let sorted = ranked.get(field);
  if (!sorted) {
    sorted = field.v.filter(Number.isFinite).map((x) => (size ? Math.abs(x) : x)).sort();
    ranked.set(field, sorted);
  }
  return sorted;
}

/** The value that a share of the points stays below: a clip that a few huge losses do not make useless. */
export function quantile(field: Field, share: number, size: boolean): number {
  const sorted = ranks(field, size);
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1))))];
}

/** The share of the points at or below a value. */
export function rank(field: Field, value: number, size: boolean): number {
  const sorted = ranks(field, size);
  let [lo, hi] = [0, sorted.length];
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (sorted[mid] < value) lo = mid + 1;
    else hi = mid;
  }
  return lo / Math.max(1, sorted.length - 1);
}

/** True when two fields stand on the same grid, so that their values may be subtracted. */
export function sameGrid(a: Field, b: Field): boolean {
  const same = (p: Float64Array, q: Float64Array) => p.length === q.length && p.every((x, i) => x === q[i]);
  return same(a.xs, b.xs) && same(a.ys, b.ys);
}

/** `b - a`, point by point. */
export function difference(a: Field, b: Field): Field {
  const v = b.v.map((x, k) => x - a.v[k]);
  const missing = (i: number, j: number) => a.missing(i, j) || b.missing(i, j);
  const gone = (k: number) => missing(Math.floor(k / a.ny), k % a.ny);
  return { ...a, v, missing, stats: statistics(v, gone) };
}

/** The index of the grid line nearest to a coordinate of a uniform axis. */
export function nearest(coords: Float64Array, x: number): number {
  const last = coords.length - 1;
  if (last === 0) return 0;
  const at = ((x - coords[0]) / (coords[last] - coords[0])) * last;
  return Math.min(last, Math.max(0, Math.round(at)));
}

/** Fractional grid index of a coordinate. */
export function position(coords: Float64Array, x: number): number {
  const last = coords.length - 1;
  return last === 0 ? 0 : ((x - coords[0]) / (coords[last] - coords[0])) * last;
}
