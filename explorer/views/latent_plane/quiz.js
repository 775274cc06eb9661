// @ts-check
// A quiz, as a teacher would ask: which kind is here, and where one would lie. What lies on the plane is covered until the answer,
// the dots too, but for who asks for them; the judge of the model's pictures says what is right. Nobody is known by name.
import { newest, randomSeed } from "../../serving/view.js";

const WORDS = {
  which: { digit: "Which digit is here, at the cross?", kind: "Which kind is here, at the cross?" },
  move: "Move the cross there, then press Here (or Enter).", choose: "Choose, or press its key.",
  here: "Here", next: "Next", leave: "Leave the quiz", again: "Other questions", dots: "Show the dots, for half a point",
  right: "Right", wrong: "Not quite", there: "The ring is where most of them lie.",
  /** @param {number} at @param {number} of */
  number: (at, of) => `Question ${at} of ${of}`,
  /** @param {string} name */
  where: name => `Where would ${name === "8" ? "an" : "a"} ${/^[0-9]$/.test(name) ? name : `“${name}”`} lie?`,
  /** @param {number} points @param {number} of */
  score: (points, of) => `${`${points}`.replace(".5", "½").replace(/^0½/, "½")} of ${of}`,
  /** @param {string} name @param {number} sure */
  says: (name, sure) => `The judge sees “${name}” here, ${Math.round(100 * sure)} % sure.`,
  /** @param {string} score */
  over: score => `${score}. That was the last question.`,
};

export class Quiz {
  /** @param {import("./view.js").PlaneView} view */
  constructor(view) {
    this.view = view;
    this.box = view.find(".lx-quiz");
    /** @type {{z?: number[], label?: number}[]} */
    this.questions = [];
    this.at = 0;
    this.points = 0;
    this.answered = 0;
    this.isOn = false;
    this.isOver = false;
    this.dots = false;
    /** @type {any} what the judge said of the question on screen, once it was answered */
    this.said = null;
    this._begin = newest(() => this._ask());
    for (const [part, words] of [["here", WORDS.here], ["next", WORDS.next], ["leave", WORDS.leave], ["again", WORDS.again]])
      this.box.querySelector(`[data-quiz=${part}]`).textContent = words;
    this.box.querySelector(".lx-dots span").textContent = WORDS.dots;
    this.box.querySelector("[data-quiz=dots]").onchange = (/** @type {any} */ event) => {
      this.dots = event.target.checked;
      this._cover();
    };
    this.box.addEventListener("click", (/** @type {any} */ event) => this._click(event.target.closest("button")));
    document.addEventListener("keydown", event => this._key(event), { capture: true }); // before the plane, whose 0 shows all of it
  }

  /** Whether what is at the point must not be told yet. */
  get covers() {
    return this.isOn && !this.isOver && !this.said;
  }

  /** Whether the point is the question's, and stays. */
  get holds() {
    return this.covers && !!this.questions[this.at]?.z;
  }

  /** As the state has it: its seed, and the model that is asked about. */
  place() {
    const { view } = this, { state, model } = view, wanted = model.quiz ? state.quiz : undefined;
    view.find("[data-do=quiz]").hidden = !model.quiz || document.documentElement.dataset.static !== undefined;
    if (wanted === undefined) return this.isOn && this._end();
    if (!this.isOn || this._seed !== wanted || this._model !== model.name) this._begin();
  }

  toggle() {
    this.view.state.quiz = this.isOn ? undefined : randomSeed();
    this.place();
    this.view.settle();
  }

  async _ask() {
    const { view } = this, { quiz: seed, model } = view.state;
    const answer = seed !== undefined && await view.ask("quiz_questions", { model, seed });
    if (!answer || view.state.quiz !== seed) return;
    Object.assign(this, { questions: answer.questions, at: -1, points: 0, answered: 0, isOn: true, _seed: seed, _model: model });
    this._next();
  }

  _end() {
    Object.assign(this, { isOn: false, said: null });
    this.box.hidden = true;
    this._cover();
  }

  _next() {
    const { view } = this;
    this.said = null;
    this.at++;
    this.isOver = this.at >= this.questions.length;
    const question = this.questions[this.at];
    if (question?.z) {
      this.said = true; // so that the point may be moved to
      view.setPoint(question.z);
      this.said = null;
    }
    this._show();
  }

