// From a value to its place on a scale, and the ticks and levels of a scale.

import { evenlySpaced, exponent, number, scaled, shortest } from "./number";

/** The function between values and places; all are strictly increasing. */
export type Transform =
  | { kind: "linear" }
  /** Linear, for values so large or so close that their differences are no numbers: `unit` is a power of two. */
  | { kind: "scaled"; unit: number }
  | { kind: "log" }
  /** v / t up to the threshold t, sign(v) (1 + log10(|v| / t)) beyond it. */
  | { kind: "symlog"; threshold: number };

export const LINEAR: Transform = { kind: "linear" };

/** A tick; a minor one has no text. */
export interface Tick { value: number; text: string | null }
/** A contour level; the labelled ones are written on their lines and beside the colour bar. */
export interface Level { value: number; text: string; labelled: boolean }

const FAR = 1e100;
const SMALLEST = Number.MIN_VALUE;
const clamp = (v: number, lo: number, hi: number) => Math.min(hi, Math.max(lo, v));

/** A linear scale in the form that suits a range. */
export function linearOver(lo: number, hi: number): Transform {
  const largest = Math.max(Math.abs(lo), Math.abs(hi));
  if (largest === 0 || largest <= 1e100 && hi - lo >= 1e-100) return LINEAR;
  let power = Math.floor(Math.log2(largest));
  if (2 ** power > largest) power--;
  return { kind: "scaled", unit: 2 ** Math.min(1023, -power) };
}

/** The place of a value. */
export function forward(t: Transform, v: number): number {
  switch (t.kind) {
    case "linear": return clamp(v, -FAR, FAR);
    case "scaled": return clamp(v * t.unit, -FAR, FAR);
    case "log": return v > 0 ? Math.log10(v) : -Infinity;
    case "symlog": {
      const size = Math.abs(v) / t.threshold;
      if (size <= 1) return v / t.threshold;
      const decades = Number.isFinite(size) ? Math.log10(size) : Math.log10(Math.abs(v)) - Math.log10(t.threshold);
      return Math.sign(v) * (1 + decades);
    }
  }
}

/** The value at a place. */
export function inverse(t: Transform, place: number): number {
  const found = () => {
    switch (t.kind) {
      case "linear": return place;
      case "scaled": return place / t.unit;
      case "log": return Math.max(SMALLEST, 10 ** place);
      case "symlog": {
        const size = Math.abs(place);
        return size <= 1 ? place * t.threshold : Math.sign(place) * 10 ** (size - 1 + Math.log10(t.threshold));
      }
    }
  };
  return clamp(found(), -Number.MAX_VALUE, Number.MAX_VALUE);
}

/** A step of 1, 2 or 5 times a power of ten. */
interface Step { mantissa: number; exponent: number }

/** The smallest such step that divides a range into at most so many parts. */
function niceStep(lo: number, hi: number, parts: number): Step {
  const span = hi - lo;
  const raw = clamp(Number.isFinite(span) ? span / parts : hi / parts - lo / parts, SMALLEST, Number.MAX_VALUE);
  const at = exponent(raw);
  const mantissa = [1, 2, 5].find((m) => scaled(m, at) >= raw * (1 - 1e-9));
  return mantissa ? { mantissa, exponent: at } : { mantissa: 1, exponent: at + 1 };
}

const multiple = (step: Step, n: number) => scaled(n * step.mantissa, step.exponent);

/** Which multiples of a step lie within a range; none where a number can't tell them apart. */
function within(step: Step, lo: number, hi: number): number[] {
  const size = multiple(step, 1);
  if (Math.max(Math.abs(lo / size), Math.abs(hi / size)) > 2 ** 50) return [];
  const first = Math.ceil(lo / size - 1e-6);
  const count = Math.floor(hi / size + 1e-6) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, k) => first + k);
}

