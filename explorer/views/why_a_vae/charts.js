// Small charts of the view "Why a VAE?", drawn as SVG from the cards' figures; their colours follow the page's.

const INK = { one: "#56b4e9", two: "#e69f00", three: "#2fd6a3", normal: "#cc79a7" };

function svg(width, height, inner, label) {
  return `<svg class="lx-chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(label)}">${inner}</svg>`;
}
const textAt = (x, y, words, anchor = "start", extra = "") => `<text x="${x}" y="${y}" text-anchor="${anchor}" ${extra}>${escaped(words)}</text>`;

// Bars to the right, one a row: [{name, value, words, color}]; the longest is as wide as there is room.
function barChart(rows, label, most = Math.max(...rows.map(row => row.value))) {
  const height = 38 * rows.length, bar = row => Math.max(1, 270 * row.value / most);
  return svg(280, height, rows.map((row, i) => textAt(0, 38 * i + 12, row.name) + textAt(280, 38 * i + 12, row.words, "end", `class="lx-figure"`) +
    `<rect x="0" y="${38 * i + 17}" width="${bar(row)}" height="10" rx="2" fill="${row.color || INK.one}"/>`).join(""), label);
}

// Shares over [low, high] as columns, with a curve beside them if there is one to compare with.
function histogram(shares, { low, high, label, title, color = INK.one, normal = false, width = 280, height = 90 }) {
  const n = shares.length, top = Math.max(...shares, normal ? 0.3989 * (high - low) / n : 0) || 1, floor = height - 14;
  const y = share => floor - share / top * (floor - 16), step = width / n;
  const columns = shares.map((share, i) => `<rect x="${(i * step).toFixed(1)}" y="${y(share).toFixed(1)}" width="${Math.max(0.6, step - 0.6).toFixed(1)}" height="${(floor - y(share)).toFixed(1)}" fill="${color}"/>`).join("");
  const curve = normal ? `<polyline fill="none" stroke="${INK.normal}" stroke-width="1.6" points="${Array.from({ length: 61 }, (_, k) => { const z = low + k / 60 * (high - low); return `${(k / 60 * width).toFixed(1)},${y(Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * (high - low) / n).toFixed(1)}`; }).join(" ")}"/>` : "";
  return svg(width, height, columns + curve + `<line x1="0" x2="${width}" y1="${floor}" y2="${floor}"/>` + textAt(0, 10, title) + textAt(0, height - 2, String(low)) + textAt(width, height - 2, String(high), "end"), label);
}

// What each component explains, and the sum so far.
function explainedChart(ratios) {
  const sums = ratios.reduce((list, ratio) => [...list, (list.at(-1) ?? 0) + ratio], []), n = ratios.length, y = share => 126 - 112 * share;
  const columns = ratios.map((ratio, i) => `<rect x="${i * 280 / n}" y="${y(ratio)}" width="${280 / n - 1}" height="${126 - y(ratio)}" fill="${INK.one}"/>`).join("");
  const line = `<polyline fill="none" stroke="${INK.two}" stroke-width="2" points="${sums.map((sum, i) => `${(i + 0.5) * 280 / n},${y(sum)}`).join(" ")}"/>`;
  return svg(280, 142, columns + line + `<line x1="0" x2="280" y1="126" y2="126"/>` + textAt(0, 138, "component 1") + textAt(280, 138, String(n), "end") +
    textAt(276, y(sums.at(-1)) + 14, `${(100 * sums.at(-1)).toFixed(1)} % together`, "end"), `Explained variance of ${n} principal components, together ${(100 * sums.at(-1)).toFixed(1)} per cent`);
}

// One dot a seed, and the mean as a line.
function dotChart(groups, label) {
  const all = groups.flatMap(group => group.values), low = Math.min(...all) - 0.005, high = Math.max(...all) + 0.005, x = value => 10 + 260 * (value - low) / (high - low);
  return svg(280, 50 * groups.length + 14, groups.map((group, i) => {
    const mean = group.values.reduce((sum, value) => sum + value, 0) / group.values.length, y = 50 * i + 30;
    return textAt(0, y - 16, group.name) + textAt(280, y - 16, `${(100 * mean).toFixed(1)} %`, "end", `class="lx-figure"`) + `<line x1="10" x2="270" y1="${y}" y2="${y}"/>` +
      group.values.map(value => `<circle cx="${x(value)}" cy="${y}" r="5" fill="${group.color}" fill-opacity="0.75"/>`).join("") + `<rect x="${x(mean) - 1.5}" y="${y - 10}" width="3" height="20" fill="${group.color}"/>`;
  }).join("") + textAt(10, 50 * groups.length + 10, `${(100 * low).toFixed(0)} %`) + textAt(270, 50 * groups.length + 10, `${(100 * high).toFixed(0)} %`, "end"), label);
}

