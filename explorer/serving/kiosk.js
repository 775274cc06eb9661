// @ts-check
// The screen in the hall: an endless slow walk through a model's space, from one point of its prior to the next, until somebody
// touches it. What the page holds stays as it is. Opened by the address (`?kiosk`), it begins again once nobody is there.
import { interpolate } from "./geometry.js";
import { hasOption } from "./page_options.js";
import { seen } from "./places.js";
import { pictureCanvas, showPicture } from "./pictures.js";
import { randomSeed, still } from "./view.js";

const LEG = 7000; // milliseconds from a point to the next
const SLOW = 2500; // ... that a picture stands for those who asked for less motion
const PAUSE = 50; // ... at least between two pictures
const ALONE = 90_000; // ... after which nobody is there any more
const NONE = "The walk goes through the space of one model: turn to the Latent plane or to Faces.";

/** @typedef {{title: string, shape: number[], point: (seed: number) => Promise<number[] | null>,
 *   picture: (z: number[]) => Promise<Uint8Array | null>}} Space of a model, as `View.space` has it */

/** @param {number} time milliseconds */
const pause = time => new Promise(resolve => setTimeout(resolve, time));

export class Kiosk {
  constructor() {
    this.box = document.createElement("div");
    this.box.className = "lx-kiosk";
    this.box.innerHTML = `<canvas role="img" aria-label="A slow walk through a latent space"></canvas><p></p>`;
    this.canvas = /** @type {HTMLCanvasElement} */ (this.box.firstElementChild);
    this.walk = 0; // the number of the walk under way, 0 if there is none
    this._last = 0;
    for (const kind of ["pointerdown", "keydown", "wheel"])
      document.addEventListener(kind, event => this._touched(event), { capture: true, passive: false });
    if (hasOption("kiosk")) this._begin();
  }

  toggle() {
    if (this.walk) return this.end();
    const space = seen()?.isSeen && seen().model ? seen().space() : null;
    if (space) this._go(space); else seen()?.say(NONE);
  }

  end() {
    this.walk = 0;
    this.box.remove();
    if (hasOption("kiosk")) this._wait();
  }

  /** @param {Event} event */
  _touched(event) {
    if (hasOption("kiosk")) this._wait();
    if (!this.walk) return;
    event.preventDefault();
    event.stopPropagation();
    this.end();
  }

  _wait() {
    clearTimeout(this._waiting);
    this._waiting = setTimeout(() => { if (!this.walk) this.toggle(); }, ALONE);
  }

  /** Once the view of the address is there. */
  async _begin() {
    while (!(seen()?.isSeen && seen().model)) await pause(200);
    if (!this.walk) this.toggle();
  }

  /** @param {Space} space */
  async _go(space) {
    const walk = this.walk = ++this._last, scratch = document.createElement("canvas");
    /** @type {any} */ (this.box.lastElementChild).textContent = `${space.title} · touch to take over`;
    document.body.append(this.box);
    let from = await space.point(randomSeed()), to = await space.point(randomSeed()), began = performance.now();
    while (this.walk === walk) {
      const t = still.matches ? 0 : (performance.now() - began) / LEG;
      if (t >= 1 || !from || !to) {
        from = to ?? from;
        to = await space.point(randomSeed());
        began = performance.now();
        if (!to) await pause(1000); // the server is away for a moment
        continue;
      }
      const z = Array.from(interpolate(from, to, t, from.length > 2 ? "slerp" : "linear")), pixels = await space.picture(z);
      if (this.walk !== walk) return;
      if (pixels) showPicture(this.canvas, pictureCanvas(pixels, space.shape, scratch), space.shape[2] === 3);
      this.box.dataset.z = z.slice(0, 2).map(value => value.toFixed(3)).join();
      await pause(still.matches ? SLOW : PAUSE);
      if (still.matches) [from, to] = [to, await space.point(randomSeed())];
    }
  }
}
