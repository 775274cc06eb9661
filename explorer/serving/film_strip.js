// @ts-check
// A strip of frames, each a button that goes to where it was made, and playing them.
import { bytesOf, pictureCanvas } from "./pictures.js";
import { still } from "./view.js";

const FRAME = 120, SLOW = 600; // milliseconds that a frame is shown, and for those who asked for less motion

export class FilmStrip {
  /** @param {import("./view.js").View} view @param {string} place selects what holds the frames */
  constructor(view, place) {
    this.view = view;
    this.place = view.find(place);
    /** @type {string[]} raw pixels in base64 */
    this.frames = [];
    /** @type {any} */
    this._timer = null;
  }

  /**
   * @param {string[]} frames @param {(index: number) => string} title what the button of a frame says
   * @param {(index: number) => any} chosen
   */
  fill(frames, title, chosen) {
    this.frames = frames;
    this.place.replaceChildren(...frames.map((frame, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.title = title(i);
      button.setAttribute("aria-label", button.title);
      button.append(pictureCanvas(bytesOf(frame), this.view.model.image_shape));
      button.onclick = () => chosen(i);
      return button;
    }));
  }

  /** Another picture in a frame's place. @param {number} i @param {string} pixels raw, in base64 */
  replace(i, pixels) {
    const canvas = this.place.children[i]?.querySelector("canvas");
    if (!canvas) return;
    this.frames[i] = pixels;
    pictureCanvas(bytesOf(pixels), this.view.model.image_shape, canvas);
  }

  /** Marks the frames that are on screen. @param {(index: number) => boolean} isShown */
  mark(isShown) {
    [...this.place.children].forEach((button, i) => button.classList.toggle("lx-now", isShown(i)));
  }

  get isPlaying() {
    return this._timer !== null;
  }

  /**
   * Shows one frame after the other until `stop()`; calls `over` when nobody looks any more, and for those who asked for less
   * motion after one round.
   * @param {(index: number) => any} show @param {() => any} over
   */
  play(show, over) {
    let shown = 0;
    this._button("Stop");
    this._timer = setInterval(() => {
      if (!this.frames.length || !this.view.isSeen || still.matches && shown >= this.frames.length) return over();
      const at = shown++ % this.frames.length;
      show(at);
      this.mark(i => i === at);
    }, still.matches ? SLOW : FRAME);
  }

  stop() {
    if (!this.isPlaying) return;
    clearInterval(this._timer);
    this._timer = null;
    this._button("Play");
  }

  /** @param {string} words */
  _button(words) {
    this.view.find("[data-do=play]").textContent = words;
  }
}
