// @ts-check
// What is being changed stays in sight while its control moves: where the picture that a view marks with `data-shows` is not on
// screen (a phone shows one thing at a time), a small copy of it stands in the corner until the control rests.

const REST = 1500; // milliseconds
const MOST = 3; // pictures of a row
const ENOUGH = 0.6; // of a picture's area on screen

/** How much of an element is on screen, 0 to 1. @param {Element} element */
function shareSeen(element) {
  const box = element.getBoundingClientRect(), { innerWidth: width, innerHeight: height } = window;
  const across = Math.max(0, Math.min(box.right, width) - Math.max(box.left, 0));
  const down = Math.max(0, Math.min(box.bottom, height) - Math.max(box.top, 0));
  return box.width && box.height ? across * down / (box.width * box.height) : 0;
}

/** @param {any} element */
const isLaidOut = element => !!element.offsetParent && element.clientWidth > 0;

export class InSight {
  constructor() {
    this.box = document.createElement("div");
    this.box.className = "lx-in-sight";
    this.box.setAttribute("aria-hidden", "true");
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._resting = undefined;
    /** @type {HTMLCanvasElement[]} */
    this.sources = [];
    document.addEventListener("input", event => this._moved(/** @type {any} */ (event.target)), { capture: true });
  }

  /** @param {any} control */
  _moved(control) {
    const root = control.closest?.(".lx");
    if (!root || control.type === "file") return;
    const marked = [...root.querySelectorAll("[data-shows]")].filter(isLaidOut);
    const pictures = marked.map(mark => (mark.matches("canvas") ? [mark] : [...mark.querySelectorAll("canvas")]).filter(isLaidOut))
      .filter(found => found.length);
    clearTimeout(this._resting);
    this._resting = setTimeout(() => this._hide(), REST);
    if (!pictures.length || pictures.some(found => shareSeen(found[0]) >= ENOUGH)) return this._hide();
    this.sources = pictures[0].slice(0, MOST);
    const { top, bottom } = control.getBoundingClientRect(); // on the side where the finger is not
    this.box.classList.toggle("lx-below", (top + bottom) / 2 < innerHeight / 2);
    if (this.box.isConnected) return;
    document.body.append(this.box);
    this._draw();
  }

  _draw() {
    if (!this.box.isConnected) return;
    while (this.box.children.length > this.sources.length) this.box.lastElementChild?.remove();
    this.sources.forEach((source, i) => {
      const there = this.box.children[i] ?? this.box.appendChild(document.createElement("canvas"));
      const copy = /** @type {HTMLCanvasElement} */ (there);
      const { width, height } = source;
      if (copy.width !== width || copy.height !== height) Object.assign(copy, { width, height });
      if (width && height) copy.getContext("2d")?.drawImage(source, 0, 0);
    });
    requestAnimationFrame(() => this._draw());
  }

  _hide() {
    this.box.remove();
    this.sources = [];
  }
}
