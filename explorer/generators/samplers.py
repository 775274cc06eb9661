"""Samplers: from noise to a picture, step by step, as plain functions over any network that predicts noise. NumPy only.

A sampler walks x_t = signal_rates * x_0 + noise_rates * noise from time 1 (noise) down to 0 in `steps` even steps. At each
it asks for the noise, works out the picture that this implies, and calls `callback` with a `Step`; an exception raised
there ends the walk. What is returned is the last predicted picture, since a schedule need not end without noise.
"""

import inspect
from dataclasses import dataclass

import numpy as np

from explorer.errors import InputError
from explorer.generators.base import drawn_by

MOST_STEPS = 4000
EPSILON_SCALES = (0.9, 1.1)
MOST_PLACES = 1_000_000
STRENGTH = 0.6  # with which a picture is drawn over, if nothing is said


@dataclass(frozen=True)
class Step:
    """What a sampler knows at one step, before it goes on.

    `index` from 0 of `steps`; `time` in (0, 1]; `noise_rate`, `signal_rate`; `x_t` and `x_0` (predicted): float32 (n, h, w, c),
    in the network's units.
    """

    index: int
    steps: int
    time: float
    noise_rate: float
    signal_rate: float
    x_t: np.ndarray
    x_0: np.ndarray


def ddim(
    predict_noise, noise, schedule, steps, eta=0.0, seed=0, callback=None, bounds=None, start=1.0, epsilon_scale=1.0,
    places=None,
):  # fmt: skip
    """Denoising diffusion implicit models (Song, Meng and Ermon 2020, eq. 12; DLwP 3rd ed., ch. 17 for `eta` 0).

    `predict_noise(x_t, time)`: float (n, h, w, c) and a time in (0, 1] -> the noise in it; `noise`: float (n, h, w, c), what to
    start from; `schedule(times)` -> (noise_rates, signal_rates). `eta` in [0, 1]: 0 is deterministic, 1 adds as much fresh
    noise (from `seed`) as the posterior of the forward process has. `bounds` (low, high), broadcast over channels: where
    pictures lie; predictions are clipped to it, which keeps the first steps sane when hardly any signal is left. `start`: the
    time of `noise`, below 1 to go on from a picture that was only partly noised. `epsilon_scale` in [0.9, 1.1] times the
    predicted noise is what is taken for it: a network that is unsure sees too little in what it has partly denoised itself, and
    takes away what would have become detail (Ning et al. 2024, arXiv:2308.15321, section 5). Returns x_0, float32 (n, h, w, c).

    Fresh noise belongs to a seed and a place, so that a picture does not depend on what is drawn beside it: `places`, int (n,), by
    default 0 to n - 1. Where one has the same start, seed and place it is the same picture alone as among others.

    Raises ValueError for `steps` below 1 or above 4000, or not whole, `eta` outside [0, 1], `start` outside (0, 1],
    `epsilon_scale` outside [0.9, 1.1], `places` that are not n whole numbers from 0 to 999,999.
    """
    if not 0 <= eta <= 1:
        raise InputError(f"eta must be a number from 0 to 1, got {eta}")

    def onward(x_t, x_0, predicted, now, then, draw):
        (noise_now, signal_now), (noise_then, signal_then) = now, then
        sigma = eta * noise_then / noise_now * np.sqrt(max(0.0, 1 - (signal_now / signal_then) ** 2))
        x = signal_then * x_0 + np.sqrt(max(0.0, noise_then**2 - sigma**2)) * predicted
        return x + sigma * draw() if sigma else x

    return _walk(predict_noise, noise, schedule, steps, onward, seed, callback, bounds, start, epsilon_scale, places)


def ddpm(predict_noise, noise, schedule, steps, seed=0, callback=None, bounds=None, start=1.0, epsilon_scale=1.0, places=None):
    """Ancestral sampling (Ho, Jain and Abbeel 2020; HOML 3rd ed., equation 17-8), with the betas worked out again for the steps.

    Arguments as of `ddim`. Its noise has variance beta, more than `ddim` adds at `eta` 1.
    """

    def onward(x_t, x_0, predicted, now, then, draw):
        (noise_now, signal_now), (_, signal_then) = now, then
        alpha = (signal_now / signal_then) ** 2
        mean = (x_t - (1 - alpha) / noise_now * predicted) / np.sqrt(alpha)
        return mean + np.sqrt(1 - alpha) * draw()

    return _walk(predict_noise, noise, schedule, steps, onward, seed, callback, bounds, start, epsilon_scale, places)


def dpm(predict_noise, noise, schedule, steps, seed=0, callback=None, bounds=None, start=1.0, epsilon_scale=1.0, places=None):
    """DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, algorithm 2): goes on along the line through the last two pictures.

    Arguments as of `ddim`, whose error halves as the steps double, where this one's falls to a quarter. Nothing in it is drawn.
    """
    before = []  # the picture of the step before, and how far that step went

    def onward(x_t, x_0, predicted, now, then, draw):
        (noise_now, signal_now), (noise_then, signal_then) = now, then
        step = np.log(signal_then / noise_then) - np.log(signal_now / noise_now)
        ahead = x_0
        if before:
            last, length = before.pop()
            ahead = x_0 + step / (2 * length) * (x_0 - last)
        before.append((x_0, step))
        return noise_then / noise_now * x_t - signal_then * np.expm1(-step) * ahead

    return _walk(predict_noise, noise, schedule, steps, onward, seed, callback, bounds, start, epsilon_scale, places)


