"""What pictures leave in the noise, against pictures that are noised one by one."""

import keras
import numpy as np
import pytest

from explorer.generators import diffusion
from explorer.generators.noise_prior import NoisePrior, cosines

SHAPE = (12, 10, 3)


def pictures(n, seed=0):
    """Large shapes: a bright or dark ground, a slope and a hill of random height, in colours that go together."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.linspace(-1, 1, SHAPE[0]), np.linspace(-1, 1, SHAPE[1]), indexing="ij")
    shapes = np.stack([np.ones_like(x), x, np.exp(-4 * (x**2 + y**2))])
    heights = rng.normal([0.5, 1.0, 2.0], [3.0, 1.0, 2.0], (n, 3))
    colours = np.array([[1.0, 0.8, 0.2], [0.2, 0.5, -1.0], [1.0, -1.0, 0.3]])
    return np.einsum("nk,khw,kc->nhwc", heights, shapes, colours).astype("float32")


@pytest.mark.parametrize(("side", "size"), [(1, 4), (5, 8), (8, 8)])
def test_the_waves_are_orthonormal_and_the_first_is_flat(side, size):
    found = cosines(side, size)
    np.testing.assert_allclose(found @ found.T, np.eye(side), atol=1e-12)
    np.testing.assert_allclose(found[0], size**-0.5)
    assert (np.abs(np.diff(np.sign(found), axis=1)) > 0).sum(1).tolist() == list(range(side)), "the k-th crosses zero k times"


@pytest.mark.parametrize("signal_rate", [0.02, 0.3])
def test_the_noise_is_as_that_of_noised_pictures(signal_rate):
    images, n, noise_rate = pictures(20_000), 20_000, np.sqrt(1 - signal_rate**2)
    terminal = NoisePrior(SHAPE, 6)
    terminal.adapt(images)
    found = terminal.noised(np.random.default_rng(1).standard_normal((n, *SHAPE)), noise_rate, signal_rate)
    assert (found.dtype, found.shape) == (np.float32, (n, *SHAPE))
    others = np.random.default_rng(2).standard_normal((n, *SHAPE))
    expected = noise_rate * others + signal_rate * pictures(n, seed=3)
    error = np.sqrt((found.var(0) + expected.var(0)) / n)
    assert (np.abs(found.mean(0) - expected.mean(0)) < 5 * error).all()
    # the mean colour and the slope are as far spread as those of noised pictures, and finest stripes stay what they were
    x = np.linspace(-1, 1, SHAPE[1])[:, None]
    for part in (lambda a: a.mean((1, 2)), lambda a: (a * x).mean((1, 2)), lambda a: (a[:, ::2] - a[:, 1::2]).mean((1, 2))):
        ours, theirs = np.cov(part(found).T), np.cov(part(expected).T)
        np.testing.assert_allclose(ours, theirs, atol=0.07 * theirs.max())  # five times the error of two estimates' difference


def test_before_pictures_are_known_nothing_is_left_in_the_noise():
    noise = np.random.default_rng(0).standard_normal((2, *SHAPE)).astype("float32")
    np.testing.assert_allclose(NoisePrior(SHAPE, 4).noised(noise, 0.8, 0.6), 0.8 * noise, atol=1e-6)


def test_mirror_images_count_as_pictures():
    images, both = pictures(200), (NoisePrior(SHAPE, 5), NoisePrior(SHAPE, 5))
    both[0].adapt(images, mirrored=True)
    both[1].adapt(np.concatenate([images, images[:, :, ::-1]]))
    for name in ("average", "covariance"):
        first, second = (keras.ops.convert_to_numpy(getattr(terminal, name)) for terminal in both)
        np.testing.assert_allclose(first, second, atol=1e-2)  # of variances up to 1,000


@pytest.mark.parametrize("side", [0, -1, 11])
def test_more_frequencies_than_the_pictures_have_are_refused(side):
    with pytest.raises(ValueError, match="side must be a whole number from 1 to the pictures' 10"):
        NoisePrior(SHAPE, side)


def test_a_generator_starts_where_the_forward_process_ends_and_keeps_that_when_it_is_saved(tmp_path):
    images = np.random.default_rng(0).beta(2, 5, (400, 1, 1, 3)) * np.ones((1, 8, 8, 1))  # flat, of any colour
    schedule = {"name": "cosine", "most": 0.95, "least": 0.2}
    model = diffusion.build((8, 8, 3), {"widths": [4, 8], "depth": 1}, schedule, "mae", seed=0, terminal=2)
    model.adapt(images.astype("float32"))
    model.save(tmp_path / "model.keras")
    card = {"name": "tiny", "latent_shape": [8, 8, 3], "image_shape": [8, 8, 3], "sampling": {"sampler": "ddim", "steps": 2}}
    generator = diffusion.DiffusionGenerator(card, keras.saving.load_model(tmp_path / "model.keras", compile=False))
    noise = generator.prior(20_000, seed=1)
    # the mean of 64 pixels: of the noise's variance a 64th, of the picture's all
    expected = 0.96 / 64 * np.eye(3) + 0.04 * np.cov(generator.model.normalize(images)[:, 0, 0].T)
    np.testing.assert_allclose(np.cov(noise.mean((1, 2)).T), expected, atol=2e-3)
    white = np.random.default_rng(1).standard_normal((2, 8, 8, 3), dtype="float32")  # pictures that are noised get plain noise
    x_t = generator.noised(images[:2].astype("float32"), 1.0, seed=1)
    np.testing.assert_allclose(x_t, 0.2 * generator.model.normalize(images[:2]) + np.sqrt(0.96) * white, atol=1e-4)


def test_of_no_pictures_there_is_no_noise():
    assert NoisePrior(SHAPE, 4).noised(np.empty((0, *SHAPE)), 0.8, 0.6).shape == (0, *SHAPE)
