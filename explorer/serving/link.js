// @ts-check
// The one address bar that all views share: what it said when the page was opened, and what is written to it.
import { isOption } from "./page_options.js";

const parts = () => location.search.slice(1).split("&").filter(Boolean);

/** The state that the address bar holds, without its question mark. */
export const written = () => parts().filter(part => !isOption(part)).join("&");

/** What the page was opened with. */
export const opening = written();

/** @type {Promise<string> | undefined} */
let named;
/**
 * The view that the link wants: the one that it names, else its model's; the server knows which.
 * @param {Record<string, (request: any) => Promise<any>>} server @returns {Promise<string>}
 */
export function viewOfLink(server) {
  return named ??= viewOf(server, opening);
}

/** The same of any state. @param {Record<string, (request: any) => Promise<any>>} server @param {string} query */
export const viewOf = async (server, query) => (await server.view_of(query)).view;

let first = true;
/** Whether nobody has opened a view yet; asking makes it so. */
export function takeOpening() {
  const mine = first;
  first = false;
  return mine;
}
export const isOpened = () => !first;

/** @type {string | null} the place of the entry of the browser's history on screen; none until one is written */
let here = history.state?.place ?? null;
let anew = false;

/** @param {string} place */
export const isAt = place => place === here;

/** The next state is an entry of its own, though its place may be the same. */
export function beginEntry() {
  anew = true;
}

/**
 * Writes a state to the address bar, beside the keys of others. A place that is not the one on screen becomes an entry of the
 * browser's history, so that Back returns; moves within a place do not.
 * @param {string} query @param {string} place a view's name, with a chapter's after it @param {string} title
 */
export function writeQuery(query, place, title) {
  const address = `${location.pathname}?${[query, ...parts().filter(isOption)].join("&")}`;
  const stays = !anew && (here === null || place === here || place.startsWith(`${here} `)); // a chapter is known a little later
  history[stays ? "replaceState" : "pushState"]({ place }, "", address);
  here = place;
  anew = false;
  document.title = `${title} · Latent Explorer`;
}

/** Calls `back(query)` when somebody went back or forward to an entry. @param {(query: string) => any} back */
export function listenToHistory(back) {
  window.addEventListener("popstate", () => {
    here = history.state?.place ?? null;
    anew = false;
    back(written());
  });
}

/** The address of a state. @param {string} query */
export const addressOf = query => `${location.origin}${location.pathname}?${query}`;

const HUB = "https://huggingface.co";
/** Whether the page is in a frame of the Hub's; `ancestorOrigins` is not in Firefox, the referrer not after a reload. */
const isInHub = () => window.parent !== window &&
  [...(location.ancestorOrigins ?? []), document.referrer.replace(/\/$/, "")].some(origin => `${origin}/`.startsWith(`${HUB}/`));

/**
 * The address of a state for others: of a Space in the Hub's frame the Hub's, which hands the state on to the frame.
 * @param {string} query
 */
export function sharedAddress(query) {
  const space = /** @type {any} */ (window).gradio_config?.space_id;
  return space && isInHub() ? `${HUB}/spaces/${space}?${query}` : addressOf(query);
}

/** Where the app itself is served: also below a path, and in a frame. @param {string} path */
export function appUrl(path) {
  const root = /** @type {any} */ (window).gradio_config?.root;
  return new URL(path, root ? `${root.replace(/\/$/, "")}/` : document.baseURI);
}
