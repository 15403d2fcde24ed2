// What the list of runs and the script of a served page compute, without a browser: run by `npm test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawings, figureAddress, plotCommands } from "../src/live/command";
import { progress, type Row, stateWords } from "../src/live/rows";
import { FIRST, type Listing, type Order, addressOf, apply, asked, choices, fromHash, toHash } from "../src/list/listing";
import { initial } from "../src/state";

const row = (name: string, more: Partial<Row> = {}): Row => ({
  id: 0, name, others: [], kind: "surface", model: "mlp:2-8-1", state: "complete", running: false, holds: "5x5 points", points: 25,
  total: 25, records: 0, loss: null, accuracy: null, eigenvalue: null, created: "2026-03-01T12:00:00Z", part: null, version: 1, ...more,
});

const listing = (): Listing => ({
  clock: 1,
  sources: [
    { label: "a.duckdb", trouble: null, rows: [row("plane 10"), row("plane 9"), row("net", { kind: "train", model: null, state: "running", created: "2026-03-02T12:00:00Z" })] },
    { label: "b.duckdb", trouble: null, rows: [row("plane 9", { others: ["Ebene"] })] },
  ],
});

const names = (query: Partial<typeof FIRST>) => asked(listing(), { ...FIRST, ...query }).map(({ key }) => key);

test("every word has to occur in a column", () => {
  assert.deepEqual(names({ query: "plane MLP" }), ["0/plane 9", "1/plane 9", "0/plane 10"]);
  assert.deepEqual(names({ query: "ebene" }), ["1/plane 9"]);
  assert.deepEqual(names({ query: "running train" }), ["0/net"]);
  assert.deepEqual(names({ kind: "train" }), ["0/net"]);
  assert.deepEqual(names({ status: "complete", query: "10" }), ["0/plane 10"]);
  assert.deepEqual(names({ query: "nothing" }), []);
  assert.deepEqual(choices(listing(), (r) => r.kind), ["surface", "train"]);
});

test("numbers in names are in their order", () => {
  assert.deepEqual(names({ order: "name", falling: false }), ["0/net", "0/plane 9", "1/plane 9", "0/plane 10"]);
  assert.equal(names({})[0], "0/net");
});

test("figures sort, and runs without them come last", () => {
  const all = listing();
  all.sources[0].rows = [row("a", { loss: 0.5 }), row("b"), row("c", { loss: 2e-3, accuracy: 0.9 }), row("d", { loss: 10, accuracy: 0.95 })];
  all.sources.length = 1;
  const of = (order: Order, falling: boolean) => asked(all, { ...FIRST, order, falling }).map((entry) => entry.row.name).join("");
  assert.deepEqual([of("loss", false), of("loss", true), of("accuracy", true), of("eigenvalue", true)], ["cadb", "dacb", "dcab", "abcd"]);
  assert.deepEqual(fromHash(toHash({ ...FIRST, order: "accuracy" })), { ...FIRST, order: "accuracy" });
});

test("a change is taken in", () => {
  const all = listing();
  apply(all, { clock: 5, source: 0, trouble: "in use", rows: [row("plane 9", { points: 3 }), row("new")], gone: ["net"] });
  assert.equal(all.clock, 5);
  assert.deepEqual(all.sources[0].rows.map((r) => [r.name, r.points]), [["plane 10", 25], ["plane 9", 3], ["new", 25]]);
  assert.equal(all.sources[0].trouble, "in use");
  apply(all, { clock: 6, source: 9, trouble: null, rows: [], gone: [] });
});

test("addresses hold any name", () => {
  const [first, second] = asked(listing(), FIRST);
  const odd = { ...second, row: row("a/b?c=d&e#f%"), key: "0/a/b?c=d&e#f%" };
  assert.equal(addressOf([odd]), "/run/0/a%2Fb%3Fc%3Dd%26e%23f%25");
  assert.equal(addressOf([first, odd]), "/compare?run=0%2Fnet&run=0%2Fa%2Fb%3Fc%3Dd%26e%23f%25");
});

test("what is asked for is kept in the address", () => {
  const hash = { ...FIRST, query: "a b", kind: "train", status: "running", order: "name" as const, falling: false };
  assert.deepEqual(fromHash(toHash(hash)), hash);
  assert.equal(toHash(FIRST), "");
  assert.deepEqual(fromHash("#sort=-nonsense&x=1"), FIRST);
});

