// The views of the runs: data in, views out, the store between them.

import { AlongPanel } from "./along";
import { columnsOf, readTheme, recorded, sharpened } from "./canvas";
import { Controls } from "./controls";
import { type Diagnosis, readPage } from "./data";
import { updateDiagnosis, updateMinima } from "./diagnosis";
import { byId, make, show } from "./dom";
import { saveCsv, savePng, saveSvg } from "./export";
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
  showTooltip(event, pane, store.state.point, pathPlaces());
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
/** Opened once all else stands: to start the graphics takes longer than all of it. */
let surface: SurfaceView | null = null;
const plane = new PlaneView(byId("plane-box"), store, hover);
const path = new PathPanel(store);
const along = new AlongPanel(store);

/** Where the paths are in the window, on the surfaces and on the contours. */
function pathPlaces(): [number, number][] { return [...plane.pathPlaces(), ...(surface?.pathPlaces() ?? [])]; }

/** What the page's own export takes: the line, or surface and contours. */
function boxes(): HTMLElement[] { return [byId(isLine(panes[0].run) ? "line-box" : "stage")]; }

/** Draws everything anew; a browser forgets the 3D surface after a moment. */
function redraw(): void {
  update();
  surface?.render();
}

function png(of: HTMLElement[] = boxes()): void {
  sharpened(2, () => {
    redraw();
    savePng({ data, panes, boxes: of, theme });
  });
  update();
}

function svg(of: HTMLElement[] = boxes()): void {
  const drawn = recorded(redraw);
  saveSvg({ data, panes, boxes: of, theme }, drawn);
  update();
}

function csv(): void { saveCsv(panes[0].run); }

/** Buttons that export a view alone, beside its heading. */
function addExports(): void {
  for (const view of document.querySelectorAll<HTMLElement>("[data-export]")) {
    const name = view.dataset.export!;
    const buttons = ([["SVG", svg], ["PNG", png]] as const).map(([words, save]) => {
      const button = make("button", words);
      button.title = `Export ${name} as ${words}`;
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => save([view]));
      return button;
    });
    const both = make("span", "", "export");
    both.append(...buttons);
    view.querySelector("h3")!.append(both);
  }
}

new Keys(data, store, {
  png, svg, csv, play: () => path.toggle(), checkpoint: (by) => path.move(by), along: () => isLine(panes[0].run) || along.toggle(), panes: () => panes,
});
byId("png").addEventListener("click", () => png());
byId("svg").addEventListener("click", () => svg());
byId("csv").addEventListener("click", csv);
addExports();
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

/** Rows of panes in the views, and columns of panels below them: none stays empty. */
function arrange(): void {
  const { style } = document.body;
  const [n, width] = [panes.length, byId("stage").clientWidth];
  const columns = columnsOf(width, n);
  style.setProperty("--rows", String(Math.ceil(n / columns)));
  // What a square plane beside others takes, with its labels.
  style.setProperty("--highest", n > 1 ? `${Math.round((0.72 * width) / columns + 60)}px` : "620px");
  const lower = document.querySelector<HTMLElement>("main > .lower")!;
  const panels = [...lower.children].filter((panel) => !(panel as HTMLElement).hidden).length;
  style.setProperty("--columns", String(Math.max(1, Math.min(panels, Math.floor(lower.clientWidth / NARROW)))));
}

/** The narrowest column of panels, in pixels. */
const NARROW = 380;

function update(): void {
  const { state } = store;
  panes = panesOf(data, state);
  const line = isLine(panes[0].run);
  document.body.dataset.panes = String(panes.length);
  arrange();
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
    along.update(panes, state, theme);
  }
  byId("notes").textContent = notes(panes);
  if (pointer) showTooltip(pointer.event, pointer.pane, state.point, pathPlaces());
  writeHash();
  watchers.forEach((told) => told());
}

const watchers: (() => void)[] = [];

/** The same runs with other numbers: a run that grows. */
function renew(json: string): boolean {
  const fresh = readPage(json);
  const names = (of: typeof data) => of.runs.map((run) => `${run.name}/${run.axes.length}`).join("\n");
  if (names(fresh) !== names(data)) return false;
  // What is said of them comes by itself, and holds until then.
  fresh.runs.forEach((run, k) => (run.diagnoses = data.runs[k].diagnoses));
  Object.assign(data, fresh, { age: data.age + 1 });
  setPathColors(data.lines);
  forget();
  pointer = null;
  store.set({});
  return true;
}

function diagnose(told: [string, Diagnosis][][]): void {
  told.forEach((diagnoses, k) => data.runs[k] && (data.runs[k].diagnoses = diagnoses));
  store.set({});
}

const viewer: Viewer = {
  data, state: () => store.state, panes: () => panes, renew, diagnose, pathPlaces, watch: (told) => watchers.push(told),
};
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
requestAnimationFrame(() => setTimeout(() => {
  surface = openSurface();
  update();
}));
