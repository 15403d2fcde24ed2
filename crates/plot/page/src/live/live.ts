// Follows the runs of a page that is served: what is new is fetched and shown, and every choice of the reader stays.

import { byId, make } from "../dom";
import { drawings, figureAddress, fileOf, type Plot, plotCommands } from "./command";
import type { Viewer } from "../hook";
import { hideToken, type Row, stateWords } from "./rows";

interface Live { data: string; events: string; diagnoses: string; list: string; figure: string; version: number; plots: Plot[] }

/** What the server says of the runs of this page. */
interface Told { version: number; rows: Row[]; trouble: string[] }

interface Fresh { version: number; title: string; data: string; sections: string }

/** The shortest time between two looks at the data, and the longest part of the time that they may take. */
const PAUSE = 2000;
const SHARE = 20;

const live: Live = JSON.parse(byId("live").textContent ?? "");
const state = make("span", "", "live-state");
state.id = "live-state";
state.setAttribute("role", "status");

let known = live.version;
let newest = live.version;
let busy = false;
let told: Told | null = null;
/** Whether data are shown of which the trainings are not told. */
let untold = true;
let shown = { data: byId("data").textContent ?? "", sections: byId("sections").innerHTML };

const sleep = (ms: number) => new Promise((done) => window.setTimeout(done, ms));
const visible = () => new Promise<void>((done) => {
  if (!document.hidden) return done();
  document.addEventListener("visibilitychange", () => done(), { once: true });
});

function say(words: string, trouble: boolean): void {
  state.textContent = words;
  state.classList.toggle("trouble", trouble);
}

/** How the runs are, as the server told last. */
function sayTold(): void {
  if (told) say([stateWords(told.rows), ...told.trouble].filter(Boolean).join(" · "), told.trouble.length > 0);
}

/** The link to the list, and the state beside it. */
function addBar(): void {
  const bar = make("nav", "", "live");
  const link = make("a", "All runs") as HTMLAnchorElement;
  link.href = live.list;
  link.title = "The list of all runs (Backspace)";
  bar.append(link, state);
  document.querySelector("header")!.prepend(bar);
  document.addEventListener("keydown", (e) => {
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes((e.target as HTMLElement).tagName);
    if (e.key === "Backspace" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey) location.assign(live.list);
  });
}

/** The figures that show what the views do, as files that the server draws. */
function figureLinks(viewer: Viewer): HTMLElement[] {
  return drawings(viewer).map((drawing) => {
    const links = ["svg", "png", "pdf"].map((ending) => {
      const link = make("a", ending.toUpperCase()) as HTMLAnchorElement;
      link.href = figureAddress(live.figure, viewer, live.plots, drawing, ending);
      link.download = fileOf(viewer, drawing, ending);
      return link;
    });
    const line = make("span", `${drawing.title}: `);
    line.append(...links.flatMap((link) => [link, " "]));
    return line;
  });
}

/** The commands that draw the views, below the one that makes the data. */
function addCommand(): void {
  const viewer = window.landscapeViewer;
  if (!viewer) return;
  const [box, copy, words, files] = [make("div"), make("button", "Copy"), make("pre"), make("p", "", "files")];
  const heading = make("h3", "These views as figures ");
  copy.id = "copy-figure";
  words.id = "figure-command";
  copy.addEventListener("click", () => void navigator.clipboard.writeText(words.textContent ?? ""));
  heading.append(copy);
  box.append(heading, files, words);
  byId("command-box").after(box);
  const update = () => {
    const commands = plotCommands(viewer, live.plots);
    copy.hidden = words.hidden = commands.length === 0;
    words.textContent = commands.join("\n");
    files.replaceChildren(...figureLinks(viewer));
  };
  viewer.watch(update);
  update();
}

/** Shows what is new; a page of other runs than before is loaded anew, in which the address keeps the choices. */
function show(fresh: Fresh): void {
  if (fresh.data !== shown.data) {
    const viewer = window.landscapeViewer;
    const same = viewer ? viewer.renew(fresh.data) : JSON.parse(fresh.data).runs.length === 0;
    if (!same) return location.reload();
    untold = true;
  }
  if (fresh.sections !== shown.sections) byId("sections").innerHTML = fresh.sections;
  document.title = fresh.title;
  document.querySelector("h1")!.textContent = fresh.title;
  shown = fresh;
}

/** Fetches what is said of the trainings of the runs. */
async function diagnose(): Promise<void> {
  const viewer = window.landscapeViewer;
  if (!viewer || !live.diagnoses) return;
  untold = false;
  try {
    const reply = await fetch(live.diagnoses);
    if (reply.ok) return viewer.diagnose(await reply.json());
    untold = true;
    say(await reply.text(), true);
  } catch {
    untold = true;
  }
}

/** Whether runs still grow, so that what is said of them would soon be other words. */
function growing(): boolean { return told?.rows.some((row) => row.running) ?? false; }

/** Fetches until nothing newer is known of. */
async function load(): Promise<void> {
  if (busy) return;
  busy = true;
  while (known < newest) {
    await visible();
    const [began, wanted] = [performance.now(), newest];
    try {
      const reply = await fetch(live.data);
      if (reply.ok) {
        const fresh: Fresh = await reply.json();
        known = Math.max(wanted, fresh.version);
        show(fresh);
        sayTold();
      } else say(await reply.text(), true);
    } catch {
      // The stream of events says whether the server is gone.
    }
    await sleep(Math.max(PAUSE, SHARE * (performance.now() - began)));
  }
  busy = false;
  if (untold && !growing()) await diagnose();
}

function listen(): void {
  const events = new EventSource(live.events);
  events.addEventListener("told", (e) => {
    told = JSON.parse((e as MessageEvent).data) as Told;
    sayTold();
    newest = Math.max(newest, told.version);
    void load();
  });
  events.addEventListener("error", () => say("the server does not answer; what is shown is what was there last", true));
}

hideToken();
addBar();
addCommand();
void diagnose();
listen();
