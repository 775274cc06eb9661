// The diffusion view: what is asked for, and what its run shows.

const VIEW = "diffusion", PATIENT_STEPS = 100; // more steps than these are started by hand
const stage = find(".lx-lanes"), scrubber = find("[data-scrub]");
let lanes = [], brought = null, scrubbed = false, held = false;

// "samplers" is the trajectory with a second sampler
const modeOf = ({ what, to_sampler }) => what === "trajectory" && to_sampler ? "samplers" : what === "picture" ? "trajectory" : what;

function query(extra = {}) {
  const mode = modeOf(state), sampling = model.sampling, full = {
    what: state.what, model: state.model, seed: state.seed, to: mode === "strip" ? state.to : undefined, frames: mode === "strip" ? state.frames : undefined,
    n: mode === "grid" ? state.n : undefined, steps: mode === "steps" || state.steps === sampling.steps ? undefined : state.steps,
    sampler: state.sampler === sampling.sampler ? undefined : state.sampler, to_sampler: mode === "samplers" ? state.to_sampler : undefined,
    label: state.label, guidance_scale: state.guidance_scale === sampling.guidance_scale ? undefined : numberText(state.guidance_scale),
    eta: state.eta && (state.sampler === "ddim" || state.to_sampler === "ddim") ? numberText(state.eta) : undefined,
    epsilon_scale: state.epsilon_scale === (sampling.epsilon_scale ?? 1) ? undefined : numberText(state.epsilon_scale),
    time: mode === "forward" || state.time !== undefined && mode === "trajectory" ? numberText(state.time) : undefined, ...extra,
  };
  const order = ["what", "model", "seed", "to", "frames", "n", "steps", "sampler", "to_sampler", "label", "guidance_scale", "eta", "epsilon_scale", "time", "size"];
  return "view=diffusion&" + order.filter(key => full[key] !== undefined).map(key => `${key}=${encodeURIComponent(full[key])}`).join("&");
}
const remember = () => query();
const fileState = what => ({ picture: { what: "picture", to_sampler: undefined }, rows: { what: "trajectory", time: undefined }, own: {} })[what];

// ---- a run

function begin() {
  scrubbed = false;
  const text = query({ time: modeOf(state) === "forward" ? numberText(state.time) : undefined });
  follow("start_run", brought && modeOf(state) === "forward" ? { query: text, picture: brought.url } : text, take, mine => {
    if (!scrubbed) showStep(lastStep());
    if (lanes[0]?.steps.length) firstSeen(mine);
  });
}

function take(mine, event) {
  if (event.lanes) {
    mine.total = event.lanes.reduce((sum, lane) => sum + lane.steps, 0);
    mine.before = event.lanes.map((_, i) => event.lanes.slice(0, i).reduce((sum, lane) => sum + lane.steps, 0));
    const mode = modeOf(state), single = mode === "trajectory" || mode === "samplers" || mode === "forward";
    lanes = event.lanes.map(lane => Lane(lane, model.image_shape, single));
    stage.dataset.mode = mode;
    stage.replaceChildren(...lanes.map(lane => lane.root));
    paintNoise(event.picture ?? event.first[0]);
    scrubber.max = Math.max(...event.lanes.map(lane => lane.kept)) - 1;
    return;
  }
  lanes[event.lane].add(event);
  progress(mine, mine.before[event.lane] + event.step + 1);
}

function over() {
  if (state.time !== undefined && modeOf(state) === "trajectory" && lanes.length) showTime(state.time);
}

let changing = null;
// A change begins anew, but for a run so long that people should ask for it.
function changed() {
  clearTimeout(changing);
  stop();
  settle();
  fillCode();
  const steps = modeOf(state) === "steps" ? 25 : state.steps;
  if (steps <= PATIENT_STEPS) return begin();
  run = null;
  find(".lx-progress").textContent = `${steps} steps take a while: press Run.`;
}
function changedSoon() { clearTimeout(changing); changing = setTimeout(changed, 300); }

// ---- scrubbing

