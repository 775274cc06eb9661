// @ts-check
// What "Why a VAE?" asks the app's server, answered without one. Of a chapter `why-a-vae.CHAPTER.json` holds what `open_family`
// says, `why-a-vae.CHAPTER.SEED.json` what `family_rows` says, of a GAN `why-a-vae.gans.SEED.NAME.json`: a row has pictures, or
// points that are decoded here. `NAME.map.json` is what `code_map` says, `NAME.epochs.json` what `epoch_sheet` says.
import { bytesOf } from "../../serving/pictures.js";
import { asked } from "../../serving/state.js";
import { answered, file, frames, NEEDS_APP, numbers, one, packed, pictures, readState, whole, word } from "./answers.js";
import { server as plane } from "./plane.js";

const LAST_LABEL = 9; // of the garments
const IGNORED = new Set(["view", "what", "size", "embed", "chapter", "noise", "amount"]);
const OF_PLANES = { holes: 4, codings: 2 }; // how many numbers a link's z has

/** @typedef {import("./answers.js").State} State */

/** How a chapter's keys are read. @param {any} open what `open_family` says of it @param {string} model @param {number} seeds */
function reading({ state: { chapter }, facts }, model, seeds) {
  const own = (/** @type {string[]} */ chapters, /** @type {(text: string) => any} */ read) => (/** @type {string} */ text) => {
    if (!chapters.includes(chapter)) throw new Error(`means nothing in chapter ${chapter}`);
    return read(text);
  };
  const label = (/** @type {string} */ text) => whole(text, 0, LAST_LABEL);
  const map = ["codings"];
  return {
    model: own(["gans", "holes"], text => word(text, ...Object.keys(facts))),
    seed: (/** @type {string} */ text) => {
      const found = whole(text, 0, 2 ** 32 - 1);
      if (found >= seeds) throw new Error(`from ${seeds} on ${NEEDS_APP}`);
      return found;
    },
    source: (/** @type {string} */ text) => {
      if (text !== "drawn") throw new Error(`${text} ${NEEDS_APP}`);
      return text;
    },
    label, hidden: own(map, text => text ? text.split(",").map(label) : []),
    center: own(map, text => numbers(text, 2)), extent: own(map, text => one(text, 0.001, 1000)),
    z: own(Object.keys(OF_PLANES), text => numbers(text, /** @type {any} */ (OF_PLANES)[chapter])),
    epoch: own(["gans"], text => whole(text, 1, facts[model]?.drawn?.epochs ?? 0)),
  };
}

/** @param {any} props the page's: `chapters`, their titles by name, `seeds`, how many, and `models`, those with a plane
 * @returns {Record<string, (request: any) => Promise<any>>} */
export function server(props) {
  const known = Object.keys(props.chapters);

  /** The state of a query, as `complete` of pictures.py fills it in. @param {string} text */
  async function opened(text) {
    /** @type {string[]} */
    const problems = [], told = asked(text), { chapter: named = known[0] } = told;
    const chapter = known.includes(named) ? named : known[0];
    if (chapter !== named) problems.push(`there is no chapter ${named} here; there are ${known.join(", ")}`);
    const { open } = await file(`why-a-vae.${chapter}`), model = told.model in open.facts ? told.model : open.state.model;
    const read = readState(told, reading(open, model, props.seeds), IGNORED, 0, problems);
    return { ...open, problems, state: { ...open.state, ...read }, whats: props.chapters, test_images: false };
  }

  /** A row with its pictures. @param {any} row @param {State} state */
  async function drawn({ points, model, verdicts, ...row }, { label }) {
    if (!points) return row;
    const found = await frames({ model, label }, points.map((/** @type {string} */ z) => new Float32Array(bytesOf(z).buffer)));
    return { ...row, pictures: found.map(packed), ...(verdicts && { verdicts: verdicts[label] ?? verdicts[0] }) };
  }

  const { decode_point, plane_points, plane_backdrop } = plane(props);
  return answered({
    open_family: opened,
    decode_point, plane_points, plane_backdrop,
    code_map: name => file(`${name}.map`),
    epoch_sheet: name => file(`${name}.epochs`),

    async family_rows(query) {
      const { state } = await opened(query), { chapter, seed, model } = state;
      const { rows, ...rest } = await file(["why-a-vae", chapter, seed, ...(chapter === "gans" ? [model] : [])].join("."));
      return { ...rest, rows: await Promise.all(rows.map((/** @type {any} */ row) => drawn(row, state))) };
    },

    async coded_picture([name, index]) {
      const { points, step, labels, d } = await file(`${name}.points`), codes = new Int16Array(bytesOf(points).buffer);
      const z = Float32Array.from(codes.subarray(index * d, (index + 1) * d), value => value * step);
      const { pixels } = await pictures({ model: name }, z);
      return { pixels: packed(pixels), label: bytesOf(labels)[index], here: true };
    },
  }, ["framed_garment", "repaired_picture", "start_map", "export_file", "state_of_file", "qr_code"]);
}
