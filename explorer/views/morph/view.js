// @ts-check
// The morph view: two pictures with the way between them, four with the surface they span, or three with A - B + C. A corner is a
// place as in a link: a seed ("7"), a face of the gallery ("g12") or its coordinates.
import { FilmStrip } from "../../serving/film_strip.js";
import { onSurface, through, total } from "../../serving/geometry.js";
import { LatentPlane } from "../../serving/latent_plane.js";
import { isNumber, stepByKeys } from "../../serving/numbers.js";
import { bytesOf, loadImage, pictureCanvas, showPicture } from "../../serving/pictures.js";
import { Refined } from "../../serving/refined.js";
import { read, showChoice } from "../../serving/settings.js";
import { valueText } from "../../serving/state.js";
import { newest, randomSeed, speedText, View } from "../../serving/view.js";
import { codeOf } from "./code.js";
import { fillCorners, resized } from "./corners.js";
import { takeSent, whenSent } from "./sent.js";

/** Parts of the page that are seen with so many corners. @type {Record<number, string>} */
const PARTS = { 2: "lx-of-two", 3: "lx-of-three", 4: "lx-of-four" };
/** Where the picture in between begins; A - B + C is one point. @type {Record<number, number[]>} */
const MIDDLE = { 2: [0.5], 3: [], 4: [0, 0] };
/** What says how one goes between so many corners, and nothing with others. @type {Record<number, string[]>} */
const WAY = { 2: ["t", "kind", "even", "closed", "start", "stop", "frames", "via"], 3: [], 4: ["t", "kind", "n"] };
const WAYS = [...new Set(Object.values(WAY).flat())];

export class MorphView extends View {
  /** @param {any} given */
  constructor(given) {
    super(given, "morph");
    /** @type {Set<string>} codes of a photo that Faces sent: in no address until the link is copied */
    this.own = new Set();
    /** @type {any} the server's answer for the frames from A to B: their places `t`, and how much each step changes the picture */
    this.morph = null;
    /** @type {Float32Array[]} of the corners, and between two of them of the stops */
    this.points = [];
    /** What stood there when it was left: corners by model, the places that fewer corners leave out, `t` by their count. */
    /** @type {{corners: Record<string, string[]>, more: string[], t: Record<number, number[]>, via?: string[]}} */
    this.left = { corners: {}, more: [], t: {} };
    this.scratch = document.createElement("canvas");
    this.strip = new FilmStrip(this, ".lx-strip");
    this.plane = this._makePlane();
    this.refined = new Refined(this, {
      asked: () => this.whole(), point: () => this._point(), show: picture => this._show(picture),
      told: words => { this.find(".lx-sharp").textContent = words; },
    });
    this.decode = newest(/** @param {number} [began] */ began => this._decode(began));
    this.drawBetween = newest(() => this._drawBetween());
    this.keyboard = { r: "dice", " ": "play" };
    this.actions = {
      dice: () => this.change({ corners: this.state.corners.map(() => String(randomSeed())) }),
      undo: () => this.undo(),
      play: () => this._play(),
      "stop-over": () => this._addStop(),
      link: () => this._link(),
    };
    this._listenToControls();
  }

  _listenToControls() {
    const way = this.find("[data-t]");
    way.oninput = () => this.setT([+way.value], performance.now());
    way.onchange = () => this.settle();
    for (const button of this.all("[data-count]")) button.onclick = () => this._setCount(+button.dataset.count);
    for (const control of this.all("[data-set]")) {
      control.onchange = () => this._set(control);
      if (isNumber(control)) stepByKeys(control);
    }
    this.find("[data-model]").onchange = (/** @type {any} */ event) => this._setModel(event.target.value);
    this.find(".lx-folds").addEventListener("toggle", () => this.showCode(), true);
  }

  // ---- the state as a string

  /** The state without what means nothing with so many corners. @param {any} extra */
  _meant(extra) {
    const state = { ...this.state, ...extra }, meant = WAY[state.corners.length];
    for (const key of WAYS) if (!meant.includes(key)) delete state[key];
    return state;
  }

