// What the reader has chosen, kept in the URL so that a link shows the same view.

import type { Fill } from "./draw";
import { mapNames } from "./palette";

export interface Camera { azimuth: number; polar: number; distance: number; target: [number, number, number] }

/** A line over a plane: the coordinates of its ends A and B. */
export type Along = [number, number, number, number];

export interface State {
  run: number;
  /** The runs beside it. */
  compare: number[];
  /** Show what these differ from the first by, in place of all of them. */
  diff: boolean;
  value: string;
  /** null: chosen by the range of the loss. */
  log: boolean | null;
  map: string;
  shared: boolean;
  /** The largest loss shown; null: all. */
  clip: number | null;
  fill: Fill;
  lines: boolean;
  slice: number;
  /** The point under inspection, in coordinates of the plane. */
  point: [number, number] | null;
  pinned: boolean;
  /** The line over the plane along which values are shown; null without one. */
  along: Along | null;
  /** Index of the checkpoint shown; -1: the last. */
  step: number;
  height: number;
  camera: Camera;
}

/** The ways to paint a plane, in the order of the key that turns them. */
export const FILLS: Fill[] = ["bands", "smooth", "cells"];

export const HOME: Camera = { azimuth: -0.6, polar: 0.92, distance: 3.05, target: [0, 0.1, 0] };

export function initial(): State {
  return {
    run: 0, compare: [], diff: false, value: "loss", log: null, map: "viridis", shared: false, clip: null,
    fill: "bands", lines: true, slice: -1, point: null, pinned: false, along: null, step: -1, height: 1, camera: HOME,
  };
}

const flag = (on: boolean) => (on ? "1" : "0");
const short = (x: number) => String(Number(x.toPrecision(4)));

function cameraText(c: Camera): string {
  return [c.azimuth, c.polar, c.distance, ...c.target].map(short).join(",");
}

function cameraFrom(text: string): Camera | null {
  const n = text.split(",").map(Number);
  if (n.length !== 6 || !n.every(Number.isFinite)) return null;
  return { azimuth: n[0], polar: n[1], distance: n[2], target: [n[3], n[4], n[5]] };
}

/** The hash of a state: only what differs from the start; runs count from 1, as the reader does. */
export function toHash(s: State): string {
  const out: [string, string][] = [];
  const d = initial();
  if (s.run !== d.run) out.push(["run", String(s.run + 1)]);
  if (s.compare.length > 0) out.push(["compare", s.compare.map((run) => run + 1).join(",")]);
  if (s.diff) out.push(["diff", "1"]);
  if (s.value !== d.value) out.push(["value", s.value]);
  if (s.log !== null) out.push(["log", flag(s.log)]);
  if (s.map !== d.map) out.push(["map", s.map]);
  if (s.shared) out.push(["shared", "1"]);
  if (s.clip !== null) out.push(["clip", String(Number(s.clip.toPrecision(6)))]);
  if (s.fill !== d.fill) out.push(["fill", s.fill]);
  if (!s.lines) out.push(["lines", "0"]);
  if (s.slice >= 0) out.push(["slice", String(s.slice + 1)]);
  if (s.point && s.pinned) out.push(["at", s.point.map((x) => Number(x.toPrecision(6))).join(",")]);
  if (s.along) out.push(["along", s.along.map((x) => Number(x.toPrecision(6))).join(",")]);
  if (s.step >= 0) out.push(["checkpoint", String(s.step + 1)]);
  if (s.height !== d.height) out.push(["height", short(s.height)]);
  if (cameraText(s.camera) !== cameraText(HOME)) out.push(["camera", cameraText(s.camera)]);
  return out.map(([k, v]) => `${k}=${encodeURIComponent(v).replaceAll("%2C", ",")}`).join("&");
}

/** The most runs that stand side by side: as many as the figure has panels. */
export const MOST_PANES = 6;

/** The runs of a list, counted from 1: each once, none that is `shown` already. */
function runsFrom(text: string, runs: number, shown: number): number[] {
  const all = text.split(",").map(Number).filter((n) => Number.isInteger(n) && n >= 1 && n <= runs && n - 1 !== shown);
  return [...new Set(all.map((n) => n - 1))].slice(0, MOST_PANES - 1);
}

/** Reads a hash. What it does not name, or names wrongly, stays as at the start. */
export function fromHash(hash: string, runs: number): State {
  const s = initial();
  const q = new URLSearchParams(hash.replace(/^#/, ""));
  const index = (key: string, limit: number) => {
    const n = Number(q.get(key));
    return Number.isInteger(n) && n >= 1 && n <= limit ? n - 1 : -1;
  };
  const real = (key: string) => {
    const text = q.get(key);
    return text !== null && text !== "" && Number.isFinite(Number(text)) ? Number(text) : null;
  };
  s.run = Math.max(0, index("run", runs));
  s.compare = runsFrom(q.get("compare") ?? "", runs, s.run);
  s.diff = s.compare.length > 0 && q.get("diff") === "1";
  s.value = q.get("value") ?? s.value;
  if (q.has("log")) s.log = q.get("log") === "1";
  s.map = mapNames().find((name) => name === q.get("map")) ?? s.map;
  s.shared = q.get("shared") === "1";
  s.clip = real("clip");
  s.fill = FILLS.find((fill) => fill === q.get("fill")) ?? s.fill;
  s.lines = q.get("lines") !== "0";
  s.slice = index("slice", 1e6);
  const reals = (key: string, count: number) => {
    const all = (q.get(key) || "x").split(",").map(Number);
    return all.length === count && all.every(Number.isFinite) ? all : null;
  };
  const at = reals("at", 2);
  if (at) [s.point, s.pinned] = [[at[0], at[1]], true];
  s.along = reals("along", 4) as Along | null;
  s.step = index("checkpoint", 1e9);
  s.height = Math.min(3, Math.max(0.2, real("height") ?? s.height));
  s.camera = cameraFrom(q.get("camera") ?? "") ?? s.camera;
  return s;
}

/** Holds the state and tells its listeners, at most once a frame. */
export class Store {
  private listeners: (() => void)[] = [];
  private queued = false;

  constructor(public state: State) {}

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.listeners.forEach((listener) => listener());
    });
  }

  subscribe(listener: () => void): void { this.listeners.push(listener); }
}
