"""Diffusion models from a recipe to a card, and what is measured of them, against loops and made-up models."""

import io
import json

import keras
import numpy as np
import pytest

import explorer
from explorer import checkpoints, data
from explorer.training import building, diffusion_measures, evaluation, feeding, measures, recipes, runs
from explorer.training.train import train


def test_reduced_pictures_hold_no_more_than_their_pixels():
    rng = np.random.default_rng(0)
    flat = np.full((2, 32, 32, 3), 0.4, "float32")
    np.testing.assert_allclose(measures.reduced(flat), flat, atol=1 / 255)
    noisy = rng.random((3, 32, 32, 3)).astype("float32")
    found = measures.reduced(noisy, 8)
    assert found.shape == noisy.shape
    blocks = noisy.reshape(3, 8, 4, 8, 4, 3).mean((2, 4)), found.reshape(3, 8, 4, 8, 4, 3).mean((2, 4))
    assert np.corrcoef(blocks[0].ravel(), blocks[1].ravel())[0, 1] > 0.8
    assert found.std() < 0.5 * noisy.std()


def test_nearest_distances_by_loops():
    rng = np.random.default_rng(1)
    images, others = rng.random((5, 4, 4, 3)).astype("float32"), rng.random((7, 4, 4, 3)).astype("float32")
    images[2] = others[3, :, ::-1]  # a mirror image counts as a copy
    expected = [min(np.sqrt(np.square(a - b).mean()) for o in others for b in (o, o[:, ::-1])) for a in images]
    found = measures.nearest_distances(images, others, batch=2)
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert found[2] < 1e-3


def test_the_average_stands_in_for_the_weights_and_leaves_again():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, use_bias=False)])
    model.compile(optimizer=keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), loss="mse")
    x, y = np.eye(3, dtype="float32"), np.ones((3, 2), "float32")
    kernels = []
    for _ in range(3):
        model.train_on_batch(x, y)
        kernels.append(keras.ops.convert_to_numpy(model.layers[0].kernel).copy())
    mean = kernels[0]
    for kernel in kernels[1:]:
        mean = 0.5 * mean + 0.5 * kernel
    with runs.averaged(model):
        np.testing.assert_allclose(model.layers[0].kernel, mean, atol=1e-6)
    np.testing.assert_array_equal(model.layers[0].kernel, kernels[-1])
    model.compile(optimizer="sgd", loss="mse")
    with runs.averaged(model):  # without an average nothing happens
        np.testing.assert_array_equal(model.layers[0].kernel, kernels[-1])


def test_an_inverse_rate_falls_as_in_the_book():
    rate = runs.learning_rate({"name": "inverse", "initial": 1e-3, "decay": 0.1, "steps": 1000}, 200, 100)
    for step in (0, 1000, 5000):
        assert float(rate(step)) == pytest.approx(1e-3 / (1 + 0.1 * step / 1000), rel=1e-5)


