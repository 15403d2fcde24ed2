// The line over a plane, panes in rows, and pictures as SVG, without a browser: run by `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, split } from "../src/canvas";
import type { Pane } from "../src/model";
import { Picture } from "../src/picture";
import { POINTS, diagonal, moved, profile } from "../src/profile";
import { SvgPen, escaped, fontOf } from "../src/svg";
import type { Field } from "../src/values";

/** A plane of x² + 2 y² over [-1, 1] x [-2, 2], or with a hole in its middle. */
function plane(key: string, n: number, hole = false, log = false): Pane {
  const axis = (half: number) => Float64Array.from({ length: n }, (_, k) => half * (2 * k / (n - 1) - 1));
  const [xs, ys] = [axis(1), axis(2)];
  const v = Float64Array.from({ length: n * n }, (_, k) => 0.5 + xs[Math.floor(k / n)] ** 2 + 2 * ys[k % n] ** 2);
  if (hole) v[(n * n - 1) / 2] = NaN;
  return { key, field: { xs, ys, nx: n, ny: n, v } as unknown as Field, picture: Picture.over([v], log, null) } as Pane;
}

test("values along a line are those of the grid where it passes its points, and near them between", () => {
  for (const log of [false, true]) {
    const pane = plane(`bowl ${log}`, 41, false, log);
    const { at, values } = profile(pane, [-1, -2, 1, 2]);
    assert.equal(at.length, POINTS);
    assert.ok(Math.abs(at[POINTS - 1] - Math.hypot(2, 4)) < 1e-12);
    values.forEach((value, k) => {
      const t = (2 * k) / (POINTS - 1) - 1;
      const truth = 0.5 + 9 * t ** 2;
      const onPoint = k % 6 === 0;
      assert.ok(Math.abs(value / truth - 1) < (onPoint ? 1e-9 : 5e-3), `${log} ${k}: ${value}, not ${truth}`);
    });
  }
});

test("a line has no values in holes and outside", () => {
  const { values } = profile(plane("hole", 5, true), [-2, 0, 1, 0]);
  assert.ok(Number.isNaN(values[0]) && Number.isNaN(values[79]) && Number.isFinite(values[81]));
  assert.ok(Number.isNaN(values[160]) && Number.isFinite(values[240]));
});

test("a line and its ends stay within the plane", () => {
  const { field } = plane("ends", 5);
  assert.deepEqual(diagonal(field), [-1, -2, 1, 2]);
  assert.deepEqual(moved([-1, 0, 0, 0], "B", [0.5, 5], field), [-1, 0, 0.5, 2]);
  assert.deepEqual(moved([-1, 0, 0, 0], "A", [0.25, -0.5], field), [-0.75, -0.5, 0, 0]);
  assert.deepEqual(moved([-1, 0, 0, 0], "middle", [9, 1], field), [0, 1, 1, 1]);
});

test("panes stand in rows that are filled evenly", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6].map((n) => columnsOf(1200, n)), [1, 2, 3, 2, 3, 3]);
  assert.deepEqual([2, 3, 6].map((n) => columnsOf(600, n)), [2, 2, 2]);
  assert.equal(columnsOf(300, 4), 1);
  assert.deepEqual(split(610, 210, 3, 10), [{ x: 0, y: 0, w: 300, h: 100 }, { x: 310, y: 0, w: 300, h: 100 }, { x: 0, y: 110, w: 300, h: 100 }]);
});

test("what is drawn is written as SVG", () => {
  const pen = new SvgPen({ measureText: () => ({ width: 7 }) } as unknown as CanvasRenderingContext2D, "c");
  pen.fillRect(0, 0, 9, 9);
  pen.clearRect();
  pen.save();
  pen.rect(0, 0, 10, 10);
  pen.clip();
  pen.translate(5, 1);
  pen.rotate(Math.PI / 2);
  pen.beginPath();
  pen.lineTo(1, 0);
  pen.lineTo(1, 2);
  pen.strokeStyle = "#123456";
  pen.stroke();
  pen.restore();
  pen.font = "600 12px \"A B\", serif";
  pen.textAlign = "center";
  pen.globalAlpha = 0.5;
  pen.fillText("</script> & \"", 3, 4);
  assert.deepEqual(pen.content.split("\n"), [
    '<clipPath id="c-0"><path d="M0 0L10 0L10 10L0 10Z"/></clipPath>',
    '<path d="M5 2L3 2" fill="none" stroke="#123456" stroke-width="1" clip-path="url(#c-0)"/>',
    '<text x="3" y="4" font-family="&#34;A B&#34;, serif" font-size="12" font-weight="600" text-anchor="middle" fill="#000" opacity="0.5">&#60;/script&#62; &#38; &#34;</text>',
  ]);
  assert.deepEqual(fontOf("12.5px Arial"), { weight: "400", size: 12.5, family: "Arial" });
  assert.equal(escaped("a\u0000<b>שלום"), "a&#60;b&#62;שלום");
});
