// Small pictures to click on: good places to start, and the points that a visitor kept (in this browser tab only).

async function thumbnail(model, z) {
  const answer = await ask("decode_point", pointQuery(model, z, state.label), true);
  return answer && pictureCanvas(bytesOf(answer.pixels), model.image_shape);
}

function chip(title, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lx-chip";
  button.innerHTML = `<span class="lx-thumbs"></span><span>${escaped(title)}</span>`;
  button.onclick = act;
  return button;
}

let exampled = null;
async function buildExamples() {
  const box = find(".lx-examples div"), list = [...model.walks, ...model.examples].slice(0, 6), of = model;
  if (exampled === of.name) return;
  exampled = of.name;
  find(".lx-examples").hidden = !list.length;
  box.replaceChildren(...list.map(example => {
    const button = chip(example.title, () => {
      const axis = example.axis, other = of.latent_shape[0] === 2 ? 1 - axis : state.axes.find(a => a !== axis && !of.dead_axes.includes(a)) ?? (axis ? 0 : 1);
      change({ z: example.z, from: example.to && example.z, to: example.to, ...(axis !== undefined && { axes: [axis, other] }) });
    });
    if (example.axis !== undefined) button.title = `along z${example.axis} from ${short(example.z[example.axis])} to ${short(example.to[example.axis])}`;
    return button;
  }));
  for (const [i, example] of list.entries())
    for (const z of [example.z, example.to].filter(Boolean)) {
      const picture = await thumbnail(of, z);
      if (exampled !== of.name) return;
      if (picture) box.children[i]?.querySelector(".lx-thumbs").append(picture);
    }
}

const SHELF = "latent-explorer-kept";
let kept = [];
// In a frame of another site, which a Space is, storage may be blocked: then even asking for it throws, and the shelf lasts for this
// page only.
try { kept = JSON.parse(sessionStorage.getItem(SHELF)) || []; } catch { kept = []; }

function keepPoint() {
  if (!lastPixels) return;
  kept.push({ query: query(), model: model.name, z: state.z.slice(), shape: model.image_shape, pixels: btoa(String.fromCharCode(...lastPixels)) });
  showKept();
}

function showKept() {
  try { sessionStorage.setItem(SHELF, JSON.stringify(kept.slice(-60))); } catch { /* blocked or full */ }
  find(".lx-kept").hidden = !kept.length;
  find(".lx-kept div").replaceChildren(...kept.map((point, i) => {
    const title = `${point.model}, z ${point.z.slice(0, 3).map(short).join(", ")}${point.z.length > 3 ? ", …" : ""}`;
    const span = document.createElement("span"), button = chip("", () => open(point.query)), away = document.createElement("button");
    button.querySelector(".lx-thumbs").append(pictureCanvas(bytesOf(point.pixels), point.shape));
    button.title = `Go back to ${title}`;
    button.setAttribute("aria-label", button.title);
    Object.assign(away, { type: "button", textContent: "×", className: "lx-away", onclick: () => { kept.splice(i, 1); showKept(); } });
    away.setAttribute("aria-label", `Remove ${title}`);
    span.className = "lx-keep";
    span.append(button, away);
    return span;
  }));
}
