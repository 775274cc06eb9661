"""What each layer makes of an input: as the layers themselves say, called one by one."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from explorer.errors import NotSupported
from explorer.generators import activations, unets
from explorer.generators.autoencoder import build_decoder, build_encoder


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).random((2, 8, 8, 1), "float32")


def test_a_chain_without_its_codes_and_with_what_belongs_to_a_layer(pictures):
    encoder = build_encoder((8, 8, 1), 3, filters=(4, 6), dense=(5,), batch_norm=True)
    looked = activations.of_chain(encoder, "toy", heads=True)
    assert [(stage["words"], stage["shape"]) for stage in looked.stages] == [
        ("convolution, 3 × 3, stride 2, batch normalization, leaky ReLU", (4, 4, 4)),
        ("convolution, 3 × 3, stride 2, batch normalization, leaky ReLU", (2, 2, 6)),
        ("dense, ReLU", (5,)),
    ]
    heads = sum(layer.count_params() for layer in encoder.layers if layer.name.startswith("z_"))
    assert sum(stage["parameters"] for stage in looked.stages) == encoder.count_params() - heads
    x, seen = pictures, []
    for layer in encoder.layers[1:]:
        if layer.name.startswith("z_"):
            break
        x = ops.convert_to_numpy(layer(x))
        if isinstance(layer, (layers.LeakyReLU, layers.Dense)):
            seen.append(x)
    for found, expected in zip(looked(pictures), seen, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_decoder_ends_with_its_picture():
    decoder = build_decoder((8, 8, 1), 2, filters=(6, 4))
    looked = activations.of_chain(decoder, "toy")
    assert looked.stages[0]["words"] == "dense, as a map"
    assert looked.stages[0]["shape"] == (2, 2, 6)
    z = np.ones((1, 2), "float32")
    np.testing.assert_allclose(looked(z)[-1], ops.convert_to_numpy(decoder(z)), atol=1e-6)
    assert sum(stage["parameters"] for stage in looked.stages) == decoder.count_params()


def test_an_encoder_that_is_its_codes_has_no_stages(pictures):
    flat = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(2)])
    looked = activations.of_chain(flat, "toy", heads=True)
    assert looked.stages == looked(pictures) == []


def test_a_model_of_which_nobody_knows_the_layers_says_so():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(NotSupported, match="toy is no functional or sequential Keras model"):
        activations.of_chain(Own(), "toy")
    with pytest.raises(NotSupported, match="no U-Net"):
        activations.of_unet(build_decoder((8, 8, 1), 2), "toy")


@pytest.mark.parametrize("timed", [{}, {"time_encoding": 8, "classes": 3}])
def test_the_levels_of_a_unet(timed):
    depth = (1, 1, 1) if timed else 1
    network = unets.build((16, 16, 1), [8, 12, 16], depth, **timed)
    looked = activations.of_unet(network, "toy")
    assert [stage["words"].split(":")[0] for stage in looked.stages] == ["down", "down", "bottom", "up", "up"]
    assert [stage["shape"] for stage in looked.stages] == [(16, 16, 8), (8, 8, 12), (4, 4, 16), (8, 8, 12), (16, 16, 8)]
    assert ("attention" in looked.stages[2]["words"]) == bool(timed)
    last = network.get_layer("noise").count_params()
    assert sum(stage["parameters"] for stage in looked.stages) == network.count_params() - last
    inputs = [np.zeros((1, 16, 16, 1), "float32"), np.full((1, 1, 1, 1), 0.5, "float32")]
    found = looked(inputs + ([np.zeros((1, 3), "float32")] if timed else []))
    assert [output.shape[1:] for output in found] == [stage["shape"] for stage in looked.stages]


def test_the_liveliest_channels_in_their_order():
    output = np.zeros((4, 2, 2, 5), "float32")
    output[0, ..., 3], output[1, ..., 1] = 2, 1
    (shown,) = activations.liveliest([output], 2)
    assert shown.tolist() == [1, 3]
