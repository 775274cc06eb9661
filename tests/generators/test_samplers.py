"""Samplers against what can be worked out by hand: the exact denoiser of a Gaussian makes every step linear."""

import numpy as np
import pytest

from explorer.generators import samplers
from explorer.generators.schedules import CosineSchedule, VarianceSchedule

SCHEDULES = {"cosine": CosineSchedule(), "variance": VarianceSchedule()}
MEAN = np.array([0.6, -0.3, 0.1])
VARIANCE = np.array([0.25, 1.44, 0.01])  # a diagonal covariance: each channel is a Gaussian of its own


def exact(schedule):
    """E[noise | x_t] for x_0 ~ N(MEAN, VARIANCE): noise_rate * (x_t - signal_rate * mean) / (signal_rate^2 var + noise_rate^2)."""

    def predict(x, time):
        noise, signal = (float(rate) for rate in schedule(time))
        return noise * (x - signal * MEAN) / (signal**2 * VARIANCE + noise**2)

    return predict


def shape_of_noise(n=4, seed=0):
    return np.random.default_rng(seed).standard_normal((n, 2, 2, 3)).astype("float32")


def recursion(schedule, steps, eta, scale=1.0):
    """Mean and standard deviation of each channel, as the steps change them: x_u = A x_t + B in float64, noise added by its variance.

    Worked out from p(x_0 | x_t) and DDIM's q(x_u | x_t, x_0), not from a predicted noise. Returns (gain, offset, variance) of the
    last predicted x_0 as a function of the noise that was started from. Where only `scale` of the noise is taken away, x_0 keeps
    the rest of it.
    """
    gain, offset, variance = np.ones(3), np.zeros(3), np.zeros(3)
    for i in range(steps):
        (noise, signal), (noise_u, signal_u) = (map(float, schedule(1 - j / steps)) for j in (i, i + 1))
        total = signal**2 * VARIANCE + noise**2
        slope = signal * VARIANCE / total  # E[x_0 | x_t] = slope x_t + level
        level = MEAN - slope * signal * MEAN
        slope, level = slope + (1 - scale) * (1 / signal - slope), scale * level  # (1 - scale) of the way to x_t / signal
        if i + 1 == steps:
            return slope * gain, slope * offset + level, slope**2 * variance
        if eta is None:  # ancestral: the forward step's posterior mean, variance beta
            alpha = signal**2 / signal_u**2
            on_x_0 = signal_u * (1 - alpha) / noise**2
            on_x_t = np.sqrt(alpha) * noise_u**2 / noise**2
            added = 1 - alpha
        else:
            added = eta**2 * noise_u**2 / noise**2 * (1 - signal**2 / signal_u**2)
            on_x_t = np.sqrt(noise_u**2 - added) / noise
            on_x_0 = signal_u - on_x_t * signal
        a, b = on_x_t + on_x_0 * slope, on_x_0 * level
        gain, offset, variance = a * gain, a * offset + b, a**2 * variance + added
    raise AssertionError


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("steps", [1, 2, 7, 50])
def test_deterministic_ddim_is_the_closed_recursion(name, steps):
    schedule, noise = SCHEDULES[name], shape_of_noise()
    gain, offset, variance = recursion(schedule, steps, eta=0)
    assert not variance.any()
    found = samplers.ddim(exact(schedule), noise, schedule, steps)
    assert (found.dtype, found.shape) == (np.float32, noise.shape)
    np.testing.assert_allclose(found, gain * noise + offset, atol=1e-5)


@pytest.mark.parametrize("scale", [0.9, 0.995, 1.1])
def test_a_scaled_noise_is_the_recursion_that_leaves_some(scale):
    schedule, noise = SCHEDULES["cosine"], shape_of_noise()
    gain, offset, variance = recursion(schedule, 20, 0, scale)
    np.testing.assert_allclose(
        samplers.ddim(exact(schedule), noise, schedule, 20, epsilon_scale=scale), gain * noise + offset, atol=1e-4
    )


@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_a_network_that_sees_too_much_noise_is_put_right(sampler):
    schedule, noise, walk = SCHEDULES["variance"], shape_of_noise(), samplers.SAMPLERS[sampler]
    too_much = walk(lambda x, time: exact(schedule)(x, time) / 0.97, noise, schedule, 15, epsilon_scale=0.97)
    right = walk(exact(schedule), noise, schedule, 15)
    np.testing.assert_allclose(too_much, right, atol=1e-6)
    assert np.abs(right - walk(exact(schedule), noise, schedule, 15, epsilon_scale=0.97)).max() > 0.01


