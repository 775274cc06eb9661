// The latent plane: a square canvas over a plane of a latent space. It draws the decoded manifold, the veil, the encodings,
// marks and a cursor, and turns pointer, wheel, pinch and keys into points. It knows no server and no other part of a page:
// `onmove(z, began)`, `onsettle()` and `onwindow()` tell its owner what people do; the owner sets what it shows.

// The standard normal's CDF: its power series near 0, Laplace's continued fraction beyond (Abramowitz and Stegun 26.2.10, 26.2.14).
function normalCdf(z) {
  const x = Math.abs(z);
  if (x > 8) return z > 0 ? 1 : 0;
  let tail;
  if (x < 3) {
    let sum = x, term = x;
    for (let k = 1; k < 60 && Math.abs(term) > 1e-12; k++) { term *= -x * x * (2 * k - 1) / ((2 * k + 1) * 2 * k); sum += term; }
    tail = 0.5 - sum / Math.sqrt(2 * Math.PI);
  } else {
    let fraction = 0;
    for (let k = 40; k > 0; k--) fraction = k / (x + fraction);
    tail = Math.exp(-x * x / 2) / ((x + fraction) * Math.sqrt(2 * Math.PI));
  }
  return z > 0 ? 1 - tail : tail;
}

// Its inverse by Newton's method; p is kept 1e-4 from 0 and 1, as the server keeps it.
function normalQuantile(p) {
  p = Math.min(1 - 1e-4, Math.max(1e-4, p));
  let z = 0;
  for (let i = 0; i < 30; i++) {
    const step = (normalCdf(z) - p) * Math.sqrt(2 * Math.PI) * Math.exp(Math.min(z * z / 2, 12));
    z -= Math.max(-0.7, Math.min(0.7, step));
    if (Math.abs(step) < 1e-9) break;
  }
  return z;
}

const dot = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };

export class LatentPlane {
  constructor(root, { palette, onmove, onsettle, onwindow, onmark }) {
    this.palette = palette;
    Object.assign(this, { onmove, onsettle, onwindow, onmark });
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
    this.z = [0, 0];
    this.axes = [0, 1];
    this.basis = null; // {origin, u, v} of a plane that lies askew, u and v of length 1: z = origin + x u + y v
    this.scale = "z";
    this.window = { x: 0, y: 0, extent: 3 };
    this.hidden = new Set();
    this.showPoints = true;
    this.marks = {};   // name -> z, drawn as a lettered flag that can be dragged
    this.pins = [];    // [x, y] of the places that the plane goes through, numbered, not to be dragged
    this.trail = [];   // z of a walk's frames
    this.ellipse = null; // {z, sigma}
    this.fixed = false;  // a fixed plane does not zoom
    this.bare = false;   // without axes
    this.names = null;   // of its axes, if they are more than z0 and z1
    this._pointers = new Map();
    this._listen();
    new ResizeObserver(() => this._fit()).observe(root);
  }

  // ---- what is shown

  setSpace({ center, extent, scale, axes, home, basis = null, pins = [] }) {
    this.window = { x: center[0], y: center[1], extent };
    this.home = home || { ...this.window };
    this.scale = scale;
    Object.assign(this, { axes, basis, pins });
    this._project();
    this.draw();
  }

