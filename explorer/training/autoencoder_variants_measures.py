"""What is measured and kept of the autoencoder family beside what is of every autoencoder: each one's point, in figures.

*Hands-On Machine Learning*, 3rd ed., ch. 17; the toy set and PCA, ch. 8.
"""

import logging

import keras
import numpy as np

from explorer import checkpoints, data
from explorer.generators.autoencoder_variants import NOISES
from explorer.training import autoencoder_measures
from explorer.training.autoencoder_measures import describe, preview  # noqa: F401  of every autoencoder
from explorer.training.measures import in_batches, pca, projected, squared_error

_log = logging.getLogger(__name__)

COMPONENTS = 30  # of the PCA that all of them are compared with
SEEDS = 5
TOY_EPOCHS = (0, 1, 2, 5, 10, 20, 50, 100, 500)


def keep(card, folder, generator, data_folder):
    """As of every autoencoder, and its point; beside the linear one, PCA of the same data."""
    autoencoder_measures.keep(card, folder, generator, data_folder)
    card["metrics"] |= point(generator, data_folder)
    if not card["recipe"]["encoder"]:  # no layer between pictures and codes
        _log.info("fitting PCA to the same images, and both to the toy set")
        np.savez_compressed(folder / checkpoints.PCA, **linear(card["recipe"]["data"], data_folder))


def measure(generator, folder=None):
    """The metrics of every autoencoder, and its point."""
    return autoencoder_measures.measure(generator, folder) | point(generator, folder)


def point(generator, folder=None):
    """The figures that make a member's point, beside those of every autoencoder."""
    _log.info("measuring what this one is for")
    recipe = generator.card["recipe"]
    images, _ = data.load(recipe["data"], "test", generator.image_shape[0], folder)
    noise, sparsity = (recipe["encoder"].get(key) for key in ("noise", "sparsity"))
    network = generator.model
    whole = in_batches(lambda some: np.asarray(network.decoder.predict_on_batch(network.encoder.predict_on_batch(some))), images)
    found = {"mse_before_clipping": squared_error(whole, images)}  # PCA's figure is of what leaves [0, 1], too
    if noise:
        noisy = corrupted(images, *noise)
        repaired = in_batches(generator.reconstruct, noisy)
        by_pca = projected(noisy, pca(recipe["data"], COMPONENTS, folder))
        found |= {
            "mse_of_noisy_images": squared_error(noisy, images),
            "mse_repaired": squared_error(repaired, images),
            f"mse_repaired_by_pca_{COMPONENTS}": squared_error(np.clip(by_pca, 0, 1), images),
        }
    if sparsity:
        codes = in_batches(lambda some: generator.encode(some)[0], images)
        found |= {"mean_activation": round(float(codes.mean()), 4),
                  "share_of_units_never_above_0.1": round(float((codes.max(0) < 0.1).mean()), 4)}  # fmt: skip
    if recipe.get("pretraining"):
        _log.info("training classifiers with and without its encoder's weights")
        found["pretraining"] = pretraining(generator, recipe["pretraining"], folder)
    return found


def corrupted(images, kind, amount, seed=0):
    """Pictures as a Keras layer corrupts them while it trains: "dropout" of a share of the pixels, the others made brighter by
    as much, or "gaussian" noise of a standard deviation; (n, h, w, c) -> float32 (n, h, w, c), not kept in [0, 1]."""
    return np.asarray(NOISES[kind](amount, seed=seed)(images, training=True))


def toy():
    """The book's toy set, 60 points in three dimensions near a plane: float32 (60, 3)."""
    from scipy.spatial.transform import Rotation

    rng, m = np.random.RandomState(42), 60  # the book's generator, so that these are its points
    angles = (rng.rand(m) ** 3 + 0.5) * 2 * np.pi
    points = np.stack([np.cos(angles), 0.5 * np.sin(angles), np.zeros(m)], 1) + 0.28 * rng.randn(m, 3)
    return (Rotation.from_rotvec([np.pi / 29, -np.pi / 20, np.pi / 4]).apply(points) + [0.2, 0, 0.2]).astype("float32")


def toy_autoencoder(points, seed=42):
    """A linear autoencoder 3-2-3 on the toy set, by SGD at rate 0.5 from random weights: what it makes of the points after each
    of `TOY_EPOCHS`, float32 (epochs, 60, 3)."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(3)])
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.5))
    found, done = [], 0
    for epochs in TOY_EPOCHS:
        if epochs > done:
            model.fit(points, points, epochs=epochs, initial_epoch=done, verbose=0)
            done = epochs
        found.append(np.asarray(model.predict_on_batch(points)))
    return np.stack(found).astype("float32")


def linear(name, folder=None):
    """What stands beside the linear autoencoder: PCA of the same data, and the toy set seen by both."""
    from sklearn.decomposition import PCA

    fitted, points = pca(name, COMPONENTS, folder), toy()
    flat = PCA(2).fit(points)
    return {
        "mean": fitted.mean_.astype("float32"),
        "components": fitted.components_.astype("float16"),
        "explained_variance_ratio": fitted.explained_variance_ratio_.astype("float32"),
        "toy": points,
        "toy_pca": flat.inverse_transform(flat.transform(points)).astype("float32"),
        "toy_autoencoder": toy_autoencoder(points),
        "toy_epochs": np.array(TOY_EPOCHS),
    }


def pretraining(generator, count, folder=None, seeds=SEEDS, epochs=80):
    """Test accuracy of classifiers on the codes, trained on `count` labels: with the encoder as it is, trained on, and with one of
    the same layers from random weights; {"with": [one a seed], "without": [...]}. Exercise 10 of the chapter."""
    recipe = generator.card["recipe"]
    images, labels = data.load(recipe["data"], "train", generator.image_shape[0], folder)
    held_out, answers = data.load(recipe["data"], "test", generator.image_shape[0], folder)
    found = {"with": [], "without": []}
    for seed in range(seeds):
        some = np.random.default_rng(seed).permutation(len(images))[:count]
        for way, accuracies in found.items():
            keras.utils.set_random_seed(seed)
            encoder = keras.models.clone_model(generator.model.encoder)
            if way == "with":
                encoder.set_weights(generator.model.encoder.get_weights())
            classes = keras.layers.Dense(len(data.classes(recipe["data"])), activation="softmax")
            model = keras.Sequential([keras.Input(generator.image_shape), encoder, classes])
            model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Nadam(1e-3))
            model.fit(images[some], labels[some], batch_size=32, epochs=epochs, verbose=0)
            answer = model.predict(held_out, batch_size=1000, verbose=0).argmax(1)
            accuracies.append(round(float((answer == answers).mean()), 4))
    gain = np.subtract(found["with"], found["without"])
    return {**found, "labels": count, "gain": round(float(gain.mean()), 4),
            "gain_standard_error": round(float(gain.std(ddof=1) / np.sqrt(seeds)), 4)}  # fmt: skip
