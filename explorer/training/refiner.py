"""How a refiner is trained: on faces and what a VAE makes of their codes."""

import keras
import numpy as np

from explorer import checkpoints, data, imaging
from explorer.generators.refiner import RefinerGenerator

SHOWN = 8  # pictures in a preview


class Pairs(keras.utils.PyDataset):
    """Batches of (faces, what the VAE makes of them), half of both mirrored; an epoch has `epoch_images` of them, drawn anew.

    Half of the codes are the posterior's mean, half are drawn from it, anew each time, so that the refiner forgives what codes
    that nobody encoded do not say well.
    """

    def __init__(self, vae, images, batch_size, epoch_images, seed):
        super().__init__()
        self.vae, self.images, self.batch_size = vae, images, batch_size
        self.epoch_images = min(epoch_images, len(images))
        self._codes = [encoded(vae, way) for way in (images, images[:, :, ::-1])]
        self._rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return int(np.ceil(self.epoch_images / self.batch_size))

    def __getitem__(self, index):
        which = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        mirrored = self._rng.random(len(which)) < 0.5
        drawn = self._rng.random((len(which), 1)) < 0.5
        z_mean, z_log_var = (np.where(mirrored[:, None], *(codes[part][which] for codes in self._codes[::-1])) for part in (0, 1))
        z = z_mean + drawn * np.exp(0.5 * z_log_var) * self._rng.standard_normal(z_mean.shape, dtype="float32")
        faces = self.images[which]
        faces[mirrored] = faces[mirrored, :, ::-1]
        return ((faces, self.vae.decode(z)),)

    def on_epoch_end(self):
        self._order = self._rng.permutation(len(self.images))[: self.epoch_images]


def encoded(vae, images, batch=500):
    """(z_mean, z_log_var) of images, float32 (n, d) each."""
    parts = [vae.encode(images[i : i + batch]) for i in range(0, len(images), batch)]
    return tuple(np.concatenate(of) for of in zip(*parts, strict=True))


def pairs(recipe, folder=None):
    """What a refiner's `fit` is fed with."""
    images = data.load(recipe["data"], "train", recipe["image_shape"][0], folder)[0]
    return Pairs(checkpoints.load(recipe["refines"]), images, recipe["batch_size"], recipe["epoch_images"],
                 recipe["seed"])  # fmt: skip


def preview(recipe, write, folder=None):
    """A callback for `runs.fit`: validation faces, what the VAE says of them, and refined from two noises, a row each."""
    vae = checkpoints.load(recipe["refines"])
    faces = data.load(recipe["data"], "validation", recipe["image_shape"][0], folder)[0][:SHOWN]
    said = vae.decode(vae.encode(faces)[0])
    shape = recipe["image_shape"]
    card = {"name": "preview", "sampling": recipe["sampling"], "latent_shape": shape, "image_shape": shape}

    def callback(model, _):
        generator = RefinerGenerator(card, model)
        refined = [generator.decode(generator.prior(SHOWN, seed), given=said) for seed in (0, 1)]
        write(imaging.grid(np.concatenate([faces, said, *refined]), SHOWN))

    return callback
