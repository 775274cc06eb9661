// @ts-check
// The text-to-image view: prompts, the run that draws them, and one of its pictures large.
import { Runs, UNFINISHED } from "../../serving/run.js";
import { listenToSettings, showChoice, showSettings } from "../../serving/settings.js";
import { asked } from "../../serving/state.js";
import { View, randomSeed } from "../../serving/view.js";
import { Cells } from "./cells.js";
import { codeOf } from "./code.js";
import { drawNorms } from "./norms.js";
import { Presets, fillModels, isHere } from "./presets.js";
import { Start } from "./start.js";
import { Stops } from "./stops.js";

const SOON = 500; // milliseconds from the last move of a slider to its run
const MOST_QUOTED = 60; // characters of what is cut off
const WIDE = 9, WIDE_FILM = 14; // pictures in a row, at most

// The keys that mean something in each mode, beside those that always do. A link names `what` and the model even if they are as
// usual: this page begins with a walk, and what is usual hangs on the model and the size that it was loaded in.
const NAMED = ["what", "model", "image_size"], ALWAYS = [...NAMED, "prompt", "negative_prompt", "seed", "guidance_scale",
  "guidance_rescale", "guidance_interval"];
/** @type {Record<string, string[]>} */
const MEANT = {
  strip: ["steps", "to_prompt", "via_prompts", "to", "kind", "closed", "start", "stop", "frames", "t"],
  plane: ["steps", "to_prompt", "below_prompt", "below_to_prompt", "kind", "n"], grid: ["steps", "n"],
  picture: ["steps", "time"], steps: [],
  strengths: ["steps"],
};
const OVER = ["image", "strength", "mask", "margin"]; // of a picture that is drawn over
const LITTLE = 0.9; // the strength with which a frame is drawn, at least: what was smeared over it is not to stay

const MODEL_KEEPS = ["prompt", "to_prompt", "via_prompts", "below_prompt", "below_to_prompt", "negative_prompt", "seed", "to",
  "kind", "closed", "start", "stop", "frames", "t"];

export class TextView extends View {
  /** @param {any} given */
  constructor(given) {
    super(given, "text-to-image");
    this.runs = new Runs(this, () => this.showLinkedTime());
    this.cells = new Cells(this, index => this.looked(index));
    this.start = new Start(this);
    this.stops = new Stops(this);
    /** @type {any} what was drawn over when another mode was chosen */
    this.left = null;
    this.presets = new Presets(this, this.runs, (model, image_size) => this.openModel({ what: "picture", model, image_size }));
    this.scrubbed = false; // whether somebody looks at a picture of their choice
    /** @type {any} */
    this.norms = null;
    this.angle = 0;
    /** @type {{label: string, model: string, gallery: number}[]} whose pictures may be drawn over */
    this.sources = [];
    /** @type {{control: any, other: number} | null} the end of the walk that the one being moved pushes along */
    this.pushed = null;
    /** @type {any} */
    this.changing = undefined;
    this.actions = {
      dice: () => this.set("seed", randomSeed()), undo: () => this.undo(), link: () => this.copyLink(),
      run: () => this.again(), stop: () => this.stop(), "stop-over": () => this.stops.add(),
      fetch: () => this.presets.fetch(), leave: () => this.leavePreset(),
      camera: () => this.start.camera.open(), snap: () => this.start.camera.snap(), forget: () => this.removeOwn(),
      take: () => Object.assign(this.state, { seed: this.seedShown }) && this.turn("picture"),
      erase: () => this.start.erase(), unmask: () => this.start.unmask(), keep: () => this.keep(),
      back: () => this.scrub(this.cells.at - 1), on: () => this.scrub(this.cells.at + 1),
    };
    this.keyboard = { r: "dice", arrowleft: "back", arrowright: "on", escape: "stop" };
  }

