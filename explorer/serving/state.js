// @ts-check
// A state as a string, as `explorer/state.py` writes it. The server sends the schema: keys in their order, with the sign that
// stands between the parts of each.

/** @typedef {Record<string, any>} State */
/** @typedef {[key: string, between: string][]} Schema */

const DECIMALS = 1e4;

/** A number as a state holds it, with at most four decimals and without minus zero. @param {number} value */
export const quantised = value => Math.round(value * DECIMALS) / DECIMALS + 0;

/** A number as it stands in a link: at most four decimals, no needless zeros. @param {number} value */
export const numberText = value => quantised(value).toFixed(4).replace(/\.?0+$/, "");

/** The value of a key as it stands in a link, before it is escaped. @param {any} value @param {string} between @returns {string} */
export function valueText(value, between = ",") {
  if (typeof value === "number") return numberText(value);
  if (typeof value === "boolean") return value ? "1" : "0";
  if (!Array.isArray(value)) return String(value);
  const inner = between === ";" ? "," : ":"; // of a place's coordinates, or of a name and its amount
  return value.map(part => Array.isArray(part) ? valueText(part, inner).replaceAll(",", inner) : valueText(part)).join(between);
}

/** As Python's `quote` with the signs that need no escape. @param {string} text */
export function escapeText(text) {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, sign => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2C/g, ",").replace(/%3B/g, ";").replace(/%3A/g, ":");
}

/**
 * The query string of a state, keys in the order of the schema. What a link need not say, as it is in `defaults`, is left out.
 * @param {Schema} schema @param {State} state @param {State} [defaults]
 */
export function stateText(schema, state, defaults = {}) {
  const written = [];
  for (const [key, between] of schema) {
    const value = state[key];
    if (value === undefined || value === null) continue;
    const text = valueText(value, between), usual = defaults[key];
    if (usual !== undefined && usual !== null && valueText(usual, between) === text) continue;
    written.push(`${key}=${escapeText(text)}`);
  }
  return written.join("&");
}

/** The keys and texts of a query string. @param {string} text @returns {Record<string, string>} */
export const asked = text => Object.fromEntries(new URLSearchParams(text));
