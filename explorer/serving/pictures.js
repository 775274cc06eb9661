// @ts-check
// Pictures that the server sends as raw pixels, as canvases, and canvases that show them as large as the page lays them out.

/** @param {string} base64 */
export function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** @param {string} url @returns {Promise<HTMLImageElement>} */
export function loadImage(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = reject;
    image.src = url;
  });
}

/**
 * Raw uint8 pixels, grey or RGB, as a canvas of the picture's own size.
 * @param {Uint8Array} bytes @param {number[]} shape height, width, channels @param {HTMLCanvasElement} [into]
 */
export function pictureCanvas(bytes, [height, width, channels], into) {
  const canvas = into || document.createElement("canvas");
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height), out = image.data;
  for (let i = 0, j = 0; i < width * height; i++, j += 4) {
    const at = i * channels;
    out[j] = bytes[at];
    out[j + 1] = bytes[channels === 3 ? at + 1 : at];
    out[j + 2] = bytes[channels === 3 ? at + 2 : at];
    out[j + 3] = 255;
  }
  context(canvas).putImageData(image, 0, 0);
  return canvas;
}

// How wide canvases are laid out, told by the browser when it changes: asking for it in a drag would lay the page out each time.
/** @type {WeakMap<Element, number>} */
const widths = new WeakMap();
const watched = new ResizeObserver(entries => {
  for (const { target, contentRect: { width } } of entries) {
    const before = widths.get(target), shown = lastShown.get(target);
    widths.set(target, width);
    if (shown && width && width !== before) showPicture(/** @type {HTMLCanvasElement} */ (target), ...shown); // as sharp as before
  }
});
/** What each canvas shows. @type {WeakMap<Element, [picture: any, smooth: boolean]>} */
const lastShown = new WeakMap();

/** @param {Element} canvas @returns {number} */
export function widthOf(canvas) {
  if (!widths.has(canvas)) {
    widths.set(canvas, canvas.clientWidth);
    watched.observe(canvas);
  }
  return widths.get(canvas) ?? 0;
}

/**
 * Draw a small picture as large as the square canvas is: pixels kept square and sharp, or, as suits photographs, enlarged smoothly.
 * One that is no square stands in its middle.
 * @param {HTMLCanvasElement} canvas @param {any} picture an image or a canvas
 */
export function showPicture(canvas, picture, smooth = false) {
  lastShown.set(canvas, [picture, smooth]);
  const side = Math.round(widthOf(canvas) * devicePixelRatio) || canvas.width;
  if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
  const brush = context(canvas);
  brush.imageSmoothingEnabled = smooth;
  brush.imageSmoothingQuality = "high";
  const { width, height } = picture, scale = side / Math.max(width, height), [wide, high] = [width * scale, height * scale];
  if (width !== height) brush.clearRect(0, 0, side, side);
  brush.drawImage(picture, (side - wide) / 2, (side - high) / 2, wide, high);
}

/** A face is a photograph of a kind. @param {HTMLCanvasElement} canvas @param {any} picture */
export const showSmooth = (canvas, picture) => showPicture(canvas, picture, true);

/** @param {HTMLCanvasElement} canvas */
const context = canvas => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
