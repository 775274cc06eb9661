// @ts-check
// The square of a photo that the encoder is given, over a face with marks for the eyes: pointer, wheel and keys move, size and turn
// it.

const SHOWN = 400; // pixels of the photo's longer side
const EYES = [25, 39], HEIGHT = 33, MIDDLE = 31.5; // where CelebA has them, in pixels of 64
const LEAST = 16; // pixels of the square's side
const STILL = 5; // pixels that a press may wander

const MOST = 1280; // pixels of the longer side of what is sent

/** Made smaller and upright, on white where it is transparent. @param {HTMLImageElement} image */
export function shrunk(image) {
  const scale = Math.min(1, MOST / Math.max(image.naturalWidth, image.naturalHeight)), canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** @param {number} value @param {number} low @param {number} high */
const between = (value, low, high) => Math.max(low, Math.min(high, value));

export class CropSquare {
  /**
   * @param {any} canvas @param {(crop: any) => any} moved
   * @param {{face?: boolean, tapped?: (x: number, y: number) => any}} options `face`: marks for the eyes, and it turns; `tapped`:
   * called with a place in the photo that was pressed and not dragged
   */
  constructor(canvas, moved, { face = true, tapped } = {}) {
    this.canvas = canvas;
    this.moved = moved;
    this.face = face;
    this.tapped = tapped;
    /**
     * @type {any} the photo that is shown: `image` if the browser can read it, `width`, `height` and `crop`, the square; if there
     * are any, `dimmed`, a canvas laid over it, and `boxes`, [left, top, width, height] of what else could be meant
     */
    this.photo = null;
    this._listen();
  }

  /** @param {any} photo */
  show(photo) {
    this.photo = photo;
    this.draw();
  }

  clear() {
    this.photo = null;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  draw() {
    const { image, width, height } = this.photo, { canvas } = this, context = canvas.getContext("2d");
    this.scale = SHOWN / Math.max(width, height);
    canvas.width = Math.max(1, Math.round(width * this.scale));
    canvas.height = Math.max(1, Math.round(height * this.scale));
    context.fillStyle = "#8891a5";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (image) context.drawImage(image, 0, 0, canvas.width, canvas.height);
    if (this.photo.dimmed) context.drawImage(this.photo.dimmed, 0, 0, canvas.width, canvas.height);
    this._drawBoxes(context, this.scale);
    this._drawSquare(context, this.scale);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} scale */
  _drawBoxes(context, scale) {
    context.setLineDash([6, 4]);
    for (const [color, line] of /** @type {[string, number][]} */ ([["#0b0e14", 4], ["#fff", 2]])) {
      context.strokeStyle = color;
      context.lineWidth = line;
      for (const box of this.photo.boxes ?? []) {
        const [left, top, width, height] = box.map((/** @type {number} */ value) => value * scale);
        context.strokeRect(left, top, width, height);
      }
    }
    context.setLineDash([]);
  }

  /** @param {CanvasRenderingContext2D} context @param {number} scale */
  _drawSquare(context, scale) {
    const { crop } = this.photo, side = crop.side * scale, unit = side / 64;
    context.save();
    context.translate(crop.x * scale, crop.y * scale);
    context.rotate((crop.angle ?? 0) * Math.PI / 180);
    for (const [color, line] of /** @type {[string, number][]} */ ([["#0b0e14", 4], ["#ffd166", 2]])) {
      context.strokeStyle = color;
      context.lineWidth = line;
      context.strokeRect(-side / 2, -side / 2, side, side);
      for (const x of this.face ? EYES : []) {
        context.beginPath();
        context.arc((x - MIDDLE) * unit, (HEIGHT - MIDDLE) * unit, Math.max(3, 2.5 * unit), 0, 7);
        context.stroke();
      }
    }
    context.restore();
  }

  // ---- moving it

  /** @param {any} values of the square: `x` and `y` of its middle, `side`, `angle` */
  correct(values) {
    if (!this.photo) return;
    const { width, height } = this.photo, crop = { ...this.photo.crop, ...values };
    crop.side = between(crop.side, LEAST, 3 * Math.max(width, height));
    crop.x = between(crop.x, 0, width);
    crop.y = between(crop.y, 0, height);
    this.photo.crop = crop;
    this.draw();
    this.moved(crop);
  }

  /** @param {number} dx @param {number} dy */
  move(dx, dy) {
    if (this.photo) this.correct({ x: this.photo.crop.x + dx, y: this.photo.crop.y + dy });
  }

  /** @param {number} factor */
  size(factor) {
    if (this.photo) this.correct({ side: this.photo.crop.side * factor });
  }

  /** @param {number} degrees */
  turn(degrees) {
    if (this.photo && this.face) this.correct({ angle: this.photo.crop.angle + degrees });
  }

  _listen() {
    const { canvas } = this;
    /** @type {[number, number] | null} */
    let held = null;
    let still = true; // a press that has not become a drag
    canvas.onpointerdown = (/** @type {PointerEvent} */ event) => {
      if (!event.isPrimary) return; // a second finger is no jump
      canvas.setPointerCapture(event.pointerId);
      held = [event.clientX, event.clientY];
      still = true;
    };
    canvas.onpointermove = (/** @type {PointerEvent} */ event) => {
      if (!held || !this.photo || !event.isPrimary) return;
      if (this.tapped && still && Math.hypot(event.clientX - held[0], event.clientY - held[1]) < STILL) return;
      still = false;
      const per = canvas.width / canvas.clientWidth / (this.scale ?? 1);
      this.move((event.clientX - held[0]) * per, (event.clientY - held[1]) * per);
      held = [event.clientX, event.clientY];
    };
    canvas.onpointerup = (/** @type {PointerEvent} */ event) => {
      if (held && still && this.photo) {
        const per = canvas.width / canvas.clientWidth / (this.scale ?? 1);
        this.tapped?.(event.offsetX * per, event.offsetY * per);
      }
      held = null;
    };
    canvas.onpointercancel = () => { held = null; };
    canvas.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
      event.preventDefault();
      this.size(Math.exp(between(event.deltaY, -60, 60) * 0.002));
    }, { passive: false });
    canvas.onkeydown = (/** @type {KeyboardEvent} */ event) => this._key(event);
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (!this.photo) return;
    const step = this.photo.crop.side * (event.shiftKey ? 0.08 : 0.02);
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => this.move(-step, 0), ArrowRight: () => this.move(step, 0),
      ArrowUp: () => this.move(0, -step), ArrowDown: () => this.move(0, step),
      "+": () => this.size(1.04), "-": () => this.size(0.96), ",": () => this.turn(-2), ".": () => this.turn(2),
    };
    if (!keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
    event.stopPropagation();
  }
}
