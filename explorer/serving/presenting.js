// @ts-check
// For a room: what the menu "Present" in the header does, and its keys, the same in every view.
import { Handout } from "./handout.js";
import { InSight } from "./in_sight.js";
import { Kiosk } from "./kiosk.js";
import { Lecture } from "./lecture.js";
import { Code } from "./qr.js";
import { Sequence } from "./sequence.js";
import { listenToShortcuts } from "./shortcuts.js";

const HALL = `<div class="lx-hall-buttons"><button type="button" data-present="code">QR code (Q)</button>
  <button type="button" data-present="lecture">Leave (L)</button></div>`; // at the foot of the page in lecture mode

/** @param {{element: HTMLElement}} given what gr.HTML gives of the page's header */
export function start({ element }) {
  const hall = document.createElement("div");
  hall.className = "lx-hall";
  hall.innerHTML = HALL;
  document.body.append(hall);
  const lecture = new Lecture(), code = new Code(), sequence = new Sequence(hall), handout = new Handout(), kiosk = new Kiosk();
  new InSight();
  /** @type {Record<string, () => any>} */
  const acts = {
    lecture: () => { sequence.edit(false); lecture.toggle(); }, code: () => { sequence.edit(false); code.toggle(); },
    take: () => { sequence.add(); sequence.edit(true); },
    sequence: () => sequence.edit(), handout: () => handout.print(), kiosk: () => kiosk.toggle(),
  };
  const menu = /** @type {HTMLDetailsElement | null} */ (element.querySelector(".lx-present"));
  for (const place of [menu, hall]) place?.addEventListener("click", event => {
    const act = acts[/** @type {any} */ (event.target).closest("button")?.dataset.present];
    if (!act) return;
    if (menu) menu.open = false;
    act();
  });
  menu?.addEventListener("keydown", event => { if (event.key === "Escape") menu.open = false; });
  listenToShortcuts({
    l: acts.lecture, q: acts.code, t: acts.take, s: acts.sequence, h: acts.handout, w: acts.kiosk,
    escape: () => {
      if (code.box.open) return code.close();
      if (sequence.editor.open) return sequence.edit(false);
      return lecture.isOn && lecture.leave();
    },
  });
  document.addEventListener("keydown", event => { // a presenter's buttons send these, whatever has the focus
    if (!sequence.isOn || event.defaultPrevented || !["PageDown", "PageUp"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (lecture.isOn) sequence.edit(false);
    sequence.step(event.key === "PageDown" ? 1 : -1);
  }, { capture: true });
}
