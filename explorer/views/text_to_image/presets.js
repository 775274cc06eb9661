// @ts-check
// The choice of a model that does not ship: what it needs is said first, then it is fetched and loaded, with progress.
import { seconds } from "../../serving/run.js";

const WHAT_IS_ONE = "One of KerasHub’s presets, a hf:// or kaggle:// handle, or the folder of a preset.";
const NOT_HERE = " Visitors of this page may not have it loaded; on your own machine you can.";

export class Presets {
  /**
   * @param {import("../../serving/view.js").View} view @param {import("../../serving/run.js").Runs} runs
   * @param {(name: string, size: number | undefined) => any} loaded called when a model has been loaded
   */
  constructor(view, runs, loaded) {
    this.view = view;
    this.runs = runs;
    this.loaded = loaded;
    this.need = view.find(".lx-need");
    this.words = view.find(".lx-need-words");
    this.name = view.find("[data-preset=name]");
    this.size = view.find("[data-preset=size]");
    this.button = view.find("[data-do=fetch]");
    this.name.onchange = () => this.tell();
  }

  /** @param {string} name "" to be typed in @param {number | null} [size] */
  async show(name, size) {
    this.need.hidden = false;
    this.view.find(".lx-more").open = true;
    this.name.value = name;
    this.size.value = size ?? "";
    await this.tell();
    if (!name) this.name.focus();
  }

  hide() {
    this.need.hidden = true;
  }

  /** Says what the preset needs whose name stands there. */
  async tell() {
    const name = this.name.value.trim();
    this.button.disabled = true;
    this.words.textContent = WHAT_IS_ONE;
    if (!name) return;
    this.view.say("");
    const answer = await this.view.ask("ask_preset", name);
    if (!answer || this.name.value.trim() !== name) return;
    this.words.textContent = answer.needs + (answer.permitted ? "" : NOT_HERE);
    this.button.disabled = !answer.permitted;
  }

  async fetch() {
    const name = this.name.value.trim(), size = +this.size.value || undefined;
    this.button.disabled = true;
    await this.runs.follow("load_preset", { name, image_size: size ?? null }, (run, event) => this._take(run, event), run => {
      if (!run.loaded) return;
      this.hide();
      this.loaded(name, size);
    });
    this.button.disabled = false; // after a failure its message stays, and one may try again
  }

  /** @param {any} run @param {{fetched?: number, loaded?: boolean}} event */
  _take(run, { fetched, loaded }) {
    run.loaded = loaded;
    if (loaded) return;
    const what = fetched ? `${(fetched / 1e9).toFixed(2)} GB fetched` : "loading";
    this.runs.say(`${what}, ${seconds(performance.now() - run.began)} …`);
  }
}

/**
 * Fills a select with the models that are here, then those that are not, and an empty name for any other.
 * @param {HTMLSelectElement} select @param {{name: string, short: string}[]} models @param {string[]} others
 * @param {string} current the model on screen, which may be of either
 */
export function fillModels(select, models, others, current) {
  const here = models.map(one => new Option(one.short, one.name));
  if (!models.some(one => one.name === current)) here.push(new Option(current, current));
  const away = document.createElement("optgroup");
  away.label = "larger, to be fetched";
  away.append(...others.filter(name => name !== current).map(name => new Option(name, name)), new Option("another …", ""));
  select.replaceChildren(...here, away);
}

/** Whether a model of the select need not be fetched. @param {HTMLSelectElement} select @param {string} name */
export const isHere = (select, name) => [...select.options].some(one => one.value === name && one.parentElement === select);