test("how far runs are, in words", () => {
  const part = row("a", { points: 512, total: 2601, state: "running", running: true });
  assert.equal(progress(part), "512 of 2\u202f601 points");
  assert.equal(stateWords([part]), "running: 512 of 2\u202f601 points");
  assert.equal(stateWords([row("b")]), "complete");
  assert.equal(stateWords([row("b", { state: "", kind: "csv" })]), "");
  assert.equal(stateWords([part, row("b"), row("c")]), "1 running, 2 complete");
  assert.equal(progress(row("t", { total: 0, points: 0, records: 7, running: true })), "7 records");
});

test("the commands draw what is shown", () => {
  const pane = (more: object, run = {}) => ({
    run: { name: "a plane", axes: [0, 0], ...run }, quantity: { key: "loss" }, paths: [],
    picture: { log: false, clipped: false, shownMax: 2, diverging: false }, ...more,
  });
  const all = (panes: object[], state: object, plots: object[]) =>
    plotCommands({ state: () => ({ ...initial(), ...state }), panes: () => panes } as never, plots as never);
  const of = (panes: object[], state: object, plots: object[]) => all(panes, state, plots)[0] ?? null;
  const one = { run: "'a plane'", database: "landscape.duckdb" };
  const camera = { azimuth: 0.6, polar: 1, distance: 2, target: [0, 0, 0] };
  assert.deepEqual(all([pane({})], { camera, along: [-1, 0, 0.5, 1] }, [one]), [
    "landscape plot 'a plane' --kind contour -o a-plane.svg",
    "landscape plot 'a plane' --kind surface --camera=34,33 -o a-plane-surface.svg",
    "landscape plot 'a plane' --along=-1,0:0.5,1 -o a-plane-line.svg",
  ]);
  assert.match(all([pane({})], { camera: { ...camera, polar: 0.001 } }, [one])[1], /--camera=34,85 /);
  const clipped = { log: true, clipped: true, shownMax: 2.5, diverging: false };
  assert.equal(
    of([pane({ picture: clipped, paths: [0], quantity: { key: "term:l2" } })], { map: "magma" }, [{ run: "p", database: "x.duckdb" }]),
    "landscape plot p --kind trajectory --value l2 --log --clip=2.5 --colormap magma --db x.duckdb -o a-plane.svg",
  );
  assert.equal(of([pane({}, { axes: [0] })], {}, [one]), "landscape plot 'a plane' --kind line -o a-plane.svg");
  const two = [pane({}), pane({}, { name: "b" })];
  assert.equal(
    of(two, { compare: [1] }, [one, { ...one, run: "b" }]), "landscape plot 'a plane' b --kind contour --panels -o a-plane-b.svg",
  );
  assert.equal(of(two, { compare: [1] }, [one, { run: "b", database: "other.duckdb" }]), null);
  const difference = { log: false, clipped: true, shownMax: 0.5, diverging: true };
  assert.equal(
    of([pane({ picture: difference })], { compare: [1], diff: true, map: "magma" }, [one, { ...one, run: "b" }]),
    "landscape plot 'a plane' b --kind contour --clip=-0.5:0.5 --difference -o a-plane-difference.svg",
  );
  const viewer = { state: () => ({ ...initial(), along: [-1, 0, 0.5, 1] }), panes: () => [pane({ picture: clipped })] } as never;
  const line = drawings(viewer)[2];
  const address = new URL(figureAddress("/figure", viewer, [{ ...one, key: "0/a & b" }], line, "png"), "http://localhost");
  assert.deepEqual([...address.searchParams.keys()], ["run", "look", "format"]);
  assert.equal(address.searchParams.get("run"), "0/a & b");
  assert.deepEqual(JSON.parse(address.searchParams.get("look")!), { along: { from: [-1, 0], to: [0.5, 1] }, log: true, clip: { high: 2.5 } });
  assert.deepEqual(all([pane({})], { fill: "cells" }, [{ run: "x.csv", database: null }]).slice(0, 2), [
    "landscape import x.csv --name view", "landscape plot view --kind heatmap -o a-plane.svg",
  ]);
});
