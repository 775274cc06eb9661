// The text-to-image view: prompts, the run that draws them, and one of its pictures large.

const VIEW = "text-to-image";
const cells = find(".lx-cells"), large = find(".lx-big"), scrubber = find("[data-scrub]");
const DEFAULTS = { negative_prompt: "", kind: "slerp", closed: false, start: 0, stop: 1, frames: 9, n: 4 };
let drawn = [], scrubbed = false, norms = null, angle = 0;

const mode = () => state.what;
const USED = {
  strip: ["to_prompt", "to", "kind", "closed", "start", "stop", "frames"], plane: ["to_prompt", "below_prompt", "below_to_prompt", "kind", "n"],
  picture: [], steps: [],
};

function query(extra = {}) {
  const full = { what: state.what, model: state.model, image_size: state.image_size, prompt: state.prompt, negative_prompt: state.negative_prompt, seed: state.seed };
  for (const key of USED[mode()]) full[key] = state[key];
  for (const key of ["guidance_scale", ...(mode() === "steps" ? [] : ["steps"])]) if (state[key] !== model.sampling[key]) full[key] = state[key];
  for (const [key, value] of Object.entries(DEFAULTS)) if (full[key] === value) delete full[key];
  Object.assign(full, extra);
  const text = value => value === true ? "1" : value === false ? "0" : typeof value === "number" ? numberText(value) : value;
  return "view=text-to-image&" + Object.keys(full).filter(key => full[key] !== undefined).map(key => `${key}=${encodeURIComponent(text(full[key]))}`).join("&");
}
const remember = () => query();
// "picture" is the one that is shown large, which on a walk stands at a place t
const fileState = what => what === "own" ? {} : what === "film" ? { what: "trajectory" }
  : { what: "picture", ...(mode() === "strip" && drawn[shown()] ? { t: placeOf(shown()), frames: undefined, start: undefined, stop: undefined, closed: undefined } : {}) };
const shown = () => Math.min(+scrubber.value, Math.max(0, drawn.length - 1));
function placeOf(index) { return Number(drawn[index].title.slice(2)); }

// ---- a run

function begin() {
  scrubbed = false;
  follow("start_drawing", query(), take, mine => { if (drawn.some(cell => cell.picture)) firstSeen(mine); });
}

function take(mine, event) {
  if (event.titles) {
    mine.total = event.total;
    ({ norms, angle } = event);
    const strange = [...new Set(["prompt", ...USED[mode()], "negative_prompt"].flatMap(key => mine.strange[key] ?? []))];
    find(".lx-strange").textContent = strange.length ? `It never saw ${strange.map(word => `“${word}”`).join(", ")}.` : "";
    drawNorms();
    const film = mode() === "picture";
    drawn = film ? [] : event.titles.map(Cell);
    cells.dataset.mode = mode();
    cells.style.setProperty("--side", film ? Math.min(event.steps, 14) : event.side ?? Math.min(event.titles.length, 9));
    cells.replaceChildren(...drawn.map(cell => cell.root));
    scrubber.max = Math.max(0, drawn.length - 1);
    scrubber.value = 0;
    return;
  }
  progress(mine, event.at);
  if (mode() === "picture") {
    if (event.drawn) { drawn.at(-1).paint(event.pictures[0]); } // the last guess becomes the result
    else { const cell = Cell(`σ ${event.noise_rate.toFixed(2)}`, drawn.length); cell.paint(event.pictures[0]); drawn.push(cell); cells.append(cell.root); scrubber.max = drawn.length - 1; }
    if (!scrubbed) show(drawn.length - 1);
    return;
  }
  event.pictures.forEach((one, i) => drawn[event.first + i].paint(one));
  if (event.first <= shown() && shown() < event.first + event.pictures.length) show(shown());
}
function over() {}

function Cell(title, index) {
  const root = document.createElement("figure");
  root.innerHTML = `<canvas width="128" height="128" role="img" data-cell="${index}"></canvas><figcaption>${escaped(title)}</figcaption>`;
  const canvas = root.querySelector("canvas"), cell = { root, title, picture: null };
  canvas.setAttribute("aria-label", title || `picture ${index + 1}`);
  cell.paint = bytes => { cell.picture = pictureCanvas(bytesOf(bytes), model.image_shape); showSmooth(canvas, cell.picture); };
  return cell;
}

