// The scale that turns a loss into a height and a colour: linear, logarithmic, or diverging about 0.

import type { Levels } from "./data";
import { niceTicks } from "./format";

/** What a field holds: enough to choose a scale for it, and to say what the picture can't show. */
export interface Stats { min: number; max: number; minPositive: number; nonFinite: number; missing: number; nonPositive: number }

/** The union of several ranges, for a scale that several surfaces share. */
export function union(all: Stats[]): Stats {
  const sum = (key: "nonFinite" | "missing" | "nonPositive") => all.reduce((s, a) => s + a[key], 0);
  return {
    min: Math.min(...all.map((a) => a.min)),
    max: Math.max(...all.map((a) => a.max)),
    minPositive: Math.min(...all.map((a) => a.minPositive)),
    nonFinite: sum("nonFinite"), missing: sum("missing"), nonPositive: sum("nonPositive"),
  };
}

/** Multipliers a decade, from sparse to dense, that log ticks and levels are chosen from. */
const DECADES = [[1], [1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9]];

/** The smallest share of the range that a clip leaves. */
const MIN_TOP = 1e-6;

export class Scale {
  /** The range in display units: log10 of the loss when `log`. */
  private readonly a: number;
  private readonly b: number;
  /** The clip as a share of the whole range; 1 when nothing is clipped. */
  readonly top: number;
  /** True when something of the range is not shown. */
  readonly clipped: boolean;

  private constructor(
    readonly lo: number, readonly hi: number, readonly log: boolean, clip: number | null,
    /** Of a scale about 0: the largest size of a value. */
    private readonly size: number | null = null,
    /** The levels of the figures over this range. */
    private readonly drawn: Levels | null = null,
  ) {
    this.a = log ? Math.log10(lo) : lo;
    this.b = log ? Math.log10(hi) : hi;
    this.top = 1;
    if (clip !== null) this.top = Math.min(1, Math.max(MIN_TOP, this.raw(clip)));
    this.clipped = this.top < 1 || (size !== null && hi < size);
  }

  /**
   * A scale over a range. A log scale starts at the smallest positive value; what is below is drawn there. `drawn` are
   * the levels of the figures, which hold where the range is theirs and nothing is clipped.
   */
  static over(stats: Stats, log: boolean, clip: number | null, drawn: Levels | null = null): Scale {
    let lo = Number.isFinite(stats.min) ? stats.min : 0;
    let hi = Number.isFinite(stats.max) ? stats.max : 1;
    if (log) lo = Math.max(Math.min(stats.minPositive, hi), hi * 1e-16);
    if (!(hi > lo)) {
      const pad = Math.abs(lo) * 1e-3 || 1e-3;
      [lo, hi] = log ? [lo / 1.001, lo * 1.001] : [lo - pad, lo + pad];
      [lo, hi] = [Math.max(lo, -Number.MAX_VALUE), Math.min(hi, Number.MAX_VALUE)];
    }
    // Neighbours whose logarithms are the same number look alike on either scale.
    const same = drawn && drawn.lo === lo && drawn.hi === hi ? drawn : null;
    return new Scale(lo, hi, log && Math.log10(lo) < Math.log10(hi), clip, null, same);
  }

  /** A linear scale with 0 in its middle, for differences. */
  static about0(stats: Stats, clip: number | null): Scale {
    const size = Math.max(Math.abs(stats.min), Math.abs(stats.max));
    const m = Number.isFinite(size) && size > 0 ? size : 1;
    const shown = clip === null ? m : Math.min(m, Math.max(MIN_TOP * m, clip));
    return new Scale(-shown, shown, false, null, m);
  }

  /** True when a log scale makes sense for this range. */
  static canLog(stats: Stats): boolean {
    return Number.isFinite(stats.minPositive) && stats.max > 0;
  }

