// @ts-check
// Below the face: the strip of one attribute, and the attribute plane to drag across.
import { FilmStrip } from "../../serving/film_strip.js";
import { LatentPlane } from "../../serving/latent_plane.js";
import { loadImage } from "../../serving/pictures.js";
import { newest, short } from "../../serving/view.js";
import { choices, spoken } from "./names.js";

const REST = 350; // milliseconds that the sliders rest before: a strip is nine pictures, a plane forty-nine
const REACH = 3; // to each side, in lengths of a direction, of strip and plane

/** @param {number} amount as it stands below a frame */
const signed = amount => (amount > 0 ? "+" : amount < 0 ? "−" : "") + Math.abs(amount);

export class Sheets {
  /** @param {import("./view.js").FacesView} view */
  constructor(view) {
    this.view = view;
    this.strip = new FilmStrip(view, ".lx-strip");
    /** @type {number[]} of the strip's frames */
    this.amounts = [];
    this.plane = this._makePlane();
    this.drawStrip = newest(() => this._drawStrip());
    this.drawPlane = newest(() => this._drawPlane());
    this._shown = { strip: "", plane: "" }; // what was asked for
    view.find("[data-along]").onchange = (/** @type {any} */ event) => {
      view.state.along = event.target.value;
      this.drawStrip();
      view.settle();
    };
    for (const select of view.all("[data-pair]")) select.onchange = () => this._setPair(+select.dataset.pair, select.value);
  }

  soon() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this.drawStrip();
      this.drawPlane();
    }, REST);
  }

  build() {
    const { view } = this, along = view.find("[data-along]"), pair = view.all("[data-pair]");
    const names = choices(view.model, view.handfuls.name);
    for (const select of [along, ...pair]) select.replaceChildren(...names.map(option => option.cloneNode(true)));
    along.value = view.state.along;
    pair.forEach((select, i) => { select.value = view.state.pair[i]; });
  }

  /** What the attributes are without those that a sheet shows. @param {string[]} names */
  _others(names) {
    return Object.fromEntries(Object.entries(this.view.state.attributes).filter(([name]) => !names.includes(name)));
  }

  // ---- one attribute, -3 to 3

  async _drawStrip() {
    const { view } = this, { along } = view.state;
    const asked = view.forServer({ what: "strip", n: undefined, pair: undefined, attributes: this._others([along]) });
    if (asked !== this._shown.strip) {
      const answer = await view.ask("face_strip", asked);
      if (!answer) return;
      this._shown.strip = asked;
      this._fillStrip(answer, along);
      this._sharpen(asked);
    }
    const now = view.state.attributes[view.state.along] || 0;
    this.strip.mark(i => Math.abs(this.amounts[i] - now) < 0.01);
  }

  /** Nine faces are worth their second only where somebody sees them. @param {string} asked */
  _sharpen(asked) {
    this._watch?.disconnect();
    if (!this.view.refined.isOn) return;
    this._watch = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      this._watch?.disconnect();
      this.view.refined.strip(this.strip, asked, () => asked === this._shown.strip);
    });
    this._watch.observe(this.strip.place);
  }

  /** @param {any} answer @param {string} along */
  _fillStrip({ frames, amounts }, along) {
    const { view, strip } = this;
    this.amounts = amounts;
    strip.place.style.setProperty("--frames", frames.length);
    strip.fill(frames, i => `${spoken(along)} ${short(amounts[i])}: go there`, i => {
      view.setAttribute(along, amounts[i], performance.now());
      view.settle();
    });
    [...strip.place.children].forEach((button, i) => {
      button.append(Object.assign(document.createElement("small"), { textContent: signed(amounts[i]) }));
    });
  }

  // ---- the attribute plane

  _makePlane() {
    const { view } = this, plane = new LatentPlane(view.find(".lx-plane"), {
      palette: [],
      onmove: (/** @type {number[]} */ z, /** @type {number} */ began) => this._move(z, began),
      onsettle: () => view.settle(),
    });
    plane.showPoints = false;
    plane.names = ["", ""];
    plane.fixed = true; // there is nothing beyond
    return plane;
  }

  /** How far the sheet reaches: the middles of its outer cells stand at -3 and 3. */
  get extent() {
    return REACH * (1 + 1 / Math.max(1, this.view.state.n - 1));
  }

  /** @param {number[]} z @param {number} began */
  _move(z, began) {
    const { view, extent } = this;
    z.forEach((value, i) => {
      const amount = Math.max(-extent, Math.min(extent, Math.round(value * 100) / 100));
      view.setAttribute(view.state.pair[i], amount, began);
    });
  }

  /** @param {number} at which of the two @param {string} name */
  _setPair(at, name) {
    const { view } = this, pair = view.state.pair.slice(), before = pair[at];
    pair[at] = name;
    if (pair[1 - at] === name) pair[1 - at] = before; // the other takes what this one leaves
    view.state.pair = pair;
    this.build();
    this.drawPlane();
    view.settle();
  }

  async _drawPlane() {
    const { view, plane, extent } = this, { pair } = view.state;
    const asked = view.forServer({ what: "grid", frames: undefined, along: undefined, attributes: this._others(pair) });
    plane.names = pair.map(spoken);
    if (!plane.home || plane.home.extent !== extent) plane.setSpace({ center: [0, 0], extent, scale: "z", axes: [0, 1] });
    this.placePoint();
    if (asked === this._shown.plane) return;
    const answer = await view.ask("face_sheet", asked);
    if (!answer) return;
    this._shown.plane = asked;
    plane.setBackdrop(await loadImage(answer.url), { x: 0, y: 0, extent });
  }

  /** The plane's cursor follows the sliders. */
  placePoint() {
    const { plane, view: { state: { pair, attributes } } } = this, [across, up] = pair.map(spoken);
    plane.move(pair.map((/** @type {string} */ name) => attributes[name] || 0));
    const [x, y] = plane.z.map(short);
    plane.top.setAttribute("aria-label", `Attribute plane: ${across} ${x} across, ${up} ${y} up. Arrow keys move.`);
  }
}
