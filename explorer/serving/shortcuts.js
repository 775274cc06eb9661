// @ts-check
// Keys that mean the same in every view. A letter that somebody types, or by which a menu chooses, is none.
import { takesText } from "./settings.js";

/** @param {Record<string, (event: KeyboardEvent) => any>} keys by the key in small letters; one that returns false is for others */
export function listenToShortcuts(keys) {
  document.addEventListener("keydown", event => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const control = /** @type {any} */ (event.target).closest?.("input, select, textarea, [contenteditable=true]");
    if (control && (control.matches("select, [contenteditable=true]") || takesText(control))) return;
    const act = keys[event.key.toLowerCase()];
    if (act && act(event) !== false) event.preventDefault();
  });
}
