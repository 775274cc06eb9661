// @ts-check
// Focus stays where somebody works. A control that is built anew, hidden or disabled while it has the focus would drop it to the
// page's body, where keys are dead: then what took its place has it, or what is nearest.

const CONTROLS = "button, input, select, textarea, a[href], summary, [tabindex]";

/** @param {any} element */
const isThere = element => element.isConnected && !element.disabled && element.checkVisibility({ visibilityProperty: true });

/** What a control is, however often it is built. @param {any} element */
function nameOf(element) {
  const { tagName, dataset, title, textContent } = element;
  return JSON.stringify([tagName, { ...dataset }, element.getAttribute("aria-label") ?? (title || textContent)]);
}

/** @param {HTMLElement} root a view's */
export function keepFocus(root) {
  /** @type {{element: any, name: string, around: {box: Element, at: number}[]} | null} */
  let held = null;
  root.addEventListener("focusin", event => {
    const element = /** @type {any} */ (event.target), around = [];
    for (let box = element.parentElement; box && root.contains(box); box = box.parentElement) {
      around.push({ box, at: [...box.querySelectorAll(CONTROLS)].indexOf(element) });
    }
    held = { element, name: nameOf(element), around };
  });
  root.addEventListener("focusout", ({ target }) => setTimeout(() => {
    if (held?.element === target && isThere(target) && document.activeElement !== target) held = null;
  }));
  const mend = () => {
    const now = document.activeElement; // what was hidden just now may still be it
    if (!held || now !== document.body && now !== held.element || isThere(held.element)) return;
    substitute(held)?.focus({ preventScroll: true });
  };
  const settings = { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden", "disabled"] };
  new MutationObserver(() => { if (held && root.offsetParent) requestAnimationFrame(mend); }).observe(root, settings);
}

/** @param {{name: string, around: {box: Element, at: number}[]}} held @returns {any} */
function substitute({ name, around }) {
  for (const { box, at } of around) {
    const all = [...box.querySelectorAll(CONTROLS)], found = all.filter(one => one.tabIndex >= 0 && isThere(one));
    if (!box.isConnected || !found.length) continue;
    const far = (/** @type {Element} */ other) => Math.abs(all.indexOf(other) - at);
    const nearest = found.reduce((best, other) => far(other) < far(best) ? other : best);
    return found.find(other => nameOf(other) === name) ?? nearest;
  }
}
