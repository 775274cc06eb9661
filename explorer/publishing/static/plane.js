// @ts-check
// What the latent plane's page asks the app's server, answered without one: by the browser's decoder, and from files written
// beforehand, of which each model has two, `NAME.json` (what `open_view` and `plane_sheet` say) and `NAME.points.json`.
import { interpolate, positions } from "../../serving/geometry.js";
import { normalQuantile } from "../../serving/latent_plane.js";
import { bytesOf } from "../../serving/pictures.js";
import { asked, quantised, valueText } from "../../serving/state.js";
import {
  answered, different, file, flag, frames, NEEDS_APP, numbers, one, packed, pictures, readState, sheet, whole, word,
} from "./answers.js";

const SIDE = 72; // of a veil
const EDGE = 1e-4; // p-values are kept so far from 0 and 1

/** @typedef {import("./answers.js").State} State */
/** @typedef {{open: any, sheet: any, prior: boolean}} About a model */

/**
 * How the values of keys are read: numbers in bounds, so many of them; words; yes or no.
 * @type {Record<string, (text: string, d: number) => any>}
 */
const READ = {
  z: (text, d) => numbers(text, d), from: (text, d) => numbers(text, d), to: (text, d) => numbers(text, d),
  axes: (text, d) => different(numbers(text, 2, 0, d - 1)), center: text => numbers(text, 2),
  hidden: text => text ? text.split(",").map(part => whole(part, 0, 255)) : [],
  extent: text => one(text, 0.001, 1000), start: text => one(text, 0, 1), stop: text => one(text, 0, 1),
  n: text => whole(text, 1, 60), frames: text => whole(text, 2, 600), label: text => whole(text, 0, 1000),
  points: flag, closed: flag, scale: text => word(text, "z", "p"), kind: text => word(text, "linear", "slerp"),
  veil: text => word(text, "none", "normal"), beside: text => text,
};
const IGNORED = new Set(["view", "model", "what", "even", "size", "embed", "corners"]);

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** @param {number} p */
const quantile = p => normalQuantile(Math.min(1 - EDGE, Math.max(EDGE, p)));

/** @param {any} props the page's: `models`, all that `open_view` lists @returns {Record<string, (request: any) => Promise<any>>} */
export function server(props) {
  const known = props.models.map((/** @type {any} */ model) => model.name);

  /** The state of a query, as `complete` of pictures.py fills it in. @param {string} text */
  async function opened(text) {
    /** @type {string[]} */
    const problems = [], { model: named = known[0], ...told } = asked(text), name = known.includes(named) ? named : known[0];
    if (name !== named) problems.push(`there is no model ${named} here; there are ${known.join(", ")}`);
    const { open, prior } = /** @type {About} */ (await file(name)), { model } = open, d = model.latent_shape[0];
    const { veil, ...others } = told, read = readState(veil === "data" ? others : told, READ, IGNORED, d, problems);
    if (read.scale === "p" && !prior) delete read.scale;
    if (!model.encodings) delete read.points;
    if (read.beside && !known.includes(read.beside)) delete read.beside;
    const apart = "axes" in read || read.scale === "p"; // then no plane through places holds
    const usual = valueText(open.state.corners ?? [], ";");
    if (told.corners !== undefined && told.corners !== usual) problems.push(`corners ${NEEDS_APP}`);
    const { corners, z, center, extent, ...rest } = open.state, { view } = model, own = corners && apart;
    const place = read.scale === "p" ? { center: [0.5, 0.5], extent: 0.5 } : own ? { center: view.center, extent: view.extent }
      : { center, extent };
    const state = { ...rest, z: own ? view.z : z, ...place, ...(!own && corners && { corners }), ...read, model: name };
    return { ...open, state, problems, models: props.models, through: own ? null : open.through };
  }

  /** The point of a plane's place. @param {State} state @param {any} through @param {number} x @param {number} y */
  function at({ z, axes: [i, j], scale }, through, x, y) {
    const { origin, u, v } = through ?? {};
    if (through) return origin.map((/** @type {number} */ value, /** @type {number} */ k) => value + x * u[k] + y * v[k]);
    const point = z.slice();
    [point[i], point[j]] = scale === "p" ? [quantile(x), quantile(y)] : [x, y];
    return point;
  }

  /** Middles of n cells along x, and along y from the top. @param {State} state @param {number} n */
  function middles({ center: [x, y], extent }, n) {
    const steps = Array.from({ length: n }, (_, k) => extent * (2 * (k + 0.5) / n - 1));
    return [steps.map(step => x + step), steps.map(step => y - step)];
  }

  /** @type {Record<string, (request: any) => Promise<any>>} */
  const answers = {
    open_view: opened,
    plane_points: name => file(`${name}.points`),
    plane_sheet: async name => (await file(name)).sheet,

    async decode_point(query) {
      const { state } = await opened(query), { pixels, ms } = await pictures(state, state.z);
      return { pixels: packed(pixels), ms, nearest: [], here: true };
    },

    async draw_prior({ model, truncation = 1 }) {
      const { open, prior } = await file(model), d = open.model.latent_shape[0], uniform = () => 1 - Math.random();
      if (prior) return { z: Array.from({ length: d }, () =>
        quantised(truncation * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()))) };
      const { points, step } = await file(`${model}.points`), codes = new Int16Array(bytesOf(points).buffer);
      const first = d * Math.floor(Math.random() * codes.length / d); // a code, where there is no prior to draw from
      return { z: Array.from(codes.subarray(first, first + d), value => quantised(value * step)) };
    },

    async plane_backdrop(query) {
      const { state, through, model } = await opened(query), { n } = state, [across, up] = middles(state, n);
      const cells = up.flatMap(y => across.map(x => at(state, through, x, y)));
      return { url: sheet(await frames(state, cells), model.image_shape, n) };
    },

    async plane_veil(query) {
      const { state, through } = await opened(query), [across, up] = middles(state, SIDE), shade = new Uint8Array(SIDE * SIDE);
      const along = (/** @type {number[]} */ side) => -dot(through.origin, side) / dot(side, side);
      const [x0, y0] = through ? [along(through.u), along(through.v)] : [0, 0]; // where the plane is nearest to the origin
      const z = (/** @type {number} */ value) => state.scale === "p" ? quantile(value) : value;
      up.forEach((y, row) => across.forEach((x, k) => {
        const density = Math.exp(-0.5 * ((z(x) - x0) ** 2 + (z(y) - y0) ** 2));
        shade[row * SIDE + k] = 255 * 0.85 * (1 - Math.min(1, Math.sqrt(density) / 0.35));
      }));
      return { shade: packed(shade), side: SIDE };
    },

    async walk_frames(query) {
      const { state } = await opened(query), from = state.from ?? state.z;
      const z = positions(state).map(t => Array.from(interpolate(from, state.to, t, state.kind), quantised));
      return { frames: (await frames(state, z)).map(packed), z };
    },
  };
  return answered(answers, ["encode_picture", "export_file", "state_of_file"]);
}
