// @ts-check
// What the page says of each chapter: its point in a sentence, the formula, the longer story, and the Keras code.

/**
 * `point` is plain text, `formula` and `story` are HTML.
 * @type {Record<string, {point: string, formula: string, story: string}>}
 */
export const WORDS = {
  linear: {
    point: "Thirty numbers a picture, one layer down, one layer up, no bend between: it finds what PCA finds, and can find "
      + "no more.",
    formula: "x̂ = W₂ (W₁ x + b₁) + b₂, &nbsp; loss = mean (x − x̂)²",
    story: `The best plane through the data is that of the first principal components; gradient descent finds the same plane
      from random weights, though not the same axes in it. Below, the same for sixty points in space: turn the picture, and move
      the slider over the epochs of training.`,
  },
  deeper: {
    point: "A bend between layers, and the same thirty numbers say more. Half the weights do as well; one layer after the other "
      + "does nearly.",
    formula: "x̂ = decoder(encoder(x)), &nbsp; tied: W<sub>N−L+1</sub> = W<sub>L</sub>ᵀ",
    story: `Stacked: 784–100–30–100–784. Tied: the decoder uses the encoder's weights, transposed, and has biases of its own.
      Layer by layer: the outer layers are trained as an autoencoder of their own, then the inner ones on its codes; the row of
      the first layer alone shows how far that was. Convolutional: its thirty codes are averages over a map.`,
  },
  denoising: {
    point: "Spoil what goes in, ask for the clean picture: it must learn what garments look like, not how to copy.",
    formula: "loss = mean (x − decoder(encoder(x + noise)))²",
    story: `Lost pixels: each pixel is put out with the given probability, and the others made brighter by as much, as a Dropout
      layer does. Noise: Gaussian, of the given standard deviation. One model was trained on each, at 0.5: move the slider
      beyond that and see it give up. Draw on the pad, or click a garment in the first row.`,
  },
  sparse: {
    point: "Three hundred numbers, but almost all must keep quiet: each learns to stand for something.",
    formula: "l1: + 10⁻⁴ Σ |a|, &nbsp; KL: + w Σ p ln(p/q) + (1 − p) ln((1 − p)/(1 − q)), &nbsp; p = 0.1",
    story: `Above, how often a unit's activation has which value over the test images; below it, the mean activation of each
      unit, q. The stacked autoencoder is not asked to be sparse: its units are ReLUs, from 0 to anything. l1 pushes single
      activations to 0; the KL term asks each unit to be on one time in ten.`,
  },
  codings: {
    point: "Thirty numbers drawn as two: what looks alike lies together, and nobody told it the labels.",
    formula: "KL(P ‖ Q), &nbsp; p<sub>ij</sub> by Gaussians among the codes, q<sub>ij</sub> by Student's t on the map",
    story: `t-SNE (van der Maaten and Hinton 2008) keeps neighbours together; distances between groups mean little. Point at a
      dot: its code is decoded, never the image shown that it came from. “Compute anew” runs scikit-learn's t-SNE on the first
      so many codes while you wait.`,
  },
  holes: {
    point: "Ask for good pictures alone, and there are holes between the codes. Ask for codes that fill a normal distribution too, "
      + "and every point is a garment: a VAE.",
    formula: "VAE: loss = reconstruction + KL(N(μ, σ²) ‖ N(0, 1))",
    story: `Drag across both. Between the codes of the plain autoencoder lie places where its decoder never was; the VAE's codes
      are clouds, pressed together around the origin, and hardly a place is left out. The histograms: each dimension's values
      over the test images, of a VAE with z sampled as in training, against N(0, 1) in pink.`,
  },
  labels: {
    point: "Learn to see from 60,000 pictures without labels, then to name things from 500 with them.",
    formula: "classifier = softmax(W · encoder(x))",
    story: `The denoising autoencoder's encoder saw every training picture and no label. With a softmax on top, it is trained on
      500 labelled pictures, and so is one of the same layers from random weights; five draws of the 500.`,
  },
  gans: {
    point: "No encoder and no error to measure: one network draws, another says whether it is real, and both get "
      + "better, if they do.",
    formula: "D: −ln D(x) − ln(1 − D(G(z))), &nbsp; G: −ln D(G(z))",
    story: `Under each picture stands the verdict of the model's own discriminator: the probability that it is real. The rows
      below show what the same noise became after each epoch. The simple GAN's layers do not know which pixels are neighbours;
      it oscillates, and forgets what it could draw. The deep one's discriminator learns the garments' names of real pictures
      too, so that what lies between two garments convinces it less; the generator hears none, but is to draw what has one, and
      all of them equally often. The conditional one is told the class, as is its discriminator.`,
  },
  arithmetic: {
    point: "Directions have meanings: a man with glasses, less a man, plus a woman.",
    formula: "z = mean(z<sub>A</sub>) − mean(z<sub>B</sub>) + mean(z<sub>C</sub>)",
    story: `Three faces of each kind from the gallery, which are decoded codes, and beside them the face of their mean code. They
      are drawn from ten of each kind that were chosen because their sums succeed; among all faces fewer do, as the figures say. The
      sum stands in the middle of nine, its neighbours a little off. The judge of faces says what it sees there; glasses are
      what this VAE blurs first.`,
  },
};

