// @ts-check
// The view "Why a VAE?": one chapter after the other, from left to right. This file holds the state and what the controls do.
import { addressOf } from "../../serving/link.js";
import { fillRadios } from "../../serving/radios.js";
import { Runs } from "../../serving/run.js";
import { showChoice } from "../../serving/settings.js";
import { View, newest, randomSeed } from "../../serving/view.js";
import { Bench } from "./bench.js";
import { Epochs } from "./epochs.js";
import { figuresOf, nameOf } from "./figures.js";
import { Holes } from "./holes.js";
import { CodeMap } from "./map.js";
import { rowOf, sumOf } from "./rows.js";
import { WORDS, codeOf } from "./words.js";

/** The keys that decide the rows of pictures of those chapters that have some. @type {Record<string, string[]>} */
const USES = {
  linear: ["seed", "source"],
  deeper: ["seed", "source"],
  denoising: ["seed", "source", "noise", "amount"],
  sparse: ["seed", "source"],
  gans: ["model", "seed", "label"],
  arithmetic: ["seed"],
};
/** ... and those that say what else is shown. @type {Record<string, string[]>} */
const SHOWS = { denoising: ["label"], codings: ["z", "hidden", "center", "extent"], holes: ["z"], gans: ["epoch"] };
/** ... of which each chapter keeps its own. */
const OWN = ["label", "model", "z", "epoch", "hidden", "center", "extent"];
const WITH_PARTS = ["denoising", "codings", "holes", "labels", "gans"]; // chapters with elements of their own, `.lx-for-...`
const MOST_LOST = 0.95; // of the pixels
const REST = 250; // milliseconds without a move after which the rows follow the slider

class WhyAVae extends View {
  /** @param {any} given */
  constructor(given) {
    super(given, "why-a-vae");
    /** @type {Record<string, any>} what the cards of the chapter's models say */
    this.facts = {};
    /** @type {string[]} */
    this.classes = [];
    /** @type {Record<string, string>} */
    this.titles = {};
    /** @type {Record<string, any>} by chapter, what was shown in it when it was left */
    this.kept = {};
    /** @type {number | undefined} how much noise there was when pixels were lost instead */
    this._mostNoise = undefined;
    this.bench = new Bench(this);
    this.epochs = new Epochs(this);
    this.holes = new Holes(this);
    this.runs = new Runs(this);
    this.map = new CodeMap(this, this.runs);
    this.refreshRows = newest(() => this._refreshRows());
    this.actions = {
      dice: () => this.uses.length && this.change({ seed: randomSeed(this.props.seeds) }),
      undo: () => this.undo(),
      link: () => this.copyLink(),
      clear: () => this.bench.clear(),
      map: () => this.map.compute(),
      stop: () => this.runs.stop("stopped"),
      next: () => this._turn(1),
      back: () => this._turn(-1),
    };
    this.keyboard = { r: "dice", n: "next", p: "back" };
    this._listenToControls();
  }

  // ---- the state

  get place() {
    return `${this.name} ${this.state.chapter}`;
  }

  get title() {
    const { chapter } = this.state, number = Object.keys(this.titles).indexOf(chapter) + 1;
    return number ? `${super.title} ${number} ${this.titles[chapter]}` : super.title;
  }

  get uses() {
    return USES[this.state.chapter] ?? [];
  }

  query(extra = {}) {
    return this._queryOf(this.state, extra);
  }

  /** A link holds what its chapter uses, and always says which chapter and model it means. @param {any} state */
  _queryOf(state, extra = {}) {
    const { chapter } = state, keys = [...USES[chapter] ?? [], ...SHOWS[chapter] ?? []];
    const written = { chapter, ...Object.fromEntries(keys.map(key => [key, state[key]])), ...extra };
    const fact = this.facts[written.model];
    if (chapter === "gans" && fact && !fact.conditional) written.label = undefined;
    return this.text(written, ["chapter", "model", ...Object.keys(extra)]);
  }

  /** Until the answer is here what is on screen stays. @param {any} values */
  change(values) {
    const { state, kept } = this, { chapter } = state, to = values.chapter ?? chapter;
    if (values.model) return this.open(this._queryOf({ ...state, epoch: undefined, ...values }));
    if (to === chapter) return this.open(this._queryOf({ ...state, ...values }));
    kept[chapter] = Object.fromEntries(OWN.map(key => [key, state[key]]));
    const nothing = Object.fromEntries(OWN.map(key => [key, undefined]));
    return this.open(this._queryOf({ ...state, ...values, ...kept[to] ?? nothing }));
  }

