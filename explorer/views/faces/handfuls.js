// @ts-check
// A direction of the visitor's own: from faces that are less like what is meant to faces that are more. Its slider stands beside
// the attributes', under the name that it is given. Codes of a visitor's pictures are in no link.
import { shrunk } from "../../serving/crop.js";
import { readFile } from "../../serving/drawing_pad.js";
import { bytesOf, loadImage, pictureCanvas } from "../../serving/pictures.js";
import { valueText } from "../../serving/state.js";
import { newest } from "../../serving/view.js";
import { spoken } from "./names.js";

/** @typedef {"more" | "less"} Side */
/** @type {Side[]} */
const SIDES = ["more", "less"];
const USUAL = "yours"; // as the server calls it

export class Handfuls {
  /** @param {import("./view.js").FacesView} view whose `state.more` and `state.less` are places as in a link */
  constructor(view) {
    this.view = view;
    /** @type {Set<string>} codes of pictures that were given here: in no link */
    this.given = new Set();
    /** @type {any} what the judge says of it, and of which direction that is */
    this.told = null;
    this.draw = newest(() => this._draw());
    this.judge = newest(() => this._judge());
    view.find("[data-direction]").onchange = (/** @type {any} */ event) => this._call(event.target);
    for (const side of SIDES) {
      const place = this._place(side), picker = place.querySelector("[type=file]");
      picker.onchange = async () => {
        const files = [...picker.files];
        picker.value = "";
        await this._encode(side, files);
      };
      picker.parentElement.onkeydown = (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        picker.click();
        event.preventDefault();
      };
      place.ondragover = (/** @type {DragEvent} */ event) => event.preventDefault();
      place.ondrop = (/** @type {any} */ event) => {
        event.preventDefault();
        this._encode(side, [...event.dataTransfer.files]);
      };
    }
  }

  /** @param {Side} side @returns {any} */
  _place(side) {
    return this.view.find(`[data-handful=${side}]`);
  }

  /** As attributes are named; null while a handful is empty. @returns {string | null} */
  get name() {
    const { more, less, direction } = this.view.state;
    return more?.length && less?.length ? direction ?? USUAL : null;
  }

  /** @param {string} place */
  isOwn(place) {
    return this.given.has(place) || this.view.own.has(place);
  }

  /** Whether a visitor's pictures are in it. */
  get isPrivate() {
    const { more, less } = this.view.state;
    return [...more ?? [], ...less ?? []].some(place => this.isOwn(place));
  }

  /** Whether they move the face on screen. */
  get moves() {
    return this.isPrivate && !!this.name && !!this.view.state.attributes[this.name];
  }

  /** What a link says instead, where it must not hold them. @param {any} state @returns {any} */
  withheld({ attributes, along, pair }) {
    if (!this.isPrivate) return {};
    const { name } = this, rest = Object.entries(attributes).filter(([other]) => other !== name);
    const none = { more: undefined, less: undefined, direction: undefined, attributes: Object.fromEntries(rest) };
    return { ...none, ...(along === name && { along: undefined }), ...(pair.includes(name) && { pair: undefined }) };
  }

  /** Only what has both handfuls has a name. @param {any} state */
  meant({ more, less, direction }) {
    return { more: more?.length ? more : undefined, less: less?.length ? less : undefined,
      direction: more?.length && less?.length ? direction : undefined };
  }

  // ---- the handfuls

  /** The face on screen. @param {Side} side */
  async mark(side) {
    const { view } = this, mine = view.isOwnFace || this.moves, place = await view.placed();
    if (!place) return;
    if (mine) this.given.add(place);
    this.add(side, [place]);
  }

  /** A face is in one handful, once. @param {Side} side @param {string[]} places */
  add(side, places) {
    const { state, model } = this.view, other = side === "more" ? "less" : "more";
    const rest = (state[other] ?? []).filter((/** @type {string} */ place) => !places.includes(place));
    const all = [...new Set([...state[side] ?? [], ...places])];
    if (all.length > model.most_like) this.view.say(`A handful holds ${model.most_like} faces: take one away first.`);
    this._change({ [side]: all.slice(0, model.most_like), [other]: rest });
  }

  /** @param {Side} side @param {string} place */
  remove(side, place) {
    this._change({ [side]: this.view.state[side].filter((/** @type {string} */ other) => other !== place) });
  }

  /** What was given here is gone then, also from undo. */
  forget() {
    const { view } = this, codes = [...this.given];
    view.undone = view.undone.filter(step => !codes.some(code => step.includes(code)));
    if (codes.some(code => view.settled.includes(code))) view.settled = "";
    this._change({ more: undefined, less: undefined, direction: undefined });
    this.given.clear();
  }

  /** @param {any} values of the state */
  _change(values) {
    const { view } = this, before = this.name;
    Object.assign(view.state, values);
    const { state } = view, { name } = this;
    if (before && before !== name) { // its amount goes on under another name, or with it
      const amount = state.attributes[before];
      delete state.attributes[before];
      if (name && amount) state.attributes[name] = amount;
      const renamed = (/** @type {string} */ other) => (other === before ? name : other);
      state.along = renamed(state.along) ?? view.model.six[0];
      state.pair = state.pair.map(renamed).every(Boolean) ? state.pair.map(renamed) : view.model.six.slice(0, 2);
    }
    view.sliders.build();
    view.sheets.build();
    view.syncSoon();
    this.draw();
    view.refresh();
    view.settle();
  }

