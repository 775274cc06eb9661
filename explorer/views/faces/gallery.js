// @ts-check
// The gallery: decoded encodings to choose a face from, sorted by what the judge sees in them.
import { loadImage } from "../../serving/pictures.js";
import { newest, still } from "../../serving/view.js";
import { othersOf, spoken } from "./names.js";

const RANDOM = "*"; // the choice of faces that are no encodings
const WORDS = "decoded encodings, no photographs; sorted by the judge, not by anybody's labels";
const WORDS_RANDOM = "drawn from the model’s prior: nobody’s";
const FEW = 3; // faces; an attribute that no more of them have is no choice of its own

export class Gallery {
  /**
   * @param {import("./view.js").FacesView} view
   * @param {(place: {face: number} | {seed: number}, side: "more" | "less" | "") => any} chosen to be shown, or for a handful
   */
  constructor(view, chosen) {
    this.view = view;
    this.chosen = chosen;
    /** @type {any} the model's `name`, `image`: all faces in one, `having`: attribute -> indices */
    this.loaded = null;
    this.first = 0; // seed of the random faces
    this.drawn = 0; // ... how many there are
    this._drawRandom = newest(() => this._random());
    const truncation = view.find("[data-truncation]");
    truncation.oninput = () => this._truncate(+truncation.value);
    truncation.onchange = () => view.settle();
  }

  /** @param {number} truncation */
  _truncate(truncation) {
    const { view } = this;
    view.state.truncation = truncation;
    this.sync();
    this._drawRandom();
    if (view.state.seed !== undefined) view.refresh(performance.now());
  }

  async toggle() {
    const box = this.view.find(".lx-gallery"), button = this.view.find("[data-do=gallery]");
    box.hidden = !box.hidden;
    button.setAttribute("aria-expanded", String(!box.hidden));
    if (box.hidden) return;
    await this.build();
    box.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
  }

  /** Opens it for a handful. */
  async gather() {
    const click = this.view.find("[data-click]");
    click.value ||= "more";
    const box = this.view.find(".lx-gallery");
    if (box.hidden) await this.toggle(); else box.scrollIntoView({ block: "nearest" });
  }

  /** Marks the faces of both handfuls. */
  markHandfuls() {
    for (const button of this.view.all(".lx-faces-grid button")) {
      const place = button.dataset.place.replace("face:", "g").replace("seed:", "");
      for (const [side, name] of [["more", "lx-like"], ["less", "lx-unlike"]])
        button.classList.toggle(name, !!this.view.state[side]?.includes(place));
    }
  }

  /** The gallery of the state's model; null, and it was said why, if there is no answer. */
  async load() {
    const name = this.view.state.model;
    if (this.loaded?.name === name) return this.loaded;
    const answer = await this.view.ask("face_gallery", name);
    if (!answer) return null;
    this.loaded = { name, image: await loadImage(answer.url), having: answer.having };
    return this.loaded;
  }

  async build() {
    if (!await this.load()) return;
    const { view } = this, select = view.find("[data-gallery]");
    if (!select.options.length) this._fill(select);
    const random = select.value === RANDOM;
    view.find(".lx-draws").hidden = !random;
    view.find(".lx-gallery-words").textContent = random ? WORDS_RANDOM : WORDS;
    if (random) return this._drawRandom();
    const wanted = select.value, without = wanted.startsWith("!"), having = new Set(this.loaded.having[wanted.replace("!", "")]);
    const faces = Array.from({ length: view.model.gallery }, (_, i) => i);
    const shown = faces.filter(i => !wanted || having.has(i) !== without);
    this._show(shown.map(i => this._button(i, `face ${i} of the gallery`, { face: i }, this.loaded.image)));
    this.markHandfuls();
  }

  /** Faces of the prior, of one seed after the other. */
  async _random() {
    const { view, first } = this, { model, truncation = 1 } = view.state;
    const asked = view.text({ model, seed: first, truncation: truncation < 1 ? truncation : undefined });
    const answer = await view.ask("face_draws", asked);
    if (!answer) return;
    const image = await loadImage(answer.url);
    if (view.find("[data-gallery]").value !== RANDOM) return;
    this._show(Array.from({ length: answer.count }, (_, i) => this._button(i, `seed ${first + i}`, { seed: first + i }, image)));
    this.drawn = answer.count;
  }

  others() {
    this.first += this.drawn;
    this._drawRandom();
  }

  /** Shows the state's truncation. */
  sync() {
    const { truncation = 1 } = this.view.state, control = this.view.find("[data-truncation]");
    control.value = truncation;
    control.nextElementSibling.textContent = truncation.toFixed(2);
  }

  /** @param {HTMLButtonElement[]} buttons */
  _show(buttons) {
    this.view.find(".lx-faces-grid").replaceChildren(...buttons);
    this.view.sayWhence();
  }

  /** Marks the face on screen. */
  mark() {
    const { face, seed } = this.view.state, here = face !== undefined ? `face:${face}` : seed !== undefined ? `seed:${seed}` : "";
    for (const button of this.view.all(".lx-faces-grid button")) button.classList.toggle("lx-now", button.dataset.place === here);
  }

  /** @param {any} select */
  _fill(select) {
    const { model } = this.view;
    select.append(new Option("all", ""), new Option("random ones, by seed", RANDOM));
    for (const name of model.six) {
      select.append(new Option(spoken(name), name), new Option(`without ${spoken(name)}`, `!${name}`));
    }
    const others = othersOf(model).filter(name => this.loaded.having[name].length > FEW);
    select.append(...others.map(name => new Option(spoken(name), name)));
    select.onchange = () => this.build();
  }

  /**
   * @param {number} i where it stands in the image of all @param {string} title @param {{face: number} | {seed: number}} place
   * @param {HTMLImageElement} image
   */
  _button(i, title, place, image) {
    const button = document.createElement("button"), [[key, value]] = Object.entries(place);
    button.type = "button";
    button.dataset.place = `${key}:${value}`;
    if (key === "face") button.dataset.face = value;
    button.title = `${key} ${value}`;
    button.setAttribute("aria-label", title);
    button.append(this._picture(i, image));
    button.onclick = () => this.chosen(place, this.view.find("[data-click]").value);
    return button;
  }

  /** @param {number} i @param {HTMLImageElement} image */
  _picture(i, image) {
    const { image_shape: [height, width], gallery_columns: columns } = this.view.model;
    const canvas = document.createElement("canvas"), left = i % columns * width, top = Math.floor(i / columns) * height;
    Object.assign(canvas, { width, height });
    canvas.getContext("2d")?.drawImage(image, left, top, width, height, 0, 0, width, height);
    return canvas;
  }
}
