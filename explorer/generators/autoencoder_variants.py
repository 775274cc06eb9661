"""The autoencoder family of *Hands-On Machine Learning*, 3rd ed., ch. 17: linear, stacked, tied, convolutional, denoising, sparse.

Its layers, losses and the options by which a recipe names them; the models are `Autoencoder`s like the others.
"""

import keras
import numpy as np
from keras import layers, ops

from explorer.errors import InputError
from explorer.generators.autoencoder import Autoencoder, AutoencoderGenerator
from explorer.generators.base import check_images


@keras.saving.register_keras_serializable(package="explorer")
class DenseTranspose(layers.Layer):
    """The transpose of a dense layer, with a bias of its own: y = activation(x W^T + b), (n, out) -> (n, in).

    It holds no kernel: `tie(dense)` says whose it uses, so that gradients reach that one from both sides.
    """

    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation = units, keras.activations.get(activation)
        self._kernel = None

    def tie(self, dense):
        """Use the kernel (units, n) of a built `Dense` layer."""
        self._kernel = lambda: dense.kernel  # a function, so that the kernel is counted and stored where it belongs

    def build(self, input_shape):
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, x):
        if self._kernel is None:
            raise InputError(f"{self.name} is not tied to a dense layer yet: call its `tie`")
        return self.activation(ops.matmul(x, ops.transpose(self._kernel())) + self.bias)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "activation": keras.activations.serialize(self.activation)}


@keras.saving.register_keras_serializable(package="explorer")
class TiedAutoencoder(Autoencoder):
    """An autoencoder whose decoder's L-th layer of N is the transpose of the encoder's (N - L + 1)-th."""

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(encoder, decoder, **kwargs)
        down = [layer for layer in encoder.layers if isinstance(layer, layers.Dense)]
        up = [layer for layer in decoder.layers if isinstance(layer, DenseTranspose)]
        for transposed, dense in zip(up, reversed(down), strict=True):
            transposed.tie(dense)


@keras.saving.register_keras_serializable(package="explorer")
class KLSparsity(keras.regularizers.Regularizer):
    """Keeps each unit's mean activation over the batch near `target`: weight * sum over units of KL(target || mean), in nats.

    For activations in (0, 1), (n, units). Keras divides what an activity regularizer returns by the batch size, as suits a sum
    over the batch; this is a sum over units, so it is multiplied by it here.
    """

    def __init__(self, weight=5e-3, target=0.1):
        self.weight, self.target = weight, target

    def __call__(self, activations):
        mean, p = ops.clip(ops.mean(activations, axis=0), 1e-6, 1 - 1e-6), self.target
        divergence = p * ops.log(p / mean) + (1 - p) * ops.log((1 - p) / (1 - mean))
        return self.weight * ops.sum(divergence) * ops.cast(ops.shape(activations)[0], activations.dtype)

    def get_config(self):
        return {"weight": self.weight, "target": self.target}


NOISES = {"dropout": layers.Dropout, "gaussian": layers.GaussianNoise}
SPARSITY = {"l1": keras.regularizers.L1, "kl": KLSparsity}


def build_encoder(
    image_shape, latent_size, dense=(), pooled=(), code="linear", code_bias=0.0, noise=None, sparsity=None, seed=None
):
    """Dense ReLU layers, or 3x3 convolutions each pooled by 2 and a last one averaged over its map; then the codes `z`.

    The codes' biases begin at `code_bias`: above 0 no ReLU is dead from the start. `noise` [kind, amount] corrupts what comes in
    while it trains; `sparsity` [kind, weight] regularizes the codes.
    """
    inputs = x = keras.Input(image_shape, name="image")
    if noise:
        x = NOISES[noise[0]](noise[1], seed=seed)(x)
    for width in pooled:
        x = layers.MaxPooling2D(2)(layers.Conv2D(width, 3, padding="same", activation="relu")(x))
    if pooled:
        x = layers.Conv2D(latent_size, 3, padding="same", activation=code)(x)
        return keras.Model(inputs, layers.GlobalAveragePooling2D(name="z")(x), name="encoder")
    x = layers.Flatten()(x)
    for width in dense:
        x = layers.Dense(width, activation="relu")(x)
    regularizer = SPARSITY[sparsity[0]](sparsity[1]) if sparsity else None
    x = layers.Dense(latent_size, activation=code, activity_regularizer=regularizer, name="z",
                     bias_initializer=keras.initializers.Constant(code_bias))(x)  # fmt: skip
    return keras.Model(inputs, x, name="encoder")


def build_decoder(image_shape, latent_size, dense=(), transposed=(), tied=False, output="linear"):
    """Dense ReLU layers to the picture, transposes of the encoder's if `tied`; or transposed 3x3 convolutions from a 3x3 map."""
    height, width, channels = image_shape
    inputs = x = keras.Input((latent_size,), name="z")
    if transposed:
        x = layers.Reshape((3, 3, 16))(layers.Dense(144)(x))
        for level, units in enumerate(transposed):
            padding = "same" if level else "valid"  # 3 -> 7 -> 14 -> 28
            x = layers.Conv2DTranspose(units, 3, strides=2, padding=padding, activation="relu")(x)
        x = layers.Conv2DTranspose(channels, 3, strides=2, padding="same", activation=output)(x)
        return keras.Model(inputs, x, name="decoder")
    layer = DenseTranspose if tied else layers.Dense
    for units in dense:
        x = layer(units, activation="relu")(x)
    x = layer(height * width * channels, activation=output)(x)
    return keras.Model(inputs, layers.Reshape(image_shape)(x), name="decoder")


def build(image_shape, latent_size, encoder, decoder, loss, seed=None):
    """An untrained member of the family from a recipe's data: `encoder`, `decoder` and `loss` are keyword arguments."""
    parts = (build_encoder(image_shape, latent_size, seed=seed, **encoder), build_decoder(image_shape, latent_size, **decoder))
    return (TiedAutoencoder if decoder.get("tied") else Autoencoder)(*parts, **loss)


class VariantGenerator(AutoencoderGenerator):
    """A trained variant as a `Generator`; its file names layers from here."""

    def first_layer_only(self, images):
        """What a stacked autoencoder that was trained layer by layer made of pictures when it had one layer: the outer half of its
        decoder on the outer half of its encoder. float (n, h, w, c) -> float32 (n, h, w, c) in [0, 1]."""
        images = check_images(images, self.image_shape)
        down, up = ([layer for layer in part.layers if layer.weights] for part in (self.model.encoder, self.model.decoder))
        made = ops.convert_to_numpy(up[-1](down[0](images.reshape(len(images), int(np.prod(self.image_shape))))))
        return np.clip(made, 0, 1).reshape(images.shape).astype("float32")
