// @ts-check
// The page without a server: its views as tabs, each with what answers it in the place of a server, and what keeps the page for
// when there is no network.
import { start as startLanguage } from "../../serving/language.js";
import { opening, viewOfLink } from "../../serving/link.js";
import { asked } from "../../serving/state.js";
import { start as startFaces } from "../../views/faces/view.js";
import { start as startPlane } from "../../views/latent_plane/view.js";
import { start as startMorph } from "../../views/morph/view.js";
import { start as startFamily } from "../../views/why_a_vae/view.js";
import { server as faces } from "./faces.js";
import { server as family } from "./family.js";
import { server as morph } from "./morph.js";
import { server as plane } from "./plane.js";

/** @type {Record<string, [start: (given: any) => any, server: (props: any) => Record<string, any>]>} */
const VIEWS = {
  "latent-plane": [startPlane, plane], faces: [startFaces, faces], morph: [startMorph, morph], "why-a-vae": [startFamily, family],
};
const { views, first, languages } = JSON.parse(document.getElementById("props")?.textContent ?? "");

/** The view that a link names, or its model's; the first where there is none such here. @param {string} query */
async function view_of(query) {
  const { view, model } = asked(query), wanted = view ?? first[model];
  return { view: views[wanted] ? wanted : Object.keys(views)[0] };
}

startLanguage({ element: document.body, props: { languages } });
const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-tab-id]")]);
/** @param {HTMLElement} chosen */
function turn(chosen) {
  for (const tab of tabs) {
    const isChosen = tab === chosen, panel = /** @type {HTMLElement} */ (document.getElementById(tab.dataset.tabId ?? ""));
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    panel.hidden = !isChosen;
  }
}
tabs.forEach((tab, i) => {
  tab.onclick = () => turn(tab);
  tab.onkeydown = ({ key }) => {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0, next = tabs[(i + step + tabs.length) % tabs.length];
    if (!step) return;
    turn(next);
    next.focus();
  };
});

for (const [name, props] of Object.entries(views)) {
  const [start, server] = VIEWS[name];
  start({ element: document.getElementById(name), props, server: { ...server(props), view_of } });
}
turn(/** @type {HTMLElement} */ (document.querySelector(`[data-tab-id="${await viewOfLink({ view_of })}"]`)));
if (asked(opening).view && !views[asked(opening).view]) {
  const about = document.querySelector(".lx-about");
  about?.prepend(Object.assign(document.createElement("strong"), { textContent: "The view of this link is in the app alone. " }));
}
try {
  navigator.serviceWorker?.register("offline.js").catch(() => {});
} catch { /* blocked, as in some frames of other sites: then the page needs its host at each visit */ }
