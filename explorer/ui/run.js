// A run is a job on the server; its steps are asked for as they come, and it ends when nobody asks any more. A view's own script
// brings `over()`, which is called when a run has ended.

let run = null;

// The answer to `request` becomes part of the run. `take(run, event)` gets every event, `news(run)` is called after some came. `run.total`, the number of steps, is for `take` to set.
async function follow(name, request, take, news) {
  stop();
  const mine = run = { began: performance.now(), seen: 0, done: false };
  find(".lx-progress").textContent = "starting …";
  find("[data-do=stop]").disabled = false;
  const answer = await ask(name, request);
  if (!answer || run !== mine) { if (answer) ask("stop_run", answer.job, true); else finish(mine, ""); return; }
  Object.assign(mine, answer); // its name, and what was said at once
  while (run === mine && !mine.done) {
    const said = await ask("run_news", [mine.job, mine.seen]);
    if (run !== mine || mine.done) return; // something else is wanted, or Stop was pressed
    if (!said) return finish(mine, "");
    mine.seen += said.events.length;
    for (const event of said.events) take(mine, event);
    if (said.events.length) news(mine);
    if (said.done) finish(mine, mine.total ? `${mine.total} steps in ${seconds(performance.now() - mine.began)}` : "");
  }
}

function firstSeen(mine) {
  if (mine.shown) return;
  mine.shown = view.dataset.ready = "yes";
  performance.measure("first-picture", { start: mine.began, end: performance.now() });
}

function progress(mine, at) {
  mine.first ??= performance.now();
  const left = (performance.now() - mine.first) / Math.max(1, at - 1) * (mine.total - at);
  find(".lx-progress").textContent = `step ${at} of ${mine.total}` + (at > 1 && left > 1500 ? `, ${seconds(left)} left` : "");
}
const seconds = ms => ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min ${Math.round(ms / 1000) % 60} s`;

function finish(mine, words) {
  if (run !== mine) return;
  mine.done = true;
  find(".lx-progress").textContent = words;
  find("[data-do=stop]").disabled = true;
  view.dataset.done = String(+(view.dataset.done || 0) + 1);
  over();
}

function stop(words = "") {
  const mine = run;
  if (!mine || mine.done) return;
  if (mine.job) ask("stop_run", mine.job, true);
  finish(mine, words);
}
window.addEventListener("pagehide", () => stop());
