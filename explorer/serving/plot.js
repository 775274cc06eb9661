// @ts-check
// Small plots: lines over an axis from 0 to 1, in the page's own colours.
import { said } from "./language.js";
import { widthOf } from "./pictures.js";
import { typeSize } from "./type_size.js";

/**
 * A canvas as wide as the page lays it out and `aspect` times as high, cleared, with a brush in the page's units, which
 * writes letters of size `type`.
 * @param {HTMLCanvasElement} canvas @param {number} aspect
 */
export function clearPlot(canvas, aspect) {
  const ratio = devicePixelRatio, width = widthOf(canvas) || 320, height = Math.round(width * aspect);
  const across = Math.round(width * ratio), down = Math.round(height * ratio);
  if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  brush.setTransform(ratio, 0, 0, ratio, 0, 0);
  brush.clearRect(0, 0, width, height);
  const type = typeSize(11);
  brush.font = `${type}px system-ui, sans-serif`;
  return { brush, width, height, type };
}

/** @param {CanvasRenderingContext2D} brush @param {number[][]} points @param {string} colour @param {number} width */
export function line(brush, points, colour, width) {
  Object.assign(brush, { strokeStyle: colour, lineWidth: width });
  brush.beginPath();
  for (const [x, y] of points) brush.lineTo(x, y);
  brush.stroke();
}

/** @param {CanvasRenderingContext2D} brush @param {number} x @param {number} y @param {string} colour */
export function dot(brush, x, y, colour) {
  brush.fillStyle = colour;
  brush.beginPath();
  brush.arc(x, y, 5, 0, 7);
  brush.fill();
}

/** Words at both ends of a line. @param {CanvasRenderingContext2D} brush @param {[string, number][]} ends @param {number} y */
export function ends(brush, [[first, left], [last, right]], y) {
  brush.fillText(said(first), left, y);
  brush.textAlign = "right";
  brush.fillText(said(last), right, y);
  brush.textAlign = "left";
}
