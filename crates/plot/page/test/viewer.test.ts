// What the viewer computes, without a browser: run by `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BAND, bandFrom, bandOf, bandReach, bandStretches } from "../src/band";
import { modelNote } from "../src/cross3d";
import { readPage, unpack, unpackLines } from "../src/data";
import { csvOf } from "../src/export";
import { shapeNote, sourceNote } from "../src/panels";
import { refined, sample, trace } from "../src/geometry/field";
import { panes } from "../src/model";
import { pick } from "../src/pick";
import { banded, cssColor, isDark, palette } from "../src/palette";
import { Picture } from "../src/picture";
import { type Along, fromHash, initial, toHash } from "../src/state";
import { besides, facts } from "../src/tooltip";
import { checkpointOf, placeOf, stepsOf } from "../src/model";
import { pathColor, pathDash, setPathColors, variance, warnings } from "../src/paths";
import type { Drawn, Trajectory } from "../src/data";
import { fieldOf, quantile } from "../src/values";

const f64 = (values: number[]) => ({ f64: Buffer.from(new Float64Array(values).buffer).toString("base64") });

/** A table from black to white, with white ink on its lower half. */
const grey = Buffer.from(Array.from({ length: 4 * 512 }, (_, k) => (k % 4 === 3 ? Number(k < 1024) : Math.floor(Math.floor(k / 4) / 2)))).toString("base64");

/** What is drawn of values from 1 to 6. */
const drawn = {
  transform: { kind: "linear" as const }, lo: 1, hi: 6, words: [], lines: null,
  levels: [[2, "2.0", true], [3, "3.0", false], [4, "4.0", true]].map(([value, text, labelled]) => ({ value, text, labelled })),
  ticks: [{ value: 2, text: "2.0" }, { value: 4, text: "4.0" }],
} as Drawn;

function page(losses: number[], missing: number[] | null = null) {
  const run = {
    name: "a", heading: "", description: "", origin: "", command: "", ratio: 1,
    axes: [{ label: "x", coords: f64([-1, 0, 1]), ticks: [] }, { label: "y", coords: f64([0, 2]), ticks: [] }],
    quantities: [
      { key: "loss", label: "loss", data: f64(losses), linear: drawn, log: null },
      { key: "term:l2", label: "l2", data: f64([1, 1, 1, 1, 1, 1]), linear: drawn, log: null },
      { key: "total", label: "total", data: null, linear: drawn, log: null },
    ],
    weights: [["term:l2", 0.5]], missing: missing && f64(missing), paths: [], minima: [], diagnoses: [], curves: [], metrics: [], provenance: [],
  };
  const colormaps = { viridis: grey, cividis: grey, diverging: grey };
  const runs = [run, { ...run, name: "b" }];
  return readPage(JSON.stringify({ title: "t", command: "", provenance: [], colormaps, lines: ["#000000"], runs }));
}

test("packed arrays keep every bit", () => {
  const values = [0.1, -0, 1e-310, 1e300, Infinity];
  assert.deepEqual([...unpack(f64(values))], values);
  const f32 = Buffer.from(new Float32Array([0.5, 2]).buffer).toString("base64");
  assert.deepEqual([...unpack({ f32 })], [0.5, 2]);
});

test("lists that came with the data are drawn as they are where nothing is clipped", () => {
  const whole = Picture.of(drawn, null);
  assert.deepEqual([whole.levels, whole.ticks(200), whole.clipped], [drawn.levels, drawn.ticks, false]);
  const clipped = Picture.of(drawn, 5);
  assert.deepEqual([clipped.top, clipped.t(5), clipped.shownMax, clipped.clipped], [0.8, 1, 5, true]);
  assert.ok(clipped.levels.length > 5 && clipped.levels.every(({ value }) => value > 1 && value < 5));
  assert.deepEqual(clipped.words, []);
});

test("a shared range holds all values, and a difference stays centred", () => {
  const shared = Picture.over([[0.01, 1, NaN], [100]], true, null);
  assert.deepEqual([shared.lo, shared.hi, shared.log], [0.01, 100, true]);
  assert.ok(Math.abs(shared.raw(1) - 0.5) < 1e-12 && Number.isNaN(shared.raw(Infinity)));
  const signed = Picture.over([[-2, 3]], true, null);
  assert.deepEqual([signed.transform.kind, signed.raw(-2), signed.raw(3)], ["symlog", 0, 1]);
  const about = Picture.about0([{ min: -2, max: 8 }, { min: -1, max: 1 }], 4);
  assert.deepEqual([about.lo, about.hi, about.raw(0), about.clipped], [-4, 4, 0.5, true]);
  assert.deepEqual([Picture.over([[NaN]], false, null).lo, Picture.over([[NaN]], false, null).hi], [1, 10]);
});

