// What the diffusion view shows of a run: its lanes, one column or row of pictures each, the scrubber, and the schedule's plot.

function Lane(about, shape, single) {
  const root = document.createElement("section"), steps = [];
  root.className = "lx-lane";
  root.setAttribute("aria-label", about.title);
  root.innerHTML = `<h4>${escaped(about.title)} <span class="lx-lane-words"></span></h4><div class="lx-shown"></div>` + (single ? `<div class="lx-films"><div class="lx-film" aria-hidden="true"></div><div class="lx-film" aria-hidden="true"></div></div>` : "");
  root.style.setProperty("--count", about.count);
  const shown = root.querySelector(".lx-shown"), [noisy, clean] = root.querySelectorAll(".lx-film");
  const labels = single ? ["x_t, what the network sees", "x̂₀, what it takes the picture to be"] : Array.from({ length: about.count }, (_, i) => `picture ${i + 1}`);
  const canvases = labels.map((label, i) => {
    const figure = document.createElement("figure"), canvas = document.createElement("canvas");
    canvas.className = "lx-big"; canvas.width = canvas.height = 256;
    canvas.setAttribute("role", "img"); canvas.setAttribute("aria-label", label);
    figure.append(canvas);
    if (single) figure.insertAdjacentHTML("beforeend", `<figcaption>${i ? "x̂₀, the picture it expects" : "x<sub>t</sub>, what the network sees"}</figcaption>`);
    shown.append(figure);
    return canvas;
  });
  const paint = (canvas, picture) => shape[2] === 1 ? showPicture(canvas, picture) : showSmooth(canvas, picture);
  return {
    root, steps,
    add(event) {
      if (!event.x_0) return;
      const step = { ...event, pictures: event.x_0.map(one => pictureCanvas(bytesOf(one), shape)), noisy: event.x_t && pictureCanvas(bytesOf(event.x_t), shape) };
      steps.push(step);
      if (single) {
        noisy.append(step.noisy); clean.append(step.pictures[0]);
        for (const film of [noisy, clean]) film.scrollLeft = film.scrollWidth;
        for (const thumb of [step.noisy, step.pictures[0]]) thumb.dataset.step = steps.length - 1;
      }
    },
    show(index) {
      const step = steps[Math.min(index, steps.length - 1)];
      if (!step) return null;
      (single ? [step.noisy, step.pictures[0]] : step.pictures).forEach((picture, i) => paint(canvases[i], picture));
      if (single) for (const film of [noisy, clean]) [...film.children].forEach((thumb, i) => thumb.classList.toggle("lx-now", i === Math.min(index, steps.length - 1)));
      root.querySelector(".lx-lane-words").textContent = `${step.step + 1} of ${about.steps}`;
      return step;
    },
  };
}

// noise_rates and signal_rates over time, noise on the left as sampling goes, a marker at `time`
function drawSchedule(canvas, { noise_rates, signal_rates }, time) {
  const ratio = devicePixelRatio, width = widthOf(canvas) || 320, height = Math.round(width * 0.56);
  if (canvas.width !== Math.round(width * ratio)) { canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio); }
  const context = canvas.getContext("2d"), style = getComputedStyle(view), left = 24, bottom = 20, top = 8, right = 8;
  const x = t => left + (1 - t) * (width - left - right), y = rate => top + (1 - rate) * (height - top - bottom);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = context.strokeStyle = style.getPropertyValue("--body-text-color-subdued");
  context.globalAlpha = 0.35; context.lineWidth = 1;
  for (const rate of [0, 0.5, 1]) { context.beginPath(); context.moveTo(x(1), y(rate)); context.lineTo(x(0), y(rate)); context.stroke(); }
  context.globalAlpha = 1;
  for (const rate of [0, 1]) context.fillText(String(rate), 8, y(rate) + 4);
  context.fillText("t = 1, noise", left, height - 5);
  context.textAlign = "right"; context.fillText("t = 0, picture", width - right, height - 5); context.textAlign = "left";
  for (const [rates, colour] of [[signal_rates, "#e69f00"], [noise_rates, "#56b4e9"]]) {
    context.strokeStyle = colour; context.lineWidth = 2.5; context.beginPath();
    rates.forEach((rate, i) => context.lineTo(x(i / (rates.length - 1)), y(rate)));
    context.stroke();
    if (time !== undefined) {
      const at = time * (rates.length - 1), i = Math.min(Math.floor(at), rates.length - 2), rate = rates[i] + (at - i) * (rates[i + 1] - rates[i]);
      context.fillStyle = colour; context.beginPath(); context.arc(x(time), y(rate), 5, 0, 7); context.fill();
    }
  }
  if (time === undefined) return;
  context.strokeStyle = style.getPropertyValue("--body-text-color"); context.lineWidth = 1; context.setLineDash([3, 3]);
  context.beginPath(); context.moveTo(x(time), top); context.lineTo(x(time), height - bottom); context.stroke(); context.setLineDash([]);
}
