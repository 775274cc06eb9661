"""Codes moved apart: an encoder that learns to say what squared error hardly counts, such as glasses.

Squared error counts pixels, and glasses are few; so codes say too little of them, and the mean of some codes less still. But the
decoder draws them well, far enough along their direction. So four shifts, of the codes of pictures with both of two attributes,
with the first alone, the second alone, neither, are learned through it: short ones after which sums of codes, A - B + C, show the
two attributes as they add up, to a critic, a small classifier trained for this alone (the judge that measures the model has no part
in it). Then the encoder learns to encode so, from the pictures. The decoder stays as it is.
"""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from explorer import data
from explorer.training import building, runs

SHIFTS, ENCODER, CRITIC = "shifts.npy", "encoder", "critic"  # in the folder of a run
SEEN = 3  # pixels that a picture is moved by at most, before the critic sees it
SUMS, REVERSED, SINGLE = 32, 16, 32  # rows of a batch: sums that gain the first attribute, the second, and single codes
RATE, STEPS = 0.014, 300
OTHERS = 3.0  # weight of what else the critic says
HEARD = 0.6  # of a shift: what an encoder learns of it on average, which does not always see from a picture of which group it is


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """As `runs.fit`: the VAE by its recipe, the critic, the shifts, then the VAE's encoder as `shifted` says.

    The history is the VAE's, with that of the encoder as `encoder loss`, and its seconds behind the others.
    """
    folder, settings = Path(folder), recipe["shifted"]
    plain = {key: value for key, value in recipe.items() if key != "shifted"}
    vae, history = runs.fit(plain, folder, data_folder, preview, out)
    critic, _ = runs.fit(settings["critic"], folder / CRITIC, data_folder, out=out)
    images, labels = data.load(recipe["data"], "train", recipe["image_shape"][0], data_folder)
    names = data.classes(recipe["data"])
    columns = [names.index(name) for name in settings["attributes"]]
    groups = group(labels[:, columns])
    codes = np.stack([np.stack(vae.encoder.predict(way, batch_size=500, verbose=0), 1) for way in (images, images[:, :, ::-1])])
    if not (folder / SHIFTS).is_file():
        emphasis = runs.emphases(recipe["data"], settings)
        z = codes[0, :, 0]
        np.save(folder / SHIFTS, learn(vae.decoder, critic, z, groups, columns, emphasis, settings["costs"], steps=STEPS))
    codes[:, :, 0] += np.load(folder / SHIFTS)[groups] / HEARD
    stage = plain | settings["stage"]
    keras.utils.set_random_seed(stage["seed"])
    factors = [settings["oftener"].get(name, 1.0) for name in names]
    told = Told(vae.encoder)
    runs.settle(told, ())
    batches = Mirrored(images, codes, stage["batch_size"], stage["seed"], shares_of(labels, factors))
    later = runs.run(stage, folder / ENCODER, told, {"x": batches}, None, None, out)
    told.load_weights(folder / ENCODER / runs.BEST)
    whole = building.trained(plain, folder / runs.BEST)  # whose layers are all free to be trained on
    whole.encoder.set_weights(told.encoder.get_weights())
    return whole, history | {f"{ENCODER} loss": later["loss"], "seconds": history["seconds"] + later["seconds"]}


def group(labels):
    """0 with both of two attributes (n, 2), 1 with the first alone, 2 with the second alone, 3 with neither: int (n,)."""
    return 3 - 2 * labels[:, 0].astype(int) - labels[:, 1]


def shares_of(labels, factors):
    """How often each picture is drawn, in times the mean, by its labels (n, k): those with attribute k `factors[k]` times."""
    times = np.where(labels, factors, 1.0).prod(axis=1)
    return times / times.mean()


def learn(decoder, critic, z, groups, columns, emphasis, costs, seed=0, steps=STEPS):
    """Four shifts (4, d) of codes z (n, d) by their groups (n,) in the critic's two `columns`; the rest of what it says stays.

    `emphasis` (k,) of its classes; `costs`: of the squared length of each shift.
    """
    keras.utils.set_random_seed(seed)
    model = Shifts(decoder, critic, columns, emphasis, costs, z.shape[1])
    model.compile(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps)))
    model.fit(Sums(z, groups, steps, seed), epochs=1, shuffle=False, verbose=0)
    return ops.convert_to_numpy(model.shifts)


