// A finer grid of a plane's places, and the contour lines on it.

/** Places of a plane on a fine grid, first axis slowest, of which every `steps`-th is one of the plane's own points. */
export interface Fine { v: Float64Array; nx: number; ny: number; steps: [number, number] }

/** A line in fractional indices of the fine grid: x0, y0, x1, y1, ... */
export interface Line { points: Float64Array; closed: boolean }

/** About this many points along an axis are enough for any screen. */
const FINE = 240;

/**
 * The plane on a finer grid: monotone cubics between the points along each axis. Nothing is interpolated into a hole; up
 * to halfway to one the last value holds.
 */
export function refined(places: ArrayLike<number>, nx: number, ny: number): Fine {
  const factor = (n: number) => (n < 2 ? 1 : Math.ceil(FINE / (n - 1)));
  const [kx, ky] = [factor(nx), factor(ny)];
  const [fx, fy] = [(nx - 1) * kx + 1, (ny - 1) * ky + 1];
  let [low, high] = [Infinity, -Infinity];
  for (let k = 0; k < nx * ny; k++) {
    if (Number.isFinite(places[k])) [low, high] = [Math.min(low, places[k]), Math.max(high, places[k])];
  }
  const along = new Float64Array(fx * ny);
  const column = new Float64Array(nx);
  for (let j = 0; j < ny; j++) {
    for (let i = 0; i < nx; i++) column[i] = places[i * ny + j];
    between(column, kx, along, j, ny);
  }
  const v = new Float64Array(fx * fy);
  for (let i = 0; i < fx; i++) between(along.subarray(i * ny, (i + 1) * ny), ky, v, i * fy, 1);
  for (let k = 0; k < v.length; k++) v[k] = Math.min(high, Math.max(low, v[k]));
  return { v, nx: fx, ny: fy, steps: [kx, ky] };
}

/** Writes the values of a line, and k - 1 between each two, to every `stride`-th entry from `at` on. */
function between(values: Float64Array, k: number, out: Float64Array, at: number, stride: number): void {
  const n = values.length;
  for (let i = 0; i < n; i++) {
    out[at] = values[i];
    at += stride;
    if (i + 1 === n) return;
    const [from, to] = [values[i], values[i + 1]];
    const [a, b] = k > 1 ? [slope(values, i), slope(values, i + 1)] : [0, 0];
    for (let m = 1; m < k; m++) {
      out[at] = part(from, to, a, b, m / k);
      at += stride;
    }
  }
}

/** The value at a share of the way between two points; without one of them the other's holds halfway. */
function part(from: number, to: number, a: number, b: number, t: number): number {
  const [left, right] = [Number.isFinite(from), Number.isFinite(to)];
  if (left && right) {
    const [s, t2] = [1 - t, t * t];
    return from + (to - from) * t2 * (3 - 2 * t) + (a * t * s * s - b * t2 * s);
  }
  return left && t < 0.5 ? from : right && t >= 0.5 ? to : NaN;
}

/** The slope at a point, in values a step. */
function slope(v: Float64Array, i: number): number {
  const rise = (k: number) => v[k + 1] - v[k];
  const [a, b] = [rise(i - 1), rise(i)];
  if (Number.isFinite(a) && Number.isFinite(b)) return limited((a + b) / 2, a, b);
  // At an end, that of the parabola through the last three points.
  const end = (near: number, next: number) => limited(1.5 * near - 0.5 * (Number.isFinite(next) ? next : near), near, near);
  if (Number.isFinite(a)) return end(a, rise(i - 2));
  return Number.isFinite(b) ? end(b, rise(i + 1)) : 0;
}

function limited(slope: number, a: number, b: number): number {
  const most = 3 * Math.min(Math.abs(a), Math.abs(b));
  return Math.min(most, Math.max(-most, slope));
}

/**
 * Bilinear value at a fractional index. Corners that are not finite have no weight, and where the nearest point is not
 * finite there is no value.
 */
export function sample({ v, nx, ny }: Pick<Fine, "v" | "nx" | "ny">, x: number, y: number): number {
  const at = (u: number, n: number) => Math.min(Math.max(0, Math.floor(u)), Math.max(0, n - 2));
  const near = (u: number, n: number) => Math.min(n - 1, Math.max(0, Math.floor(u + 0.5)));
  if (!Number.isFinite(v[near(x, nx) * ny + near(y, ny)])) return NaN;
  const [i, j] = [at(x, nx), at(y, ny)];
  const [s, t] = [Math.min(1, Math.max(0, x - i)), Math.min(1, Math.max(0, y - j))];
  const k = i * ny + j;
  const smooth = (1 - s) * ((1 - t) * v[k] + t * v[k + 1]) + s * ((1 - t) * v[k + ny] + t * v[k + ny + 1]);
  if (Number.isFinite(smooth)) return smooth;
  let [sum, total] = [0, 0];
  for (const [w, place] of [[(1 - s) * (1 - t), v[k]], [s * (1 - t), v[k + ny]], [s * t, v[k + ny + 1]], [(1 - s) * t, v[k + 1]]]) {
    if (Number.isFinite(place)) [sum, total] = [sum + w * place, total + w];
  }
  return sum / total;
}