  /** The position in the whole range, 0 to 1 before clipping; NaN for NaN and infinities. */
  raw(value: number): number {
    if (!Number.isFinite(value)) return NaN;
    const x = this.log ? Math.log10(Math.max(value, this.lo)) : value;
    const span = this.b - this.a;
    return Number.isFinite(span) ? (x - this.a) / span : (x / 2 - this.a / 2) / (this.b / 2 - this.a / 2);
  }

  /** The position in the shown range: above 1 is clipped. */
  t(value: number): number { return this.raw(value) / this.top; }

  /** The loss at a position of the whole range. */
  unraw(raw: number): number {
    const x = Number.isFinite(this.b - this.a) ? this.a + raw * (this.b - this.a) : this.a * (1 - raw) + this.b * raw;
    return this.log ? 10 ** x : x;
  }

  get diverging(): boolean { return this.size !== null; }

  /** The largest loss that is shown. */
  get shownMax(): number { return this.top < 1 ? this.unraw(this.top) : this.hi; }

  /** The levels of the figures, where they hold. */
  private get figure(): Levels["levels"] | null { return this.top === 1 && this.drawn ? this.drawn.levels : null; }

  /** What the figures write for a level of theirs. */
  text(value: number): string | null { return this.figure?.find((level) => level.value === value)?.text ?? null; }

  /** The levels that are labelled: those of the figures; elsewhere all, or every second where there are many. */
  labelled(): number[] {
    const labelled = this.figure?.filter((level) => level.labelled) ?? [];
    if (labelled.length > 0) return labelled.map((level) => level.value);
    const levels = this.levels();
    return levels.filter((_, k) => k % (levels.length > 5 ? 2 : 1) === 0);
  }

  /** The ticks of the figures' colour bar, or about `target` round losses inside the shown range. */
  ticks(target: number): number[] {
    const labelled = this.figure?.filter((level) => level.labelled) ?? [];
    if (labelled.length > 1) return labelled.map((level) => level.value);
    const max = this.shownMax;
    if (!this.log) return niceTicks(this.lo, max, target);
    const decades = Math.log10(max / this.lo);
    if (decades < 0.5) return niceTicks(this.lo, max, target);
    const stride = Math.max(1, Math.ceil(decades / (target * 1.3)));
    const fits = DECADES.map((set) => this.perDecade(set, max, stride));
    return fits.findLast((ticks) => ticks.length <= target * 1.7) ?? fits[0];
  }

  /** Contour levels: those of the figures; elsewhere 1-2-5 a decade on a log scale (denser or sparser where that gives too few or too many). */
  levels(): number[] {
    const max = this.shownMax;
    if (this.figure?.length) return this.figure.slice(0, MAX_LEVELS).map((level) => level.value);
    const inside = (all: number[]) => all.filter((v) => v > this.lo && v < max).slice(0, MAX_LEVELS);
    if (!this.log) return inside(niceTicks(this.lo, max, 12));
    const decades = Math.log10(max / this.lo);
    if (decades < 0.5) return inside(niceTicks(this.lo, max, 10));
    const stride = Math.max(1, Math.ceil(decades / MAX_LEVELS));
    const sets = DECADES.map((set) => this.perDecade(set, max, stride)).filter((l) => l.length <= MAX_LEVELS);
    return inside(sets.find((l) => l.length >= 8) ?? sets[sets.length - 1] ?? []);
  }

  private perDecade(set: number[], max: number, stride: number): number[] {
    const out: number[] = [];
    const first = Math.floor(Math.log10(this.lo));
    for (let d = first; d <= Math.log10(max); d++) {
      if (set.length === 1 && d % stride !== 0) continue;
      for (const m of set) {
        const v = Number(`${m}e${d}`);
        if (v >= this.lo * (1 - 1e-9) && v <= max * (1 + 1e-9)) out.push(v);
      }
    }
    return out;
  }
}

/** The most contour levels of one picture; the size of the surface shader's level table. */
export const MAX_LEVELS = 24;
