// @ts-check
// What rests is sharpened: some time after the last move what a model says is painted out, in this browser if it can, and fades in
// over it. While one drags, the model's own picture stays: nothing here is waited for.
import { decode, prepare } from "./decoder.js";
import { bytesOf, pictureCanvas } from "./pictures.js";
import { still } from "./view.js";

const REST = 120; // milliseconds after the last move
const FADE = 220; // ... in which the sharp one appears
const LONGEST = 36; // frames of a strip that is sharpened; a film of more is, when it is asked for
const TOGETHER = 3; // frames of a strip at once, so that they come one after the other

export class Refined {
  /**
   * @param {import("./view.js").View & {scratch: HTMLCanvasElement}} view whose `state` says `refined`, `scratch` holds the model's
   * picture, and `model.refiner` names who refines, or nobody
   * @param {{asked: () => string, point: () => ArrayLike<number> | null, show: (picture: CanvasImageSource) => any,
   *   told: (words: string) => any}} given
   * `asked`: the picture on screen as a query, `point`: its place in the model's space, where the page knows it, `show`: puts a
   * picture there, `told`: says how long it took
   */
  constructor(view, { asked, point, show, told }) {
    this.view = view;
    this.asked = asked;
    this.point = point;
    this.show = show;
    this.told = told;
    this.sharp = document.createElement("canvas");
    this.mixed = document.createElement("canvas");
    this.of = ""; // the query whose picture `sharp` holds
  }

  get isOn() {
    return !!(this.view.model?.refiner && this.view.state.refined);
  }

  /** Whether the sharp picture of a query is on screen: nothing less sharp need be shown for it. @param {string} query */
  holds(query) {
    return this.isOn && this.of === query;
  }

  /** @param {number} [began] the event that made another picture needed */
  soon(began) {
    this.of = "";
    this._moved = began;
    clearTimeout(this._timer);
    if (this.isOn) this._timer = setTimeout(() => this._refine(began), REST);
  }

  /** Nothing is sharpened until the next move. */
  stop() {
    clearTimeout(this._timer);
    this.of = "";
    this._moved = NaN;
  }

  /** @param {number} [began] */
  async _refine(began) {
    const query = this.asked(), answer = await this._here() ?? await this._there(query);
    if (!answer || this._moved !== began || query !== this.asked() || !this.isOn) return; // somebody moved on
    pictureCanvas(answer.pixels, this.view.model.image_shape, this.sharp);
    this.of = query;
    this._fade(query, performance.now());
    if (began !== undefined) performance.measure("event-to-sharp", { start: began, end: performance.now() });
    this.view.root.dataset.sharp = query;
    this.told(`· sharp in ${Math.round(answer.ms)} ms`);
  }

  /** The picture at the point, sharp, by this browser; null where it cannot. */
  async _here() {
    const { model: { refiner }, state: { model, label, noise_seed } } = this.view, z = noise_seed ? null : this.point();
    return z && await decode(model, z, label, refiner);
  }

  /** ... by the server. @param {string} query */
  async _there(query) {
    const answer = await this.view.ask("refine", { query }, true);
    prepare(this.view.model.refiner); // what is to be seen first is sharp
    return answer && { pixels: bytesOf(answer.pictures[0]), ms: answer.ms };
  }

  /** @param {string} query @param {number} since */
  _fade(query, since) {
    if (this.of !== query) return;
    const part = still.matches ? 1 : Math.min(1, (performance.now() - since) / FADE);
    this.show(part < 1 ? this._mix(part) : this.sharp);
    if (part < 1) requestAnimationFrame(() => this._fade(query, since));
  }

  /** @param {number} part of the sharp picture */
  _mix(part) {
    const { view: { scratch }, mixed, sharp } = this, { width, height } = sharp;
    Object.assign(mixed, { width, height });
    const brush = /** @type {CanvasRenderingContext2D} */ (mixed.getContext("2d"));
    brush.drawImage(scratch, 0, 0);
    brush.globalAlpha = part;
    brush.drawImage(sharp, 0, 0);
    return mixed;
  }

  /**
   * Sharpens the frames of a strip, some at a time, as long as it shows what was asked for.
   * @param {import("./film_strip.js").FilmStrip} strip @param {string} query @param {() => boolean} isShown
   */
  async strip(strip, query, isShown) {
    if (!this.isOn || strip.frames.length > LONGEST) return;
    for (let first = 0; first < strip.frames.length; first += TOGETHER) {
      const answer = isShown() && this.view.isSeen && await this.view.ask("refine", { query, first, count: TOGETHER }, true);
      if (!answer || !isShown()) return;
      answer.pictures.forEach((/** @type {string} */ pixels, /** @type {number} */ i) => strip.replace(first + i, pixels));
    }
  }
}
