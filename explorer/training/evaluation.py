"""Measures a checkpoint anew on data that neither it nor a judge was trained on: what its card's `metrics` say.

Sums over pixels and latent dimensions, means over images; KL in nats.
"""

from functools import lru_cache

import numpy as np

from explorer import checkpoints, data
from explorer.training import diffusion, faces, family

SEEDS = 10  # draws of z for the ELBO
CONFIDENT = 0.9


def evaluate(name, folder=None):
    """The metrics of a shipped model or judge as a dict; needs the data set it is measured on."""
    if name == "judges/framing":
        from explorer.training import framing  # OpenCV is needed for this one only

        return framing.metrics(checkpoints.judge("framing"), folder)
    if name.startswith("judges/"):
        return judge_metrics(checkpoints.judge(name.removeprefix("judges/")), folder)
    generator = checkpoints.load(name)
    if generator.card["kind"] == "text-to-image":
        from explorer.training import obedience  # KerasHub is needed for this one only

        return obedience.metrics(generator, folder)
    if generator.card["kind"] == "diffusion":
        return diffusion.metrics(generator, folder)
    if generator.card["kind"] == "gan":
        return family.gan_metrics(generator, folder)
    if generator.card.get("attributes"):
        return faces.metrics(generator, checkpoints.directions(name), folder)
    return autoencoder_metrics(generator, folder)


def judge_metrics(judge, folder=None):
    """Accuracy on the test images, whole and by class, and how many of them are judged with confidence.

    Of a judge of attributes: accuracy on the validation ids, beside what always saying the commoner answer would get.
    """
    if judge.card["recipe"].get("multi_label"):
        images, attributes = data.load(judge.card["recipe"]["data"], "validation", judge.image_shape[0], folder)
        right = ((judge(images) > 0.5) == attributes).mean(0)
        commoner = np.maximum(attributes.mean(0), 1 - attributes.mean(0))
        return {
            "validation_accuracy": _figure(right.mean()),
            "validation_accuracy_by_attribute": {name: _figure(r) for name, r in zip(judge.classes, right, strict=True)},
            "commoner_answer_by_attribute": {name: _figure(c) for name, c in zip(judge.classes, commoner, strict=True)},
        }
    images, labels = data.load(judge.card["recipe"]["data"], "test", judge.image_shape[0], folder)
    probabilities = judge(images)
    right = probabilities.argmax(1) == labels
    by_class = {name: round(float(right[labels == i].mean()), 4) for i, name in enumerate(judge.classes)}
    return {
        "test_accuracy": round(float(right.mean()), 4),
        "test_share_above_0.9": round(float((probabilities.max(1) > CONFIDENT).mean()), 4),
        "test_accuracy_by_class": by_class,
    }


def autoencoder_metrics(generator, folder=None):
    """ELBO (z sampled), reconstruction at z_mean beside PCA's, the fitted Gaussian's KL, the judge on prior samples."""
    card = generator.card
    images, labels = data.load(card["recipe"]["data"], "test", generator.image_shape[0], folder)
    z_mean, z_log_var = encode(generator, images)
    at_mean = decode(generator, z_mean)
    d = z_mean.shape[1]
    pca = pca_error(card["recipe"]["data"], d, folder) * 28 * 28 / np.prod(generator.image_shape[:2])  # padding is error-free
    metrics = {
        "bce_at_z_mean": _figure(bce(images, at_mean).mean()),
        "mse_at_z_mean": _figure(np.square(images - at_mean).mean(), 6),
        f"mse_pca_{d}": _figure(pca, 6),
        **({"fitted_gaussian_kl": _figure(gaussian_kl(z_mean))} if (z_mean.std(0) > 0).all() else {}),
        **({"z_mean_sd": [_figure(sd) for sd in z_mean.std(0)]} if d <= 100 else {}),
    }
    if z_log_var is not None:
        kl = 0.5 * (np.square(z_mean) + np.exp(z_log_var) - z_log_var - 1)
        draws = []
        for seed in range(SEEDS):
            noise = np.random.default_rng(seed).standard_normal(z_mean.shape, dtype="float32")
            sampled = decode(generator, z_mean + np.exp(0.5 * z_log_var) * noise)
            draws.append((bce(images, sampled).mean(), np.square(images - sampled).mean()))
        draws = np.array(draws)
        total = draws[:, 0] + kl.sum(1).mean()
        metrics |= {
            "bce_plus_kl": _figure(total.mean()),
            "bce_plus_kl_standard_error": _figure(total.std(ddof=1) / np.sqrt(SEEDS)),
            "bce_z_sampled": _figure(draws[:, 0].mean()),
            "mse_z_sampled": _figure(draws[:, 1].mean(), 6),
            "kl": _figure(kl.sum(1).mean()),
            "kl_by_dimension": [_figure(k) for k in kl.mean(0)],
            "active_dimensions": int((kl.mean(0) > 0.01).sum()),
        }
    if card["recipe"]["loss"]["reconstruction_loss"] == "mse":  # a linear output has no cross-entropy
        metrics = {key: value for key, value in metrics.items() if not key.startswith("bce")}
    judge = checkpoints.judge(card["recipe"]["judge"])
    samples = judge(decode(generator, generator.prior(1000, seed=0)))
    share = samples.argmax(1)
    metrics |= {
        "prior_samples_judged_above_0.9": _figure((samples.max(1) > CONFIDENT).mean()),
        "test_images_judged_above_0.9": _figure((judge(images).max(1) > CONFIDENT).mean()),
        "prior_samples_by_class": {c: _figure((share == i).mean()) for i, c in enumerate(judge.classes)},
        "reconstructions_judged_as_labelled": _figure((judge(at_mean).argmax(1) == labels).mean()),
    }
    return metrics | (family.metrics(generator, folder) if card["recipe"].get("net") == "family" else {})


def encode(generator, images, batch=1000):
    """`generator.encode` in batches that fit the memory."""
    parts = [generator.encode(images[i : i + batch]) for i in range(0, len(images), batch)]
    z_log_var = None if parts[0][1] is None else np.concatenate([log_var for _, log_var in parts])
    return np.concatenate([mean for mean, _ in parts]), z_log_var


def decode(generator, z, batch=1000):
    """`generator.decode` in batches that fit the memory."""
    return np.concatenate([generator.decode(z[i : i + batch]) for i in range(0, len(z), batch)])


def bce(images, reconstructions):
    """Binary cross-entropy summed over pixels, by image: float64 (n,)."""
    p = np.clip(reconstructions, 1e-7, 1 - 1e-7).astype("float64")
    return -(images * np.log(p) + (1 - images) * np.log1p(-p)).sum((1, 2, 3))


def gaussian_kl(z):
    """KL in nats of the Gaussian fitted to z (n, d) from N(0, I)."""
    mean, covariance = z.mean(0, dtype="float64"), np.cov(z.T.astype("float64"))
    return 0.5 * (np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1])


@lru_cache(maxsize=8)
def pca_error(name, components, folder=None):
    """Mean squared error on the test images of PCA fitted to the training images, 28 x 28."""
    train, test = (data.load(name, split, folder=folder)[0].reshape(-1, 784) for split in data.SPLITS)
    mean = train.mean(0)
    _, vectors = np.linalg.eigh(np.cov((train - mean).T))
    basis = vectors[:, -components:].astype("float32")
    centred = test - mean
    return float(np.square(centred - centred @ basis @ basis.T).mean())


def _figure(value, digits=4):
    return round(float(value), digits)
