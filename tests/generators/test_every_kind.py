"""What holds for a generator of every kind."""

import numpy as np
import pytest

import explorer
from explorer.errors import InputError
from explorer.generators import refiner
from explorer.training.train import train

RANGE = r"seed must be a whole number from 0 to 4294967295 \(2\*\*32 - 1\), got"


@pytest.fixture(params=["mnist-vae", "holes", "garments", "gan"])
def of_points(request, gans):
    """A VAE, an AE that draws from a fitted Gaussian, a GAN with classes, one without."""
    return explorer.load(request.param)


@pytest.fixture(params=["blots", "specks", "kinds"])
def of_noise(request, diffusion_registry):
    """Diffusion models: with any time, with whole steps, with classes."""
    return explorer.load(request.param)


@pytest.fixture(scope="module")
def refines():
    """An untrained refiner whose every weight makes a difference."""
    network = {"widths": [4, 8], "depth": [1, 1], "time_encoding": 8}
    model = refiner.build((8, 8, 3), network, {"name": "cosine"}, "mse", 0.01, seed=0)
    rng = np.random.default_rng(1)
    for weight in model.network.trainable_variables:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    card = {"name": "refines", "latent_shape": [8, 8, 3], "image_shape": [8, 8, 3], "sampling": {"sampler": "ddim", "steps": 4}}
    return refiner.RefinerGenerator(card, model)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", None, True])
def test_a_seed_that_is_none_is_answered_with_the_range_of_seeds(gans, refines, seed):
    for generator in (*map(explorer.load, ("mnist-vae", "holes", "garments")), refines):
        with pytest.raises(InputError, match=RANGE):
            generator.prior(2, seed=seed)
    with pytest.raises(InputError, match=RANGE):
        refines.decode(refines.prior(1), np.zeros((1, 8, 8, 3)), seed=seed)
    if seed is not None:  # which is that of the recipe
        with pytest.raises(InputError, match=RANGE):
            train("mnist-vae", seed=seed)


@pytest.mark.parametrize("seed", [-1, 2**32 + 1])
def test_classes_and_noise_have_seeds_of_that_range_too(of_noise, seed):
    z = of_noise.prior(1)
    calls = [lambda: of_noise.labels(2, seed), lambda: of_noise.noised(of_noise.decode(z, steps=1), 0.5, seed)]
    for call in (*calls[not of_noise.model.classes :], lambda: of_noise.decode(z, steps=1, seed=seed)):
        with pytest.raises(InputError, match=RANGE):
            call()


def test_the_last_seed_of_a_state_is_noised_as_ever(of_noise):
    x_t = of_noise.noised(of_noise.model.denormalize(np.zeros((1, *of_noise.image_shape))), 1.0, seed=2**32)
    expected = np.random.default_rng(2**32).standard_normal(x_t.shape, dtype="float32")
    np.testing.assert_allclose(x_t, expected * of_noise.schedule(1.0)[0], atol=1e-5)


@pytest.mark.parametrize("n", [-1, 1.5, None])
def test_so_many_points_cannot_be_drawn(of_points, n):
    with pytest.raises(InputError, match="n must be a whole number from 0, got"):
        of_points.prior(n)
