// What the viewer offers a script that stands beside it in a page that is served: see `live/`.

import type { Diagnosis, PageData } from "./data";
import type { Pane } from "./model";
import type { State } from "./state";

export interface Viewer {
  data: PageData;
  state(): State;
  panes(): Pane[];
  /** Shows other data, as the page's data element holds them; all choices stay. False where they are of other runs. */
  renew(json: string): boolean;
  /** Shows what is said of the trainings of each run: their names with their diagnoses. */
  diagnose(told: [string, Diagnosis][][]): void;
  /** Where the paths that are drawn are in the window. */
  pathPlaces(): [number, number][];
  /** Tells of every change of what is shown. */
  watch(told: () => void): void;
}

declare global {
  interface Window { landscapeViewer?: Viewer }
}
