// The morph view: two pictures with the way between them, four with the surface they span, or three with A - B + C. A corner is a
// place as in a link: a seed ("7"), a face of the gallery ("g12") or its coordinates.

const VIEW = "morph", LETTERS = ["A", "B", "C", "D"], OF = { 2: "lx-of-two", 3: "lx-of-three", 4: "lx-of-four" };
const START = { 2: [0.5], 3: [], 4: [0, 0] }; // where the picture in between begins; A - B + C is one point
const scratch = document.createElement("canvas");
let frames = null, playing = null;
const own = new Set(); // codes of a photo that Faces sent: in no address until the link is copied

function query(extra = {}, secret = extra.what !== undefined) {
  const count = state.corners.length, two = count === 2, full = {
    model: state.model, corners: state.corners.join(";"), t: count === 3 ? undefined : state.t.map(numberText).join(","),
    kind: count !== 3 && state.kind === "slerp" ? "slerp" : undefined, label: state.label || undefined,
    even: two && state.even ? 1 : undefined, closed: two && state.closed ? 1 : undefined,
    frames: two && state.frames !== 9 ? state.frames : undefined, n: count === 4 && state.n !== 7 ? state.n : undefined, ...extra,
  };
  if (!secret && state.corners.some(place => own.has(place))) delete full.corners;
  const order = ["what", "model", "corners", "t", "kind", "even", "closed", "frames", "n", "label"];
  return "view=morph&" + order.filter(key => full[key] !== undefined).map(key => `${key}=${encodeURIComponent(full[key]).replace(/%2C/g, ",").replace(/%3B/g, ";")}`).join("&");
}
const remember = () => query({}, true);
const fileState = what => ({ what });

// ---- the picture in between

const decode = Newest(async began => {
  const answer = await ask("decode_face", remember());
  if (!answer) return;
  pictureCanvas(bytesOf(answer.pixels), model.image_shape, scratch);
  showNow();
  const shown = performance.now();
  if (began !== undefined) performance.measure("event-to-pixels", { start: began, end: shown });
  view.dataset.ready = "yes";
  find(".lx-speed").textContent = began === undefined ? `decoded in ${answer.ms.toFixed(1)} ms` : `${(shown - began).toFixed(0)} ms`;
});

function showNow() { for (const canvas of all(".lx-picture")) if (canvas.offsetParent) showPicture(canvas, scratch, model.image_shape[2] === 3); }

function setT(t, began) {
  stopPlaying();
  state.t = t.map(value => Math.round(value * 1e4) / 1e4);
  if (t.length === 1) find("[data-t]").value = t[0]; else if (t.length) plane.move(t);
  decode(began);
  markFrame();
  writeAddress();
}
find("[data-t]").oninput = event => setT([+event.target.value], performance.now());
find("[data-t]").onchange = settle;

const plane = new LatentPlane(find(".lx-plane"), { palette: [], onmove: (z, began) => setT(z.map(value => Math.max(-1, Math.min(1, value))), began), onsettle: () => settle() });
Object.assign(plane, { showPoints: false, fixed: true, bare: true });
plane.top.setAttribute("aria-label", "The surface between four pictures, A and B above, C and D below. Arrow keys move the point.");

// ---- the corners

function buildCorners(pictures) {
  find(".lx-corners").replaceChildren(...state.corners.map((place, i) => {
    const figure = document.createElement("figure"), picture = pictureCanvas(bytesOf(pictures[i]), model.image_shape);
    picture.setAttribute("role", "img"); picture.setAttribute("aria-label", `picture ${LETTERS[i]}`);
    const whence = place.includes(",") ? "by its code" : place.startsWith("g") ? `gallery ${place.slice(1)}` : `seed ${place}`;
    figure.innerHTML = `<figcaption><b>${LETTERS[i]}</b> <small>${whence}</small></figcaption><div class="lx-buttons"><button type="button" aria-label="another random picture as ${LETTERS[i]}">Dice</button><button type="button" ${model.gallery ? "" : "hidden"} aria-label="the gallery's next face as ${LETTERS[i]}">Next</button></div>`;
    figure.prepend(picture);
    const [dice, next] = figure.querySelectorAll("button");
    dice.onclick = () => setCorner(i, String(randomSeed()));
    next.onclick = () => setCorner(i, `g${place.startsWith("g") ? (+place.slice(1) + 1) % model.gallery : Math.floor(Math.random() * model.gallery)}`);
    return figure;
  }));
}
const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] % 1e6;

