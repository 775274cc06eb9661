"""Layers are named by what they are, from what a Keras file says of them."""

import json
import re
import zipfile

import keras
import numpy as np
import pytest

from explorer import checkpoints
from explorer.generators.autoencoder_variants import DenseTranspose
from explorer.generators.layer_words import formula, in_words, named_layers, shape_words


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("Conv2D", {"kernel_size": [3, 3], "strides": [2, 2], "activation": "relu"}, "convolution, 3 × 3, stride 2, ReLU"),
        ("Conv2D", {"kernel_size": 5, "strides": 1, "activation": "linear"}, "convolution, 5 × 5"),
        ("Conv2DTranspose", {"kernel_size": (3, 3), "strides": (2, 1)}, "transposed convolution, 3 × 3, strides 2 × 1"),
        ("Dense", {"activation": "sigmoid"}, "dense, sigmoid"),
        ("Activation", {"activation": "silu"}, "swish"),
        ("Activation", {}, "as it is"),
        ("Dense", {"activation": {"class_name": "LeakyReLU", "config": {}}}, "dense, LeakyReLU"),
        ("MaxPooling2D", {"pool_size": [2, 2]}, "max pooling, 2 × 2"),
        ("UpSampling2D", {"size": [2, 2], "interpolation": "bilinear"}, "enlarged 2 × 2, smoothly"),
        ("MultiHeadAttention", {"num_heads": 4}, "attention, 4 heads"),
        ("VAEEncoder", None, "vae encoder"),
        ("Conv2D", None, "convolution"),
    ],
)
def test_a_layer_in_words(kind, settings, words):
    assert in_words(kind, settings) == words


@pytest.mark.parametrize(
    ("shape", "words"),
    [((14, 14, 32), "14 × 14 × 32"), ((1,), "1 number"), ((3136,), "3,136 numbers"), ("(None, 7, 7, 64)", "7 × 7 × 64"),
     ("(None, None, None, 3)", "any × any × 3"), ("(None, 16)", "16 numbers"), ("", ""), ((), "")],
)  # fmt: skip
def test_a_shape_in_words(shape, words):
    assert shape_words(shape) == words


def test_every_layer_of_a_shipped_file_is_found_under_its_name_and_class():
    with zipfile.ZipFile(checkpoints.root() / "fashion-sparse-l1-ae" / "model.keras") as archive:
        named = named_layers(json.loads(archive.read("config.json")))
    rows = [row for part in checkpoints.card("fashion-sparse-l1-ae")["architecture"].values() for row in part]
    assert {(name, kind) for name, kind, *_ in rows} <= set(named)
    assert in_words("Dense", named["z", "Dense"]) == "dense, sigmoid"  # there is an input of that name too


# ---- formulas, read by NumPy as a book's reader would