const lastStep = () => Math.max(0, ...lanes.map(lane => lane.steps.length - 1));
function showStep(index) {
  scrubber.value = index;
  let step = null;
  for (const lane of lanes) step = lane.show(index) ?? step;
  const lead = lanes[0]?.steps[Math.min(index, lanes[0].steps.length - 1)] ?? step;
  if (lead) mark(lead.time, lead.signal_rate, lead.noise_rate);
}
function showTime(time) {
  const steps = lanes[0].steps, nearest = steps.reduce((best, step, i) => Math.abs(step.time - time) < Math.abs(steps[best].time - time) ? i : best, 0);
  showStep(nearest);
}
function mark(time, signal, noise) {
  drawSchedule(find(".lx-schedule"), model, time);
  find(".lx-at").textContent = model.steps_of_schedule ? `t = ${Math.round(time * model.steps_of_schedule)} of ${model.steps_of_schedule}` : `t = ${time.toFixed(2)}`;
  find("[data-rate=signal]").textContent = signal.toFixed(3);
  find("[data-rate=noise]").textContent = noise.toFixed(3);
  scrubber.setAttribute("aria-valuetext", `t ${time.toFixed(2)}, signal rate ${signal.toFixed(2)}, noise rate ${noise.toFixed(2)}`);
}
function scrub(index) {
  scrubbed = index < lastStep();
  showStep(index);
  if (modeOf(state) !== "trajectory") return;
  const step = lanes[0]?.steps[index];
  if (scrubbed && step) state.time = step.time; else delete state.time;
  writeAddress();
  fillCode();
}
scrubber.oninput = () => scrub(+scrubber.value);
scrubber.onchange = settle;
stage.addEventListener("click", event => { if (event.target.dataset.step !== undefined) { scrub(+event.target.dataset.step); settle(); } });
new ResizeObserver(() => { if (model && element.offsetParent && lanes.length) showStep(+scrubber.value); }).observe(view);

function paintNoise(bytes) {
  const picture = pictureCanvas(bytesOf(bytes), model.image_shape);
  model.image_shape[2] === 1 ? showPicture(find(".lx-noise"), picture) : showSmooth(find(".lx-noise"), picture);
}

// ---- settings

for (const control of all("[data-set]")) {
  const key = control.dataset.set;
  const read = () => control.type === "range" || control.type === "number" ? +control.value : key !== "label" ? control.value : control.value ? +control.value : undefined;
  control.addEventListener(control.type === "range" ? "input" : "change", () => {
    if (!model) return;
    let value = read();
    if (control.type === "number") {
      const whole = Math.round(value), good = control.value !== "" && value === whole && whole >= +control.min && whole <= +control.max;
      if (!good) { say(`${control.closest("label").firstChild.textContent.trim()} must be a whole number from ${control.min} to ${control.max}, got “${control.value || "nothing"}”`); control.value = state[key]; return; }
      value = whole;
    }
    say("");
    if (key === "model") { // another network from the same noises
      const ends = { strip: `&to=${state.to}`, samplers: `&to_sampler=${state.to_sampler}` }[modeOf(state)] ?? "";
      return open(`view=diffusion&what=${state.what}&model=${value}&seed=${state.seed}${ends}`);
    }
    state[key] = value;
    if (key !== "time") forgetTime();
    sync();
    if (key === "time") { held = true; return noiseIt(); }
    control.type === "range" ? changedSoon() : changed();
  });
  if (key === "time") control.addEventListener("change", () => { held = false; changed(); });
}
function forgetTime() { if (modeOf(state) !== "forward") delete state.time; }

function sync() {
  const mode = modeOf(state);
  for (const button of all("[data-what]")) button.setAttribute("aria-checked", String(button.dataset.what === mode));
  for (const name of ["strip", "grid", "samplers", "forward"]) for (const part of all(`.lx-for-${name}`)) part.hidden = mode !== name;
  find(".lx-for-steps").hidden = mode === "steps";
  for (const button of all("[data-for]")) button.hidden = !button.dataset.for.split(" ").includes(mode) || mode === "forward" && !!brought;
  const ddim = state.sampler === "ddim" || mode === "samplers" && state.to_sampler === "ddim";
  find(".lx-eta").hidden = !ddim;
  for (const part of all(".lx-for-classes")) part.hidden = !model.classes.length;
  for (const control of all("[data-set]")) {
    const value = state[control.dataset.set];
    if ((value !== undefined || control.dataset.set === "label") && document.activeElement !== control) control.value = value ?? "";
    const output = control.parentElement.querySelector("output");
    if (output && value !== undefined) output.textContent = Number(value).toFixed(control.dataset.set === "epsilon_scale" ? 3 : 2);
  }
  find("[data-set=steps]").max = model.most_steps;
  find(".lx-scrub").hidden = mode === "grid";
  find(".lx-input h3").textContent = mode === "forward" ? "The picture" : "The noise";
  find(".lx-noise").setAttribute("aria-label", mode === "forward" ? "The picture that is noised" : "The noise that sampling starts from");
  find("[data-do=own]").hidden = !brought;
  find(".lx-private").textContent = brought ? "Your picture stays in this page; it is sent only to be noised, written nowhere, and the link does not hold it." : "What is noised is the picture that the seed’s own noise becomes.";
}

