// Draws display lists on canvases: colours, contour lines and their labels, colour bars, axes.

import { type Rect, type Theme, fitText, font, haloText } from "./canvas";
import type { Contour, Words } from "./data";
import { type Fine, sample } from "./geometry/field";
import type { Tick } from "./geometry/scale";
import { type Palette, SIZE, banded, cssColor, isDark } from "./palette";
import { BAR_FONT, type Picture } from "./picture";
import type { Field } from "./values";

/** How the area between contour lines is painted: as in the figures, without steps, or a cell a point. */
export type Fill = "bands" | "smooth" | "cells";

/** The palette's entries of a picture's colours. */
function entries(picture: Picture, fill: Fill): Uint16Array {
  return banded(fill === "bands" && picture.levels.length > 0 ? picture.levels.map(({ value }) => picture.t(value)) : null);
}

/**
 * Paints a plane at `w` by `h` pixels, the second axis upwards. Pixels without a value stay transparent (the hatching
 * beneath shows), those of points not computed take `blank`.
 */
export function fillImage(
  field: Field, picture: Picture, fine: Fine, palette: Palette, fill: Fill, w: number, h: number, blank: [number, number, number],
): ImageData {
  const { nx, ny, v } = field;
  const image = new ImageData(w, h);
  const pixels = new Uint32Array(image.data.buffer);
  const colors = new Uint32Array(palette.rgba.buffer, palette.rgba.byteOffset, SIZE);
  const of = entries(picture, fill);
  const empty = (255 << 24) | (blank[2] << 16) | (blank[1] << 8) | blank[0];
  const cells = fill === "cells";
  const across = (p: number, pixels: number, n: number) => ((p + 0.5) / pixels) * (cells ? n : n - 1) - (cells ? 0.5 : 0);
  const factor = (SIZE - 1) / picture.top;
  const [sx, sy] = fine.steps;
  for (let row = 0; row < h; row++) {
    const y = across(h - 1 - row, h, ny);
    for (let col = 0; col < w; col++) {
      const x = across(col, w, nx);
      const [i, j] = [Math.round(x), Math.round(y)];
      const place = cells ? picture.raw(v[i * ny + j]) : sample(fine, x * sx, y * sy);
      if (Number.isNaN(place)) {
        if (field.missing(i, j)) pixels[row * w + col] = empty;
      } else pixels[row * w + col] = colors[of[Math.max(0, Math.min(SIZE - 1, Math.round(place * factor)))]];
    }
  }
  return image;
}

/** The width of a frame that display lists are laid out for, in pixels. */
const LAID_OUT = 400;

/** Contour lines in the ink that their colours want, and the labels on them. */
export function drawLines(c: CanvasRenderingContext2D, picture: Picture, lines: Contour[], words: Words[], palette: Palette, rect: Rect): void {
  c.lineWidth = 0.9;
  c.lineJoin = "round";
  const inks = picture.levels.map(({ value }) => (isDark(palette, picture.t(value)) ? "rgba(255,255,255,.65)" : "rgba(0,0,0,.55)"));
  for (const { level, points, closed } of lines) {
    c.strokeStyle = inks[level];
    c.beginPath();
    for (let k = 0; k < points.length; k += 2) c.lineTo(rect.x + points[k] * rect.w, rect.y + points[k + 1] * rect.h);
    if (closed) c.closePath();
    c.stroke();
  }
  c.font = font(10.5 * Math.min(1.2, Math.max(0.85, rect.w / LAID_OUT)), 500);
  c.textAlign = "center";
  c.textBaseline = "middle";
  for (const { level, x, y, angle } of words) {
    c.save();
    c.translate(rect.x + x * rect.w, rect.y + y * rect.h);
    c.rotate(angle);
    haloText(c, picture.levels[level].text, 0, 0, "#111", "rgba(255,255,255,.85)");
    c.restore();
  }
}

/** Width that a colour bar with its ticks and title takes. */
export const BAR_WIDTH = 74;
/** Height of an arrow end. */
const ARROW = 9;