// The corners, made more by the gallery's next or by seeds, or fewer.
function resized(count) {
  const more = Array.from({ length: 4 }, (_, i) => model.gallery ? `g${i % model.gallery}` : String(i));
  return [...state.corners, ...more.slice(state.corners.length)].slice(0, count);
}

function setCorner(i, place) {
  const corners = i < state.corners.length ? state.corners.slice() : resized(4);
  corners[i] = place;
  return change({ corners });
}

function change(values) {
  const wanted = { ...state, ...values };
  if (wanted.corners.length !== state.corners.length) wanted.t = START[wanted.corners.length];
  const before = state;
  state = wanted;
  const text = remember();
  state = before;
  return open(text);
}

for (const button of all("[data-count]")) button.onclick = () => {
  const count = +button.dataset.count;
  if (!model || state.corners.length === count) return;
  change({ corners: resized(count) });
};

// Another model draws something else from the same seeds; places of one space mean nothing in another.
find("[data-model]").onchange = event => {
  const seeds = state.corners.map((place, i) => /^\d+$/.test(place) ? place : String(i));
  change({ model: event.target.value, corners: seeds, label: undefined });
};

// ---- frames, sheet

const morph = Newest(async () => {
  if (state.corners.length === 3) return;
  if (state.corners.length === 4) {
    const answer = await ask("face_sheet", query({ what: "grid", t: undefined }));
    if (answer) plane.setBackdrop(await loadImage(answer.url), { x: 0, y: 0, extent: 1 + 1 / Math.max(1, state.n - 1) });
    return;
  }
  const answer = await ask("morph_frames", query({ what: "strip", t: undefined }));
  if (!answer || state.corners.length !== 2) return;
  frames = answer;
  const low = Math.min(...answer.steps), high = Math.max(...answer.steps);
  find(".lx-steps").textContent = answer.steps.length > 1 && !state.closed ? `largest step ${(high / Math.max(low, 1e-6)).toFixed(1)} × the smallest (${answer.measure})` : "";
  find(".lx-strip").replaceChildren(...answer.frames.map((frame, i) => {
    const button = document.createElement("button");
    button.type = "button"; button.title = `${i + 1} of ${answer.frames.length}, t = ${answer.t[i].toFixed(2)}: go there`;
    button.setAttribute("aria-label", button.title);
    button.append(pictureCanvas(bytesOf(frame), model.image_shape));
    button.onclick = () => { setT([answer.t[i]], performance.now()); settle(); };
    return button;
  }));
  markFrame();
});

function markFrame() {
  if (!frames || state.t.length !== 1) return;
  const nearest = frames.t.reduce((best, t, i) => Math.abs(t - state.t[0]) < Math.abs(frames.t[best] - state.t[0]) ? i : best, 0);
  [...find(".lx-strip").children].forEach((button, i) => button.classList.toggle("lx-now", i === nearest));
}

function stopPlaying() { clearInterval(playing); playing = null; find("[data-do=play]").textContent = "Play"; }
function play() {
  if (playing) { stopPlaying(); return decode(); }
  if (state.corners.length !== 2) return;
  let i = 0;
  find("[data-do=play]").textContent = "Stop";
  playing = setInterval(() => {
    if (!frames || !element.offsetParent || still.matches && i >= frames.frames.length) { stopPlaying(); return decode(); }
    const at = i++ % frames.frames.length;
    pictureCanvas(bytesOf(frames.frames[at]), model.image_shape, scratch);
    showNow();
    find("[data-t]").value = frames.t[at];
    [...find(".lx-strip").children].forEach((button, k) => button.classList.toggle("lx-now", k === at));
  }, still.matches ? 600 : 120);
}

