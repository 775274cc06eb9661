// @ts-check
// The pictures of a run, side by side, and one of them large: which one, the scrubber says.
import { bytesOf, pictureCanvas, showSmooth } from "../../serving/pictures.js";
import { escaped } from "../../serving/view.js";

class Cell {
  /** @param {string} title @param {number} index among all */
  constructor(title, index) {
    this.title = title;
    /** @type {HTMLCanvasElement | null} */
    this.picture = null;
    /** @type {number | undefined} */
    this.time = undefined;
    this.root = document.createElement("figure");
    this.root.innerHTML = `<canvas width="128" height="128" role="img" data-cell="${index}"></canvas>`
      + `<figcaption>${escaped(title)}</figcaption>`;
    this.canvas = /** @type {HTMLCanvasElement} */ (this.root.firstElementChild);
    this.canvas.setAttribute("aria-label", title || `picture ${index + 1}`);
  }

  /** @param {string} bytes @param {number[]} shape */
  paint(bytes, shape) {
    this.picture = pictureCanvas(bytesOf(bytes), shape);
    showSmooth(this.canvas, this.picture);
  }
}

export class Cells {
  /** @param {import("../../serving/view.js").View} view @param {(index: number) => any} shown called with the one that is large */
  constructor(view, shown) {
    this.root = view.find(".lx-cells");
    this.large = view.find(".lx-big");
    this.caption = view.find(".lx-caption-of");
    this.scrubber = view.find("[data-scrub]");
    this.shown = shown;
    /** @type {Cell[]} */
    this.drawn = [];
    this.mode = ""; // in which they were drawn: the view may have turned to another since
  }

  /** The index of the picture that is large. */
  get at() {
    return Math.min(+this.scrubber.value, Math.max(0, this.drawn.length - 1));
  }

  get last() {
    return this.drawn.length - 1;
  }

  /** Whether any picture is there. */
  get isPainted() {
    return this.drawn.some(cell => cell.picture);
  }

  /** @param {string[]} titles of the pictures that are to come @param {string} mode @param {number} side how many stand in a row */
  begin(titles, mode, side) {
    this.drawn = titles.map((title, i) => new Cell(title, i));
    this.root.dataset.mode = this.mode = mode;
    this.root.style.setProperty("--side", side);
    this.root.replaceChildren(...this.drawn.map(cell => cell.root));
    this.scrubber.max = Math.max(0, this.last);
    this.scrubber.value = 0;
  }

  /** One more than was known of. @param {string} title @param {number} [time] how much noise there is */
  add(title, time) {
    const cell = new Cell(title, this.drawn.length);
    cell.time = time;
    this.drawn.push(cell);
    this.root.append(cell.root);
    this.scrubber.max = this.last;
  }

  /** @param {number} first the index of the first picture @param {string[]} pictures @param {number[]} shape */
  paint(first, pictures, shape) {
    pictures.forEach((bytes, i) => this.drawn[first + i].paint(bytes, shape));
  }

  /** @param {number} index */
  show(index) {
    const cell = this.drawn[index], title = cell?.title ?? "";
    this.scrubber.value = index;
    this.drawn.forEach((other, i) => other.canvas.classList.toggle("lx-now", i === index));
    if (cell?.picture) showSmooth(this.large, cell.picture);
    this.caption.textContent = title;
    this.scrubber.setAttribute("aria-valuetext", title);
    this.shown(index);
  }

  /** How much noise is in a step of one picture. @param {number} index */
  timeOf(index) {
    return this.drawn[index]?.time;
  }

  /** The number that a picture's title is. @param {number} index */
  numberOf(index) {
    return Number(this.drawn[index]?.title);
  }

  /** @param {number} index */
  titleOf(index) {
    return this.drawn[index]?.title ?? "";
  }

  /** @param {number} index */
  pictureOf(index) {
    return this.drawn[index]?.picture ?? null;
  }

  /** The index nearest to a number that each picture has. @param {number} wanted @param {(index: number) => number} numberOf */
  nearest(wanted, numberOf) {
    const far = this.drawn.map((_, i) => Math.abs(numberOf(i) - wanted));
    return Math.max(0, far.indexOf(Math.min(...far)));
  }

  /** Where on the way between the prompts a picture of a walk stands; its title says so. @param {number} index */
  placeOf(index) {
    const cell = this.mode === "strip" ? this.drawn[index] : undefined;
    return cell && Number(cell.title.slice("t ".length));
  }
}