  /** With the codes of a photo: for the server and for undo, never for the address bar. */
  whole(extra = {}) {
    return this.text(this._meant(extra), Object.keys(extra));
  }

  /** For the address bar; but what the server draws and somebody saves (`what`) holds all. @param {any} extra */
  query(extra = {}) {
    if (extra.what !== undefined) return this.whole(extra);
    const state = this._meant(extra);
    for (const key of ["corners", "via"])
      if (state[key]?.some((/** @type {string} */ place) => this.own.has(place))) state[key] = undefined;
    return this.text(state, Object.keys(extra));
  }

  remember() {
    return this.whole();
  }

  // ---- the picture in between

  /** @param {number} [began] */
  async _decode(began) {
    const { model, label } = this.state, query = this.whole();
    const answer = await this.picture(model, this._point(), "decode_morph", () => query, { label });
    if (!answer) return;
    pictureCanvas(answer.pixels, this.model.image_shape, this.scratch);
    if (!this.refined.holds(query)) this.showNow();
    const shown = performance.now();
    if (began !== undefined) performance.measure("event-to-pixels", { start: began, end: shown });
    this.root.dataset.ready = "yes";
    this.find(".lx-speed").textContent = speedText(answer, began === undefined ? undefined : shown - began);
  }

  /** What lies between the corners. */
  _point() {
    const { points, state: { corners, t: [x, y], kind } } = this;
    switch (corners.length) {
      case 2: return through(points, x, kind);
      case 3: return total(points);
      default: return onSurface(points, x, y, kind);
    }
  }

  showNow() {
    this._show(this.refined.holds(this.whole()) ? this.refined.sharp : this.scratch);
  }

  /** @param {CanvasImageSource} picture */
  _show(picture) {
    const smooth = this.model.image_shape[2] === 3;
    for (const canvas of this.all(".lx-picture")) if (canvas.offsetParent) showPicture(canvas, picture, smooth);
  }

  /** @param {number[]} t @param {number} [began] */
  setT(t, began) {
    this.strip.stop();
    this.state.t = t.map(value => Math.round(value * 1e4) / 1e4);
    if (t.length === 1) this.find("[data-t]").value = t[0]; else if (t.length) this.plane.move(t);
    this.find(".lx-sharp").textContent = "";
    this.decode(began);
    this.refined.soon(began);
    this._markFrame();
    this.writeAddress();
  }

  _makePlane() {
    const plane = new LatentPlane(this.find(".lx-plane"), {
      palette: [],
      onmove: (/** @type {number[]} */ z, /** @type {number} */ began) =>
        this.setT(z.map(value => Math.max(-1, Math.min(1, value))), began),
      onsettle: () => this.settle(),
    });
    Object.assign(plane, { showPoints: false, fixed: true, bare: true });
    const words = "The surface between four pictures, A and B above, C and D below. Arrow keys move the point.";
    plane.top.setAttribute("aria-label", words);
    return plane;
  }

  /** How far the sheet reaches: the middles of its outer cells are the corners. */
  get extent() {
    return 1 + 1 / Math.max(1, this.state.n - 1);
  }

  _fitPlane() {
    this.plane.setSpace({ center: [0, 0], extent: this.extent, scale: "z", axes: [0, 1] });
  }

  // ---- frames, sheet

  async _drawBetween() {
    const count = this.state.corners.length;
    if (count === 4) await this._drawSheet();
    if (count === 2) await this._drawFrames();
  }

  async _drawSheet() {
    const { extent } = this, answer = await this.ask("morph_sheet", this.query({ what: "grid", t: undefined }));
    if (answer) this.plane.setBackdrop(await loadImage(answer.url), { x: 0, y: 0, extent });
  }

