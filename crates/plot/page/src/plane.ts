// The contour panel: heat map, labelled contour lines, axes, colour bar, path; linked with the 3D surface by the store.

import { type Rect, type Theme, fitText, font, haloText, hatch, pixelRatio, prepare, split } from "./canvas";
import { BAR_WIDTH, drawColorbar } from "./colorbar";
import { colors, isDark } from "./colormap";
import { type Contour, borders, smoothContours } from "./contour";
import { nearest, refined } from "./field";
import { axisTicks, digitsOf, number } from "./format";
import { heatImage, rawValues } from "./heat";
import { type Pane } from "./model";
import { drawCrosshair, drawPaths, models, originLabel, originMark } from "./overlay";
import type { State, Store } from "./state";

/** A pane's plot on the canvas and the transforms between data and pixels. */
export interface Plot {
  pane: Pane;
  rect: Rect;
  /** Data coordinates of the left, right, bottom and top border. */
  extent: [number, number, number, number];
  toX: (x: number) => number;
  toY: (y: number) => number;
}

interface Prepared { key: string; raw: Float64Array; lines: Contour[]; linesKey: string }

const MARGIN = { left: 52, right: 8, top: 22, bottom: 40 };

export class PlaneView {
  plots: Plot[] = [];
  private readonly base: HTMLCanvasElement;
  private readonly over: HTMLCanvasElement;
  private prepared = new Map<string, Prepared>();
  private drawn = "";

  constructor(readonly box: HTMLElement, private readonly store: Store, onHover: (event: PointerEvent | null, pane: Pane | null) => void) {
    [this.base, this.over] = [...box.querySelectorAll("canvas")];
    this.over.addEventListener("pointermove", (e) => onHover(e, this.inspect(e, false)));
    this.over.addEventListener("pointerdown", (e) => onHover(e, this.inspect(e, true)));
    this.over.addEventListener("pointerleave", () => onHover(null, null));
  }

  /** The plot under a pointer. */
  private plotAt(event: PointerEvent): { plot: Plot; x: number; y: number } | null {
    const area = this.over.getBoundingClientRect();
    const [px, py] = [event.clientX - area.left, event.clientY - area.top];
    for (const plot of this.plots) {
      const r = plot.rect;
      if (px < r.x || py < r.y || px > r.x + r.w || py > r.y + r.h) continue;
      const [x0, x1, y0, y1] = plot.extent;
      return { plot, x: x0 + ((px - r.x) / r.w) * (x1 - x0), y: y1 + ((py - r.y) / r.h) * (y0 - y1) };
    }
    return null;
  }

  /** Moves the inspected point; a press pins it, a press on the pinned point frees it. */
  private inspect(event: PointerEvent, press: boolean): Pane | null {
    const hit = this.plotAt(event);
    if (!hit) return null;
    const { field } = hit.plot.pane;
    const point: [number, number] = [field.xs[nearest(field.xs, hit.x)], field.ys[nearest(field.ys, hit.y)]];
    const { pinned, point: old } = this.store.state;
    if (press) {
      const same = pinned && old !== null && old[0] === point[0] && old[1] === point[1];
      this.store.set({ point, pinned: !same });
    } else if (!pinned || event.buttons === 1) this.store.set({ point });
    return hit.plot.pane;
  }

