"""Directions against regressions worked out another way, on codes with known correlations."""

import numpy as np
import pytest

from explorer.generators.directions import LONGEST, Directions, between
from explorer.training import face_measures

NAMES = ["beard", "hat", "tall"]


@pytest.fixture(scope="module")
def codes():
    """Codes z (n, 12) and attributes (n, 3) that go together: who has a beard often wears a hat."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((20_000, 12)) @ (np.eye(12) + rng.normal(0, 0.2, (12, 12))) + rng.normal(0, 1, 12)
    scores = z @ rng.normal(0, 1, (12, 3))
    scores[:, 1] += 0.4 * scores[:, 0]
    return z, (scores > np.median(scores, 0)).astype("uint8")


@pytest.fixture(scope="module")
def directions(codes):
    return Directions(NAMES, *face_measures.statistics(*codes))


def regressions(z, attributes):
    """The normals of least-squares classifiers, one column an attribute, by NumPy's solver on the codes themselves."""
    centred = z - z.mean(0)
    return np.linalg.lstsq(centred, attributes - attributes.mean(0), rcond=None)[0]


def test_a_bare_direction_is_the_difference_of_the_class_means(codes, directions):
    z, attributes = codes
    for i, name in enumerate(NAMES):
        expected = z[attributes[:, i] == 1].mean(0) - z[attributes[:, i] == 0].mean(0)
        np.testing.assert_allclose(directions.direction(name), expected, rtol=1e-4, atol=1e-5)


def test_classes_far_apart_have_a_direction_that_sliders_can_take_three_of():
    means = np.zeros((2, 2, 4))
    means[0, 1], means[1, 1] = [3, 0, 4, 0], [0, 2, 0, 0]
    found = Directions(["far", "near"], means, np.full((2, 2), 10), np.eye(4))
    np.testing.assert_allclose(found.direction("far"), np.array([0.6, 0, 0.8, 0]) * LONGEST, rtol=1e-6)
    np.testing.assert_allclose(found.direction("near"), [0, 2, 0, 0], rtol=1e-6)


def test_counts_and_covariance_are_the_codes_own(codes, directions):
    z, attributes = codes
    assert (directions.counts[:, 1] == attributes.sum(0)).all()
    assert (directions.counts.sum(1) == len(z)).all()
    centred = z - z.mean(0)
    np.testing.assert_allclose(directions.covariance, centred.T @ centred / (len(z) - 1), rtol=1e-6)


def test_whitened_holding_leaves_the_scores_of_held_classifiers_alone(codes, directions):
    normals = regressions(*codes)
    free, held = directions.direction("beard"), directions.direction("beard", hold=["hat", "tall"])
    moved_free, moved_held = free @ normals, held @ normals
    assert abs(moved_free[1]) > 0.05 * abs(moved_free[0])  # without holding, the hat comes along
    assert np.abs(moved_held[1:]).max() < 0.01 * abs(moved_held[0])
    assert moved_held[0] == pytest.approx(moved_free[0], rel=0.01)  # as far as the bare one


def test_plain_holding_is_orthogonal_to_the_held_vectors(directions):
    held = directions.direction("beard", hold=["hat", "tall"], how="plain")
    for other in ("hat", "tall"):
        vector = directions.direction(other)
        assert abs(held @ vector) < 1e-4 * np.linalg.norm(held) * np.linalg.norm(vector)


def test_plain_holding_leaks_where_whitening_does_not(codes, directions):
    normals = regressions(*codes)
    leaks = {how: np.abs((directions.direction("beard", ["hat"], how) @ normals)[1]) for how in ("plain", "whitened")}
    assert leaks["plain"] > 5 * leaks["whitened"]


def test_the_order_and_repetition_of_held_names_do_not_matter(directions):
    one, other = directions.direction("beard", ["hat", "tall"]), directions.direction("beard", ("tall", "hat", "tall"))
    np.testing.assert_array_equal(one, other)
    one[:] = 0  # a copy: nobody spoils it for the others
    assert directions.direction("beard", ["hat", "tall"]).any()


def test_what_cannot_be_done_is_said(directions):
    with pytest.raises(KeyError, match="no attribute 'wings'; there are beard, hat, tall"):
        directions.direction("wings")
    with pytest.raises(KeyError, match="wings"):
        directions.direction("beard", ["wings"])
    with pytest.raises(ValueError, match="beard cannot be changed and held still"):
        directions.direction("beard", ["beard"])
    with pytest.raises(ValueError, match="how must be one of learned, whitened, plain, got 'magic'"):
        directions.direction("beard", ["hat"], "magic")


def test_nothing_left_is_said():
    means = np.zeros((2, 2, 3))
    means[:, 1, 0] = 1, 2  # both along the same axis
    twins = Directions(["one", "two"], means, np.full((2, 2), 10), np.eye(3))
    with pytest.raises(ValueError, match="nothing is left of one when all of two are held still"):
        twins.direction("one", ["two"])


def test_a_learned_vector_is_taken_as_it_is_unless_others_are_held_too(codes, directions):
    rng = np.random.default_rng(3)
    learned = {"beard": rng.normal(0, 1, 12), "hat": rng.normal(0, 1, 12)}
    told = Directions(NAMES, directions.means, directions.counts, directions.covariance, learned)
    np.testing.assert_allclose(told.direction("beard", ["hat"], "learned"), learned["beard"], rtol=1e-6)
    np.testing.assert_array_equal(told.direction("beard", [], "learned"), directions.direction("beard"))  # nothing is held
    np.testing.assert_array_equal(told.direction("tall", ["hat"], "learned"), directions.direction("tall", ["hat"]))
    both = told.direction("beard", ["hat", "tall"], "learned") @ regressions(*codes)
    assert abs(both[2]) < 0.01 * np.abs(both).max()


def test_two_handfuls_tell_a_direction(codes):
    z, attributes = codes
    more, less = z[attributes[:, 0] == 1], z[attributes[:, 0] == 0]
    v = (more.sum(0) / len(more)) - (less.sum(0) / len(less))
    np.testing.assert_allclose(between(more, less), v * min(1, LONGEST / np.sqrt(v @ v)), rtol=1e-5)
    np.testing.assert_allclose(between(less, more), -between(more, less), rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(between(100 * more, less)), LONGEST, rtol=1e-6)
    for both in ((more, []), ([], less)):
        with pytest.raises(ValueError, match="from one handful to another"):
            between(*both)
    with pytest.raises(ValueError, match="the same mean"):
        between(more, more)


def test_a_direction_of_ones_own_holds_others_still_as_a_named_one_does(codes, directions):
    normals, v = regressions(*codes), np.random.default_rng(5).normal(0, 1, 12)
    moved = directions.held(v, ["hat", "tall"]) @ normals
    assert (np.abs(moved) < 0.1 * np.abs(v @ normals))[1:].all()  # the covariance is rounded up a little before it is inverted
    np.testing.assert_array_equal(directions.held(v, ["hat"], "learned"), directions.held(v, ["hat"]))  # nobody learned it
    named = directions.direction("beard")
    np.testing.assert_allclose(directions.held(named, ["hat"], "plain"), directions.direction("beard", ["hat"], "plain"), atol=1e-6)
    with pytest.raises(ValueError, match="nothing is left of this direction when all of hat are held still"):
        directions.held(directions.direction("hat"), ["hat"])
    with pytest.raises(KeyError, match="wings"):
        directions.held(v, ["wings"])
    with pytest.raises(ValueError, match="how must be"):
        directions.held(v, ["hat"], "magic")
