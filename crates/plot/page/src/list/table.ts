// The table of runs: one row each, made once and changed where its run does.

import { byId, make } from "../dom";
import { number } from "../geometry/number";
import { moment, progress, type Row, share } from "../live/rows";
import { percent } from "../words";
import { type Asked, type Entry, type Figure, type Listing, type Order, addressOf } from "./listing";

interface Actions {
  chosen: Set<string>;
  choose(entry: Entry, on: boolean): void;
  sort(order: Order): void;
  /** Whether there are several sources, so that each run says which is its own. */
  several: boolean;
}

interface Line { entry: Entry; row: HTMLTableRowElement; link: HTMLAnchorElement; box: HTMLInputElement; shown: string }

/** The columns: by what they sort, their headings, and what these mean where that is not plain. */
const COLUMNS: [Order, string, string?][] = [
  ["name", "Name"], ["kind", "Kind"], ["model", "Model"], ["state", "State"], ["holds", "Holds"],
  ["loss", "Loss", "of a training the last loss that was recorded, of a landscape the lowest"],
  ["accuracy", "Accuracy", "the accuracy there"],
  ["eigenvalue", "λ max", "the largest eigenvalue of the Hessian, of several points the last"],
  ["created", "Begun"],
];

/** The figures of a run as cells. */
function figures(run: Row): HTMLElement[] {
  const of = (figure: Figure, words: (value: number) => string) => {
    const heading = COLUMNS.find(([order]) => order === figure)![1];
    const made = cell(heading, run[figure] === null ? "–" : words(run[figure]));
    made.classList.add("figure");
    return made;
  };
  return [of("loss", (loss) => number(loss, 4)), of("accuracy", (share) => percent(share)), of("eigenvalue", (value) => number(value, 4))];
}

/** A cell with its heading, which narrow screens show beside it. */
function cell(heading: string, ...content: (string | Node)[]): HTMLElement {
  const made = make("td");
  made.dataset.heading = heading;
  made.append(...content);
  return made;
}

export class Table {
  private readonly lines = new Map<string, Line>();
  private order: string[] = [];

  constructor(private readonly actions: Actions) {
    const heads = COLUMNS.map(([order, words, meaning]) => {
      const head = make("th");
      head.dataset.order = order;
      const button = make("button", words, "plain");
      button.title = meaning ? `Sort by this column: ${meaning}` : "Sort by this column";
      button.addEventListener("click", () => actions.sort(order));
      head.append(button);
      return head;
    });
    const box = make("th");
    box.setAttribute("aria-label", "Chosen");
    byId("head").append(box, ...heads);
  }

  update(entries: Entry[], now: Asked, listing: Listing): void {
    for (const head of byId("head").querySelectorAll<HTMLElement>("[data-order]")) {
      if (head.dataset.order === now.order) head.setAttribute("aria-sort", now.falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    const rows = entries.map((entry) => this.line(entry, listing).row);
    const order = entries.map(({ key }) => key);
    if (order.join("\n") === this.order.join("\n")) return;
    const focused = document.activeElement;
    byId("rows").replaceChildren(...rows);
    this.order = order;
    if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
  }

  /** The row of a run, filled again where the run has changed. */
  private line(entry: Entry, listing: Listing): Line {
    let line = this.lines.get(entry.key);
    if (!line) this.lines.set(entry.key, (line = this.made(entry)));
    line.entry = entry;
    line.box.checked = this.actions.chosen.has(entry.key);
    line.row.classList.toggle("chosen", line.box.checked);
    const shown = JSON.stringify(entry.row);
    if (shown !== line.shown) {
      line.shown = shown;
      this.fill(line, listing);
    }
    return line;
  }

  private made(entry: Entry): Line {
    const [row, link, box] = [make("tr") as HTMLTableRowElement, make("a") as HTMLAnchorElement, make("input") as HTMLInputElement];
    box.type = "checkbox";
    const line = { entry, row, link, box, shown: "" };
    box.addEventListener("change", () => this.actions.choose(line.entry, box.checked));
    row.addEventListener("click", (e) => {
      if (!(e.target as HTMLElement).closest("a, input, button") && !getSelection()?.toString()) link.focus();
    });
    return line;
  }

  private fill({ entry, row, link, box }: Line, listing: Listing): void {
    const run = entry.row;
    link.href = addressOf([entry]);
    link.dir = "auto";
    link.textContent = run.name;
    box.setAttribute("aria-label", `Choose ${run.name}`);
    const name = cell("Name", link);
    const further = [
      run.others.length > 0 ? `also ${run.others.join(", ")}` : "",
      run.part ? `part of ${run.part}` : "",
      this.actions.several ? `in ${listing.sources[entry.source].label}` : "",
    ].filter(Boolean).join(" · ");
    if (further) name.append(make("small", further));
    const begun = cell("Begun", run.created ? moment(run.created) : "–");
    begun.title = run.created;
    row.replaceChildren(
      cell("Chosen", box), name, cell("Kind", run.kind), cell("Model", run.model ?? "–"), this.state(entry),
      cell("Holds", progress(run)), ...figures(run), begun,
    );
    row.classList.toggle("running", run.running);
  }

  private state({ row }: Entry): HTMLElement {
    const state = cell("State", make("span", row.state || "–", `state ${row.running ? "running" : row.state.split(" ").pop() ?? ""}`));
    const done = share(row);
    if (done === null) return state;
    const bar = make("progress") as HTMLProgressElement;
    [bar.value, bar.max] = [done, 1];
    bar.setAttribute("aria-label", progress(row));
    state.append(bar);
    return state;
  }

  /** The place of the row that has the focus; -1 without one. */
  private place(): number {
    const row = document.activeElement?.closest("tr");
    return row ? this.order.findIndex((key) => this.lines.get(key)?.row === row) : -1;
  }

  /** Moves the focus by some rows. */
  move(by: number): void {
    const last = this.order.length - 1;
    if (last < 0) return;
    const at = Math.min(last, Math.max(0, this.place() + by));
    const link = this.lines.get(this.order[at])!.link;
    link.focus();
    link.scrollIntoView({ block: "nearest" });
  }

  /** Chooses the run of the row that has the focus, or no longer. */
  toggle(): void {
    const line = this.lines.get(this.order[this.place()] ?? "");
    if (line) this.actions.choose(line.entry, !line.box.checked);
  }
}
