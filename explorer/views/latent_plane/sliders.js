// @ts-check
// Sliders and fields of the point's coordinates, and the sliders over a series of models.
import { listenToNumber } from "../../serving/numbers.js";
import { short } from "../../serving/view.js";

const LIMIT = 1000; // of a coordinate
const SERIES = [["KL weight", "KL weight in the loss"], ["epoch", "epochs of training"]];

export class Sliders {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this._syncing = false;
    /** @type {Record<string, string>} by series, the model from which its slider was moved; its place stands for that one */
    this._left = {};
  }

  build() {
    this._buildPoint();
    this._buildSeries();
  }

  // ---- of the point

  _buildPoint() {
    const { view } = this, { state, through, model: { latent_shape: [d] } } = view, [main, more] = view.all(".lx-sliders");
    const rest = Array.from({ length: d }, (_, i) => i).filter(i => through || !state.axes.includes(i));
    main.replaceChildren(...(through ? [0, 1].map(this._onPlane, this) : state.axes.map(this._coordinate, this)));
    const fold = view.find(".lx-more"), fill = () => {
      more.replaceChildren(...(fold.open ? rest.map(this._coordinate, this) : []));
      this.sync();
    };
    fold.hidden = !rest.length;
    view.find(".lx-more summary").textContent = through ? `all ${d} dimensions` : `the other ${rest.length} dimensions`;
    fold.ontoggle = fill; // hundreds of sliders that nobody sees would have to follow each move
    fill();
  }

  /** A coordinate of the plane through three places. @param {number} axis */
  _onPlane(axis) {
    const { view } = this, { plane } = view, { center, extent } = /** @type {import("./view.js").Through} */ (view.through);
    const [low, high] = [center[axis] - extent, center[axis] + extent].map(value => value.toFixed(2)), name = "xy"[axis];
    const label = document.createElement("label");
    label.innerHTML = `<span>${name}</span><input type="range" min="${low}" max="${high}" step="0.01" data-xy="${axis}"
      aria-label="${name} on the plane"><output></output>`;
    const input = /** @type {HTMLInputElement} */ (label.querySelector("input"));
    input.oninput = () => {
      const began = performance.now(), at = plane._toPlane(view.state.z);
      at[axis] = +input.value;
      view.setPoint(plane._toZ(...at), began);
    };
    input.onchange = () => view.settle();
    return label;
  }

  /** One of z. @param {number} i */
  _coordinate(i) {
    const { view } = this, { center, extent } = view.model.view, { latent_shape: [d], dead_axes } = view.model;
    const reach = Math.max(3, Math.ceil(Math.abs(center[i] ?? 0) + (d === 2 ? extent : 3)));
    const label = document.createElement("label");
    label.innerHTML = `<span>z${i}${dead_axes.includes(i) ? " <em>dead</em>" : ""}</span>` +
      `<input type="range" min="${-reach}" max="${reach}" step="0.01" aria-label="z${i}">` +
      `<input class="lx-number" step="0.1" min="${-LIMIT}" max="${LIMIT}" aria-label="z${i} as a number">`;
    const [slider, field] = label.querySelectorAll("input"), set = (/** @type {number} */ value) => this._setCoordinate(i, value);
    slider.dataset.z = field.dataset.z = String(i);
    slider.oninput = () => set(+slider.value);
    slider.onchange = () => view.settle();
    listenToNumber(field, { get: () => view.state.z[i], set, done: () => view.settle(), say: words => view.say(words) });
    return label;
  }

  /** @param {number} i @param {number} value */
  _setCoordinate(i, value) {
    const began = performance.now(), z = this.view.state.z.slice();
    z[i] = value;
    this.view.setPoint(z, began);
  }

  /** Once a frame is enough, and never between a move and its picture. */
  syncSoon() {
    if (this._syncing) return;
    this._syncing = true;
    requestAnimationFrame(() => {
      this._syncing = false;
      this.sync();
    });
  }

  sync() {
    const { view } = this, { z } = view.state;
    if (view.through) view.plane._toPlane(z).forEach((/** @type {number} */ value, /** @type {number} */ axis) => {
      const input = view.find(`[data-xy="${axis}"]`);
      input.value = value;
      input.nextElementSibling.textContent = short(value);
    });
    for (const input of view.all("input[data-z]")) {
      const value = z[input.dataset.z];
      if (input.type === "range") input.value = value.toFixed(2);
      else if (document.activeElement !== input) input.value = value.toFixed(3);
    }
  }

  // ---- over a series of models: one weight after the other, one epoch after the other

  _buildSeries() {
    const { view } = this, box = view.find(".lx-series");
    const rows = view.model.family ? SERIES.map(([series, title]) => this._series(series, title)) : [];
    box.replaceChildren(...rows.filter(row => row !== null));
    box.hidden = !box.children.length;
  }

  /** @param {string} series @returns {{name: string, value: number | string}[]} its models, from the least to the most */
  _steps(series) {
    const { models, model: { family } } = this.view;
    const steps = models.filter(model => model.family === family && model.series?.[0] === series)
      .map(({ name, series: [, value] }) => ({ name, value })).sort((a, b) => a.value - b.value);
    return series === "epoch" ? [...steps, { name: family, value: "all" }] : steps;
  }

  /** @param {string} series @param {string} title */
  _series(series, title) {
    const { view } = this, steps = this._steps(series);
    if (steps.length < 2) return null;
    const at = steps.findIndex(step => step.name === view.model.name), label = document.createElement("label");
    label.innerHTML = `<span>${title}</span><input type="range" min="0" max="${steps.length - 1}" step="1"><output></output>`;
    const input = /** @type {HTMLInputElement} */ (label.querySelector("input")), output = label.querySelector("output");
    const usual = series === "epoch" ? steps.length - 1 : steps.findIndex(step => step.value === 1);
    const words = () => String(steps[+input.value]?.value ?? "–"), tell = () => { if (output) output.textContent = words(); };
    input.value = String(at < 0 ? usual : at);
    input.setAttribute("aria-label", title);
    input.setAttribute("aria-valuetext", words());
    input.dataset.series = series;
    tell();
    input.oninput = tell;
    input.onchange = async () => {
      const to = +input.value;
      if (at < 0 && to !== usual) this._left[series] = view.model.name;
      await view.changeModel(to === usual && this._left[series] || steps[to].name);
      view.find(`[data-series="${series}"]`)?.focus();
    };
    return label;
  }
}