for (const button of all("[data-what]")) button.onclick = () => {
  if (!model || button.dataset.what === modeOf(state)) return;
  const mode = button.dataset.what, before = state;
  state = { ...state, what: mode === "samplers" ? "trajectory" : mode };
  delete state.time;
  delete state.to_sampler;
  if (mode === "samplers") state.to_sampler = before.sampler === "ddim" ? "ddpm" : "ddim";
  if (mode === "forward") state.time = 0.5;
  if (mode === "strip") state.to ??= (state.seed + 1) % 2 ** 32;
  sync();
  changed();
};

// ---- a picture of one's own

const noiseIt = Newest(async () => {
  if (!brought || modeOf(state) !== "forward") return changedSoon();
  if (!held) return; // let go: its run is under way
  stop();
  const answer = await ask("noised_picture", { query: query(), picture: brought.url });
  if (!answer || !held) return;
  paintNoise(answer.picture);
  lanes = [Lane({ title: "noised", steps: 1, count: 1 }, model.image_shape, true)];
  stage.replaceChildren(lanes[0].root);
  lanes[0].add({ step: 0, time: state.time, x_t: answer.x_t, x_0: [answer.x_t], ...answer });
  lanes[0].show(0);
  mark(state.time, answer.signal_rate, answer.noise_rate);
});

const picker = find(".lx-source input");
picker.parentElement.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { picker.click(); event.preventDefault(); } };
picker.onchange = async event => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  if (file.size > 25e6) return say("This file is too large; at most 25 MB can be read.");
  const url = await new Promise(resolve => { const reader = new FileReader(); reader.onload = () => resolve(reader.result); reader.readAsDataURL(file); });
  brought = { url };
  sync();
  changed();
};

// ---- opening a state

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_diffusion", text);
  if (!answer) return;
  stop();
  model = answer.model;
  const { what, seed, to, frames, n, steps, sampler, to_sampler, label, guidance_scale, eta, epsilon_scale, time } = answer.state;
  state = { what: what === "picture" ? "trajectory" : what, model: model.name, seed, to: to?.[0], frames: what === "strip" ? frames : 9, n, steps, sampler, to_sampler, label, guidance_scale, eta, epsilon_scale, time };
  find("[data-set=model]").replaceChildren(...answer.models.map(one => new Option(one.short, one.name)));
  find("[data-set=model]").value = model.name;
  find("[data-set=label]").replaceChildren(new Option("any", ""), ...model.classes.map((name, i) => new Option(name, i)));
  say(answer.problems.join(" · "));
  sync();
  drawSchedule(find(".lx-schedule"), model);
  fillCode();
  if (!keepHistory) { if (!settled) settled = remember(); else settle(); }
  writeAddress();
  begin();
}

function fillCode() {
  const { seed, to, steps, sampler, eta, epsilon_scale, label } = state, mode = modeOf(state), drawn = model.classes.length && label === undefined;
  const guidance = model.classes.length ? `, guidance_scale=${numberText(state.guidance_scale)}` : "", named = label === undefined ? "" : `, label=${label}`;
  const settings = `steps=${mode === "steps" ? 5 : steps}, sampler="${sampler}"` + (sampler === "ddim" && eta ? `, eta=${numberText(eta)}` : "") +
    (epsilon_scale === (model.sampling.epsilon_scale ?? 1) ? "" : `, epsilon_scale=${numberText(epsilon_scale)}`) +
    (drawn && mode === "strip" ? `, label=model.labels(1, seed=${seed})` : named) + guidance + (sampler === "ddpm" || eta || drawn ? `, seed=${seed}` : "");
  const prior = `model.prior(${mode === "grid" ? state.n : 1}, seed=${seed})`;
  const noise = mode === "strip" ? `noise = explorer.Path(*model.prior(1, seed=${seed}), *model.prior(1, seed=${to}), kind="slerp").points(${state.frames})`
    : mode === "forward" ? `before = model.decode(${prior}, ${settings})  # or a picture of your own\nnoise = model.noised(before, ${numberText(state.time)}, seed=${seed + 1})` : `noise = ${prior}`;
  find(".lx-folds code").textContent = model.code.replace("{noise}", noise).replace("{settings}", mode === "forward" ? (drawn ? settings.replace(guidance, ", guidance_scale=0") : settings) + `, start=${numberText(state.time)}` : settings).replace(mode === "strip" || mode === "grid" ? "[0]  #" : "\u0000", "  #");
}

const ACTIONS = {
  dice() { state.seed = crypto.getRandomValues(new Uint32Array(1))[0] % 1e6; forgetTime(); sync(); changed(); },
  undo, hush() {}, link: copyLink, run: begin, stop: () => stop("stopped"), own() { brought = null; sync(); changed(); },
  back: () => scrub(Math.max(0, +scrubber.value - 1)), on: () => scrub(Math.min(lastStep(), +scrubber.value + 1)),
};
const KEYBOARD = { r: "dice", arrowleft: "back", arrowright: "on", escape: "stop" };

function start() { openWhenSeen(); }
