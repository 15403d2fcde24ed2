// Small line charts: slices, losses along training, off-plane distance.

import { BAND_NAME, bandReach, drawBand, drawSwatch, stretches } from "./band";
import { type Rect, type Theme, fitText, font, prepare } from "./canvas";
import { number } from "./geometry/number";
import { type Transform, choose, fitted, linearOver, placeBetween, widened } from "./geometry/scale";

export interface Series {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  label: string;
  color: string;
  dash?: number[];
  dots?: boolean;
  /** Thinner than others. */
  thin?: boolean;
  /** Entries without a dot: 1 where there is none. */
  undotted?: Uint8Array | null;
  /** Half-width of a band about the line; NaN where it has none. */
  band?: ArrayLike<number>;
}

export interface Chart {
  series: Series[];
  xLabel: string;
  yLabel: string;
  log: boolean;
  /** The largest y shown; what is above is cut at the border. */
  clip?: number | null;
  /** A vertical line at this x, with a dot on every series at the nearest entry. */
  cursor?: number;
  /** Places of the axis that have a dotted line and, where it is not empty, a name above. */
  marks?: { x: number; name: string }[];
}

/** Where the chart's plot is, so that a pointer can be turned into an x. */
export interface Frame { rect: Rect; x0: number; x1: number }

export interface Pen {
  c: CanvasRenderingContext2D;
  rect: Rect;
  toX: (x: number) => number;
  toY: (y: number) => number;
  /** The lowest value of the axis: a log scale has a floor. */
  lo: number;
}

function finite(values: ArrayLike<number>): number[] { return Array.from(values).filter(Number.isFinite); }

function extent(values: number[]): [number, number] {
  let [lo, hi] = [Infinity, -Infinity];
  for (const v of values) [lo, hi] = [Math.min(lo, v), Math.max(hi, v)];
  return [lo, hi];
}

/** The upright scale of a chart. */
interface Upright { transform: Transform; lo: number; hi: number }

function scaleOf(chart: Chart): Upright {
  const all = chart.series.flatMap((s) => finite(s.y));
  const [min, max] = extent(all);
  const log = chart.log && max > 0;
  const [low, high] = bandReach(chart.series);
  // On a log scale a band may reach down for ever; it gets a third of the height.
  const floor = log && min > 0 ? Math.max(low, min * (max / min) ** -0.5) : low;
  let [lo, hi] = [Math.min(min, floor), Math.max(max, high)];
  if (typeof chart.clip === "number" && chart.clip > lo) hi = Math.min(hi, chart.clip);
  [lo, hi] = widened(lo, hi, log);
  return { transform: choose(log, lo, hi, () => all), lo, hi };
}

/** The series that the legend names. */
function labelled(series: Series[]): Series[] { return series.filter((s) => s.label !== ""); }

/** Draws the chart into its canvas' box; null where there is nothing to draw. */
export function drawChart(canvas: HTMLCanvasElement, chart: Chart, theme: Theme): Frame | null {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (width < 60 || height < 50) return null;
  const c = prepare(canvas, width, height);
  const [x0, x1] = extent(chart.series.flatMap((s) => finite(s.x)));
  if (!(x1 >= x0) || chart.series.every((s) => finite(s.y).length === 0)) {
    nothing(c, width, height, theme);
    return null;
  }
  const scale = scaleOf(chart);
  const legend = placeLegend(c, chart, 58, width - 58 - 12);
  const rows = legend.length > 0 ? legend[legend.length - 1].row + 1 : 0;
  const top = (rows > 0 ? 6 + LEGEND_ROW * rows : 10) + (chart.marks?.some((m) => m.name) ? 14 : 0);
  const rect = { x: 54, y: top, w: width - 54 - 12, h: height - top - 36 };
  const span = x1 - x0 || 1;
  const toX = (x: number) => rect.x + ((x - x0) / span) * rect.w;
  const toY = (y: number) => rect.y + (1 - (0.04 + 0.92 * placeBetween(scale.transform, scale.lo, scale.hi, y))) * rect.h;
  const pen: Pen = { c, rect, toX, toY, lo: scale.lo };
  drawAxes(pen, chart, scale, theme, x0, x1);
  drawMarks(pen, (chart.marks ?? []).filter(({ x }) => x >= x0 && x <= x1), theme);
  c.save();
  c.beginPath();
  c.rect(rect.x, rect.y, rect.w, rect.h);
  c.clip();
  for (const s of chart.series) drawSeries(pen, s);
  c.restore();
  if (chart.cursor !== undefined) drawCursor(pen, chart, theme);
  drawLegend(c, chart, legend, theme);
  return { rect, x0, x1: x0 + span };
}

