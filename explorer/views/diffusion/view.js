// @ts-check
// The diffusion view: what is asked for, and what its run shows.
import { listenToDrops, listenToPicker } from "../../serving/drawing_pad.js";
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { Runs, UNFINISHED } from "../../serving/run.js";
import { listenToSettings, showChoice, showSettings } from "../../serving/settings.js";
import { View, newest, randomSeed } from "../../serving/view.js";
import { codeOf } from "./code.js";
import { Levels } from "./levels.js";
import { drawSchedule } from "./schedule.js";
import { Stage, paint } from "./stage.js";

const MOST_STOPS = 10; // noises between the ends of a walk
const PATIENT_STEPS = 100; // more steps than these are started by hand
const COMPARED = 25; // the most steps of "few or many"
const SOON = 300; // milliseconds from the last move of a slider to its run

// The keys that mean something in each mode, beside those that always do.
const ALWAYS = ["what", "model", "seed", "sampler", "label", "guidance_scale", "guidance_rescale", "guidance_interval",
  "epsilon_scale", "inside"];
/** @type {Record<string, string[]>} */
const MEANT = {
  trajectory: ["steps", "time"], samplers: ["steps", "to_sampler"], steps: [], strip: ["steps", "to", "frames", "via", "closed"],
  forward: ["steps", "time"], grid: ["steps", "n"],
};
const SINGLE = ["trajectory", "samplers", "forward"]; // modes whose lanes are of one picture
// what another model is asked for too, where it means something
const MODEL_KEEPS = ["what", "model", "seed", "to", "via", "to_sampler", "inside"];
/** @type {Record<string, any>} how a file's state differs from that on screen */
const FILES = { picture: { what: "picture", to_sampler: undefined }, rows: { what: "trajectory", time: undefined }, own: {} };

const PRIVATE = "Your picture stays in this page; it is sent only to be noised, written nowhere, and the link does not hold it.";
const OWN = "What is noised is the picture that the seed’s own noise becomes.";

class DiffusionView extends View {
  /** @param {any} given */
  constructor(given) {
    super(given, "diffusion");
    this.runs = new Runs(this, () => { this.showLinkedTime(); this.levels.look(); });
    this.levels = new Levels(this);
    this.stage = new Stage(this.find(".lx-lanes"), this.find("[data-scrub]"), step => this.mark(step));
    /** @type {[name: string, words: string, takesEta: boolean][]} */
    this.samplers = [];
    /** @type {string | null} a visitor's picture that is noised, as a data URL */
    this.brought = null;
    this.scrubbed = false; // whether somebody looks at a step before the last
    this.held = false; // whether the slider of the time is
    /** @type {Record<string, any>} by mode, what was set in it when it was left */
    this.left = {};
    /** @type {any} */
    this.changing = undefined;
    this.noise = newest(() => this.showNoised());
    this.actions = {
      dice: () => this.set("seed", randomSeed()), undo: () => this.undo(), link: () => this.copyLink(),
      run: () => this.again(), stop: () => this.stop(), own: () => this.bring(null),
      back: () => this.scrub(Math.max(0, this.stage.at - 1)), on: () => this.scrub(Math.min(this.stage.last, this.stage.at + 1)),
    };
    this.keyboard = { r: "dice", arrowleft: "back", arrowright: "on", escape: "stop" };
  }

  /** "samplers" is the trajectory with a second sampler. */
  get mode() {
    const { what, to_sampler } = this.state;
    return what === "trajectory" && to_sampler ? "samplers" : what;
  }

  /** Whether one of the samplers does that draw what is on screen. */
  get takesEta() {
    const { sampler, to_sampler } = this.state, used = this.mode === "samplers" ? [sampler, to_sampler] : [sampler];
    return this.samplers.some(([name, , takesEta]) => takesEta && used.includes(name));
  }

