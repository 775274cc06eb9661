"""Autoencoders and variational autoencoders, and the generator that explores them.

Layers: *Deep Learning with Python*, 3rd ed., ch. 17 (`mnist-vae`); *Generative Deep Learning*, 2nd ed., ch. 3
(`fashion-ae`, `fashion-vae`, and tables 3-5 and 3-6: `celeba-vae`); *Hands-On Machine Learning*, 3rd ed., ch. 17
(`fashion-vae-10d`).
"""

from functools import cached_property

import keras
import numpy as np
from keras import layers, ops

from explorer.errors import InputError
from explorer.generators.activations import of_chain
from explorer.generators.base import Generator, answers, check_images, drawn_by
from explorer.generators.directions import FILE, Directions

# What multiplies the reconstruction term is always its mean over pixels and channels (the books state it so or as a sum,
# which is the mean times the number of pixels); the KL term is always summed over the latent dimensions.
RECONSTRUCTION_LOSSES = ("binary_crossentropy", "mse")
_AT_ONCE = 2**19  # pixels in a batch: the hidden maps of a sheet of faces would fill the memory


@keras.saving.register_keras_serializable(package="explorer")
class Sampling(layers.Layer):
    """The reparameterization trick: z = z_mean + exp(z_log_var / 2) * eps, eps ~ N(0, I) (Kingma and Welling 2013, eq. 10).

    Takes `[z_mean, z_log_var]`, each float (n, d); returns z, float (n, d).
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self._seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(ops.shape(z_mean), dtype=z_mean.dtype, seed=self._seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def kl_divergence(z_mean, z_log_var):
    """KL(N(z_mean, exp(z_log_var)) || N(0, I)) in nats, summed over dimensions: (n, d), (n, d) -> (n,).

    Kingma and Welling 2013, appendix B.
    """
    return -0.5 * ops.sum(1 + z_log_var - ops.square(z_mean) - ops.exp(z_log_var), axis=-1)


def reconstruction_error(images, reconstructions, loss="binary_crossentropy"):
    """Mean over pixels and channels of the chosen loss, one value an image: (n, h, w, c) twice -> (n,)."""
    if loss == "mse":
        return ops.mean(ops.square(images - reconstructions), axis=(1, 2, 3))
    return ops.mean(keras.losses.binary_crossentropy(images, reconstructions), axis=(1, 2))


class _Family(keras.Model):
    """What the autoencoder and the VAE share: two parts, a reconstruction term, and how they are written to disk."""

    def __init__(self, encoder, decoder, reconstruction_loss="binary_crossentropy", reconstruction_weight=1.0, **kwargs):
        super().__init__(**kwargs)
        if reconstruction_loss not in RECONSTRUCTION_LOSSES:
            raise InputError(f"reconstruction_loss must be one of {RECONSTRUCTION_LOSSES}, got {reconstruction_loss!r}")
        self.encoder, self.decoder = encoder, decoder
        self.reconstruction_loss, self.reconstruction_weight = reconstruction_loss, float(reconstruction_weight)
        self._reconstruction = keras.metrics.Mean(name="reconstruction")
        self.built = True  # both parts are functional models, built when they were made

    def get_config(self):
        return {
            "name": self.name,
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "reconstruction_loss": self.reconstruction_loss,
            "reconstruction_weight": self.reconstruction_weight,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {k: keras.saving.deserialize_keras_object(config[k], custom_objects) for k in ("encoder", "decoder")}
        return cls(**{**config, **parts})


@keras.saving.register_keras_serializable(package="explorer")
class Autoencoder(_Family):
    """A plain autoencoder: loss = reconstruction_weight * mean over pixels of the reconstruction loss (GDL ch. 3), and what
    layers add to it, such as a regularizer of the codes."""

    def call(self, images, training=False):
        return self.decoder(self.encoder(images, training=training), training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        error = ops.mean(reconstruction_error(x, y_pred, self.reconstruction_loss))
        self._reconstruction.update_state(error)
        return sum(self.losses, self.reconstruction_weight * error)


@keras.saving.register_keras_serializable(package="explorer")
class VAE(_Family):
    """A variational autoencoder: loss = reconstruction_weight * mean over pixels + kl_weight * KL summed over dimensions.

    `encoder` maps images (n, h, w, c) to `[z_mean, z_log_var]`, each (n, d); `decoder` maps z (n, d) to images in [0, 1].
    With `reconstruction_weight` = h * w * c and `kl_weight` = 1 the loss is the negative ELBO.
    """

    def __init__(self, encoder, decoder, kl_weight=1.0, seed=None, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        self.kl_weight, self.seed = float(kl_weight), seed
        self.sampling = Sampling(seed)
        # a variable, so that training can raise it from 0 without compiling again
        self.kl_weight_now = self.add_weight(
            name="kl_weight_now", initializer=keras.initializers.Constant(kl_weight), trainable=False
        )
        self._kl = keras.metrics.Mean(name="kl")

    def call(self, images, training=False):
        z_mean, z_log_var = self.encoder(images, training=training)
        decoded = self.decoder(self.sampling([z_mean, z_log_var]), training=training)
        return {"reconstruction": decoded, "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        error = ops.mean(reconstruction_error(x, y_pred["reconstruction"], self.reconstruction_loss))
        kl = ops.mean(kl_divergence(y_pred["z_mean"], y_pred["z_log_var"]))
        self._reconstruction.update_state(error)
        self._kl.update_state(kl)
        return self.reconstruction_weight * error + self.kl_weight_now * kl

    def get_config(self):
        return {**super().get_config(), "kl_weight": self.kl_weight, "seed": self.seed}


def _stage(convolution, width, x, batch_norm):
    """A strided 3x3 convolution and ReLU; or batch normalization and LeakyReLU, as in GDL's tables 3-5 and 3-6."""
    x = convolution(width, 3, strides=2, padding="same", activation=None if batch_norm else "relu")(x)
    return _normalized(x) if batch_norm else x


