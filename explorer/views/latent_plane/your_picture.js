// @ts-check
// Your picture: what the encoder makes of what is drawn or opened, where on the page that was found, and its ellipse on the plane.
import { CropSquare, shrunk } from "../../serving/crop.js";
import { DrawingPad } from "../../serving/drawing_pad.js";
import { bytesOf, loadImage, pictureCanvas, showPicture } from "../../serving/pictures.js";
import { newest, short } from "../../serving/view.js";

const MOST_EXTENT = 900;
const LARGE = 1600; // pixels of a side: a larger picture is made smaller before it is sent
const MOST_PIXELS = 40e6; // of more the server says that they are too many
const ROUNDING = 1e-4; // of a point in a link
const FOUND = "What is dimmed was thrown away; move the square if something else is meant.";

/** A veil over all that is not kept. @param {any} page as `encode_picture` says */
function dimmed({ kept, kept_width, kept_height }) {
  const canvas = document.createElement("canvas"), bytes = bytesOf(kept);
  [canvas.width, canvas.height] = [kept_width, kept_height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const veil = context.createImageData(kept_width, kept_height);
  for (let i = 0; i < bytes.length; i++) veil.data.set([136, 145, 165, bytes[i] ? 0 : 150], 4 * i);
  context.putImageData(veil, 0, 0);
  return canvas;
}

export class YourPicture {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this._clears = 0;
    /** @type {any} the photo that was opened: `url`, `image` if the browser can read it, and what `_showPage` puts there */
    this.opened = null;
    /** @type {any} what the server answered last, as long as the model is the same */
    this.encoded = null;
    this.encode = newest((/** @type {string} */ url, /** @type {any} */ how) => this._encode(url, how));
    this.pad = new DrawingPad(view, ".lx-input", url => this.encode(url, {}), url => this._open(url));
    this.square = new CropSquare(view.find(".lx-page canvas"), crop => this._within(crop),
      { face: false, tapped: (x, y) => this._choose(x, y) });
  }

  /** Large photos are made smaller here already; what the browser cannot read goes to the server as it is. @param {string} url */
  async _open(url) {
    let image = null;
    try {
      image = await loadImage(url);
    } catch { /* a kind that only the server reads, such as TIFF */ }
    const [width, height] = [image?.naturalWidth ?? 0, image?.naturalHeight ?? 0];
    if (Math.max(width, height) > LARGE && width * height <= MOST_PIXELS) {
      image = shrunk(image);
      url = image.toDataURL("image/jpeg", 0.92);
    }
    await this.encode(url, { opened: true, image });
  }

  /** @param {any} square what is read instead of what was found */
  _within({ x, y, side }) {
    if (this.opened) this.encode(this.opened.url, { square: { x, y, side } });
  }

  /** The thing at a place of the picture, if one is there. @param {number} x @param {number} y */
  _choose(x, y) {
    const at = this.opened?.boxes.findIndex((/** @type {number[]} */ [left, top, width, height]) =>
      x >= left && x <= left + width && y >= top && y <= top + height);
    if (at >= 0) this._take(at);
  }

  /** The things one after the other. */
  another() {
    if (this.opened) this._take((this.opened.taken + 1) % this.opened.boxes.length);
  }

  /** @param {number} at */
  _take(at) {
    const [left, top, width, height] = this.opened.boxes[at];
    this.opened.taken = at;
    this.square.correct({ x: left + width / 2, y: top + height / 2, side: 1.2 * Math.max(width, height) });
  }

  clear() {
    this._clears++; // what is still being encoded is not wanted any more
    this.pad.clear();
    this.opened = null;
    this.square.photo = null;
    this.view.find(".lx-page").hidden = true;
    this.forget();
    this.view.plane.draw();
  }

  /** What the encoder was shown, base64 of its pixels, if the point is still where it put it. @param {number[]} z */
  pixelsAt(z) {
    const { z: found, seen } = this.encoded ?? { z: [] };
    return found.length === z.length && z.every((value, i) => Math.abs(value - found[i]) < ROUNDING) ? seen : null;
  }

  /** What a model made of it. */
  forget() {
    this.encoded = null;
    this.view.plane.ellipse = null;
    this.view.find(".lx-encoded").hidden = true;
  }

  /**
   * @param {string} picture as a data URL
   * @param {{opened?: boolean, image?: any, square?: any}} how a file that was `opened`, not drawn on the pad, or a `square` of it
   */
  async _encode(picture, { opened, image, square }) {
    const { view } = this, { plane } = view, model = view.model.name, before = this._clears;
    const halfDrawn = this.pad.drawing; // which is no mistake
    const answer = await view.ask("encode_picture", { model, picture, square }, halfDrawn);
    if (!answer || model !== view.model.name || before !== this._clears) return;
    view.say("");
    if (opened) await this._showOnPad(picture);
    if (opened) this.opened = answer.page && !answer.page.plain ? { url: picture, image, taken: 0 } : null;
    if (opened || square) this._showPage(answer.page);
    else view.find(".lx-page").hidden = true; // it was drawn upon
    this.encoded = answer;
    this._showAnswer(answer);
    plane.ellipse = answer.sigma && { z: answer.z, sigma: answer.sigma };
    const outside = plane._toScreen(...plane._toPlane(answer.z)).some((/** @type {number} */ at) => at < 0 || at > plane.side);
    view.setPoint(answer.z);
    if (outside) this._widen();
    plane.draw();
    view.settleSoon();
  }

  /** Where it was found, and dimmed what was thrown away. @param {any} page */
  _showPage(page) {
    const { view, opened } = this, last = opened?.crop;
    view.find(".lx-page").hidden = !opened;
    if (!opened) return;
    const { width, height, things, square } = page;
    const boxes = opened.boxes ?? things; // in the order in which they were offered first
    Object.assign(opened, { width, height, boxes, crop: this.square.photo ? last : square, dimmed: dimmed(page) });
    this.square.show(opened);
    view.find("[data-do=another]").hidden = boxes.length < 2;
    view.find(".lx-page-words").textContent = boxes.length < 2 ? FOUND
      : `${boxes.length} things are on this page: touch the one that is meant, or move the square.`;
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
