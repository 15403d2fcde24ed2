// The 3D panel: every pane is a viewport of one WebGL canvas with one camera, so that compared runs turn together.

import {
  type BufferGeometry, Color, Group, Mesh, type Object3D, PerspectiveCamera, Raycaster, Scene, type ShaderMaterial, Vector2, Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import { type Frame, drawLabels, facing, frameOf, gridLines } from "./axes3d";
import { type Rect, type Theme, pixelRatio, prepare, split } from "./canvas";
import { Sight } from "./cross3d";
import { locate, pathObjects } from "./lines3d";
import { footprint, hatchedFloor, mapTexture, surfaceGeometry, surfaceMaterial } from "./mesh";
import { type Pane, fine } from "./model";
import { DIVERGING, palette } from "./palette";
import { type HeightField, type Hit, pick } from "./pick";
import type { Camera, State, Store } from "./state";

/** Height of the box at height factor 1, of a footprint of 1. */
const RISE = 0.55;
const FOV = 30;

/** One viewport: the scene of a pane and what must be rebuilt when something of it changes. */
interface View {
  pane: Pane;
  scene: Scene;
  /** Everything measured in the scale's range; its vertical scale is the rise. */
  body: Group;
  mesh: Mesh;
  geometry: ReturnType<typeof surfaceGeometry>;
  material: ShaderMaterial;
  path: { key: string; object: Object3D | null };
  rise: number;
}

function dispose(object: Object3D | null): void {
  object?.traverse((child: any) => {
    child.geometry?.dispose();
    child.material?.dispose?.();
  });
  object?.removeFromParent();
}

export class SurfaceView {
  private readonly renderer: WebGLRenderer;
  private readonly camera = new PerspectiveCamera(FOV, 1, 0.05, 50);
  private readonly controls: OrbitControls;
  private readonly gl: HTMLCanvasElement;
  private readonly over: HTMLCanvasElement;
  private views: View[] = [];
  private textures = new Map<string, ReturnType<typeof mapTexture>>();
  private state: State;
  private theme: Theme | null = null;
  private moving = false;
  /** What the picture was last drawn from; hovering changes none of it. */
  private drawn = "";

  /** Throws where the browser has no WebGL. */
  constructor(readonly box: HTMLElement, private readonly store: Store, private readonly onHover: (event: PointerEvent | null, pane: Pane | null) => void) {
    [this.gl, this.over] = [...box.querySelectorAll("canvas")];
    // Asked here first, because three.js writes errors to the console where there is none.
    const context = this.gl.getContext("webgl2", { antialias: true, alpha: true });
    if (!context) throw new Error("no WebGL 2");
    this.renderer = new WebGLRenderer({ canvas: this.gl, context, antialias: true, alpha: true });
    this.renderer.autoClear = false;
    this.state = store.state;
    this.placeCamera(store.state.camera);
    this.controls = new OrbitControls(this.camera, this.over);
    this.controls.maxPolarAngle = Math.PI * 0.495;
    this.controls.minDistance = 0.6;
    this.controls.maxDistance = 12;
    this.controls.target.set(...store.state.camera.target);
    this.controls.update();
    this.controls.addEventListener("change", () => this.render());
    this.controls.addEventListener("start", () => (this.moving = true));
    this.controls.addEventListener("end", () => {
      this.moving = false;
      this.render();
      this.store.set({ camera: this.readCamera() });
    });
    this.listen();
  }

  private listen(): void {
    let down: [number, number] | null = null;
    this.over.addEventListener("pointerdown", (e) => (down = [e.clientX, e.clientY]));
    this.over.addEventListener("pointerup", (e) => {
      const still = down !== null && Math.hypot(e.clientX - down[0], e.clientY - down[1]) < 4;
      down = null;
      if (still) this.inspect(e, true);
    });
    this.over.addEventListener("pointermove", (e) => {
      if (e.buttons === 0) this.inspect(e, false);
      else this.onHover(null, null);
    });
    this.over.addEventListener("pointerleave", () => this.onHover(null, null));
  }

  private placeCamera(c: Camera): void {
    const [x, y, z] = c.target;
    const flat = c.distance * Math.sin(c.polar);
    this.camera.position.set(x + flat * Math.sin(c.azimuth), y + c.distance * Math.cos(c.polar), z + flat * Math.cos(c.azimuth));
    this.camera.lookAt(x, y, z);
  }

  private readCamera(): Camera {
    const { target } = this.controls;
    return {
      azimuth: this.controls.getAzimuthalAngle(), polar: this.controls.getPolarAngle(),
      distance: this.controls.getDistance(), target: [target.x, target.y, target.z],
    };
  }

  /** Moves the camera to a stored place, unless it is already there. */
  private followCamera(wanted: Camera): void {
    const now = this.readCamera();
    const far = (a: number, b: number) => Math.abs(a - b) > 1e-3;
    const differs = far(now.azimuth, wanted.azimuth) || far(now.polar, wanted.polar) || far(now.distance, wanted.distance)
      || now.target.some((v, k) => far(v, wanted.target[k]));
    if (!differs) return;
    this.controls.target.set(...wanted.target);
    this.placeCamera(wanted);
    this.controls.update();
  }

  private rects(): Rect[] {
    return split(this.box.clientWidth, this.box.clientHeight, this.views.length, 8);
  }

  /** Sets the camera up for one viewport; narrow ones see the same width. */
  private aim(rect: Rect): void {
    const aspect = rect.w / rect.h;
    const half = Math.tan((FOV * Math.PI) / 360);
    this.camera.aspect = aspect;
    this.camera.fov = (Math.atan(half * Math.max(1, 1.3 / aspect)) * 360) / Math.PI;
    this.camera.updateProjectionMatrix();
    this.camera.updateMatrixWorld();
  }

  private inspect(event: PointerEvent, press: boolean): void {
    const area = this.over.getBoundingClientRect();
    const [px, py] = [event.clientX - area.left, event.clientY - area.top];
    const rects = this.rects();
    const k = rects.findIndex((r) => px >= r.x && px <= r.x + r.w && py >= r.y && py <= r.y + r.h);
    const view = this.views[k];
    const hit = view && this.cast(view, rects[k], px, py);
    if (!hit) return this.onHover(null, null);
    const { xs, ys } = view.pane.field;
    const [sx, sy] = fine(view.pane).steps;
    const point: [number, number] = [xs[Math.round(hit.x / sx)], ys[Math.round(hit.y / sy)]];
    const { pinned, point: old } = this.store.state;
    const same = old !== null && old[0] === point[0] && old[1] === point[1];
    if (press) this.store.set({ point, pinned: !(pinned && same) });
    else if (!pinned && !same) this.store.set({ point });
    this.onHover(event, view.pane);
  }

  private cast(view: View, rect: Rect, px: number, py: number): Hit | null {
    this.aim(rect);
    const caster = new Raycaster();
    const ndc = new Vector2(((px - rect.x) / rect.w) * 2 - 1, 1 - ((py - rect.y) / rect.h) * 2);
    caster.setFromCamera(ndc, this.camera);
    return pick({ origin: caster.ray.origin.toArray(), direction: caster.ray.direction.toArray() }, heights(view));
  }

  /** Where the paths of all surfaces are in the window. */
  pathPlaces(): [number, number][] {
    const area = this.over.getBoundingClientRect();
    const places: [number, number][] = [];
    this.eachView(({ pane, rise }, { x: left, y: top, w, h }) => {
      for (const { x, y } of pane.paths) {
        x.forEach((u, k) => {
          const [px, py, pz] = locate(pane, u, y[k]);
          const at = new Vector3(px, py * rise, pz).project(this.camera);
          if (Number.isFinite(at.y)) places.push([area.left + left + ((at.x + 1) / 2) * w, area.top + top + ((1 - at.y) / 2) * h]);
        });
      }
    });
    return places;
  }

  update(panes: Pane[], state: State, theme: Theme): void {
    this.state = state;
    if (this.theme !== theme) this.views.forEach((view) => this.clear(view));
    if (this.theme !== theme) this.views = [];
    this.theme = theme;
    while (this.views.length > panes.length) this.clear(this.views.pop()!);
    panes.forEach((pane, k) => {
      if (this.views[k]?.pane.key !== pane.key) {
        if (this.views[k]) this.clear(this.views[k]);
        this.views[k] = this.build(pane);
      }
      this.refresh(this.views[k], pane);
    });
    this.followCamera(state.camera);
    const drawn = [
      ...panes.map((p) => `${p.key}/${p.picture.top}/${p.now}`),
      state.map, state.lines, state.height, this.box.clientWidth, this.box.clientHeight, pixelRatio(), theme.panel,
    ].join("#");
    if (drawn === this.drawn) return this.annotate();
    this.drawn = drawn;
    this.render();
  }

  private build(pane: Pane): View {
    const scene = new Scene();
    const body = new Group();
    const material = surfaceMaterial();
    const geometry = surfaceGeometry(pane);
    const mesh = new Mesh<BufferGeometry, ShaderMaterial>(geometry.full, material);
    body.add(mesh);
    scene.add(body);
    const floor = hatchedFloor(pane, this.theme!.dark);
    if (floor) scene.add(floor);
    return { pane, scene, body, mesh, geometry, material, path: { key: "", object: null }, rise: 1 };
  }

  private clear(view: View): void {
    dispose(view.scene);
    view.geometry.full.dispose();
    view.geometry.moving.dispose();
  }

  /** What depends on more than the data: colours, clip, height, path, slices. */
  private refresh(view: View, pane: Pane): void {
    const { state } = this;
    view.pane = pane;
    const { picture } = pane;
    view.rise = (RISE * state.height) / picture.top;
    view.body.scale.y = view.rise;
    const u = view.material.uniforms;
    u.uMap.value = this.texture(picture.diverging ? DIVERGING : state.map);
    u.uTop.value = picture.top;
    u.uInk.value = state.lines ? 1 : 0;
    u.uCount.value = picture.levels.length;
    (u.uLevels.value as Float32Array).set(picture.levels.map(({ value }) => picture.raw(value)));
    const key = `${pane.paths.length}/${pane.now}/${picture.top}`;
    if (key === view.path.key) return;
    dispose(view.path.object);
    const object = pathObjects(pane, this.theme!.series[1]);
    view.body.add(object);
    view.path = { key, object };
  }

  private texture(name: string) {
    let found = this.textures.get(name);
    if (!found) this.textures.set(name, (found = mapTexture(palette(name))));
    return found;
  }

  /** Draws the scenes and, over them, the labels. */
  render(): void {
    const { clientWidth: width, clientHeight: height } = this.box;
    const theme = this.theme;
    if (width < 40 || height < 40 || !theme) return;
    this.renderer.setPixelRatio(Math.min(2, pixelRatio()));
    const size = this.renderer.getSize(new Vector2());
    if (size.x !== width || size.y !== height) this.renderer.setSize(width, height, false);
    this.renderer.setScissorTest(false);
    this.renderer.setClearColor(new Color(theme.panel), 1);
    this.renderer.clear();
    this.renderer.setScissorTest(true);
    this.eachView((view, rect, frame) => {
      const lines = gridLines(frame, facing(this.camera), theme.grid);
      view.scene.add(lines);
      view.mesh.geometry = this.moving ? view.geometry.moving : view.geometry.full;
      const bottom = height - rect.y - rect.h;
      this.renderer.setViewport(rect.x, bottom, rect.w, rect.h);
      this.renderer.setScissor(rect.x, bottom, rect.w, rect.h);
      this.renderer.render(view.scene, this.camera);
      dispose(lines);
    });
    this.annotate();
  }

  /** Draws what stands on the overlay: labels and the slices through the inspected point. */
  private annotate(): void {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width < 40 || height < 40 || !this.theme) return;
    const c = prepare(this.over, width, height);
    const { point, pinned, along } = this.state;
    this.eachView((view, rect, frame) => {
      const { pane } = view;
      const sight = new Sight(c, this.camera, rect, pane, heights(view));
      sight.models(this.theme!.muted);
      if (along) sight.along(along);
      if (point && contains(pane, point)) sight.cross(point, pinned);
      drawLabels(c, this.camera, rect, frame, pane, this.theme!, this.views.length > 1 || pane.picture.diverging);
    });
  }

  private eachView(visit: (view: View, rect: Rect, frame: Frame) => void): void {
    const rects = this.rects();
    this.views.forEach((view, k) => {
      this.aim(rects[k]);
      visit(view, rects[k], frameOf(view.pane, RISE * this.state.height));
    });
  }
}

function heights(view: View): HeightField {
  const [wx, wz] = footprint(view.pane);
  return { fine: fine(view.pane), wx, wz, rise: view.rise, top: view.pane.picture.top };
}

function contains(pane: Pane, [x, y]: [number, number]): boolean {
  const { xs, ys, nx, ny } = pane.field;
  const [ex, ey] = [1e-9 * (xs[nx - 1] - xs[0]), 1e-9 * (ys[ny - 1] - ys[0])];
  return x >= xs[0] - ex && x <= xs[nx - 1] + ex && y >= ys[0] - ey && y <= ys[ny - 1] + ey;
}
