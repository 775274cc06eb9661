// @ts-check
// A QR code of what is on screen, for the phones in the room: it follows the state, so that whoever looks later gets what is shown
// then. The server draws it; nothing is asked of anybody else.
import { sharedAddress, written } from "./link.js";
import { seen } from "./places.js";

const LOOK = 700; // milliseconds between looks whether the state is another
const HERE = ["127.0.0.1", "localhost", "[::1]"];

/** The address of what is on screen; of a view that shows cards alone, as the address bar has it. */
export function presentAddress() {
  const view = seen();
  return sharedAddress(view?.isSeen && view.model ? view.query() : written());
}

/** The QR code of a text as SVG, or why there is none. @param {string} text @returns {Promise<{svg?: string, error?: string}>} */
export async function codeOf(text) {
  try {
    return await seen().server.qr_code({ text });
  } catch {
    return { error: "The server does not answer." };
  }
}

export class Code {
  constructor() {
    this.box = document.createElement("dialog");
    this.box.className = "lx-code";
    this.box.setAttribute("aria-label", "QR code of what is on screen");
    this.box.innerHTML = `<div class="lx-code-picture"></div><p class="lx-code-address"></p><p class="lx-code-words"></p>
      <button type="button">Close</button>`;
    this.box.querySelector("button")?.addEventListener("click", () => this.close());
    this.box.addEventListener("close", () => clearInterval(this._looking));
    document.body.append(this.box);
    this.address = "";
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._looking = undefined;
  }

  toggle() {
    if (this.box.open) return this.close();
    this.address = "";
    this.box.show(); // beside what goes on
    this._follow();
    this._looking = setInterval(() => this._follow(), LOOK);
  }

  close() {
    this.box.close();
  }

  async _follow() {
    const address = presentAddress();
    if (address === this.address) return;
    this.address = address;
    const { svg, error } = await codeOf(address);
    if (address !== this.address) return;
    /** @type {any} */ (this.box.querySelector(".lx-code-picture")).innerHTML = svg ?? "";
    const [where, words] = /** @type {any} */ (this.box.querySelectorAll("p"));
    where.textContent = address.length > 90 ? `${address.slice(0, 90)}…` : address;
    words.textContent = error ?? (HERE.includes(location.hostname)
      ? "This address is known on this machine alone: phones need its address in their network (app.py --host 0.0.0.0)." : "");
    this.box.dataset.address = address;
  }
}
