"""Judges: small classifiers of the project's own, by which generated pictures are measured."""

import keras
import numpy as np
from keras import layers

from explorer.errors import InputError
from explorer.generators.base import answers
from explorer.generators.files import KerasFile
from explorer.notebook import described


def build(
    image_shape, filters, dense, classes, multi_label=False, dropout=0.3, augment=0.08, flip=False, blur=0.0, stride=1, residual=0
):
    """Pairs of 3x3 convolutions with batch normalization, pooled by 2 after each pair; softmax over `classes`.

    `multi_label`: a sigmoid for each class instead. `stride`: of the first convolution; above 1 the parameters stand where they
    cost less, with dropout before the last layer only. While it trains, images are shifted by up to `augment` of their size,
    mirrored half of the time (`flip`), and half of them blurred by a Gaussian of up to `blur` pixels, since what a judge
    judges may be. With `residual`, so many blocks a width instead, see `_residual`: a judge of another make.
    """
    inputs = x = keras.Input(image_shape, name="image")
    if flip:
        x = layers.RandomFlip("horizontal")(x)
    if blur:
        x = layers.RandomGaussianBlur(1.0, kernel_size=5, sigma=(0.1, blur), value_range=(0, 1))(x)
    if augment:
        x = layers.RandomTranslation(augment, augment, fill_mode="nearest" if flip else "constant")(x)
    for level, width in enumerate(filters if not residual else ()):
        for step in range(2):
            strides = stride if level == step == 0 else 1
            x = layers.Conv2D(width, 3, strides, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D(2)(x)
        if stride == 1:
            x = layers.Dropout(dropout)(x)
    x = _residual(x, filters, residual) if residual else layers.Flatten()(x)
    x = layers.Dense(dense, activation="relu", name="features")(x)
    x = layers.Dropout(dropout)(x)
    activation = "sigmoid" if multi_label else "softmax"
    return keras.Model(inputs, layers.Dense(classes, activation=activation, name="class")(x), name="judge")


def _residual(x, filters, blocks):
    """Residual blocks of pre-activation (He et al. 2016, arXiv:1603.05027), then the mean over places: (n, h, w, c) -> (n, width).

    Squares of 2 x 2 pixels become one place before each width, so that nothing is pooled and no place is known by its own weights.
    """
    for width in filters:
        x = layers.Conv2D(width, 2, 2, use_bias=False)(x)
        for _ in range(blocks):
            shortcut = x
            for _ in range(2):
                x = layers.Activation("silu")(layers.BatchNormalization()(x))
                x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = layers.Add()([shortcut, x])
    return layers.GlobalAveragePooling2D()(layers.Activation("silu")(layers.BatchNormalization()(x)))


class Judge(KerasFile):
    """Calls a classifier on pictures; `card` carries its test accuracy, `classes` names its outputs."""

    def __init__(self, card, model, files=None):
        self.card, self.model, self.classes = card, model, card["classes"]
        self.image_shape = tuple(card["image_shape"])
        self._features = None

    def __repr__(self):
        return f"<Judge {self.card['name']}: {self.image_shape} -> {len(self.classes)} classes>"

    def _repr_html_(self):
        facts = [("pictures", self.image_shape), ("classes", ", ".join(map(str, self.classes)))]
        facts += [(key, value) for key, value in self.card.get("metrics", {}).items() if isinstance(value, int | float)]
        return described(f"Judge: {self.card['name']}", facts)

    def __call__(self, images):
        """float (n, h, w, c) in [0, 1] -> class probabilities, float32 (n, classes); of attributes each for itself.

        Pictures that are larger by a margin (32x32 for 28x28) are taken as zero-padded and cropped at their centre; of half
        the size, they are doubled; any other shape raises ValueError.
        """
        return answers(self.model, self._cropped(images), batch_size=256)

    def features(self, images):
        """The activations before the classes, float32 (n, units): what kernel distances are measured on."""
        if self._features is None:
            self._features = keras.Model(self.model.inputs, self.model.get_layer("features").output)
        return answers(self._features, self._cropped(images), batch_size=256)

    def _cropped(self, images):
        images = np.asarray(images, "float32")
        height, width, channels = self.image_shape
        if images.ndim == 4 and images.shape[1:3] == (height // 2, width // 2):
            images = images.repeat(2, 1).repeat(2, 2)
        if images.ndim != 4 or images.shape[3] != channels or images.shape[1] < height or images.shape[2] < width:
            raise InputError(f"judge {self.card['name']}: images must be (n, {height}, {width}, {channels}), got {images.shape}")
        top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
        return images[:, top : top + height, left : left + width]
