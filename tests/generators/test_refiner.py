"""The refiner, by a network whose velocity is exact for one known difference between face and given picture."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from explorer.errors import InputError
from explorer.generators import refiner

SHAPE = (16, 16, 3)
SCHEDULE = {"name": "cosine", "most": 0.999, "least": 0.02}
NETWORK = {"widths": [4, 8], "depth": [1, 1], "time_encoding": 8, "patch": 2}
VARIANCE = 0.01


@pytest.fixture
def model():
    return refiner.build(SHAPE, NETWORK, SCHEDULE, "mse", VARIANCE, seed=0)


def generator(model):
    card = {"name": "tiny", "latent_shape": SHAPE, "image_shape": SHAPE, "sampling": {"sampler": "ddim", "steps": 5}}
    return refiner.RefinerGenerator(card, model)


def exact(model, difference):
    """The model, its network told the difference (h, w, c): x = a d + s e, so v = a e - s d = (a x - d) / s."""
    seen = []

    def velocity(inputs):
        x, told, given = inputs
        seen.append((told, given))
        noise_rate = told.astype("float64")
        signal_rate = np.sqrt(1 - noise_rate**2)
        return (signal_rate * x - difference / np.sqrt(VARIANCE)) / noise_rate

    model.network = SimpleNamespace(predict_on_batch=velocity)
    return seen


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize(("sampler", "eta"), [("ddim", 0.0), ("ddim", 1.0), ("ddpm", 0.0), ("dpm", 0.0)])
def test_what_is_painted_out_is_the_difference_in_any_number_of_steps(model, steps, sampler, eta):
    rng = np.random.default_rng(0)
    difference, given = rng.uniform(-0.2, 0.2, SHAPE), rng.uniform(0.3, 0.7, (3, *SHAPE))
    seen, tiny = exact(model, difference), generator(model)
    made = tiny.decode(tiny.prior(3, seed=1), given=given, steps=steps, sampler=sampler, eta=eta)
    np.testing.assert_allclose(made, given + difference, atol=1e-5)
    assert len(seen) == steps
    np.testing.assert_allclose(seen[0][1], 4 * given - 2, atol=1e-6)
    rates = [told[0, 0, 0, 0] for told, _ in seen]
    np.testing.assert_allclose(rates, [float(tiny.schedule(1 - i / steps)[0]) for i in range(steps)], rtol=1e-6)


def test_pictures_stay_pictures(model):
    exact(model, np.full(SHAPE, 0.5))
    tiny = generator(model)
    made = tiny.decode(tiny.prior(1), given=np.full((1, *SHAPE), 0.8))
    np.testing.assert_allclose(made, 1.0)


@pytest.mark.parametrize("coarse", [0.0, 0.5, 1.0])
def test_what_was_changed_coarsely_is_taken_back_and_detail_is_kept(model, coarse):
    detail = np.tile([[0.05, -0.05], [-0.05, 0.05]], (8, 8))[..., None] * np.ones(3)  # of which no square of four holds anything
    exact(model, 0.1 + detail)
    tiny = generator(model)
    made = tiny.decode(tiny.prior(1), given=np.full((1, *SHAPE), 0.5), coarse=coarse)
    np.testing.assert_allclose(made[0], 0.5 + 0.1 * (1 - coarse) + detail, atol=1e-5)


def test_what_is_coarse_is_drawn_straight_between_the_means_of_squares():
    ramp = np.arange(16.0)[None, :, None, None] * np.ones((2, 1, 16, 3))  # a straight line stays, but at its ends
    for picture in (ramp, ramp.swapaxes(1, 2)):
        drawn = refiner.smooth(picture)
        np.testing.assert_allclose(drawn[:, 2:14, 2:14], picture[:, 2:14, 2:14], atol=1e-12)
        np.testing.assert_allclose(
            drawn.reshape(2, 4, 4, 4, 4, 3).mean((2, 4))[:, 1:3, 1:3], picture.reshape(2, 4, 4, 4, 4, 3).mean((2, 4))[:, 1:3, 1:3]
        )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"given": np.zeros((2, *SHAPE)), "coarse": 1.5}, "coarse must be a number from 0 to 1, got 1.5"),
        ({}, "tiny refines pictures: name them"),
        ({"given": np.zeros((1, *SHAPE))}, "as many pictures as there are latents, 2, got 1"),
        ({"given": np.zeros((2, 8, 8, 3))}, "images must have shape"),
        ({"given": np.full((2, *SHAPE), 2.0)}, "images must lie in"),
        ({"given": np.zeros((2, *SHAPE)), "sampler": "euler"}, "sampler must be one of ddim"),
        ({"given": np.zeros((2, *SHAPE)), "steps": 0}, "steps must be a whole number"),
    ],
)
def test_what_does_not_fit_is_said(model, settings, words):
    tiny = generator(model)
    with pytest.raises(InputError, match=words):
        tiny.decode(tiny.prior(2), **settings)


def test_the_network_sees_noisy_and_given_and_starts_by_telling_nothing(model):
    assert [tuple(x.shape[1:]) for x in model.network.inputs] == [SHAPE, (1, 1, 1), SHAPE]
    tiny = generator(model)
    x, given = tiny.prior(2), np.full((2, *SHAPE), 0.25, "float32")
    rate = float(tiny.schedule(0.5)[0])
    np.testing.assert_allclose(tiny.predict_noise(x, 0.5, given=given), rate * x, atol=1e-6)  # of velocity 0


def test_training_lowers_the_velocitys_error_and_a_file_keeps_the_model(model, tmp_path):
    rng = np.random.default_rng(0)
    given = rng.uniform(0.3, 0.7, (64, *SHAPE)).astype("float32")
    faces = given + np.float32(0.1)  # one length of the differences' standard deviation, everywhere
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    losses = model.fit(x=(faces, given), batch_size=16, epochs=8, verbose=0).history["loss"]
    assert losses[0] > 0.9  # v has a variance of about 1, and the first steps tell none of it
    assert losses[-1] < 0.6 * losses[0]
    model.save(tmp_path / "model.keras")
    stored = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    tiny, again = generator(model), generator(stored)
    noise = tiny.prior(1, seed=3)
    np.testing.assert_allclose(again.decode(noise, given=given[:1]), tiny.decode(noise, given=given[:1]), atol=1e-6)
