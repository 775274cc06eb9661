"""Schedules, U-Nets and the generator that samples them."""

import io

import numpy as np
import pytest

from explorer.generators import diffusion, schedules
from explorer.training import building, recipes, runs


def test_the_cosine_schedule_is_the_books():
    schedule = schedules.CosineSchedule()
    times = np.linspace(0, 1, 1001)
    noise, signal = schedule(times)
    np.testing.assert_allclose(noise**2 + signal**2, 1, atol=1e-12)
    assert (signal[0], signal[-1]) == (pytest.approx(0.95, abs=1e-12), pytest.approx(0.02, abs=1e-12))
    assert (noise[0], noise[-1]) == (pytest.approx(0.31225, abs=1e-5), pytest.approx(0.99980, abs=1e-5))
    assert (signal[500], noise[500]) == (pytest.approx(0.59448, abs=1e-5), pytest.approx(0.80411, abs=1e-5))
    assert (np.diff(signal) < 0).all()
    assert schedule.told(0.5) == pytest.approx(0.80411, abs=1e-5)


def test_the_variance_schedule_is_equation_17_7():
    schedule = schedules.VarianceSchedule()
    f = lambda t: np.cos(((t / 4000 + 0.008) / 1.008) * np.pi / 2) ** 2  # noqa: E731
    formula = np.array([f(t) / f(0) for t in range(4001)])
    np.testing.assert_allclose(schedule.alpha_cumprod[:-1], formula[:-1], atol=1e-12)
    assert schedule.alpha_cumprod[-1] == pytest.approx(1.518e-10, rel=1e-3)  # the last beta is clipped
    assert schedule.beta[1] == pytest.approx(9.866e-6, rel=1e-4)
    assert schedule.beta.max() == 0.999
    for step, abar in ((1, 0.99999013), (1000, 0.847012), (2000, 0.493844), (3000, 0.144272)):
        assert schedule.alpha_cumprod[step] == pytest.approx(abar, abs=1e-6)
    noise, signal = schedule(np.arange(4001) / 4000)
    np.testing.assert_allclose(noise**2 + signal**2, 1, atol=1e-12)
    np.testing.assert_array_equal([schedule.told(t / 4000) for t in (1, 7, 1333, 4000)], [1, 7, 1333, 4000])


@pytest.mark.parametrize("settings", [{"name": "cosine"}, {"name": "variance"}])
def test_rates_drawn_in_training_are_those_of_the_schedule(settings):
    import keras

    model = diffusion.build((8, 8, 1), {"widths": [4, 8], "depth": 1}, settings, "mae", 0.5, 0.25, seed=1)
    noise, signal, told = (keras.ops.convert_to_numpy(part).ravel() for part in model.draw_rates((4000, 1, 1, 1)))
    if settings["name"] == "variance":
        assert set(told) <= set(range(1, 4001))
        assert len(set(told)) == pytest.approx(4000 * (1 - np.exp(-1)), abs=120)
        assert told.min() < 10
        assert told.max() > 3990
        times = told / 4000
    else:
        np.testing.assert_array_equal(told, noise)
        times = (np.arcsin(noise) - np.arccos(0.95)) / (np.arccos(0.02) - np.arccos(0.95))
        assert 0 <= times.min() < 0.01
        assert 0.99 < times.max() <= 1 + 1e-6
    assert times.mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(np.stack([noise, signal]), schedules.of(**settings)(np.clip(times, 0, 1)), atol=1e-4)


@pytest.mark.parametrize("settings", [{"name": "cosine"}, {"name": "variance"}])
def test_training_may_dwell_on_noise(settings):
    import keras

    recipe = {
        **recipes.RECIPES["flowers-diffusion"],
        "network": {"widths": [4, 8], "depth": 1},
        "schedule": settings,
        "times": 3,
    }
    model = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(building.build(recipe)))  # so that it is kept
    noise, signal, _ = (keras.ops.convert_to_numpy(part).ravel() for part in model.draw_rates((4000, 1, 1, 1)))
    rates = schedules.of(**settings)
    for time in (0.4, 0.8):  # of the distribution with density 3 t^2 a share of t^3 lies below t
        assert (noise <= float(rates(np.array(time))[0]) + 1e-6).mean() == pytest.approx(time**3, abs=0.03)
    np.testing.assert_allclose(noise**2 + signal**2, 1, atol=1e-5)


