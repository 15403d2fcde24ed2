// The training paths: how they look, and the panel that tells how far the plane can be trusted about them.

import type { Theme } from "./canvas";
import { drawChart, type Frame, type Series } from "./chart";
import type { Trajectory } from "./data";
import { byId, fillPairs, make, show } from "./dom";
import { number } from "./geometry/number";
import { type Pane, checkpointOf, placeOf } from "./model";
import type { State, Store } from "./state";
import { percent } from "./words";

/** The colours of several paths, those of the figures; they come with the data. */
let colors = ["#000000"];
export function setPathColors(given: string[]): void { colors = given; }

const DASHES = [[], [7, 4], [2, 4], [8, 4, 2, 4]];
/** After so many paths the dash turns, and so do the colours of charts. */
const TURN = 5;

/** The colour of one of several paths over the surface. */
export function pathColor(k: number): string { return colors[k % colors.length]; }

/** Its dash, which turns with every five paths. */
export function pathDash(k: number): number[] { return DASHES[Math.floor(k / TURN) % DASHES.length]; }

/** Its colour in charts, on the page's own ground. */
export function chartColor(k: number, theme: Theme): string { return [...theme.series, theme.ink][k % TURN]; }

/** One of the paths shown, and what it is called here. */
interface Shown { path: Trajectory; name: string; color: string; dash: number[] }

/** The paths of all panes: compared runs have their names before those of their paths. */
function shownPaths(panes: Pane[], theme: Theme): Shown[] {
  const named = panes.flatMap((pane) => pane.paths.map((path) => {
    const run = panes.length > 1 || !path.name ? pane.run.name : "";
    return { path, name: [run, path.name].filter((part) => part).join(": ") };
  }));
  return named.map((shown, k) => ({ ...shown, color: chartColor(k, theme), dash: pathDash(k) }));
}

const canvas = (id: string) => byId<HTMLCanvasElement>(id);

/** The path panel: true losses beside the plane's, off-plane distances, explained variance, warnings. */
export class PathPanel {
  private frame: Frame | null = null;
  private timer = 0;
  private steps: number[] = [];

  constructor(private readonly store: Store) {
    byId("play").addEventListener("click", () => this.toggle());
    byId<HTMLInputElement>("step").addEventListener("input", (e) =>
      this.store.set({ step: Number((e.target as HTMLInputElement).value) }));
    for (const id of ["path-loss", "path-residual"]) {
      canvas(id).addEventListener("pointerdown", (e) => this.jump(e));
      canvas(id).addEventListener("pointermove", (e) => e.buttons === 1 && this.jump(e));
    }
  }

  private place(): number { return placeOf(this.steps, this.store.state); }

  /** Starts or stops the march through the steps; the camera stays where it is. */
  toggle(): void {
    if (this.timer) return this.stop();
    const { steps } = this;
    if (steps.length < 2) return;
    const last = steps.length - 1;
    if (this.place() >= last) this.store.set({ step: 0 });
    const pause = Math.max(30, Math.min(350, 7000 / steps.length));
    this.timer = window.setInterval(() => {
      const next = this.place() + 1;
      this.store.set({ step: Math.min(next, last) });
      if (next >= last) this.stop();
    }, pause);
    byId("play").textContent = "❚❚ Pause";
  }

  private stop(): void {
    window.clearInterval(this.timer);
    this.timer = 0;
    byId("play").textContent = "▶ Play";
  }

  /** Moves by some steps. */
  move(by: number): void {
    if (this.steps.length === 0) return;
    this.store.set({ step: Math.min(this.steps.length - 1, Math.max(0, this.place() + by)) });
  }

  private jump(event: PointerEvent): void {
    if (!this.frame || this.steps.length === 0) return;
    const { rect, x0, x1 } = this.frame;
    const step = x0 + ((event.offsetX - rect.x) / rect.w) * (x1 - x0);
    let best = 0;
    this.steps.forEach((s, k) => { if (Math.abs(s - step) < Math.abs(this.steps[best] - step)) best = k; });
    this.store.set({ step: best });
  }

  update(panes: Pane[], state: State, theme: Theme): void {
    const paths = shownPaths(panes, theme);
    const { steps, now } = panes[0];
    if (steps.join() !== this.steps.join() && this.timer) this.stop();
    this.steps = steps;
    show(byId("path"), paths.length > 0);
    if (paths.length === 0) return;
    const at = placeOf(steps, state);
    const slider = byId<HTMLInputElement>("step");
    slider.max = String(steps.length - 1);
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", `step ${now}`);
    byId("path-title").textContent = paths.length === 1 ? "Training path" : "Training paths";
    byId("step-name").textContent = paths.length === 1 ? `checkpoint ${at + 1} of ${steps.length}, step ${now}` : `step ${now}`;
    const alone = paths.length === 1;
    show(byId("path-facts"), alone);
    show(byId("path-table"), !alone);
    if (alone) fillPairs(byId("path-facts"), pathFacts(paths[0].path, checkpointOf(paths[0].path, now)));
    else fillTable(byId("path-table"), paths, now);
    byId("path-variance").textContent = variance(paths.map((p) => p.path));
    byId("path-warnings").replaceChildren(...warnings(paths).map((words) => make("li", words)));
    this.drawCharts(paths, now, panes[0].picture.log, theme);
  }

