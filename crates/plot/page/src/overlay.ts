// What moves on top of the contour plot: the training path and the crosshair.

import { type Theme, font, haloText } from "./canvas";
import type { Place, Run, Trajectory } from "./data";
import { checkpointOf } from "./model";
import { pathColor, pathDash } from "./paths";
import type { Plot } from "./plane";
import type { Along } from "./state";

const HALO = "rgba(255,255,255,.9)";

function polyline(c: CanvasRenderingContext2D, xs: number[], ys: number[], from: number, to: number): void {
  c.beginPath();
  for (let k = from; k <= to; k++) c.lineTo(xs[k], ys[k]);
}

/** The paths of a pane, each up to the step shown. */
export function drawPaths(c: CanvasRenderingContext2D, plot: Plot, theme: Theme): void {
  const { paths, now } = plot.pane;
  const alone = paths.length === 1;
  paths.forEach((path, k) => {
    const look: PathLook = alone ? { ink: "#111", dash: [], now: theme.series[1] } : { ink: pathColor(k), dash: pathDash(k), now: pathColor(k) };
    drawPath(c, plot, path, checkpointOf(path, now), look, paths.length);
  });
  if (paths.length > NAMED) return;
  for (const path of paths) {
    const last = path.step.length - 1;
    ends(c, plot, path, alone ? [[0, "start"], [last, "end"]] : [[last, path.name]]);
  }
}

interface PathLook { ink: string; dash: number[]; now: string }

/** The path up to checkpoint `at` as a line with a white casing, the rest faint; start, end and checkpoint marked. */
function drawPath(c: CanvasRenderingContext2D, plot: Plot, path: Trajectory, at: number, look: PathLook, paths: number): void {
  const xs = Array.from(path.x, plot.toX);
  const ys = Array.from(path.y, plot.toY);
  const last = xs.length - 1;
  c.save();
  c.beginPath();
  c.rect(plot.rect.x - 7, plot.rect.y - 7, plot.rect.w + 14, plot.rect.h + 14);
  c.clip();
  c.lineJoin = c.lineCap = "round";
  for (const [from, to, alpha] of [[at, last, 0.45], [0, at, 1]] as const) {
    c.globalAlpha = alpha;
    polyline(c, xs, ys, from, to);
    c.lineWidth = 4.5;
    c.strokeStyle = "#fff";
    c.stroke();
    c.lineWidth = 2;
    c.strokeStyle = look.ink;
    c.setLineDash(look.dash);
    c.stroke();
    c.setLineDash([]);
  }
  c.globalAlpha = 1;
  if (last * paths <= 80) for (let k = 1; k < last; k++) dot(c, xs[k], ys[k], k <= at ? 2.6 : 1.8, look.ink);
  dot(c, xs[0], ys[0], 4.5, "#fff", look.ink);
  dot(c, xs[last], ys[last], 4.5, look.ink, "#fff");
  dot(c, xs[at], ys[at], 6, look.now, "#fff");
  c.restore();
}

/** Up to so many paths have their names beside their ends; more are told apart by the table below. */
const NAMED = 6;

function dot(c: CanvasRenderingContext2D, x: number, y: number, r: number, fill: string, edge = "#fff"): void {
  c.beginPath();
  c.arc(x, y, r, 0, 2 * Math.PI);
  c.fillStyle = fill;
  c.fill();
  c.lineWidth = edge === "#fff" ? 1 : 1.6;
  c.strokeStyle = edge;
  c.stroke();
}

/** Names beside points of a path, on the side that is inside the plot. */
function ends(c: CanvasRenderingContext2D, plot: Plot, path: Trajectory, named: [number, string][]): void {
  c.font = font(11, 600);
  c.textBaseline = "middle";
  const { rect } = plot;
  for (const [k, text] of named) {
    const [x, y] = [plot.toX(path.x[k]), plot.toY(path.y[k])];
    if (x < rect.x || x > rect.x + rect.w || y < rect.y || y > rect.y + rect.h) continue;
    const left = x > rect.x + rect.w - 14 - c.measureText(text).width;
    c.textAlign = left ? "right" : "left";
    haloText(c, text, x + (left ? -9 : 9), y, "#111", HALO);
  }
}

