"""From a recipe to what is trained on: data, split, in batches, varied."""

import keras
import numpy as np

from explorer import data, judges
from explorer.training import framing_windows, refiner_pairs
from explorer.training.measures import principal_components

# a recipe's key -> what makes its batches, (recipe, data_folder) -> a `PyDataset`, where they are more than images of a data set
MADE = {"refines": refiner_pairs.pairs, "textures": framing_windows.windows}


def feed(recipe, data_folder=None):
    """(what `model.fit` is fed with: arrays and a batch size, or batches as `x`; what is watched or None)."""
    for key, make in MADE.items():
        if recipe.get(key):
            return {"x": make(recipe, data_folder)}, None
    training, watched = split(recipe, data_folder)
    supervised = judges.kind_of(recipe)  # which turn their images themselves
    if not supervised and recipe.get("flip"):
        return {"x": Shuffled(training, recipe["batch_size"], recipe["seed"], mirror)}, watched
    if recipe.get("reduced"):
        reduce = reducer(training[0], *recipe["reduced"])
        return {"x": Shuffled(training, recipe["batch_size"], recipe["seed"], reduce)}, watched
    if not supervised and len(training) > 1:
        return {"x": training, "batch_size": recipe["batch_size"]}, watched  # the labels are for its parts, not for a loss
    return {**dict(zip("xy", training, strict=False)), "batch_size": recipe["batch_size"]}, watched


def split(recipe, data_folder=None):
    """(what is trained on, what is watched or None), each a tuple of images and, where they are needed, labels."""
    size, held_out = recipe["image_shape"][0], recipe.get("validation", 0)
    keep = slice(None, 2 if needs_labels(recipe) else 1)
    training = data.load(recipe["data"], "train", size, data_folder)[keep]
    if "half" in recipe:  # 0 or 1: every other image, so that two judges need not have learned from the same ones
        training = tuple(a[recipe["half"] :: 2] for a in training)
    if isinstance(held_out, str):
        return training, data.load(recipe["data"], held_out, size, data_folder)[keep]
    cut = len(training[0]) - held_out
    return tuple(a[:cut] for a in training), tuple(a[cut:] for a in training) if held_out else None


def needs_labels(recipe):
    """Whether a model of the recipe is trained on labels beside the images."""
    named = recipe.get("conditional") or recipe.get("discriminator", {}).get("names")
    return bool(judges.kind_of(recipe) or named)


class Shuffled(keras.utils.PyDataset):
    """Batches of arrays (images first) in a new order each epoch, the images varied by `vary(images, rng)` in place.

    With `shares` (n,), of mean 1, an epoch has each as often on average, some not at all, and is as long as without.
    """

    def __init__(self, arrays, batch_size, seed, vary, shares=None):
        super().__init__()
        self.arrays, self.batch_size, self.vary, self.shares = arrays, batch_size, vary, shares
        self._rng = np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return int(np.ceil(len(self.arrays[0]) / self.batch_size))

    def __getitem__(self, index):
        which = self._order[index * self.batch_size : (index + 1) * self.batch_size]
        batch = tuple(array[which] for array in self.arrays)
        self.vary(batch[0], self._rng)
        return batch

    def on_epoch_end(self):
        n = len(self.arrays[0])
        self._order = self._rng.permutation(n) if self.shares is None else self._rng.choice(n, n, p=self.shares / n)


class Mixture(keras.utils.PyDataset):
    """Batches drawn from several data sets' `pools` of indices, of each its quota an epoch, in a new order each time.

    `make(name, indices, rng)` makes what belongs to the indices of one data set, a tuple of arrays. A batch follows from the seed,
    the epoch (the first is `epoch`) and its index alone, so that a run that is resumed goes on as if it had not stopped.
    """

    def __init__(self, pools, quotas, batch_size, seed, make, epoch=0):
        super().__init__()
        self.pools, self.quotas, self.batch_size, self.make = pools, quotas, batch_size, make
        self._seed, self._epoch = seed, epoch
        self._order = self._ordered()

    def __len__(self):
        return len(self._order) // self.batch_size

    def __getitem__(self, index):
        which, rng = self._order[index * self.batch_size : (index + 1) * self.batch_size], self._drawn(2, self._epoch, index)
        parts = [self.make(name, which[which[:, 0] == i, 1], rng) for i, name in enumerate(self.quotas)]
        columns = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        return columns if len(columns) == 1 else (columns,)  # all of it is input

    def on_epoch_end(self):
        self._epoch += 1
        self._order = self._ordered()

    def _ordered(self):
        rows = []
        for i, (name, quota) in enumerate(self.quotas.items()):
            pool, first = self.pools[name], self._epoch * quota
            passes = range(first // len(pool), (first + quota - 1) // len(pool) + 1)  # every picture once before any comes again
            drawn = np.concatenate([np.zeros(0, int), *(self._drawn(0, i, k).permutation(pool) for k in passes)])
            skipped = first % len(pool)
            rows.append(np.stack([np.full(quota, i), drawn[skipped : skipped + quota]], 1))
        return self._drawn(1, self._epoch).permutation(np.concatenate(rows))

    def _drawn(self, *stream):
        return np.random.default_rng([self._seed, *stream])


def mirror(images, rng):
    """Turn half of the images left to right, in place."""
    some = rng.random(len(images)) < 0.5
    images[some] = images[some, :, ::-1]


def reducer(images, fewest, most, share):
    """A function that leaves of a share of the images, in place, what `fewest` to `most` principal components say of them.

    So blurred are the pictures of a model whose latent space has so many dimensions, whichever it is: a judge that saw
    sharp ones only takes a smooth skin for a woman's and overlooks glasses.
    """
    mean, basis = principal_components(images, most)

    def reduce(batch, rng):
        some = rng.random(len(batch)) < share
        codes = (batch[some].reshape(some.sum(), -1) - mean) @ basis
        codes[np.arange(most) >= rng.integers(fewest, most + 1, len(codes))[:, None]] = 0
        batch[some] = np.clip(codes @ basis.T + mean, 0, 1).reshape(batch[some].shape)

    return reduce
