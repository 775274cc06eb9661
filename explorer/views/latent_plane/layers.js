// @ts-check
// What lies on the plane: the decoded manifold, the veil, the encodings; and the window through which all of it is seen.
import { bytesOf, loadImage } from "../../serving/pictures.js";
import { quantised } from "../../serving/state.js";
import { newest } from "../../serving/view.js";

const REST = 140; // milliseconds without a move after which what is visible is decoded anew

/**
 * The answer of `plane_points` as LatentPlane takes it.
 * @param {{points: string, step: number, labels: string, d: number}} answer
 * @returns {[points: Float32Array, labels: Uint8Array, d: number]}
 */
export function pointsOf({ points, step, labels, d }) {
  return [Float32Array.from(new Int16Array(bytesOf(points).buffer), value => value * step), bytesOf(labels), d];
}

export class Layers {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this.plane = view.plane;
    this._refreshBackdrop = newest(() => this._loadBackdrop());
    this._refreshVeil = newest(() => this._loadVeil());
  }

  /** The state's plane, window and classes. */
  place() {
    const { plane, view } = this, { state, model, through } = view, { center: [x, y], extent } = view.whole(state);
    plane.top.setAttribute("aria-label", `${model.title}. The plane. Arrow keys move the point, plus and minus zoom.`);
    plane.hidden = new Set(state.hidden);
    plane.showPoints = state.points;
    plane.names = through && ["1 to 2", "to 3"];
    const { center, scale, axes } = state;
    plane.setSpace({ center, extent: state.extent, scale, axes, home: { x, y, extent }, basis: through, pins: through?.pins });
    plane.move(state.z);
  }

  readWindow() {
    const { x, y, extent } = this.plane.window;
    Object.assign(this.view.state, { center: [x, y].map(quantised), extent: quantised(extent) });
  }

  showWhole() {
    const { plane } = this;
    if (plane.home) plane.window = { ...plane.home };
    plane.draw();
    this.readWindow();
    this.refresh(true);
  }

  /** Decodes what is visible, and settles. */
  refresh(now = false) {
    this.view.settleSoon();
    clearTimeout(this._refreshing);
    this._refreshing = setTimeout(() => { this._refreshVeil(); this._refreshBackdrop(); }, now ? 0 : REST);
  }

  /** @returns {import("../../serving/latent_plane.js").Window} */
  _window() {
    const { center: [x, y], extent } = this.view.state;
    return { x, y, extent };
  }

  /** What a backdrop is a picture of, but for the window: only with the same may it lie on the plane. */
  _space() {
    const { model, corners, axes, scale, label } = this.view.state;
    return JSON.stringify([model, corners ?? axes, scale, label]);
  }

  async _loadBackdrop() {
    const { view } = this, window = this._window();
    const before = this._space(), answer = await view.ask("plane_backdrop", view.query({ what: "plane", n: view.state.n }));
    if (!answer) return;
    const image = await loadImage(answer.url);
    if (before === this._space()) this.plane.setBackdrop(image, window);
  }

  async _loadVeil() {
    const { view } = this, window = this._window();
    if (view.state.veil === "none") return this.plane.setVeil(null);
    const answer = await view.ask("plane_veil", view.query({ what: "plane" }));
    if (answer) this.plane.setVeil(bytesOf(answer.shade), answer.side, window);
  }

  /** @param {Parameters<typeof pointsOf>[0]} answer */
  setPoints(answer, animate = false) {
    this.plane.setPoints(...pointsOf(answer), animate);
  }

  /** The encodings of a model that has nothing in common with the one before. */
  async loadPoints() {
    const { view, plane } = this, { name } = view.model;
    plane.setBackdrop(null);
    plane.clearPoints();
    const answer = await view.ask("plane_points", name);
    if (answer && name === view.state.model) this.setPoints(answer);
  }

  /** The decoded plane that was shipped with a model of two dimensions: it is there before the decoder is. */
  async loadSheet() {
    const { view, plane } = this, { decoded } = view, { name, latent_shape: [d] } = view.model;
    if (d !== 2 || decoded.sheet?.model === name) return;
    const answer = await view.ask("plane_sheet", name);
    if (!answer?.url || name !== view.state.model) return;
    const { n, center, extent, url } = answer, image = await loadImage(url);
    decoded.sheet = { model: name, n, center, extent, image };
    const fits = view.state.scale === "z" && !view.through;
    if (fits && !plane.hasBackdrop) plane.setBackdrop(image, { x: center[0], y: center[1], extent });
    if (!decoded.decoderIsThere) decoded.showFromSheet();
  }
}
