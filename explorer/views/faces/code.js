// @ts-check
// A face as a few lines of Python, in place of `{face}` and `{attributes}` of the model's own.
import { numberText } from "../../serving/state.js";

const PHOTO = "  # of your photo: model.encode(your_face[None])[0][0]";

/** @param {any} model @param {any} state @param {boolean} fromPhoto */
export function codeOf(model, state, fromPhoto) {
  const { more, less, direction = "yours" } = state, own = more?.length && less?.length ? direction : null;
  const pushes = Object.entries(state.attributes).map(([name, amount]) => name === own
    ? `${handfuls(state)}z += ${numberText(amount)} * model.direction_between(more, less${holding(state, name)})\n`
    : `z += ${numberText(amount)} * model.direction("${name}"${holding(state, name)})\n`);
  const face = source(state) + (fromPhoto ? PHOTO : "");
  const code = model.code.replace("{face}", () => face).replace("{attributes}", pushes.join(""));
  return model.refiner && state.refined ? code + painted(model.refiner, state.noise_seed, "picture") : code;
}

/** @param {string} refiner @param {number} seed @param {string} pictures the name of what it paints out */
export function painted(refiner, seed, pictures) {
  const one = pictures === "picture", noise = `refiner.prior(1, seed=${seed})`;
  const given = one ? `${noise}, given=${pictures}[None])[0]` : `${noise}.repeat(len(${pictures}), 0), given=${pictures})`;
  return `refiner = explorer.load("${refiner}")\n${pictures} = refiner.decode(${given}\n`;
}

/** The codes of both handfuls. @param {any} state */
function handfuls({ model, more, less }) {
  const codes = (/** @type {string[]} */ places) => places.map(place => point(place, model)).join(",\n                 ");
  return `more = np.stack([${codes(more)}])\nless = np.stack([${codes(less)}])\n`;
}

/** A place as in a link. @param {string} place @param {string} model */
export function point(place, model) {
  if (place.includes(",")) return `np.array([${place.replaceAll(",", ", ")}], "float32")`;
  if (place.startsWith("g")) return `explorer.checkpoints.encodings("${model}").z_mean[${place.slice(1)}]`;
  return `model.prior(1, seed=${place})[0]`;
}

/** @param {any} state @param {string} name */
function holding({ hold, how }, name) {
  if (!hold.length) return "";
  const others = hold.filter((/** @type {string} */ other) => other !== name).map((/** @type {string} */ other) => `"${other}"`);
  return `, hold=(${others.join(", ")}${others.length === 1 ? "," : ""}), how="${how}"`;
}

/** @param {any} state */
function source({ model, seed, truncation = 1, face, z }) {
  if (seed !== undefined && truncation !== 1) return `z, mean = model.prior(1, seed=${seed})[0], model.prior_mean()
z = mean + ${numberText(truncation)} * (z - mean)`;
  if (seed !== undefined) return `z = model.prior(1, seed=${seed})[0]`;
  if (face !== undefined) return `z = explorer.checkpoints.encodings("${model}").z_mean[${face}]`;
  return `z = np.array([${z.map(numberText).join(", ")}], "float32")`;
}
