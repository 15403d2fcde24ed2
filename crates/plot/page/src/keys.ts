// Keyboard shortcuts, and the help that lists them.

import { chooseRun } from "./controls";
import type { PageData } from "./data";
import { byId, make } from "./dom";
import { isVolume, type Pane, sliceOf } from "./model";
import { mapNames } from "./palette";
import { moved } from "./profile";
import { FILLS, HOME, type Store } from "./state";
import { nearest } from "./values";

export interface Actions { png(): void; svg(): void; csv(): void; play(): void; checkpoint(by: number): void; along(): void; panes(): Pane[] }

interface Shortcut { keys: string[]; shown: string; does: string; run: (key: string) => void }

/** Which way an arrow leads. */
const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** The choice after one, the first after the last. */
function after<T>(all: T[], one: T): T { return all[(all.indexOf(one) + 1) % all.length]; }

export class Keys {
  private readonly table: Shortcut[];

  constructor(private readonly data: PageData, private readonly store: Store, private readonly actions: Actions) {
    const set = store.set.bind(store);
    const now = () => store.state;
    this.table = [
      { keys: [..."123456789"], shown: "1 … 9", does: "show that run", run: (k) => this.run(Number(k) - 1) },
      { keys: ["[", "]"], shown: "[  ]", does: "previous, next run", run: (k) => this.run(now().run + (k === "]" ? 1 : -1)) },
      { keys: ["l"], shown: "L", does: "linear or logarithmic scale", run: () => set({ log: !actions.panes()[0].picture.log }) },
      { keys: ["m"], shown: "M", does: "the next colour map", run: () => set({ map: after(mapNames(), now().map) }) },
      { keys: ["s"], shown: "S", does: "same colour range for the runs", run: () => set({ shared: !now().shared }) },
      { keys: ["c"], shown: "C", does: "bands, smooth colours or cells in the contour plot", run: () => set({ fill: after(FILLS, now().fill) }) },
      { keys: ["i"], shown: "I", does: "contour lines on or off", run: () => set({ lines: !now().lines }) },
      { keys: [" "], shown: "Space", does: "play the training path", run: () => actions.play() },
      { keys: [",", "."], shown: ",  .", does: "previous, next checkpoint", run: (k) => actions.checkpoint(k === "." ? 1 : -1) },
      { keys: ["j", "k"], shown: "J  K", does: "previous, next slice of a volume", run: (k) => this.slice(k === "k" ? 1 : -1) },
      {
        keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "← → ↑ ↓", does: "move the inspected point along the grid",
        run: (k) => this.step(k),
      },
      { keys: ["x"], shown: "X", does: "a line over the plane, along which values are shown, or none", run: () => actions.along() },
      { keys: ["z"], shown: "Z", does: "exchange the ends of the line", run: () => this.exchange() },
      {
        keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"], shown: "Shift ← → ↑ ↓", does: "move the end B of the line",
        run: (k) => this.stretch(k.slice("Shift+".length)),
      },
      { keys: ["Escape"], shown: "Esc", does: "let go of the inspected point", run: () => set({ point: null, pinned: false }) },
      { keys: ["r"], shown: "R", does: "camera back to its start", run: () => set({ camera: HOME }) },
      { keys: ["t"], shown: "T", does: "look from above", run: () => set({ camera: { ...HOME, azimuth: 0, polar: 0.001 } }) },
      { keys: ["e"], shown: "E", does: "export the view as PNG", run: () => actions.png() },
      { keys: ["v"], shown: "V", does: "export the view as SVG", run: () => actions.svg() },
      { keys: ["d"], shown: "D", does: "export the data as CSV", run: () => actions.csv() },
      { keys: ["?", "h"], shown: "?", does: "this help", run: () => byId<HTMLDialogElement>("help").showModal() },
    ];
    this.fillHelp();
    document.addEventListener("keydown", (e) => this.press(e));
  }

  private fillHelp(): void {
    byId("shortcuts").append(...this.table.flatMap((s) => [make("dt", s.shown), make("dd", s.does)]));
    byId("help-open").addEventListener("click", () => byId<HTMLDialogElement>("help").showModal());
    byId("help-close").addEventListener("click", () => byId<HTMLDialogElement>("help").close());
  }

  private press(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || byId<HTMLDialogElement>("help").open) return;
    const target = event.target as HTMLElement;
    if (target instanceof HTMLInputElement && target.type === "number") return;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName);
    const arrow = event.shiftKey && event.key.startsWith("Arrow");
    const key = arrow ? `Shift+${event.key}` : event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (typing && (key.includes("Arrow") || key === " " || target.tagName !== "INPUT")) return;
    if (["BUTTON", "SUMMARY"].includes(target.tagName) && key === " ") return;
    const found = this.table.find((s) => s.keys.includes(key));
    if (!found) return;
    event.preventDefault();
    found.run(key);
  }

  private run(k: number): void {
    if (k >= 0 && k < this.data.runs.length) chooseRun(this.store, k);
  }

  private slice(by: number): void {
    const { state } = this.store;
    const run = this.data.runs[state.run];
    if (!isVolume(run)) return;
    const n = run.axes[2].coords.length;
    this.store.set({ slice: Math.min(n - 1, Math.max(0, sliceOf(run, state) + by)) });
  }

  private exchange(): void {
    const { along } = this.store.state;
    if (along) this.store.set({ along: [along[2], along[3], along[0], along[1]] });
  }

  private stretch(key: string): void {
    const { along } = this.store.state;
    if (!along) return;
    const { field } = this.actions.panes()[0];
    const [dx, dy] = ARROWS[key];
    const step = (axis: Float64Array) => (axis[axis.length - 1] - axis[0]) / Math.max(1, axis.length - 1);
    this.store.set({ along: moved(along, "B", [dx * step(field.xs), dy * step(field.ys)], field) });
  }

  private step(key: string): void {
    const { field } = this.actions.panes()[0];
    const { xs, ys, nx, ny } = field;
    const [x, y] = this.store.state.point ?? [0, 0];
    const by = ARROWS[key];
    const i = Math.min(nx - 1, Math.max(0, nearest(xs, x) + by[0]));
    const j = Math.min(ny - 1, Math.max(0, nearest(ys, y) + by[1]));
    this.store.set({ point: [xs[i], ys[j]], pinned: true });
  }
}
