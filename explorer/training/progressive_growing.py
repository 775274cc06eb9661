"""Trains a StyleGAN, from 4 x 4 pixels up: each stage draws pictures twice as wide, and begins by fading the new level in.

Progressive growing, minibatch deviation, equalized rates: Karras, Aila, Laine and Lehtinen 2018 (arXiv:1710.10196). Mixed styles:
Karras, Laine and Aila 2019 (arXiv:1812.04948). A residual discriminator, a penalty on few of its pictures: Karras et al. 2020
(arXiv:1912.04958). All that is drawn by lot comes with the batches, so that a run that is resumed goes on as if unbroken.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from explorer import data
from explorer.generators import stylegan
from explorer.training import building, feeding, runs
from explorer.training.differentiable_augmentation import KNOBS, varied

STEP = 0.01  # of pixels in [-1, 1]: how far a slope is measured
GROUP = 4  # pictures whose deviation from one another a discriminator is told
PENALIZED = GROUP  # pictures of a batch whose slope is measured


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """Train the stages in `folder`, resuming what is there; returns (the StyleGAN with averaged weights, history of all stages).

    `preview(model, epoch)` gets the StyleGAN as it is then. Ctrl-C before the last stage has an epoch goes on to the caller.
    """
    folder, history, before = Path(folder), {}, None
    faces = data.load(recipe["data"], "train", recipe["image_shape"][0], data_folder)[0]
    faces = np.concatenate([(255 * some).round().astype("uint8") for some in np.array_split(faces, 50)])
    for i, name in enumerate(recipe["stages"]):
        stage = stage_of(recipe, name)
        keras.utils.set_random_seed(stage["seed"] + i)
        trainer = build(stage)
        if before:
            inherit(trainer.parts, before.parts)
        batches = batches_of(faces, stage, stage["seed"] + i, runs.done(folder / name))
        apart = building.build(stage)

        def shown(model, epoch, apart=apart):
            preview(plain(model, apart), epoch)

        found = runs.run(stage, folder / name, trainer, {"x": batches, "shuffle": False}, None, preview and shown, out)
        trainer.load_weights(folder / name / runs.LAST)  # as they learn, where the averaged ones would go on to be averaged
        history |= {key: history[key] + found[key] if isinstance(found[key], list) and history else found[key] for key in found}
        if len(found["loss"]) < stage["epochs"] and name != list(recipe["stages"])[-1]:
            raise KeyboardInterrupt
        before = trainer
    return grown(recipe, folder, name), history


def stage_of(recipe, name):
    """The recipe of one stage, whose name is how many pixels wide its pictures are."""
    side = int(name)
    return {**recipe, **recipe["stages"][name], "image_shape": [side, side, recipe["image_shape"][2]]}


def build(stage):
    """The untrained `Growing` of a stage."""
    shape, widths, faded = stage["image_shape"], stage["widths"], 0
    if shape[0] > stylegan.SMALLEST:
        faded = stage["faded"] * stage["epochs"] * stage["epoch_images"]
    gan = stylegan.StyleGAN(
        stylegan.build_mapping(stage["latent_size"], stage["mapping"]),
        stylegan.build_synthesis(shape, stage["latent_size"], widths, fading=bool(faded)),
    )
    return Growing(gan, build_discriminator(shape, stage["discriminator"], fading=bool(faded)), faded,
                   stage["penalty"] * shape[0] ** 2, stage["augmentation"])  # fmt: skip


def inherit(networks, others):
    """Give networks what others learned: the weights of all layers that both have, whatever their order."""
    for new, old in zip(networks, others, strict=True):
        known = {layer.name: layer for layer in old.layers}
        for layer in new.layers:
            if layer.weights and layer.name in known:
                layer.set_weights(known[layer.name].get_weights())


def grown(recipe, folder, name):
    """The StyleGAN that a stage left in the folder of a run, with its averaged weights and their mean style."""
    stage = stage_of(recipe, name)
    trainer = build(stage)
    trainer.load_weights(Path(folder, name, runs.BEST))
    return plain(trainer, building.build(stage))


def plain(trainer, model):
    """`model`, made the StyleGAN that a `Growing` has in training, its last level as far there as it has faded in."""
    inherit((model.mapping, model.synthesis), trainer.parts[:2])
    if trainer.faded:
        last, fade = model.synthesis.get_layer(f"colours_{model.synthesis.output_shape[1]}"), float(trainer.fade())
        for weight in (last.kernel, last.bias):
            weight.assign(fade * weight)
    model.settle()
    return model


def batches_of(faces, stage, seed, epoch=0):
    """Batches of the inputs of `Growing`, from pictures uint8 (n, side, side, c) as wide as a stage's or more."""
    side, _, channels = stage["image_shape"]
    levels, size, mixing = len(stylegan.sides_of(side)), stylegan.noise_size(side), stage["mixing"]
    images = reduced(faces, side)

    def rows(name, which, rng):
        some, n = images[which], len(which)
        if stage.get("flip"):
            feeding.mirror(some, rng)
        z = rng.standard_normal((n, 2, stage["latent_size"]), "float32")
        mixed = rng.random(n) < mixing if levels > 1 else np.zeros(n, bool)
        crossover = np.where(mixed, rng.integers(1, max(2, levels), n), levels).astype("int32")
        noise, knobs = rng.standard_normal((n, size), "float32"), rng.random((n, 2, KNOBS), "float32")
        return some, z, crossover, noise, knobs, rng.standard_normal((PENALIZED, side, side, channels), "float32")

    every = {"images": np.arange(len(images))}
    return feeding.Mixture(every, {"images": stage["epoch_images"]}, stage["batch_size"], seed, rows, epoch)