// ---- opening a state

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_morph", text);
  if (!answer) return;
  model = answer.model;
  const { corners, t, kind, even, closed, frames: count, n, label } = answer.state;
  state = { model: model.name, corners, t: t ?? [], kind, even, closed, frames: count, n, label };
  say(answer.problems.join(" · "));
  for (const part of all(Object.values(OF).map(name => `.${name}`).join())) part.hidden = !part.classList.contains(OF[corners.length]);
  view.classList.toggle("lx-four", corners.length === 4);
  view.classList.toggle("lx-pixels", model.image_shape[2] === 1);
  for (const word of all("[data-noun]")) word.textContent = model.face ? "faces" : "pictures";
  find(".lx-from-faces").hidden = !model.face;
  find("[data-model]").replaceChildren(...answer.models.map(m => new Option(m.short, m.name)));
  find("[data-model]").value = model.name;
  find(".lx-garment").hidden = !model.conditional;
  find("[data-set=label]").replaceChildren(...(model.conditional ? model.classes : []).map((name, i) => new Option(name, i)));
  for (const button of all("[data-count]")) button.setAttribute("aria-checked", String(+button.dataset.count === corners.length));
  for (const control of all("[data-set]")) control.type === "checkbox" ? control.checked = !!state[control.dataset.set] : control.value = state[control.dataset.set] ?? "";
  buildCorners(answer.pictures);
  if (corners.length === 4) plane.setSpace({ center: [0, 0], extent: 1 + 1 / Math.max(1, n - 1), scale: "z", axes: [0, 1] });
  setT(state.t);
  morph();
  if (!keepHistory) { if (!settled) settled = remember(); else settle(); }
}

for (const control of all("[data-set]")) control.onchange = () => {
  const key = control.dataset.set;
  let value = control.type === "checkbox" ? control.checked : control.value;
  if (control.type === "number") value = control.value = Math.max(+control.min, Math.min(+control.max, Math.round(+value) || +control.defaultValue));
  if (key === "label") return change({ label: +value }); // the corners draw something else too
  state[key] = value;
  if (key === "n") plane.setSpace({ center: [0, 0], extent: 1 + 1 / Math.max(1, value - 1), scale: "z", axes: [0, 1] });
  morph(); decode(); settle();
};

function fillCode() {
  const names = state.corners.map((place, i) => `z_${LETTERS[i].toLowerCase()}`), point = place => place.includes(",") ? "np.array([...], \"float32\")" : place.startsWith("g") ? `explorer.checkpoints.encodings("${state.model}").z_mean[${place.slice(1)}]` : `model.prior(1, seed=${place})[0]`;
  const lines = state.corners.map((place, i) => `${names[i]} = ${point(place)}`).join("\n");
  const asked = model.conditional ? `, label=${state.label}` : "", made = {
    2: `path = explorer.Path(z_a, z_b, kind="${state.kind}")\nframes = model.decode(path.points(${state.frames})${asked})`,
    3: `picture = model.decode((z_a - z_b + z_c)[None]${asked})[0]`,
    4: `plane = explorer.Plane.corners(z_a, z_b, z_c, z_d, kind="${state.kind}")\nsheet = model.decode(plane.grid(${state.n}).reshape(-1, *model.latent_shape)${asked})`,
  };
  find(".lx-folds code").textContent = `import numpy as np\nimport explorer\n\nmodel = explorer.load("${state.model}")\n${lines}\n${made[state.corners.length]}`;
}
find(".lx-folds").addEventListener("toggle", () => model && fillCode(), true);

const ACTIONS = {
  dice() { change({ corners: state.corners.map(() => String(randomSeed())) }); },
  undo, hush() {}, play,
  link() { own.clear(); copyLink(); writeAddress(); },
};
const KEYBOARD = { r: "dice", " ": "play" };

// Faces that the Faces view sends, also before this view was first looked at.
window.addEventListener("lx-to-morph", () => model && takeSent());
async function takeSent() {
  const sent = Object.entries(window.latentExplorerSent ?? {});
  window.latentExplorerSent = {};
  for (const [i, { place, own: mine }] of sent) {
    if (mine) own.add(place);
    if (!model.face) await open("view=morph"); // which shows faces
    await setCorner(+i, place);
  }
}

function start() { openWhenSeen(takeSent, showNow); }
