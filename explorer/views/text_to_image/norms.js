// @ts-check
// Why slerp: the plot of an embedding's length along both ways from one prompt to another, over that of the first.
import { clearPlot, dot, ends, line } from "../../serving/plot.js";

const RIGHT = 8, TOP = 8, GAP = 6; // pixels around it, and between it and its numbers
const COLOURS = { linear: "#56b4e9", slerp: "#e69f00" };

/**
 * @param {HTMLCanvasElement} canvas @param {{linear: number[], slerp: number[]} | null} norms none: an empty plot
 * @param {string} kind the way that is gone @param {number} [place] where on it a marker stands, 0 to 1
 */
export function drawNorms(canvas, norms, kind, place) {
  const { brush, width, height, type } = clearPlot(canvas, 0.52);
  if (!norms) return;
  const both = [...norms.linear, ...norms.slerp], least = Math.min(...both);
  const low = Math.min(least, 0.9), high = Math.max(...both, 1.1);
  const LEFT = brush.measureText("0.00").width + 2 * GAP, BOTTOM = type + 9;
  const x = t => LEFT + t * (width - LEFT - RIGHT), y = norm => TOP + (high - norm) / (high - low) * (height - TOP - BOTTOM);
  const faint = getComputedStyle(canvas).getPropertyValue("--body-text-color-subdued");
  brush.globalAlpha = 0.35;
  line(brush, [[x(0), y(1)], [x(1), y(1)]], faint, 1);
  brush.globalAlpha = 1;
  brush.fillStyle = faint;
  brush.fillText("1.00", GAP, y(1) + type / 3);
  if (y(least) - y(1) > 1.3 * type) brush.fillText(least.toFixed(2), GAP, y(least) + type / 3);
  ends(brush, [["A", LEFT], ["B", width - RIGHT]], height - 5);
  for (const [way, colour] of Object.entries(COLOURS)) {
    const along = norms[way], last = along.length - 1;
    line(brush, along.map((norm, i) => [x(i / last), y(norm)]), colour, way === kind ? 3.5 : 1.75);
    if (place !== undefined && way === kind) dot(brush, x(place), y(along[Math.round(place * last)]), colour);
  }
}