def reduced(images, side):
    """Pictures uint8 (n, h, w, c), made so many pixels wide by the means of squares."""
    factor = images.shape[1] // side
    if factor == 1:
        return images
    found = [
        some.reshape(len(some), side, factor, side, factor, -1).mean((2, 4)).round().astype("uint8")
        for some in np.array_split(images, max(1, len(images) // 500))
    ]
    return np.concatenate(found)


class Growing(keras.Model):
    """Trains a StyleGAN and its discriminator, by one optimizer: each learns from a loss in which the other stands still.

    The non-saturating loss of Goodfellow et al. 2014, and half of `penalty` times R1, the squared slope at real ones (Mescheder,
    Geiger and Nowozin 2018, arXiv:1801.04406), lazily: of `PENALIZED` of a batch. The slope is measured, not derived: the squared
    difference along a random direction has it for a mean, on every backend (Lin et al. 2025, arXiv:2501.08316). `faded`: over how
    many pictures the last level fades in. `kinds`: how pictures are varied before they are judged.
    """

    def __init__(self, gan, discriminator, faded, penalty, kinds):
        super().__init__(name="growing")
        self.gan, self.discriminator = gan, discriminator
        self.faded, self.penalty, self.kinds = faded, penalty, kinds
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")  # pictures, in training
        self.trackers = {name: keras.metrics.Mean(name)
                         for name in ("generator_loss", "discriminator_loss", "slope", "sure_of_real")}  # fmt: skip
        self.built = True

    @property
    def parts(self):
        """Its networks."""
        return self.gan.mapping, self.gan.synthesis, self.discriminator

    def fade(self):
        """How far the last level is there: 0 to 1."""
        return ops.clip(self.seen / self.faded, 0.0, 1.0)

    def call(self, batch, training=False):
        """(uint8 (n, side, side, c), z (n, 2, d), below which level they take the style of the first (n,), noise, knobs of how
        real and drawn pictures are varied (n, 2, `KNOBS`), directions (`PENALIZED`, side, side, c)) -> what the discriminator says:
        to drawn pictures, to real ones, to drawn ones as it stands, and its squared slopes."""
        images, z, crossover, noise, knobs, directions = batch
        n = ops.shape(z)[0]
        fade = [ops.broadcast_to(self.fade(), (n, 1))] if self.faded else []
        if training:
            self.seen.assign_add(ops.cast(n, self.seen.dtype))
        real = ops.cast(images, "float32") / 127.5 - 1.0
        if fade:
            real = blended(real, doubled(halved(real)), fade[0])
        real = varied(real, knobs[:, 0], self.kinds)
        drawn = self.gan.synthesis([self.mixed(z, crossover), noise, *fade], training=training)
        drawn = varied(drawn, knobs[:, 1], self.kinds)
        some, step = real[:PENALIZED], STEP * directions
        shown = ops.concatenate([ops.stop_gradient(drawn), real, some + step, some - step])
        said = self.discriminator([shown, *(ops.broadcast_to(f[:1], (2 * n + 2 * PENALIZED, 1)) for f in fade)], training=training)
        frozen = [ops.stop_gradient(weight) for weight in self.discriminator.trainable_variables]
        rest = self.discriminator.non_trainable_variables
        fooled, _ = self.discriminator.stateless_call(frozen, rest, [drawn, *fade], training=training)
        ahead, behind = said[2 * n : 2 * n + PENALIZED], said[2 * n + PENALIZED :]
        return {"drawn": said[:n], "real": said[n : 2 * n], "fooled": fooled, "slopes": ops.square((ahead - behind) / (2 * STEP))}

    def mixed(self, z, crossover):
        """Styles (n, levels, d) of two latents each (n, 2, d): the first's below the crossover."""
        n, _, d = z.shape
        both = ops.reshape(self.gan.mapping(ops.reshape(z, (-1, d))), (-1, 2, 1, d))
        levels = ops.arange(self.gan.synthesis.inputs[0].shape[1], dtype="int32")
        return ops.where((levels[None] < crossover[:, None])[:, :, None], both[:, 0], both[:, 1])

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        drawn, real, slope = y_pred["drawn"], y_pred["real"], ops.mean(y_pred["slopes"])
        discriminator = ops.mean(ops.softplus(drawn)) + ops.mean(ops.softplus(-real))
        generator = ops.mean(ops.softplus(-y_pred["fooled"]))
        told = (generator, discriminator, slope, ops.mean(ops.cast(real > 0, "float32")))
        for tracker, value in zip(self.trackers.values(), told, strict=True):
            tracker.update_state(value)
        return generator + discriminator + self.penalty / 2 * slope


def halved(x):
    """Pictures half as wide, by the means of squares."""
    return ops.average_pool(x, 2, 2)


def doubled(x):
    """Pictures twice as wide, each pixel four times."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def blended(new, old, fade):
    """From `old` to `new` (n, h, w, c), as far as `fade` (n, 1) says."""
    return old + fade[:, :, None, None] * (new - old)


class Blend(layers.Layer):
    """`blended`."""

    def call(self, inputs):
        return blended(*inputs)

    def compute_output_shape(self, shapes):
        return shapes[0]


class EqualizedConv(stylegan.Equalized):
    """A convolution with an equalized rate, `down` to half the width by means of squares; leaky ReLU unless `linear`."""

    def __init__(self, width, size=3, down=False, linear=False, gain=stylegan.GAIN, **kwargs):
        super().__init__(**kwargs)
        self.width, self.size, self.down, self.linear, self.gain = width, size, down, linear, gain

    def build(self, shape):
        self.kernel, self.scale = self.equalized((self.size, self.size, shape[-1], self.width), self.gain)
        self.bias = None if self.linear else self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def call(self, x):
        kernel = self.scale * self.kernel
        if self.down:
            x = ops.conv(x, stylegan.summed(kernel) / 4, strides=2, padding="same")
        else:
            x = ops.conv(x, kernel, padding="same")
        return x if self.linear else ops.leaky_relu(x + self.bias, stylegan.SLOPE)

    def compute_output_shape(self, shape):
        side = shape[1] // (2 if self.down else 1)
        return (shape[0], side, side, self.width)


class MinibatchDeviation(layers.Layer):
    """One more channel: how much the pictures of a group differ, the mean of their standard deviation by place and channel. A
    group are so many that follow one another, so that none has real ones and drawn ones."""

    def __init__(self, group=GROUP, **kwargs):
        super().__init__(**kwargs)
        self.group = group

    def call(self, x):
        _, height, width, channels = x.shape
        groups = ops.reshape(x, (-1, self.group, height, width, channels))
        deviation = ops.mean(ops.sqrt(ops.var(groups, axis=1) + 1e-8), axis=(1, 2, 3))  # (groups,)
        deviation = ops.repeat(deviation, self.group)[:, None, None, None]
        return ops.concatenate([x, ops.broadcast_to(deviation, (ops.shape(x)[0], height, width, 1))], axis=-1)

    def compute_output_shape(self, shape):
        return (*shape[:-1], shape[-1] + 1)


def build_discriminator(image_shape, widths, fading=False):
    """A picture to the logit of its being real: residual blocks, of `widths` from 4 x 4 up, as many as are needed.

    `fading`: told a second input (n, 1), 0 to 1, how far the last level is there: at 0 it sees the picture at half the width.
    """
    sides = stylegan.sides_of(image_shape[0])
    image, fade = keras.Input(image_shape, name="image"), [keras.Input((1,), name="fade")] if fading else []
    x = EqualizedConv(widths[len(sides) - 1], 1, name=f"colours_{sides[-1]}")(image)
    for level in range(len(sides) - 1, 0, -1):
        side, width, narrower = sides[level], widths[level], widths[level - 1]
        y = EqualizedConv(width, name=f"conv_{side}")(x)
        y = EqualizedConv(narrower, down=True, gain=1.0, name=f"down_{side}")(y)
        skipped = layers.AveragePooling2D(2)(x)
        x = layers.Add()([y, EqualizedConv(narrower, 1, linear=True, gain=0.5**0.5, name=f"skip_{side}")(skipped)])
        if fading and side == sides[-1]:
            low = EqualizedConv(narrower, 1, name=f"colours_{side // 2}")(layers.AveragePooling2D(2)(image))
            x = Blend()([x, low, fade[0]])
    x = EqualizedConv(widths[0], name="conv_4")(MinibatchDeviation()(x))
    x = stylegan.EqualizedDense(widths[0], name="dense")(layers.Flatten()(x))
    return keras.Model([image, *fade], stylegan.EqualizedDense(1, linear=True, name="real")(x), name="discriminator")
