"""GANs: a training step worked out by hand, the counts of the book's layers, and what the generator answers."""

import keras
import numpy as np
import pytest

from explorer.generators import gan
from explorer.training import building, recipes

PARAMETERS = {"fashion-gan": (136_634, 132_951), "fashion-dcgan": (840_705, 212_865)}  # generator, discriminator


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_layers_are_the_books(name):
    recipe = recipes.recipe(name)
    learned = recipe["discriminator"].pop("names", None)
    model = building.build(recipe)
    assert (model.generator.count_params(), model.discriminator.count_params()) == PARAMETERS[name]
    if learned:
        assert building.build(recipes.recipe(name)).discriminator.count_params() == PARAMETERS[name][1] + 9 * (6272 + 1)


def test_a_class_adds_its_inputs_and_a_projection():
    model = building.build(recipes.recipe("fashion-cgan"))
    assert model.generator.count_params() == 840_705 + 10 * 6272
    assert model.discriminator.count_params() == 212_865 + 10 * 6272


def smallest(w=0.7, a=-0.4, b=0.2, seed=3):
    """Pictures of one pixel: G(z) = w z, D's logit(x) = a x + b, or as many as a and b are."""
    z, x = keras.Input((1,), name="z"), keras.Input((1, 1, 1), name="image")
    generator = keras.Model(z, keras.layers.Reshape((1, 1, 1))(keras.layers.Dense(1, use_bias=False)(z)))
    discriminator = keras.Model(x, keras.layers.Dense(np.size(b))(keras.layers.Flatten()(x)))
    generator.set_weights([np.array([[w]])])
    discriminator.set_weights([np.reshape(a, (1, -1)), np.ravel(b)])
    return gan.GAN(generator, discriminator, seed=seed)


def test_one_step_updates_each_part_by_its_own_loss():
    w, a, b, rate = 0.7, -0.4, 0.2, 0.1
    real = np.array([0.3, 0.9, -0.2, 0.5])
    z = keras.ops.convert_to_numpy(keras.random.normal((4, 1), seed=keras.random.SeedGenerator(3)))[:, 0].astype("float64")
    sigmoid = lambda t: 1 / (1 + np.exp(-t))  # noqa: E731
    on_fakes, on_reals = sigmoid(a * w * z + b), sigmoid(a * real + b)
    # d/dl of -ln(1 - s(l)) is s, of -ln s(l) it is s - 1
    slope_a = (on_fakes * w * z).mean() + ((on_reals - 1) * real).mean()
    slope_b = on_fakes.mean() + (on_reals - 1).mean()
    slope_w = ((on_fakes - 1) * a * z).mean()
    model = smallest(w, a, b)
    model.compile(optimizer=keras.optimizers.SGD(rate))
    model.fit(real.reshape(4, 1, 1, 1).astype("float32"), batch_size=4, epochs=1, shuffle=False, verbose=0)
    (new_w,), (new_a, new_b) = model.generator.get_weights(), model.discriminator.get_weights()
    assert float(new_w[0, 0]) == pytest.approx(w - rate * slope_w, abs=1e-5)
    assert float(new_a[0, 0]) == pytest.approx(a - rate * slope_a, abs=1e-5)
    assert float(new_b[0]) == pytest.approx(b - rate * slope_b, abs=1e-5)


def test_names_are_learned_of_real_pictures_given_to_drawn_ones_and_together_the_verdict():
    """One step against slopes by finite differences, of losses written out in float64."""
    w, kernel, bias, rate = 0.7, np.array([0.3, -0.8, 0.5]), np.array([0.1, -0.2, 0.4]), 0.1
    real, names = np.array([0.3, 0.9, 0.2, 0.5]), np.array([2, 0, 1, 1])
    z = keras.ops.convert_to_numpy(keras.random.normal((4, 1), seed=keras.random.SeedGenerator(3)))[:, 0].astype("float64")

    def is_real(x, kernel, bias):
        odds = np.exp(np.outer(x, kernel) + bias).sum(1)
        return odds / (1 + odds)  # Z / (Z + 1)

    def discriminators(values, w):
        kernel, bias = values[:3], values[3:]
        chances = np.exp(np.outer(real, kernel) + bias)
        named = -np.log(chances[np.arange(4), names] / chances.sum(1)).mean()
        return named - np.log(1 - is_real(w * z, kernel, bias)).mean() - np.log(is_real(real, kernel, bias)).mean()

    def generators(w):
        chances = np.exp(np.outer(w * z, kernel) + bias)
        chances /= chances.sum(1, keepdims=True)
        information = (chances * np.log(chances / chances.mean(0))).sum(1).mean()  # how far each is from all, as a divergence
        return -np.log(is_real(w * z, kernel, bias)).mean() - information

    start, small = np.concatenate([kernel, bias]), 1e-6
    slopes = [(discriminators(start + d, w) - discriminators(start - d, w)) / (2 * small) for d in small * np.eye(6)]
    slope_w = (generators(w + small) - generators(w - small)) / (2 * small)

    model = smallest(w, kernel, bias)
    model.compile(optimizer=keras.optimizers.SGD(rate))
    model.fit((real.reshape(4, 1, 1, 1).astype("float32"), names), batch_size=4, epochs=1, shuffle=False, verbose=0)
    assert float(model.generator.get_weights()[0][0, 0]) == pytest.approx(w - rate * slope_w, abs=1e-5)
    found = np.concatenate([values.ravel() for values in model.discriminator.get_weights()])
    np.testing.assert_allclose(found, start - rate * np.array(slopes), atol=1e-5)

    toy = gan.GanGenerator({"name": "toy", "latent_shape": [1], "image_shape": [1, 1, 1]}, smallest(w, kernel, bias))
    np.testing.assert_allclose(toy.verdict(real.reshape(4, 1, 1, 1)), is_real(real, kernel, bias), atol=1e-6)


