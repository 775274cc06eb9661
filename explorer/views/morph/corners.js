// @ts-check
// The corners of a morph and the stops on the way between two: their pictures, with buttons for others.
import { listenToDrops, listenToPicker } from "../../serving/drawing_pad.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { randomSeed } from "../../serving/view.js";

export const LETTERS = ["A", "B", "C", "D"];

/** A place as in a link, in words. @param {string} place */
function whence(place) {
  if (place.includes(",")) return "by its code";
  return place.startsWith("g") ? `gallery ${place.slice(1)}` : `seed ${place}`;
}

/** The gallery's next face, or any. @param {string} place @param {number} gallery how many it has */
function next(place, gallery) {
  return `g${place.startsWith("g") ? (+place.slice(1) + 1) % gallery : Math.floor(Math.random() * gallery)}`;
}

/** @param {string} words @param {string} name for who cannot see it @param {() => any} act */
function button(words, name, act) {
  const found = document.createElement("button");
  Object.assign(found, { type: "button", textContent: words, title: name, onclick: act });
  found.setAttribute("aria-label", name);
  return found;
}

/**
 * @param {import("./view.js").MorphView} view @param {string} name the corner's letter or the stop's number @param {string} place
 * @param {string} pixels raw, in base64 @param {(place: string) => any} put another one there
 */
function figureOf(view, name, place, pixels, put) {
  const { model } = view, figure = document.createElement("figure"), picture = pictureCanvas(bytesOf(pixels), model.image_shape);
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `picture ${name}`);
  figure.innerHTML = `<figcaption><b>${name}</b> <small>${whence(place)}</small></figcaption>
    <div class="lx-buttons"></div>`;
  figure.prepend(picture);
  const buttons = /** @type {HTMLElement} */ (figure.querySelector(".lx-buttons"));
  buttons.append(button("Dice", `another random picture as ${name}`, () => put(String(randomSeed()))));
  if (model.gallery) buttons.append(button("Next", `the gallery's next face as ${name}`, () => put(next(place, model.gallery))));
  if (!model.encodes) return figure;
  const label = document.createElement("label"), say = (/** @type {string} */ words) => view.say(words);
  label.className = "lx-button";
  label.tabIndex = 0;
  label.setAttribute("role", "button");
  label.setAttribute("aria-label", `a picture of yours as ${name}`);
  label.innerHTML = 'Yours<input type="file" accept="image/*" hidden>';
  const bring = (/** @type {string} */ url) => view.bring(url, put);
  listenToPicker(label.querySelector("input"), say, bring);
  buttons.append(label);
  listenToDrops(figure, say, bring, false); // which of the corners would be meant?
  return figure;
}

/**
 * A stop with buttons that move it and take it away.
 * @param {import("./view.js").MorphView} view @param {number} i @param {string} pixels
 */
function stopOf(view, i, pixels) {
  /** @type {string[]} */
  const via = view.state.via, name = String(i + 1), put = (/** @type {string} */ place) => view.setStops(via.with(i, place));
  const figure = figureOf(view, name, via[i], pixels, put), moves = document.createElement("div");
  const swapped = (/** @type {number} */ j) => view.setStops(via.with(i, via[j]).with(j, via[i]));
  const earlier = button("↑", `stop ${name} earlier`, () => swapped(i - 1));
  const later = button("↓", `stop ${name} later`, () => swapped(i + 1));
  earlier.disabled = i === 0;
  later.disabled = i === via.length - 1;
  figure.className = "lx-stop";
  moves.className = "lx-buttons";
  moves.append(earlier, later, button("×", `take stop ${name} out`, () => view.setStops(via.toSpliced(i, 1))));
  figure.append(moves);
  return figure;
}

/**
 * @param {import("./view.js").MorphView} view @param {string[]} pictures of the corners, with the stops between the two of a way
 */
export function fillCorners(view, pictures) {
  const { corners, via } = view.state, stops = corners.length === 2 ? via?.length ?? 0 : 0, last = pictures.length - 1;
  const figures = corners.map((/** @type {string} */ place, /** @type {number} */ i) =>
    figureOf(view, LETTERS[i], place, pictures[stops && i ? last : i], other => view.setCorner(i, other)));
  for (let i = stops - 1; i >= 0; i--) figures.splice(1, 0, stopOf(view, i, pictures[i + 1]));
  view.find(".lx-corners").replaceChildren(...figures);
}

/** Made more by the gallery's next or by seeds, or fewer. @param {string[]} places @param {number} count @param {number} gallery */
export function resized(places, count, gallery) {
  const more = Array.from({ length: count }, (_, i) => gallery ? `g${i % gallery}` : String(i));
  return [...places, ...more.slice(places.length)].slice(0, count);
}