  async _drawFrames() {
    const query = this.query({ what: "strip", t: undefined }), answer = await this.ask("morph_frames", query);
    if (!answer || this.state.corners.length !== 2) return;
    const { frames, t, steps, measure } = this.morph = answer;
    this.showCode();
    const ratio = Math.max(...steps) / Math.max(Math.min(...steps), 1e-6), compared = steps.length > 1 && !this.state.closed;
    this.find(".lx-steps").textContent = compared ? `largest step ${ratio.toFixed(1)} × the smallest (${measure})` : "";
    this.strip.fill(frames, i => `${i + 1} of ${frames.length}, t = ${t[i].toFixed(2)}: go there`, i => {
      this.setT([t[i]], performance.now());
      this.settle();
    });
    this._markFrame();
    this.refined.strip(this.strip, query, () => query === this.query({ what: "strip", t: undefined }));
  }

  /** The frame nearest to the picture on screen. */
  _markFrame() {
    const [now, ...more] = this.state.t;
    if (!this.morph || now === undefined || more.length) return;
    const away = this.morph.t.map((/** @type {number} */ t) => Math.abs(t - now)), nearest = away.indexOf(Math.min(...away));
    this.strip.mark(i => i === nearest);
  }

  _play() {
    const over = () => {
      this.strip.stop();
      this.decode();
      this.refined.soon();
    };
    if (this.strip.isPlaying) return over();
    if (this.state.corners.length === 2) this.strip.play(i => this._showFrame(i), over);
  }

  /** @param {number} i */
  _showFrame(i) {
    this.refined.stop();
    pictureCanvas(bytesOf(this.strip.frames[i]), this.model.image_shape, this.scratch);
    this._show(this.scratch);
    this.find("[data-t]").value = this.morph.t[i];
  }

  // ---- the corners

  /** @param {number} i @param {string} place */
  setCorner(i, place) {
    const { corners } = this.state, wanted = i < corners.length ? corners.slice() : resized(corners, 4, this.model.gallery);
    wanted[i] = place;
    return this.change({ corners: wanted });
  }

  /** The stops between A and B as they are to be. @param {string[]} via */
  setStops(via) {
    return this.change({ via: via.length ? via : undefined });
  }

  _addStop() {
    const { via = [] } = this.state, { gallery, most_stops: most } = this.model;
    if (via.length >= most) return this.say(`A way leads through ${most} stops at most: take one away first.`);
    this.setStops([...via, gallery ? `g${Math.floor(Math.random() * gallery)}` : String(randomSeed())]);
  }

  /** A visitor's picture as a corner or a stop. @param {string} url @param {(place: string) => any} put */
  async bring(url, put) {
    const answer = await this.ask(this.model.face ? "encode_photo" : "encode_picture", { model: this.state.model, picture: url });
    if (!answer) return;
    const place = valueText(answer.z);
    this.own.add(place);
    await put(place);
    this.say(answer.problem ?? "");
  }

  /** Opens another state: what the corners show, the server knows. @param {any} values */
  change(values) {
    const wanted = { ...this.state, ...values }, count = wanted.corners.length;
    if (count !== this.state.corners.length) {
      this.left.t[this.state.corners.length] = this.state.t;
      this.left.via = this.state.via ?? this.left.via;
      wanted.via = this.left.via;
      wanted.t = this.left.t[count] ?? MIDDLE[count];
    }
    return this.open(this.whole(wanted));
  }

  /** @param {number} count */
  _setCount(count) {
    if (!this.model || this.state.corners.length === count) return;
    const { state: { corners }, left, model } = this, same = (/** @type {string[]} */ one, /** @type {string[]} */ other) =>
      one.every((place, i) => place === other[i]);
    if (corners.length !== 3 || !same(corners, model.sum)) left.more = [...corners, ...left.more.slice(corners.length)];
    const known = left.more.length ? left.more : model.start, asStarted = same(known, resized(model.start, 4, model.gallery));
    this.change({ corners: count === 3 && asStarted ? model.sum : resized(known, count, model.gallery) });
  }

