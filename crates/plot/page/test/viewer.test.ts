// What the viewer computes, without a browser: run by `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BAND, bandFrom, bandOf, bandReach, bandStretches } from "../src/band";
import { colors } from "../src/colormap";
import { borders, contours, smoothContours } from "../src/contour";
import { modelNote } from "../src/cross3d";
import { readPage, unpack } from "../src/data";
import { csvOf } from "../src/export";
import { sourceNote } from "../src/panels";
import { bilinear, fieldOf, quantile, refined } from "../src/field";
import { axisTicks, digitsOf, niceTicks, number } from "../src/format";
import { panes } from "../src/model";
import { pick } from "../src/pick";
import { Scale } from "../src/scale";
import { fromHash, initial, toHash } from "../src/state";
import { facts } from "../src/tooltip";
import { checkpointOf, placeOf, stepsOf } from "../src/model";
import { pathColor, pathDash, setPathColors, variance, warnings } from "../src/paths";
import type { Trajectory } from "../src/data";

const f64 = (values: number[]) => ({ f64: Buffer.from(new Float64Array(values).buffer).toString("base64") });

function stats(min: number, max: number) {
  return { min, max, minPositive: min > 0 ? min : 1e-3, nonFinite: 0, missing: 0, nonPositive: min > 0 ? 0 : 1 };
}

/** A table from black to white. */
const grey = Buffer.from(Array.from({ length: 3 * 512 }, (_, k) => Math.floor(Math.floor(k / 3) / 2))).toString("base64");

function page(losses: number[], missing: number[] | null = null) {
  const run = {
    name: "a", heading: "", description: "", origin: "", command: "", equalAspect: true,
    axes: [{ label: "x", coords: f64([-1, 0, 1]) }, { label: "y", coords: f64([0, 2]) }],
    quantities: [{ key: "loss", label: "loss", data: f64(losses) }, { key: "term:l2", label: "l2", data: f64([1, 1, 1, 1, 1, 1]) }],
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

test("a log scale puts decades at equal distances and survives zero and negative losses", () => {
  const scale = Scale.over(stats(0.01, 100), true, null);
  assert.ok(Math.abs(scale.raw(1) - 0.5) < 1e-12);
  assert.equal(scale.raw(-5), 0);
  assert.ok(Number.isNaN(scale.raw(Infinity)));
  assert.deepEqual(scale.ticks(5), [0.01, 0.1, 1, 10, 100]);
  const floored = Scale.over(stats(-3, 10), true, null);
  assert.equal(floored.lo, 1e-3);
});

test("log levels are 1-2-5 and inside the range", () => {
  const levels = Scale.over(stats(0.015, 60), true, null).levels();
  assert.deepEqual(levels, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]);
});

test("a clip moves the top of the scale, a difference stays centred", () => {
  const clipped = Scale.over(stats(1, 11), false, 6);
  assert.equal(clipped.top, 0.5);
  assert.equal(clipped.t(6), 1);
  assert.equal(clipped.shownMax, 6);
  const about = Scale.about0({ ...stats(-2, 8) }, 4);
  assert.deepEqual([about.lo, about.hi, about.raw(0), about.clipped], [-4, 4, 0.5, true]);
});

test("contours of a paraboloid are circles, closed and at the right radius", () => {
  const n = 101;
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) v[i * n + j] = ((i - 50) / 50) ** 2 + ((j - 50) / 50) ** 2;
  const found = contours(v, n, n, 0.25);
  assert.equal(found.length, 1);
  assert.ok(found[0].closed);
  for (let k = 0; k < found[0].points.length; k += 2) {
    const r = Math.hypot(found[0].points[k] - 50, found[0].points[k + 1] - 50) / 50;
    assert.ok(Math.abs(r - 0.5) < 1e-3, `radius ${r}`);
  }
});

test("contours on a grid that is not square run along the right axis, and skip NaN", () => {
  const [nx, ny] = [4, 3];
  const v = Float64Array.from({ length: nx * ny }, (_, k) => Math.floor(k / ny));
  const [line] = contours(v, nx, ny, 1.25);
  assert.deepEqual([...line.points].filter((_, k) => k % 2 === 0), [1.25, 1.25, 1.25]);
  v[1 * ny + 1] = NaN;
  assert.equal(contours(v, nx, ny, 1.25).length, 0);
});

test("picking finds the surface point that a ray meets", () => {
  const n = 51;
  const raw = Float64Array.from({ length: n * n }, (_, k) => Math.floor(k / n) / (n - 1));
  const field = { raw, nx: n, ny: n, wx: 1, wz: 1, rise: 1, top: 1 };
  const hit = pick({ origin: [0.1, 5, 0.2], direction: [0, -1, 0] }, field)!;
  assert.ok(Math.abs(hit.x - 30) < 1e-3 && Math.abs(hit.y - 15) < 1e-3);
  assert.ok(Math.abs(hit.distance - 4.4) < 1e-3);
  assert.equal(pick({ origin: [0.1, 5, 0.2], direction: [0, 1, 0] }, field), null);
  assert.equal(pick({ origin: [0.3, 5, 0.2], direction: [0, -1, 0] }, { ...field, top: 0.5 }), null);
});

