// The embedded data: what the page was made from, decoded into plain arrays.

import type { Level, Tick, Transform } from "./geometry/scale";
import { setPalettes } from "./palette";

/** One axis of a grid: its label, the exact coordinate of every grid line, and its ticks. */
export interface Axis { label: string; coords: Float64Array; ticks: Tick[] }

/** One number a grid point, row-major, first axis slowest. NaN where not finite or not computed. */
export interface Quantity {
  key: string;
  label: string;
  data: Float64Array;
  /** What the figures draw of it; null where a logarithmic scale makes no sense. */
  linear: Drawn;
  log: Drawn | null;
}

/** The display list of a quantity over its whole range. */
export interface Drawn {
  transform: Transform;
  lo: number;
  hi: number;
  levels: Level[];
  /** The ticks of the colour bar. */
  ticks: Tick[];
  /** Contour lines; null for lines and volumes, and where there is so much of them that they are traced here. */
  lines: Contour[] | null;
  words: Words[];
}

/** A contour line of a level, by its index: x0, y0, x1, y1, ... in shares of the frame, from its upper left corner. */
export interface Contour { level: number; closed: boolean; points: Float64Array }

/** The label of a level: its middle in shares of the frame, and its angle in radians, clockwise. */
export interface Words { level: number; x: number; y: number; angle: number }

/** A recorded training path projected onto the plane. */
export interface Trajectory {
  /** Empty for the only path of a run. */
  name: string;
  /** Where the plane misleads about the path, in sentences. */
  warnings: string[];
  projection: string;
  explained: number[];
  step: number[];
  x: Float64Array;
  y: Float64Array;
  z: Float64Array;
  /** Distance of each checkpoint from the plane. */
  residual: Float64Array;
  /** The true loss of each checkpoint; NaN where it was not recorded. */
  loss: Float64Array;
  /** The loss of the checkpoint's projection onto the plane; NaN where unknown. */
  planeLoss: Float64Array;
}

export interface Curve { label: string; steps: Float64Array; losses: Float64Array; accuracies: Float64Array }

/** A model on the plane: its name and its coordinates. */
export interface Place { name: string; at: [number, number, number] }

/** A minimum of the surface; its barrier is null where it never joins a deeper one. */
export interface Minimum { at: [number, number]; value: number; barrier: number | null }

/** The answer to one of the three questions about a training. */
export interface Answer {
  verdict: string;
  words: string;
  /** Numbers that are not finite come as null. */
  figures: { name: string; value: number | null; thresholds: (number | null)[]; says: string }[];
  confidence: string;
  reservations: string[];
}

export interface Diagnosis { difficulty: Answer; outlook: Answer; course: Answer }

export type Pairs = [string, string][];

export interface Run {
  name: string;
  heading: string;
  description: string;
  origin: string;
  /** Further models that the plane goes through. */
  places: Place[];
  command: string;
  axes: Axis[];
  /** Whether both axes have one measure. */
  equalAspect: boolean;
  /** Height over width of the frame of a plane. */
  ratio: number;
  quantities: Quantity[];
  /** 1 where the point has not been computed yet; null when the surface is complete. */
  missing: Uint8Array | null;
  /** 1 where the point was interpolated, not measured; null when all known points are measured. */
  interpolated: Uint8Array | null;
  /** The share of the range to which interpolated points are good, where it is known. */
  tolerance: number | null;
  /** The training paths on the plane; several have names. */
  paths: Trajectory[];
  /** The minima that stand out, from the lowest. */
  minima: Minimum[];
  /** Trainings in words, by name. */
  diagnoses: [string, Diagnosis][];
  curves: Curve[];
  metrics: Pairs;
  provenance: Pairs;
}

export interface PageData {
  title: string;
  log: boolean;
  command: string;
  provenance: Pairs;
  /** Colours of several paths over the surface, those of the figures. */
  lines: string[];
  runs: Run[];
  /** How often they were renewed in a page that is served. */
  age: number;
}

/** A packed array: little-endian numbers in base64, in the narrowest type that keeps every bit. */
interface Packed { f32?: string; f64?: string }

function bytes(base64: string): ArrayBuffer {
  // Newer browsers have this, which is several times as fast.
  const native: ((text: string) => Uint8Array<ArrayBuffer>) | undefined = (Uint8Array as any).fromBase64;
  if (native) return native.call(Uint8Array, base64).buffer;
  const text = atob(base64);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out.buffer;
}

