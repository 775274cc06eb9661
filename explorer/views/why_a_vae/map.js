// @ts-check
// The chapter "Map": codes of thirty numbers drawn as two by t-SNE. Pointing at a place decodes the nearest code; a map can be
// computed anew.
import { decodesHere } from "../../serving/decoder.js";
import { LatentPlane } from "../../serving/latent_plane.js";
import { listenToNumber, numberOf } from "../../serving/numbers.js";
import { bytesOf, pictureCanvas, showPicture } from "../../serving/pictures.js";
import { escaped, newest } from "../../serving/view.js";

const SHAPE = [28, 28, 1];
const HOME = { x: 0, y: 0, extent: 1.08 }; // all of it is seen

export class CodeMap {
  /**
   * @param {import("../../serving/view.js").View & {classes: string[], shows: (values: any) => any}} view
   * @param {import("../../serving/run.js").Runs} runs by which a map is computed
   */
  constructor(view, runs) {
    this.view = view;
    this.runs = runs;
    this.palette = view.props.palette;
    /** @type {{points: Float32Array, labels: Uint8Array} | null} */
    this.codes = null;
    /** @type {string | null} the model whose codes they are, or will be */
    this.name = null;
    this.sought = -1; // the code that was asked for last
    /** @type {{of: string, points: Float32Array, d: number} | null} the codes of a model themselves */
    this._spread = null;
    this._wanted = "";
    this.computed = false; // whether the map on screen was computed while one watched
    /** @type {number[] | undefined} */
    this._begin = undefined;
    this._show = newest((/** @type {number} */ index) => this._showCode(index));
    this.plane = new LatentPlane(view.find(".lx-map"), {
      palette: this.palette, onmove: z => this._move(z), onsettle() {}, onwindow: () => this._zoomed(),
    });
    this.plane.bare = true;
    for (const input of view.all("[data-map]")) this._listenTo(input);
    const top = this.plane.top;
    top.setAttribute("aria-label", "Map of the codes by t-SNE. Arrow keys move the point; the nearest code is decoded beside it.");
    top.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => { // with the mouse by pointing alone
      if (!event.buttons) this._seek(this.plane._fromScreen(event.offsetX, event.offsetY));
    });
    top.addEventListener("pointerleave", () => this._seek()); // what is shown then is what the link says
  }

  /** @param {string} name a model's */
  async show(name) {
    if (this.name === name) return this._goTo(this.view.state);
    this.name = name; // a map of them can be asked for before this one is here
    const answer = await this.view.ask("code_map", name);
    if (!answer) {
      this.name = null;
      return;
    }
    this._place(answer, false);
    this._goTo(this.view.state);
  }

  /** A link holds the point on the map that comes with the model, not on one that was computed anew. @param {number[]} z */
  _move(z) {
    this._seek();
    if (!this.computed) this.view.shows({ z });
  }

  _zoomed() {
    const { x, y, extent } = this.plane.window, whole = x === HOME.x && y === HOME.y && extent === HOME.extent;
    this.view.shows(whole ? { center: undefined, extent: undefined } : { center: [x, y], extent });
  }

  /**
   * As a link says; one begins at the first code.
   * @param {{z?: number[], hidden?: number[], center?: number[], extent?: number}} state
   */
  _goTo({ z, hidden = [], center = [HOME.x, HOME.y], extent = HOME.extent }) {
    const { plane } = this, place = z ?? this._begin;
    plane.hidden = new Set(hidden);
    this._fillLegend();
    plane.setSpace({ center, extent, scale: "z", axes: [0, 1], home: HOME });
    if (place && !this.computed) plane.move(place);
    this._seek();
  }

  /** @param {any} input */
  _listenTo(input) {
    let value = +input.value;
    const set = (/** @type {number} */ to) => { value = to; }, done = () => {};
    listenToNumber(input, { get: () => value, set, done, say: words => this.view.say(words) });
  }

  compute() {
    /** @type {Record<string, number | undefined>} */
    const settings = {};
    for (const input of this.view.all("[data-map]")) {
      const { value, wrong } = numberOf(input);
      if (wrong) return this.view.say(wrong);
      settings[input.dataset.map] = value;
    }
    this.view.say("");
    this.runs.follow("start_map", { model: this.name, ...settings }, (run, event) => this._take(run, event), () => {});
  }

  /** @param {any} run @param {any} event a step of it, or the map */
  _take(run, event) {
    if (event.points) {
      this.sought = -1;
      this.computed = true;
      this.view.shows({ z: undefined, center: undefined, extent: undefined });
      return this._place(event, true);
    }
    run.total = event.of;
    this.runs.progress(run, event.iteration);
  }

  /** @param {any} answer @param {boolean} animate */
  _place(answer, animate) {
    const points = Float32Array.from(new Int16Array(bytesOf(answer.points).buffer), value => value * answer.step);
    const labels = bytesOf(answer.labels);
    this.codes = { points, labels };
    this.plane.setSpace({ center: [HOME.x, HOME.y], extent: HOME.extent, scale: "z", axes: [0, 1], home: HOME });
    this.plane.setPoints(points, labels, 2, animate);
    this.view.root.dataset.points = String(labels.length);
    this._begin = [points[0], points[1]];
    this.plane.move(this._begin);
    this._seek();
  }

  _fillLegend() {
    const buttons = this.view.classes.map((name, label) => this._legendOf(name, label));
    this.view.find(".lx-map-box .lx-legend").replaceChildren(...buttons);
  }

  /** @param {string} name @param {number} label */
  _legendOf(name, label) {
    const button = document.createElement("button"), hidden = this.plane.hidden;
    button.type = "button";
    button.innerHTML = `<i style="background:${this.palette[label % this.palette.length]}"></i>${escaped(name)}`;
    button.setAttribute("aria-pressed", String(!hidden.has(label)));
    button.onclick = () => {
      if (!hidden.delete(label)) hidden.add(label);
      this.plane.draw();
      this._fillLegend();
      this._seek();
      this.view.shows({ hidden: hidden.size ? [...hidden].sort((a, b) => a - b) : undefined });
    };
    return button;
  }

  _seek(place = this.plane.z) {
    const index = this._nearestTo(place);
    if (index === this.sought) return;
    this.sought = index;
    if (index >= 0) return void this._show(index);
    const canvas = this.view.find(".lx-map-picture canvas"); // all classes are hidden
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    this.view.find(".lx-near").textContent = "";
  }

  /** The code of the classes in sight that lies nearest; −1 if there is none. @param {number[]} place */
  _nearestTo([x, y]) {
    if (!this.codes) return -1;
    const { points, labels } = this.codes;
    let best = -1, least = Infinity;
    for (let k = 0; k < labels.length; k++) {
      if (this.plane.hidden.has(labels[k])) continue;
      const distance = (points[2 * k] - x) ** 2 + (points[2 * k + 1] - y) ** 2;
      if (distance < least) [least, best] = [distance, k];
    }
    return best;
  }

  /** @param {number} index */
  async _showCode(index) {
    const { view, name } = this, here = !!name && decodesHere(name), z = here ? this._coordinates(index) : null;
    const answer = await view.picture(name ?? "", z, "coded_picture", () => [name, index], { quiet: true });
    if (here && !z) this._loadCoordinates(name); // for the next one
    if (!answer || name !== this.name || this.sought < 0) return;
    showPicture(view.find(".lx-map-picture canvas"), pictureCanvas(answer.pixels, SHAPE));
    const label = this.codes?.labels[index] ?? 0;
    view.find(".lx-near").textContent = `code ${index + 1}, of a test image labelled ${view.classes[label]}, decoded`;
    view.root.dataset.code = String(index);
  }

  /** A code's own numbers, of which the map draws two; null until they are here. @param {number} index */
  _coordinates(index) {
    if (this._spread?.of !== this.name) return null;
    const { points, d } = this._spread;
    return points.subarray(index * d, (index + 1) * d);
  }

  /** @param {string} name */
  async _loadCoordinates(name) {
    if (this._wanted === name) return;
    this._wanted = name;
    const answer = await this.view.ask("plane_points", name, true);
    if (!answer) return;
    const points = Float32Array.from(new Int16Array(bytesOf(answer.points).buffer), value => value * answer.step);
    this._spread = { of: name, points, d: answer.d };
  }
}
