// @ts-check
// Keys of the address that say how the page is shown, not what: they are no part of a state, and stay while the state changes.

export const OPTIONS = ["embed", "lecture", "kiosk", "sequence", "language"]; // as in `explorer/state.py`

/** Gradio's own begin with two underscores. @param {string} part of a query string, as in "a=b" */
export const isOption = part => part.startsWith("__") || OPTIONS.includes(part.split("=")[0]);

/** @param {string} name */
export const hasOption = name => new URLSearchParams(location.search).has(name);

/** Writes an option to the address bar, or takes it away; the rest of it stays. @param {string} name @param {boolean} on */
export function setOption(name, on) {
  const kept = location.search.slice(1).split("&").filter(part => part && part.split("=")[0] !== name);
  const search = [...kept, ...(on ? [name] : [])].join("&");
  history.replaceState(history.state, "", `${location.pathname}${search && `?${search}`}${location.hash}`);
}
