// Colour maps as tables of bytes: those of the figures, which come with the data.

/** Entries of a table. */
export const SIZE = 512;

/** A table from low to high: RGBA entries, and which of them want white ink. */
export interface Palette { rgba: Uint8Array; dark: Uint8Array }

/** The map of differences, which has 0 in its middle. */
export const DIVERGING = "diverging";

const palettes = new Map<string, Palette>();

/** Takes the tables of the page, by name: red, green, blue, and 1 where ink is white, of each entry, in base64. */
export function setPalettes(packed: Record<string, string>): void {
  palettes.clear();
  for (const [name, base64] of Object.entries(packed)) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const rgba = bytes.map((byte, k) => (k % 4 === 3 ? 255 : byte));
    palettes.set(name, { rgba, dark: bytes.filter((_, k) => k % 4 === 3) });
  }
}

/** The maps that a reader can choose. */
export function mapNames(): string[] { return [...palettes.keys()].filter((name) => name !== DIVERGING); }

export function palette(name: string): Palette { return palettes.get(name)!; }

function entry(t: number): number { return Math.round(Math.min(1, Math.max(0, t)) * (SIZE - 1)); }

/** The CSS colour at t of [0, 1]. */
export function cssColor({ rgba }: Palette, t: number): string {
  const i = 4 * entry(t);
  return `rgb(${rgba[i]},${rgba[i + 1]},${rgba[i + 2]})`;
}

/** Whether ink on the colour at t is white. */
export function isDark({ dark }: Palette, t: number): boolean { return dark[entry(t)] === 1; }

/** The entry of each entry's band where a map has one colour between two levels, each a share of the map; itself without. */
export function banded(levels: number[] | null): Uint16Array {
  if (!levels) return Uint16Array.from({ length: SIZE }, (_, k) => k);
  const ends = [0, ...levels.filter((t) => t > 0 && t < 1), 1];
  const colors = ends.slice(1).map((to, k) => entry((ends[k] + to) / 2));
  let band = 0;
  return Uint16Array.from({ length: SIZE }, (_, k) => {
    while (band + 1 < colors.length && ends[band + 1] <= k / (SIZE - 1)) band++;
    return colors[band];
  });
}
