// @ts-check
// The faces view: a face, its attributes, and what becomes of both. Where faces come from: gallery.js, photo.js (with camera.js
// and serving/crop.js). What is made of them: sliders.js, vectors.js (the point of both), judge.js, sheets.js (one attribute, two),
// sum.js (A - B + C), handfuls.js (a direction of one's own), invented.js (what the refiner adds).
import { decodesHere } from "../../serving/decoder.js";
import { pictureCanvas, showSmooth } from "../../serving/pictures.js";
import { quantised, valueText } from "../../serving/state.js";
import { Refined } from "../../serving/refined.js";
import { newest, randomSeed, speedText, View } from "../../serving/view.js";
import { send } from "../morph/sent.js";
import { codeOf } from "./code.js";
import { Gallery } from "./gallery.js";
import { Handfuls } from "./handfuls.js";
import { Invented } from "./invented.js";
import { Judge } from "./judge.js";
import { amountsOf } from "./names.js";
import { Photo } from "./photo.js";
import { Sheets } from "./sheets.js";
import { Sliders } from "./sliders.js";
import { Sum } from "./sum.js";
import { Vectors } from "./vectors.js";

const MOST = 10; // of an attribute
const UNSHARED = "This face comes from your photo, so the link does not hold it.";
const WITHOUT_DIRECTION = "Your own direction comes from your pictures, so the link does not hold it.";
const TO_MORPH = "This face comes from your photo. In Morph it stands in this page only until you copy that view's link, which "
  + "then holds its code. Go on?";

export class FacesView extends View {
  /** @param {any} given */
  constructor(given) {
    super(given, "faces");
    /** The codes of a visitor's photo, as in a link, with the squares that gave them: in no link until shared. */
    /** @type {Map<string, any>} */
    this.own = new Map();
    this.shared = false;
    /** @type {Uint8Array | null} pixels of the face with its attributes */
    this.after = null;
    this.scratch = document.createElement("canvas");
    /** @type {number | undefined} */
    this._syncing = undefined;
    this.decode = newest(/** @param {number} [began] */ began => this._decode(began));
    this.refined = new Refined(this, {
      asked: () => this.forServer({ along: undefined, pair: undefined }),
      point: () => decodesHere(this.state.model) ? this.vectors.point() : null,
      show: picture => showSmooth(this.find(".lx-picture"), picture),
      told: words => { this.find(".lx-sharp").textContent = words; },
    });
    this.invented = new Invented(this);
    this.handfuls = new Handfuls(this);
    this.sliders = new Sliders(this);
    this.vectors = new Vectors(this);
    this.judge = new Judge(this);
    this.gallery = new Gallery(this, (place, side) => (side ? this._gather(side, place) : this.choose(place)));
    this.photo = new Photo(this);
    this.sheets = new Sheets(this);
    this.sum = new Sum(this);
    this.actions = this._actions();
    this.keyboard = { r: "dice" };
    this.find(".lx-folds").addEventListener("toggle", () => this.showCode(), true);
    this._listenToPeek();
  }

  _actions() {
    const { gallery, photo, sum } = this, { square, camera } = photo;
    return {
      dice: () => this.choose({ seed: randomSeed() }),
      undo: () => this.undo(photo.corrected),
      link: () => this._link(),
      reset: () => this._reset(),
      sharpen: () => this.setRefined({ refined: !this.state.refined }),
      repaint: () => this.setRefined({ refined: true, noise_seed: randomSeed() }),
      gallery: () => gallery.toggle(), others: () => gallery.others(),
      camera: () => camera.open(), snap: () => camera.snap(),
      reframe: () => photo.frame(null), share: () => photo.share(), forget: () => this._removePhoto(),
      "turn-left": () => square.turn(-3), "turn-right": () => square.turn(3),
      "crop-in": () => square.size(0.94), "crop-out": () => square.size(1 / 0.94),
      mark: (/** @type {any} */ button) => this.handfuls.mark(button.dataset.to),
      gather: () => gallery.gather(), "forget-handfuls": () => this.handfuls.forget(),
      "sum-example": () => sum.example(), "use-sum": () => sum.use(),
      "to-morph": (/** @type {any} */ button) => this._toMorph(button),
    };
  }

  // ---- the state as a string

  get isOwnFace() {
    return !!this.state.z && this.own.has(valueText(this.state.z));
  }

  get isOwnSum() {
    return !!this.state.corners?.some((/** @type {string} */ place) => this.own.has(place));
  }

  /** With the codes of the photo: for the server and for undo, never for the address bar. */
  whole(extra = {}) {
    const state = { ...this.state, ...extra }, { attributes, hold, how, corners, seed, truncation = 1 } = state;
    const amounts = Object.entries(attributes).filter(([, amount]) => amount);
    return this.text({
      ...state,
      ...this.handfuls.meant(state),
      attributes: amounts.length ? amounts : undefined,
      how: hold.length ? how : undefined,
      truncation: seed !== undefined && truncation < 1 ? truncation : undefined,
      corners: corners?.some(Boolean) ? corners : undefined,
    }, Object.keys(extra));
  }

