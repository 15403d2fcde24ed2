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

/** Round numbers from `lo` to `hi`, about `target` of them (at most half as many again). */
export function niceTicks(lo: number, hi: number, target: number): number[] {
  const span = hi - lo;
  if (!(span > 0) || !Number.isFinite(span)) return [lo];
  const rough = span / Math.max(1, target);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.7) ?? 10 * power;
  const out: number[] = [];
  const slack = span * 1e-9;
  for (let k = Math.ceil((lo - slack) / step); k * step <= hi + slack; k++) {
    out.push(Number((k * step).toPrecision(12)));
  }
  return out;
}

/** Round numbers within a grid's axis; only whole ones where all its points are, as counts are. */
export function axisTicks(coords: ArrayLike<number>, target: number): number[] {
  const ticks = niceTicks(coords[0], coords[coords.length - 1], target);
  return Array.from(coords).every(Number.isInteger) ? ticks.filter(Number.isInteger) : ticks;
}
