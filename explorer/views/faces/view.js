// The faces view: a face, its attributes and their receipts. face_sources.js holds where faces come from (prior, gallery, photo,
// camera), face_sheets.js the strip, the attribute plane and A - B + C.

const VIEW = "faces";
const scratch = document.createElement("canvas");
let shared = false, photo = null, beforePixels = null, afterPixels = null;
const own = new Map(); // codes that came from the photo, as text, and the crops that gave them: in no link until it is shared

const spoken = name => name.replace(/_/g, " ").toLowerCase().replace(/^5 o clock/, "5 o'clock");
const codeText = z => z?.map(numberText).join(",");
const whole = part => ({ model: state.model, seed: state.seed, face: state.face, z: codeText(state.z), ...part });

const faceIsOwn = () => own.has(codeText(state.z));
const isOwn = () => faceIsOwn() || !!state.corners?.some(place => own.has(place));

// The state as a string, without defaults; keys and their order as in explorer/state.py. `secret`: with codes of the photo, for the
// server and for undo, never for the address bar.
function query(extra = {}, secret = extra.what !== undefined) {
  const attributes = Object.entries(state.attributes).filter(([, amount]) => amount);
  const full = whole({
    attributes: attributes.map(([name, amount]) => `${name}:${numberText(amount)}`).join(",") || undefined,
    hold: state.hold.join(",") || undefined, how: state.hold.length && state.how !== "whitened" ? state.how : undefined,
    along: state.along !== "Smiling" ? state.along : undefined,
    pair: state.pair.join() !== "Smiling,Male" ? state.pair.join(",") : undefined,
    corners: state.corners?.length === 3 && state.corners.every(Boolean) ? state.corners.join(";") : undefined,
    ...extra,
  });
  if (!shared && !secret) {
    if (own.has(full.z)) delete full.z;
    if (state.corners?.some(place => own.has(place))) delete full.corners;
  }
  const order = ["what", "model", "z", "seed", "face", "attributes", "hold", "how", "along", "pair", "corners", "frames", "n"];
  return `view=faces&` + order.filter(key => full[key] !== undefined && full[key] !== null).map(key => `${key}=${encodeURIComponent(full[key]).replace(/%2C/g, ",").replace(/%3B/g, ";").replace(/%3A/g, ":")}`).join("&");
}
const remember = () => query({}, true);
const forServer = (extra = {}) => query({ corners: undefined, ...extra }, true);

// ---- the face

const decode = Newest(async began => {
  const answer = await ask("decode_face", forServer({ along: undefined, pair: undefined }));
  if (!answer) return;
  afterPixels = bytesOf(answer.pixels);
  show(afterPixels);
  const shown = performance.now();
  if (began !== undefined) performance.measure("event-to-pixels", { start: began, end: shown });
  view.dataset.ready = "yes";
  find(".lx-speed").textContent = began === undefined ? `decoded in ${answer.ms.toFixed(1)} ms` : `${(shown - began).toFixed(0)} ms`;
});

function show(bytes) {
  pictureCanvas(bytes, model.image_shape, scratch);
  showSmooth(find(".lx-picture"), scratch);
}

let judging = null;
function judgeSoon() {
  clearTimeout(judging);
  judging = setTimeout(judge, 180);
}
const judge = Newest(async () => {
  const answer = await ask("judge_face", forServer());
  if (!answer) return;
  beforePixels = bytesOf(answer.pixels);
  showSmooth(find(".lx-before"), pictureCanvas(beforePixels, model.image_shape));
  for (const row of all("[data-attribute]")) {
    const i = model.attributes.indexOf(row.dataset.attribute), [was, is] = [answer.before[i], answer.after[i]];
    row.querySelector(".lx-bar-is").style.width = `${100 * is}%`;
    row.querySelector(".lx-bar-was").style.left = `${100 * was}%`;
    row.querySelector(".lx-judged").textContent = `${Math.round(100 * is)} %`;
    row.querySelector(".lx-judged").title = `The judge sees ${spoken(row.dataset.attribute)} with ${Math.round(100 * is)} %; before the sliders ${Math.round(100 * was)} %`;
  }
  const pushed = new Set(Object.keys(state.attributes).filter(name => state.attributes[name]));
  const moved = model.attributes.map((name, i) => [name, answer.after[i] - answer.before[i]]).filter(([name, by]) => !pushed.has(name) && Math.abs(by) >= 0.1)
    .sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 5);
  find(".lx-moved").textContent = !pushed.size ? "" : moved.length ? `Moved along: ${moved.map(([name, by]) => `${spoken(name)} ${by > 0 ? "+" : "−"}${Math.round(100 * Math.abs(by))} %`).join(", ")}` : "Nothing else moved by 10 % or more, says the judge.";
  const strongest = model.six.map(name => [spoken(name), answer.after[model.attributes.indexOf(name)]]).filter(([, p]) => p > 0.5).map(([name]) => name);
  find(".lx-picture").setAttribute("aria-label", `The decoded face; the judge sees: ${strongest.join(", ") || "none of the six"}`);
});

