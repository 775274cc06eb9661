"""Training under a critic's eyes: what squared error averages away of faces, such as glasses, is kept by what it costs.

The critic is a small classifier trained for this alone; the judge that measures the model has no part in it. Its terms are added
to the loss of a VAE, which is saved without them.
"""

import keras
import numpy as np
from keras import ops

from explorer.generators.autoencoder import VAE

DRAWN = 32  # from N(0, I) for each batch, and as many sums of codes
SHIFT = 4  # pixels to either side


class Perceived(VAE):
    """A VAE, loss and parts as `vae`'s, whose pictures a `critic` (a `judge` with sigmoids) looks at while it trains.

    `weights` of these terms, some or all, in nats like the rest of the loss:
    - "features": squared difference of the critic's activations at picture and reconstruction, by its mean over a layer in units of
      the activations' variance over `images` (n, h, w, c), summed over layers (Hou et al. 2017, arXiv:1610.00291);
    - "attributes": Kullback-Leibler divergence of what it says of the one from what it says of the other, the mean by `emphasis`;
    - "arithmetic": cross-entropy of what it says of the decoded z_mean of A - B + C, from what it says of A, less of B, and of C,
      clipped to [0, 1], summed over two attributes: codes add and subtract as attributes do. Each of the three is the mean of
      three pictures of the batch that it takes for alike (`alike`): with both attributes, with the second, with neither;
    - "prior": energy distance (Szekely and Rizzo 2013), by the root of that variance, between its activations at decoded draws from
      N(0, I) and at pictures (Li et al. 2015, arXiv:1502.02761, with another distance): it reaches the decoder where no picture's
      code lies;
    - "grid": variance of what stands on a grid of 8 pixels, the same in all reconstructions and draws (`on_grid`). Strides draw
      such dots well, and a critic takes them for detail: so it gets to see pictures without their finest detail, too, and shifted
      by a few pixels, other ones each time.
    """

    TERMS = ("features", "attributes", "arithmetic", "prior", "grid")

    def __init__(self, vae, critic, weights, emphasis, images, seed=0):
        settings = {key: getattr(vae, key) for key in ("reconstruction_loss", "reconstruction_weight", "kl_weight", "seed")}
        super().__init__(vae.encoder, vae.decoder, name=vae.name, **settings)
        unknown = set(weights) - set(self.TERMS)
        if unknown:
            raise ValueError(f"a critic has no term {', '.join(sorted(unknown))}")
        self.weighing, self.emphasis = dict(weights), (np.array(emphasis) / np.sum(emphasis)).astype("float32")
        see = _eyes(critic)
        self.see = lambda pictures: see(smooth(pictures), training=False)  # a function: the critic is no part of the model
        some = [ops.convert_to_numpy(part) for part in self.see(ops.convert_to_tensor(images))]
        self._variances = [float(part.var(0).mean()) for part in some]
        self._random = keras.random.SeedGenerator(seed)
        self._terms = {name: keras.metrics.Mean(name=name) for name in self.weighing}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x=x, y_pred=y_pred)
        shift = keras.random.randint((2,), -SHIFT, SHIFT, seed=self._random)
        seen, kept = (self.see(shifted(pictures, shift)) for pictures in (x, y_pred["reconstruction"]))
        said, emphasis = seen[-1], ops.convert_to_tensor(self.emphasis)
        terms = {"features": features_lost(seen, kept, self._variances), "grid": on_grid(y_pred["reconstruction"])}
        terms["attributes"] = ops.mean(ops.sum(divergence(said, kept[-1]) * emphasis, axis=-1))
        if training:  # of codes that no picture has
            two, groups = alike(said, emphasis, DRAWN, self._random)
            sums, wanted = (_a_less_b_and_c(rows, *groups) for rows in (y_pred["z_mean"], ops.sigmoid(said)))
            z = keras.random.normal((DRAWN, sums.shape[-1]), seed=self._random)
            pictures = self.decoder(ops.concatenate([z, sums]), training=False)
            drawn = self.see(shifted(pictures, shift))
            terms["grid"] += on_grid(pictures)
            lost = ops.binary_crossentropy(ops.clip(wanted, 0, 1), drawn[-1][DRAWN:], from_logits=True)
            terms["arithmetic"] = ops.mean(ops.sum(ops.take_along_axis(lost, two, axis=1), axis=-1))
            terms["prior"] = sum(
                energy_distance(_flat(drawn[layer][:DRAWN]), _flat(seen[layer])) / self._variances[layer] ** 0.5
                for layer in (-2, -3)  # the features before the classes, and the map before these
            )
        for name, weight in self.weighing.items():
            if name in terms:
                self._terms[name].update_state(terms[name])
                loss = loss + weight * terms[name]
        return loss