def _normalized(x):
    return layers.LeakyReLU()(layers.BatchNormalization()(x))


def build_encoder(image_shape, latent_size, filters=(), dense=(), batch_norm=False, variational=True):
    """Strided 3x3 convolutions, then dense layers, then linear heads: `z`, or `[z_mean, z_log_var]` if `variational`."""
    inputs = x = keras.Input(image_shape, name="image")
    for width in filters:
        x = _stage(layers.Conv2D, width, x, batch_norm)
    x = layers.Flatten()(x)
    for width in dense:
        x = layers.Dense(width, activation="relu")(x)
    heads = [layers.Dense(latent_size, name=name)(x) for name in (("z_mean", "z_log_var") if variational else ("z",))]
    return keras.Model(inputs, heads if variational else heads[0], name="encoder")


def build_decoder(image_shape, latent_size, filters=(), dense=(), projection="linear", batch_norm=False, output="sigmoid"):
    """Dense layers, a projection to the smallest map and strided transposed 3x3 convolutions; without `filters`, dense only."""
    height, width, channels = image_shape
    inputs = x = keras.Input((latent_size,), name="z")
    for units in dense:
        x = layers.Dense(units, activation="relu")(x)
    if not filters:
        x = layers.Dense(height * width * channels, activation=output)(x)
        return keras.Model(inputs, layers.Reshape(image_shape)(x), name="decoder")
    small = (height >> len(filters), width >> len(filters), filters[0])
    x = layers.Dense(int(np.prod(small)), activation=projection)(x)
    x = layers.Reshape(small)(_normalized(x) if batch_norm else x)
    for units in filters:
        x = _stage(layers.Conv2DTranspose, units, x, batch_norm)
    last = layers.Conv2DTranspose if batch_norm else layers.Conv2D  # as the tables have it; at stride 1 the same thing
    return keras.Model(inputs, last(channels, 3, padding="same", activation=output)(x), name="decoder")


def build(image_shape, latent_size, encoder, decoder, loss, variational=True, seed=None):
    """An untrained model from a recipe's data: `encoder`, `decoder` and `loss` are keyword arguments of the parts."""
    parts = (build_encoder(image_shape, latent_size, variational=variational, **encoder),
             build_decoder(image_shape, latent_size, **decoder))  # fmt: skip
    return VAE(*parts, seed=seed, **loss) if variational else Autoencoder(*parts, **loss)


