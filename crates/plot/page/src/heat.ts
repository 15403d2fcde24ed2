// The heat map of a plane: one pixel of colour for every CSS pixel, bilinear or cell by cell.

import { SIZE } from "./colormap";
import { bilinear } from "./field";
import type { Pane } from "./model";

/** Positions in the scale's whole range of every grid value; NaN where not finite. */
export function rawValues(pane: Pane): Float64Array {
  return Float64Array.from(pane.field.v, (value) => pane.scale.raw(value));
}

/** Column (or row) of the grid under each pixel centre, in fractional indices; edge cells are half outside in `cells` mode. */
function lookup(pixels: number, n: number, cells: boolean): Float64Array {
  const span = cells ? n : n - 1;
  return Float64Array.from({ length: pixels }, (_, p) => ((p + 0.5) / pixels) * span - (cells ? 0.5 : 0));
}

/**
 * Paints the plane at `w` by `h` pixels, the second axis upwards. Pixels of NaN stay transparent (the hatching beneath
 * shows), pixels of points not computed take `blank`. A value that is not finite fills its own cell and is never blended.
 */
export function heatImage(
  pane: Pane, raw: Float64Array, map: Uint8Array, w: number, h: number, cells: boolean, blank: [number, number, number],
): ImageData {
  const { field, scale } = pane;
  const { nx, ny } = field;
  const image = new ImageData(w, h);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = new Uint32Array(map.buffer, map.byteOffset, SIZE);
  const empty = (255 << 24) | (blank[2] << 16) | (blank[1] << 8) | blank[0];
  const xs = lookup(w, nx, cells);
  const ys = lookup(h, ny, cells);
  const factor = (SIZE - 1) / scale.top;
  for (let row = 0; row < h; row++) {
    const y = ys[h - 1 - row];
    for (let col = 0; col < w; col++) {
      const x = xs[col];
      let t = cells ? NaN : bilinear(raw, nx, ny, x, y);
      if (Number.isNaN(t)) {
        const [i, j] = [Math.round(x), Math.round(y)];
        t = raw[i * ny + j];
        if (Number.isNaN(t)) {
          if (field.missing(i, j)) pixels[row * w + col] = empty;
          continue;
        }
      }
      pixels[row * w + col] = colors[Math.max(0, Math.min(SIZE - 1, Math.round(t * factor)))];
    }
  }
  return image;
}
