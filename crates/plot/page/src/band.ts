// Error bands: what the standard errors of a run say about its losses, and how that is drawn.

import type { Pen, Series } from "./chart";
import type { Run } from "./data";

/** Half-width of a band in standard errors, 95 % of a normal distribution: the figures have the same. */
export const BAND = 1.96;

/** What a band is, for legends and tooltips. */
export const BAND_NAME = `± ${BAND} standard errors`;

/** Half-widths of a band from standard errors; nothing where no error is known or all are 0. */
export function bandFrom(errors: ArrayLike<number> | undefined): Float64Array | undefined {
  if (!errors || !Array.from(errors).some((e) => e > 0)) return undefined;
  return Float64Array.from(errors, (e) => BAND * e);
}

/** The band of a line; at an interpolated point, which has no error, it lies between its neighbours', so that it goes on. */
export function bandOf(run: Run): Float64Array | undefined {
  const band = bandFrom(run.quantities.find((q) => q.key === "loss_se")?.data);
  if (!band || !run.interpolated) return band;
  let last = -1;
  for (let k = 0; k < band.length; k++) {
    if (run.interpolated[k] || !Number.isFinite(band[k])) continue;
    for (let m = last + 1; last >= 0 && m < k; m++) {
      if (run.interpolated[m]) band[m] = band[last] + ((m - last) / (k - last)) * (band[k] - band[last]);
    }
    last = k;
  }
  return band;
}

/** Stretches of entries that `known` accepts, first and last index of each: nothing drawn ever bridges a gap. */
export function stretches(n: number, known: (k: number) => boolean): [number, number][] {
  const out: [number, number][] = [];
  for (let k = 0; k < n; k++) {
    if (!known(k)) continue;
    if (k > 0 && known(k - 1)) out[out.length - 1][1] = k;
    else out.push([k, k]);
  }
  return out;
}

/** Fewer neighbours than this have error bars: a band of them would be a blot. */
const FEW = 4;

/** Where a series has a band; points with few neighbours, which have error bars, are stretches of their own. */
export function bandStretches({ y, band }: Pick<Series, "y" | "band">): [number, number][] {
  if (!band) return [];
  const known = stretches(y.length, (k) => Number.isFinite(y[k]) && Number.isFinite(band[k]));
  return known.flatMap(([from, to]): [number, number][] =>
    to - from + 1 >= FEW ? [[from, to]] : Array.from({ length: to - from + 1 }, (_, k) => [from + k, from + k]));
}

/** The lowest and highest value that bands reach; infinite where there are none. */
export function bandReach(series: Series[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const s of series) {
    for (const [from, to] of bandStretches(s)) {
      for (let k = from; k <= to; k++) [low, high] = [Math.min(low, s.y[k] - s.band![k]), Math.max(high, s.y[k] + s.band![k])];
    }
  }
  return [low, high];
}

/** A band where neighbours have errors too, error bars at points that stand alone. */
export function drawBand(pen: Pen, s: Series): void {
  const { c, toX } = pen;
  // What lies below the axis leaves the frame, and does not end on its floor.
  const toY = (y: number) => (y < pen.lo ? pen.rect.y + pen.rect.h + 9 : pen.toY(y));
  c.fillStyle = c.strokeStyle = s.color;
  for (const [from, to] of bandStretches(s)) {
    if (from === to) {
      drawBar(c, toX(s.x[from]), toY(s.y[from] - s.band![from]), toY(s.y[from] + s.band![from]));
      continue;
    }
    c.globalAlpha = 0.2;
    c.beginPath();
    for (let k = from; k <= to; k++) c.lineTo(toX(s.x[k]), toY(s.y[k] + s.band![k]));
    for (let k = to; k >= from; k--) c.lineTo(toX(s.x[k]), toY(s.y[k] - s.band![k]));
    c.fill();
    c.globalAlpha = 1;
  }
}

function drawBar(c: CanvasRenderingContext2D, x: number, bottom: number, top: number): void {
  c.lineWidth = 1;
  c.globalAlpha = 0.65;
  c.beginPath();
  c.moveTo(x, bottom);
  c.lineTo(x, top);
  for (const y of [bottom, top]) {
    c.moveTo(x - 3, y);
    c.lineTo(x + 3, y);
  }
  c.stroke();
  c.globalAlpha = 1;
}

/** The swatch of bands and error bars in a legend, 20 pixels wide. */
export function drawSwatch(c: CanvasRenderingContext2D, series: Series[], x: number, y: number): void {
  const all = series.flatMap(bandStretches);
  c.fillStyle = c.strokeStyle = series.find((s) => s.band)!.color;
  c.globalAlpha = 0.2;
  if (all.some(([from, to]) => from < to)) c.fillRect(x, y - 5, 20, 10);
  c.globalAlpha = 1;
  if (all.some(([from, to]) => from === to)) drawBar(c, x + 10, y + 5, y - 5);
}
