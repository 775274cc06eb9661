// @ts-check
// A pad to draw on and a file to open: what "Your picture" and the bench of "Why a VAE?" share.

const MOST_BYTES = 25e6;

/** @typedef {(words: string) => any} Say @typedef {(url: string) => any} TakesUrl */

/**
 * As a data URL; null, and it was said why, if it is too large.
 * @param {File | undefined} file @param {Say} say @returns {Promise<string | null>}
 */
export async function readFile(file, say) {
  if (!file) return null;
  if (file.size > MOST_BYTES) {
    say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most 25 MB can be read.`);
    return null;
  }
  return new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(/** @type {string} */ (reader.result));
    reader.readAsDataURL(file);
  });
}

/**
 * Calls `opened(url)` for a file chosen with a view's picker, by key too.
 * @param {any} picker @param {Say} say @param {TakesUrl} opened
 */
export function listenToPicker(picker, say, opened) {
  picker.onchange = async () => {
    const [file] = picker.files;
    const url = await readFile(file, say);
    picker.value = "";
    if (url) opened(url);
  };
  picker.parentElement.onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    picker.click();
    event.preventDefault();
  };
}

/**
 * Calls `opened(url)` for a file dropped on a place and, if it `pastes`, for a picture that is pasted while its picker is seen.
 * @param {any} place with its picker in it @param {Say} say @param {TakesUrl} opened
 */
export function listenToDrops(place, say, opened, pastes = true) {
  const take = async (/** @type {File | undefined} */ file) => {
    const url = await readFile(file, say);
    if (url) opened(url);
  };
  place.ondragover = (/** @type {DragEvent} */ event) => event.preventDefault();
  place.ondrop = (/** @type {any} */ event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  };
  const button = place.querySelector("[type=file]").parentElement;
  button.title ||= pastes ? "Or drop a picture here, or paste one (Ctrl+V)" : "Or drop a picture here";
  if (!pastes) return;
  document.addEventListener("paste", event => {
    const file = [...event.clipboardData?.files ?? []].find(({ type }) => type.startsWith("image/"));
    if (!file || !button.checkVisibility()) return;
    event.preventDefault();
    take(file);
  });
}

/**
 * What lies behind a picture where it is transparent, as the server reads it: what sets off the thing that was cut out.
 * @param {HTMLImageElement | HTMLCanvasElement} image
 */
function groundOf(image) {
  const small = document.createElement("canvas"), side = 64;
  small.width = small.height = side;
  const ink = /** @type {CanvasRenderingContext2D} */ (small.getContext("2d"));
  ink.drawImage(image, 0, 0, side, side);
  const { data } = ink.getImageData(0, 0, side, side);
  let light = 0, count = 0;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] < 128) continue;
    light += 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    count++;
  }
  return light > 127.5 * count ? "#000" : "#fff";
}

export class DrawingPad {
  /**
   * @param {import("./view.js").View} view @param {string} place the selector of what holds pad and picker
   * @param {(url: string) => any} drawn at each move and at the end of a stroke
   * @param {(url: string) => any} opened for a file that was chosen or dropped there
   */
  constructor(view, place, drawn, opened) {
    const canvas = view.find(`${place} .lx-pad canvas`), say = (/** @type {string} */ text) => view.say(text);
    this.ink = canvas.getContext("2d");
    this.hint = view.find(`${place} .lx-hint`);
    this.side = canvas.width;
    /** @type {number[] | null} where the stroke under way has come to */
    this.stroke = null;
    const url = () => canvas.toDataURL("image/png");
    canvas.onpointerdown = (/** @type {PointerEvent} */ event) => {
      if (!event.isPrimary) return;
      canvas.setPointerCapture(event.pointerId);
      this.stroke = null;
      this._drawTo(canvas, event);
      event.preventDefault();
    };
    canvas.onpointermove = (/** @type {PointerEvent} */ event) => {
      if (!this.stroke || !event.isPrimary) return;
      this._drawTo(canvas, event);
      drawn(url());
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      if (!this.stroke) return;
      this.stroke = null;
      drawn(url());
    };
    listenToPicker(view.find(`${place} [type=file]`), say, opened);
    listenToDrops(view.find(place), say, opened);
  }

  get drawing() {
    return !!this.stroke;
  }

  clear() {
    this.ink.fillStyle = "#000";
    this.ink.fillRect(0, 0, this.side, this.side);
    this.hint.hidden = false;
    this.stroke = null;
  }

  /**
   * An image in the middle of the pad; the first stroke wipes an `example` away, and goes on drawing on anything else.
   * @param {HTMLImageElement | HTMLCanvasElement} image @param {string} [ground] where it is transparent, if not as `groundOf` says
   */
  show(image, example = false, ground = example ? "#000" : groundOf(image)) {
    this.clear();
    this.hint.hidden = !example;
    const scale = Math.min(this.side / image.width, this.side / image.height), [w, h] = [image.width * scale, image.height * scale];
    this.ink.imageSmoothingEnabled = !example;
    this.ink.fillStyle = ground;
    this.ink.fillRect((this.side - w) / 2, (this.side - h) / 2, w, h);
    this.ink.drawImage(image, (this.side - w) / 2, (this.side - h) / 2, w, h);
  }

  /** @param {HTMLCanvasElement} canvas @param {PointerEvent} event */
  _drawTo(canvas, event) {
    const box = canvas.getBoundingClientRect();
    const at = [(event.clientX - box.left) / box.width * this.side, (event.clientY - box.top) / box.height * this.side];
    if (!this.hint.hidden) this.clear();
    this.hint.hidden = true;
    this.ink.strokeStyle = "#fff";
    this.ink.lineCap = this.ink.lineJoin = "round";
    this.ink.lineWidth = 0.08 * this.side;
    this.ink.beginPath();
    this.ink.moveTo(...(this.stroke || at));
    this.ink.lineTo(...at);
    this.ink.stroke();
    this.stroke = at;
  }
}