def convolved(x, w, stride, padding):
    """w ∗ x of one picture (h, w, in) by kernels (k, k, in, out): a weighted sum of what lies under the kernel."""
    k = w.shape[0]
    if padding == "same":
        before = [max((-(-side // stride) - 1) * stride + k - side, 0) for side in x.shape[:2]]
        x = np.pad(x, [*((lack // 2, lack - lack // 2) for lack in before), (0, 0)])
    rows, columns = ((side - k) // stride + 1 for side in x.shape[:2])
    under = [[x[i * stride : i * stride + k, j * stride : j * stride + k] for j in range(columns)] for i in range(rows)]
    return np.einsum("ijklc,klcd->ijd", np.array(under), w)


def transposed(x, w, stride, padding):
    """wᵀ ∗ x: the transposed matrix of a convolution from the output's shape to the shape of x; kernels (k, k, out, in)."""
    k = w.shape[0]
    larger = [side * stride + (max(k - stride, 0) if padding == "valid" else 0) for side in x.shape[:2]]
    units = np.eye(larger[0] * larger[1] * w.shape[2]).reshape(-1, *larger, w.shape[2])
    matrix = np.stack([convolved(unit, w, stride, padding).ravel() for unit in units], 1)
    return (matrix.T @ x.ravel()).reshape(*larger, w.shape[2])


def pooled(x, side, how):
    rows, columns = (length // side for length in x.shape[:2])
    return how(x[: rows * side, : columns * side].reshape(rows, side, columns, side, -1), axis=(1, 3))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


READ = {
    "ReLU": lambda x, _: np.maximum(x, 0),
    "leaky ReLU": lambda x, settings: np.where(x > 0, x, settings["negative_slope"] * x),
    "sigmoid": lambda x, _: sigmoid(x),
    "swish": lambda x, _: x * sigmoid(x),
    "tanh": lambda x, _: np.tanh(x),
    "softmax": lambda x, _: np.exp(x) / np.exp(x).sum(-1, keepdims=True),
}


def read(words, x, settings, w=None, b=None):
    """What a formula says of one input x."""
    if words == "x":
        return x
    around = re.fullmatch(r"([\w ]+)\((.+)\)", words)
    if around:
        return READ[around[1]](read(around[2], x, settings, w, b), settings)
    said, plus, b_ = words.partition(" + ")
    assert b_ == ("b" if plus else "")
    stride, padding = max(np.atleast_1d(settings.get("strides") or 1)), settings.get("padding")
    side = max(np.atleast_1d(settings.get("pool_size", 1)))
    found = {
        "W x": lambda: x @ w,  # Keras keeps the rows of W as columns
        "Wᵀ x": lambda: x @ w.T,
        "w ∗ x": lambda: convolved(x, w, stride, padding),
        "wᵀ ∗ x": lambda: transposed(x, w, stride, padding),
        "max x": lambda: pooled(x, side, np.max),
        "mean x": lambda: pooled(x, side, np.mean),
    }[said]()
    return found + b if plus else found


NORMALIZED = ("BatchNormalization", "RMSNormalization")
# kinds that no short formula says: they join, move or enlarge, are at rest when one looks, or are more than a line
WITHOUT = {"Add", "Concatenate", "Dot", "Dropout", "Flatten", "GaussianNoise", "GlobalAveragePooling2D", "InputLayer", "MultiHeadAttention",
           "Multiply", "Permute", "RandomFlip", "RandomTranslation", "Reshape", "TimeEncoding", "UpSampling2D"}  # fmt: skip
WHOLE = {"Autoencoder", "Diffusion", "DTypePolicy", "Functional", "GAN", "Refiner", "TiedAutoencoder", "VAE"}  # no layers
MATTERS = ("activation", "kernel_size", "negative_slope", "padding", "pool_size", "strides", "use_bias", "epsilon")


def shipped_layers():
    """A layer of each kind, and of its settings that matter, in any of the shipped files: (class, settings)."""
    found = {}
    for file in sorted(checkpoints.root().glob("**/model.keras")):
        with zipfile.ZipFile(file) as archive:
            for (_, kind), settings in named_layers(json.loads(archive.read("config.json"))).items():
                own = {key: settings[key] for key in MATTERS if key in settings}
                found.setdefault(f"{kind} {json.dumps(own)}", (kind, own))
    return [found[key] for key in sorted(found)]


def test_what_a_formula_says_is_what_the_layer_does():
    random, seen = np.random.default_rng(0), set()
    for kind, settings in shipped_layers():
        if kind in WITHOUT | WHOLE:
            assert formula(kind, settings) == ""
            continue
        seen.add(kind)
        words = formula(kind, settings) or formula(kind, settings, "x")
        maps = "2D" in kind
        x = random.normal(size=(1, 6, 6, 2) if maps else (1, 5)).astype("float32")
        size = {"filters": 3} if kind.startswith("Conv") else {"units": 4} if kind.startswith("Dense") else {}
        layer = (DenseTranspose if kind == "DenseTranspose" else getattr(keras.layers, kind))(**size, **settings)
        if kind == "DenseTranspose":
            tied = keras.layers.Dense(5)
            tied.build((None, 4))
            layer.tie(tied)
        layer.build(x.shape)
        for weight in layer.weights:
            weight.assign(random.uniform(0.2, 1, weight.shape) * (1 if "variance" in weight.name else random.choice([-1, 1])))
        got = keras.ops.convert_to_numpy(layer(x))[0]
        if kind in NORMALIZED:  # of a unit by what it usually is, then scaled and shifted
            assert words == "norm(x)"
            assert not np.allclose(got, x[0])
            continue
        kernel = tied.kernel if kind == "DenseTranspose" else getattr(layer, "kernel", None)
        w, b = (None if part is None else keras.ops.convert_to_numpy(part) for part in (kernel, getattr(layer, "bias", None)))
        assert (" + b" in words) == (b is not None), (kind, settings, words)
        np.testing.assert_allclose(read(words, x[0], settings, w, b), got, atol=2e-5, err_msg=f"{kind} {settings}: {words}")
    assert {"Activation", "AveragePooling2D", "BatchNormalization", "Conv2D", "Conv2DTranspose", "Dense", "DenseTranspose", "LeakyReLU",
            "MaxPooling2D", "RMSNormalization"} == seen  # fmt: skip


def test_what_follows_a_layer_stands_around_what_it_does():
    said = formula("Conv2D", {"activation": "linear", "use_bias": False})
    for kind in ("BatchNormalization", "Dropout", "LeakyReLU", "Reshape"):
        said = formula(kind, {}, said)
    assert said == "leaky ReLU(norm(w ∗ x))"
    assert formula("Activation", {"activation": "silu"}, "norm(W x)") == "swish(norm(W x))"
    assert formula("Rescaling", {"scale": 2}, "W x") == "scaled(W x)"
    assert formula("Activation", {"activation": "linear"}, "W x") == "W x"
    assert formula("MultiHeadAttention", {}, "") == ""
