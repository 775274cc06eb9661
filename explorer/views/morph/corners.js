// @ts-check
// The corners of a morph: their pictures, with buttons for others.
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

/**
 * @param {string} place @param {number} i @param {string} pixels raw, in base64 @param {any} model
 * @param {(i: number, place: string) => any} change
 */
function figureOf(place, i, pixels, model, change) {
  const figure = document.createElement("figure"), picture = pictureCanvas(bytesOf(pixels), model.image_shape), letter = LETTERS[i];
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `picture ${letter}`);
  figure.innerHTML = `<figcaption><b>${letter}</b> <small>${whence(place)}</small></figcaption><div class="lx-buttons">
    <button type="button" aria-label="another random picture as ${letter}">Dice</button>
    <button type="button" ${model.gallery ? "" : "hidden"} aria-label="the gallery's next face as ${letter}">Next</button></div>`;
  figure.prepend(picture);
  const [dice, onwards] = figure.querySelectorAll("button");
  dice.onclick = () => change(i, String(randomSeed()));
  onwards.onclick = () => change(i, next(place, model.gallery));
  return figure;
}

/**
 * @param {HTMLElement} box @param {string[]} places @param {string[]} pictures @param {any} model
 * @param {(i: number, place: string) => any} change
 */
export function fillCorners(box, places, pictures, model, change) {
  box.replaceChildren(...places.map((place, i) => figureOf(place, i, pictures[i], model, change)));
}

/** Made more by the gallery's next or by seeds, or fewer. @param {string[]} places @param {number} count @param {number} gallery */
export function resized(places, count, gallery) {
  const more = Array.from({ length: count }, (_, i) => gallery ? `g${i % gallery}` : String(i));
  return [...places, ...more.slice(places.length)].slice(0, count);
}