class AutoencoderGenerator(Generator):
    """A trained autoencoder or VAE as a `Generator`; `model` is the Keras model, for those who want the layers."""

    def _decode(self, z, label):
        most = max(1, _AT_ONCE // (self.image_shape[0] * self.image_shape[1]))
        images = np.concatenate([answers(self.model.decoder, z[i : i + most]) for i in range(0, max(1, len(z)), most)])
        return np.clip(images, 0.0, 1.0)  # a linear output may leave [0, 1]

    def encode(self, images):
        """float (n, h, w, c) in [0, 1] -> (z_mean, z_log_var), float32 (n, d) each; an AE's z_log_var is None."""
        codes = answers(self.model.encoder, check_images(images, self.image_shape))
        return tuple(codes) if self._variational else (codes, None)

    def reconstruct(self, images):
        """What is left of pictures, float (n, h, w, c), after encoder (a VAE's z_mean) and decoder: float32, the same shape, in
        [0, 1]. Unlike `encode` it takes any finite pixels: noise leaves [0, 1]."""
        images = np.asarray(images, "float32")
        if images.shape[1:] != self.image_shape or not np.isfinite(images).all():
            raise InputError(f"images must be finite numbers (n, {', '.join(map(str, self.image_shape))}), got {images.shape}")
        codes = answers(self.model.encoder, images)
        return self._decode(codes[0] if self._variational else codes, None)

    def networks(self):
        """`decode` and `encode` as Keras models: "decoder", of `z`, and "encoder", of `images`."""
        z, images = keras.Input(self.latent_shape, name="z"), keras.Input(self.image_shape, name="images")
        codes = self.model.encoder(images)
        return {"decoder": keras.Model(z, ops.clip(self.model.decoder(z), 0.0, 1.0)), "encoder": keras.Model(images, codes)}

    @cached_property
    def inside(self):
        """As of `Generator`: "encoder", of pictures (n, h, w, c), without its heads, and "decoder", of z (n, d)."""
        parts = {"encoder": self.model.encoder, "decoder": self.model.decoder}
        return {
            part: of_chain(network, f"{self.card['name']}: its {part}", heads=part == "encoder")
            for part, network in parts.items()
            if network is not None
        }

    def encoder_input(self, images):
        """Pictures (n, h, w, c) in [0, 1] as the encoder takes them."""
        return images

    def loss_terms(self, images, reconstructions, z_mean, z_log_var=None):
        """The terms of the loss that it was trained with, of these pictures and what became of them, each (n, h, w, c) in [0, 1].

        Returns {"loss": one of `RECONSTRUCTION_LOSSES`, "pixels": float32 (n, h, w), what each pixel adds to "reconstruction",
        (n,), "kl": (n, d) in nats or None, "kl_weight": what multiplies its sum}.
        """
        loss, weight = self._loss
        x, y = (np.asarray(pixels, "float64") for pixels in (images, reconstructions))
        if loss == "mse":
            error = np.square(x - y)
        else:
            y = np.clip(y, 1e-7, 1 - 1e-7)  # as Keras has it
            error = -x * np.log(y) - (1 - x) * np.log(1 - y)
        pixels = (weight * error.sum(-1) / error[0].size).astype("float32")
        kl = None
        if z_log_var is not None:
            mean, log_var = (np.asarray(code, "float64") for code in (z_mean, z_log_var))
            kl = (-0.5 * (1 + log_var - np.square(mean) - np.exp(log_var))).astype("float32")
        kl_weight = float(getattr(self.model, "kl_weight", 1.0))
        return {"loss": loss, "pixels": pixels, "reconstruction": pixels.sum((1, 2)), "kl": kl, "kl_weight": kl_weight}

    @property
    def _loss(self):
        """Which reconstruction loss, and what multiplies its mean over pixels."""
        return self.model.reconstruction_loss, self.model.reconstruction_weight

    @property
    def _variational(self):
        return len(self.model.encoder.outputs) > 1

    @cached_property
    def directions(self):
        """The `Directions` of a model with attributes."""
        return Directions.of(self.card, self.files.arrays(FILE))

    def direction(self, attribute, hold=(), how="whitened"):
        """float32 (d,): adds a named attribute, with those in `hold` kept still; see `Directions.direction`."""
        if not self.card.get("attributes"):
            return super().direction(attribute, hold)
        return self.directions.direction(attribute, hold, how)

    def prior(self, n, seed=0):
        """float32 (n, d): N(0, I) for a VAE, or a mixture of Gaussians fitted to its training images' z_mean, if its card
        has one (ex-post density estimation: Ghosh et al. 2020, section 4); for an AE, which has no prior, one such Gaussian."""
        z = super().prior(n, seed)
        if "fitted_mixture" in self.card:
            return _mixed(z, seed, **self.files.arrays(self.card["fitted_mixture"]["file"]))
        fitted = self.card.get("fitted_gaussian")
        if fitted is None:
            return z
        if "file" in fitted:  # too many codes for the card
            stored = self.files.arrays(fitted["file"])
            mean, factor = (stored[key].astype("float64") for key in ("mean", "factor"))
        else:
            mean, factor = _mean_and_factor(fitted)
        return (mean + _row_by_row(z, factor.T)).astype("float32")

    def prior_mean(self):
        """As `Generator.prior_mean`: of a mixture or Gaussian that was fitted, its own."""
        if "fitted_mixture" in self.card:
            stored = self.files.arrays(self.card["fitted_mixture"]["file"])
            return np.average(stored["means"].astype("float64"), 0, stored["weights"].astype("float64")).astype("float32")
        fitted = self.card.get("fitted_gaussian")
        if fitted is None:
            return super().prior_mean()
        mean = self.files.arrays(fitted["file"])["mean"] if "file" in fitted else fitted["mean"]
        return np.asarray(mean, "float32")


def _mixed(z, seed, weights, means, factors):
    """What z (n, d) from N(0, I) is in a mixture of weights (k,), means (k, d), factors (k, d, d): each row in a part by lot."""
    shares = weights.astype("float64")
    lots = drawn_by(seed, 1).choice(len(shares), len(z), p=shares / shares.sum())
    drawn = np.empty_like(z)
    for part in np.unique(lots):
        drawn[lots == part] = means[part] + _row_by_row(z[lots == part], factors[part].T.astype("float32"))
    return drawn


def _row_by_row(z, matrix):
    """z @ matrix, each row by itself: a product of many rows is rounded otherwise than that of one."""
    return (z[:, None] @ matrix)[:, 0]


def _mean_and_factor(fitted):
    """Mean (d,) and a factor (d, d) of the covariance of a fitted Gaussian; codes that never move have no width."""
    covariance = np.asarray(fitted["covariance"])
    d = len(covariance)
    return np.asarray(fitted["mean"]), np.linalg.cholesky(covariance + 1e-12 * np.trace(covariance) / d * np.eye(d))
