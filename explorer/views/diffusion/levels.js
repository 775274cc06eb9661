// @ts-check
// The U-Net as a picture: what each of its levels makes of the step that is shown, down on the left, up on the right, and what
// skips across between them.
import { Stages, WORDS as STAGES } from "../../serving/inside.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { newest } from "../../serving/view.js";
import { paint } from "./stage.js";

const WORDS = {
  seen: "x<sub>t</sub>, what the network sees", told: "ε̂, what of it is noise", skips: "skips across",
  at: (/** @type {number} */ step, /** @type {number} */ steps) => `step ${step + 1} of ${steps}`,
};
const ACROSS = 8; // maps beside each other

export class Levels {
  /** @param {any} view the diffusion view */
  constructor(view) {
    this.view = view;
    this.fold = view.find(".lx-levels");
    this.box = view.find(".lx-levels-body");
    /** @type {Stages[]} */
    this.rows = [];
    this.look = newest(() => this._look());
    this.fold.addEventListener("toggle", () => this._toggle());
  }

  /** As the state has it; a run of one picture is what can be looked into. */
  place() {
    this.fold.hidden = this.view.state.what !== "trajectory";
    this.fold.open = !!this.view.state.inside;
  }

  _toggle() {
    const { view } = this, open = this.fold.open;
    if (!view.model || open === !!view.state.inside) return;
    view.state.inside = open || undefined;
    view.settle();
    if (open) this.look();
  }

  async _look() {
    const { view } = this, { model } = view, step = view.stage.step(view.stage.at);
    if (!this.fold.open || this.fold.hidden || !step || view.runs.isUnderWay) return;
    const answer = await view.ask("look_at_levels", view.query({ time: step.time }));
    if (!answer || model !== view.model) return;
    if (this.rows.length !== answer.levels.length) this._build(answer.levels.length);
    this._show(answer);
    this.fold.dataset.shown = `${model.name} ${answer.step}`;
  }

  /** @param {number} count of levels, the lowest in the middle */
  _build(count) {
    const sides = (count - 1) / 2, row = (/** @type {string} */ name, between = "") => {
      const box = document.createElement("div");
      box.className = `lx-level ${name}`;
      box.innerHTML = `<div class="lx-stages"></div>${between}<div class="lx-stages"></div>`;
      return box;
    };
    const arrow = `<span aria-hidden="true">→<small>${WORDS.skips}</small></span>`;
    const ends = row("lx-ends", "<span></span>");
    ends.firstElementChild?.replaceWith(pictureFigure(WORDS.seen));
    ends.lastElementChild?.replaceWith(pictureFigure(WORDS.told));
    const pairs = Array.from({ length: sides }, () => row("", arrow)), lowest = row("lx-lowest");
    lowest.lastElementChild?.remove();
    [ends, ...pairs, lowest].forEach((box, i) => box.style.setProperty("--level", String(i)));
    this.box.replaceChildren(ends, ...pairs, lowest);
    const boxes = (/** @type {number} */ side) => pairs.map(pair => pair.querySelectorAll(".lx-stages")[side]);
    const order = [...boxes(0), lowest.firstElementChild, ...boxes(1).reverse()];
    this.rows = order.map(box => new Stages(/** @type {HTMLElement} */ (box), ACROSS));
  }

  /** @param {any} answer */
  _show({ levels, x_t, noise, step, steps }) {
    const { view } = this, shape = view.model.image_shape;
    [x_t, noise].forEach((pixels, i) =>
      paint(this.box.querySelectorAll(".lx-ends canvas")[i], pictureCanvas(bytesOf(pixels), shape), shape));
    levels.forEach((/** @type {any} */ level, /** @type {number} */ i) => this.rows[i].show([level]));
    view.find(".lx-levels-at").textContent = WORDS.at(step, steps);
    view.find(".lx-levels .lx-colours").textContent = STAGES.scale;
  }
}

/** @param {string} caption HTML */
function pictureFigure(caption) {
  const figure = document.createElement("figure");
  figure.className = "lx-stage-of";
  figure.innerHTML = `<canvas width="128" height="128" role="img"></canvas><figcaption><b>${caption}</b></figcaption>`;
  figure.querySelector("canvas")?.setAttribute("aria-label", figure.textContent ?? "");
  return figure;
}
