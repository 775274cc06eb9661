// Below the face: the strip of one attribute, the attribute plane to drag across, and A - B + C.

let sheetsTimer = null, strip = [];
function sheetsSoon() { // when the sliders rest: a strip is nine pictures, a plane forty-nine
  clearTimeout(sheetsTimer);
  sheetsTimer = setTimeout(() => { drawStrip(); drawPlane(); }, 350);
}

function buildSheets() {
  for (const select of [find("[data-along]"), ...all("[data-pair]")]) {
    if (!select.options.length) select.append(...[...model.six, ...model.attributes.filter(name => !model.six.includes(name))].map(name => new Option(spoken(name), name)));
  }
  find("[data-along]").value = state.along;
  all("[data-pair]").forEach((select, i) => { select.value = state.pair[i]; });
  drawSum();
}

find("[data-along]").onchange = event => { state.along = event.target.value; drawStrip(); settle(); };
all("[data-pair]").forEach(select => select.onchange = () => {
  const pair = state.pair.slice(), at = +select.dataset.pair, old = pair[at];
  pair[at] = select.value;
  if (pair[1 - at] === pair[at]) pair[1 - at] = old; // the other takes what this one leaves
  state.pair = pair;
  buildSheets(); drawPlane(); settle();
});

// ---- one attribute, -3 to 3

let stripped = "";
const drawStrip = Newest(async () => {
  const others = { ...state.attributes, [state.along]: 0 }, asked = forServer({ what: "strip", frames: 9, pair: undefined, attributes: Object.entries(others).filter(([, a]) => a).map(([n, a]) => `${n}:${numberText(a)}`).join(",") || undefined });
  if (asked !== stripped) {
    const answer = await ask("face_strip", asked);
    if (!answer) return;
    stripped = asked;
    strip = answer.amounts;
    find(".lx-strip").replaceChildren(...answer.frames.map((frame, i) => {
      const button = document.createElement("button"), words = document.createElement("small");
      button.type = "button"; button.title = `${spoken(state.along)} ${short(answer.amounts[i])}: go there`;
      button.setAttribute("aria-label", button.title);
      words.textContent = (answer.amounts[i] > 0 ? "+" : answer.amounts[i] < 0 ? "−" : "") + Math.abs(answer.amounts[i]);
      button.append(pictureCanvas(bytesOf(frame), model.image_shape), words);
      button.onclick = () => { setAttribute(state.along, answer.amounts[i], performance.now()); settle(); };
      return button;
    }));
  }
  const now = state.attributes[state.along] || 0;
  [...find(".lx-strip").children].forEach((button, i) => button.classList.toggle("lx-now", Math.abs(strip[i] - now) < 0.01));
});

// ---- the attribute plane

const plane = new LatentPlane(find(".lx-plane"), {
  palette: [],
  onmove: (z, began) => {
    const [x, y] = z.map(value => Math.max(-3.5, Math.min(3.5, Math.round(value * 100) / 100)));
    setAttribute(state.pair[0], x, began);
    setAttribute(state.pair[1], y, began);
  },
  onsettle: () => settle(),
});
plane.showPoints = false;
plane.names = ["", ""];

let planed = "";
const drawPlane = Newest(async () => {
  const others = { ...state.attributes, [state.pair[0]]: 0, [state.pair[1]]: 0 };
  const asked = forServer({ what: "grid", n: 7, along: undefined, pair: state.pair.join(","), attributes: Object.entries(others).filter(([, a]) => a).map(([n, a]) => `${n}:${numberText(a)}`).join(",") || undefined });
  plane.names = state.pair.map(spoken);
  if (!plane.home) plane.setSpace({ center: [0, 0], extent: 3.5, scale: "z", axes: [0, 1] });
  placeOnPlane();
  if (asked === planed) return;
  const answer = await ask("face_sheet", asked);
  if (!answer) return;
  planed = asked;
  plane.setBackdrop(await loadImage(answer.url), { x: 0, y: 0, extent: 3.5 }); // 7 cells whose middles stand at -3 to 3
});

