// @ts-check
// The walk from A to B: marks on the plane, a strip of frames, and playing it.
import { decode, decodesHere } from "../../serving/decoder.js";
import { interpolate, positions } from "../../serving/geometry.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { quantised } from "../../serving/state.js";
import { newest, still } from "../../serving/view.js";

const FRAME = 120, CALM_FRAME = 600; // milliseconds
const MOST_HERE = 32; // frames that the browser decodes while a mark is dragged

/** @typedef {{frames: Uint8Array[], z: number[][]}} Walked raw pixels, points */

export class Walk {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this.strip = view.find(".lx-strip");
    this.button = view.find("[data-do=play]");
    /** @type {Walked | null} */
    this.walked = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._playing = undefined;
    this.show = newest(() => this._show());
  }

  mark() {
    const { plane, state } = this.view;
    plane.marks = { ...(state.from && { A: state.from }), ...(state.to && { B: state.to }) };
    plane.draw();
  }

  // ---- its ends

  /** A mark was dragged. @param {string} name @param {boolean} done */
  moveMark(name, done) {
    const { view } = this;
    view.state[name === "A" ? "from" : "to"] = view.plane.marks[name];
    this.show();
    if (done) view.settle();
  }

  setStart() {
    this._setEnds({ from: this.view.state.z.slice() });
  }

  setEnd() {
    const { view } = this;
    if (!view.state.from) view.say("Now choose where the walk starts: another point, then “A here”.");
    this._setEnds({ to: view.state.z.slice() });
  }

  remove() {
    this._setEnds({ from: undefined, to: undefined });
  }

  /** @param {{from?: number[], to?: number[]}} ends */
  _setEnds(ends) {
    Object.assign(this.view.state, ends);
    this.mark();
    this.show();
    this.view.settle();
  }

  // ---- its frames

  async _show() {
    const { view } = this, { state } = view, whole = !!(state.from && state.to);
    view.find(".lx-walk-do").hidden = !whole;
    view.find(".lx-walk-hint").hidden = whole;
    if (!whole) return this._take(null);
    const walked = await this._decode() ?? await this._ask();
    if (walked && view.state.to) this._take(walked);
  }

  /** @returns {Promise<Walked | null>} */
  async _ask() {
    const { view } = this, answer = await view.ask("walk_frames", view.query({ what: "strip" }));
    return answer && { z: answer.z, frames: answer.frames.map(bytesOf) };
  }

  /** A short walk by this decoder; the server knows even steps and places on the way. @returns {Promise<Walked | null>} */
  async _decode() {
    const { model, from, to, kind, even, label, via, ...part } = this.view.state;
    if (even || via || part.frames > MOST_HERE || !decodesHere(model)) return null;
    const z = positions(part).map(t => Array.from(interpolate(from, to, t, kind), quantised));
    const answer = await decode(model, z.flat(), label);
    if (!answer) return null;
    const size = answer.pixels.length / z.length;
    return { z, frames: z.map((_, i) => answer.pixels.subarray(i * size, (i + 1) * size)) };
  }

  /** @param {Walked | null} walked */
  _take(walked) {
    this.walked = walked;
    this.view.plane.trail = walked?.z ?? [];
    this.mark();
    this.strip.replaceChildren(...(walked?.frames ?? []).map((_, i) => this._frame(i)));
  }

  /** @param {number} i */
  _frame(i) {
    const { view } = this, { frames, z } = /** @type {Walked} */ (this.walked);
    const button = document.createElement("button");
    button.type = "button";
    button.append(pictureCanvas(frames[i], view.model.image_shape));
    button.title = `${i + 1} of ${frames.length}: go to this point`;
    button.setAttribute("aria-label", button.title);
    button.onclick = () => view.goTo(z[i]);
    return button;
  }

  // ---- the film

  /** Plays it, or stops; when it ends, the point's own picture is back. */
  play() {
    const { view } = this;
    if (this._playing) return view.setPoint(view.state.z);
    let i = 0;
    this.button.textContent = "Stop";
    this._playing = setInterval(() => {
      const { walked } = this;
      if (!walked || !view.isSeen || still.matches && i >= walked.frames.length) return view.setPoint(view.state.z);
      this._showFrame(walked, i++ % walked.frames.length);
    }, still.matches ? CALM_FRAME : FRAME);
  }

  /** @param {Walked} walked @param {number} at */
  _showFrame(walked, at) {
    this.view.decoded.show(walked.frames[at]);
    [...this.strip.children].forEach((frame, i) => frame.classList.toggle("lx-now", i === at));
    this.view.plane.move(walked.z[at]);
  }

  stop() {
    clearInterval(this._playing);
    this._playing = undefined;
    this.button.textContent = "Play";
    this.strip.querySelector(".lx-now")?.classList.remove("lx-now");
  }
}
