"""Layers are named by what they are, from what a Keras file says of them."""

import json
import zipfile

import pytest

from explorer import checkpoints
from explorer.generators.layer_words import in_words, named_layers, shape_words


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
