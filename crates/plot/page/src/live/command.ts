// The figures that show what the viewer does: the commands that draw them, and their addresses on the server.

import type { Viewer } from "../hook";
import { isLine, isVolume, type Pane } from "../model";
import type { Camera, State } from "../state";

/** A run as the server calls it; it and its database as words of a shell, where a landscape in a file has none. */
export interface Plot { key: string; run: string; database: string | null }

/** How a figure looks, as the server reads it. */
interface Look {
  camera?: { azimuth: number; elevation: number };
  along?: { from: [number, number]; to: [number, number] };
  value?: string;
  log?: true;
  clip?: { low?: number; high: number };
  colormap?: string;
  difference?: true;
  panels?: true;
}

/** A figure: what it shows, its kind where it is not told by its look, and what is added to the name of its file. */
export interface Drawing { title: string; kind: string | null; look: Look; name: string }

const PLAIN = /^[A-Za-z0-9\-_./:=,+%@]+$/;
const MAPS = ["cividis", "magma", "grey"];
const USUAL = "landscape.duckdb";

function quoted(word: string): string { return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`; }

/** What a quantity is called on the command line. */
function valueOf(key: string): string { return key.replace(/^term:/, "").replace("loss_se", "loss-se"); }

function kindOf(pane: Pane, state: State): string {
  if (isLine(pane.run)) return "line";
  if (isVolume(pane.run)) return "slices";
  if (pane.paths.length > 0) return "trajectory";
  return state.fill === "cells" ? "heatmap" : "contour";
}

const short = (x: number) => Number(x.toPrecision(6));

/** What is drawn of a pane, and on which scale. */
function scale({ picture, quantity }: Pane): Look {
  const look: Look = {};
  if (quantity.key !== "loss") look.value = valueOf(quantity.key);
  if (picture.log) look.log = true;
  const high = short(picture.shownMax);
  if (picture.clipped) look.clip = picture.diverging ? { low: -high, high } : { high };
  if (picture.diverging) look.difference = true;
  return look;
}

/** From where the surface is seen, in degrees, within what a figure can show. */
function seen({ azimuth, polar }: Camera): Look {
  const degrees = (angle: number) => Math.round((angle * 180) / Math.PI);
  return { camera: { azimuth: degrees(azimuth), elevation: Math.min(85, Math.max(5, 90 - degrees(polar))) } };
}

/** The figures that show what the views do. */
export function drawings({ state, panes }: Pick<Viewer, "state" | "panes">): Drawing[] {
  const [now, shown] = [state(), panes()];
  const [first] = shown;
  const look = scale(first);
  const colors: Look = MAPS.includes(now.map) && !isLine(first.run) && !first.picture.diverging ? { colormap: now.map } : {};
  const panels: Look = shown.length > 1 ? { panels: true } : {};
  const kind = kindOf(first, now);
  const out: Drawing[] = [{ title: kind, kind, look: { ...look, ...colors, ...panels }, name: "" }];
  if (first.run.axes.length !== 2) return out;
  if (shown.length === 1) {
    out.push({ title: "surface", kind: "surface", look: { ...seen(now.camera), ...look, ...colors }, name: "-surface" });
  }
  if (now.along) {
    const [a, b, c, d] = now.along.map(short);
    out.push({ title: "line", kind: null, look: { along: { from: [a, b], to: [c, d] }, ...look }, name: "-line" });
  }
  return out;
}

/** A figure's options. */
function options({ kind, look }: Drawing): string[] {
  const out = kind ? ["--kind", kind] : [];
  const { camera, along, value, clip, colormap } = look;
  if (camera) out.push(`--camera=${camera.azimuth},${camera.elevation}`);
  if (along) out.push(`--along=${along.from}:${along.to}`);
  if (value) out.push("--value", quoted(value));
  if (look.log) out.push("--log");
  if (clip) out.push(`--clip=${clip.low === undefined ? "" : `${clip.low}:`}${clip.high}`);
  if (colormap) out.push("--colormap", colormap);
  if (look.difference) out.push("--difference");
  if (look.panels) out.push("--panels");
  return out;
}

/** The runs of a view in the order in which figures name them. */
function named({ state, panes }: Pick<Viewer, "state" | "panes">, plots: Plot[]): Plot[] {
  const [now, shown] = [state(), panes()];
  const several = shown.length > 1 || shown[0].picture.diverging;
  return (several ? [now.run, ...now.compare] : [now.run]).map((index) => plots[index]).filter(Boolean);
}

/** The name of the file of a figure. */
export function fileOf({ panes }: Pick<Viewer, "panes">, { look, name }: Drawing, ending: string): string {
  const words = panes().map((pane) => pane.run.name.replace(/[^\p{L}\p{N}._-]+/gu, "-"));
  return `${words.join("-")}${look.difference ? "-difference" : ""}${name}.${ending}`.replace(/^-+/, "");
}

/**
 * The commands that draw the views, contours before the surface and the line; none for runs of two databases, and for
 * several files.
 */
export function plotCommands(viewer: Pick<Viewer, "state" | "panes">, plots: Plot[]): string[] {
  const runs = named(viewer, plots);
  const [first] = runs;
  if (!first || runs.some(({ database }) => database !== first.database)) return [];
  const file = first.database === null;
  if (file && runs.length > 1) return [];
  const from = file || first.database === USUAL ? [] : ["--db", first.database!];
  const names = file ? ["view"] : runs.map(({ run }) => run);
  const commands = drawings(viewer).map((drawing) =>
    ["landscape plot", ...names, ...options(drawing), ...from, "-o", quoted(fileOf(viewer, drawing, "svg"))].join(" "));
  return file ? [`landscape import ${first.run} --name view`, ...commands] : commands;
}

/** Where the server has a figure as a file. */
export function figureAddress(base: string, viewer: Pick<Viewer, "state" | "panes">, plots: Plot[], drawing: Drawing, ending: string): string {
  const query = new URLSearchParams(named(viewer, plots).map(({ key }) => ["run", key]));
  if (drawing.kind) query.set("kind", drawing.kind);
  query.set("look", JSON.stringify(drawing.look));
  query.set("format", ending);
  return `${base}?${query}`;
}
