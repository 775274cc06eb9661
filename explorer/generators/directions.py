"""Directions of a latent space by name, from statistics of what a model encoded. NumPy only.

Generative Deep Learning, 2nd ed., ch. 3: v = mean(z | attribute) - mean(z | not), no longer than `LONGEST`. What is stored holds
nobody's picture and nobody's attributes: class means, counts and one covariance.
"""

from functools import lru_cache

import numpy as np

from explorer import geometry
from explorer.errors import InputError, UnknownName

FILE = "directions.npz"
HOLDS = ("learned", "whitened", "plain")
LONGEST = 2.4  # of a vector between means: codes have a standard deviation of about 1, and sliders go to three vectors


class Directions:
    """Attribute vectors of a latent space.

    `names`: the k attributes; `means` float (k, 2, d): mean code without and with each; `counts` int (k, 2); `covariance`
    float (d, d) of all codes; `learned` {attribute: float (d,)}: vectors that keep each other's attributes still, learned through
    the decoder (training/learned_directions.py).
    """

    def __init__(self, names, means, counts, covariance, learned=None):
        self.names, self.means, self.counts, self.covariance = list(names), means, counts, covariance
        self.learned = dict(learned or {})
        within = covariance + 1e-3 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        self._metric = np.linalg.inv(within.astype("float64"))  # of Mahalanobis' distance

    @classmethod
    def of(cls, card, stored):
        """The directions of a card's `attributes` from the arrays of its `FILE`."""
        learned = dict(zip(card.get("learned", ()), stored.get("learned", ()), strict=True))
        return cls(card["attributes"], *(stored[key].astype("float64") for key in ("means", "counts", "covariance")), learned)

    def direction(self, attribute, hold=(), how="whitened"):
        """The direction that adds an attribute while those in `hold` keep still: float32 (d,).

        `how` "plain" takes away its part along the held ones' vectors. That leaks where codes are correlated, so "whitened" is
        orthogonal to them after whitening by the covariance: it leaves the scores of the held attributes' linear classifiers
        (Fisher's: covariance^-1 v) as they are, and is as long as moves the attribute's own score as far as the bare vector
        does. "learned" takes the learned vector, where there is one, which holds the others that have one; the rest of `hold` is
        whitened away from it. Raises KeyError for an unknown attribute, ValueError if it is held itself, or if nothing is left.
        """
        return self._direction(attribute, tuple(sorted(set(hold))), how).copy()

    @lru_cache(maxsize=512)  # noqa: B019  the few models there are live as long as the process
    def _direction(self, attribute, hold, how):
        if how not in HOLDS:
            raise InputError(f"how must be one of {', '.join(HOLDS)}, got {how!r}")
        if attribute in hold:
            raise InputError(f"{attribute} cannot be changed and held still at once")
        v, learned = self._vector(attribute), how == "learned" and hold and attribute in self.learned
        if learned:
            v, hold = self.learned[attribute].astype("float64"), [name for name in hold if name not in self.learned]
        return self._held(v, hold, how, attribute)

    def held(self, v, hold=(), how="whitened"):
        """Any direction v (d,) without what moves the attributes in `hold`, as `direction` says: float32 (d,). "learned" is
        "whitened" here, since nobody learned it. Raises KeyError for an unknown attribute, ValueError if nothing is left."""
        if how not in HOLDS:
            raise InputError(f"how must be one of {', '.join(HOLDS)}, got {how!r}")
        return self._held(np.asarray(v, "float64"), sorted(set(hold)), how, "this direction")

    def _held(self, v, hold, how, named):
        others = [self._vector(name) for name in hold]
        if not others:
            return v.astype("float32")
        if how == "plain":
            own, held = v, geometry.orthogonal(v, others).astype("float64")
        else:
            own, basis = v @ self._metric, np.stack(others, 1)
            held = v - basis @ np.linalg.lstsq(basis.T @ self._metric @ basis, basis.T @ own, rcond=None)[0]
        if own @ held < 1e-3 * (own @ v):
            raise InputError(f"nothing is left of {named} when all of {', '.join(hold)} are held still: hold fewer")
        return (held * (1.0 if how == "plain" else (own @ v) / (own @ held))).astype("float32")

    def _vector(self, attribute):
        if attribute not in self.names:
            raise UnknownName(f"no attribute {attribute!r}; there are {', '.join(self.names)}")
        without, having = self.means[self.names.index(attribute)]
        return _as_long(having.astype("float64") - without)


def between(more, less):
    """The direction from one handful of codes, float (n, *shape), to another, (m, *shape): the difference of their means, no longer
    than `LONGEST`, float32 (*shape). ValueError for a handful of none, and where both have one mean."""
    if not len(more) or not len(less):
        raise InputError(
            f"a direction leads from one handful to another, each of one code at least, got {len(less)} and {len(more)}"
        )
    v = np.asarray(more, "float64").mean(0) - np.asarray(less, "float64").mean(0)
    if not np.linalg.norm(v) > 1e-6:
        raise InputError("both handfuls have the same mean, so there is no direction from one to the other: change one of them")
    return _as_long(v).astype("float32")


def _as_long(v):
    return v * (LONGEST / max(LONGEST, np.linalg.norm(v)))