@pytest.fixture
def tiny():
    """A network of one level that is told of the time, with weights that make a difference."""
    model = diffusion.build((8, 8, 3), {"widths": [4, 8], "depth": 1}, {"name": "cosine"}, "mae", seed=0)
    model.adapt(np.random.default_rng(0).beta(2, 5, (64, 8, 8, 3)).astype("float32"))
    rng = np.random.default_rng(1)
    for weight in model.network.trainable_variables:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    card = {"name": "tiny", "latent_shape": [8, 8, 3], "image_shape": [8, 8, 3], "sampling": {"sampler": "ddim", "steps": 5}}
    return diffusion.DiffusionGenerator(card, model)


def test_pictures_are_normalized_by_channel_and_come_back(tiny):
    images = np.random.default_rng(0).beta(2, 5, (64, 8, 8, 3)).astype("float32")
    x = tiny.model.normalize(images)
    np.testing.assert_allclose(x.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std((0, 1, 2)), 1, atol=1e-3)
    np.testing.assert_allclose(tiny.model.denormalize(x), images, atol=1e-5)
    low, high = tiny.model.bounds
    np.testing.assert_allclose(tiny.model.denormalize(np.stack([low, high])), [[0] * 3, [1] * 3], atol=1e-6)


def test_decode_takes_noise_and_its_settings(tiny):
    noise = tiny.prior(3, seed=4)
    assert noise.shape == (3, 8, 8, 3)
    steps = []
    images = tiny.decode(noise, callback=steps.append)
    assert (images.dtype, images.shape, len(steps)) == (np.float32, (3, 8, 8, 3), 5)  # the card's
    assert 0 <= images.min() < images.max() <= 1
    np.testing.assert_array_equal(tiny.decode(noise), images)
    np.testing.assert_allclose(tiny.decode(noise[1:2]), images[1:2], atol=1e-4)
    assert not np.allclose(tiny.decode(noise, steps=9), images, atol=1e-3)
    assert not np.allclose(tiny.decode(noise, sampler="ddpm"), images, atol=1e-3)
    assert not np.allclose(tiny.decode(noise, eta=1.0), tiny.decode(noise, eta=1.0, seed=1), atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"steps": 0}, "steps must be"), ({"steps": 10**6}, "steps must be"), ({"sampler": "euler"}, "sampler must be one of ddim, ddpm"),
     ({"eta": 2}, "eta must be"), ({"start": 0}, "start must be")],
)  # fmt: skip
def test_bad_settings_say_what_was_expected(tiny, settings, words):
    with pytest.raises(ValueError, match=words):
        tiny.decode(tiny.prior(1), **settings)


def test_bad_latents_are_refused_and_encode_explains_itself(tiny):
    with pytest.raises(ValueError, match=r"latents must have shape \(n, 8, 8, 3\)"):
        tiny.decode(np.zeros((1, 8, 8, 1)))
    with pytest.raises(ValueError, match="finite"):
        tiny.decode(np.full((1, 8, 8, 3), np.nan))
    with pytest.raises(NotImplementedError, match="no encoder"):
        tiny.encode(np.zeros((1, 8, 8, 3)))


def test_the_forward_process_mixes_by_the_schedule(tiny):
    images = np.random.default_rng(2).random((2, 8, 8, 3)).astype("float32")
    x = tiny.model.normalize(images)
    for time in (0.1, 0.6, 1.0):
        noise_rate, signal_rate = tiny.schedule(time)
        np.testing.assert_allclose(
            tiny.noised(images, time, seed=3), signal_rate * x + noise_rate * tiny.prior(2, seed=3), atol=1e-5
        )
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        tiny.noised(images * 3, 0.5)


def test_a_model_comes_back_from_disk_as_it_was(tiny, tmp_path):
    import keras

    tiny.model.save(tmp_path / "model.keras")
    again = diffusion.DiffusionGenerator(
        tiny.card, keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    )
    noise = tiny.prior(2)
    np.testing.assert_allclose(again.decode(noise, eta=0.5), tiny.decode(noise, eta=0.5), atol=1e-6)


