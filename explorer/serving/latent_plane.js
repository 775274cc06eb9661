// @ts-check
// The latent plane: a square canvas over a plane of a latent space. It draws the decoded manifold, the veil, the encodings,
// marks and a cursor, and turns pointer, wheel, pinch and keys into points. It knows no server and no other part of a page:
// `onmove(z, began)`, `onsettle()` and `onwindow()` tell its owner what people do; the owner sets what it shows.

import { said } from "./language.js";
import { quantised } from "./state.js";
import { typeSize } from "./type_size.js";

/** @typedef {{x: number, y: number, extent: number}} Window what is visible, in the plane's coordinates: middle, half the width */
/** @typedef {{origin: number[], u: number[], v: number[]}} Basis askew, u and v of length 1: z = origin + x u + y v */
/** @typedef {{image: CanvasImageSource, window: Window, scale: string}} Layer a picture that lies on the plane */
/** @typedef {[x: number, y: number]} Pair */

// The standard normal's CDF: its power series near 0, Laplace's continued fraction beyond (Abramowitz and Stegun 26.2.10, 26.2.14).
/** @param {number} z */
function normalCdf(z) {
  const x = Math.abs(z);
  if (x > 8) return z > 0 ? 1 : 0;
  let tail;
  if (x < 3) {
    let sum = x, term = x;
    for (let k = 1; k < 60 && Math.abs(term) > 1e-12; k++) {
      term *= -x * x * (2 * k - 1) / ((2 * k + 1) * 2 * k);
      sum += term;
    }
    tail = 0.5 - sum / Math.sqrt(2 * Math.PI);
  } else {
    let fraction = 0;
    for (let k = 40; k > 0; k--) fraction = k / (x + fraction);
    tail = Math.exp(-x * x / 2) / ((x + fraction) * Math.sqrt(2 * Math.PI));
  }
  return z > 0 ? 1 - tail : tail;
}

