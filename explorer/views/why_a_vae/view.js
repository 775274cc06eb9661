// The view "Why a VAE?": one chapter after the other, from left to right. family_charts.js draws what the cards say, family_planes.js
// the chapters with planes; this file holds the state, the rows of pictures and the bench where pictures are corrupted.

const VIEW = "why-a-vae";
let facts = {}, classes = [], titles = {}, own = null, sheetOf = null;

const DEFAULTS = { seed: 0, source: "drawn", noise: "dropout", amount: 0.5, label: 0 };
const USES = { denoising: ["seed", "source", "noise", "amount"], gans: ["model", "seed", "label"], arithmetic: ["seed"], linear: ["seed", "source"], deeper: ["seed", "source"], sparse: ["seed", "source"] };

function query(extra = {}) {
  const full = { chapter: state.chapter, ...Object.fromEntries((USES[state.chapter] || []).map(key => [key, state[key]])), ...extra };
  if (full.label !== undefined && !facts[full.model]?.conditional) delete full.label;
  const order = ["what", "model", "seed", "label", "chapter", "source", "noise", "amount"];
  const written = value => typeof value === "number" ? numberText(value) : value;
  return "view=why-a-vae&" + order.filter(key => full[key] !== undefined && full[key] !== DEFAULTS[key]).map(key => `${key}=${encodeURIComponent(written(full[key]))}`).join("&");
}
const remember = () => query();
const fileState = what => ({ what });

// ---- what each chapter says

const POINTS = {
  linear: "Thirty numbers a picture, one layer down, one layer up, no bend between: it finds what PCA finds, and can find no more.",
  deeper: "A bend between layers, and the same thirty numbers say more. Half the weights do as well; one layer after the other does nearly.",
  denoising: "Spoil what goes in, ask for the clean picture: it must learn what garments look like, not how to copy.",
  sparse: "Three hundred numbers, but almost all must keep quiet: each learns to stand for something.",
  codings: "Thirty numbers drawn as two: what looks alike lies together, and nobody told it the labels.",
  holes: "Ask for good pictures alone, and there are holes between the codes. Ask for codes that fill a normal distribution too, and every point is a garment: a VAE.",
  labels: "Learn to see from 60,000 pictures without labels, then to name things from 500 with them.",
  gans: "No encoder and no error to measure: one network draws, another says whether it is real, and both get better, if they do.",
  arithmetic: "Directions have meanings: a man with glasses, less a man, plus a woman.",
};
const EXPLAINED = {
  linear: ["x̂ = W₂ (W₁ x + b₁) + b₂, &nbsp; loss = mean (x − x̂)²", "The best plane through the data is that of the first principal components; gradient descent finds the same plane from random weights, though not the same axes in it. Below, the same for sixty points in space: turn the picture, and move the slider over the epochs of training."],
  deeper: ["x̂ = decoder(encoder(x)), &nbsp; tied: W<sub>N−L+1</sub> = W<sub>L</sub>ᵀ", "Stacked: 784–100–30–100–784. Tied: the decoder uses the encoder's weights, transposed, and has biases of its own. Layer by layer: the outer layers are trained as an autoencoder of their own, then the inner ones on its codes; the row of the first layer alone shows how far that was. Convolutional: its thirty codes are averages over a map."],
  denoising: ["loss = mean (x − decoder(encoder(x + noise)))²", "Lost pixels: each pixel is put out with the given probability, and the others made brighter by as much, as a Dropout layer does. Noise: Gaussian, of the given standard deviation. One model was trained on each, at 0.5: move the slider beyond that and see it give up. Draw on the pad, or click a garment in the first row."],
  sparse: ["l1: + 10⁻⁴ Σ |a|, &nbsp; KL: + w Σ p ln(p/q) + (1 − p) ln((1 − p)/(1 − q)), &nbsp; p = 0.1", "Above, how often a unit's activation has which value over the test images; below it, the mean activation of each unit, q. The stacked autoencoder is not asked to be sparse: its units are ReLUs, from 0 to anything. l1 pushes single activations to 0; the KL term asks each unit to be on one time in ten."],
  codings: ["KL(P ‖ Q), &nbsp; p<sub>ij</sub> by Gaussians among the codes, q<sub>ij</sub> by Student's t on the map", "t-SNE (van der Maaten and Hinton 2008) keeps neighbours together; distances between groups mean little. Point at a dot: its code is decoded, never the image shown that it came from. “Compute anew” runs scikit-learn's t-SNE on the first so many codes while you wait."],
  holes: ["VAE: loss = reconstruction + KL(N(μ, σ²) ‖ N(0, 1))", "Drag across both. Between the codes of the plain autoencoder lie places where its decoder never was; the VAE's codes are clouds, pressed together around the origin, and hardly a place is left out. The histograms: each dimension's values over the test images, of a VAE with z sampled as in training, against N(0, 1) in pink."],
  labels: ["classifier = softmax(W · encoder(x))", "The denoising autoencoder's encoder saw every training picture and no label. With a softmax on top, it is trained on 500 labelled pictures, and so is one of the same layers from random weights; five draws of the 500."],
  gans: ["D: −ln D(x) − ln(1 − D(G(z))), &nbsp; G: −ln D(G(z))", "Under each picture stands the verdict of the model's own discriminator: the probability that it is real. The rows below show what the same noise became after each epoch. The simple GAN's layers do not know which pixels are neighbours; it oscillates, and forgets what it could draw. The deep one's discriminator learns the garments' names of real pictures too, so that what lies between two garments convinces it less; the generator hears none, but is to draw what has one, and all of them equally often. The conditional one is told the class, as is its discriminator."],
  arithmetic: ["z = mean(z<sub>A</sub>) − mean(z<sub>B</sub>) + mean(z<sub>C</sub>)", "Three faces of each kind from the gallery, which are decoded codes, and beside them the face of their mean code. The sum stands in the middle of nine, its neighbours a little off. The judge of faces says what it sees there; glasses are what this VAE blurs first."],
};