test("interpolation is bilinear and never crosses NaN", () => {
  assert.equal(bilinear([0, 1, 2, 3], 2, 2, 0.5, 0.5), 1.5);
  assert.ok(Number.isNaN(bilinear([0, 1, NaN, 3], 2, 2, 0.5, 0.5)));
});

test("a field counts what is not finite apart from what is not computed", () => {
  const data = page([1, NaN, 3, Infinity, -1, NaN], [5]);
  const field = fieldOf(data.runs[0], data.runs[0].quantities[0], 0);
  assert.deepEqual(field.stats, { min: -1, max: 3, minPositive: 1, nonFinite: 2, missing: 1, nonPositive: 1 });
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
  const [pane, ...rest] = panes(page([1, 2, 3, 4, 5, 6]), { ...initial(), compare: 1, diff: true });
  assert.equal(rest.length, 0);
  assert.ok(pane.scale.diverging && pane.field.v.every((x) => x === 0) && pane.paths.length === 0);
});

test("the hash keeps the state, and nonsense is ignored", () => {
  const state = {
    ...initial(), run: 2, compare: 1, log: true, clip: 3.25, shared: true, slice: 4, step: 7, map: "cividis" as const,
    point: [0.5, -0.25] as [number, number], pinned: true, camera: { azimuth: 1, polar: 0.5, distance: 2, target: [0, 0.1, 0] as [number, number, number] },
  };
  assert.deepEqual(fromHash(toHash(state), 5), state);
  assert.equal(toHash(initial()), "");
  assert.deepEqual(fromHash("#run=99&clip=x&camera=1,2&at=1&compare=0", 3), initial());
});

