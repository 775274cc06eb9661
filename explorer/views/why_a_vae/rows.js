// @ts-check
// The rows of pictures: the same garments, and what each model makes of them.
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { escaped } from "../../serving/view.js";
import { percent } from "./charts.js";

/**
 * A row as an element, from what `family_rows` answers.
 * @param {any} row @param {{title: (i: number) => string, press: (i: number) => any}} [buttons] if its pictures are to be pressed
 */
export function rowOf(row, buttons) {
  const figure = document.createElement("figure"), cells = document.createElement("div");
  figure.className = "lx-of";
  figure.innerHTML = `<figcaption><b>${escaped(row.title)}</b> <small>${escaped(row.words)}</small></figcaption>`;
  figure.append(cells);
  if (row.error) {
    cells.textContent = row.error;
    return figure;
  }
  figure.style.setProperty("--count", row.pictures.length);
  cells.append(...row.pictures.map((/** @type {string} */ _, /** @type {number} */ i) => cellOf(row, i, buttons)));
  cells.setAttribute("role", buttons ? "group" : "img");
  cells.setAttribute("aria-label", row.title);
  return figure;
}

/** @param {any} row @param {number} i @param {{title: (i: number) => string, press: (i: number) => any}} [buttons] */
function cellOf(row, i, buttons) {
  const cell = document.createElement(buttons ? "button" : "span"), picture = pictureCanvas(bytesOf(row.pictures[i]), row.shape);
  if (row.shape[2] === 1) picture.className = "lx-sharp";
  cell.append(picture);
  if (buttons) Object.assign(cell, { type: "button", title: buttons.title(i), onclick: () => buttons.press(i) });
  if (row.verdicts) cell.append(verdictOf(row.verdicts[i]));
  return cell;
}

/** @param {number} verdict */
function verdictOf(verdict) {
  const words = document.createElement("small");
  words.title = "the discriminator's probability that it is real";
  words.textContent = `${percent(verdict)} real`;
  return words;
}

/** The sum among its neighbours, three by three. @param {any} row @param {{woman: number, glasses: number}} seen by the judge */
export function sumOf(row, seen) {
  const figure = rowOf(row), [caption, cells] = figure.children;
  figure.classList.add("lx-nine");
  figure.style.setProperty("--count", "3");
  cells.children[4].className = "lx-total";
  caption.insertAdjacentHTML("beforeend", `<small>in the middle; the judge sees a woman to ${percent(seen.woman)}, `
    + `glasses to ${percent(seen.glasses)}</small>`);
  return figure;
}
