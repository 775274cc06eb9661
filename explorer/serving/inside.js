// @ts-check
// A network from within: each stage as a few of its channels in small maps, with its name, shape and parameters. A view says what
// goes in and lays the stages out; this file paints them. Dark is 0, warm is above it, cold below.
import { bytesOf } from "./pictures.js";

/**
 * @typedef {{words: string, formula: string, shape: string, parameters: number, scale: number, count: number, of: number,
 *   map: boolean, tiles: string, height: number, width: number}} Stage as `explorer/views/inside.py` tells it
 */

const some = (/** @type {number} */ shown, /** @type {number} */ of) => shown < of ? `${shown} of ${of}` : `${of}`;
export const WORDS = {
  channels: (/** @type {number} */ shown, /** @type {number} */ of) => `${some(shown, of)} channel${of === 1 ? "" : "s"}`,
  units: (/** @type {number} */ shown, /** @type {number} */ of) => `${some(shown, of)} numbers`,
  parameters: (/** @type {number} */ count) => count ? `${count.toLocaleString("en")} parameters` : "no parameters",
  scale: "colours: 0 is dark, above it warm, below it cold; the brightest is the largest of its layer",
};

const TILE = 28; // pixels of a canvas that a map takes, or a whole fraction of as many
const GAP = 2;

/** @type {[number, number, number][][]} from 0 outwards: above it, below it */
const RAMPS = [[[11, 14, 20], [122, 48, 12], [234, 137, 24], [255, 214, 102], [255, 248, 225]],
  [[11, 14, 20], [22, 50, 140], [62, 118, 235], [130, 200, 252], [228, 246, 255]]];

/** The colours of the bytes: 128 is 0. */
const COLOURS = Uint8ClampedArray.from(Array.from({ length: 256 }, (_, byte) => {
  const value = Math.min(1, Math.abs(byte - 128) / 127) ** 0.75, ramp = RAMPS[byte < 128 ? 1 : 0]; // faint ones are seen too
  const at = Math.min(ramp.length - 2, Math.floor(value * (ramp.length - 1))), part = value * (ramp.length - 1) - at;
  return [0, 1, 2].map(i => ramp[at][i] + part * (ramp[at + 1][i] - ramp[at][i]));
}).flat());

/**
 * The maps of a stage in so many columns.
 * @param {HTMLCanvasElement} canvas @param {Stage} stage @param {number} [columns]
 */
export function paintStage(canvas, { tiles, count, map, height, width }, columns) {
  const bytes = bytesOf(tiles), maps = map ? count : 1;
  const across = Math.min(maps, columns ?? Math.ceil(Math.sqrt(maps))), down = Math.ceil(maps / across);
  const times = Math.max(1, Math.round(TILE * (map ? 1 : 4) / Math.max(height, width)));
  const [w, h] = [width * times, height * times];
  canvas.width = across * (w + GAP) - GAP;
  canvas.height = down * (h + GAP) - GAP;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), image = context.createImageData(w, h);
  for (let k = 0; k < maps; k++) {
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const byte = bytes[(k * height + Math.floor(y / times)) * width + Math.floor(x / times)], at = 4 * (y * w + x);
        for (let i = 0; i < 3; i++) image.data[at + i] = COLOURS[3 * byte + i];
        image.data[at + 3] = 255;
      }
    context.putImageData(image, k % across * (w + GAP), Math.floor(k / across) * (h + GAP));
  }
}

/** Stages as figures in a box; figures of the same layers stay, so that only their pictures change. */
export class Stages {
  /** @param {HTMLElement} box @param {number} [columns] of maps in a figure, else as many as rows */
  constructor(box, columns) {
    this.box = box;
    this.columns = columns;
    this._words = "";
  }

  /** @param {Stage[]} stages */
  show(stages) {
    const words = JSON.stringify(stages.map(({ words, shape }) => [words, shape]));
    if (words !== this._words) this.box.replaceChildren(...stages.map(figureOf));
    this._words = words;
    [...this.box.querySelectorAll("canvas")].forEach((canvas, i) => paintStage(canvas, stages[i], this.columns));
  }
}

/** @param {Stage} stage */
function figureOf({ words, formula, shape, parameters, count, of, map }) {
  const figure = document.createElement("figure"), caption = document.createElement("figcaption");
  const canvas = document.createElement("canvas"), shown = (map ? WORDS.channels : WORDS.units)(count, of);
  figure.className = "lx-stage-of";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${words}: ${shape}, ${shown}`);
  const size = `${shown} · ${WORDS.parameters(parameters)}`;
  for (const [name, text] of [["b", words], ["i", formula], ["span", shape], ["small", size]].filter(([, said]) => said)) {
    const part = caption.appendChild(document.createElement(name));
    part.textContent = text.replaceAll(" × ", "\u00a0×\u00a0"); // unbroken
    part.translate = name !== "i";
  }
  figure.append(canvas, caption);
  return figure;
}
