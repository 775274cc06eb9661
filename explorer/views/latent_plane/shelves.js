// @ts-check
// Small pictures to click on: good places to start, and the points that a visitor kept (in this browser tab only).
import { bytesOf, pictureCanvas } from "../../serving/pictures.js";
import { escaped, short } from "../../serving/view.js";

const SHELF = "latent-explorer-kept";
const MOST_KEPT = 60;
const MOST_EXAMPLES = 6;

/** @typedef {{query: string, model: string, z: number[], shape: number[], pixels: string}} Kept */
/** @typedef {{title: string, z: number[], to?: number[], axis?: number}} Example */

/** @param {string} title @param {() => any} act */
function chip(title, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lx-chip";
  button.innerHTML = `<span class="lx-thumbs"></span><span>${escaped(title)}</span>`;
  button.onclick = act;
  return button;
}

/**
 * In a frame of another site, which a Space is, storage may be blocked: then even asking for it throws, and the shelf lasts for
 * this page only.
 * @returns {Kept[]}
 */
function stored() {
  try { return JSON.parse(sessionStorage.getItem(SHELF) ?? "null") || []; } catch { return []; }
}

export class Shelves {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this.kept = stored();
    /** @type {string | null} the model whose examples are shown */
    this._exampled = null;
  }

  /** @param {any} model @param {number[]} z */
  async thumbnail(model, z) {
    const answer = await this.view.pictureAt(model, z, true);
    return answer && pictureCanvas(answer.pixels, model.image_shape);
  }

  // ---- good places to start

  async showExamples() {
    const { view } = this, { model } = view, box = view.find(".lx-examples div");
    if (this._exampled === model.name) return;
    this._exampled = model.name;
    /** @type {Example[]} */
    const examples = [...model.walks, ...model.examples].slice(0, MOST_EXAMPLES);
    view.find(".lx-examples").hidden = !examples.length;
    box.replaceChildren(...examples.map(example => this._example(example, model)));
    for (const [i, { z, to }] of examples.entries())
      for (const point of to ? [z, to] : [z]) {
        const picture = await this.thumbnail(model, point);
        if (this._exampled !== model.name) return;
        if (picture) box.children[i]?.querySelector(".lx-thumbs").append(picture);
      }
  }

  /** @param {Example} example @param {any} model */
  _example({ title, z, to, axis }, model) {
    const { view } = this;
    const button = chip(title, () => view.change({
      z, from: to && z, to, ...(axis !== undefined && { axes: [axis, this._secondAxis(axis, model)] }),
    }));
    if (axis !== undefined && to) button.title = `along z${axis} from ${short(z[axis])} to ${short(to[axis])}`;
    return button;
  }

  /** What is seen beside the axis of a walk: one of those on screen that is not dead. @param {number} axis @param {any} model */
  _secondAxis(axis, model) {
    if (model.latent_shape[0] === 2) return 1 - axis;
    const alive = this.view.state.axes.find((/** @type {number} */ other) => other !== axis && !model.dead_axes.includes(other));
    return alive ?? (axis ? 0 : 1);
  }

  // ---- what was kept

  keep() {
    const { view } = this, { model, state, decoded: { pixels } } = view;
    if (!pixels) return;
    const packed = btoa(String.fromCharCode(...pixels));
    this.kept.push({ query: view.query(), model: model.name, z: state.z.slice(), shape: model.image_shape, pixels: packed });
    this.showKept();
  }

  showKept() {
    try { sessionStorage.setItem(SHELF, JSON.stringify(this.kept.slice(-MOST_KEPT))); } catch { /* blocked or full */ }
    this.view.find(".lx-kept").hidden = !this.kept.length;
    this.view.find(".lx-kept div").replaceChildren(...this.kept.map((point, i) => this._keptPoint(point, i)));
  }

  /** @param {Kept} point @param {number} i */
  _keptPoint({ query, model, z, shape, pixels }, i) {
    const title = `${model}, z ${z.slice(0, 3).map(short).join(", ")}${z.length > 3 ? ", …" : ""}`;
    const back = chip("", () => this.view.open(query));
    back.querySelector(".lx-thumbs")?.append(pictureCanvas(bytesOf(pixels), shape));
    back.title = `Go back to ${title}`;
    back.setAttribute("aria-label", back.title);
    const away = document.createElement("button");
    Object.assign(away, { type: "button", textContent: "×", className: "lx-away" });
    away.onclick = () => { this.kept.splice(i, 1); this.showKept(); };
    away.setAttribute("aria-label", `Remove ${title}`);
    const both = document.createElement("span");
    both.className = "lx-keep";
    both.append(back, away);
    return both;
  }
}
