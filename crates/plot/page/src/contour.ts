// Contour lines by marching squares, joined into polylines.

import type { Refined } from "./field";

/** A contour line in fractional grid indices: x0, y0, x1, y1, ... */
export interface Contour { level: number; closed: boolean; points: Float64Array }

/** Edges of a cell that a contour joins, for each of the 16 cases; saddles (5 and 10) are decided by the centre. */
const CASES: [number, number][][] = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], [],
];

/** Every edge of the grid has one number, so that segments of neighbouring cells meet exactly. */
function edgeId(ny: number, i: number, j: number, edge: number): number {
  if (edge === 0) return 2 * (i * ny + j);
  if (edge === 1) return 2 * ((i + 1) * ny + j) + 1;
  if (edge === 2) return 2 * (i * ny + j + 1);
  return 2 * (i * ny + j) + 1;
}

function link(joined: Map<number, number[]>, p: number, q: number): void {
  for (const [from, to] of [[p, q], [q, p]]) {
    const known = joined.get(from);
    if (known) known.push(to);
    else joined.set(from, [to]);
  }
}

function segments(v: Float64Array, nx: number, ny: number, level: number): Map<number, number[]> {
  const joined = new Map<number, number[]>();
  for (let i = 0; i + 1 < nx; i++) {
    for (let j = 0; j + 1 < ny; j++) {
      const k = i * ny + j;
      const [a, b, c, d] = [v[k], v[k + ny], v[k + ny + 1], v[k + 1]];
      const kind = (a > level ? 1 : 0) | (b > level ? 2 : 0) | (c > level ? 4 : 0) | (d > level ? 8 : 0);
      if (kind === 0 || kind === 15 || Number.isNaN(a + b + c + d)) continue;
      let pairs = CASES[kind];
      if (kind === 5 || kind === 10) {
        const high = (a + b + c + d) / 4 > level;
        pairs = high === (kind === 5) ? [[0, 1], [2, 3]] : [[3, 0], [1, 2]];
      }
      for (const [s, e] of pairs) {
        const [p, q] = [edgeId(ny, i, j, s), edgeId(ny, i, j, e)];
        link(joined, p, q);
      }
    }
  }
  return joined;
}

/** Where the level crosses an edge, by linear interpolation of `v` (log losses on a log scale). */
function crossing(v: Float64Array, ny: number, id: number, level: number): [number, number] {
  const k = id >> 1;
  const along = id & 1;
  const [i, j] = [Math.floor(k / ny), k % ny];
  const [a, b] = [v[k], along ? v[k + 1] : v[k + ny]];
  const t = (level - a) / (b - a);
  return along ? [i, j + t] : [i + t, j];
}

function walk(joined: Map<number, number[]>, start: number): number[] {
  const path = [start];
  let at = start;
  for (;;) {
    const next = joined.get(at)?.pop();
    if (next === undefined) return path;
    const back = joined.get(next)!;
    back.splice(back.indexOf(at), 1);
    path.push(next);
    at = next;
  }
}

type Place = (id: number) => [number, number];

/** All polylines of a network of joined points. */
function trace(joined: Map<number, number[]>, level: number, place: Place): Contour[] {
  const ends = [...joined].filter(([, to]) => to.length % 2 === 1).map(([id]) => id);
  const out: Contour[] = [];
  for (const id of [...ends, ...joined.keys()]) {
    if (joined.get(id)!.length === 0) continue;
    const path = walk(joined, id);
    const points = new Float64Array(2 * path.length);
    path.forEach((at, n) => points.set(place(at), 2 * n));
    out.push({ level, closed: path[0] === path[path.length - 1], points });
  }
  return out;
}

/** The contour lines of one level. `v` holds row-major values; cells with a corner that is not finite are left out. */
export function contours(v: Float64Array, nx: number, ny: number, level: number): Contour[] {
  return trace(segments(v, nx, ny, level), level, (id) => crossing(v, ny, id, level));
}

/** The contour lines of bilinear values: on the refined grid, in indices of the grid itself. */
export function smoothContours({ v, nx, ny, factor }: Refined, level: number): Contour[] {
  return contours(v, nx, ny, level).map((line) => ({ ...line, points: line.points.map((at) => at / factor) }));
}

/** The contour lines of values that fill their cells: the borders between cells above the level and others. */
export function borders(v: Float64Array, nx: number, ny: number, level: number): Contour[] {
  const joined = new Map<number, number[]>();
  const corner = (i: number, j: number) => i * (ny + 1) + j;
  const differ = (k: number, m: number) => Number.isFinite(v[k] + v[m]) && v[k] > level !== v[m] > level;
  for (let i = 0; i < nx; i++) {
    for (let j = 0; j < ny; j++) {
      const k = i * ny + j;
      if (i + 1 < nx && differ(k, k + ny)) link(joined, corner(i + 1, j), corner(i + 1, j + 1));
      if (j + 1 < ny && differ(k, k + 1)) link(joined, corner(i, j + 1), corner(i + 1, j + 1));
    }
  }
  return trace(joined, level, (id) => [Math.floor(id / (ny + 1)) - 0.5, (id % (ny + 1)) - 0.5]);
}
