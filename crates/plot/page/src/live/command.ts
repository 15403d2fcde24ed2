// The command that draws what the viewer shows.

import type { Viewer } from "../hook";
import { isLine, isVolume, type Pane } from "../model";
import type { State } from "../state";

/** A run and its database, as words of a shell; a landscape in a file has none. */
export interface Plot { run: string; database: string | null }

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

/** The options that say how a pane looks. */
function look([pane]: Pane[], state: State): string[] {
  const { picture, quantity } = pane;
  const out = ["--kind", kindOf(pane, state)];
  if (quantity.key !== "loss") out.push("--value", quoted(valueOf(quantity.key)));
  if (picture.log) out.push("--log");
  if (picture.clipped) out.push(`--clip=${Number(picture.shownMax.toPrecision(6))}`);
  if (MAPS.includes(state.map) && !isLine(pane.run)) out.push("--colormap", state.map);
  return out;
}

/** The command for the view; null where there is none, as for a difference of runs, or for runs of two databases. */
export function plotCommand({ state, panes }: Pick<Viewer, "state" | "panes">, plots: Plot[]): string | null {
  const [now, shown] = [state(), panes()];
  if (shown[0].picture.diverging) return null;
  const named = (shown.length > 1 ? [now.run, now.compare] : [now.run]).map((index) => plots[index]);
  if (named.some((plot) => !plot || plot.database !== named[0].database)) return null;
  const [{ run, database }] = named;
  const words = [...look(shown, now), ...(shown.length > 1 ? ["--panels"] : [])];
  const file = `${shown.map((pane) => pane.run.name.replace(/[^\p{L}\p{N}._-]+/gu, "-")).join("-")}.svg`;
  const out = ["-o", quoted(file.replace(/^-+/, ""))];
  if (database === null) {
    return named.length > 1 ? null : [`landscape import ${run} --name view`, ["landscape plot view", ...words, ...out].join(" ")].join("\n");
  }
  const from = database === USUAL ? [] : ["--db", database];
  return ["landscape plot", ...named.map((plot) => plot.run), ...words, ...from, ...out].join(" ");
}