function fillWords() {
  find(".lx-point").textContent = POINTS[state.chapter];
  const [formula, text] = EXPLAINED[state.chapter];
  find(".lx-explanation").innerHTML = `<p class="lx-formula">${formula}</p><p>${text}</p>`;
  const names = Object.keys(facts), name = state.chapter === "gans" ? state.model : names.at(-1);
  find(".lx-folds code").textContent = state.chapter === "gans"
    ? `import explorer\n\ngan = explorer.load("${name}")\nz = gan.prior(10, seed=${state.seed})\npictures = gan.decode(z${facts[name]?.conditional ? `, label=${state.label}` : ""})  # float32 (10, 28, 28, 1) in [0, 1]\nverdicts = gan.verdict(pictures${facts[name]?.conditional ? `, label=${state.label}` : ""})  # the discriminator's probability of "real"`
    : state.chapter === "arithmetic" ? `import explorer\n\nvae = explorer.load("${name}")\ncodes, _ = vae.encode(photographs)  # float32 (n, 64, 64, 3) in [0, 1], three of each kind\nz = codes[:3].mean(0) - codes[3:6].mean(0) + codes[6:9].mean(0)\nface = vae.decode(z[None])[0]`
    : `import explorer\n\nmodel = explorer.load("${name}")\ncodes, _ = model.encode(images)  # float32 (n, ${facts[name]?.latent_shape ?? "d"})\npictures = model.decode(codes)  # or both at once, noisy pictures too: model.reconstruct(images)`;
}

// ---- the rows

const refreshRows = Newest(async () => {
  const asked = query(), chapter = state.chapter, box = find(".lx-rows");
  if (!USES[chapter]) { box.replaceChildren(); view.dataset.ready = "yes"; return; }
  const answer = await ask("family_rows", asked);
  if (!answer || chapter !== state.chapter) return;
  box.replaceChildren(...answer.rows.map((row, i) => chapter === "arithmetic" && i === 3 ? ninth(row, answer.seen) : rowOf(row, chapter === "denoising" && i === 0)));
  box.dataset.chapter = chapter;
  if (chapter === "denoising" && own === null) take(answer.rows[0], 8);
  view.dataset.ready = "yes";
});

function rowOf(row, takes) {
  const figure = document.createElement("figure");
  figure.className = "lx-of";
  figure.innerHTML = `<figcaption><b>${escaped(row.title)}</b> <small>${escaped(row.words)}</small></figcaption><div></div>`;
  if (row.error) { figure.lastChild.textContent = row.error; return figure; }
  figure.style.setProperty("--count", row.pictures.length);
  figure.lastChild.append(...row.pictures.map((pixels, i) => {
    const cell = document.createElement(takes ? "button" : "span"), picture = pictureCanvas(bytesOf(pixels), row.shape);
    if (row.shape[2] === 1) picture.className = "lx-sharp";
    cell.append(picture);
    if (takes) Object.assign(cell, { type: "button", title: `corrupt this ${classes[i]}`, onclick: () => take(row, i) });
    if (row.verdicts) cell.insertAdjacentHTML("beforeend", `<small title="the discriminator's probability that it is real">${percent(row.verdicts[i])} real</small>`);
    return cell;
  }));
  figure.lastChild.setAttribute("role", "img");
  figure.lastChild.setAttribute("aria-label", row.title);
  if (takes) figure.lastChild.setAttribute("role", "group");
  return figure;
}