  query(extra = {}) {
    const meant = [...ALWAYS, ...MEANT[this.mode], ...(this.takesEta ? ["eta"] : [])];
    const said = Object.fromEntries(meant.map(key => [key, this.state[key]]));
    return this.text({ ...said, ...extra }, Object.keys(extra));
  }

  fileState(what) {
    return FILES[what];
  }

  // ---- a run

  begin() {
    this.scrubbed = false;
    const forward = this.mode === "forward";
    const query = this.query(forward ? {} : { time: undefined }); // in a run, a time only says where to look
    const request = forward && this.brought ? { query, picture: this.brought } : query;
    this.runs.follow("start_run", request, (run, event) => this.take(run, event), run => {
      if (!this.scrubbed) this.stage.show(this.stage.last);
      if (this.stage.step(0)) this.runs.firstSeen(run);
    });
  }

  /** To its end, though a step may have been looked at. */
  again() {
    this.forgetTime();
    this.begin();
  }

  /** @param {any} run @param {any} event */
  take(run, event) {
    if (!event.lanes) {
      this.stage.add(event);
      this.runs.progress(run, run.before[event.lane] + event.step + 1);
      return;
    }
    run.total = 0;
    run.before = []; // so many steps lie before each lane's
    for (const { steps } of event.lanes) {
      run.before.push(run.total);
      run.total += steps;
    }
    this.stage.begin(event.lanes, this.mode, this.model.image_shape, SINGLE.includes(this.mode));
    this.paintNoise(event.picture ?? event.first[0]);
  }

  /** A change begins anew, but for a run so long that people should ask for it. */
  changed() {
    clearTimeout(this.changing);
    this.runs.stop();
    this.settle();
    this.fillCode();
    const steps = this.mode === "steps" ? COMPARED : this.state.steps;
    if (steps <= PATIENT_STEPS) this.begin(); else this.runs.clear(`${steps} steps take a while: press Run.`);
  }

  changedSoon() {
    clearTimeout(this.changing);
    this.changing = setTimeout(() => this.changed(), SOON);
  }

  /** What is on screen then stays, and of one run it is what the link and the file of the picture show. */
  stop() {
    if (!this.runs.isUnderWay) return;
    const { stage, mode } = this, step = stage.step(stage.at);
    this.runs.stop("stopped");
    if (mode !== "trajectory") this.say(UNFINISHED);
    else if (step) this.state.time = step.time;
    this.settle();
  }

  // ---- scrubbing

  /** @param {number} index */
  scrub(index) {
    this.scrubbed = index < this.stage.last;
    this.stage.show(index);
    if (this.mode !== "trajectory") return;
    this.state.time = this.scrubbed ? this.stage.step(index)?.time : undefined;
    this.writeAddress();
  }

  /** A link may say at which step to look, once all are there. */
  showLinkedTime() {
    const { time } = this.state;
    if (time !== undefined && this.mode === "trajectory" && this.stage.lanes.length) this.stage.showTime(time);
  }

  /** @param {{time: number, signal_rate: number, noise_rate: number}} step */
  mark({ time, signal_rate: signal, noise_rate: noise }) {
    const steps = this.model.steps_of_schedule;
    drawSchedule(this.find(".lx-schedule"), this.model, time);
    this.find(".lx-at").textContent = steps ? `t = ${Math.round(time * steps)} of ${steps}` : `t = ${time.toFixed(2)}`;
    this.find("[data-rate=signal]").textContent = signal.toFixed(3);
    this.find("[data-rate=noise]").textContent = noise.toFixed(3);
    const words = `t ${time.toFixed(2)}, signal rate ${signal.toFixed(2)}, noise rate ${noise.toFixed(2)}`;
    this.stage.scrubber.setAttribute("aria-valuetext", words);
    this.levels.look();
  }

  /** @param {string} bytes */
  paintNoise(bytes) {
    const shape = this.model.image_shape;
    paint(this.find(".lx-noise"), pictureCanvas(bytesOf(bytes), shape), shape);
  }

