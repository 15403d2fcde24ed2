// Numbers as people read them.

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function superscript(n: number): string {
  const digits = [...Math.abs(n).toString()].map((d) => SUPERSCRIPT[+d]).join("");
  return (n < 0 ? "⁻" : "") + digits;
}

/** A number with `digits` significant digits, with a true minus sign and `×10ⁿ` where it is very large or small. */
export function number(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = value.toExponential(Math.max(0, digits - 1)).split("e");
    const head = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    const power = `10${superscript(+exponent)}`;
    const text = head === "1" ? power : head === "-1" ? `-${power}` : `${head}×${power}`;
    return text.replace("-", "−");
  }
  const text = value.toPrecision(digits);
  const plain = text.includes("e") ? String(Math.round(value)) : text;
  const short = plain.includes(".") ? plain.replace(/\.?0+$/, "") : plain;
  return short.replace("-", "−");
}

/** A fraction as a percentage. */
export function percent(fraction: number, digits = 1): string {
  return Number.isFinite(fraction) ? `${(100 * fraction).toFixed(digits)} %` : "–";
}

/** A count in groups of three digits. */
export function grouped(n: number): string {
  return n.toLocaleString("en-US").replace(/,/g, "\u202f");
}

/** "1 point", "3 points". */
export function count(n: number, noun: string): string {
  return `${grouped(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Full precision for files: what a program reads back exactly. */
export function exact(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return String(value);
}

/** Beyond this many steps from 0 the multiples of a step are not told apart. */
const FINEST = 2 ** 50;

/**
 * Round numbers from `lo` to `hi`, about `target` of them (at most half as many again); the ends themselves where
 * no round numbers lie between neighbours. Holds for every pair of numbers: a span may be too large to be one.
 */
export function niceTicks(lo: number, hi: number, target: number): number[] {
  if (!(hi > lo) || !Number.isFinite(lo) || !Number.isFinite(hi)) return [lo];
  const parts = Math.max(1, target);
  const span = hi - lo;
  const rough = Math.max(Number.MIN_VALUE, Number.isFinite(span) ? span / parts : hi / parts - lo / parts);
  const exponent = Math.floor(Math.log10(rough));
  const of = (m: number) => Number(`${m}e${exponent}`);
  const m = [1, 2, 5, 10].find((m) => of(m) >= rough * 0.7) ?? 10;
  const step = of(m);
  if (!(step > 0) || Math.max(Math.abs(lo), Math.abs(hi)) / step > FINEST) return [lo, hi];
  const slack = step * 1e-9;
  const out: number[] = [];
  for (let k = Math.ceil(lo / step - 1e-6); k <= Math.floor(hi / step + 1e-6); k++) {
    const v = of(k * m);
    if (Number.isFinite(v) && v >= lo - slack && v <= hi + slack && v !== out[out.length - 1]) out.push(v === 0 ? 0 : v);
  }
  return out.length > 0 ? out : [lo, hi];
}

/** Digits that tell ticks apart: `least` of them where that is enough. */
export function digitsOf(ticks: number[], least = 3): number {
  let digits = least;
  while (digits < 17 && new Set(ticks.map((v) => number(v, digits))).size < ticks.length) digits++;
  return digits;
}

/** Round numbers within a grid's axis; only whole ones where all its points are, as counts are. */
export function axisTicks(coords: ArrayLike<number>, target: number): number[] {
  const ticks = niceTicks(coords[0], coords[coords.length - 1], target);
  return Array.from(coords).every(Number.isInteger) ? ticks.filter(Number.isInteger) : ticks;
}
