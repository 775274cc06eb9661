"""Image to image and inpainting of any Stable Diffusion 3: our steps against KerasHub's own tasks, and what must hold by itself."""

import keras
import keras_hub
import numpy as np
import pytest

from explorer.generators import samplers
from explorer.generators.text_to_image import TextToImageGenerator

TWO = 2 / 255


@pytest.fixture(scope="module")
def small(text_model):
    card, task = text_model.make()
    return TextToImageGenerator(card, task)


@pytest.fixture(scope="module")
def images():
    """Two pictures, smooth and in colour."""
    y, x = np.mgrid[:32, :32] / 31
    return np.stack([np.stack([x, y, 1 - x], -1), np.stack([x * y, 0.5 + 0 * x, np.sin(6 * x) / 2 + 0.5], -1)]).astype("float32")


def masked(*boxes):
    """A mask (1, 32, 32, 1) of boxes (top, bottom, left, right)."""
    mask = np.zeros((1, 32, 32, 1), "float32")
    for top, bottom, left, right in boxes:
        mask[:, top:bottom, left:right] = 1
    return mask


def kerashubs(kind, small, images, noise, prompt, steps, strength, **given):
    """KerasHub's own task, with our noise for its random numbers, and nothing compiled: (n, h, w, 3) in [0, 1]."""
    task = kind(small.backbone, small.model.preprocessor)
    task.backbone.configure_scheduler(steps)
    ids, negative = (small.model.preprocessor.generate_preprocess([text] * len(images)) for text in (prompt, ""))
    tensor = keras.ops.convert_to_tensor
    told = [tensor(2 * images - 1), *map(tensor, given.values()), tensor(noise), (ids, negative)]
    first = tensor(int(steps * (1 - strength)), "int32")
    found = task.generate_step(*told, first, tensor(steps, "int32"), tensor(3.0))
    return np.clip(keras.ops.convert_to_numpy(found) / 2 + 0.5, 0, 1)


@pytest.mark.parametrize(("steps", "strength"), [(6, 0.6), (4, 0.3), (6, 1.0), (4, 0.0)])
def test_a_picture_becomes_what_kerashub_makes_of_it(small, images, steps, strength):
    noise = small.prior(2, seed=3)
    expected = kerashubs(keras_hub.models.StableDiffusion3ImageToImage, small, images, noise, "a rose", steps, strength)
    found = small.decode(noise, "a rose", steps=steps, image=images, strength=strength)
    assert np.abs(found - expected).max() < 1 / 255
    assert expected.std() > 0.02


def test_what_is_inpainted_is_kerashubs_and_the_rest_is_the_picture_itself(small, images):
    noise, mask = small.prior(2, seed=4), masked((8, 24, 0, 16))
    expected = kerashubs(keras_hub.models.StableDiffusion3Inpaint, small, images, noise, "a rose", 6, 0.6,
                         masks=mask[..., 0].repeat(2, 0))  # fmt: skip
    found = small.decode(noise, "a rose", steps=6, image=images, strength=0.6, mask=mask)
    inside = np.broadcast_to(mask, images.shape) == 1
    assert np.abs(found - expected)[inside].max() < 1 / 255
    np.testing.assert_array_equal(found[~inside], images[~inside])
    assert np.abs(found - images)[inside].mean() > 0.02
    assert np.abs(expected - images)[~inside].mean() > 0.01, "theirs is the autoencoder's there"


def test_at_strength_0_it_is_the_autoencoders_round_trip_and_at_1_what_the_prompt_draws(small, images):
    noise, told = small.prior(2, seed=5), []
    z_mean, z_log_var = small.encode(images)
    assert z_mean.shape == z_log_var.shape == (2, 4, 4, 4)
    none = small.decode(noise, "a rose", image=images, strength=0, callback=told.append)
    assert np.abs(none - small.pictures(z_mean)).max() <= TWO
    assert told == []
    np.testing.assert_allclose(
        small.decode(noise, "a rose", image=images, strength=1), small.decode(noise, "a rose"), atol=0.1 * TWO
    )


