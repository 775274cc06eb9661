"""The networks that predict noise."""

import numpy as np
import pytest

from explorer.generators import unets
from explorer.training import recipes


@pytest.mark.parametrize("side", [64, 128])
def test_the_flowers_network_is_the_books_to_the_parameter(side):
    recipe = recipes.recipe("flowers-diffusion")
    network = unets.build((side, side, 3), **recipe["network"])
    assert network.count_params() == 1_943_525
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_variables) == 1_940_707
    assert not np.any(network.get_layer("noise").kernel)
    assert min(layer.output.shape[1] for layer in network.layers if "conv2d" in layer.name) == side // 8


def timed(side=8, channels=3, patch=2):
    return unets.build((side, side, channels), widths=[8, 16], depth=[1, 2], time_encoding=16, patch=patch)


def test_the_timed_network_has_the_parameters_that_its_blocks_add_up_to():
    def block(before, width, told=32):
        shortcut = 0 if before == width else before * width + width
        return shortcut + 2 * (9 * width * width + width) + 2 * width + 2 * (told * width + width)

    stem, head = 9 * 3 * 8 + 8, 9 * 8 * 12 + 12 + 8
    time = 16 * 32 + 32 + 32 * 32 + 32
    attention = 16 + 4 * (16 * 16 + 16)
    blocks = block(8, 8) + block(8, 16) + block(16, 16) + block(16 + 8, 8)
    assert timed().count_params() == stem + time + blocks + attention + head


def test_a_class_is_heard_and_zeros_are_none():
    network = unets.build((8, 8, 3), widths=[8, 16], depth=[1, 2], time_encoding=16, patch=2, classes=4)
    assert network.count_params() == timed().count_params() + 4 * 32
    rng = np.random.default_rng(0)
    embedding = network.get_layer("label_embedding").kernel
    for weight in network.trainable_variables:
        weight.assign(rng.normal(0, 0.3, weight.shape) * (weight is not embedding))
    noisy, told = rng.standard_normal((5, 8, 8, 3)).astype("float32"), np.full((5, 1, 1, 1), 7, "float32")
    noisy[:] = noisy[0]
    named = np.eye(5, 4, dtype="float32")  # the last is told none
    found = network.predict_on_batch([noisy, told, named])
    np.testing.assert_allclose(found, found[:1].repeat(5, 0), atol=1e-5)
    embedding.assign(rng.normal(0, 1, embedding.shape))
    moved = network.predict_on_batch([noisy, told, named])
    np.testing.assert_allclose(moved[-1], found[-1], atol=1e-5)
    assert min(np.abs(moved[i] - moved[j]).mean() for i in range(5) for j in range(i)) > 0.01


@pytest.mark.parametrize("patch", [1, 2])
def test_the_timed_network_starts_at_zero_and_is_steered_by_the_time(patch):
    network = timed(patch=patch)
    rng = np.random.default_rng(0)
    noisy = rng.standard_normal((2, 8, 8, 3)).astype("float32")
    told = lambda step: np.full((2, 1, 1, 1), step, "float32")  # noqa: E731
    np.testing.assert_array_equal(network.predict_on_batch([noisy, told(7)]), np.zeros((2, 8, 8, 3)))
    for weight in network.trainable_variables:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    early, late = (network.predict_on_batch([noisy, told(step)]) for step in (7, 3000))
    assert np.abs(early - late).mean() > 0.05
    np.testing.assert_allclose(network.predict_on_batch([noisy[:1], told(7)[:1]]), early[:1], atol=1e-4)  # no batch statistics


def test_a_square_of_pixels_is_told_where_it_stands():
    """Of a network that passes on what it sees, up to the last convolution's order of channels: no pixel may change place."""
    network = timed(side=4, channels=1)
    head = network.get_layer("noise")
    kernel = np.zeros(head.kernel.shape)
    head.set_weights([kernel, np.array([1.0, 2.0, 3.0, 4.0])])
    image = network.predict_on_batch([np.zeros((1, 4, 4, 1), "float32"), np.ones((1, 1, 1, 1), "float32")])[0, ..., 0]
    np.testing.assert_array_equal(image, np.tile([[1, 2], [3, 4]], (2, 2)))


def test_the_step_is_told_in_waves():
    steps = np.array([0, 1, 50, 3999], "float32").reshape(-1, 1, 1, 1)
    told = np.asarray(unets.TimeEncoding(6)(steps))[:, 0, 0]
    for row, step in zip(told, steps.ravel(), strict=True):
        angles = [step / 10_000 ** (i / 2) for i in range(3)]
        np.testing.assert_allclose(row, [*np.sin(angles), *np.cos(angles)], atol=1e-3)
