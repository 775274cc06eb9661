// @ts-check
// The names of attributes, as people read them and in the order of the page.

/** @param {string} name as in CelebA, such as 5_o_Clock_Shadow */
export const spoken = name => name.replace(/_/g, " ").toLowerCase().replace(/^5 o clock/, "5 o'clock");

/**
 * Amounts by attribute; a visitor's own may be called "constructor".
 * @param {[string, number][]} [pairs] @returns {Record<string, number>}
 */
export const amountsOf = (pairs = []) => Object.assign(Object.create(null), Object.fromEntries(pairs));

/** All but the six. @param {any} model @returns {string[]} */
export const othersOf = model => model.attributes.filter((/** @type {string} */ name) => !model.six.includes(name));

/** Choices of one attribute, a direction of one's own and the six first. @param {any} model @param {string | null} [own] */
export const choices = (model, own) => [...own ? [own] : [], ...model.six, ...othersOf(model)]
  .map(name => new Option(spoken(name), name));

/** Which of the six the judge sees. @param {any} model @param {number[]} judged a probability for each attribute */
export function seenIn(model, judged) {
  const seen = model.six.filter((/** @type {string} */ name) => judged[model.attributes.indexOf(name)] > 0.5);
  return seen.map(spoken).join(", ") || "none of the six";
}