def test_latents_are_kerashubs_and_their_variance_is_as_wide_as_they_are(small, images):
    backbone = small.backbone
    mode = backbone.vae.distribution_sampler.method
    assert mode == "mode"
    expected = keras.ops.convert_to_numpy(backbone.encode_image_step(keras.ops.convert_to_tensor(2 * images - 1)))
    z_mean, z_log_var = small.encode(images)
    np.testing.assert_allclose(z_mean, expected, atol=1e-4)
    scale, moments = backbone.vae.scale, keras.ops.convert_to_numpy(backbone.vae.encoder(2 * images - 1))
    np.testing.assert_allclose(np.exp(z_log_var / 2), scale * np.exp(moments[..., 4:] / 2), rtol=1e-3)


def test_strength_is_how_many_steps_are_gone_and_each_noise_rate_is_of_the_whole_way(small, images):
    for steps, strength, gone in ((10, 0.9, 9), (10, 0.3, 3), (28, 0.6, 17), (5, 0.01, 1), (4, 1, 4)):
        assert steps - samplers.first_step(steps, strength) == gone
    told = []
    small.decode(small.prior(1), "a rose", steps=5, image=images[:1], strength=0.4, callback=told.append)
    assert [(step.index, step.steps) for step in told] == [(0, 2), (1, 2)]
    np.testing.assert_allclose([step.noise_rate for step in told], small.sigmas(5)[3:5])


def test_another_number_of_steps_or_strength_traces_nothing_anew(small, images):
    noise = small.prior(1)
    small.decode(noise, "a rose", steps=2, image=images[:1], mask=masked((0, 8, 0, 8)))
    networks = {**small._steps, "encoder": small._encoder, "decoder": small._decoder}
    before = {key: network.predict_function for key, network in networks.items()}
    traced = {key: getattr(step, "experimental_get_tracing_count", int)() for key, step in before.items()}
    for steps, strength in ((7, 0.2), (3, 0.9), (5, 1)):
        small.decode(noise, "a man", steps=steps, image=images[1:], strength=strength)
    assert {**small._steps, "encoder": small._encoder, "decoder": small._decoder} == networks
    assert {key: getattr(step, "experimental_get_tracing_count", int)() for key, step in before.items()} == traced
    assert keras.backend.backend() != "tensorflow" or min(traced.values()) >= 1  # it counts


def test_what_a_mask_leaves_out_stays_to_the_pixel_however_it_lies(small, images):
    noise = small.prior(1, seed=6)
    for mask in (masked((3, 5, 30, 31)), masked((0, 32, 0, 32)), masked(), masked((1, 2, 1, 2), (20, 32, 11, 13))):
        found = small.decode(noise, "a rose", image=images[:1], strength=0.8, mask=mask)
        there = np.broadcast_to(mask, found.shape) == 1
        np.testing.assert_array_equal(found[~there], images[:1][~there])
        assert not there.any() or np.abs(found - images[:1])[there].mean() > 0.01
    whole = small.decode(noise, "a rose", image=images[:1], strength=0.8)
    every = small.decode(noise, "a rose", image=images[:1], strength=0.8, mask=masked((0, 32, 0, 32)))
    np.testing.assert_allclose(every, whole, atol=1e-6)
    half = small.decode(noise, "a rose", image=images[:1], strength=0.8, mask=np.full((1, 32, 32, 1), 0.5))
    np.testing.assert_allclose(half, (whole + images[:1]) / 2, atol=1e-6)
    assert small.latent_mask(masked((7, 9, 8, 9))).sum() == 2


