// The latent plane view: asks the server for what the state says and keeps the address bar at what is on screen.
// `LatentPlane` stands in latent_plane.js, what all views share in view.js and pictures.js. The files that plane_view.py names are
// one script, in that order: this one holds the state, plane_controls.js what changes it, your_picture.js the pad, plane_walk.js
// the film, plane_shelves.js examples and kept points.

const VIEW = "latent-plane";
let models = [], decoderIsThere = false, sheet = null, walked = null, lastPixels = null;
let through = null; // of a plane through three places: {origin, u, v, pins, center, extent}, as plane_view.py has them

// ---- the state as a string; keys and their order as in explorer/state.py

const KEYS = ["view", "what", "model", "z", "corners", "from", "to", "kind", "even", "closed", "start", "stop", "frames", "axes", "scale", "center", "extent",
              "n", "size", "veil", "points", "hidden", "beside", "label"];

function defaults() {
  const p = state.scale === "p", { corners, axes } = model.view;
  return { what: "picture", kind: "linear", even: false, closed: false, start: 0, stop: 1, frames: 9, scale: "z", n: 30, veil: "none",
           points: model.encodings, hidden: [], label: 0, corners: corners?.join(";"),
           axes: corners && state.corners === undefined ? undefined : axes, // a link that names neither means the model's own corners
           ...(p ? { center: [0.5, 0.5], extent: 0.5 } : home()) };
}

// What the whole plane is, in its coordinates.
const home = () => state.corners !== undefined && through ? { center: through.center, extent: through.extent } : { center: model.view.center, extent: model.view.extent };

function query(extra = {}) {
  const full = { ...state, view: "latent-plane", ...extra }, usual = defaults();
  const written = value => Array.isArray(value) ? value.map(numberText).join(",") : typeof value === "boolean" ? String(+value) : typeof value === "number" ? numberText(value) : value;
  return KEYS.filter(key => full[key] !== undefined && full[key] !== null && (extra[key] !== undefined || written(full[key]) !== written(usual[key] ?? "")))
    .map(key => `${key}=${encodeURIComponent(written(full[key])).replace(/%2C/g, ",").replace(/%3B/g, ";")}`).join("&");
}

// A point of the model as a query that decodes it.
const pointQuery = (of, z, label) => `model=${encodeURIComponent(of.name)}&z=${z.map(numberText).join(",")}` + (of.conditional ? `&label=${label ?? 0}` : "");

// ---- the picture at the point: one request in flight, the newest waits

const remember = () => query();
const scratch = document.createElement("canvas");
let measured = 0;
const decode = Newest(async (began, handled) => {
  const asked = { model: state.model, z: state.z };
  const answer = await ask("decode_point", pointQuery(model, state.z, state.label));
  if (!answer || asked.model !== state.model) return;
  lastPixels = bytesOf(answer.pixels);
  pictureCanvas(lastPixels, model.image_shape, scratch);
  showDecoded();
  const shown = performance.now();
  if (began !== undefined) {
    if (++measured % 5000 === 0) performance.clearMeasures("event-to-pixels"); // a lecture lasts for hours
    performance.measure("event-to-pixels", { start: began, end: shown });
  }
  decoderIsThere = true;
  view.dataset.ready = "yes";
  Object.assign(find(".lx-picture").dataset, { model: asked.model, z: asked.z.map(numberText).join(",") });
  describe(answer, began === undefined ? null : shown - began);
});

// On a phone the picture stands in a corner of the plane too, away from the point: the finger and the picture in one glance.
function showDecoded() {
  showPicture(find(".lx-picture"), scratch);
  const inset = find(".lx-inset");
  if (!widthOf(inset)) return; // not on a phone
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
  speedTold = 0; // the next answer says at once that this is over
  if (began !== undefined) performance.measure("event-to-sheet", { start: began, end: performance.now() });
}

let describeTimer = null, speedTold = 0;
function describe({ nearest, real, ms }, toPixels) {
  const total = nearest.reduce((sum, [, count]) => sum + count, 0);
  const names = nearest.slice(0, 3).map(([label, count]) => `${model.classes[label]} (${count} of ${total})`);
  if (performance.now() - speedTold > 150) { // faster than this nobody reads
    speedTold = performance.now();
    find(".lx-speed").textContent = toPixels === null ? `decoded in ${ms.toFixed(1)} ms` : `${toPixels.toFixed(0)} ms`;
    find(".lx-speed").title = `decoder ${ms} ms` + (toPixels === null ? "" : `; from your move to the picture ${toPixels.toFixed(1)} ms`);
  }
  clearTimeout(describeTimer);
  describeTimer = setTimeout(() => { // not at every frame: a screen reader would never finish a word
    const at = coordinates().map(([name, value]) => `${name} ${short(value)}`).join(", ");
    find(".lx-near").textContent = names.length ? `Nearest encodings: ${names.join(", ")}` : real === undefined ? "" : `The discriminator: ${Math.round(100 * real)} % real`;
    plane.top.setAttribute("aria-label", `${model.title}. The plane; point at ${at}` +
      (names.length ? `, nearest encodings ${names.join(", ")}` : "") + ". Arrow keys move the point, plus and minus zoom.");
    find(".lx-picture").setAttribute("aria-label", `The decoded picture at ${at}`);
  }, 200);
}