  /** A visitor's own picture is in no link: there it is that of the model which is usual. */
  query(extra = {}) {
    const { state } = this, keys = [...ALWAYS, ...MEANT[state.what], ...(this.isOver ? OVER : [])];
    const said = { ...Object.fromEntries(keys.map(key => [key, state[key]])), margin: state.margin || undefined };
    if (this.start.own) said.image = undefined;
    return this.text({ ...said, ...extra }, [...NAMED, ...Object.keys(extra)]);
  }

  /** Whether a picture is drawn over. */
  get isOver() {
    return !!this.state.image || !!this.start.own?.framed;
  }

  /** As which mode it is shown. */
  get mode() {
    const { what } = this.state;
    return what === "picture" && this.isOver ? "strengths" : what;
  }

  get modelState() {
    const { model, image_size } = this.state;
    return { model, image_size };
  }

  /** "picture" is the one that is shown large, which on a walk stands at a place t. */
  fileState(what) {
    if (what === "own") return { t: undefined };
    if (what === "film") return { what: "trajectory", time: undefined };
    if (this.state.what === "strengths") return { what: "picture" };
    if (this.state.what === "grid") return { what: "picture", seed: this.seedShown, n: undefined };
    const place = this.state.what === "strip" ? this.cells.placeOf(this.cells.at) : undefined;
    if (place === undefined) return { what: "picture" };
    return { what: "picture", t: place, frames: undefined, start: undefined, stop: undefined, closed: undefined };
  }

  /** Of a grid, the seed of the picture that is large; its title says so. */
  get seedShown() {
    const { cells, state } = this;
    return cells.mode === "grid" ? Number(cells.titleOf(cells.at).slice("seed ".length)) : state.seed;
  }

  // ---- a run

  begin() {
    this.scrubbed = false;
    const query = this.query({ t: undefined, time: undefined }), { own } = this.start;
    const request = own?.framed && this.isOver ? { query, picture: own.framed } : query;
    this.runs.follow("start_drawing", request, (run, event) => this.take(run, event), run => {
      if (this.cells.isPainted) this.runs.firstSeen(run);
    });
  }

  /** To its end, though a step may have been looked at. */
  again() {
    this.forgetTime();
    this.begin();
  }

  /** @param {any} run @param {any} event */
  take(run, event) {
    if (event.titles) return this.prepare(run, event);
    const { cells, model: { image_shape: shape } } = this;
    this.runs.progress(run, event.at);
    if (this.state.what === "picture") {
      if (!event.drawn) cells.add(`σ ${event.noise_rate.toFixed(2)}`, event.noise_rate); // else the last guess becomes the result
      else if (cells.last < 0) cells.add("as the autoencoder has it");
      cells.paint(cells.last, event.pictures, shape);
      if (!this.scrubbed) cells.show(cells.last);
      return;
    }
    cells.paint(event.first, event.pictures, shape);
    if (event.first <= cells.at && cells.at < event.first + event.pictures.length) cells.show(cells.at);
  }

  /** @param {any} run @param {any} event what is to come */
  prepare(run, { titles, total, steps, side, norms, angle, cut, start, mask }) {
    const { what } = this.state, film = what === "picture"; // a picture for each step
    run.total = total;
    Object.assign(this, { norms, angle });
    this.start.begin({ start, mask }, this.model.image_shape);
    const stops = what === "strip" ? this.stops.prompts.map((_, i) => `via_prompts ${i + 1}`) : [];
    const keys = ["prompt", ...stops, ...MEANT[what], "negative_prompt"];
    const strange = new Set(keys.flatMap(key => run.strange[key] ?? []));
    const words = [...strange].map(word => `“${word}”`).join(", "), said = words ? [`It never saw ${words}.`] : [];
    for (const key of keys.filter(key => cut[key])) said.push(this.cutOff(key, cut[key]));
    this.find(".lx-strange").textContent = said.join(" ");
    this.plotNorms();
    this.cells.begin(film ? [] : titles, what, film ? Math.min(steps, WIDE_FILM) : side ?? Math.min(titles.length, WIDE));
    if (what === "strengths") {
      this.cells.show(this.cells.nearest(this.state.strength ?? 0, i => this.cells.numberOf(i)));
      return;
    }
    const [t] = this.state.t ?? [];
    if (what !== "strip" || t === undefined) return;
    this.scrubbed = true;
    this.cells.show(this.cells.nearest(t, i => this.cells.placeOf(i)));
  }

