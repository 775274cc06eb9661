// @ts-check
// A visitor's photo: framed by the server, corrected by hand. It stays in this page; the server sees it only while it encodes.
import { Camera } from "../../serving/camera.js";
import { CropSquare, shrunk } from "../../serving/crop.js";
import { listenToDrops, listenToPicker } from "../../serving/drawing_pad.js";
import { bytesOf, loadImage, pictureCanvas, showSmooth } from "../../serving/pictures.js";
import { valueText } from "../../serving/state.js";
import { newest } from "../../serving/view.js";

const SHARE = "The link will contain the code of this face: whoever has the link sees the face that this model decodes from it. "
  + "Share it?";
const LOST = "The model keeps what it has seen often: fine skin, background and jewellery go.";

/** @param {any} answer @param {any} crop the one that was asked for, if somebody moved it */
function framedWords(answer, crop) {
  if (answer.problem) return "Drag the square over the face: eyes at the two marks.";
  return answer.note || (crop ? "" : "The face was found; drag the square to correct it.");
}

/** @param {any} answer */
function lostWords({ lost, ssim }) {
  const kept = `structure kept ${Math.round(100 * ssim)} % (SSIM)`;
  return `Lost on the way: error ${(100 * lost).toFixed(0)} % (root mean square), ${kept}. ${LOST}`;
}

export class Photo {
  /** @param {import("./view.js").FacesView} view */
  constructor(view) {
    this.view = view;
    /** @type {any} `url`, `image` if the browser can read it; once encoded `width`, `height`, `crop` and `z` */
    this.given = null;
    /** @type {Promise<any> | undefined} undo waits for the face that belongs to the square */
    this.corrected = undefined;
    this.frame = newest(crop => this._frame(crop));
    this.camera = new Camera(view, url => this.use(url));
    this.square = new CropSquare(view.find(".lx-crop"), crop => { this.corrected = this.frame(crop); });
    const say = (/** @type {string} */ text) => view.say(text), use = (/** @type {string} */ url) => this.use(url);
    listenToPicker(view.find(".lx-input [type=file]"), say, use);
    listenToDrops(view.find(".lx-input"), say, use);
  }

  /** Large photos are made smaller here already; what the browser cannot read goes to the server as it is. @param {string} url */
  async use(url) {
    let image = null;
    try {
      image = shrunk(await loadImage(url));
    } catch { /* a kind that only the server reads, such as TIFF */ }
    const { view, square } = this, before = { given: this.given, shared: view.shared };
    this.camera.stop();
    square.photo = null; // the one before is not moved any more
    const given = this.given = { url: image ? image.toDataURL("image/jpeg", 0.92) : url, image, crop: null, z: null };
    view.shared = false;
    view.find(".lx-photo").hidden = false;
    await this.frame(null);
    if (given.z || this.given !== given) return;
    if (!before.given) return this.forget();
    this.given = before.given; // a file that is none leaves the photo that is there
    view.shared = before.shared;
    square.show(this.given);
  }

  /** @param {any} crop as it was moved by hand; null: the server finds the face */
  async _frame(crop) {
    const { view, given } = this;
    if (!given) return;
    const answer = await view.ask("encode_photo", { model: view.state.model, picture: given.url, crop });
    if (given !== this.given) return; // it was removed, or another one was chosen
    if (!answer) return;
    const { z, width, height, seen, reconstruction } = answer;
    view.own.set(valueText(z), answer.crop);
    Object.assign(given, { crop: crop ? given.crop : answer.crop, z, width, height, seen, reconstruction });
    view.say(answer.problem ?? "");
    this._show(answer, crop);
    view.setFace({ z });
    if (crop) view.settleSoon(); else view.settle(); // corrections that follow each other are one step, the photo is its own
  }

  /** @param {any} answer @param {any} crop */
  _show(answer, crop) {
    const { view } = this, shape = view.model.image_shape;
    view.find(".lx-crop-words").textContent = framedWords(answer, crop);
    view.find(".lx-lost").textContent = lostWords(answer);
    view.find("[data-do=share]").hidden = view.shared;
    showSmooth(view.find(".lx-seen"), pictureCanvas(bytesOf(answer.seen), shape));
    showSmooth(view.find(".lx-rebuilt"), pictureCanvas(bytesOf(answer.reconstruction), shape));
    this.square.show(this.given);
  }

  /** The square as it was when the photo gave this code. @param {number[]} z @param {any} crop */
  restore(z, crop) {
    Object.assign(this.given, { z, crop });
    if (this.given.width) this.square.show(this.given);
  }

  forget() {
    if (!this.given && !this.camera.isOn) return;
    this.camera.stop();
    this.given = null;
    this.view.shared = false;
    this.view.find(".lx-photo").hidden = true;
    this.square.clear();
  }

  share() {
    const { view } = this;
    if (!this.given || !confirm(SHARE)) return;
    view.shared = true;
    view.find("[data-do=share]").hidden = true;
    view.writeAddress();
    view.copyLink();
  }
}
