// @ts-check
// What the views of the page without a server share: how a link's values are read, files that were written beforehand, pictures by
// the browser's decoder.
import { decode, decodesHere, prepare } from "../../serving/decoder.js";
import { appUrl } from "../../serving/link.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { quantised } from "../../serving/state.js";

export const NEEDS_APP = "needs the app (python app.py): this page has no server";
const AT_ONCE = 8; // pictures of a sheet, between which a drag comes
const PATIENCE = 60_000, LOOK = 50; // milliseconds for a decoder to come, and between looks

/** @typedef {Record<string, any>} State */

/** @param {string} text @param {number} low @param {number} high */
export function one(text, low, high) {
  const value = text.trim() ? Number(text) : NaN;
  if (!(value >= low && value <= high)) throw new Error(`must be a number from ${low} to ${high}`);
  return quantised(value);
}

/** @param {string} text @param {number} low @param {number} high */
export function whole(text, low, high) {
  const value = one(text, low, high);
  if (!Number.isInteger(value)) throw new Error("must be a whole number");
  return value;
}

/** @param {string} text @param {number} count @param {number} [low] @param {number} [high] */
export function numbers(text, count, low = -1000, high = 1000) {
  const parts = text.split(",");
  if (parts.length !== count) throw new Error(`must be ${count} numbers`);
  return parts.map(part => one(part, low, high));
}

/** @param {number[]} pair */
export function different(pair) {
  if (pair[0] === pair[1] || !pair.every(Number.isInteger)) throw new Error("must be two different whole numbers");
  return pair;
}

/** @param {string} text @param {string[]} choices */
export function word(text, ...choices) {
  if (!choices.includes(text)) throw new Error(`must be one of ${choices.join(", ")} here`);
  return text;
}

/** @param {string} text */
export function flag(text) {
  return word(text, "0", "1") === "1";
}

/** @param {Uint8Array} bytes */
export function packed(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 1e4) text += String.fromCharCode(...bytes.subarray(i, i + 1e4));
  return btoa(text);
}

/** @type {Map<string, Promise<any>>} */
const fetched = new Map();

/** A file of this folder, read once. @param {string} name @returns {Promise<any>} */
export function file(name) {
  const found = fetched.get(name) ?? fetch(appUrl(`lx/static/${name}.json`)).then(response => response.json());
  fetched.set(name, found);
  found.catch(() => fetched.delete(name)); // it may come another time
  return found;
}

/** @param {string} model @returns {Promise<void>} */
async function decoder(model) {
  for (const until = performance.now() + PATIENCE; !decodesHere(model) && performance.now() < until;) {
    await prepare(model);
    if (!decodesHere(model)) await new Promise(resolve => setTimeout(resolve, LOOK));
  }
}

/** Pictures at points, raw, painted out by a `refiner`.
 * @param {State} state @param {ArrayLike<number>} z @param {string} [refiner] */
export async function pictures(state, z, refiner) {
  await Promise.all([state.model, ...(refiner ? [refiner] : [])].map(decoder));
  const answer = await decode(state.model, z, state.label, refiner);
  if (!answer) throw new Error("This browser cannot decode: it has no WebAssembly or no workers.");
  return answer;
}

/**
 * What `read` makes of the keys that are told, key by key; of what it cannot, `problems` say why.
 * @param {Record<string, string>} told @param {Record<string, (text: string, d: number) => any>} read
 * @param {Set<string>} ignored @param {number} d @param {string[]} problems
 */
export function readState(told, read, ignored, d, problems) {
  /** @type {State} */
  const state = {};
  for (const [key, text] of Object.entries(told)) {
    try {
      if (read[key]) state[key] = read[key](text, d);
      else if (!ignored.has(key)) throw new Error(NEEDS_APP);
    } catch (error) {
      problems.push(`${key} ${/** @type {Error} */ (error).message}`);
    }
  }
  return state;
}