def test_it_learns_where_the_data_is():
    """Data at 0.8 +- 0.1: what it draws moves there from around 0."""
    keras.utils.set_random_seed(0)
    model = gan.build((1, 1, 1), 4, {"dense": [16]}, {"dense": [16]}, seed=0)
    model.compile(optimizer=keras.optimizers.Adam(5e-3, beta_1=0.5))
    data = np.random.default_rng(0).normal(0.8, 0.1, (2048, 1, 1, 1)).astype("float32")
    model.fit(data, batch_size=64, epochs=6, verbose=0)
    drawn = model.generator.predict(np.random.default_rng(1).standard_normal((500, 4)).astype("float32"), verbose=0)
    assert abs(float(drawn.mean()) - 0.8) < 0.12


def generator(classes=0, centred=False):
    model = smallest()
    if classes:
        keras.utils.set_random_seed(1)
        model = gan.build((4, 4, 1), 2, {"dense": [3]}, {"dense": [3]}, classes=classes)
    model.centred = centred
    shape = [4, 4, 1] if classes else [1, 1, 1]
    card = {
        "name": "toy",
        "latent_shape": [2 if classes else 1],
        "image_shape": shape,
        "classes": ["hat", "coat", "shoe"][:classes],
    }
    return gan.GanGenerator(card, model)


@pytest.mark.parametrize(("centred", "expected"), [(False, [0.35, 1.0, 0.0]), (True, [0.675, 1.0, 0.15])])
def test_pictures_lie_between_0_and_1(centred, expected):
    images = generator(centred=centred).decode(np.array([[0.5], [9.0], [-1.0]]))
    np.testing.assert_allclose(images.ravel(), expected, atol=1e-5)


def test_the_verdict_is_the_sigmoid_of_the_logit():
    images = np.array([0.0, 0.25, 1.0]).reshape(3, 1, 1, 1)
    np.testing.assert_allclose(generator().verdict(images), 1 / (1 + np.exp(0.4 * images.ravel() - 0.2)), atol=1e-5)
    inside = generator(centred=True).verdict(images)
    np.testing.assert_allclose(inside, 1 / (1 + np.exp(0.4 * (2 * images.ravel() - 1) - 0.2)), atol=1e-5)


def test_a_class_is_asked_for_one_by_one_or_for_all():
    toy, z = generator(classes=3), np.random.default_rng(0).standard_normal((3, 2))
    each = toy.decode(z, label=[0, 1, 2])
    for i in range(3):
        np.testing.assert_allclose(toy.decode(z, label=i)[i], each[i], atol=1e-6)
    assert np.abs(toy.decode(z, label=0) - toy.decode(z, label=1)).max() > 1e-3


@pytest.mark.parametrize("label", [None, 3, -1, 1.5, [0, 1, 7]])
def test_a_class_that_is_none_is_answered_with_those_there_are(label):
    with pytest.raises(ValueError, match="0 hat, 1 coat, 2 shoe"):
        generator(classes=3).decode(np.zeros((3, 2)), label=label)


def test_without_classes_none_can_be_asked_for_and_there_is_no_way_back():
    with pytest.raises(ValueError, match="leave label out"):
        generator().decode(np.zeros((1, 1)), label=0)
    with pytest.raises(NotImplementedError, match="no encoder"):
        generator().encode(np.zeros((1, 1, 1, 1)))


def test_it_is_stored_and_loaded_whole(tmp_path):
    keras.utils.set_random_seed(2)
    model = gan.build((4, 4, 1), 2, {"dense": [3]}, {"dense": [3]}, classes=2, seed=5)
    model.save(tmp_path / "gan.keras")
    again = keras.saving.load_model(tmp_path / "gan.keras", compile=False, safe_mode=True)
    inputs = [np.ones((1, 2), "float32"), np.eye(2, dtype="float32")[:1]]
    np.testing.assert_allclose(again.generator.predict_on_batch(inputs), model.generator.predict_on_batch(inputs), atol=1e-6)
    assert (again.classes, again.centred, again.seed) == (2, False, 5)