def euler(predict_velocity, noise, sigmas, callback=None, known=None, mask=None):
    """Euler's steps along a rectified flow, x = (1 - sigma) x_0 + sigma noise (Esser et al. 2024, section 2).

    `predict_velocity(x, sigma)` -> noise - x_0; `sigmas`: the noise rates to go through, falling, 0 last. `known` (n, h, w, c): an
    x_0 to begin with, noised to the first of them (SDEdit: Meng et al. 2021, arXiv:2108.01073); noised to each where `mask`, as
    large, is 0, so that only the rest is drawn (RePaint without going back: Lugmayr et al. 2022, arXiv:2201.09865, equation 8).
    Returns x at the last.
    """
    noise = np.asarray(noise, "float32")
    noised = lambda sigma: np.float32(sigma) * noise + np.float32(1 - sigma) * known  # noqa: E731
    kept = lambda x, there: x if mask is None else np.where(mask, x, there)  # noqa: E731
    x = noise if known is None else noised(sigmas[0])
    for index, (sigma, then) in enumerate(zip(sigmas, sigmas[1:], strict=False)):
        velocity = np.asarray(predict_velocity(x, float(sigma)), "float32")
        if callback is not None:
            x_0 = kept(x - np.float32(sigma) * velocity, known)
            callback(Step(index, len(sigmas) - 1, float(sigma), float(sigma), 1 - float(sigma), x, x_0))
        x = x + np.float32(then - sigma) * velocity
        if mask is not None:
            x = kept(x, noised(then))
    return x


def first_step(steps, strength):
    """The step of so many that a picture is noised to, which `strength` in [0, 1] of them follow; KerasHub's, but that 10 steps at
    0.9 are 9 and not, by a float's last digit, 10. Raises ValueError for another strength."""
    if isinstance(strength, bool) or not isinstance(strength, int | float | np.number) or not 0 <= strength <= 1:
        raise InputError(f"strength must be a number from 0 to 1, got {strength!r}")
    return int(round(steps * (1 - float(strength)), 6))


SAMPLERS = {"ddim": ddim, "ddpm": ddpm, "dpm": dpm}  # by the name that states give them
DDIM = "ddim"


def check_guidance(rescale, interval):
    """`guidance_rescale` from 0 to 1 and `guidance_interval`, two times in [0, 1], as (float, (low, high)).

    Rescaled by so much, what guidance predicts has the deviation of what is predicted with what is asked for (Lin et al. 2023,
    arXiv:2305.08891, section 3.4); outside of the interval of times there is no guidance (Kynkaanniemi et al. 2024,
    arXiv:2404.07724). Raises ValueError for anything else.
    """
    if isinstance(rescale, bool) or not isinstance(rescale, int | float | np.number) or not 0 <= rescale <= 1:
        raise InputError(f"guidance_rescale must be a number from 0 to 1, got {rescale!r}")
    try:
        low, high = map(float, interval)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not 0 <= low <= high <= 1:
        raise InputError(f"guidance_interval must be two times from 0 to 1, the lower first, got {interval!r}")
    return float(rescale), (low, high)


def takes_eta(name):
    """Whether a sampler can be told how much fresh noise to add."""
    return "eta" in inspect.signature(SAMPLERS[name]).parameters


def times(steps, start=1.0):
    """The even times of a walk from `start` to 0, both included: float64 (steps + 1,)."""
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MOST_STEPS:
        raise InputError(f"steps must be a whole number from 1 to {MOST_STEPS}, got {steps!r}")
    if not 0 < start <= 1:
        raise InputError(f"start must be a time above 0 and at most 1, got {start}")
    return start * (1 - np.arange(steps + 1) / steps)


def check_places(places, n):
    """`places`, whose default is 0 to n - 1, as int (n,); InputError says what was expected and what came."""
    found = np.arange(n) if places is None else np.asarray(places)
    whole = found.shape == (n,) and (n == 0 or np.issubdtype(found.dtype, np.integer))
    if not whole or not ((found >= 0) & (found < MOST_PLACES)).all():
        raise InputError(f"places must be {n} whole numbers from 0 to {MOST_PLACES - 1}, one a sample, got {places!r}")
    return found.astype(int)


def _walk(predict_noise, x, schedule, steps, onward, seed, callback, bounds, start, epsilon_scale, places):
    if not EPSILON_SCALES[0] <= epsilon_scale <= EPSILON_SCALES[1]:
        raise InputError(f"epsilon_scale must be a number from {EPSILON_SCALES[0]} to {EPSILON_SCALES[1]}, got {epsilon_scale}")
    at = times(steps, start)
    noise_rates, signal_rates = (np.asarray(rates, "float64") for rates in schedule(at))
    x = np.asarray(x, "float64")  # since the picture is the small difference of x and its noise at first
    # other streams than that of the noise; that of place 0 is (seed, 1)
    streams = [drawn_by(seed, 1, place) for place in check_places(places, len(x)).tolist()]

    def draw():
        return np.array([stream.standard_normal(x.shape[1:], dtype="float32") for stream in streams], "float32").reshape(x.shape)

    for index in range(steps):
        now, then = ((noise_rates[i], signal_rates[i]) for i in (index, index + 1))
        predicted = epsilon_scale * np.asarray(predict_noise(x, float(at[index])), "float64")
        x_0 = (x - now[0] * predicted) / now[1]
        if bounds is not None:
            x_0 = np.clip(x_0, *bounds)
            predicted = (x - now[1] * x_0) / now[0]  # the noise that goes with it
        if callback is not None:
            callback(Step(index, steps, float(at[index]), float(now[0]), float(now[1]), x.astype("float32"), x_0.astype("float32")))
        if index + 1 < steps:
            x = onward(x, x_0, predicted, now, then, draw)
    return x_0.astype("float32")
