// @ts-check
// The page in the visitor's language. What views write is English, and the key by which a catalogue (de.json: of the frame, of
// each view) has it in another language. A key is a text, an attribute, or all of a paragraph with its tags; `{}` in it stands for
// any words, which are looked up too, `{n}` for numbers, `{2}` in a translation for the second of them. Whoever reads the page in
// English fetches no catalogue, and nothing is watched.

const KEY = "latent-explorer-language"; // under which the browser remembers what was chosen
const OPTION = "language"; // of the address, as in page_options.js
const ATTRIBUTES = ["title", "aria-label", "placeholder", "alt"];
const LEFT = "[translate=no], code, pre, kbd, script, style, svg, textarea, .modebar, .lx-formula"; // as they are
const CHART = "svg.lx-chart"; // whose words are translated where the catalogue has them: most of them are figures and names
const PLAIN = new Set(["B", "EM", "CODE", "A", "SUB", "SUP", "KBD", "STRONG", "I", "BR"]); // what a paragraph may have within
const MOST = 4000; // texts whose translation is remembered

/** A translation of texts. */
class Catalogue {
  /** @param {Record<string, string>} entries */
  constructor(entries) {
    this.exact = new Map(Object.entries(entries));
    this.values = new Set(this.exact.values());
    const patterns = [...this.exact].filter(([key]) => /\{n?\}/.test(key));
    patterns.sort(([a], [b]) => b.replace(/\{n?\}/g, "").length - a.replace(/\{n?\}/g, "").length); // the most said goes first
    this.patterns = patterns.map(([key, value]) => /** @type {const} */ ([patternOf(key), value, isFew(key)]));
    /** @type {Map<string, string | undefined>} */
    this.known = new Map();
  }

  /** @param {string} text without blanks around it @returns {string | undefined} */
  of(text) {
    if (this.known.has(text)) return this.known.get(text);
    if (this.known.size > MOST) this.known.clear();
    const found = this.exact.get(text) ?? this._matched(text) ?? this._inParts(text);
    this.known.set(text, found);
    return found;
  }

  /** @param {string} text */
  _matched(text) {
    for (const [pattern, value, few] of this.patterns) {
      const parts = pattern.exec(text)?.slice(1);
      if (!parts || parts.some(part => part.includes("<"))) continue; // a tag is no word
      if (few && parts.some(part => !isName(part) && this.of(part.trim()) === undefined)) continue;
      let at = 0;
      return value.replace(/\{(\d|n?)\}/g, (_, place) => {
        const part = parts[/\d/.test(place) ? +place - 1 : at++];
        return this.of(part.trim()) ?? part;
      });
    }
    return undefined;
  }

  /** A list, or a name with its figures, of which each part is known. @param {string} text */
  _inParts(text) {
    if (text.includes("<")) return undefined;
    for (const between of [/ · /, /(?<=.): /, /; /, /, /, / (?=[-−+±]?[\d.,]+(?: ?%)?$)/]) {
      const cut = text.match(between);
      if (!cut) continue;
      const parts = text.split(between), found = parts.map(part => isName(part) ? part : this.of(part));
      if (found.every(part => part !== undefined)) return found.join(cut[0]);
    }
    return undefined;
  }
}

/** Whether a text has no words to translate: figures, signs, PNG, mnist-vae, its_own_name. @param {string} text */
function isName(text) {
  return !/\p{L}{2}/u.test(text) || /^[\p{Lu}\d.+/-]+$/u.test(text) || /^[a-z\d]+([-_./][a-z\d]+)+$/.test(text);
}

/**
 * Whether a pattern says so little that it would take whole sentences, as in "{} to {}": then all in it is to be known.
 * @param {string} key
 */
const isFew = key => key.replace(/\{n?\}|\P{L}/gu, "").length < 6;

