// @ts-check
// A file of ours that is dropped anywhere on the page opens what it shows, as its link would. One without a state goes on to where
// it was dropped, such as to a place for pictures.
import { readFile } from "./drawing_pad.js";
import { beginEntry } from "./link.js";
import { goTo, seen } from "./places.js";

const NONE = "This file does not say what it shows: only files that were saved here do. "
  + "To use a picture, drop it on a place for one.";

/** Events that were sent on. @type {WeakSet<Event>} */
const looked = new WeakSet();
let listens = false;

/** Listens once, for all views: the one that is seen speaks. @param {import("./view.js").View} view */
export function listenToFiles(view) {
  if (listens) return;
  listens = true;
  const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", event => { if (holdsFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", event => {
    if (!holdsFiles(event) || looked.has(event)) return;
    const files = [...event.dataTransfer?.files ?? []], [file] = files;
    const ending = file?.name.split(".").at(-1)?.toLowerCase();
    if (!file || !["png", ...view.props.films].includes(ending)) return; // no file of ours: its place takes it
    event.preventDefault();
    event.stopPropagation();
    open(files, /** @type {Element} */ (event.target));
  }, { capture: true });
  document.addEventListener("drop", event => { // that no place took: else the browser would leave the page for the file
    if (!holdsFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    seen().say(NONE);
  });
}

/** Of several, the first says what they are. @param {File[]} files @param {Element} target where they were dropped */
async function open(files, target) {
  const view = seen(), url = await readFile(files[0], words => view.say(words));
  if (!url) return;
  const answer = await view.ask("state_of_file", { file: url });
  if (!answer) return;
  if (!answer.state) return sendOn(files, target);
  view.writeNow(); // Back returns to what is on screen
  beginEntry();
  goTo(answer.state);
}

/** As if they had been dropped just now. @param {File[]} files @param {Element} target */
function sendOn(files, target) {
  const dataTransfer = new DataTransfer();
  for (const file of files) dataTransfer.items.add(file);
  const again = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
  looked.add(again);
  target.dispatchEvent(again);
}
