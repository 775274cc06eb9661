// @ts-check
// "As Keras code": the few lines that make the pictures on screen, from the server's with `{prompt}`, `{noise}` and `{settings}` to
// be put in.
import { numberText } from "../../serving/state.js";

/** @param {any} model as the page knows it @param {any} state */
export function codeOf(model, state) {
  const guidance = `guidance_scale=${numberText(state.guidance_scale)}`, compared = state.what === "steps";
  const code = model.code.replace("{prompt}", () => promptOf(state)).replace("{noise}", () => noiseOf(state))
    .replace("{settings}", `steps=${compared ? "steps" : state.steps}, ${guidance}`);
  if (!compared) return code;
  return code.replace(/pictures = (.*) {2}# (.*)\(n, /, "pictures = [$1[0] for steps in (5, 10, 15, 20, 25)]  # each $2(");
}

/** @param {any} state the frames of a walk */
const pointsOf = ({ frames, start, stop }) => `.points(${frames}, ${numberText(start)}, ${numberText(stop)})`;

/** @param {any} state */
function promptOf(state) {
  const { what, negative_prompt, kind, closed, n } = state;
  const not = negative_prompt ? `, ${JSON.stringify(negative_prompt)}` : "";
  const embed = key => `model.embed(${JSON.stringify(state[key])}${not})`;
  if (what === "strip") {
    const path = call("prompt = explorer.Path(", ["prompt", "to_prompt"].map(embed));
    return `${path}, kind="${kind}"${closed ? ", closed=True" : ""})${pointsOf(state)}`;
  }
  if (what === "plane") {
    const corners = ["prompt", "to_prompt", "below_prompt", "below_to_prompt"].map(embed);
    return `${call("prompt = explorer.Plane.corners(", corners)}, kind="${kind}").grid(${n})`;
  }
  return `prompt = ${embed("prompt")}`;
}

/** A call with each argument on a line of its own, below the first. @param {string} opening @param {string[]} given */
const call = (opening, given) => opening + given.join(`,\n${" ".repeat(opening.length)}`);

/** @param {any} state */
function noiseOf(state) {
  const { what, seed, to, frames, n } = state, prior = `model.prior(1, seed=${seed})`;
  if (what === "strip" && to !== undefined)
    return `noise = explorer.Path(*${prior}, *model.prior(1, seed=${to}), kind="slerp")${pointsOf(state)}`;
  const count = { strip: frames, plane: n * n }[what] ?? 1;
  return `noise = ${prior}${count > 1 ? `.repeat(${count}, 0)` : ""}`;
}
