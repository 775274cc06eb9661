// @ts-check
// What the morph view asks the app's server, answered without one. Of a model `NAME.morph.json` holds what `open_morph` says,
// `NAME.places.json` the points of its gallery and seeds.
import { interpolate, onSurface, positions } from "../../serving/geometry.js";
import { asked, quantised, valueText } from "../../serving/state.js";
import {
  answered, file, flag, frames, NEEDS_APP, noise, numbers, one, packed, painted, pictures, placesOf, pointAt, readState, sheet,
  whole, word,
} from "./answers.js";

const IGNORED = new Set(["view", "model", "what", "size", "embed"]);
const ENLARGED = 4; // times, so that the browser has no small grey pixels to blur

/** @typedef {import("./answers.js").State} State */

const app = (/** @type {string} */ text) => {
  if (flag(text)) throw new Error(NEEDS_APP);
  return false;
};
/** @param {number} gallery @returns {Record<string, (text: string, d: number) => any>} */
const reading = gallery => ({
  corners: (text, d) => {
    const places = placesOf(text, d, gallery);
    if (places.length < 2 || places.length > 4) throw new Error("must be two to four places with ; between");
    return places;
  },
  t: text => numbers(text, text.split(",").length, -1, 1), kind: text => word(text, "linear", "slerp"), even: app, refined: flag,
  closed: flag, start: text => one(text, 0, 1), stop: text => one(text, 0, 1), frames: text => whole(text, 2, 600),
  n: text => whole(text, 1, 60), label: text => whole(text, 0, 1000), noise_seed: noise,
});

/** @param {Uint8Array} a @param {Uint8Array} b root mean square of their difference, of 1 */
const apart = (a, b) => Math.sqrt(a.reduce((sum, value, i) => sum + ((value - b[i]) / 255) ** 2, 0) / a.length);

/**
 * @param {any} props the page's: `morphs`, names and short titles of its models
 * @returns {Record<string, (request: any) => Promise<any>>}
 */
export function server(props) {
  const known = props.morphs.map((/** @type {any} */ model) => model.name);

  /** The state of a query, as `complete` of pictures.py fills it in. @param {string} text */
  async function opened(text) {
    /** @type {string[]} */
    const problems = [], { model: named = known[0], ...told } = asked(text), name = known.includes(named) ? named : known[0];
    if (name !== named) problems.push(`there is no model ${named} here; there are ${known.join(", ")}`);
    const [{ open, d }, places] = await Promise.all([file(`${name}.morph`), file(`${name}.places`)]), { model } = open;
    const read = readState(told, reading(model.gallery), IGNORED, d, problems), corners = read.corners ?? open.state.corners;
    if (!model.conditional) delete read.label;
    if (!model.refiner) for (const key of ["refined", "noise_seed"]) delete read[key];
    if (read.label >= model.classes.length) delete read.label;
    if (read.t && (read.t.length !== corners.length / 2 || read.t.length === 1 && read.t[0] < 0)) delete read.t;
    const middle = corners.length === 3 ? undefined : corners.length === 2 ? [0.5] : [0, 0];
    const points = corners.map((/** @type {any} */ place) => pointAt(place, places, d));
    const state = { ...open.state, t: middle, ...read, model: name, corners };
    return { ...open, state, problems, points, models: props.morphs, isStrip: told.what === "strip" };
  }

  /** @param {Float32Array[]} points @param {State} state */
  const between = ([a, b], { kind }) => (/** @type {number} */ t) => interpolate(a, b, t, kind);

  /** The point that a state shows. @param {Float32Array[]} points @param {State} state */
  function shown(points, state) {
    const { t: [x, y] = [], kind } = state, [a, b, c] = points;
    return points.length === 2 ? between(points, state)(x) : points.length === 4 ? onSurface(points, x, y, kind)
      : Float32Array.from(a, (value, i) => quantised(value - b[i] + c[i]));
  }

  /** Those of the frames from A to B. @param {Float32Array[]} points @param {State} state */
  const way = (points, state) => positions(state).map(between(points, state)).map(z => Float32Array.from(z, quantised));

  return answered({
    async open_morph(query) {
      const { points, state, isStrip, ...rest } = await opened(query), all = await frames(state, points);
      const flat = Float32Array.from(points.flatMap((/** @type {Float32Array} */ point) => Array.from(point)));
      const corners = state.corners.map((/** @type {any} */ place) => valueText(place));
      return { ...rest, state: { ...state, corners }, points: packed(new Uint8Array(flat.buffer)), pictures: all.map(packed) };
    },

    async decode_morph(query) {
      const { points, state } = await opened(query), { pixels, ms } = await pictures(state, shown(points, state));
      return { pixels: packed(pixels), ms, here: true };
    },

    async morph_frames(query) {
      const { points, state } = await opened(query), t = positions(state), found = await frames(state, way(points, state));
      const steps = found.slice(1).map((frame, i) => apart(frame, found[i]));
      return { frames: found.map(packed), t, steps, measure: "root mean square" };
    },

    async refine({ query, ...some }) {
      const { points, state, model: { refiner }, isStrip } = await opened(query);
      return painted(state, isStrip ? way(points, state) : [shown(points, state)], some, refiner);
    },

    async morph_sheet(query) {
      const { points, state, model } = await opened(query), { n, kind } = state;
      const steps = Array.from({ length: n }, (_, k) => n === 1 ? 0 : 2 * k / (n - 1) - 1);
      const cells = steps.toReversed().flatMap(y => steps.map(x => onSurface(points, x, y, kind)));
      return { url: sheet(await frames(state, cells), model.image_shape, n, model.image_shape[2] === 1 ? ENLARGED : 1) };
    },
  }, ["export_file", "state_of_file", "qr_code"]);
}
