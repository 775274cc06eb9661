"""Directions learned through a decoder, where the best ones are known in closed form."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from explorer.data import SIX
from explorer.generators.directions import Directions
from explorer.training import face_measures, learned_directions

D = 12


@pytest.fixture(scope="module")
def world():
    """Codes whose attributes go together, a linear decoder, and a judge whose verdicts are logistic in the code."""
    rng = np.random.default_rng(0)
    normals = np.linalg.qr(rng.normal(0, 1, (D, D)))[0][:, :6] + 0.15 * rng.normal(0, 1, (D, 6))
    mixing = np.eye(D) + rng.normal(0, 0.35, (D, D))  # codes are correlated, so class means drag others along
    z = (rng.standard_normal((4000, D)) @ mixing).astype("float32")
    attributes = (z @ normals > 0).astype("uint8")
    decoder = keras.Sequential([keras.Input((D,)), keras.layers.Reshape((1, 2, D // 2))])
    judge = keras.Sequential([keras.Input((1, 2, D // 2)), keras.layers.Flatten(), keras.layers.Dense(6, activation="sigmoid")])
    judge.set_weights([4 * normals, np.zeros(6)])
    directions = Directions(SIX, *face_measures.statistics(z, attributes))
    generator = SimpleNamespace(model=SimpleNamespace(decoder=decoder), decode=lambda some: decoder.predict(some, verbose=0))
    ask = lambda images: judge.predict(images, verbose=0)  # noqa: E731
    asked = SimpleNamespace(model=judge)
    return SimpleNamespace(z=z, attributes=attributes, normals=normals, directions=directions, generator=generator, judge=asked,
                           ask=ask)  # fmt: skip


@pytest.fixture(scope="module")
def learned(world):
    before = world.ask(world.generator.decode(world.z))
    return learned_directions.learn(world.generator, world.directions, world.judge, world.z[:3000], world.attributes[:3000], before[:3000],
                        steps=500, verbose=0)  # fmt: skip


def test_a_learned_push_moves_its_own_logit_and_hardly_the_others(world, learned):
    moved = np.stack([learned[name] for name in SIX]) @ world.normals  # (push, logit)
    own = np.diag(moved)
    others = np.abs(moved[~np.eye(6, dtype=bool)])
    assert (own > 0).all()
    assert others.mean() < 0.1 * own.mean()


def test_it_turns_more_held_out_faces_with_less_leak_than_class_means(world, learned):
    directions = Directions(SIX, world.directions.means, world.directions.counts, world.directions.covariance, learned)
    found = {how: face_measures.flips(world.generator, directions, [world.ask], world.z[3000:], world.attributes[3000:], how, 2.0)[0]
             for how in ("free", "learned")}  # fmt: skip
    turned = {how: min(min(there, away) for there, away, _ in rows.values()) for how, rows in found.items()}
    leak = {how: np.mean([change for _, _, change in rows.values()]) for how, rows in found.items()}
    assert turned["learned"] > 0.9
    assert leak["learned"] < 0.5 * leak["free"]


def test_decoder_and_judge_stay_as_they_were(world, learned):
    np.testing.assert_allclose(np.asarray(world.judge.model.get_weights()[0]), 4 * world.normals, rtol=1e-6)


def test_batches_push_every_attribute_both_ways():
    rng = np.random.default_rng(1)
    having, before = rng.random((500, 6)) < 0.1, rng.random((500, 6))
    z = np.arange(500, dtype="float32")[:, None]
    batches = learned_directions.Balanced(z, having, before, 40, seed=0)
    assert len(batches) == 40
    signs = []
    for i in range(40):
        rows, which, sign, told = batches[i][0]
        assert (having[rows[:, 0].astype(int), which] == (sign < 0)).all()  # towards what it is not
        np.testing.assert_array_equal(told, before[rows[:, 0].astype(int)])
        signs.append(sign)
    assert abs(np.mean(signs)) < 0.1
