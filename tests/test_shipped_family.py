"""What ships of the autoencoder family and the GANs, and the bars that its cards say it meets."""

import io

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints
from explorer.training import autoencoder_variants_measures, recipes
from explorer.views.why_a_vae import pictures as why

PCA_30 = 0.015616  # on the test images; scikit-learn's is compared with it in training/test_family_training.py
MEMBERS = [name for name in recipes.RECIPES if recipes.RECIPES[name].get("net") == "family"]
GANS = [name for name in recipes.RECIPES if recipes.RECIPES[name]["kind"] == "gan" and "net" not in recipes.RECIPES[name]]
KEYS = ("data", "image_shape", "latent_size", "optimizer", "learning_rate", "batch_size", "epochs", "seed", "known_failures")


def card(name):
    return checkpoints.card(name)


def metrics(name):
    return card(name)["metrics"]


def met(name, bar):
    """Whether a bar is met as far as the card's known failures say: it names each that is not."""
    return not any(f"(bar: {bar})" in line for line in card(name)["known_failures"])


@pytest.mark.parametrize("name", [*MEMBERS, *GANS])
def test_the_card_says_how_it_came_to_be(name):
    found, recipe = card(name), recipes.recipe(name)
    assert set(checkpoints.CARD_KEYS) <= set(found)
    for key in KEYS + (("generator", "discriminator") if name in GANS else ("encoder", "decoder", "loss", "validation")):
        assert found["recipe"].get(key, found.get(key)) == recipe[key], key
    assert len(found["history"]["loss"]) == found["recipe"]["epochs_run"] == recipe["epochs"]
    assert found["licence"].startswith("Apache-2.0")


@pytest.mark.parametrize("name", [*MEMBERS, *GANS])
def test_the_model_is_what_its_card_says(name):
    generator = explorer.load(name)
    assert {part: getattr(generator.model, part).count_params() for part in card(name)["parameters"]} == card(name)["parameters"]
    label = 4 if card(name)["kind"] == "gan" and card(name)["conditional"] else None
    images = generator.decode(generator.prior(9, seed=1), label=label)
    assert images.shape == (9, 28, 28, 1)
    assert images.std() > 0.05


def test_the_linear_autoencoder_is_pca():
    assert metrics("fashion-linear-ae")["mse_pca_30"] == pytest.approx(PCA_30, abs=2e-6)
    assert metrics("fashion-linear-ae")["mse_before_clipping"] == pytest.approx(PCA_30, rel=0.01)
    stored = checkpoints.arrays("fashion-linear-ae", checkpoints.PCA)
    np.testing.assert_allclose(stored["components"].astype("float64") @ stored["components"].T, np.eye(30), atol=5e-3)
    assert np.all(np.diff(stored["explained_variance_ratio"]) <= 0)
    best = np.square(stored["toy_pca"] - stored["toy"]).mean()
    assert np.square(stored["toy_autoencoder"][-1] - stored["toy"]).mean() == pytest.approx(best, rel=0.01)
    assert stored["toy_epochs"].tolist() == list(autoencoder_variants_measures.TOY_EPOCHS)


def test_tied_weights_are_half_as_many_and_nearly_as_good():
    tied, untied = card("fashion-tied-ae"), card("fashion-stacked-ae")
    assert sum(tied["parameters"].values()) == 82_414
    assert sum(tied["parameters"].values()) / sum(untied["parameters"].values()) == pytest.approx(0.5, abs=0.01)
    assert tied["metrics"]["mse_before_clipping"] <= 1.1 * untied["metrics"]["mse_before_clipping"]


@pytest.mark.parametrize("name", ["fashion-stacked-ae", "fashion-tied-ae", "fashion-greedy-ae", "fashion-conv-ae"])
def test_thirty_codes_say_as_much_as_thirty_components(name):
    """Both before what leaves [0, 1] is clipped, which would help either."""
    assert (metrics(name)["mse_before_clipping"] <= metrics(name)["mse_pca_30"]) == met(name, "pca")


