"""U-Nets that predict the noise in a picture: inputs (n, h, w, c), what they are told of the time, (n, 1, 1, 1), and of a class.

Every block's output skips across; the last layer starts as zeros.
"""

import keras
import numpy as np
from keras import layers, ops


@keras.saving.register_keras_serializable(package="explorer")
class TimeEncoding(layers.Layer):
    """Sines and cosines of a step's number at `size` wavelengths from 2 pi to 20,000 pi: (n, 1, 1, 1) -> (n, 1, 1, size).

    Vaswani et al. 2017, section 3.5.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, step):
        rates = np.exp(-np.log(10_000.0) * np.arange(self.size // 2) / (self.size // 2 - 1)).astype("float32")
        angles = step * ops.convert_to_tensor(rates)
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, shape):
        return (*shape[:-1], self.size)

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def build(image_shape, widths, depth, **timed):
    """The U-Net of a recipe: the book's, or with a `time_encoding` and more one whose blocks are steered by the time."""
    return build_timed(image_shape, widths, depth, **timed) if timed else build_book(image_shape, widths, depth)


def build_book(image_shape, widths, depth):
    """*Deep Learning with Python*, 3rd ed., ch. 17: it is told the noise rate, as a 33rd channel beside the first width's 32.

    Residual blocks of BatchNorm (no centre, no scale), a 3x3 convolution with swish and one without; average pooling going down,
    bilinear going up.
    """
    noisy, told = keras.Input(image_shape, name="noisy"), keras.Input((1, 1, 1), name="told")
    rate = layers.UpSampling2D(image_shape[:2], interpolation="nearest")(told)
    x = layers.Concatenate()([layers.Conv2D(widths[0], 1)(noisy), rate])

    def block(x, width):
        shortcut = x if x.shape[-1] == width else layers.Conv2D(width, 1)(x)
        x = layers.BatchNormalization(center=False, scale=False)(x)
        x = layers.Conv2D(width, 3, padding="same", activation="swish")(x)
        return layers.Add()([layers.Conv2D(width, 3, padding="same")(x), shortcut])

    skips = []
    for width in widths[:-1]:
        for _ in range(depth):
            x = block(x, width)
            skips.append(x)
        x = layers.AveragePooling2D(2)(x)
    for _ in range(depth):
        x = block(x, widths[-1])
    for width in reversed(widths[:-1]):
        x = layers.UpSampling2D(2, interpolation="bilinear")(x)
        for _ in range(depth):
            x = block(layers.Concatenate()([x, skips.pop()]), width)
    noise = layers.Conv2D(image_shape[-1], 1, kernel_initializer="zeros", name="noise")(x)
    return keras.Model([noisy, told], noise, name="unet")


def build_timed(image_shape, widths, depth, time_encoding, patch=1, classes=0, given=0):
    """Nichol and Dhariwal 2021, section 2 and appendix A, made small: it is told the step's number, encoded in so many waves.

    `depth`: blocks at each width. In a block the time scales and shifts what its first convolution found; its second starts as
    zeros. After the first block at the lowest resolution every place attends to every other. To be fast on a CPU it sees the
    picture in squares of `patch` pixels, normalizes by the root of the mean square over channels, which costs half of what groups
    of them do, and brings what comes up and what skips across to one width before they meet a 3x3 convolution.
    With `classes` it is told one as well, one-hot (n, classes), in a third input whose embedding is added to the time's; all
    zeros: told none. With `given`, a number of channels, its last input is a picture (h, w, given) seen beside the noisy one.
    """
    height, width, channels = image_shape
    noisy, told = keras.Input(image_shape, name="noisy"), keras.Input((1, 1, 1), name="told")
    inputs = [noisy, told]
    time = layers.Dense(4 * widths[0], activation="swish")(TimeEncoding(time_encoding)(told))
    time = layers.Dense(4 * widths[0])(time)
    if classes:
        # an embedding as large as what is known of the time: one that starts as zeros is not heard for thousands of steps
        drawn = keras.initializers.RandomNormal(stddev=0.3)
        inputs.append(keras.Input((classes,), name="label"))
        label = layers.Dense(4 * widths[0], use_bias=False, kernel_initializer=drawn, name="label_embedding")(inputs[-1])
        time = layers.Add()([time, layers.Reshape((1, 1, -1))(label)])
    time = layers.Activation("swish")(time)

    def block(x, width):
        shortcut = x if x.shape[-1] == width else layers.Conv2D(width, 1)(x)
        x = layers.Conv2D(width, 3, padding="same")(layers.Activation("swish")(layers.RMSNormalization()(shortcut)))
        scale, shift = layers.Dense(width)(time), layers.Dense(width)(time)
        x = layers.RMSNormalization()(x)
        x = layers.Activation("swish")(layers.Add()([x, layers.Multiply()([x, scale]), shift]))
        return layers.Add()([layers.Conv2D(width, 3, padding="same", kernel_initializer="zeros")(x), shortcut])

    def attend(x):
        places = layers.Reshape((-1, x.shape[-1]))(layers.RMSNormalization()(x))
        seen = layers.MultiHeadAttention(4, x.shape[-1] // 4)(places, places)
        return layers.Add()([x, layers.Reshape(x.shape[1:])(seen)])

    seen = noisy
    if given:
        inputs.append(keras.Input((height, width, given), name="given"))
        seen = layers.Concatenate()([noisy, inputs[-1]])
    x, skips = layers.Conv2D(widths[0], 2 * patch - 1, patch, padding="same")(seen), []
    for units, blocks in zip(widths[:-1], depth, strict=False):
        for _ in range(blocks):
            x = block(x, units)
            skips.append(x)
        x = layers.AveragePooling2D(2)(x)
    for i in range(depth[-1]):
        x = block(x, widths[-1])
        x = attend(x) if i == 0 else x
    for units, blocks in zip(reversed(widths[:-1]), reversed(depth[:-1]), strict=True):
        x = layers.UpSampling2D(2)(x)
        for _ in range(blocks):
            x = block(layers.Concatenate()([x, skips.pop()]), units)
    x = layers.Activation("swish")(layers.RMSNormalization()(x))
    x = layers.Conv2D(channels * patch**2, 3, padding="same", kernel_initializer="zeros", name="noise")(x)
    x = layers.Reshape((*x.shape[1:3], patch, patch, channels))(x)  # each place tells a square of pixels
    noise = layers.Reshape(image_shape)(layers.Permute((1, 3, 2, 4, 5))(x))
    return keras.Model(inputs, noise, name="unet")