class Shifts(keras.Model):
    """The shifts, as what they do: called on (means (n, 3, d) of codes of A, B and C, their groups (n, 3)), it gives the critic's
    logits of A - B + C decoded (n, k), shifted and not."""

    def __init__(self, decoder, critic, columns, emphasis, costs, size):
        super().__init__(name="shifts")
        decoder.trainable = critic.trainable = False
        self.decoder, self.see, self.columns = decoder, logits(critic), np.array(columns)
        emphasis = np.array(emphasis, "float32")
        emphasis[self.columns] = 0
        self.emphasis, self.costs = emphasis / emphasis.sum(), np.array(costs, "float32")[:, None]
        self.shifts = self.add_weight(shape=(4, size), initializer="zeros", name="shifts")
        self._random = keras.random.SeedGenerator(0)
        self.built = True

    def call(self, batch, training=False):
        means, groups = batch
        a, b, c = (means[:, k] for k in range(3))
        shift_a, shift_b, shift_c = (ops.take(self.shifts, groups[:, k], axis=0) for k in range(3))
        plain = self.decoder(a - b + c, training=False)
        shifted = self.decoder(a - b + c + shift_a - shift_b + shift_c, training=False)
        by = keras.random.randint((2,), -SEEN, SEEN + 1, seed=self._random)
        return [self.see(smooth(moved(pictures, by)), training=False) for pictures in (shifted, plain)]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        now, before = y_pred
        table = ops.convert_to_tensor(np.array([[1, 1], [1, 0], [0, 1], [0, 0]], "float32"))
        a, b, c = (ops.take(table, x[1][:, k], axis=0) for k in range(3))
        two = ops.take(now, self.columns, axis=1)
        wrong = ops.sum(ops.binary_crossentropy(a - b + c, two, from_logits=True), axis=1)
        others = ops.sum(divergence(before, now) * ops.convert_to_tensor(self.emphasis), axis=1)
        return ops.mean(wrong) + OTHERS * ops.mean(others) + ops.sum(ops.convert_to_tensor(self.costs) * ops.square(self.shifts))


class Sums(keras.utils.PyDataset):
    """Batches for `Shifts`: means of three codes each for A, B and C, of groups 0, 2, 3 and 0, 1, 3, and codes of one picture each,
    of all groups alike often, as A, with the same B and C."""

    def __init__(self, z, groups, batches, seed):
        super().__init__()
        self.z, self.batches, self.seed = z, batches, seed
        self.members = [np.flatnonzero(groups == g) for g in range(4)]

    def __len__(self):
        return self.batches

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, index])
        kinds = np.array([[0, 2, 3]] * SUMS + [[0, 1, 3]] * REVERSED + [[g % 4] * 3 for g in range(SINGLE)])
        means = np.stack([[self.z[rng.choice(self.members[g], 3)].mean(0) for g in kind] for kind in kinds])
        alone = slice(SUMS + REVERSED, None)
        means[alone] = np.stack([self.z[rng.choice(self.members[g])] for g in kinds[alone, 0]])[:, None]
        return ((means.astype("float32"), kinds.astype("int32")),)


class Told(keras.Model):
    """An encoder that learns to encode as it is told: trained on (images, codes (n, 2, d): z_mean and z_log_var).

    Its loss is the KL divergence of its posteriors from those, to second order.
    """

    def __init__(self, encoder):
        super().__init__(name="told")
        self.encoder, self.built = encoder, True

    def call(self, images, training=False):
        return self.encoder(images, training=training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        (z_mean, z_log_var), (told_mean, told_log_var) = y_pred, (y[:, 0], y[:, 1])
        kl = 0.5 * ops.square(z_mean - told_mean) * ops.exp(-told_log_var) + 0.25 * ops.square(z_log_var - told_log_var)
        return ops.mean(ops.sum(kl, axis=1))


class Mirrored(keras.utils.PyDataset):
    """Batches of images (n, ...), half of them mirrored, and of what belongs to each way (2, n, ...), drawn by `shares` (n,)."""

    def __init__(self, images, codes, batch_size, seed, shares):
        super().__init__()
        self.images, self.codes, self.batch_size, self.shares = images, codes, batch_size, shares / shares.sum()
        self._rng = np.random.default_rng(seed)

    def __len__(self):
        return int(np.ceil(len(self.images) / self.batch_size))

    def __getitem__(self, index):
        which = self._rng.choice(len(self.images), self.batch_size, p=self.shares)
        way = self._rng.integers(0, 2, self.batch_size)
        images = self.images[which]
        images[way == 1] = images[way == 1, :, ::-1]
        return images, self.codes[way, which]


def logits(critic):
    """What a judge with sigmoids says before these, as a model."""
    last = critic.get_layer("class")
    layer = keras.layers.Dense(last.units, name="logits")
    model = keras.Model(critic.input, layer(critic.get_layer("features").output))
    layer.set_weights(last.get_weights())
    model.trainable = False
    return model


def divergence(logits, others):
    """KL divergence in nats of coins with the logits `others` from coins with `logits`, of any shape, each for itself."""
    p = ops.sigmoid(logits)
    return ops.binary_crossentropy(p, others, from_logits=True) - ops.binary_crossentropy(p, logits, from_logits=True)


def smooth(images):
    """Images (n, h, w, c) under the binomial filter 1 2 1 along both axes: of what is 2 pixels wide nothing is left."""
    line = np.array([1, 2, 1], "float32") / 4
    kernel = np.tile(np.outer(line, line)[..., None, None], (1, 1, images.shape[-1], 1))
    return ops.depthwise_conv(images, kernel, padding="same")


def moved(images, by):
    """Images (n, h, w, c) moved by whole pixels `by` (2,), down and right where negative; what is missing is mirrored."""
    for axis in (1, 2):
        size = images.shape[axis]
        place = ops.abs(ops.arange(size, dtype="int32") + by[axis - 1])
        images = ops.take(images, size - 1 - ops.abs(size - 1 - place), axis=axis)
    return images
