// @ts-check
// The attributes: a slider for each with its receipt, and holding the others still.
import { listenToNumber } from "../../serving/numbers.js";
import { othersOf, spoken } from "./names.js";

/**
 * What one unit of a visitor's own direction changes, most first: HTML.
 * @param {any} model @param {any} told the judge's answer, if it is there
 */
function ownReceipt(model, told) {
  if (!told) return "of your own";
  const most = model.attributes.map((/** @type {string} */ other, /** @type {number} */ i) => ({ other, by: told.receipt[i] }))
    .sort((/** @type {any} */ a, /** @type {any} */ b) => Math.abs(b.by) - Math.abs(a.by)).slice(0, 4);
  const words = most.map((/** @type {any} */ { other, by }) => `${spoken(other)} ${percent(by)} %`);
  return `per unit ${words.join(", ")} · on ${told.faces} faces of the gallery`;
}

/** @param {number} part with its sign, in per cent */
const percent = part => `${part < 0 ? "−" : "+"}${Math.abs(Math.round(100 * part))}`;

/**
 * What one unit of an attribute changes for the judge, and what it drags along, worst first: HTML.
 * @param {any} model @param {any} state @param {string} name
 */
function receipt(model, state, name) {
  /** @type {string[]} */
  const names = model.attributes, held = new Set(state.hold.filter((/** @type {string} */ other) => other !== name));
  const how = held.size ? state.how : "free", i = names.indexOf(name), row = model.receipts[how]?.[i];
  if (!row) return "";
  const leaks = names.map((other, j) => ({ other, by: row[j] })).filter(({ other }) => other !== name)
    .sort((a, b) => Math.abs(b.by) - Math.abs(a.by));
  const words = (/** @type {{other: string, by: number}} */ { other, by }) => `${spoken(other)} ${percent(by)}`;
  const worst = leaks.slice(0, 3).map(leak => `<span${held.has(leak.other) ? ' class="lx-held"' : ""}>${words(leak)}</span>`);
  const among = leaks.find(({ other }) => model.six.includes(other));
  return `<b>${percent(row[i])} %</b> per unit · drags ${worst.join(", ")}`
    + (how === "free" || !among ? "" : ` · of the held, worst: ${words(among)}`);
}

/**
 * How far an attribute is pushed while a judge gets surer of it, in lengths each way; 3 where nobody measured it.
 * @param {any} model @param {any} state @param {string} name @returns {[number, number]}
 */
function rangeOf(model, state, name) {
  const how = state.hold.some((/** @type {string} */ other) => other !== name) ? state.how : "free";
  return model.ranges[how]?.[name] ?? [3, 3];
}

export class Sliders {
  /** @param {import("./view.js").FacesView} view */
  constructor(view) {
    this.view = view;
    view.find("[data-hold]").onchange = (/** @type {any} */ event) => this._hold(event.target.checked);
    view.find("[data-how]").onchange = (/** @type {any} */ event) => this._change({ how: event.target.value });
  }

  /** What holding begins with. */
  get best() {
    return this.view.model.receipts.learned ? "learned" : "whitened";
  }

  build() {
    const { view } = this, { model, state } = view, [main, more] = view.all(".lx-attributes"), others = othersOf(model);
    const own = view.handfuls.name, first = own ? [own, ...model.six] : model.six;
    main.replaceChildren(...first.map((/** @type {string} */ name) => this._row(name)));
    more.replaceChildren(...others.map(name => this._row(name)));
    view.find(".lx-more summary").textContent = `${others.length} more attributes`;
    view.find("[data-hold]").checked = state.hold.length > 0;
    view.find("[data-how]").value = state.how;
    view.find("[data-how] [value=learned]").hidden = !model.receipts.learned;
    view.find(".lx-how").hidden = !state.hold.length;
  }

  /** Sliders and numbers follow the state, but for what somebody is typing. */
  sync() {
    for (const input of this.view.all("[data-attribute] input")) {
      const amount = this.view.state.attributes[input.closest("[data-attribute]").dataset.attribute] || 0;
      if (document.activeElement !== input || input.type === "range") input.value = amount;
    }
  }

  /** @param {string} name */
  _row(name) {
    const { view } = this, row = document.createElement("div"), words = spoken(name);
    const { told } = view.handfuls, own = name === view.handfuls.name;
    const [less, more] = own ? told?.range ?? [3, 3] : rangeOf(view.model, view.state, name);
    const paper = own ? ownReceipt(view.model, told) : receipt(view.model, view.state, name);
    row.dataset.attribute = name;
    row.classList.toggle("lx-own-slider", own);
    row.innerHTML = `<label><span>${words}</span><input type="range" min="${-less}" max="${more}" step="0.05" aria-label="${words}">
        <input class="lx-number" min="-10" max="10" step="0.25" aria-label="${words} as a number"></label>
      <div class="lx-verdict" aria-hidden="true"><i class="lx-bar-is"></i><i class="lx-bar-was"></i></div>
      <span class="lx-judged"></span><small class="lx-receipt">${paper}</small>`;
    const [slider, field] = row.querySelectorAll("input"), done = () => view.settle();
    const set = (/** @type {number} */ amount) => view.setAttribute(name, amount, performance.now());
    slider.oninput = () => set(+slider.value);
    slider.onchange = done;
    listenToNumber(field, { get: () => view.state.attributes[name] || 0, set, done, say: words => view.say(words) });
    for (const input of [slider, field]) {
      input.ondblclick = () => {
        view.setAttribute(name, 0);
        view.settle();
      };
    }
    return row;
  }

  /** @param {boolean} held */
  _hold(held) {
    const { model, state } = this.view;
    this._change(held ? { hold: model.six.slice(), how: state.how } : { hold: [], how: this.best });
  }

  /** @param {any} values */
  _change(values) {
    Object.assign(this.view.state, values);
    this.build();
    if (this.view.handfuls.name) this.view.handfuls.judge(); // another direction
    this.view.syncSoon();
    this.view.refresh();
    this.view.settle();
  }
}
