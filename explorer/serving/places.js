// @ts-check
// The views of the page as places to go to: by Back and Forward, and by a file that is dropped. Going there turns to the view's tab
// and opens a state, as its link would.
import { listenToHistory, viewOf } from "./link.js";

/** @type {import("./view.js").View[]} */
const views = [];
/** States of views that are not open yet, by name. @type {Record<string, string>} */
const waiting = {};

/** @param {import("./view.js").View} view */
export function addPlace(view) {
  if (views.push(view) === 1) listenToHistory(query => goTo(query, true));
}

/** The view on screen, or the first. */
export const seen = () => views.find(view => view.isSeen) ?? views[0];

/** The state in which a view that was not open yet is to open. @param {string} name @returns {string | undefined} */
export function takeWaiting(name) {
  const query = waiting[name];
  delete waiting[name];
  return query;
}

/** @param {string} query @param {boolean} [back] whether its address is in the bar already */
export async function goTo(query, back = false) {
  const { server, props: { titles } } = views[0];
  const name = new URLSearchParams(query).get("view") ?? await viewOf(server, query).catch(() => "");
  const view = views.find(other => other.name === name), turn = () => turnTo(name, titles[name]);
  if (!view?.model && !view?.isSeen) waiting[name] = query;
  else if (!back || query !== view.written) return view.arrive(query, turn); // else the view may hold more than its address
  turn();
}

/**
 * On a narrow page a tab may be in the list behind the row's end, where it has a title alone.
 * @param {string} name @param {string} title
 */
function turnTo(name, title) {
  const tab = document.querySelector(`#views [data-tab-id="${CSS.escape(name)}"]`);
  const listed = [...document.querySelectorAll("#views .overflow-dropdown button")];
  const found = tab ?? listed.find(button => button.textContent?.trim() === title);
  if (found?.getAttribute("aria-selected") !== "true") /** @type {any} */ (found)?.click();
}
