// Stands in for a canvas' context while a view is drawn, and writes what is drawn as SVG.

/** From the coordinates of a drawing to the page: x' = a x + c y + e, y' = b x + d y + f. */
type Matrix = [number, number, number, number, number, number];

const PLAIN: Matrix = [1, 0, 0, 1, 0, 0];

/** A state of the pen that `save` keeps. */
interface Pen { matrix: Matrix; clip: string; dash: number[] }

type Paint = string | { href: string; size: number };

/** The name of a property of a context, as the attribute of an element has it. */
const ALIGN: Record<string, string> = { left: "start", right: "end", center: "middle", start: "start", end: "end" };
/** What lies below the middle of the letters, in shares of their size: readers of SVG do not agree on baselines. */
const DROP: Record<string, number> = { middle: 0.35, top: 0.8, alphabetic: 0, bottom: -0.2 };

/** Text and attributes of SVG as they have to be written. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, "");
}

const round = (x: number) => String(Math.round(x * 100) / 100);

/** The size, weight and family of a font as contexts name it: `600 12px Arial, sans-serif`. */
export function fontOf(font: string): { weight: string; size: number; family: string } {
  const [, weight = "400", size = "10", family = "sans-serif"] = /^(?:(\S+) )?([\d.]+)px (.*)$/.exec(font) ?? [];
  return { weight, size: Number(size), family };
}

/** The part of `CanvasRenderingContext2D` that the views use. */
export class SvgPen {
  fillStyle: Paint = "#000";
  strokeStyle: Paint = "#000";
  lineWidth = 1;
  lineJoin = "miter";
  lineCap = "butt";
  globalAlpha = 1;
  font = "10px sans-serif";
  textAlign = "start";
  textBaseline = "alphabetic";
  imageSmoothingEnabled = true;
  private path = "";
  private pen: Pen = { matrix: PLAIN, clip: "", dash: [] };
  private readonly kept: (Pen & { look: [Paint, Paint, number, number, string, string, string] })[] = [];
  private readonly parts: string[] = [];

  /** `real` measures words. Names of clips and patterns begin with `name`. */
  constructor(private readonly real: CanvasRenderingContext2D, private readonly name: string) {}

  /** What was drawn since the canvas was cleared. */
  get content(): string { return this.parts.join("\n"); }

  clearRect(): void {
    this.parts.length = 0;
    this.pen = { matrix: PLAIN, clip: "", dash: [] };
  }
  /** Contexts count in device pixels below it, SVG does not. */
  setTransform(): void { this.pen.matrix = PLAIN; }
  translate(x: number, y: number): void {
    const [a, b, c, d, e, f] = this.pen.matrix;
    this.pen.matrix = [a, b, c, d, a * x + c * y + e, b * x + d * y + f];
  }
  rotate(angle: number): void {
    const [a, b, c, d, e, f] = this.pen.matrix;
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    this.pen.matrix = [a * cos + c * sin, b * cos + d * sin, c * cos - a * sin, d * cos - b * sin, e, f];
  }
  setLineDash(dash: number[]): void { this.pen.dash = dash; }
  measureText(text: string): TextMetrics {
    this.real.font = this.font;
    return this.real.measureText(text);
  }

  save(): void {
    const look = [this.fillStyle, this.strokeStyle, this.lineWidth, this.globalAlpha, this.font, this.textAlign, this.textBaseline] as const;
    this.kept.push({ ...this.pen, look: [...look] });
  }
  restore(): void {
    const kept = this.kept.pop();
    if (!kept) return;
    const { look, ...pen } = kept;
    this.pen = pen;
    [this.fillStyle, this.strokeStyle, this.lineWidth, this.globalAlpha, this.font, this.textAlign, this.textBaseline] = look;
  }

  beginPath(): void { this.path = ""; }
  closePath(): void { this.path += "Z"; }
  moveTo(x: number, y: number): void { this.path += `M${this.at(x, y)}`; }
  lineTo(x: number, y: number): void { this.path += `${this.path === "" ? "M" : "L"}${this.at(x, y)}`; }
  rect(x: number, y: number, w: number, h: number): void {
    this.path += `M${this.at(x, y)}L${this.at(x + w, y)}L${this.at(x + w, y + h)}L${this.at(x, y + h)}Z`;
  }
  /** Whole circles alone are drawn. */
  arc(x: number, y: number, r: number): void {
    const half = `A${round(r)} ${round(r)} 0 0 1 `;
    this.path += `M${this.at(x + r, y)}${half}${this.at(x - r, y)}${half}${this.at(x + r, y)}`;
  }