  // ---- settings

  listen() {
    super.listen();
    const { root, scrubber } = this.stage;
    scrubber.oninput = () => this.scrub(this.stage.at);
    scrubber.onchange = () => this.settle();
    root.addEventListener("click", event => {
      if (event.target.dataset.step === undefined) return;
      this.scrub(+event.target.dataset.step);
      this.settle();
    });
    new ResizeObserver(() => {
      if (this.model && this.isSeen && this.stage.lanes.length) this.stage.show(this.stage.at);
    }).observe(this.root);
    listenToSettings(this, (key, value, control) => this.set(key, value, control));
    this.find("[data-via]").onchange = (/** @type {any} */ event) => this.setStops(event.target);
    this.find("[data-set=time]").addEventListener("change", () => this.letGo());
    for (const button of this.all("[data-what]")) button.onclick = () => this.look(button.dataset.what);
    const say = (/** @type {string} */ words) => this.say(words), bring = (/** @type {string} */ url) => this.bring(url);
    listenToPicker(this.find(".lx-source input"), say, bring);
    listenToDrops(this.find(".lx-source"), say, bring);
  }

  /** @param {string} key @param {any} value @param {any} [control] */
  set(key, value, control) {
    if (key === "model") return this.openModel(value);
    this.state[key] = key !== "label" ? value : value === "" ? undefined : +value;
    if (key === "time") {
      this.held = true;
      this.sync();
      return this.noise();
    }
    this.forgetTime();
    this.sync();
    if (control?.type === "range") this.changedSoon(); else this.changed();
  }

  /** The seeds of the noises that a walk leads through. @param {any} field */
  setStops(field) {
    if (!this.model) return;
    const parts = field.value.split(/[\s,;]+/).filter(Boolean), whole = (/** @type {string} */ part) => /^\d{1,10}$/.test(part);
    const fits = parts.length <= MOST_STOPS && parts.every((/** @type {string} */ part) => whole(part) && +part < 2 ** 32);
    const words = `by way of must be at most ${MOST_STOPS} seeds with spaces between, got “${field.value.slice(0, 40)}”`;
    this.say(fits ? "" : words);
    if (fits) this.set("via", parts.length ? parts.map(Number) : undefined); else this.sync();
  }

  /** Another network from the same noises. @param {string} model */
  openModel(model) {
    const meant = [...ALWAYS, ...MEANT[this.mode]], kept = MODEL_KEEPS.filter(key => meant.includes(key));
    const said = Object.fromEntries(kept.map(key => [key, this.state[key]]));
    return this.open(this.text({ ...said, model }, kept));
  }

  /** @param {string} mode */
  look(mode) {
    if (!this.model || mode === this.mode) return;
    const { sampler, seed, to, time, to_sampler } = this.state;
    this.left[this.mode] = { time, to_sampler };
    Object.assign(this.state, { what: mode, time: undefined, to_sampler: undefined });
    if (mode === "samplers") {
      const other = this.left.samplers?.to_sampler ?? this.samplers.find(([name]) => name !== sampler)?.[0];
      Object.assign(this.state, { what: "trajectory", to_sampler: other });
    }
    if (mode === "forward") this.state.time = this.left.forward?.time ?? 0.5;
    if (mode === "strip") this.state.to = to ?? (seed + 1) % 2 ** 32;
    this.sync();
    this.changed();
  }

  forgetTime() {
    if (this.mode !== "forward") this.state.time = undefined;
  }

