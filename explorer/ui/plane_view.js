// The latent plane view: asks the server for what the state says and keeps the address bar at what is on screen.
// `element`, `props` and `server` are given by gr.HTML; `LatentPlane` and its helpers stand in latent_plane.js.

const find = selector => element.querySelector(selector), all = selector => [...element.querySelectorAll(selector)];
const view = find(".lx"), still = matchMedia("(prefers-reduced-motion: reduce)");
let state = {}, model = null, models = [], live = false, sheet = null, undone = [], settled = "", walked = null, lastPixels = null;

// ---- words

function say(text) {
  find(".lx-message span").textContent = text || "";
  find(".lx-message").hidden = !text;
}

async function ask(name, request, quiet) {
  let answer;
  try { answer = await server[name](request); } catch { answer = { error: "The server does not answer. Is it still running? Your point is kept in the address bar." }; }
  if (answer.error) { if (!quiet) say(answer.error); return null; }
  return answer;
}

const numberText = value => String(Math.round(value * 1e4) / 1e4 + 0);
const short = value => (value < 0 ? "−" : "") + Math.abs(value).toFixed(2);
const escaped = text => text.replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

// ---- the state as a string; keys and their order as in explorer/state.py

const KEYS = ["view", "what", "model", "z", "from", "to", "kind", "even", "closed", "start", "stop", "frames", "axes", "scale", "center", "extent",
              "n", "size", "veil", "points", "hidden", "beside"];

function defaults() {
  const p = state.scale === "p";
  return { what: "picture", kind: "linear", even: false, closed: false, start: 0, stop: 1, frames: 9, axes: [0, 1], scale: "z", n: 30, veil: "none",
           points: true, hidden: [], center: p ? [0.5, 0.5] : model.view.center, extent: p ? 0.5 : model.view.extent };
}

function query(extra = {}) {
  const full = { ...state, view: "latent-plane", ...extra }, usual = defaults();
  const written = value => Array.isArray(value) ? value.map(numberText).join(",") : typeof value === "boolean" ? String(+value) : typeof value === "number" ? numberText(value) : value;
  return KEYS.filter(key => full[key] !== undefined && full[key] !== null && (extra[key] !== undefined || written(full[key]) !== written(usual[key] ?? "")))
    .map(key => `${key}=${encodeURIComponent(written(full[key])).replace(/%2C/g, ",")}`).join("&");
}

let addressTimer = null;
function writeAddress() {
  if (addressTimer) return;
  addressTimer = setTimeout(() => {
    addressTimer = null;
    if (!model || !element.offsetParent) return; // another view is on screen
    const kept = location.search.slice(1).split("&").filter(part => part.startsWith("__"));
    history.replaceState(null, "", `${location.pathname}?${[query(), ...kept].join("&")}`);
  }, 250);
}

// One step of undo for each thing that people do.
function settle() {
  const now = query();
  if (settled && now !== settled) { undone.push(settled); if (undone.length > 200) undone.shift(); }
  settled = now;
  find("[data-do=undo]").disabled = !undone.length;
  writeAddress();
}

// ---- the picture at the point: one request in flight, the newest waits

function Newest(work) {
  let waiting = null, busy = false;
  return async function request(...what) {
    waiting = what;
    if (busy) return;
    busy = true;
    while (waiting) {
      const [next] = [waiting, waiting = null];
      try { await work(...next); } catch (error) { console.error(error); }
    }
    busy = false;
  };
}

const scratch = document.createElement("canvas");
const decode = Newest(async (began, handled) => {
  const asked = { model: state.model, z: state.z };
  if (!live) showFromSheet(began);
  const answer = await ask("decode_point", `model=${encodeURIComponent(asked.model)}&z=${asked.z.map(numberText).join(",")}`);
  if (!answer || asked.model !== state.model) return;
  lastPixels = bytesOf(answer.pixels);
  pictureCanvas(lastPixels, model.image_shape, scratch);
  showDecoded();
  const shown = performance.now();
  if (began !== undefined) performance.measure("event-to-pixels", { start: began, end: shown });
  live = true;
  view.dataset.ready = "yes";
  find(".lx-picture").dataset.z = asked.z.map(numberText).join(",");
  find(".lx-speed").textContent = began === undefined ? `decoded in ${answer.ms.toFixed(1)} ms` : `${(shown - began).toFixed(0)} ms`;
  find(".lx-speed").title = `decoder ${answer.ms} ms; from your move to the picture ${began === undefined ? "–" : (shown - began).toFixed(1) + " ms"}`;
  describe(answer.nearest);
});