  setPoints(points, labels, d, animate) {
    const before = this._xy, count = this._count;
    this._points = points; this._labels = labels; this._d = d;
    this._project();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!animate || still || !before) return this.draw();
    const shared = Math.min(count, this._count), to = this._xy, from = to.slice();
    from.set(before.subarray(0, 2 * shared));
    this._xy = from;
    const began = performance.now();
    const step = now => {
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

  setBackdrop(image, window) { this._backdrop = image && { image, window: { ...window }, scale: this.scale }; this.draw(); }

  setVeil(shade, side, window) {
    if (!shade) { this._veil = null; return this.draw(); }
    const canvas = document.createElement("canvas"), image = new ImageData(side, side);
    canvas.width = canvas.height = side;
    for (let i = 0; i < side * side; i++) image.data.set([11, 14, 20, shade[i]], 4 * i);
    canvas.getContext("2d").putImageData(image, 0, 0);
    this._veil = { image: canvas, window: { ...window }, scale: this.scale };
    this.draw();
  }

  move(z) { this.z = z.slice(); this._placeCursor(); }

  // ---- coordinates

  _toPlane(z) {
    if (this.basis) { const { origin, u, v } = this.basis; return [dot(z, u) - dot(origin, u), dot(z, v) - dot(origin, v)]; }
    const [i, j] = this.axes;
    return this.scale === "p" ? [normalCdf(z[i]), normalCdf(z[j])] : [z[i], z[j]];
  }

  _toScreen(x, y) {
    const w = this.window, half = this.side / 2;
    return [half + (x - w.x) / w.extent * half, half - (y - w.y) / w.extent * half];
  }

  _fromScreen(px, py) {
    const w = this.window, half = this.side / 2;
    return [w.x + (px - half) / half * w.extent, w.y - (py - half) / half * w.extent];
  }

  _toZ(x, y) {
    let z = this.z.slice();
    const [i, j] = this.axes;
    if (this.basis) { const { origin, u, v } = this.basis; z = origin.map((value, k) => value + x * u[k] + y * v[k]); }
    else [z[i], z[j]] = this.scale === "p" ? [normalQuantile(x), normalQuantile(y)] : [x, y];
    return z.map(value => Math.max(-1000, Math.min(1000, Math.round(value * 1e4) / 1e4)));
  }

  _project() {
    if (!this._points) return;
    const [i, j] = this.axes, d = this._d, n = this._points.length / d;
    const xy = new Float32Array(2 * n), map = this.scale === "p" ? normalCdf : value => value;
    if (this.basis) for (let k = 0; k < n; k++) xy.set(this._toPlane(this._points.subarray(k * d, (k + 1) * d)), 2 * k);
    else for (let k = 0; k < n; k++) { xy[2 * k] = map(this._points[k * d + i]); xy[2 * k + 1] = map(this._points[k * d + j]); }
    this._xy = xy; this._count = n; this._moving = null;
  }

  // ---- drawing

  _fit() {
    const side = this.root.clientWidth;
    if (!side || side === this.side && this._ratio === devicePixelRatio) return;
    this.side = side; this._ratio = devicePixelRatio;
    for (const canvas of [this.base, this.top]) canvas.width = canvas.height = Math.round(side * devicePixelRatio);
    this.draw();
  }

  draw() {
    if (this._queued) return;
    this._queued = true;
    requestAnimationFrame(() => { this._queued = false; this._drawBase(); this._drawTop(); this._placeCursor(); });
  }

  _context(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    return context;
  }

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
    this._layer(context, this._backdrop);
    context.globalAlpha = 1;
    this._layer(context, this._veil);
    if (this.showPoints && this._xy) this._drawPoints(context);
    if (!this.bare) this._drawAxes(context);
  }

  _drawPoints(context) {
    const zoom = this.home ? Math.sqrt(this.home.extent / this.window.extent) : 1;
    const size = Math.max(1.6, Math.min(4, this.side / 300 * zoom)), half = size / 2;
    const many = this._labels.length;
    for (let label = 0; label < 256; label++) {
      if (this.hidden.has(label)) continue;
      let any = false;
      for (let k = 0; k < many; k++) {
        if (this._labels[k] !== label) continue;
        if (!any) { context.fillStyle = this.palette[label % this.palette.length]; any = true; }
        const [px, py] = this._toScreen(this._xy[2 * k], this._xy[2 * k + 1]);
        if (px > -4 && py > -4 && px < this.side + 4 && py < this.side + 4) context.fillRect(px - half, py - half, size, size);
      }
      if (!any && label >= this.palette.length) break;
    }
  }

  _drawAxes(context) {
    const { x, y, extent } = this.window, raw = extent / 2.5;
    const power = 10 ** Math.floor(Math.log10(raw)), step = power * [1, 2, 5, 10].find(m => m * power >= raw * 0.999);
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    context.font = "11px ui-monospace, monospace";
    const label = (text, px, py, align, baseline) => {
      context.textAlign = align; context.textBaseline = baseline;
      context.lineWidth = 3; context.strokeStyle = "#0b0e14e0"; context.strokeText(text, px, py);
      context.fillStyle = "#e8ecf4"; context.fillText(text, px, py);
    };
    const name = k => this.names?.[k] ?? (this.scale === "p" ? `Φ(z${this.axes[k]})` : `z${this.axes[k]}`);
    const room = context.measureText(`${name(0)} →`).width + 18; // which the axis' name takes
    for (let tick = Math.ceil((x - extent) / step) * step; tick <= x + extent; tick += step) {
      const [px] = this._toScreen(tick, 0);
      if (px > 30 && px < this.side - room) label((Math.abs(tick) < step / 2 ? 0 : tick).toFixed(digits), px, this.side - 4, "center", "bottom");
    }
    for (let tick = Math.ceil((y - extent) / step) * step; tick <= y + extent; tick += step) {
      const [, py] = this._toScreen(0, tick);
      if (py > 18 && py < this.side - 24) label((Math.abs(tick) < step / 2 ? 0 : tick).toFixed(digits), 4, py, "left", "middle");
    }
    label(`${name(0)} →`, this.side - 4, this.side - 4, "right", "bottom");
    label(`${name(1)} ↑`, 4, 4, "left", "top");
  }