def test_the_denoising_autoencoder_repairs_what_dropout_broke():
    found = metrics("fashion-denoising-ae")
    assert found["mse_of_noisy_images"] == pytest.approx(0.206, abs=0.002)  # each kept pixel is doubled
    assert found["mse_repaired"] < found["mse_repaired_by_pca_30"]
    assert found["mse_repaired"] <= 0.15 * found["mse_of_noisy_images"]
    by_noise = metrics("fashion-denoising-gaussian-ae")
    assert by_noise["mse_repaired"] < by_noise["mse_repaired_by_pca_30"]


def test_sparse_codes_are_sparse():
    assert metrics("fashion-sparse-kl-ae")["mean_activation"] == pytest.approx(0.1, abs=0.03)
    codes = checkpoints.encodings("fashion-sparse-kl-ae").z_mean  # the card's figure is of all 10,000
    assert codes.mean() == pytest.approx(metrics("fashion-sparse-kl-ae")["mean_activation"], abs=0.005)
    assert metrics("fashion-sparse-l1-ae")["mean_activation"] < 0.1


def test_pretraining_is_told_as_it_was_measured():
    found = metrics("fashion-denoising-ae")["pretraining"]
    assert [len(found[way]) for way in ("with", "without")] == [5, 5]
    gains = np.subtract(found["with"], found["without"])
    assert found["gain"] == pytest.approx(gains.mean(), abs=1e-4)
    assert found["gain_standard_error"] == pytest.approx(gains.std(ddof=1) / 5**0.5, abs=1e-4)
    assert 0.6 < min(found["with"] + found["without"]) < max(found["with"] + found["without"]) < 0.9


def test_the_deep_gan_draws_all_garments_and_the_judge_is_sure_of_them():
    found = metrics("fashion-dcgan")
    assert (found["samples_judged_above_0.8"] >= 0.85 * found["test_images_judged_above_0.8"]) == met("fashion-dcgan", "sure")
    shares = found["samples_by_class"].values()
    assert (min(shares) >= 0.03 and max(shares) <= 0.2) == met("fashion-dcgan", "classes")


def test_the_conditional_gan_draws_what_it_is_asked_for():
    found = metrics("fashion-cgan")
    real = found["test_images_judged_right_by_class"]
    assert real == checkpoints.card("judges/fashion")["metrics"]["test_accuracy_by_class"]
    obeyed = all(share >= 0.95 * real[name] for name, share in found["drawn_as_asked_by_class"].items())
    assert obeyed == met("fashion-cgan", "asked")
    judge, artist = explorer.judge("fashion"), explorer.load("fashion-cgan")
    labels = np.arange(200) % 10
    answer = judge(artist.decode(artist.prior(200, seed=11), label=labels)).argmax(1)
    assert (answer == labels).mean() == pytest.approx(found["drawn_as_asked"], abs=0.1)  # other noise, the same model


@pytest.mark.parametrize("name", GANS)
def test_what_a_gan_drew_after_each_epoch_is_there(name):
    drawn = card(name)["drawn"]
    assert drawn["epochs"] == card(name)["recipe"]["epochs_run"]
    with Image.open(io.BytesIO(checkpoints.read(name, checkpoints.EPOCHS))) as sheet:
        assert sheet.size == (28 * drawn["columns"], 28 * drawn["epochs"])


def test_the_map_is_of_the_codes_that_ship_and_keeps_classes_together():
    found = checkpoints.arrays("fashion-stacked-ae", checkpoints.MAP)["map"].astype("float32")
    labels = checkpoints.encodings("fashion-stacked-ae").labels[: len(found)]
    assert found.shape == (5000, 2)
    some = np.random.default_rng(0).choice(5000, 400, replace=False)
    distances = np.square(found[some, None] - found[None]).sum(2)
    distances[np.arange(400), some] = np.inf
    assert (labels[distances.argmin(1)] == labels[some]).mean() > 0.7  # by chance a tenth


def test_the_family_is_shown_whole():
    shown = {name for members in why.MEMBERS.values() for name in members}
    assert set(MEMBERS) | set(GANS) <= shown <= set(checkpoints.names())