  /** For the address bar; but what somebody saves to a file (`what`) holds all. @param {any} extra */
  query(extra = {}) {
    if (extra.what !== undefined) return this.whole(extra);
    const photo = { ...(this.isOwnFace && { z: undefined }), ...(this.isOwnSum && { corners: undefined }) };
    return this.whole({ ...(this.shared ? {} : photo), ...this.handfuls.withheld(this.state), ...extra });
  }

  remember() {
    return this.whole();
  }

  /** A face of the gallery for a handful: a truncated one has no name but its code.
   * @param {"more" | "less"} side @param {any} place */
  async _gather(side, { face, seed }) {
    if (seed === undefined || (this.state.truncation ?? 1) === 1)
      return this.handfuls.add(side, [seed === undefined ? `g${face}` : String(seed)]);
    await this.choose({ seed });
    return this.handfuls.mark(side);
  }

  /** The face alone, without A - B + C. @param {any} extra */
  forServer(extra = {}) {
    return this.whole({ corners: undefined, ...extra });
  }

  /** @param {string} what */
  fileState(what) {
    return what === "sum" ? { what: "strip" } : { what, corners: undefined };
  }

  // ---- the face

  /** @param {number} [began] */
  async _decode(began) {
    const { model } = this.state, here = decodesHere(model), z = here ? this.vectors.point() : null, query = this.refined.asked();
    const answer = await this.picture(model, z, "decode_face", () => query);
    if (here && !z) this.vectors.load(); // for the next one
    if (!answer) return;
    this.after = answer.pixels;
    if (!this.refined.holds(query)) this._show(this.after);
    const shown = performance.now();
    if (began !== undefined) performance.measure("event-to-pixels", { start: began, end: shown });
    this.root.dataset.ready = "yes";
    this.find(".lx-speed").textContent = speedText(answer, began === undefined ? undefined : shown - began);
  }

  /** @param {Uint8Array} pixels */
  _show(pixels) {
    pictureCanvas(pixels, this.model.image_shape, this.scratch);
    showSmooth(this.find(".lx-picture"), this.scratch);
  }

  /** @param {number} [began] the event that made it needed */
  refresh(began) {
    this.decode(began);
    this.find(".lx-sharp").textContent = "";
    this.refined.soon(began);
    this.judge.soon();
    this.writeAddress();
    this.sheets.soon();
    this.invented.soon();
  }

  /** @param {{refined: boolean, noise_seed?: number}} how */
  setRefined(how) {
    Object.assign(this.state, how);
    this.showRefined();
    this.refresh(performance.now());
    this.sum.draw();
    this.settle();
  }

  showRefined() {
    const { model, state } = this;
    for (const part of this.all(".lx-refining")) part.hidden = !model.refiner;
    this.find("[data-do=sharpen]").setAttribute("aria-pressed", String(state.refined));
    this.find("[data-do=repaint]").disabled = !state.refined;
  }

  /** @param {{seed: number} | {face: number} | {z: number[]}} place @param {number} [began] */
  setFace(place, began) {
    for (const key of ["seed", "face", "z"]) delete this.state[key];
    Object.assign(this.state, place);
    this.sayWhence();
    this.refresh(began);
  }

  /** Another face than the photo's. @param {{seed: number} | {face: number}} place */
  choose(place) {
    this.photo.forget();
    this.setFace(place, performance.now());
    this.settle();
  }

  /** @param {string} name @param {number} amount @param {number} [began] */
  setAttribute(name, amount, began) {
    const bounded = Math.max(-MOST, Math.min(MOST, Math.round(amount * 100) / 100));
    if (bounded) this.state.attributes[name] = bounded; else delete this.state.attributes[name];
    this.refresh(began);
    this.syncSoon();
  }

  /** Sliders and plane follow the state, once a frame. */
  syncSoon() {
    this._syncing ??= requestAnimationFrame(() => {
      this._syncing = undefined;
      this.sliders.sync();
      this.sheets.placePoint();
    });
  }

  sayWhence() {
    const { seed, face, z } = this.state, chosen = seed !== undefined ? `seed ${seed}` : `gallery, ${face}`;
    this.find(".lx-whence").textContent = !z ? chosen : this.own.get(valueText(z)) ? "your photo" : "by its code";
    this.gallery.mark();
  }

  /** The face with its attributes as a place in a link; null where the server does not answer. @returns {Promise<string | null>} */
  async placed() {
    const { seed, truncation = 1, face, z, attributes } = this.state, shifted = seed !== undefined && truncation < 1;
    if (!z && !shifted && !Object.keys(attributes).length) return seed !== undefined ? String(seed) : `g${face}`;
    const answer = await this.ask("face_point", this.forServer());
    return answer && valueText(answer.z);
  }

  // ---- opening a state

