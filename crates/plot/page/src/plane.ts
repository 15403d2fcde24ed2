// The contour panel: heat map, labelled contour lines, axes, colour bar, path; linked with the 3D surface by the store.

import { type Rect, type Theme, fitText, font, hatch, pixelRatio, prepare, split } from "./canvas";
import type { Contour } from "./data";
import { BAR_WIDTH, drawAxes, drawBar, drawLines, fillImage, type Fill } from "./draw";
import { type Pane, fine } from "./model";
import { drawAlong, drawCrosshair, drawPaths, models, originLabel, originMark } from "./overlay";
import { DIVERGING, type Palette, palette } from "./palette";
import { type Grip, moved } from "./profile";
import type { Along, State, Store } from "./state";
import { nearest } from "./values";

/** A pane's plot on the canvas and the transforms between data and pixels. */
export interface Plot {
  pane: Pane;
  rect: Rect;
  /** Data coordinates of the left, right, bottom and top border. */
  extent: [number, number, number, number];
  toX: (x: number) => number;
  toY: (y: number) => number;
}

/** Where a pointer was pressed, and what of a line over the plane it would move. */
interface Press { plot: Plot; x: number; y: number; along: Along; grip: Grip; moving: boolean }

/** How far a pointer has to go before it draws a line, and how near it has to be to one to take hold of it, in pixels. */
const [FAR, NEAR] = [5, 10];

const MARGIN = { left: 52, right: 8, top: 22, bottom: 40 };

export class PlaneView {
  plots: Plot[] = [];
  private readonly base: HTMLCanvasElement;
  private readonly over: HTMLCanvasElement;
  private readonly traced = new Map<string, Contour[]>();
  private drawn = "";
  private pressed: Press | null = null;

  constructor(readonly box: HTMLElement, private readonly store: Store, private readonly onHover: (event: PointerEvent | null, pane: Pane | null) => void) {
    [this.base, this.over] = [...box.querySelectorAll("canvas")];
    this.over.addEventListener("pointerdown", (e) => this.press(e));
    this.over.addEventListener("pointermove", (e) => (this.pressed ? this.drag(e) : onHover(e, this.inspect(e, false))));
    this.over.addEventListener("pointerup", (e) => {
      if (this.pressed && !this.pressed.moving) onHover(e, this.inspect(e, true));
      this.pressed = null;
    });
    this.over.addEventListener("pointercancel", () => (this.pressed = null));
    this.over.addEventListener("pointerleave", () => onHover(null, null));
  }

  /** Takes hold of the line where it is near, else of the end of a new one. */
  private press(event: PointerEvent): void {
    const hit = event.button === 0 ? this.plotAt(event) : null;
    if (!hit) return;
    this.over.setPointerCapture(event.pointerId);
    const { plot, x, y } = hit;
    const { along } = this.store.state;
    const grip = along && gripAt(plot, along, [x, y]);
    this.pressed = { plot, x, y, along: grip ? along! : [x, y, x, y], grip: grip ?? "B", moving: false };
  }

  /** Draws or moves the line once the pointer has gone far enough for it. */
  private drag(event: PointerEvent): void {
    const { plot, x, y, along, grip, moving } = this.pressed!;
    const area = this.over.getBoundingClientRect();
    const [px, py] = [event.clientX - area.left, event.clientY - area.top];
    if (!moving && Math.hypot(px - plot.toX(x), py - plot.toY(y)) < FAR) return;
    this.pressed!.moving = true;
    const to = dataOf(plot, px, py);
    this.onHover(null, null);
    this.store.set({ along: moved(along, grip, [to[0] - x, to[1] - y], plot.pane.field) });
  }

  /** Where the paths of all plots are in the window. */
  pathPlaces(): [number, number][] {
    const area = this.over.getBoundingClientRect();
    return this.plots.flatMap((plot) => plot.pane.paths.flatMap(({ x, y }) =>
      Array.from(x, (_, k): [number, number] => [area.left + plot.toX(x[k]), area.top + plot.toY(y[k])])));
  }

  /** The plot under a pointer. */
  private plotAt(event: PointerEvent): { plot: Plot; x: number; y: number } | null {
    const area = this.over.getBoundingClientRect();
    const [px, py] = [event.clientX - area.left, event.clientY - area.top];
    for (const plot of this.plots) {
      const r = plot.rect;
      if (px < r.x || py < r.y || px > r.x + r.w || py > r.y + r.h) continue;
      const [x, y] = dataOf(plot, px, py);
      return { plot, x, y };
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
    } else if (!pinned) this.store.set({ point });
    return hit.plot.pane;
  }