/** A colour bar: ticks in values, an arrow end where the range is clipped. */
export function drawBar(c: CanvasRenderingContext2D, picture: Picture, label: string, palette: Palette, fill: Fill, box: Rect, theme: Theme): void {
  const bar = { x: box.x, y: box.y + ARROW, w: 12, h: box.h - 2 * ARROW };
  drawRamp(c, palette, entries(picture, fill), bar);
  c.strokeStyle = theme.muted;
  c.lineWidth = 0.75;
  c.strokeRect(bar.x, bar.y, bar.w, bar.h);
  if (picture.clipped) drawArrow(c, bar, cssColor(palette, 1), bar.y, -ARROW);
  if (picture.clipped && picture.diverging) drawArrow(c, bar, cssColor(palette, 0), bar.y + bar.h, ARROW);
  c.font = font(BAR_FONT);
  c.textAlign = "left";
  c.textBaseline = "middle";
  for (const { text, t } of barPlaces(picture, bar.h)) {
    const y = bar.y + bar.h * (1 - t);
    c.strokeStyle = theme.muted;
    c.beginPath();
    c.moveTo(bar.x + bar.w, y);
    c.lineTo(bar.x + bar.w + 4, y);
    c.stroke();
    c.fillStyle = theme.ink;
    c.fillText(text, bar.x + bar.w + 7, y);
  }
  upright(c, picture.log ? `${label}, log scale` : label, box.x + BAR_WIDTH - 6, box.y + box.h / 2, box.h, 11.5);
}

/** The labelled ticks of a picture's scale and their places from 0 to 1, along a length in pixels. */
export function barPlaces(picture: Picture, length: number): { text: string; t: number }[] {
  return picture.ticks(length).flatMap(({ value, text }) => {
    const t = picture.t(value);
    return text !== null && t >= -1e-9 && t <= 1 + 1e-9 ? [{ text, t }] : [];
  });
}

function drawRamp(c: CanvasRenderingContext2D, { rgba }: Palette, of: Uint16Array, bar: Rect): void {
  const ramp = document.createElement("canvas");
  ramp.width = 1;
  ramp.height = SIZE;
  const image = new ImageData(1, SIZE);
  for (let k = 0; k < SIZE; k++) image.data.set(rgba.subarray(4 * of[k], 4 * of[k] + 4), 4 * (SIZE - 1 - k));
  ramp.getContext("2d")!.putImageData(image, 0, 0);
  c.imageSmoothingEnabled = true;
  c.drawImage(ramp, bar.x, bar.y, bar.w, bar.h);
}

function drawArrow(c: CanvasRenderingContext2D, bar: Rect, color: string, y: number, by: number): void {
  c.beginPath();
  c.moveTo(bar.x, y);
  c.lineTo(bar.x + bar.w / 2, y + by);
  c.lineTo(bar.x + bar.w, y);
  c.closePath();
  c.fillStyle = color;
  c.fill();
  c.stroke();
}

/** Words that run upwards about a place. */
function upright(c: CanvasRenderingContext2D, text: string, x: number, y: number, length: number, size: number): void {
  c.save();
  c.translate(x, y);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.textBaseline = "alphabetic";
  c.font = font(size);
  c.fillText(fitText(c, text, length), 0, 0);
  c.restore();
}

/** Draws the frame of a plane with the ticks and labels of its axes; a tick without room for its words has none. */
export function drawAxes(
  c: CanvasRenderingContext2D, rect: Rect, ticks: [Tick[], Tick[]], toX: (x: number) => number, toY: (y: number) => number,
  labels: [string, string], theme: Theme,
): void {
  c.strokeStyle = theme.muted;
  c.lineWidth = 0.75;
  c.strokeRect(rect.x, rect.y, rect.w, rect.h);
  c.fillStyle = theme.ink;
  c.font = font(BAR_FONT);
  c.textAlign = "center";
  c.textBaseline = "top";
  c.beginPath();
  let end = -Infinity;
  for (const { value, text } of ticks[0]) {
    const x = toX(value);
    c.moveTo(x, rect.y + rect.h);
    c.lineTo(x, rect.y + rect.h + 4);
    const half = c.measureText(text ?? "").width / 2;
    if (text === null || x - half < end) continue;
    c.fillText(text, x, rect.y + rect.h + 6);
    end = x + half + 6;
  }
  c.textAlign = "right";
  c.textBaseline = "middle";
  end = Infinity;
  for (const { value, text } of ticks[1]) {
    const y = toY(value);
    c.moveTo(rect.x, y);
    c.lineTo(rect.x - 4, y);
    if (text === null || y > end) continue;
    c.fillText(text, rect.x - 7, y);
    end = y - 1.3 * BAR_FONT;
  }
  c.stroke();
  c.font = font(12);
  c.textAlign = "center";
  c.textBaseline = "top";
  c.fillText(fitText(c, labels[0], rect.w + 30), rect.x + rect.w / 2, rect.y + rect.h + 22);
  upright(c, labels[1], rect.x - 40, rect.y + rect.h / 2, rect.h + 20, 12);
}