  /** What is shown of a chapter beside its rows; one step of undo once it rests. @param {any} values */
  shows(values) {
    Object.assign(this.state, values);
    this.settleSoon();
    this.writeAddress();
  }

  /** @param {number} by chapters */
  _turn(by) {
    const order = Object.keys(this.titles), chapter = order[order.indexOf(this.state.chapter) + by];
    if (chapter) this.change({ chapter });
  }

  /** @param {string} text @param {{keepHistory?: boolean}} [options] */
  async open(text, options) {
    const answer = await this.askToOpen("open_family", text);
    if (!answer) return;
    const { view, what, ...state } = answer.state;
    if (state.chapter !== this.state.chapter) this._leaveChapter();
    this.state = state;
    this.model = this.facts = answer.facts; // this view is of many
    this.defaults = answer.defaults;
    this.classes = answer.classes;
    this.titles = answer.whats;
    const facts = Object.values(this.facts), errors = facts.map(fact => fact.error).filter(Boolean);
    this.say([...answer.problems, ...errors].join(" · "));
    this._fillBar(answer.test_images);
    this._fillWords();
    this._fillFigures(facts.filter(fact => !fact.error));
    this._showPictures(errors.length < facts.length);
    this.opened(options);
  }

  _leaveChapter() {
    this.runs.stop();
    this.find(".lx-rows").replaceChildren();
    this.root.dataset.ready = "no";
  }

  /** @param {boolean} whole whether any of the chapter's models is */
  _showPictures(whole) {
    const { chapter, model } = this.state;
    this.refreshRows();
    if (chapter === "denoising") this.bench.repair();
    if (chapter === "codings" && whole) this.map.show(Object.keys(this.facts)[0]);
    if (chapter === "holes") this.holes.show(this.facts, this.state.z);
    if (chapter === "gans") this.epochs.show(model);
  }

  // ---- words and figures

  _fillWords() {
    const { point, formula, story } = WORDS[this.state.chapter];
    this.find(".lx-point").textContent = point;
    const told = `<p class="lx-formula">${formula}</p><p>${story}</p>`;
    for (const place of this.all(".lx-explanation, .lx-told")) place.innerHTML = told;
  }

  _fillCode() {
    const { chapter, model } = this.state, names = Object.keys(this.facts);
    const name = chapter === "gans" ? model : chapter === "denoising" && this.state.noise === "dropout" ? names[0] : names.at(-1);
    this.find(".lx-folds code").textContent = codeOf(this.state, name, this.facts[name]);
  }

  /** @param {any[]} whole the facts of models that are */
  _fillFigures(whole) {
    const { chapter, model } = this.state, box = this.find(".lx-charts");
    this.find(".lx-output h2").textContent = this.titles[chapter];
    try {
      box.innerHTML = figuresOf(chapter, whole, this.facts[model]);
    } catch (error) {
      console.error(error);
      box.textContent = "Some of the cards that these figures stand on are missing.";
    }
  }

  // ---- the rows

  async _refreshRows() {
    const { chapter } = this.state, box = this.find(".lx-rows");
    this._fillCode();
    if (!this.uses.length) {
      box.replaceChildren();
      this.root.dataset.ready = "yes";
      return;
    }
    const answer = await this.ask("family_rows", this.query());
    if (!answer || chapter !== this.state.chapter) return;
    const denoising = chapter === "denoising", [first] = answer.rows;
    box.replaceChildren(...answer.rows.map((/** @type {any} */ row, /** @type {number} */ i) => {
      if (chapter === "arithmetic" && i === 3) return sumOf(row, answer.seen);
      return rowOf(row, denoising && i === 0 ? this._toTheBench(first.pictures) : undefined);
    }));
    box.dataset.chapter = chapter;
    if (denoising && this.bench.isExample) this.bench.take(first.pictures[this.state.label], true);
    this.root.dataset.ready = "yes";
  }

  /** @param {string[]} pictures */
  _toTheBench(pictures) {
    return {
      title: (/** @type {number} */ i) => `corrupt this ${this.classes[i]}`,
      press: (/** @type {number} */ i) => {
        this.bench.take(pictures[i], true);
        this.shows({ label: i });
      },
    };
  }

  // ---- the bar and the controls

