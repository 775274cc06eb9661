"""A refiner's distillation into one step, by a tiny one and a tiny critic."""

import keras
import numpy as np
import pytest
from keras import ops

from explorer.generators import refiner
from explorer.judges import classifier
from explorer.training.adversarial_distillation import Distillation, Head, pyramid, squares

SHAPE = (16, 16, 3)
NETWORK = {"widths": [4, 8], "depth": [1, 1], "time_encoding": 8, "patch": 2}


@pytest.fixture
def critic():
    return classifier.build(SHAPE, [4, 8], 8, 3, multi_label=True, augment=0.0)


@pytest.fixture
def distillation(critic):
    keras.utils.set_random_seed(0)
    model = refiner.build(SHAPE, NETWORK, {"name": "cosine", "most": 0.999, "least": 0.02}, "mse", 0.01, seed=0)
    return Distillation(model, critic, adversarial=0.4, pixels=6, coarse=0.6, seed=7)


def pairs(n=16):
    rng = np.random.default_rng(1)
    given = rng.uniform(0.4, 0.6, (n, 1, 1, 3)) * np.ones((n, *SHAPE))
    stripes = 0.2 * (np.arange(16) // 2 % 2 - 0.5)[:, None, None]
    return (given + stripes).astype("float32"), given.astype("float32")


def test_what_is_trained_is_what_one_step_of_the_sampler_decodes(distillation):
    faces, given = pairs(4)
    network, rng = distillation.refiner.network, np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.2, weight.shape) for weight in network.get_weights()])
    made = ops.convert_to_numpy(distillation((faces, given))[1])
    noise = ops.convert_to_numpy(keras.random.normal((4, *SHAPE), seed=keras.random.SeedGenerator(7)))
    card = {"name": "tiny", "latent_shape": SHAPE, "image_shape": SHAPE,
            "sampling": {"sampler": "ddim", "steps": 1, "coarse": 0.6}}  # fmt: skip
    decoded = refiner.RefinerGenerator(card, distillation.refiner).decode(noise, given=given)
    inside = (decoded > 0.02) & (decoded < 0.98)  # training does not clip
    assert inside.mean() > 0.5
    assert np.abs(made - given).max() > 0.05
    np.testing.assert_allclose(made[inside], decoded[inside], atol=2e-3)


@pytest.mark.parametrize("learns", ["heads", "network"])
def test_each_side_learns_from_a_loss_of_its_own(distillation, learns):
    """The heads' step tells apart better what stays the same, the network's pleases the heads as they are."""

    def losses():
        distillation._random = keras.random.SeedGenerator(7)  # the same noise
        for tracker in distillation.trackers.values():
            tracker.reset_state()
        distillation.compute_loss(y_pred=distillation((faces, given)))
        return {name: float(tracker.result()) for name, tracker in distillation.trackers.items()}

    faces, given = pairs()
    distillation.refiner.trainable = learns == "network"
    for head in distillation.heads:
        head.trainable = learns == "heads"
    distillation.compile(optimizer=keras.optimizers.Adam(2e-3))
    before = losses()
    distillation.fit(x=(faces, given), batch_size=16, epochs=20, verbose=0)
    after = losses()
    if learns == "heads":
        assert after["told_apart"] < before["told_apart"]
        assert after["like"] == pytest.approx(before["like"], rel=1e-3)
    else:
        assert 0.4 * after["pleasing"] + after["like"] < 0.4 * before["pleasing"] + before["like"]


def test_a_head_that_does_not_learn_gives_its_features_the_same_gradient():
    head = Head((8, 8, 4), 6)
    features = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    np.testing.assert_allclose(head(features), head(features, learns=False), atol=1e-6)
    assert tuple(head(features).shape) == (2, 4, 4, 1)
    np.testing.assert_allclose(head(3 * features), head(features), atol=1e-3)  # of a place's features their direction alone


def test_the_critic_stays_as_it_is_and_is_read_before_each_pooling(distillation, critic):
    assert [shape[1:] for shape in pyramid(critic).output_shape] == [(16, 16, 4), (8, 8, 8)]
    before = [weight.copy() for weight in critic.get_weights()]
    distillation.compile(optimizer=keras.optimizers.Adam(1e-2))
    distillation.fit(x=pairs(), batch_size=8, epochs=2, verbose=0)
    for weight, was in zip(critic.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, was)


def test_squares_keep_every_pixel():
    picture = np.arange(4 * 6 * 2, dtype="float32").reshape(1, 4, 6, 2)
    found = ops.convert_to_numpy(squares(picture))
    assert found.shape == (1, 2, 3, 8)
    np.testing.assert_allclose(found[0, 1, 2], 4 * picture[0, 2:4, 4:6].reshape(-1) - 2)
