// @ts-check
// The latent plane view: asks the server for what the state says and keeps the address bar at what is on screen. This file holds
// the state; what shows its parts lies beside it: decoded.js the picture at the point, layers.js what lies on the plane, beside.js
// the second plane, walk.js the film, your_picture.js the pad, shelves.js small pictures to click on, controls.js and sliders.js
// what changes the state, words.js what stands under the folds.
import { LatentPlane } from "../../serving/latent_plane.js";
import { asked, quantised, stateText } from "../../serving/state.js";
import { View, randomSeed, still } from "../../serving/view.js";
import { Beside } from "./beside.js";
import { Controls } from "./controls.js";
import { Decoded } from "./decoded.js";
import { Inside } from "./inside.js";
import { Layers } from "./layers.js";
import { Quiz } from "./quiz.js";
import { Shelves } from "./shelves.js";
import { Sliders } from "./sliders.js";
import { Walk } from "./walk.js";
import { fillCode, fillWords } from "./words.js";
import { YourPicture } from "./your_picture.js";

/**
 * @typedef {{center: number[], extent: number}} Window of a plane, in its coordinates
 * @typedef {[x: number, y: number][]} Pins
 * @typedef {import("../../serving/latent_plane.js").Basis & Window & {pins: Pins}} Through a plane through three places
 */

const POSTER = 30; // pictures along its side

/** @param {any} one @param {any} other */
const sameFamily = (one, other) => !!(one?.family && one.family === other?.family);

export class PlaneView extends View {
  /** @param {any} given what gr.HTML gives */
  constructor(given) {
    super(given, "latent-plane");
    /** @type {any[]} all models: name, title, short, family, series, kind, apart */
    this.models = [];
    /** @type {Through | null} */
    this.through = null;
    /** @type {any} what a bare link to the state's model means, as the server said */
    this.served = {};
    this.plane = new LatentPlane(this.find(".lx-planes .lx-plane"), {
      palette: this.props.palette,
      onmove: (z, began) => this.setPoint(z, began),
      onsettle: () => this.settle(),
      onwindow: () => { this.layers.readWindow(); this.layers.refresh(); },
      onmark: (name, done) => this.walk.moveMark(name, done),
    });
    this.decoded = new Decoded(this);
    this.layers = new Layers(this);
    this.beside = new Beside(this);
    this.walk = new Walk(this);
    this.sliders = new Sliders(this);
    this.controls = new Controls(this);
    this.shelves = new Shelves(this);
    this.yourPicture = new YourPicture(this);
    this.inside = new Inside(this);
    this.quiz = new Quiz(this);
    this.actions = this._actions();
    this.keyboard = { a: "set-a", b: "set-b", r: "dice", k: "keep", x: "quiz" };
    this.find(".lx-folds").addEventListener("toggle", () => this.model && fillWords(this), true);
  }

  _actions() {
    return {
      dice: () => this.surprise(),
      three: () => this.showPlaneThrough([randomSeed(), randomSeed(), randomSeed()]),
      undo: () => this.undo(),
      keep: () => this.shelves.keep(),
      link: () => this.copyLink(),
      clear: () => this.yourPicture.clear(),
      another: () => this.yourPicture.another(),
      "to-plane": () => { // far above, where a page is narrow
        this.plane.root.scrollIntoView({ block: "center", behavior: still.matches ? "auto" : "smooth" });
        this.plane.top.focus({ preventScroll: true });
      },
      "square-in": () => this.yourPicture.square.size(0.9), "square-out": () => this.yourPicture.square.size(1 / 0.9),
      "zoom-in": () => this.plane.zoom(0.7),
      "zoom-out": () => this.plane.zoom(1 / 0.7),
      home: () => this.layers.showWhole(),
      "set-a": () => this.walk.setStart(),
      "set-b": () => this.walk.setEnd(),
      "end-walk": () => this.walk.remove(),
      play: () => this.walk.play(),
      sample: () => this.inside.another(),
      quiz: () => this.model.quiz && this.quiz.toggle(),
    };
  }