def test_the_network_is_compiled_once_for_each_batch_shape(tiny):
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("counts TensorFlow's traces")
    traced = []

    class Counted(keras.Model):
        def __init__(self, network):
            super().__init__()
            self.network = network

        def call(self, inputs, training=False):
            traced.append(tuple(inputs[0].shape))
            return self.network(inputs, training=training)

    tiny.model.network = Counted(tiny.model.network)
    for steps in (20, 7, 13, 50):
        tiny.decode(tiny.prior(1), steps=steps)
    assert len(traced) <= 1


def test_a_tenth_of_the_labels_is_kept_from_the_network():
    """Of a network that says 1 for what it was told the class of, and 0 for the rest."""
    import keras

    noisy, told, label = keras.Input((2, 2, 1)), keras.Input((1, 1, 1)), keras.Input((3,))
    said = keras.layers.Reshape((1, 1, 1))(keras.ops.sum(label, axis=-1, keepdims=True)) + 0.0 * (noisy + told)
    model = diffusion.Diffusion(keras.Model([noisy, told, label], said), {"name": "cosine"}, mean=0.5, variance=0.25, seed=0)
    images, labels = np.zeros((5000, 2, 2, 1), "float32"), np.arange(5000) % 3
    _, said = model((images, labels))
    assert keras.ops.convert_to_numpy(said)[:, 0, 0, 0].mean() == pytest.approx(0.9, abs=0.02)


def test_a_network_that_is_told_classes_learns_what_belongs_to_each(tmp_path):
    """Pictures of one grey for each class: at the end of the way, where hardly any is left, only the class tells which."""
    import keras

    recipe = recipes.recipe("fashion-ddpm") | {"conditional": True, "image_shape": [8, 8, 1], "batch_size": 32, "epochs": 30}
    recipe["network"] |= {"widths": [8, 16], "depth": [1, 1]}
    recipe["learning_rate"] |= {"initial": 4e-3}
    recipe["optimizer"] |= {"ema_momentum": 0.9}
    keras.utils.set_random_seed(0)  # its weights and the order of the pictures
    model = building.build(recipe)
    assert model.classes == 10
    labels = np.random.default_rng(0).integers(2, size=640) * 9
    images = np.where(labels, 0.8, 0.2)[:, None, None, None] * np.ones((640, 8, 8, 1))
    runs.run(recipe, tmp_path, model, {"x": (images.astype("float32"), labels), "batch_size": 32}, out=io.StringIO())
    card = {"name": "greys", "latent_shape": [8, 8, 1], "image_shape": [8, 8, 1], "classes": list("0123456789"),
            "sampling": {"sampler": "ddim", "steps": 20, "guidance_scale": 1.0}}  # fmt: skip
    generator = diffusion.DiffusionGenerator(card, model)
    label = np.arange(300) % 2 * 9
    told, free = (generator.decode(generator.prior(300, seed=1), label, guidance_scale=scale).mean((1, 2, 3)) for scale in (1, 0))
    assert told[1::2].mean() - told[::2].mean() > 0.25
    assert abs(free[1::2].mean() - free[::2].mean()) < 0.12


@pytest.mark.parametrize("name", ["flowers-diffusion", "fashion-ddpm"])
def test_a_shrunken_recipe_learns_to_tell_noise(name, tmp_path):
    recipe = recipes.recipe(name) | {"conditional": False}
    recipe["network"] |= {"widths": [8, 16], "depth": [1, 1] if "time_encoding" in recipe["network"] else 1}
    model = building.build(recipe | {"image_shape": [16, 16, recipe["image_shape"][2]]})
    rng = np.random.default_rng(0)
    images = np.clip(rng.normal(0.5, 0.02, (256, 16, 16, 1)) + rng.uniform(-0.4, 0.4, (256, 1, 1, 1)), 0, 1)  # flat, of any grey
    images = images.repeat(model.network.inputs[0].shape[-1], -1).astype("float32")
    model.adapt(images)
    import keras

    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    losses = model.fit(images, batch_size=16, epochs=6, verbose=0).history["loss"]
    floor = {"mae": np.sqrt(2 / np.pi), "huber": 0.4}[recipe["loss"]]  # of a network that says 0: E|n|; a bit less for huber
    assert losses[0] < 1.1 * floor
    assert losses[-1] < 0.5 * floor