test("packed lines are read back", () => {
  const bytes = [1, 7, 0, 0, 72 | 128, 1, 0, 0, 127, 0, 4, 4, 4, 132, 64, 2];
  const [first, second] = unpackLines(Buffer.from(bytes).toString("base64"));
  assert.deepEqual([first.level, first.closed, [...first.points].map((x) => x * 4096)], [1, true, [0, 0, 100, 0, 100, -64]]);
  assert.deepEqual([second.level, second.closed, [...second.points].map((x) => x * 4096)], [0, false, [2, 2, 4100, 3]]);
});

test("contour lines are circles in shares of the frame, closed and at the right radius", () => {
  const n = 101;
  const v = Float64Array.from({ length: n * n }, (_, k) => ((Math.floor(k / n) - 50) / 50) ** 2 + ((k % n - 50) / 50) ** 2);
  const picture = Picture.over([v], false, 0.3);
  const lines = picture.lines(() => refined(v.map((x) => picture.raw(x)), n, n)).filter((line) => picture.levels[line.level].value === 0.2);
  assert.ok(lines.length === 1 && lines[0].closed);
  for (let k = 0; k < lines[0].points.length; k += 2) {
    const r = 2 * Math.hypot(lines[0].points[k] - 0.5, lines[0].points[k + 1] - 0.5);
    assert.ok(Math.abs(r - Math.sqrt(0.2)) < 1e-4, `radius ${r}`);
  }
});

test("picking finds the surface point that a ray meets", () => {
  const n = 51;
  const raw = Float64Array.from({ length: n * n }, (_, k) => Math.floor(k / n) / (n - 1));
  const field = { fine: { v: raw, nx: n, ny: n }, wx: 1, wz: 1, rise: 1, top: 1 };
  const hit = pick({ origin: [0.1, 5, 0.2], direction: [0, -1, 0] }, field)!;
  assert.ok(Math.abs(hit.x - 30) < 1e-3 && Math.abs(hit.y - 15) < 1e-3);
  assert.ok(Math.abs(hit.distance - 4.4) < 1e-3);
  assert.equal(pick({ origin: [0.1, 5, 0.2], direction: [0, 1, 0] }, field), null);
  assert.equal(pick({ origin: [0.3, 5, 0.2], direction: [0, -1, 0] }, { ...field, top: 0.5 }), null);
});

test("a field counts what is not finite apart from what is not computed", () => {
  const data = page([1, NaN, 3, Infinity, -1, NaN], [5]);
  const field = fieldOf(data.runs[0], data.runs[0].quantities[0], 0);
  assert.deepEqual(field.stats, { min: -1, max: 3, nonFinite: 2, missing: 1 });
  assert.equal(quantile(field, 0.5, false), 1);
});

test("the total adds weighted terms", () => {
  const total = page([1, 2, 3, 4, 5, 6]).runs[0].quantities.find((q) => q.key === "total")!;
  assert.deepEqual([...total.data], [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]);
});

test("CSV has the columns of the export command and full precision", () => {
  const text = csvOf(page([0.1, NaN, 1 / 3, -Infinity, 5, 6], [4]).runs[0]);
  assert.deepEqual(text.split("\n"), [
    "i,j,alpha,beta,loss,loss_se,accuracy,l2", "0,0,-1,0,0.1,,,1", "0,1,-1,2,NaN,,,1",
    "1,0,0,0,0.3333333333333333,,,1", "1,1,0,2,-inf,,,1", "2,1,1,2,6,,,1", "",
  ]);
});

test("the difference of equal runs is zero and has no path", () => {
  const [pane, ...rest] = panes(page([1, 2, 3, 4, 5, 6]), { ...initial(), compare: [1], diff: true });
  assert.equal(rest.length, 0);
  assert.ok(pane.picture.diverging && pane.field.v.every((x) => x === 0) && pane.paths.length === 0);
});

test("a clip of a difference is drawn, and several are on one scale", () => {
  const data = page([1, 2, 3, 4, 5, 6]);
  data.runs.push({ ...data.runs[0], name: "c", quantities: data.runs[0].quantities.map((q) => ({ ...q, linear: q.linear, log: null, data: q.data.map((x) => 3 * x) })) });
  const of = (clip: number | null) => panes(data, { ...initial(), compare: [1, 2], diff: true, clip });
  assert.deepEqual(of(null).map((pane) => [pane.title, pane.picture.hi]), [["b − a", 12], ["c − a", 12]]);
  assert.notEqual(of(null)[1].key, of(5)[1].key);
  assert.ok(of(5)[1].picture.clipped);
});

