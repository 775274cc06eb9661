// The controls of the latent plane view: models, legend, selects, sliders, series, buttons and keys, and the words under the folds.

function buildModels(current) {
  const box = find(".lx-models"), chosen = models.find(m => m.name === current);
  const more = document.createElement("select"), rest = models.filter(m => !m.series && m.apart);
  more.replaceChildren(new Option("more models", ""), ...rest.map(m => new Option(m.short, m.name)));
  more.options[0].hidden = true;
  more.value = rest.some(m => m.name === current) ? current : "";
  more.setAttribute("aria-label", "more models");
  more.classList.toggle("lx-chosen", !!more.value);
  more.onchange = () => changeModel(more.value).finally(() => { if (model) buildModels(model.name); }); // a damaged one is not shown
  box.replaceChildren(...models.filter(m => !m.series && !m.apart).map(m => {
    const button = document.createElement("button"), on = m.name === current || (chosen?.series && m.name === chosen.family);
    Object.assign(button, { type: "button", textContent: m.short, title: m.title });
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(!!on));
    button.dataset.model = m.name;
    button.onclick = () => changeModel(m.name);
    return button;
  }), ...(rest.length ? [more] : []));
}

function buildControls() {
  const d = model.latent_shape[0];
  for (const part of all("[data-encoder]")) part.hidden = !model.encodings;
  for (const part of all("[data-no-encoder]")) part.hidden = model.encodings;
  find(".lx-garment").hidden = !model.conditional;
  find("[data-set=label]").replaceChildren(...(model.conditional ? model.classes : []).map((name, i) => new Option(name, i)));
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
  find("[data-do=three]").textContent = through ? "Other three points" : "Three random points";
  all("[data-axis]").forEach(select => {
    select.replaceChildren(...Array.from({ length: d }, (_, i) => new Option(`z${i}${model.dead_axes.includes(i) ? " (dead)" : ""}`, i)));
    if (through) select.prepend(new Option("–", "")); // no axis spans this plane; choosing one leaves it
    select.value = through ? "" : state.axes[select.dataset.axis];
  });
  find(".lx-scale").hidden = model.kind === "ae" || !!through;
  find("[data-set=veil] [value=normal]").hidden = model.kind === "ae";
  find("[data-set=veil] [value=data]").hidden = !model.encodings;
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
  const onPlane = k => { // a coordinate of the plane through three places
    const reach = through.extent, middle = through.center[k], label = document.createElement("label"), name = "xy"[k];
    label.innerHTML = `<span>${name}</span><input type="range" min="${(middle - reach).toFixed(2)}" max="${(middle + reach).toFixed(2)}" step="0.01" data-xy="${k}" aria-label="${name} on the plane"><output></output>`;
    const input = label.querySelector("input");
    input.oninput = () => {
      const began = performance.now(), at = plane._toPlane(state.z);
      at[k] = +input.value;
      setPoint(plane._toZ(...at), began);
    };
    input.onchange = settle;
    return label;
  };
  const row = i => {
    const reach = Math.max(3, Math.ceil(Math.abs(model.view.center[i] ?? 0) + (d === 2 ? model.view.extent : 3)));
    const label = document.createElement("label");
    label.innerHTML = `<span>z${i}${model.dead_axes.includes(i) ? " <em>dead</em>" : ""}</span><input type="range" min="${-reach}" max="${reach}" step="0.01" aria-label="z${i}"><input type="number" step="0.1" min="-1000" max="1000" aria-label="z${i} as a number">`;
    for (const input of label.querySelectorAll("input")) {
      input.dataset.z = i;
      input.oninput = () => {
        const began = performance.now(), value = parseFloat(input.value);
        if (!Number.isFinite(value)) return;
        const z = state.z.slice();
        z[i] = Math.max(-1000, Math.min(1000, value));
        setPoint(z, began);
      };
      input.onchange = settle;
    }
    return label;
  };
  const [main, more] = all(".lx-sliders"), rest = Array.from({ length: d }, (_, i) => i).filter(i => through || !state.axes.includes(i));
  const fold = find(".lx-more"), fill = () => { more.replaceChildren(...(fold.open ? rest.map(row) : [])); syncSliders(); };
  main.replaceChildren(...(through ? [0, 1].map(onPlane) : state.axes.map(row)));
  fold.hidden = !rest.length;
  find(".lx-more summary").textContent = through ? `all ${d} dimensions` : `the other ${rest.length} dimensions`;
  fold.ontoggle = fill; // hundreds of sliders that nobody sees would have to follow each move
  fill();
}

let syncing = false;
function syncSoon() { // once a frame is enough, and never between a move and its picture
  if (syncing) return;
  syncing = true;
  requestAnimationFrame(() => { syncing = false; syncSliders(); });
}

