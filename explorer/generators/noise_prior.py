"""What pictures leave in the noise where the forward process ends.

A schedule that ends at a signal rate of 0.02 leaves a trace of them in x_1: the variance of their brightness, colours and large
shapes is a thousand times that of a pixel, so there the trace is as strong as the noise. Sampling that starts without it draws
pictures too much alike (Lin et al. 2024, arXiv:2305.08891, who let the schedule end without signal). Here the schedule stays the
book's, and the noise that sampling starts from has the trace's mean and covariance.
"""

from math import prod

import numpy as np
from keras import layers, ops

from explorer.errors import InputError


class NoisePrior(layers.Layer):
    """Mean and covariance of the `side` x `side` lowest frequencies of pictures (h, w, c), in the network's units.

    Frequencies are those of the orthonormal cosine transform (DCT-II) along both sides; of none, and before `adapt`, nothing is
    left in the noise.
    """

    def __init__(self, image_shape, side, **kwargs):
        super().__init__(trainable=False, **kwargs)
        if not 1 <= side <= min(image_shape[:2]):
            raise InputError(f"side must be a whole number from 1 to the pictures' {min(image_shape[:2])}, got {side}")
        self._down, self._across = (cosines(side, size) for size in image_shape[:2])
        count = side * side * image_shape[2]
        self.average, self.covariance = (
            self.add_weight(shape=shape, initializer="zeros", trainable=False, name=name)
            for name, shape in {"average": (count,), "covariance": (count, count)}.items()
        )

    def adapt(self, x, mirrored=False):
        """Find both for pictures float (n, h, w, c), in the network's units; `mirrored`: and for their mirror images."""
        found = np.concatenate([self._spectrum(x[i : i + 256]) for i in range(0, len(x), 256)])
        if mirrored:
            odd = np.broadcast_to((-1.0) ** np.arange(len(self._across))[:, None], self._shape(x)).ravel()
            found = np.concatenate([found, found * odd])
        self.average.assign(found.mean(0))
        self.covariance.assign(np.cov(found, rowvar=False, bias=True).reshape(self.covariance.shape))

    def noised(self, noise, noise_rate, signal_rate):
        """Standard normal numbers (n, h, w, c) -> x_t as normal pictures of that mean and covariance would have it, float32."""
        average, covariance = (ops.convert_to_numpy(w).astype("float64") for w in (self.average, self.covariance))
        variances, axes = np.linalg.eigh(noise_rate**2 * np.eye(len(average)) + signal_rate**2 * covariance)
        here = self._spectrum(noise)
        moved = here @ (axes * np.sqrt(np.maximum(variances, 0))) @ axes.T + signal_rate * average
        change = (moved - noise_rate * here).reshape(len(noise), *self._shape(noise))
        back = np.einsum("kh,nklc,lw->nhwc", self._down, change, self._across, optimize=True)
        return (noise_rate * noise + back).astype("float32")

    def _spectrum(self, x):
        x = np.asarray(x, "float64")
        return np.einsum("kh,nhwc,lw->nklc", self._down, x, self._across, optimize=True).reshape(len(x), prod(self._shape(x)))

    def _shape(self, x):
        return len(self._down), len(self._across), x.shape[-1]


def cosines(side, size):
    """The `side` lowest waves of the orthonormal DCT-II of `size` numbers: float64 (side, size)."""
    waves = np.cos(np.pi * np.arange(side)[:, None] * (np.arange(size) + 0.5) / size) * np.sqrt(2 / size)
    waves[0] /= np.sqrt(2)
    return waves
