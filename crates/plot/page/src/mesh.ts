// The lit surface: geometry in units of the scale's whole range, so that clipping and height are uniforms.

import {
  BufferAttribute, BufferGeometry, CanvasTexture, ClampToEdgeWrapping, DataTexture, DoubleSide, LinearFilter, Mesh,
  MeshBasicMaterial, PlaneGeometry, RGBAFormat, ShaderMaterial, SRGBColorSpace,
} from "three";
import { hatch } from "./canvas";
import { type Pane, fine } from "./model";
import { type Palette, SIZE } from "./palette";
import { MAX_LEVELS } from "./picture";

/** Width and depth of a pane's box: the data's own aspect where both axes have the same unit; its diagonal is always √2. */
export function footprint(pane: Pane): [number, number] {
  const { xs, ys, nx, ny } = pane.field;
  const aspect = (xs[nx - 1] - xs[0]) / (ys[ny - 1] - ys[0]);
  // The frames of the figures have the data's own aspect only where that is not extreme.
  if (Math.abs(pane.run.ratio * aspect - 1) > 1e-6) return [1, 1];
  const size = Math.SQRT2 / Math.hypot(aspect, 1);
  return [aspect * size, size];
}

const VERTEX = `
attribute vec2 gradient;
varying float vRaw;
varying vec3 vNormal;
varying vec3 vEye;
void main() {
  vRaw = position.y;
  vec4 eye = modelViewMatrix * vec4(position, 1.0);
  vEye = -eye.xyz;
  vNormal = normalMatrix * vec3(-gradient.x, 1.0, -gradient.y);
  gl_Position = projectionMatrix * eye;
}`;

const FRAGMENT = `
uniform sampler2D uMap;
uniform float uTop;
uniform int uCount;
uniform float uLevels[${MAX_LEVELS}];
uniform float uInk;
varying float vRaw;
varying vec3 vNormal;
varying vec3 vEye;
void main() {
  float t = vRaw / uTop;
  if (t > 1.0005 || t < -0.0005) discard;
  vec3 color = texture2D(uMap, vec2(clamp(t, 0.0, 1.0) * ${((SIZE - 1) / SIZE).toFixed(6)} + ${(0.5 / SIZE).toFixed(6)}, 0.5)).rgb;
  vec3 n = normalize(gl_FrontFacing ? vNormal : -vNormal);
  vec3 light = normalize(vec3(-0.45, 0.8, 0.55));
  float diffuse = max(dot(n, light), 0.0);
  float shine = pow(max(dot(n, normalize(light + normalize(vEye))), 0.0), 50.0);
  vec3 lit = color * (0.52 + 0.55 * diffuse) + 0.10 * shine;
  float slope = max(fwidth(vRaw), 1e-7);
  int above = 0;
  for (int step = 16; step > 0; step /= 2) {
    if (above + step <= uCount && uLevels[above + step - 1] < vRaw) above += step;
  }
  float near = 1e9;
  if (above > 0) near = vRaw - uLevels[above - 1];
  if (above < uCount) near = min(near, uLevels[above] - vRaw);
  near /= slope;
  float lum = dot(color, vec3(0.3, 0.59, 0.11));
  vec3 ink = lum < 0.5 ? vec3(1.0) : vec3(0.0);
  lit = mix(lit, ink, uInk * 0.4 * (1.0 - smoothstep(0.2, 1.2, near)));
  gl_FragColor = vec4(lit, 1.0);
}`;

export function mapTexture({ rgba }: Palette): DataTexture {
  const texture = new DataTexture(new Uint8Array(rgba), SIZE, 1, RGBAFormat);
  texture.minFilter = texture.magFilter = LinearFilter;
  texture.wrapS = texture.wrapT = ClampToEdgeWrapping;
  texture.needsUpdate = true;
  return texture;
}

export function surfaceMaterial(): ShaderMaterial {
  return new ShaderMaterial({
    vertexShader: VERTEX, fragmentShader: FRAGMENT, side: DoubleSide,
    uniforms: {
      uMap: { value: null }, uTop: { value: 1 }, uCount: { value: 0 },
      uLevels: { value: new Float32Array(MAX_LEVELS) }, uInk: { value: 1 },
    },
  });
}

/** Central difference, one-sided where a neighbour is missing or not finite. */
function slope(before: number, here: number, after: number, step: number): number {
  if (Number.isFinite(before) && Number.isFinite(after)) return (after - before) / (2 * step);
  if (Number.isFinite(after)) return (after - here) / step;
  if (Number.isFinite(before)) return (here - before) / step;
  return 0;
}

/** Grid lines a side that are drawn while the camera moves. */
const MOVING = 160;

