// The embedded data: what the page was made from, decoded into plain arrays.

import { setTables } from "./colormap";

/** One axis of a grid: its label and the exact coordinate of every grid line. */
export interface Axis { label: string; coords: Float64Array }

/** One number a grid point, row-major, first axis slowest. NaN where not finite or not computed. */
export interface Quantity {
  key: string;
  label: string;
  data: Float64Array;
  /** The levels of the figures; none for what the page computes, no logarithmic ones where a value is not positive. */
  linear?: Levels;
  log?: Levels | null;
}

/** Contour levels over a range; the labelled ones are the ticks of the colour bar. */
export interface Levels { lo: number; hi: number; levels: Level[] }
export interface Level { value: number; text: string; labelled: boolean }

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
  equalAspect: boolean;
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
}

/** A packed array: little-endian numbers in base64, in the narrowest type that keeps every bit. */
interface Packed { f32?: string; f64?: string }

function bytes(base64: string): ArrayBuffer {
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
function withTotal(quantities: Quantity[], weights: [string, number][]): Quantity[] {
  const loss = quantities.find((q) => q.key === "loss");
  if (!loss || weights.length === 0) return quantities;
  const total = Float64Array.from(loss.data);
  for (const [key, weight] of weights) {
    const term = quantities.find((q) => q.key === key);
    term?.data.forEach((v, i) => (total[i] += weight * v));
  }
  const names = weights.map(([key, weight]) => `${weight} ${key.replace(/^term:/, "")}`);
  return [...quantities, { key: "total", label: `total loss (data + ${names.join(" + ")})`, data: total }];
}

/** Flags of the points whose indices are packed. */
function flags(packed: Packed | null | undefined, size: number): Uint8Array | null {
  if (!packed) return null;
  const out = new Uint8Array(size);
  for (const index of unpack(packed)) out[index] = 1;
  return out;
}

function unpackRun(raw: any): Run {
  const quantities = raw.quantities.map((q: any) => ({ ...q, data: unpack(q.data) }));
  const size = quantities[0].data.length;
  return {
    ...raw,
    axes: raw.axes.map((a: any) => ({ label: a.label, coords: unpack(a.coords) })),
    quantities: withTotal(quantities, raw.weights),
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
  setTables(raw.colormaps);
  return { ...raw, runs: raw.runs.map(unpackRun) };
}
