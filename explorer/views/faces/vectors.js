// @ts-check
// The face's point and the attributes' directions, as the server adds them: so a slider's face can be decoded in the browser.
import { bytesOf } from "../../serving/pictures.js";

/** @typedef {Record<string, Float32Array>} Directions by attribute */

export class Vectors {
  /** @param {import("./view.js").FacesView} view */
  constructor(view) {
    this.view = view;
    /** @type {{of: string, z: Float32Array} | null} the face before its attributes */
    this._base = null;
    /** @type {{of: string, directions: Directions} | null} while some attributes are held still in some way */
    this._held = null;
    this._asked = "";
  }

  /** What says which face, and which directions. */
  _keys() {
    const { state } = this.view, { model, seed, truncation, face, z, hold, how } = state;
    const { more, less, direction } = this.view.handfuls.meant(state);
    return { base: JSON.stringify([model, seed, truncation, face, z]),
      held: JSON.stringify([model, hold, hold.length ? how : "", more, less, direction]) };
  }

  /** The face with its attributes in 32 bits, digit for digit the server's; null until what it takes is here. */
  point() {
    const { state } = this.view, { base, held } = this._keys();
    const from = state.z ?? (this._base?.of === base ? this._base.z : null);
    /** @type {[string, number][]} */
    const amounts = Object.entries(state.attributes), directions = this._held?.of === held ? this._held.directions : {};
    if (!from || !amounts.every(([name, amount]) => !amount || directions[name])) return null;
    const z = Float32Array.from(from);
    for (const [name, amount] of amounts)
      if (amount) directions[name].forEach((value, i) => { z[i] += Math.fround(Math.fround(amount) * value); });
    return z;
  }

  /** Asks for what is not here yet; once for each face and each way of holding others still. */
  async load() {
    const { view } = this, { base, held } = this._keys(), query = view.forServer({ attributes: {} });
    if (this._asked === base + held) return;
    this._asked = base + held;
    if (this._held?.of !== held) {
      const answer = await view.ask("face_directions", query, true);
      if (answer) this._held = { of: held, directions: directionsOf(answer) };
    }
    if (view.state.z || this._base?.of === base) return;
    const answer = await view.ask("face_point", query, true);
    if (answer) this._base = { of: base, z: Float32Array.from(answer.z) };
  }
}

/** @param {{names: string[], vectors: string}} answer @returns {Directions} */
function directionsOf({ names, vectors }) {
  const all = new Float32Array(bytesOf(vectors).buffer), d = all.length / names.length;
  return Object.fromEntries(names.map((name, i) => [name, all.subarray(i * d, (i + 1) * d)]));
}