  _drawTop() {
    if (!this.side) return;
    const context = this._context(this.top), at = z => this._toScreen(...this._toPlane(z));
    if (this.trail.length > 1) {
      context.beginPath();
      this.trail.forEach((z, i) => context[i ? "lineTo" : "moveTo"](...at(z)));
      context.strokeStyle = "#0b0e14"; context.lineWidth = 5; context.stroke();
      context.strokeStyle = "#ffffff"; context.lineWidth = 2; context.stroke();
      for (const z of this.trail) { context.beginPath(); context.arc(...at(z), 3.2, 0, 7); context.fillStyle = "#fff"; context.fill(); }
    }
    if (this.ellipse) this._drawEllipse(context);
    const flag = (name, [px, py], ground, ink) => {
      context.beginPath(); context.arc(px, py, 10, 0, 7);
      context.fillStyle = ground; context.fill();
      context.lineWidth = 2; context.strokeStyle = ink; context.stroke();
      context.fillStyle = ink; context.font = "bold 12px system-ui, sans-serif";
      context.textAlign = "center"; context.textBaseline = "middle"; context.fillText(name, px, py + 0.5);
    };
    this.pins.forEach((place, i) => flag(i + 1, this._toScreen(...place), "#0b0e14", "#fff"));
    for (const [name, z] of Object.entries(this.marks)) flag(name, at(z), "#fff", "#0b0e14");
  }

  _placeCursor() {
    if (!this.side) return;
    const [px, py] = this._toScreen(...this._toPlane(this.z));
    this.cursor.hidden = !(Math.abs(px) < 1e5 && Math.abs(py) < 1e5);
    this.cursor.style.transform = `translate(${px}px, ${py}px)`;
  }

  // One and two standard deviations of the posterior: its shadow on the plane, by the Cholesky factor (a 0, b c) of its covariance
  // there, then through the map of the axes, so that it bends in p-values.
  _drawEllipse(context) {
    const { z, sigma } = this.ellipse, [i, j] = this.axes, map = this.scale === "p" ? normalCdf : value => value;
    let [x, y] = [z[i], z[j]], [a, b, c] = [sigma[i], 0, sigma[j]];
    if (this.basis) {
      const [u, v] = [this.basis.u, this.basis.v].map(side => side.map((value, k) => value * sigma[k]));
      [x, y] = this._toPlane(z);
      a = Math.sqrt(dot(u, u)); b = dot(u, v) / a; c = Math.sqrt(Math.max(0, dot(v, v) - b * b));
    }
    for (const [radius, alpha] of [[1, "ff"], [2, "90"]]) {
      context.beginPath();
      for (let k = 0; k <= 64; k++) {
        const cos = radius * Math.cos(k * Math.PI / 32), sin = radius * Math.sin(k * Math.PI / 32);
        context[k ? "lineTo" : "moveTo"](...this._toScreen(map(x + a * cos), map(y + b * cos + c * sin)));
      }
      context.lineWidth = 4; context.strokeStyle = "#0b0e14" + alpha; context.stroke();
      context.lineWidth = 2; context.strokeStyle = "#ff5d8f" + alpha; context.stroke();
    }
  }

  // ---- pointer, wheel, pinch, keys

