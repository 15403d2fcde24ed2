// Colour maps as tables of bytes: those of the figures, which come with the data.

export type MapName = "viridis" | "cividis";

/** Entries of a table. */
export const SIZE = 512;

const tables = new Map<string, Uint8Array>();

/** Takes the tables of the page: red, green and blue of each entry in base64, by name. */
export function setTables(packed: Record<string, string>): void {
  for (const [name, base64] of Object.entries(packed)) {
    const rgb = atob(base64);
    const out = new Uint8Array(SIZE * 4).fill(255);
    for (let i = 0; i < 3 * SIZE; i++) out[4 * Math.floor(i / 3) + (i % 3)] = rgb.charCodeAt(i);
    tables.set(name, out);
  }
}

/** The table of a map: `SIZE` RGBA entries from low to high. */
export function colors(name: MapName | "diverging"): Uint8Array {
  return tables.get(name)!;
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
