// @ts-check
// What is drawn over: a picture of another model or a visitor's own, and the marks that say where.
import { Camera } from "../../serving/camera.js";
import { CropSquare, shrunk } from "../../serving/crop.js";
import { listenToDrops, listenToPicker } from "../../serving/drawing_pad.js";
import { bytesOf, loadImage, pictureCanvas } from "../../serving/pictures.js";
import { newest, randomSeed } from "../../serving/view.js";

const BRUSH = 1.6; // cells, its radius
const MARK = "rgba(255, 140, 0, 0.5)";
/** @type {Record<string, [number, number]>} */
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const CHANGED = 16; // of 255: a pixel of which a colour is as far off, or farther, is said to be new

/** Runs of cells, kept and marked by turns, as flags. @param {number[]} runs @param {number} count */
export function flagsOf(runs, count) {
  const flags = new Uint8Array(count);
  let at = 0;
  runs.forEach((run, i) => {
    if (i % 2) flags.fill(1, at, at + run);
    at += run;
  });
  return flags;
}

/** As a state has them: without the last that are kept. @param {Uint8Array} flags */
export function runsOf(flags) {
  const runs = [];
  let at = 0;
  while (at < flags.length) {
    const end = flags.indexOf(runs.length % 2 ? 0 : 1, at);
    if (end < 0 && runs.length % 2 === 0) break;
    const stop = end < 0 ? flags.length : end;
    runs.push(stop - at);
    at = stop;
  }
  return runs;
}

export class Start {
  /** @param {import("./view.js").TextView} view */
  constructor(view) {
    this.view = view;
    /** @type {any} a visitor's picture: `url` as it came, `image` if the browser can read it, `framed`: the square of it, `crop` */
    this.own = null;
    /** @type {HTMLCanvasElement | null} what was drawn over last, moved in by the margin */
    this.picture = null;
    /** @type {Uint8Array | null} what was drawn anew of it, a byte a pixel; null: all of it */
    this.drawn = null;
    this.side = 32; // cells along a side
    this.flags = new Uint8Array(this.side ** 2);
    this.erases = false;
    this.box = { x: 12, y: 12, w: 8, h: 8 }; // of the keyboard
    this.canvas = view.find(".lx-mask");
    this.frame = newest(crop => this._frame(crop));
    this.camera = new Camera(view, url => this.use(url));
    this.square = new CropSquare(view.find(".lx-crop"), crop => this.frame(crop));
    const say = (/** @type {string} */ text) => view.say(text), use = (/** @type {string} */ url) => this.use(url);
    listenToPicker(view.find(".lx-start [type=file]"), say, use);
    listenToDrops(view.find(".lx-input"), say, use);
    this._listen();
  }