// On a phone the picture stands in a corner of the plane too, away from the point: the finger and the picture in one glance.
function showDecoded() {
  showPicture(find(".lx-picture"), scratch);
  const inset = find(".lx-inset");
  if (!inset.offsetParent) return;
  const [x, y] = plane._toScreen(...plane._toPlane(state.z));
  inset.classList.toggle("lx-left", x > plane.side / 2 && y < plane.side / 2);
  showPicture(inset, scratch);
}

// Until this server's decoder is there, the nearest picture of the shipped sheet stands in, and says so.
function showFromSheet(began) {
  if (!sheet || sheet.model !== state.model || state.z.length !== 2) return;
  const cell = (value, middle, sign) => Math.max(0, Math.min(sheet.n - 1, Math.floor((sign * (value - middle) / sheet.extent + 1) / 2 * sheet.n)));
  const side = sheet.image.width / sheet.n, column = cell(state.z[0], sheet.center[0], 1), row = cell(state.z[1], sheet.center[1], -1);
  scratch.width = scratch.height = side;
  scratch.getContext("2d").drawImage(sheet.image, column * side, row * side, side, side, 0, 0, side, side);
  showDecoded();
  view.dataset.ready = "sheet";
  find(".lx-speed").textContent = "from the shipped sheet, the decoder is starting";
  if (began !== undefined) performance.measure("event-to-sheet", { start: began, end: performance.now() });
}

let describeTimer = null;
function describe(nearest) {
  const total = nearest.reduce((sum, [, count]) => sum + count, 0);
  const names = nearest.slice(0, 3).map(([label, count]) => `${model.classes[label]} (${count} of ${total})`);
  clearTimeout(describeTimer);
  describeTimer = setTimeout(() => { // not at every frame: a screen reader would never finish a word
    find(".lx-near").textContent = names.length ? `Nearest encodings: ${names.join(", ")}` : "";
    plane.top.setAttribute("aria-label", `${model.title}. The plane; point at ${state.axes.map(i => `z${i} ${short(state.z[i])}`).join(", ")}` +
      (names.length ? `, nearest encodings ${names.join(", ")}` : "") + ". Arrow keys move the point, plus and minus zoom.");
    find(".lx-picture").setAttribute("aria-label", `The decoded picture at ${state.axes.map(i => `z${i} ${short(state.z[i])}`).join(", ")}`);
  }, 200);
}

// ---- the planes

const plane = new LatentPlane(find(".lx-planes .lx-plane"), {
  palette: props.palette,
  onmove: (z, began) => { setPoint(z, began); },
  onsettle: () => settle(),
  onwindow: () => { readWindow(); refresh(); },
  onmark: (name, done) => { state[name === "A" ? "from" : "to"] = plane.marks[name]; walk(); if (done) settle(); },
});
let second = null;

function readWindow() {
  state.center = [plane.window.x, plane.window.y].map(value => Math.round(value * 1e4) / 1e4);
  state.extent = Math.round(plane.window.extent * 1e4) / 1e4;
}

const settleSoon = (timer => () => { clearTimeout(timer); timer = setTimeout(settle, 400); })(null);
const refreshBackdrop = Newest(async () => {
  const window = { x: state.center[0], y: state.center[1], extent: state.extent }, asked = query({ what: "plane", n: state.n });
  const answer = await ask("plane_backdrop", asked);
  if (!answer) return;
  const image = await loadImage(answer.url);
  if (asked.includes(`model=${state.model}`) || query({ what: "plane", n: state.n }).split("&center")[0] === asked.split("&center")[0]) plane.setBackdrop(image, window);
});
const refreshVeil = Newest(async () => {
  if (state.veil === "none") return plane.setVeil(null);
  const window = { x: state.center[0], y: state.center[1], extent: state.extent };
  const answer = await ask("plane_veil", query({ what: "plane" }));
  if (answer) plane.setVeil(bytesOf(answer.shade), answer.side, window);
});

