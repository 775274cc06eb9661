// @ts-check
// The plot of a schedule: its noise and signal rates over diffusion time, noise on the left as sampling goes.
import { clearPlot, dot, ends, line } from "../../serving/plot.js";

const RIGHT = 8, TOP = 8; // pixels around it
const SIGNAL = "#e69f00", NOISE = "#56b4e9";

/** Between two of the values that are plotted. @param {number[]} rates @param {number} time */
function rateAt(rates, time) {
  const at = time * (rates.length - 1), i = Math.min(Math.floor(at), rates.length - 2);
  return rates[i] + (at - i) * (rates[i + 1] - rates[i]);
}

/**
 * @param {HTMLCanvasElement} canvas @param {{noise_rates: number[], signal_rates: number[]}} model
 * @param {number} [time] where a marker stands
 */
export function drawSchedule(canvas, { noise_rates, signal_rates }, time) {
  const { brush, width, height, type } = clearPlot(canvas, 0.56), style = getComputedStyle(canvas);
  const LEFT = brush.measureText("0").width + 16, BOTTOM = type + 9;
  const x = t => LEFT + (1 - t) * (width - LEFT - RIGHT), y = rate => TOP + (1 - rate) * (height - TOP - BOTTOM);
  const faint = style.getPropertyValue("--body-text-color-subdued");
  brush.globalAlpha = 0.35;
  for (const rate of [0, 0.5, 1]) line(brush, [[x(1), y(rate)], [x(0), y(rate)]], faint, 1);
  brush.globalAlpha = 1;
  brush.fillStyle = faint;
  for (const rate of [0, 1]) brush.fillText(String(rate), 8, y(rate) + type / 3);
  ends(brush, [["t = 1, noise", LEFT], ["t = 0, picture", width - RIGHT]], height - 5);
  for (const [rates, colour] of /** @type {[number[], string][]} */ ([[signal_rates, SIGNAL], [noise_rates, NOISE]])) {
    line(brush, rates.map((rate, i) => [x(i / (rates.length - 1)), y(rate)]), colour, 2.5);
    if (time !== undefined) dot(brush, x(time), y(rateAt(rates, time)), colour);
  }
  if (time === undefined) return;
  brush.setLineDash([3, 3]);
  line(brush, [[x(time), TOP], [x(time), height - BOTTOM]], style.getPropertyValue("--body-text-color"), 1);
  brush.setLineDash([]);
}
