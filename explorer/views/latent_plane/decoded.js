// @ts-check
// The picture at the point: one request in flight, the newest waits. Until this server's decoder is there, the nearest picture of
// the shipped sheet stands in, and says so.
import { bytesOf, pictureCanvas, showPicture, widthOf } from "../../serving/pictures.js";
import { numberText } from "../../serving/state.js";
import { newest, short } from "../../serving/view.js";

const MOST_MEASURES = 5000; // a lecture lasts for hours
const READABLE = 150; // milliseconds; faster than this nobody reads
const SPOKEN = 200; // ... after the last frame: a screen reader would never finish a word

/** @typedef {{model: string, n: number, center: number[], extent: number, image: HTMLImageElement}} Sheet of n x n pictures */

export class Decoded {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this.picture = view.find(".lx-picture");
    this.inset = view.find(".lx-inset");
    this.speed = view.find(".lx-speed");
    this.decoderIsThere = false;
    /** @type {Uint8Array | null} the last picture's */
    this.pixels = null;
    /** @type {Sheet | null} */
    this.sheet = null;
    this.decode = newest((/** @type {number | undefined} */ began) => this._decode(began));
    this._scratch = document.createElement("canvas");
    this._measured = 0;
    this._speedTold = 0;
  }

  /** @param {number | undefined} began */
  async _decode(began) {
    const { view } = this, { model, z } = view.state;
    const answer = await view.ask("decode_point", view.pointQuery(view.model, z));
    if (!answer || model !== view.state.model) return;
    this.pixels = bytesOf(answer.pixels);
    this.show(this.pixels);
    const shown = performance.now();
    if (began !== undefined) {
      if (++this._measured % MOST_MEASURES === 0) performance.clearMeasures("event-to-pixels");
      performance.measure("event-to-pixels", { start: began, end: shown });
    }
    this.decoderIsThere = true;
    view.root.dataset.ready = "yes";
    Object.assign(this.picture.dataset, { model, z: z.map(numberText).join(",") });
    this._tellSpeed(answer.ms, began === undefined ? null : shown - began);
    this._describe(answer);
  }

  /** @param {Uint8Array} pixels of the model's image shape */
  show(pixels) {
    pictureCanvas(pixels, this.view.model.image_shape, this._scratch);
    this._showScratch();
  }

  // On a phone the picture stands in a corner of the plane too, away from the point: the finger and the picture in one glance.
  _showScratch() {
    showPicture(this.picture, this._scratch);
    if (!widthOf(this.inset)) return; // not on a phone
    const { plane, state } = this.view, [x, y] = plane._toScreen(...plane._toPlane(state.z));
    this.inset.classList.toggle("lx-left", x > plane.side / 2 && y < plane.side / 2);
    showPicture(this.inset, this._scratch);
  }

  /** @param {number} [began] */
  showFromSheet(began) {
    const { state, root } = this.view, { sheet } = this;
    if (!sheet || sheet.model !== state.model || state.z.length !== 2) return;
    /** @param {number} axis @param {number} sign */
    const cell = (axis, sign) => {
      const along = (sign * (state.z[axis] - sheet.center[axis]) / sheet.extent + 1) / 2; // 0 to 1 on the sheet
      return Math.max(0, Math.min(sheet.n - 1, Math.floor(along * sheet.n)));
    };
    const side = sheet.image.width / sheet.n;
    this._scratch.width = this._scratch.height = side;
    this._scratch.getContext("2d")?.drawImage(sheet.image, cell(0, 1) * side, cell(1, -1) * side, side, side, 0, 0, side, side);
    this._showScratch();
    root.dataset.ready = "sheet";
    this.speed.textContent = "from the shipped sheet, the decoder is starting";
    this._speedTold = 0; // the next answer says at once that this is over
    if (began !== undefined) performance.measure("event-to-sheet", { start: began, end: performance.now() });
  }

  /** @param {number} ms the decoder's @param {number | null} toPixels from a move to its picture */
  _tellSpeed(ms, toPixels) {
    if (performance.now() - this._speedTold <= READABLE) return;
    this._speedTold = performance.now();
    this.speed.textContent = toPixels === null ? `decoded in ${ms.toFixed(1)} ms` : `${toPixels.toFixed(0)} ms`;
    this.speed.title = `decoder ${ms} ms` + (toPixels === null ? "" : `; from your move to the picture ${toPixels.toFixed(1)} ms`);
  }

  /** In words, for eyes and for screen readers. @param {{nearest: [label: number, count: number][], real?: number}} answer */
  _describe({ nearest, real }) {
    const { view } = this, { model } = view;
    const total = nearest.reduce((sum, [, count]) => sum + count, 0);
    const names = nearest.slice(0, 3).map(([label, count]) => `${model.classes[label]} (${count} of ${total})`).join(", ");
    clearTimeout(this._describing);
    this._describing = setTimeout(() => {
      const at = view.coordinates().map(([name, value]) => `${name} ${short(value)}`).join(", ");
      const verdict = real === undefined ? "" : `The discriminator: ${Math.round(100 * real)} % real`;
      view.find(".lx-near").textContent = names ? `Nearest encodings: ${names}` : verdict;
      view.plane.top.setAttribute("aria-label", `${model.title}. The plane; point at ${at}` +
        (names && `, nearest encodings ${names}`) + ". Arrow keys move the point, plus and minus zoom.");
      this.picture.setAttribute("aria-label", `The decoded picture at ${at}`);
    }, SPOKEN);
  }
}
