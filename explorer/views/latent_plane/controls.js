// @ts-check
// The controls of the latent plane view: models, legend, selects and boxes.
import { isNumber, stepByKeys } from "../../serving/numbers.js";
import { fillRadios, markChosen } from "../../serving/radios.js";
import { read } from "../../serving/settings.js";
import { escaped } from "../../serving/view.js";
import { fillWords } from "./words.js";

const OF_THE_WALK = ["kind", "even", "closed", "frames"];

export class Controls {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    for (const control of view.all("[data-set]")) {
      control.onchange = () => this._set(control);
      if (isNumber(control)) stepByKeys(control);
    }
    for (const select of view.all("[data-axis]")) select.onchange = () => this._setAxis(select);
  }

  /** As the model and the state are now. */
  build() {
    this._buildLegend();
    this._buildSpace();
    this._buildBeside();
    for (const control of this.view.all("[data-set]")) {
      const value = this.view.state[control.dataset.set];
      if (control.type === "checkbox") control.checked = !!value; else control.value = value ?? "";
    }
    this.view.sliders.build();
    this.view.shelves.showExamples();
  }

  // ---- models

  /** The row of models, and the list of those that stand apart. @param {string} current */
  buildModels(current) {
    const { view } = this, single = view.models.filter(model => !model.series);
    const chosen = view.models.find(model => model.name === current), rest = single.filter(model => model.apart);
    const isOn = (/** @type {any} */ model) => model.name === current || !!chosen?.series && model.name === chosen.family;
    const box = view.find(".lx-models"), options = single.filter(model => !model.apart)
      .map(({ name, short, title }) => ({ value: name, words: short, title }));
    const buttons = fillRadios(box, "model", options, name => this.view.changeModel(name));
    markChosen(buttons, button => single.some(model => model.name === button.dataset.model && isOn(model)));
    const more = rest.length ? this._moreModels(rest, current) : null, old = box.querySelector("select");
    if (old && more) old.replaceWith(more); else if (more) box.append(more); else old?.remove();
  }

  /** @param {any[]} models @param {string} current */
  _moreModels(models, current) {
    const { view } = this, select = document.createElement("select");
    select.replaceChildren(new Option("more models", ""), ...models.map(({ name, short }) => new Option(short, name)));
    select.options[0].hidden = true;
    select.value = models.some(model => model.name === current) ? current : "";
    select.setAttribute("aria-label", "more models");
    select.classList.toggle("lx-chosen", !!select.value);
    select.onchange = async () => {
      await view.changeModel(select.value);
      if (view.model) this.buildModels(view.model.name); // a damaged one is not shown
    };
    return select;
  }

  // ---- the legend

  _buildLegend() {
    const { view } = this, { classes } = view.model;
    view.find(".lx-legend").replaceChildren(...classes.map(this._classButton, this), this._allButton());
  }

  /** @param {string} name @param {number} label */
  _classButton(name, label) {
    const { view } = this, { state, model, props: { palette } } = view, button = document.createElement("button");
    button.type = "button";
    button.innerHTML = `<i style="background:${palette[label % palette.length]}"></i>${escaped(name)}`;
    button.setAttribute("aria-pressed", String(state.points && !state.hidden.includes(label)));
    button.onclick = () => {
      const hidden = new Set(view.state.points ? view.state.hidden : model.classes.keys());
      if (!hidden.delete(label)) hidden.add(label);
      this._hide([...hidden].sort((a, b) => a - b));
    };
    return button;
  }

  _allButton() {
    const { state, model: { classes } } = this.view, button = document.createElement("button");
    const none = !state.points || state.hidden.length === classes.length;
    Object.assign(button, { type: "button", className: "lx-all", textContent: none ? "show points" : "hide points" });
    button.onclick = () => this._hide(none ? [] : [...classes.keys()]);
    return button;
  }

  /** @param {number[]} hidden classes */
  _hide(hidden) {
    const { view } = this, points = hidden.length < view.model.classes.length;
    Object.assign(view.state, { points, hidden: points ? hidden : [] });
    this.build();
    view.layers.place();
    view.settle();
  }

  // ---- the plane's axes, scale and veil, and what goes with a kind of model

  _buildSpace() {
    const { view } = this, { model, through } = view;
    for (const part of view.all("[data-encoder]")) part.hidden = !model.encoder;
    for (const part of view.all("[data-no-encoder]")) part.hidden = model.encoder;
    view.find(".lx-legend").hidden = !model.encodings;
    view.find(".lx-garment").hidden = !model.conditional;
    /** @type {string[]} */
    const garments = model.conditional ? model.classes : [];
    view.find("[data-set=label]").replaceChildren(...garments.map((name, i) => new Option(name, String(i))));
    view.find(".lx-axes").hidden = model.latent_shape[0] === 2;
    view.find("[data-do=three]").textContent = through ? "Other three points" : "Three random points";
    for (const select of view.all("[data-axis]")) this._buildAxis(select);
    view.find(".lx-scale").hidden = model.kind === "ae" || !!through;
    view.find("[data-set=veil] [value=normal]").hidden = model.kind === "ae";
    view.find("[data-set=veil] [value=data]").hidden = !model.encodings;
  }

  /** How far from the prior's mean the next points are drawn. @param {number} value */
  setTruncation(value) {
    const slider = this.view.find("[data-truncation]");
    slider.oninput = () => { slider.nextElementSibling.textContent = (+slider.value).toFixed(2); };
    slider.value = value;
    slider.oninput();
  }

  /** @param {HTMLSelectElement} select */
  _buildAxis(select) {
    const { state, model: { latent_shape: [d], dead_axes }, through } = this.view;
    const option = (/** @type {number} */ i) => new Option(`z${i}${dead_axes.includes(i) ? " (dead)" : ""}`, String(i));
    select.replaceChildren(...Array.from({ length: d }, (_, i) => option(i)));
    if (through) select.prepend(new Option("–", "")); // no axis spans this plane; choosing one leaves it
    select.value = through ? "" : state.axes[Number(select.dataset.axis)];
  }

  _buildBeside() {
    const { view } = this, beside = view.models.find(model => model.name === view.model.beside);
    view.find(".lx-beside").hidden = !beside;
    const name = beside?.kind === "ae" ? "the plain autoencoder" : beside?.title.split(": ")[1];
    view.find(".lx-beside span").textContent = beside ? `beside ${name}` : "";
  }

  // ---- what people set

  /** @param {any} control */
  _set(control) {
    const { view } = this, key = control.dataset.set, { value, wrong } = read(control);
    view.say(wrong ?? "");
    if (wrong) {
      control.value = view.state[key];
      return;
    }
    view.state[key] = this._valueOf(key, value);
    if (key === "scale") Object.assign(view.state, view.whole(view.state));
    if (key === "label") return this._drawAnother();
    if (OF_THE_WALK.includes(key)) view.walk.show();
    else if (key === "beside") view.beside.show();
    else {
      view.layers.place();
      return view.layers.refresh(true);
    }
    view.settle();
  }

  /** @param {string} key @param {any} value of its control */
  _valueOf(key, value) {
    switch (key) {
      case "beside": return value ? this.view.model.beside : undefined;
      case "label": return +value;
      default: return value;
    }
  }

  // Another class of a model that draws by class.
  _drawAnother() {
    const { view } = this;
    view.setPoint(view.state.z);
    view.walk.show();
    view.layers.refresh(true);
    fillWords(view);
  }

  /** @param {HTMLSelectElement} select */
  _setAxis(select) {
    const { view } = this, { axes: before } = view.state, at = Number(select.dataset.axis), old = before[at];
    if (select.value === "") return;
    const axes = before.slice();
    for (const { dataset, value } of view.all("[data-axis]")) { // what was chosen in the other one may not be answered yet
      if (value !== "") axes[dataset.axis] = +value;
    }
    if (axes[1 - at] === axes[at]) axes[1 - at] = old; // the other takes what this one leaves
    view.change({ axes, ...(view.through && { corners: undefined, center: undefined, extent: undefined }) });
  }
}