def test_batch_normalization_settles_on_what_the_pictures_have(tmp_path):
    """In the last epochs its statistics stand still, and those of the noise rate that the network is told are the schedule's."""
    recipe = recipes.recipe("flowers-diffusion") | {"network": {"widths": [4, 8], "depth": 1}, "image_shape": [8, 8, 3],
                                                    "times": 1, "epochs": 4, "settled": 2, "composed": 0}  # fmt: skip
    images = np.random.default_rng(0).random((3200, 8, 8, 3)).astype("float32")
    seen = []

    def look(model, epoch):
        norms = [layer for layer in model.network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        seen.append([keras.ops.convert_to_numpy(norms[0].moving_mean).copy(), keras.ops.convert_to_numpy(norms[1].moving_mean).copy(),
                     keras.ops.convert_to_numpy(model.network.trainable_variables[0]).copy()])  # fmt: skip

    def fit(epochs):
        model = building.build(recipe)
        model.adapt(images)
        batches = {"x": feeding.Shuffled((images,), 32, 0, feeding.mirror)}
        return runs.run(
            recipe | {"epochs": epochs, "settled": max(0, epochs - 2)}, tmp_path, model, batches, None, look, io.StringIO()
        )

    assert len(fit(3)["loss"]) == 3
    assert len(fit(4)["loss"]) == 4  # a run that goes on when they have settled measures nothing anew
    for before, after in zip(seen[2][:2], seen[3][:2], strict=True):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(seen[1][1], seen[2][1])  # measured with the weights of the second epoch
    assert not np.array_equal(seen[2][2], seen[3][2])  # the weights learn on
    angles = np.arccos([0.95, 0.02])
    assert seen[3][0][-1] == pytest.approx(
        (np.cos(angles[0]) - np.cos(angles[1])) / (angles[1] - angles[0]), abs=0.015
    )  # its standard error is 0.004


def test_the_last_epochs_are_by_squared_error(tmp_path):
    """A network that says nothing yet is wrong by a normal variable: sqrt(2 / pi) in absolute value, 1 by squares.

    In the last epoch squares are weighed by max(signal rate, 0.1)^-1.5, at times four of five of which lie in the last 0.35.
    """
    recipe = recipes.recipe("flowers-diffusion") | {
        "network": {"widths": [4, 8], "depth": 1}, "image_shape": [8, 8, 3], "settled": 3, "squared": 3, "composed": 1, "epochs": 5,
        "learning_rate": {"name": "inverse", "initial": 0.0, "decay": 0.1, "steps": 1000},
    }  # fmt: skip
    images = np.random.default_rng(0).random((640, 8, 8, 3)).astype("float32")
    for epochs in (3, 4, 5):  # a run that goes on knows where it was
        model = building.build(recipe)
        model.adapt(images)
        batches = {"x": feeding.Shuffled((images,), 32, 0, feeding.mirror)}
        ends = {"epochs": epochs, "settled": epochs - 1, "squared": epochs - 2, "composed": epochs - 4}
        history = runs.run(recipe | ends, tmp_path, model, batches, None, None, io.StringIO())
    absolute = np.sqrt(2 / np.pi)
    assert history["loss"][:4] == pytest.approx([absolute, absolute, 1, 1], abs=0.02)  # 120,000 values an epoch
    times = (np.arange(10_000) + 0.5) / 10_000
    first, last = np.arccos([0.95, 0.02])
    weights = np.maximum(np.cos(first + times * (last - first)), 0.1) ** -1.5
    assert history["loss"][4] == pytest.approx(0.2 * weights.mean() + 0.8 * weights[times > 0.65].mean(), rel=0.1)


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    """`fashion-ddpm`, far smaller, trained for two epochs with a stop between, in a registry that has the judge."""
    root = tmp_path_factory.mktemp("ddpm")
    recipe = recipes.recipe("fashion-ddpm")
    recipe["network"] |= {"widths": [8, 16], "time_encoding": 16}
    recipe["schedule"] |= {"steps": 40}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CHECKPOINTS", str(root))
        patch.setitem(recipes.RECIPES, "fashion-ddpm", recipe)
        patch.setitem(recipes.JUDGES, "fashion", recipes.JUDGES["fashion"] | {"filters": [4, 8], "dense": 16})
        patch.setattr(diffusion_measures, "SAMPLES", 40)
        log = io.StringIO()
        train("judges/fashion", small.data, epochs=1, log=log)
        train("fashion-ddpm", small.data, epochs=1, log=log)
        first = checkpoints.card("fashion-ddpm")
        card = train("fashion-ddpm", small.data, epochs=2, log=log)
    return root, first, card, small.data


def test_a_card_comes_of_it(trained):
    root, first, card, _ = trained
    assert json.loads((root / "fashion-ddpm/card.json").read_text("utf-8")) == card
    assert set(checkpoints.CARD_KEYS) <= set(card)
    assert (card["kind"], card["views"], card["latent_shape"]) == ("diffusion", ["diffusion"], [28, 28, 1])
    assert card["parameters"] == {"unet": sum(row[-1] for row in card["architecture"]["unet"])}
    assert len(first["history"]["loss"]) == 1
    assert len(card["history"]["loss"]) == 2
    assert card["history"]["loss"][0] == first["history"]["loss"][0]
    assert card["history"]["loss"][1] < card["history"]["loss"][0]
    assert (root / "fashion-ddpm/run/preview.png").is_file()


def test_its_metrics_are_shares(trained):
    metrics = trained[2]["metrics"]
    for key in ("ddpm_50_steps", "ddim_50_steps", "ddpm_40_steps"):
        assert 0 <= metrics[f"samples_judged_above_0.9_{key}"] <= 1
        assert sum(metrics[f"samples_by_class_{key}"].values()) == pytest.approx(1, abs=1e-3)


def test_it_is_loaded_and_measured_anew_as_the_card_says(trained, monkeypatch):
    root, _, card, folder = trained
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    monkeypatch.setattr(diffusion_measures, "SAMPLES", 40)
    generator = explorer.load("fashion-ddpm")
    assert generator.decode(generator.prior(2), steps=4).shape == (2, 28, 28, 1)
    assert evaluation.evaluate("fashion-ddpm", folder) == card["metrics"]


def test_flowers_are_measured_beside_two_yardsticks(monkeypatch, diffusion_registry):
    """With a judge that sees mean colours, and samples that are flowers, nothing is between samples and flowers."""
    rng = np.random.default_rng(2)
    flowers = np.clip(rng.normal(0.5, 0.1, (300, 1, 1, 3)) + rng.normal(0, 0.05, (300, 12, 12, 3)), 0, 1).astype("float32")
    sets = {"train": flowers[:200], "test": flowers[200:]}

    class Colours:
        def features(self, images):
            return np.concatenate([images.mean((1, 2)), images.std((1, 2))], 1)

    monkeypatch.setattr(data, "load", lambda name, split, *_: (sets[split],))
    monkeypatch.setattr(checkpoints, "judge", lambda name: Colours())
    monkeypatch.setattr(diffusion_measures, "SAMPLES", 100)
    monkeypatch.setattr(diffusion_measures, "COPIES", 50)
    generator = explorer.load("specks")  # in colour
    generator.card["recipe"]["judge"] = "flowers"
    copies = sets["train"][:100]
    monkeypatch.setattr(diffusion_measures, "samples", lambda generator, n, steps: copies if steps != 5 else copies * 0)
    found = diffusion_measures.measure(generator)
    real, blurred = (found[f"kernel_distance_of_{key}"] for key in ("real_flowers", "flowers_reduced_to_16_pixels"))
    assert abs(real) < 0.01 < found["kernel_distance_at_5_steps"]
    assert abs(found["kernel_distance_at_20_steps"]) < 0.01
    assert blurred < 0.05
    assert found["nearest_training_image_of_samples_median"] == pytest.approx(0, abs=1e-3)  # copies are found out
    assert found["nearest_training_image_of_held_out_median"] > 0.05
    assert found["nearest_training_image_of_held_out_tenth_percentile"] <= found["nearest_training_image_of_held_out_median"]