  _listen() {
    const top = this.top;
    top.addEventListener("pointerdown", event => {
      if (!this.home) return; // no space to move in yet
      const began = performance.now();
      top.setPointerCapture(event.pointerId);
      this._pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
      top.focus({ preventScroll: true });
      event.preventDefault();
      if (this._pointers.size > 1) { this._held = this.fixed ? null : "window"; return; }
      this._held = this._markAt(event.offsetX, event.offsetY) || (!this.fixed && (event.shiftKey || event.button === 1) ? "window" : "point");
      if (this._held === "point") this._moveTo(event.offsetX, event.offsetY, began);
    });
    top.addEventListener("pointermove", event => {
      const began = performance.now(), before = this._pointers.get(event.pointerId);
      if (!before) { top.style.cursor = this._markAt(event.offsetX, event.offsetY) ? "grab" : "crosshair"; return; }
      const old = [...this._pointers.values()];
      this._pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
      if (this._held === "window") return this._drag(old, [...this._pointers.values()]);
      if (this._held === "point") return this._moveTo(event.offsetX, event.offsetY, began);
      if (!this._held) return;
      this.marks[this._held] = this._toZ(...this._fromScreen(event.offsetX, event.offsetY));
      this._drawTop();
      this.onmark?.(this._held, false);
    });
    const release = event => {
      if (!this._pointers.delete(event.pointerId) || this._pointers.size) return;
      const held = this._held;
      this._held = null;
      if (held === "window") this.onwindow?.();
      else if (held !== "point") this.onmark?.(held, true);
      if (held) this.onsettle?.();
    };
    for (const kind of ["pointerup", "pointercancel"]) top.addEventListener(kind, release);
    top.addEventListener("wheel", event => {
      if (this.fixed || !this.home) return;
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004), event.offsetX, event.offsetY);
    }, { passive: false });
    top.addEventListener("keydown", event => this._key(event));
  }

  _markAt(px, py) {
    for (const [name, z] of Object.entries(this.marks)) {
      const [x, y] = this._toScreen(...this._toPlane(z));
      if (Math.hypot(px - x, py - y) < 14) return name;
    }
    return null;
  }

  _moveTo(px, py, began) {
    const clamp = value => Math.max(0, Math.min(this.side, value));
    this.z = this._toZ(...this._fromScreen(clamp(px), clamp(py)));
    this._placeCursor();
    this.onmove?.(this.z, began);
  }

  _drag(old, now) {
    const middle = points => [0, 1].map(axis => points.reduce((sum, p) => sum + p[axis], 0) / points.length);
    const [a, b] = [middle(old), middle(now)], per = 2 * this.window.extent / this.side;
    this.window.x -= (b[0] - a[0]) * per;
    this.window.y += (b[1] - a[1]) * per;
    if (old.length > 1) {
      const span = points => Math.hypot(points[0][0] - points[1][0], points[0][1] - points[1][1]) || 1;
      return this.zoom(span(old) / span(now), ...b);
    }
    this._bound();
    this.draw();
  }

  zoom(factor, px = this.side / 2, py = this.side / 2) {
    if (this.fixed) return;
    const [x, y] = this._fromScreen(px, py), w = this.window;
    const extent = Math.max(this.scale === "p" ? 0.005 : 0.02, Math.min(this.scale === "p" ? 0.5 : 4 * this.home.extent, w.extent * factor));
    w.x = x + (w.x - x) * extent / w.extent;
    w.y = y + (w.y - y) * extent / w.extent;
    w.extent = extent;
    this._bound();
    this.draw();
    this.onwindow?.();
  }

  _bound() {
    const w = this.window;
    const [low, high] = this.scale === "p" ? [w.extent, 1 - w.extent] : [-900, 900];
    w.x = Math.max(low, Math.min(high, w.x));
    w.y = Math.max(low, Math.min(high, w.y));
  }

  _key(event) {
    const began = performance.now(), arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (!this.home || event.ctrlKey || event.metaKey || event.altKey) return;
    if (arrows[event.key]) {
      const step = this.window.extent * (event.shiftKey ? 0.1 : 0.02), [dx, dy] = arrows[event.key];
      const [x, y] = this._toPlane(this.z);
      this.z = this._toZ(x + dx * step, y + dy * step);
      const [px, py] = this._toScreen(x + dx * step, y + dy * step);
      if (!this.fixed && (px < 0 || py < 0 || px > this.side || py > this.side)) { // follow the point
        this.window.x += dx * step; this.window.y += dy * step;
        this._bound(); this.draw(); this.onwindow?.();
      }
      this._placeCursor();
      this.onmove?.(this.z, began);
      this.onsettle?.(true);
    } else if (event.key === "+" || event.key === "=") this.zoom(0.8, ...this._toScreen(...this._toPlane(this.z)));
    else if (event.key === "-") this.zoom(1.25, ...this._toScreen(...this._toPlane(this.z)));
    else if (event.key === "0" && !this.fixed) { this.window = { ...this.home }; this.draw(); this.onwindow?.(); }
    else return;
    event.preventDefault();
  }
}
