// @ts-check
// What the faces view asks the app's server, answered without one. Of a model `NAME.faces.json` holds what `open_faces` says, the
// directions of attributes alone and with the six held, and the gallery; `NAME.places.json` the points of its gallery and seeds.
import { bytesOf } from "../../serving/pictures.js";
import { asked, quantised } from "../../serving/state.js";
import {
  answered, file, flag, frames, NEEDS_APP, noise, numbers, one, packed, painted, pictures, placesOf, pointAt, readState, seed,
  sheet, whole, word,
} from "./answers.js";

const REACH = 3; // lengths of a direction to each side, in strips and planes
const IGNORED = new Set(["view", "model", "what", "size", "embed"]);

/** @typedef {import("./answers.js").State} State */

/** @param {string[]} known attributes @param {number} gallery @returns {Record<string, (text: string, d: number) => any>} */
const reading = (known, gallery) => {
  const named = (/** @type {string} */ name) => word(name, ...known);
  const listed = (/** @type {string} */ text) => text ? text.split(",").map(named) : [];
  return {
    z: (text, d) => numbers(text, d), seed: text => seed(text), face: text => whole(text, 0, gallery - 1),
    attributes: text => (text ? text.split(",") : []).map(pair => {
      const [name, amount = ""] = pair.split(":");
      return [named(name), one(amount, -10, 10)];
    }),
    hold: listed, how: text => word(text, "learned", "whitened", "plain"), along: named,
    pair: text => {
      const two = listed(text);
      if (two.length !== 2 || two[0] === two[1]) throw new Error("must be two different attributes");
      return two;
    },
    corners: (text, d) => {
      const three = placesOf(text, d, gallery, true);
      if (three.length !== 3) throw new Error("must be three faces, A - B + C");
      return three;
    },
    frames: text => whole(text, 2, 600), n: text => whole(text, 1, 60),
    refined: flag, noise_seed: noise,
  };
};

/** @param {any} props the page's: `faces`, the models' names @returns {Record<string, (request: any) => Promise<any>>} */
export function server(props) {
  /** The state of a query, as `complete` of pictures.py fills it in. @param {string} text */
  async function opened(text) {
    /** @type {string[]} */
    const problems = [], { model: named = props.faces[0], ...told } = asked(text);
    const name = props.faces.includes(named) ? named : props.faces[0];
    if (name !== named) problems.push(`there is no model of faces ${named} here; there is ${props.faces.join(", ")}`);
    const { open, directions } = await file(`${name}.faces`), { attributes, gallery, six } = open.model;
    const places = await file(`${name}.places`), d = bytesOf(places.gallery).length / 4 / gallery;
    const read = readState(told, reading(attributes, gallery), IGNORED, d, problems), { hold = [] } = read;
    if (hold.length && !(hold.length === six.length && six.every((/** @type {string} */ one) => hold.includes(one)))) {
      problems.push(`hold of others than these six ${NEEDS_APP}`);
      delete read.hold;
    }
    if (read.how && !directions[read.how]) delete read.how;
    const { face, ...rest } = open.state, anywhere = read.z || read.seed !== undefined || read.face !== undefined;
    if (!open.model.refiner) for (const key of ["refined", "noise_seed"]) delete read[key];
    const isStrip = told.what === "strip";
    open.model.truncation = 1; // as the seeds in `places` were drawn
    const state = { ...rest, ...(!anywhere && { face }), ...read, model: name };
    return { ...open, problems, places, directions, d, isStrip, state };
  }

  /** The face before its attributes. @param {any} of what `opened` says */
  function base({ state: { z, seed, face }, places, d }) {
    return pointAt(z ?? (seed !== undefined ? String(seed) : `g${face}`), places, d);
  }

  /** @param {any} of what `opened` says @returns {Record<string, Float32Array>} by attribute */
  function vectors({ state: { hold, how }, directions, d }) {
    const { names, vectors } = directions[hold.length ? how : "free"], all = new Float32Array(bytesOf(vectors).buffer);
    const own = (/** @type {string} */ name, /** @type {number} */ i) => [name, all.subarray(i * d, (i + 1) * d)];
    return Object.fromEntries(names.map(own));
  }

  /**
   * The face with its attributes but for some, and others added, digit for digit the server's.
   * @param {any} of what `opened` says @param {string[]} [without] @param {[string, number][]} [added]
   */
  function point(of, without = [], added = []) {
    const z = Float32Array.from(base(of)), directions = vectors(of);
    /** @type {[string, number][]} */
    const own = of.state.attributes;
    for (const [name, amount] of [...own.filter(([name]) => !without.includes(name)), ...added]) {
      if (!directions[name]) throw new Error(`nothing is left of ${name} while the others are held`);
      directions[name].forEach((value, i) => { z[i] += Math.fround(Math.fround(amount) * value); });
    }
    return z;
  }

  /** The points of A, B, C and A - B + C. @param {any} of what `opened` says */
  function sum({ state: { corners }, places, d }) {
    const [a, b, c] = corners.map((/** @type {any} */ place) => pointAt(place, places, d));
    return [a, b, c, Float32Array.from(a, (value, i) => quantised(Math.fround(Math.fround(value - b[i]) + c[i])))];
  }

  /** The face along an attribute. @param {any} of what `opened` says @param {number[]} amounts */
  const way = (of, amounts) => amounts.map(amount => point(of, [of.state.along], [[of.state.along, amount]]));

  const steps = (/** @type {number} */ n) => Array.from({ length: n }, (_, k) => n === 1 ? 0 : REACH * (2 * k / (n - 1) - 1));

  return answered({
    async open_faces(query) {
      const { model, state, defaults, problems } = await opened(query);
      return { model, state, defaults, problems };
    },

    async decode_face(query) {
      const of = await opened(query), { pixels, ms } = await pictures(of.state, point(of));
      return { pixels: packed(pixels), ms, here: true };
    },

    async face_point(query) {
      return { z: Array.from(point(await opened(query)), quantised) };
    },

    async face_directions(query) {
      const { state: { hold, how }, directions } = await opened(query);
      return directions[hold.length ? how : "free"];
    },

    /** There is no judge here: the face before its attributes alone. */
    async judge_face(query) {
      const of = await opened(query), { pixels } = await pictures(of.state, base(of));
      return { before: [], after: [], learned_against: [], pixels: packed(pixels) };
    },

    face_gallery: async name => (await file(`${name}.faces`)).gallery,

    async face_strip(query) {
      const of = await opened(query), { state } = of;
      if (state.corners) {
        const points = sum(of), found = await frames(state, points);
        return { frames: found.map(packed), z: Array.from(points[3], quantised), judged: [[], [], [], []] };
      }
      const amounts = steps(state.frames), found = await frames(state, way(of, amounts));
      return { frames: found.map(packed), amounts: amounts.map(amount => Math.round(amount * 1000) / 1000) };
    },

    async refine({ query, ...some }) {
      const of = await opened(query), { state, model: { refiner } } = of;
      const points = !of.isStrip ? [point(of)] : state.corners ? sum(of) : way(of, steps(state.frames));
      return painted(state, points, some, refiner);
    },

    async face_sheet(query) {
      const of = await opened(query), { n, pair: [x, y] } = of.state, across = steps(n), up = across.toReversed();
      const cells = up.flatMap(b => across.map(a => point(of, [x, y], [[x, a], [y, b]])));
      return { url: sheet(await frames(of.state, cells), of.model.image_shape, n) };
    },
  }, ["invented", "encode_photo", "export_file", "state_of_file", "qr_code"]);
}
