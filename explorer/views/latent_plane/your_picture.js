// Your picture: what the encoder makes of what is drawn or opened, and its ellipse on the plane.

const pad = DrawingPad(".lx-input", url => encode(url), url => encode(url, true));

let clears = 0;
function clearPad() {
  clears++; // what is still being encoded is not wanted any more
  pad.clear();
  find(".lx-encoded").hidden = true;
  plane.ellipse = null;
  plane.draw();
}

const encode = Newest(async (picture, preview) => {
  const asked = model.name, before = clears, answer = await ask("encode_picture", { model: asked, picture }, pad.drawing); // half a stroke is no mistake
  if (!answer || asked !== model.name || before !== clears) return;
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

async function showOnPad(url) {
  clearPad();
  try {
    pad.show(await loadImage(url));
  } catch { /* a kind that the server reads and the browser does not, such as TIFF: the encoder's view beside it shows it */ }
}