  /** @param {boolean} testImages whether real ones are at hand */
  _fillBar(testImages) {
    const { chapter, model } = this.state, rows = this.uses.length > 0;
    this._fillChapters();
    for (const other of WITH_PARTS) for (const part of this.all(`.lx-for-${other}`)) part.hidden = other !== chapter;
    this.find(".lx-for-rows").hidden = !testImages || !this.uses.includes("source");
    this.find(".lx-for-class").hidden = !(chapter === "gans" && this.facts[model]?.conditional);
    this.find(".lx-for-files").hidden = !rows;
    this.find("[data-do=dice]").disabled = !rows;
    this.root.dataset.chapter = chapter;
    document.getElementById("family-toy")?.classList.toggle("lx-away-now", chapter !== "linear");
    this._fillModels();
    this._setControls();
  }

  _fillChapters() {
    const bar = this.find(".lx-chapters");
    const options = Object.entries(this.titles).map(([value, title], i) => ({ value, words: `${i + 1} ${title}` }));
    const buttons = fillRadios(bar, "chapter", options, chapter => this.change({ chapter }));
    showChoice(buttons, "chapter", this.state.chapter);
    bar.scrollLeft = bar.querySelector("[aria-checked=true]").offsetLeft - bar.offsetLeft - 40; // a phone is narrower than the row
  }

  _fillModels() {
    const { chapter, model } = this.state, gans = chapter === "gans", offered = Object.entries(gans ? this.facts : {});
    const options = offered.map(([name, fact]) => new Option(fact.error ? `${name} is damaged` : nameOf(fact), name));
    this.find("[data-set=model]").replaceChildren(...options);
    const link = this.find(".lx-for-open");
    link.hidden = !gans && chapter !== "holes";
    link.textContent = gans ? "Drag across its plane" : "Drag across it larger";
    link.href = addressOf(`view=latent-plane&model=${gans ? model : "fashion-vae"}`);
  }

  _setControls() {
    for (const control of this.all("[data-set]")) {
      if (control.type === "checkbox") control.checked = this.state.source === "test";
      else control.value = this.state[control.dataset.set] ?? "";
    }
    this._nameGarment();
    this._nameNoise();
  }

  _nameNoise() {
    const { noise, amount } = this.state, gaussian = noise === "gaussian", slider = this.find("[data-set=amount]");
    slider.max = gaussian ? 1 : MOST_LOST;
    slider.value = amount;
    this.find(".lx-amount span").textContent = gaussian ? "standard deviation" : "share lost";
    this._nameAmount();
  }

  _nameAmount() {
    this.find(".lx-amount output").textContent = this.state.amount.toFixed(2);
  }

  _nameGarment() {
    const name = this.classes[this.state.label];
    this.find(".lx-for-class output").textContent = name;
    this.find("[data-set=label]").setAttribute("aria-valuetext", name);
  }

  // ---- what people do with them

  _listenToControls() {
    this.find("[data-set=label]").oninput = (/** @type {any} */ event) => this._setLabel(+event.target.value);
    this.find("[data-set=amount]").oninput = (/** @type {any} */ event) => this._setAmount(+event.target.value, performance.now());
    this.find("[data-set=noise]").onchange = (/** @type {any} */ event) => this._setNoise(event.target.value);
    this.find("[data-set=model]").onchange = (/** @type {any} */ event) => this.change({ model: event.target.value });
    this.find("[data-set=source]").onchange = (/** @type {any} */ event) =>
      this.change({ source: event.target.checked ? "test" : "drawn" });
  }

  /** @param {number} label */
  _setLabel(label) {
    this.state.label = label;
    this._nameGarment();
    this.refreshRows();
    this.settleSoon();
  }

  /** @param {number} amount @param {number} began */
  _setAmount(amount, began) {
    this.state.amount = Math.round(amount * 100) / 100;
    this._mostNoise = undefined;
    this._nameAmount();
    this.bench.repair(began);
    clearTimeout(this._rowsTimer);
    this._rowsTimer = setTimeout(this.refreshRows, REST);
    this.settleSoon();
  }

  /** At once, as the slider beside it is. @param {string} noise */
  _setNoise(noise) {
    const { amount, noise: before } = this.state;
    if (noise === before) return;
    if (before === "gaussian") this._mostNoise = amount;
    this.state.noise = noise;
    const most = this._mostNoise ?? amount; // more noise than pixels can be lost, until the slider is moved
    this.state.amount = noise === "dropout" ? Math.min(MOST_LOST, amount) : amount === MOST_LOST ? Math.max(most, amount) : amount;
    this._nameNoise();
    this.bench.repair();
    this.refreshRows();
    this.settle();
  }
}

/** @param {any} given what gr.HTML gives */
export function start(given) {
  const view = new WhyAVae(given);
  view.listen();
  view.openWhenSeen();
}