test("several runs stand beside one", () => {
  page([1, 2, 3, 4, 5, 6]);
  assert.deepEqual(fromHash("#run=2&compare=1,3,3,2,9,x", 5).compare, [0, 2]);
  assert.equal(toHash({ ...initial(), compare: [1, 2] }), "compare=2,3");
  assert.equal(fromHash("#compare=2,3,4,5,6,7,8", 8).compare.length, 5);
});

test("the hash keeps the state, and nonsense is ignored", () => {
  page([1, 2, 3, 4, 5, 6]);
  const state = {
    ...initial(), run: 2, compare: [1, 4], along: [-1, 0.5, 1, -0.25] as Along, log: true, clip: 3.25, shared: true, slice: 4, step: 7, map: "cividis", fill: "cells" as const,
    point: [0.5, -0.25] as [number, number], pinned: true, camera: { azimuth: 1, polar: 0.5, distance: 2, target: [0, 0.1, 0] as [number, number, number] },
  };
  assert.deepEqual(fromHash(toHash(state), 5), state);
  assert.equal(toHash(initial()), "");
  assert.deepEqual(fromHash("#run=99&clip=x&camera=1,2&at=1&compare=0&map=diverging&fill=x", 3), initial());
});

test("interpolated points are told from measured ones", () => {
  const plain = page([1, 2, 3, 4, 5, 6]).runs[0];
  assert.equal(sourceNote(plain), null);
  assert.ok(!csvOf(plain).includes("source"));
  const run = { ...plain, interpolated: new Uint8Array([0, 1, 0, 1, 1, 0]), tolerance: 0.01 };
  assert.equal(sourceNote(run), "3 of 6 measured, the rest interpolated to 1 % of the range");
  const [header, first, second] = csvOf(run).split("\n");
  assert.ok(header.endsWith(",source") && first.endsWith(",measured") && second.endsWith(",interpolated"));
});

test("a tooltip stands clear of the path, and in the window", () => {
  const of = (at: [number, number], path: [number, number][]) => besides(at, [100, 50], [800, 600], path);
  assert.deepEqual(of([100, 100], []), [116, 116]);
  assert.deepEqual(of([200, 100], [[230, 130], [250, 150]]), [84, 116]);
  assert.deepEqual(of([780, 590], []), [664, 544]);
  assert.deepEqual(of([790, 100], []), [694, 116]);
});

test("axes of unequal length say so", () => {
  const [pane] = panes(page([1, 2, 3, 4, 5, 6]), initial());
  const of = (ratio: number, equalAspect = true) => shapeNote({ field: pane.field, run: { ...pane.run, ratio, equalAspect } });
  assert.deepEqual([of(1), of(0.8, false)], [null, null]);
  assert.equal(of(0.8), "a unit of the first axis is drawn 1.2 times as long as one of the second");
  assert.equal(of(5), "a unit of the second axis is drawn 5 times as long as one of the first");
});

test("a band is 1.96 standard errors wide, and the tooltip says so", () => {
  assert.deepEqual([...bandFrom([0.5, NaN, 0])!], [0.98, NaN, 0]);
  assert.equal(bandFrom([0, 0]), undefined);
  assert.equal(bandFrom([NaN, NaN]), undefined);
  const data = page([1, 2, 3, 4, 5, 6]);
  data.runs[0].quantities.push({ key: "loss_se", label: "", data: new Float64Array(6).fill(0.1), linear: drawn, log: null });
  const [pane] = panes(data, initial());
  assert.deepEqual(facts(pane, [-1, 0])[2], ["loss", "1 ± 0.2 (1.96 standard errors)"]);
});

test("the band of a line goes on through interpolated points", () => {
  const line = { ...page([1, 1, 1, 1, 1, 1]).runs[0], interpolated: new Uint8Array([0, 1, 0, 0, 1, 1]) };
  line.quantities = [...line.quantities, { key: "loss_se", label: "", data: Float64Array.of(1, NaN, 3, 5, NaN, NaN), linear: drawn, log: null }];
  assert.deepEqual([...bandOf(line)!].map((b) => Number((b / BAND).toFixed(9))), [1, 2, 3, 5, NaN, NaN]);
});

test("points with few neighbours have error bars, others a band, and the axis holds both", () => {
  const series = { y: [1, 2, 3, 4, 5, 6, 7, 8], band: [0.5, NaN, 1, 1, 1, 3, NaN, 0.5] };
  assert.deepEqual(bandStretches(series), [[0, 0], [2, 5], [7, 7]]);
  assert.deepEqual(bandStretches({ y: [1, 2, 3], band: [1, 1, NaN] }), [[0, 0], [1, 1]]);
  assert.deepEqual(bandReach([{ ...series, x: series.y, label: "", color: "" }]), [0.5, 9]);
});

