// Runs as the server lists them, and what is said of them in a few words.

import { grouped } from "../words";

/** A run of a list, or a landscape in a file. */
export interface Row {
  id: number;
  name: string;
  /** Its other names. */
  others: string[];
  kind: string;
  model: string | null;
  state: string;
  running: boolean;
  /** What it holds, in words. */
  holds: string;
  points: number;
  /** Points of its grid; 0 without one. */
  total: number;
  /** Records of training. */
  records: number;
  /** Of a training the last loss that was recorded, of a landscape the lowest; null where none is known. */
  loss: number | null;
  /** The accuracy there. */
  accuracy: number | null;
  /** The largest eigenvalue of the Hessian, of several points the last. */
  eigenvalue: number | null;
  created: string;
  /** The comparison that it is a part of. */
  part: string | null;
  version: number;
}

/** How far a run is: `512 of 2 601 points`, `40 records`, or what it holds. */
export function progress(row: Row): string {
  if (row.total > 0 && row.points < row.total) return `${grouped(row.points)} of ${grouped(row.total)} points`;
  if (row.running && row.total === 0 && row.records > 0) return `${grouped(row.records)} records`;
  return row.holds;
}

/** The share of its points that is there, where that is known and not all of it. */
export function share(row: Row): number | null {
  return row.total > 0 && row.points < row.total ? row.points / row.total : null;
}

/** The state of the runs of a page: of one with its progress, of several how many there are in each state. */
export function stateWords(rows: Row[]): string {
  if (rows.length === 1) return [rows[0].state, rows[0].running || share(rows[0]) !== null ? progress(rows[0]) : ""].filter(Boolean).join(": ");
  const states = [...new Set(rows.map((row) => row.state).filter(Boolean))];
  return states.map((state) => `${rows.filter((row) => row.state === state).length} ${state}`).join(", ");
}

/** A moment in the reader's own time, to the minute. */
export function moment(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const two = (n: number) => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** The address in the bar without the token, which need not be copied or kept in the history: a cookie has it. */
export function hideToken(): void {
  const url = new URL(location.href);
  if (!url.searchParams.has("token")) return;
  url.searchParams.delete("token");
  history.replaceState(null, "", url.pathname + url.search + url.hash);
}