/** Unpacks an array to f64; f32 entries are exact in f64. */
export function unpack(packed: Packed): Float64Array {
  if (packed.f64 !== undefined) return new Float64Array(bytes(packed.f64));
  return Float64Array.from(new Float32Array(bytes(packed.f32 ?? "")));
}

function unpackTrajectory(raw: any): Trajectory {
  const { x, y, z, residual, loss, planeLoss } = raw;
  return {
    name: raw.name,
    warnings: raw.warnings,
    projection: raw.projection,
    explained: raw.explained,
    step: raw.step,
    x: unpack(x), y: unpack(y), z: unpack(z),
    residual: unpack(residual), loss: unpack(loss), planeLoss: unpack(planeLoss),
  };
}

/** The loss with its weighted extra terms added. */
function total(quantities: any[], weights: [string, number][]): Float64Array {
  const of = (key: string): Float64Array => quantities.find((q) => q.key === key).data;
  const sum = Float64Array.from(of("loss"));
  for (const [key, weight] of weights) of(key).forEach((v, i) => (sum[i] += weight * v));
  return sum;
}

/** Parts of a frame's width and height that coordinates of lines are whole numbers of. */
const PARTS = 4096;

/**
 * Unpacks contour lines. Each is a level, twice the number of its points and one more where it is closed, and the steps
 * from point to point (the first from the corner), all numbers in groups of seven bits with the lowest first, steps with
 * their sign in the lowest bit.
 */
export function unpackLines(base64: string): Contour[] {
  const data = new Uint8Array(bytes(base64));
  let at = 0;
  const next = () => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = data[at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
      shift += 7;
    }
  };
  const step = () => {
    const value = next();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const lines: Contour[] = [];
  while (at < data.length) {
    const [level, size] = [next(), next()];
    const points = new Float64Array(2 * (size >> 1));
    const last = [0, 0];
    for (let k = 0; k < points.length; k++) points[k] = (last[k % 2] += step()) / PARTS;
    lines.push({ level, closed: size % 2 === 1, points });
  }
  return lines;
}

function unpackDrawn(raw: any): Drawn {
  const words = raw.words.map(([level, x, y, angle]: number[]) => ({ level, x: x / PARTS, y: y / PARTS, angle: (angle * Math.PI) / 180 }));
  return { ...raw, words, lines: raw.lines === null ? null : unpackLines(raw.lines) };
}

/** Decodes what is drawn of a quantity when it is first asked for. */
function lazily(raw: any): Quantity {
  const kept: { [key: string]: Drawn } = {};
  const get = (key: "linear" | "log") => (kept[key] ??= unpackDrawn(raw[key]));
  return { key: raw.key, label: raw.label, data: raw.data, get linear() { return get("linear"); }, get log() { return raw.log ? get("log") : null; } };
}

/** Flags of the points whose indices are packed. */
function flags(packed: Packed | null | undefined, size: number): Uint8Array | null {
  if (!packed) return null;
  const out = new Uint8Array(size);
  for (const index of unpack(packed)) out[index] = 1;
  return out;
}

function unpackRun(raw: any): Run {
  const quantities = raw.quantities.map((q: any) => ({ ...q, data: q.data && unpack(q.data) }));
  for (const q of quantities) q.data ??= total(quantities, raw.weights);
  const size = quantities[0].data.length;
  return {
    ...raw,
    axes: raw.axes.map((a: any) => ({ ...a, coords: unpack(a.coords) })),
    quantities: quantities.map(lazily),
    missing: flags(raw.missing, size),
    interpolated: flags(raw.interpolated, size),
    tolerance: raw.tolerance ?? null,
    paths: raw.paths.map(unpackTrajectory),
    minima: raw.minima ?? [],
    diagnoses: raw.diagnoses ?? [],
    curves: raw.curves.map((c: any) => ({
      label: c.label, steps: unpack(c.steps), losses: unpack(c.losses), accuracies: unpack(c.accuracies),
    })),
  };
}

/** Reads the page's data element. */
export function readPage(json: string): PageData {
  const raw = JSON.parse(json);
  setPalettes(raw.colormaps);
  return { ...raw, runs: raw.runs.map(unpackRun), age: 0 };
}