/**
 * The few lines that make the last row of a chapter's pictures.
 * @param {{chapter: string, seed: number, label: number, source: string, noise: string, amount: number}} state
 * @param {string} name of a model @param {any} fact what its card says
 */
export function codeOf(state, name, fact) {
  const { chapter, seed, label } = state;
  if (chapter === "gans") return codeOfGan(name, seed, fact?.conditional ? `, label=${label}` : "");
  if (chapter === "arithmetic") return codeOfSum(name, seed);
  const noisy = chapter === "denoising" ? corrupting(state) : "";
  return `import numpy as np
import explorer

${state.source === "test" ? tested(seed) : drawn(seed)}
${noisy}model = explorer.load("${name}")
pictures = model.reconstruct(${noisy ? "noisy" : "images"})  # decode(encode(...)[0]), of noisy pictures too`;
}

/** The garments that all are shown. @param {number} seed */
const drawn = seed => `artist = explorer.load("fashion-cgan")
images = artist.decode(artist.prior(10, seed=${seed}), label=np.arange(10))  # a garment of each class`;

/** @param {number} seed */
const tested = seed => `from explorer import data
images, labels = data.load("fashion", "test")
rng = np.random.default_rng(${seed})
images = images[[rng.choice(np.flatnonzero(labels == i)) for i in range(10)]]`;

/** @param {{seed: number, noise: string, amount: number}} state */
const corrupting = ({ seed, noise, amount }) => `rng = np.random.default_rng(${seed})
` + (noise === "gaussian" ? `noisy = images + np.float32(${amount}) * rng.standard_normal(images.shape, dtype="float32")
` : `noisy = images * (rng.random(images.shape, dtype="float32") >= ${amount}) / np.float32(1 - ${amount})
`);

/** @param {string} name @param {number} seed @param {string} label */
const codeOfGan = (name, seed, label) => `import explorer

gan = explorer.load("${name}")
z = gan.prior(10, seed=${seed})
pictures = gan.decode(z${label})  # float32 (10, 28, 28, 1) in [0, 1]
verdicts = gan.verdict(pictures${label})  # the discriminator's probability of "real"`;

/** @param {string} name @param {number} seed */
const codeOfSum = (name, seed) => `import numpy as np
import explorer

vae = explorer.load("${name}")
gallery, rng = explorer.checkpoints.encodings("${name}"), np.random.default_rng(${seed})

def mean(among):  # the mean code of three faces of a kind
    return gallery.z_mean[rng.choice(among, 3, replace=False)].mean(0)

men_with_glasses, men, women = vae.card["sum_faces"]  # places in the gallery
z = mean(men_with_glasses) - mean(men) + mean(women)
face = vae.decode(z[None])[0]`;