  /** A link may say at which step of one picture to look, once all are there. */
  showLinkedTime() {
    const { what, time } = this.state, { cells } = this;
    if (what === "picture" && time !== undefined && cells.drawn.length) cells.show(cells.nearest(time, i => cells.timeOf(i) ?? 0));
  }

  /** What is on screen then stays, and is what the link and the file of the picture show. */
  stop() {
    if (!this.runs.isUnderWay) return;
    const { what } = this.state;
    if (what === "picture" && this.cells.drawn.length) this.state.time = this.cells.timeOf(this.cells.at);
    this.runs.stop("stopped");
    if (what !== "picture") this.say(UNFINISHED);
    this.settle();
  }

  /** Where the model stopped reading. @param {string} key of a prompt @param {[string, string]} cut its last word read, the rest */
  cutOff(key, [last, rest]) {
    if (rest.length > MOST_QUOTED) rest = `${rest.slice(0, MOST_QUOTED)}…`;
    const stop = key.startsWith("via_prompts ") && key.replace("via_prompts", "stop");
    const name = stop || this.find(`[data-set=${key}]`).closest("label").firstElementChild.textContent;
    const read = last ? `it is read up to “${last}”, and` : "not even its first word fits:";
    return `Prompt ${name} is too long: ${read} “${rest}” is cut off.`;
  }

  changed() {
    clearTimeout(this.changing);
    this.runs.stop();
    this.settle();
    this.fillCode();
    this.begin();
  }

  changedSoon() {
    clearTimeout(this.changing);
    this.changing = setTimeout(() => this.changed(), SOON);
  }

  /** @param {number} index */
  scrub(index) {
    const { cells, state } = this, at = Math.max(0, Math.min(cells.last, index));
    cells.show(at);
    if (cells.mode !== state.what) return; // they stay until the run of the mode that was chosen begins
    this.scrubbed = true;
    if (state.what === "strip") state.t = at ? [cells.placeOf(at)] : undefined;
    if (state.what === "strengths") state.strength = cells.numberOf(at);
    if (state.what === "picture") state.time = at === cells.last && !this.runs.isUnderWay ? undefined : cells.timeOf(at);
    this.settleSoon();
    this.writeAddress();
  }

  /** One of the pictures is large. @param {number} index */
  looked(index) {
    const { what } = this.state;
    if (what === "strip") this.plotNorms(this.cells.placeOf(index));
    if (this.isOver) this.start.compare(this.cells.pictureOf(index));
  }

  /** What is drawn over becomes another, or otherwise marked. @param {any} changes of the state */
  setOver(changes) {
    if (!["picture", "strengths"].includes(this.state.what)) this.state.what = "strengths";
    Object.assign(this.state, changes);
    this.forgetTime();
    this.start.show(this.state.mask);
    this.sync();
    this.changed();
  }

  /** The visitor's picture goes, and the one that is usual is there again. */
  removeOwn() {
    const had = this.start.own, said = this.query(); // without its picture
    this.start.forget();
    if (had) this.open(said);
  }

