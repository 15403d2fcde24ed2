// Which grid point of a surface a ray from the eye meets first.

import { type Fine, sample } from "./geometry/field";

export interface Ray { origin: [number, number, number]; direction: [number, number, number] }

/** A height field over the box [-wx/2, wx/2] x [-wz/2, wz/2]; heights above `top` are cut away. */
export interface HeightField { fine: Pick<Fine, "v" | "nx" | "ny">; wx: number; wz: number; rise: number; top: number }

/** The part of a ray above the box's footprint and between its floor and lid. */
function clipToBox(ray: Ray, field: HeightField): [number, number] | null {
  const half = [field.wx / 2, 0, field.wz / 2];
  let [near, far] = [0, Infinity];
  for (const axis of [0, 1, 2]) {
    const [lo, hi] = axis === 1 ? [-1e-6, field.rise * field.top + 1e-6] : [-half[axis], half[axis]];
    const [o, d] = [ray.origin[axis], ray.direction[axis]];
    if (Math.abs(d) < 1e-12) {
      if (o < lo || o > hi) return null;
      continue;
    }
    const [a, b] = [(lo - o) / d, (hi - o) / d];
    near = Math.max(near, Math.min(a, b));
    far = Math.min(far, Math.max(a, b));
  }
  return far > near ? [near, far] : null;
}

/** Where a ray meets a surface: fractional indices of the fine grid and the distance from the eye. */
export interface Hit { x: number; y: number; distance: number }

/** The first point where the ray meets the surface, or null: it marches in `steps`, cell by cell unless told, then bisects. */
export function pick(ray: Ray, field: HeightField, steps = 2 * (field.fine.nx + field.fine.ny)): Hit | null {
  const range = clipToBox(ray, field);
  if (!range) return null;
  const { fine, wx, wz, rise, top } = field;
  const { nx, ny } = fine;
  const at = (s: number) => {
    const x = Math.min(nx - 1, Math.max(0, ((ray.origin[0] + s * ray.direction[0]) / wx + 0.5) * (nx - 1)));
    const y = Math.min(ny - 1, Math.max(0, (0.5 - (ray.origin[2] + s * ray.direction[2]) / wz) * (ny - 1)));
    const height = sample(fine, x, y);
    return { x, y, gap: height > top ? NaN : ray.origin[1] + s * ray.direction[1] - height * rise };
  };
  const step = (range[1] - range[0]) / steps;
  let before = NaN;
  for (let k = 0; k <= steps; k++) {
    const s = range[0] + k * step;
    const { gap } = at(s);
    if (before * gap <= 0) {
      let [lo, hi] = [s - step, s];
      for (let n = 0; n < 20; n++) {
        const mid = (lo + hi) / 2;
        if (at(mid).gap * before > 0) lo = mid;
        else hi = mid;
      }
      const { x, y } = at(hi);
      return { x, y, distance: hi };
    }
    before = gap;
  }
  return null;
}
