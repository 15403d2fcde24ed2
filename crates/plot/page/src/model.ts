// From the data and the reader's choices to what is drawn: one pane, or several where runs are compared.

import type { PageData, Quantity, Run, Trajectory } from "./data";
import type { Fine } from "./geometry/field";
import { Picture, fineOf } from "./picture";
import type { State } from "./state";
import { difference, type Field, fieldOf, sameGrid } from "./values";

export interface Pane {
  /** Changes exactly when the field, the quantity or the scale's range does; not with the clip. */
  key: string;
  run: Run;
  title: string;
  /** What the colours and heights are, with its unit. */
  label: string;
  quantity: Quantity;
  field: Field;
  picture: Picture;
  /** The paths over the field; none over differences and lines. */
  paths: Trajectory[];
  /** The steps of all paths of all panes, rising. */
  steps: number[];
  /** The step shown. */
  now: number;
}

/** The quantity asked for, or the loss where the run has no such quantity. */
export function quantityOf(run: Run, key: string): Quantity {
  return run.quantities.find((q) => q.key === key) ?? run.quantities[0];
}

/** True when heights are losses, so that a checkpoint's true loss has a place among them. */
export function showsLoss(pane: Pane): boolean { return pane.quantity.key === "loss" && !pane.picture.diverging; }

export function isVolume(run: Run): boolean { return run.axes.length === 3; }
export function isLine(run: Run): boolean { return run.axes.length === 1; }

/** The slice shown: the middle one until the reader chooses. */
export function sliceOf(run: Run, state: State): number {
  if (!isVolume(run)) return 0;
  const n = run.axes[2].coords.length;
  return state.slice < 0 ? Math.floor(n / 2) : Math.min(state.slice, n - 1);
}

/** The place among the steps that is shown: the last one until the reader chooses. */
export function placeOf(steps: number[], state: State): number {
  const last = steps.length - 1;
  return state.step < 0 ? last : Math.min(state.step, last);
}

/** The checkpoint of a path that a step shows: the last one not after it. */
export function checkpointOf(path: Trajectory, step: number): number {
  let at = 0;
  while (at + 1 < path.step.length && path.step[at + 1] <= step) at++;
  return at;
}

/** All steps of paths, rising. */
export function stepsOf(paths: Trajectory[]): number[] {
  return [...new Set(paths.flatMap((path) => path.step))].sort((a, b) => a - b);
}

/** A log scale is the better start when the loss spans more than a factor of this. */
const LOG_FACTOR = 30;

const fields = new Map<string, Field>();

/** Drops what was made of data that are no longer shown. */
export function forget(): void {
  fields.clear();
  grids.clear();
}

function cached(data: PageData, index: number, state: State): Field {
  const run = data.runs[index];
  const slice = sliceOf(run, state);
  const key = `${data.age}/${index}/${quantityOf(run, state.value).key}/${slice}`;
  let field = fields.get(key);
  if (!field) {
    if (fields.size > 64) fields.clear();
    fields.set(key, (field = fieldOf(run, quantityOf(run, state.value), slice)));
  }
  return field;
}

/** The runs that stand side by side; lines stand alone. */
function shownRuns(data: PageData, state: State): number[] {
  if (isLine(data.runs[state.run])) return [state.run];
  return [state.run, ...state.compare.filter((index) => !isLine(data.runs[index]))];
}

/** The runs whose range a shared scale covers: those compared, else every plane or volume of the page. */
function sharers(data: PageData, state: State): number[] {
  if (state.compare.length > 0) return shownRuns(data, state);
  return data.runs.map((_, i) => i).filter((i) => isLine(data.runs[i]) === isLine(data.runs[state.run]));
}

/** True when all runs compared stand on the grid of the first. */
export function canSubtract(data: PageData, state: State): boolean {
  const [first, ...others] = shownRuns(data, state);
  return others.length > 0 && others.every((other) => data.runs[first].axes.length === data.runs[other].axes.length
    && sameGrid(cached(data, first, state), cached(data, other, state)));
}

/** What each run compared differs from the first by, on one scale. */
function differencePanes(data: PageData, state: State): Pane[] {
  const [first, ...others] = shownRuns(data, state);
  const run = data.runs[first];
  const quantity = quantityOf(run, state.value);
  const fields = others.map((other) => difference(cached(data, first, state), cached(data, other, state)));
  const picture = Picture.about0(fields.map(({ stats }) => stats), state.clip);
  return others.map((other, k) => ({
    key: ["diff", data.age, first, other, quantity.key, sliceOf(run, state), picture.hi].join("/"),
    run, title: `${data.runs[other].name} − ${run.name}`, label: `difference of ${quantity.label}`,
    quantity, field: fields[k], picture, paths: [], steps: [], now: 0,
  }));
}

export function panes(data: PageData, state: State): Pane[] {
  if (state.diff && canSubtract(data, state)) return differencePanes(data, state);
  const shown = shownRuns(data, state);
  const steps = stepsOf(shown.flatMap((index) => (isLine(data.runs[index]) ? [] : data.runs[index].paths)));
  const now = steps[placeOf(steps, state)] ?? 0;
  return shown.map((index) => {
    const run = data.runs[index];
    const field = cached(data, index, state);
    const quantity = quantityOf(run, state.value);
    const { linear } = quantity;
    const log = quantity.log !== null && (state.log ?? (data.log || linear.lo > 0 && linear.hi / linear.lo > LOG_FACTOR));
    const picture = state.shared && data.runs.length > 1
      ? Picture.over(sharers(data, state).map((i) => quantityOf(data.runs[i], state.value).data), log, state.clip)
      : Picture.of((log ? quantity.log : null) ?? linear, state.clip);
    return {
      key: [data.age, index, quantity.key, sliceOf(run, state), log, picture.lo, picture.hi].join("/"),
      run, title: run.name, label: quantity.label, quantity, field, picture,
      paths: isLine(run) ? [] : run.paths, steps, now,
    };
  });
}

const grids = new Map<string, Fine>();

/** The places of a pane in its whole range, on a fine grid. */
export function fine(pane: Pane): Fine {
  let found = grids.get(pane.key);
  if (!found) {
    if (grids.size > 16) grids.clear();
    const { v, nx, ny } = pane.field;
    grids.set(pane.key, (found = fineOf(pane.picture, v, nx, ny)));
  }
  return found;
}