/** The values m 10^k of a range for the given m; `lo` is positive. */
function perDecade(lo: number, hi: number, mantissas: number[]): number[] {
  const all: number[] = [];
  for (let k = exponent(lo); k <= exponent(hi); k++) all.push(...mantissas.map((m) => scaled(m, k)));
  const inside = all.filter((v) => Number.isFinite(v) && v >= lo * (1 - 1e-9) && v <= hi * (1 + 1e-9));
  return inside.filter((v, k) => v !== inside[k - 1]);
}

const modulo = (n: number, by: number) => ((n % by) + by) % by;

/** Every few decades, so that about `most` are left, 1 among them where it is there. */
function thinned(decades: number[], most: number): number[] {
  const stride = Math.ceil(decades.length / most);
  return decades.filter((v) => modulo(exponent(v), stride) === 0);
}

/** Ticks of an axis from `lo` to `hi` with at most about `most` labels. */
export function ticks(t: Transform, lo: number, hi: number, most: number): Tick[] {
  const room = Math.max(2, most);
  if (t.kind === "log") return logTicks(lo, hi, room);
  if (t.kind === "symlog") return symlogTicks(lo, hi, t.threshold, room);
  return linearTicks(lo, hi, room);
}

function linearTicks(lo: number, hi: number, most: number): Tick[] {
  for (let parts = most - 1; parts <= 12; parts++) {
    const found = multiples(niceStep(lo, hi, parts), lo, hi);
    if (found.length >= 2) return found;
  }
  // Where no round number lies between neighbours, the ends themselves are the ticks.
  return [lo, hi].map((value) => ({ value, text: shortest(value) }));
}

/** The multiples of a step; none where values or labels coincide. */
function multiples(step: Step, lo: number, hi: number): Tick[] {
  const slack = 1e-6 * multiple(step, 1);
  const values = within(step, lo, hi).map((n) => multiple(step, n))
    .filter((v) => Number.isFinite(v) && v >= lo - slack && v <= hi + slack);
  const texts = evenlySpaced(values, step.exponent);
  const apart = values.every((v, k) => k === 0 || values[k - 1] < v && texts[k - 1] !== texts[k]);
  return apart ? values.map((value, k) => ({ value, text: texts[k] })) : [];
}

const MINOR = [2, 3, 4, 5, 6, 7, 8, 9];

function logTicks(lo: number, hi: number, most: number): Tick[] {
  const decades = perDecade(lo, hi, [1]);
  const sets = [[1, 2, 5], [1, 3], [1, 5]].map((set) => perDecade(lo, hi, set));
  const of = (least: number) => sets.find((v) => v.length >= least && v.length <= most);
  let major = decades.length <= 3 ? of(3) : undefined;
  if (!major && decades.length <= 1) {
    major = hi >= 10 * lo ? of(2) : undefined;
    if (!major) return linearTicks(lo, hi, most);
  }
  const minor = decades.length <= 2 * most ? perDecade(lo, hi, [1, ...MINOR]) : decades;
  return merged(major ?? thinned(decades, most), minor);
}

function merged(major: number[], minor: number[]): Tick[] {
  const labelled = major.map((value): Tick => ({ value, text: number(value, 3) }));
  const plain = minor.filter((v) => !major.includes(v)).map((value): Tick => ({ value, text: null }));
  return [...labelled, ...plain].sort((a, b) => a.value - b.value);
}

function symlogTicks(lo: number, hi: number, threshold: number, most: number): Tick[] {
  if (hi <= threshold && lo >= -threshold) return linearTicks(lo, hi, most);
  const side = (end: number) => (end > threshold ? perDecade(threshold, end, [1]) : []);
  const [up, down] = [side(hi), side(-lo)];
  const stride = Math.max(1, Math.ceil((up.length + down.length) / Math.max(1, most - 1)));
  const starts = (v: number) => modulo(exponent(v), stride) === 0 && 2 * (exponent(v) - exponent(threshold) + 1) > stride;
  const signed = (keep: (v: number) => boolean, zero: number[]) =>
    [...down.filter(keep).map((v) => -v), ...zero, ...up.filter(keep)].filter((v) => v >= lo && v <= hi);
  const major = signed(starts, lo <= 0 && hi >= 0 ? [0] : []);
  return major.length < 2 ? linearTicks(lo, hi, most) : merged(major, signed(() => true, []));
}

