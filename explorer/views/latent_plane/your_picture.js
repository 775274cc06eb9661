// @ts-check
// Your picture: what the encoder makes of what is drawn or opened, and its ellipse on the plane.
import { DrawingPad } from "../../serving/drawing_pad.js";
import { bytesOf, loadImage, pictureCanvas, showPicture } from "../../serving/pictures.js";
import { newest, short } from "../../serving/view.js";

const MOST_EXTENT = 900;

export class YourPicture {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this._clears = 0;
    const encode = newest((/** @type {string} */ url, /** @type {boolean} */ opened) => this._encode(url, opened));
    this.pad = new DrawingPad(view, ".lx-input", url => encode(url, false), url => encode(url, true));
  }

  clear() {
    this._clears++; // what is still being encoded is not wanted any more
    this.pad.clear();
    this.forget();
    this.view.plane.draw();
  }

  /** What a model made of it. */
  forget() {
    this.view.plane.ellipse = null;
    this.view.find(".lx-encoded").hidden = true;
  }

  /** @param {string} picture as a data URL @param {boolean} opened a file, and not drawn on the pad */
  async _encode(picture, opened) {
    const { view } = this, { plane } = view, model = view.model.name, before = this._clears;
    const halfDrawn = this.pad.drawing; // which is no mistake
    const answer = await view.ask("encode_picture", { model, picture }, halfDrawn);
    if (!answer || model !== view.model.name || before !== this._clears) return;
    view.say("");
    if (opened) await this._showOnPad(picture);
    this._showAnswer(answer);
    plane.ellipse = answer.sigma && { z: answer.z, sigma: answer.sigma };
    const outside = plane._toScreen(...plane._toPlane(answer.z)).some((/** @type {number} */ at) => at < 0 || at > plane.side);
    view.setPoint(answer.z);
    if (outside) this._widen();
    plane.draw();
    view.settleSoon();
  }

  /** @param {any} answer */
  _showAnswer({ seen, reconstruction, z, sigma, samples, lost }) {
    const { view } = this, shape = view.model.image_shape;
    /** @param {string} pixels */
    const picture = pixels => pictureCanvas(bytesOf(pixels), shape);
    view.find(".lx-encoded").hidden = false;
    showPicture(view.find(".lx-seen"), picture(seen));
    showPicture(view.find(".lx-rebuilt"), picture(reconstruction));
    /** @param {number} i */
    const value = i => `z<sub>${i}</sub> = ${short(z[i])}` + (sigma ? ` ± ${sigma[i].toFixed(2)}` : "");
    view.find(".lx-code-values").innerHTML = view.state.axes.map(value).join(", ") +
      `<br><small>error of the reconstruction: ${(100 * lost).toFixed(0)} % (root mean square)</small>`;
    view.find(".lx-posterior").hidden = !sigma;
    view.find(".lx-samples").replaceChildren(...samples.map(picture));
  }

  // A window about the whole plane that has the point in it.
  _widen() {
    const { view } = this, { state } = view;
    state.scale = "z";
    const { center, extent } = view.whole(state);
    const far = Math.max(...view.coordinates().map(([, value], axis) => Math.abs(value - center[axis])));
    Object.assign(state, { center, extent: Math.min(MOST_EXTENT, Math.max(extent, 1.2 * far)) });
    view.layers.place();
    view.layers.refresh();
  }

  /** @param {string} url */
  async _showOnPad(url) {
    this.clear();
    try {
      this.pad.show(await loadImage(url), false, this.view.model.own ? "#fff" : undefined);
    } catch { /* a kind that the server reads and the browser does not, such as TIFF: the encoder's view beside it shows it */ }
  }
}
