// @ts-check
// For the last row: the page fills the screen, type and pictures are large, and only what the view is about is seen. What is not,
// a view marks with `data-aside`; lecture.css does the rest. What was touched last stands in a ring, and the arrow keys go on with
// it. Nothing of the state is changed, by going in or out.
import { hasOption, setOption } from "./page_options.js";
import { seen } from "./places.js";

const MODE = "lx-lecture", SPOT = "lx-spot";
const TOUCHED = [".lx-plane, label, .lx-strip button", "button, select, summary, input, textarea, canvas"]; // of these the nearest
const ARROWS = ["arrowleft", "arrowright", "arrowup", "arrowdown"];
const STEPS = /** @type {Record<string, string>} */ ({ arrowleft: "back", arrowright: "next" }); // of a view that has chapters

export class Lecture {
  constructor() {
    document.addEventListener("pointerdown", event => this._touch(event.target), { capture: true });
    document.addEventListener("input", event => this._touch(event.target), { capture: true });
    document.addEventListener("keydown", event => this._arrow(event)); // after a view's own
    document.addEventListener("fullscreenchange", () => {
      if (this._filled && !document.fullscreenElement) this.leave();
    });
    this._filled = false;
    if (hasOption("lecture")) this._show(true);
  }

  get isOn() {
    return document.documentElement.classList.contains(MODE);
  }

  toggle() {
    if (this.isOn) return this.leave();
    this._show(true);
    setOption("lecture", true);
    this._fill();
  }

  leave() {
    if (!this.isOn) return;
    this._show(false);
    setOption("lecture", false);
    this._filled = false;
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    document.querySelector(`.${SPOT}`)?.classList.remove(SPOT);
  }

  /** @param {boolean} on */
  _show(on) {
    document.documentElement.classList.toggle(MODE, on);
  }

  /** A frame of another site may not; the window is full all the same. */
  async _fill() {
    try {
      await document.documentElement.requestFullscreen();
      this._filled = true;
    } catch { /* then it is the window */ }
  }

  /** @param {any} target */
  _touch(target) {
    const touched = this.isOn && target.closest?.(".lx") && TOUCHED.map(part => target.closest(part)).find(part => part);
    if (!touched || touched.matches(`.${SPOT}`)) return;
    document.querySelector(`.${SPOT}`)?.classList.remove(SPOT);
    touched.classList.add(SPOT);
  }

  /**
   * With nothing in focus an arrow is for what was touched last, or for the view's plane or first slider; a view whose arrows or
   * chapters are its steps has taken it before.
   * @param {KeyboardEvent} event
   */
  _arrow(event) {
    const key = event.key.toLowerCase(), view = seen();
    if (!this.isOn || event.target !== document.body || event.defaultPrevented || !ARROWS.includes(key) || !view?.isSeen) return;
    if (view.keyboard[key]) return;
    event.preventDefault();
    if (view.actions[STEPS[key]]) return view.actions[STEPS[key]]();
    const spot = [...view.root.querySelectorAll(`.${SPOT}`)], usual = view.all("[role=application], input[type=range]");
    const found = [...spot, ...usual].map(element => within(element)).find(control => control?.offsetParent);
    if (!found) return;
    found.focus({ preventScroll: true });
    const { shiftKey } = event, bubbles = true;
    const pressed = new KeyboardEvent("keydown", { key: event.key, shiftKey, bubbles });
    if (found.type !== "range") return void found.dispatchEvent(pressed);
    if (key === "arrowright" || key === "arrowup") found.stepUp(); else found.stepDown();
    found.dispatchEvent(new Event("input", { bubbles }));
    found.dispatchEvent(new Event("change", { bubbles }));
  }
}

/** What takes arrows in, or is, an element. @param {any} element */
const within = element => {
  const wanted = "[role=application], input[type=range]";
  return element.matches(wanted) ? element : element.querySelector(wanted);
};
