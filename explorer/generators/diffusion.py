"""Denoising diffusion: the model that trains a U-Net to tell noise, and the generator that samples it.

*Deep Learning with Python*, 3rd ed., ch. 17 (`flowers-diffusion`; after Beres' keras.io example), *Hands-On Machine Learning*,
3rd ed., ch. 17 (`fashion-ddpm`). Times run from 0 (picture) to 1 (noise); noise_rates^2 + signal_rates^2 = 1.
"""

import functools

import keras
import numpy as np
from keras import layers, ops

from explorer.errors import InputError
from explorer.generators import activations, samplers, schedules, unets
from explorer.generators.base import Generator, answers, check_count, check_images, check_labels, check_latents, drawn_by
from explorer.generators.noise_prior import NoisePrior
from explorer.state import MOST_SEED


@keras.saving.register_keras_serializable(package="explorer")
class Diffusion(keras.Model):
    """A network that learns to tell the noise in pictures, (n, h, w, c) in [0, 1]; with `classes` in (pictures, labels (n,)).

    `schedule`: a dict, `name` one of `schedules.SCHEDULES` and its settings; `loss`: one of `LOSSES`, of the noise; `mean` and
    `variance` by channel make pictures into what the network sees; without them `adapt(images)` finds them. `terminal`: of so many
    frequencies along a side the noise that sampling starts from has what pictures leave in it (`noise_prior.py`); of none by 0.
    Times are drawn evenly, or, dwelling on noise, with the density times * t^(times - 1) of a `times` above 1.
    One label in ten is kept from a network that knows `classes`, so that it can do without (Ho and Salimans 2022,
    arXiv:2207.12598, algorithm 1).
    """

    LABEL_DROPOUT = 0.1
    COMPOSING = (0.8, 0.65)  # so many of the times from here on, where large shapes come about, while `composing`
    FAINTEST = 0.1  # signal rate below which a time weighs no more

    LOSSES = {"mae": keras.losses.mean_absolute_error, "mse": keras.losses.mean_squared_error, "huber": keras.losses.huber}

    def __init__(self, network, schedule, loss="mae", mean=None, variance=None, seed=None, times=1, terminal=0, **kwargs):
        super().__init__(**kwargs)
        self.network, self.schedule, self.loss_name, self.seed, self.times = network, dict(schedule), loss, seed, times
        self.rates = schedules.of(**schedule)
        self.normalization = layers.Normalization(axis=-1, mean=mean, variance=variance)
        self.normalization.build((None, *network.inputs[0].shape[1:]))
        # files of weights name it by this attribute
        self.terminal = NoisePrior(network.inputs[0].shape[1:], terminal) if terminal else None
        self.classes = network.inputs[2].shape[-1] if len(network.inputs) > 2 else 0
        self.composing = False
        self._fixed = {"mean": mean, "variance": variance, "terminal": terminal}
        self._seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        """Noise pictures at random times and tell the noise: returns (noise, predicted noise).

        While `composing` most times are late, and both are multiplied by signal_rates^-0.75, so that squared errors at all times
        weigh about the same: where hardly any signal is left, the picture is decided by errors of the noise that are small.
        """
        images, labels = inputs if self.classes else (inputs, None)
        images = self.normalization(images)
        noise = keras.random.normal(ops.shape(images), seed=self._seed_generator)
        noise_rates, signal_rates, told = self.draw_rates((ops.shape(images)[0], 1, 1, 1))
        seen = [signal_rates * images + noise_rates * noise, told]
        if self.classes:
            kept = keras.random.uniform((ops.shape(images)[0], 1), seed=self._seed_generator) >= self.LABEL_DROPOUT
            seen.append(ops.one_hot(ops.cast(labels, "int32"), self.classes) * ops.cast(kept, "float32"))
        predicted = self.network(seen, training=training)
        if not self.composing:
            return noise, predicted
        weights = ops.maximum(signal_rates, self.FAINTEST) ** -0.75
        return weights * noise, weights * predicted

    def draw_rates(self, shape):
        """Rates at random times, or at whole steps from 1 to the last, and what the network is told: tensors of `shape`."""
        time = self._draw_times(shape)
        if not self.rates.steps:
            least, most = map(float, self.rates.angles)
            angles = least + (most - least) * time
            return ops.sin(angles), ops.cos(angles), ops.sin(angles)
        step = ops.clip(1 + ops.cast(time * self.rates.steps, "int32"), 1, self.rates.steps)
        noise_rates, signal_rates = (ops.take(ops.convert_to_tensor(rates.astype("float32")), step, axis=0)
                                     for rates in self.rates(np.arange(self.rates.steps + 1) / self.rates.steps))  # fmt: skip
        return noise_rates, signal_rates, ops.cast(step, "float32")

    def _draw_times(self, shape):
        time = keras.random.uniform(shape, seed=self._seed_generator)
        if not self.composing:
            return time ** (1 / self.times)
        share, first = self.COMPOSING
        late = keras.random.uniform(shape, seed=self._seed_generator) < share
        return ops.where(late, first + (1 - first) * time, time)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(self.LOSSES[self.loss_name](*y_pred))

    def adapt(self, images, mirrored=False):
        """Find out what the images, float (n, h, w, c) in [0, 1], have in common, as far as it was not given."""
        if self._fixed["mean"] is None:
            self.normalization.adapt(images)
        if self.terminal is not None:
            self.terminal.adapt(self.normalize(images), mirrored)

    def normalize(self, images):
        """Pictures in [0, 1] -> what the network sees; NumPy."""
        return (np.asarray(images, "float32") - self._mean) / self._sd

    def denormalize(self, x):
        """What the network sees -> pictures in [0, 1], clipped; NumPy."""
        return np.clip(x * self._sd + self._mean, 0.0, 1.0).astype("float32")

    @property
    def bounds(self):
        """Black and white as the network sees them."""
        return self.normalize(0.0), self.normalize(1.0)

    @property
    def _mean(self):
        return ops.convert_to_numpy(self.normalization.mean).reshape(-1)

    @property
    def _sd(self):
        return np.sqrt(ops.convert_to_numpy(self.normalization.variance).reshape(-1))

    def get_config(self):
        network = keras.saving.serialize_keras_object(self.network)
        return {"name": self.name, "network": network, "schedule": self.schedule, "loss": self.loss_name, "seed": self.seed,
                "times": self.times, **self._fixed}  # fmt: skip

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**{**config, "network": keras.saving.deserialize_keras_object(config["network"], custom_objects)})