/** The most levels of a linear scale, of a finely divided logarithmic one, and of those that are labelled. */
const [MOST_LINEAR, MANY, LABELS] = [15, 22, 8];
/** Fewer levels than this of a logarithmic scale are made more, where there are any between. */
const FEW = 8;
/** The levels of a decade: as many as usual, and finer and coarser ones. */
const [USUAL, FINER, COARSER] = [[1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 3]];

/** Contour levels strictly inside a range. */
export function levels(t: Transform, lo: number, hi: number): Level[] {
  const all = t.kind === "log" ? logLevels(lo, hi) : t.kind === "symlog" ? symlogLevels(lo, hi, t.threshold) : linearLevels(lo, hi);
  const inside = all.filter(({ value }) => value > lo && value < hi);
  return inside.filter(({ value }, k) => k === 0 || value > inside[k - 1].value);
}

function linearLevels(lo: number, hi: number): Level[] {
  const step = niceStep(lo, hi, MOST_LINEAR);
  const margin = 1e-6 * hi - 1e-6 * lo;
  const kept = within(step, lo, hi).filter((n) => multiple(step, n) > lo + margin && multiple(step, n) < hi - margin);
  const values = kept.map((n) => multiple(step, n));
  const every = Math.max(1, Math.ceil(values.length / LABELS));
  const texts = evenlySpaced(values, step.exponent);
  return values.map((value, k) => ({ value, text: texts[k], labelled: modulo(kept[k], every) === 0 }));
}

function insideLog(lo: number, hi: number, mantissas: number[]): number[] {
  return perDecade(lo, hi, mantissas).filter((v) => v > lo * (1 + 1e-6) && v < hi * (1 - 1e-6));
}

function logLevels(lo: number, hi: number): Level[] {
  const of = (set: number[]) => insideLog(lo, hi, set);
  const usual = of(USUAL);
  if (usual.length > MOST_LINEAR) return labelled(wide(usual.length, of));
  if (usual.length >= FEW) return labelled(usual);
  const finer = of(FINER);
  return finer.length < 6 ? linearLevels(lo, hi) : labelled(finer);
}

/** The levels of a scale on which the usual ones are too many. */
function wide(usual: number, of: (set: number[]) => number[]): number[] { return usual <= MANY ? of(COARSER) : decadesOf(of([1])); }

function symlogLevels(lo: number, hi: number, threshold: number): Level[] {
  const side = (end: number, set: number[]) => (end > threshold ? insideLog(threshold * (1 - 1e-5), end, set) : []);
  const margin = 1e-6 * hi - 1e-6 * lo;
  const zero = 0 > lo + margin && 0 < hi - margin ? [0] : [];
  const all = (set: number[]) => [...side(-lo, set).reverse().map((v) => -v), ...zero, ...side(hi, set)];
  const usual = all(USUAL);
  if (usual.length <= 4) return linearLevels(lo, hi);
  if (usual.length > MOST_LINEAR) return labelled(wide(usual.length, all));
  return labelled(usual.length < FEW ? all(FINER) : usual);
}

/** Powers of ten of both signs, and 0, of which at most about `MANY` are kept. */
function decadesOf(values: number[]): number[] {
  if (values.length <= MANY) return values;
  const kept = thinned(values.filter((v) => v !== 0), MANY);
  return [...kept, ...values.filter((v) => v === 0)].sort((a, b) => a - b);
}

/** Labels on all levels where they are few, else on powers of ten, and on every few of these where they are many. */
function labelled(values: number[]): Level[] {
  const powers = values.filter((v) => v === 0 || Math.abs(Math.abs(v) / Number(`1e${exponent(v)}`) - 1) < 1e-9);
  const every = (all: number[]) => {
    const stride = Math.ceil(all.length / LABELS);
    const from = Math.max(0, all.indexOf(0)) % stride;
    return all.filter((_, k) => k >= from && (k - from) % stride === 0);
  };
  const shown = values.length <= LABELS ? values : every(powers.length >= 3 ? powers : values);
  return values.map((value) => ({ value, text: number(value, 3), labelled: shown.includes(value) }));
}