  fill(): void { this.add("path", `d="${this.path}" fill="${this.paint(this.fillStyle)}"`); }
  stroke(): void { this.add("path", `d="${this.path}" fill="none" ${this.line()}`); }
  clip(): void {
    const id = `${this.name}-${this.parts.length}`;
    const inside = this.pen.clip ? ` clip-path="url(#${this.pen.clip})"` : "";
    this.parts.push(`<clipPath id="${id}"><path d="${this.path}"${inside}/></clipPath>`);
    this.pen.clip = id;
  }
  fillRect(x: number, y: number, w: number, h: number): void { this.box(x, y, w, h, () => this.fill()); }
  strokeRect(x: number, y: number, w: number, h: number): void { this.box(x, y, w, h, () => this.stroke()); }
  fillText(text: string, x: number, y: number): void { this.write(text, x, y, `fill="${this.paint(this.fillStyle)}"`); }
  strokeText(text: string, x: number, y: number): void { this.write(text, x, y, `fill="none" ${this.line()}`); }

  drawImage(image: HTMLCanvasElement, x: number, y: number, w: number, h: number): void {
    if (image.width === 0 || image.height === 0) return;
    const pixels = this.imageSmoothingEnabled ? "" : ` style="image-rendering:pixelated"`;
    const place = `x="${round(x)}" y="${round(y)}" width="${round(w)}" height="${round(h)}"`;
    this.add("image", `${place} preserveAspectRatio="none"${pixels} href="${image.toDataURL()}"${this.turned()}`);
  }
  createPattern(tile: HTMLCanvasElement): { href: string; size: number } { return { href: tile.toDataURL(), size: tile.width }; }

  private at(x: number, y: number): string {
    const [a, b, c, d, e, f] = this.pen.matrix;
    return `${round(a * x + c * y + e)} ${round(b * x + d * y + f)}`;
  }
  private box(x: number, y: number, w: number, h: number, draw: () => void): void {
    const path = this.path;
    this.path = "";
    this.rect(x, y, w, h);
    draw();
    this.path = path;
  }
  private turned(): string {
    const { matrix } = this.pen;
    return matrix.every((x, k) => x === PLAIN[k]) ? "" : ` transform="matrix(${matrix.map((x) => Math.round(x * 1e5) / 1e5).join(" ")})"`;
  }
  private paint(paint: Paint): string {
    if (typeof paint === "string") return escaped(paint);
    const id = `${this.name}-${this.parts.length}`;
    const { href, size } = paint;
    const image = `<image width="${size}" height="${size}" href="${href}"/>`;
    this.parts.push(`<pattern id="${id}" width="${size}" height="${size}" patternUnits="userSpaceOnUse">${image}</pattern>`);
    return `url(#${id})`;
  }
  private line(): string {
    const dash = this.pen.dash.length > 0 ? ` stroke-dasharray="${this.pen.dash.join(" ")}"` : "";
    const ends = this.lineCap === "butt" ? "" : ` stroke-linecap="${this.lineCap}"`;
    const joins = this.lineJoin === "miter" ? "" : ` stroke-linejoin="${this.lineJoin}"`;
    return `stroke="${this.paint(this.strokeStyle)}" stroke-width="${round(this.lineWidth)}"${dash}${ends}${joins}`;
  }
  private write(text: string, x: number, y: number, paint: string): void {
    const { weight, size, family } = fontOf(this.font);
    const bold = weight === "400" ? "" : ` font-weight="${weight}"`;
    const look = `font-family="${escaped(family)}" font-size="${round(size)}"${bold} text-anchor="${ALIGN[this.textAlign] ?? "start"}"`;
    const place = `x="${round(x)}" y="${round(y + (DROP[this.textBaseline] ?? 0) * size)}"${this.turned()}`;
    this.add("text", `${place} ${look} ${paint}`, escaped(text));
  }
  private add(tag: string, attributes: string, content = ""): void {
    if (tag === "path" && this.path === "") return;
    const clip = this.pen.clip ? ` clip-path="url(#${this.pen.clip})"` : "";
    const faint = this.globalAlpha < 1 ? ` opacity="${round(this.globalAlpha)}"` : "";
    const element = (more: string) => `<${tag} ${attributes}${more}${faint}${content ? `>${content}</${tag}>` : "/>"}`;
    // A clip turns with the element that has it.
    const turned = clip !== "" && attributes.includes(" transform=");
    this.parts.push(turned ? `<g${clip}>${element("")}</g>` : element(clip));
  }
}
