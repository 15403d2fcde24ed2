// The panels under the picture: slices, the training path, and what the run is.

import { bandFrom, bandOf } from "./band";
import { type Theme } from "./canvas";
import { drawChart, type Series } from "./chart";
import type { Curve, PageData, Run } from "./data";
import { byId, fillPairs, make, show, toast } from "./dom";
import { number } from "./geometry/number";
import { isLine, isVolume, type Pane } from "./model";
import { models } from "./overlay";
import { chartColor, pathDash } from "./paths";
import type { State, Store } from "./state";
import { facts } from "./tooltip";
import { type Field, nearest } from "./values";
import { count, grouped } from "./words";

const canvas = (id: string) => byId<HTMLCanvasElement>(id);

/** The point that the slices go through: the inspected one, else the plane's origin, else the middle. */
function slicePoint(field: Field, state: State): [number, number] {
  const [x, y] = state.point ?? [0, 0];
  return [nearest(field.xs, x), nearest(field.ys, y)];
}

function row(pane: Pane, data: ArrayLike<number>, i: number, j: number, along: 0 | 1): number[] {
  const { field } = pane;
  const n = along === 0 ? field.nx : field.ny;
  return Array.from({ length: n }, (_, k) => data[along === 0 ? field.index(k, j) : field.index(i, k)]);
}

function sliceSeries(pane: Pane, state: State, along: 0 | 1, color: string, dash: number[]): Series {
  const { field, run, quantity } = pane;
  const [i, j] = slicePoint(field, state);
  const diff = pane.picture.diverging;
  const direct = (k: number) => (along === 0 ? field.v[k * field.ny + j] : field.v[i * field.ny + k]);
  const coords = along === 0 ? field.xs : field.ys;
  const se = run.quantities.find((q) => q.key === "loss_se");
  const banded = !diff && ["loss", "total"].includes(quantity.key);
  const band = banded && se ? bandFrom(row(pane, se.data, i, j, along)) : undefined;
  return { x: coords, y: Array.from(coords, (_, k) => direct(k)), label: pane.title, color, dash, band };
}

/** The two slices through the inspected point; compared runs share a chart. */
export function drawSlices(panes: Pane[], state: State, theme: Theme): void {
  const [pane] = panes;
  for (const along of [0, 1] as const) {
    const [i, j] = slicePoint(pane.field, state);
    const coords = along === 0 ? pane.field.xs : pane.field.ys;
    drawChart(canvas(along === 0 ? "slice-x" : "slice-y"), {
      series: panes.map((p, k) => sliceSeries(p, state, along, chartColor(k, theme), k ? [6, 3] : [])),
      xLabel: pane.run.axes[along].label, yLabel: pane.label,
      log: pane.picture.log, clip: pane.picture.clipped ? pane.picture.shownMax : null,
      cursor: coords[along === 0 ? i : j],
    }, theme);
  }
  const [i, j] = slicePoint(pane.field, state);
  const where = facts(pane, [pane.field.xs[i], pane.field.ys[j]]);
  byId("here").replaceChildren(...where.slice(0, 4).map(([k, v]) => {
    const pair = make("span");
    pair.append(make("b", k), ` ${v}`);
    return pair;
  }));
}

/** A line: the loss with its error band, and the accuracy where there is one; models are marked in both. */
export function drawLine(pane: Pane, state: State, theme: Theme): void {
  const { run, field, picture } = pane;
  const of = (key: string) => run.quantities.find((q) => q.key === key);
  const x = field.xs;
  const marks = models(run).map(({ name, at }) => ({ x: at[0], name }));
  const cursor = state.point ? x[nearest(x, state.point[0])] : undefined;
  const series: Series[] = [{ x, y: of("loss")!.data, label: "loss", color: theme.series[0], band: bandOf(run), dots: true, undotted: run.interpolated }];
  const total = of("total");
  if (total) series.push({ x, y: total.data, label: total.label, color: theme.series[2], dash: [6, 3] });
  drawChart(canvas("line-loss"), {
    series, xLabel: run.axes[0].label, yLabel: "loss", log: picture.log, clip: picture.clipped ? picture.shownMax : null, cursor, marks,
  }, theme);
  const accuracy = of("accuracy");
  show(canvas("line-accuracy"), accuracy !== undefined);
  if (!accuracy) return;
  drawChart(canvas("line-accuracy"), {
    series: [{ x, y: accuracy.data, label: "accuracy", color: theme.series[1], dots: true, undotted: run.interpolated }],
    xLabel: run.axes[0].label, yLabel: "accuracy", log: false, cursor, marks: marks.map((m) => ({ ...m, name: "" })),
  }, theme);
}

/** How many points of a run were measured, where others are interpolated. */
export function sourceNote(run: Run): string | null {
  const { interpolated, missing, tolerance } = run;
  if (!interpolated) return null;
  const all = interpolated.length;
  const of = (list: Uint8Array | null) => (list ? list.reduce((n, x) => n + x, 0) : 0);
  const known = all - of(missing);
  const to = tolerance === null ? "" : ` to ${Number((100 * tolerance).toPrecision(3))} % of the range`;
  const measured = grouped(known - of(interpolated));
  return `${measured} of ${grouped(all)} measured, ${missing ? "others" : "the rest"} interpolated${to}`;
}