  /** A file of a visitor's picture is made here: the server keeps none, and no state says what it shows. */
  keep() {
    this.cells.pictureOf(this.cells.at)?.toBlob(blob => {
      if (!blob) return;
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = "drawn-over.png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  /** @param {number} [place] */
  plotNorms(place) {
    drawNorms(this.find(".lx-norms"), this.norms, this.state.kind, place);
    if (this.norms) this.find(".lx-angle").textContent = `They stand ${this.angle.toFixed(0)}° apart.`;
  }

  // ---- settings

  listen() {
    super.listen();
    const { root, scrubber } = this.cells;
    scrubber.oninput = () => this.scrub(+scrubber.value);
    root.addEventListener("click", event => {
      if (event.target.dataset.cell !== undefined) this.scrub(+event.target.dataset.cell);
    });
    new ResizeObserver(() => {
      if (this.model && this.isSeen && this.cells.drawn.length) this.cells.show(this.cells.at);
    }).observe(this.root);
    listenToSettings(this, (key, value, control) => this.set(key, value, control), ["to"]);
    for (const area of this.all("textarea")) area.addEventListener("keydown", event => this.enter(event));
    for (const button of this.all("[data-kind]")) button.onclick = () => this.choose("kind", button.dataset.kind);
    for (const button of this.all("[data-what]")) button.onclick = () => this.turn(button.dataset.what);
    for (const button of this.all("[data-over]")) button.onclick = () => this.choose("what", button.dataset.over);
  }

  /** To another mode; what was drawn over stays with its own. @param {string} mode */
  turn(mode) {
    if (!this.model || mode === this.mode) return;
    const { state } = this;
    if (this.isOver && mode !== "strengths") {
      this.left = { own: this.start.own, ...Object.fromEntries(OVER.map(key => [key, state[key]])) };
      this.start.own = null;
      for (const key of OVER) state[key] = undefined;
    }
    if (mode === "strengths") {
      const { own = null, ...over } = this.left ?? { image: this.usualImage };
      this.start.own = own;
      Object.assign(state, over);
      this.start.show(state.mask);
    }
    state.strength ??= 0.6;
    state.margin ??= 0;
    this.set("what", mode);
  }

  /** The first picture of the first gallery. */
  get usualImage() {
    const [{ model, gallery }] = this.sources;
    return `${model}:${gallery ? "g0" : 0}`;
  }

  /** Enter draws, and then keys go through the pictures; Shift+Enter begins a line. @param {KeyboardEvent} event */
  enter(event) {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    this.find("[data-do=run]").focus({ preventScroll: true });
  }

  /** @param {string} key @param {any} value @param {any} [control] */
  set(key, value, control) {
    if (key === "model") return this.setModel(value, control);
    const { state } = this;
    if (key === "margin" && value && !state.margin) state.strength = Math.max(state.strength, LITTLE);
    state[key] = value;
    this.forgetTime();
    this.keepApart(key, value, control);
    this.sync();
    if (control?.type === "range") this.changedSoon(); else this.changed();
  }

  forgetTime() {
    this.state.time = undefined;
  }

  /**
   * The walk's start is pushed on by its stop, and the other way round; moved back within one gesture, both are where they were.
   * @param {string} key @param {any} value @param {any} control
   */
  keepApart(key, value, control) {
    if (key !== "start" && key !== "stop") return;
    const { state } = this, other = key === "start" ? "stop" : "start";
    if (this.pushed?.control !== control) {
      this.pushed = { control, other: state[other] };
      control?.addEventListener("blur", () => { this.pushed = null; }, { once: true });
    }
    state[other] = key === "start" ? Math.max(value, this.pushed.other) : Math.min(value, this.pushed.other);
  }

  /** @param {string} key @param {string} value of a radio button */
  choose(key, value) {
    if (this.model && value !== this.state[key]) this.set(key, value);
  }

  /** @param {string} model @param {HTMLSelectElement} select */
  setModel(model, select) {
    if (isHere(select, model)) this.openModel({ what: this.state.what, model }); else this.presets.show(model);
  }

  /** What is asked of it stays; how many steps and how much guidance are a model's own. @param {any} state */
  openModel(state) {
    const keeps = this.isOver && !this.start.own ? [...MODEL_KEEPS, ...OVER] : MODEL_KEEPS;
    const kept = Object.fromEntries(keeps.filter(key => [...MEANT[state.what], ...ALWAYS, ...OVER].includes(key))
      .map(key => [key, this.state[key]]));
    return this.open(this.text({ ...kept, ...state }, [...NAMED, ...MODEL_KEEPS]));
  }

  leavePreset() {
    this.runs.stop();
    this.presets.hide();
    this.sync();
  }

  /** The controls show the state, and those that do nothing in its mode are away. */
  sync() {
    const { what, kind } = this.state, film = what === "picture", { isOver } = this, own = isOver && !!this.start.own;
    showChoice(this.all("[data-what]"), "what", this.mode);
    showChoice(this.all("[data-over]"), "over", what);
    this.find(".lx-start").hidden = this.find(".lx-new").hidden = !isOver;
    this.find(".lx-strength").hidden = what === "strengths";
    this.find("[data-do=keep]").hidden = !own;
    showChoice(this.all("[data-kind]"), "kind", kind);
    const parts = this.all(".lx-for-strip, .lx-for-plane, .lx-for-grid");
    for (const part of parts) part.hidden = !part.classList.contains(`lx-for-${what}`);
    this.find(".lx-for-steps").hidden = what === "steps";
    for (const button of this.all("[data-for]")) button.hidden = own || !button.dataset.for.split(" ").includes(what);
    this.find(".lx-scrub").hidden = ["plane", "grid", "steps"].includes(what);
    const [left, right] = film ? ["noise", "picture"] : what === "strengths" ? ["little", "much"] : ["A", "B"];
    this.find(".lx-scrub span").textContent = left;
    this.find(".lx-scrub span:last-child").textContent = right;
    this.stops.show();
    showSettings(this);
  }

  // ---- opening a state

  /** @param {string} text @param {{keepHistory?: boolean}} [options] */
  async open(text, options) {
    const answer = await this.askToOpen("open_prompts", text);
    if (!answer) return;
    this.runs.stop();
    const { model, state, models, others, problems, wanted, sources, mask_side } = answer;
    Object.assign(this, { model, defaults: answer.defaults, sources });
    const said = asked(text), usual = "prompt" in said && !("to_prompt" in said) ? "picture" : "strip"; // one prompt is no walk
    const what = !said.what ? usual : state.what === "trajectory" ? "picture" : state.what;
    this.state = { ...state, what, to: state.to?.[0], margin: state.margin ?? 0 };
    this.start.fill(sources, mask_side);
    const stays = options?.keepHistory && this.start.own && state.image && !said.image; // undo, of one's own picture
    if (stays) this.state.image = undefined; else this.start.forget();
    this.start.show(state.mask);
    fillModels(this.find("[data-set=model]"), models, others, state.model);
    this.tellModel();
    this.say(problems.join(" · "));
    this.sync();
    this.find("[data-set=model]").value = state.model; // even if somebody is at it
    this.fillCode();
    this.opened(options);
    this.writeAddress();
    this.begin();
    if (!wanted) return;
    this.presets.show(wanted.model, wanted.image_size);
    this.say(`${wanted.model} has not been loaded here: what it needs stands below the settings’ model. This is ${model.name}.`);
  }

  /** What the model knows, and examples of it. */
  tellModel() {
    const { knows, whole, examples } = this.model;
    this.find(".lx-knows").textContent = `This model has seen ${knows}${whole ? "; other things it cannot draw" : ""}.`;
    this.find(".lx-examples").replaceChildren(...examples.map(([prompt, to_prompt]) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: `${prompt} → ${to_prompt}`, translate: false }); // as it is read
      button.onclick = () => {
        if (this.isOver) Object.assign(this.state, { prompt: to_prompt, time: undefined });
        else Object.assign(this.state, { what: "strip", prompt, to_prompt, via_prompts: undefined, time: undefined });
        this.sync();
        this.changed();
      };
      return button;
    }));
  }

  fillCode() {
    this.find(".lx-folds code").textContent = codeOf(this.model, { ...this.state, own: this.isOver && !!this.start.own });
  }
}

/** @param {any} given what gr.HTML gives */
export function start(given) {
  const view = new TextView(given);
  view.listen();
  view.openWhenSeen();
}
