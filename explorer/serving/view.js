// @ts-check
// What all views share: their elements, words, questions to the server, the address bar, undo, files. A view makes one `View`,
// gives it what is its own (`query`, `remember`, `open`, `fileState`, `actions`, `keyboard`) and calls `listen()`.
import { decode, prepare } from "./decoder.js";
import { listenToFiles } from "./dropped.js";
import { keepFocus } from "./focus.js";
import { isAt, isOpened, opening, sharedAddress, takeOpening, viewOfLink, writeQuery } from "./link.js";
import { live } from "./live.js";
import { numberOf, stepByKeys } from "./numbers.js";
import { bytesOf } from "./pictures.js";
import { addPlace, takeWaiting } from "./places.js";
import { moveInGroup } from "./radios.js";
import { takesText } from "./settings.js";
import { stateText } from "./state.js";

const SILENT = "The server does not answer. Is it still running? Your point is kept in the address bar.";
const LATE = 4000; // milliseconds after which a view that the link does not name opens all the same
const SETTLED = 400; // ... without a move, after which what was done is a step of undo
const MOST_UNDONE = 200;
// what says how a film goes: the state's key, words, bounds and step
const FILM = [["fps", "frames a second", "1", "60", "1"], ["between", "frames in between", "0", "60", "1"],
  ["pause", "seconds at each end", "0", "10", "0.1"], ["size", "pixels along a side", "16", "1024", "1"]];
const OF_SLIDERS = ["arrowleft", "arrowright", "arrowup", "arrowdown", "home", "end", "pageup", "pagedown"];

/** Signed, with two decimals and a minus as print has it. @param {number} value */
export const short = value => (value < 0 ? "−" : "") + Math.abs(value).toFixed(2);

/**
 * How long a picture took, and who decoded it. @param {{ms: number, here?: boolean}} answer @param {number} [toPixels] from a move
 */
