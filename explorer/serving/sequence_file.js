// @ts-check
// A sequence as a text: a line for each step, its link and, after a space, what the teacher says there. A line that begins with "#"
// is a remark. Links hold no spaces, so any list of links is a sequence.

/** @typedef {{query: string, words: string}} Step a state as it stands after ? in the address, and the teacher's line */

const MOST = 200, MOST_WORDS = 400;

/** The state of a link, without its host and without what says how the page is shown. @param {string} link */
function stateOf(link) {
  const query = link.includes("?") && !/^[^?]*[=&]/.test(link) ? link.slice(link.indexOf("?") + 1) : link;
  return query.replace(/#.*/, "").split("&").filter(part => !/^(embed|lecture|kiosk|sequence|__.*)(=|$)/.test(part)).join("&");
}

/** What a text holds; nothing of a line that is no link. @param {string} text @returns {Step[]} */
export function readSequence(text) {
  const lines = text.split(/\r?\n/).map(line => line.trim()).filter(line => line && !line.startsWith("#"));
  return lines.map(line => {
    const [link] = line.split(/\s/, 1);
    return { query: stateOf(link), words: line.slice(link.length).trim().slice(0, MOST_WORDS) };
  }).filter(({ query }) => query.includes("=")).slice(0, MOST);
}

/** @param {Step[]} steps */
export const writeSequence = steps => steps.map(({ query, words }) => `${query} ${words.replace(/\s+/g, " ")}`.trim()).join("\n");
