// @ts-check
// A - B + C of three faces: the one on screen, or ones of the gallery.
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { valueText } from "../../serving/state.js";
import { newest } from "../../serving/view.js";
import { amountsOf, seenIn } from "./names.js";

const LETTERS = ["A", "B", "C"], SIGNS = ["−", "+", "="], EMPTY = ["", "", ""];

/** A place as in a link, by the keys of a face. @param {string} place */
function keysOf(place) {
  if (place.includes(",")) return { z: place };
  return place.startsWith("g") ? { face: place.slice(1) } : { seed: place };
}

/** @param {string} text */
const sign = text => Object.assign(document.createElement("span"), { textContent: text });

/** @template Thing @param {Thing[]} list */
const anyOf = list => list[Math.floor(Math.random() * list.length)];

export class Sum {
  /** @param {import("./view.js").FacesView} view whose `state.corners` are the three as in a link, "" where none is chosen yet */
  constructor(view) {
    this.view = view;
    /** @type {any} the server's answer for all three */
    this.summed = null;
    this.draw = newest(() => this._draw());
  }

  async _draw() {
    const { view } = this, { model } = view, slots = view.state.corners || [];
    const whole = slots.filter(Boolean).length === 3;
    if (whole) {
      const asked = view.text({ what: "strip", model: view.state.model, corners: slots });
      const answer = await view.ask("face_strip", asked);
      if (!answer) return;
      this.summed = answer;
    } else this.summed = null;
    const judged = this.summed?.judged[3] ?? []; // nothing where there is no judge
    view.find(".lx-sum-words").textContent = judged.length ? `The judge sees in the sum: ${seenIn(model, judged)}.` : "";
    view.find("[data-do=use-sum]").disabled = view.find("[data-save^=sum]").disabled = !whole;
    const pictures = (whole && await this._refined()) || this.summed?.frames
      || await Promise.all(slots.map((/** @type {string} */ place) => this._pictureOf(place)));
    const terms = LETTERS.flatMap((letter, i) => [this._figure(letter, pictures[i], () => this._set(i)), sign(SIGNS[i])]);
    view.find(".lx-terms").replaceChildren(...terms, this._figure("A − B + C", pictures[3]));
  }

  /** All four painted out; null where that is not wished, or did not work. @returns {Promise<string[] | null>} */
  async _refined() {
    const { view } = this, { refined, noise_seed, model } = view.state;
    if (!view.refined.isOn) return null;
    const query = view.text({ what: "strip", model, corners: view.state.corners, refined, noise_seed });
    return (await view.ask("refine", { query, count: 4 }, true))?.pictures ?? null;
  }

  /** @param {string} place @returns {Promise<string | null>} its raw pixels */
  async _pictureOf(place) {
    if (!place) return null;
    const { view } = this, asked = view.text({ model: view.state.model, ...keysOf(place) });
    return (await view.ask("decode_face", asked, true))?.pixels ?? null;
  }

  /** @param {string} name @param {string | null} pixels @param {() => any} [choose] makes it the face on screen */
  _figure(name, pixels, choose) {
    const figure = document.createElement("figure"), words = document.createElement("figcaption");
    const canvas = pixels ? pictureCanvas(bytesOf(pixels), this.view.model.image_shape) : document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", pixels ? `face ${name}` : `face ${name}, not chosen yet`);
    figure.classList.toggle("lx-empty", !pixels);
    words.textContent = name;
    figure.append(canvas, words);
    if (!choose) return figure;
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: `${name} = this face`, onclick: choose });
    figure.append(button);
    return figure;
  }

  /** @param {number} i */
  async _set(i) {
    const { view } = this, mine = view.isOwnFace || view.handfuls.moves, place = await view.placed();
    if (!place) return;
    if (mine && !view.own.has(place)) view.own.set(place, null);
    const corners = (view.state.corners || EMPTY).slice();
    corners[i] = place;
    this.choose(corners);
  }

  /** @param {string[]} corners */
  choose(corners) {
    this.view.state.corners = corners;
    this.draw();
    this.view.settle();
  }

  /** A man with glasses, a man without and a woman without, of the gallery: three whose sum is known to be what it is called. */
  async example() {
    const { view } = this, { sums } = view.model;
    if (sums.length) return this.choose(anyOf(sums).map((/** @type {number} */ face) => `g${face}`));
    const gallery = await view.gallery.load();
    if (!gallery) return;
    const male = new Set(gallery.having.Male), glasses = new Set(gallery.having.Eyeglasses);
    const faces = Array.from({ length: view.model.gallery }, (_, i) => i);
    const three = [[true, true], [true, false], [false, false]].map(([isMale, hasGlasses]) =>
      faces.filter(i => male.has(i) === isMale && glasses.has(i) === hasGlasses));
    if (three.some(list => !list.length)) return view.say("The gallery has no such faces. Choose three yourself.");
    this.choose(three.map(list => `g${anyOf(list)}`));
  }

  /** The sum becomes the face. */
  use() {
    if (!this.summed) return;
    const { view } = this, { z } = this.summed;
    if (view.isOwnSum) view.own.set(valueText(z), null); else view.photo.forget();
    view.state.attributes = amountsOf();
    view.setFace({ z }, performance.now());
    view.syncSoon();
    view.settle();
  }
}
