// The views of the runs: data in, views out, the store between them.

import { readTheme, sharpened } from "./canvas";
import { Controls } from "./controls";
import { readPage } from "./data";
import { updateDiagnosis, updateMinima } from "./diagnosis";
import { byId, show } from "./dom";
import { type Paintable, saveCsv, savePng } from "./export";
import type { Viewer } from "./hook";
import { Keys } from "./keys";
import { forget, isLine, type Pane, panes as panesOf } from "./model";
import { drawLine, drawSlices, notes, updateDetails, wireCopy, wireLine } from "./panels";
import { PathPanel, setPathColors } from "./paths";
import { PlaneView } from "./plane";
import { Store, fromHash, toHash } from "./state";
import { SurfaceView } from "./surface";
import { showTooltip } from "./tooltip";

const data = readPage(byId("data").textContent ?? "");
setPathColors(data.lines);
const store = new Store(fromHash(location.hash, data.runs.length));
let theme = readTheme();
let panes: Pane[] = panesOf(data, store.state);

let pointer: { event: PointerEvent; pane: Pane } | null = null;
function hover(event: PointerEvent | null, pane: Pane | null): void {
  pointer = event && pane ? { event, pane } : null;
  showTooltip(event, pane, store.state.point);
  if (!pointer && !store.state.pinned && store.state.point && event) store.set({ point: null });
}

/** The 3D view, or a message where the browser has no WebGL: the contour still works. */
function openSurface(): SurfaceView | null {
  const box = byId("surface-box");
  try {
    return new SurfaceView(box, store, hover);
  } catch (error) {
    show(byId("no-webgl"), true);
    box.classList.add("off");
    console.info(`3D view off: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}

const controls = new Controls(data, store);
const surface = openSurface();
const plane = new PlaneView(byId("plane-box"), store, hover);
const path = new PathPanel(store);
const lineView: Paintable = {
  box: byId("line-box"),
  paint(c, x, y, w) {
    const [left, top] = [this.box.getBoundingClientRect().left, this.box.getBoundingClientRect().top];
    for (const canvas of this.box.querySelectorAll("canvas")) {
      const r = canvas.getBoundingClientRect();
      if (r.width > 0) c.drawImage(canvas, x + r.left - left, y + r.top - top, Math.min(w, r.width), r.height);
    }
  },
};

function views(): Paintable[] {
  if (isLine(panes[0].run)) return [lineView];
  return surface ? [surface, plane] : [plane];
}

function png(): void {
  sharpened(2, () => {
    update();
    savePng(data, panes, views(), theme);
  });
  update();
}
function csv(): void { saveCsv(panes[0].run); }

new Keys(data, store, { png, csv, play: () => path.toggle(), checkpoint: (by) => path.move(by), panes: () => panes });
byId("png").addEventListener("click", png);
byId("csv").addEventListener("click", csv);
wireCopy();
wireLine(store, () => panes[0], hover);

/** The last hash this page wrote, so that its own writing is not taken for the reader's. */
let written = location.hash.replace(/^#/, "");

function writeHash(): void {
  const hash = toHash(store.state);
  if (hash === written) return;
  written = hash;
  try {
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  } catch {
    // Some browsers refuse this for local files opened many times a second; the view does not depend on it.
  }
}

function update(): void {
  const { state } = store;
  panes = panesOf(data, state);
  const line = isLine(panes[0].run);
  document.body.dataset.panes = String(panes.length);
  controls.update(panes, state);
  show(byId("stage"), !line);
  show(byId("slices"), !line);
  show(byId("line-box"), line);
  // The path panel comes first: whether it stands there decides how wide the others are.
  path.update(panes, state, theme);
  updateDiagnosis(panes[0].run);
  updateMinima(panes[0].run, store);
  updateDetails(data, panes[0], theme);
  if (line) drawLine(panes[0], state, theme);
  else {
    surface?.update(panes, state, theme);
    plane.update(panes, state, theme);
    drawSlices(panes, state, theme);
  }
  byId("notes").textContent = notes(panes);
  if (pointer) showTooltip(pointer.event, pointer.pane, state.point);
  writeHash();
  watchers.forEach((told) => told());
}

const watchers: (() => void)[] = [];

/** The same runs with other numbers: a run that grows. */
function renew(json: string): boolean {
  const fresh = readPage(json);
  const names = (of: typeof data) => of.runs.map((run) => `${run.name}/${run.axes.length}`).join("\n");
  if (names(fresh) !== names(data)) return false;
  Object.assign(data, fresh, { age: data.age + 1 });
  setPathColors(data.lines);
  forget();
  pointer = null;
  store.set({});
  return true;
}

const viewer: Viewer = { data, state: () => store.state, panes: () => panes, renew, watch: (told) => watchers.push(told) };
window.landscapeViewer = viewer;

store.subscribe(update);
window.addEventListener("hashchange", () => {
  written = location.hash.replace(/^#/, "");
  store.set(fromHash(location.hash, data.runs.length));
});
const resized = new ResizeObserver(() => store.set({}));
for (const element of [document.body, ...document.querySelectorAll(".view, .panel")]) resized.observe(element);
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => {
    theme = readTheme();
    store.set({});
  });
}
update();