function show(index) {
  scrubber.value = index;
  drawn.forEach((cell, i) => cell.root.querySelector("canvas").classList.toggle("lx-now", i === index));
  const cell = drawn[index];
  if (cell?.picture) showSmooth(large, cell.picture);
  find(".lx-caption-of").textContent = cell?.title ?? "";
  scrubber.setAttribute("aria-valuetext", cell?.title ?? "");
  if (mode() === "strip") drawNorms(cell && placeOf(index));
}
function scrub(index) { scrubbed = true; show(Math.max(0, Math.min(drawn.length - 1, index))); }
scrubber.oninput = () => scrub(+scrubber.value);
cells.addEventListener("click", event => { if (event.target.dataset.cell !== undefined) scrub(+event.target.dataset.cell); });

function changed() {
  stop();
  settle();
  fillCode();
  begin();
}
let changing = null;
function changedSoon() { clearTimeout(changing); changing = setTimeout(changed, 500); }

// ---- why slerp: the length of the embedding along both ways

function drawNorms(place) {
  const canvas = find(".lx-norms"), ratio = devicePixelRatio, width = widthOf(canvas) || 320, height = Math.round(width * 0.52);
  canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  if (!norms) return;
  const context = canvas.getContext("2d"), style = getComputedStyle(view), both = [...norms.linear, ...norms.slerp];
  const low = Math.min(...both, 0.9), high = Math.max(...both, 1.1), left = 34, right = 8, top = 8, bottom = 20;
  const x = t => left + t * (width - left - right), y = norm => top + (high - norm) / (high - low) * (height - top - bottom);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = style.getPropertyValue("--body-text-color-subdued");
  context.globalAlpha = 0.35; context.beginPath(); context.moveTo(x(0), y(1)); context.lineTo(x(1), y(1)); context.stroke(); context.globalAlpha = 1;
  context.fillText("1.00", 4, y(1) + 4);
  const least = Math.min(...both);
  if (y(least) - y(1) > 14) context.fillText(least.toFixed(2), 4, y(least) + 4);
  context.fillText("A", left, height - 5); context.textAlign = "right"; context.fillText("B", width - right, height - 5); context.textAlign = "left";
  for (const [kind, colour] of [["linear", "#56b4e9"], ["slerp", "#e69f00"]]) {
    context.strokeStyle = colour; context.lineWidth = state.kind === kind ? 3.5 : 1.75; context.beginPath();
    norms[kind].forEach((norm, i) => context.lineTo(x(i / (norms[kind].length - 1)), y(norm)));
    context.stroke();
    if (place !== undefined && state.kind === kind) {
      const at = norms[kind][Math.round(place * (norms[kind].length - 1))];
      context.fillStyle = colour; context.beginPath(); context.arc(x(place), y(at), 5, 0, 7); context.fill();
    }
  }
  find(".lx-angle").textContent = `They stand ${angle.toFixed(0)}° apart.`;
}
new ResizeObserver(() => { if (model && element.offsetParent && drawn.length) show(shown()); }).observe(view);

// ---- settings

for (const control of all("[data-set]")) {
  const key = control.dataset.set;
  control.addEventListener(control.type === "range" ? "input" : "change", () => {
    if (!model) return;
    let value = control.type === "checkbox" ? control.checked : control.type === "range" ? +control.value : control.value;
    if (control.type === "number") {
      const whole = Math.round(+value), empty = control.value === "", good = empty ? key === "to" : +value === whole && whole >= +control.min && whole <= +control.max;
      if (!good) { say(`${control.closest("label").firstChild.textContent.trim()} must be a whole number from ${control.min} to ${control.max}, got “${control.value || "nothing"}”`); control.value = state[key] ?? ""; return; }
      value = empty ? undefined : whole;
    }
    say("");
    if (key === "model") return isHere(value) ? open(`view=text-to-image&what=${state.what}&model=${encodeURIComponent(value)}`) : showNeed(value);
    state[key] = value;
    if (state.start > state.stop) state[key === "start" ? "stop" : "start"] = value;
    sync();
    control.type === "range" ? changedSoon() : changed();
  });
  if (control.tagName === "TEXTAREA") control.addEventListener("keydown", event => { // Enter draws, Shift+Enter begins a line
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); control.blur(); }
  });
}

