// What of the page in lecture mode is too small or cut off: texts smaller than 20 pixels, and boxes that reach beyond the screen
// or hold more than they show.
(() => {
  const found = { small: [], cut: [] };
  const isSeen = element => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const floor = innerHeight - (document.querySelector(".lx-hall")?.offsetHeight ?? 0); // what the page's foot does not cover
  const bottom = element => element.closest("#models-card, #models-gallery") ? Infinity // these scroll
    : (element.closest(".lx-hall") ? innerHeight : floor) + 1;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest("script, style, option, noscript, svg style") || !isSeen(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const svg = element.closest("svg"), scale = svg?.viewBox?.baseVal?.width ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(getComputedStyle(element).fontSize) * scale;
    if (size < 19.95 && !element.closest("sub, sup")) found.small.push(`${size.toFixed(1)} ${node.textContent.trim().slice(0, 30)}`);
    if (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > bottom(element)) found.cut.push(`text ${node.textContent.trim().slice(0, 30)} ${[box.left, box.top, box.right, box.bottom].map(Math.round)}`);
  }
  for (const element of document.querySelectorAll(".lx, .lx-box, .lx canvas, .lx svg, .lx-hall, .lx button, .lx input")) {
    if (!isSeen(element)) continue;
    const box = element.getBoundingClientRect(), { overflowX, overflowY } = getComputedStyle(element);
    if (!box.width) continue;
    const name = `${element.tagName} ${element.getAttribute("class") ?? element.id}`;
    if (box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > bottom(element)) found.cut.push(`${name} ${[box.left, box.top, box.right, box.bottom].map(Math.round)}`);
    if (!element.matches("canvas, svg, input, button") && (element.scrollHeight > element.clientHeight + 2 || element.scrollWidth > element.clientWidth + 2)) found.cut.push(`${name} holds ${element.scrollWidth} x ${element.scrollHeight} in ${element.clientWidth} x ${element.clientHeight}`);
  }
  return found;
})()