def test_the_expected_picture_of_a_step_shows_what_is_known(small, images):
    told, mask = [], masked((0, 16, 0, 32))
    small.decode(small.prior(1), "a rose", steps=3, image=images[:1], strength=1, mask=mask, callback=told.append)
    known = small.encode(images[:1])[0]
    for step in told:
        np.testing.assert_array_equal(step.x_0[:, 2:], known[:, 2:])
    assert np.abs(told[0].x_0[:, :2] - known[:, :2]).max() > 0.1


def test_one_picture_serves_many_noises_and_each_may_have_its_own(small, images):
    noise = small.prior(2, seed=7)
    one = small.decode(noise, "a rose", image=images[1:], strength=0.5, mask=masked((0, 32, 0, 8)))
    own = small.decode(noise, ["a rose", "a rose"], image=images, strength=0.5, mask=masked((0, 32, 0, 8)))
    np.testing.assert_allclose(one[1], own[1], atol=2e-3)
    assert np.abs(one[0] - own[0]).max() > 0.1
    assert small.decode(noise[:0], "a rose", image=images[:1]).shape == (0, 32, 32, 3)


def test_eulers_steps_begin_at_what_is_known_and_a_straight_flow_leads_to_the_rest():
    x_0, noise, known = np.random.default_rng(0).standard_normal((3, 1, 2, 2, 1)).astype("float32")
    mask, told = np.array([[[[1], [0]], [[0], [1]]]], bool), []

    def straight(x, sigma):
        return (x - x_0) / sigma

    found = samplers.euler(straight, noise, [0.6, 0.3, 0], told.append, known, mask)
    np.testing.assert_allclose(found, np.where(mask, x_0, known), atol=1e-6)
    np.testing.assert_allclose(told[0].x_t, 0.6 * noise + 0.4 * known, atol=1e-6)
    np.testing.assert_allclose(told[1].x_t[~mask], (0.3 * noise + 0.7 * known)[~mask], atol=1e-6)
    np.testing.assert_array_equal(samplers.euler(straight, noise, [0.0], None, known), known)


@pytest.mark.parametrize("colour", [0.0, 1.0, 0.5])
def test_a_picture_of_one_colour_is_as_good_as_any(small, colour):
    found = small.decode(small.prior(1), "a rose", image=np.full((1, 32, 32, 3), colour), strength=0.5)
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1


GOOD = np.full((1, 32, 32, 3), 0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"image": GOOD, "strength": np.nan}, "strength must be a number from 0 to 1, got nan"), ({"image": GOOD, "strength": 1.1}, "from 0 to 1"),
     ({"image": GOOD, "strength": -0.1}, "from 0 to 1"), ({"image": GOOD, "strength": "much"}, "strength must be"), ({"image": GOOD, "strength": True}, "strength must be"),
     ({"strength": 0.5}, "give one, or leave them out"), ({"mask": np.ones((1, 32, 32, 1))}, "give one"), ({"image": GOOD[0]}, r"images must have shape \(n, 32, 32, 3\)"),
     ({"image": GOOD[:, :16]}, r"images must have shape .* got \(1, 16, 32, 3\)"), ({"image": GOOD * np.nan}, r"images must lie in \[0, 1\]"),
     ({"image": 255 * GOOD}, r"images must lie in \[0, 1\]"), ({"image": GOOD.repeat(3, 0)}, "as many images as noises, or one: got 3 for 2"),
     ({"image": GOOD, "mask": np.ones((1, 16, 16, 1))}, r"masks must have shape \(n, 32, 32, 1\), got \(1, 16, 16, 1\)"),
     ({"image": GOOD, "mask": np.ones((1, 32, 32))}, "masks must have shape"), ({"image": GOOD, "mask": np.ones((3, 32, 32, 1))}, "as many masks as noises"),
     ({"image": GOOD, "mask": np.full((1, 32, 32, 1), np.nan)}, r"masks must lie in \[0, 1\]")],
)  # fmt: skip
def test_what_does_not_fit_says_what_was_expected(small, given, words):
    with pytest.raises(ValueError, match=words):
        small.decode(small.prior(2), "a rose", steps=1, **given)
