// The two chapters of "Why a VAE?" that show planes: the map of codes by t-SNE, and the holes between an autoencoder's codes.

// ---- the map

const map = new LatentPlane(find(".lx-map"), { palette: props.palette, onmove: () => seek(), onsettle() {} });
map.bare = true;
let mapped = null, mappedModel = null, sought = -1;

async function showMap(name) {
  if (mappedModel === name) return map.draw();
  const answer = await ask("code_map", name);
  if (!answer) return;
  mappedModel = name;
  legend();
  placeMap(answer, false);
}

function placeMap(answer, animate) {
  const points = Float32Array.from(new Int16Array(bytesOf(answer.points).buffer), value => value * answer.step), labels = bytesOf(answer.labels);
  mapped = { points, labels };
  map.setSpace({ center: [0, 0], extent: 1.08, scale: "z", axes: [0, 1] });
  map.setPoints(points, labels, 2, animate);
  view.dataset.points = labels.length;
  map.move([points[0], points[1]]);
  seek();
}

function legend() {
  find(".lx-map-box .lx-legend").replaceChildren(...classes.map((name, label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.innerHTML = `<i style="background:${props.palette[label % props.palette.length]}"></i>${escaped(name)}`;
    button.setAttribute("aria-pressed", String(!map.hidden.has(label)));
    button.onclick = () => { map.hidden.has(label) ? map.hidden.delete(label) : map.hidden.add(label); map.draw(); legend(); };
    return button;
  }));
}

// The code nearest to a place on the map is decoded: with the mouse by pointing alone.
function nearestTo(x, y) {
  let best = -1, least = Infinity;
  for (let k = 0; k < mapped.labels.length; k++) {
    if (map.hidden.has(mapped.labels[k])) continue;
    const distance = (mapped.points[2 * k] - x) ** 2 + (mapped.points[2 * k + 1] - y) ** 2;
    if (distance < least) [least, best] = [distance, k];
  }
  return best;
}
const showCoded = Newest(async index => {
  const answer = await ask("coded_picture", [mappedModel, index], true);
  if (!answer) return;
  showPicture(find(".lx-map-picture canvas"), pictureCanvas(bytesOf(answer.pixels), [28, 28, 1]));
  find(".lx-near").textContent = `code ${index + 1}, of a test image labelled ${classes[answer.label]}, decoded`;
  view.dataset.code = index;
});
function seek([x, y] = map.z) {
  const index = mapped ? nearestTo(x, y) : -1;
  if (index < 0 || index === sought) return;
  showCoded(sought = index);
}
map.top.addEventListener("pointermove", event => { if (!event.buttons) seek(map._fromScreen(event.offsetX, event.offsetY)); });
map.top.setAttribute("aria-label", "Map of the codes by t-SNE. Arrow keys move the point; the nearest code is decoded beside it.");

function computeMap() {
  const settings = Object.fromEntries(all("[data-map]").map(input => [input.dataset.map, +input.value]));
  follow("start_map", { model: mappedModel, ...settings }, (mine, event) => {
    if (event.points) { sought = -1; placeMap(event, true); return; }
    mine.total = event.of;
    progress(mine, event.iteration);
  }, () => {});
}
function over() {}

// ---- the holes: two planes to drag across, the plain autoencoder's and the VAE's

const holes = {};
async function showHoles() {
  for (const name of ["fashion-ae", "fashion-vae"]) {
    if (holes[name] || !facts[name]?.view) continue;
    const { view: space, short: title } = facts[name], figure = document.createElement("figure");
    figure.innerHTML = `<h4>${escaped(title)}</h4><div class="lx-plane"></div><div class="lx-caption"><span>drag: is it a garment?</span><canvas width="84" height="84" role="img" aria-label="The decoded picture"></canvas></div>`;
    find(".lx-holes").append(figure);
    const shape = [32, 32, 1], picture = figure.querySelector(".lx-caption canvas");
    const show = Newest(async z => {
      const answer = await ask("decode_point", `model=${name}&z=${z.map(numberText).join(",")}`);
      if (answer) showPicture(picture, pictureCanvas(bytesOf(answer.pixels), shape));
    });
    const tiles = Newest(async () => {
      const { x, y, extent } = plane.window, answer = await ask("plane_backdrop", `model=${name}&n=20&center=${numberText(x)},${numberText(y)}&extent=${numberText(extent)}`);
      if (answer) plane.setBackdrop(await loadImage(answer.url), { x, y, extent });
    });
    const plane = holes[name] = new LatentPlane(figure.querySelector(".lx-plane"), { palette: props.palette, onmove: z => show(z), onwindow: () => tiles() });
    plane.top.setAttribute("aria-label", `${title}. Arrow keys move the point.`);
    plane.move(space.z);
    plane.setSpace({ center: space.center, extent: space.extent, scale: "z", axes: [0, 1] });
    show(space.z);
    tiles();
    ask("plane_points", name).then(({ points, step, labels, d } = {}) => points && plane.setPoints(Float32Array.from(new Int16Array(bytesOf(points).buffer), value => value * step), bytesOf(labels), d));
  }
}