test("numbers read as people write them", () => {
  assert.deepEqual([0, 0.25, -1.5, 123456, 0.0001, -2.5e-7, NaN, -Infinity, 1000].map((x) => number(x)),
    ["0", "0.25", "−1.5", "1.235×10⁵", "10⁻⁴", "−2.5×10⁻⁷", "NaN", "−∞", "1000"]);
  assert.deepEqual(niceTicks(-1, 1, 4), [-1, -0.5, 0, 0.5, 1]);
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

test("a band is 1.96 standard errors wide, and the tooltip says so", () => {
  assert.deepEqual([...bandFrom([0.5, NaN, 0])!], [0.98, NaN, 0]);
  assert.equal(bandFrom([0, 0]), undefined);
  assert.equal(bandFrom([NaN, NaN]), undefined);
  const data = page([1, 2, 3, 4, 5, 6]);
  data.runs[0].quantities.push({ key: "loss_se", label: "", data: new Float64Array(6).fill(0.1) });
  const [pane] = panes(data, initial());
  assert.deepEqual(facts(pane, [-1, 0])[2], ["loss", "1 ± 0.2 (1.96 standard errors)"]);
});

test("the band of a line goes on through interpolated points", () => {
  const line = { ...page([1, 1, 1, 1, 1, 1]).runs[0], interpolated: new Uint8Array([0, 1, 0, 0, 1, 1]) };
  line.quantities = [...line.quantities, { key: "loss_se", label: "", data: Float64Array.of(1, NaN, 3, 5, NaN, NaN) }];
  assert.deepEqual([...bandOf(line)!].map((b) => Number((b / BAND).toFixed(9))), [1, 2, 3, 5, NaN, NaN]);
});

test("points with few neighbours have error bars, others a band, and the axis holds both", () => {
  const series = { y: [1, 2, 3, 4, 5, 6, 7, 8], band: [0.5, NaN, 1, 1, 1, 3, NaN, 0.5] };
  assert.deepEqual(bandStretches(series), [[0, 0], [2, 5], [7, 7]]);
  assert.deepEqual(bandStretches({ y: [1, 2, 3], band: [1, 1, NaN] }), [[0, 0], [1, 1]]);
  assert.deepEqual(bandReach([{ ...series, x: series.y, label: "", color: "" }]), [0.5, 9]);
});

test("smooth contours follow the bilinear colours between the points of a coarse grid", () => {
  const v = Float64Array.of(0, 0, 0, 1);
  const [line] = smoothContours(refined(v, 2, 2), 0.25);
  for (let k = 0; k < line.points.length; k += 2) {
    const [x, y] = [line.points[k], line.points[k + 1]];
    assert.ok(Math.abs(bilinear(v, 2, 2, x, y) - 0.25) < 1e-5, `${x}, ${y}`);
  }
  assert.ok(line.points.length > 200);
});

test("refining keeps the points, and a hole takes nothing from its neighbours", () => {
  const fine = refined([0, 1, 2, 3, NaN, 5, 6, 7, 8, 9, 10, 11], 4, 3);
  const at = (i: number, j: number) => fine.v[i * fine.factor * fine.ny + j * fine.factor];
  assert.deepEqual([at(0, 0), at(1, 0), at(1, 1), at(3, 2)], [0, 3, NaN, 11]);
  const half = Math.floor(fine.factor / 2);
  const shared = fine.v[2 * fine.factor * fine.ny + half];
  assert.ok(Math.abs(shared - (6 + half / fine.factor)) < 1e-12, "the edge between a hole and a cell");
  assert.ok(Number.isNaN(fine.v[half * fine.ny + half]));
});

test("contours of cells are the borders of cells, closed around a peak and cut at a hole", () => {
  const v = Float64Array.of(0, 0, 0, 0, 9, 0, 0, 0, 0);
  const [ring, ...rest] = borders(v, 3, 3, 4);
  assert.equal(rest.length, 0);
  assert.ok(ring.closed && ring.points.length === 10);
  assert.ok([...ring.points].every((x) => x === 0.5 || x === 1.5));
  v[1] = NaN;
  const [open] = borders(v, 3, 3, 4);
  assert.ok(!open.closed && open.points.length === 8);
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
  const table = colors("viridis");
  assert.deepEqual([table.length, ...table.subarray(0, 4), ...table.subarray(-4)], [2048, 0, 0, 0, 255, 255, 255, 255, 255]);
  setPathColors(["#123456", "#abcdef"]);
  assert.deepEqual([0, 1, 2].map(pathColor), ["#123456", "#abcdef", "#123456"]);
});

test("levels, ticks and their words are those of the figures where the range is theirs and nothing is clipped", () => {
  const level = (value: number, text: string, labelled = true) => ({ value, text, labelled });
  const drawn = { lo: 1, hi: 6, levels: [level(2, "2.0"), level(3, "3.0", false), level(4, "4.0")] };
  const scale = Scale.over(stats(1, 6), false, null, drawn);
  assert.deepEqual(scale.levels(), [2, 3, 4]);
  assert.deepEqual([scale.ticks(3), scale.labelled()], [[2, 4], [2, 4]]);
  assert.deepEqual([scale.text(4), scale.text(5)], ["4.0", null]);
  for (const other of [Scale.over(stats(1, 6), false, 5, drawn), Scale.over(stats(1, 7), false, null, drawn)]) {
    assert.ok(other.levels().length > 3 && other.text(4) === null);
  }
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

test("an axis of counts has whole ticks", () => {
  assert.deepEqual(axisTicks([1, 2, 3, 4], 6), [1, 2, 3, 4]);
  assert.ok(axisTicks([0, 0.5, 1], 6).length > 2);
});

test("ticks and scales hold for every pair of numbers", () => {
  const ends = [0, 5e-324, 1e-320, 2.2e-308, 1e-300, 1e-17, 0.1, 1, 1.0000000000000002, 1e16, 10000000000000002, 1e200, 1.7e308,
    Number.MAX_VALUE];
  const all = [...ends, ...ends.map((v) => -v)];
  for (const lo of all) {
    for (const hi of all.filter((v) => v > lo)) {
      for (const target of [2, 5, 12]) {
        const ticks = niceTicks(lo, hi, target);
        assert.ok(ticks.length >= 1 && ticks.length <= 2 * target + 4, `${lo} ${hi}: ${ticks}`);
        assert.ok(ticks.every((v, k) => Number.isFinite(v) && (k === 0 || v > ticks[k - 1])), `${lo} ${hi}: ${ticks}`);
        const texts = ticks.map((v) => number(v, digitsOf(ticks)));
        assert.equal(new Set(texts).size, ticks.length, `${lo} ${hi}: ${texts}`);
      }
      for (const log of [false, true].filter((log) => !log || lo > 0)) {
        const scale = Scale.over({ ...stats(lo, hi), minPositive: lo > 0 ? lo : hi }, log, null);
        assert.equal(scale.raw(scale.lo), 0, `${lo} ${hi}`);
        assert.equal(scale.raw(scale.hi), 1, `${lo} ${hi}`);
        assert.ok(scale.levels().length <= 24 && scale.ticks(6).every(Number.isFinite));
      }
    }
  }
  assert.deepEqual(niceTicks(-1.7e308, 1.7e308, 4), [-1e308, 0, 1e308]);
  assert.deepEqual(niceTicks(1e16, 1e16 + 2, 4), [1e16, 1e16 + 2]);
});
