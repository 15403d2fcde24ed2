// Numbers as the figures write them: a true minus sign, no trailing zeros, powers of ten.

/** The largest k with 10^k <= |v|; `v` is finite and not 0. */
export function exponent(v: number): number {
  const size = Math.abs(v);
  let k = Math.floor(Math.log10(size));
  if (pow10(k + 1) <= size) k++;
  else if (pow10(k) > size) k--;
  return k;
}

/** 10^k, correctly rounded. */
function pow10(k: number): number { return Number(`1e${k}`); }

/** m 10^k with the fewest roundings. */
export function scaled(m: number, k: number): number {
  if (k >= 0 && k <= 22) return m * pow10(k);
  if (k < 0 && k >= -22) return m / pow10(-k);
  const [digits, shift] = m.toExponential().split("e");
  return Number(`${digits}e${Number(shift) + k}`);
}

/** So many further digits tell a half from its neighbours. */
const BEYOND = 30;

/** The size of a number with a fixed count of decimals; a half goes to the even digit. */
function decimal(size: number, decimals: number): string {
  const text = size.toFixed(decimals);
  const [whole, part] = size.toFixed(decimals + BEYOND).split(".");
  const odd = Number(text.at(-1)) % 2 === 1;
  if (!odd || !/^50*$/.test(part.slice(decimals))) return text;
  return decimals === 0 ? whole : `${whole}.${part.slice(0, decimals)}`;
}

/** A number with a fixed count of decimals. */
function fixed(v: number, decimals: number): string {
  const text = decimal(Math.abs(v), decimals);
  return v < 0 && !/^[0.]*$/.test(text) ? `−${text}` : text;
}

const SUPERSCRIPT = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function power(k: number): string {
  return "10" + [...String(k)].map((d) => (d === "-" ? "⁻" : SUPERSCRIPT[+d])).join("");
}

function trimmed(text: string): string { return text.includes(".") ? text.replace(/\.?0+$/, "") : text; }

/** m × 10^k, the mantissa left out where it is one. */
function scientific(v: number, digits: number): string {
  let k = exponent(v);
  let mantissa = trimmed(fixed(scaled(Math.abs(v), -k), digits));
  if (mantissa === "10") [mantissa, k] = ["1", k + 1];
  return (v < 0 ? "−" : "") + (mantissa === "1" ? power(k) : `${mantissa}×${power(k)}`);
}

/** A number by itself, with up to `significant` digits. */
export function number(v: number, significant = 4): string {
  if (Number.isNaN(v)) return "NaN";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  if (v === 0) return "0";
  const k = exponent(v);
  if (k < -3 || k >= 5) return scientific(v, Math.max(0, significant - 1));
  return trimmed(fixed(v, Math.max(0, significant - 1 - k)));
}

/** All digits that tell a number from its neighbours. */
export function shortest(v: number): string {
  const plain = v === 0 || Number.isFinite(v) && exponent(v) >= -4 && exponent(v) < 16;
  return plain ? String(v === 0 ? 0 : v).replace("-", "−") : number(v, DIGITS);
}

/** The most digits that an f64 has. */
const DIGITS = 17;

/** Labels of evenly spaced values that are multiples of 10^`step`, all written alike. */
export function evenlySpaced(values: number[], step: number): string[] {
  const largest = values.reduce((a, v) => Math.max(a, Math.abs(v)), 0);
  if (largest === 0) return values.map(() => "0");
  const top = exponent(largest);
  const digits = Math.min(Math.max(0, top - step), DIGITS - 1);
  const plain = top >= -4 && top < 5 || digits > 5 && top >= -8 && top < DIGITS;
  const decimals = Math.max(0, -step);
  return values.map((v) => {
    if (v === 0) return fixed(0, plain ? decimals : 0);
    return plain ? fixed(v, decimals) : scientific(v, digits);
  });
}
