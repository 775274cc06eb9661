// @ts-check
// The view "Models": the model whose card is read stands in the address bar.
import { writeQuery } from "../../serving/link.js";
import { escapeText } from "../../serving/state.js";

/** @param {string} name */
export const writeModel = name => writeQuery(`view=models&model=${escapeText(name)}`, "models", "Models");

/**
 * ... if the address bar is this view's already: a link's model may be chosen while another view is on screen.
 * @param {string} name
 */
export function writeModelHere(name) {
  if (new URLSearchParams(location.search).get("view") === "models") writeModel(name);
}
