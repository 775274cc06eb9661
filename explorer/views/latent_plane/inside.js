// @ts-check
// The network as a picture: what goes in, what each layer of the encoder makes of it, the cloud that it names and a sample of it,
// what each layer of the decoder makes of that, and what the loss says of this one picture. Asked of the server while it is open.
import { Stages, WORDS as STAGES, paintStage } from "../../serving/inside.js";
import { bytesOf, pictureCanvas, showPicture } from "../../serving/pictures.js";
import { newest, randomSeed, short } from "../../serving/view.js";

const WORDS = {
  drawn: "x, as you drew it", point: "x, the picture at the point", out: "x̂, decoded again", only: "the picture",
  encoder: "Encoder", decoder: "Decoder", generator: "Generator", code: "The code z",
  cloud: "The encoder names a cloud (pink: 1 σ and 2 σ). Touch it for another sample; on the right it is magnified.",
  cloudOfMany: "The encoder names a cloud (pink: 1 σ in each dimension). Touch it for another sample.",
  single: "A plain autoencoder names one point: there is no cloud.",
  none: "This model has no encoder: the way begins at a point.",
  lost: "where the reconstruction costs most", loss: "The loss of this one picture",
  names: /** @type {Record<string, string>} */ ({ binary_crossentropy: "binary cross-entropy", mse: "squared error" }),
  summed: "summed over pixels", mean: "times its weight", own: "mean over pixels; with what it was trained its file does not say",
  kl: "KL from N(0, 1), summed over dimensions, nats", whole: "together", weight: "β",
  sample: "Another sample", axis: "z", goesOn: "z, a sample of the cloud", goesOnAlone: "z, the code",
  rest: (/** @type {number} */ n) => `and ${n} more`,
};
const MOST_ROWS = 4; // of a code that stand as numbers
const MOST_AXES = 24; // of a code with more dimensions those are shown that say most
const RECENT = 40; // samples of the same cloud that stay in sight
const COLOURS = { ring: "#8891a580", cloud: "#ff9ed2", now: "#ffd166", before: "#ffd16666", ground: "#0b0e14", words: "#e8ecf4" };

