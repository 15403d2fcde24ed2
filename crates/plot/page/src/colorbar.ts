// The colour bar: ticks in real loss, an arrow end where the range is clipped.

import { type Rect, type Theme, fitText, font } from "./canvas";
import { cssColor, SIZE } from "./colormap";
import { digitsOf, number } from "./format";
import type { Pane } from "./model";

/** Width that a colour bar with its ticks and title takes. */
export const BAR_WIDTH = 74;

export function drawColorbar(c: CanvasRenderingContext2D, pane: Pane, map: Uint8Array, box: Rect, theme: Theme): void {
  const { scale } = pane;
  const arrow = 9;
  const bar = { x: box.x, y: box.y + arrow, w: 12, h: box.h - 2 * arrow };
  drawRamp(c, map, bar);
  c.strokeStyle = theme.muted;
  c.lineWidth = 0.75;
  c.strokeRect(bar.x, bar.y, bar.w, bar.h);
  if (scale.clipped) drawArrow(c, bar, cssColor(map, 1), bar.y, -arrow);
  if (scale.clipped && scale.diverging) drawArrow(c, bar, cssColor(map, 0), bar.y + bar.h, arrow);
  if (scale.log && pane.field.stats.nonPositive > 0) drawArrow(c, bar, cssColor(map, 0), bar.y + bar.h, arrow);
  drawTicks(c, pane, bar, theme);
  const kind = scale.log ? `${pane.label}, log scale` : pane.label;
  c.save();
  c.translate(box.x + BAR_WIDTH - 6, box.y + box.h / 2);
  c.rotate(-Math.PI / 2);
  c.textAlign = "center";
  c.textBaseline = "alphabetic";
  c.font = font(11.5);
  c.fillStyle = theme.ink;
  c.fillText(fitText(c, kind, box.h), 0, 0);
  c.restore();
}

function drawRamp(c: CanvasRenderingContext2D, map: Uint8Array, bar: Rect): void {
  const ramp = document.createElement("canvas");
  ramp.width = 1;
  ramp.height = SIZE;
  const image = new ImageData(1, SIZE);
  for (let i = 0; i < SIZE; i++) image.data.set(map.subarray(4 * (SIZE - 1 - i), 4 * (SIZE - i)), 4 * i);
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

/** Ticks of a clipped diverging scale reach both ways from 0. */
export function scaleTicks(pane: Pane, target: number): { value: number; t: number }[] {
  return pane.scale.ticks(target)
    .map((value) => ({ value, t: pane.scale.t(value) }))
    .filter(({ t }) => t >= -1e-9 && t <= 1 + 1e-9);
}

function drawTicks(c: CanvasRenderingContext2D, pane: Pane, bar: Rect, theme: Theme): void {
  c.font = font(11);
  c.textAlign = "left";
  c.textBaseline = "middle";
  const ticks = scaleTicks(pane, Math.max(3, bar.h / 40));
  const digits = digitsOf(ticks.map((tick) => tick.value));
  for (const { value, t } of ticks) {
    const y = bar.y + bar.h * (1 - t);
    c.strokeStyle = theme.muted;
    c.beginPath();
    c.moveTo(bar.x + bar.w, y);
    c.lineTo(bar.x + bar.w + 4, y);
    c.stroke();
    c.fillStyle = theme.ink;
    c.fillText(pane.scale.text(value) ?? number(value, digits), bar.x + bar.w + 7, y);
  }
}
