"""What holds for a generator of every kind."""

import numpy as np
import pytest

import explorer
from explorer.errors import InputError
from explorer.generators import autoencoder_variants, refiner
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


@pytest.mark.parametrize("settings", [{"sampler": "ddpm"}, {"sampler": "ddim", "eta": 1.0}, {"sampler": "ddim"}])
def test_a_picture_does_not_depend_on_its_batch(of_noise, settings):
    """Whose class, if it is drawn by lot, is its own too."""
    settings, z = settings | {"steps": 6, "seed": 3}, of_noise.prior(9, seed=3)
    nine = of_noise.decode(z, **settings)
    np.testing.assert_allclose(of_noise.decode(of_noise.prior(4, seed=3), **settings), nine[:4], atol=1e-5)
    np.testing.assert_allclose(of_noise.decode(of_noise.prior(1, seed=3), **settings), nine[:1], atol=1e-5)
    some = [7, 2, 7]
    np.testing.assert_allclose(of_noise.decode(z[some], places=some, **settings), nine[some], atol=1e-5)


def test_a_refined_picture_does_not_depend_on_its_batch(refines):
    z, given = refines.prior(5, seed=1), np.random.default_rng(2).random((5, 8, 8, 3)).astype("float32")
    settings = {"sampler": "ddpm", "seed": 1}
    five = refines.decode(z, given, **settings)
    np.testing.assert_allclose(refines.decode(z[:1], given[:1], **settings), five[:1], atol=1e-4)
    np.testing.assert_allclose(refines.decode(z[3:4], given[3:4], places=[3], **settings), five[3:4], atol=1e-4)
    assert np.abs(refines.decode(z[3:4], given[3:4], **settings) - five[3:4]).max() > 1e-3, "another place"


def test_draws_begin_as_fewer_do(of_points):
    np.testing.assert_array_equal(of_points.prior(4, seed=6), of_points.prior(9, seed=6)[:4])


def test_noise_and_classes_begin_as_fewer_do(of_noise):
    np.testing.assert_allclose(of_noise.prior(4, seed=6), of_noise.prior(9, seed=6)[:4], rtol=1e-6)
    if of_noise.model.classes:
        np.testing.assert_array_equal(of_noise.labels(4, seed=6), of_noise.labels(9, seed=6)[:4])


@pytest.mark.parametrize("places", [[0], [0, -1], [0, 0.5], [0, 1_000_000], 0, "ab"])
def test_places_that_are_none_are_refused(of_noise, places):
    with pytest.raises(InputError, match="places must be 2 whole numbers from 0 to 999999, one a sample, got"):
        of_noise.decode(of_noise.prior(2), steps=1, places=places)


# --- nothing, of the right shape ---


def is_nothing(array, *shape):
    assert (array.shape, array.dtype) == ((0, *shape), np.float32)


def test_of_no_points_there_are_no_pictures(of_points):
    z = of_points.prior(0)
    is_nothing(z, *of_points.latent_shape)
    images = of_points.decode(z, **({"label": 1} if of_points.card.get("conditional") else {}))
    is_nothing(images, *of_points.image_shape)
    if of_points.card["kind"] == "gan":
        is_nothing(of_points.verdict(images, **({"label": 1} if of_points.card["conditional"] else {})))
        return
    is_nothing(of_points.reconstruct(images), *of_points.image_shape)
    z_mean, z_log_var = of_points.encode(images)
    is_nothing(z_mean, *of_points.latent_shape)
    if of_points.card["kind"] == "ae":
        assert z_log_var is None
    else:
        is_nothing(z_log_var, *of_points.latent_shape)


def test_of_no_noise_there_are_no_pictures(of_noise, refines):
    for sampler in ("ddim", "ddpm"):
        is_nothing(of_noise.decode(of_noise.prior(0), steps=3, sampler=sampler), *of_noise.image_shape)
    is_nothing(of_noise.noised(np.zeros((0, *of_noise.image_shape)), 0.5), *of_noise.image_shape)
    is_nothing(refines.decode(refines.prior(0), np.zeros((0, 8, 8, 3))), 8, 8, 3)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_of_no_noise_a_prompt_draws_no_pictures(text_registry, scale):
    words = explorer.load("words")
    is_nothing(words.decode(words.prior(0), "a rose", steps=2, guidance_scale=scale), 32, 32, 3)
    np.testing.assert_array_equal(words.prior(4, seed=6), words.prior(9, seed=6)[:4])


def test_a_variant_makes_nothing_of_nothing():
    loss = {"reconstruction_loss": "mse", "reconstruction_weight": 1.0}
    model = autoencoder_variants.build((4, 4, 1), 3, {"dense": [8]}, {"dense": [8]}, loss, seed=0)
    variant = autoencoder_variants.VariantGenerator({"name": "v", "latent_shape": [3], "image_shape": [4, 4, 1]}, model)
    nothing = np.zeros((0, 4, 4, 1))
    is_nothing(variant.first_layer_only(nothing), 4, 4, 1)
    is_nothing(variant.decode(variant.encode(nothing)[0]), 4, 4, 1)