export class Inside {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this.fold = view.find(".lx-inside");
    this.encoder = new Stages(view.find(".lx-encoder-stages"));
    this.decoder = new Stages(view.find(".lx-decoder-stages"));
    this.cloud = view.find(".lx-cloud");
    /** @type {any} what the server said last */
    this.answer = null;
    /** @type {number[][]} */
    this.samples = [];
    this.look = newest(() => this._look());
    this.fold.addEventListener("toggle", () => this._toggle());
    this.cloud.addEventListener("pointerdown", () => this.another());
    this.cloud.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (!["Enter", " ", "ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      this.another();
    });
    new ResizeObserver(() => this.answer && this._paintCloud()).observe(this.cloud);
  }

  get isOpen() {
    return this.fold.open;
  }

  /** As the state has it; a page without a server has no layers to show. */
  place() {
    this.fold.hidden = document.documentElement.dataset.static !== undefined;
    this.fold.open = !!this.view.state.inside && !this.fold.hidden;
    if (this.isOpen) this.look();
  }

  _toggle() {
    const { view } = this, open = this.isOpen;
    if (!view.model || open === !!view.state.inside) return;
    view.state.inside = open || undefined;
    if (!open) view.state.noise_seed = undefined;
    view.settle();
    if (open) this.look();
  }

  /** Another sample of the same cloud. */
  another() {
    if (!this.answer?.sigma) return;
    this.view.state.noise_seed = randomSeed();
    this.look();
    this.view.settle();
  }

  async _look() {
    const { view } = this, { model, yourPicture } = view;
    if (!this.isOpen || !model) return;
    const pixels = yourPicture.pixelsAt(view.state.z);
    const answer = await view.ask("look_inside", { query: view.query(), pixels });
    if (!answer || model !== view.model) return;
    const before = this.answer;
    this.answer = answer;
    if (String(before?.mean) !== String(answer.mean) || before?.name !== answer.name) this.samples = [];
    this.samples = [...this.samples, answer.z].slice(-RECENT);
    this._show(!!pixels);
    this.fold.dataset.shown = `${answer.name} ${answer.z}`;
  }

  /** @param {boolean} drawn whether what goes in was drawn */
  _show(drawn) {
    const { view, answer } = this, { model } = view, find = (/** @type {string} */ part) => view.find(`.lx-inside ${part}`);
    const picture = (/** @type {string} */ pixels) => pictureCanvas(bytesOf(pixels), model.image_shape);
    const whole = !!answer.encoder;
    for (const part of view.all(".lx-inside [data-whole]")) part.hidden = !whole;
    find(".lx-inside-body").dataset.from = whole ? "picture" : "point";
    find(".lx-no-way-in").hidden = whole;
    find(".lx-no-way-in").textContent = WORDS.none;
    if (whole) {
      showPicture(find(".lx-goes-in canvas"), picture(answer.input));
      find(".lx-goes-in figcaption").textContent = drawn ? WORDS.drawn : WORDS.point;
      this.encoder.show(answer.encoder);
      this._showLoss(find);
    }
    this.decoder.show(answer.decoder);
    showPicture(find(".lx-comes-out canvas"), picture(answer.output));
    find(".lx-comes-out figcaption").textContent = whole ? WORDS.out : WORDS.only;
    find("[data-words=encoder]").textContent = WORDS.encoder;
    find("[data-words=decoder]").textContent = model.kind === "gan" ? WORDS.generator : WORDS.decoder;
    find("[data-words=code]").textContent = WORDS.code;
    find(".lx-cloud-words").textContent = !whole ? ""
      : !answer.sigma ? WORDS.single : answer.z.length === 2 ? WORDS.cloud : WORDS.cloudOfMany;
    find("[data-do=sample]").hidden = !answer.sigma;
    find("[data-do=sample]").textContent = WORDS.sample;
    find(".lx-colours").textContent = STAGES.scale;
    this._formula(find(".lx-sampled"));
    this._paintCode(find(".lx-z-in"));
    this._paintCloud();
  }

  /** The code as what the decoder is given. @param {HTMLElement} figure */
  _paintCode(figure) {
    const { z, sigma } = this.answer, most = Math.max(...z.map(Math.abs)) || 1;
    const width = z.length > MOST_ROWS ? Math.ceil(Math.sqrt(z.length)) : 1;
    const height = Math.ceil(z.length / width), canvas = /** @type {HTMLCanvasElement} */ (figure.querySelector("canvas"));
    const bytes = Array.from({ length: width * height }, (_, i) => Math.round(128 + 127 * (z[i] ?? 0) / most));
    const tiles = btoa(String.fromCharCode(...bytes)), words = sigma ? WORDS.goesOn : WORDS.goesOnAlone;
    paintStage(canvas, /** @type {any} */ ({ tiles, count: 1, map: false, height, width }));
    canvas.setAttribute("aria-label", words);
    /** @type {any} */ (figure.querySelector("figcaption")).textContent = words;
  }

  /** z = mean + sigma eps with its numbers, a dimension a row: of many those that say most. @param {HTMLElement} box */
  _formula(box) {
    const { mean, sigma, epsilon, z } = this.answer, shown = this._loudest(MOST_ROWS);
    const columns = sigma ? [["z", z, "now"], ["= μ", mean, "cloud"], ["+ σ", sigma, "cloud"], ["· ε", epsilon, ""]]
      : [[mean ? "z = encoder(x)" : "z", z, "now"]];
    const head = columns.map(([name, , colour]) => `<th scope="col">${name}${colour && `<i class="lx-dot-${colour}"></i>`}</th>`);
    const cells = (/** @type {number} */ i) => columns.map(([, values]) => `<td>${short(values[i])}</td>`).join("");
    const rows = shown.map((/** @type {number} */ i) => `<tr><th scope="row">z${i}</th>${cells(i)}</tr>`);
    box.innerHTML = `<table><thead><tr><td></td>${head.join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`
      + (shown.length < z.length ? `<small>${WORDS.rest(z.length - shown.length)}</small>` : "");
  }

  /** The dimensions that say most, in their order. @param {number} most so many */
  _loudest(most) {
    const { z, loss } = this.answer, says = (/** @type {number} */ i) => loss?.kl?.[i] ?? Math.abs(z[i]);
    return z.map((/** @type {number} */ _, /** @type {number} */ i) => i)
      .sort((/** @type {number} */ a, /** @type {number} */ b) => says(b) - says(a)).slice(0, most)
      .sort((/** @type {number} */ a, /** @type {number} */ b) => a - b);
  }

  /** @param {(part: string) => any} find */
  _showLoss(find) {
    const { view, answer: { loss } } = this, [height, width] = view.model.image_shape;
    const kl = loss.kl?.reduce((/** @type {number} */ sum, /** @type {number} */ part) => sum + part, 0) ?? null;
    const number = (/** @type {number} */ value) => value >= 100 ? value.toFixed(1) : value.toPrecision(3);
    const terms = [[`${WORDS.names[loss.loss]}, ${loss.own ? WORDS.own : loss.summed ? WORDS.summed : WORDS.mean}`,
      number(loss.reconstruction), "reconstruction(x, x̂)"]];
    if (kl !== null) terms.push([WORDS.kl, number(kl), "½ Σ (μ² + σ² − 1 − ln σ²)"]);
    const weight = loss.kl_weight, weighed = weight * (kl ?? 0);
    const sum = !loss.own && kl !== null ? loss.reconstruction + weighed : null;
    find(".lx-loss-title").textContent = WORDS.loss;
    const biggest = Math.max(loss.reconstruction, loss.own ? kl ?? 0 : weighed) || 1;
    const share = (/** @type {number} */ i) => 100 * (i ? loss.own ? kl ?? 0 : weighed : loss.reconstruction) / biggest;
    find(".lx-loss-terms").innerHTML = terms.map(([words, value, formula], i) => `<div>
      <i translate="no">${formula}</i><b>${value}</b>
      <span class="lx-bar-of" style="--share:${share(i)}%"></span><small>${words}</small></div>`).join("")
      + (sum === null ? "" : `<div class="lx-loss-sum">
      <i translate="no">reconstruction + ${weight === 1 ? "" : `${+weight.toPrecision(3)} · `}KL</i><b>${number(sum)}</b>
      <small>${WORDS.whole}</small></div>`);
    const heat = pictureCanvas(bytesOf(loss.pixels), [height, width, 1]), canvas = find(".lx-costs canvas");
    showPicture(canvas, heat);
    find(".lx-costs figcaption").textContent = WORDS.lost;
  }

  // ---- the cloud: of two dimensions a map, of more a row for each that says something

  _paintCloud() {
    const { cloud, answer: { mean, sigma, z } } = this, both = z.length === 2 && !!sigma;
    cloud.style.aspectRatio = z.length === 2 ? "2" : "1.4";
    const width = Math.round(cloud.clientWidth * devicePixelRatio) || 300, height = Math.round(width / (z.length === 2 ? 2 : 1.4));
    Object.assign(cloud, { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (cloud.getContext("2d"));
    Object.assign(context, { fillStyle: COLOURS.ground });
    context.fillRect(0, 0, width, height);
    const numbers = (mean ?? z).map((/** @type {number} */ value, /** @type {number} */ i) =>
      `z${i} ${short(value)}${sigma ? ` ± ${sigma[i].toFixed(2)}` : ""}`);
    cloud.setAttribute("aria-label", `${WORDS.code}: ${numbers.slice(0, 6).join(", ")}${z.length > 6 ? ", …" : ""}`);
    cloud.setAttribute("role", sigma ? "button" : "img");
    if (z.length !== 2) return this._paintRows(context, width, height);
    const far = Math.max(3.2, ...[...mean ?? z, ...z].map(value => 1.15 * Math.abs(value)));
    const near = both ? 3.2 * Math.max(...sigma) : 0;
    this._paintMap(context, both ? 0 : height / 2, height, [0, 0], far, near);
    if (both) this._paintMap(context, height, height, mean, near, 0);
  }

  /**
   * A square of the plane.
   * @param {CanvasRenderingContext2D} context @param {number} left of the square @param {number} side
   * @param {number[]} middle in z @param {number} far half its side, in z @param {number} marked half the side of what is magnified
   */
  _paintMap(context, left, side, middle, far, marked) {
    const { mean, sigma, z } = this.answer, unit = side / (2 * far), thick = Math.max(1, side / 110);
    const at = (/** @type {number[]} */ [x, y]) => [left + side / 2 + (x - middle[0]) * unit, side / 2 - (y - middle[1]) * unit];
    context.save();
    context.beginPath();
    context.rect(left, 0, side, side);
    context.clip();
    for (const radius of [1, 2, 3]) this._ring(context, at([0, 0]), radius * unit, radius * unit, COLOURS.ring, thick / 2);
    if (sigma) for (const times of [1, 2])
      this._ring(context, at(mean), times * sigma[0] * unit, times * sigma[1] * unit, COLOURS.cloud, 1.2 * thick);
    for (const sample of this.samples.slice(0, -1)) this._dot(context, at(sample), 1.8 * thick, COLOURS.before);
    if (mean && sigma) this._dot(context, at(mean), 1.2 * thick, COLOURS.cloud);
    this._dot(context, at(z), 3 * thick, COLOURS.now);
    Object.assign(context, { strokeStyle: COLOURS.ring, lineWidth: thick / 2 });
    const [x, y] = at(mean ?? z);
    if (marked) context.strokeRect(x - marked * unit, y - marked * unit, 2 * marked * unit, 2 * marked * unit);
    else if (sigma) context.strokeRect(left, 0, side, side);
    context.restore();
  }

  /** @param {CanvasRenderingContext2D} context @param {number} side @param {number} height */
  _paintRows(context, side, height) {
    const { mean, sigma, z } = this.answer, shown = this._loudest(MOST_AXES);
    const far = Math.max(3.2, ...shown.map((/** @type {number} */ i) => 1.1 * Math.abs(z[i])));
    const unit = side / (2 * far), step = height / shown.length;
    shown.forEach((/** @type {number} */ i, /** @type {number} */ row) => {
      const y = (row + 0.5) * step, x = side / 2 + z[i] * unit, thick = Math.max(1, step / 3);
      context.fillStyle = COLOURS.ring;
      context.fillRect(0, y, side, 1);
      if (sigma) {
        context.fillStyle = COLOURS.cloud;
        context.fillRect(side / 2 + (mean[i] - sigma[i]) * unit, y - thick / 2, 2 * sigma[i] * unit, thick); // 1 σ
      }
      this._dot(context, [x, y], Math.min(5 * devicePixelRatio, 0.4 * step), COLOURS.now);
    });
    context.fillStyle = COLOURS.ring;
    context.fillRect(side / 2, 0, 1, height);
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {number[]} middle @param {number} across @param {number} down
   * @param {string} strokeStyle @param {number} lineWidth
   */
  _ring(context, [x, y], across, down, strokeStyle, lineWidth) {
    context.beginPath();
    context.ellipse(x, y, across, down, 0, 0, 7);
    Object.assign(context, { strokeStyle, lineWidth });
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context @param {number[]} middle @param {number} radius @param {string} fillStyle */
  _dot(context, [x, y], radius, fillStyle) {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    Object.assign(context, { fillStyle });
    context.fill();
  }
}
