"""A critic's terms, each against a formula worked out another way, and a VAE that is trained under its eyes."""

import io

import keras
import numpy as np
import pytest
from keras import ops

from explorer import data
from explorer.generators import autoencoder, judge
from explorer.training import perception, recipes, runs

SIDE = 16
RATES = {"features": 5.0, "attributes": 3.0, "arithmetic": 4.0, "prior": 2.0, "grid": 100.0}
PARTS = {"filters": [8, 8]}


@pytest.fixture(scope="module")
def images():
    """Blots of different colours, sizes and places."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    places, widths = rng.uniform(4, 12, (96, 2, 1, 1)), rng.uniform(2, 5, (96, 1, 1))
    blots = np.exp(-((x - places[:, 0]) ** 2 + (y - places[:, 1]) ** 2) / widths**2)
    return (blots[..., None] * rng.random((96, 1, 1, 3))).astype("float32")


@pytest.fixture(scope="module")
def critic(images):
    """One that knows bright blots and large ones."""
    keras.utils.set_random_seed(0)
    critic = judge.build((SIDE, SIDE, 3), [4, 8], 12, 5, multi_label=True, flip=True, augment=0.0, stride=2)
    labels = np.concatenate([images.max((1, 2)) > 0.5, images.mean((1, 2))[:, :2] > 0.08], axis=1)
    critic.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    critic.fit(images, labels.astype("float32"), epochs=40, batch_size=24, verbose=0)
    return critic


def perceived(critic, images, weights=RATES, kl_weight=0.5):
    keras.utils.set_random_seed(1)
    loss = {"reconstruction_loss": "mse", "reconstruction_weight": 200.0, "kl_weight": kl_weight}
    vae = autoencoder.build((SIDE, SIDE, 3), 4, PARTS, PARTS, loss, seed=0)
    return perception.Perceived(vae, critic, weights, [4, 1, 1, 1, 1], images, seed=0)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


# --- the terms ---


@pytest.mark.parametrize("by", [(0, 0), (3, -2), (-4, 4)])
def test_a_shift_mirrors_what_is_missing(images, by):
    padded = np.pad(images[:5], [(0, 0), (4, 4), (4, 4), (0, 0)], mode="reflect")
    wanted = padded[:, 4 + by[0] : 4 + by[0] + SIDE, 4 + by[1] : 4 + by[1] + SIDE]
    np.testing.assert_array_equal(numpy(perception.shifted(images[:5], np.array(by, "int32"))), wanted)


def test_energy_distance_is_the_sum_over_pairs():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((7, 3)).astype("float32"), rng.standard_normal((5, 3)).astype("float32") + 1
    mean = lambda pairs: np.mean([np.linalg.norm(a - b) for a, b in pairs])  # noqa: E731
    wanted = 2 * mean([(a, b) for a in x for b in y])
    wanted -= sum(mean([(r[i], r[j]) for i in range(len(r)) for j in range(len(r)) if i != j]) for r in (x, y))
    np.testing.assert_allclose(numpy(perception.energy_distance(x, y)), wanted, rtol=1e-4)


def test_energy_distance_is_nothing_on_average_where_nothing_differs():
    rng = np.random.default_rng(0)
    drawn = [rng.standard_normal((32, 6)).astype("float32") for _ in range(400)]
    same = [float(perception.energy_distance(x, y)) for x, y in zip(drawn[::2], drawn[1::2], strict=True)]
    assert abs(np.mean(same)) < 4 * np.std(same) / np.sqrt(len(same))
    apart = float(perception.energy_distance(drawn[0], drawn[1] + 1))
    assert apart > 20 * np.std(same)


def test_divergence_is_that_of_two_coins():
    p, q = np.array([0.9, 0.5, 0.01]), np.array([0.2, 0.5, 0.6])
    wanted = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
    logits = [np.log(x / (1 - x)).astype("float32") for x in (p, q)]
    np.testing.assert_allclose(numpy(perception.divergence(*logits)), wanted, rtol=1e-4, atol=1e-6)


def test_three_alike_are_drawn_by_two_attributes():
    """Of four kinds of pictures and two attributes, the second always the held one: who wears the first, who does not."""
    kinds = np.tile(np.array([[1, 1], [0, 1], [0, 0], [1, 0]]), (5, 1))
    logits, emphasis = (40.0 * kinds - 20).astype("float32"), np.array([0.5, 0.5], "float32")
    two, places = perception.alike(logits, emphasis, 200, 3)
    a, b, c = map(numpy, places)
    assert a.shape == b.shape == c.shape == (200, 3)
    assert (kinds[a] == [1, 1]).all()
    assert (kinds[c] == [0, 0]).all()
    assert (kinds[b].sum(-1) == 1).all()
    added, held = numpy(two).T
    assert (kinds[b][:, :, 1] == held[:, None]).all()
    assert sorted(set(zip(added.tolist(), held.tolist(), strict=True))) == [(0, 1), (1, 0)]
    assert 60 < held.sum() < 140  # five standard deviations of a fair coin
    assert len(np.unique(a)) == 5  # all of a kind


def test_what_is_emphasized_is_drawn_oftener_and_never_twice():
    logits = 20.0 * np.array([[1, 1, 1], [-1, 1, 1], [1, -1, 1], [1, 1, -1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]], "float32")
    two, (_, b, c) = perception.alike(logits, np.array([0.8, 0.1, 0.1], "float32"), 400, 0)
    added, held = numpy(two).T
    assert (added != held).all()
    assert 0.72 < (added == 0).mean() < 0.88  # four standard deviations
    which = np.arange(400)[:, None], np.arange(3)[None]
    for places, wanted in ((b, 1), (c, -1)):
        said = logits[numpy(places)]
        assert (said[(*which, added[:, None])] < 0).all()
        assert (said[(*which, held[:, None])] * wanted > 0).all()


def test_sums_are_of_the_means_of_three():
    rows = np.random.default_rng(0).random((6, 4)).astype("float32")
    places = [np.array([[0, 1, 2]]), np.array([[3, 3, 3]]), np.array([[4, 5, 4]])]
    found = numpy(perception._a_less_b_and_c(ops.convert_to_tensor(rows), *places))
    wanted = (rows[0] + rows[1] + rows[2]) / 3 - rows[3] + (2 * rows[4] + rows[5]) / 3
    np.testing.assert_allclose(found, wanted[None], rtol=1e-5)


def test_a_picture_of_which_only_the_mean_is_kept_has_lost_one_unit_in_each_layer(images, critic):
    model = perceived(critic, images)
    seen = [numpy(part) for part in model.see(images)]
    assert len(seen) == 4  # two maps, the features, the logits
    mean = [np.broadcast_to(part.mean(0), part.shape) for part in seen]
    np.testing.assert_allclose(numpy(perception.features_lost(seen, mean, model._variances)), 4, rtol=1e-4)
    assert float(perception.features_lost(seen, seen, model._variances)) == 0


def test_what_the_critic_sees_is_what_it_says(images, critic):
    logits = numpy(perceived(critic, images).see(images)[-1])
    said = critic(perception.smooth(images), training=False)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits)), numpy(said), atol=1e-5)


def test_smoothed_pictures_have_no_dots_and_the_same_areas():
    flat, stripes = np.full((1, SIDE, SIDE, 3), 0.3, "float32"), np.zeros((1, SIDE, SIDE, 3), "float32")
    stripes[:, :, ::2] = 1
    inside = (slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(numpy(perception.smooth(flat))[inside], 0.3, rtol=1e-5)
    np.testing.assert_allclose(numpy(perception.smooth(stripes))[inside], 0.5, rtol=1e-5)


def test_dots_that_stand_still_are_told_from_those_that_do_not():
    dots = np.zeros((SIDE, SIDE, 1), "float32")
    dots[::4, ::4] = 0.16
    wanted = 0.16**2 * 1 / 16 * 15 / 16  # one pixel in sixteen is higher
    flat = np.full((64, SIDE, SIDE, 3), 0.3, "float32")
    np.testing.assert_allclose(numpy(perception.on_grid(flat + dots)), wanted, rtol=1e-4)
    rng = np.random.default_rng(0)
    wandering = np.stack([np.roll(dots, rng.integers(0, 4, 2), (0, 1)) for _ in range(64)])
    assert float(perception.on_grid(flat + wandering)) < 0.05 * wanted


# --- the model ---


def test_its_terms_are_added_to_the_loss_of_the_vae(images, critic):
    model = perceived(critic, images)
    model.compile(optimizer="adam")
    logs = model.train_on_batch(ops.convert_to_tensor(images), return_dict=True)
    assert set(logs) == {"loss", "kl", "reconstruction", *RATES}
    known = 200 * logs["reconstruction"] + 0.5 * logs["kl"]
    np.testing.assert_allclose(logs["loss"], known + sum(RATES[name] * logs[name] for name in RATES), rtol=1e-4)
    assert min(logs[name] for name in RATES) > 0


@pytest.mark.parametrize("term", ["features", "attributes", "arithmetic", "prior"])
def test_each_term_alone_is_learned_and_the_critic_learns_nothing(images, critic, term):
    before = critic.get_weights()
    model = perceived(critic, images, {term: 50.0}, kl_weight=0.01)
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    values = model.fit(images, epochs=40, batch_size=48, verbose=0).history[term]
    assert np.mean(values[-3:]) < 0.85 * np.mean(values[:3])
    for old, new in zip(before, critic.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not {id(w) for w in critic.weights} & {id(w) for w in model.weights}


def test_its_weights_are_those_of_the_vae_without_a_critic(images, critic, tmp_path):
    model = perceived(critic, images)
    model.save_weights(tmp_path / "model.weights.h5")
    loss = {"reconstruction_loss": "mse", "reconstruction_weight": 200.0, "kl_weight": 0.5}
    plain = autoencoder.build((SIDE, SIDE, 3), 4, PARTS, PARTS, loss, seed=0)
    plain.load_weights(tmp_path / "model.weights.h5")
    for ours, theirs in zip(model.decoder.get_weights(), plain.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert type(plain) is autoencoder.VAE


def test_a_term_that_there_is_not(images, critic):
    with pytest.raises(ValueError, match="a critic has no term colour"):
        perceived(critic, images, {"colour": 1.0})


# --- the recipe ---


def test_the_critic_of_faces_is_not_their_judge():
    critic, judged = recipes.recipe("celeba-vae-critic")["perception"]["critic"], recipes.recipe("judges/faces")
    assert critic["seed"] != judged["seed"]
    assert runs.build(critic).count_params() != runs.build(judged).count_params()


def test_a_run_trains_its_critic_first_and_keeps_a_plain_vae(images, tmp_path, monkeypatch):
    labels = (np.random.default_rng(0).random((len(images), 40)) < 0.5).astype("uint8")
    faces = np.repeat(np.repeat(images, 2, 1), 2, 2)
    monkeypatch.setattr(data, "load", lambda name, split, size, folder=None: (faces, labels))
    recipe = recipes.recipe("celeba-vae-32") | {"epochs": 1, "encoder": {"filters": [8] * 4, "batch_norm": True},
                                                "decoder": {"filters": [8] * 4, "batch_norm": True}}  # fmt: skip
    critic = recipes.recipe("celeba-vae-critic")["perception"]["critic"]
    small = {"image_shape": [32, 32, 3], "filters": [4, 8], "reduced": [5, 10, 0.3], "epochs": 1}
    recipe["oftener"] = {"Male": 3.0}
    recipe["perception"] = {
        "features": 1.0,
        "attributes": 1.0,
        "arithmetic": 1.0,
        "prior": 1.0,
        "grid": 1.0,
        "critic": {**critic, **small},
    }
    model, history = runs.fit(recipe, tmp_path, out=io.StringIO())
    assert type(model) is autoencoder.VAE
    assert set(perception.Perceived.TERMS) <= set(history)
    assert (tmp_path / "critic" / runs.BEST).is_file()
    _, longer = runs.fit(recipe | {"epochs": 2}, tmp_path, out=io.StringIO())
    assert longer["loss"][0] == history["loss"][0]
    assert len(longer["loss"]) == 2
