// @ts-check
// What the header says of the view on screen: its tagline, and, at the first visit, five steps in a card that stands in the page
// and so covers nothing. "Done" ends the tour of this view, one click on Close all of them, for good.

/** @typedef {[title: string, text: string, target: string][]} Steps what each says, and what it is about */

const CLOSED = "closed", KEY = "latent-explorer-tour"; // under which the browser remembers the views whose tours are over, or all
const TABS = "#views [role=tab]";
const CARD = `<aside class="lx-tour" aria-label="A tour in five steps">
  <div aria-live="polite"><strong></strong> <span></span></div>
  <div class="lx-tour-buttons"><small></small>
    <button type="button" data-tour="show">Show me</button><button type="button" data-tour="back">Back</button>
    <button type="button" data-tour="next">Next</button>
    <button type="button" data-tour="close" aria-label="Close the tour">Close</button></div>
</aside>`;

/** @type {string[]} while the page is open, where a frame of another site may store nothing: then asking throws */
let over = [];
/** @returns {string[]} */
function remembered() {
  try { return localStorage.getItem(KEY)?.split(",") ?? over; } catch { return over; }
}
/** @param {string} name of a view, or CLOSED */
function remember(name) {
  over = name === CLOSED ? [CLOSED] : [...remembered(), name];
  try { localStorage.setItem(KEY, over.join(",")); } catch { /* blocked */ }
}

/** The name of the view on screen, by its tab. @param {Record<string, string>} titles of all views */
function nameOf(titles) {
  const chosen = [...document.querySelectorAll(TABS)].find(tab => tab.getAttribute("aria-selected") === "true");
  const words = chosen?.textContent?.trim(), id = /** @type {HTMLElement | undefined} */ (chosen)?.dataset.tabId;
  return id && id in titles ? id : Object.keys(titles).find(name => titles[name] === words);
}

class Tour {
  /** @param {Element} head below which it stands @param {string} name of the view @param {Steps} steps */
  constructor(head, name, steps) {
    head.insertAdjacentHTML("afterend", CARD);
    this.card = /** @type {HTMLElement} */ (head.nextElementSibling);
    this.name = name;
    this.steps = steps;
    this.at = 0;
    this.card.addEventListener("click", event => {
      const button = /** @type {HTMLElement} */ (event.target).closest("button");
      if (button) this._do(button.dataset.tour);
    });
    this.card.addEventListener("keydown", event => { if (event.key === "Escape") this.end(CLOSED); });
    this.go(0);
    this.resized = new ResizeObserver(() => this._mark()); // the page is another height once a view is shown
    this.resized.observe(document.body);
  }

  /** @param {string} part @returns {any} */
  find(part) {
    return this.card.querySelector(part);
  }

  /** @param {string | undefined} what */
  _do(what) {
    if (what === "close") this.end(CLOSED);
    else if (what === "next" && this.at === this.steps.length - 1) this.end(this.name);
    else if (what === "show") this.target?.scrollIntoView({ block: "center" });
    else this.go(this.at + (what === "next" ? 1 : -1));
  }

  /** @param {number} at */
  go(at) {
    this.at = at;
    const [title, text] = this.steps[at];
    this.find("strong").textContent = title;
    this.find("span").textContent = text;
    this.find("small").textContent = `${at + 1} of ${this.steps.length}`;
    this.find("[data-tour=back]").disabled = at === 0;
    this.find("[data-tour=next]").textContent = at === this.steps.length - 1 ? "Done" : "Next";
    this._mark();
  }

  /** What the step is about, in the view that is seen. */
  get target() {
    const found = [...document.querySelectorAll(this.steps[this.at][2])];
    return /** @type {HTMLElement | undefined} */ (found.find(element => /** @type {any} */ (element).offsetParent));
  }

  _mark() {
    for (const marked of document.querySelectorAll(".lx-toured")) marked.classList.remove("lx-toured");
    if (this.card.isConnected) this.target?.classList.add("lx-toured");
  }

  /** @param {string} what is over: this view's name, or CLOSED */
  end(what) {
    remember(what);
    this.remove();
  }

  remove() {
    this.resized.disconnect();
    this.card.remove();
    this._mark();
  }
}

/**
 * @param {{element: HTMLElement, props: {titles: Record<string, string>, taglines: Record<string, string>,
 *   tours: Record<string, Steps>}}} given what gr.HTML gives of the page's header, its `props` by the names of views
 */
export function start({ element, props: { titles, taglines, tours } }) {
  const head = element.querySelector(".lx-head"), embedded = new URLSearchParams(location.search).has("embed");
  /** @type {string | undefined} */
  let shown;
  /** @type {Tour | null} */
  let tour = null;
  const turn = () => {
    const name = nameOf(titles);
    if (!head || !name || name === shown) return;
    shown = name;
    /** @type {any} */ (head.querySelector("p")).textContent = taglines[name];
    tour?.remove();
    const done = remembered();
    tour = embedded || done.includes(CLOSED) || done.includes(name) ? null : new Tour(head, name, tours[name]);
  };
  const built = new MutationObserver(() => { // the tabs may come after the header
    turn();
    if (shown) built.disconnect();
  });
  built.observe(document.body, { subtree: true, childList: true });
  new MutationObserver(turn).observe(document.body, { subtree: true, attributeFilter: ["aria-selected"] });
  turn();
}
