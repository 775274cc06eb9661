"""The measures of faces against loops, closed forms and made-up models whose answers are known."""

import itertools

import numpy as np
import pytest

from explorer import imaging
from explorer.data import SIX
from explorer.generators.directions import Directions
from explorer.state import parse_strictly
from explorer.training import face_measures, feeding, measures


def test_the_kernel_distance_by_loops():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (7, 4)), rng.normal(0.5, 1, (5, 4))
    kernel = lambda a, b: (float(np.dot(a, b)) / 4 + 1) ** 3  # noqa: E731
    within = [np.mean([kernel(a, b) for a, b in itertools.permutations(part, 2)]) for part in (x, y)]
    across = np.mean([kernel(a, b) for a, b in itertools.product(x, y)])
    assert measures.kernel_distance(x, y) == pytest.approx(sum(within) - 2 * across, rel=1e-9)


def test_the_kernel_distance_of_one_distribution_is_about_zero():
    rng = np.random.default_rng(1)
    same = [measures.kernel_distance(rng.standard_normal((400, 8)), rng.standard_normal((400, 8))) for _ in range(8)]
    other = measures.kernel_distance(rng.standard_normal((400, 8)), rng.standard_normal((400, 8)) + 0.7)
    assert abs(np.mean(same)) < 0.1 * other
    assert min(same) < 0 < max(same)  # unbiased: it falls to both sides


def test_the_spread_by_pairs():
    points = np.random.default_rng(2).normal(0, 3, (20, 5))
    expected = np.mean([np.linalg.norm(a - b) for a, b in itertools.combinations(points, 2)])
    assert measures.spread(points) == pytest.approx(expected, rel=1e-6)


