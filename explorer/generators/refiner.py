"""A diffusion model that is told a picture: what a VAE says of a face, painted out.

DiffuseVAE (Pandey, Mukherjee, Rai and Kumar 2022, arXiv:2201.00308): the VAE says what is there, a diffusion model that sees its
picture draws what squared error averaged away. Here it draws the difference between the two, the face minus the VAE's picture.
"""

import functools

import keras
import numpy as np
from keras import ops

from explorer.errors import InputError
from explorer.generators import samplers, unets
from explorer.generators.base import answers, check_images, check_latents
from explorer.generators.diffusion import Diffusion, DiffusionGenerator


@keras.saving.register_keras_serializable(package="explorer")
class Refiner(Diffusion):
    """A network that learns what faces have beyond pictures of them: both float (n, h, w, c) in [0, 1].

    What is noised is (face - given) / sd, `variance` = sd^2 that of all these differences together. The network tells the velocity
    v = signal_rate * noise - noise_rate * difference (Salimans and Ho 2022, arXiv:2202.00512, appendix D): where all is noise
    that is the difference itself, where hardly any is left it is the noise.
    """

    def call(self, inputs, training=False):
        """Noise the differences at random times and tell the velocity: returns (velocity, predicted velocity)."""
        faces, given = inputs
        difference = self.normalization(faces - given)
        noise = keras.random.normal(keras.ops.shape(faces), seed=self._seed_generator)
        noise_rates, signal_rates, told = self.draw_rates((keras.ops.shape(faces)[0], 1, 1, 1))
        seen = signal_rates * difference + noise_rates * noise
        return signal_rates * noise - noise_rates * difference, self.network([seen, told, centred(given)], training=training)


def centred(pictures):
    """Pictures in [0, 1] as the network sees them: about 0, with a variance of about 1."""
    return 4.0 * pictures - 2.0


def build(image_shape, network, schedule, loss, variance, seed=None, times=1):
    """An untrained model from a recipe's data."""
    unet = unets.build(image_shape, **network, given=image_shape[-1])
    return Refiner(unet, schedule, loss, mean=0.0, variance=variance, seed=seed, times=times)


class RefinerGenerator(DiffusionGenerator):
    """A trained refiner as a `Generator`: the latent is the noise, and `decode` is told what to refine."""

    def predict_noise(self, x, time, given):
        """What the network takes for noise in x, float (n, h, w, c), at a time in (0, 1], `given` as `centred` makes it."""
        noise_rate, signal_rate = map(float, self.schedule(time))
        told = np.full((len(x), 1, 1, 1), self.schedule.told(time), "float32")
        velocity = answers(self.model.network, [np.asarray(x, "float32"), told, given])
        return signal_rate * velocity.astype("float64") + noise_rate * x

    def decode(self, z, given=None, steps=None, sampler=None, eta=0.0, seed=0, callback=None, places=None, coarse=None):
        """What pictures `given`, float (n, h, w, c) in [0, 1], may have been: float32 (n, h, w, c) in [0, 1].

        `z`: noise, float (n, h, w, c): the same noise paints the same strands. `steps` and `sampler` ("ddim" with `eta` in [0, 1],
        "ddpm" or "dpm") default to the card's; `callback(step)` gets a `samplers.Step` at every step, of differences in the
        network's units; `seed` and `places` as of `samplers.ddim`. `coarse` in [0, 1], by default the card's: how much of what was
        changed at a quarter of the resolution is taken back, since light and colours are the VAE's to say (Choi et al. 2021,
        arXiv:2108.02938, do so at each step). Raises ValueError for anything else.
        """
        settings = self.card["sampling"]
        sampler = sampler or settings["sampler"]
        if sampler not in samplers.SAMPLERS:
            raise InputError(f"sampler must be one of {', '.join(samplers.SAMPLERS)}, got {sampler!r}")
        if given is None:
            raise InputError(f"{self.card['name']} refines pictures: name them, as in decode(noise, given=pictures)")
        z, given = check_latents(z, self.latent_shape), check_images(given, self.image_shape)
        if len(given) != len(z):
            raise InputError(f"given must be as many pictures as there are latents, {len(z)}, got {len(given)}")
        coarse = settings.get("coarse", 0.0) if coarse is None else coarse
        if not 0 <= coarse <= 1:
            raise InputError(f"coarse must be a number from 0 to 1, got {coarse}")
        sd = self.model._sd
        x_0 = samplers.SAMPLERS[sampler](
            functools.partial(self.predict_noise, given=centred(given)), z, self.schedule,
            settings["steps"] if steps is None else steps, seed=seed, callback=callback,
            bounds=((0 - given) / sd, (1 - given) / sd), places=places, **({"eta": eta} if samplers.takes_eta(sampler) else {}),
        )  # fmt: skip
        added = np.clip(given + sd * x_0, 0.0, 1.0) - given
        return np.clip(given + added - coarse * smooth(added), 0.0, 1.0).astype("float32")

    def networks(self):
        """`decode` of one step with the noise of seed 0 as a Keras model, "decoder": `z` are the pictures that it is given.

        Raises NotSupported for a refiner that takes more steps.
        """
        settings = self.card["sampling"]
        if settings["steps"] != 1:
            return super().networks()
        z, sd, noise = keras.Input(self.image_shape, name="z"), float(self.model._sd[0]), self.prior(1, seed=0)
        noise_rate, signal_rate = map(float, self.schedule(1.0))
        matrix = smoothing(self.image_shape[0]).astype("float32")
        same = ops.zeros_like(z)
        noise = ops.convert_to_tensor(noise) + same
        velocity = self.model.network([noise, same[:, :1, :1, :1] + noise_rate, centred(z)])
        added = ops.clip(z + sd * (signal_rate * noise - noise_rate * velocity), 0.0, 1.0) - z
        coarse = ops.einsum("ij,njkc,lk->nilc", matrix, added, matrix)
        return {"decoder": keras.Model(z, ops.clip(z + added - settings.get("coarse", 0.0) * coarse, 0.0, 1.0))}

    def examples(self, part, n):
        """As of any generator; the pictures given are smooth ones."""
        given = smooth(0.5 + 0.4 * np.tanh(self.prior(n, seed=1)), 8).astype("float32")
        return {"z": given}, [self.decode(np.repeat(self.prior(1, seed=0), n, 0), given=given)]


def smooth(pictures, factor=4):
    """What is left of pictures (n, h, w, c) at a `factor`th of their resolution, drawn straight between the means of squares."""
    for axis in (1, 2):
        matrix = smoothing(pictures.shape[axis], factor)
        pictures = np.moveaxis(np.tensordot(matrix, pictures, (1, axis)), 0, axis)
    return pictures


def smoothing(side, factor=4):
    """`smooth` along one axis, as a matrix (side, side)."""
    means = np.repeat(np.eye(side // factor), factor, axis=1) / factor  # (side / factor, side)
    middles = (np.arange(side // factor) + 0.5) * factor - 0.5
    between = np.stack([np.interp(np.arange(side), middles, row) for row in np.eye(side // factor)], axis=1)
    return between @ means
