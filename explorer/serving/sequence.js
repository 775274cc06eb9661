// @ts-check
// A lecture as a sequence of states, each with a line of the teacher's own, stepped through with one key. It is a file and a link,
// and stays in this tab until it is closed.
import { addressOf, sharedAddress } from "./link.js";
import { setOption } from "./page_options.js";
import { goTo, seen } from "./places.js";
import { readSequence, writeSequence } from "./sequence_file.js";
import { escapeText } from "./state.js";
import { presentAddress } from "./qr.js";

const KEPT = "latent-explorer-sequence";
const BAR = `<button type="button" data-step="-1" aria-label="Step back (Page Up)" title="Page Up">◀</button>
  <b class="lx-step-number"></b><button type="button" data-step="1" aria-label="Next step (Page Down)" title="Page Down">▶</button>
  <p aria-live="polite"></p><button type="button" data-sequence="edit" aria-expanded="false">Edit</button>
  <button type="button" data-sequence="close">Close</button>`;
const EDITOR = `<h2>A lecture as a sequence</h2><p>Each step is a state of the page, and a line of yours. Page Down goes on,
  Page Up back, as the buttons of a presenter do.</p><ol></ol><p class="lx-sequence-words" role="status"></p>
  <div class="lx-buttons"><button type="button" data-sequence="add">Add what is on screen (T)</button>
  <button type="button" data-sequence="kept" hidden>Add what was kept</button>
  <label class="lx-button" tabindex="0" role="button">Open a file<input type="file" accept=".txt,text/plain" hidden></label>
  <button type="button" data-sequence="file">Save as a file</button>
  <button type="button" data-sequence="link">Copy its link</button>
  <button type="button" data-sequence="hide">Done</button></div>`;

/** Storage may be blocked in a frame: then a sequence lasts as long as the page. @returns {{text: string, at: number} | null} */
function stored() {
  try { return JSON.parse(sessionStorage.getItem(KEPT) ?? "null"); } catch { return null; }
}

export class Sequence {
  /** @param {Element} place of its bar */
  constructor(place) {
    const asked = new URLSearchParams(location.search).get("sequence"), before = stored();
    /** @type {import("./sequence_file.js").Step[]} */
    this.steps = readSequence(asked ?? before?.text ?? "");
    this.at = asked === null ? before?.at ?? 0 : 0;
    if (asked !== null) setOption("sequence", false);
    this.bar = add(place, "section", "lx-sequence", "A lecture, step by step", BAR);
    this.editor = /** @type {HTMLDialogElement} */ (add(document.body, "dialog", "lx-editor", "The steps of the lecture", EDITOR));
    for (const part of [this.bar, this.editor]) part.addEventListener("click", event => this._click(event));
    this._listenToFile();
    this._show();
  }

  get isOn() {
    return this.steps.length > 0;
  }

  // ---- its steps

  /** @param {number} by */
  step(by) {
    if (this.steps[this.at + by]) this.go(this.at + by);
  }

  /** @param {number} at */
  go(at) {
    this.at = at;
    this._show();
    return goTo(this.steps[at].query);
  }

  /** What is on screen becomes a step after the one that is shown. */
  add() {
    const query = new URL(presentAddress()).search.slice(1);
    this._insert([{ query, words: "" }]);
    this._say("Added: give it a line of yours.");
  }

  /** @param {import("./sequence_file.js").Step[]} steps */
  _insert(steps) {
    const place = this.steps.length ? this.at + 1 : 0;
    this.steps.splice(place, 0, ...steps);
    this.at = place + steps.length - 1;
    this._show();
  }

  // ---- what is seen

  _show() {
    const { steps, at } = this, text = writeSequence(steps);
    try { sessionStorage.setItem(KEPT, JSON.stringify({ text, at })); } catch { /* blocked or full */ }
    document.documentElement.classList.toggle("lx-sequenced", this.isOn);
    this.bar.hidden = !this.isOn;
    this.find(".lx-step-number").textContent = `${at + 1} of ${steps.length}`;
    this.find(".lx-sequence p").textContent = steps[at]?.words ?? "";
    this.find("[data-step='-1']").disabled = at === 0;
    this.find("[data-step='1']").disabled = at >= steps.length - 1;
    this.find("[data-sequence=kept]").hidden = !keptStates().length;
    this.find(".lx-editor ol").replaceChildren(...steps.map((step, i) => this._row(step, i)));
    for (const name of ["file", "link"]) this.find(`[data-sequence=${name}]`).disabled = !this.isOn;
  }