/** The ticks of a colour bar or an axis of values: the labelled levels where at least two fit, else round numbers. */
export function barTicks(t: Transform, lo: number, hi: number, among: Level[], length: number, size: number): Tick[] {
  const at = (v: number) => placeBetween(t, lo, hi, v) * length;
  const shown = among.filter((level) => level.labelled);
  if (shown.length > 1) {
    const all: Tick[] = [...(lo === 0 ? [{ value: 0, text: "0" }] : []), ...shown.filter(({ value }) => value >= lo && value <= hi)];
    for (let stride = 1; stride <= all.length; stride++) {
      const kept = all.filter((_, k) => k % stride === 0);
      const apart = kept.every(({ value }, k) => k === 0 || at(value) - at(kept[k - 1].value) >= 1.25 * size);
      if (kept.length <= LABELS && apart) return kept.map(({ value, text }) => ({ value, text }));
    }
  }
  return fitted(t, lo, hi, length, clamp(Math.floor(length / (1.7 * size)), 3, 8), () => 1.4 * size).filter(({ text }) => text !== null);
}

/** Ticks of an axis of a length: as many as have room. */
export function fitted(t: Transform, lo: number, hi: number, length: number, most: number, room: (a: string, b: string) => number): Tick[] {
  let found: Tick[] = [];
  for (let n = most; n >= 2; n--) {
    found = ticks(t, lo, hi, n);
    const named = found.filter(({ text }) => text !== null);
    const at = (tick: Tick) => placeBetween(t, lo, hi, tick.value) * length;
    if (named.every((tick, k) => k === 0 || Math.abs(at(tick) - at(named[k - 1])) >= room(named[k - 1].text!, tick.text!))) break;
  }
  return found;
}

/** The place of a value between two ends, from 0 to 1; beyond these outside. */
export function placeBetween(t: Transform, lo: number, hi: number, v: number): number {
  const [a, b] = [forward(t, lo), forward(t, hi)];
  return (forward(t, v) - a) / (b - a);
}

/** The scale of values from `lo` to `hi`, and where a logarithm that has to pass 0 turns linear. */
export function choose(log: boolean, lo: number, hi: number, values: () => Iterable<number>): Transform {
  if (!log) return linearOver(lo, hi);
  return lo > 0 ? { kind: "log" } : { kind: "symlog", threshold: threshold(lo, hi, values()) };
}

function threshold(lo: number, hi: number, values: Iterable<number>): number {
  const largest = Math.max(Math.abs(lo), Math.abs(hi));
  const sizes = Float64Array.from(values, Math.abs).filter((v) => Number.isFinite(v) && v !== 0).sort();
  const near = sizes[lo < 0 ? Math.floor(sizes.length / 10) : 0] ?? largest * 1e-3;
  const tiny = 2.2250738585072014e-308;
  const bounded = Math.max(tiny, clamp(near, largest * 1e-6, largest));
  return Math.max(tiny, Number(`1e${exponent(bounded)}`));
}

/** Ends that are apart, also of a constant. */
export function widened(lo: number, hi: number, log: boolean): [number, number] {
  if (hi - lo > 1e-12 * Math.max(Math.abs(lo), Math.abs(hi))) return [lo, hi];
  const ends = (): [number, number] => {
    if (lo === 0) return [-0.5, 0.5];
    if (!log) return [lo - 0.1 * Math.abs(lo), lo + 0.1 * Math.abs(lo)];
    return lo > 0 ? [lo / 1.5, lo * 1.5] : [lo * 1.5, lo / 1.5];
  };
  const [a, b] = ends();
  const [from, to] = [Math.max(a, -Number.MAX_VALUE), Math.min(b, Number.MAX_VALUE)];
  // A tenth of the smallest numbers is nothing.
  return from < to ? [from, to] : [from - SMALLEST, to + SMALLEST];
}
