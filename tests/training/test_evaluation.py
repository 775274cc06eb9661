"""Every figure measured another way: loops, Monte Carlo, a singular value decomposition, and NumPy on the stored files."""

import json
import math

import numpy as np
import pytest

import explorer
from explorer import checkpoints, data
from explorer.training import evaluation, measures


def test_bce_is_summed_over_pixels_one_at_a_time():
    rng = np.random.default_rng(0)
    images, guesses = rng.random((3, 4, 5, 1)).astype("float32"), rng.uniform(0.01, 0.99, (3, 4, 5, 1)).astype("float32")
    expected = [
        -sum(
            x * math.log(p) + (1 - x) * math.log(1 - p) for x, p in zip(image.ravel().tolist(), guess.ravel().tolist(), strict=True)
        )
        for image, guess in zip(images, guesses, strict=True)
    ]
    np.testing.assert_allclose(measures.bce(images, guesses), expected, rtol=1e-5)


def test_bce_of_a_certain_mistake_is_large_but_finite():
    certain = measures.bce(np.array([[[[1.0]]], [[[1.0]]]]), np.array([[[[0.0]]], [[[1.0]]]], "float32"))
    assert 10 < certain[0] < 20
    assert certain[1] == pytest.approx(0, abs=1e-5)


def test_the_fitted_gaussians_kl_by_monte_carlo():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((4_000, 2)) @ np.array([[1.6, 0.5], [0, 0.4]]) + (0.7, -1.2)
    mean, covariance = z.mean(0), np.cov(z.T)
    draws = rng.multivariate_normal(mean, covariance, 400_000)
    centred = draws - mean
    log_q = -0.5 * (centred @ np.linalg.inv(covariance) * centred).sum(1) - 0.5 * math.log(np.linalg.det(covariance))
    log_p = -0.5 * (draws**2).sum(1)
    assert measures.gaussian_kl(z) == pytest.approx((log_q - log_p).mean(), rel=0.01)


def test_the_fitted_gaussians_kl_in_plain_cases():
    z = np.random.default_rng(2).standard_normal((200_000, 3))
    assert measures.gaussian_kl(z) == pytest.approx(0, abs=1e-3)
    assert measures.gaussian_kl(z + (0, 3, 0)) == pytest.approx(4.5, rel=0.02)  # half the squared distance
    assert measures.gaussian_kl(z * (1, 1, 5)) == pytest.approx((25 - 1) / 2 - math.log(5), rel=0.02)


def test_pca_by_singular_values(small_data):
    train, test = (data.load("mnist", split, folder=small_data)[0].reshape(-1, 784).astype("float64") for split in data.SPLITS)
    mean = train.mean(0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2]
    for components in (1, 2, 10):
        codes = (test - mean) @ axes[:components].T
        expected = ((test - mean - codes @ axes[:components]) ** 2).mean()
        assert measures.pca_error("mnist", components, small_data) == pytest.approx(expected, rel=1e-4)


def test_batches_change_nothing(toys):
    generator, rng = explorer.load("deep"), np.random.default_rng(3)
    images, z = rng.random((23, 8, 8, 1)).astype("float32"), rng.standard_normal((23, 4))
    for found, expected in zip(measures.encode(generator, images, batch=7), generator.encode(images), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(measures.decode(generator, z, batch=7), generator.decode(z), atol=1e-6)
    assert measures.encode(explorer.load("holes"), images, batch=7)[1] is None


def test_the_metrics_of_a_vae_measured_another_way(small_registry):
    metrics, generator = evaluation.evaluate("mnist-vae", small_registry.data), explorer.load("mnist-vae")
    images, labels = data.load("mnist", "test", folder=small_registry.data)
    x = images.reshape(len(images), -1).astype("float64")
    z_mean, z_log_var = (code.astype("float64") for code in generator.encode(images))

    def error(z):
        p = generator.decode(z).reshape(len(z), -1).astype("float64")
        return -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(1).mean(), ((x - p) ** 2).mean()

    variance = np.exp(z_log_var)
    kl = ((z_mean**2 + variance - 1 - np.log(variance)) / 2).mean(0)
    assert metrics["kl_by_dimension"] == pytest.approx(kl.tolist(), abs=1e-4)
    assert metrics["kl"] == pytest.approx(kl.sum(), abs=2e-4)
    assert metrics["bce_at_z_mean"] == pytest.approx(error(z_mean)[0], abs=1e-3)
    assert metrics["mse_at_z_mean"] == pytest.approx(error(z_mean)[1], abs=1e-5)
    rng = np.random.default_rng(99)  # draws of our own, so equal but for chance
    sampled = [error(rng.normal(z_mean, np.sqrt(variance)))[0] for _ in range(8)]
    assert metrics["bce_plus_kl"] == pytest.approx(np.mean(sampled) + kl.sum(), abs=6 * np.std(sampled))
    assert 0 < metrics["bce_plus_kl_standard_error"] < np.std(sampled)
    assert metrics["bce_plus_kl"] == pytest.approx(metrics["bce_z_sampled"] + metrics["kl"], abs=1e-3)
    assert metrics["z_mean_sd"] == pytest.approx(z_mean.std(0).tolist(), abs=1e-4)
    judge = explorer.judge("digits")
    agreed = judge(generator.decode(z_mean)).argmax(1) == labels
    assert metrics["reconstructions_judged_as_labelled"] == pytest.approx(agreed.mean(), abs=0.011)
    assert sum(metrics["prior_samples_by_class"].values()) == pytest.approx(1, abs=1e-3)


def test_an_autoencoder_has_no_kl_term_to_report(small_registry):
    metrics = evaluation.evaluate("fashion-ae", small_registry.data)
    assert not {"kl", "bce_plus_kl", "bce_z_sampled"} & set(metrics)
    assert metrics["fitted_gaussian_kl"] > 0


def test_the_error_of_pca_counts_the_margin_of_padded_pictures(small_registry):
    # 32 x 32 pictures have a margin that no method gets wrong
    expected = measures.pca_error("fashion", 2, small_registry.data) * (28 * 28) / (32 * 32)
    assert evaluation.evaluate("fashion-ae", small_registry.data)["mse_pca_2"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", ["mnist-vae", "fashion-ae", "judges/digits"])
def test_a_card_says_what_evaluate_measures(small_registry, name):
    measured, card = evaluation.evaluate(name, small_registry.data), checkpoints.card(name)["metrics"]
    assert json.loads(json.dumps(measured)).keys() == card.keys()
    for key, value in card.items():
        assert measured[key] == pytest.approx(value, rel=1e-3, abs=1e-3), key


def test_a_judges_accuracy_by_counting(small_registry):
    images, labels = data.load("fashion", "test", folder=small_registry.data)
    found, metrics = explorer.judge("fashion")(images), evaluation.evaluate("judges/fashion", small_registry.data)
    hits = [int(np.argmax(row)) == label for row, label in zip(found, labels, strict=True)]
    assert metrics["test_accuracy"] == pytest.approx(sum(hits) / len(hits), abs=1e-4)
    bags = [hit for hit, label in zip(hits, labels, strict=True) if label == 8]
    assert metrics["test_accuracy_by_class"]["Bag"] == pytest.approx(sum(bags) / len(bags), abs=1e-4)
    assert metrics["test_share_above_0.9"] == pytest.approx(np.mean([max(row) > 0.9 for row in found]), abs=1e-4)