function refresh(began) {
  decode(began);
  judgeSoon();
  writeAddress();
  sheetsSoon();
}

// ---- the attributes

function setAttribute(name, amount, began) {
  amount = Math.max(-10, Math.min(10, Math.round(amount * 100) / 100));
  if (amount) state.attributes[name] = amount; else delete state.attributes[name];
  refresh(began);
  syncSoon();
}

let syncing = false;
function syncSoon() {
  if (syncing) return;
  syncing = true;
  requestAnimationFrame(() => {
    syncing = false;
    for (const input of all("[data-attribute] input")) {
      const value = state.attributes[input.closest("[data-attribute]").dataset.attribute] || 0;
      if (document.activeElement !== input || input.type === "range") input.value = value;
    }
    placeOnPlane();
  });
}

function receipt(name) {
  const how = state.hold.some(other => other !== name) ? state.how : "free", i = model.attributes.indexOf(name);
  const row = model.receipts[how]?.[i];
  if (!row) return "";
  const signed = value => `${value < 0 ? "−" : "+"}${Math.abs(Math.round(100 * value))}`;
  const leaks = model.attributes.map((other, j) => [other, row[j]]).filter(([other]) => other !== name).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const held = new Set(state.hold.filter(other => other !== name));
  const worst = leaks.slice(0, 3).map(([other, value]) => `<span${held.has(other) ? ' class="lx-held"' : ""}>${spoken(other)} ${signed(value)}</span>`);
  const among = leaks.find(([other]) => model.six.includes(other));
  return `<b>${signed(row[i])} %</b> per unit · drags ${worst.join(", ")}` + (how === "free" || !among ? "" : ` · of the held, worst: ${spoken(among[0])} ${signed(among[1])}`);
}

function buildAttributes() {
  const row = name => {
    const div = document.createElement("div"), words = spoken(name);
    div.dataset.attribute = name;
    div.innerHTML = `<label><span>${words}</span><input type="range" min="-3" max="3" step="0.05" aria-label="${words}"><input type="number" min="-10" max="10" step="0.25" aria-label="${words} as a number"></label>
      <div class="lx-verdict" aria-hidden="true"><i class="lx-bar-is"></i><i class="lx-bar-was"></i></div><span class="lx-judged"></span><small class="lx-receipt">${receipt(name)}</small>`;
    for (const input of div.querySelectorAll("input")) {
      input.oninput = () => { const began = performance.now(), value = parseFloat(input.value); if (Number.isFinite(value)) setAttribute(name, value, began); };
      input.onchange = settle;
      input.ondblclick = () => { setAttribute(name, 0); settle(); };
    }
    return div;
  };
  const [main, more] = all(".lx-attributes"), rest = model.attributes.filter(name => !model.six.includes(name));
  main.replaceChildren(...model.six.map(row));
  more.replaceChildren(...rest.map(row));
  find(".lx-more summary").textContent = `${rest.length} more attributes`;
  find("[data-hold]").checked = state.hold.length > 0;
  find("[data-how]").value = state.how;
  find("[data-how] [value=learned]").hidden = !model.receipts.learned;
  find(".lx-how").hidden = !state.hold.length;
  syncSoon();
}

const best = () => model.receipts.learned ? "learned" : "whitened"; // what holding begins with
find("[data-hold]").onchange = event => { state.hold = event.target.checked ? model.six.slice() : []; if (!state.hold.length) state.how = best(); buildAttributes(); refresh(); settle(); };
find("[data-how]").onchange = event => { state.how = event.target.value; buildAttributes(); refresh(); settle(); };

// ---- opening a state

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_faces", text);
  if (!answer) return;
  model = answer.model;
  const { seed, face, z, attributes, hold, how, along, pair, corners } = answer.state;
  const crop = own.get(codeText(z));
  if (photo && !own.has(codeText(z))) forget();
  else if (photo && crop) { Object.assign(photo, { z, crop }); drawCrop(); }
  const slots = corners?.map(place => Array.isArray(place) ? codeText(place) : String(place));
  state = { model: model.name, seed, face, z, attributes, hold, how: hold.length ? how : best(), along, pair,
            corners: slots ?? (state.corners?.every(Boolean) ? undefined : state.corners) }; // three that are not all there are in no link
  say(answer.problems.join(" · "));
  buildAttributes();
  buildSheets();
  buildExamples();
  sayWhence();
  refresh();
  if (!keepHistory) { if (!settled) settled = remember(); else settle(); }
}

