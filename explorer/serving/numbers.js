// @ts-check
// Fields of numbers: text, since a browser's own number fields drop a comma or read it by a language that may not be its owner's.
// A field has `min`, `max` and a `step`, without a point where the number must be whole.

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)$/, WHOLE = /^[+-]?\d+$/;

/** The fields of numbers, as a selector. */
export const NUMBERS = "input.lx-number";

/** @param {any} control */
export const isNumber = control => control.matches(NUMBERS);

/**
 * What a text says as a number, with a comma or a point; nothing if it is empty; or what is wrong with it.
 * @param {string} text @param {{name: string, min: number, max: number, whole?: boolean}} bounds
 * @returns {{value?: number, wrong?: string}}
 */
export function readNumber(text, { name, min, max, whole = false }) {
  const typed = text.trim(), plain = typed.replace("−", "-"), value = +plain.replace(",", ".");
  if (typed === "") return {};
  if ((whole ? WHOLE.test(plain) : DECIMAL.test(plain.replace(",", "."))) && value >= min && value <= max) return { value };
  const shown = typed.length > 40 ? `${typed.slice(0, 37)}...` : typed;
  return { wrong: `${name} must be a ${whole ? "whole " : ""}number from ${min} to ${max}, got “${shown}”` };
}

/** What a field says; empty it is wrong. @param {any} control @param {boolean} [mayBeEmpty] */
export function numberOf(control, mayBeEmpty = false) {
  const bounds = boundsOf(control), { value, wrong } = readNumber(control.value, bounds);
  if (value !== undefined || wrong || mayBeEmpty) return { value, wrong };
  return { value, wrong: readNumber("nothing", bounds).wrong };
}

/** @param {any} control */
function boundsOf(control) {
  const label = control.getAttribute("aria-label")?.replace(" as a number", "");
  const name = label ?? control.closest("label").firstChild.textContent.trim();
  return { name, min: +control.min, max: +control.max, whole: !control.step.includes(".") };
}

/**
 * A field that is followed while somebody types. What cannot be read when they are done is said, and what was there put back.
 * @param {any} control
 * @param {{get: () => number, set: (value: number) => any, done: () => any, say: (words: string) => any}} view
 */
export function listenToNumber(control, { get, set, done, say }) {
  let before = get();
  control.onfocus = () => { before = get(); };
  control.oninput = () => {
    const { value } = numberOf(control);
    if (value !== undefined) set(value);
  };
  control.onchange = () => {
    const { wrong } = numberOf(control);
    say(wrong ?? "");
    if (wrong) set(before);
    control.value = get();
    before = get();
    done();
  };
  stepByKeys(control);
}

/** The arrow keys go a step up and down within the bounds. @param {any} control */
export function stepByKeys(control) {
  control.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key], { value } = numberOf(control);
    if (!way || value === undefined) return;
    event.preventDefault();
    const { min, max } = boundsOf(control), step = +control.step || 1;
    control.value = +Math.max(min, Math.min(max, value + way * step)).toFixed(4);
    control.dispatchEvent(new Event("input", { bubbles: true }));
    control.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
