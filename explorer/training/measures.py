"""Every general figure: what more than one kind of model is measured by.

Sums over pixels and latent dimensions, means over images; KL in nats; pictures are float (n, h, w, c) in [0, 1].
"""

from functools import lru_cache

import numpy as np
from PIL import Image

from explorer import data

CONFIDENT = 0.9  # of a judge


def figure(value, digits=4):
    """A number as cards hold it."""
    return round(float(value), digits)


def in_batches(function, array, batch=1000):
    """What a function makes of an array, batch by batch, so that it fits the memory."""
    return np.concatenate([function(array[i : i + batch]) for i in range(0, len(array), batch)])


def encode(generator, images, batch=1000):
    """`generator.encode` in batches that fit the memory."""
    parts = [generator.encode(images[i : i + batch]) for i in range(0, len(images), batch)]
    z_log_var = None if parts[0][1] is None else np.concatenate([log_var for _, log_var in parts])
    return np.concatenate([mean for mean, _ in parts]), z_log_var


def decode(generator, z, batch=1000):
    """`generator.decode` in batches that fit the memory."""
    return in_batches(generator.decode, z, batch)


def squared_error(found, images):
    """The mean squared error of all pictures together, as cards hold it."""
    return figure(np.square(found - images).mean(), 6)


def bce(images, reconstructions):
    """Binary cross-entropy summed over pixels, by image: float64 (n,)."""
    p = np.clip(reconstructions, 1e-7, 1 - 1e-7).astype("float64")
    return -(images * np.log(p) + (1 - images) * np.log1p(-p)).sum((1, 2, 3))


def kl_by_dimension(z_mean, z_log_var):
    """KL of each posterior's dimensions from N(0, 1): (n, d)."""
    return 0.5 * (np.square(z_mean) + np.exp(z_log_var) - z_log_var - 1)


def gaussian_kl(z):
    """KL in nats of the Gaussian fitted to z (n, d) from N(0, I)."""
    mean, covariance = z.mean(0, dtype="float64"), np.cov(z.T.astype("float64"))
    return 0.5 * (np.trace(covariance) + mean @ mean - len(mean) - np.linalg.slogdet(covariance)[1])


def kernel_distance(x, y):
    """Unbiased squared MMD of features (n, d), (m, d) with the kernel (x.y / d + 1)^3 (KID, Binkowski et al. 2018)."""
    x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
    kernel = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3  # noqa: E731
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))]
    return float(sum(within) - 2 * kernel(x, y).mean())


def spread(features):
    """Mean distance of pairs of rows (n, d)."""
    squares = np.square(features).sum(1)
    distances = np.sqrt(np.maximum(0, squares[:, None] + squares - 2 * features @ features.T))
    return float(distances.sum() / (len(features) * (len(features) - 1)))


def nearest_distances(images, others, batch=20):
    """Root of the mean square to the nearest of `others` or of their mirror images: (n,)."""
    flat = np.concatenate([others, others[:, :, ::-1]]).reshape(2 * len(others), -1)
    squares, found = np.square(flat).sum(1), []
    for i in range(0, len(images), batch):
        some = images[i : i + batch].reshape(len(images[i : i + batch]), -1)
        distances = np.square(some).sum(1)[:, None] + squares - 2 * some @ flat.T
        found.append(np.sqrt(np.maximum(0, distances.min(1)) / flat.shape[1]))
    return np.concatenate(found)


def reduced(images, side=16):
    """Pictures (n, h, w, c) reduced to `side` pixels and enlarged again: a yardstick of what blur costs."""
    whole = images.shape[1]
    rows = []
    for image in (255 * images).round().astype("uint8"):
        small = Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)
        rows.append(np.asarray(small.resize((whole, whole), Image.Resampling.BICUBIC)))
    return np.stack(rows).astype("float32") / 255


@lru_cache(maxsize=8)
def pca(name, components, folder=None):
    """scikit-learn's PCA, fitted to the training images of a data set, 28 x 28."""
    from sklearn.decomposition import PCA

    images = data.load(name, "train", folder=folder)[0]
    return PCA(components, svd_solver="covariance_eigh").fit(images.reshape(len(images), -1))


def projected(images, fitted):
    """Pictures (n, 28, 28, 1) as so many principal components say them."""
    return fitted.inverse_transform(fitted.transform(images.reshape(len(images), -1))).reshape(images.shape).astype("float32")


def pca_error(name, components, folder=None):
    """Mean squared error on the test images of PCA fitted to the training images, 28 x 28."""
    images = data.load(name, "test", folder=folder)[0]
    return float(np.square(projected(images, pca(name, components, folder)) - images).mean())


def principal_components(images, components, rounds=3, seed=0):
    """Mean and orthonormal basis (pixels, components) by subspace iteration (Halko, Martinsson and Tropp 2011).

    For faces in colour: scikit-learn's PCA subtracts the mean from a copy of them all, which is gigabytes.
    """
    flat = images.reshape(len(images), -1)
    mean = flat.mean(0)
    basis = np.random.default_rng(seed).standard_normal((flat.shape[1], components + 20)).astype("float32")
    for _ in range(rounds):
        projected = flat @ basis - mean @ basis
        basis, _ = np.linalg.qr(flat.T @ projected - np.outer(mean, projected.sum(0)))
    projected = flat @ basis - mean @ basis
    _, vectors = np.linalg.eigh(projected.T.astype("float64") @ projected)
    return mean, basis @ vectors[:, ::-1][:, :components].astype("float32")