// Its inverse by Newton's method; p is kept 1e-4 from 0 and 1, as the server keeps it.
/** @param {number} p */
export function normalQuantile(p) {
  p = Math.min(1 - 1e-4, Math.max(1e-4, p));
  let z = 0;
  for (let i = 0; i < 30; i++) {
    const step = (normalCdf(z) - p) * Math.sqrt(2 * Math.PI) * Math.exp(Math.min(z * z / 2, 12));
    z -= Math.max(-0.7, Math.min(0.7, step));
    if (Math.abs(step) < 1e-9) break;
  }
  return z;
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** @type {Record<string, Pair>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Text that can be read on any ground.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y
 * @param {CanvasTextAlign} align @param {CanvasTextBaseline} baseline
 */
function write(context, text, x, y, align, baseline) {
  Object.assign(context, { textAlign: align, textBaseline: baseline });
  Object.assign(context, { lineWidth: 3, strokeStyle: "#0b0e14e0", fillStyle: "#e8ecf4" });
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
}

/**
 * A round flag with a letter or a number.
 * @param {CanvasRenderingContext2D} context @param {string} name @param {Pair} place @param {string} ground @param {string} ink
 */
function drawFlag(context, name, [x, y], ground, ink) {
  context.beginPath();
  context.arc(x, y, Math.max(10, 0.7 * typeSize(12)), 0, 7);
  Object.assign(context, { fillStyle: ground, strokeStyle: ink, lineWidth: 2 });
  context.fill();
  context.stroke();
  const font = `bold ${typeSize(12)}px system-ui, sans-serif`;
  Object.assign(context, { fillStyle: ink, font, textAlign: "center", textBaseline: "middle" });
  context.fillText(name, x, y + 0.5);
}

/**
 * The context's path, wider strokes first, so that it is seen on any ground.
 * @param {CanvasRenderingContext2D} context @param {[width: number, colour: string][]} strokes
 */
function outline(context, strokes) {
  for (const [lineWidth, strokeStyle] of strokes) {
    Object.assign(context, { lineWidth, strokeStyle });
    context.stroke();
  }
}

export class LatentPlane {
  /**
   * @param {HTMLElement} root
   * @param {{palette: string[], onmove?: (z: number[], began: number) => any, onsettle?: (byKey?: boolean) => any,
   *   onwindow?: () => any, onmark?: (name: string, done: boolean) => any}} owner
   */
  constructor(root, { palette, onmove, onsettle, onwindow, onmark }) {
    this.palette = palette;
    this.onmove = onmove;
    this.onsettle = onsettle;
    this.onwindow = onwindow;
    this.onmark = onmark;
    root.classList.add("lx-canvas");
    this.base = root.appendChild(document.createElement("canvas"));
    this.top = root.appendChild(document.createElement("canvas"));
    this.base.setAttribute("aria-hidden", "true");
    this.top.tabIndex = 0;
    this.top.setAttribute("role", "application");
    this.cursor = root.appendChild(document.createElement("div")); // an element of its own, so that a move repaints nothing else
    this.cursor.className = "lx-cursor";
    this.cursor.hidden = true;
    this.root = root;
    this.side = 0; // pixels of the page
    this.z = [0, 0];
    this.axes = [0, 1];
    /** @type {Basis | null} */
    this.basis = null;
    this.scale = "z";
    /** @type {Window} */
    this.window = { x: 0, y: 0, extent: 3 };
    /** @type {{window: Window, exact: Window} | null} */
    this._rounded = null;
    /** @type {Window | null} the whole plane; none as long as there is no space to move in */
    this.home = null;
    /** @type {Set<number>} */
    this.hidden = new Set();
    this.showPoints = true;
    /** @type {Record<string, number[]>} name -> z, drawn as a lettered flag that can be dragged */
    this.marks = {};
    /** @type {Pair[]} of the places that the plane goes through, numbered, not to be dragged */
    this.pins = [];
    /** @type {number[][]} z of a walk's frames */
    this.trail = [];
    /** @type {{z: number[], sigma: number[]} | null} */
    this.ellipse = null;
    this.fixed = false; // a fixed plane does not zoom
    this.bare = false; // without axes
    this.covered = ""; // "pictures": what lies on the plane but for the points is not shown; "all": these neither
    /** @type {string[] | null} of its axes, if they are more than z0 and z1 */
    this.names = null;
    /** @type {Map<number, Pair>} */
    this._pointers = new Map();
    /** @type {string | null} "point", "window", a mark's name, or nothing */
    this._held = null;
    /** @type {number[]} where the point or the mark was before the first finger came */
    this._before = [];
    /** @type {Float32Array | null} */
    this._points = null;
    /** @type {Float32Array | null} the points on the plane, x and y in turn */
    this._xy = null;
    /** @type {Uint8Array} */
    this._labels = new Uint8Array();
    this._d = 0;
    this._count = 0;
    /** @type {Float32Array | null} where they are flying to */
    this._moving = null;
    /** @type {Layer | null} */
    this._backdrop = null;
    /** @type {Layer | null} */
    this._veil = null;
    this._listen();
    new ResizeObserver(() => this._fit()).observe(root);
  }

  // ---- what is shown

  /**
   * The plane and what is visible of it.
   * @param {{center: number[], extent: number, scale: string, axes: number[], home?: Window, basis?: Basis | null,
   *   pins?: Pair[]}} space
   */
  setSpace({ center, extent, scale, axes, home, basis = null, pins = [] }) {
    this.window = { x: center[0], y: center[1], extent };
    this.home = home || { ...this.window };
    this.scale = scale;
    Object.assign(this, { axes, basis, pins });
    this._project();
    this.draw();
  }

  /**
   * @param {Float32Array} points n of them, d numbers each @param {Uint8Array} labels @param {number} d
   * @param {boolean} [animate] whether they fly to their places
   */
  setPoints(points, labels, d, animate) {
    const before = this._xy, count = this._count;
    this._points = points;
    this._labels = labels;
    this._d = d;
    this._project();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!animate || still || !before) return this.draw();
    this._fly(before.subarray(0, 2 * Math.min(count, this._count)));
  }

  /** Moves the points from where they were to where they are now. @param {Float32Array} before */
  _fly(before) {
    const to = /** @type {Float32Array} */ (this._xy), from = to.slice(), began = performance.now();
    from.set(before);
    this._xy = from;
    const step = (/** @type {number} */ now) => {
      if (this._xy !== to && this._moving !== to) return;
      this._moving = to;
      const t = Math.min(1, (now - began) / 500), ease = t * t * (3 - 2 * t), mixed = new Float32Array(to.length);
      for (let i = 0; i < to.length; i++) mixed[i] = from[i] + ease * (to[i] - from[i]);
      this._xy = t < 1 ? mixed : to;
      this._drawBase();
      if (t < 1) requestAnimationFrame(step); else this._moving = null;
    };
    this._moving = to;
    requestAnimationFrame(step);
  }

  clearPoints() {
    this._points = this._xy = null;
  }

  /**
   * How many of the k points nearest to z bear which label, most first; null while there are no points.
   * @param {ArrayLike<number>} z @param {number} k @returns {[label: number, count: number][] | null}
   */
  nearest(z, k) {
    const points = this._points, d = this._d;
    if (!points?.length || z.length !== d) return null;
    const distances = new Float32Array(points.length / d), counts = new Map();
    for (let at = 0, i = 0; at < distances.length; at++)
      for (let axis = 0; axis < d; axis++, i++) distances[at] += (points[i] - z[axis]) ** 2;
    for (const at of Uint32Array.from(distances.keys()).sort((one, other) => distances[one] - distances[other]).subarray(0, k))
      counts.set(this._labels[at], (counts.get(this._labels[at]) ?? 0) + 1);
    return [...counts].sort(([label, count], [other, others]) => others - count || label - other);
  }

  /** @param {CanvasImageSource | null} image @param {Window} window what it shows */
  setBackdrop(image, window = this.window) {
    this._backdrop = image && { image, window: { ...window }, scale: this.scale };
    this.draw();
  }

  get hasBackdrop() {
    return !!this._backdrop;
  }

  /** @param {Uint8Array | null} shade how dark, side x side @param {number} side @param {Window} window what it covers */
  setVeil(shade, side = 0, window = this.window) {
    if (!shade) {
      this._veil = null;
      return this.draw();
    }
    const canvas = document.createElement("canvas"), image = new ImageData(side, side);
    canvas.width = canvas.height = side;
    for (let i = 0; i < side * side; i++) image.data.set([11, 14, 20, shade[i]], 4 * i);
    canvas.getContext("2d")?.putImageData(image, 0, 0);
    this._veil = { image: canvas, window: { ...window }, scale: this.scale };
    this.draw();
  }

  /** @param {number[]} z */
  move(z) {
    this.z = z.slice();
    this._placeCursor();
  }

  // ---- coordinates

  /** @param {ArrayLike<number>} z @returns {Pair} */
  _toPlane(z) {
    if (this.basis) {
      const { origin, u, v } = this.basis;
      return [dot(z, u) - dot(origin, u), dot(z, v) - dot(origin, v)];
    }
    const [i, j] = this.axes;
    return this.scale === "p" ? [normalCdf(z[i]), normalCdf(z[j])] : [z[i], z[j]];
  }

  /** @param {number} x @param {number} y @returns {Pair} */
  _toScreen(x, y) {
    const w = this.window, half = this.side / 2;
    return [half + (x - w.x) / w.extent * half, half - (y - w.y) / w.extent * half];
  }

  /** @param {number} px @param {number} py @returns {Pair} */
  _fromScreen(px, py) {
    const w = this.window, half = this.side / 2;
    return [w.x + (px - half) / half * w.extent, w.y - (py - half) / half * w.extent];
  }

  /** @param {number} x @param {number} y */
  _toZ(x, y) {
    let z = this.z.slice();
    const [i, j] = this.axes;
    if (this.basis) {
      const { origin, u, v } = this.basis;
      z = origin.map((value, k) => value + x * u[k] + y * v[k]);
    } else [z[i], z[j]] = this.scale === "p" ? [normalQuantile(x), normalQuantile(y)] : [x, y];
    return z.map(value => Math.max(-1000, Math.min(1000, Math.round(value * 1e4) / 1e4)));
  }

  /** From a coordinate of z to that of its axis. */
  _map() {
    return this.scale === "p" ? normalCdf : (/** @type {number} */ value) => value;
  }

  _project() {
    if (!this._points) return;
    const [i, j] = this.axes, d = this._d, points = this._points, n = points.length / d;
    const xy = new Float32Array(2 * n), map = this._map();
    for (let k = 0; k < n; k++) {
      if (this.basis) xy.set(this._toPlane(points.subarray(k * d, (k + 1) * d)), 2 * k);
      else {
        xy[2 * k] = map(points[k * d + i]);
        xy[2 * k + 1] = map(points[k * d + j]);
      }
    }
    this._xy = xy;
    this._count = n;
    this._moving = null;
  }

  // ---- drawing

  _fit() {
    const side = this.root.clientWidth;
    if (!side || side === this.side && this._ratio === devicePixelRatio) return;
    this.side = side;
    this._ratio = devicePixelRatio;
    for (const canvas of [this.base, this.top]) canvas.width = canvas.height = Math.round(side * devicePixelRatio);
    this.draw();
  }

  draw() {
    if (this._queued) return;
    this._queued = true;
    requestAnimationFrame(() => {
      this._queued = false;
      this._drawBase();
      this._drawTop();
      this._placeCursor();
    });
  }

  /** Of a canvas, wiped. @param {HTMLCanvasElement} canvas */
  _context(canvas) {
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    return context;
  }

  /** @param {CanvasRenderingContext2D} context @param {Layer | null} layer */
  _layer(context, layer) {
    if (!layer || layer.scale !== this.scale) return;
    const { x, y, extent } = layer.window;
    const [left, top] = this._toScreen(x - extent, y + extent), [right, bottom] = this._toScreen(x + extent, y - extent);
    context.drawImage(layer.image, left, top, right - left, bottom - top);
  }

  _drawBase() {
    if (!this.side) return;
    const context = this._context(this.base);
    context.fillStyle = "#0b0e14";
    context.fillRect(0, 0, this.side, this.side);
    context.imageSmoothingQuality = "high";
    context.globalAlpha = this.showPoints ? 0.55 : 1;
    if (!this.covered) this._layer(context, this._backdrop);
    context.globalAlpha = 1;
    if (!this.covered) this._layer(context, this._veil);
    if (this.showPoints && this._xy && this.covered !== "all") this._drawPoints(context);
    if (!this.bare) this._drawAxes(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  _drawPoints(context) {
    const zoom = this.home ? Math.sqrt(this.home.extent / this.window.extent) : 1;
    const size = Math.max(1.6, Math.min(4, this.side / 300 * zoom));
    for (let label = 0; label < 256; label++) {
      if (this.hidden.has(label)) continue;
      context.fillStyle = this.palette[label % this.palette.length];
      if (!this._drawClass(context, label, size) && label >= this.palette.length) break;
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {number} label @param {number} size @returns whether it has points */
  _drawClass(context, label, size) {
    const labels = this._labels, xy = /** @type {Float32Array} */ (this._xy), half = size / 2, out = this.side + 4;
    let any = false;
    for (let k = 0; k < labels.length; k++) {
      if (labels[k] !== label) continue;
      any = true;
      const [px, py] = this._toScreen(xy[2 * k], xy[2 * k + 1]);
      if (px > -4 && py > -4 && px < out && py < out) context.fillRect(px - half, py - half, size, size);
    }
    return any;
  }

  /** @param {CanvasRenderingContext2D} context */
  _drawAxes(context) {
    const { side } = this, { x, y, extent } = this.window, raw = extent / 2.5, power = 10 ** Math.floor(Math.log10(raw));
    const step = power * ([1, 2, 5, 10].find(m => m * power >= raw * 0.999) ?? 10);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const number = (/** @type {number} */ tick) => (Math.abs(tick) < step / 2 ? 0 : tick).toFixed(digits);
    const usual = (/** @type {number} */ k) => this.scale === "p" ? `Φ(z${this.axes[k]})` : `z${this.axes[k]}`;
    const [across, up] = [`${said(this.names?.[0] ?? usual(0))} →`, `${said(this.names?.[1] ?? usual(1))} ↑`];
    const below = typeSize(11) + 2; // the height of a line
    context.font = `${below - 2}px ui-monospace, monospace`;
    const room = context.measureText(across).width + 18; // which the axis' name takes
    for (let tick = Math.ceil((x - extent) / step) * step; tick <= x + extent; tick += step) {
      const [px] = this._toScreen(tick, 0);
      if (px > 30 && px < side - room) write(context, number(tick), px, side - 4, "center", "bottom");
    }
    for (let tick = Math.ceil((y - extent) / step) * step; tick <= y + extent; tick += step) {
      const [, py] = this._toScreen(0, tick);
      if (py > below + 5 && py < side - below - 11) write(context, number(tick), 4, py, "left", "middle");
    }
    write(context, across, side - 4, side - 4, "right", "bottom");
    write(context, up, 4, 4, "left", "top");
  }

  _drawTop() {
    if (!this.side) return;
    const context = this._context(this.top);
    if (this.trail.length > 1) this._drawTrail(context);
    if (this.ellipse) this._drawEllipse(context);
    this.pins.forEach((place, i) => drawFlag(context, String(i + 1), this._toScreen(...place), "#0b0e14", "#fff"));
    for (const [name, z] of Object.entries(this.marks)) drawFlag(context, name, this._at(z), "#fff", "#0b0e14");
  }

  /** Where a point is on the canvas. @param {ArrayLike<number>} z */
  _at(z) {
    return this._toScreen(...this._toPlane(z));
  }

  /** @param {CanvasRenderingContext2D} context */
  _drawTrail(context) {
    context.beginPath();
    this.trail.forEach((z, i) => context[i ? "lineTo" : "moveTo"](...this._at(z)));
    outline(context, [[5, "#0b0e14"], [2, "#ffffff"]]);
    context.fillStyle = "#fff";
    for (const z of this.trail) {
      context.beginPath();
      context.arc(...this._at(z), 3.2, 0, 7);
      context.fill();
    }
  }

  _placeCursor() {
    if (!this.side) return;
    const [px, py] = this._at(this.z);
    this.cursor.hidden = !(Math.abs(px) < 1e5 && Math.abs(py) < 1e5);
    this.cursor.style.transform = `translate(${px}px, ${py}px)`;
  }

  // One and two standard deviations of the posterior: its shadow on the plane, by the Cholesky factor (a 0, b c) of its covariance
  // there, then through the map of the axes, so that it bends in p-values.
  /** @param {CanvasRenderingContext2D} context */
  _drawEllipse(context) {
    const { z, sigma } = /** @type {{z: number[], sigma: number[]}} */ (this.ellipse), [i, j] = this.axes, map = this._map();
    let [x, y] = [z[i], z[j]], [a, b, c] = [sigma[i], 0, sigma[j]];
    if (this.basis) {
      const [u, v] = [this.basis.u, this.basis.v].map(side => side.map((value, k) => value * sigma[k]));
      [x, y] = this._toPlane(z);
      a = Math.sqrt(dot(u, u));
      b = dot(u, v) / a;
      c = Math.sqrt(Math.max(0, dot(v, v) - b * b));
    }
    for (const [radius, alpha] of /** @type {const} */ ([[1, "ff"], [2, "90"]])) {
      context.beginPath();
      for (let k = 0; k <= 64; k++) {
        const cos = radius * Math.cos(k * Math.PI / 32), sin = radius * Math.sin(k * Math.PI / 32);
        context[k ? "lineTo" : "moveTo"](...this._toScreen(map(x + a * cos), map(y + b * cos + c * sin)));
      }
      outline(context, [[4, "#0b0e14" + alpha], [2, "#ff5d8f" + alpha]]);
    }
  }

  // ---- pointer, wheel, pinch, keys

  _listen() {
    const { top } = this;
    top.addEventListener("pointerdown", event => this._press(event));
    top.addEventListener("pointermove", event => this._pull(event));
    top.addEventListener("pointerup", event => this._release(event));
    top.addEventListener("pointercancel", event => this._release(event));
    top.addEventListener("wheel", event => {
      if (this.fixed || !this.home) return;
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004), event.offsetX, event.offsetY);
    }, { passive: false });
    top.addEventListener("keydown", event => this._key(event));
  }

  /** @param {PointerEvent} event */
  _press(event) {
    if (!this.home) return; // no space to move in yet
    const began = performance.now(), { offsetX, offsetY, pointerId } = event;
    this.top.setPointerCapture(pointerId);
    this._pointers.set(pointerId, [offsetX, offsetY]);
    this.top.focus({ preventScroll: true });
    event.preventDefault();
    const moves = !this.fixed && (event.shiftKey || event.button === 1);
    if (this._pointers.size > 1) {
      this._putBack();
      this._held = this.fixed ? null : "window";
    } else {
      this._held = this._markAt(offsetX, offsetY) || (moves ? "window" : "point");
      this._before = this.marks[this._held] ?? this.z;
    }
    if (this._held === "point") this._moveTo(offsetX, offsetY, began);
  }

  /** Two fingers are a pinch: what the first one moved is where it was. */
  _putBack() {
    const held = this._held;
    if (held === "point") {
      this.z = this._before;
      this._placeCursor();
      this.onmove?.(this.z, performance.now());
    } else if (held && held !== "window") {
      this.marks[held] = this._before;
      this._drawTop();
      this.onmark?.(held, false);
    }
  }

  /** @param {PointerEvent} event */
  _pull({ offsetX, offsetY, pointerId }) {
    const began = performance.now();
    if (!this._pointers.has(pointerId)) {
      this.top.style.cursor = this._markAt(offsetX, offsetY) ? "grab" : "crosshair";
      return;
    }
    const old = [...this._pointers.values()];
    this._pointers.set(pointerId, [offsetX, offsetY]);
    if (this._held === "window") return this._drag(old, [...this._pointers.values()]);
    if (this._held === "point") return this._moveTo(offsetX, offsetY, began);
    if (!this._held) return;
    this.marks[this._held] = this._toZ(...this._fromScreen(offsetX, offsetY));
    this._drawTop();
    this.onmark?.(this._held, false);
  }

  /** @param {PointerEvent} event */
  _release({ pointerId }) {
    if (!this._pointers.delete(pointerId) || this._pointers.size) return;
    const held = this._held;
    this._held = null;
    if (!held) return;
    if (held === "window") this.onwindow?.();
    else if (held !== "point") this.onmark?.(held, true);
    this.onsettle?.();
  }

  /** @param {number} px @param {number} py */
  _markAt(px, py) {
    for (const [name, z] of Object.entries(this.marks)) {
      const [x, y] = this._at(z);
      if (Math.hypot(px - x, py - y) < 14) return name;
    }
    return null;
  }

  /** @param {number} px @param {number} py @param {number} began */
  _moveTo(px, py, began) {
    const clamp = (/** @type {number} */ value) => Math.max(0, Math.min(this.side, value));
    this.z = this._toZ(...this._fromScreen(clamp(px), clamp(py)));
    this._placeCursor();
    this.onmove?.(this.z, began);
  }

  /** Moves the window with one finger or the mouse, and zooms it with two. @param {Pair[]} old @param {Pair[]} now */
  _drag(old, now) {
    const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value) / values.length;
    const middle = (/** @type {Pair[]} */ points) => [0, 1].map(axis => mean(points.map(point => point[axis])));
    const { x, y, extent } = this._exact, [a, b] = [middle(old), middle(now)], per = 2 * extent / this.side;
    this._exact = { x: x - (b[0] - a[0]) * per, y: y + (b[1] - a[1]) * per, extent };
    if (old.length > 1) {
      const span = (/** @type {Pair[]} */ [one, other]) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
      return this.zoom(span(old) / span(now), b[0], b[1]);
    }
    this.draw();
  }

  /** About a place of the canvas. @param {number} factor of what is visible @param {number} [px] @param {number} [py] */
  zoom(factor, px = this.side / 2, py = this.side / 2) {
    if (this.fixed || !this.home) return;
    const [x, y] = this._fromScreen(px, py), w = this._exact;
    const [least, most] = this.scale === "p" ? [0.005, 0.5] : [0.02, 4 * this.home.extent];
    const extent = Math.max(least, Math.min(most, w.extent * factor)), by = extent / w.extent;
    this._exact = { x: x + (w.x - x) * by, y: y + (w.y - y) * by, extent };
    this.draw();
    this.onwindow?.();
  }

  /** The window before it was rounded to what a link holds: small turns of a wheel add up. @returns {Window} */
  get _exact() {
    return this._rounded?.window === this.window ? this._rounded.exact : this.window;
  }

  set _exact({ x, y, extent }) {
    const [low, high] = this.scale === "p" ? [extent, 1 - extent] : [-900, 900];
    const exact = { x: Math.max(low, Math.min(high, x)), y: Math.max(low, Math.min(high, y)), extent };
    this.window = { x: quantised(exact.x), y: quantised(exact.y), extent: quantised(extent) };
    this._rounded = { window: this.window, exact };
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (!this.home || event.ctrlKey || event.metaKey || event.altKey) return;
    const began = performance.now(), { key } = event, direction = ARROWS[key];
    if (direction) this._step(direction, this.window.extent * (event.shiftKey ? 0.1 : 0.02), began);
    else if (key === "+" || key === "=") this.zoom(0.8, ...this._at(this.z));
    else if (key === "-") this.zoom(1.25, ...this._at(this.z));
    else if (key === "0" && !this.fixed) {
      this.window = { ...this.home };
      this.draw();
      this.onwindow?.();
    } else return;
    event.preventDefault();
  }

  /** @param {Pair} direction @param {number} step @param {number} began */
  _step([dx, dy], step, began) {
    const [x, y] = this._toPlane(this.z), to = /** @type {Pair} */ ([x + dx * step, y + dy * step]);
    this.z = this._toZ(...to);
    const [px, py] = this._toScreen(...to);
    if (!this.fixed && (px < 0 || py < 0 || px > this.side || py > this.side)) { // follow the point
      const { x: left, y: low, extent } = this._exact;
      this._exact = { x: left + dx * step, y: low + dy * step, extent };
      this.draw();
      this.onwindow?.();
    }
    this._placeCursor();
    this.onmove?.(this.z, began);
    this.onsettle?.(true);
  }
}