  /** @param {HTMLButtonElement | null} button */
  _click(button) {
    const { quiz, label } = button?.dataset ?? {};
    if (label !== undefined) this._answer(+label);
    else if (quiz === "here") this._answer();
    else if (quiz === "next") this._next();
    else if (quiz === "leave") this.toggle();
    else if (quiz === "again") { this.view.state.quiz = randomSeed(); this.place(); this.view.settle(); }
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    const { view } = this, from = /** @type {HTMLElement} */ (event.target);
    if (!this.isOn || this.isOver || !view.isSeen || event.ctrlKey || event.metaKey || event.altKey) return;
    if (from.closest(`input, select, textarea, dialog${event.key === "Enter" ? ", button, summary, label, a" : ""}`)) return;
    const label = /^[0-9]$/.test(event.key) ? +event.key : -1;
    if (this.holds && label >= 0 && label < view.model.classes.length) this._answer(label);
    else if (event.key === "Enter" && this.said) this._next();
    else if (event.key === "Enter" && this.covers && !this.holds) this._answer();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} [label] what was chosen; of a place the point is the answer */
  async _answer(label) {
    const { view, at } = this, question = this.questions[at];
    if (!this.covers || this._asking) return;
    this._asking = true;
    const { model, z } = view.state;
    const said = await view.ask("quiz_verdict", { model, z, label: question.label ?? null });
    this._asking = false;
    if (!said || at !== this.at || !this.covers) return;
    this.said = { ...said, right: said.label === (question.label ?? label), chosen: label };
    this.answered++;
    if (this.said.right) this.points += this.dots ? 0.5 : 1;
    this._show();
  }

  _show() {
    const { view, box, said } = this, { classes } = view.model, question = this.questions[this.at];
    const find = (/** @type {string} */ part) => box.querySelector(part);
    const digits = classes.every((/** @type {string} */ name) => name.length === 1);
    const hadFocus = box.contains(document.activeElement);
    box.hidden = false;
    find(".lx-quiz-number").textContent = this.isOver ? "" : WORDS.number(this.at + 1, this.questions.length);
    find(".lx-quiz-score").textContent = this.answered ? WORDS.score(this.points, this.answered) : "";
    const which = !!question?.z;
    find(".lx-quiz-question").textContent = this.isOver ? WORDS.over(WORDS.score(this.points, this.answered))
      : which ? WORDS.which[digits ? "digit" : "kind"] : WORDS.where(classes[question.label ?? 0]);
    find(".lx-quiz-how").textContent = this.isOver || said ? "" : which ? WORDS.choose : WORDS.move;
    find(".lx-answers").replaceChildren(...which && !this.isOver ? classes.map(this._choice, this) : []);
    find("[data-quiz=here]").hidden = this.isOver || which || !!said;
    find("[data-quiz=next]").hidden = this.isOver || !said;
    find("[data-quiz=again]").hidden = !this.isOver;
    find(".lx-dots").hidden = this.isOver || !!said;
    const verdict = find(".lx-quiz-verdict");
    verdict.textContent = said ? `${said.right ? WORDS.right : WORDS.wrong}. ${WORDS.says(classes[said.label], said.sure)}`
      + (said.middle ? ` ${WORDS.there}` : "") : "";
    verdict.dataset.right = said ? String(said.right) : "";
    this._cover();
    const next = [...box.querySelectorAll("[data-quiz=next], [data-quiz=again], .lx-answers button, [data-quiz=here]")];
    if (hadFocus) next.find(button => button.offsetParent && !button.disabled)?.focus({ preventScroll: true }); // its own is gone
  }

  /** @param {string} name @param {number} label */
  _choice(name, label) {
    const { said } = this, button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: name, disabled: !!said });
    button.dataset.label = String(label);
    button.classList.toggle("lx-right", !!said && label === said.label);
    button.classList.toggle("lx-wrong", !!said && label === said.chosen && !said.right);
    return button;
  }

  /** What must not be seen yet. */
  _cover() {
    const { view, covers, said } = this, { plane, root } = view;
    root.classList.toggle("lx-quizzing", this.isOn);
    root.classList.toggle("lx-covered", covers);
    plane.covered = !covers ? "" : this.dots ? "pictures" : "all";
    plane.ellipse = this.isOn && said?.middle ? { z: said.middle, sigma: [0.12, 0.12] } : null;
    plane.draw();
  }
}
