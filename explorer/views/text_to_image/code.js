// @ts-check
// "As Keras code": the few lines that make the pictures on screen, from the server's with `{prompt}`, `{noise}` and `{settings}` to
// be put in.
import { numberText } from "../../serving/state.js";

/** @param {any} model as the page knows it @param {any} state */
export function codeOf(model, state) {
  const guidance = guidanceOf(state), { what } = state;
  const code = model.code.replace("{prompt}", () => promptOf(state))
    .replace("{noise}", () => noiseOf(state) + startOf(model, state))
    .replace("{settings}", `steps=${what === "steps" ? "steps" : state.steps}, ${guidance}${overOf(state)}`);
  if (!(what in COMPARED)) return code;
  return code.replace(/pictures = (.*) {2}# (.*)\(n, /, `pictures = [$1[0] for ${COMPARED[what]}]  # each $2(`);
}

/** As `decode` takes it, without what is as usual. @param {any} state */
export function guidanceOf({ guidance_scale, guidance_rescale, guidance_interval }) {
  const said = [`guidance_scale=${numberText(guidance_scale)}`, `guidance_rescale=${numberText(guidance_rescale)}`];
  const [low, high] = guidance_interval;
  said.push(`guidance_interval=(${numberText(low)}, ${numberText(high)})`);
  return said.filter((_, i) => !i || (i === 1 ? guidance_rescale : low > 0 || high < 1)).join(", ");
}

/** What is different in each picture. @type {Record<string, string>} */
const COMPARED = { steps: "steps in (5, 10, 15, 20, 25)", strengths: "strength in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)" };

/** What is drawn over. @param {any} model @param {any} state `own`: whether its picture is a visitor's */
function startOf({ image_shape: [height, width] }, { image, mask, margin, own }) {
  if (!image && !own) return "";
  const told = [own ? "" : `"image": "${image}"`, mask?.length ? `"mask": (${mask.join(", ")},)` : "",
    margin ? `"margin": ${numberText(margin)}` : ""].filter(Boolean).join(", ");
  return "\nfrom explorer.views.text_to_image import starts\n\n"
    + `start = starts.of({${told}}, (${height}, ${width}, 3)${own ? ", picture" : ""})  # its image`
    + `${own ? ", of yours, float (h, w, 3) in [0, 1]," : ""} and mask, (1, ${height}, ${width}, 1)`;
}

/** @param {any} state */
function overOf({ what, image, strength, own }) {
  if (!image && !own) return "";
  const much = what === "strengths" ? "strength" : numberText(strength);
  return `, image=start.image, strength=${much}, mask=start.mask`;
}

/** @param {any} state the frames of a walk */
const pointsOf = ({ frames, start, stop }) => `.points(${frames}, ${numberText(start)}, ${numberText(stop)})`;

/** @param {any} state */
function promptOf(state) {
  const { what, negative_prompt, kind, closed, n } = state;
  const not = negative_prompt ? `, ${JSON.stringify(negative_prompt)}` : "";
  const embed = key => `model.embed(${JSON.stringify(state[key])}${not})`;
  if (what === "strip") {
    const stops = state.via_prompts ?? [], opening = "prompt = explorer.Path";
    const all = [state.prompt, ...stops, state.to_prompt].map(prompt => JSON.stringify(prompt)).join(", ");
    const path = stops.length ? `${opening}.through(model.embed([${all}]${not})`
      : call(`${opening}(`, ["prompt", "to_prompt"].map(embed));
    return `${path}, kind="${kind}"${closed ? ", closed=True" : ""})${pointsOf(state)}`;
  }
  if (what === "plane") {
    const corners = ["prompt", "to_prompt", "below_prompt", "below_to_prompt"].map(embed);
    return `${call("prompt = explorer.Plane.corners(", corners)}, kind="${kind}").grid(${n})`;
  }
  if (what === "grid") return `prompt = model.embed([${JSON.stringify(state.prompt)}] * ${n * n}${not})`;
  return `prompt = ${embed("prompt")}`;
}

/** A call with each argument on a line of its own, below the first. @param {string} opening @param {string[]} given */
const call = (opening, given) => opening + given.join(`,\n${" ".repeat(opening.length)}`);

/** @param {any} state */
function noiseOf(state) {
  const { what, seed, to, frames, n } = state, prior = `model.prior(1, seed=${seed})`;
  if (what === "strip" && to !== undefined)
    return `noise = explorer.Path(*${prior}, *model.prior(1, seed=${to}), kind="slerp")${pointsOf(state)}`;
  if (what === "grid") return `import numpy as np

noise = np.concatenate([model.prior(1, seed=seed) for seed in range(${seed}, ${seed + n * n})])`;
  const count = { strip: frames, plane: n * n }[what] ?? 1;
  return `noise = ${prior}${count > 1 ? `.repeat(${count}, 0)` : ""}`;
}
