// @ts-check
// Faces that the Faces view sends to the Morph view, also before that one was first looked at.

/** @typedef {{place: string, own: boolean}} Sent a place as in a link, and whether it is the code of a visitor's photo */
/** @type {Record<string, Sent>} */
let sent = {};
/** @type {() => any} */
let arrived = () => {};

/** @param {string} slot the corner's index @param {Sent} face */
export function send(slot, face) {
  sent[slot] = face;
  arrived();
}

/** What was sent since this was last asked. @returns {[string, Sent][]} */
export function takeSent() {
  const taken = Object.entries(sent);
  sent = {};
  return taken;
}

/** @param {() => any} then called at once when something comes */
export function whenSent(then) {
  arrived = then;
}
