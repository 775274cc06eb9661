"""Directions learned through the decoder: what turns the judge's mind about one of the six while it keeps it about the others.

Class means say where faces with an attribute lie, not what a step there changes in the picture: the decoder is not linear, and
what goes together in the data comes along. Here a vector for each of the six is found by gradient, decoder and judge being fixed,
on training faces: a hinge on the judge's logit after a push, plus the mean change of the other five's probabilities. It is sought
in coordinates in which the codes have covariance I, and kept short there: a vector that may leave the space of faces finds smudges
that the judge takes for hair.
"""

import keras
import numpy as np
from keras import ops

from explorer.data import SIX

AMOUNT = 3.0  # lengths of a push: a vector becomes as long as so many of it need to be
MARGIN = 1.3  # of the judge's logit, beyond which a face counts as turned
LEAK, LENGTH = 6.0, 5e-3  # weights of the others' change, and of the squared lengths where the codes are white
BATCH, RATE, STEPS = 48, 0.02, 600
OFTENER = {("Young", -1): 4.0, ("Young", 1): 2.5, ("Blond_Hair", 1): 3.0}  # what is hardest to turn


class Pushes(keras.Model):
    """One vector for each of the six; called on (codes (n, d), which of the six (n,), towards it or away (n,): 1 or -1, the judge's
    probabilities of the six before (n, 6)), it gives those after."""

    def __init__(self, decoder, judge, columns, start, covariance):
        super().__init__(name="pushes")
        decoder.trainable = judge.trainable = False
        self.decoder, self.judge, self.columns = decoder, judge, np.array(columns)
        self.factor = np.linalg.cholesky(covariance).T.astype("float32")
        self.white = self.add_weight(shape=start.shape, name="white")
        self.white.assign(np.linalg.solve(self.factor.T, start.T).T)
        self.built = True

    @property
    def vectors(self):
        """The directions (6, d)."""
        return ops.matmul(self.white, self.factor)

    def call(self, batch, training=False):
        z, which, sign, _ = batch
        pushed = z + AMOUNT * sign[:, None] * ops.take(self.vectors, which, axis=0)
        return ops.take(self.judge(self.decoder(pushed, training=False), training=False), self.columns, axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        _, which, sign, before = x
        own, after = ops.one_hot(which, len(self.columns)), ops.clip(y_pred, 1e-4, 1 - 1e-4)
        logit = ops.sum(own * (ops.log(after) - ops.log(1 - after)), axis=1)
        short_of = ops.relu(MARGIN - sign * logit)  # who is turned already pushes no further
        leak = ops.sum((1 - own) * ops.abs(after - before), axis=1) / (len(self.columns) - 1)
        return ops.mean(short_of) + LEAK * ops.mean(leak) + LENGTH * ops.sum(ops.square(self.white))


class Balanced(keras.utils.PyDataset):
    """Batches for `Pushes`: each attribute as often as the others, and as often towards it as away from it, but for `OFTENER`."""

    def __init__(self, z, having, before, steps, seed):
        super().__init__()
        self.z, self.before, self.steps, self._rng = z, before, steps, np.random.default_rng(seed)
        self.groups = {(i, sign): np.flatnonzero(having[:, i] == (sign < 0)) for i in range(having.shape[1]) for sign in (-1, 1)}
        weights = np.array([OFTENER.get((SIX[i], sign), 1.0) for i, sign in self.groups])
        self._shares = weights / weights.sum()

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        pairs = list(self.groups)
        drawn = [pairs[k] for k in self._rng.choice(len(pairs), BATCH, p=self._shares)]
        rows = np.array([self._rng.choice(self.groups[pair]) for pair in drawn])
        which, sign = np.array(drawn).T
        return ((self.z[rows], which.astype("int32"), sign.astype("float32"), self.before[rows]),)


def learn(generator, directions, judge, z, attributes, before, steps=STEPS, seed=0, verbose=2):
    """{attribute: vector (d,)} for each of the six, from codes z (n, d), their attributes (n, k) and what the judge sees in them
    decoded (n, k). Starts from the whitened directions."""
    columns = [directions.names.index(name) for name in SIX]
    start = np.stack([directions.direction(name, [other for other in SIX if other != name]) for name in SIX])
    model = Pushes(generator.model.decoder, judge.model, columns, start, directions.covariance)
    model.compile(optimizer=keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps)))
    model.fit(Balanced(z, attributes[:, columns], before[:, columns], steps, seed), verbose=verbose)
    return dict(zip(SIX, ops.convert_to_numpy(model.vectors).astype("float32"), strict=True))
