// @ts-check
// What a GAN drew from the same noise after each epoch: a sheet with one row for each, and a slider over its rows.
import { loadImage } from "../../serving/pictures.js";

export class Epochs {
  /** @param {import("../../serving/view.js").View & {shows: (values: any) => any}} view */
  constructor(view) {
    this.view = view;
    /** @type {{name: string, rows: number, image: HTMLImageElement} | null} */
    this.sheet = null;
    this.slider = view.find("[data-epoch]");
    this.slider.oninput = () => {
      const epoch = +this.slider.value;
      view.shows({ epoch: epoch === this.sheet?.rows ? undefined : epoch }); // the last one is as usual
      this._showRow();
    };
  }

  /** @param {string} name of the state's model */
  async show(name) {
    if (this.sheet?.name === name) return this._showEpoch();
    const answer = await this.view.ask("epoch_sheet", name);
    if (!answer || name !== this.view.state.model) return;
    this.view.find(".lx-epochs").hidden = !answer.url;
    if (!answer.url) return;
    const image = await loadImage(answer.url), { width, height } = image, whole = this.view.find(".lx-epoch-sheet");
    this.sheet = { name, rows: answer.rows, image };
    this.slider.max = answer.rows;
    Object.assign(whole, { width, height });
    whole.getContext("2d").drawImage(image, 0, 0);
    this._showEpoch();
  }

  /** The state's, or the last. */
  _showEpoch() {
    this.slider.value = this.view.state.epoch ?? this.sheet?.rows;
    this._showRow();
  }

  _showRow() {
    if (!this.sheet) return;
    const { image, rows } = this.sheet, epoch = +this.slider.value, canvas = this.view.find(".lx-epoch-row");
    const { width } = image, height = image.height / rows;
    Object.assign(canvas, { width, height });
    canvas.getContext("2d").drawImage(image, 0, (epoch - 1) * height, width, height, 0, 0, width, height);
    this.view.find(".lx-epochs output").textContent = `${epoch} of ${rows}`;
  }
}
