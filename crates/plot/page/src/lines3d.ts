// What is drawn on a 3D surface: the path and the true losses of its checkpoints.

import {
  BufferGeometry, CanvasTexture, Float32BufferAttribute, Group, type Object3D, Points, PointsMaterial,
  SRGBColorSpace,
} from "three";
import { LineMaterial } from "three/examples/jsm/lines/LineMaterial.js";
import { LineSegments2 } from "three/examples/jsm/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/examples/jsm/lines/LineSegmentsGeometry.js";
import type { Trajectory } from "./data";
import { sample } from "./geometry/field";
import { footprint } from "./mesh";
import { type Pane, checkpointOf, fine, showsLoss } from "./model";
import { pathColor } from "./paths";
import { position } from "./values";

type Point = [number, number, number];

/** World x and z of data coordinates, and the surface's height there in units of the scale's range. */
export function locate(pane: Pane, x: number, y: number): Point {
  const { xs, ys, nx, ny } = pane.field;
  const grid = fine(pane);
  const [wx, wz] = footprint(pane);
  const [i, j] = [position(xs, x), position(ys, y)];
  return [(i / (nx - 1) - 0.5) * wx, sample(grid, i * grid.steps[0], j * grid.steps[1]), (0.5 - j / (ny - 1)) * wz];
}

interface Stroke { width: number; color: string; opacity?: number; through?: boolean; order: number }

/** Separate segments; those with an end that is not finite or above the clip are left out. */
function strokes(segments: [Point, Point][], top: number, style: Stroke): LineSegments2 | null {
  const shown = segments.filter((s) => s.every((p) => Number.isFinite(p[1]) && p[1] <= top * 1.001));
  if (shown.length === 0) return null;
  const geometry = new LineSegmentsGeometry();
  geometry.setPositions(shown.flat(2));
  const material = new LineMaterial({
    color: style.color, linewidth: style.width, transparent: true, opacity: style.opacity ?? 1,
    depthTest: !style.through, depthWrite: false,
  });
  const line = new LineSegments2(geometry, material);
  line.renderOrder = style.order;
  return line;
}

function chain(points: Point[]): [Point, Point][] {
  return points.slice(1).map((p, k) => [points[k], p]);
}

const discs: Record<string, CanvasTexture> = {};

function disc(fill: string, edge: string): CanvasTexture {
  const key = fill + edge;
  if (discs[key]) return discs[key];
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const c = canvas.getContext("2d")!;
  c.beginPath();
  c.arc(32, 32, 24, 0, 2 * Math.PI);
  c.fillStyle = fill;
  c.fill();
  c.lineWidth = 10;
  c.strokeStyle = edge;
  c.stroke();
  discs[key] = new CanvasTexture(canvas);
  discs[key].colorSpace = SRGBColorSpace;
  return discs[key];
}

interface Mark { size: number; fill: string; edge: string; order: number; through?: boolean }

function marks(points: Point[], top: number, style: Mark): Points | null {
  const shown = points.filter((p) => Number.isFinite(p[1]) && p[1] <= top * 1.001);
  if (shown.length === 0) return null;
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new Float32BufferAttribute(shown.flat(), 3));
  const material = new PointsMaterial({
    size: style.size, sizeAttenuation: false, map: disc(style.fill, style.edge),
    transparent: true, alphaTest: 0.2, depthWrite: false, depthTest: !style.through,
  });
  const out = new Points(geometry, material);
  out.renderOrder = style.order;
  return out;
}

function group(parts: (Object3D | null)[]): Group {
  const out = new Group();
  parts.forEach((part) => part && out.add(part));
  return out;
}

/** At most this many checkpoints have their true loss drawn at once; past it, only the current one. */
const MANY = 60;

/**
 * The path on the surface up to checkpoint `at`, the rest faint. An orange stem leads from each checkpoint's projection
 * to its true loss: the gap is what the plane does not show.
 */
function pathObject(pane: Pane, path: Trajectory, at: number, color: string): Group {
  const { top } = pane.picture;
  const on = path.step.map((_, k) => locate(pane, path.x[k], path.y[k]));
  const truth = on.map((p, k): Point => [p[0], showsLoss(pane) ? pane.picture.raw(path.loss[k]) : NaN, p[2]]);
  const [done, ahead] = [chain(on.slice(0, at + 1)), chain(on.slice(at))];
  const stems = on.map((p, k): [Point, Point] => [p, truth[k]]).filter((_, k) => on.length <= MANY || k === at);
  return group([
    strokes(done, top, { width: 2, color: "#111111", opacity: 0.3, through: true, order: 1 }),
    strokes(ahead, top, { width: 1.5, color: "#ffffff", opacity: 0.6, order: 2 }),
    strokes(stems, top, { width: 1.5, color, opacity: 0.8, through: true, order: 3 }),
    strokes(done, top, { width: 5, color: "#ffffff", order: 4 }),
    strokes(done, top, { width: 2.4, color: "#111111", order: 5 }),
    on.length <= MANY ? marks(truth, top, { size: 6, fill: "#ffffff", edge: color, order: 6, through: true }) : null,
    marks([on[0]], top, { size: 11, fill: "#ffffff", edge: "#111111", order: 7 }),
    marks([on[on.length - 1]], top, { size: 11, fill: "#111111", edge: "#ffffff", order: 7 }),
    marks([truth[at]], top, { size: 12, fill: "#ffffff", edge: color, order: 8, through: true }),
    marks([on[at]], top, { size: 13, fill: color, edge: "#ffffff", order: 9, through: true }),
  ]);
}

/** One of several paths in its colour, up to checkpoint `at`, the rest faint; without true losses, which would be too many. */
function oneOfMany(pane: Pane, path: Trajectory, at: number, color: string, order: number): Group {
  const { top } = pane.picture;
  const on = path.step.map((_, k) => locate(pane, path.x[k], path.y[k]));
  const [done, ahead] = [chain(on.slice(0, at + 1)), chain(on.slice(at))];
  return group([
    strokes(done, top, { width: 2, color, opacity: 0.35, through: true, order }),
    strokes(ahead, top, { width: 1.5, color: "#ffffff", opacity: 0.6, order: order + 1 }),
    strokes(done, top, { width: 5, color: "#ffffff", order: order + 2 }),
    strokes(done, top, { width: 2.6, color, order: order + 3 }),
    marks([on[0]], top, { size: 10, fill: "#ffffff", edge: color, order: order + 4 }),
    marks([on[at]], top, { size: 12, fill: color, edge: "#ffffff", order: order + 5, through: true }),
  ]);
}

/** All paths of a pane, up to the step shown. */
export function pathObjects(pane: Pane, truth: string): Group {
  const { paths, now } = pane;
  const at = (path: Trajectory) => checkpointOf(path, now);
  if (paths.length === 1) return pathObject(pane, paths[0], at(paths[0]), truth);
  return group(paths.map((path, k) => oneOfMany(pane, path, at(path), pathColor(k), 1 + 6 * k)));
}
