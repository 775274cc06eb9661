// @ts-check
// A morph as a few lines of Python.
import { numberText } from "../../serving/state.js";
import { painted, point } from "../faces/code.js";
import { LETTERS } from "./corners.js";

/**
 * @param {any} model @param {any} state whose corners are places as in a link
 * @param {number[] | undefined} ts where the frames are, if they are spaced evenly by what changes in the picture
 */
export function codeOf(model, state, ts) {
  /** @type {string[]} */
  const places = state.corners, points = places.map((place, i) => `z_${LETTERS[i].toLowerCase()} = ${point(place, state.model)}`);
  const made = /** @type {any} */ ({ 2: path, 3: sum, 4: surface })[places.length];
  const label = model.conditional ? `, label=${state.label}` : "";
  const load = `model = explorer.load("${state.model}")`;
  const code = ["import numpy as np", "import explorer", "", load, ...points, made(state, label, ts)].join("\n");
  if (!model.refiner || !state.refined || places.length === 4) return code;
  return `${code}\n${painted(model.refiner, state.noise_seed, places.length === 2 ? "frames" : "picture")}`;
}

/** @param {any} state @param {string} label @param {number[] | undefined} ts */
function path({ kind, closed, even, frames, start, stop, via, model }, label, ts) {
  const part = start === 0 && stop === 1 ? "" : `, ${numberText(start)}, ${numberText(stop)}`;
  const stops = (via ?? []).map((/** @type {string} */ place) => `${point(place, model)},\n    `).join("");
  const ends = stops ? `.through(np.stack([\n    z_a,\n    ${stops}z_b,\n])` : "(z_a, z_b";
  return `path = explorer.Path${ends}, kind="${kind}"${closed ? ", closed=True" : ""})\n`
    + `frames = model.decode(path.${even && ts ? `at([${ts.map(numberText).join(", ")}])` : `points(${frames}${part})`}${label})`;
}

/** @param {any} _ @param {string} label */
function sum(_, label) {
  return `picture = model.decode((z_a - z_b + z_c)[None]${label})[0]`;
}

/** @param {any} state @param {string} label */
function surface({ kind, n }, label) {
  return `plane = explorer.Plane.corners(z_a, z_b, z_c, z_d, kind="${kind}")\n`
    + `sheet = model.decode(plane.grid(${n}).reshape(-1, *model.latent_shape)${label})`;
}