test("nothing is interpolated into a hole, and its neighbours keep their values", () => {
  const fine = refined([0, 1, 2, 3, NaN, 5, 6, 7, 8, 9, 10, 11], 4, 3);
  const at = (x: number, y: number) => sample(fine, x * fine.steps[0], y * fine.steps[1]);
  assert.deepEqual([at(0, 0), at(1, 0), at(1, 1), at(3, 2)], [0, 3, NaN, 11]);
  assert.ok(Number.isNaN(at(1.3, 1)) && at(1.6, 1) > 3 && at(1, 0.3) < 5);
  assert.ok(trace(fine, 4).every(({ points }) => points.every(Number.isFinite)));
});

test("models that are not plainly seen in 3D are named", () => {
  assert.equal(modelNote([], []), "");
  assert.equal(modelNote(["b", "c"], ["a"]), "behind the surface, faint: b, c · not on the surface shown: a");
});

function run(name: string, step: number[], more: Partial<Trajectory> = {}): Trajectory {
  const zeros = Float64Array.from(step, () => 0);
  return {
    name, step, warnings: [], projection: "least squares", explained: [0.5, 0.2],
    x: zeros, y: zeros, z: zeros, residual: zeros, loss: zeros, planeLoss: zeros, ...more,
  };
}

test("one slider moves paths with steps of their own", () => {
  const [a, b] = [run("a", [0, 10, 20]), run("b", [0, 15, 40, 60])];
  const steps = stepsOf([a, b]);
  assert.deepEqual(steps, [0, 10, 15, 20, 40, 60]);
  assert.equal(steps[placeOf(steps, initial())], 60);
  assert.equal(placeOf(steps, { ...initial(), step: 3 }), 3);
  assert.deepEqual([0, 10, 15, 20, 60].map((step) => checkpointOf(a, step)), [0, 1, 1, 2, 2]);
  assert.deepEqual([0, 10, 15, 20, 60].map((step) => checkpointOf(b, step)), [0, 0, 1, 1, 3]);
  assert.equal(checkpointOf(run("late", [5, 6]), 0), 0);
});

test("colours are those that come with the data", () => {
  page([1, 2, 3, 4, 5, 6]);
  const grey = palette("viridis");
  assert.deepEqual([grey.rgba.length, cssColor(grey, 0), cssColor(grey, 1)], [2048, "rgb(0,0,0)", "rgb(255,255,255)"]);
  assert.deepEqual([isDark(grey, 0.4), isDark(grey, 0.6)], [true, false]);
  setPathColors(["#123456", "#abcdef"]);
  assert.deepEqual([0, 1, 2].map(pathColor), ["#123456", "#abcdef", "#123456"]);
});

test("a band has the colour of its middle", () => {
  const of = banded([0.5]);
  assert.deepEqual([of[0], of[255], of[256], of[511]], [128, 128, 383, 383]);
  assert.deepEqual([...banded(null)].filter((entry, k) => entry !== k), []);
});

test("twenty paths look different", () => {
  setPathColors(["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00", "#882255", "#999933", "#7b4fa3"]);
  const looks = Array.from({ length: 20 }, (_, k) => `${pathColor(k)} ${pathDash(k)}`);
  assert.equal(new Set(looks).size, 20);
});

test("warnings name their paths unless all share them", () => {
  const little = "the plane explains only 40.0% of the path's variance";
  const [a, b] = [run("a", [0], { warnings: [little] }), run("b", [0])];
  assert.deepEqual(warnings([{ path: a, name: "a" }]), ["The plane explains only 40.0% of the path's variance."]);
  assert.deepEqual(warnings([{ path: a, name: "a" }, { path: b, name: "b" }]), [`a: ${little}.`]);
  const both = [{ path: a, name: "a" }, { path: { ...b, warnings: [little] }, name: "b" }];
  assert.equal(warnings(both).length, 1);
  const gap = (percent: number) => `the loss at the projection differs from the true one by ${percent}% of its range at step 3`;
  const three = [30, 50, 40].map((percent, k) => ({ path: run("p", [0], { warnings: [gap(percent)] }), name: `p${k}` }));
  assert.deepEqual(warnings([...three, { path: b, name: "b" }]), [`p0, p1, p2: ${gap(50)} (the worst, p1).`]);
  assert.match(variance([a, b]), /of the paths explained: 50.0 % \+ 20.0 % = 70.0 %/);
  assert.doesNotMatch(variance([a, run("c", [0], { explained: [0.9] })]), /explained/);
});