/** How much longer a unit of one axis is drawn than one of the other, where both have one measure. */
export function shapeNote({ run, field }: Pick<Pane, "run" | "field">): string | null {
  const { xs, ys, nx, ny } = field;
  const factor = (run.ratio * (xs[nx - 1] - xs[0])) / (ys[ny - 1] - ys[0]);
  if (!run.equalAspect || !(Math.abs(factor - 1) > 1e-6)) return null;
  const [longer, shorter, times] = factor > 1 ? ["second", "first", factor] : ["first", "second", 1 / factor];
  return `a unit of the ${longer} axis is drawn ${number(times, 2)} times as long as one of the ${shorter}`;
}

/** What the picture can't show by itself: holes, points not computed, what is above the clip. */
export function notes(panes: Pane[]): string {
  return panes.map((pane) => {
    const { stats, v } = pane.field;
    const out = [count(v.length, "point") + (isVolume(pane.run) ? " in this slice" : "")];
    const shape = shapeNote(pane);
    if (shape) out.push(shape);
    const sources = sourceNote(pane.run);
    if (sources) out.push(sources);
    if (stats.nonFinite > 0) out.push(`${count(stats.nonFinite, "point")} NaN or infinite (hatched)`);
    if (stats.missing > 0) out.push(`${count(stats.missing, "point")} not computed (blank)`);
    const { clipped, shownMax, transform, diverging } = pane.picture;
    if (transform.kind === "symlog") out.push(`the scale is logarithmic, and linear between −${number(transform.threshold, 3)} and ${number(transform.threshold, 3)}`);
    const above = clipped ? v.reduce((n, x) => n + (Math.abs(x) > shownMax && (x > 0 || diverging) ? 1 : 0), 0) : 0;
    if (above > 0) out.push(`${count(above, "point")} beyond the clip (cut away in 3D)`);
    return (panes.length > 1 ? `${pane.title}: ` : "") + out.join(" · ");
  }).join("   |   ");
}

/** Heading, metrics, loss curves, provenance and command of the run. */
export function updateDetails(data: PageData, pane: Pane, theme: Theme): void {
  const { run } = pane;
  byId("heading").textContent = run.heading || run.name;
  byId("description").textContent = run.description;
  show(byId("description"), run.description !== "");
  fillPairs(byId("metrics"), run.metrics);
  show(byId("metrics-box"), run.metrics.length > 0);
  drawCurves(run, pane.picture.log, theme);
  fillPairs(byId("provenance"), [...run.provenance, ...data.provenance]);
  show(byId("provenance-box"), run.provenance.length + data.provenance.length > 0);
  byId("command").textContent = run.command || data.command;
  show(byId("command-box"), run.command + data.command !== "");
  const boxes = ["metrics-box", "minima-box", "curves", "provenance-box", "command-box"].map((id) => byId(id));
  show(byId("details"), boxes.some((box) => !box.hidden));
}

/** Losses while training, and accuracies where they are known. */
function drawCurves(run: Run, log: boolean, theme: Theme): void {
  show(byId("curves"), run.curves.length > 0);
  const known = run.curves.filter((c) => c.accuracies.length > 0);
  show(canvas("curve-accuracy"), known.length > 0);
  const series = (curves: Curve[], of: (c: Curve) => Float64Array): Series[] => curves.map((c, k) => ({
    x: c.steps, y: of(c), label: c.label, color: chartColor(k, theme), dash: curves.length > 4 ? pathDash(k) : k ? [6, 3] : [],
  }));
  canvas("curve").style.height = run.curves.length > 4 ? "230px" : "";
  if (run.curves.length > 0) {
    drawChart(canvas("curve"), { series: series(run.curves, (c) => c.losses), xLabel: "step", yLabel: "loss", log }, theme);
  }
  if (known.length > 0) {
    // The legend of the losses stands above both.
    const unnamed = series(known, (c) => c.accuracies).map((s) => ({ ...s, label: "" }));
    const chart = { series: unnamed, xLabel: "step", yLabel: "accuracy", log: false };
    drawChart(canvas("curve-accuracy"), chart, theme);
  }
}

/** The button that copies the command. */
export function wireCopy(): void {
  byId("copy").addEventListener("click", async () => {
    const text = byId("command").textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      toast("Command copied");
    } catch {
      getSelection()?.selectAllChildren(byId("command"));
      toast("Press Ctrl+C to copy the selected command");
    }
  });
}

/** The pointer on a line's charts inspects its points. */
export function wireLine(store: Store, current: () => Pane, hover: (e: PointerEvent | null, pane: Pane | null) => void): void {
  for (const id of ["line-loss", "line-accuracy"]) {
    canvas(id).addEventListener("pointermove", (e) => {
      const pane = current();
      if (!isLine(pane.run)) return;
      const { xs, nx } = pane.field;
      const share = Math.min(1, Math.max(0, (e.offsetX - 54) / (canvas(id).clientWidth - 66)));
      const x = xs[nearest(xs, xs[0] + share * (xs[nx - 1] - xs[0]))];
      store.set({ point: [x, 0] });
      hover(e, pane);
    });
    canvas(id).addEventListener("pointerleave", () => hover(null, null));
  }
}