let refreshTimer = null;
function refresh(now) {
  settleSoon();
  clearTimeout(refreshTimer);
  refreshTimer = setTimeout(() => { refreshVeil(); refreshBackdrop(); }, now ? 0 : 140);
}

function loadImage(url) {
  return new Promise((resolve, reject) => { const image = new Image(); image.onload = () => resolve(image); image.onerror = reject; image.src = url; });
}

function setPoint(z, began) {
  const before = state.z;
  state.z = z.map(value => Math.round(value * 1e4) / 1e4);
  if (before?.some((value, i) => value !== state.z[i] && !state.axes.includes(i))) refresh(); // the plane goes through the point
  plane.move(state.z);
  decode(began);
  syncSliders();
  writeAddress();
}

// ---- opening a state, changing the model

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_view", text);
  if (!answer) return;
  models = answer.models;
  say(answer.problems.join(" · "));
  if (!answer.model) { buildModels(new URLSearchParams(text).get("model")); return; }
  const before = model, changed = !before || before.name !== answer.model.name;
  model = answer.model;
  state = answer.state;
  if (changed) live = false;
  buildModels(model.name);
  buildControls();
  placeSpace();
  if (changed) loadModel(before);
  plane.marks = {};
  if (state.from || state.to) { if (state.to && !state.from) state.from = state.z.slice(); mark(); }
  setPoint(state.z);
  refresh(true);
  walk();
  if (!keepHistory) { if (!settled) settled = query(); else settle(); }
  setBeside();
  fillWords();
}

function placeSpace() {
  const p = state.scale === "p";
  const home = { x: p ? 0.5 : model.view.center[0], y: p ? 0.5 : model.view.center[1], extent: p ? 0.5 : model.view.extent };
  plane.hidden = new Set(state.hidden);
  plane.showPoints = state.points;
  plane.move(state.z);
  plane.setSpace({ center: state.center, extent: state.extent, scale: state.scale, axes: state.axes, home });
}

async function loadModel(before) {
  const name = model.name;
  const together = sameFamily(before, model); // then the points fly to their new places, and the old sheet stays till the new one is there
  if (!together) { plane.setBackdrop(null); plane._points = plane._xy = null; }
  plane.ellipse = null;
  ask("plane_points", name).then(answer => {
    if (!answer || name !== state.model) return;
    const fixed = new Int16Array(bytesOf(answer.points).buffer);
    plane.setPoints(Float32Array.from(fixed, value => value / 256), bytesOf(answer.labels), answer.d, together);
  });
  if (model.latent_shape[0] !== 2 || sheet?.model === name) return;
  const answer = await ask("plane_sheet", name);
  if (!answer?.url || name !== state.model) return;
  sheet = { model: name, n: answer.n, center: answer.center, extent: answer.extent, image: await loadImage(answer.url) };
  if (!plane._backdrop && state.scale === "z") plane.setBackdrop(sheet.image, { x: sheet.center[0], y: sheet.center[1], extent: sheet.extent });
  if (!live) showFromSheet();
}

function change(values) { // keys of the state, then everything that follows from them
  Object.assign(state, values);
  return open(query());
}

const sameFamily = (one, other) => !!(one?.family && one.family === other?.family);

// Within a family, which shares its data and its latent shape, the point and the window stay.
function changeModel(name) {
  if (!model) return open(`model=${encodeURIComponent(name)}`);
  const keys = sameFamily(model, models.find(m => m.name === name)) ? ["z", "veil", "hidden", "points", "center", "extent", "scale"] : ["veil", "points"];
  state = { ...Object.fromEntries(keys.map(key => [key, state[key]])), model: name };
  if (models.find(m => m.name === name)?.kind === "ae") { if (state.veil === "normal") state.veil = "data"; }
  return open(query());
}

// ---- controls

