// @ts-check
// The prompts that a walk leads through between A and B: a line for each, with buttons that move it and take it away.

const MOST = 10;

export class Stops {
  /** @param {import("./view.js").TextView} view whose `state.via_prompts` are the stops, none of them empty */
  constructor(view) {
    this.view = view;
    this.place = view.find(".lx-stops");
  }

  /** @returns {string[]} */
  get prompts() {
    return this.view.state.via_prompts ?? [];
  }

  /** One more before B, as one of the examples has it. */
  add() {
    const { view, prompts } = this, { state, model } = view;
    if (prompts.length >= MOST) return view.say(`A walk leads through ${MOST} prompts at most: take one away first.`);
    const known = [state.prompt, state.to_prompt, ...prompts], examples = model.examples.flat();
    this.set([...prompts, examples.find((/** @type {string} */ prompt) => !known.includes(prompt)) ?? state.prompt]);
    this.place.lastElementChild?.querySelector("textarea").select();
  }

  /** @param {string[]} prompts */
  set(prompts) {
    this.view.set("via_prompts", prompts.length ? prompts : undefined);
  }

  /** Shows the stops, but for the one into which somebody writes. */
  show() {
    const { place, prompts } = this;
    while (place.children.length > prompts.length) place.lastElementChild.remove();
    while (place.children.length < prompts.length) place.append(this._row(place.children.length));
    prompts.forEach((prompt, i) => {
      const [area, earlier, later] = place.children[i].querySelectorAll("textarea, button");
      if (document.activeElement !== area) area.value = prompt;
      earlier.disabled = i === 0;
      later.disabled = i === prompts.length - 1;
    });
  }

  /** @param {number} i */
  _row(i) {
    const row = document.createElement("div"), name = String(i + 1);
    row.className = "lx-stop";
    row.innerHTML = `<label><span>${name}</span><textarea rows="2" maxlength="1000" spellcheck="false"></textarea></label>
      <div class="lx-buttons"><button type="button" aria-label="stop ${name} earlier" title="earlier">↑</button>
        <button type="button" aria-label="stop ${name} later" title="later">↓</button>
        <button type="button" aria-label="take stop ${name} out" title="take it out">×</button></div>`;
    const area = /** @type {HTMLTextAreaElement} */ (row.querySelector("textarea"));
    const [earlier, later, out] = /** @type {any} */ (row.querySelectorAll("button"));
    area.onchange = () => {
      const prompt = area.value.replace(/\s+/g, " ").trim(); // a link has a stop a line
      this.set(prompt ? this.prompts.with(i, prompt) : this.prompts.toSpliced(i, 1));
    };
    area.onkeydown = event => this.view.enter(event);
    earlier.onclick = () => this._swap(i, i - 1);
    later.onclick = () => this._swap(i, i + 1);
    out.onclick = () => this.set(this.prompts.toSpliced(i, 1));
    return row;
  }

  /** @param {number} i @param {number} j */
  _swap(i, j) {
    const { prompts } = this;
    this.set(prompts.with(i, prompts[j]).with(j, prompts[i]));
  }
}
