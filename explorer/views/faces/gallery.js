// @ts-check
// The gallery: decoded encodings to choose a face from, sorted by what the judge sees in them.
import { loadImage } from "../../serving/pictures.js";
import { still } from "../../serving/view.js";
import { othersOf, spoken } from "./names.js";

const FEW = 3; // faces; an attribute that no more of them have is no choice of its own

export class Gallery {
  /**
   * @param {import("./view.js").FacesView} view
   * @param {(face: number, side: "more" | "less" | "") => any} chosen to be shown, or for a handful
   */
  constructor(view, chosen) {
    this.view = view;
    this.chosen = chosen;
    /** @type {any} the model's `name`, `image`: all faces in one, `having`: attribute -> indices */
    this.loaded = null;
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
    for (const button of this.view.all(".lx-faces-grid button"))
      for (const [side, name] of [["more", "lx-like"], ["less", "lx-unlike"]])
        button.classList.toggle(name, !!this.view.state[side]?.includes(`g${button.dataset.face}`));
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
    const wanted = select.value, without = wanted.startsWith("!"), having = new Set(this.loaded.having[wanted.replace("!", "")]);
    const faces = Array.from({ length: view.model.gallery }, (_, i) => i);
    const shown = faces.filter(i => !wanted || having.has(i) !== without);
    view.find(".lx-faces-grid").replaceChildren(...shown.map(i => this._button(i)));
    view.sayWhence();
    this.markHandfuls();
  }

  /** Marks the face on screen. @param {number} [face] */
  mark(face) {
    for (const button of this.view.all(".lx-faces-grid button")) button.classList.toggle("lx-now", +button.dataset.face === face);
  }

  /** @param {any} select */
  _fill(select) {
    const { model } = this.view;
    select.append(new Option("all", ""));
    for (const name of model.six) {
      select.append(new Option(spoken(name), name), new Option(`without ${spoken(name)}`, `!${name}`));
    }
    const others = othersOf(model).filter(name => this.loaded.having[name].length > FEW);
    select.append(...others.map(name => new Option(spoken(name), name)));
    select.onchange = () => this.build();
  }

  /** @param {number} face */
  _button(face) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.face = String(face);
    button.title = `face ${face}`;
    button.setAttribute("aria-label", `face ${face} of the gallery`);
    button.append(this._picture(face));
    button.onclick = () => this.chosen(face, this.view.find("[data-click]").value);
    return button;
  }

  /** @param {number} face */
  _picture(face) {
    const { image_shape: [height, width], gallery_columns: columns } = this.view.model;
    const canvas = document.createElement("canvas"), left = face % columns * width, top = Math.floor(face / columns) * height;
    Object.assign(canvas, { width, height });
    canvas.getContext("2d")?.drawImage(this.loaded.image, left, top, width, height, 0, 0, width, height);
    return canvas;
  }
}