function ninth(row, seen) {
  const figure = rowOf(row);
  figure.classList.add("lx-nine");
  figure.style.setProperty("--count", 3);
  figure.lastChild.children[4].className = "lx-sum";
  figure.firstChild.insertAdjacentHTML("beforeend", `<small>in the middle; the judge sees a woman to ${percent(seen.woman)}, glasses to ${percent(seen.glasses)}</small>`);
  return figure;
}

// ---- the bench: corrupted and repaired while the slider moves

const pad = DrawingPad(".lx-bench", url => frame(url, performance.now()), async url => {
  const answer = await ask("framed_garment", url);
  if (!answer) return;
  take({ pictures: [answer.pixels] }, 0);
  say("");
});

function take(row, i) {
  own = row.pictures[i];
  pad.show(pictureCanvas(bytesOf(own), [28, 28, 1]), true);
  repair();
}

let speedTold = 0;
const repair = Newest(async began => {
  if (!own || state.chapter !== "denoising") return;
  const answer = await ask("repaired_picture", { noise: state.noise, amount: state.amount, seed: state.seed, pixels: own });
  if (!answer || !own) return; // cleared meanwhile
  for (const [place, key] of [[".lx-noisy-picture", "noisy"], [".lx-repaired", "repaired"], [".lx-by-pca", "pca"]]) pictureCanvas(bytesOf(answer[key]), [28, 28, 1], find(place)); // small canvases, enlarged by CSS
  view.dataset.repaired = `${state.noise} ${numberText(state.amount)}`;
  if (began === undefined) return;
  performance.measure("event-to-pixels", { start: began, end: performance.now() });
  const shown = performance.now();
  if (shown - speedTold < 150) return; // faster than this nobody reads
  speedTold = shown;
  find(".lx-speed").textContent = `${(shown - began).toFixed(0)} ms`;
});

let clears = 0;
const frame = Newest(async (picture, began) => {
  const before = clears;
  const answer = await ask("framed_garment", picture, pad.drawing); // half a stroke is no mistake
  if (!answer) return;
  say("");
  if (before !== clears) return;
  own = answer.pixels;
  repair(began);
});

// ---- what GANs drew after each epoch

async function showEpochs() {
  const name = state.model;
  if (sheetOf?.name === name) return showEpoch();
  const answer = await ask("epoch_sheet", name);
  if (!answer || name !== state.model) return;
  find(".lx-epochs").hidden = !answer.url;
  if (!answer.url) return;
  sheetOf = { name, ...answer, image: await loadImage(answer.url) };
  const slider = find("[data-epoch]"), whole = find(".lx-epoch-sheet");
  slider.max = slider.value = answer.rows;
  Object.assign(whole, { width: sheetOf.image.width, height: sheetOf.image.height });
  whole.getContext("2d").drawImage(sheetOf.image, 0, 0);
  showEpoch();
}
function showEpoch() {
  const { image, rows } = sheetOf, epoch = +find("[data-epoch]").value, height = image.height / rows, canvas = find(".lx-epoch-row");
  Object.assign(canvas, { width: image.width, height });
  canvas.getContext("2d").drawImage(image, 0, (epoch - 1) * height, image.width, height, 0, 0, image.width, height);
  find(".lx-epochs output").textContent = `${epoch} of ${rows}`;
}
find("[data-epoch]").oninput = () => sheetOf && showEpoch();

// ---- opening a state

async function open(text, { keepHistory } = {}) {
  const answer = await ask("open_family", text);
  if (!answer) return;
  const turned = answer.state.chapter !== state.chapter;
  if (turned) { stop(); find(".lx-rows").replaceChildren(); view.dataset.ready = "no"; }
  const { chapter, seed, source, noise, amount, label, model: chosen } = answer.state;
  state = { chapter, seed, source, noise, amount, label, model: chosen };
  ({ facts, classes, whats: titles } = answer);
  model = { name: "why-a-vae" }; // this view is of many
  say([...answer.problems, ...Object.values(facts).map(fact => fact.error).filter(Boolean)].join(" · "));
  buildBar(answer.test_images);
  fillWords();
  const whole = Object.values(facts).filter(fact => !fact.error);
  find(".lx-output h3").textContent = titles[chapter];
  try { find(".lx-charts").innerHTML = whole.length ? CHARTS[chapter](whole) : ""; } catch (error) { console.error(error); find(".lx-charts").textContent = "Some of the cards that these figures stand on are missing."; }
  refreshRows();
  if (chapter === "denoising") repair();
  if (chapter === "codings" && whole.length) showMap(Object.keys(facts)[0]);
  if (chapter === "holes") showHoles();
  if (chapter === "gans") showEpochs();
  if (!keepHistory) { if (!settled) settled = remember(); else settle(); } else writeAddress();
}