  update(panes: Pane[], state: State, theme: Theme): void {
    this.fitBox(panes);
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width < 40 || height < 40) return;
    const scales = panes.map((p) => `${p.key}/${p.scale.top}`).join("|");
    const drawn = [scales, width, height, pixelRatio(), state.map, state.cells, state.lines, theme.ink].join("#");
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.layout(panes, width, height, state.cells);
      const c = prepare(this.base, width, height);
      for (const plot of this.plots) this.drawBase(c, plot, state, theme, panes.length > 1 || plot.pane.scale.diverging);
    }
    this.plots.forEach((plot, k) => (plot.pane = panes[k]));
    const c = prepare(this.over, width, height);
    for (const plot of this.plots) {
      drawPaths(c, plot, theme);
      drawOrigin(c, plot);
      if (state.point) drawCrosshair(c, plot, state.point, state.pinned);
    }
  }

  /** Where the panels stand one above the other, a wide plane takes only the height that it needs. */
  private fitBox(panes: Pane[]): void {
    const stacked = panes.length === 1 && this.box.clientWidth > 0.7 * document.body.clientWidth;
    const { xs, ys, nx, ny } = panes[0].field;
    const aspect = (xs[nx - 1] - xs[0]) / (ys[ny - 1] - ys[0]);
    const wanted = (this.box.clientWidth - MARGIN.left - MARGIN.right - BAR_WIDTH) / aspect + MARGIN.top + MARGIN.bottom;
    const needed = stacked && panes[0].run.equalAspect && aspect < 4 ? `${Math.round(Math.max(220, wanted))}px` : "";
    if (this.box.style.maxHeight !== needed) this.box.style.maxHeight = needed;
  }

  /** Both canvases as one picture, for the export. */
  paint(c: CanvasRenderingContext2D, x: number, y: number, w: number, h: number): void {
    c.drawImage(this.base, x, y, w, h);
    c.drawImage(this.over, x, y, w, h);
  }

  private layout(panes: Pane[], width: number, height: number, cells: boolean): void {
    const boxes = split(width, height, panes.length, 8);
    this.plots = panes.map((pane, k) => {
      const cell = boxes[k];
      const room: Rect = {
        x: cell.x + MARGIN.left, y: cell.y + MARGIN.top,
        w: cell.w - MARGIN.left - MARGIN.right - BAR_WIDTH, h: cell.h - MARGIN.top - MARGIN.bottom,
      };
      const rect = fitAspect(room, pane);
      const extent = extentOf(pane, cells);
      const [x0, x1, y0, y1] = extent;
      const toX = (x: number) => rect.x + ((x - x0) / (x1 - x0)) * rect.w;
      const toY = (y: number) => rect.y + ((y1 - y) / (y1 - y0)) * rect.h;
      return { pane, rect, extent, toX, toY };
    });
  }

  private drawBase(c: CanvasRenderingContext2D, plot: Plot, state: State, theme: Theme, titled: boolean): void {
    const { pane, rect } = plot;
    const map = colors(pane.scale.diverging ? "diverging" : state.map);
    const ready = this.prepare(pane, state.cells);
    c.fillStyle = hatch(c, theme.dark);
    c.fillRect(rect.x, rect.y, rect.w, rect.h);
    drawHeat(c, plot, ready.raw, map, state.cells, theme);
    if (state.lines) drawContours(c, plot, ready.lines, map);
    drawAxes(c, plot, theme);
    if (titled) {
      c.font = font(12.5, 600);
      c.textAlign = "left";
      c.textBaseline = "alphabetic";
      c.fillStyle = theme.ink;
      c.fillText(fitText(c, pane.title, rect.w), rect.x, rect.y - 8);
    }
    drawColorbar(c, pane, map, { x: rect.x + rect.w + 10, y: rect.y, w: BAR_WIDTH, h: rect.h }, theme);
  }

  /** Values and contour lines of a pane; the lines interpolate just as the colours do. */
  private prepare(pane: Pane, cells: boolean): Prepared {
    let ready = this.prepared.get(pane.key);
    if (!ready) {
      if (this.prepared.size > 16) this.prepared.clear();
      ready = { key: pane.key, raw: rawValues(pane), lines: [], linesKey: "" };
      this.prepared.set(pane.key, ready);
    }
    const levels = pane.scale.levels();
    const linesKey = [cells, ...levels].join();
    if (ready.linesKey !== linesKey) {
      const { nx, ny } = pane.field;
      const fine = refined(ready.raw, nx, ny);
      const at = (level: number) => (cells ? borders(ready.raw, nx, ny, level) : smoothContours(fine, level));
      ready.lines = levels.flatMap((level) => at(pane.scale.raw(level)).map((line) => ({ ...line, level })));
      ready.linesKey = linesKey;
    }
    return ready;
  }
}