  /** @param {any} field */
  _call(field) {
    const { view } = this, name = field.value.trim().normalize("NFC").replace(/\s+/g, "_");
    const taken = view.model.attributes.some((/** @type {string} */ other) => other.toLowerCase() === name.toLowerCase());
    const fits = !name || /^[\p{L}\p{N}_]{1,40}$/u.test(name) && !taken;
    view.say(fits ? "" : taken ? `“${field.value}” is one of the attributes: call it otherwise.`
      : "A name has at most 40 letters, digits and spaces.");
    if (fits) this._change({ direction: name || undefined });
    field.value = this._called;
  }

  get _called() {
    return spoken(this.view.state.direction ?? "");
  }

  /** Of pictures, one after the other; which show no face is said. @param {Side} side @param {File[]} files */
  async _encode(side, files) {
    const { view } = this, room = view.model.most_like - (view.state[side]?.length ?? 0), without = [];
    if (!view.model.encodes) return view.say("This model has no encoder: it cannot read pictures. Mark faces of its own.");
    const words = view.find(".lx-handful-words");
    for (const [i, file] of files.slice(0, room).entries()) {
      words.textContent = `Reading picture ${i + 1} of ${Math.min(room, files.length)} …`;
      const url = await readFile(file, text => view.say(text));
      if (!url) continue;
      const answer = await view.ask("encode_photo", { model: view.state.model, picture: await smaller(url), crop: null });
      if (!answer) continue;
      if (answer.problem) without.push(file.name);
      const place = valueText(answer.z);
      this.given.add(place);
      this.add(side, [place]);
    }
    const over = files.length - room;
    if (without.length) view.say(`No face was found in ${without.join(", ")}: the middle was taken. Press a face to take it out.`);
    else if (over > 0) view.say(`A handful holds ${view.model.most_like} faces: the last ${over} were left out.`);
    this._say();
  }

  // ---- what is seen

  async _draw() {
    const { view } = this, { more, less } = view.state;
    view.find("[data-direction]").value = this._called;
    view.find("[data-do=forget-handfuls]").disabled = !more?.length && !less?.length;
    if (more?.length || less?.length) view.find(".lx-own-direction").open = true;
    const asked = view.forServer({ attributes: {}, along: undefined, pair: undefined });
    const shown = more?.length || less?.length ? await view.ask("handfuls", asked, true) : { more: [], less: [] };
    for (const side of SIDES) {
      const faces = (view.state[side] ?? []).map((/** @type {string} */ place, /** @type {number} */ i) =>
        this._face(side, place, i, shown?.[side][i]));
      this._place(side).querySelector(".lx-marked").replaceChildren(...faces);
    }
    view.gallery.markHandfuls();
    this._say();
    if (this.name) this.judge(); else this.told = null;
  }

  /** @param {Side} side @param {string} place @param {number} i @param {string | undefined} pixels */
  _face(side, place, i, pixels) {
    const button = document.createElement("button"), words = `take face ${i + 1} out of “${side} like these”`;
    Object.assign(button, { type: "button", title: words, onclick: () => this.remove(side, place) });
    button.setAttribute("aria-label", words);
    if (pixels) button.append(pictureCanvas(bytesOf(pixels), this.view.model.image_shape));
    button.append(Object.assign(document.createElement("span"), { textContent: "×" }));
    return button;
  }

  _say() {
    const { view } = this, { more = [], less = [] } = view.state;
    const lacking = !more.length && !less.length ? "Choose faces for each side: five and more on each make a direction that holds."
      : !more.length ? "Now faces that are more like it." : !less.length ? "Now faces that are less like it."
        : `Its slider stands with the attributes. ${this._found()}`;
    const own = this.isPrivate ? " Your pictures stay in this page: the link holds nothing of this direction." : "";
    view.find(".lx-handful-words").textContent = lacking + own;
  }

  /** What it does, in words. */
  _found() {
    const { told } = this;
    if (!told) return "";
    return told.most ? `Of all attributes the judge sees it change “${spoken(told.most)}” most.`
      : "The judge sees it change no attribute by much.";
  }

  async _judge() {
    const { view } = this, { name } = this;
    if (!name) return;
    const asked = view.forServer({ attributes: {}, along: undefined, pair: undefined });
    if (this.told?.asked === asked) return;
    this.told = null;
    const answer = await view.ask("direction_receipt", asked, true);
    if (!answer || name !== this.name) return;
    this.told = { ...answer, asked };
    view.sliders.build();
    view.syncSoon();
    this._say();
  }
}

/** Large pictures are made smaller here already; what only the server reads goes as it is. @param {string} url */
async function smaller(url) {
  try {
    return shrunk(await loadImage(url)).toDataURL("image/jpeg", 0.92);
  } catch {
    return url;
  }
}