function nothing(c: CanvasRenderingContext2D, width: number, height: number, theme: Theme): void {
  c.font = font(12);
  c.fillStyle = theme.muted;
  c.textAlign = "center";
  c.fillText("nothing finite to draw here", width / 2, height / 2);
}

/** Size of the words of ticks, in pixels. */
const FONT = 10.5;

function drawAxes({ c, rect, toX, toY }: Pen, chart: Chart, scale: Upright, theme: Theme, x0: number, x1: number): void {
  c.font = font(FONT);
  c.lineWidth = 1;
  c.textAlign = "right";
  c.textBaseline = "middle";
  const { transform, lo, hi } = scale;
  const most = Math.min(8, Math.max(3, Math.floor(rect.h / (1.7 * FONT))));
  for (const { value, text } of fitted(transform, lo, hi, 0.92 * rect.h, most, () => 1.4 * FONT)) {
    if (text === null) continue;
    const y = toY(value);
    c.strokeStyle = theme.grid;
    c.beginPath();
    c.moveTo(rect.x, y);
    c.lineTo(rect.x + rect.w, y);
    c.stroke();
    c.fillStyle = theme.muted;
    c.fillText(text, rect.x - 6, y);
  }
  c.textAlign = "center";
  c.textBaseline = "top";
  const apart = (a: string, b: string) => (c.measureText(a).width + c.measureText(b).width) / 2 + FONT;
  for (const { value, text } of x1 > x0 ? fitted(linearOver(x0, x1), x0, x1, rect.w, 7, apart) : [{ value: x0, text: number(x0) }]) {
    c.strokeStyle = theme.muted;
    c.beginPath();
    c.moveTo(toX(value), rect.y + rect.h);
    c.lineTo(toX(value), rect.y + rect.h + 4);
    c.stroke();
    c.fillText(text ?? "", toX(value), rect.y + rect.h + 6);
  }
  c.strokeStyle = theme.muted;
  c.beginPath();
  c.moveTo(rect.x, rect.y);
  c.lineTo(rect.x, rect.y + rect.h);
  c.lineTo(rect.x + rect.w, rect.y + rect.h);
  c.stroke();
  c.font = font(11.5);
  c.fillStyle = theme.ink;
  c.fillText(fitText(c, chart.xLabel, rect.w), rect.x + rect.w / 2, rect.y + rect.h + 20);
  c.save();
  c.translate(12, rect.y + rect.h / 2);
  c.rotate(-Math.PI / 2);
  c.textBaseline = "middle";
  c.fillText(fitText(c, transform.kind === "log" || transform.kind === "symlog" ? `${chart.yLabel} (log)` : chart.yLabel, rect.h + 20), 0, 0);
  c.restore();
}

/** Dotted lines through places of the axis, their names above: as the figures mark models. */
function drawMarks({ c, rect, toX }: Pen, marks: { x: number; name: string }[], theme: Theme): void {
  c.strokeStyle = c.fillStyle = theme.muted;
  c.font = font(11, 600);
  c.textBaseline = "alphabetic";
  c.lineWidth = 1;
  c.setLineDash([2, 3]);
  for (const { x, name } of marks) {
    const at = toX(x);
    c.beginPath();
    c.moveTo(at, rect.y);
    c.lineTo(at, rect.y + rect.h);
    c.stroke();
    const share = (at - rect.x) / rect.w;
    c.textAlign = share < 0.2 ? "left" : share > 0.8 ? "right" : "center";
    c.fillText(fitText(c, name, 0.45 * rect.w), at, rect.y - 5);
  }
  c.setLineDash([]);
}

