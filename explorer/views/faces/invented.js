// @ts-check
// What was lost, what the VAE says, what the refiner invented: three pictures under a fold.
import { bytesOf, pictureCanvas, showSmooth } from "../../serving/pictures.js";
import { newest } from "../../serving/view.js";

const REST = 500; // milliseconds
const LOUDER = 3; // times: differences are faint

/** Where one picture differs from another, about grey. @param {Uint8Array} one @param {Uint8Array} other */
const difference = (one, other) => Uint8Array.from(one, (value, i) =>
  Math.max(0, Math.min(255, 128 + LOUDER * (value - other[i]))));

export class Invented {
  /** @param {import("./view.js").FacesView} view */
  constructor(view) {
    this.view = view;
    this.fold = view.find(".lx-invented");
    this._draw = newest(() => this._ask());
    this.fold.addEventListener("toggle", () => this.soon());
  }

  soon() {
    clearTimeout(this._timer);
    if (this.fold.open) this._timer = setTimeout(() => this._draw(), REST);
  }

  async _ask() {
    const { view, fold } = this, { model, photo } = view;
    if (!model.refiner) return;
    const answer = await view.ask("invented", view.forServer({ along: undefined, pair: undefined, refined: true }), true);
    if (!answer) return;
    const [said, refined, like, again] = answer.pictures.map(bytesOf), own = photo.given?.seen && view.isOwnFace;
    const lost = own ? difference(bytesOf(photo.given.seen), bytesOf(photo.given.reconstruction)) : difference(like, again);
    [lost, said, difference(refined, said)].forEach((pixels, i) =>
      showSmooth(fold.querySelectorAll("canvas")[i], pictureCanvas(pixels, model.image_shape)));
    fold.querySelector("[data-lost]").textContent = own ? "(of your photo)" : "(no photograph: of another refined face)";
  }
}