def test_ssim_window_by_window():
    rng = np.random.default_rng(3)
    a = rng.random((1, 14, 13, 2))
    b = np.clip(a + rng.normal(0, 0.15, a.shape), 0, 1)
    y, x = np.mgrid[-5:6, -5:6]
    window = np.exp(-(x**2 + y**2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row, column, channel in itertools.product(range(4), range(3), range(2)):
        p, q = (image[0, row : row + 11, column : column + 11, channel] for image in (a, b))
        mp, mq = (window * p).sum(), (window * q).sum()
        vp, vq, cov = (window * (p - mp) ** 2).sum(), (window * (q - mq) ** 2).sum(), (window * (p - mp) * (q - mq)).sum()
        values.append((2 * mp * mq + 1e-4) * (2 * cov + 9e-4) / ((mp**2 + mq**2 + 1e-4) * (vp + vq + 9e-4)))
    assert imaging.ssim(a, b)[0] == pytest.approx(np.mean(values), rel=1e-9)
    assert imaging.ssim(a, a)[0] == pytest.approx(1)


def test_principal_components_by_singular_values():
    rng = np.random.default_rng(4)
    images = (rng.standard_normal((300, 12)) * np.linspace(3, 0.2, 12)) @ rng.standard_normal((12, 60)) + 1
    images = images.reshape(300, 5, 12).astype("float32")
    mean, basis = measures.principal_components(images, 6, rounds=6)
    flat = images.reshape(300, -1).astype("float64")
    np.testing.assert_allclose(mean, flat.mean(0), atol=1e-4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(6), atol=1e-4)
    singular = np.linalg.svd(flat - flat.mean(0), compute_uv=False)
    left = (flat - mean) - (flat - mean) @ basis @ basis.T
    assert (left**2).sum() == pytest.approx((singular[6:] ** 2).sum(), rel=1e-3)


class Screen:
    """A generator that shows its code as a picture of one row."""

    card = {"recipe": {"judge": "none"}}

    def decode(self, z):
        return np.asarray(z, "float32")[:, None, :, None]


def six_eyed(images):
    """A judge that sees an attribute where its pixel is bright, of six attributes; glasses make it see some smiling too."""
    values = images[:, 0, :, 0].copy()
    values[:, 0] += 0.5 * values[:, 1]
    return 1 / (1 + np.exp(-4 * values))


@pytest.fixture(scope="module")
def world():
    """Codes of 900 made-up faces: dimension i carries attribute i."""
    rng = np.random.default_rng(5)
    attributes = rng.integers(0, 2, (900, 6)).astype("uint8")
    z = (2.0 * attributes - 1 + rng.normal(0, 0.1, (900, 6))).astype("float32")
    return z, attributes, Directions(SIX, *face_measures.statistics(z, attributes))


def test_a_push_of_one_length_turns_everybody_over(world):
    z, attributes, directions = world
    found = face_measures.flips(Screen(), directions, [six_eyed], z, attributes, "free", 1.0)[0]
    assert set(found) == set(SIX)
    assert all(min(there, away) > 0.95 for name, (there, away, _) in found.items() if name != "Smiling")
    none = face_measures.flips(Screen(), directions, [six_eyed], z, attributes, "free", 0.0)[0]
    assert all(change == 0 for _, _, change in none.values())
    assert max(there for name, (there, _, _) in none.items() if name != "Smiling") < 0.05


def test_what_the_judge_confuses_shows_as_a_leak(world):
    z, attributes, directions = world
    changes = face_measures.receipts(Screen(), directions, six_eyed, z, attributes)
    free = changes["free"]
    assert set(changes) == {"free", "whitened", "plain"}
    assert free.shape == (6, 6)
    assert (np.diag(free) > 0.8).all()
    smiling, glasses = SIX.index("Smiling"), SIX.index("Eyeglasses")
    assert free[glasses, smiling] > 0.05
    others = free[~np.eye(6, dtype=bool)]
    assert (np.abs(others) > 0.04).sum() == 1  # glasses on smiling, and nothing else


def test_the_least_amount_is_found(world):
    z, attributes, directions = world
    faint = lambda images: six_eyed(images * [1, 1, 1, 1, 1, 1] - 0.35 * np.sign(images))  # noqa: E731
    amount = face_measures.least_amount(Screen(), directions, faint, z, attributes, "free")
    assert amount in face_measures.AMOUNTS
    found = face_measures.flips(Screen(), directions, [faint], z, attributes, "free", amount)[0]
    assert min(min(there, away) for there, away, _ in found.values()) >= 0.9 or amount == face_measures.AMOUNTS[-1]


def test_a_range_ends_where_the_judge_gets_no_surer(world):
    z, attributes, directions = world

    def wary(images):
        """Takes what is bright for the attribute, but beyond twice as bright as any face for a mask."""
        values = np.abs(images[:, 0, :, 0]) * np.sign(images[:, 0, :, 0])
        return np.where(values > 2, 0.3, six_eyed(images))

    found = face_measures.ranges(Screen(), directions, wary, z, attributes, "free")
    assert set(found) == set(SIX)
    for name, (taken, added) in found.items():
        assert {taken, added} <= set(face_measures.RANGES), name
        assert 1.0 <= added <= 1.5, name  # a face at -1 is at 1 after one length, and beyond 2 after one and a half
        assert 1.0 <= taken <= 2.0, name
    there = dict.fromkeys(SIX, (0.0, 0.0))
    still = face_measures.flips(Screen(), directions, [wary], z, attributes, "free", there)[0]
    assert all(change == 0 for _, _, change in still.values())


def test_arithmetic_of_codes_that_are_attributes(world):
    z, attributes, directions = world
    assert face_measures.arithmetic(Screen(), six_eyed, z, attributes, directions.names) > 0.95


def test_who_is_judged_a_woman_with_glasses():
    probabilities = np.array([[0.9, 0.1, 0.8], [0.9, 0.9, 0.8], [0.1, 0.1, 0.2], [0.4, 0.6, 0.7], [0.6, 0.4, 0.1]])
    assert face_measures.women_with_glasses(probabilities, ["Eyeglasses", "Male", "Young"]) == 2 / 5
    assert face_measures.glasses(probabilities, ["Eyeglasses", "Male", "Young"]) == 3 / 5


def test_the_gallery_shows_all_sorts():
    rng = np.random.default_rng(6)
    names = [*SIX, "Wearing_Hat", "Bangs", "No_Beard", "Gray_Hair", "Bald"]
    rare = np.array([0.5, 0.06, 0.4, 0.8, 0.15, 0.24, 0.05, 0.15, 0.83, 0.04, 0.02])
    seen = (rng.random((3000, 11)) < rare).astype("float32")
    chosen = face_measures.gallery(seen, names)
    assert len(chosen) == len(set(chosen)) == face_measures.GALLERY
    assert (np.sort(chosen) == chosen).all()
    shares = seen[chosen].mean(0)
    assert (np.minimum(shares, 1 - shares) >= np.minimum(np.minimum(rare, 1 - rare), 0.04) - 0.02).all()
    assert shares[1] > 0.08  # more of the rare than a random draw would hold


def test_a_judge_sees_a_share_of_the_images_reduced_to_few_components():
    rng = np.random.default_rng(5)
    images = np.clip(0.5 + 0.02 * rng.standard_normal((300, 9)) @ rng.standard_normal((9, 48)), 0, 1).astype("float32")
    images = images.reshape(300, 4, 4, 3)
    mean, basis = measures.principal_components(images, 6)
    batch = images[:200].copy()
    feeding.reducer(images, 2, 6, 0.5)(batch, np.random.default_rng(0))
    same = (batch == images[:200]).all((1, 2, 3))
    assert 70 < same.sum() < 130
    codes = (batch[~same].reshape(-1, 48) - mean) @ basis
    counts = (np.abs(codes) > 1e-4).sum(1)
    assert set(counts) == {2, 3, 4, 5, 6}
    np.testing.assert_allclose(codes @ basis.T + mean, batch[~same].reshape(-1, 48), atol=1e-5)  # nothing else is left
    first = (images[:200][~same].reshape(-1, 48) - mean) @ basis[:, :2]
    np.testing.assert_allclose(codes[:, :2], first, atol=1e-5)


class Seven(Screen):
    """Of the six and of hats, each in a dimension of its own."""

    def __init__(self):
        signs = np.random.default_rng(6).integers(0, 2, (300, 7)).astype("uint8")
        self.z = (2.0 * signs - 1).astype("float32")
        self.directions = Directions([*SIX, "Wearing_Hat"], *face_measures.statistics(self.z, signs))


def plain(images):
    """A judge that sees an attribute where its pixel is bright."""
    return 1 / (1 + np.exp(-4 * images[:, 0, :, 0]))


def test_examples_are_faces_that_lack_what_they_are_given():
    faces = Seven()
    names, labels = faces.directions.names, (faces.z > 0).astype(int)
    found = face_measures.examples(faces, plain, faces.z)
    assert [example["title"] for example in found] == ["A smile", "Glasses on", "Glasses off", "Older", "Blond"]
    states = [parse_strictly(example["state"]) for example in found]
    assert len({state["face"] for state in states}) == 5
    for state in states:
        ((name, amount),) = state["attributes"]
        if name != "Blond_Hair":
            assert labels[state["face"], names.index(name)] == (amount < 0)
    nobody = -np.ones((3, 7), "float32")  # is young, male, or wears glasses
    assert face_measures.examples(faces, plain, nobody) == []


def test_an_example_is_the_face_of_which_the_judge_is_surest():
    faces = Seven()
    z = np.repeat(np.where([s in ("Young",) for s in faces.directions.names], 1, -1)[None].astype("float32"), 3, 0)
    z[0, 0], z[2, 0] = -9, -0.2  # too far for a smile, and nearly one already
    (found,) = [one for one in face_measures.examples(faces, plain, z) if one["title"] == "A smile"]
    assert found["state"] == "face=1&attributes=Smiling:2.5"


def test_sums_are_of_those_whose_sums_succeed():
    """Women some of whom are so feminine that a sum with them stays a woman, and men whose glasses are so faint that none is seen."""
    faces, rng = Seven(), np.random.default_rng(8)
    names = faces.directions.names
    male, glasses = names.index("Male"), names.index("Eyeglasses")
    z = np.zeros((90, 7), "float32")
    z[:30, [male, glasses]], z[30:60, [male, glasses]], z[60:, [male, glasses]] = (1, 0.4), (1, -0.4), (-1, -1)
    z[:12, glasses] = 3  # seen in any sum
    z += rng.normal(0, 0.01, z.shape).astype("float32")
    groups, triples = face_measures.sums(faces, plain, z)
    assert [len(group) for group in groups] == [10, 10, 10]
    assert set(groups[0]) <= set(range(12))
    assert set(groups[1]) <= set(range(30, 60))
    assert triples
    for a, b, c in triples:
        total = z[a] - z[b] + z[c]
        assert total[male] < 0 < total[glasses]
    assert face_measures.sums(faces, plain, z[:60]) == ([[], [], []], [])  # no women