/** Slopes along both axes at every grid point of a box of the given steps. */
function slopes(raw: Float64Array, nx: number, ny: number, dx: number, dz: number): [Float64Array, Float64Array] {
  const [east, south] = [new Float64Array(nx * ny), new Float64Array(nx * ny)];
  for (let i = 0; i < nx; i++) {
    for (let j = 0; j < ny; j++) {
      const k = i * ny + j;
      east[k] = slope(i > 0 ? raw[k - ny] : NaN, raw[k], i < nx - 1 ? raw[k + ny] : NaN, dx);
      south[k] = -slope(j > 0 ? raw[k - 1] : NaN, raw[k], j < ny - 1 ? raw[k + 1] : NaN, dz);
    }
  }
  return [east, south];
}

/**
 * The surface of a pane on its fine grid, and a coarser one on the same vertices for while the camera moves (the same
 * one when it is small). Quads with a corner that is not finite are left out: a hole, never a guess.
 */
export function surfaceGeometry(pane: Pane): { full: BufferGeometry; moving: BufferGeometry } {
  const [wx, wz] = footprint(pane);
  const { v, nx, ny } = fine(pane);
  const [east, south] = slopes(v, nx, ny, wx / (nx - 1), wz / (ny - 1));
  const positions = new Float32Array(3 * nx * ny);
  const gradients = new Float32Array(2 * nx * ny);
  for (let k = 0; k < v.length; k++) {
    const [x, z] = [Math.floor(k / ny) / (nx - 1) - 0.5, 0.5 - (k % ny) / (ny - 1)];
    positions.set([x * wx, Number.isFinite(v[k]) ? v[k] : 0, z * wz], 3 * k);
    gradients.set([east[k], south[k]], 2 * k);
  }
  const [position, gradient] = [new BufferAttribute(positions, 3), new BufferAttribute(gradients, 2)];
  const geometry = (stride: number) => {
    const out = new BufferGeometry();
    out.setAttribute("position", position);
    out.setAttribute("gradient", gradient);
    out.setIndex(new BufferAttribute(quads(v, nx, ny, stride), 1));
    return out;
  };
  const full = geometry(1);
  const stride = Math.ceil(Math.max(nx, ny) / MOVING);
  return { full, moving: stride > 1 ? geometry(stride) : full };
}

/** Every `stride`-th grid line, and the last. */
function gridLinesOf(n: number, stride: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < n - 1; i += stride) out.push(i);
  return [...out, n - 1];
}

function quads(raw: Float64Array, nx: number, ny: number, stride: number): Uint32Array {
  const [rows, columns] = [gridLinesOf(nx, stride), gridLinesOf(ny, stride)];
  const index = new Uint32Array(6 * (rows.length - 1) * (columns.length - 1));
  let n = 0;
  for (let r = 0; r + 1 < rows.length; r++) {
    for (let s = 0; s + 1 < columns.length; s++) {
      const [i, i1, j, j1] = [rows[r] * ny, rows[r + 1] * ny, columns[s], columns[s + 1]];
      const [a, b, c, d] = [i + j, i1 + j, i1 + j1, i + j1];
      if (!Number.isFinite(raw[a] + raw[b] + raw[c] + raw[d])) continue;
      // The diagonal joins the two corners that are closer in height: fewer creases.
      const flip = Math.abs(raw[a] - raw[c]) > Math.abs(raw[b] - raw[d]);
      index.set(flip ? [a, b, d, b, c, d] : [a, b, c, a, c, d], n);
      n += 6;
    }
  }
  return index.slice(0, n);
}

/** Hatched cells on the floor where the loss is NaN or infinite; null when there are none. */
export function hatchedFloor(pane: Pane, dark: boolean): Mesh | null {
  const { nx, ny, v, stats, missing } = pane.field;
  if (stats.nonFinite === 0) return null;
  const size = 1024;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d")!;
  c.scale(2, 2);
  c.fillStyle = hatch(c, dark);
  const [w, h] = [size / 2 / (nx - 1), size / 2 / (ny - 1)];
  for (let i = 0; i < nx; i++) {
    for (let j = 0; j < ny; j++) {
      if (!Number.isFinite(v[i * ny + j]) && !missing(i, j)) c.fillRect((i - 0.5) * w, (ny - 1 - j - 0.5) * h, w, h);
    }
  }
  const [wx, wz] = footprint(pane);
  const texture = new CanvasTexture(canvas);
  texture.colorSpace = SRGBColorSpace;
  const floor = new Mesh(new PlaneGeometry(wx, wz), new MeshBasicMaterial({ map: texture, transparent: true, side: DoubleSide, depthWrite: false }));
  floor.rotation.x = -Math.PI / 2;
  floor.position.y = -0.004;
  return floor;
}
