// The panel of the line over the plane: its ends as numbers, and the values along it.

import type { Theme } from "./canvas";
import { drawChart, type Frame } from "./chart";
import { byId, show } from "./dom";
import type { Pane } from "./model";
import { chartColor } from "./paths";
import { diagonal, lengthOf, profile } from "./profile";
import type { Along, State, Store } from "./state";
import { nearest } from "./values";

const chart = () => byId<HTMLCanvasElement>("along-chart");
const ends = () => [0, 1, 2, 3].map((k) => byId<HTMLInputElement>(`along-${k}`));

export class AlongPanel {
  private frame: Frame | null = null;
  private pane: Pane | null = null;

  constructor(private readonly store: Store) {
    ends().forEach((input, k) => input.addEventListener("change", () => this.read(k, input.valueAsNumber)));
    byId("along-on").addEventListener("click", () => this.toggle());
    byId("along-off").addEventListener("click", () => this.toggle());
    chart().addEventListener("pointermove", (e) => this.inspect(e));
  }

  /** Draws a line over the plane, or takes it away. */
  toggle(): void {
    const { along } = this.store.state;
    if (this.pane) this.store.set({ along: along ? null : diagonal(this.pane.field) });
  }

  private read(place: number, value: number): void {
    const { along } = this.store.state;
    if (along && Number.isFinite(value)) this.store.set({ along: along.map((old, k) => (k === place ? value : old)) as Along });
  }

  /** The point of the grid nearest to the place on the line below the pointer. */
  private inspect({ offsetX }: PointerEvent): void {
    const { along, pinned } = this.store.state;
    if (!this.frame || !this.pane || !along || pinned) return;
    const { rect, x0, x1 } = this.frame;
    const share = Math.min(1, Math.max(0, (x0 + ((offsetX - rect.x) / rect.w) * (x1 - x0)) / lengthOf(along)));
    const { xs, ys } = this.pane.field;
    const [x, y] = [along[0] + share * (along[2] - along[0]), along[1] + share * (along[3] - along[1])];
    this.store.set({ point: [xs[nearest(xs, x)], ys[nearest(ys, y)]] });
  }

  update(panes: Pane[], { along, point }: State, theme: Theme): void {
    [this.pane] = panes;
    const { xs, ys, nx, ny } = this.pane.field;
    show(byId("along"), along !== null);
    show(byId("along-on"), along === null);
    this.frame = null;
    if (!along) return;
    ends().forEach((input, k) => {
      const [axis, n] = k % 2 === 0 ? [xs, nx] : [ys, ny];
      input.step = String(Number(((axis[n - 1] - axis[0]) / 100).toPrecision(2)));
      if (input !== document.activeElement) input.value = String(along[k]);
    });
    this.frame = drawChart(chart(), {
      series: panes.map((pane, k) => {
        const { at, values } = profile(pane, along);
        return { x: at, y: values, label: pane.title, color: chartColor(k, theme), dash: k ? [6, 3] : [] };
      }),
      xLabel: "distance from A to B", yLabel: this.pane.label, log: this.pane.picture.log,
      clip: this.pane.picture.clipped ? this.pane.picture.shownMax : null, cursor: point ? cursorOf(along, point) : undefined,
    }, theme);
  }
}

/** The distance from A of the place on a line that is nearest to a point. */
function cursorOf(along: Along, [x, y]: [number, number]): number {
  const length = lengthOf(along);
  const [dx, dy] = [along[2] - along[0], along[3] - along[1]];
  const share = length > 0 ? ((x - along[0]) * dx + (y - along[1]) * dy) / length ** 2 : 0;
  return Math.min(1, Math.max(0, share)) * length;
}
