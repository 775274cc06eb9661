// @ts-check
// The gallery of models: draws each one's samples once it is in sight, one after the other, those of the card that is read too, and
// says which was chosen.
import { still } from "../../serving/view.js";

const inLecture = () => document.documentElement.classList.contains("lx-lecture"); // where the card scrolls by itself

/** @param {any} given what gr.HTML gives, with `trigger` and `watch` */
export function start({ element, server, trigger, watch }) {
  /** @type {Element[]} */
  const waiting = [];
  let busy = false;
  const next = async () => {
    if (busy) return;
    busy = true;
    for (let place = waiting.shift(); place; place = waiting.shift()) await draw(place, server);
    busy = false;
  };
  const seen = new IntersectionObserver(entries => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) {
      seen.unobserve(target);
      waiting.push(target);
    }
    next();
  });
  const card = document.querySelector("#models-card");
  const observe = () => {
    for (const part of [element, card])
      for (const place of part?.querySelectorAll("[data-samples]:not([data-drawn])") ?? []) seen.observe(place);
  };
  observe();
  watch("value", observe);
  document.addEventListener("keydown", ({ key, target }) => { // Gradio's list of models lets the focus go with what was chosen
    const choice = /** @type {HTMLElement} */ (target).closest("#models-choice");
    if (key !== "Enter" || !(choice instanceof HTMLElement)) return;
    choice.tabIndex = -1;
    requestAnimationFrame(() => { if (document.activeElement === document.body) choice.focus({ preventScroll: true }); });
  });
  if (card) {
    new MutationObserver(observe).observe(card, { childList: true, subtree: true });
    const scrolling = () => inLecture() ? card.setAttribute("tabindex", "0") : card.removeAttribute("tabindex"); // by keys too
    scrolling();
    new MutationObserver(scrolling).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  }
  element.addEventListener("click", (/** @type {any} */ event) => {
    const item = event.target.closest("[data-model]");
    if (!item) return;
    for (const other of element.querySelectorAll("[aria-current]")) other.removeAttribute("aria-current");
    item.setAttribute("aria-current", "true");
    if (inLecture()) item.closest("details").open = false; // one thing at a time
    trigger("select", { model: item.dataset.model });
    document.querySelector("#models-choice")?.scrollIntoView({ behavior: still.matches ? "auto" : "smooth" });
  });
}

/** @param {any} place @param {any} server */
async function draw(place, server) {
  /** @type {any} */
  let answer = null;
  try { answer = await server.model_samples(place.dataset.samples); } catch { /* below */ }
  if (!answer?.url) return void (place.textContent = answer?.error ?? "");
  const image = document.createElement("img");
  Object.assign(image, { src: answer.url, alt: "" });
  place.replaceChildren(image);
  place.dataset.drawn = "yes";
}