  /** @param {string} text */
  async open(text, options = {}) {
    const answer = await this.askToOpen("open_faces", text);
    if (!answer) return;
    Object.assign(this, { model: answer.model, defaults: answer.defaults });
    this._followPhoto(answer.state.z);
    this._take(answer.state);
    this.say(answer.problems.join(" · "));
    this.showRefined();
    this.sliders.build();
    this.syncSoon();
    this.sheets.build();
    this.gallery.sync();
    this.sum.draw();
    this.handfuls.draw();
    this._buildExamples();
    this.sayWhence();
    this.refresh();
    this.opened(options);
  }

  /** @param {any} given */
  _take({ what, attributes, hold, how, corners, ...rest }) {
    const usual = this.state?.truncation ?? this.model.truncation;
    this.state = {
      ...rest, hold, how: hold.length ? how : this.sliders.best, attributes: amountsOf(attributes),
      corners: corners?.map((/** @type {any} */ place) => valueText(place)),
    };
    if (rest.seed === undefined) this.state.truncation ??= usual; // of the next that is drawn
  }

  /** The photo goes once its code is not the face any more; else its square is where it was. @param {number[]} [z] */
  _followPhoto(z) {
    const code = z && valueText(z);
    if (!this.photo.given) return;
    if (!code || !this.own.has(code)) return this.photo.forget();
    const crop = this.own.get(code);
    if (crop) this.photo.restore(z, crop);
  }

  _buildExamples() {
    const { examples } = this.model;
    this.find(".lx-examples").hidden = !examples.length;
    this.find(".lx-examples div").replaceChildren(...examples.map((/** @type {any} */ { title, state }) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: title });
      button.onclick = () => {
        this.photo.forget();
        const { model, corners } = this.state, kept = corners?.some(Boolean) && !state.includes("corners=") ? corners : undefined;
        this.open(`${this.text({ model, corners: kept })}&${state}`);
      };
      return button;
    }));
  }

  space() {
    const { model: { image_shape: shape }, state: { model } } = this;
    const asked = (/** @type {any} */ place) => this.text({ model, ...place });
    return {
      title: this.title, shape,
      point: async (/** @type {number} */ seed) => (await this.ask("face_point", asked({ seed }), true))?.z ?? null,
      picture: async (/** @type {number[]} */ z) => {
        const at = z.map(quantised);
        return (await this.picture(model, at, "decode_face", () => asked({ z: at }), { quiet: true }))?.pixels ?? null;
      },
    };
  }

  showCode() {
    if (this.model) this.find(".lx-folds code").textContent = codeOf(this.model, this.state, !!this.photo.given);
  }

  // ---- buttons

  _reset() {
    this.state.attributes = amountsOf();
    this.syncSoon();
    this.refresh();
    this.settle();
  }

  _link() {
    if (this.shared || !this.isOwnFace && !this.isOwnSum) {
      if (this.handfuls.isPrivate) this.say(WITHOUT_DIRECTION);
      return this.copyLink();
    }
    this.say(UNSHARED + (this.photo.given ? " Press “Share this face” first if you want it to." : ""));
  }

  /**
   * What is removed is gone, also from undo and from A - B + C. After another face was chosen instead, its code may still come
   * back, unshared.
   */
  _removePhoto() {
    this.photo.forget();
    const tells = (/** @type {string} */ step) => [...this.own.keys()].some(code => step.includes(code));
    this.undone = this.undone.filter(step => !tells(step));
    if (tells(this.settled)) this.settled = "";
    if (this.isOwnSum) {
      this.state.corners = this.state.corners.map((/** @type {string} */ place) => this.own.has(place) ? "" : place);
      this.sum.draw();
    }
    for (const side of ["more", "less"])
      this.state[side] = this.state[side]?.filter((/** @type {string} */ place) => !this.own.has(place));
    this.own.clear();
    this.handfuls.draw();
    this.sliders.build();
    this.setFace({ face: 0 });
    this.settle();
  }

  /** @param {any} button */
  async _toMorph(button) {
    const own = this.isOwnFace && !this.shared || this.handfuls.moves;
    if (own && !confirm(TO_MORPH)) return;
    const place = await this.placed();
    if (!place) return;
    send(button.dataset.slot, { place, own });
    const words = button.textContent;
    button.textContent = "✓";
    setTimeout(() => { button.textContent = words; }, 900);
  }

  /** The face before its attributes, while the button is held. */
  _listenToPeek() {
    const button = this.find("[data-do=peek]"), peek = (/** @type {boolean} */ on) => {
      button.setAttribute("aria-pressed", String(on));
      const pixels = on ? this.judge.before : this.after;
      if (!on && this.refined.holds(this.refined.asked())) showSmooth(this.find(".lx-picture"), this.refined.sharp);
      else if (pixels) this._show(pixels);
    };
    button.addEventListener("pointerdown", () => peek(true));
    for (const end of ["pointerup", "pointerleave", "pointercancel", "keyup"]) button.addEventListener(end, () => peek(false));
    button.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === " " || event.key === "Enter") peek(true);
    });
  }
}

/** @param {any} given */
export function start(given) {
  const view = new FacesView(given);
  view.listen();
  view.openWhenSeen();
}