function buildExamples() {
  find(".lx-examples").hidden = !model.examples.length;
  find(".lx-examples div").replaceChildren(...model.examples.map(({ title, state: place }) => {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = title;
    button.onclick = () => { forget(); open(`view=faces&model=${state.model}&${place}`); };
    return button;
  }));
}

function setFace(place, began) { // {seed}, {face} or {z}
  delete state.seed; delete state.face; delete state.z;
  Object.assign(state, place);
  sayWhence();
  refresh(began);
}

function sayWhence() {
  find(".lx-whence").textContent = own.get(codeText(state.z)) ? "your photo" : state.seed !== undefined ? `seed ${state.seed}` : state.face !== undefined ? `gallery, ${state.face}` : "by its code";
  for (const button of all(".lx-faces-grid button")) button.classList.toggle("lx-now", +button.dataset.face === state.face);
}

function fillCode() {
  const lines = Object.entries(state.attributes).map(([name, amount]) => `z += ${numberText(amount)} * model.direction("${name}"${state.hold.length ? `, hold=(${state.hold.filter(other => other !== name).map(other => `"${other}"`).join(", ")}), how="${state.how}"` : ""})\n`).join("");
  const source = photo ? "z = model.encode(your_face[None])[0][0]  # float32 (64, 64, 3) in [0, 1], cropped as CelebA crops" : state.seed !== undefined ? `z = model.prior(1, seed=${state.seed})[0]`
    : state.face !== undefined ? `z = explorer.checkpoints.encodings("${state.model}").z_mean[${state.face}]` : "z = np.array([...], \"float32\")  # the code in the link";
  find(".lx-folds code").textContent = model.code.replace("{face}", source).replace("{attributes}", lines);
}
find(".lx-folds").addEventListener("toggle", () => model && fillCode(), true);

const fileState = what => ({ picture: { what: "picture", corners: undefined }, strip: { what: "strip", corners: undefined, frames: 9 }, grid: { what: "grid", corners: undefined, n: 7 }, sum: { what: "strip" } })[what];
const ACTIONS = {
  dice() { forget(); setFace({ seed: crypto.getRandomValues(new Uint32Array(1))[0] % 1e6 }, performance.now()); settle(); },
  undo: () => undo(corrected), hush() {},
  link() { if (isOwn() && !shared) say(`This face comes from your photo, so the link does not hold it.${photo ? " Press “Share this face” first if you want it to." : ""}`); else copyLink(); },
  reset() { state.attributes = {}; syncSoon(); refresh(); settle(); },
  peek() {},
  async "to-morph"(button) {
    if (faceIsOwn() && !shared && !confirm("This face comes from your photo. In Morph it stands in this page only until you copy that view's link, which then holds its code. Go on?")) return;
    const answer = await ask("face_point", forServer());
    if (!answer) return;
    const place = Object.keys(state.attributes).length || state.z ? answer.z.map(numberText).join(",") : state.seed !== undefined ? String(state.seed) : `g${state.face}`;
    (window.latentExplorerSent ??= {})[button.dataset.slot] = { place, own: faceIsOwn() && !shared };
    window.dispatchEvent(new Event("lx-to-morph"));
    const words = button.textContent;
    button.textContent = "✓"; setTimeout(() => { button.textContent = words; }, 900);
  },
  gallery: toggleGallery, camera: openCamera, snap, reframe: () => frame(null), forget: removePhoto, share: shareFace,
  "turn-left": () => turnCrop(-3), "turn-right": () => turnCrop(3), "crop-in": () => sizeCrop(0.94), "crop-out": () => sizeCrop(1 / 0.94),
  "sum-example": sumExample, "use-sum": useSum,
};
const KEYBOARD = { r: "dice" };

const peek = find("[data-do=peek]");
const peeking = on => { peek.setAttribute("aria-pressed", String(on)); const bytes = on ? beforePixels : afterPixels; if (bytes) show(bytes); };
for (const [event, on] of [["pointerdown", true], ["pointerup", false], ["pointerleave", false], ["pointercancel", false]]) peek.addEventListener(event, () => peeking(on));
peek.addEventListener("keydown", event => { if (event.key === " " || event.key === "Enter") peeking(true); });
peek.addEventListener("keyup", () => peeking(false));

function start() { openWhenSeen(); }