  // ---- the state as a string

  /** @param {any} [extra] */
  query(extra = {}) {
    const state = { ...this.state, ...extra };
    this.defaults = this._usual(state);
    return this.text(state, ["model", "z", ...Object.keys(extra)]);
  }

  /** A walk that has its end alone says so: else it would begin at the point. @param {any} state @param {string[]} [always] */
  text(state, always) {
    return super.text(state.to && !state.from ? { ...state, from: [] } : state, always);
  }

  /**
   * What a link to a state need not say. The window that is usual depends on scale and corners; and a link that names neither axes
   * nor corners means the model's own corners.
   * @param {any} state
   */
  _usual(state) {
    const { corners, axes } = this.model.view, named = corners && state.corners === undefined;
    return { ...this.served, ...this.whole(state), scale: "z", corners, axes: named ? undefined : axes };
  }

  /** The window that shows the whole plane of a state. @param {any} state @returns {Window} */
  whole(state) {
    if (state.scale === "p") return { center: [0.5, 0.5], extent: 0.5 };
    const { center, extent } = state.corners !== undefined && this.through ? this.through : this.model.view;
    return { center, extent };
  }

  get keptStates() {
    return this.shelves.kept.map(({ query }) => query);
  }

  space() {
    const { model } = this;
    return {
      title: model.title, shape: model.image_shape,
      point: async (/** @type {number} */ seed) => (await this.ask("draw_prior", { model: model.name, seed }, true))?.z ?? null,
      picture: async (/** @type {number[]} */ z) => (await this.pictureAt(model, z.map(quantised), true))?.pixels ?? null,
    };
  }

  showCode() {
    fillCode(this);
  }

  /** A point of a model as a query that decodes it. @param {any} model @param {number[]} z */
  pointQuery(model, z) {
    return stateText(this.props.schema, { model: model.name, z, label: model.conditional ? this.state.label ?? 0 : undefined });
  }

  /** The picture at a point of a model. @param {any} model @param {number[]} z */
  pictureAt(model, z, quiet = false) {
    return this.picture(model.name, z, "decode_point", () => this.pointQuery(model, z), { label: this.state.label, quiet });
  }

  /** @param {string} what */
  fileState(what) {
    return what === "grid" ? { what, n: POSTER } : { what };
  }

  // ---- opening a state, changing it

  /** @param {string} text @param {{keepHistory?: boolean}} [options] */
  async open(text, options) {
    const answer = await this.askToOpen("open_view", text);
    if (!answer) return;
    this.models = answer.models;
    this.say(answer.problems.join(" · "));
    if (!answer.model) return this.controls.buildModels(this.model?.name ?? asked(text).model);
    const before = this.model, changed = before?.name !== answer.model.name, kin = sameFamily(before, answer.model);
    // within a family the points fly to their new places: they must be here before the window changes, or they would jump first
    const mine = this._taken, points = changed && kin ? await this.ask("plane_points", answer.model.name) : null;
    if (mine !== this._taken) return; // another state was opened meanwhile
    this._take(answer);
    if (changed) this.decoded.decoderIsThere = false;
    if (changed) this.controls.setTruncation(this.model.truncation);
    this.controls.buildModels(this.model.name);
    this.controls.build();
    this.layers.place();
    if (points) this.layers.setPoints(points, true);
    if (changed) this._loadModel(kin);
    this.walk.mark();
    this.setPoint(this.state.z);
    this.layers.refresh(true);
    this.walk.show();
    this.opened(options);
    this.beside.show();
    this.inside.place();
    this.quiz.place();
    fillWords(this);
  }

  /** @param {any} answer */
  _take({ model, state, defaults, through }) {
    Object.assign(this, { model, state, served: defaults, through });
    if (state.to && !state.from) state.from = state.z.slice();
    if (!state.from?.length) state.from = undefined; // a walk that has its end alone
  }

