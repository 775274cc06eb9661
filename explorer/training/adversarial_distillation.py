"""A refiner that has learned to take away noise learns to do it in one step, and to leave nothing blurred.

Adversarial diffusion distillation (Sauer, Lorenz, Blattmann and Rombach 2023, arXiv:2311.17042): what the network makes of noise
alone must please discriminators. These read the features of a classifier that stays as it is (Sauer, Chitta, Müller
and Geiger 2021, arXiv:2111.01007), one its pixels; and features must be those of the face that was encoded (Johnson, Alahi and
Fei-Fei 2016, arXiv:1603.08155), which holds the person. The judge that measures the model has no part in it.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from explorer import checkpoints
from explorer.generators.refiner import centred, smoothing
from explorer.training import building, feeding, runs
from explorer.training.critic_finetuning import moved

DISTILLED = "distilled"  # in the folder of a run
SEEN = 3  # pixels that pictures are moved by at most, before they are looked at
FASTER = 3.0  # how much faster than the refiner the discriminators learn, by weights that are so much smaller


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """As `runs.fit`: the refiner by its recipe, then its network as `distilled` says.

    The history is the refiner's, with that of the distillation as `distilled loss`, and its seconds behind the others.
    """
    folder, settings = Path(folder), recipe[DISTILLED]
    plain = {key: value for key, value in recipe.items() if key != DISTILLED}
    refiner, history = runs.fit(plain, folder, data_folder, None, out)
    stage = plain | settings
    keras.utils.set_random_seed(stage["seed"])
    critic = checkpoints.judge(settings["critic"]).model
    model = Distillation(refiner, critic, **settings["loss"], seed=stage["seed"])

    def shown(model, epoch):
        return preview(model.refiner, epoch)

    batches = feeding.feed(stage, data_folder)[0]
    later = runs.run(stage, folder / DISTILLED, model, batches, None, preview and shown, out)
    model.load_weights(folder / DISTILLED / runs.BEST)
    whole = building.trained(plain, folder / runs.BEST)
    whole.network.set_weights(model.refiner.network.get_weights())
    return whole, history | {f"{DISTILLED} loss": later["loss"], "seconds": history["seconds"] + later["seconds"]}


class Distillation(keras.Model):
    """Trains a refiner and its discriminators, by one optimizer: each learns from a loss in which the other stands still.

    `adversarial`: the weight of what the discriminators say beside that of features, 1; `pixels`: how many filters the one of
    pixels has; `coarse`: as `RefinerGenerator.decode` has it.
    """

    def __init__(self, refiner, critic, adversarial, pixels, coarse, seed=None):
        super().__init__(name="distillation")
        self.refiner, self.adversarial, self.coarse = refiner, adversarial, coarse
        self.see = pyramid(critic)
        self.heads = [Head(shape[1:], 64, name=f"head_{i}") for i, shape in enumerate(self.see.output_shape)]
        shape = refiner.network.inputs[0].shape[1:]
        self.heads.append(Head((shape[0] // 2, shape[1] // 2, 4 * shape[2]), pixels, name="head_of_pixels"))
        self.matrix = smoothing(shape[0]).astype("float32")
        self.trackers = {name: keras.metrics.Mean(name) for name in ("like", "pleasing", "told_apart")}
        self._random = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, batch, training=False):
        """(faces, what the VAE says of them), float (n, h, w, c) in [0, 1] -> (faces, what the refiner makes of the latter)."""
        faces, given = batch
        noise = keras.random.normal(ops.shape(faces), seed=self._random)
        noise_rate, signal_rate = map(float, self.refiner.rates(1.0))
        told = ops.full((ops.shape(faces)[0], 1, 1, 1), noise_rate)
        velocity = self.refiner.network([noise, told, centred(given)], training=training)
        sd = ops.sqrt(ops.cast(self.refiner.normalization.variance, "float32"))
        added = sd * (signal_rate * noise - noise_rate * velocity)
        return faces, given + added - self.coarse * self._smooth(added)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        by = keras.random.randint((2,), -SEEN, SEEN + 1, seed=self._random)  # so that no grid of the critic's goes unseen
        faces, made = (moved(pictures, by) for pictures in y_pred)
        real = [*self.see(faces, training=False), squares(faces)]
        new = [*self.see(made, training=False), squares(made)]
        like = sum(ops.mean(ops.abs(a - b)) / ops.mean(ops.abs(a)) for a, b in zip(real[:-1], new[:-1], strict=True))
        pleasing = -sum(ops.mean(head(some, learns=False)) for head, some in zip(self.heads, new, strict=True))
        apart = 0.0
        for head, theirs, ours in zip(self.heads, real, new, strict=True):
            apart += ops.mean(ops.relu(1 - head(theirs))) + ops.mean(ops.relu(1 + head(ops.stop_gradient(ours))))
        for tracker, value in zip(self.trackers.values(), (like, pleasing, apart), strict=True):
            tracker.update_state(value)
        return like + self.adversarial * pleasing + apart

    def _smooth(self, pictures):
        matrix = ops.convert_to_tensor(self.matrix)
        return ops.einsum("ij,njkc,lk->nilc", matrix, pictures, matrix)


class Head(layers.Layer):
    """A discriminator of features (n, h, w, c): two convolutions, what it says by place (n, h', w', 1).

    Each kernel is divided by the length of its filters, and features of a place by theirs, so that it cannot grow sharp at once.
    `learns=False`: gradients go to the features alone.
    """

    def __init__(self, shape, width, **kwargs):
        super().__init__(**kwargs)
        self.first = self._kernel(3, shape[-1], width, "first")
        self.second = self._kernel(3, width, width, "second")
        self.last = self._kernel(1, width, 1, "last")
        self.first_bias, self.second_bias, self.last_bias = (
            self.add_weight(shape=(size,), initializer="zeros", name=name)
            for size, name in ((width, "first_bias"), (width, "second_bias"), (1, "last_bias"))
        )
        self.built = True

    def call(self, features, learns=True):
        first, first_bias, second, second_bias, last, last_bias = (
            FASTER * (weight if learns else ops.stop_gradient(weight))
            for weight in (self.first, self.first_bias, self.second, self.second_bias, self.last, self.last_bias)
        )
        x = features * ops.rsqrt(ops.mean(ops.square(features), axis=-1, keepdims=True) + 1e-4)
        x = ops.leaky_relu(ops.conv(x, unit(first), padding="same") + first_bias, 0.2)
        strides = 2 if features.shape[1] > 4 else 1
        x = ops.leaky_relu(ops.conv(x, unit(second), strides=strides, padding="same") + second_bias, 0.2)
        return ops.conv(x, last) + last_bias

    def _kernel(self, side, channels, filters, name):
        drawn = keras.initializers.RandomNormal(stddev=np.sqrt(2 / (side * side * channels)) / FASTER)
        return self.add_weight(shape=(side, side, channels, filters), initializer=drawn, name=name)


def unit(kernel):
    """A kernel (h, w, c, filters) whose filters keep the size of what they see: each of length sqrt(2)."""
    return kernel * 1.4142 * ops.rsqrt(ops.sum(ops.square(kernel), axis=(0, 1, 2), keepdims=True) + 1e-8)


def squares(pictures):
    """Squares of 2 x 2 pixels as one place: (n, h, w, c) -> (n, h / 2, w / 2, 4 c), centred."""
    n, height, width, channels = ops.shape(pictures)
    x = ops.reshape(4.0 * pictures - 2.0, (n, height // 2, 2, width // 2, 2, channels))
    return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, height // 2, width // 2, 4 * channels))


def pyramid(critic):
    """What a classifier makes of pictures on the way: a model whose outputs are the maps before each pooling."""
    pooled = [layer for layer in critic.layers if isinstance(layer, layers.MaxPooling2D)]
    model = keras.Model(critic.inputs, [layer.input for layer in pooled])
    model.trainable = False
    return model
