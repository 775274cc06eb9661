// @ts-check
// A second model's plane beside the first, with a point and a window of its own.
import { LatentPlane } from "../../serving/latent_plane.js";
import { loadImage, showPicture } from "../../serving/pictures.js";
import { stateText } from "../../serving/state.js";
import { newest } from "../../serving/view.js";
import { pointsOf } from "./layers.js";

const REST = 140; // milliseconds without a move after which the plane is decoded anew

export class Beside {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    /** @type {string | null} the model that is laid out */
    this.laidOut = null;
    /** @type {LatentPlane | undefined} */
    this._plane = undefined;
  }

  /** Shows or hides it, as the state says. */
  async show() {
    const { view } = this, { state, model } = view, name = state.beside, on = !!name && name === model.beside;
    view.find(".lx-second").hidden = !on;
    view.root.classList.toggle("lx-two", on);
    if (!on || this.laidOut === name) return;
    const answer = await view.ask("open_view", stateText(view.props.schema, { model: name }));
    if (!answer?.model) return;
    this._layOut(answer.model, answer.state);
    const codes = await view.ask("plane_points", name);
    if (codes) this._plane?.setPoints(...pointsOf(codes));
  }

  /** @param {any} model @param {any} state */
  _layOut(model, state) {
    const { view } = this, root = view.find(".lx-second .lx-plane");
    root.replaceChildren();
    const show = newest(async (/** @type {number[]} */ z) => {
      const picture = await view.shelves.thumbnail(model, z);
      if (picture) showPicture(view.find(".lx-second .lx-caption canvas"), picture);
    });
    const tiles = newest(() => this._loadBackdrop(model.name, plane));
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const onwindow = () => { clearTimeout(timer); timer = setTimeout(tiles, REST); };
    const plane = new LatentPlane(root, { palette: view.props.palette, onmove: z => { show(z); }, onwindow });
    this.laidOut = model.name;
    this._plane = plane;
    plane.top.setAttribute("aria-label", `${model.title}. Arrow keys move the point.`);
    plane.move(state.z);
    plane.setSpace({ center: state.center, extent: state.extent, scale: "z", axes: [0, 1] });
    view.find(".lx-second .lx-caption span").textContent = model.title;
    show(state.z);
    tiles();
  }

  /** @param {string} model @param {LatentPlane} plane */
  async _loadBackdrop(model, plane) {
    const { x, y, extent } = plane.window, asked = { model, center: [x, y], extent };
    const answer = await this.view.ask("plane_backdrop", stateText(this.view.props.schema, asked));
    if (answer) plane.setBackdrop(await loadImage(answer.url), { x, y, extent });
  }
}
