// What the scripts of all views share: words, questions to the server, the address bar, undo, files. A view's own script brings
// VIEW, its name; `query(extra)`, its state as a string; `remember()`, the same for undo; `open(text, options)`, which shows one;
// ACTIONS and KEYBOARD, its buttons and keys.
// `element`, `props` and `server` are given by gr.HTML; each component runs its files as one script.

const find = selector => element.querySelector(selector), all = selector => [...element.querySelectorAll(selector)];
const view = find(".lx"), still = matchMedia("(prefers-reduced-motion: reduce)");
let state = {}, model = null, undone = [], settled = "";

// ---- words

const SILENT = "The server does not answer. Is it still running? Your point is kept in the address bar.";
function say(text) {
  find(".lx-message span").textContent = text || "";
  find(".lx-message").hidden = !text;
}

const LIVE = new Set(["decode_point", "decode_face", "run_news", "repaired_picture", "coded_picture"]); // what goes over the live channel
async function ask(name, request, quiet) {
  let answer;
  try { answer = await (LIVE.has(name) ? live(name, request) : server[name](request)); } catch { /* below */ }
  if (answer && find(".lx-message span").textContent === SILENT) say("");
  answer ??= { error: SILENT };
  if (answer.error) { if (!quiet) say(answer.error); return null; }
  return answer;
}

const numberText = value => String(Math.round(value * 1e4) / 1e4 + 0);
const short = value => (value < 0 ? "−" : "") + Math.abs(value).toFixed(2);
const escaped = text => text.replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

function loadImage(url) {
  return new Promise((resolve, reject) => { const image = new Image(); image.onload = () => resolve(image); image.onerror = reject; image.src = url; });
}

// ---- one request in flight, the newest waits

// Each request's promise is kept once nothing is waiting or under way any more.
function Newest(work) {
  let waiting = null, under = null;
  async function go() {
    while (waiting) {
      const [next] = [waiting, waiting = null];
      try { await work(...next); } catch (error) { console.error(error); }
    }
    under = null;
  }
  return function request(...what) {
    waiting = what;
    return under ??= go();
  };
}

// ---- the address bar follows what is on screen

let addressTimer = null;
function writeAddress() {
  if (addressTimer) return;
  addressTimer = setTimeout(() => {
    addressTimer = null;
    if (!model || !element.offsetParent) return; // another view is on screen
    const kept = location.search.slice(1).split("&").filter(part => part.startsWith("__"));
    history.replaceState(null, "", `${location.pathname}?${[query(), ...kept].join("&")}`);
  }, 250);
}

// Opens what the link says if it names this view, else the view's own start; not before anyone looks at it. Until the page has
// turned to the view that the link names, another one may be seen for a moment: it waits, and leaves the address alone.
function openWhenSeen(then, again) {
  const link = window.latentExplorerLink ??= location.search.slice(1), named = new URLSearchParams(link).get("view") || "latent-plane";
  const mine = named === VIEW || (named === "models" && VIEW === "latent-plane");
  let opened = false;
  const go = () => {
    if (opened || !element.offsetParent) return;
    opened = true;
    open(mine && !window.latentExplorerOpened ? link : "").then(then);
    window.latentExplorerOpened = true;
  };
  new IntersectionObserver(entries => {
    if (!entries.some(entry => entry.isIntersecting)) return;
    if (opened) { again?.(); return writeAddress(); } // coming back from another view
    if (mine || window.latentExplorerOpened) go(); else setTimeout(go, 4000);
  }).observe(view);
}

// ---- one step of undo for each thing that people do

let settleTimer = null;
function settle() {
  clearTimeout(settleTimer);
  const now = remember();
  if (settled && now !== settled) { undone.push(settled); if (undone.length > 200) undone.shift(); }
  settled = now;
  find("[data-do=undo]").disabled = !undone.length;
  writeAddress();
}

function settleSoon() {
  clearTimeout(settleTimer);
  settleTimer = setTimeout(settle, 400);
}

// One step after the other, however fast they are asked for; `answer`: a promise of what was asked for last and is yet to come.
let undoing = Promise.resolve();
function undo(answer) {
  undoing = undoing.catch(() => {}).then(async () => {
    await answer;
    settle(); // what was done just now is a step too
    const last = undone.pop();
    if (!last) return;
    settled = last;
    await open(last, { keepHistory: true });
    settled = remember(); // what opening makes of it is no step of its own
    find("[data-do=undo]").disabled = !undone.length;
    writeAddress();
  });
}

// ---- files, the link, buttons

async function save(extra, ending) {
  const answer = await ask("export_file", { query: query(extra), ending });
  if (!answer) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytesOf(answer.file)]));
  link.download = answer.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function copyLink() {
  const text = `${location.origin}${location.pathname}?${query()}`, button = find("[data-do=link]"), words = button.dataset.words ??= button.textContent;
  try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch { say(`The link: ${text}`); }
  setTimeout(() => { button.textContent = words; }, 1500);
}

view.addEventListener("click", event => {
  const button = event.target.closest("button");
  if (button?.dataset.do === "hush") return say("");
  if (!button || !model) return;
  if (button.dataset.do) { say(""); ACTIONS[button.dataset.do]?.(button); }
  if (button.dataset.save) { say(""); const [what, ending] = button.dataset.save.split(" "); save(fileState(what), ending); }
});

element.addEventListener("keydown", event => {
  if (event.target.closest("input, select, textarea") || !model) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") { ACTIONS.undo(); event.preventDefault(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, summary, label, a")) return; // it presses these
  const act = ACTIONS[KEYBOARD[event.key.toLowerCase()]];
  if (!act) return;
  act();
  if (event.key === " ") event.preventDefault(); // else it scrolls
});
