// Files for the reader: a view as a picture, the data as text.

import { type Theme, fitText, font, pixelRatio } from "./canvas";
import type { PageData, Run } from "./data";
import { toast } from "./dom";
import type { Pane } from "./model";
import { SvgPen } from "./svg";
import { exact } from "./words";

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

/** What is put into a picture: boxes of the page with the canvases in them, and what they show. */
export interface Shot { data: PageData; panes: Pane[]; boxes: HTMLElement[]; theme: Theme }

/** A canvas and its place in the picture. */
interface Piece { canvas: HTMLCanvasElement; x: number; y: number; w: number; h: number }

/** Room about the boxes, for the title above them and the command below them. */
const [PAD, HEAD, FOOT] = [16, 40, 30];

/** The canvases of boxes as they stand on the page, and the size of the picture with them. */
function layout(boxes: HTMLElement[]): { pieces: Piece[]; width: number; height: number } {
  const canvases = boxes.flatMap((box) => [...box.querySelectorAll("canvas")]).filter((canvas) => canvas.clientWidth > 0);
  const areas = canvases.map((canvas) => canvas.getBoundingClientRect());
  const [left, top] = [Math.min(...areas.map((a) => a.left)), Math.min(...areas.map((a) => a.top))];
  const [right, bottom] = [Math.max(...areas.map((a) => a.right)), Math.max(...areas.map((a) => a.bottom))];
  const pieces = canvases.map((canvas, k): Piece => {
    const { left: x, top: y, width: w, height: h } = areas[k];
    return { canvas, x: x - left + PAD, y: y - top + HEAD, w, h };
  });
  return { pieces, width: right - left + 2 * PAD, height: bottom - top + HEAD + FOOT };
}

/** Ground, title and command of a picture. */
function drawFrame(c: CanvasRenderingContext2D, { data, panes, theme }: Shot, width: number, height: number): void {
  c.fillStyle = theme.panel;
  c.fillRect(0, 0, width, height);
  c.textAlign = "left";
  c.textBaseline = "middle";
  c.font = font(15, 600);
  c.fillStyle = theme.ink;
  c.fillText(fitText(c, `${data.title}: ${panes.map((p) => p.title).join(" and ")}`, width - 2 * PAD), PAD, HEAD / 2);
  c.font = font(11);
  c.fillStyle = theme.muted;
  c.fillText(fitText(c, commandOf(data, panes), width - 2 * PAD), PAD, height - FOOT / 2);
}

/** The command that makes the data of what is shown. */
function commandOf(data: PageData, panes: Pane[]): string { return panes[0].run.command || data.command; }

function saved(blob: Blob, ending: string, { data, panes }: Shot): void {
  const name = `${slug(data.title)}-${panes.map((p) => slug(p.title)).join("-")}.${ending}`;
  save(blob, name);
  const command = commandOf(data, panes);
  toast(command ? `Saved ${name}. The command that makes the data: ${command}` : `Saved ${name}`);
}

/** The boxes as they stand on the page, with a title above and the command that makes the data below. */
export function savePng(shot: Shot): void {
  const { pieces, width, height } = layout(shot.boxes);
  const ratio = pixelRatio();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
  const c = canvas.getContext("2d")!;
  c.scale(ratio, ratio);
  drawFrame(c, shot, width, height);
  for (const { canvas: piece, x, y, w, h } of pieces) c.drawImage(piece, x, y, w, h);
  canvas.toBlob((blob) => (blob ? saved(blob, "png", shot) : toast("The browser could not make the picture")));
}

/** The same as SVG, from what was drawn on each canvas; a canvas that nothing is known of, the 3D surface, is a picture in it. */
export function svgOf(shot: Shot, drawn: Map<HTMLCanvasElement, SvgPen>): string {
  const { pieces, width, height } = layout(shot.boxes);
  const frame = new SvgPen(document.createElement("canvas").getContext("2d")!, "frame");
  drawFrame(frame as unknown as CanvasRenderingContext2D, shot, width, height);
  const parts = pieces.map(({ canvas, x, y, w, h }) => {
    const place = `x="${x}" y="${y}" width="${w}" height="${h}"`;
    const pen = drawn.get(canvas);
    if (!pen) return `<image ${place} preserveAspectRatio="none" href="${canvas.toDataURL()}"/>`;
    return `<svg ${place} viewBox="0 0 ${w} ${h}">\n${pen.content}\n</svg>`;
  });
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n${[frame.content, ...parts].join("\n")}\n</svg>\n`;
}

export function saveSvg(shot: Shot, drawn: Map<HTMLCanvasElement, SvgPen>): void {
  saved(new Blob([svgOf(shot, drawn)], { type: "image/svg+xml" }), "svg", shot);
}
