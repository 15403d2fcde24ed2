// The few DOM helpers that the panels share.

/** The element with an id; a missing one is a fault of the template. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found as T;
}

/** Makes an element; text is set as text, never as HTML. */
export function make(tag: string, text = "", className = ""): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}

/** Fills a definition list. */
export function fillPairs(list: HTMLElement, pairs: [string, string][]): void {
  list.replaceChildren(...pairs.flatMap(([k, v]) => [make("dt", k), make("dd", v)]));
}

/** Shows or hides. */
export function show(element: HTMLElement, visible: boolean): void { element.hidden = !visible; }

/** Fills a select, only when its choices changed. */
export function fillSelect(select: HTMLSelectElement, choices: [string, string][], value: string): void {
  const key = JSON.stringify(choices);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...choices.map(([v, label]) => new Option(label, v)));
  }
  select.value = value;
}

/** A line of text that appears at the foot of the page and goes away. */
export function toast(text: string): void {
  const box = byId("toast");
  box.textContent = text;
  box.classList.add("shown");
  window.clearTimeout(Number(box.dataset.timer));
  box.dataset.timer = String(window.setTimeout(() => box.classList.remove("shown"), 6000));
}
