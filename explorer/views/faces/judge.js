// @ts-check
// What a judge sees in the face, before its attributes and after; it took no part in finding the directions. Where the one that
// did says otherwise, that is told.
import { newest } from "../../serving/view.js";
import { bytesOf, pictureCanvas, showSmooth } from "../../serving/pictures.js";
import { seenIn, spoken } from "./names.js";

const REST = 180; // milliseconds that a slider rests before the judge is asked
const MOVED = 0.1; // a change of its probability that is told
const APART = 0.1; // of two judges' probabilities, told too

/** @param {number} part */
const percent = part => `${Math.round(100 * part)} %`;

export class Judge {
  /** @param {import("./view.js").FacesView} view */
  constructor(view) {
    this.view = view;
    /** @type {Uint8Array | null} pixels of the face before any slider */
    this.before = null;
    this._judge = newest(() => this._ask());
  }

  soon() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._judge(), REST);
  }

  async _ask() {
    const { view } = this, answer = await view.ask("judge_face", view.forServer());
    if (!answer) return;
    this.before = bytesOf(answer.pixels);
    showSmooth(view.find(".lx-before"), pictureCanvas(this.before, view.model.image_shape));
    if (!answer.after.length) return view.find(".lx-picture").setAttribute("aria-label", "The decoded picture");
    view.find(".lx-moved").textContent = [this._moved(answer), this._apart(answer)].filter(Boolean).join(" ");
    for (const row of view.all("[data-attribute]")) this._showBars(row, answer);
    const seen = seenIn(view.model, answer.after);
    view.find(".lx-picture").setAttribute("aria-label", `The decoded face; the judge sees: ${seen}`);
  }

  /** @param {any} row @param {any} answer */
  _showBars(row, { before, after }) {
    const name = row.dataset.attribute, i = this.view.model.attributes.indexOf(name), [was, is] = [before[i], after[i]];
    if (i < 0) return; // a visitor's own direction, of which no judge knows
    row.querySelector(".lx-bar-is").style.width = `${100 * is}%`;
    row.querySelector(".lx-bar-was").style.left = `${100 * was}%`;
    const words = row.querySelector(".lx-judged");
    words.textContent = percent(is);
    words.title = `The judge sees ${spoken(name)} with ${percent(is)}; before the sliders ${percent(was)}`;
  }

  /** What else changed, largest first, in words. @param {any} answer */
  _moved({ before, after }) {
    const { state } = this.view, pushed = Object.keys(state.attributes);
    if (!pushed.length) return "";
    /** @type {string[]} */
    const names = this.view.model.attributes;
    const moved = names.map((name, i) => ({ name, by: after[i] - before[i] }))
      .filter(({ name, by }) => !pushed.includes(name) && Math.abs(by) >= MOVED)
      .sort((a, b) => Math.abs(b.by) - Math.abs(a.by)).slice(0, 5);
    if (!moved.length) return "Nothing else moved by 10 % or more, says the judge.";
    const words = moved.map(({ name, by }) => `${spoken(name)} ${by > 0 ? "+" : "−"}${percent(Math.abs(by))}`);
    return `Moved along: ${words.join(", ")}.`;
  }

  /** Of what was pushed, where the two judges disagree, in words. @param {any} answer */
  _apart({ after, learned_against: against }) {
    const { model, state } = this.view;
    const words = Object.keys(against.length ? state.attributes : {}).map(name => ({ name, i: model.attributes.indexOf(name) }))
      .filter(({ i }) => i >= 0 && Math.abs(after[i] - against[i]) > APART)
      .map(({ name, i }) => `${spoken(name)} ${percent(after[i])}, and ${percent(against[i])} for the judge `
        + "that it was learned against");
    return words.length ? `The judges disagree: ${words.join("; ")}.` : "";
  }
}
