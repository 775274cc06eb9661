"""Noise schedules: how much signal and how much noise there is at a time. NumPy only.

Times run from 0 (picture) to 1 (noise); noise_rates^2 + signal_rates^2 = 1.
"""

import numpy as np


class CosineSchedule:
    """The angle between signal and noise grows evenly with time (DLwP 3rd ed., ch. 17): signal rates from `most` to `least`."""

    steps = None  # any time will do

    def __init__(self, most=0.95, least=0.02):
        self.angles = np.arccos([most, least])

    def __call__(self, times):
        """Times in [0, 1], any shape -> (noise_rates, signal_rates) float64 of that shape."""
        angles = self.angles[0] + np.asarray(times, "float64") * (self.angles[1] - self.angles[0])
        return np.sin(angles), np.cos(angles)

    def told(self, time):
        """What the network is told at a time: its noise rate."""
        return float(self(time)[0])


class VarianceSchedule:
    """Nichol and Dhariwal's (2021) cosine schedule in `steps` steps (HOML 3rd ed., equation 17-7).

    abar_t = f(t) / f(0) with f(t) = cos^2((t / steps + offset) / (1 + offset) * pi / 2), and beta_t = 1 - abar_t / abar_(t - 1) at
    most `most`. `alpha_cumprod` float64 (steps + 1,) is the product of the 1 - beta_t.
    """

    def __init__(self, steps=4000, offset=0.008, most=0.999):
        f = np.cos((np.arange(steps + 1) / steps + offset) / (1 + offset) * np.pi / 2) ** 2
        self.steps = steps
        self.beta = np.concatenate([[0.0], np.minimum(1 - f[1:] / f[:-1], most)])
        self.alpha_cumprod = np.cumprod(1 - self.beta)

    def __call__(self, times):
        """Times in [0, 1], any shape, rounded to whole steps -> (noise_rates, signal_rates) float64 of that shape."""
        abar = self.alpha_cumprod[np.rint(np.asarray(times) * self.steps).astype(int)]
        return np.sqrt(1 - abar), np.sqrt(abar)

    def told(self, time):
        """What the network is told at a time: the number of its step."""
        return float(np.rint(time * self.steps))


SCHEDULES = {"cosine": CosineSchedule, "variance": VarianceSchedule}


def of(name, **settings):
    """A schedule by the name it has in recipes."""
    return SCHEDULES[name](**settings)
