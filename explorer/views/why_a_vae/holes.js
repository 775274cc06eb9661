// @ts-check
// The chapter "Holes": two planes to drag across, the plain autoencoder's and the VAE's.
import { LatentPlane } from "../../serving/latent_plane.js";
import { bytesOf, loadImage, pictureCanvas, showPicture } from "../../serving/pictures.js";
import { valueText } from "../../serving/state.js";
import { escaped, newest } from "../../serving/view.js";

const NAMES = ["fashion-ae", "fashion-vae"];
const SHAPE = [32, 32, 1];
const CELLS = 20; // of the decoded plane, along a side

export class Holes {
  /** @param {import("../../serving/view.js").View & {shows: (values: any) => any}} view */
  constructor(view) {
    this.view = view;
    /** @type {Map<string, {plane: LatentPlane, z: number[], show: (z: number[]) => any}>} by the model; `z` is where one begins */
    this.shown = new Map();
  }

  /** @param {Record<string, any>} facts of the chapter's models @param {number[]} [z] both points, one after the other */
  show(facts, z) {
    for (const name of NAMES) {
      if (!this.shown.has(name) && facts[name]?.view) this._add(name, facts[name].short, facts[name].view);
    }
    NAMES.forEach((name, i) => {
      const { plane, z: usual, show } = this.shown.get(name) ?? {}, point = z?.slice(2 * i, 2 * i + 2) ?? usual;
      if (!plane || !show || !point || String(plane.z) === String(point)) return;
      plane.move(point);
      show(point);
    });
  }

  /** Both points as they are, nothing as long as they are where one begins. */
  get z() {
    const planes = NAMES.map(name => this.shown.get(name));
    const moved = planes.some(one => one && String(one.plane.z) !== String(one.z));
    return moved ? planes.flatMap(one => one?.plane.z ?? [0, 0]) : undefined;
  }

  /** @param {string} name a model's @param {string} title @param {{z: number[], center: number[], extent: number}} space */
  _add(name, title, { z, center, extent }) {
    const figure = document.createElement("figure");
    figure.innerHTML = `<h2>${escaped(title)}</h2><div class="lx-plane"></div>
      <div class="lx-caption"><span>drag: is it a garment?</span>
      <canvas width="84" height="84" role="img" aria-label="The decoded picture"></canvas></div>`;
    this.view.find(".lx-holes").append(figure);
    const show = newest((/** @type {number[]} */ point) => this._decode(name, point, figure.querySelector(".lx-caption canvas")));
    const { palette } = this.view.props, within = (/** @type {number} */ value, /** @type {number} */ middle) =>
      Math.max(middle - extent, Math.min(middle + extent, value));
    const moved = (/** @type {number[]} */ [x, y]) => {
      const point = [within(x, center[0]), within(y, center[1])];
      plane.move(point);
      show(point);
      this.view.shows({ z: this.z });
    };
    const plane = new LatentPlane(figure.querySelector(".lx-plane"), { palette, onmove: moved });
    plane.fixed = true; // the link has no room for two windows; the Latent plane zooms
    this.shown.set(name, { plane, z, show });
    plane.top.setAttribute("aria-label", `${title}. Arrow keys move the point.`);
    plane.move(z);
    plane.setSpace({ center, extent, scale: "z", axes: [0, 1] });
    show(z);
    this._tile(name, plane);
    this._place(name, plane);
  }

  /** @param {string} name @param {number[]} z @param {any} canvas */
  async _decode(name, z, canvas) {
    const answer = await this.view.picture(name, z, "decode_point", () => `${planeOf(name)}&z=${valueText(z)}`);
    if (answer) showPicture(canvas, pictureCanvas(answer.pixels, SHAPE));
  }

  /** @param {string} name @param {LatentPlane} plane */
  async _tile(name, plane) {
    const { x, y, extent } = plane.window, seen = `center=${valueText([x, y])}&extent=${valueText(extent)}`;
    const answer = await this.view.ask("plane_backdrop", `${planeOf(name)}&n=${CELLS}&${seen}`);
    if (answer) plane.setBackdrop(await loadImage(answer.url), { x, y, extent });
  }

  /** @param {string} name @param {LatentPlane} plane */
  async _place(name, plane) {
    const answer = await this.view.ask("plane_points", name);
    if (!answer?.points) return;
    const points = Float32Array.from(new Int16Array(bytesOf(answer.points).buffer), value => value * answer.step);
    plane.setPoints(points, bytesOf(answer.labels), answer.d);
  }
}

/** @param {string} name */
const planeOf = name => `view=latent-plane&model=${name}`;
