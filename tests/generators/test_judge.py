import numpy as np
import pytest

import explorer
from explorer.generators import judge
from explorer.training.recipes import JUDGES


@pytest.mark.parametrize("name", [name for name in JUDGES if "net" not in JUDGES[name]])  # the framing net is no classifier
def test_parameters_by_arithmetic(name):
    (a, b), dense = JUDGES[name]["filters"], JUDGES[name]["dense"]
    convolutions = 9 * (1 * a + a * a + a * b + b * b)  # without bias
    normalizations = 4 * (a + a + b + b)
    tail = 7 * 7 * b * dense + dense + dense * 10 + 10
    model = judge.build((28, 28, 1), (a, b), dense, classes=10)
    assert model.count_params() == convolutions + normalizations + tail


def test_probabilities_come_out(small_registry):
    images = np.random.default_rng(0).random((300, 28, 28, 1))
    digits = explorer.judge("digits")
    found = digits(images)
    assert (found.dtype, found.shape) == (np.float32, (300, 10))
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    assert found.min() >= 0
    assert digits.classes == list("0123456789")
    assert repr(digits) == "<Judge digits: (28, 28, 1) -> 10 classes>"
    np.testing.assert_allclose(digits(images[:3]), found[:3], atol=1e-5)  # nothing random is left on


def test_pictures_with_a_margin_are_judged_by_their_middle(small_registry):
    images = np.random.default_rng(1).random((4, 28, 28, 1)).astype("float32")
    fashion = explorer.judge("fashion")
    expected = fashion(images)
    np.testing.assert_allclose(fashion(np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)), constant_values=1)), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(28, 28, 1), (1, 27, 28, 1), (1, 28, 28, 3), (1, 28, 28)])
def test_other_shapes_are_refused(small_registry, shape):
    with pytest.raises(ValueError, match=r"judge digits: images must be \(n, 28, 28, 1\), got"):
        explorer.judge("digits")(np.zeros(shape))


def test_a_judge_can_learn():
    import keras

    labels = np.arange(256) % 3
    images = np.random.default_rng(2).random((256, 8, 8, 1)).astype("float32") * 0.3
    for i, label in enumerate(labels):
        images[i, 2 + label : 4 + label] += 0.6
    keras.utils.set_random_seed(0)
    model = judge.build((8, 8, 1), (4,), 16, classes=3, dropout=0.0, augment=0.0)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    model.fit(images, labels, batch_size=32, epochs=12, verbose=0)
    card = {"name": "toy", "classes": ["a", "b", "c"], "image_shape": [8, 8, 1]}
    assert (judge.Judge(card, model)(images).argmax(1) == labels).mean() > 0.9
