// @ts-check
// The bench of the chapter "Denoising": a picture, drawn or chosen, is corrupted and repaired while the slider moves.
import { DrawingPad } from "../../serving/drawing_pad.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { numberText } from "../../serving/state.js";
import { newest } from "../../serving/view.js";

const SHAPE = [28, 28, 1];
/** What is shown of an answer, each in its canvas: small ones, enlarged by CSS. */
const SHOWN = { noisy: ".lx-noisy-picture", repaired: ".lx-repaired", pca: ".lx-by-pca" };
const READABLE = 150; // milliseconds; faster than this nobody reads

export class Bench {
  /** @param {import("../../serving/view.js").View} view whose state says how a picture is corrupted */
  constructor(view) {
    this.view = view;
    /** @type {string | null} the picture's pixels as base64; none was there yet, or, "", the pad was cleared */
    this.own = null;
    /** Whether it is one of the garments that all are shown, by the state's `label`. */
    this.isExample = true;
    this.clears = 0;
    this.told = 0;
    /** Corrupts the picture and repairs it; `began`: when the hand moved that wants it. */
    this.repair = newest((/** @type {number | undefined} */ began = undefined) => this._repair(began));
    const frame = newest((/** @type {string} */ url, /** @type {number} */ began) => this._frame(url, began));
    this.pad = new DrawingPad(view, ".lx-bench", url => frame(url, performance.now()), url => this._open(url));
    this.pad.clear();
  }

  /** @param {string} picture pixels as base64 */
  take(picture, isExample = false) {
    this.own = picture;
    this.isExample = isExample;
    this.pad.show(pictureCanvas(bytesOf(picture), SHAPE), true);
    this.repair();
  }

  clear() {
    this.clears++; // what is still on its way is not wanted any more
    this.pad.clear();
    this.own = "";
    this.isExample = false;
    for (const place of Object.values(SHOWN)) this.view.find(place).getContext("2d").clearRect(0, 0, 28, 28);
  }

  /** @param {string} url a file's */
  async _open(url) {
    const answer = await this.view.ask("framed_garment", url);
    if (!answer) return;
    this.take(answer.pixels);
    this.view.say("");
  }

  /** @param {string} url the drawing's @param {number} began */
  async _frame(url, began) {
    const before = this.clears;
    const answer = await this.view.ask("framed_garment", url, this.pad.drawing); // half a stroke is no mistake
    if (!answer) return;
    this.view.say("");
    if (before !== this.clears) return;
    this.own = answer.pixels;
    this.isExample = false;
    this.repair(began);
  }

  /** @param {number} [began] */
  async _repair(began) {
    const { view, own } = this, { chapter, noise, amount, seed } = view.state;
    if (!own || chapter !== "denoising") return;
    const answer = await view.ask("repaired_picture", { noise, amount, seed, pixels: own });
    if (!answer || !this.own) return; // cleared meanwhile
    for (const [what, place] of Object.entries(SHOWN)) pictureCanvas(bytesOf(answer[what]), SHAPE, view.find(place));
    view.root.dataset.repaired = `${noise} ${numberText(amount)}`;
    if (began !== undefined) this._measure(began);
  }

  /** @param {number} began */
  _measure(began) {
    const shown = performance.now();
    performance.measure("event-to-pixels", { start: began, end: shown });
    if (shown - this.told < READABLE) return;
    this.told = shown;
    this.view.find(".lx-speed").textContent = `${(shown - began).toFixed(0)} ms`;
  }
}
