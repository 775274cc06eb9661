// @ts-check
// What the diffusion view shows of a run: its lanes, one column or row of pictures each, and the scrubber through their steps.
import { bytesOf, pictureCanvas, showPicture, showSmooth } from "../../serving/pictures.js";
import { escaped } from "../../serving/view.js";

/**
 * Grey pictures are enlarged in sharp squares, coloured ones smoothly.
 * @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} picture @param {number[]} shape
 */
export const paint = (canvas, picture, shape) => (shape[2] === 1 ? showPicture : showSmooth)(canvas, picture);

// A lane of one picture shows what the network sees beside what it makes of it, and all steps of both as films.
const BOTH = [
  ["x_t, what the network sees", "x<sub>t</sub>, what the network sees"],
  ["x̂₀, what it takes the picture to be", "x̂₀, the picture it expects"],
];
const FILM = `<div class="lx-film" aria-hidden="true"></div>`;

/** @param {string} label @param {string} [caption] HTML */
function figureOf(label, caption) {
  const figure = document.createElement("figure");
  figure.innerHTML = `<canvas class="lx-big" width="256" height="256" role="img"></canvas>`;
  figure.firstElementChild?.setAttribute("aria-label", label);
  if (caption) figure.insertAdjacentHTML("beforeend", `<figcaption>${caption}</figcaption>`);
  return figure;
}

class Lane {
  /**
   * @param {{title: string, steps: number, count: number}} about @param {number[]} shape of a picture
   * @param {boolean} single whether it is of one picture, with films
   */
  constructor(about, shape, single) {
    this.about = about;
    this.shape = shape;
    this.single = single;
    /** @type {any[]} what the server told of each step, with `pictures`, and `noisy` where there are films */
    this.steps = [];
    this.root = document.createElement("section");
    this.root.className = "lx-lane";
    this.root.setAttribute("aria-label", about.title);
    this.root.style.setProperty("--side", String(Math.ceil(Math.sqrt(about.count)))); // as large as they can be
    this.root.innerHTML = `<h3>${escaped(about.title)} <span class="lx-lane-words"></span></h3><div class="lx-shown"></div>`
      + (single ? `<div class="lx-films">${FILM}${FILM}</div>` : "");
    const each = Array.from({ length: about.count }, (_, i) => figureOf(`picture ${i + 1}`));
    this.root.querySelector(".lx-shown")?.append(...(single ? BOTH.map(([label, caption]) => figureOf(label, caption)) : each));
    this.canvases = [...this.root.querySelectorAll("canvas")];
    this.films = [...this.root.querySelectorAll(".lx-film")];
  }

  /** @param {any} event */
  add(event) {
    if (!event.x_0) return;
    const picture = bytes => pictureCanvas(bytesOf(bytes), this.shape);
    const step = { ...event, pictures: event.x_0.map(picture), noisy: event.x_t && picture(event.x_t) };
    this.steps.push(step);
    this.films.forEach((film, i) => {
      const thumb = this._shownOf(step)[i];
      thumb.dataset.step = String(this.steps.length - 1);
      film.append(thumb);
      film.scrollLeft = film.scrollWidth;
    });
  }

  /** Shows a step, or the last there is; returns it. @param {number} index */
  show(index) {
    const at = Math.min(index, this.steps.length - 1), step = this.steps[at];
    if (!step) return null;
    this._shownOf(step).forEach((picture, i) => paint(this.canvases[i], picture, this.shape));
    for (const film of this.films) [...film.children].forEach((thumb, i) => thumb.classList.toggle("lx-now", i === at));
    this.root.querySelector(".lx-lane-words").textContent = `${step.step + 1} of ${this.about.steps}`;
    return step;
  }

  /** @param {any} step @returns {HTMLCanvasElement[]} */
  _shownOf(step) {
    return this.single ? [step.noisy, step.pictures[0]] : step.pictures;
  }
}

export class Stage {
  /**
   * @param {any} root what holds the lanes @param {any} scrubber
   * @param {(step: any) => any} mark called with the step that is shown
   */
  constructor(root, scrubber, mark) {
    this.root = root;
    this.scrubber = scrubber;
    this.mark = mark;
    /** @type {Lane[]} */
    this.lanes = [];
  }

  /** The index of the last step there is. */
  get last() {
    return Math.max(0, ...this.lanes.map(lane => lane.steps.length - 1));
  }

  /** The index of the step that is shown. */
  get at() {
    return +this.scrubber.value;
  }

  /** @param {any[]} lanes as the server tells them @param {string} mode @param {number[]} shape @param {boolean} single */
  begin(lanes, mode, shape, single) {
    this.lanes = lanes.map(lane => new Lane(lane, shape, single));
    this.root.dataset.mode = mode;
    this.root.replaceChildren(...this.lanes.map(lane => lane.root));
    this.scrubber.max = Math.max(...lanes.map(lane => lane.kept)) - 1;
  }

  /** @param {any} event of a run, with the index of its lane */
  add(event) {
    this.lanes[event.lane].add(event);
  }

  /** A step of the first lane. @param {number} index */
  step(index) {
    return this.lanes[0]?.steps[index];
  }

  /** @param {number} index */
  show(index) {
    this.scrubber.value = index;
    const shown = this.lanes.map(lane => lane.show(index)).find(step => step); // the first lane leads, once it has a step
    if (shown) this.mark(shown);
  }

  /** Shows the step nearest to a diffusion time. @param {number} time */
  showTime(time) {
    const far = this.lanes[0].steps.map(step => Math.abs(step.time - time));
    this.show(Math.max(0, far.indexOf(Math.min(...far))));
  }
}
