// The box around a 3D surface: grid lines in the scene, labelled axes on the overlay.

import { BufferGeometry, type Camera, Float32BufferAttribute, LineBasicMaterial, LineSegments, Vector3 } from "three";
import { type Rect, type Theme, fitText, font } from "./canvas";
import { barPlaces } from "./draw";
import type { Tick as AxisTick } from "./geometry/scale";
import { footprint } from "./mesh";
import { type Pane, showsLoss } from "./model";
import { pathColor } from "./paths";

interface Tick { at: number; text: string }

/** Ticks of the three axes in world coordinates, and the box's size. */
export interface Frame { wx: number; wz: number; height: number; x: Tick[]; y: Tick[]; z: Tick[] }

/** The steepest angle at which words read downwards. */
const STEEP = (70 * Math.PI) / 180;

/** About the length of the upright axis, in pixels. */
const HIGH = 240;

export function frameOf(pane: Pane, height: number): Frame {
  const { xs, ys, nx, ny } = pane.field;
  const [wx, wz] = footprint(pane);
  const along = (ticks: AxisTick[], coords: Float64Array, n: number, size: number) =>
    ticks.flatMap(({ value, text }) => (text === null ? [] : [{ at: ((value - coords[0]) / (coords[n - 1] - coords[0]) - 0.5) * size, text }]));
  const [across, up] = pane.run.axes;
  return {
    wx, wz, height,
    x: along(across.ticks, xs, nx, wx),
    y: along(up.ticks, ys, ny, wz).map((t) => ({ at: -t.at, text: t.text })),
    z: barPlaces(pane.picture, HIGH).map(({ text, t }) => ({ at: t * height, text })),
  };
}

/** The side of the box that faces the eye, along x and z. */
export function facing(camera: Camera): [number, number] {
  return [camera.position.x >= 0 ? 1 : -1, camera.position.z >= 0 ? 1 : -1];
}

/** The floor lies this much below the lowest loss, so that its lines don't shine through a minimum. */
const FLOOR = -0.006;

/** Grid lines on the floor and on the two walls that face away from the eye. */
export function gridLines(frame: Frame, [sx, sz]: [number, number], color: string): LineSegments {
  const { wx, wz, height: h } = frame;
  const [x0, z0] = [-sx * wx / 2, -sz * wz / 2];
  const p: number[] = [];
  const line = (...v: number[]) => p.push(...v);
  for (const { at } of frame.x) line(at, FLOOR, -wz / 2, at, FLOOR, wz / 2, at, FLOOR, z0, at, h, z0);
  for (const { at } of frame.y) line(-wx / 2, FLOOR, at, wx / 2, FLOOR, at, x0, FLOOR, at, x0, h, at);
  for (const { at } of frame.z) line(-wx / 2, at, z0, wx / 2, at, z0, x0, at, -wz / 2, x0, at, wz / 2);
  for (const y of [FLOOR, h]) line(-wx / 2, y, z0, wx / 2, y, z0, x0, y, -wz / 2, x0, y, wz / 2);
  for (const s of [-1, 1]) line(s * wx / 2, FLOOR, z0, s * wx / 2, h, z0, x0, FLOOR, s * wz / 2, x0, h, s * wz / 2);
  line(-wx / 2, FLOOR, -z0, wx / 2, FLOOR, -z0, -x0, FLOOR, -wz / 2, -x0, FLOOR, wz / 2);
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(p, 3));
  return new LineSegments(geometry, new LineBasicMaterial({ color }));
}

