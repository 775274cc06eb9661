"""Codes moved apart: shifts learned through a decoder and a critic, and an encoder that learns to encode as it is told."""

import io

import keras
import numpy as np
import pytest
from keras import ops

from explorer import data
from explorer.generators import autoencoder
from explorer.judges import classifier as judge
from explorer.training import building, critic_finetuning, recipes, runs
from explorer.training.train import fit

SIDE = 16
LABELS = np.array([[1, 1], [1, 0], [0, 1], [0, 0]])


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def decoder():
    """Of codes (n, 3): how bright the left half is, how bright the right, how red both; faint."""
    z = keras.Input((3,))
    y, x = np.mgrid[:SIDE, :SIDE]
    kernel = np.zeros((3, SIDE, SIDE, 3), "float32")
    kernel[0, x < SIDE // 2] = kernel[1, x >= SIDE // 2] = 1
    kernel[2, :, :, 0] = 1
    layer = keras.layers.Dense(SIDE * SIDE * 3, activation="sigmoid")
    model = keras.Model(z, keras.layers.Reshape((SIDE, SIDE, 3))(layer(z)))
    layer.set_weights([kernel.reshape(3, -1), np.full(SIDE * SIDE * 3, -1, "float32")])
    return model


@pytest.fixture(scope="module")
def critic():
    """One that says whether the left half is bright, whether the right one is, whether there is more red than blue."""
    keras.utils.set_random_seed(0)
    z = np.random.default_rng(0).normal(0, 2, (600, 3)).astype("float32")
    critic = judge.build((SIDE, SIDE, 3), [4, 8], 12, 3, multi_label=True, augment=0.0, stride=2)
    critic.compile(keras.optimizers.Adam(5e-3), "binary_crossentropy")
    critic.fit(numpy(decoder()(z)), (z > [1, 1, 0]).astype("float32"), epochs=40, batch_size=50, verbose=0)
    return critic


@pytest.fixture(scope="module")
def codes():
    """Codes (n, 3) that say too little of the first two attributes, and the group of each."""
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 4, 400)
    z = rng.normal(0, 0.2, (400, 3)) + np.pad(LABELS[groups] * 0.6, [(0, 0), (0, 1)])
    return z.astype("float32"), groups


# --- the shifts ---


def test_groups_are_both_the_first_the_second_and_neither():
    assert critic_finetuning.group(LABELS.astype("uint8")).tolist() == [0, 1, 2, 3]


def test_shifts_make_sums_add_up_and_leave_the_rest(critic, codes):
    z, groups = codes
    found = critic_finetuning.learn(decoder(), critic, z, groups, [0, 1], [1, 1, 1], [0.001] * 4, steps=150)
    assert found.shape == (4, 3)
    (means, kinds), *_ = critic_finetuning.Sums(z, groups, 1, seed=9)[0]
    wanted = (LABELS[kinds[:, 0]] - LABELS[kinds[:, 1]] + LABELS[kinds[:, 2]]) == 1

    def right(by):
        moved = means + by[kinds]
        said = numpy(critic(decoder()(moved[:, 0] - moved[:, 1] + moved[:, 2]), training=False))
        return ((said[:, :2] > 0.5) == wanted).all(1).mean(), said[:, 2]

    before, red = right(np.zeros((4, 3)))
    after, red_after = right(found)
    assert before < 0.7
    assert after > 0.9
    assert np.abs(red_after - red).mean() < 0.15


def test_longer_shifts_cost_more(critic, codes):
    lengths = [
        np.linalg.norm(critic_finetuning.learn(decoder(), critic, *codes, [0, 1], [1, 1, 1], [cost] * 4, steps=60))
        for cost in (0, 3)
    ]
    assert lengths[1] < 0.75 * lengths[0]


