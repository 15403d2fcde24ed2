// The toolbar: every control writes to the store and shows what the store holds.

import type { PageData } from "./data";
import { byId, fillSelect, make, show } from "./dom";
import type { Fill } from "./draw";
import { number } from "./geometry/number";
import { canSubtract, isLine, isVolume, type Pane, quantityOf, sliceOf } from "./model";
import { mapNames } from "./palette";
import { HOME, MOST_PANES, type State, type Store } from "./state";
import { quantile, rank } from "./values";

const input = (id: string) => byId<HTMLInputElement>(id);
const select = (id: string) => byId<HTMLSelectElement>(id);

/** Choosing another run forgets what belonged to the one before. */
export function chooseRun(store: Store, run: number): void {
  const { state } = store;
  if (run === state.run) return;
  // One of those beside it changes places with it.
  const compare = state.compare.map((other) => (other === run ? state.run : other));
  store.set({ run, compare, clip: state.shared ? state.clip : null, slice: -1, step: -1, pinned: false, point: null });
}

export class Controls {
  private panes: Pane[] = [];

  constructor(private readonly data: PageData, private readonly store: Store) {
    this.runs();
    const on = (id: string, change: (target: HTMLInputElement) => Partial<State>, event = "change") =>
      byId(id).addEventListener(event, (e) => this.store.set(change(e.target as HTMLInputElement)));
    on("value", (t) => ({ value: t.value, clip: null }));
    on("linear", () => ({ log: false }), "click");
    on("log", () => ({ log: true }), "click");
    on("map", (t) => ({ map: t.value }));
    this.compared();
    on("diff", (t) => ({ diff: t.checked, clip: null }));
    on("shared", (t) => ({ shared: t.checked }));
    on("fill", (t) => ({ fill: t.value as Fill }));
    on("lines", (t) => ({ lines: t.checked }));
    on("slice", (t) => ({ slice: Number(t.value) }), "input");
    on("height", (t) => ({ height: Number(t.value) }), "input");
    on("home", () => ({ camera: HOME, height: 1 }), "click");
    on("clip", (t) => ({ clip: this.clipAt(Number(t.value)) }), "input");
  }

  private clipAt(share: number): number | null {
    const [pane] = this.panes;
    return share >= 1 ? null : quantile(pane.field, share, pane.picture.diverging);
  }

  private runs(): void {
    const { runs } = this.data;
    const tabs = runs.length <= 6;
    show(byId("tabs"), tabs && runs.length > 1);
    show(byId("run").parentElement!, !tabs);
    fillSelect(select("run"), runs.map((r, k) => [String(k), r.name]), "0");
    select("run").addEventListener("change", () => chooseRun(this.store, Number(select("run").value)));
    byId("tabs").append(...runs.map((run, k) => {
      const tab = make("button", run.name);
      tab.setAttribute("role", "tab");
      tab.addEventListener("click", () => chooseRun(this.store, k));
      return tab;
    }));
  }

  /** A box to tick for each run that can stand beside another. */
  private compared(): void {
    const menu = byId<HTMLDetailsElement>("compare");
    byId("compare-runs").append(...this.data.runs.map(({ name }, k) => {
      const [label, box] = [make("label", "", "check"), make("input") as HTMLInputElement];
      box.type = "checkbox";
      box.value = String(k);
      label.append(box, ` ${name}`);
      return label;
    }));
    byId("compare-runs").addEventListener("change", () => {
      const boxes = [...byId("compare-runs").querySelectorAll("input")];
      const compare = boxes.filter(({ checked }) => checked).map(({ value }) => Number(value));
      this.store.set({ compare, diff: compare.length > 0 && this.store.state.diff, clip: null });
    });
    document.addEventListener("pointerdown", (e) => { if (!menu.contains(e.target as Node)) menu.open = false; });
    menu.addEventListener("keydown", (e) => {
      if (e.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary")!.focus();
      e.stopPropagation();
    });
  }

  update(panes: Pane[], state: State): void {
    this.panes = panes;
    const run = this.data.runs[state.run];
    const line = isLine(run);
    [...byId("tabs").children].forEach((tab, k) => tab.setAttribute("aria-selected", String(k === state.run)));
    select("run").value = String(state.run);
    fillSelect(select("value"), run.quantities.map((q) => [q.key, q.label]), quantityOf(run, state.value).key);
    show(byId("value").parentElement!, run.quantities.length > 1 && !line);
    fillSelect(select("map"), mapNames().map((name) => [name, name]), state.map);
    select("fill").value = state.fill;
    input("lines").checked = state.lines;
    input("height").value = String(state.height);
    this.updateScale(panes[0]);
    this.updateCompare(state, line);
    this.updateSlice(state);
    document.body.classList.toggle("is-line", line);
  }

  private updateScale(pane: Pane): void {
    const { picture, field, quantity } = pane;
    byId("log").setAttribute("aria-pressed", String(picture.log));
    byId("linear").setAttribute("aria-pressed", String(!picture.log));
    const possible = quantity.log !== null && !picture.diverging;
    byId<HTMLButtonElement>("log").disabled = !possible;
    byId("log").title = possible ? "Logarithmic scale (L)" : "A log scale needs positive values";
    input("clip").value = picture.clipped ? String(rank(field, picture.shownMax, picture.diverging)) : "1";
    byId("clip-value").textContent = picture.clipped ? number(picture.shownMax, 3) : "off";
  }

  private updateCompare(state: State, line: boolean): void {
    const { runs } = this.data;
    const others = runs.map((_, k) => k).filter((k) => k !== state.run && !isLine(runs[k]));
    const possible = others.length > 0 && !line;
    show(byId("compare"), possible);
    [...byId("compare-runs").querySelectorAll("input")].forEach((box, k) => {
      show(box.parentElement!, others.includes(k));
      box.checked = state.compare.includes(k) && others.includes(k);
      box.disabled = !box.checked && state.compare.length >= MOST_PANES - 1;
    });
    const [first, ...more] = state.compare.filter((k) => others.includes(k)).map((k) => runs[k].name);
    byId("compare-value").textContent = first === undefined ? "nothing" : more.length === 0 ? first : `${more.length + 1} runs`;
    show(byId("diff").parentElement!, possible && canSubtract(this.data, state));
    input("diff").checked = state.diff;
    show(byId("shared").parentElement!, runs.length > 1 && !line && !this.panes[0].picture.diverging);
    input("shared").checked = state.shared;
  }

  private updateSlice(state: State): void {
    const run = this.data.runs[state.run];
    show(byId("slice").parentElement!, isVolume(run));
    if (!isVolume(run)) return;
    const axis = run.axes[2];
    const at = sliceOf(run, state);
    input("slice").max = String(axis.coords.length - 1);
    input("slice").value = String(at);
    byId("slice-name").textContent = axis.label;
    byId("slice-value").textContent = `${number(axis.coords[at], 3)}`;
  }
}