function buildBar(testImages) {
  const chapters = Object.entries(titles), rows = !!USES[state.chapter], gans = state.chapter === "gans";
  find(".lx-chapters").replaceChildren(...chapters.map(([chapter, title], i) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: `${i + 1} ${title}` });
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(chapter === state.chapter));
    button.dataset.chapter = chapter;
    button.onclick = () => change({ chapter, model: undefined });
    return button;
  }));
  const bar = find(".lx-chapters"), chosen = bar.querySelector("[aria-checked=true]");
  bar.scrollLeft = chosen.offsetLeft - bar.offsetLeft - 40; // on a phone the row is longer than the page
  for (const part of all("[class*=lx-for-]")) for (const chapter of ["denoising", "codings", "holes", "gans"]) if (part.classList.contains(`lx-for-${chapter}`)) part.hidden = state.chapter !== chapter;
  find(".lx-for-rows").hidden = !testImages || !USES[state.chapter]?.includes("source");
  find(".lx-for-class").hidden = !(gans && facts[state.model]?.conditional);
  find(".lx-for-files").hidden = !rows;
  find("[data-do=dice]").disabled = !rows;
  view.dataset.chapter = state.chapter;
  document.getElementById("family-toy")?.classList.toggle("lx-away-now", state.chapter !== "linear");
  find("[data-set=model]").replaceChildren(...Object.entries(gans ? facts : {}).map(([name, fact]) => new Option(fact.error ? `${name} is damaged` : nameOf(fact), name)));
  const link = find(".lx-for-open");
  link.hidden = !gans && state.chapter !== "holes";
  link.textContent = gans ? "Drag across its plane" : "Drag across it larger";
  link.href = `${location.pathname}?view=latent-plane&model=${gans ? state.model : "fashion-vae"}`;
  for (const control of all("[data-set]")) control.type === "checkbox" ? control.checked = state.source === "test" : control.value = state[control.dataset.set] ?? "";
  nameGarment();
  nameNoise();
}

function nameNoise() {
  const gaussian = state.noise === "gaussian";
  find("[data-set=amount]").max = gaussian ? 1 : 0.95;
  find("[data-set=amount]").value = state.amount;
  find(".lx-amount span").textContent = gaussian ? "standard deviation" : "share lost";
  find(".lx-amount output").textContent = state.amount.toFixed(2);
}

function change(values) {
  const before = state;
  state = { ...state, ...values };
  const text = query();
  state = before; // until the answer is here what is on screen stays
  return open(text);
}

function nameGarment() {
  find(".lx-for-class output").textContent = classes[state.label];
  find("[data-set=label]").setAttribute("aria-valuetext", classes[state.label]);
}
find("[data-set=label]").oninput = event => {
  state.label = +event.target.value;
  nameGarment();
  refreshRows();
  settleSoon();
};

let rowsTimer = null;
find("[data-set=amount]").oninput = event => {
  const began = performance.now();
  state.amount = Math.round(event.target.value * 100) / 100;
  find(".lx-amount output").textContent = state.amount.toFixed(2);
  repair(began);
  clearTimeout(rowsTimer);
  rowsTimer = setTimeout(refreshRows, 250);
  settleSoon();
};
for (const control of all("[data-set]")) if (control.type !== "range") control.onchange = () => {
  const key = control.dataset.set, value = control.type === "checkbox" ? (control.checked ? "test" : "drawn") : control.value;
  if (key !== "noise") return change({ [key]: value });
  Object.assign(state, { noise: value, amount: value === "dropout" ? Math.min(0.95, state.amount) : state.amount });
  nameNoise(); // at once, as the slider beside it is
  repair();
  refreshRows();
  settle();
};

const ACTIONS = {
  dice() { if (USES[state.chapter]) change({ seed: crypto.getRandomValues(new Uint32Array(1))[0] % 1e6 }); },
  undo, hush() {}, link: copyLink,
  clear() {
    clears++; // what is still on its way is not wanted any more
    pad.clear();
    own = "";
    for (const place of [".lx-noisy-picture", ".lx-repaired", ".lx-by-pca"]) find(place).getContext("2d").clearRect(0, 0, 28, 28);
  },
  map: computeMap, stop: () => stop("stopped"),
  next() { turn(1); }, back() { turn(-1); },
};
function turn(by) {
  const order = Object.keys(titles), chapter = order[order.indexOf(state.chapter) + by];
  if (chapter) change({ chapter, model: undefined });
}
const KEYBOARD = { r: "dice", n: "next", p: "back" };

function start() {
  LIVE.delete("run_news"); // it waits for news on the server, and a slider's answers would wait behind it
  pad.clear();
  openWhenSeen();
}
