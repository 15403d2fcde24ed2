// Colour maps as tables of bytes.

import { interpolateCividis, interpolateViridis } from "d3-scale-chromatic";

export type MapName = "viridis" | "cividis";

/** Entries of a table. */
export const SIZE = 512;

/** Blue, near-white, vermilion (Okabe-Ito): for differences, told apart by colour-blind readers too. */
const DIVERGING = [[0, 52, 110], [0, 114, 178], [130, 186, 222], [245, 245, 243], [240, 165, 110], [213, 94, 0], [120, 40, 0]];

function parse(css: string): number[] {
  const hex = /^#(..)(..)(..)$/.exec(css);
  if (hex) return hex.slice(1).map((h) => parseInt(h, 16));
  return (css.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

function diverging(t: number): number[] {
  const x = t * (DIVERGING.length - 1);
  const i = Math.min(DIVERGING.length - 2, Math.floor(x));
  return DIVERGING[i].map((c, k) => c + (x - i) * (DIVERGING[i + 1][k] - c));
}

/** A table of `SIZE` RGBA entries. */
export function table(name: MapName | "diverging"): Uint8Array {
  const color = { viridis: interpolateViridis, cividis: interpolateCividis };
  const out = new Uint8Array(SIZE * 4);
  for (let i = 0; i < SIZE; i++) {
    const t = i / (SIZE - 1);
    const rgb = name === "diverging" ? diverging(t) : parse(color[name](t));
    out.set([...rgb.map(Math.round), 255], 4 * i);
  }
  return out;
}

const cache = new Map<string, Uint8Array>();

/** The table of a map, made once. */
export function colors(name: MapName | "diverging"): Uint8Array {
  let found = cache.get(name);
  if (!found) cache.set(name, (found = table(name)));
  return found;
}

/** The CSS colour at t of [0, 1]. */
export function cssColor(map: Uint8Array, t: number): string {
  const i = 4 * Math.round(Math.min(1, Math.max(0, t)) * (SIZE - 1));
  return `rgb(${map[i]},${map[i + 1]},${map[i + 2]})`;
}

/** True where white ink is easier to read than black. */
export function isDark(map: Uint8Array, t: number): boolean {
  const i = 4 * Math.round(Math.min(1, Math.max(0, t)) * (SIZE - 1));
  return 0.3 * map[i] + 0.59 * map[i + 1] + 0.11 * map[i + 2] < 135;
}
