// The choice of a model that does not ship: what it needs is said first, then it is fetched and loaded, with progress.

const need = find(".lx-need"), presetName = find("[data-preset=name]"), presetSize = find("[data-preset=size]");

async function showNeed(name, size) {
  need.hidden = false;
  find(".lx-more").open = true;
  presetName.value = name;
  presetSize.value = size ?? "";
  await tellNeed();
  if (!name) presetName.focus();
}

async function tellNeed() {
  const name = presetName.value.trim(), words = find(".lx-need-words"), button = find("[data-do=fetch]");
  button.disabled = true;
  words.textContent = "One of KerasHub’s presets, a hf:// or kaggle:// handle, or the folder of a preset.";
  if (!name) return;
  say("");
  const answer = await ask("ask_preset", name);
  if (!answer || presetName.value.trim() !== name) return;
  words.textContent = answer.needs + (answer.permitted ? "" : " Visitors of this page may not have it loaded; on your own machine you can.");
  button.disabled = !answer.permitted;
}
presetName.onchange = tellNeed;

function fetchPreset() {
  const name = presetName.value.trim(), size = presetSize.value;
  find("[data-do=fetch]").disabled = true;
  follow("load_preset", { name, image_size: +size || null }, (mine, event) => {
    mine.loaded = event.loaded;
    if (!event.loaded) find(".lx-progress").textContent = `${event.fetched ? `${(event.fetched / 1e9).toFixed(2)} GB fetched` : "loading"}, ${seconds(performance.now() - mine.began)} …`;
  }, mine => {
    if (!mine.loaded) return;
    need.hidden = true;
    open(`view=text-to-image&what=picture&model=${encodeURIComponent(name)}${size && `&image_size=${size}`}`);
  }).then(() => { find("[data-do=fetch]").disabled = false; }); // after a failure its message stays, and one may try again
}

function leavePreset() {
  stop();
  need.hidden = true;
  sync();
}

// The models that are here, then those that are not.
function fillModels(models, others) {
  const select = find("[data-set=model]"), known = new Set(models.map(one => one.name)), away = document.createElement("optgroup");
  away.label = "larger, to be fetched";
  away.append(...others.filter(name => name !== state.model).map(name => new Option(name, name)), new Option("another …", ""));
  const here = models.map(one => new Option(one.short, one.name));
  if (!known.has(state.model)) here.push(new Option(state.model, state.model));
  select.replaceChildren(...here, away);
}
const isHere = name => [...find("[data-set=model]").options].some(option => option.value === name && option.parentElement.tagName === "SELECT");