@pytest.mark.parametrize("scale", [0.5, 2, -1, np.nan])
@pytest.mark.parametrize("sampler", samplers.SAMPLERS)
def test_scales_out_of_reach_are_refused(sampler, scale):
    with pytest.raises(ValueError, match="epsilon_scale must be a number from 0.9 to 1.1"):
        samplers.SAMPLERS[sampler](exact(SCHEDULES["cosine"]), shape_of_noise(), SCHEDULES["cosine"], 3, epsilon_scale=scale)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(("sampler", "eta"), [("ddim", 0.5), ("ddim", 1.0), ("ddpm", None)])
def test_with_fresh_noise_mean_and_variance_are_the_recursions(name, sampler, eta):
    schedule, steps, n = SCHEDULES[name], 12, 40_000
    noise = np.broadcast_to(shape_of_noise(1), (n, 2, 2, 3))
    settings = {} if eta is None else {"eta": eta}
    found = samplers.SAMPLERS[sampler](exact(schedule), noise, schedule, steps, **settings).astype("float64")
    gain, offset, variance = recursion(schedule, steps, eta)
    expected, error = gain * noise[0] + offset, np.sqrt(variance / n)
    assert (np.abs(found.mean(0) - expected) < 5 * error + 1e-5).all()
    np.testing.assert_allclose(found.var(0), np.broadcast_to(variance, (2, 2, 3)), rtol=0.05)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_the_error_against_the_gaussian_halves_as_the_steps_double(sampler):
    schedule = CosineSchedule()

    def error(steps):
        gain, _, variance = recursion(schedule, steps, 0 if sampler == "ddim" else None)
        # what is returned is E[x_0 | x_t] at the last time, whose spread the exact process would have, too
        noise, signal = map(float, schedule(1 / steps))
        exact_spread = signal**2 * VARIANCE**2 / (signal**2 * VARIANCE + noise**2)
        return np.abs(np.sqrt(gain**2 + variance) - np.sqrt(exact_spread)).max()

    for steps in (40, 80, 160):
        assert 0.4 < error(2 * steps) / error(steps) < 0.6
    n, noise = 20_000, shape_of_noise(20_000)
    found = samplers.SAMPLERS[sampler](exact(schedule), noise, schedule, 40)
    gain, _, variance = recursion(schedule, 40, 0 if sampler == "ddim" else None)
    np.testing.assert_allclose(found.std((0, 1, 2)), np.sqrt(gain**2 + variance), rtol=4 / np.sqrt(4 * n))


def flowed(schedule, noise, steps):
    """The exact flow of a Gaussian's probabilities keeps how many standard deviations a value is from the mean; then E[x_0 | x_t]."""
    (noise_1, signal_1), (noise_t, signal_t) = (map(float, schedule(time)) for time in (1, 1 / steps))
    spread_1, spread_t = (np.sqrt(s**2 * VARIANCE + n**2) for n, s in ((noise_1, signal_1), (noise_t, signal_t)))
    x = signal_t * MEAN + spread_t / spread_1 * (noise - signal_1 * MEAN)
    return MEAN + signal_t * VARIANCE / spread_t**2 * (x - signal_t * MEAN)


def test_dpm_is_of_second_order_where_ddim_is_of_first():
    schedule, noise = CosineSchedule(), shape_of_noise().astype("float64")

    def error(sampler, steps):
        return np.abs(samplers.SAMPLERS[sampler](exact(schedule), noise, schedule, steps) - flowed(schedule, noise, steps)).max()

    for steps in (20, 40, 80):
        assert 0.2 < error("dpm", 2 * steps) / error("dpm", steps) < 0.3
        assert 0.4 < error("ddim", 2 * steps) / error("ddim", steps) < 0.6
    assert error("dpm", 10) < error("ddim", 20)
    for steps in (1, 2):  # there is nothing to go on along yet
        both = [samplers.SAMPLERS[name](exact(schedule), noise, schedule, steps) for name in ("dpm", "ddim")]
        np.testing.assert_allclose(*both, atol=1e-6)


def test_one_seed_one_picture_and_another_another():
    schedule, noise = CosineSchedule(), shape_of_noise()
    for sampler, settings in (("ddim", {"eta": 1.0}), ("ddpm", {})):
        same, again, other = (samplers.SAMPLERS[sampler](exact(schedule), noise, schedule, 9, seed=seed, **settings)
                              for seed in (1, 1, 2))  # fmt: skip
        np.testing.assert_array_equal(same, again)
        assert np.abs(same - other).mean() > 1e-3