  /** @param {import("./sequence_file.js").Step} step @param {number} i */
  _row(step, i) {
    const row = document.createElement("li"), { query } = step, line = document.createElement("input");
    row.innerHTML = `<button type="button" data-go="${i}"></button><button type="button" data-up="${i}">↑</button>
      <button type="button" data-away="${i}">×</button>`;
    const [go, up, away] = /** @type {any} */ (row.children);
    go.textContent = query.length > 44 ? `${query.slice(0, 44)}…` : query;
    go.title = query;
    if (i === this.at) go.setAttribute("aria-current", "step");
    up.disabled = i === 0;
    up.setAttribute("aria-label", `Step ${i + 1} up`);
    away.setAttribute("aria-label", `Remove step ${i + 1}`);
    Object.assign(line, { type: "text", value: step.words, maxLength: 400, placeholder: "a line of yours" });
    line.setAttribute("aria-label", `Your line at step ${i + 1}`);
    line.addEventListener("change", () => { step.words = line.value; this._show(); });
    go.after(line);
    return row;
  }

  /** @param {string} words */
  _say(words) {
    this.find(".lx-sequence-words").textContent = words;
  }

  /** @param {string} selector @returns {any} */
  find(selector) {
    return document.querySelector(selector);
  }

  // ---- what is done

  edit(open = !this.editor.open) {
    if (open) { this._say(""); this._show(); this.editor.show(); } else this.editor.close();
    this.find("[data-sequence=edit]").setAttribute("aria-expanded", String(open));
  }

  /** @param {any} event */
  _click(event) {
    const data = event.target.closest("button")?.dataset;
    if (!data) return;
    if (data.step) this.step(+data.step);
    if (data.go) this.go(+data.go);
    if (data.up) this._move(+data.up);
    if (data.away) this._remove(+data.away);
    if (data.sequence) this._do(data.sequence);
  }

  /** @param {string} what */
  _do(what) {
    if (what === "edit") this.edit();
    if (what === "hide") this.edit(false);
    if (what === "add") this.add();
    if (what === "kept") this._insert(keptStates().map(query => ({ query, words: "" })));
    if (what === "file") this._save();
    if (what === "link") this._copy();
    if (what === "close") this._close();
  }

  /** @param {number} i */
  _move(i) {
    this.steps.splice(i - 1, 2, this.steps[i], this.steps[i - 1]);
    if (this.at === i || this.at === i - 1) this.at = this.at === i ? i - 1 : i;
    this._show();
  }

  /** @param {number} i */
  _remove(i) {
    this.steps.splice(i, 1);
    this.at = Math.max(0, Math.min(this.at - (i < this.at ? 1 : 0), this.steps.length - 1));
    this._show();
  }

  _close() {
    this.steps = [];
    this.at = 0;
    this.edit(false);
    this._show();
  }

  // ---- as a file, as a link

  /** The first state with the whole sequence: opens there, in whichever view. */
  get link() {
    const [{ query }] = this.steps;
    return sharedAddress(`${query}&sequence=${escapeText(writeSequence(this.steps))}`);
  }

  async _copy() {
    try {
      await navigator.clipboard.writeText(this.link);
      this._say("Copied. With &lecture at its end it opens in lecture mode.");
    } catch {
      this._say(this.link);
    }
  }

  _save() {
    const file = document.createElement("a"), whole = this.steps.map(step => ({ ...step, query: addressOf(step.query) }));
    file.href = URL.createObjectURL(new Blob([`${writeSequence(whole)}\n`], { type: "text/plain" }));
    file.download = "lecture.txt";
    file.click();
    setTimeout(() => URL.revokeObjectURL(file.href), 1000);
  }

  _listenToFile() {
    const picker = this.find(".lx-editor [type=file]");
    picker.onchange = async () => {
      const [file] = picker.files, steps = file ? readSequence((await file.text()).slice(0, 1e6)) : [];
      picker.value = "";
      if (!steps.length) return this._say("This file holds no links: it takes one a line, with your words after it.");
      Object.assign(this, { steps, at: 0 });
      this.go(0);
    };
    picker.parentElement.onkeydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      picker.click();
      event.preventDefault();
    };
  }
}

/** The states that were kept in a view. @returns {string[]} */
const keptStates = () => seen()?.keptStates ?? [];

/** @param {Element} place @param {string} tag @param {string} name @param {string} label @param {string} inner */
function add(place, tag, name, label, inner) {
  const part = document.createElement(tag);
  part.className = name;
  part.setAttribute("aria-label", label);
  part.innerHTML = inner;
  place.append(part);
  return part;
}
