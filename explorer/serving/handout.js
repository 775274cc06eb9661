// @ts-check
// A state on paper: the page's print style sheet keeps pictures and formula; above them stand the title, the link and its QR code.
import { codeOf, presentAddress } from "./qr.js";
import { seen } from "./places.js";

export class Handout {
  constructor() {
    this.head = document.createElement("header");
    this.head.className = "lx-handout";
    this.head.innerHTML = `<div><h1></h1><p></p></div><div class="lx-handout-code"></div>`;
    /** @type {{address: string, svg: string}} */
    this.code = { address: "", svg: "" };
    /** @type {any[]} what was opened for printing alone */
    this._opened = [];
    window.addEventListener("beforeprint", () => this._prepare());
    window.addEventListener("afterprint", () => this._restore());
  }

  /** With the QR code, which takes an answer of the server's; by the browser's own menu without, unless it was asked for. */
  async print() {
    const address = presentAddress(), { svg, error } = await codeOf(address);
    if (error) seen().say(error);
    this.code = { address, svg: svg ?? "" };
    window.print();
  }

  _prepare() {
    const address = presentAddress(), view = seen();
    document.body.prepend(this.head);
    const [title, link, code] = /** @type {any} */ (this.head.querySelectorAll("h1, p, .lx-handout-code"));
    title.textContent = document.title;
    link.textContent = address;
    code.innerHTML = this.code.address === address ? this.code.svg : "";
    const folds = view?.isSeen ? view.all(".lx-folds details:has(.lx-formula):not([hidden])") : [];
    const chosen = folds.some((/** @type {any} */ fold) => fold.open); // by hand
    this._opened = chosen ? [] : folds.slice(0, 1);
    for (const fold of this._opened) fold.open = true;
  }

  _restore() {
    this.head.remove();
    for (const fold of this._opened) fold.open = false;
    this._opened = [];
  }
}
