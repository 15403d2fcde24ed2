// What is known of the grid point nearest to the pointer; the viewer itself interpolates nothing.

import { BAND } from "./band";
import type { Run } from "./data";
import { byId, make } from "./dom";
import { nearest } from "./field";
import { number, percent } from "./format";
import type { Pane } from "./model";

/** Label and value of everything known at a point of a pane. */
export function facts(pane: Pane, point: [number, number]): [string, string][] {
  const { field, run } = pane;
  const [i, j] = [nearest(field.xs, point[0]), nearest(field.ys, point[1])];
  const out: [string, string][] = [[short(run, 0), number(field.xs[i])]];
  if (run.axes.length > 1) out.push([short(run, 1), number(field.ys[j])]);
  if (field.missing(i, j)) return [...out, ["loss", "not computed"]];
  if (pane.scale.diverging) return [...out, [pane.title, number(field.v[i * field.ny + j], 5)]];
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

function checkpointFacts(pane: Pane, [x, y]: [number, number]): [string, string][] {
  const { path } = pane;
  if (!path || path.step.length === 0) return [];
  let best = 0;
  const distance = (k: number) => Math.hypot(path.x[k] - x, path.y[k] - y);
  for (let k = 1; k < path.step.length; k++) if (distance(k) < distance(best)) best = k;
  const loss = Number.isFinite(path.loss[best]) ? `, true loss ${number(path.loss[best])}` : "";
  return [["nearest checkpoint", `step ${path.step[best]}${loss}`], ["", `${number(distance(best), 3)} away in the plane`]];
}

/** Shows the facts beside the pointer, or hides them. */
export function showTooltip(event: PointerEvent | null, pane: Pane | null, point: [number, number] | null): void {
  const box = byId("tooltip");
  if (!event || !pane || !point) {
    box.hidden = true;
    return;
  }
  const list = make("dl");
  list.append(...facts(pane, point).flatMap(([k, v]) => [make("dt", k), make("dd", v)]));
  box.replaceChildren(list);
  box.hidden = false;
  const [w, h] = [box.offsetWidth, box.offsetHeight];
  const x = event.clientX + 18 + w > window.innerWidth ? event.clientX - w - 14 : event.clientX + 18;
  const y = Math.min(event.clientY + 14, window.innerHeight - h - 8);
  box.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
}