function buildModels(current) {
  const box = find(".lx-models"), chosen = models.find(m => m.name === current);
  box.replaceChildren(...models.filter(m => !m.series).map(m => {
    const button = document.createElement("button"), on = m.name === current || (chosen?.series && m.name === chosen.family);
    Object.assign(button, { type: "button", textContent: m.short, title: m.title });
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(!!on));
    button.dataset.model = m.name;
    button.onclick = () => changeModel(m.name);
    return button;
  }));
}

function buildControls() {
  const d = model.latent_shape[0];
  find(".lx-legend").replaceChildren(...model.classes.map((name, label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = `<i style="background:${props.palette[label % props.palette.length]}"></i>${escaped(name)}`;
    button.setAttribute("aria-pressed", String(state.points && !state.hidden.includes(label)));
    button.onclick = () => {
      const hidden = new Set(state.points ? state.hidden : model.classes.keys());
      hidden.has(label) ? hidden.delete(label) : hidden.add(label);
      setHidden([...hidden].sort((a, b) => a - b));
    };
    return button;
  }), toggleAll());
  find(".lx-axes").hidden = d === 2;
  all("[data-axis]").forEach(select => {
    select.replaceChildren(...Array.from({ length: d }, (_, i) => new Option(`z${i}${model.dead_axes.includes(i) ? " (dead)" : ""}`, i)));
    select.value = state.axes[select.dataset.axis];
  });
  find(".lx-scale").hidden = model.kind === "ae";
  find("[data-set=veil] [value=normal]").hidden = model.kind === "ae";
  const beside = models.find(m => m.name === model.beside);
  find(".lx-beside").hidden = !beside;
  find(".lx-beside span").textContent = beside ? `beside ${beside.kind === "ae" ? "the plain autoencoder" : beside.title.split(": ")[1]}` : "";
  for (const control of all("[data-set]")) {
    const value = state[control.dataset.set];
    control.type === "checkbox" ? control.checked = !!value : control.value = value ?? "";
  }
  buildSliders(d);
  buildSeries();
  buildExamples();
}

function toggleAll() {
  const button = document.createElement("button"), none = !state.points || state.hidden.length === model.classes.length;
  button.type = "button"; button.className = "lx-all"; button.textContent = none ? "show points" : "hide points";
  button.onclick = () => setHidden(none ? [] : [...model.classes.keys()]);
  return button;
}

function setHidden(hidden) {
  state.points = hidden.length < model.classes.length;
  state.hidden = state.points ? hidden : [];
  buildControls();
  placeSpace();
  settle();
}

function buildSliders(d) {
  const row = i => {
    const reach = Math.max(3, Math.ceil(Math.abs(model.view.center[i] ?? 0) + (d === 2 ? model.view.extent : 3)));
    const label = document.createElement("label");
    label.innerHTML = `<span>z${i}${model.dead_axes.includes(i) ? " <em>dead</em>" : ""}</span><input type="range" min="${-reach}" max="${reach}" step="0.01" aria-label="z${i}"><input type="number" step="0.1" min="-100" max="100" aria-label="z${i} as a number">`;
    for (const input of label.querySelectorAll("input")) {
      input.dataset.z = i;
      input.oninput = () => {
        const began = performance.now(), value = parseFloat(input.value);
        if (!Number.isFinite(value)) return;
        const z = state.z.slice();
        z[i] = Math.max(-100, Math.min(100, value));
        setPoint(z, began);
      };
      input.onchange = settle;
    }
    return label;
  };
  const [main, more] = all(".lx-sliders"), rest = Array.from({ length: d }, (_, i) => i).filter(i => !state.axes.includes(i));
  main.replaceChildren(...state.axes.map(row));
  more.replaceChildren(...rest.map(row));
  find(".lx-more").hidden = !rest.length;
  find(".lx-more summary").textContent = `the other ${rest.length} dimensions`;
  syncSliders();
}

function syncSliders() {
  for (const input of all("input[data-z]")) if (document.activeElement !== input || input.type === "range") input.value = state.z[input.dataset.z].toFixed(input.type === "range" ? 2 : 3);
}

