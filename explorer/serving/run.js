// @ts-check
// A run is a job on the server; its steps are asked for as they come, and it ends when nobody asks any more.
import { appUrl } from "./link.js";

/** What is said of a run that was stopped, where no link can hold a step of it. */
export const UNFINISHED = "The run was stopped: what is on screen is half drawn, and the link and files show what it would become.";

/** @param {number} ms */
export function seconds(ms) {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round(ms / 1000) % 60} s`;
}

/** Where a run stands that has not begun. @param {number} place @param {number} wait in seconds */
export function inQueue(place, wait) {
  return `place ${place} in the queue, about ${seconds(Math.round(wait) * 1000).replace(".0", "")}`;
}

export class Runs {
  /**
   * @param {import("./view.js").View} view whose `.lx-progress` and Stop button tell of the run
   * @param {() => any} [over] called when a run has ended
   */
  constructor(view, over) {
    this.view = view;
    this.over = over;
    /** @type {any} the run under way or the last one: `job`, `total` steps, what was said at once */
    this.run = null;
    window.addEventListener("pagehide", () => { // a beacon alone is sent from a page that goes
      if (this.run?.job && !this.run.done) navigator.sendBeacon(appUrl("leave"), this.run.job);
      this.stop();
    });
  }

  /**
   * The answer to `request` becomes part of the run. `take(run, event)` gets every event, `news(run)` is called after some came;
   * `run.total`, the number of steps, is for `take` to set.
   * @param {string} name @param {any} request @param {(run: any, event: any) => any} take @param {(run: any) => any} news
   */
  async follow(name, request, take, news) {
    this.stop();
    /** @type {any} */
    const mine = this.run = { began: performance.now(), seen: 0, done: false };
    this._tell("starting …", false);
    const answer = await this.view.ask(name, request);
    if (!answer || this.run !== mine) {
      if (answer) this.view.ask("stop_run", answer.job, true); else this._finish(mine, "");
      return;
    }
    Object.assign(mine, answer);
    while (this.run === mine && !mine.done) {
      const said = await this.view.ask("run_news", [mine.job, mine.seen]);
      if (this.run !== mine || mine.done) return; // something else is wanted, or Stop was pressed
      if (!said) return this._finish(mine, "");
      mine.seen += said.events.length;
      mine.beside = said.beside;
      if (said.place) this.say(inQueue(said.place, said.wait));
      for (const event of said.events) take(mine, event);
      if (said.events.length) news(mine);
      if (said.done) this._finish(mine, mine.total ? `${mine.total} steps in ${seconds(performance.now() - mine.began)}` : "");
    }
  }

  /** The run's first picture is on screen. @param {any} mine */
  firstSeen(mine) {
    if (mine.shown) return;
    mine.shown = this.view.root.dataset.ready = "yes";
    performance.measure("first-picture", { start: mine.began, end: performance.now() });
  }

  /** @param {any} mine @param {number} at */
  progress(mine, at) {
    mine.first ??= performance.now();
    const left = (performance.now() - mine.first) / Math.max(1, at - 1) * (mine.total - at);
    const others = mine.beside ? `, beside ${mine.beside} other${mine.beside > 1 ? "s" : ""}` : "";
    this.say(`step ${at} of ${mine.total}` + (at > 1 && left > 1500 ? `, ${seconds(left)} left${others}` : ""));
  }

  get isUnderWay() {
    return !!this.run && !this.run.done;
  }

  stop(words = "") {
    const mine = this.run;
    if (!mine || mine.done) return;
    if (mine.job) this.view.ask("stop_run", mine.job, true);
    this._finish(mine, words);
  }

  /** Nothing is under way or shown of the last run, but for these words. @param {string} words */
  clear(words) {
    this.stop();
    this.run = null;
    this.say(words);
  }

  /** @param {any} mine @param {string} words */
  _finish(mine, words) {
    if (this.run !== mine) return;
    mine.done = true;
    this._tell(words, true);
    const root = this.view.root;
    root.dataset.done = String(+(root.dataset.done || 0) + 1);
    this.over?.();
  }

  /** @param {string} words @param {boolean} ended */
  _tell(words, ended) {
    this.say(words);
    this.view.find("[data-do=stop]").disabled = ended;
  }

  /** @param {string} words */
  say(words) {
    this.view.find(".lx-progress").textContent = words;
  }
}
