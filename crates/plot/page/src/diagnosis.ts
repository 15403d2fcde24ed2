// What is said of a run in words: the diagnosis of its training, and the minima of its surface.

import type { Answer, Diagnosis, Run } from "./data";
import { byId, make, show } from "./dom";
import { number } from "./geometry/number";
import type { Store } from "./state";

const QUESTIONS: [keyof Diagnosis, string][] = [
  ["difficulty", "Is it hard to train?"], ["outlook", "Can it improve?"], ["course", "What happened?"],
];

/** The panel is filled once for what is said of a run, so that what the reader has opened stays open. */
let shown: Run["diagnoses"] | null = null;
let told = "";

/** The three answers: verdict, words, the figures they rest on, how sure they are and why no surer. */
export function updateDiagnosis(run: Run): void {
  const { diagnoses } = run;
  show(byId("diagnosis"), diagnoses.length > 0);
  if (shown === diagnoses) return;
  shown = diagnoses;
  const words = JSON.stringify(diagnoses);
  if (words === told) return;
  told = words;
  byId("answers").replaceChildren(...diagnoses.flatMap(([name, told], k) => training(name, told, k === 0)));
}

/** One training. Of several, each can be folded, and the first is open. */
function training(name: string, told: Diagnosis, open: boolean): HTMLElement[] {
  const answers = QUESTIONS.map(([key, question]) => answer(question, told[key]));
  if (!name) return answers;
  const details = make("details", "", "training");
  details.toggleAttribute("open", open);
  details.append(make("summary", name), ...answers);
  return [details];
}

function answer(question: string, told: Answer): HTMLElement {
  const box = make("section", "", "answer");
  const head = make("h4", question);
  head.append(" ", make("span", told.verdict, "verdict"), " ", make("small", `confidence: ${told.confidence}`));
  box.append(head, make("p", told.words));
  if (told.reservations.length > 0) {
    const list = make("ul", "", "reservations");
    list.append(...told.reservations.map((words) => make("li", words)));
    box.append(list);
  }
  if (told.figures.length > 0) box.append(figures(told));
  return box;
}

function figures(told: Answer): HTMLElement {
  const details = make("details");
  details.append(make("summary", "Figures and thresholds"));
  const table = make("table");
  const head = make("tr");
  head.append(...["figure", "value", "thresholds", "says"].map((words) => make("th", words)));
  table.append(head, ...told.figures.map((figure) => {
    const row = make("tr");
    const limits = figure.thresholds.map((t) => number(t ?? NaN, 3)).join(", ");
    row.append(make("td", figure.name), make("td", number(figure.value ?? NaN, 3), "number"), make("td", limits || "–", "number"), make("td", figure.says));
    return row;
  }));
  details.append(table);
  return details;
}

let listed: Run | null = null;

/** The minima that stand out, from the lowest; a press on one inspects it. */
export function updateMinima(run: Run, store: Store): void {
  show(byId("minima-box"), run.minima.length > 0);
  if (listed === run) return;
  listed = run;
  const head = make("tr");
  head.append(...["minimum", "loss", "barrier"].map((words) => make("th", words)));
  const rows = run.minima.map(({ at, value, barrier }, k) => {
    const row = make("tr");
    const go = make("button", `${k + 1} at (${at.map((v) => number(v, 3)).join(", ")})`, "plain");
    go.title = "Inspect this point";
    go.addEventListener("click", () => store.set({ point: at, pinned: true }));
    const first = make("td");
    first.append(go);
    row.append(first, make("td", number(value, 4), "number"), make("td", barrier === null ? "the lowest" : number(barrier, 3), "number"));
    return row;
  });
  byId("minima").replaceChildren(head, ...rows);
}