function buildSeries() {
  const box = find(".lx-series"), shown = model.family;
  box.hidden = !shown;
  if (!shown) return box.replaceChildren();
  const rows = [["KL weight", "KL weight in the loss"], ["epoch", "epochs of training"]].map(([series, title]) => {
    const steps = models.filter(m => m.family === model.family && m.series?.[0] === series).map(m => ({ name: m.name, value: m.series[1] })).sort((a, b) => a.value - b.value);
    if (series === "epoch") steps.push({ name: model.family, value: "all" });
    if (steps.length < 2) return null;
    const at = steps.findIndex(step => step.name === model.name), label = document.createElement("label");
    label.innerHTML = `<span>${title}</span><input type="range" min="0" max="${steps.length - 1}" step="1"><output></output>`;
    const input = label.querySelector("input"), words = step => step ? String(step.value) : "–";
    input.value = at < 0 ? (series === "epoch" ? steps.length - 1 : steps.findIndex(step => step.value === 1)) : at;
    input.setAttribute("aria-label", title);
    input.dataset.series = series;
    label.classList.toggle("lx-off", at < 0);
    label.querySelector("output").textContent = words(steps[input.value]);
    input.setAttribute("aria-valuetext", words(steps[input.value]));
    input.oninput = () => { label.querySelector("output").textContent = words(steps[input.value]); };
    input.onchange = async () => {
      await changeModel(steps[input.value].name);
      find(`[data-series="${series}"]`)?.focus();
    };
    return label;
  });
  box.replaceChildren(...rows.filter(Boolean));
  box.hidden = !box.children.length;
}

// ---- small pictures: examples, kept points

async function thumbnail(model, z) {
  const answer = await ask("decode_point", `model=${encodeURIComponent(model.name)}&z=${z.map(numberText).join(",")}`);
  return answer && pictureCanvas(bytesOf(answer.pixels), model.image_shape);
}

function chip(title, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lx-chip";
  button.innerHTML = `<span class="lx-thumbs"></span><span>${escaped(title)}</span>`;
  button.onclick = act;
  return button;
}

let exampled = null;
async function buildExamples() {
  const box = find(".lx-examples div"), list = [...model.walks, ...model.examples].slice(0, 6), of = model;
  if (exampled === of.name) return;
  exampled = of.name;
  box.replaceChildren(...list.map(example => {
    const button = chip(example.title, () => {
      const axis = example.axis, other = of.latent_shape[0] === 2 ? 1 - axis : state.axes.find(a => a !== axis && !of.dead_axes.includes(a)) ?? (axis ? 0 : 1);
      change({ z: example.z, from: example.to && example.z, to: example.to, ...(axis !== undefined && { axes: [axis, other] }) });
    });
    if (example.axis !== undefined) button.title = `along z${example.axis} from ${short(example.z[example.axis])} to ${short(example.to[example.axis])}`;
    return button;
  }));
  for (const [i, example] of list.entries())
    for (const z of [example.z, example.to].filter(Boolean)) {
      const picture = await thumbnail(of, z);
      if (exampled === of.name && picture) box.children[i]?.querySelector(".lx-thumbs").append(picture);
    }
}

const SHELF = "latent-explorer-kept";
let kept = [];
try { kept = JSON.parse(sessionStorage.getItem(SHELF)) || []; } catch { kept = []; }

function keepPoint() {
  if (!lastPixels) return;
  kept.push({ query: query(), model: model.name, z: state.z.slice(), shape: model.image_shape, pixels: btoa(String.fromCharCode(...lastPixels)) });
  showKept();
}

function showKept() {
  sessionStorage.setItem(SHELF, JSON.stringify(kept.slice(-60)));
  find(".lx-kept").hidden = !kept.length;
  find(".lx-kept div").replaceChildren(...kept.map((point, i) => {
    const title = `${point.model}, z ${point.z.slice(0, 3).map(short).join(", ")}${point.z.length > 3 ? ", …" : ""}`;
    const span = document.createElement("span"), button = chip("", () => open(point.query)), away = document.createElement("button");
    button.querySelector(".lx-thumbs").append(pictureCanvas(bytesOf(point.pixels), point.shape));
    button.title = `Go back to ${title}`;
    button.setAttribute("aria-label", button.title);
    Object.assign(away, { type: "button", textContent: "×", className: "lx-away", onclick: () => { kept.splice(i, 1); showKept(); } });
    away.setAttribute("aria-label", `Remove ${title}`);
    span.className = "lx-keep";
    span.append(button, away);
    return span;
  }));
}

