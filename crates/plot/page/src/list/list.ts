// The first page of the server: all runs, found by words, chosen and opened.

import { byId, fillSelect, make, show } from "../dom";
import { hideToken } from "../live/rows";
import { count } from "../words";
import { type Asked, FIRST, type Change, type Entry, type Listing, type Order, addressOf, apply, asked, choices, fallsFirst, fromHash, toHash } from "./listing";
import { Table } from "./table";

const listing: Listing = JSON.parse(byId("data").textContent ?? "");
const search = byId<HTMLInputElement>("search");
const chosen = new Set<string>();
let now: Asked = fromHash(location.hash);
let entries: Entry[] = [];

const table = new Table({ chosen, choose, sort, several: listing.sources.length > 1 });

const SORTS: [string, string][] = [
  ["-created", "newest first"], ["created", "oldest first"], ["name", "name"], ["kind", "kind"], ["model", "model"], ["state", "state"],
  ["loss", "lowest loss"], ["-accuracy", "best accuracy"], ["-eigenvalue", "largest eigenvalue"],
];

function choose(entry: Entry, on: boolean): void {
  if (on) chosen.add(entry.key);
  else chosen.delete(entry.key);
  update();
}

/** Sorts by a column; a second press turns the order round. */
function sort(order: Order): void {
  set({ order, falling: now.order === order ? !now.falling : fallsFirst(order) });
}

function set(change: Partial<Asked>): void {
  now = { ...now, ...change };
  const hash = toHash(now);
  history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
  update();
}

/** All chosen runs, in the order of the list, also those that the search leaves out. */
function chosenEntries(): Entry[] {
  const all = asked(listing, { ...FIRST, order: now.order, falling: now.falling });
  return all.filter((entry) => chosen.has(entry.key));
}

function update(): void {
  entries = asked(listing, now);
  table.update(entries, now, listing);
  const all = listing.sources.reduce((n, source) => n + source.rows.length, 0);
  const where = listing.sources.length === 1 ? ` in ${listing.sources[0].label}` : "";
  byId("count").textContent = (entries.length === all ? "" : `${entries.length} of `) + count(all, "run") + where;
  fillSelect(byId<HTMLSelectElement>("kind"), [["", "any"], ...choices(listing, (row) => row.kind).map(pair)], now.kind);
  fillSelect(byId<HTMLSelectElement>("status"), [["", "any"], ...choices(listing, (row) => row.state).map(pair)], now.status);
  fillSelect(byId<HTMLSelectElement>("sort"), SORTS, (now.falling ? "-" : "") + now.order);
  if (search.value !== now.query) search.value = now.query;
  updateChosen();
  updateWords(all);
}

const pair = (word: string): [string, string] => [word, word];

function updateChosen(): void {
  const these = chosenEntries();
  const view = byId<HTMLAnchorElement>("view");
  show(view, these.length > 0);
  show(byId("none"), these.length > 0);
  view.textContent = these.length > 1 ? `View ${these.length} runs` : "View the run";
  if (these.length > 0) view.href = addressOf(these);
}

/** What is wrong with a source, and what an empty list means. */
function updateWords(all: number): void {
  byId("troubles").replaceChildren(...listing.sources.filter(({ trouble }) => trouble).map(({ trouble }) => make("li", trouble!)));
  const troubled = listing.sources.every(({ trouble }) => trouble);
  show(byId("empty"), entries.length === 0 && !troubled);
  show(byId("runs"), entries.length > 0);
  byId("empty").textContent = all > 0 ? "No run fits." : "No runs yet. They appear here as soon as one is stored.";
}

search.addEventListener("input", () => set({ query: search.value }));
for (const id of ["kind", "status"] as const) {
  byId(id).addEventListener("change", (e) => set({ [id]: (e.target as HTMLSelectElement).value }));
}
byId("sort").addEventListener("change", (e) => {
  const { value } = e.target as HTMLSelectElement;
  set({ order: value.replace(/^-/, "") as Order, falling: value.startsWith("-") });
});
byId("none").addEventListener("click", () => {
  chosen.clear();
  update();
});
window.addEventListener("hashchange", () => {
  now = fromHash(location.hash);
  update();
});

/** What a key does, where the reader is not typing. */
const KEYS: { [key: string]: () => void } = {
  "/": () => search.select(),
  ArrowDown: () => table.move(1),
  ArrowUp: () => table.move(-1),
  Home: () => table.move(-Infinity),
  End: () => table.move(Infinity),
  " ": () => table.toggle(),
  v: () => byId("view").hidden || byId("view").click(),
  Escape: () => {
    chosen.clear();
    set(FIRST);
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target as HTMLElement;
  if (target === search) {
    if (event.key === "Enter" && entries.length > 0) location.assign(addressOf([entries[0]]));
    if (!["ArrowDown", "Escape"].includes(event.key)) return;
  } else if (["SELECT", "BUTTON"].includes(target.tagName) || (target.tagName === "INPUT" && event.key === " ")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

function listen(): void {
  const events = new EventSource(`/events?since=${listing.clock}`);
  const state = (words: string) => {
    byId("state").textContent = words;
    byId("state").classList.toggle("trouble", words !== "");
  };
  events.addEventListener("open", () => state(""));
  events.addEventListener("error", () => state("the server does not answer; the list is what was there last"));
  events.addEventListener("listing", (e) => {
    Object.assign(listing, JSON.parse((e as MessageEvent).data));
    update();
  });
  events.addEventListener("change", (e) => {
    apply(listing, JSON.parse((e as MessageEvent).data) as Change);
    update();
  });
}

hideToken();
update();
listen();
