// @ts-check
// The one address bar that all views share: what it said when the page was opened, and what is written to it.

/** Keys that say how the page is shown, not what: Gradio's own begin with two underscores. @param {string} part */
const isOthers = part => part.startsWith("__") || /^embed(=|$)/.test(part);
const parts = () => location.search.slice(1).split("&").filter(Boolean);

/** What the page was opened with, without its question mark. */
export const opening = parts().filter(part => !isOthers(part)).join("&");

/** @type {Promise<string> | undefined} */
let named;
/**
 * The view that the link wants: the one that it names, else its model's; the server knows which.
 * @param {Record<string, (request: any) => Promise<any>>} server @returns {Promise<string>}
 */
export function viewOfLink(server) {
  return named ??= server.view_of(opening).then(answer => answer.view);
}

let first = true;
/** Whether nobody has opened a view yet; asking makes it so. */
export function takeOpening() {
  const mine = first;
  first = false;
  return mine;
}
export const isOpened = () => !first;

/** Writes a state to the address bar, beside the keys of others. @param {string} query */
export function writeQuery(query) {
  const kept = parts().filter(isOthers);
  history.replaceState(null, "", `${location.pathname}?${[query, ...kept].join("&")}`);
}

/** The address of a state. @param {string} query */
export const addressOf = query => `${location.origin}${location.pathname}?${query}`;

const HUB = "https://huggingface.co";
/** Whether the page is in a frame of the Hub's; `ancestorOrigins` is not in Firefox, the referrer not after a reload. */
const isInHub = () => window.parent !== window &&
  [...(location.ancestorOrigins ?? []), document.referrer.replace(/\/$/, "")].some(origin => `${origin}/`.startsWith(`${HUB}/`));

/** The address of a state for others: of a Space in the Hub's frame the Hub's, which hands the state on to the frame. @param {string} query */
export function sharedAddress(query) {
  const space = /** @type {any} */ (window).gradio_config?.space_id;
  return space && isInHub() ? `${HUB}/spaces/${space}?${query}` : addressOf(query);
}

/** Where the app itself is served: also below a path, and in a frame. @param {string} path */
export function appUrl(path) {
  const root = /** @type {any} */ (window).gradio_config?.root;
  return new URL(path, root ? `${root.replace(/\/$/, "")}/` : document.baseURI);
}
