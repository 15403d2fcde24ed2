// Files for the reader: the view as a picture, the data as text.

import { type Theme, fitText, font, pixelRatio } from "./canvas";
import type { PageData, Run } from "./data";
import { toast } from "./dom";
import type { Pane } from "./model";
import { exact } from "./words";

/** Something that can be drawn into a picture, and the box it stands in on the page. */
export interface Paintable { box: HTMLElement; paint(c: CanvasRenderingContext2D, x: number, y: number, w: number, h: number): void }

const slug = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "landscape";

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The run as CSV: one row a known point in grid order, full precision, columns as in `landscape export`. */
export function csvOf(run: Run): string {
  const names = ["alpha", "beta", "gamma"];
  const axes = run.axes;
  const of = (key: string) => run.quantities.find((q) => q.key === key);
  const fixed = ["loss", "loss_se", "accuracy"];
  const terms = run.quantities.filter((q) => q.key.startsWith("term:"));
  const columns = [...fixed.map(of), ...terms];
  const header = [
    ...["i", "j", "k"].slice(0, axes.length), ...names.slice(0, axes.length), ...fixed,
    ...terms.map((q) => q.key.slice("term:".length)), ...(run.interpolated ? ["source"] : []),
  ];
  const rows = [header.join(",")];
  const counts = axes.map((a) => a.coords.length);
  const total = counts.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < total; flat++) {
    if (run.missing?.[flat]) continue;
    const at: number[] = [];
    for (let d = axes.length - 1, rest = flat; d >= 0; d--) {
      at[d] = rest % counts[d];
      rest = Math.floor(rest / counts[d]);
    }
    const coords = at.map((i, d) => exact(axes[d].coords[i]));
    const source = run.interpolated ? [run.interpolated[flat] ? "interpolated" : "measured"] : [];
    rows.push([...at, ...coords, ...columns.map((q) => (q ? exact(q.data[flat]) : "")), ...source].join(","));
  }
  return rows.join("\n") + "\n";
}

export function saveCsv(run: Run): void {
  const name = `${slug(run.name)}.csv`;
  save(new Blob([csvOf(run)], { type: "text/csv" }), name);
  toast(`Saved ${name}`);
}

/** The picture: the panels as they stand on the page, with a title above and the command that makes the data below. */
export function savePng(data: PageData, panes: Pane[], views: Paintable[], theme: Theme): void {
  const boxes = views.map((v) => v.box.getBoundingClientRect());
  const left = Math.min(...boxes.map((b) => b.left));
  const top = Math.min(...boxes.map((b) => b.top));
  const width = Math.max(...boxes.map((b) => b.right)) - left;
  const height = Math.max(...boxes.map((b) => b.bottom)) - top;
  const [pad, head, foot] = [16, 40, 30];
  const ratio = pixelRatio();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round((width + 2 * pad) * ratio);
  canvas.height = Math.round((height + head + foot) * ratio);
  const c = canvas.getContext("2d")!;
  c.scale(ratio, ratio);
  c.fillStyle = theme.panel;
  c.fillRect(0, 0, canvas.width, canvas.height);
  views.forEach((view, k) => view.paint(c, boxes[k].left - left + pad, boxes[k].top - top + head, boxes[k].width, boxes[k].height));
  c.textBaseline = "middle";
  c.font = font(15, 600);
  c.fillStyle = theme.ink;
  c.fillText(fitText(c, `${data.title}: ${panes.map((p) => p.title).join(" and ")}`, width), pad, head / 2);
  const command = panes[0].run.command || data.command;
  c.font = font(11);
  c.fillStyle = theme.muted;
  c.fillText(fitText(c, command, width), pad, height + head + foot / 2);
  const name = `${slug(data.title)}-${panes.map((p) => slug(p.title)).join("-")}.png`;
  canvas.toBlob((blob) => {
    if (!blob) return toast("The browser could not make the picture");
    save(blob, name);
    toast(command ? `Saved ${name}. The command that makes the data: ${command}` : `Saved ${name}`);
  });
}
