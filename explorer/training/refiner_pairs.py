"""What a refiner is trained on: faces and what a VAE makes of their codes."""

import keras
import numpy as np

from explorer import checkpoints, data
from explorer.training.measures import encode


class Pairs(keras.utils.PyDataset):
    """Batches of (faces, what the VAE makes of them), half of both mirrored; an epoch has `epoch_images` of them, drawn anew.

    A share `drawn` of the codes is drawn from the posterior, anew each time, so that the refiner forgives what codes that nobody
    encoded do not say well; the others are its mean.
    """

    def __init__(self, vae, images, batch_size, epoch_images, seed, drawn=0.5):
        super().__init__()
        self.drawn = drawn
        self.vae, self.images, self.batch_size = vae, images, batch_size
        self.epoch_images = min(epoch_images, len(images))
        self._codes = [encode(vae, way, 500) for way in (images, images[:, :, ::-1])]
        self._rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return int(np.ceil(self.epoch_images / self.batch_size))

    def __getitem__(self, index):
        which = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        mirrored = self._rng.random(len(which)) < 0.5
        drawn = self._rng.random((len(which), 1)) < self.drawn
        z_mean, z_log_var = (np.where(mirrored[:, None], *(codes[part][which] for codes in self._codes[::-1])) for part in (0, 1))
        z = z_mean + drawn * np.exp(0.5 * z_log_var) * self._rng.standard_normal(z_mean.shape, dtype="float32")
        faces = self.images[which]
        faces[mirrored] = faces[mirrored, :, ::-1]
        return ((faces, self.vae.decode(z)),)

    def on_epoch_end(self):
        self._order = self._rng.permutation(len(self.images))[: self.epoch_images]


def pairs(recipe, folder=None):
    """What a refiner's `fit` is fed with."""
    images = data.load(recipe["data"], "train", recipe["image_shape"][0], folder)[0]
    return Pairs(checkpoints.load(recipe["refines"]), images, recipe["batch_size"], recipe["epoch_images"],
                 recipe["seed"], recipe.get("codes_drawn", 0.5))  # fmt: skip