  update(panes: Pane[], state: State, theme: Theme): void {
    this.fitBox(panes);
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width < 40 || height < 40) return;
    const scales = panes.map((p) => `${p.key}/${p.picture.top}`).join("|");
    const drawn = [scales, width, height, pixelRatio(), state.map, state.fill, state.lines, theme.ink].join("#");
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.layout(panes, width, height, state.fill === "cells");
      const c = prepare(this.base, width, height);
      for (const plot of this.plots) this.drawBase(c, plot, state, theme, panes.length > 1 || plot.pane.picture.diverging);
    }
    this.plots.forEach((plot, k) => (plot.pane = panes[k]));
    const c = prepare(this.over, width, height);
    for (const plot of this.plots) {
      drawPaths(c, plot, theme);
      drawOrigin(c, plot);
      if (state.along) drawAlong(c, plot, state.along);
      if (state.point) drawCrosshair(c, plot, state.point, state.pinned);
    }
  }

  /** Where the panels stand one above the other, a wide plane takes only the height that it needs. */
  private fitBox(panes: Pane[]): void {
    const stacked = panes.length === 1 && this.box.clientWidth > 0.7 * document.body.clientWidth;
    const wanted = (this.box.clientWidth - MARGIN.left - MARGIN.right - BAR_WIDTH) * panes[0].run.ratio + MARGIN.top + MARGIN.bottom;
    const needed = stacked ? `${Math.round(Math.max(220, wanted))}px` : "";
    if (this.box.style.maxHeight !== needed) this.box.style.maxHeight = needed;
  }

  /** Both canvases as one picture, for the export. */
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
    const map = palette(pane.picture.diverging ? DIVERGING : state.map);
    c.fillStyle = hatch(c, theme.dark);
    c.fillRect(rect.x, rect.y, rect.w, rect.h);
    drawFill(c, plot, map, state.fill, theme);
    // Cells have no lines between points.
    if (state.lines && state.fill !== "cells") drawLines(c, pane.picture, this.lines(pane), pane.picture.words, map, rect);
    const [across, up] = pane.run.axes;
    drawAxes(c, rect, [across.ticks, up.ticks], plot.toX, plot.toY, [across.label, up.label], theme);
    if (titled) {
      c.font = font(12.5, 600);
      c.textAlign = "left";
      c.textBaseline = "alphabetic";
      c.fillStyle = theme.ink;
      c.fillText(fitText(c, pane.title, rect.w), rect.x, rect.y - 8);
    }
    drawBar(c, pane.picture, pane.label, map, state.fill, { x: rect.x + rect.w + 10, y: rect.y, w: BAR_WIDTH, h: rect.h }, theme);
  }

  /** The contour lines of a pane. */
  private lines(pane: Pane): Contour[] {
    const key = `${pane.key}/${pane.picture.top}`;
    let lines = this.traced.get(key);
    if (!lines) {
      if (this.traced.size > 16) this.traced.clear();
      this.traced.set(key, (lines = pane.picture.lines(() => fine(pane))));
    }
    return lines;
  }
}

/** Coordinates of a place on the canvas. */
function dataOf({ rect, extent: [x0, x1, y0, y1] }: Plot, px: number, py: number): [number, number] {
  return [x0 + ((px - rect.x) / rect.w) * (x1 - x0), y1 + ((py - rect.y) / rect.h) * (y0 - y1)];
}

/** The part of a line that lies near a point, in coordinates. */
function gripAt({ toX, toY }: Plot, [x0, y0, x1, y1]: Along, [x, y]: [number, number]): Grip | null {
  const parts: [Grip, number, number][] = [["B", x1, y1], ["A", x0, y0], ["middle", (x0 + x1) / 2, (y0 + y1) / 2]];
  const near = parts.find(([, u, v]) => Math.hypot(toX(u) - toX(x), toY(v) - toY(y)) <= NEAR);
  return near ? near[0] : null;
}

/** The borders of a plot: the grid's own, or half a cell further out where cells are drawn. */
function extentOf(pane: Pane, cells: boolean): [number, number, number, number] {
  const { xs, ys, nx, ny } = pane.field;
  const [px, py] = cells ? [(xs[1] - xs[0]) / 2, (ys[1] - ys[0]) / 2] : [0, 0];
  return [xs[0] - px, xs[nx - 1] + px, ys[0] - py, ys[ny - 1] + py];
}

/** The largest box of the shape that the figures have. */
function fitAspect(room: Rect, pane: Pane): Rect {
  const { ratio } = pane.run;
  const w = Math.min(room.w, room.h / ratio);
  const h = w * ratio;
  return { x: room.x + (room.w - w) / 2, y: room.y + (room.h - h) / 2, w, h };
}

function parseRgb(css: string): [number, number, number] {
  const n = parseInt(css.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

function drawFill(c: CanvasRenderingContext2D, plot: Plot, map: Palette, fill: Fill, theme: Theme): void {
  const { rect, pane } = plot;
  const sharp = Math.min(pixelRatio(), 900 / Math.max(rect.w, rect.h));
  const [w, h] = [Math.max(1, Math.round(rect.w * sharp)), Math.max(1, Math.round(rect.h * sharp))];
  const sheet = document.createElement("canvas");
  [sheet.width, sheet.height] = [w, h];
  const image = fillImage(pane.field, pane.picture, fine(pane), map, fill, w, h, parseRgb(theme.panel));
  sheet.getContext("2d")!.putImageData(image, 0, 0);
  c.imageSmoothingEnabled = fill === "smooth";
  c.drawImage(sheet, rect.x, rect.y, rect.w, rect.h);
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
