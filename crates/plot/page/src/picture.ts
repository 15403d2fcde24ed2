// What is drawn of a field: the display list that came with the data, or one made here where a range is clipped or shared
// or two runs are subtracted.

import type { Contour, Drawn, Words } from "./data";
import { type Fine, refined, trace } from "./geometry/field";
import { type Level, type Tick, type Transform, barTicks, choose, forward, inverse, levels, linearOver, placeBetween, widened } from "./geometry/scale";
import type { Stats } from "./values";

/** The smallest share of the range that a clip leaves. */
const MIN_TOP = 1e-6;

/** The most contour levels of one picture; the size of the surface shader's table of levels. */
export const MAX_LEVELS = 24;

/** Size of the words beside a colour bar, in pixels. */
export const BAR_FONT = 11;

/** The scale of a picture with its levels, and what is drawn on it. */
export class Picture {
  /** The clip as a share of the whole range; 1 when nothing is clipped. */
  readonly top: number;
  /** True when something of the range is not shown. */
  readonly clipped: boolean;
  /** The largest value that is shown. */
  readonly shownMax: number;
  readonly levels: Level[];

  private constructor(
    readonly transform: Transform, readonly lo: number, readonly hi: number, clip: number | null,
    /** Of a scale about 0: the largest size of a value. */
    private readonly size: number | null,
    /** The list that came with the data, where it is that of the whole range. */
    private readonly drawn: Drawn | null,
  ) {
    this.top = clip === null ? 1 : Math.min(1, Math.max(MIN_TOP, this.raw(clip)));
    this.clipped = this.top < 1 || (size !== null && hi < size);
    this.shownMax = this.top < 1 && clip !== null ? clip : hi;
    if (this.top < 1) this.drawn = null;
    this.levels = (this.drawn?.levels ?? levels(transform, lo, this.shownMax)).slice(0, MAX_LEVELS);
  }

  /** The picture of a quantity, from the list that came with it. */
  static of(drawn: Drawn, clip: number | null): Picture {
    return new Picture(drawn.transform, drawn.lo, drawn.hi, clip, null, drawn);
  }

  /** A picture over the range of several quantities. */
  static over(all: ArrayLike<number>[], log: boolean, clip: number | null): Picture {
    let [min, max] = [Infinity, -Infinity];
    for (const values of all) {
      for (let k = 0; k < values.length; k++) {
        if (Number.isFinite(values[k])) [min, max] = [Math.min(min, values[k]), Math.max(max, values[k])];
      }
    }
    const [lo, hi] = min <= max ? widened(min, max, log) : [1, 10];
    return new Picture(choose(log, lo, hi, () => all.flatMap((values) => Array.from(values))), lo, hi, clip, null, null);
  }

  /** A picture with 0 in the middle of its scale, for differences. */
  static about0(all: Pick<Stats, "min" | "max">[], clip: number | null): Picture {
    const known = all.filter(({ min, max }) => min <= max);
    const size = Math.max(...known.map(({ min, max }) => Math.max(Math.abs(min), Math.abs(max))));
    const m = Number.isFinite(size) && size > 0 ? size : 1;
    const shown = clip === null ? m : Math.min(m, Math.max(MIN_TOP * m, clip));
    return new Picture(linearOver(-shown, shown), -shown, shown, null, m, null);
  }

  get diverging(): boolean { return this.size !== null; }
  get log(): boolean { return this.transform.kind === "log" || this.transform.kind === "symlog"; }

  /** The place of a value in the whole range, 0 to 1 before clipping; NaN for NaN and infinities. */
  raw(value: number): number {
    return Number.isFinite(value) ? Math.max(-1, placeBetween(this.transform, this.lo, this.hi, value)) : NaN;
  }

  /** The value at a place of the whole range. */
  value(place: number): number {
    const [a, b] = [forward(this.transform, this.lo), forward(this.transform, this.hi)];
    return Number.isNaN(place) ? NaN : inverse(this.transform, a + place * (b - a));
  }

  /** The place in the shown range: above 1 is clipped. */
  t(value: number): number { return this.raw(value) / this.top; }

  /** The ticks of a colour bar or an upright axis of a length in pixels. */
  ticks(length: number): Tick[] {
    return this.drawn?.ticks ?? barTicks(this.transform, this.lo, this.shownMax, this.levels, length, BAR_FONT);
  }

  /** Contour lines: those that came with the data, else traced on the fine grid of `raw` places. */
  lines(fine: () => Fine): Contour[] {
    if (this.drawn?.lines) return this.drawn.lines;
    const grid = fine();
    const [x1, y1] = [grid.nx - 1, grid.ny - 1];
    return this.levels.flatMap(({ value }, level) => trace(grid, this.raw(value)).map(({ points, closed }) => ({
      level, closed, points: points.map((at, k) => (k % 2 === 0 ? at / x1 : 1 - at / y1)),
    })));
  }

  /** The labels of the lines; none where the lines were traced here. */
  get words(): Words[] { return this.drawn?.words ?? []; }
}

/** The fine grid of a field's places in the whole range. */
export function fineOf(picture: Picture, v: ArrayLike<number>, nx: number, ny: number): Fine {
  return refined(Float64Array.from(v, (value) => picture.raw(value)), nx, ny);
}