/** @param {string} key */
function patternOf(key) {
  const escaped = key.replace(/[.*+?^$()|[\]\\/]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("{n}", "([-−+]?[\\d.,:e\\u202f−-]+)").replaceAll("{}", "(.+?)")}$`, "s");
}

/** @type {Catalogue | null} of the language that is shown, unless it is English */
let catalogue = null;
/** What each text was: [English, shown]. @type {WeakMap<Node, Map<string, [string, string]>>} */
const was = new WeakMap();
/** What had no translation, for those who write catalogues. @type {Set<string>} */
export const missing = new Set();
/** @type {MutationObserver | null} */
let observer = null;

/** A text that is drawn, not written. @param {string} english */
export const said = english => catalogue?.of(english) ?? english;

/** The catalogue's word for a text with what blanks it has around it, or the text. @param {string} text */
function translated(text) {
  const key = text.trim().replace(/\s+/g, " ");
  if (!catalogue || isName(key)) return text;
  const found = catalogue.of(key);
  if (found === undefined) {
    if (!catalogue.values.has(key)) missing.add(key);
    return text;
  }
  return text.replace(text.trim(), () => found);
}

/**
 * Shows a text in the language chosen, or as it was.
 * @param {Node} node @param {string} part which of its texts @param {string} now @param {(text: string) => void} write
 */
function show(node, part, now, write, find = translated) {
  const known = was.get(node)?.get(part);
  const english = known && known[1] === now ? known[0] : now;
  const wanted = catalogue ? find(english) : english;
  if (wanted !== english) {
    if (!was.has(node)) was.set(node, new Map());
    was.get(node)?.set(part, [english, wanted]);
  }
  if (wanted !== now) write(wanted);
}

/** @param {Element} element whether it is a paragraph with tags that carry no part of the program */
function isParagraph(element) {
  const says = [...element.childNodes].some(node => node.nodeType === 3 && node.nodeValue?.trim());
  if (!element.firstElementChild || !says) return false;
  return [...element.querySelectorAll("*")].every(({ tagName, attributes }) =>
    PLAIN.has(tagName) && [...attributes].every(({ name }) => name === "href"));
}

/** @param {Element} element */
function attributes(element) {
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name);
    if (value) show(element, name, value, text => element.setAttribute(name, text));
  }
}

/** @param {Element} svg */
function chart(svg) {
  const find = (/** @type {string} */ text) => isName(text) ? text : said(text);
  show(svg, "aria-label", svg.getAttribute("aria-label") ?? "", text => svg.setAttribute("aria-label", text), find);
  for (const { firstChild: words } of svg.querySelectorAll("text")) {
    if (words?.nodeValue) show(words, "", words.nodeValue, text => { words.nodeValue = text; }, find);
  }
}

/** @param {Node} node and all within */
function translate(node) {
  if (node.nodeType === 3) {
    const paragraph = node.parentElement;
    if (node.nodeValue?.trim()) show(node, "", node.nodeValue, text => { node.nodeValue = text; });
    return paragraph;
  }
  if (node instanceof Element && node.matches(CHART)) return chart(node);
  if (!(node instanceof Element) || node.matches(LEFT) && !node.matches(".lx-formula")) return;
  attributes(node);
  if (node.matches(LEFT)) return;
  if (isParagraph(node)) {
    const html = node.innerHTML, normal = html.replace(/\s+/g, " ").trim(), known = was.get(node)?.get("html");
    if (known?.[1] === html || catalogue?.of(normal) !== undefined) {
      show(node, "html", html, text => { node.innerHTML = text; }, () => catalogue?.of((known?.[0] ?? normal)
        .replace(/\s+/g, " ").trim()) ?? html);
      return;
    }
  }
  for (const child of [...node.childNodes]) translate(child);
}

/** @param {MutationRecord[]} records */
function follow(records) {
  const changed = new Set(records.flatMap(({ type, target, addedNodes }) => type === "childList" ? [...addedNodes] : [target]));
  const attributed = new Set(records.filter(({ type }) => type === "attributes").map(({ target }) => target));
  for (const node of changed) {
    const element = node.nodeType === 3 ? node.parentElement : /** @type {Element} */ (node);
    const left = element?.closest?.(LEFT);
    if (!element?.isConnected || left && !(left === node && left.matches(CHART)) && !attributed.has(node)) continue;
    if (attributed.has(node)) attributes(/** @type {Element} */ (node)); else translate(wholeOf(node, element));
  }
  observer?.takeRecords(); // what was written just now
}

/** The paragraph of which a node is new, if that is translated as a whole. @param {Node} node @param {Element} element */
function wholeOf(node, element) {
  const around = node === element ? element.parentElement : element;
  if (around && PLAIN.has(element.tagName) && isParagraph(around)) return around;
  return node.nodeType === 3 && isParagraph(element) ? element : node;
}

function watch() {
  observer ??= new MutationObserver(follow);
  observer.observe(document.documentElement, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
  });
}

/** @param {string} language @param {string[]} paths of its catalogues, below /lx; none for English */
async function turnTo(language, paths) {
  const parts = await Promise.all(paths.map(async path => (await fetch(new URL(`lx/${path}`, document.baseURI))).json()));
  observer?.disconnect();
  catalogue = parts.length ? new Catalogue(Object.assign({}, ...parts)) : null;
  document.documentElement.lang = language;
  translate(document.documentElement);
  if (catalogue) watch();
  dispatchEvent(new Event("resize")); // what is drawn has words too, and other widths beside it
}

/** @returns {string | null} */
function remembered() {
  try { return localStorage.getItem(KEY); } catch { return null; } // a frame of another site
}
/** @param {string} language */
function remember(language) {
  try { localStorage.setItem(KEY, language); } catch { /* blocked */ }
}

/** What the address says, what was chosen before, or the first of the browser's languages that is here. @param {string[]} here */
function chosen(here) {
  const named = new URLSearchParams(location.search).get(OPTION);
  if (named && here.includes(named)) remember(named);
  const wished = [named, remembered(), ...navigator.languages.map(language => language.split("-")[0])];
  return wished.find(language => language && here.includes(language)) ?? "en";
}

/**
 * @param {{element: HTMLElement, props: {languages: Record<string, string[]>}}} given what gr.HTML gives of the page's header;
 * `languages`: beside English, the catalogues of each
 */
export async function start({ element, props: { languages } }) {
  const select = /** @type {HTMLSelectElement} */ (element.querySelector(".lx-language")), here = ["en", ...Object.keys(languages)];
  select.replaceChildren(...here.map(code => {
    const name = new Intl.DisplayNames([code], { type: "language" }).of(code) ?? code;
    return Object.assign(document.createElement("option"), { value: code, textContent: name, lang: code, translate: false });
  }));
  select.hidden = false;
  select.onchange = () => {
    remember(select.value);
    return turnTo(select.value, languages[select.value] ?? []);
  };
  select.value = chosen(here);
  if (select.value !== "en") await turnTo(select.value, languages[select.value]);
}