  /** @param {boolean} kin whether it is of the family of the one before, whose points are on their way */
  _loadModel(kin) {
    this.yourPicture.forget();
    if (!kin) this.layers.loadPoints();
    this.layers.loadSheet();
  }

  /**
   * Keys of the state, then everything that follows from them; till the answer is here, what is on screen stays.
   * @param {any} values
   */
  change(values) {
    return this.open(this.query(values));
  }

  /** Within a family, which shares its data and its latent shape, the point and the window stay. @param {string} name */
  changeModel(name) {
    if (!this.model) return this.open(stateText(this.props.schema, { model: name }));
    const next = this.models.find(model => model.name === name), keys = ["veil", "kind", "even", "closed", "frames", "inside"];
    if (sameFamily(this.model, next)) keys.push("z", "hidden", "points", "center", "extent", "scale", "from", "to");
    if (this.model.encodings) keys.push("points");
    const state = Object.fromEntries(keys.map(key => [key, this.state[key]]));
    if (!next?.encodings) for (const key of ["points", "hidden"]) delete state[key];
    if (next?.kind === "ae" && state.veil === "normal") state.veil = "data";
    if (!next?.encodings && state.veil === "data") state.veil = next?.kind === "ae" ? "none" : "normal";
    this.defaults = this._usual(state);
    return this.open(this.text({ ...state, model: name }, ["model", "z"]));
  }

  /** The plane through these three places, seen whole, at the first of them. @param {any[]} corners */
  showPlaneThrough(corners) {
    return this.change({ corners, z: undefined, center: undefined, extent: undefined, scale: "z" });
  }

  /** How far from the prior's mean “Surprise me” draws; a plane of two dimensions is seen whole, so that it need not. */
  get truncation() {
    return this.model.latent_shape[0] > 2 ? +this.find("[data-truncation]").value : 1;
  }

  async surprise() {
    const places = this.through && document.documentElement.dataset.static === undefined; // a plane through seeds needs the server
    const { truncation } = this, seed = randomSeed(), others = places && this.state.corners.slice(1);
    if (places && truncation === 1) return this.showPlaneThrough([seed, ...others]); // so it goes through the point
    const answer = await this.ask("draw_prior", { model: this.model.name, seed, truncation });
    if (!answer) return;
    if (places) this.showPlaneThrough([answer.z, ...others]); else this.goTo(answer.z);
  }

  // ---- the point

  /** @param {number[]} z @param {number} [began] when somebody asked for it */
  setPoint(z, began) {
    if (this.quiz.holds) return this.plane.move(this.state.z); // it is asked about
    this.walk.stop();
    const { z: before, axes, corners } = this.state, now = z.map(quantised);
    this.state.z = now;
    const leaves = now.some((value, i) => value !== before[i] && !axes.includes(i));
    if (leaves && corners === undefined) this.layers.refresh(); // the plane goes through the point
    this.plane.move(this.state.z);
    // here, not in `decode`, whose first request waits for the decoder
    if (!this.decoded.decoderIsThere) this.decoded.showFromSheet(began);
    this.decoded.decode(began);
    this.inside.look();
    this.sliders.syncSoon();
    this.writeAddress();
  }

  /** A point that was asked for by one step. @param {number[]} z */
  goTo(z) {
    this.setPoint(z, performance.now());
    this.settle();
  }

  /** The point's two coordinates on the plane, by name. @returns {[string, number][]} */
  coordinates() {
    const { axes, corners, z } = this.state;
    if (corners === undefined) return axes.map((/** @type {number} */ i) => [`z${i}`, z[i]]);
    const [x, y] = this.plane._toPlane(z);
    return [["x", x], ["y", y]];
  }
}

/** @param {any} given what gr.HTML gives */
export function start(given) {
  const view = new PlaneView(given);
  view.yourPicture.clear();
  view.shelves.showKept();
  view.listen();
  view.openWhenSeen();
}