/**
 * The contour lines of a place, by marching squares. A saddle is told by the value of the bilinear interpolation there;
 * in a cell with one corner that is not finite only the line about the opposite corner is known, with more none.
 */
export function trace({ v, nx, ny }: Pick<Fine, "v" | "nx" | "ny">, level: number): Line[] {
  const next = new Int32Array(4 * nx * ny).fill(-1);
  const crossed: number[] = [];
  const join = (from: number, to: number) => {
    if (next[2 * from] >= 0) next[2 * from + 1] = to;
    else {
      next[2 * from] = to;
      crossed.push(from);
    }
  };
  for (let i = 0; i + 1 < nx; i++) {
    for (let j = 0, k = i * ny; j + 1 < ny; j++, k++) {
      const [a, b, c, d] = [v[k], v[k + ny], v[k + ny + 1], v[k + 1]];
      const code = (a >= level ? 1 : 0) | (b >= level ? 2 : 0) | (c >= level ? 4 : 0) | (d >= level ? 8 : 0);
      if (code === 0 || code === 15 && !Number.isNaN(a + b + c + d)) continue;
      for (const [s, e] of sides(a, b, c, d, code, level)) {
        const [p, q] = [edgeOf(k, ny, s), edgeOf(k, ny, e)];
        join(p, q);
        join(q, p);
      }
    }
  }
  return chains(next, crossed.sort((a, b) => a - b), (edge) => crossing(v, ny, edge, level));
}

type Side = 0 | 1 | 2 | 3;

/** The sides (below, right, above, left) that a line joins, for each of the cases without a saddle. */
const CASES: [Side, Side][][] = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [], [[0, 2]], [[2, 3]],
  [[2, 3]], [[0, 2]], [], [[1, 2]], [[3, 1]], [[0, 1]], [[3, 0]], [],
];

function sides(a: number, b: number, c: number, d: number, code: number, level: number): [Side, Side][] {
  if (code !== 5 && code !== 10 && Number.isFinite(a + b + c + d)) return CASES[code];
  const corners = [a, b, c, d];
  const holes = corners.filter((x) => !Number.isFinite(x)).length;
  if (holes === 1) {
    const k = (corners.findIndex((x) => !Number.isFinite(x)) + 2) % 4;
    const above = (n: number) => (code >> (n % 4)) & 1;
    return above(k) !== above(k + 3) && above(k) !== above(k + 1) ? [[((k + 3) % 4) as Side, k as Side]] : [];
  }
  if (holes > 0) return [];
  const high = (a * c - b * d) / (a + c - b - d) >= level;
  return high === (code === 5) ? [[0, 1], [2, 3]] : [[3, 0], [1, 2]];
}

/** Every edge of the grid has one number: 2 k from point k along the first axis, one more along the second. */
function edgeOf(k: number, ny: number, side: Side): number {
  return side === 0 ? 2 * k : side === 1 ? 2 * (k + ny) + 1 : side === 2 ? 2 * (k + 1) : 2 * k + 1;
}

/** Where the level crosses an edge. */
function crossing(v: Float64Array, ny: number, edge: number, level: number): [number, number] {
  const k = edge >> 1;
  const [i, j] = [Math.floor(k / ny), k % ny];
  const [a, b] = [v[k], v[edge & 1 ? k + 1 : k + ny]];
  const share = a === b ? 0.5 : Math.min(1, Math.max(0, (level - a) / (b - a)));
  return edge & 1 ? [i, j + share] : [i + share, j];
}

/** Chains of joined edges: first those with ends, then closed ones. */
function chains(next: Int32Array, crossed: number[], place: (edge: number) => [number, number]): Line[] {
  const out: Line[] = [];
  for (const closed of [false, true]) {
    for (const start of crossed) {
      if (next[2 * start] < 0 || !closed && next[2 * start + 1] >= 0) continue;
      const points: number[] = [];
      for (let at = start, from = -1; ;) {
        const [x, y] = place(at);
        if (points.length === 0 || points[points.length - 2] !== x || points[points.length - 1] !== y) points.push(x, y);
        const [a, b] = [next[2 * at], next[2 * at + 1]];
        next[2 * at] = next[2 * at + 1] = -1;
        const onward = a >= 0 && a !== from ? a : b >= 0 && b !== from ? b : -1;
        if (onward < 0 || next[2 * onward] < 0) break;
        [at, from] = [onward, at];
      }
      out.push({ points: Float64Array.from(points), closed });
    }
  }
  return out;
}
