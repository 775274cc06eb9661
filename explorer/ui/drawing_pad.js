// A pad to draw on and a file to open: what "Your picture" and the bench of "Why a VAE?" share.

// In `place`: `drawn(url)` at each move and at the end of a stroke, `opened(url)` for a file that was chosen or dropped there.
function DrawingPad(place, drawn, opened) {
  const canvas = find(`${place} .lx-pad canvas`), ink = canvas.getContext("2d"), hint = find(`${place} .lx-hint`), side = canvas.width;
  let stroke = null;

  const pad = {
    get drawing() { return !!stroke; },
    clear() {
      ink.fillStyle = "#000";
      ink.fillRect(0, 0, side, side);
      hint.hidden = false;
      stroke = null;
    },
    // an image in the middle of the pad; the first stroke wipes an example away, and goes on drawing on anything else
    show(image, example = false) {
      pad.clear();
      hint.hidden = !example;
      const scale = Math.min(side / image.width, side / image.height), [w, h] = [image.width * scale, image.height * scale];
      ink.imageSmoothingEnabled = !example;
      ink.drawImage(image, (side - w) / 2, (side - h) / 2, w, h);
    },
  };

  function drawTo(event) {
    const box = canvas.getBoundingClientRect(), at = [(event.clientX - box.left) / box.width * side, (event.clientY - box.top) / box.height * side];
    if (!hint.hidden) pad.clear();
    hint.hidden = true;
    ink.strokeStyle = "#fff"; ink.lineCap = ink.lineJoin = "round"; ink.lineWidth = 0.08 * side;
    ink.beginPath(); ink.moveTo(...(stroke || at)); ink.lineTo(...at); ink.stroke();
    stroke = at;
  }
  canvas.onpointerdown = event => { if (!event.isPrimary) return; canvas.setPointerCapture(event.pointerId); stroke = null; drawTo(event); event.preventDefault(); };
  canvas.onpointermove = event => { if (stroke && event.isPrimary) { drawTo(event); drawn(canvas.toDataURL("image/png")); } };
  canvas.onpointerup = canvas.onpointercancel = () => { if (!stroke) return; stroke = null; drawn(canvas.toDataURL("image/png")); };

  function read(file) {
    if (!file) return;
    if (file.size > 25e6) return say(`This file has ${(file.size / 1e6).toFixed(0)} MB; at most 25 MB can be read.`);
    const reader = new FileReader();
    reader.onload = () => opened(reader.result);
    reader.readAsDataURL(file);
  }
  const picker = find(`${place} [type=file]`);
  picker.onchange = () => { read(picker.files[0]); picker.value = ""; };
  picker.parentElement.onkeydown = event => { if (event.key === "Enter" || event.key === " ") { picker.click(); event.preventDefault(); } };
  find(place).ondragover = event => event.preventDefault();
  find(place).ondrop = event => { event.preventDefault(); read(event.dataTransfer.files[0]); };
  return pad;
}
