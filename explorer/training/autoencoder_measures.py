"""What is measured and kept of autoencoders and VAEs: their latent space, and how well it says what a picture was."""

import logging

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.generators.cards import rounded as _rounded
from explorer.generators.cards import view
from explorer.training import face_measures, tsne
from explorer.training.measures import (
    CONFIDENT,
    bce,
    decode,
    encode,
    figure,
    gaussian_kl,
    kl_by_dimension,
    pca_error,
    squared_error,
)
from explorer.training.storing import parts, replace

_log = logging.getLogger(__name__)

SEEDS = 10  # draws of z for the ELBO
SHEET_CELLS = 30
FEW = 2000  # encodings
MOST_DIMENSIONS = 100  # of which a card can hold the covariance


def describe(recipe, model):
    """What the card says of encoder and decoder."""
    return parts({"encoder": model.encoder, "decoder": model.decoder}) | {"latent_shape": [recipe["latent_size"]]}


def preview(recipe, path):
    """What the model decodes: its plane, or 64 points of the prior."""
    d = recipe["latent_size"]
    steps = np.linspace(-2.5, 2.5, 12)
    z = np.stack(np.meshgrid(steps, -steps), -1).reshape(-1, 2) if d == 2 else np.random.default_rng(0).standard_normal((64, d))
    columns = 12 if d == 2 else 8

    def write(model, _):
        images = np.clip(np.asarray(model.decoder.predict_on_batch(z.astype("float32"))), 0, 1)
        replace(path, imaging.grid(images, columns))

    return write


def measure(generator, folder=None):
    """ELBO (z sampled), reconstruction at z_mean beside PCA's, the fitted Gaussian's KL, the judge on prior samples.

    Of a model with attributes: what `face_measures` says.
    """
    card = generator.card
    if card.get("attributes"):
        return face_measures.measure(generator, folder)
    images, labels = data.load(card["recipe"]["data"], "test", generator.image_shape[0], folder)
    z_mean, z_log_var = encode(generator, images)
    at_mean = decode(generator, z_mean)
    d = z_mean.shape[1]
    pca = pca_error(card["recipe"]["data"], d, folder) * 28 * 28 / np.prod(generator.image_shape[:2])  # padding is error-free
    metrics = {
        "bce_at_z_mean": figure(bce(images, at_mean).mean()),
        "mse_at_z_mean": squared_error(at_mean, images),
        f"mse_pca_{d}": figure(pca, 6),
        **({"fitted_gaussian_kl": figure(gaussian_kl(z_mean))} if (z_mean.std(0) > 0).all() else {}),
        **({"z_mean_sd": [figure(sd) for sd in z_mean.std(0)]} if d <= 100 else {}),
    }
    if z_log_var is not None:
        kl = kl_by_dimension(z_mean, z_log_var)
        draws = []
        for seed in range(SEEDS):
            _log.info("decoding the test images with z sampled, %d of %d", seed + 1, SEEDS)
            noise = np.random.default_rng(seed).standard_normal(z_mean.shape, dtype="float32")
            sampled = decode(generator, z_mean + np.exp(0.5 * z_log_var) * noise)
            draws.append((bce(images, sampled).mean(), np.square(images - sampled).mean()))
        draws = np.array(draws)
        total = draws[:, 0] + kl.sum(1).mean()
        metrics |= {
            "bce_plus_kl": figure(total.mean()),
            "bce_plus_kl_standard_error": figure(total.std(ddof=1) / np.sqrt(SEEDS)),
            "bce_z_sampled": figure(draws[:, 0].mean()),
            "mse_z_sampled": figure(draws[:, 1].mean(), 6),
            "kl": figure(kl.sum(1).mean()),
            "kl_by_dimension": [figure(k) for k in kl.mean(0)],
            "active_dimensions": int((kl.mean(0) > 0.01).sum()),
        }
    if card["recipe"]["loss"]["reconstruction_loss"] == "mse":  # a linear output has no cross-entropy
        metrics = {key: value for key, value in metrics.items() if not key.startswith("bce")}
    _log.info("judging the test images, their reconstructions and 1,000 samples")
    judge = checkpoints.judge(card["recipe"]["judge"])
    samples = judge(decode(generator, generator.prior(1000, seed=0)))
    share = samples.argmax(1)
    return metrics | {
        "prior_samples_judged_above_0.9": figure((samples.max(1) > CONFIDENT).mean()),
        "test_images_judged_above_0.9": figure((judge(images).max(1) > CONFIDENT).mean()),
        "prior_samples_by_class": {c: figure((share == i).mean()) for i, c in enumerate(judge.classes)},
        "reconstructions_judged_as_labelled": figure((judge(at_mean).argmax(1) == labels).mean()),
    }


def keep(card, folder, generator, data_folder):
    """What is known of its latent space; of faces, what `face_measures` keeps."""
    add = face_measures.keep if card["recipe"]["data"] == "celeba" else _keep
    add(card, folder, generator, data_folder)