function syncSliders() {
  if (through) plane._toPlane(state.z).forEach((value, k) => {
    const input = find(`[data-xy="${k}"]`);
    input.value = value;
    input.nextElementSibling.textContent = short(value);
  });
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

// ---- words, files, buttons

function fillWords() {
  const vae = `<p>The encoder turns a picture x into a small cloud of points, with mean μ and spread σ; the decoder turns any point z back into a picture. Training asks for good pictures and for clouds that together fill the standard normal without holes:</p>
    <p class="lx-formula">z = μ(x) + σ(x) · ε, &nbsp; loss = reconstruction(x, x̂) + β · ½ Σ (μ² + σ² − 1 − ln σ²)</p>
    <p>So nearby points give similar pictures, and (nearly) every point gives one. Where the veil is dark, few encodings lie and the model only guesses.</p>`;
  const ae = `<p>A plain autoencoder only asks for good reconstructions of pictures it has seen:</p><p class="lx-formula">loss = reconstruction(x, x̂), &nbsp; x̂ = decoder(encoder(x))</p>
    <p>Nothing says where its codes should lie or what is between them: they spread unevenly, and in the holes the decoder draws what no one ever wore. It has no prior; “Surprise me” draws from a Gaussian fitted to its codes.</p>`;
  const gan = `<p>Two networks play against each other: the generator G turns noise z into pictures, the discriminator D says how likely a picture is real. D learns to tell, G to fool it:</p>
    <p class="lx-formula">D: ln D(x) + ln (1 − D(G(z))) → max, &nbsp; G: ln D(G(z)) → max, &nbsp; z ~ N(0, 1)</p>
    <p>Nothing says which noise gives which picture, and no way leads from a picture back to its noise. With ${model.latent_shape[0]} dimensions nearly all noise lies about ${Math.sqrt(model.latent_shape[0]).toFixed(0)} from the origin, so the density of the standard normal is highest where hardly any was ever drawn.</p>`;
  find(".lx-explanation").innerHTML = { ae, vae, gan }[model.kind] + (model.kl_weight !== null && model.kl_weight !== undefined ? `<p>In this model β, per unit of this loss, is ${numberText(model.kl_weight)}.</p>` : "") +
    (through ? "<p>The plane goes through the points 1, 2 and 3; both its coordinates are distances in z. A slider of a single dimension leaves it, and the cross then marks the nearest point on it." + (model.encodings ? " The veil is the density on the plane, the dots are all encodings, each where it is nearest." : "") + "</p>"
      : model.latent_shape[0] > 2 && !model.encodings ? "<p>The plane is a slice: the two axes that you choose vary, all others stay where the point is.</p>"
      : model.latent_shape[0] > 2 ? "<p>The plane is a slice: the two axes that you choose vary, all others stay where the point is; the veil is the density on that slice, the dots are all encodings seen along the other axes. An axis is dead when its mean code never moves; the model found no use for it.</p>" : "");
  find(".lx-folds code").textContent = model.code.replace("{z}", state.z.map(numberText).join(", ")).replaceAll("{label}", state.label);
  find(".lx-hint").textContent = model.classes[0] === "0" ? "draw a digit" : "draw a piece of clothing";
}
find(".lx-folds").addEventListener("toggle", () => model && fillWords(), true);

const fileState = what => what === "grid" ? { what, n: 30 } : { what };

// The plane through these three places, seen whole, at the first of them.
const planeThrough = corners => change({ corners: corners.join(";"), z: undefined, center: undefined, extent: undefined, scale: "z" });
const seeds = n => Array.from(crypto.getRandomValues(new Uint32Array(n)), seed => seed % 1e6);

const ACTIONS = {
  async dice() {
    if (through) return planeThrough([...seeds(1), ...state.corners.split(";").slice(1)]); // the plane goes through the new point
    const answer = await ask("draw_prior", { model: model.name, seed: crypto.getRandomValues(new Uint32Array(1))[0] });
    if (answer) { setPoint(answer.z, performance.now()); settle(); }
  },
  three: () => planeThrough(seeds(3)),
  undo,
  keep: keepPoint,
  hush() {},
  link: copyLink,
  clear: clearPad,
  "zoom-in": () => plane.zoom(0.7),
  "zoom-out": () => plane.zoom(1 / 0.7),
  home() { plane.window = { ...plane.home }; plane.draw(); readWindow(); refresh(true); },
  "set-a"() { state.from = state.z.slice(); mark(); walk(); settle(); },
  "set-b"() { state.to = state.z.slice(); if (!state.from) say("Now choose where the walk starts: another point, then “A here”."); mark(); walk(); settle(); },
  "end-walk"() { delete state.from; delete state.to; walk(); settle(); },
  play,
};

const KEYBOARD = { a: "set-a", b: "set-b", r: "dice", k: "keep" };

for (const control of all("[data-set]")) control.onchange = () => {
  const key = control.dataset.set;
  let value = control.type === "checkbox" ? control.checked : control.value;
  if (key === "frames") value = control.value = Math.max(2, Math.min(64, Math.round(+value) || 9));
  if (key === "beside") value = value ? model.beside : undefined;
  if (key === "label") value = +value;
  if (key === "scale") { delete state.center; delete state.extent; state.scale = value; Object.assign(state, { center: defaults().center, extent: defaults().extent }); }
  state[key] = value;
  if (key === "label") { setPoint(state.z); walk(); refresh(true); fillWords(); } else if (["kind", "even", "closed", "frames"].includes(key)) { walk(); settle(); } else if (key === "beside") { setBeside(); settle(); } else { placeSpace(); refresh(true); }
};

all("[data-axis]").forEach(select => select.onchange = () => {
  const axes = state.axes.slice(), at = +select.dataset.axis, old = axes[at];
  if (select.value === "") return;
  axes[at] = +select.value;
  if (axes[1 - at] === axes[at]) axes[1 - at] = old; // the other takes what this one leaves
  change({ axes, ...(through && { corners: undefined, center: undefined, extent: undefined }) });
});

function start() {
  clearPad();
  showKept();
  openWhenSeen();
}
