"""Generative adversarial networks, and the generator that explores them.

Layers: *Hands-On Machine Learning*, 3rd ed., ch. 17 (`fashion-gan`, `fashion-dcgan`); the class of `fashion-cgan` enters the
generator as a one-hot vector beside the noise, the discriminator as a projection (Miyato and Koyama 2018, arXiv:1802.05637).
"""

from functools import cached_property

import keras
import numpy as np
from keras import layers, ops

from explorer.errors import InputError
from explorer.generators.activations import of_chain
from explorer.generators.base import Generator, answers, check_images, check_labels


@keras.saving.register_keras_serializable(package="explorer")
class GAN(keras.Model):
    """Generator against discriminator (Goodfellow et al. 2014, arXiv:1406.2661, with the non-saturating loss of its section 3).

    loss = BCE(D(x), 1) + BCE(D(stopped G(z)), 0), which reaches the discriminator only, + BCE(frozen D(G(z)), 1), which reaches
    the generator only: one ordinary training step updates both, on every backend. Trained on images (n, h, w, c) in [0, 1], or
    on (images, labels (n,)) if `classes` or names are told; with `centred` both parts know pixels in [-1, 1].

    The discriminator gives the logit of real, or one for each name of a class that it learns of real images too: then the
    logsumexp of them is that of real, so that what lies between two classes is less so than either (Salimans et al. 2016,
    arXiv:1606.03498, section 5). The generator hears no names, but each of its pictures is to have one, and all are to come
    equally often: its loss is less the mutual information, in nats, of picture and name in a batch (Springenberg 2016,
    arXiv:1511.06390, section 3).
    """

    def __init__(self, generator, discriminator, classes=0, centred=False, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.generator, self.discriminator = generator, discriminator
        self.classes, self.centred, self.seed = classes, centred, seed
        self.noise_size = generator.inputs[0].shape[-1]
        self.names = discriminator.outputs[0].shape[-1] if discriminator.outputs[0].shape[-1] > 1 else 0
        self._noise = keras.random.SeedGenerator(seed)
        self._means = {part: keras.metrics.Mean(name=part) for part in ("generator_loss", "discriminator_loss")}
        self.built = True

    def call(self, inputs, training=False):
        """What both losses need: logits of fakes and reals by the discriminator, and of fakes by the frozen one."""
        images, names = inputs if self.classes or self.names else (inputs, None)
        labels = names if self.classes else None
        images = 2.0 * images - 1.0 if self.centred else images
        n = ops.shape(images)[0]
        noise = keras.random.normal((n, self.noise_size), seed=self._noise)
        fakes = self.generator(self.told(noise, labels), training=training)
        twice = None if labels is None else ops.concatenate([labels, labels])
        both = self.told(ops.concatenate([ops.stop_gradient(fakes), images]), twice)
        frozen = [ops.stop_gradient(weight) for weight in self.discriminator.trainable_variables]
        rest = self.discriminator.non_trainable_variables
        fooled, _ = self.discriminator.stateless_call(frozen, rest, self.told(fakes, labels), training=training)
        judged = self.discriminator(both, training=training)
        return {"judged": judged, "fooled": fooled} | ({"named": (names, judged[n:])} if self.names else {})

    def told(self, tensor, labels):
        """Noise or images, with the class beside them where there is one."""
        return tensor if labels is None else [tensor, ops.one_hot(ops.cast(labels, "int32"), self.classes)]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        judged, fooled = self.real(y_pred["judged"]), self.real(y_pred["fooled"])
        real = ops.concatenate([ops.zeros_like(fooled), ops.ones_like(fooled)])
        # a mean for fakes and one for reals, as the book's two batches have it
        discriminator = 2 * ops.mean(ops.binary_crossentropy(real, judged, from_logits=True))
        generator = ops.mean(ops.binary_crossentropy(ops.ones_like(fooled), fooled, from_logits=True))
        self._means["discriminator_loss"].update_state(discriminator)
        self._means["generator_loss"].update_state(generator)
        if not self.names:
            return discriminator + generator
        names, logits = y_pred["named"]
        named = ops.mean(ops.sparse_categorical_crossentropy(ops.cast(names, "int32"), logits, from_logits=True))
        chances = ops.softmax(y_pred["fooled"])
        shares = ops.mean(chances, 0)
        information = ops.mean(ops.sum(chances * ops.log(chances + 1e-7), -1)) - ops.sum(shares * ops.log(shares + 1e-7))
        return discriminator + named + generator - information

    def real(self, logits):
        """The logit of real (n, 1) of what the discriminator gives: itself, or the logsumexp of its names'."""
        return ops.logsumexp(logits, -1, keepdims=True)

    def get_config(self):
        return {
            "name": self.name,
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "classes": self.classes,
            "centred": self.centred,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {k: keras.saving.deserialize_keras_object(config[k], custom_objects) for k in ("generator", "discriminator")}
        return cls(**{**config, **parts})


def build(image_shape, latent_size, generator, discriminator, classes=0, seed=None):
    """An untrained GAN: dense parts ({"dense": [...]}), or the DCGAN's ({"filters": [...]}) for 28x28 pictures."""
    convolutional = "filters" in generator
    return GAN(
        build_generator(image_shape, latent_size, classes, **generator),
        build_discriminator(image_shape, classes, **discriminator),
        classes, centred=convolutional, seed=seed,
    )  # fmt: skip


def build_generator(image_shape, latent_size, classes=0, dense=(), filters=()):
    """Noise (and class) to a picture: dense ReLU layers and a sigmoid; or a 7x7 map enlarged twice, batch normalization, tanh."""
    inputs = [keras.Input((latent_size,), name="z")] + ([keras.Input((classes,), name="class")] if classes else [])
    x = layers.Concatenate()(inputs) if classes else inputs[0]
    height, width, channels = image_shape
    for units in dense:
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
    if not filters:
        x = layers.Dense(height * width * channels, activation="sigmoid")(x)
        return keras.Model(inputs, layers.Reshape(image_shape)(x), name="generator")
    small = (height >> len(filters), width >> len(filters), filters[0])
    x = layers.BatchNormalization()(layers.Reshape(small)(layers.Dense(int(np.prod(small)))(x)))
    for units in filters[1:]:
        x = layers.Conv2DTranspose(units, 5, strides=2, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
    x = layers.Conv2DTranspose(channels, 5, strides=2, padding="same", activation="tanh")(x)
    return keras.Model(inputs, x, name="generator")


def build_discriminator(image_shape, classes=0, dense=(), filters=(), dropout=0.4, names=0):
    """A picture (and its class) to the logit of its being real, or to one for each of so many `names`."""
    inputs = [keras.Input(image_shape, name="image")] + ([keras.Input((classes,), name="class")] if classes else [])
    x = inputs[0]
    for units in filters:
        x = layers.LeakyReLU(0.2)(layers.Conv2D(units, 5, strides=2, padding="same")(x))
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    for units in dense:
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
    logit = layers.Dense(names or 1, name="names" if names else "real")(x)
    if classes:
        projected = layers.Dense(x.shape[-1], use_bias=False, name="embedding")(inputs[1])
        logit = layers.Add()([logit, layers.Dot(axes=1)([x, projected])])
    return keras.Model(inputs, logit, name="discriminator")


class GanGenerator(Generator):
    """A trained GAN as a `Generator`: it draws, and its discriminator gives a verdict; it has no encoder."""

    def _decode(self, z, label):
        images = answers(self.model.generator, self._told(z, label))
        return np.clip((images + 1) / 2 if self.model.centred else images, 0.0, 1.0)

    def networks(self):
        """`decode` as a Keras model, "decoder", of `z` and, if there are classes, `label`, int (n,)."""
        z, label = keras.Input(self.latent_shape, name="z"), keras.Input((), dtype="int32", name="label")
        classes = self.model.classes
        images = self.model.generator(self.model.told(z, label if classes else None))
        images = ops.clip((images + 1) / 2 if self.model.centred else images, 0.0, 1.0)
        return {"decoder": keras.Model([z, label] if classes else z, images)}

    @cached_property
    def inside(self):
        """As of `Generator`: "decoder", of z (n, d), with the classes beside it, one-hot (n, classes), if it draws by class."""
        return {"decoder": of_chain(self.model.generator, f"{self.card['name']}: its generator")}

    def decoder_input(self, z, label=None):
        """Noise, and beside it the classes, one-hot, where there are some."""
        return self._told(z, label)

    def verdict(self, images, label=None):
        """The discriminator's probability that pictures (n, h, w, c) in [0, 1] are real: float32 (n,)."""
        images = check_images(images, self.image_shape)
        images = 2 * images - 1 if self.model.centred else images
        logits = self.model.real(answers(self.model.discriminator, self._told(images, label)))
        return np.asarray(ops.convert_to_numpy(ops.sigmoid(logits)), "float32")[:, 0]

    def _told(self, array, label):
        classes = self.model.classes
        if not classes:
            if label is not None:
                raise InputError(f"{self.card['name']} was trained without classes: leave label out")
            return [array]  # as the networks' inputs are, with classes or without
        return [array, np.eye(classes, dtype="float32")[check_labels(label, len(array), self.card["classes"])]]