/** Draws the labels of one pane. `rect` is its part of the overlay. */
export function drawLabels(
  c: CanvasRenderingContext2D, camera: Camera, rect: Rect, frame: Frame, pane: Pane, theme: Theme, titled: boolean,
): void {
  const pen = new Pen(c, camera, rect, theme);
  const [sx, sz] = facing(camera);
  const [ex, ez] = [sx * frame.wx / 2, sz * frame.wz / 2];
  c.save();
  c.beginPath();
  c.rect(rect.x, rect.y, rect.w, rect.h);
  c.clip();
  const steep = Math.abs(camera.position.y) / camera.position.length() > 0.97;
  if (!steep) {
    const corners: [number, number][] = [[ex, -ez], [-ex, ez]];
    corners.sort((a, b) => pen.project(new Vector3(a[0], 0, a[1]))[0] - pen.project(new Vector3(b[0], 0, b[1]))[0]);
    pen.heights(frame, corners[0], pane.picture.log ? `${pane.label} (log)` : pane.label);
  }
  pen.axis(frame.x.map((t) => ({ p: new Vector3(t.at, 0, ez), text: t.text })), new Vector3(0, 0, sz),
    new Vector3(0, 0, ez), pane.run.axes[0].label);
  pen.axis(frame.y.map((t) => ({ p: new Vector3(ex, 0, t.at), text: t.text })), new Vector3(sx, 0, 0),
    new Vector3(ex, 0, 0), pane.run.axes[1].label);
  if (titled) pen.title(pane.title);
  if (pane.paths.length === 1) pen.legend([["#111111", "path on the plane", true], ...(showsLoss(pane) ? [[theme.series[1], "true loss", false] as Entry] : [])]);
  else if (pane.paths.length <= 6) pen.legend(pane.paths.map((path, k): Entry => [pathColor(k), path.name, true]));
  c.restore();
}

/** Colour and words of a legend's entry, and whether its mark is filled. */
type Entry = [string, string, boolean];

class Pen {
  /** Middles and half-widths of the texts drawn; a tick label that would touch one is left out. */
  private readonly taken: [number, number, number][] = [];

  constructor(
    private readonly c: CanvasRenderingContext2D, private readonly camera: Camera,
    private readonly rect: Rect, private readonly theme: Theme,
  ) {}

  project(p: Vector3): [number, number] {
    const v = p.clone().project(this.camera);
    return [this.rect.x + (v.x + 1) / 2 * this.rect.w, this.rect.y + (1 - v.y) / 2 * this.rect.h];
  }

  private text(text: string, x: number, y: number, dx: number, dy: number): void {
    const { c } = this;
    c.textAlign = dx > 0.5 ? "left" : dx < -0.5 ? "right" : "center";
    c.textBaseline = dy > 0.7 ? "top" : dy < -0.7 ? "bottom" : "middle";
    const half = c.measureText(text).width * (c.textAlign === "center" ? 0.5 : 1);
    const [lo, hi] = [this.rect.x + 2, this.rect.x + this.rect.w - 2];
    const left = c.textAlign === "left" ? x : x - half;
    const right = c.textAlign === "right" ? x : x + half;
    const shift = Math.max(0, lo - left) - Math.max(0, right - hi);
    const [middle, wide] = [(left + right) / 2 + shift, (right - left) / 2];
    const row = y + (c.textBaseline === "top" ? 5 : c.textBaseline === "bottom" ? -5 : 0);
    if (this.taken.some(([u, v, w]) => Math.abs(u - middle) < w + wide + 16 && Math.abs(v - row) < 11)) return;
    this.taken.push([middle, row, wide]);
    c.fillText(text, x + shift, y);
  }

  /** A horizontal axis: ticks with labels pushed away from the box, the title further out. */
  axis(ticks: { p: Vector3; text: string }[], out: Vector3, middle: Vector3, title: string): void {
    const { c, theme } = this;
    const [ox, oy] = this.outward(middle, out);
    c.font = font(10.5);
    c.fillStyle = theme.muted;
    c.strokeStyle = theme.muted;
    c.lineWidth = 1;
    let widest = 0;
    for (const { p, text } of ticks) {
      const [x, y] = this.project(p);
      c.beginPath();
      c.moveTo(x, y);
      c.lineTo(x + 4 * ox, y + 4 * oy);
      c.stroke();
      this.text(text, x + 8 * ox, y + 8 * oy, ox, oy);
      widest = Math.max(widest, c.measureText(text).width);
    }
    this.axisTitle(ticks.map((t) => t.p), middle, [ox, oy], widest, title);
  }

