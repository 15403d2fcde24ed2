// Canvases that are sharp on every screen, and the page's colours for what is drawn on them.

import { SvgPen } from "./svg";

/** Colours of the page's theme and of the series, as CSS texts. */
export interface Theme {
  ink: string; muted: string; grid: string; panel: string; accent: string;
  dark: boolean; series: string[];
}

export function readTheme(): Theme {
  const css = getComputedStyle(document.documentElement);
  const get = (name: string) => css.getPropertyValue(`--${name}`).trim();
  return {
    ink: get("ink"), muted: get("muted"), grid: get("line"), panel: get("panel"), accent: get("accent"),
    dark: get("dark") === "1",
    series: ["s0", "s1", "s2", "s3"].map(get),
  };
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

export function font(size: number, weight = 400): string { return `${weight} ${size}px ${FONT}`; }

let forced: number | null = null;

/** Device pixels a CSS pixel. */
export function pixelRatio(): number { return forced ?? Math.min(3, window.devicePixelRatio || 1); }

/** Runs `draw` as on a screen of at least `ratio` device pixels a CSS pixel: for pictures that leave the page. */
export function sharpened(ratio: number, draw: () => void): void {
  forced = Math.max(ratio, pixelRatio());
  try {
    draw();
  } finally {
    forced = null;
  }
}

/** What is being drawn as SVG, and on which canvas it would stand. */
let pens: Map<HTMLCanvasElement, SvgPen> | null = null;

/** Runs `draw` with all that it draws on canvases kept as SVG: the canvases themselves stay as they are. */
export function recorded(draw: () => void): Map<HTMLCanvasElement, SvgPen> {
  const kept = new Map<HTMLCanvasElement, SvgPen>();
  pens = kept;
  try {
    // Another sharpness than that of any screen, so that everything is drawn anew.
    sharpened(4, draw);
  } finally {
    pens = null;
  }
  return kept;
}

/** The pen that keeps what is drawn on a canvas. */
function penOf(canvas: HTMLCanvasElement): SvgPen | null {
  if (!pens) return null;
  let pen = pens.get(canvas);
  if (!pen) pens.set(canvas, (pen = new SvgPen(canvas.getContext("2d")!, `c${pens.size}`)));
  pen.clearRect();
  return pen;
}

/** Fits a canvas to its box and clears it; the context then counts in CSS pixels. */
export function prepare(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const pen = penOf(canvas);
  if (pen) return pen as unknown as CanvasRenderingContext2D;
  const ratio = pixelRatio();
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

export interface Rect { x: number; y: number; w: number; h: number }

/** The narrowest pane beside another, in pixels, and the most in a row. */
const [NARROWEST, MOST_ACROSS] = [280, 3];

/** How many of `n` panes stand in a row of a width. */
export function columnsOf(width: number, n: number): number {
  const fit = Math.max(1, Math.min(n, MOST_ACROSS, Math.floor(width / NARROWEST)));
  return Math.ceil(n / Math.ceil(n / fit));
}

/** Divides a box among panes: rows of as many as fit side by side. */
export function split(width: number, height: number, n: number, gap: number): Rect[] {
  const columns = columnsOf(width, n);
  const rows = Math.ceil(n / columns);
  const [w, h] = [(width - gap * (columns - 1)) / columns, (height - gap * (rows - 1)) / rows];
  return Array.from({ length: n }, (_, k) => ({ x: (k % columns) * (w + gap), y: Math.floor(k / columns) * (h + gap), w, h }));
}

/** Text with a halo, readable on any ground. */
export function haloText(c: CanvasRenderingContext2D, text: string, x: number, y: number, ink: string, halo: string): void {
  c.lineJoin = "round";
  c.lineWidth = 3;
  c.strokeStyle = halo;
  c.strokeText(text, x, y);
  c.fillStyle = ink;
  c.fillText(text, x, y);
}

/** Text cut to a width with an ellipsis. */
export function fitText(c: CanvasRenderingContext2D, text: string, width: number): string {
  if (c.measureText(text).width <= width) return text;
  let cut = text;
  while (cut.length > 1 && c.measureText(`${cut}…`).width > width) cut = cut.slice(0, -1);
  return `${cut}…`;
}

const patterns = new Map<string, HTMLCanvasElement>();

/** Grey hatching: the mark of NaN and infinity. */
export function hatch(c: CanvasRenderingContext2D, dark: boolean): CanvasPattern {
  const key = String(dark);
  let tile = patterns.get(key);
  if (!tile) {
    tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const p = tile.getContext("2d")!;
    p.fillStyle = dark ? "#4a4a4a" : "#d2d2d2";
    p.fillRect(0, 0, 6, 6);
    p.strokeStyle = dark ? "#9a9a9a" : "#777";
    p.lineWidth = 1.2;
    p.beginPath();
    for (const s of [-6, 0, 6]) {
      p.moveTo(s - 1, 7);
      p.lineTo(s + 7, -1);
    }
    p.stroke();
    patterns.set(key, tile);
  }
  return c.createPattern(tile, "repeat")!;
}
