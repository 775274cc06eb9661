// @ts-check
// What the latent plane's page asks the app's server, answered without one: by the browser's decoder, and from files written
// beforehand, of which each model has two, `NAME.json` (what `open_view` and `plane_sheet` say) and `NAME.points.json`.
import { decode, decodesHere, prepare } from "../../serving/decoder.js";
import { interpolate, positions } from "../../serving/geometry.js";
import { normalQuantile } from "../../serving/latent_plane.js";
import { appUrl } from "../../serving/link.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { asked, quantised, valueText } from "../../serving/state.js";

const NEEDS_APP = "needs the app (python app.py): this page has no server";
const SIDE = 72; // of a veil
const EDGE = 1e-4; // p-values are kept so far from 0 and 1
const AT_ONCE = 8; // pictures of a backdrop, between which a drag comes
const PATIENCE = 60_000, LOOK = 50; // milliseconds for a decoder to come, and between looks

/** @typedef {Record<string, any>} State */
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
const IGNORED = new Set(["view", "model", "what", "even", "size", "embed"]);

/** @param {string} text @param {number} low @param {number} high */
function one(text, low, high) {
  const value = text.trim() ? Number(text) : NaN;
  if (!(value >= low && value <= high)) throw new Error(`must be a number from ${low} to ${high}`);
  return quantised(value);
}

/** @param {string} text @param {number} low @param {number} high */
function whole(text, low, high) {
  const value = one(text, low, high);
  if (!Number.isInteger(value)) throw new Error("must be a whole number");
  return value;
}

/** @param {string} text @param {number} count @param {number} [low] @param {number} [high] */
function numbers(text, count, low = -1000, high = 1000) {
  const parts = text.split(",");
  if (parts.length !== count) throw new Error(`must be ${count} numbers`);
  return parts.map(part => one(part, low, high));
}

/** @param {number[]} pair */
function different(pair) {
  if (pair[0] === pair[1] || !pair.every(Number.isInteger)) throw new Error("must be two different whole numbers");
  return pair;
}

/** @param {string} text @param {string[]} choices */
function word(text, ...choices) {
  if (!choices.includes(text)) throw new Error(`must be one of ${choices.join(", ")} here`);
  return text;
}

/** @param {string} text */
function flag(text) {
  return word(text, "0", "1") === "1";
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** @param {number} p */
const quantile = p => normalQuantile(Math.min(1 - EDGE, Math.max(EDGE, p)));

/** @param {Uint8Array} bytes */
function packed(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 1e4) text += String.fromCharCode(...bytes.subarray(i, i + 1e4));
  return btoa(text);
}

/** @type {Map<string, Promise<any>>} */
const fetched = new Map();

/** A file of this folder, read once. @param {string} name @returns {Promise<any>} */
function file(name) {
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

/** Pictures at points, raw. @param {State} state @param {ArrayLike<number>} z */
async function pictures(state, z) {
  await decoder(state.model);
  const answer = await decode(state.model, z, state.label);
  if (!answer) throw new Error("This browser cannot decode: it has no WebAssembly or no workers.");
  return answer;
}

/** @param {any} props the page's: `models`, all that `open_view` lists @returns {Record<string, (request: any) => Promise<any>>} */
export function server(props) {
  const known = props.models.map((/** @type {any} */ model) => model.name);

  /** The state of a query, as `complete` of pictures.py fills it in. @param {string} text */
  async function opened(text) {
    /** @type {string[]} */
    const problems = [], { model: named = known[0], ...told } = asked(text), name = known.includes(named) ? named : known[0];
    if (name !== named) problems.push(`there is no model ${named} here; there are ${known.join(", ")}`);
    const { open, prior } = /** @type {About} */ (await file(name)), { model } = open, d = model.latent_shape[0];
    /** @type {State} */
    const read = {};
    for (const [key, text] of Object.entries(told)) {
      try {
        if (READ[key]) read[key] = READ[key](text, d);
        else if (key !== "corners" && !IGNORED.has(key)) throw new Error(NEEDS_APP);
      } catch (error) {
        if (key !== "veil" || text !== "data") problems.push(`${key} ${/** @type {Error} */ (error).message}`);
      }
    }
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
    view_of: async () => ({ view: "latent-plane" }),
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
      const [height, width] = model.image_shape, sheet = document.createElement("canvas"), brush = sheet.getContext("2d");
      Object.assign(sheet, { width: n * width, height: n * height });
      const cells = up.flatMap(y => across.map(x => at(state, through, x, y)));
      for (let first = 0; first < cells.length; first += AT_ONCE) {
        const few = cells.slice(first, first + AT_ONCE);
        const { pixels } = await pictures(state, few.flat()), size = pixels.length / few.length;
        few.forEach((_, i) => brush?.drawImage(pictureCanvas(pixels.subarray(i * size, (i + 1) * size), model.image_shape),
          (first + i) % n * width, Math.floor((first + i) / n) * height));
      }
      return { url: sheet.toDataURL("image/jpeg", 0.88) };
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
      const { pixels } = await pictures(state, z.flat()), size = pixels.length / z.length;
      return { frames: z.map((_, i) => packed(pixels.subarray(i * size, (i + 1) * size))), z };
    },
  };
  for (const name of ["encode_picture", "export_file", "state_of_file"])
    answers[name] = async () => ({ error: `This ${NEEDS_APP}.` });
  return Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, async (/** @type {any} */ request) => {
    try {
      return await answer(request);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      return { error: error instanceof TypeError ? `A file of this page did not come (${message}). Is there a network?` : message };
    }
  }]));
}
