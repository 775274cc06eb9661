// @ts-check
// The words under the folds: what the model learned, what the plane shows, and the Keras code of the picture.
import { numberText } from "../../serving/state.js";

/** @param {any} model @returns {Record<string, string>} by kind */
const lessons = ({ latent_shape: [d] }) => ({
  vae: `<p>The encoder turns a picture x into a small cloud of points, with mean μ and spread σ; the decoder turns any point z
      back into a picture. Training asks for good pictures and for clouds that together fill the standard normal without holes:</p>
    <p class="lx-formula">z = μ(x) + σ(x) · ε, &nbsp; loss = reconstruction(x, x̂) + β · ½ Σ (μ² + σ² − 1 − ln σ²)</p>
    <p>So nearby points give similar pictures, and (nearly) every point gives one. Where the veil is dark, few encodings lie and
      the model only guesses.</p>`,
  ae: `<p>A plain autoencoder only asks for good reconstructions of pictures it has seen:</p>
    <p class="lx-formula">loss = reconstruction(x, x̂), &nbsp; x̂ = decoder(encoder(x))</p>
    <p>Nothing says where its codes should lie or what is between them: they spread unevenly, and in the holes the decoder draws
      what no one ever wore. It has no prior; “Surprise me” draws from a Gaussian fitted to its codes.</p>`,
  gan: `<p>Two networks play against each other: the generator G turns noise z into pictures, the discriminator D says how likely
      a picture is real. D learns to tell, G to fool it:</p>
    <p class="lx-formula">D: ln D(x) + ln (1 − D(G(z))) → max, &nbsp; G: ln D(G(z)) → max, &nbsp; z ~ N(0, 1)</p>
    <p>Nothing says which noise gives which picture, and no way leads from a picture back to its noise. With ${d} dimensions
      nearly all noise lies about ${Math.sqrt(d).toFixed(0)} from the origin, so the density of the standard normal is highest
      where hardly any was ever drawn.</p>`,
});

const DRAWS = `<p>A decoder turns any point z into a picture. Points are drawn as the standard normal has them, z ~ N(0, 1);
  what else was asked of it in training, its maker knows.</p>`;

/** What a plane through more than two dimensions is. @param {any} model @param {any} through */
function planeWords({ latent_shape: [d], encodings }, through) {
  if (through) {
    return `<p>The plane goes through the points 1, 2 and 3; both its coordinates are distances in z. A slider of a single
      dimension leaves it, and the cross then marks the nearest point on it.` +
      (encodings ? " The veil is the density on the plane, the dots are all encodings, each where it is nearest." : "") + "</p>";
  }
  if (d === 2) return "";
  const slice = "The plane is a slice: the two axes that you choose vary, all others stay where the point is";
  if (!encodings) return `<p>${slice}.</p>`;
  return `<p>${slice}; the veil is the density on that slice, the dots are all encodings seen along the other axes. An axis is
    dead when its mean code never moves; the model found no use for it.</p>`;
}

/** @param {import("./view.js").PlaneView} view */
export function fillWords(view) {
  const { model, state, through } = view, weight = model.kl_weight ?? null;
  view.find(".lx-explanation").innerHTML = (model.own && !model.encoder ? DRAWS : lessons(model)[model.kind] ?? "") +
    (weight === null ? "" : `<p>In this model β, per unit of this loss, is ${numberText(weight)}.</p>`) +
    planeWords(model, through);
  fillCode(view);
  view.find(".lx-hint").textContent = model.own ? "draw or choose a picture"
    : model.classes[0] === "0" ? "draw a digit" : "draw a piece of clothing";
}

/** @param {import("./view.js").PlaneView} view */
export function fillCode(view) {
  const { model, state } = view, z = state.z.map(numberText).join(", ");
  view.find(".lx-folds code").textContent = model.code.replace("{z}", z).replaceAll("{label}", state.label);
}