function placeOnPlane() {
  plane.move(state.pair.map(name => state.attributes[name] || 0));
  plane.top.setAttribute("aria-label", `Attribute plane: ${spoken(state.pair[0])} ${short(plane.z[0])} across, ${spoken(state.pair[1])} ${short(plane.z[1])} up. Arrow keys move.`);
}
plane.fixed = true; // there is nothing beyond

// ---- A - B + C

const thisFace = async () => {
  const answer = await ask("face_point", forServer());
  return answer && (Object.keys(state.attributes).length || state.z ? answer.z.map(numberText).join(",") : state.seed !== undefined ? String(state.seed) : `g${state.face}`);
};

let summed = null;
const drawSum = Newest(async () => {
  const names = ["A", "B", "C"], slots = state.corners || [];
  if (slots.filter(Boolean).length === 3) {
    const answer = await ask("face_strip", `view=faces&what=strip&model=${state.model}&corners=${encodeURIComponent(slots.join(";"))}`);
    if (!answer) return;
    summed = answer;
    const sees = i => model.six.map(name => [spoken(name), answer.judged[i][model.attributes.indexOf(name)]]).filter(([, p]) => p > 0.5).map(([name]) => name).join(", ") || "none of the six";
    find(".lx-sum-words").textContent = `The judge sees in the sum: ${sees(3)}.`;
  } else { summed = null; find(".lx-sum-words").textContent = ""; }
  find("[data-do=use-sum]").disabled = find("[data-save^=sum]").disabled = !summed;
  const figure = (name, frame, act) => {
    const box = document.createElement("figure"), canvas = frame ? pictureCanvas(bytesOf(frame), model.image_shape) : document.createElement("canvas"), words = document.createElement("figcaption");
    canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", `face ${name}`);
    words.textContent = name;
    box.append(canvas, words);
    if (act) { const button = document.createElement("button"); button.type = "button"; button.textContent = `${name} = this face`; button.onclick = act; box.append(button); }
    return box;
  };
  const sign = text => { const span = document.createElement("span"); span.textContent = text; return span; };
  const set = i => async () => { const mine = faceIsOwn(), place = await thisFace(); if (!place) return; if (mine) own.set(place, null); const filled = (state.corners || ["", "", ""]).slice(); filled[i] = place; state.corners = filled; drawSum(); settle(); };
  const pictures = summed?.frames || await Promise.all(slots.map(async place => place ? (await ask("decode_face", placeState(place), true))?.pixels : null));
  find(".lx-terms").replaceChildren(...names.flatMap((name, i) => [figure(name, pictures[i], set(i)), sign(["−", "+", "="][i])]), figure("A − B + C", summed?.frames[3]));
});
const placeState = place => `view=faces&model=${state.model}&` + (place.includes(",") ? `z=${place}` : place.startsWith("g") ? `face=${place.slice(1)}` : `seed=${place}`);

async function sumExample() {
  if (!await loadGallery()) return;
  const has = name => new Set(gallery.having[name]), [male, glasses] = [has("Male"), has("Eyeglasses")];
  const pick = test => Array.from({ length: model.gallery }, (_, i) => i).filter(test), any = list => list[Math.floor(Math.random() * list.length)];
  const three = [pick(i => male.has(i) && glasses.has(i)), pick(i => male.has(i) && !glasses.has(i)), pick(i => !male.has(i) && !glasses.has(i))];
  if (three.some(list => !list.length)) return say("The gallery has no such faces. Choose three yourself.");
  state.corners = three.map(list => `g${any(list)}`);
  drawSum(); settle();
}

function useSum() {
  if (!summed) return;
  const z = summed.z;
  if (state.corners.some(place => own.has(place))) own.set(codeText(z), null); else forget();
  state.attributes = {};
  setFace({ z }, performance.now());
  syncSoon(); settle();
}