// ---- your picture

const pad = find(".lx-pad canvas"), ink = pad.getContext("2d");
let stroke = null;

function clearPad() {
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, 280, 280);
  find(".lx-hint").hidden = false;
  find(".lx-encoded").hidden = true;
  plane.ellipse = null;
  plane.draw();
}

const encode = Newest(async (picture, preview) => {
  const asked = model.name, answer = await ask("encode_picture", { model: asked, picture }, !!stroke); // half a stroke is no mistake
  if (!answer || asked !== model.name) return;
  say("");
  if (preview) await showOnPad(picture);
  find(".lx-encoded").hidden = false;
  const show = (canvas, bytes) => showPicture(canvas, pictureCanvas(bytesOf(bytes), model.image_shape));
  show(find(".lx-seen"), answer.seen);
  show(find(".lx-rebuilt"), answer.reconstruction);
  find(".lx-code-values").innerHTML = state.axes.map(i => `z<sub>${i}</sub> = ${short(answer.z[i])}` + (answer.sigma ? ` ± ${answer.sigma[i].toFixed(2)}` : "")).join(", ") +
    `<br><small>error of the reconstruction: ${(100 * answer.lost).toFixed(0)} % (root mean square)</small>`;
  find(".lx-posterior").hidden = !answer.sigma;
  find(".lx-samples").replaceChildren(...answer.samples.map(bytes => pictureCanvas(bytesOf(bytes), model.image_shape)));
  plane.ellipse = answer.sigma && { z: answer.z, sigma: answer.sigma };
  const outside = plane._toScreen(...plane._toPlane(answer.z)).some(v => v < 0 || v > plane.side);
  setPoint(answer.z);
  if (outside) { Object.assign(state, { center: model.view.center, extent: Math.min(90, Math.max(model.view.extent, 1.2 * Math.max(...state.axes.map((a, k) => Math.abs(answer.z[a] - model.view.center[k]))))), scale: "z" }); placeSpace(); refresh(); }
  plane.draw();
  settleSoon();
});

function drawTo(event) {
  const box = pad.getBoundingClientRect(), at = [(event.clientX - box.left) / box.width * 280, (event.clientY - box.top) / box.height * 280];
  ink.strokeStyle = "#fff"; ink.lineCap = ink.lineJoin = "round"; ink.lineWidth = 22;
  ink.beginPath(); ink.moveTo(...(stroke || at)); ink.lineTo(...at); ink.stroke();
  stroke = at;
  find(".lx-hint").hidden = true;
}
pad.onpointerdown = event => { pad.setPointerCapture(event.pointerId); stroke = null; drawTo(event); event.preventDefault(); };
pad.onpointermove = event => { if (stroke) { drawTo(event); encode(pad.toDataURL("image/png")); } };
pad.onpointerup = pad.onpointercancel = () => { if (!stroke) return; stroke = null; encode(pad.toDataURL("image/png")); };

