// @ts-check
// Decoding in the visitor's own browser: `decode(model, z)` answers with the pictures, or with null wherever that cannot be (yet);
// then the server is asked, as `View.picture` does. Nothing is loaded before `prepare(model)`, which waits until the page is idle;
// models and runtime then stay in the browser's cache. The work is done in a worker, so that the page goes on meanwhile.
import { appUrl } from "./link.js";

const SILENCE = 20_000; // milliseconds without a picture after which the worker is taken for dead
const NEVER_IDLE = 3000; // ... after which a page that is busy all the time loads it all the same

/**
 * @typedef {{decoder: string, latent_shape: number[], image_shape: number[], conditional: boolean}} Shipped a model's, by address
 * @typedef {{runtime: string | null, models: Record<string, Shipped>}} Shelf
 * @typedef {{pixels: Uint8Array, ms: number}} Decoded raw pixels of one picture after the other
 */

/** @type {Promise<Shelf> | undefined} */
let shelf;
/** @type {Map<string, {runtime: string, address: string, latentShape: number[], conditional: boolean} | null>} model -> what the
 * worker is told, once it is ready for it; null: not yet, or never */
const ready = new Map();
/** @type {Worker | null | undefined} null: it failed, for good */
let worker;
/** @type {Map<number, (answer: any) => void>} */
const waiting = new Map();
let asked = 0;

/** Whether this browser decodes a model by now. @param {string} model */
export const decodesHere = model => !!worker && !!ready.get(model);

/** Has a model's decoder loaded when the page is idle, if it can be. @param {string} model */
export async function prepare(model) {
  if (ready.has(model) || worker === null || savesData()) return;
  ready.set(model, null);
  try {
    await idle();
    const { runtime, models } = await (shelf ??= fetchShelf()), shipped = models[model];
    if (!runtime || !shipped || worker === null) return;
    const told = {
      runtime: appUrl(runtime).href, address: appUrl(shipped.decoder).href,
      latentShape: shipped.latent_shape, conditional: shipped.conditional,
    };
    if (await ask(told)) ready.set(model, told);
  } catch { /* the server decodes */ }
}

/**
 * The pictures at points of a model's space; null where the server has to be asked.
 * @param {string} model @param {ArrayLike<number>} z the points' coordinates, one point after the other
 * @param {number} [label] the class that they are of, of a model that draws by class
 * @param {string} [refiner] the model that paints them out, with the noise of seed 0
 * @returns {Promise<Decoded | null>}
 */
export async function decode(model, z, label, refiner) {
  const told = ready.get(model), painter = refiner && ready.get(refiner)?.address;
  if (!told || !worker || refiner && !painter) return null;
  const { conditional, ...rest } = told, points = Float32Array.from(z);
  const answer = await ask({ ...rest, z: points, label: conditional ? label ?? 0 : undefined, painter }, [points.buffer]);
  if (!answer) ready.set(refiner ?? model, null); // what failed once is not tried again
  return answer;
}

/** @returns {Promise<Shelf>} */
async function fetchShelf() {
  const response = await fetch(appUrl("lx/decoders.json"));
  if (!response.ok) throw new Error(response.statusText);
  return response.json();
}

/** The worker's answer; null if there is none. @param {any} question @param {Transferable[]} [transfer] @returns {Promise<any>} */
function ask(question, transfer = []) {
  return new Promise(resolve => {
    const id = ++asked, timer = question.z && setTimeout(fail, SILENCE); // loading takes as long as the line does
    waiting.set(id, answer => {
      clearTimeout(timer);
      resolve(answer);
    });
    try {
      worker ??= startWorker();
      worker.postMessage({ ...question, id }, transfer);
    } catch { // a browser without workers of this kind, or a page of another site
      fail();
    }
  });
}

function startWorker() {
  const started = new Worker(appUrl("lx/serving/decoder_worker.js"), { type: "module" });
  started.onmessage = ({ data: { id, error, ...answer } }) => {
    waiting.get(id)?.(error === undefined ? answer : null);
    waiting.delete(id);
  };
  started.onerror = fail;
  return started;
}

/** The worker is given up, and the server decodes from now on. */
function fail() {
  worker?.terminate();
  worker = null;
  for (const resolve of waiting.values()) resolve(null);
  waiting.clear();
}

/** Whether the visitor would rather have the server decode, where there is one. */
const savesData = () => document.documentElement.dataset.static === undefined &&
  !!(/** @type {any} */ (navigator).connection?.saveData);

/** @returns {Promise<any>} */
const idle = () => new Promise(resolve => {
  if (window.requestIdleCallback) requestIdleCallback(resolve, { timeout: NEVER_IDLE });
  else setTimeout(resolve, NEVER_IDLE / 10); // Safari
});
