// The lists of runs that the server knows, and which of them the reader asks to see, in which order.

import { progress, type Row } from "../live/rows";

/** A database, a file or a folder, with what it holds. */
export interface Source { label: string; trouble: string | null; rows: Row[] }

export interface Listing { clock: number; sources: Source[] }

/** What changed in a source: rows that are new or other, and names that are gone. */
export interface Change { clock: number; source: number; trouble: string | null; rows: Row[]; gone: string[] }

/** A run with the place of its source. */
export interface Entry { key: string; source: number; row: Row }

export type Order = "name" | "kind" | "model" | "state" | "holds" | Figure | "created";

/** A figure of a run, which is a column of its own. */
export type Figure = "loss" | "accuracy" | "eigenvalue";
export const FIGURES: Figure[] = ["loss", "accuracy", "eigenvalue"];

export interface Asked { query: string; kind: string; status: string; order: Order; falling: boolean }

export const FIRST: Asked = { query: "", kind: "", status: "", order: "created", falling: true };

/** A run's key, which is also what the server calls it in addresses. */
export function keyOf(source: number, name: string): string { return `${source}/${name}`; }

/** Takes in a change. */
export function apply(listing: Listing, change: Change): void {
  const source = listing.sources[change.source];
  listing.clock = Math.max(listing.clock, change.clock);
  if (!source) return;
  source.trouble = change.trouble;
  const rows = new Map(source.rows.map((row) => [row.name, row]));
  change.gone.forEach((name) => rows.delete(name));
  change.rows.forEach((row) => rows.set(row.name, row));
  source.rows = [...rows.values()];
}

function words(row: Row): string {
  return [row.name, ...row.others, row.kind, row.model ?? "", row.state, row.part ?? ""].join(" ").toLowerCase();
}

function text(row: Row, order: Exclude<Order, Figure>): string {
  switch (order) {
    case "model": return row.model ?? "";
    case "holds": return progress(row);
    default: return row[order];
  }
}

/** Whether a column begins with what is largest. */
export function fallsFirst(order: Order): boolean { return order === "created" || order === "accuracy" || order === "eigenvalue"; }

/** The order of two runs by a figure; those without it come last, whichever way round. */
function byFigure(a: number | null, b: number | null, falling: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return falling ? b - a : a - b;
}

const inOrder = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** The runs that are asked for. Every word of the query has to occur in one of the columns. */
export function asked(listing: Listing, { query, kind, status, order, falling }: Asked): Entry[] {
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (row: Row) => {
    if ((kind && row.kind !== kind) || (status && row.state !== status)) return false;
    const all = wanted.length > 0 ? words(row) : "";
    return wanted.every((word) => all.includes(word));
  };
  const found = listing.sources.flatMap(({ rows }, source) => rows.filter(fits).map((row) => ({ key: keyOf(source, row.name), source, row })));
  const by = (a: Entry, b: Entry): number => {
    if (order === "loss" || order === "accuracy" || order === "eigenvalue") return byFigure(a.row[order], b.row[order], falling);
    const rising = order === "created"
      ? a.row.created.localeCompare(b.row.created) || a.row.id - b.row.id
      : inOrder.compare(text(a.row, order), text(b.row, order));
    return falling ? -rising : rising;
  };
  return found.sort((a, b) => by(a, b) || inOrder.compare(a.row.name, b.row.name));
}

/** The words that occur in a column, for a choice. */
export function choices(listing: Listing, of: (row: Row) => string): string[] {
  return [...new Set(listing.sources.flatMap(({ rows }) => rows.map(of)))].filter(Boolean).sort(inOrder.compare);
}

/** The address of the page of some runs. */
export function addressOf(entries: Entry[]): string {
  if (entries.length === 1) return `/run/${entries[0].source}/${encodeURIComponent(entries[0].row.name)}`;
  return `/compare?${entries.map(({ key }) => `run=${encodeURIComponent(key)}`).join("&")}`;
}

/** What is asked for, as the hash of an address: only what differs from the start. */
export function toHash(a: Asked): string {
  const out = new URLSearchParams();
  if (a.query) out.set("search", a.query);
  if (a.kind) out.set("kind", a.kind);
  if (a.status) out.set("state", a.status);
  if (a.order !== FIRST.order || a.falling !== FIRST.falling) out.set("sort", (a.falling ? "-" : "") + a.order);
  return out.toString();
}

const ORDERS: Order[] = ["name", "kind", "model", "state", "holds", ...FIGURES, "created"];

export function fromHash(hash: string): Asked {
  const q = new URLSearchParams(hash.replace(/^#/, ""));
  const sort = q.get("sort") ?? "-created";
  const order = ORDERS.find((name) => name === sort.replace(/^-/, ""));
  return {
    query: q.get("search") ?? "", kind: q.get("kind") ?? "", status: q.get("state") ?? "",
    order: order ?? FIRST.order, falling: order ? sort.startsWith("-") : FIRST.falling,
  };
}