const percent = share => `${(100 * share).toFixed(share > 0.0995 ? 0 : 1)} %`;
const nameOf = fact => fact.short.split(" · ").at(-1);

// The charts of each chapter, from `facts`: what the cards of its models say.
const CHARTS = {
  linear: ([linear]) => `<h4>Variance that PCA explains</h4>${explainedChart(linear.explained)}<h4>Test MSE, 30 numbers each</h4>` +
    barChart([{ name: "PCA", value: linear.metrics.mse_pca_30, color: INK.three }, { name: "linear autoencoder", value: linear.metrics.mse_before_clipping, color: INK.two }].map(row => ({ ...row, words: row.value.toFixed(5) })), "Test error of PCA and of the linear autoencoder"),
  deeper: list => `<h4>Parameters</h4>${barChart(list.map(fact => ({ name: nameOf(fact), value: fact.parameters, words: fact.parameters.toLocaleString("en") })), "Parameters of each")}` +
    `<h4>Test MSE, 30 codes each</h4>${barChart([{ name: "PCA, 30 components", value: list[0].metrics.mse_pca_30, color: INK.three }, ...list.map(fact => ({ name: nameOf(fact), value: fact.metrics.mse_before_clipping, color: INK.two }))].map(row => ({ ...row, words: row.value.toFixed(4) })), "Test error of each")}`,
  denoising: list => list.map(fact => `<h4>${escaped(nameOf(fact))}: error against the clean test image</h4>` + barChart([["as given", "mse_of_noisy_images"], ["by PCA, 30 components", "mse_repaired_by_pca_30", INK.three], ["repaired", "mse_repaired", INK.two]]
    .map(([name, key, color]) => ({ name, value: fact.metrics[key], words: fact.metrics[key].toFixed(4), color })), `Errors of ${nameOf(fact)}`)).join(""),
  sparse: list => list.map(fact => `<h4>${escaped(nameOf(fact))}: mean activation ${fact.mean.toFixed(2)}</h4>` + histogram(fact.activations, { low: 0, high: fact.top, title: "all activations", label: `Activations of ${nameOf(fact)}` }) +
    histogram(fact.units, { low: 0, high: fact.top, title: "mean of each unit", label: `Mean activation of each unit of ${nameOf(fact)}`, color: INK.two })).join(""),
  codings: () => "",
  holes: list => list.map(fact => `<h4>${escaped(fact.short)}</h4>${fact.kl === null || fact.kl === undefined ? "" : `<p class="lx-figure">codes from N(0, I): ${fact.kl.toFixed(2)} nats</p>`}<div class="lx-many" style="--count: ${Math.min(5, fact.histograms.length)}">` +
    fact.histograms.map((shares, i) => histogram(shares, { low: -4, high: 4, title: `z${i}`, label: `Histogram of z${i} against the standard normal; ${percent(fact.inside[i])} lie within 4`, normal: true, width: fact.histograms.length > 2 ? 90 : 135, height: 70 })).join("") + "</div>").join(""),
  labels: ([fact]) => {
    const { with: pretrained, without, gain, gain_standard_error: error, labels } = fact.metrics.pretraining;
    return `<h4>Test accuracy with ${labels} labels, five draws of them</h4>` + dotChart([{ name: "encoder from random weights", values: without, color: INK.one }, { name: "encoder pretrained without labels", values: pretrained, color: INK.two }], "Accuracies with and without pretraining") +
      `<p>Pretraining brings ${gain < 0 ? "−" : "+"}${Math.abs(100 * gain).toFixed(1)} points (standard error ${(100 * error).toFixed(1)}).</p>`;
  },
  gans: list => `<h4>1,000 samples: the judge is sure (above 0.8)</h4>` + barChart([...list.map(fact => ({ name: nameOf(fact), value: fact.metrics["samples_judged_above_0.8"], color: INK.two })), { name: "real test images", value: list[0].metrics["test_images_judged_above_0.8"], color: INK.three }]
    .map(row => ({ ...row, words: percent(row.value) })), "Share of samples that the judge is sure of", 1) + list.filter(fact => facts[state.model] === fact).map(fact => `<h4>${escaped(nameOf(fact))}: what the judge takes them for</h4>` +
    barChart(Object.entries(fact.metrics.samples_by_class).map(([name, value]) => ({ name, value, words: percent(value) })), "Classes of the samples")).join(""),
  arithmetic: ([faces]) => `<p>Of 100 random triples of held-out faces the judge takes ${percent(faces.metrics.a_minus_b_plus_c_is_a_woman_with_glasses)} of the sums for a woman with glasses. The gallery's codes, of which these are, were picked for what their decoded faces show.</p>`,
};
