// @ts-check
// Groups of radio buttons: one Tab stop each, arrows move within and choose, as in a browser's own.

const WAYS = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 });

/**
 * Shows which of some radio buttons is chosen; it is the one that Tab comes to.
 * @param {any[]} buttons @param {(button: any) => boolean} isChosen
 */
export function markChosen(buttons, isChosen) {
  const chosen = buttons.find(isChosen), had = buttons.includes(document.activeElement);
  for (const button of buttons) {
    button.setAttribute("aria-checked", String(button === chosen));
    button.tabIndex = button === (chosen ?? buttons[0]) ? 0 : -1;
  }
  if (had) chosen?.focus({ preventScroll: true });
}

/**
 * Fills a group, or keeps the buttons that are there if they stand for the same: what has the focus keeps it.
 * @param {HTMLElement} group @param {string} key of their dataset @param {{value: string, words: string, title?: string}[]} options
 * @param {(value: string) => any} choose @returns {HTMLButtonElement[]}
 */
export function fillRadios(group, key, options, choose) {
  const there = /** @type {HTMLButtonElement[]} */ ([...group.querySelectorAll(":scope > [role=radio]")]);
  const same = there.length === options.length && options.every(({ value }, i) => there[i].dataset[key] === value);
  if (same) return there;
  const buttons = options.map(({ value, words, title }) => {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: words, ...(title && { title }) });
    button.setAttribute("role", "radio");
    button.dataset[key] = value;
    button.onclick = () => choose(value);
    return button;
  });
  group.replaceChildren(...buttons);
  return buttons;
}

/** An arrow key in a group; whether it was one. @param {KeyboardEvent} event */
export function moveInGroup(event) {
  const at = /** @type {HTMLElement} */ (event.target).closest("[role=radio]"), group = at?.closest("[role=radiogroup]");
  if (!at || !group || event.ctrlKey || event.metaKey || event.altKey) return false;
  const buttons = /** @type {HTMLElement[]} */ ([...group.querySelectorAll("[role=radio]")]), n = buttons.length;
  const ends = /** @type {Record<string, number>} */ ({ Home: 0, End: n - 1 });
  const to = ends[event.key] ?? (buttons.indexOf(/** @type {HTMLElement} */ (at)) + WAYS[event.key] + n) % n;
  if (!(to >= 0)) return false; // another key
  buttons[to].focus();
  buttons[to].click();
  event.preventDefault();
  return true;
}
