// What is known of the grid point nearest to the pointer; the viewer itself interpolates nothing.

import { BAND } from "./band";
import type { Run, Trajectory } from "./data";
import { byId, make } from "./dom";
import { number } from "./geometry/number";
import type { Pane } from "./model";
import { nearest } from "./values";
import { percent } from "./words";

/** Label and value of everything known at a point of a pane. */
export function facts(pane: Pane, point: [number, number]): [string, string][] {
  const { field, run } = pane;
  const [i, j] = [nearest(field.xs, point[0]), nearest(field.ys, point[1])];
  const out: [string, string][] = [[short(run, 0), number(field.xs[i])]];
  if (run.axes.length > 1) out.push([short(run, 1), number(field.ys[j])]);
  if (field.missing(i, j)) return [...out, ["loss", "not computed"]];
  if (pane.picture.diverging) return [...out, [pane.title, number(field.v[i * field.ny + j], 5)]];
  const at = field.index(i, j);
  const value = (key: string) => run.quantities.find((q) => q.key === key)?.data[at];
  const se = value("loss_se");
  const loss = value("loss")!;
  out.push(["loss", number(loss, 5) + (se !== undefined && se > 0 ? ` ± ${number(BAND * se, 2)} (${BAND} standard errors)` : "")]);
  const accuracy = value("accuracy");
  if (accuracy !== undefined && Number.isFinite(accuracy)) out.push(["accuracy", percent(accuracy)]);
  for (const q of run.quantities) {
    if (q.key === "total" || q.key.startsWith("term:")) out.push([q.key.replace(/^term:/, ""), number(q.data[at], 5)]);
  }
  if (run.interpolated?.[at]) out.push(["", "interpolated, not measured"]);
  return [...out, ...checkpointFacts(pane, [field.xs[i], field.ys[j]])];
}

/** The start of an axis label: what stands before its explanation. */
function short(run: Run, axis: number): string {
  return run.axes[axis].label.split(/[,(:]/)[0].trim() || ["α", "β", "γ"][axis];
}

function checkpointFacts({ paths }: Pane, [x, y]: [number, number]): [string, string][] {
  let best: { path: Trajectory; k: number; away: number } | null = null;
  for (const path of paths) {
    for (let k = 0; k < path.step.length; k++) {
      const away = Math.hypot(path.x[k] - x, path.y[k] - y);
      if (!best || away < best.away) best = { path, k, away };
    }
  }
  if (!best) return [];
  const { path, k, away } = best;
  const loss = Number.isFinite(path.loss[k]) ? `, true loss ${number(path.loss[k])}` : "";
  const whose = path.name ? `${path.name}, ` : "";
  return [["nearest checkpoint", `${whose}step ${path.step[k]}${loss}`], ["", `${number(away, 3)} away in the plane`]];
}

type Place = [number, number];

/** How far a tooltip stands from the pointer, and from the window's border, in pixels. */
const [OFF, BORDER] = [16, 6];

/** The corner of a box of a size beside a pointer, within a window, where it covers the fewest places; below and to the right where all are alike. */
export function besides([x, y]: Place, [w, h]: Place, [width, height]: Place, places: Place[]): Place {
  const within = (v: number, size: number, room: number) => Math.max(BORDER, Math.min(v, room - size - BORDER));
  const corners: Place[] = [[x + OFF, y + OFF], [x - OFF - w, y + OFF], [x + OFF, y - OFF - h], [x - OFF - w, y - OFF - h]];
  const shown = corners.map(([left, top]): Place => [within(left, w, width), within(top, h, height)]);
  const covers = ([left, top]: Place) => {
    const inside = ([u, v]: Place) => u >= left && u <= left + w && v >= top && v <= top + h;
    // The pointer itself above all.
    return places.filter(inside).length + (inside([x, y]) ? places.length + 1 : 0);
  };
  return shown.reduce((best, corner) => (covers(corner) < covers(best) ? corner : best));
}

/** Shows the facts beside the pointer, clear of some places of the window, or hides them. */
export function showTooltip(event: PointerEvent | null, pane: Pane | null, point: [number, number] | null, clear: Place[]): void {
  const box = byId("tooltip");
  if (!event || !pane || !point) {
    box.hidden = true;
    return;
  }
  const list = make("dl");
  list.append(...facts(pane, point).flatMap(([k, v]) => [make("dt", k), make("dd", v)]));
  box.replaceChildren(list);
  box.hidden = false;
  const size: Place = [box.offsetWidth, box.offsetHeight];
  const [x, y] = besides([event.clientX, event.clientY], size, [window.innerWidth, window.innerHeight], clear);
  box.style.transform = `translate(${x}px, ${y}px)`;
}
