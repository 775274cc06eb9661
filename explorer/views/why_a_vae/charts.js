// @ts-check
// Small charts, drawn as SVG; their colours follow the page's.
import { escaped } from "../../serving/view.js";

export const INK = { one: "#56b4e9", two: "#e69f00", three: "#2fd6a3", normal: "#cc79a7" };
const WIDTH = 280;
const BAR = 38; // the height of a bar with its words
const GROUP = 50; // ... of a row of dots

/** A share as people read it. @param {number} share */
export const percent = share => `${(100 * share).toFixed(share > 0.0995 ? 0 : 1)} %`;

/** @param {string} name @param {Record<string, string | number>} attributes lengths to a hundredth of a pixel */
function tag(name, attributes, inner = "") {
  const written = Object.entries(attributes).map(([key, value]) => `${key}="${typeof value === "number" ? length(value) : value}"`);
  return `<${name} ${written.join(" ")}>${inner}</${name}>`;
}
const length = (/** @type {number} */ value) => +value.toFixed(2);

/** @param {number} x @param {number} y @param {string} words @param {Record<string, string>} [how] */
const textAt = (x, y, words, how) => tag("text", { x, y, ...how }, escaped(words));
const END = { "text-anchor": "end" }, FIGURE = { ...END, class: "lx-figure" };

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} fill */
const box = (x, y, width, height, fill) => tag("rect", { x, y, width, height, fill });

/** @param {[number, number][]} points @param {string} stroke @param {number} width */
function curve(points, stroke, width) {
  const written = points.map(([x, y]) => `${length(x)},${length(y)}`).join(" ");
  return tag("polyline", { fill: "none", stroke, "stroke-width": width, points: written });
}

/** @param {number} width @param {number} height @param {string[]} parts @param {string} label for those who cannot see it */
const chart = (width, height, parts, label) =>
  tag("svg", { class: "lx-chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": escaped(label) }, parts.join(""));

/** @param {number[]} values */
const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * Bars to the right, one a row; what is `most` is as wide as there is room.
 * @param {{name: string, value: number, words: string, color?: string}[]} rows @param {string} label
 */
export function barChart(rows, label, most = Math.max(...rows.map(row => row.value))) {
  return chart(WIDTH, BAR * rows.length, rows.flatMap(({ name, value, words, color = INK.one }, i) => [
    textAt(0, BAR * i + 12, name),
    textAt(WIDTH, BAR * i + 12, words, FIGURE),
    tag("rect", { x: 0, y: BAR * i + 17, width: Math.max(1, 270 * value / most), height: 10, rx: 2, fill: color }),
  ]), label);
}

/**
 * Shares over [low, high] as columns, and the standard normal as a curve if they are to be compared with it.
 * @param {number[]} shares @param {{low: number, high: number, title: string, label: string, color?: string, normal?: boolean,
 *   width?: number, height?: number}} how
 */
export function histogram(shares, { low, high, title, label, color = INK.one, normal = false, width = WIDTH, height = 90 }) {
  const n = shares.length, step = width / n, floor = height - 14;
  const density = (/** @type {number} */ z) => Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * (high - low) / n;
  const top = Math.max(...shares, normal ? density(0) : 0) || 1;
  const y = (/** @type {number} */ share) => floor - share / top * (floor - 16);
  const columns = shares.map((share, i) => box(i * step, y(share), Math.max(0.6, step - 0.6), floor - y(share), color));
  const over = Array.from({ length: 61 }, (_, k) => k / 60);
  return chart(width, height, [
    ...columns,
    normal ? curve(over.map(part => [part * width, y(density(low + part * (high - low)))]), INK.normal, 1.6) : "",
    tag("line", { x1: 0, x2: width, y1: floor, y2: floor }),
    textAt(0, 10, title),
    textAt(0, height - 2, String(low)),
    textAt(width, height - 2, String(high), END),
  ], label);
}

/** What each component explains, and the sum so far. @param {number[]} ratios */
export function explainedChart(ratios) {
  const n = ratios.length, step = WIDTH / n, y = (/** @type {number} */ share) => 126 - 112 * share;
  let sum = 0;
  const sums = ratios.map(ratio => sum += ratio), together = (100 * sum).toFixed(1);
  return chart(WIDTH, 142, [
    ...ratios.map((ratio, i) => box(i * step, y(ratio), step - 1, 126 - y(ratio), INK.one)),
    curve(sums.map((part, i) => [(i + 0.5) * step, y(part)]), INK.two, 2),
    tag("line", { x1: 0, x2: WIDTH, y1: 126, y2: 126 }),
    textAt(0, 138, "component 1"),
    textAt(WIDTH, 138, String(n), END),
    textAt(276, y(sum) + 26, `${together} % together`, END),
  ], `Explained variance of ${n} principal components, together ${together} per cent`);
}

/**
 * One dot a seed, and the mean as a line.
 * @param {{name: string, values: number[], color: string}[]} groups @param {string} label
 */
export function dotChart(groups, label) {
  const all = groups.flatMap(group => group.values), low = Math.min(...all) - 0.005, high = Math.max(...all) + 0.005;
  const x = (/** @type {number} */ value) => 10 + 260 * (value - low) / (high - low), bottom = GROUP * groups.length + 10;
  const rows = groups.flatMap(({ name, values, color }, i) => {
    const y = GROUP * i + 30, middle = mean(values);
    return [
      textAt(0, y - 16, name),
      textAt(WIDTH, y - 16, `${(100 * middle).toFixed(1)} %`, FIGURE),
      tag("line", { x1: 10, x2: 270, y1: y, y2: y }),
      ...values.map(value => tag("circle", { cx: x(value), cy: y, r: 5, fill: color, "fill-opacity": 0.75 })),
      box(x(middle) - 1.5, y - 10, 3, 20, color),
    ];
  });
  const ends = [textAt(10, bottom, `${(100 * low).toFixed(0)} %`), textAt(270, bottom, `${(100 * high).toFixed(0)} %`, END)];
  return chart(WIDTH, bottom + 4, [...rows, ...ends], label);
}
