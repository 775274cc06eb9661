// @ts-check
// "As Keras code": the few lines that make the picture on screen, from the server's with `{noise}` and `{settings}` to be put in.
import { numberText } from "../../serving/state.js";
import { guidanceOf } from "../text_to_image/code.js";

/**
 * @param {any} model as the page knows it @param {any} state @param {string} mode
 * @param {boolean} takesEta whether the sampler does; it is deterministic then, as long as `eta` is 0
 */
export function codeOf(model, state, mode, takesEta) {
  const drawn = model.classes.length > 0 && state.label === undefined; // the class is drawn by the seed
  const settings = settingsOf(model, state, mode, { drawn, takesEta, guidance: state.guidance_scale });
  const repaired = settingsOf(model, state, mode, { drawn, takesEta, guidance: drawn ? 0 : state.guidance_scale });
  const told = mode === "forward" ? `${repaired}, start=${numberText(state.time)}` : settings;
  const code = model.code.replace("{noise}", () => noiseOf(state, mode, settings));
  if (mode === "strip" || mode === "grid") // all pictures, not the first
    return code.replace("picture =", "pictures =").replace("[0]  #", "  #").replace("{settings}", () => told);
  const each = EACH[mode]?.(state);
  if (!each) return code.replace("{settings}", () => told);
  const [loop, key] = each, one = settings.replace(key === "steps" ? /steps=\d+/ : /sampler="\w+"/, `${key}=${key}`);
  return code.replace("picture =", "pictures = [").replace("[ model", "[model").replace("[0]  #", `[0] ${loop}]  # each`)
    .replace("{settings}", () => one);
}

/** What a mode that compares goes through. @type {Record<string, (state: any) => [loop: string, key: string]>} */
const EACH = {
  steps: () => ["for steps in (5, 10, 15, 20, 25)", "steps"],
  samplers: ({ sampler, to_sampler }) => [`for sampler in ("${sampler}", "${to_sampler}")`, "sampler"],
};

/** @param {any} model @param {any} state @param {string} mode @param {{drawn: boolean, takesEta: boolean, guidance: number}} how */
function settingsOf(model, state, mode, { drawn, takesEta, guidance }) {
  const { steps, sampler, eta, epsilon_scale, label, seed, frames } = state;
  const said = [`steps=${mode === "steps" ? 5 : steps}`, `sampler="${sampler}"`];
  if (takesEta && eta) said.push(`eta=${numberText(eta)}`);
  if (epsilon_scale !== (model.sampling.epsilon_scale ?? 1)) said.push(`epsilon_scale=${numberText(epsilon_scale)}`);
  if (drawn && mode === "strip") said.push(`label=model.labels(1, seed=${seed})`);
  if (label !== undefined) said.push(`label=${label}`);
  if (model.classes.length) said.push(guidanceOf({ ...state, guidance_scale: guidance }));
  if (!takesEta || eta || drawn || mode === "samplers") said.push(`seed=${seed}`);
  if (mode === "strip" && (!takesEta || eta)) said.push(`places=[0] * ${frames}`); // the noise on the way is that of the first
  return said.join(", ");
}

/** @param {any} state @param {string} mode @param {string} settings */
function noiseOf({ seed, to, via, closed, frames, n, time }, mode, settings) {
  const prior = `model.prior(${mode === "grid" ? n : 1}, seed=${seed})`;
  if (mode === "strip") {
    const seeds = [seed, ...via ?? [], to].join(", "), way = `kind="slerp"${closed ? ", closed=True" : ""}).points(${frames})`;
    return via?.length ? `import numpy as np\n\nnoise = explorer.Path.through(np.concatenate([model.prior(1, seed=seed) `
      + `for seed in (${seeds})]), ${way}` : `noise = explorer.Path(*${prior}, *model.prior(1, seed=${to}), ${way}`;
  }
  if (mode === "forward")
    return `before = model.decode(${prior}, ${settings})  # or a picture of your own
noise = model.noised(before, ${numberText(time)}, seed=${seed + 1})`;
  return `noise = ${prior}`;
}
