import numpy as np
import pytest

import explorer
from explorer.judges import classifier as judge
from explorer.training import building
from explorer.training.recipes import JUDGES, recipe


@pytest.mark.parametrize("name", [name for name in JUDGES if "net" not in JUDGES[name]])  # the framing net is no classifier
def test_parameters_by_arithmetic(name):
    filters, dense, blocks = JUDGES[name]["filters"], JUDGES[name]["dense"], JUDGES[name].get("residual", 0)
    side, channels, classes = {"faces": (64, 3, 40), "faces_second": (64, 3, 40), "flowers": (64, 3, 102)}.get(name, (28, 1, 10))
    convolutions = 9 * sum(a * b + b * b for a, b in zip([channels, *filters], filters, strict=False))  # without bias
    normalizations = 4 * 2 * sum(filters)
    small = side // JUDGES[name].get("stride", 1) // 2 ** len(filters)
    tail = small * small * filters[-1] * dense + dense + dense * classes + classes
    if blocks:  # a convolution of 2 x 2 to each width, then pairs of 3 x 3 before which each is normalized, the mean over places
        convolutions = sum(4 * a * b + blocks * 2 * 9 * b * b for a, b in zip([channels, *filters], filters, strict=False))
        normalizations = 4 * (blocks * 2 * sum(filters) + filters[-1])
        tail = filters[-1] * dense + dense + dense * classes + classes
    model = building.build(recipe(f"judges/{name}"))
    assert model.input_shape == (None, side, side, channels)
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


def test_pictures_of_half_the_size_are_doubled(small_registry):
    images = np.random.default_rng(3).random((4, 14, 14, 1)).astype("float32")
    fashion = explorer.judge("fashion")
    np.testing.assert_allclose(fashion(images), fashion(np.kron(images, np.ones((1, 2, 2, 1)))), atol=1e-5)


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


def test_a_judge_of_attributes_learns_each_for_itself():
    import keras

    rng = np.random.default_rng(3)
    attributes = rng.random((256, 2)) < 0.5  # a light row, a light column: none, one or both
    images = rng.random((256, 8, 8, 1)).astype("float32") * 0.3
    images[attributes[:, 0], 1] += 0.6
    images[attributes[:, 1], :, 6] += 0.6
    keras.utils.set_random_seed(0)
    model = judge.build((8, 8, 1), (8,), 16, classes=2, multi_label=True, dropout=0.0, augment=0.0)
    model.compile(optimizer=keras.optimizers.Adam(0.005), loss="binary_crossentropy")
    model.fit(images, attributes.astype("float32"), batch_size=16, epochs=40, verbose=0)
    card = {"name": "toy", "classes": ["row", "column"], "image_shape": [8, 8, 1]}
    found = judge.Judge(card, model)(images)
    assert ((found > 0.5) == attributes).mean() > 0.9
    both, none = attributes.all(1), ~attributes.any(1)
    assert found[both].sum(1).mean() > 1.5, "they share nothing out"
    assert found[none].sum(1).mean() < 0.5


def disturbed(images, **options):
    """What the first convolution of a judge in training sees of the images."""
    import keras

    keras.utils.set_random_seed(4)
    model = judge.build(images.shape[1:], (2,), 4, classes=2, **options)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    start = keras.Model(model.input, first.input)
    np.testing.assert_allclose(start.predict(images, verbose=0), images, atol=1e-6)  # when it judges, nothing is changed
    return keras.ops.convert_to_numpy(start(images, training=True))


@pytest.fixture
def pictures():
    return np.random.default_rng(5).random((400, 12, 12, 3)).astype("float32")


def test_a_judge_that_flips_sees_half_of_its_pictures_mirrored(pictures):
    seen = disturbed(pictures, augment=0.0, flip=True)
    same = np.isclose(seen, pictures, atol=1e-5).all((1, 2, 3))
    mirrored = np.isclose(seen, pictures[:, :, ::-1], atol=1e-5).all((1, 2, 3))
    assert (same ^ mirrored).all()
    assert 160 < mirrored.sum() < 240  # four standard deviations of a fair coin
    np.testing.assert_allclose(disturbed(pictures, augment=0.0), pictures, atol=1e-5)


def test_a_judge_that_blurs_sees_pictures_blurred_and_no_darker(pictures):
    seen = disturbed(pictures, augment=0.0, blur=1.5)

    def roughness(images):
        return np.abs(np.diff(images, axis=1)).mean((1, 2, 3))

    kept = roughness(seen) / roughness(pictures)
    assert kept.max() < 1.01
    assert kept.min() < 0.4
    inner = slice(3, -3)
    assert seen[:, inner, inner].mean() == pytest.approx(pictures.mean(), abs=0.01)
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_a_shift_brings_in_black_or_where_faces_are_the_edge(pictures):
    light = np.full_like(pictures, 0.8)
    black = disturbed(light, augment=0.25)
    whole = 1 - (1 / 3) ** 2  # shifts by up to 3 pixels, by less than 1 both ways in a ninth of the cases
    assert (black < 0.01).any((1, 2, 3)).mean() == pytest.approx(whole, abs=0.07)
    np.testing.assert_allclose(disturbed(light, augment=0.25, flip=True), light, atol=1e-5)


def test_no_pictures_have_no_classes(small_registry):
    fashion = explorer.judge("fashion")
    for found, width in ((fashion(np.zeros((0, 28, 28, 1))), 10), (fashion.features(np.zeros((0, 32, 32, 1))), 16)):
        assert (found.shape, found.dtype) == ((0, width), np.float32)