// The point's two coordinates on the plane, by name.
const coordinates = () => state.corners === undefined ? state.axes.map(i => [`z${i}`, state.z[i]]) : plane._toPlane(state.z).map((value, k) => ["xy"[k], value]);

// ---- the planes

const plane = new LatentPlane(find(".lx-planes .lx-plane"), {
  palette: props.palette,
  onmove: (z, began) => { setPoint(z, began); },
  onsettle: () => settle(),
  onwindow: () => { readWindow(); refresh(); },
  onmark: (name, done) => { state[name === "A" ? "from" : "to"] = plane.marks[name]; walk(); if (done) settle(); },
});
const pointsOf = ({ points, step, labels, d }) => [Float32Array.from(new Int16Array(bytesOf(points).buffer), value => value * step), bytesOf(labels), d];
let second = null;

function readWindow() {
  state.center = [plane.window.x, plane.window.y].map(value => Math.round(value * 1e4) / 1e4);
  state.extent = Math.round(plane.window.extent * 1e4) / 1e4;
}

const refreshBackdrop = Newest(async () => {
  const window = { x: state.center[0], y: state.center[1], extent: state.extent }, map = () => [state.model, state.corners ?? state.axes, state.scale, state.label].join();
  const asked = map(), answer = await ask("plane_backdrop", query({ what: "plane", n: state.n }));
  if (!answer) return;
  const image = await loadImage(answer.url);
  if (asked === map()) plane.setBackdrop(image, window);
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

function setPoint(z, began) {
  stopPlaying();
  const before = state.z;
  state.z = z.map(value => Math.round(value * 1e4) / 1e4);
  if (state.corners === undefined && before?.some((value, i) => value !== state.z[i] && !state.axes.includes(i))) refresh(); // the plane goes through the point
  plane.move(state.z);
  if (!decoderIsThere) showFromSheet(began); // here, not in `decode`: its first request waits for the decoder to be loaded
  decode(began);
  syncSoon();
  writeAddress();
}

// ---- opening a state, changing the model

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_view", text);
  if (!answer) return;
  models = answer.models;
  say(answer.problems.join(" · "));
  if (!answer.model) return buildModels(model?.name ?? new URLSearchParams(text).get("model"));
  const before = model, changed = !before || before.name !== answer.model.name;
  // within a family the points fly to their new places: they must be here before the window changes, or they would jump first
  const points = changed && sameFamily(before, answer.model) ? await ask("plane_points", answer.model.name) : null;
  model = answer.model;
  state = answer.state;
  through = answer.through;
  if (changed) decoderIsThere = false;
  buildModels(model.name);
  buildControls();
  placeSpace();
  if (points) plane.setPoints(...pointsOf(points), true);
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
  const { center: [x, y], extent } = defaults();
  plane.top.setAttribute("aria-label", `${model.title}. The plane. Arrow keys move the point, plus and minus zoom.`);
  plane.hidden = new Set(state.hidden);
  plane.showPoints = state.points;
  plane.names = through && ["1 to 2", "to 3"];
  plane.setSpace({ center: state.center, extent: state.extent, scale: state.scale, axes: state.axes, home: { x, y, extent },
                   basis: through, pins: through?.pins });
  plane.move(state.z);
}

async function loadModel(before) {
  const name = model.name;
  plane.ellipse = null;
  find(".lx-encoded").hidden = true; // what another model made of your picture
  if (!sameFamily(before, model)) { // else the points are on their way, and the old sheet stays till the new one is there
    plane.setBackdrop(null);
    plane._points = plane._xy = null;
    ask("plane_points", name).then(answer => { if (answer && name === state.model) plane.setPoints(...pointsOf(answer)); });
  }
  if (model.latent_shape[0] !== 2 || sheet?.model === name) return;
  const answer = await ask("plane_sheet", name);
  if (!answer?.url || name !== state.model) return;
  sheet = { model: name, n: answer.n, center: answer.center, extent: answer.extent, image: await loadImage(answer.url) };
  if (!plane._backdrop && state.scale === "z" && !through) plane.setBackdrop(sheet.image, { x: sheet.center[0], y: sheet.center[1], extent: sheet.extent });
  if (!decoderIsThere) showFromSheet();
}

function change(values) { // keys of the state, then everything that follows from them
  const before = state;
  state = { ...state, ...values };
  const wanted = query();
  state = before; // till the answer is here
  return open(wanted);
}

const sameFamily = (one, other) => !!(one?.family && one.family === other?.family);

// Within a family, which shares its data and its latent shape, the point and the window stay.
async function changeModel(name) {
  if (!model) return open(`model=${encodeURIComponent(name)}`);
  const before = state;
  const next = models.find(m => m.name === name), keys = sameFamily(model, next) ? ["z", "veil", "hidden", "points", "center", "extent", "scale"] : ["veil"];
  if (model.encodings) keys.push("points");
  state = { ...Object.fromEntries(keys.map(key => [key, state[key]])), model: name };
  if (next?.kind === "ae" && state.veil === "normal") state.veil = "data";
  if (next?.kind === "gan" && state.veil === "data") state.veil = "normal";
  const wanted = query();
  state = before; // until the answer is here what is on screen stays, and for good if the model is damaged
  await open(wanted);
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
  if (codes) right.setPoints(...pointsOf(codes));
}