function sync() {
  for (const button of all("[data-what]")) button.setAttribute("aria-checked", String(button.dataset.what === mode()));
  for (const button of all("[data-kind]")) button.setAttribute("aria-checked", String(button.dataset.kind === state.kind));
  for (const part of all("[class*=lx-for-]")) part.hidden = ![...part.classList].includes(`lx-for-${mode()}`) && !part.classList.contains("lx-for-steps");
  find(".lx-for-steps").hidden = mode() === "steps";
  for (const button of all("[data-for]")) button.hidden = !button.dataset.for.split(" ").includes(mode());
  find(".lx-scrub").hidden = mode() === "plane" || mode() === "steps";
  find(".lx-scrub span").textContent = mode() === "picture" ? "noise" : "A";
  find(".lx-scrub span:last-child").textContent = mode() === "picture" ? "picture" : "B";
  for (const control of all("[data-set]")) {
    const value = state[control.dataset.set];
    if (document.activeElement !== control) { if (control.type === "checkbox") control.checked = !!value; else control.value = value ?? ""; }
    const output = control.parentElement.querySelector("output");
    if (output && value !== undefined) output.textContent = Number(value).toFixed(control.step === "0.01" ? 2 : 1);
  }
}

for (const button of all("[data-what]")) button.onclick = () => { if (model && button.dataset.what !== mode()) { state.what = button.dataset.what; sync(); changed(); } };
for (const button of all("[data-kind]")) button.onclick = () => { if (model && button.dataset.kind !== state.kind) { state.kind = button.dataset.kind; sync(); changed(); } };

// ---- opening a state

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_prompts", text);
  if (!answer) return;
  stop();
  model = answer.model;
  state = { ...answer.state, to: answer.state.to?.[0] };
  if (!new URLSearchParams(text).get("what")) state.what = "strip";
  if (state.what === "trajectory") state.what = "picture";
  fillModels(answer.models, answer.others);
  find(".lx-knows").textContent = `This model has seen ${model.knows}${model.whole ? "; other things it cannot draw" : ""}.`;
  find(".lx-examples").replaceChildren(...model.examples.map(([from, to]) => {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = `${from} → ${to}`;
    button.onclick = () => { Object.assign(state, { what: "strip", prompt: from, to_prompt: to }); sync(); changed(); };
    return button;
  }));
  say(answer.problems.join(" · "));
  sync();
  fillCode();
  if (!keepHistory) { if (!settled) settled = remember(); else settle(); }
  writeAddress();
  begin();
  if (!answer.wanted) return;
  showNeed(answer.wanted.model, answer.wanted.image_size);
  say(`${answer.wanted.model} has not been loaded here: what it needs stands below the settings’ model. This is ${model.name}.`);
}

function fillCode() {
  const { seed, to, steps, guidance_scale, negative_prompt, kind, closed, frames, n, start, stop } = state, quoted = text => JSON.stringify(text);
  const embed = text => `model.embed(${quoted(text)}${negative_prompt ? `, ${quoted(negative_prompt)}` : ""})`;
  const prompt = { picture: `prompt = ${embed(state.prompt)}`, steps: `prompt = ${embed(state.prompt)}`,
    strip: `prompt = explorer.Path(${embed(state.prompt)},\n                       ${embed(state.to_prompt)}, kind="${kind}"${closed ? ", closed=True" : ""}).points(${frames}, ${numberText(start)}, ${numberText(stop)})`,
    plane: `prompt = explorer.Plane.corners(${[state.prompt, state.to_prompt, state.below_prompt, state.below_to_prompt].map(embed).join(",\n                                ")}, kind="${kind}").grid(${n})` }[mode()];
  const count = { picture: 1, steps: 1, strip: frames, plane: n * n }[mode()];
  const noise = mode() === "strip" && to !== undefined ? `noise = explorer.Path(*model.prior(1, seed=${seed}), *model.prior(1, seed=${to}), kind="slerp").points(${frames}, ${numberText(start)}, ${numberText(stop)})`
    : `noise = model.prior(1, seed=${seed})${count > 1 ? `.repeat(${count}, 0)` : ""}`;
  find(".lx-folds code").textContent = model.code.replace("{prompt}", () => prompt).replace("{noise}", () => noise).replace("{settings}", `steps=${mode() === "steps" ? 5 : steps}, guidance_scale=${numberText(guidance_scale)}`);
}

const ACTIONS = {
  dice() { state.seed = crypto.getRandomValues(new Uint32Array(1))[0] % 1e6; sync(); changed(); },
  undo, hush() {}, link: copyLink, run: begin, fetch: fetchPreset, leave: leavePreset, stop: () => stop("stopped"),
  back: () => scrub(shown() - 1), on: () => scrub(shown() + 1),
};
const KEYBOARD = { r: "dice", arrowleft: "back", arrowright: "on", escape: "stop" };

function start() { openWhenSeen(); }
