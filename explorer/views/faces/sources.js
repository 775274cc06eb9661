// Where a face comes from: the gallery, a photo or the camera. A photo stays in this page; the server sees it only while it encodes.

// ---- the gallery

let gallery = null;
async function toggleGallery() {
  const box = find(".lx-gallery"), button = find("[data-do=gallery]");
  box.hidden = !box.hidden;
  button.setAttribute("aria-expanded", String(!box.hidden));
  if (!box.hidden) { await buildGallery(); box.scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" }); }
}

async function loadGallery() {
  if (gallery?.name === state.model) return gallery;
  const name = state.model, answer = await ask("face_gallery", name);
  if (answer) gallery = { name, image: await loadImage(answer.url), having: answer.having };
  return gallery;
}

function galleryPicture(index) {
  const [height, width] = model.image_shape, columns = model.gallery_columns, canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  canvas.getContext("2d").drawImage(gallery.image, (index % columns) * width, Math.floor(index / columns) * height, width, height, 0, 0, width, height);
  return canvas;
}

async function buildGallery() {
  if (!await loadGallery()) return;
  const select = find("[data-gallery]"), without = name => `without ${spoken(name)}`;
  if (!select.options.length) {
    select.append(new Option("all", ""));
    for (const name of [...model.six, ...model.attributes.filter(name => !model.six.includes(name) && gallery.having[name].length > 3)])
      select.append(new Option(spoken(name), name), ...(model.six.includes(name) ? [new Option(without(name), `!${name}`)] : []));
    select.onchange = buildGallery;
  }
  const wanted = select.value, having = new Set(wanted && gallery.having[wanted.replace("!", "")]);
  const indices = Array.from({ length: model.gallery }, (_, i) => i).filter(i => !wanted || having.has(i) !== wanted.startsWith("!"));
  find(".lx-faces-grid").replaceChildren(...indices.map(i => {
    const button = document.createElement("button");
    button.type = "button"; button.dataset.face = i; button.title = `face ${i}`;
    button.setAttribute("aria-label", `face ${i} of the gallery`);
    button.append(galleryPicture(i));
    button.onclick = () => { forget(); setFace({ face: i }, performance.now()); settle(); };
    return button;
  }));
  sayWhence();
}

// ---- a photo: framed by the server, corrected by hand

const cropCanvas = find(".lx-crop"), video = find(".lx-photo video");

function forget() {
  if (!photo && video.hidden) return;
  stopCamera();
  photo = null; shared = false;
  find(".lx-photo").hidden = true;
  cropCanvas.getContext("2d").clearRect(0, 0, cropCanvas.width, cropCanvas.height);
}

// What is removed is gone, also from undo and from A - B + C; after another face was chosen its code may still come back, unshared.
function removePhoto() {
  forget();
  const tells = entry => [...own.keys()].some(code => entry.includes(code));
  undone = undone.filter(entry => !tells(entry));
  if (tells(settled)) settled = "";
  if (state.corners?.some(place => own.has(place))) { state.corners = state.corners.map(place => own.has(place) ? "" : place); drawSum(); }
  own.clear();
  setFace({ face: 0 });
  settle();
}

async function choose(file) {
  if (!file) return;
  if (file.size > 25e6) return say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most 25 MB can be read.`);
  const url = await new Promise(resolve => { const reader = new FileReader(); reader.onload = () => resolve(reader.result); reader.readAsDataURL(file); });
  usePhoto(url);
}

// Large photos are made smaller here already, upright; what the browser cannot read goes to the server as it is.
async function usePhoto(url) {
  let image = null;
  try { image = await loadImage(url); } catch { /* a kind that only the server reads, such as TIFF */ }
  if (image) {
    const scale = Math.min(1, 1280 / Math.max(image.naturalWidth, image.naturalHeight)), canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale)); canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff"; context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    url = canvas.toDataURL("image/jpeg", 0.92);
    image = canvas;
  }
  stopCamera();
  photo = { url, image, crop: null, z: null };
  shared = false;
  find(".lx-photo").hidden = false;
  await frame(null);
}

const frame = Newest(async crop => {
  if (!photo) return;
  const of = photo, answer = await ask("encode_photo", { model: state.model, picture: of.url, crop });
  if (!answer) { if (!of.z) forget(); return; }
  if (of !== photo) return;
  own.set(codeText(answer.z), answer.crop);
  Object.assign(photo, { crop: crop ? photo.crop : answer.crop, z: answer.z, width: answer.width, height: answer.height });
  say(answer.problem ? `${answer.problem}` : "");
  find(".lx-crop-words").textContent = answer.problem ? "Drag the square over the face: eyes at the two marks."
    : answer.note ? answer.note : crop ? "" : "The face was found; drag the square to correct it.";
  find(".lx-lost").textContent = `Lost on the way: error ${(100 * answer.lost).toFixed(0)} % (root mean square), structure kept ${Math.round(100 * answer.ssim)} % (SSIM). The model keeps what it has seen often: fine skin, background and jewellery go.`;
  find("[data-do=share]").hidden = shared;
  showSmooth(find(".lx-seen"), pictureCanvas(bytesOf(answer.seen), model.image_shape));
  showSmooth(find(".lx-rebuilt"), pictureCanvas(bytesOf(answer.reconstruction), model.image_shape));
  drawCrop();
  setFace({ z: answer.z });
  crop ? settleSoon() : settle(); // corrections that follow each other are one step, the photo is one of its own
});

function drawCrop() {
  const { image, crop, width, height } = photo, scale = Math.min(400 / width, 400 / height);
  cropCanvas.width = Math.max(1, Math.round(width * scale)); cropCanvas.height = Math.max(1, Math.round(height * scale));
  const context = cropCanvas.getContext("2d");
  context.fillStyle = "#8891a5"; context.fillRect(0, 0, cropCanvas.width, cropCanvas.height);
  if (image) context.drawImage(image, 0, 0, cropCanvas.width, cropCanvas.height);
  context.save();
  context.translate(crop.x * scale, crop.y * scale);
  context.rotate(crop.angle * Math.PI / 180);
  const side = crop.side * scale, unit = side / 64;
  for (const [color, line] of [["#0b0e14", 4], ["#ffd166", 2]]) {
    context.strokeStyle = color; context.lineWidth = line;
    context.strokeRect(-side / 2, -side / 2, side, side);
    for (const x of [25, 39]) { context.beginPath(); context.arc((x - 31.5) * unit, (33 - 31.5) * unit, Math.max(3, 2.5 * unit), 0, 7); context.stroke(); }
  }
  context.restore();
  photo.scale = scale;
}

let corrected = null; // a promise: undo waits for the face that belongs to the square
function correct(change) {
  if (!photo?.crop) return;
  const crop = { ...photo.crop, ...change }, most = 3 * Math.max(photo.width, photo.height);
  crop.side = Math.max(16, Math.min(most, crop.side));
  crop.x = Math.max(0, Math.min(photo.width, crop.x)); crop.y = Math.max(0, Math.min(photo.height, crop.y));
  photo.crop = crop;
  drawCrop();
  corrected = frame(crop);
}
const sizeCrop = factor => photo?.crop && correct({ side: photo.crop.side * factor });
const turnCrop = degrees => photo?.crop && correct({ angle: photo.crop.angle + degrees });
let cropHeld = null;
cropCanvas.onpointerdown = event => { cropCanvas.setPointerCapture(event.pointerId); cropHeld = [event.clientX, event.clientY]; };
cropCanvas.onpointermove = event => {
  if (!cropHeld || !photo?.crop) return;
  const per = cropCanvas.width / cropCanvas.clientWidth / photo.scale;
  correct({ x: photo.crop.x + (event.clientX - cropHeld[0]) * per, y: photo.crop.y + (event.clientY - cropHeld[1]) * per });
  cropHeld = [event.clientX, event.clientY];
};
cropCanvas.onpointerup = cropCanvas.onpointercancel = () => { cropHeld = null; };
cropCanvas.addEventListener("wheel", event => { event.preventDefault(); sizeCrop(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.002)); }, { passive: false });
cropCanvas.onkeydown = event => {
  const step = (photo?.crop?.side || 0) * (event.shiftKey ? 0.08 : 0.02);
  const act = { ArrowLeft: () => correct({ x: photo.crop.x - step }), ArrowRight: () => correct({ x: photo.crop.x + step }), ArrowUp: () => correct({ y: photo.crop.y - step }),
                ArrowDown: () => correct({ y: photo.crop.y + step }), "+": () => sizeCrop(1.04), "-": () => sizeCrop(0.96), ",": () => turnCrop(-2), ".": () => turnCrop(2) }[event.key];
  if (act && photo?.crop) { act(); event.preventDefault(); event.stopPropagation(); }
};

function shareFace() {
  if (!photo || !confirm("The link will contain the code of this face: whoever has the link sees the face that this model decodes from it. Share it?")) return;
  shared = true;
  find("[data-do=share]").hidden = true;
  writeAddress();
  copyLink();
}

// ---- the camera

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) return say("This browser gives no page a camera here. It does on https or on this machine itself; or choose a photo.");
  let stream;
  try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: 1280 } }); }
  catch (error) { return say(error.name === "NotAllowedError" ? "The camera was not allowed. Allow it in the browser's address bar, or choose a photo." : "No camera was found. Choose a photo instead."); }
  stopCamera(); // also one that came while this was asked for
  video.srcObject = stream;
  find(".lx-photo").hidden = false; video.hidden = false; find("[data-do=snap]").hidden = false; cropCanvas.hidden = true;
  video.play();
}

function stopCamera() {
  video.srcObject?.getTracks().forEach(track => track.stop());
  video.srcObject = null; video.hidden = true; find("[data-do=snap]").hidden = true; cropCanvas.hidden = false;
}

function snap() {
  if (!video.videoWidth) return say("The camera has not sent a picture yet. Try again in a moment.");
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  context.translate(canvas.width, 0); context.scale(-1, 1); // as in a mirror, which is how people know themselves
  context.drawImage(video, 0, 0);
  usePhoto(canvas.toDataURL("image/jpeg", 0.92));
}

const picker = find(".lx-input [type=file]");
picker.onchange = () => { choose(picker.files[0]); picker.value = ""; };
picker.parentElement.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { picker.click(); event.preventDefault(); } };
find(".lx-input").ondragover = event => event.preventDefault();
find(".lx-input").ondrop = event => { event.preventDefault(); choose(event.dataTransfer.files[0]); };