/** Lines through the inspected point, along which the slices are taken. */
export function drawCrosshair(c: CanvasRenderingContext2D, plot: Plot, point: [number, number], pinned: boolean): void {
  const { rect } = plot;
  const [x, y] = [plot.toX(point[0]), plot.toY(point[1])];
  if (x < rect.x - 1 || x > rect.x + rect.w + 1 || y < rect.y - 1 || y > rect.y + rect.h + 1) return;
  for (const [width, color] of [[3, "rgba(0,0,0,.45)"], [1.2, "#fff"]] as const) {
    c.lineWidth = width;
    c.strokeStyle = color;
    c.beginPath();
    c.moveTo(rect.x, y);
    c.lineTo(rect.x + rect.w, y);
    c.moveTo(x, rect.y);
    c.lineTo(x, rect.y + rect.h);
    c.stroke();
  }
  c.beginPath();
  c.arc(x, y, pinned ? 6 : 4.5, 0, 2 * Math.PI);
  c.lineWidth = 2;
  c.fillStyle = pinned ? "#fff" : "rgba(255,255,255,.35)";
  c.strokeStyle = "#111";
  c.fill();
  c.stroke();
}

/** The colour of the line along which values are shown: no path has it. */
export const ALONG_INK = "#b3005e";

/** The line along which values are shown, with its ends A and B and a handle in its middle. */
export function drawAlong(c: CanvasRenderingContext2D, plot: Plot, [x0, y0, x1, y1]: Along): void {
  const { rect, toX, toY } = plot;
  const [a, b] = [[toX(x0), toY(y0)], [toX(x1), toY(y1)]];
  c.save();
  c.beginPath();
  c.rect(rect.x - 8, rect.y - 8, rect.w + 16, rect.h + 16);
  c.clip();
  for (const [width, color] of [[4.5, "#fff"], [2.4, ALONG_INK]] as const) {
    c.lineWidth = width;
    c.strokeStyle = color;
    c.beginPath();
    c.moveTo(a[0], a[1]);
    c.lineTo(b[0], b[1]);
    c.stroke();
  }
  dot(c, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2, 4, ALONG_INK);
  for (const [x, y] of [a, b]) dot(c, x, y, 5.5, "#fff", ALONG_INK);
  c.restore();
  c.font = font(12, 600);
  c.textAlign = "center";
  c.textBaseline = "middle";
  const length = Math.hypot(b[0] - a[0], b[1] - a[1]) || 1;
  const [ux, uy] = [(b[0] - a[0]) / length, (b[1] - a[1]) / length];
  // Beyond the ends; on the line where that would be outside.
  const beyond = (x: number, y: number, sign: number): [number, number] => {
    const [px, py] = [x + 14 * sign * ux, y + 14 * sign * uy];
    const out = px < rect.x + 6 || py < rect.y + 8 || px > rect.x + rect.w - 6 || py > rect.y + rect.h - 8;
    return out ? [x - 14 * sign * ux - 9 * uy, y - 14 * sign * uy + 9 * ux] : [px, py];
  };
  haloText(c, "A", ...beyond(a[0], a[1], -1), ALONG_INK, HALO);
  haloText(c, "B", ...beyond(b[0], b[1], 1), ALONG_INK, HALO);
}

/** A cross with a halo: where the plane goes through its origin. */
export function originMark(c: CanvasRenderingContext2D, x: number, y: number): void {
  for (const [width, color] of [[4, "#fff"], [1.8, "#111"]] as const) {
    c.strokeStyle = color;
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(x - 5, y - 5);
    c.lineTo(x + 5, y + 5);
    c.moveTo(x - 5, y + 5);
    c.lineTo(x + 5, y - 5);
    c.stroke();
  }
}

/** The models that the plane goes through: the one at its origin, if that is one, and further ones. */
export function models(run: Run): Place[] {
  const origin: Place[] = run.origin ? [{ name: run.origin, at: [0, 0, 0] }] : [];
  return [...origin, ...(run.places ?? [])];
}

/** What the origin is, beside its mark. */
export function originLabel(c: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  c.font = font(11, 600);
  c.textAlign = "left";
  c.textBaseline = "middle";
  haloText(c, text, x + 9, y, "#111", HALO);
}