  /** The controls show the state, and those that do nothing in its mode are away. */
  sync() {
    const { mode, model } = this, forward = mode === "forward";
    showChoice(this.all("[data-what]"), "what", mode);
    for (const name of ["strip", "grid", "samplers", "forward"])
      for (const part of this.all(`.lx-for-${name}`)) part.hidden = mode !== name;
    for (const part of this.all(".lx-for-classes")) part.hidden = !model.classes.length;
    this.find(".lx-for-steps").hidden = mode === "steps";
    for (const button of this.all("[data-for]"))
      button.hidden = !button.dataset.for.split(" ").includes(mode) || forward && !!this.brought;
    this.find(".lx-eta").hidden = !this.takesEta;
    this.find("[data-set=steps]").max = model.most_steps;
    showSettings(this);
    this.find("[data-via]").value = (this.state.via ?? []).join(" ");
    this.levels.place();
    this.find(".lx-scrub").hidden = mode === "grid";
    this.find(".lx-input h2").textContent = forward ? "The picture" : "The noise";
    const noise = forward ? "The picture that is noised" : "The noise that sampling starts from";
    this.find(".lx-noise").setAttribute("aria-label", noise);
    this.find("[data-do=own]").hidden = !this.brought;
    this.find(".lx-private").textContent = this.brought ? PRIVATE : OWN;
  }

  // ---- a picture of one's own

  /** A file that is none leaves the picture that is there. @param {string | null} url */
  async bring(url) {
    if (url && !await this.ask("noised_picture", { query: this.query(), picture: url })) return;
    this.say("");
    this.brought = url;
    this.sync();
    this.changed();
  }

  /** A visitor's picture is noised while the slider of the time is held; letting go denoises it. */
  async showNoised() {
    if (!this.brought || this.mode !== "forward") return this.changedSoon();
    if (!this.held) return; // let go: its run is under way
    this.runs.stop();
    const { time } = this.state, answer = await this.ask("noised_picture", { query: this.query(), picture: this.brought });
    if (!answer || !this.held) return;
    this.paintNoise(answer.picture);
    this.stage.begin([{ title: "noised", steps: 1, count: 1, kept: 1 }], "forward", this.model.image_shape, true);
    this.stage.add({ ...answer, lane: 0, step: 0, time, x_0: [answer.x_t] });
    this.stage.show(0);
  }

  letGo() {
    if (!this.model) return;
    this.held = false;
    this.changed();
  }

  // ---- opening a state

  /** @param {string} text @param {{keepHistory?: boolean}} [options] */
  async open(text, options) {
    const answer = await this.askToOpen("open_diffusion", text);
    if (!answer) return;
    this.runs.stop();
    const { model, state, models, samplers, problems } = answer;
    Object.assign(this, { model, samplers, defaults: answer.defaults });
    const what = state.what === "picture" ? "trajectory" : state.what, frames = what === "strip" ? state.frames : 9;
    this.state = { ...state, what, frames, to: state.to?.[0] };
    this.fillChoices(models);
    this.say(problems.join(" · "));
    this.sync();
    drawSchedule(this.find(".lx-schedule"), this.model);
    this.fillCode();
    this.opened(options);
    this.writeAddress();
    this.begin();
  }

  /** @param {{name: string, short: string}[]} models */
  fillChoices(models) {
    const samplers = this.samplers.map(([name, words]) => [words, name]);
    /** @type {Record<string, [words: string, value: any][]>} by the key of a setting */
    const choices = {
      model: models.map(one => [one.short, one.name]), sampler: samplers, to_sampler: samplers,
      label: [["any", ""], ...this.model.classes.map((name, i) => [name, i])],
    };
    for (const [key, options] of Object.entries(choices)) {
      const select = this.find(`[data-set=${key}]`);
      select.replaceChildren(...options.map(([words, value]) => new Option(words, value)));
      select.value = this.state[key] ?? "";
    }
  }

  fillCode() {
    const takesEta = this.samplers.some(([name, , takes]) => takes && name === this.state.sampler);
    this.find(".lx-folds code").textContent = codeOf(this.model, this.state, this.mode, takesEta);
  }
}

/** @param {any} given what gr.HTML gives */
export function start(given) {
  const view = new DiffusionView(given);
  view.listen();
  view.openWhenSeen();
}