def test_the_loss_of_shifts_is_what_is_wrong_what_else_changes_and_their_lengths(critic, codes):
    model = critic_finetuning.Shifts(decoder(), critic, [0, 1], [5, 5, 2], [1.0, 2.0, 3.0, 4.0], 3)
    by = np.random.default_rng(0).normal(0, 0.5, (4, 3)).astype("float32")
    model.shifts.assign(by)
    (means, kinds), *_ = critic_finetuning.Sums(*codes, 1, seed=2)[0]
    model.compile("adam")
    found = model.compute_loss(x=(means, kinds), y_pred=model((means, kinds)))
    now, before = (1 / (1 + np.exp(-numpy(part).astype("float64"))) for part in model((means, kinds)))
    wanted = LABELS[kinds[:, 0]] - LABELS[kinds[:, 1]] + LABELS[kinds[:, 2]]
    wrong = -np.log(np.where(wanted == 1, now[:, :2], 1 - now[:, :2])).sum(1).mean()
    p, q = before[:, 2], now[:, 2]
    others = (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean()
    length = (np.array([1, 2, 3, 4]) * np.square(by).sum(1)).sum()
    # the pictures are moved by other pixels at every call
    np.testing.assert_allclose(float(found), wrong + critic_finetuning.OTHERS * others + length, rtol=0.15)
    assert length > 0.2 * float(found)


def test_sums_are_means_of_three_and_single_codes_stay_themselves(codes):
    groups = codes[1]
    z = np.stack([groups, np.arange(len(groups)), np.zeros(len(groups))], 1).astype("float32")
    batches = critic_finetuning.Sums(z, groups, 2, seed=0)
    assert len(batches) == 2
    (means, kinds), *_ = batches[0]
    assert means.shape == (critic_finetuning.SUMS + critic_finetuning.REVERSED + critic_finetuning.SINGLE, 3, 3)
    np.testing.assert_allclose(means[:, :, 0], kinds, atol=1e-6)
    assert (kinds[: critic_finetuning.SUMS] == [0, 2, 3]).all()
    assert (kinds[critic_finetuning.SUMS : critic_finetuning.SUMS + critic_finetuning.REVERSED] == [0, 1, 3]).all()
    alone = slice(critic_finetuning.SUMS + critic_finetuning.REVERSED, None)
    assert np.bincount(kinds[alone, 0]).tolist() == [critic_finetuning.SINGLE // 4] * 4
    single = means[alone]
    assert (single == single[:, :1]).all()
    assert (single[:, 0, 1] == single[:, 0, 1].round()).all(), "of one picture each"
    assert not np.array_equal(means, batches[1][0][0])
    np.testing.assert_array_equal(means, batches[0][0][0])


# --- what the critic sees ---


def test_the_logits_of_a_critic(critic):
    pictures = np.random.default_rng(0).random((6, SIDE, SIDE, 3)).astype("float32")
    said = numpy(critic_finetuning.logits(critic)(pictures, training=False))
    np.testing.assert_allclose(1 / (1 + np.exp(-said)), numpy(critic(pictures, training=False)), atol=1e-5)


@pytest.mark.parametrize("by", [(0, 0), (3, -2), (-3, 3)])
def test_a_move_mirrors_what_is_missing(by):
    images = np.random.default_rng(0).random((5, SIDE, SIDE, 3)).astype("float32")
    padded = np.pad(images, [(0, 0), (3, 3), (3, 3), (0, 0)], mode="reflect")
    wanted = padded[:, 3 + by[0] : 3 + by[0] + SIDE, 3 + by[1] : 3 + by[1] + SIDE]
    np.testing.assert_array_equal(numpy(critic_finetuning.moved(images, np.array(by, "int32"))), wanted)


def test_divergence_is_that_of_two_coins():
    p, q = np.array([0.9, 0.5, 0.01]), np.array([0.2, 0.5, 0.6])
    wanted = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    logits = [np.log(x / (1 - x)).astype("float32") for x in (p, q)]
    np.testing.assert_allclose(numpy(critic_finetuning.divergence(*logits)), wanted, rtol=1e-4)


def test_smoothed_pictures_have_no_dots_and_the_same_areas():
    flat, stripes = np.full((1, SIDE, SIDE, 3), 0.3, "float32"), np.zeros((1, SIDE, SIDE, 3), "float32")
    stripes[:, :, ::2] = 1
    inside = (slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(numpy(critic_finetuning.smooth(flat))[inside], 0.3, rtol=1e-5)
    np.testing.assert_allclose(numpy(critic_finetuning.smooth(stripes))[inside], 0.5, rtol=1e-5)


# --- the encoder ---


def test_what_an_encoder_loses_is_nearly_the_divergence_of_gaussians():
    rng = np.random.default_rng(0)
    told = rng.normal(0, 1, (50, 2, 6)).astype("float32")
    z_mean, z_log_var = told[:, 0] + rng.normal(0, 0.3, (50, 6)), told[:, 1] + rng.normal(0, 0.1, (50, 6))
    variance, over = np.exp(told[:, 1]), np.exp(z_log_var)
    wanted = 0.5 * (over / variance + np.square(z_mean - told[:, 0]) / variance - 1 - np.log(over / variance))
    model = critic_finetuning.Told(keras.Sequential([keras.Input((2,)), keras.layers.Dense(6)]))
    found = model.compute_loss(y=told, y_pred=(z_mean.astype("float32"), z_log_var.astype("float32")))
    np.testing.assert_allclose(float(found), wanted.sum(1).mean(), rtol=0.02)


def test_mirrored_pictures_come_with_their_own_codes_as_often_as_asked_for():
    images = np.random.default_rng(0).random((40, 4, 4, 1)).astype("float32")
    before = images.copy()
    codes = np.stack([images[:, :, 0, 0], images[:, :, -1, 0]])  # the first column of each way
    shares = np.where(np.arange(40) < 10, 3.0, 1.0)
    batches, first, number = critic_finetuning.Mirrored(images, codes, 32, 0, shares), 0, 0
    assert len(batches) == 2
    ways = set()
    for k in range(40):
        some, told = batches[k % 2]
        np.testing.assert_array_equal(some[:, :, 0, 0], told)
        where = (told[:, None] == codes.reshape(80, 4)).all(-1).argmax(1)
        ways |= set((where // 40).tolist())
        first, number = first + (where % 40 < 10).sum(), number + len(where)
    assert ways == {0, 1}
    assert abs(first / number - 0.5) < 0.07  # five standard deviations
    np.testing.assert_array_equal(images, before)


def test_pictures_are_drawn_as_often_as_asked_for():
    shares = critic_finetuning.shares_of(np.array([[0, 0], [1, 0], [0, 1], [1, 1]]), [4.0, 2.0])
    np.testing.assert_allclose(shares / shares[0], [1, 4, 2, 8])
    np.testing.assert_allclose(shares.mean(), 1)


# --- the recipe ---


def test_the_critic_of_faces_is_not_their_judge():
    critic, judged = recipes.recipe("celeba-vae")["shifted"]["critic"], recipes.recipe("judges/faces")
    assert critic["seed"] != judged["seed"]
    assert building.build(critic).count_params() != building.build(judged).count_params()


def test_a_run_trains_the_vae_then_its_critic_then_its_encoder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    attributes = (rng.random((96, 40)) < 0.5).astype("uint8")
    faces = rng.random((96, 32, 32, 3)).astype("float32")
    monkeypatch.setattr(data, "load", lambda name, split, size, folder=None: (faces, attributes))
    monkeypatch.setattr(critic_finetuning, "STEPS", 2)
    part = {"filters": [8] * 4, "batch_norm": True}
    recipe = recipes.recipe("celeba-vae") | {"image_shape": [32, 32, 3], "epochs": 1, "encoder": part, "decoder": part}
    recipe["shifted"]["critic"] |= {"image_shape": [32, 32, 3], "filters": [4, 8], "reduced": [5, 10, 0.3], "epochs": 1}
    recipe["shifted"]["stage"]["epochs"] = 1
    model, history = fit(recipe, tmp_path, out=io.StringIO())
    assert type(model) is autoencoder.VAE
    assert all(layer.trainable for part in (model.encoder, model.decoder) for layer in part.layers)
    assert len(history["loss"]) == len(history["val_loss"]) == len(history["encoder loss"]) == 1
    assert len(history["seconds"]) == 2
    first = building.trained(recipe, tmp_path / runs.BEST)
    same = lambda part: all(map(np.array_equal, getattr(model, part).get_weights(), getattr(first, part).get_weights()))  # noqa: E731
    assert same("decoder")
    assert not same("encoder")
    told = np.load(tmp_path / critic_finetuning.SHIFTS)
    assert (np.linalg.norm(told, axis=1) > 0).all()
    recipe["shifted"]["stage"]["epochs"] = 3
    _, longer = fit(recipe, tmp_path, out=io.StringIO())
    assert longer["loss"] == history["loss"]
    assert longer["encoder loss"][0] == history["encoder loss"][0]
    assert len(longer["encoder loss"]) == 3
    np.testing.assert_array_equal(np.load(tmp_path / critic_finetuning.SHIFTS), told)
