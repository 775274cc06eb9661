// @ts-check
// What the cards of a chapter's models say, as HTML with charts. A chapter's `facts` are in the order of its models.
import { escaped } from "../../serving/view.js";
import { INK, barChart, dotChart, explainedChart, histogram, percent } from "./charts.js";

/** A model's name among those of its series. @param {any} fact */
export const nameOf = fact => fact.short.split(" · ").at(-1);

/** @param {string} words @param {string} chart */
const titled = (words, chart) => `<h3>${escaped(words)}</h3>${chart}`;

/**
 * The figures of a chapter as HTML.
 * @param {string} chapter @param {any[]} facts of models that are whole @param {any} chosen one of them, in the chapter of GANs
 */
export const figuresOf = (chapter, facts, chosen) => facts.length ? FIGURES[chapter](facts, chosen) : "";

/** @type {Record<string, (facts: any[], chosen: any) => string>} */
const FIGURES = {
  linear,
  deeper,
  denoising: facts => facts.map(repairs).join(""),
  sparse: facts => facts.map(sparseness).join(""),
  codings: () => "",
  holes: facts => facts.map(dimensions).join(""),
  labels: ([fact]) => pretraining(fact.metrics.pretraining),
  gans: (facts, chosen) => sureness(facts) + (facts.includes(chosen) ? judged(chosen) : ""),
  arithmetic: ([faces]) => `<p>Of 100 random triples of held-out faces the judge takes `
    + `${percent(faces.metrics.a_minus_b_plus_c_is_a_woman_with_glasses)} of the sums for a woman with glasses. `
    + `The gallery's codes, of which these are, were picked for what their decoded faces show.</p>`,
};

// ---- errors

/** @param {any[]} facts */
function linear([fact]) {
  const rows = [pca(fact, "PCA"), autoencoder(fact, "linear autoencoder")];
  return titled("Variance that PCA explains", explainedChart(fact.explained))
    + titled("Test MSE, 30 numbers each", errors(rows, 5, "Test error of PCA and of the linear autoencoder"));
}

/** @param {any[]} facts */
function deeper(facts) {
  const rows = [pca(facts[0], "PCA, 30 components"), ...facts.map(fact => autoencoder(fact, nameOf(fact)))];
  return titled("Parameters", barChart(facts.map(sizeOf), "Parameters of each"))
    + titled("Test MSE, 30 codes each", errors(rows, 4, "Test error of each"));
}

const pca = (/** @type {any} */ fact, /** @type {string} */ name) => ({ name, value: fact.metrics.mse_pca_30, color: INK.three });
const autoencoder = (/** @type {any} */ fact, /** @type {string} */ name) =>
  ({ name, value: fact.metrics.mse_before_clipping, color: INK.two });

/** @param {{name: string, value: number, color?: string}[]} rows @param {number} digits @param {string} label */
const errors = (rows, digits, label) => barChart(rows.map(row => ({ ...row, words: row.value.toFixed(digits) })), label);

/** @param {any} fact */
const sizeOf = fact => ({ name: nameOf(fact), value: fact.parameters, words: fact.parameters.toLocaleString("en") });

/** @param {any} fact */
function repairs(fact) {
  const name = nameOf(fact), { mse_of_noisy_images: given, mse_repaired_by_pca_30: byPca, mse_repaired: repaired } = fact.metrics;
  return titled(`${name}: error against the clean test image`, errors([
    { name: "as given", value: given },
    { name: "by PCA, 30 components", value: byPca, color: INK.three },
    { name: "repaired", value: repaired, color: INK.two },
  ], 4, `Errors of ${name}`));
}

// ---- codes

/** @param {any} fact */
function sparseness(fact) {
  const name = nameOf(fact), range = { low: 0, high: fact.top };
  const all = histogram(fact.activations, { ...range, title: "all activations", label: `Activations of ${name}` });
  const label = `Mean activation of each unit of ${name}`;
  const units = histogram(fact.units, { ...range, title: "mean of each unit", label, color: INK.two });
  return titled(`${name}: mean activation ${fact.mean.toFixed(2)}`, all + units);
}

/** @param {any} fact */
function dimensions(fact) {
  const many = fact.histograms.length, width = many > 2 ? 90 : 135;
  const charts = fact.histograms.map((/** @type {number[]} */ shares, /** @type {number} */ i) => histogram(shares, {
    low: -4, high: 4, title: `z${i}`, normal: true, width, height: 70,
    label: `Histogram of z${i} against the standard normal; ${percent(fact.inside[i])} lie within 4`,
  }));
  const kl = typeof fact.kl === "number" ? `<p class="lx-figure">codes from N(0, I): ${fact.kl.toFixed(2)} nats</p>` : "";
  return titled(fact.short, `${kl}<div class="lx-many" style="--count: ${Math.min(5, many)}">${charts.join("")}</div>`);
}

// ---- judges

/** @param {any} measured */
function pretraining({ with: pretrained, without, gain, gain_standard_error: error, labels }) {
  const chart = dotChart([
    { name: "encoder from random weights", values: without, color: INK.one },
    { name: "encoder pretrained without labels", values: pretrained, color: INK.two },
  ], "Accuracies with and without pretraining");
  const points = `${gain < 0 ? "−" : "+"}${Math.abs(100 * gain).toFixed(1)}`;
  return titled(`Test accuracy with ${labels} labels, five draws of them`, chart)
    + `<p>Pretraining brings ${points} points (standard error ${(100 * error).toFixed(1)}).</p>`;
}

/** @param {any[]} facts */
function sureness(facts) {
  const rows = facts.map(fact => ({ name: nameOf(fact), value: fact.metrics["samples_judged_above_0.8"], color: INK.two }));
  rows.push({ name: "real test images", value: facts[0].metrics["test_images_judged_above_0.8"], color: INK.three });
  const chart = barChart(rows.map(row => ({ ...row, words: percent(row.value) })), "Share of samples that the judge is sure of", 1);
  return titled("1,000 samples: the judge is sure (above 0.8)", chart);
}

/** @param {any} fact */
function judged(fact) {
  const shares = Object.entries(fact.metrics.samples_by_class);
  const rows = shares.map(([name, value]) => ({ name, value, words: percent(value) }));
  return titled(`${nameOf(fact)}: what the judge takes them for`, barChart(rows, "Classes of the samples"));
}