export function speedText({ ms, here }, toPixels) {
  if (here) return `in this browser, ${(toPixels ?? ms).toFixed(1)} ms`;
  return toPixels === undefined ? `decoded in ${ms.toFixed(1)} ms` : `${toPixels.toFixed(0)} ms`;
}

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** Text as it may stand in HTML. @param {string} text */
export const escaped = text => text.replace(/[&<>"]/g, sign => ENTITIES[sign]);

/** How many seeds there are; a page without a server has a few, whose points it brings along. */
const SEEDS = Number(document.documentElement.dataset.seeds ?? 1e6);
/** A seed that nobody chose. */
export const randomSeed = (most = SEEDS) => crypto.getRandomValues(new Uint32Array(1))[0] % most;

/** Whether somebody asked for less motion. */
export const still = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * `work`, one at a time: of the requests that come meanwhile the newest waits. Each request's promise is kept once nothing is
 * waiting or under way any more.
 * @template {any[]} What @param {(...what: What) => Promise<any>} work @returns {(...what: What) => Promise<void>}
 */
export function newest(work) {
  /** @type {What | null} */
  let waiting = null;
  /** @type {Promise<void> | null} */
  let under = null;
  async function go() {
    while (waiting) {
      const next = waiting;
      waiting = null;
      try { await work(...next); } catch (error) { console.error(error); }
    }
    under = null;
  }
  return (...what) => {
    waiting = what;
    return under ??= go();
  };
}

export class View {
  /**
   * @param {{element: HTMLElement, props: any, server: Record<string, (request: any) => Promise<any>>}} given what gr.HTML gives;
   * `props`: `schema` as in state.js, `live`: the functions that go over the live channel, `films`: the endings of files that
   * move, `titles` of all views by name, and what the view itself asked for
   * @param {string} name the view's, as in the address
   */
  constructor({ element, props, server }, name) {
    this.element = element;
    this.props = props;
    this.server = server;
    this.name = name;
    this.root = this.find(".lx");
    /** @type {any} */
    this.state = {};
    /** @type {any} what the page knows of the state's model */
    this.model = null;
    /** @type {any} what a link need not say */
    this.defaults = {};
    /** @type {Record<string, (button?: any) => any>} by the `data-do` of a button */
    this.actions = {};
    /** @type {Record<string, string>} a key -> the action that it stands for */
    this.keyboard = {};
    this.said = ""; // the message in sight
    /** @type {string[]} */
    this.undone = [];
    this.settled = "";
    /** @type {any} the timer of the address bar */
    this._address = undefined;
    this.written = ""; // what it wrote to the address bar last
    this._arriving = false;
    this._live = new Set(props.live);
    this._undoing = Promise.resolve();
    this._openings = 0;
    this._taken = 0; // the last opening whose answer came
    this._addFilmButtons();
    this._addCodeButton();
    listenToFiles(this);
    addPlace(this);
  }

  // ---- what a view may bring of its own

  /** The state as a string, with `extra` keys; as it stands in the address bar and is sent to the server. */
  query(extra = {}) {
    return this.text({ ...this.state, ...extra }, Object.keys(extra));
  }

  /** The state as a step of undo. */
  remember() {
    return this.query();
  }

  /** Shows a state. @param {string} text @param {{keepHistory?: boolean}} [options] @returns {Promise<any>} */
  async open(text, options) { /* a view's own */ }

  /** Where in the page one is, for the browser's history: the view, or a chapter of it. */
  get place() {
    return this.name;
  }

  /** Of the place. */
  get title() {
    return this.props.titles[this.name];
  }

  /** States that were kept in it, as links have them. @returns {string[]} */
  get keptStates() {
    return [];
  }

  /** The space of its model, for a walk through it (kiosk.js), if it has one. @returns {import("./kiosk.js").Space | null} */
  space() {
    return null;
  }

  /** The keys by which a file differs from the state. @param {string} what @returns {any} */
  fileState(what) {
    return { what };
  }

  /** A state as a string, without what is as usual but for the keys of `always`. @param {any} state @param {string[]} always */
  text(state, always = []) {
    const usual = { ...this.defaults };
    for (const key of ["view", ...always]) delete usual[key];
    return stateText(this.props.schema, { ...state, view: this.name }, usual);
  }

  /** "As Keras code" of the state, where it follows what changes. */
  showCode() { /* a view's own */ }

  // ---- elements and words

  /** @param {string} selector @returns {any} */
  find(selector) {
    return this.element.querySelector(selector);
  }

  /** @param {string} selector @returns {any[]} */
  all(selector) {
    return [...this.element.querySelectorAll(selector)];
  }

  get isSeen() {
    return !!this.element.offsetParent;
  }

  /** @param {string} text nothing takes the message away */
  say(text) {
    this.said = text; // the page may show it in another language
    this.find(".lx-message span").textContent = text || "";
    this.find(".lx-message").hidden = !text;
  }

  // ---- questions

  /**
   * The server's answer, or null where there is none and, unless `quiet`, it was said why.
   * @param {string} name @param {any} request
   */
  async ask(name, request, quiet = false) {
    let answer;
    try {
      answer = await (this._live.has(name) ? live(this.server, name, request) : this.server[name](request));
    } catch { /* below */ }
    if (answer && this.said === SILENT) this.say("");
    answer ??= { error: SILENT };
    if (!answer.error) return answer;
    if (!quiet) this.say(answer.error);
    return null;
  }

  /**
   * The server's answer to the opening of a state; null, as of `ask`, also where that of a later one was there before.
   * @param {string} name @param {string} text
   */
  async askToOpen(name, text) {
    const mine = ++this._openings, answer = await this.ask(name, text);
    if (!answer || mine < this._taken) return null;
    this._taken = mine;
    return answer;
  }

  /**
   * The picture at a point of a model's space, as raw pixels: decoded in this browser (`here`) if it can, else the server's answer;
   * null where there is none.
   * @param {string} model @param {ArrayLike<number> | null} z null: where the page does not know it
   * @param {string} name of the server's function @param {() => any} request what it is asked
   * @param {{label?: number, quiet?: boolean}} [options]
   * @returns {Promise<any>}
   */
  async picture(model, z, name, request, { label, quiet = false } = {}) {
    const own = z && await decode(model, z, label);
    if (own) return { ...own, here: true };
    const answer = await this.ask(name, request(), quiet);
    prepare(model); // what is to be seen first has been decoded
    return answer && { ...answer, pixels: bytesOf(answer.pixels) };
  }

  // ---- the address bar follows what is on screen

  writeAddress() {
    this._address ??= setTimeout(() => this.writeNow(), 250);
  }

  /** Not if somebody has turned to another view meanwhile, but for what was done here just before. */
  writeNow() {
    clearTimeout(this._address);
    this._address = undefined;
    if (!this.model || this._arriving || !this.isSeen && !isAt(this.place)) return;
    this.written = this.query();
    writeQuery(this.written, this.place, this.title);
    this.showCode();
  }

  /**
   * Opens a state that the address bar holds or will, from whatever view is on screen.
   * @param {string} text @param {() => any} turn to this view
   */
  async arrive(text, turn) {
    clearTimeout(this._address);
    this._address = undefined;
    this._arriving = true;
    turn();
    try { await this.open(text); } finally { this._arriving = false; }
    this.writeAddress();
  }

  /**
   * Opens what the link says if it names this view, else the view's own start; not before anyone looks at it. Until the page has
   * turned to the view that the link names, another one may be seen for a moment: it waits, and leaves the address alone.
   * @param {() => any} [then] after it was opened @param {() => any} [again] each time that somebody comes back to it
   */
  openWhenSeen(then, again) {
    let opened = false;
    /** @param {string} text */
    const go = text => {
      if (opened || !this.isSeen) return;
      opened = true;
      const isFirst = takeOpening(), asked = takeWaiting(this.name);
      if (!isFirst && asked === undefined) writeQuery(`view=${this.name}`, this.name, this.title); // until it is there
      this.open(asked ?? (isFirst ? text : "")).then(then);
    };
    new IntersectionObserver(async entries => {
      if (!entries.some(entry => entry.isIntersecting)) return;
      if (opened) {
        again?.();
        return this.writeNow();
      }
      const named = isOpened() ? "" : await viewOfLink(this.server);
      if (named === this.name) go(opening);
      else if (isOpened() || named === "models") go(""); // whose card stands in the link, and nothing for other views
      else setTimeout(() => go(""), LATE);
    }).observe(this.root);
  }

  // ---- one step of undo for each thing that people do

  /** What was opened is where undo begins, or its next step. */
  opened({ keepHistory = false } = {}) {
    if (keepHistory) return;
    this.writeAddress(); // what did not fit was left out
    if (this.settled) this.settle(); else this.settled = this.remember();
  }

  settle() {
    clearTimeout(this._settling);
    const now = this.remember();
    if (this.settled && now !== this.settled) this.undone = [...this.undone, this.settled].slice(-MOST_UNDONE);
    this.settled = now;
    this._showUndo();
    this.writeAddress();
  }

  settleSoon() {
    clearTimeout(this._settling);
    this._settling = setTimeout(() => this.settle(), SETTLED);
  }

  _showUndo() {
    this.find("[data-do=undo]").disabled = !this.undone.length;
  }

  /**
   * One step after the other, however fast they are asked for.
   * @param {Promise<any>} [answer] what was asked for last and is yet to come
   */
  undo(answer) {
    this._undoing = this._undoing.catch(() => {}).then(async () => {
      await answer;
      this.settle(); // what was done just now is a step too
      const last = this.undone.pop();
      if (!last) return;
      this.settled = last;
      await this.open(last, { keepHistory: true });
      this.settled = this.remember(); // what opening makes of it is no step of its own
      this._showUndo();
      this.writeAddress();
    });
  }

  // ---- files, the link

  /** @param {any} extra @param {string} ending */
  async save(extra, ending) {
    const answer = await this.ask("export_file", { query: this.query(extra), ending });
    if (!answer) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytesOf(answer.file)]));
    link.download = answer.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async copyLink() {
    const text = sharedAddress(this.query());
    await this._copy(text, this.find("[data-do=link]"), () => this.say(`The link: ${text}`));
  }

  /** @param {string} text @param {any} button which says so @param {() => any} otherwise where the browser does not let us */
  async _copy(text, button, otherwise) {
    const words = button.dataset.words ??= button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      otherwise();
    }
    setTimeout(() => { button.textContent = words; }, 1500);
  }

  /** Beside the lines that make the same picture, a button that copies them, or else marks them to be copied. */
  _addCodeButton() {
    const code = this.find(".lx-folds pre code");
    if (!code) return;
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Copy", className: "lx-copy" });
    button.setAttribute("aria-label", "Copy the code");
    button.onclick = () => this._copy(code.textContent, button, () => getSelection()?.selectAllChildren(code));
    code.parentElement.before(button);
  }

  // ---- buttons and keys

  /** Where the page has a place for films of something, a button for each kind of film that the server writes. */
  _addFilmButtons() {
    for (const place of this.all("[data-films]")) {
      const { films: what, prefix = "", ...others } = place.dataset;
      place.replaceWith(...this.props.films.map((/** @type {string} */ ending) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = prefix + ending.toUpperCase();
        Object.assign(button.dataset, others, { save: `${what} ${ending}` });
        return button;
      }), ...this.props.films.length ? [this._filmSettings(others.for)] : []);
    }
  }

  /** How a film goes, folded; what is left empty is as usual. @param {string} [seen] the `data-for` of its buttons */
  _filmSettings(seen) {
    const fold = document.createElement("details"), title = document.createElement("summary");
    fold.className = "lx-film-settings";
    if (seen) fold.dataset.for = seen;
    title.textContent = "How the film goes";
    fold.append(title, ...FILM.map(([key, words, min, max, step]) => {
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { min, max, step, className: "lx-number", inputMode: "decimal", placeholder: "as usual" });
      input.dataset.film = String(key);
      input.onchange = () => {
        const { wrong } = numberOf(input, true);
        this.say(wrong ?? "");
        if (wrong) input.value = "";
      };
      stepByKeys(input);
      label.append(`${words} `, input);
      return label;
    }));
    return fold;
  }

  /** What was set in the fold after a button, of the keys that say how a film goes. @param {any} button */
  _filmOf(button) {
    let fold = button; // a card may have films of two things, each with its own
    while (fold && !fold.matches(".lx-film-settings")) fold = fold.nextElementSibling;
    /** @type {any} */
    const found = {};
    for (const input of fold?.querySelectorAll("input") ?? []) {
      const { value } = numberOf(input, true);
      if (value !== undefined) found[input.dataset.film] = value;
    }
    return found;
  }

  /** @param {any} button @param {any} extra @param {string} ending */
  async _saveFrom(button, extra, ending) {
    if (button.ariaBusy === "true") return;
    const words = button.textContent, began = performance.now();
    const tell = () => { button.textContent = `${words}: ${Math.round((performance.now() - began) / 1000)} s …`; };
    const timer = setInterval(tell, 1000);
    button.ariaBusy = "true";
    button.textContent = `${words} …`;
    try { await this.save(extra, ending); } finally {
      clearInterval(timer);
      button.textContent = words;
      button.ariaBusy = null;
    }
  }

  listen() {
    this.root.addEventListener("click", (/** @type {any} */ event) => this._click(event.target.closest("button")));
    this.element.addEventListener("keydown", (/** @type {any} */ event) => this._key(event));
    document.addEventListener("keydown", event => { // nobody has the focus right after the page is loaded
      if (event.target === document.body && this.isSeen && event.key !== " ") this._key(event); // a space scrolls
    });
    keepFocus(this.root);
  }

  /** @param {any} button */
  _click(button) {
    if (button?.dataset.do === "hush") return this.say("");
    if (!button || !this.model) return;
    const { do: action, save } = button.dataset;
    if (action || save) this.say("");
    if (action) this.actions[action]?.(button);
    if (!save) return;
    const [what, ending] = save.split(" ");
    const film = this.props.films.includes(ending) ? this._filmOf(button) : {};
    this._saveFrom(button, { ...this.fileState(what), ...film }, ending);
  }

  /** @param {any} event */
  _key(event) {
    if (event.defaultPrevented || !this.model || moveInGroup(event)) return;
    const held = event.ctrlKey || event.metaKey, key = event.key.toLowerCase();
    const control = event.target.closest("input, select, textarea");
    if (control && takesText(control)) return;
    if (held && key === "z") {
      this.actions.undo();
      event.preventDefault();
      return;
    }
    if (held || event.altKey || control?.matches("select")) return; // whose letters choose
    if (control && OF_SLIDERS.includes(key)) return;
    if (key === " " && event.target.closest("button, summary, label, a, input")) return; // it presses these
    const act = this.actions[this.keyboard[key]];
    if (!act) return;
    act();
    if (key === " ") event.preventDefault(); // else it scrolls
  }
}