def _eyes(critic):
    """The critic's activations before each pooling, its features and the logits of its classes, as one model."""
    poolings = [layer for layer in critic.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    maps, features, last = [layer.input for layer in poolings], critic.get_layer("features").output, critic.get_layer("class")
    logits = keras.layers.Dense(last.units, name="logits")
    eyes = keras.Model(critic.input, [*maps, features, logits(features)])
    logits.set_weights(last.get_weights())
    eyes.trainable = False
    return eyes


def smooth(images):
    """Images (n, h, w, c) under the binomial filter 1 2 1 along both axes: of what is 2 pixels wide nothing is left."""
    line = np.array([1, 2, 1], "float32") / 4
    kernel = np.tile(np.outer(line, line)[..., None, None], (1, 1, images.shape[-1], 1))
    return ops.depthwise_conv(images, kernel, padding="same")


def on_grid(images, period=8):
    """Variance of the mean of all tiles of `period` pixels of all images (n, h, w, c), over the tile: a scalar."""
    height, width, channels = images.shape[1:]
    tiles = ops.reshape(images, (-1, height // period, period, width // period, period, channels))
    return ops.mean(ops.var(ops.mean(tiles, axis=(0, 1, 3)), axis=(0, 1)))


def shifted(images, by):
    """Images (n, h, w, c) moved by whole pixels `by` (2,), down and right where negative; what is missing is mirrored."""
    for axis in (1, 2):
        size = images.shape[axis]
        place = ops.abs(ops.arange(size, dtype="int32") + by[axis - 1])
        images = ops.take(images, size - 1 - ops.abs(size - 1 - place), axis=axis)
    return images


def features_lost(seen, kept, variances):
    """Mean squared difference of two lists of activations, each in units of its variance, summed."""
    return sum(ops.mean(ops.square(a - b)) / variance for a, b, variance in zip(seen, kept, variances, strict=True))


def divergence(logits, others):
    """KL divergence in nats of coins with the logits `others` from coins with `logits`, of any shape, each for itself."""
    p = ops.sigmoid(logits)
    return ops.binary_crossentropy(p, others, from_logits=True) - ops.binary_crossentropy(p, logits, from_logits=True)


def alike(logits, emphasis, n, seed=None):
    """Two of k attributes (n, 2), drawn by `emphasis` (k,), and places (n, 3) in a batch, three times, by what the `logits`
    (batch, k) say: of three pictures with both, of three with the second alone, of three with neither; likely ones oftener.
    """
    chances = ops.tile(ops.log(emphasis)[None], (n, 1))  # with Gumbel's noise the two highest are two drawn, never the same
    two = ops.top_k(chances - ops.log(-ops.log(keras.random.uniform(chances.shape, 1e-6, 1 - 1e-6, seed=seed))), 2)[1]
    (has, has_not), (has_other, has_not_other) = (
        tuple(ops.take(ops.transpose(ops.log_sigmoid(sign * logits)), two[:, k], axis=0) for sign in (1, -1)) for k in (0, 1)
    )
    kinds = (has + has_other, has_not + has_other, has_not + has_not_other)
    return two, [keras.random.categorical(kind, 3, seed=seed) for kind in kinds]


def _a_less_b_and_c(rows, *places):
    a, b, c = (ops.mean(ops.take(rows, three, axis=0), axis=1) for three in places)
    return a - b + c


def energy_distance(x, y):
    """2 E|x - y| - E|x - x'| - E|y - y'| of rows (n, d), (m, d), unbiased: 0 if they come from one distribution."""
    n, m = (ops.cast(ops.shape(rows)[0], x.dtype) for rows in (x, y))
    within = ops.sum(_distances(x, x)) / (n * (n - 1)) + ops.sum(_distances(y, y)) / (m * (m - 1))
    return 2 * ops.mean(_distances(x, y)) - within


def _distances(x, y):
    squares = ops.sum(ops.square(x), axis=1)[:, None] + ops.sum(ops.square(y), axis=1) - 2 * ops.matmul(x, ops.transpose(y))
    return ops.sqrt(ops.maximum(squares, 0) + 1e-6) - 1e-3  # the root itself has no slope at 0


def _flat(activations):
    return ops.reshape(activations, (ops.shape(activations)[0], -1))