function choose(file) {
  if (!file) return;
  if (file.size > 25e6) return say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most 25 MB can be read.`);
  const reader = new FileReader();
  reader.onload = () => encode(reader.result, true);
  reader.readAsDataURL(file);
}

async function showOnPad(url) {
  clearPad();
  find(".lx-hint").hidden = true;
  try {
    const image = await loadImage(url), scale = Math.min(280 / image.width, 280 / image.height), [w, h] = [image.width * scale, image.height * scale];
    ink.drawImage(image, (280 - w) / 2, (280 - h) / 2, w, h);
  } catch { /* a kind that the server reads and the browser does not, such as TIFF: the encoder's view beside it shows it */ }
}
const picker = find(".lx-input [type=file]");
picker.onchange = () => { choose(picker.files[0]); picker.value = ""; };
picker.parentElement.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { picker.click(); event.preventDefault(); } };
find(".lx-input").ondragover = event => event.preventDefault();
find(".lx-input").ondrop = event => { event.preventDefault(); choose(event.dataTransfer.files[0]); };

// ---- the walk

function mark() {
  plane.marks = { ...(state.from && { A: state.from }), ...(state.to && { B: state.to }) };
  plane.draw();
}

const walk = Newest(async () => {
  const whole = state.from && state.to;
  find(".lx-walk-do").hidden = !whole;
  find(".lx-walk-hint").hidden = !!whole;
  if (!whole) { walked = null; plane.trail = []; find(".lx-strip").replaceChildren(); mark(); return; }
  const asked = query({ what: "strip" }), answer = await ask("walk_frames", asked);
  if (!answer || !state.to) return;
  walked = answer;
  plane.trail = answer.z;
  mark();
  find(".lx-strip").replaceChildren(...answer.frames.map((frame, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(pictureCanvas(bytesOf(frame), model.image_shape));
    button.title = `${i + 1} of ${answer.frames.length}: go to this point`;
    button.setAttribute("aria-label", button.title);
    button.onclick = () => { setPoint(answer.z[i], performance.now()); settle(); };
    return button;
  }));
});

let playing = null;
function play() {
  const button = find("[data-do=play]");
  const stop = () => { clearInterval(playing); playing = null; button.textContent = "Play"; };
  if (playing) return stop();
  let i = 0;
  button.textContent = "Stop";
  playing = setInterval(() => {
    if (!walked || !element.offsetParent) return stop();
    const at = i++ % walked.frames.length;
    pictureCanvas(bytesOf(walked.frames[at]), model.image_shape, scratch);
    showDecoded();
    [...find(".lx-strip").children].forEach((frame, k) => frame.classList.toggle("lx-now", k === at));
    plane.move(walked.z[at]);
    if (still.matches && i >= walked.frames.length) { stop(); setPoint(state.z); }
  }, still.matches ? 600 : 120);
}

// ---- the second plane, beside

async function setBeside() {
  const on = state.beside && state.beside === model.beside;
  find(".lx-second").hidden = !on;
  view.classList.toggle("lx-two", !!on);
  if (!on || second?.name === state.beside) return;
  const name = state.beside, answer = await ask("open_view", `model=${encodeURIComponent(name)}`);
  if (!answer?.model) return;
  const other = answer.model, small = document.createElement("canvas"), [root] = all(".lx-second .lx-plane");
  root.replaceChildren();
  const show = Newest(async z => {
    const picture = await thumbnail(other, z);
    if (picture) showPicture(find(".lx-second .lx-caption canvas"), picture);
  });
  const tiles = Newest(async () => {
    const { x, y, extent } = right.window, reply = await ask("plane_backdrop", `model=${encodeURIComponent(name)}&center=${numberText(x)},${numberText(y)}&extent=${numberText(extent)}`);
    if (reply) right.setBackdrop(await loadImage(reply.url), { x, y, extent });
  });
  let timer = null;
  const right = new LatentPlane(root, { palette: props.palette, onmove: z => show(z), onwindow: () => { clearTimeout(timer); timer = setTimeout(tiles, 140); } });
  second = { name, plane: right };
  right.top.setAttribute("aria-label", `${other.title}. Arrow keys move the point.`);
  right.move(answer.state.z);
  right.setSpace({ center: answer.state.center, extent: answer.state.extent, scale: "z", axes: [0, 1] });
  find(".lx-second .lx-caption span").textContent = other.title;
  show(answer.state.z);
  tiles();
  const codes = await ask("plane_points", name);
  if (codes) right.setPoints(Float32Array.from(new Int16Array(bytesOf(codes.points).buffer), value => value / 256), bytesOf(codes.labels), codes.d);
}

// ---- words, files, buttons

function fillWords() {
  const vae = `<p>The encoder turns a picture x into a small cloud of points, with mean μ and spread σ; the decoder turns any point z back into a picture. Training asks for good pictures and for clouds that together fill the standard normal without holes:</p>
    <p class="lx-formula">z = μ(x) + σ(x) · ε, &nbsp; loss = reconstruction(x, x̂) + β · ½ Σ (μ² + σ² − 1 − ln σ²)</p>
    <p>So nearby points give similar pictures, and (nearly) every point gives one. Where the veil is dark, few encodings lie and the model only guesses.</p>`;
  const ae = `<p>A plain autoencoder only asks for good reconstructions of pictures it has seen:</p><p class="lx-formula">loss = reconstruction(x, x̂), &nbsp; x̂ = decoder(encoder(x))</p>
    <p>Nothing says where its codes should lie or what is between them: they spread unevenly, and in the holes the decoder draws what no one ever wore. It has no prior; “Surprise me” draws from a Gaussian fitted to its codes.</p>`;
  find(".lx-explanation").innerHTML = (model.kind === "ae" ? ae : vae) + (model.kl_weight !== null && model.kl_weight !== undefined ? `<p>In this model β, per unit of this loss, is ${numberText(model.kl_weight)}.</p>` : "") +
    (model.latent_shape[0] > 2 ? "<p>The plane is a slice: the two axes that you choose vary, all others stay where the point is; the veil is the density on that slice, the dots are all encodings seen along the other axes. An axis is dead when its mean code never moves; the model found no use for it.</p>" : "");
  find(".lx-folds code").textContent = model.code.replace("{z}", state.z.map(numberText).join(", "));
  find(".lx-hint").textContent = model.classes[0] === "0" ? "draw a digit" : "draw a piece of clothing";
}
find(".lx-folds").addEventListener("toggle", () => model && fillWords(), true);

async function save(what, ending) {
  const answer = await ask("export_file", { query: query({ what }), ending });
  if (!answer) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytesOf(answer.file)]));
  link.download = answer.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const ACTIONS = {
  async dice() { const answer = await ask("draw_prior", { model: model.name, seed: crypto.getRandomValues(new Uint32Array(1))[0] }); if (answer) { setPoint(answer.z, performance.now()); settle(); } },
  async undo() { const last = undone.pop(); if (!last) return; settled = last; await open(last, { keepHistory: true }); find("[data-do=undo]").disabled = !undone.length; writeAddress(); },
  keep: keepPoint,
  hush() {},
  async link() {
    const text = `${location.origin}${location.pathname}?${query()}`, button = find("[data-do=link]");
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { say(`The link: ${text}`); }
    setTimeout(() => { button.textContent = "Copy link"; }, 1500);
  },
  clear: clearPad,
  "zoom-in": () => plane.zoom(0.7),
  "zoom-out": () => plane.zoom(1 / 0.7),
  home() { plane.window = { ...plane.home }; plane.draw(); readWindow(); refresh(true); },
  "set-a"() { state.from = state.z.slice(); mark(); walk(); settle(); },
  "set-b"() { state.to = state.z.slice(); if (!state.from) say("Now choose where the walk starts: another point, then “A here”."); mark(); walk(); settle(); },
  "end-walk"() { delete state.from; delete state.to; walk(); settle(); },
  play,
};

view.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (!button || !model) return;
  if (button.dataset.do) { say(""); ACTIONS[button.dataset.do](); }
  if (button.dataset.save) { say(""); save(...button.dataset.save.split(" ")); }
});

for (const control of all("[data-set]")) control.onchange = () => {
  const key = control.dataset.set;
  let value = control.type === "checkbox" ? control.checked : control.value;
  if (key === "frames") value = control.value = Math.max(2, Math.min(64, Math.round(+value) || 9));
  if (key === "beside") value = value ? model.beside : undefined;
  if (key === "scale") { delete state.center; delete state.extent; state.scale = value; Object.assign(state, { center: defaults().center, extent: defaults().extent }); }
  state[key] = value;
  if (["kind", "even", "closed", "frames"].includes(key)) { walk(); settle(); } else if (key === "beside") { setBeside(); settle(); } else { placeSpace(); refresh(true); }
};

all("[data-axis]").forEach(select => select.onchange = () => {
  const axes = state.axes.slice(), at = +select.dataset.axis, old = axes[at];
  axes[at] = +select.value;
  if (axes[1 - at] === axes[at]) axes[1 - at] = old; // the other takes what this one leaves
  change({ axes });
});

element.addEventListener("keydown", event => {
  if (event.target.closest("input, select, textarea") || !model) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { ACTIONS.undo(); event.preventDefault(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { a: "set-a", b: "set-b", r: "dice", k: "keep" }[event.key.toLowerCase()];
  if (act) ACTIONS[act]();
});

clearPad();
showKept();
open(location.search.slice(1));