function drawSeries(pen: Pen, s: Series): void {
  const { c, toX, toY } = pen;
  if (s.band) drawBand(pen, s);
  c.strokeStyle = c.fillStyle = s.color;
  c.lineWidth = s.thin ? 1 : 1.6;
  c.lineJoin = "round";
  for (const [from, to] of stretches(s.y.length, (k) => Number.isFinite(s.y[k]))) {
    c.setLineDash(s.dash ?? []);
    c.beginPath();
    for (let k = from; k <= to; k++) c.lineTo(toX(s.x[k]), toY(s.y[k]));
    c.stroke();
    c.setLineDash([]);
    const dots = (s.dots && s.x.length <= 80) || from === to;
    if (!dots) continue;
    for (let k = from; k <= to; k++) if (!s.undotted?.[k]) disc(c, toX(s.x[k]), toY(s.y[k]), 2.3);
  }
}

function disc(c: CanvasRenderingContext2D, x: number, y: number, r: number): void {
  c.beginPath();
  c.arc(x, y, r, 0, 2 * Math.PI);
  c.fill();
}

function closest(xs: ArrayLike<number>, x: number): number {
  let best = 0;
  for (let k = 1; k < xs.length; k++) if (Math.abs(xs[k] - x) < Math.abs(xs[best] - x)) best = k;
  return best;
}

function drawCursor({ c, rect, toX, toY }: Pen, chart: Chart, theme: Theme): void {
  const x = toX(chart.cursor!);
  if (x < rect.x - 1 || x > rect.x + rect.w + 1) return;
  c.strokeStyle = theme.ink;
  c.globalAlpha = 0.6;
  c.lineWidth = 1;
  c.beginPath();
  c.moveTo(x, rect.y);
  c.lineTo(x, rect.y + rect.h);
  c.stroke();
  c.globalAlpha = 1;
  for (const s of chart.series) {
    const y = toY(s.y[closest(s.x, chart.cursor!)]);
    if (!Number.isFinite(y) || y < rect.y - 1) continue;
    c.fillStyle = theme.panel;
    disc(c, x, y, 5);
    c.fillStyle = s.color;
    disc(c, x, y, 3.6);
  }
}

/** An entry of the legend and where it stands, its row counted from the top. */
interface Placed { series: Series | null; text: string; x: number; row: number }

/** Height of a row of the legend, in pixels. */
const LEGEND_ROW = 16;

/** The series where there are several, and what bands are where there are some, in rows that fit. */
function placeLegend(c: CanvasRenderingContext2D, chart: Chart, left: number, width: number): Placed[] {
  const named = labelled(chart.series);
  const entries: { series: Series | null; label: string }[] = (named.length > 1 ? named : []).map((series) => ({ series, label: series.label }));
  if (chart.series.some((s) => s.band)) entries.push({ series: null, label: BAND_NAME });
  c.font = font(11);
  let [x, row] = [left, 0];
  return entries.map(({ series, label }) => {
    const text = fitText(c, label, width - 25);
    const wide = 25 + c.measureText(text).width;
    if (x > left && x + wide > left + width) [x, row] = [left, row + 1];
    const placed = { series, text, x, row };
    x += wide + 16;
    return placed;
  });
}

function drawLegend(c: CanvasRenderingContext2D, chart: Chart, legend: Placed[], theme: Theme): void {
  c.font = font(11);
  c.textAlign = "left";
  c.textBaseline = "middle";
  for (const { series, text, x, row } of legend) {
    const y = 10 + LEGEND_ROW * row;
    c.fillStyle = theme.ink;
    c.fillText(text, x + 25, y);
    if (!series) {
      drawSwatch(c, chart.series, x, y);
      continue;
    }
    c.strokeStyle = series.color;
    c.lineWidth = 2;
    c.setLineDash(series.dash ?? []);
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x + 20, y);
    c.stroke();
    c.setLineDash([]);
  }
}