def build(image_shape, network, schedule, loss, mean=None, variance=None, seed=None, times=1, classes=0, terminal=0):
    """An untrained model from a recipe's data."""
    known = {"classes": classes} if classes else {}  # the book's network is told none
    return Diffusion(unets.build(image_shape, **network, **known), schedule, loss, mean, variance, seed, times, terminal)


class DiffusionGenerator(Generator):
    """A trained diffusion model as a `Generator`: the latent is the noise that sampling starts from."""

    @property
    def schedule(self):
        """Times in [0, 1] -> (noise_rates, signal_rates)."""
        return self.model.rates

    def prior(self, n, seed=0):
        """Points drawn as the network was fed at the last time, t = 1: float32 (n, h, w, c).

        Standard normal, but for what pictures leave in them there, where the model knows it (`noise_prior.py`).
        """
        noise, terminal = super().prior(n, seed), self.model.terminal
        return noise if terminal is None else terminal.noised(noise, *map(float, self.schedule(1.0)))

    def predict_noise(self, x, time, label=None, guidance_scale=1.0, guidance_rescale=0.0, guidance_interval=(0.0, 1.0)):
        """What the network takes for noise in x, float (n, h, w, c), at a time in (0, 1].

        `label`, int (n,): of classes, if it knows them; `guidance_scale` goes from what it says without a label (0) past what it
        says with it (1): classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598, equation 6, w = guidance_scale - 1).
        What is above 1 is rescaled by `guidance_rescale`, and is 1 outside of `guidance_interval`: see `samplers.check_guidance`.
        """
        scale = guidance_scale if label is not None else 0.0
        if scale > 1 and not guidance_interval[0] <= time <= guidance_interval[1]:
            scale = 1.0
        one_hot = np.eye(self.model.classes, dtype="float32")[label] if scale else np.zeros((len(x), self.model.classes), "float32")
        if scale in (0.0, 1.0):
            return self._predict(x, time, one_hot)
        both = self._predict(np.concatenate([x, x]), time, np.concatenate([one_hot, np.zeros_like(one_hot)]))
        told, untold = both[: len(x)], both[len(x) :]
        guided = untold + np.float32(scale) * (told - untold)
        if scale < 1 or not guidance_rescale:
            return guided
        wanted, found = (part.std((1, 2, 3), keepdims=True) for part in (told, guided))
        return guided * (1 + np.float32(guidance_rescale) * (wanted / np.maximum(found, 1e-6) - 1))

    def _predict(self, x, time, one_hot):
        return answers(self.model.network, self._inputs(x, time, one_hot))

    def _inputs(self, x, time, one_hot):
        told = np.full((len(x), 1, 1, 1), self.model.rates.told(time), "float32")
        return [np.asarray(x, "float32"), told, *([one_hot] if self.model.classes else [])]

    @functools.cached_property
    def inside(self):
        """As of `Generator`: "unet", of what `told_of` returns."""
        return {"unet": activations.of_unet(self.model.network, self.card["name"])}

    def told_of(self, x, time, label=None):
        """A list of what the network is given at a time in (0, 1]: x, float (n, h, w, c), the time, and classes, int (n,), if it
        knows them."""
        classes = self.model.classes
        one_hot = np.zeros((len(x), classes), "float32") if label is None else np.eye(classes, dtype="float32")[label]
        return self._inputs(x, time, one_hot)

    def labels(self, n, seed=0):
        """Classes drawn as often as they were trained on, for a model that knows them: int (n,), one a place."""
        counts = np.array(self.card.get("class_counts", [1] * self.model.classes))
        return drawn_by(seed, 2).choice(self.model.classes, size=check_count(n), p=counts / counts.sum())

    def decode(
        self, z, label=None, steps=None, sampler=None, eta=0.0, epsilon_scale=None, guidance_scale=None, seed=0, callback=None,
        start=1.0, places=None, guidance_rescale=None, guidance_interval=None,
    ):  # fmt: skip
        """Sample from noise: float (n, h, w, c) -> float32 (n, h, w, c) in [0, 1].

        `steps`, `sampler` ("ddim" with `eta` in [0, 1], or "ddpm") and `epsilon_scale` (as of `samplers.ddim`) default to the
        card's, and so do `guidance_scale`, `guidance_rescale` and `guidance_interval` (as of `predict_noise`; 0 and all
        times where it names none) of a model that knows classes; its `label`, one or n, is
        drawn by `seed` if it is not given. `seed` is also that of the noise added on the way; `callback(step)` gets a
        `samplers.Step` at every step, `start` as there. `places`, int (n,), as there too: `decode(z[2:3], places=[2])` is
        `decode(z)[2:3]`, its class included. Raises ValueError for anything else.
        """
        settings = self.card["sampling"]
        sampler = sampler or settings["sampler"]
        if sampler not in samplers.SAMPLERS:
            raise InputError(f"sampler must be one of {', '.join(samplers.SAMPLERS)}, got {sampler!r}")
        z = check_latents(z, self.latent_shape)
        own = {"epsilon_scale": settings.get("epsilon_scale", 1.0) if epsilon_scale is None else epsilon_scale}
        own |= {"eta": eta} if samplers.takes_eta(sampler) else {}
        places = samplers.check_places(places, len(z))
        asked = self._asked(label, guidance_scale, places, seed)
        if asked:
            asked["guidance_rescale"], asked["guidance_interval"] = samplers.check_guidance(
                settings.get("guidance_rescale", 0.0) if guidance_rescale is None else guidance_rescale,
                settings.get("guidance_interval", (0.0, 1.0)) if guidance_interval is None else guidance_interval,
            )
        x_0 = samplers.SAMPLERS[sampler](
            functools.partial(self.predict_noise, **asked), z, self.schedule, settings["steps"] if steps is None else steps,
            seed=seed, callback=callback, bounds=self.model.bounds, start=start, places=places, **own,
        )  # fmt: skip
        return self.model.denormalize(x_0)

    def _asked(self, label, guidance_scale, places, seed):
        """What `predict_noise` is told of classes; ValueError for what does not fit."""
        if not self.model.classes:
            if label is not None or guidance_scale is not None:
                raise InputError(f"{self.card['name']} was trained without classes: leave label and guidance_scale out")
            return {}
        scale = float(self.card["sampling"]["guidance_scale"] if guidance_scale is None else guidance_scale)
        if not 0 <= scale < np.inf:
            raise InputError(f"guidance_scale must be a number from 0, got {guidance_scale}")
        if label is None:
            labels = self.labels(1 + int(places.max(initial=0)), seed)[places]
        else:
            labels = check_labels(label, len(places), self.card["classes"])
        return {"label": labels, "guidance_scale": scale}

    def noised(self, images, time, seed=0):
        """The forward process: pictures float (n, h, w, c) in [0, 1] noised to a time in (0, 1] -> x_t, in the network's units.

        `seed` may be 2**32 too, the one after the last of a state: a picture is noised by another than the one that made it.
        """
        x = self.model.normalize(check_images(images, self.image_shape))
        noise_rate, signal_rate = self.schedule(time)
        noise = drawn_by(seed, most=MOST_SEED + 1).standard_normal(x.shape, dtype="float32")
        return (signal_rate * x + noise_rate * noise).astype("float32")
