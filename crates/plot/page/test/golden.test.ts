// What the browser computes itself, against the lists that Rust makes: see src/page/golden.rs of landscape-plot.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { refined, trace } from "../src/geometry/field";
import { number } from "../src/geometry/number";
import { type Level, type Tick, type Transform, barTicks, choose, forward, levels, ticks, widened } from "../src/geometry/scale";

interface Scales { values: (number | string | null)[]; log: boolean; transform: Transform; lo: number; hi: number; levels: Level[] }
interface Range extends Scales { few: Tick[]; many: Tick[]; size: number; bar: Tick[] }
interface Field extends Scales {
  shape: [number, number]; fine: [number, number, number]; sum: number; squares: number;
  lines: [boolean, number, [number, number, number]][][];
}

const golden: { numbers: [number | string | null, boolean, number, string][]; ranges: Range[]; fields: Field[] } =
  JSON.parse(readFileSync("test/golden.json", "utf8"));

const read = (v: number | string | null) => (v === null ? NaN : v === "∞" ? Infinity : Number(v));

function near(a: number, b: number, what: string): void {
  assert.ok(Math.abs(a - b) <= 2e-5 * Math.max(1e-3, Math.abs(a), Math.abs(b)), `${what}: ${a} is not ${b}`);
}

/** The scale of values, checked. */
function scaleOf({ values, log, ...told }: Scales, what: string): Transform {
  const known = values.map(read).filter(Number.isFinite);
  const [lo, hi] = widened(Math.min(...known), Math.max(...known), log);
  assert.deepEqual([lo, hi], [told.lo, told.hi], what);
  const transform = choose(log, lo, hi, () => known);
  assert.deepEqual(transform, told.transform, what);
  assert.deepEqual(levels(transform, lo, hi), told.levels, what);
  return transform;
}

test("numbers read as those of the figures", () => {
  assert.ok(golden.numbers.length > 300);
  for (const [v, negative, digits, text] of golden.numbers) assert.equal(number(negative && v === "∞" ? -Infinity : read(v), digits), text);
});

test("scales, levels and ticks are those of the figures, for every pair of numbers", () => {
  assert.ok(golden.ranges.length > 100);
  for (const range of golden.ranges) {
    const what = `${range.values.join(" to ")}${range.log ? ", log" : ""}`;
    const transform = scaleOf(range, what);
    const { lo, hi } = range;
    assert.deepEqual(ticks(transform, lo, hi, 3), range.few, what);
    assert.deepEqual(ticks(transform, lo, hi, 8), range.many, what);
    assert.deepEqual(barTicks(transform, lo, hi, range.levels, 260, range.size), range.bar, what);
  }
});

test("fine grids and contour lines are those of the figures, on a hundred fields with holes, plateaus and saddles", () => {
  assert.equal(golden.fields.length, 100);
  golden.fields.forEach((field, k) => {
    const what = `field ${k}`;
    const transform = scaleOf(field, what);
    const values = Float64Array.from(field.values, read);
    const floor = 2 * forward(transform, field.lo) - forward(transform, field.hi);
    const places = values.map((v) => (Number.isFinite(v) ? Math.max(floor, forward(transform, v)) : NaN));
    const fine = refined(places, ...field.shape);
    const finite = fine.v.filter(Number.isFinite);
    assert.deepEqual([fine.nx, fine.ny, finite.length], field.fine, what);
    near(finite.reduce((a, v) => a + v, 0), field.sum, `${what}, sum`);
    near(finite.reduce((a, v) => a + v * v, 0), field.squares, `${what}, squares`);
    field.levels.forEach(({ value }, n) => {
      const at = `${what}, level ${value}`;
      const lines = trace(fine, forward(transform, value));
      assert.deepEqual(lines.map(({ closed, points }) => [closed, points.length / 2]), field.lines[n].map(([closed, points]) => [closed, points]), at);
      lines.forEach(({ points }, m) => {
        const size = points.length / 2;
        let [length, x, y] = [0, 0, 0];
        for (let p = 0; p < size; p++) {
          [x, y] = [x + points[2 * p] / size, y + points[2 * p + 1] / size];
          if (p > 0) length += Math.hypot(points[2 * p] - points[2 * p - 2], points[2 * p + 1] - points[2 * p - 1]);
        }
        field.lines[n][m][2].forEach((told, q) => near([length, x, y][q], told, at));
      });
    });
  });
});
