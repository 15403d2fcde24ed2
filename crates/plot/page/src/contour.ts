// Contour lines by marching squares, joined into polylines.

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

function segments(v: Float64Array, nx: number, ny: number, level: number): Map<number, number[]> {
  const joined = new Map<number, number[]>();
  const link = (p: number, q: number) => {
    const known = joined.get(p);
    if (known) known.push(q);
    else joined.set(p, [q]);
  };
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
        link(p, q);
        link(q, p);
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

/** The contour lines of one level. `v` holds row-major values; cells with a corner that is not finite are left out. */
export function contours(v: Float64Array, nx: number, ny: number, level: number): Contour[] {
  const joined = segments(v, nx, ny, level);
  const ends = [...joined].filter(([, to]) => to.length === 1).map(([id]) => id);
  const out: Contour[] = [];
  for (const id of [...ends, ...joined.keys()]) {
    if (joined.get(id)!.length === 0) continue;
    const path = walk(joined, id);
    const points = new Float64Array(2 * path.length);
    path.forEach((edge, n) => points.set(crossing(v, ny, edge, level), 2 * n));
    out.push({ level, closed: path[0] === path[path.length - 1], points });
  }
  return out;
}
