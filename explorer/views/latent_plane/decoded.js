// @ts-check
// The picture at the point: one request in flight, the newest waits. Until this server's decoder is there, the nearest picture of
// the shipped sheet stands in, and says so.
import { pictureCanvas, showPicture, widthOf } from "../../serving/pictures.js";
import { numberText } from "../../serving/state.js";
import { newest, short, speedText } from "../../serving/view.js";

const MOST_MEASURES = 5000; // a lecture lasts for hours
const READABLE = 150; // milliseconds; faster than this nobody reads
const SPOKEN = 200; // ... after the last frame: a screen reader would never finish a word

/** @typedef {{nearest?: [label: number, count: number][], real?: number, here?: boolean}} Facts */
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
    const answer = await view.pictureAt(view.model, z);
    if (!answer || model !== view.state.model) return;
    this.pixels = answer.pixels;
    this.show(this.pixels);
    const shown = performance.now();
    if (began !== undefined) {
      if (++this._measured % MOST_MEASURES === 0) performance.clearMeasures("event-to-pixels");
      performance.measure("event-to-pixels", { start: began, end: shown });
    }
    this.decoderIsThere = true;
    view.root.dataset.ready = "yes";
    Object.assign(this.picture.dataset, { model, z: z.map(numberText).join(",") });
    this._tellSpeed(answer, began === undefined ? undefined : shown - began);
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

  /** @param {{ms: number, here?: boolean}} answer `ms`: the decoder's @param {number} [toPixels] from a move to its picture */
  _tellSpeed(answer, toPixels) {
    if (performance.now() - this._speedTold <= READABLE) return;
    this._speedTold = performance.now();
    this.speed.textContent = speedText(answer, toPixels);
    const more = toPixels === undefined ? "" : `; from your move to the picture ${toPixels.toFixed(1)} ms`;
    this.speed.title = `decoder ${answer.ms.toFixed(2)} ms${more}`;
  }

  /** In words, for eyes and for screen readers, once the hand rests. @param {Facts} answer */
  _describe(answer) {
    clearTimeout(this._describing);
    const mine = this._describing = setTimeout(async () => {
      const { view } = this, { model } = view, { nearest = [], real } = await this._facts(answer);
      if (mine !== this._describing) return; // it moved on
      const total = nearest.reduce((sum, [, count]) => sum + count, 0);
      const told = view.quiz.covers ? [] : nearest.slice(0, 3);
      const names = told.map(([label, count]) => `${model.classes[label]} (${count} of ${total})`).join(", ");
      const at = view.coordinates().map(([name, value]) => `${name} ${short(value)}`).join(", ");
      const verdict = real === undefined ? "" : `The discriminator: ${Math.round(100 * real)} % real`;
      view.find(".lx-near").textContent = names ? `Nearest encodings: ${names}` : verdict;
      view.plane.top.setAttribute("aria-label", `${model.title}. The plane; point at ${at}` +
        (names && `, nearest encodings ${names}`) + ". Arrow keys move the point, plus and minus zoom.");
      this.picture.setAttribute("aria-label", `The decoded picture at ${at}`);
    }, SPOKEN);
  }

  /**
   * What the server tells of the point; of a picture that was decoded here from the page's points, or asked for now.
   * @param {Facts} answer @returns {Promise<Facts>}
   */
  async _facts(answer) {
    const { view } = this, { model, plane, state, props } = view;
    if (!answer.here) return answer;
    const nearest = model.encodings ? plane.nearest(state.z, props.neighbours) : null;
    if (nearest || !model.encodings && model.kind !== "gan") return { nearest: nearest ?? [] };
    return await view.ask("decode_point", view.pointQuery(model, state.z), true) ?? {};
  }
}