@pytest.mark.parametrize(("sampler", "settings"), [("ddim", {"eta": 1.0}), ("ddpm", {})])
def test_one_sample_gets_its_noise_from_one_stream_as_ever(sampler, settings):
    """Worked out again from what the steps do to x_t and x_0: what is added is that stream, times the spread of the recursion."""
    schedule, noise, seen = CosineSchedule(), shape_of_noise(1), []
    samplers.SAMPLERS[sampler](exact(schedule), noise, schedule, 6, seed=5, callback=seen.append, **settings)
    quiet, stream = [], np.random.default_rng([5, 1])
    for now, then in zip(seen, seen[1:], strict=False):
        signal, signal_u, noise_rate, noise_u = now.signal_rate, then.signal_rate, now.noise_rate, then.noise_rate
        told = exact(schedule)(now.x_t.astype("float64"), now.time)
        if sampler == "ddpm":
            spread = np.sqrt(1 - signal**2 / signal_u**2)
            mean = (now.x_t - spread**2 / noise_rate * told) / (signal / signal_u)
        else:
            spread = noise_u / noise_rate * np.sqrt(1 - signal**2 / signal_u**2)
            mean = signal_u * now.x_0 + np.sqrt(noise_u**2 - spread**2) * told
        quiet.append((then.x_t - mean) / spread)
    drawn = [stream.standard_normal(noise.shape, dtype="float32") for _ in quiet]
    np.testing.assert_allclose(quiet, drawn, atol=1e-4)


def test_the_callback_sees_every_step_and_may_end_the_walk():
    schedule, noise, seen = CosineSchedule(), shape_of_noise(), []
    found = samplers.ddim(exact(schedule), noise, schedule, 8, callback=seen.append)
    assert [step.index for step in seen] == list(range(8))
    assert {step.steps for step in seen} == {8}
    np.testing.assert_allclose([step.time for step in seen], 1 - np.arange(8) / 8)
    for step in seen:
        assert step.noise_rate**2 + step.signal_rate**2 == pytest.approx(1, abs=1e-12)
        np.testing.assert_allclose(
            step.x_t, step.signal_rate * step.x_0 + step.noise_rate * exact(schedule)(step.x_t, step.time), atol=1e-5
        )
    np.testing.assert_array_equal(seen[0].x_t, noise)
    np.testing.assert_array_equal(seen[-1].x_0, found)

    calls = []

    def stop(step):
        calls.append(step)
        if step.index == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        samplers.ddpm(exact(schedule), noise, schedule, 1000, callback=stop)
    assert len(calls) == 3


def test_predictions_are_kept_within_bounds():
    schedule, noise, seen = VarianceSchedule(), shape_of_noise(), []
    wrong = lambda x, time: 0.9 * x  # noqa: E731  a network that errs by a tenth, where x_0 is that tenth times 8,000
    for sampler in samplers.SAMPLERS.values():
        found = sampler(wrong, noise, schedule, 20, callback=seen.append, bounds=(-1.0, 1.0))
        assert np.abs(found).max() <= 1
        assert max(np.abs(step.x_t).max() for step in seen) < 8
    assert np.abs(samplers.ddim(wrong, noise, schedule, 20)).max() > 10


def test_a_walk_may_start_half_way():
    schedule, seen = CosineSchedule(), []
    picture = shape_of_noise(seed=3) * np.sqrt(VARIANCE).astype("float32") + MEAN.astype("float32")
    noise_rate, signal_rate = schedule(0.1)
    x_t = signal_rate * picture + noise_rate * shape_of_noise(seed=4)
    found = samplers.ddim(exact(schedule), x_t, schedule, 10, callback=seen.append, start=0.1)
    np.testing.assert_allclose([step.time for step in seen], 0.1 * (1 - np.arange(10) / 10))
    assert np.corrcoef(found[..., 1].ravel(), picture[..., 1].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("steps", [0, -3, 10**6, 2.5, "abc", None, True, np.nan])
def test_bad_steps_are_refused_before_anything_is_computed(steps):
    def never(x, time):
        raise AssertionError

    for sampler in samplers.SAMPLERS.values():
        with pytest.raises(ValueError, match="steps must be a whole number from 1 to 4000, got"):
            sampler(never, shape_of_noise(), CosineSchedule(), steps)


@pytest.mark.parametrize(
    "settings", [{"eta": -0.1}, {"eta": 1.1}, {"eta": np.nan}, {"start": 0}, {"start": 1.01}, {"start": np.nan}]
)
def test_other_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be a"):
        samplers.ddim(exact(CosineSchedule()), shape_of_noise(), CosineSchedule(), 5, **settings)