  /** @param {{label: string, model: string, gallery: number}[]} sources @param {number} side cells along a side */
  fill(sources, side) {
    this.side = side;
    this.view.find(".lx-sources").replaceChildren(...sources.map(({ label, model, gallery }) => {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: label, title: `Another one of ${model}` });
      button.dataset.source = model;
      button.onclick = () => this.take(`${model}:${gallery ? `g${randomSeed() % gallery}` : randomSeed()}`);
      return button;
    }));
  }

  /** @param {string} image of another model */
  take(image) {
    this.forget();
    this.view.setOver({ image });
  }

  // ---- a visitor's own

  /** Large pictures are made smaller here already; what the browser cannot read goes to the server. @param {string} url */
  async use(url) {
    let image = null;
    try {
      image = shrunk(await loadImage(url));
    } catch { /* a kind that only the server reads, such as TIFF */ }
    this.camera.stop();
    const before = this.own, given = { url: image ? image.toDataURL("image/jpeg", 0.92) : url, image, crop: null, framed: null };
    this.own = given;
    await this.frame(null);
    if (given.framed || this.own !== given) return;
    this.own = before; // a file that is none leaves the picture that is there
  }

  /** @param {any} crop as it was moved by hand; null: the server chooses */
  async _frame(crop) {
    const { view, own } = this;
    if (!own) return;
    const answer = await view.ask("frame_picture", { query: view.text(view.modelState, ["model"]), picture: own.url, crop });
    if (!answer || own !== this.own) return;
    const { width, height } = answer, { image_shape: shape } = view.model;
    Object.assign(own, { width, height, crop: crop ?? answer.crop });
    own.framed = pictureCanvas(bytesOf(answer.seen), shape).toDataURL("image/png");
    if (!crop) {
      this.square.face = answer.face;
      view.find(".lx-photo").hidden = false;
      this.square.show(own);
    }
    view.setOver({ image: undefined });
  }

  forget() {
    if (!this.own && !this.camera.isOn) return;
    this.camera.stop();
    this.own = null;
    this.view.find(".lx-photo").hidden = true;
    this.square.clear();
  }

  // ---- what is shown

  /** @param {{start?: string, mask?: string | null}} event of a run that has begun @param {number[]} shape */
  begin({ start, mask }, shape) {
    this.picture = start ? pictureCanvas(bytesOf(start), shape) : null;
    this.drawn = mask ? bytesOf(mask) : null;
    this.draw();
  }

  /** The marks of the state. @param {number[] | undefined} mask */
  show(mask) {
    this.flags = flagsOf(mask ?? [], this.side ** 2);
    this.draw();
  }

  draw() {
    const { canvas, side, flags, box } = this, ink = canvas.getContext("2d"), cell = canvas.width / side;
    ink.clearRect(0, 0, canvas.width, canvas.height);
    ink.imageSmoothingQuality = "high";
    if (this.picture) ink.drawImage(this.picture, 0, 0, canvas.width, canvas.height);
    ink.fillStyle = MARK;
    for (let i = 0; i < flags.length; i++)
      if (flags[i]) ink.fillRect((i % side) * cell, Math.floor(i / side) * cell, cell, cell);
    const edge = Math.round(canvas.width * (this.view.state.margin ?? 0));
    if (edge) {
      const inner = canvas.width - 2 * edge;
      ink.fillRect(0, 0, canvas.width, edge);
      ink.fillRect(0, canvas.height - edge, canvas.width, edge);
      ink.fillRect(0, edge, edge, inner);
      ink.fillRect(canvas.width - edge, edge, edge, inner);
    }
    if (document.activeElement === canvas && canvas.matches(":focus-visible")) {
      ink.setLineDash([8, 6]);
      for (const [colour, width] of /** @type {[string, number][]} */ ([["#0b0e14", 5], ["#fff", 2.5]])) {
        Object.assign(ink, { strokeStyle: colour, lineWidth: width });
        ink.strokeRect(box.x * cell, box.y * cell, box.w * cell, box.h * cell);
      }
      ink.setLineDash([]);
    }
    this.view.find(".lx-mask-words").textContent = this.words;
  }

  get words() {
    const marked = this.flags.reduce((sum, flag) => sum + flag, 0) / this.flags.length, { margin } = this.view.state;
    const share = `${Math.round(100 * marked)} %${margin ? " and the frame" : ""}`;
    if (marked) return `What is marked, ${share}, is drawn anew. The rest stays, to the pixel.`;
    if (margin) return "The frame is drawn. The picture within it stays, to the pixel.";
    return "All of it is drawn over. Brush over what alone is to change.";
  }

  /** What is new in a picture, shown and in words. @param {HTMLCanvasElement | null} picture */
  compare(picture) {
    const { view } = this, [from, now, difference] = [".lx-from", ".lx-now-drawn", ".lx-difference"].map(name => view.find(name));
    if (!this.picture || !picture) return;
    const { width, height } = picture, pixels = [this.picture, picture].map(one => pixelsOf(one));
    const shown = new ImageData(width, height);
    let fresh = 0, outside = 0, worst = 0;
    for (let i = 0, j = 0; i < width * height; i++, j += 4) {
      const off = Math.max(...[0, 1, 2].map(c => Math.abs(pixels[0][j + c] - pixels[1][j + c])));
      const grey = 0.25 * (pixels[0][j] + pixels[0][j + 1] + pixels[0][j + 2]) / 3, much = Math.min(1, off / 96);
      shown.data.set([grey + (255 - grey) * much, grey + (150 - grey) * much, grey * (1 - much), 255], j);
      if (off > CHANGED) fresh++;
      if (this.drawn && !this.drawn[i]) {
        outside++;
        worst = Math.max(worst, off);
      }
    }
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    canvas.getContext("2d")?.putImageData(shown, 0, 0);
    [this.picture, picture, canvas].forEach((one, i) => paint([from, now, difference][i], one));
    const share = Math.round(100 * fresh / (width * height)), kept = Math.round(100 * outside / (width * height));
    view.find(".lx-new-words").textContent = `New: ${share} % of the pixels are more than ${CHANGED} of 255 off.`
      + (outside ? ` Outside of the marks, ${kept} % of it, none is off by more than ${worst}.` : "");
  }

  // ---- marking

  _listen() {
    const { canvas } = this;
    let held = false;
    const paintAt = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      this._brush((event.clientX - box.left) / box.width * this.side, (event.clientY - box.top) / box.height * this.side);
    };
    canvas.onpointerdown = (/** @type {PointerEvent} */ event) => {
      if (!event.isPrimary || event.button) return;
      canvas.setPointerCapture(event.pointerId);
      held = true;
      paintAt(event);
    };
    canvas.onpointermove = (/** @type {PointerEvent} */ event) => {
      if (held && event.isPrimary) paintAt(event);
    };
    canvas.onpointerup = canvas.onpointercancel = () => {
      if (held) this._marked();
      held = false;
    };
    canvas.onkeydown = (/** @type {KeyboardEvent} */ event) => this._key(event);
    canvas.onfocus = canvas.onblur = () => this.draw();
  }

  /** @param {number} x in cells @param {number} y */
  _brush(x, y) {
    const { side, flags } = this, reach = Math.ceil(BRUSH);
    for (let row = Math.floor(y) - reach; row <= y + reach; row++)
      for (let column = Math.floor(x) - reach; column <= x + reach; column++) {
        if (row < 0 || column < 0 || row >= side || column >= side) continue;
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= BRUSH) flags[row * side + column] = this.erases ? 0 : 1;
      }
    this.draw();
  }

  _marked() {
    const mask = runsOf(this.flags);
    this.view.setOver({ mask: mask.length ? mask : undefined });
  }

  unmask() {
    if (!this.flags.includes(1)) return;
    this.flags.fill(0);
    this._marked();
  }

  erase() {
    this.erases = !this.erases;
    this.view.find("[data-do=erase]").setAttribute("aria-pressed", String(this.erases));
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const { box, side } = this, step = STEPS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step && event.shiftKey) {
      box.w = Math.max(1, Math.min(side - box.x, box.w + step[0]));
      box.h = Math.max(1, Math.min(side - box.y, box.h + step[1]));
    } else if (step) {
      box.x = Math.max(0, Math.min(side - box.w, box.x + step[0]));
      box.y = Math.max(0, Math.min(side - box.h, box.y + step[1]));
    } else if (event.key === "Enter" || event.key === " ") {
      for (let row = box.y; row < box.y + box.h; row++)
        this.flags.fill(this.erases ? 0 : 1, row * side + box.x, row * side + box.x + box.w);
      this._marked();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.unmask();
    } else {
      return;
    }
    this.draw();
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {HTMLCanvasElement} canvas */
function pixelsOf(canvas) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  return context.getImageData(0, 0, canvas.width, canvas.height).data;
}

/** As large as a small canvas shows it. @param {HTMLCanvasElement} canvas @param {HTMLCanvasElement} picture */
function paint(canvas, picture) {
  const side = 2 * 84;
  Object.assign(canvas, { width: side, height: side });
  const ink = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ink.imageSmoothingQuality = "high";
  ink.drawImage(picture, 0, 0, side, side);
}