def _keep(card, folder, generator, data_folder):
    """The encodings' file, the sheet of a 2-D plane, and what the card says of the latent space."""
    _log.info("encoding the test images")
    images, labels = data.load(card["recipe"]["data"], "test", generator.image_shape[0], data_folder)
    z_mean, z_log_var = encode(generator, images)
    # the steps of a series need no more to show their shape, and hundreds of dimensions would weigh megabytes
    some = slice(None, FEW if card["series"] or z_mean.shape[1] > MOST_DIMENSIONS else None)
    arrays = {"z_mean": z_mean[some].astype("float16"), "label": labels[some]}
    if z_log_var is not None:
        arrays["z_log_var"] = z_log_var[some].astype("float16")
    np.savez_compressed(folder / checkpoints.ENCODINGS, **arrays)
    if z_log_var is None:
        _log.info("encoding the training images, which a Gaussian is fitted to")
        codes, _ = encode(generator, data.load(card["recipe"]["data"], "train", generator.image_shape[0], data_folder)[0])
        card["fitted_gaussian"] = {"mean": codes.mean(0).tolist(), "covariance": np.cov(codes.T).tolist()}
    if card["recipe"].get("tsne"):
        _log.info("laying out %d codes by t-SNE", card["recipe"]["tsne"])
        np.savez_compressed(folder / checkpoints.MAP, map=tsne.embed(z_mean[: card["recipe"]["tsne"]]).astype("float16"))
    card["metrics"] = measure(generator, data_folder)
    _log.info("decoding what the page shows first")
    card["view"] = view(z_mean, labels)
    card["dead_axes"] = [i for i, sd in enumerate(z_mean.std(0)) if sd < 0.1]
    card["examples"] = examples(generator, z_mean, labels)
    if z_mean.shape[1] == 2:
        (x, y), extent = card["view"]["center"], card["view"]["extent"]
        steps = extent * (2 * (np.arange(SHEET_CELLS) + 0.5) / SHEET_CELLS - 1)
        z = np.stack(np.meshgrid(x + steps, y - steps), -1).reshape(-1, 2)
        sheet = imaging.to_pillow(imaging.grid(generator.decode(z), SHEET_CELLS))
        sheet.save(folder / checkpoints.SHEET, "WEBP", quality=60, method=6)
    elif card["recipe"]["data"] == "fashion" and z_log_var is not None:
        walk = walk_between(generator, z_mean, labels, "Trouser", "Pullover", "From trousers to sweaters")
        card["walks"] = [walk] if walk else []
    if z_log_var is None:
        _apart(card, folder)


def _apart(card, folder):
    """The Gaussian fitted to a plain autoencoder's codes, in a file of its own if it is large."""
    mean, covariance = (np.asarray(card["fitted_gaussian"][key]) for key in ("mean", "covariance"))
    if len(mean) > MOST_DIMENSIONS:
        values, vectors = np.linalg.eigh(covariance)
        factor = vectors * np.sqrt(np.maximum(values, 0))
        np.savez_compressed(folder / checkpoints.PRIOR, mean=mean.astype("float16"), factor=factor.astype("float16"))
        card["fitted_gaussian"] = {"file": checkpoints.PRIOR}


def examples(generator, z_mean, labels):
    """The recipe's examples, points worth a first look, as places: [class] is a point, [class, class] a walk.

    A class stands where its encodings do: at the one nearest their median that the judge is sure of.
    """
    judge = checkpoints.judge(generator.card["recipe"]["judge"])

    def place(name):
        label = judge.classes.index(name)
        codes = np.array([_rounded(code) for code in z_mean[labels == label][:400]])  # as they are kept
        sure = judge(generator.decode(codes))[:, label]
        far = np.linalg.norm(codes - np.median(codes, 0), axis=1)
        return _rounded(codes[np.argmin(np.where(sure >= min(0.9, sure.max()), far, np.inf))])

    found = []
    for names in generator.card["recipe"].get("examples", ()):
        points = dict(zip(("z", "to"), map(place, names), strict=False))
        found.append({"title": " to ".join(names), **points})
    return found


def walk_between(generator, z_mean, labels, first, last, title):
    """The axis and interval along which the judge sees `first` turn into `last`: searched through the origin and means.

    Every axis that carries something is walked through the origin and through each class's mean code; the walk with the
    greatest product of the judge's confidence at both ends is kept; None if no axis carries anything.
    """
    judge, steps = checkpoints.judge(generator.card["recipe"]["judge"]), np.linspace(-3, 3, 61)
    a, b = judge.classes.index(first), judge.classes.index(last)
    through = {"zeros": np.zeros(z_mean.shape[1])} | {name: z_mean[labels == i].mean(0) for i, name in enumerate(judge.classes)}
    best = None
    for where, origin in through.items():
        for axis in np.flatnonzero(z_mean.std(0) >= 0.1):
            z = np.tile(origin, (len(steps), 1))
            z[:, axis] = steps
            p = judge(generator.decode(z))
            i, j = int(p[:, a].argmax()), int(p[:, b].argmax())
            score = float(p[i, a] * p[j, b])
            if best is None or score > best["score"]:
                best = {"title": title, "axis": int(axis), "through": where, "score": round(score, 4),
                        "z": _rounded(z[i]), "to": _rounded(z[j]),
                        "judged": [round(float(p[i, a]), 3), round(float(p[j, b]), 3)]}  # fmt: skip
    return best
