// The walk from A to B: marks on the plane, a strip of frames, and playing it.

function mark() {
  plane.marks = { ...(state.from && { A: state.from }), ...(state.to && { B: state.to }) };
  plane.draw();
}

const walk = Newest(async () => {
  const whole = state.from && state.to;
  find(".lx-walk-do").hidden = !whole;
  find(".lx-walk-hint").hidden = !!whole;
  if (!whole) { walked = null; plane.trail = []; find(".lx-strip").replaceChildren(); mark(); return; }
  const asked = query({ what: "strip" }), answer = await ask("walk_frames", asked);
  if (!answer || !state.to) return;
  walked = answer;
  plane.trail = answer.z;
  mark();
  find(".lx-strip").replaceChildren(...answer.frames.map((frame, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(pictureCanvas(bytesOf(frame), model.image_shape));
    button.title = `${i + 1} of ${answer.frames.length}: go to this point`;
    button.setAttribute("aria-label", button.title);
    button.onclick = () => { setPoint(answer.z[i], performance.now()); settle(); };
    return button;
  }));
});

let playing = null;
function stopPlaying() {
  clearInterval(playing);
  playing = null;
  find("[data-do=play]").textContent = "Play";
  find(".lx-strip .lx-now")?.classList.remove("lx-now");
}

function play() { // and when it ends, the point's own picture is back
  if (playing) return setPoint(state.z);
  let i = 0;
  find("[data-do=play]").textContent = "Stop";
  playing = setInterval(() => {
    if (!walked || !element.offsetParent || still.matches && i >= walked.frames.length) return setPoint(state.z);
    const at = i++ % walked.frames.length;
    pictureCanvas(bytesOf(walked.frames[at]), model.image_shape, scratch);
    showDecoded();
    [...find(".lx-strip").children].forEach((frame, k) => frame.classList.toggle("lx-now", k === at));
    plane.move(walked.z[at]);
  }, still.matches ? 600 : 120);
}