  /** The title of a horizontal axis runs along it, outside its tick labels. */
  private axisTitle(ends: Vector3[], middle: Vector3, [ox, oy]: [number, number], widest: number, title: string): void {
    if (ends.length < 2) return;
    const { c, theme, rect } = this;
    const [ax, ay] = this.project(ends[0]);
    const [bx, by] = this.project(ends[ends.length - 1]);
    const length = Math.hypot(bx - ax, by - ay);
    if (length < 30) return;
    let angle = Math.atan2(by - ay, bx - ax);
    // Never upside down; steep ones read upwards, as the label of the upright axis does.
    if (angle > STEEP) angle -= Math.PI;
    if (angle <= STEEP - Math.PI) angle += Math.PI;
    // Perpendicular to the axis, on the side of the labels.
    let [px, py] = [-(by - ay) / length, (bx - ax) / length];
    if (px * ox + py * oy < 0) [px, py] = [-px, -py];
    const far = 20 + Math.abs(px) * widest + Math.abs(py) * 12;
    const [x, y] = this.project(middle);
    c.save();
    c.font = font(12);
    // A long label gives way to what stands before its explanation.
    const fits = c.measureText(title).width <= 1.05 * length;
    const text = fitText(c, fits ? title : title.split(/[,(:]/)[0].trim(), Math.max(1.05 * length, 60));
    const half = c.measureText(text).width / 2;
    const [wide, tall] = [half * Math.abs(Math.cos(angle)) + 8, half * Math.abs(Math.sin(angle)) + 8];
    const within = (v: number, lo: number, hi: number) => Math.min(hi, Math.max(lo, v));
    c.translate(
      within(x + far * px, rect.x + wide, rect.x + rect.w - wide), within(y + far * py, rect.y + tall, rect.y + rect.h - tall));
    c.rotate(angle);
    c.fillStyle = theme.ink;
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(text, 0, 0);
    c.restore();
  }

  /** Unit vector on the screen along which labels move away from the box. */
  private outward(at: Vector3, out: Vector3): [number, number] {
    const [ax, ay] = this.project(at);
    const [bx, by] = this.project(at.clone().addScaledVector(out, 0.1));
    const length = Math.hypot(bx - ax, by - ay) || 1;
    return [(bx - ax) / length, (by - ay) / length];
  }

  /** The vertical axis at a corner of the box. */
  heights(frame: Frame, [x, z]: [number, number], title: string): void {
    const { c, theme } = this;
    c.font = font(10.5);
    c.strokeStyle = theme.muted;
    c.lineWidth = 1;
    let edge = Infinity;
    for (const { at, text } of frame.z) {
      const [px, py] = this.project(new Vector3(x, at, z));
      c.beginPath();
      c.moveTo(px, py);
      c.lineTo(px - 4, py);
      c.stroke();
      c.fillStyle = theme.muted;
      this.text(text, px - 7, py, -1, 0);
      edge = Math.min(edge, px - 7 - c.measureText(text).width);
    }
    const [px, py] = this.project(new Vector3(x, frame.height / 2, z));
    c.save();
    c.translate(Math.max(this.rect.x + 12, Math.min(edge, px) - 8), py);
    c.rotate(-Math.PI / 2);
    c.font = font(12);
    c.fillStyle = theme.ink;
    c.textAlign = "center";
    c.textBaseline = "alphabetic";
    c.fillText(fitText(c, title, this.rect.h * 0.6), 0, 0);
    c.restore();
  }

  /** What the path's marks mean, in the upper right corner. */
  legend(entries: Entry[]): void {
    const { c, rect, theme } = this;
    c.font = font(11);
    c.textAlign = "right";
    c.textBaseline = "middle";
    entries.forEach(([color, text, full], k) => {
      const [x, y] = [rect.x + rect.w - 26, rect.y + 14 + 17 * k];
      c.fillStyle = theme.ink;
      c.fillText(text, x, y);
      c.beginPath();
      c.arc(x + 12, y, 4, 0, 2 * Math.PI);
      c.fillStyle = full ? color : "#fff";
      c.fill();
      c.lineWidth = 1.6;
      c.strokeStyle = full ? "#fff" : color;
      c.stroke();
    });
  }

  title(text: string): void {
    const { c } = this;
    c.font = font(12.5, 600);
    c.textAlign = "left";
    c.textBaseline = "top";
    c.fillStyle = this.theme.ink;
    c.fillText(fitText(c, text, this.rect.w - 16), this.rect.x + 8, this.rect.y + 6);
  }
}
