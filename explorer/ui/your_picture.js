// Your picture: the drawing pad and the file, what the encoder makes of it, and its ellipse on the plane.

const pad = find(".lx-pad canvas"), ink = pad.getContext("2d");
let stroke = null;

function clearPad() {
  ink.fillStyle = "#000";
  ink.fillRect(0, 0, 280, 280);
  find(".lx-hint").hidden = false;
  find(".lx-encoded").hidden = true;
  plane.ellipse = null;
  plane.draw();
}

const encode = Newest(async (picture, preview) => {
  const asked = model.name, answer = await ask("encode_picture", { model: asked, picture }, !!stroke); // half a stroke is no mistake
  if (!answer || asked !== model.name) return;
  say("");
  if (preview) await showOnPad(picture);
  find(".lx-encoded").hidden = false;
  const show = (canvas, bytes) => showPicture(canvas, pictureCanvas(bytesOf(bytes), model.image_shape));
  show(find(".lx-seen"), answer.seen);
  show(find(".lx-rebuilt"), answer.reconstruction);
  find(".lx-code-values").innerHTML = state.axes.map(i => `z<sub>${i}</sub> = ${short(answer.z[i])}` + (answer.sigma ? ` ± ${answer.sigma[i].toFixed(2)}` : "")).join(", ") +
    `<br><small>error of the reconstruction: ${(100 * answer.lost).toFixed(0)} % (root mean square)</small>`;
  find(".lx-posterior").hidden = !answer.sigma;
  find(".lx-samples").replaceChildren(...answer.samples.map(bytes => pictureCanvas(bytesOf(bytes), model.image_shape)));
  plane.ellipse = answer.sigma && { z: answer.z, sigma: answer.sigma };
  const outside = plane._toScreen(...plane._toPlane(answer.z)).some(v => v < 0 || v > plane.side);
  setPoint(answer.z);
  if (outside) {
    state.scale = "z";
    const { center, extent } = home(), far = coordinates().map(([, value], k) => Math.abs(value - center[k]));
    Object.assign(state, { center, extent: Math.min(900, Math.max(extent, 1.2 * Math.max(...far))) });
    placeSpace();
    refresh();
  }
  plane.draw();
  settleSoon();
});

function drawTo(event) {
  const box = pad.getBoundingClientRect(), at = [(event.clientX - box.left) / box.width * 280, (event.clientY - box.top) / box.height * 280];
  ink.strokeStyle = "#fff"; ink.lineCap = ink.lineJoin = "round"; ink.lineWidth = 22;
  ink.beginPath(); ink.moveTo(...(stroke || at)); ink.lineTo(...at); ink.stroke();
  stroke = at;
  find(".lx-hint").hidden = true;
}
pad.onpointerdown = event => { pad.setPointerCapture(event.pointerId); stroke = null; drawTo(event); event.preventDefault(); };
pad.onpointermove = event => { if (stroke) { drawTo(event); encode(pad.toDataURL("image/png")); } };
pad.onpointerup = pad.onpointercancel = () => { if (!stroke) return; stroke = null; encode(pad.toDataURL("image/png")); };

function choose(file) {
  if (!file) return;
  if (file.size > 25e6) return say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most 25 MB can be read.`);
  const reader = new FileReader();
  reader.onload = () => encode(reader.result, true);
  reader.readAsDataURL(file);
}

async function showOnPad(url) {
  clearPad();
  find(".lx-hint").hidden = true;
  try {
    const image = await loadImage(url), scale = Math.min(280 / image.width, 280 / image.height), [w, h] = [image.width * scale, image.height * scale];
    ink.drawImage(image, (280 - w) / 2, (280 - h) / 2, w, h);
  } catch { /* a kind that the server reads and the browser does not, such as TIFF: the encoder's view beside it shows it */ }
}
const picker = find(".lx-input [type=file]");
picker.onchange = () => { choose(picker.files[0]); picker.value = ""; };
picker.parentElement.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { picker.click(); event.preventDefault(); } };
find(".lx-input").ondragover = event => event.preventDefault();
find(".lx-input").ondrop = event => { event.preventDefault(); choose(event.dataTransfer.files[0]); };
