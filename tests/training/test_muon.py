"""Muon beside singular values, beside Keras' own on the same numbers as a matrix, and beside AdamW."""

import keras
import numpy as np
import pytest

from explorer.training.muon import Muon

RATE = 0.01


def stepped(optimizer, start, gradients):
    """A variable of the numbers `start` after steps by `gradients`."""
    variable = keras.Variable(start)
    optimizer.build([variable])
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (1, 1, 32, 8), (1, 1, 6, 6)])
def test_a_step_is_the_nearest_orthogonal_matrix(shape):
    gradient = np.random.default_rng(0).normal(0, 5, shape).astype("float32")
    step = -stepped(Muon(RATE, weight_decay=None), np.zeros(shape, "float32"), [gradient]).reshape(-1, shape[-1])
    u, _, v = np.linalg.svd(gradient.reshape(-1, shape[-1]), full_matrices=False)
    scale = RATE * 0.2 * max(step.shape) ** 0.5
    values = np.linalg.svd(step / scale, compute_uv=False)
    assert values.min() > 0.6  # five rounds of Newton and Schulz, tuned for speed, end near 1, not at it
    assert values.max() < 1.3
    assert np.sum(step / scale * (u @ v)) / np.linalg.norm(step / scale) / np.linalg.norm(u @ v) > 0.97


@pytest.mark.parametrize("shape", [(3, 3, 8, 16), (1, 1, 4, 32)])
def test_it_is_keras_own_on_the_matrix_of_the_same_numbers(shape):
    rng = np.random.default_rng(1)
    start, *gradients = rng.normal(0, 1, (4, *shape)).astype("float32")
    kernel = stepped(Muon(RATE), start, gradients)
    flat = [array.reshape(-1, shape[-1]) for array in (start, *gradients)]
    np.testing.assert_allclose(
        kernel.reshape(-1, shape[-1]), stepped(keras.optimizers.Muon(RATE), flat[0], flat[1:]), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("shape", [(16,), (3, 3, 8, 3)])
def test_vectors_and_what_draws_the_picture_go_by_adamw(shape):
    rng = np.random.default_rng(2)
    start, *gradients = rng.normal(0, 1, (4, *shape)).astype("float32")
    ours = stepped(Muon(RATE), start, gradients)
    np.testing.assert_allclose(ours, stepped(keras.optimizers.AdamW(RATE, weight_decay=0.004), start, gradients), atol=2e-5)


def test_it_is_the_same_after_saving():
    ours = Muon(RATE, narrow=7, use_ema=True, ema_momentum=0.998)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(ours))
    assert isinstance(again, Muon)
    assert again.get_config() == ours.get_config()
