// @ts-check
// Settings are a view's controls with a `data-set`, the key of the state that each stands for; an `output` beside one repeats its
// value in as many decimals as its step has; one with a `data-part` is for that part of a list. What is put into a number must be
// within its bounds.
import { isNumber, numberOf, stepByKeys } from "./numbers.js";
import { markChosen } from "./radios.js";

/**
 * What a control says: a value, undefined if it is empty and may be, or what is wrong with it.
 * @param {any} control @returns {{value?: any, wrong?: string}}
 */
export function read(control, mayBeEmpty = false) {
  if (control.type === "checkbox") return { value: control.checked };
  if (control.type === "range") return { value: +control.value };
  return isNumber(control) ? numberOf(control, mayBeEmpty) : { value: control.value };
}

/**
 * Calls `set(key, value, control)` for what was put into a setting; what cannot be is said, and the state's value put back.
 * @param {import("./view.js").View} view @param {(key: string, value: any, control: any) => any} set
 * @param {string[]} mayBeEmpty keys of numbers that a state need not have
 */
export function listenToSettings(view, set, mayBeEmpty = []) {
  for (const control of view.all("[data-set]")) {
    const key = control.dataset.set;
    if (isNumber(control)) stepByKeys(control);
    control.addEventListener(control.type === "range" ? "input" : "change", () => {
      if (!view.model) return;
      const { value, wrong } = read(control, mayBeEmpty.includes(key));
      view.say(wrong ?? "");
      if (wrong) control.value = view.state[key] ?? ""; else set(key, whole(view.state[key], control, value), control);
    });
  }
}

/** A value with a part, in rising order: one that is moved past others pushes them along. @param {any} all @param {any} control */
function whole(all, control, value) {
  const part = control.dataset.part;
  if (part === undefined) return value;
  return all.map((/** @type {number} */ one, /** @type {number} */ i) =>
    i === +part ? value : i < +part ? Math.min(one, value) : Math.max(one, value));
}

const TEXT = "textarea, input:not([type=range], [type=checkbox], [type=radio], [type=file])";
/** Whether letters go into a control. @param {any} control */
export const takesText = control => control.matches(TEXT);

/** Shows the state in the settings, but for the one into which somebody writes. @param {import("./view.js").View} view */
export function showSettings(view) {
  for (const control of view.all("[data-set]")) {
    const { set, part } = control.dataset, all = view.state[set], value = part === undefined ? all : all?.[part];
    const output = control.parentElement.querySelector("output");
    if (output && value !== undefined) output.textContent = Number(value).toFixed(decimals(control.step));
    if (document.activeElement === control && takesText(control)) continue;
    if (control.type === "checkbox") control.checked = !!value; else control.value = value ?? "";
  }
}

/** @param {string} step */
const decimals = step => step.split(".")[1]?.length ?? 0;

/**
 * Shows which of some radio buttons is chosen.
 * @param {any[]} buttons @param {string} key of their dataset @param {string} value
 */
export function showChoice(buttons, key, value) {
  markChosen(buttons, button => button.dataset[key] === value);
}