  /** Another model draws something else from the same seeds; places of one space mean nothing in another. @param {string} model */
  _setModel(model) {
    const { state, left } = this, before = left.corners[model] ?? [];
    left.corners[state.model] = state.corners;
    left.more = [];
    const corners = state.corners.map((/** @type {string} */ place, /** @type {number} */ i) =>
      /^\d+$/.test(place) ? place : before[i] ?? String(i));
    left.via = undefined;
    const via = state.via?.filter((/** @type {string} */ place) => /^\d+$/.test(place));
    this.change({ model, corners, via: via?.length ? via : undefined, label: undefined });
  }

  /** Faces that the Faces view sent. */
  async takeSent() {
    if (!this.model) return; // they are taken once one was opened
    for (const [slot, { place, own }] of takeSent()) {
      if (own) this.own.add(place);
      if (!this.model.face) await this.open(this.text({})); // which shows faces
      await this.setCorner(+slot, place);
    }
  }

  // ---- opening a state

  /** @param {string} text */
  async open(text, options = {}) {
    const answer = await this.askToOpen("open_morph", text);
    if (!answer) return;
    const { what, ...state } = answer.state, points = new Float32Array(bytesOf(answer.points).buffer);
    const count = answer.pictures.length, d = points.length / count;
    Object.assign(this, {
      model: answer.model, defaults: answer.defaults,
      points: Array.from({ length: count }, (_, i) => points.subarray(i * d, (i + 1) * d)),
    });
    this.state = { ...state, t: state.t ?? [] };
    this.say(answer.problems.join(" · "));
    this._showParts();
    this._fillControls(answer.models);
    fillCorners(this, answer.pictures);
    if (this.state.corners.length === 4) this._fitPlane();
    this.setT(this.state.t);
    this.drawBetween();
    this.opened(options);
  }

  _showParts() {
    const { model } = this, count = this.state.corners.length, parts = Object.values(PARTS).map(name => `.${name}`);
    for (const part of this.all(parts.join())) part.hidden = !part.classList.contains(PARTS[count]);
    this.root.classList.toggle("lx-four", count === 4);
    this.root.classList.toggle("lx-pixels", model.image_shape[2] === 1);
    for (const word of this.all("[data-noun]")) word.textContent = model.face ? "faces" : "pictures";
    showChoice(this.all("[data-count]"), "count", String(count));
    this.find(".lx-from-faces").hidden = !model.face;
    this.find(".lx-own-pictures").hidden = !model.encodes;
    this.find(".lx-garment").hidden = !model.conditional;
    for (const part of this.all(".lx-refining")) part.hidden = !model.refiner;
  }

  /** @param {{name: string, short: string}[]} models */
  _fillControls(models) {
    const { model, state } = this, choice = this.find("[data-model]"), classes = model.conditional ? model.classes : [];
    choice.replaceChildren(...models.map(({ name, short }) => new Option(short, name)));
    choice.value = model.name;
    const garments = classes.map((/** @type {string} */ name, /** @type {number} */ i) => new Option(name, String(i)));
    this.find("[data-set=label]").replaceChildren(...garments);
    for (const control of this.all("[data-set]")) {
      const value = state[control.dataset.set];
      if (control.type === "checkbox") control.checked = !!value; else control.value = value ?? "";
    }
  }

  // ---- controls and buttons

  /** @param {any} control */
  _set(control) {
    const { dataset: { set: key } } = control, { value, wrong } = read(control);
    if (key === "label") return this.change({ label: +control.value }); // the corners draw something else too
    this.say(wrong ?? "");
    if (wrong) {
      control.value = this.state[key];
      return;
    }
    this.state[key] = value;
    if (key === "n") this._fitPlane();
    this.drawBetween();
    this.decode();
    this.refined.soon();
    this.settle();
  }

  /** Whoever copies the link knows what is in it. */
  _link() {
    this.own.clear();
    this.copyLink();
    this.writeAddress();
  }

  showCode() {
    if (this.model) this.find(".lx-folds code").textContent = codeOf(this.model, this.state, this.morph?.t);
  }
}

/** @param {any} given */
export function start(given) {
  const view = new MorphView(given);
  view.listen();
  whenSent(() => view.takeSent());
  view.openWhenSeen(() => view.takeSent(), () => view.showNow());
}