  private drawCharts(paths: Shown[], now: number, log: boolean, theme: Theme): void {
    const alone = paths.length === 1;
    const dots = paths.reduce((n, { path }) => n + path.step.length, 0) <= 120;
    const series = paths.flatMap(({ path, color, dash }): Series[] => alone
      ? [
        { x: path.step, y: path.loss, label: "true loss", color: theme.series[1], dots },
        { x: path.step, y: path.planeLoss, label: "loss at the projection", color: theme.series[0], dash: [6, 3] },
      ]
      : [
        { x: path.step, y: path.loss, label: "", color, dash },
        { x: path.step, y: path.planeLoss, label: "", color, dash: [1, 3], thin: true },
      ]);
    this.frame = drawChart(canvas("path-loss"), { series, xLabel: "step", yLabel: alone ? "loss" : "loss (dotted: plane)", log, cursor: now }, theme);
    const residuals = paths.map(({ path, color, dash }): Series => ({
      x: path.step, y: path.residual, label: alone ? "off-plane distance" : "", color: alone ? theme.series[2] : color,
      dash: alone ? [] : dash, dots: alone && dots,
    }));
    drawChart(canvas("path-residual"), { series: residuals, xLabel: "step", yLabel: "off-plane distance", log: false, cursor: now }, theme);
  }
}

const known = (x: number) => (Number.isFinite(x) ? number(x, 3) : "–");

/** Label and value of what is known of a checkpoint. */
function pathFacts(path: Trajectory, at: number): [string, string][] {
  return [
    ["true loss", known(path.loss[at])],
    ["on the plane", known(path.planeLoss[at])],
    ["gap", known(path.loss[at] - path.planeLoss[at])],
    ["off-plane", known(path.residual[at])],
  ];
}

/** The same of several paths, a row each; their names are the legend of the charts. */
function fillTable(table: HTMLElement, paths: Shown[], now: number): void {
  const head = make("tr");
  head.append(...["path", "step", "true loss", "on the plane", "gap", "off-plane"].map((words) => make("th", words)));
  const rows = paths.map(({ path, name, color, dash }) => {
    const at = checkpointOf(path, now);
    const row = make("tr");
    const first = make("td", "", "path-name");
    const swatch = make("span", "", "swatch");
    swatch.style.borderTopColor = color;
    swatch.style.borderTopStyle = dash.length === 0 ? "solid" : dash[0] > 2 ? "dashed" : "dotted";
    first.append(swatch, name);
    row.append(first, ...[String(path.step[at]), ...pathFacts(path, at).map(([, v]) => v)].map((v) => make("td", v, "number")));
    return row;
  });
  table.replaceChildren(head, ...rows);
}

/** What the paths' planes explain: one sentence where the paths agree. */
export function variance(paths: Trajectory[]): string {
  const [first] = paths;
  const shares = first.explained.slice(0, 3);
  const agree = paths.every((p) => p.explained.slice(0, 3).join() === shares.join());
  if (shares.length === 0 || !agree) return `Coordinates by ${first.projection}.`;
  const together = shares.reduce((a, b) => a + b, 0);
  const whose = paths.length > 1 ? "the paths" : "the path";
  return `Variance of ${whose} explained: ${shares.map((v) => percent(v)).join(" + ")} = ${percent(together)}. Coordinates by ${first.projection}.`;
}

/** The warnings of all paths: those of one kind together, in the words of the worst. */
export function warnings(paths: { path: Trajectory; name: string }[]): string[] {
  const all = paths.flatMap(({ path, name }) => path.warnings.map((words) => ({ words, name, kind: words.replace(/[\d.]+/g, "") })));
  return [...new Set(all.map((w) => w.kind))].map((kind) => {
    const alike = all.filter((w) => w.kind === kind);
    const same = alike.every((w) => w.words === alike[0].words);
    if (same && alike.length === paths.length) return sentence(alike[0].words);
    const whose = alike.length === paths.length ? "all paths" : alike.map((w) => w.name).join(", ");
    const worst = alike.reduce((a, b) => (share(b.words) > share(a.words) ? b : a));
    return `${whose}: ${worst.words}${same ? "" : ` (the worst, ${worst.name})`}.`;
  });
}

/** The first number of a text. */
function share(words: string): number { return Number(/[\d.]+/.exec(words)?.[0] ?? 0); }

function sentence(words: string): string { return `${words[0].toUpperCase()}${words.slice(1)}.`; }
