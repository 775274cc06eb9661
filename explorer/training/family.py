"""What is measured and kept of the autoencoder family and the GANs: each one's point, in figures.

*Hands-On Machine Learning*, 3rd ed., ch. 17; the toy set and PCA, ch. 8.
"""

import keras
import numpy as np

from explorer import checkpoints, data

SURE = 0.8  # of the judge, on what GANs draw
SAMPLES = 1000
ASKED = 500  # of each class: at 100 the standard error of a share would be 4 points
COMPONENTS = 30  # of the PCA that all of them are compared with
SEEDS = 5
TOY_EPOCHS = (0, 1, 2, 5, 10, 20, 50, 100, 500)


def metrics(generator, folder=None):
    """The figures that make a member's point, beside those of every autoencoder."""
    recipe = generator.card["recipe"]
    images, _ = data.load(recipe["data"], "test", generator.image_shape[0], folder)
    noise, sparsity = (recipe["encoder"].get(key) for key in ("noise", "sparsity"))
    network = generator.model
    whole = _predict(lambda some: np.asarray(network.decoder.predict_on_batch(network.encoder.predict_on_batch(some))), images)
    found = {"mse_before_clipping": _error(whole, images)}  # PCA's figure is of what leaves [0, 1], too
    if noise:
        noisy = corrupted(images, *noise)
        repaired = _predict(generator.reconstruct, noisy)
        by_pca = projected(noisy, pca(recipe["data"], COMPONENTS, folder))
        found |= {
            "mse_of_noisy_images": _error(noisy, images),
            "mse_repaired": _error(repaired, images),
            f"mse_repaired_by_pca_{COMPONENTS}": _error(np.clip(by_pca, 0, 1), images),
        }
    if sparsity:
        codes = _predict(lambda some: generator.encode(some)[0], images)
        found |= {"mean_activation": round(float(codes.mean()), 4),
                  "share_of_units_never_above_0.1": round(float((codes.max(0) < 0.1).mean()), 4)}  # fmt: skip
    if recipe.get("pretraining"):
        found["pretraining"] = pretraining(generator, recipe["pretraining"], folder)
    return found


def gan_metrics(generator, folder=None):
    """What the judge sees in a GAN's pictures, and what its own discriminator says of them and of real ones."""
    recipe = generator.card["recipe"]
    judge = checkpoints.judge(recipe["judge"])
    images, _ = data.load(recipe["data"], "test", generator.image_shape[0], folder)
    labels = np.arange(SAMPLES) % len(judge.classes) if generator.card["conditional"] else None
    drawn = generator.decode(generator.prior(SAMPLES), label=labels)
    judged, real = judge(drawn), judge(images)
    answer = judged.argmax(1)
    found = {
        "samples_judged_above_0.8": round(float((judged.max(1) > SURE).mean()), 4),
        "test_images_judged_above_0.8": round(float((real.max(1) > SURE).mean()), 4),
        "samples_by_class": {name: round(float((answer == i).mean()), 4) for i, name in enumerate(judge.classes)},
        "discriminator_on_samples": round(float(generator.verdict(drawn, labels).mean()), 4),
    }
    if labels is None:
        return found | {"discriminator_on_test_images": round(float(generator.verdict(images[:SAMPLES]).mean()), 4)}
    labels = np.repeat(np.arange(len(judge.classes)), ASKED)
    noise = generator.prior(len(labels), seed=1)
    answer = np.concatenate([judge(generator.decode(noise[labels == i], label=i)).argmax(1) for i in range(len(judge.classes))])
    by_class = {name: round(float((answer[labels == i] == i).mean()), 4) for i, name in enumerate(judge.classes)}
    return found | {"drawn_as_asked": round(float((answer == labels).mean()), 4), "drawn_as_asked_by_class": by_class,
                    "test_images_judged_right_by_class": judge.card["metrics"]["test_accuracy_by_class"]}  # fmt: skip


def three_seeds(generator):
    """The first three seeds that give what the judge is sure of and takes for three different things: where a plane shows most. A
    conditional model draws one thing on a plane, whatever the seeds."""
    if generator.card["conditional"]:
        return [0, 1, 2]
    seeds = range(200)
    judged = checkpoints.judge(generator.card["recipe"]["judge"])(
        generator.decode(np.concatenate([generator.prior(1, s) for s in seeds]))
    )
    found = {}
    for seed in seeds:
        if judged[seed].max() > 0.9:
            found.setdefault(int(judged[seed].argmax()), seed)
    return [*found.values(), *(seed for seed in seeds if seed not in found.values())][:3]


def corrupted(images, kind, amount, seed=0):
    """Pictures as a Keras layer corrupts them while it trains: "dropout" of a share of the pixels, the others made brighter by
    as much, or "gaussian" noise of a standard deviation; (n, h, w, c) -> float32 (n, h, w, c), not kept in [0, 1]."""
    from explorer.generators.family import NOISES

    return np.asarray(NOISES[kind](amount, seed=seed)(images, training=True))


def pca(name, components, folder=None):
    """scikit-learn's PCA, fitted to the training images of a data set, 28 x 28."""
    from sklearn.decomposition import PCA

    images = data.load(name, "train", folder=folder)[0]
    return PCA(components, svd_solver="covariance_eigh").fit(images.reshape(len(images), -1))


def projected(images, fitted):
    """Pictures (n, 28, 28, 1) as so many principal components say them."""
    return fitted.inverse_transform(fitted.transform(images.reshape(len(images), -1))).reshape(images.shape).astype("float32")


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


def _predict(function, images, batch=1000):
    return np.concatenate([function(images[i : i + batch]) for i in range(0, len(images), batch)])


def _error(found, images):
    return round(float(np.square(found - images).mean()), 6)