/**
 * Pictures at points, some at a time, so that a drag comes between; painted out by a `refiner`.
 * @param {State} state @param {ArrayLike<number>[]} points @param {string} [refiner]
 */
export async function frames(state, points, refiner) {
  /** @type {Uint8Array[]} */
  const found = [];
  for (let first = 0; first < points.length; first += AT_ONCE) {
    const few = points.slice(first, first + AT_ONCE);
    const { pixels } = await pictures(state, few.flatMap(point => Array.from(point)), refiner), size = pixels.length / few.length;
    found.push(...few.map((_, i) => pixels.subarray(i * size, (i + 1) * size)));
  }
  return found;
}

/**
 * What `refine` answers: pictures at some of the points, painted out.
 * @param {State} state @param {ArrayLike<number>[]} points @param {{first?: number, count?: number}} some @param {string} refiner
 */
export async function painted(state, points, { first = 0, count = 1 }, refiner) {
  const began = performance.now(), found = await frames(state, points.slice(first, first + count), refiner);
  return { pictures: found.map(packed), ms: performance.now() - began };
}

/** The noise of a refiner that was written with it. @param {string} text */
export function noise(text) {
  const found = whole(text, 0, 2 ** 32 - 1);
  if (found) throw new Error(`other than 0 ${NEEDS_APP}`);
  return found;
}

/**
 * Pictures in n columns as one, a data URL.
 * @param {Uint8Array[]} images @param {number[]} shape of each @param {number} n @param {number} [times] as large as they are
 */
export function sheet(images, shape, n, times = 1) {
  const [height, width] = shape, canvas = document.createElement("canvas");
  Object.assign(canvas, { width: n * width * times, height: Math.ceil(images.length / n) * height * times });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.imageSmoothingEnabled = false;
  images.forEach((image, i) => brush.drawImage(pictureCanvas(image, shape),
    i % n * width * times, Math.floor(i / n) * height * times, width * times, height * times));
  return canvas.toDataURL("image/jpeg", 0.88);
}

/** A place as in a link, as its point. @param {any} place @param {{seeds: string, gallery: string}} places @param {number} d */
export function pointAt(place, places, d) {
  if (Array.isArray(place)) return Float32Array.from(place);
  const [kept, i] = place.startsWith("g") ? [places.gallery, +place.slice(1)] : [places.seeds, +place];
  return new Float32Array(bytesOf(kept).buffer, 4 * d * i, d);
}

/**
 * Places with ; between; `open`: one may be left out.
 * @param {string} text @param {number} d @param {number} gallery how many pictures it has @param {boolean} [open]
 */
export function placesOf(text, d, gallery, open = false) {
  return text.split(";").map(part => {
    if (open && !part) return part;
    if (part.includes(",")) return numbers(part, d);
    if (part.startsWith("g")) return `g${whole(part.slice(1), 0, gallery - 1)}`;
    return String(seed(part));
  });
}

/** A seed of those whose points were written beforehand. @param {string} text */
export function seed(text) {
  const most = Number(document.documentElement.dataset.seeds);
  const found = whole(text, 0, 2 ** 32 - 1);
  if (found >= most) throw new Error(`from ${most} on ${NEEDS_APP}`);
  return found;
}

/**
 * Answers as the app's server gives them: what goes wrong is told, and what `lacking` names needs it.
 * @param {Record<string, (request: any) => Promise<any>>} answers @param {string[]} lacking
 */
export function answered(answers, lacking) {
  const all = { ...answers, ...Object.fromEntries(lacking.map(name => [name, async () => ({ error: `This ${NEEDS_APP}.` })])) };
  return Object.fromEntries(Object.entries(all).map(([name, answer]) => [name, async (/** @type {any} */ request) => {
    try {
      return await answer(request);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      return { error: error instanceof TypeError ? `A file of this page did not come (${message}). Is there a network?` : message };
    }
  }]));
}
