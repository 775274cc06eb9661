// What the layout tests measure in the page; `looks(view, name, argument)` calls one of these.
({
  // Pairs of things in sight that lie on each other.
  overlaps() {
    const things = ".lx button, .lx select, .lx input, .lx summary, .lx canvas, .lx p, .lx h2, .lx h3, .lx small, [role=tab], h1";
    const meant = ".lx-message, .lx-message *, .lx-away, .lx-inset"; // these lie on others on purpose
    const scrolledAway = (element, box) => {
      for (let parent = element.parentElement; parent; parent = parent.parentElement) {
        if (getComputedStyle(parent).overflowX === "visible") continue;
        const frame = parent.getBoundingClientRect();
        if (box.left >= frame.right - 1 || box.right <= frame.left + 1) return true;
      }
      return false;
    };
    const boxes = [...document.querySelectorAll(things)]
      .filter(element => element.checkVisibility({ visibilityProperty: true }) && !element.matches(meant))
      .map(element => [element, element.getBoundingClientRect()])
      .filter(([element, box]) => box.width > 1 && box.height > 1 && !scrolledAway(element, box));
    const words = e => `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 20)}`, found = [];
    boxes.forEach(([a, r], i) => boxes.slice(i + 1).forEach(([b, s]) => {
      if (a.contains(b) || b.contains(a) || (a.closest(".lx-canvas") && a.parentElement === b.parentElement)) return;
      const across = Math.min(r.right, s.right) - Math.max(r.left, s.left);
      const down = Math.min(r.bottom, s.bottom) - Math.max(r.top, s.top);
      if (across > 1 && down > 1) found.push(`${words(a)} / ${words(b)}`);
    }));
    return found;
  },

  // The class of the largest single thing on the page, or "plane".
  largest() {
    const things = [...document.querySelectorAll(".lx canvas, .lx button, .lx input, .lx p, .lx pre")];
    const area = e => { const box = e.getBoundingClientRect(); return box.width * box.height; };
    const found = things.reduce((one, other) => (area(other) > area(one) ? other : one));
    return found.closest(".lx-first .lx-plane") ? "plane" : `${found.tagName} ${found.className}`;
  },

  // Texts whose contrast with their ground is less than 4.5 to 1.
  faint() {
    const channels = colour => (colour.match(/[\d.]+/g) || []).map(Number);
    const linear = c => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = element => {
      for (let e = element; e; e = e.parentElement) {
        const colour = channels(getComputedStyle(e).backgroundColor);
        if (colour.length === 3 || colour[3] > 0.99) return colour;
      }
      return [255, 255, 255];
    };
    const found = [];
    for (const e of document.querySelectorAll(".lx *, .lx-head *, [role=tab]")) {
      const written = [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim());
      if (!written || !e.checkVisibility({ visibilityProperty: true }) || e.closest(":disabled, option, .lx-hint, .lx-off")) continue;
      const [dark, light] = [luminance(channels(getComputedStyle(e).color)), luminance(ground(e))].sort((a, b) => a - b);
      const contrast = (light + 0.05) / (dark + 0.05);
      if (contrast < 4.5) found.push(`${e.tagName} ${e.className}: ${e.textContent.trim().slice(0, 30)} ${contrast.toFixed(2)}`);
    }
    return found;
  },

  brightness() {
    return getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).slice(0, 3).reduce((sum, c) => sum + c / 3, 0);
  },

  // From now on `window.pictures` is how many different pictures of the points there have been, one look a frame.
  watchPoints(palette) {
    const canvas = document.querySelector(".lx-first canvas:not([role])"), context = canvas.getContext("2d");
    const colours = new Set(palette.map(colour => parseInt(colour.slice(1), 16)));
    let last = null;
    window.pictures = 0;
    const look = () => {
      const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
      let sum = 0;
      for (let i = 0; i < data.length; i += 4)
        if (colours.has((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])) sum = (sum * 31 + i) % 4294967291;
      if (sum !== last) window.pictures++;
      last = sum;
      requestAnimationFrame(look);
    };
    look();
  },
})