/** The borders of a plot: the grid's own, or half a cell further out where cells are drawn. */
function extentOf(pane: Pane, cells: boolean): [number, number, number, number] {
  const { xs, ys, nx, ny } = pane.field;
  const [px, py] = cells ? [(xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2] : [0, 0];
  return [xs[0] - px, xs[nx - 1] + px, ys[0] - py, ys[ny - 1] + py];
}

/** The largest box with the data's own aspect, where the axes have the same unit and it isn't extreme. */
function fitAspect(room: Rect, pane: Pane): Rect {
  const { xs, ys, nx, ny } = pane.field;
  const aspect = (xs[nx - 1] - xs[0]) / (ys[ny - 1] - ys[0]);
  let { w, h } = room;
  if (pane.run.equalAspect && aspect < 4 && aspect > 0.25) {
    [w, h] = w / h > aspect ? [h * aspect, h] : [w, w / aspect];
  }
  return { x: room.x + (room.w - w) / 2, y: room.y + (room.h - h) / 2, w, h };
}

function parseRgb(css: string): [number, number, number] {
  const n = parseInt(css.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

function drawHeat(c: CanvasRenderingContext2D, plot: Plot, raw: Float64Array, map: Uint8Array, cells: boolean, theme: Theme): void {
  const { rect, pane } = plot;
  const sharp = Math.min(pixelRatio(), 900 / Math.max(rect.w, rect.h));
  const [w, h] = [Math.max(1, Math.round(rect.w * sharp)), Math.max(1, Math.round(rect.h * sharp))];
  const sheet = document.createElement("canvas");
  [sheet.width, sheet.height] = [w, h];
  sheet.getContext("2d")!.putImageData(heatImage(pane, raw, map, w, h, cells, parseRgb(theme.panel)), 0, 0);
  c.imageSmoothingEnabled = !cells;
  c.drawImage(sheet, rect.x, rect.y, rect.w, rect.h);
}

/** Pixel coordinates of a contour's points. */
function toPixels(plot: Plot, line: Contour): Float64Array {
  const { xs, ys } = plot.pane.field;
  const [dx, dy] = [xs[1] - xs[0], ys[1] - ys[0]];
  return line.points.map((v, k) => (k % 2 === 0 ? plot.toX(xs[0] + v * dx) : plot.toY(ys[0] + v * dy)));
}

function drawContours(c: CanvasRenderingContext2D, plot: Plot, lines: Contour[], map: Uint8Array): void {
  const { scale } = plot.pane;
  const labelled = new Set(scale.labelled());
  const places: [number, number][] = [];
  const labels: (() => void)[] = [];
  c.lineWidth = 0.9;
  c.lineJoin = "round";
  for (const line of lines) {
    const p = toPixels(plot, line);
    const dark = isDark(map, scale.t(line.level));
    c.strokeStyle = dark ? "rgba(255,255,255,.6)" : "rgba(0,0,0,.5)";
    c.beginPath();
    for (let k = 0; k < p.length; k += 2) c.lineTo(p[k], p[k + 1]);
    if (line.closed) c.closePath();
    c.stroke();
    if (!labelled.has(line.level)) continue;
    const spot = labelSpot(densified(p), plot.rect, places);
    if (!spot) continue;
    places.push([spot.x, spot.y]);
    labels.push(() => drawLabel(c, scale.text(line.level) ?? number(line.level, 3), spot));
  }
  labels.forEach((draw) => draw());
}

/** The same line with a point at least every few pixels, so that labels find places between far corners. */
function densified(p: Float64Array): number[] {
  const out: number[] = [p[0], p[1]];
  for (let k = 2; k < p.length; k += 2) {
    const [dx, dy] = [p[k] - p[k - 2], p[k + 1] - p[k - 1]];
    const steps = Math.max(1, Math.ceil(Math.hypot(dx, dy) / 6));
    for (let n = 1; n <= steps; n++) out.push(p[k - 2] + (n / steps) * dx, p[k - 1] + (n / steps) * dy);
  }
  return out;
}

interface Spot { x: number; y: number; angle: number }

/** The straightest stretch of a contour that is long enough for a label, inside the plot and away from other labels. */
function labelSpot(p: ArrayLike<number>, rect: Rect, taken: [number, number][]): Spot | null {
  const n = p.length / 2;
  const reach = 17;
  const along = new Float64Array(n);
  for (let k = 1; k < n; k++) along[k] = along[k - 1] + Math.hypot(p[2 * k] - p[2 * k - 2], p[2 * k + 1] - p[2 * k - 1]);
  if (along[n - 1] < 90) return null;
  let best: Spot | null = null;
  let straightest = 0.9;
  let [from, to] = [0, 0];
  for (let k = 0; k < n; k++) {
    while (along[k] - along[from] > reach) from++;
    while (to < n - 1 && along[to] - along[k] < reach) to++;
    const [dx, dy] = [p[2 * to] - p[2 * from], p[2 * to + 1] - p[2 * from + 1]];
    const chord = Math.hypot(dx, dy);
    const [x, y] = [p[2 * k], p[2 * k + 1]];
    const inside = x > rect.x + 22 && x < rect.x + rect.w - 22 && y > rect.y + 12 && y < rect.y + rect.h - 12;
    if (!inside || chord < 1.6 * reach || taken.some(([u, v]) => Math.hypot(u - x, v - y) < 52)) continue;
    const straight = chord / (along[to] - along[from]);
    if (straight <= straightest) continue;
    straightest = straight + 0.002;
    let angle = Math.atan2(dy, dx);
    if (angle > Math.PI / 2) angle -= Math.PI;
    if (angle <= -Math.PI / 2) angle += Math.PI;
    best = { x, y, angle };
  }
  return best;
}

function drawLabel(c: CanvasRenderingContext2D, text: string, spot: Spot): void {
  c.save();
  c.translate(spot.x, spot.y);
  c.rotate(spot.angle);
  c.font = font(10.5, 500);
  c.textAlign = "center";
  c.textBaseline = "middle";
  haloText(c, text, 0, 0, "#111", "rgba(255,255,255,.85)");
  c.restore();
}

function drawAxes(c: CanvasRenderingContext2D, plot: Plot, theme: Theme): void {
  const { rect, pane, toX, toY } = plot;
  const { xs, ys } = pane.field;
  c.strokeStyle = theme.muted;
  c.lineWidth = 0.75;
  c.strokeRect(rect.x, rect.y, rect.w, rect.h);
  c.fillStyle = theme.ink;
  c.font = font(11);
  c.textAlign = "center";
  c.textBaseline = "top";
  c.beginPath();
  const across = axisTicks(xs, Math.max(2, Math.min(6, rect.w / 60)));
  for (const x of across) {
    c.moveTo(toX(x), rect.y + rect.h);
    c.lineTo(toX(x), rect.y + rect.h + 4);
    c.fillText(number(x, digitsOf(across)), toX(x), rect.y + rect.h + 6);
  }
  c.textAlign = "right";
  c.textBaseline = "middle";
  const up = axisTicks(ys, Math.max(2, Math.min(6, rect.h / 50)));
  for (const y of up) {
    c.moveTo(rect.x, toY(y));
    c.lineTo(rect.x - 4, toY(y));
    c.fillText(number(y, digitsOf(up)), rect.x - 7, toY(y));
  }
  c.stroke();
  c.font = font(12);
  c.textAlign = "center";
  c.textBaseline = "top";
  c.fillText(fitText(c, pane.run.axes[0].label, rect.w + 30), rect.x + rect.w / 2, rect.y + rect.h + 22);
  c.save();
  c.translate(rect.x - 40, rect.y + rect.h / 2);
  c.rotate(-Math.PI / 2);
  c.textBaseline = "alphabetic";
  c.fillText(fitText(c, pane.run.axes[1].label, rect.h + 20), 0, 0);
  c.restore();
}

/** The point that the plane goes through. */
function drawOrigin(c: CanvasRenderingContext2D, { rect, pane, toX, toY }: Plot): void {
  for (const { name, at } of models(pane.run)) {
    const [x, y] = [toX(at[0]), toY(at[1])];
    if (x < rect.x || x > rect.x + rect.w || y < rect.y || y > rect.y + rect.h) continue;
    originMark(c, x, y);
    if (pane.paths.length === 0) originLabel(c, name, x, y);
  }
}
