"""The network as a picture: what the page is told of the layers, the sample and the loss adds up."""

import base64

import numpy as np
import pytest

import explorer
from explorer import checkpoints
from explorer.views import inside
from explorer.views.diffusion import calls as diffusion
from explorer.views.latent_plane import calls as plane


def drawn(stage):
    return np.frombuffer(base64.b64decode(stage["tiles"]), "uint8").reshape(-1, stage["height"], stage["width"])


def picture(text, shape):
    return np.frombuffer(base64.b64decode(text), "uint8").reshape(shape) / 255


def test_a_vae_from_picture_to_picture():
    z = [0.5, -1.0]
    told = inside.of_autoencoder("mnist-vae", z, seed=3)
    generator = explorer.load("mnist-vae")
    x = generator.decode(np.array([z], "float32"))
    mean, log_var = (code[0].astype("float64") for code in generator.encode(x))
    epsilon = np.random.default_rng(3).standard_normal((1, 2), dtype="float32")[0]
    np.testing.assert_allclose(told["mean"], mean, atol=1e-3)
    np.testing.assert_allclose(told["z"], mean + np.exp(log_var / 2) * epsilon, atol=1e-3)
    np.testing.assert_allclose(np.array(told["mean"]) + np.array(told["sigma"]) * told["epsilon"], told["z"], atol=2e-4)
    y = generator.decode(np.array([told["z"]], "float32"))
    np.testing.assert_allclose(picture(told["output"], (28, 28, 1)), y[0], atol=0.01)
    entropy = -(x * np.log(np.clip(y, 1e-7, 1)) + (1 - x) * np.log(np.clip(1 - y, 1e-7, 1))).sum()
    assert told["loss"]["reconstruction"] == pytest.approx(entropy, rel=1e-3)
    assert told["loss"]["summed"]
    assert told["loss"]["loss"] == "binary_crossentropy"
    np.testing.assert_allclose(told["loss"]["kl"], 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var), atol=1e-3)
    assert [stage["shape"] for stage in told["encoder"]] == ["14 × 14 × 32", "7 × 7 × 64", "16 numbers"]
    first = told["encoder"][0]
    assert (first["words"], first["parameters"]) == ("convolution, 3 × 3, stride 2, ReLU", 320)
    assert (first["count"], first["of"], drawn(first).shape) == (16, 32, (16, 14, 14))
    assert drawn(first).min() >= 128, "ReLU"
    assert drawn(first).max() == 255
    last = drawn(told["decoder"][-1])[0].astype(float)
    np.testing.assert_allclose((last - 128) / 127 * told["decoder"][-1]["scale"], y[0, ..., 0], atol=0.01)


def test_another_sample_of_the_same_cloud_and_a_picture_of_ones_own():
    first, other = (inside.of_autoencoder("mnist-vae", [0.5, -1.0], seed=seed) for seed in (1, 2))
    assert first["mean"] == other["mean"]
    assert first["z"] != other["z"]
    blank = np.zeros((28, 28, 1), "float32")
    sent = base64.b64encode((255 * blank).astype("uint8").tobytes()).decode()
    told = plane.look_inside({"query": "model=mnist-vae&z=0.5,-1", "pixels": sent})
    assert not picture(told["input"], (28, 28, 1)).any()
    mean, _ = explorer.load("mnist-vae").encode(blank[None])
    np.testing.assert_allclose(told["mean"], mean[0], atol=1e-3)
    assert "base64 of 784 bytes" in plane.look_inside({"query": "model=mnist-vae", "pixels": "AAAA"})["error"]


def test_a_model_without_an_encoder_begins_at_the_point():
    told = inside.of_autoencoder("fashion-cgan", np.zeros(100), label=3)
    assert told["encoder"] is told["mean"] is told["loss"] is None
    expected = explorer.load("fashion-cgan").decode(np.zeros((1, 100), "float32"), label=3)[0]
    np.testing.assert_allclose(picture(told["output"], (28, 28, 1)), expected, atol=0.01)


@pytest.mark.parametrize("name", ["fashion-ae", "fashion-conv-ae", "fashion-tied-ae", "fashion-vae-10d"])
def test_other_autoencoders(name):
    generator = explorer.load(name)
    told = inside.of_autoencoder(name, generator.prior(1)[0])
    assert (told["sigma"] is None) == (checkpoints.card(name)["kind"] == "ae")
    assert all(stage["count"] <= stage["of"] for stage in told["encoder"] + told["decoder"])
    if told["sigma"] is None:
        assert told["z"] == told["mean"]


def test_the_levels_at_a_step_of_a_run():
    query = "view=diffusion&model=fashion-ddpm&steps=4&seed=2"
    told = diffusion.look_at_levels(f"{query}&time=0.5")
    assert (told["step"], told["steps"]) == (2, 4)
    assert [level["words"].split(":")[0] for level in told["levels"]] == ["down", "bottom", "up"]
    generator, seen = explorer.load("fashion-ddpm"), []
    generator.decode(generator.prior(1, 2), steps=4, seed=2, callback=lambda step: seen.append(step.x_t))
    np.testing.assert_allclose(picture(told["x_t"], generator.image_shape), generator.model.denormalize(seen[2])[0], atol=0.01)
    assert diffusion.look_at_levels(query)["step"] == 3
    assert "what=trajectory" in diffusion.look_at_levels(f"{query}&what=grid")["error"]
    assert "at most 100 steps" in diffusion.look_at_levels(query.replace("steps=4", "steps=101"))["error"]


def test_a_network_without_levels_says_so(diffusion_registry):
    assert "no U-Net" in diffusion.look_at_levels("view=diffusion&model=blots&steps=2")["error"]
