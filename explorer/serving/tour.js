// @ts-check
// Five steps for a first visit, in a card that stands in the page and so covers nothing. One click closes it for good.

const CLOSED = "latent-explorer-tour"; // the key under which the browser remembers it
/** What a step says, and what it is about. @type {[title: string, text: string, target: string][]} */
const STEPS = [
  ["Every point is a picture", "Drag across the plane, or use the arrow keys: the picture beside it is decoded as you go.",
    ".lx-plane"],
  ["One idea, seen from all sides", "Sliders of faces, a morph, noise that becomes a flower, a walk from prompt to prompt, and how "
    + "all this came about: each has its tab.", "[role=tablist]"],
  ["Bring your own", "Draw or drop a picture where a view asks for one. The model's encoder says which point it is.",
    ".lx-input"],
  ["Keep what you found", "The address bar is the link to what you see. Saved files carry it too: drop one anywhere on the page, "
    + "and it opens again.", "[data-do=link]"],
  ["See how it is made", "Below each view: what you see, with its formula, and the few lines of Keras that make the picture.",
    ".lx-folds"],
];
const CARD = `<aside class="lx-tour" aria-label="A tour in five steps">
  <div aria-live="polite"><strong></strong> <span></span></div>
  <div class="lx-tour-buttons"><small></small>
    <button type="button" data-tour="show">Show me</button><button type="button" data-tour="back">Back</button>
    <button type="button" data-tour="next">Next</button>
    <button type="button" data-tour="close" aria-label="Close the tour">Close</button></div>
</aside>`;

/** In a frame of another site storage may be blocked, and asking for it throws: then it is closed until the page is left. */
function isClosed() {
  try { return localStorage.getItem(CLOSED) !== null; } catch { return false; }
}
function rememberClosed() {
  try { localStorage.setItem(CLOSED, "closed"); } catch { /* blocked */ }
}

class Tour {
  /** @param {Element} head below which it stands */
  constructor(head) {
    head.insertAdjacentHTML("afterend", CARD);
    this.card = /** @type {HTMLElement} */ (head.nextElementSibling);
    this.at = 0;
    this.card.addEventListener("click", event => {
      const button = /** @type {HTMLElement} */ (event.target).closest("button");
      if (button) this._do(button.dataset.tour);
    });
    this.card.addEventListener("keydown", event => { if (event.key === "Escape") this.close(); });
    this.go(0);
    this.resized = new ResizeObserver(() => this._mark()); // the page is another height once a view is shown or turned to
    this.resized.observe(document.body);
  }

  /** @param {string} part @returns {any} */
  find(part) {
    return this.card.querySelector(part);
  }

  /** @param {string | undefined} what */
  _do(what) {
    if (what === "close" || what === "next" && this.at === STEPS.length - 1) this.close();
    else if (what === "show") this.target?.scrollIntoView({ block: "center" });
    else this.go(this.at + (what === "next" ? 1 : -1));
  }

  /** @param {number} at */
  go(at) {
    this.at = at;
    const [title, text] = STEPS[at];
    this.find("strong").textContent = title;
    this.find("span").textContent = text;
    this.find("small").textContent = `${at + 1} of ${STEPS.length}`;
    this.find("[data-tour=back]").disabled = at === 0;
    this.find("[data-tour=next]").textContent = at === STEPS.length - 1 ? "Done" : "Next";
    this._mark();
  }

  /** What the step is about in the view that is seen; not every view has a part of each kind. */
  get target() {
    const found = [...document.querySelectorAll(STEPS[this.at][2])];
    return /** @type {HTMLElement | undefined} */ (found.find(element => /** @type {any} */ (element).offsetParent));
  }

  _mark() {
    for (const marked of document.querySelectorAll(".lx-toured")) marked.classList.remove("lx-toured");
    if (this.card.isConnected) this.target?.classList.add("lx-toured");
  }

  close() {
    rememberClosed();
    this.resized.disconnect();
    this.card.remove();
    this._mark();
  }
}

/** @param {{element: HTMLElement}} given what gr.HTML gives of the page's header */
export function start({ element }) {
  const head = element.querySelector(".lx-head");
  if (head && !isClosed() && !new URLSearchParams(location.search).has("embed")) new Tour(head);
}
