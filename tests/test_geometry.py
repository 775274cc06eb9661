"""Oracles: complex numbers in the span of the ends, quaternion powers, the book's formula, brute-force loops, printed tables."""

import math

import numpy as np
import pytest

from explorer import geometry
from explorer.geometry import Embeddings, Path, Plane, lerp, slerp

TS = np.array([0.0, 0.125, 1 / 3, 0.5, 0.75, 0.999, 1.0])


def turned(complex_points, d, seed):
    """Complex numbers as vectors of d dimensions, in a random two-dimensional plane through the origin."""
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, 2)))
    z = np.atleast_1d(complex_points)
    return z.real[:, None] * basis[:, 0] + z.imag[:, None] * basis[:, 1]


@pytest.mark.parametrize("angle", [0.001, 0.4, math.pi / 2, 2.5, math.radians(150), math.pi - 0.001])
@pytest.mark.parametrize(("short", "long"), [(1.0, 1.0), (1.0, 2.0), (0.2, 7.0)])
def test_slerp_turns_evenly_in_the_span_of_its_ends_while_the_norm_goes_linearly(angle, short, long):
    ends = np.array([short * np.exp(0.7j), long * np.exp(1j * (0.7 + angle))])
    norms = short + TS * (long - short)
    expected = turned(norms * np.exp(1j * (0.7 + TS * angle)), 7, seed=1)
    a, b = turned(ends, 7, seed=1)
    np.testing.assert_allclose(slerp(a, b, TS), expected, atol=3e-7 * long)


def quaternion_product(p, q):
    (a, b, c, d), (e, f, g, h) = p, q
    return np.array([a * e - b * f - c * g - d * h, a * f + b * e + c * h - d * g,
                     a * g - b * h + c * e + d * f, a * h + b * g - c * f + d * e])  # fmt: skip


def test_slerp_of_unit_quaternions_is_the_power_of_their_quotient():
    rng = np.random.default_rng(3)
    for _ in range(20):
        a, b = (q / np.linalg.norm(q) for q in rng.standard_normal((2, 4)))
        quotient = quaternion_product(a * (1, -1, -1, -1), b)
        half_angle, axis = math.acos(quotient[0]), quotient[1:] / np.linalg.norm(quotient[1:])
        for t in TS:
            power = np.concatenate([[math.cos(t * half_angle)], math.sin(t * half_angle) * axis])
            np.testing.assert_allclose(slerp(a, b, t), quaternion_product(a, power), atol=2e-7)


def test_slerp_is_the_books_formula_where_norms_are_equal_and_keeps_any_shape():
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((2, 3, 4, 2))
    b *= np.sqrt((a**2).sum() / (b**2).sum())
    theta = math.acos((a * b).sum() / (a**2).sum())
    expected = [(math.sin((1 - t) * theta) * a + math.sin(t * theta) * b) / math.sin(theta) for t in TS]
    result = slerp(a, b, TS)
    assert result.shape == (len(TS), 3, 4, 2)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, atol=1e-6)
    np.testing.assert_allclose(slerp(a, b, 0.25), slerp(a, b, np.array([0.25]))[0], rtol=0)


def test_the_norm_never_leaves_the_range_of_the_ends_where_the_books_formula_does():
    a, b = turned(np.array([1, 2 * np.exp(1j * math.radians(150))]), 5, seed=2)
    theta = math.radians(150)
    book = [
        np.linalg.norm((math.sin((1 - t) * theta) * a + math.sin(t * theta) * b) / math.sin(theta)) for t in np.linspace(0, 1, 99)
    ]
    assert max(book) == pytest.approx(2.73, abs=0.01)
    norms = np.linalg.norm(slerp(a, b, np.linspace(0, 1, 99)), axis=1)
    assert norms.min() >= 1 - 1e-6
    assert norms.max() <= 2 + 1e-6


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-9, 1e-7, 1e-5])
def test_slerp_of_nearly_parallel_vectors_goes_straight_but_for_the_norm(gap):
    a = np.array([3.0, 4.0, 0.0])
    b = np.array([3.0, 4.0, 5 * gap]) * 2
    expected = [(1 + t) * np.array([3, 4, 5 * gap * t]) for t in TS]  # such angles equal their sines
    np.testing.assert_allclose(slerp(a, b, TS), expected, rtol=1e-6, atol=1e-11)


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-9, 1e-7, 1e-5])
def test_slerp_of_opposite_vectors_goes_half_round_on_a_circle(gap):
    a = np.array([3.0, 4.0, 0.0])
    b = -a + np.array([0.0, 0.0, 5 * gap])
    points = slerp(a, b, np.linspace(0, 1, 181)).astype("float64")
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 5, rtol=1e-5)
    cosines = (points[:-1] * points[1:]).sum(1) / 25
    np.testing.assert_allclose(np.degrees(np.arccos(cosines)), 1, atol=0.02)
    assert abs(points[90] @ a) < 1e-3
    np.testing.assert_allclose(points[[0, -1]], [a, -a], atol=1e-3)


def test_opposite_vectors_turn_by_way_of_the_axis_on_which_the_first_is_smallest():
    np.testing.assert_allclose(slerp([3.0, 4.0, 0.0], [-3.0, -4.0, 0.0], 0.5), [0, 0, 5], atol=1e-6)


@pytest.mark.parametrize(
    ("a", "b"), [([0.0, 0.0], [2.0, 4.0]), ([2.0, 4.0], [0.0, 0.0]), ([0.0, 0.0], [0.0, 0.0]), ([-2.0], [6.0])]
)
def test_slerp_without_a_circle_is_the_straight_way(a, b):
    np.testing.assert_allclose(
        slerp(a, b, [0.0, 0.25, 1.0]), [np.array(a) + t * (np.array(b) - a) for t in (0, 0.25, 1)], atol=1e-6
    )


def test_lerp_meets_its_ends_and_its_middle():
    a, b = np.arange(6.0).reshape(2, 3), -np.ones((2, 3))
    result = lerp(a, b, [0.0, 0.5, 1.0])
    assert result.dtype == np.float32
    assert result.tolist() == [a.tolist(), ((a + b) / 2).tolist(), b.tolist()]


@pytest.mark.parametrize("function", [lerp, slerp, Path])
def test_ends_of_two_shapes_are_refused(function):
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        function(np.ones(2), np.ones(3), *([0.5] if function is not Path else []))


def test_an_unknown_kind_is_refused_when_the_path_is_made():
    with pytest.raises(ValueError, match=r"linear.*slerp.*'cubic'"):
        Path(np.ones(2), np.ones(2), "cubic")


def test_path_points_include_both_ends_and_any_part_of_the_way():
    path = Path(np.array([0.0, 0.0]), np.array([10.0, 20.0]))
    np.testing.assert_allclose(path.points(3), [[0, 0], [5, 10], [10, 20]])
    np.testing.assert_allclose(path.points(3, start=0.5, stop=0.6), [[5, 10], [5.5, 11], [6, 12]], rtol=1e-6)
    np.testing.assert_allclose(path.at([0.1]), [[1, 2]], rtol=1e-6)
    np.testing.assert_allclose(path.points(1), [[0, 0]])


@pytest.mark.parametrize("n", [2, 5, 8])
def test_a_closed_path_comes_home_without_a_jump_and_shows_no_frame_twice_in_a_row(n):
    x = Path(np.array([0.0]), np.array([1.0]), closed=True).points(n)[:, 0]
    assert x[0] == 0
    assert len(x) == n
    steps = np.abs(np.diff([*x, x[0]]))  # as it is played: the first frame follows the last
    assert steps.max() <= 2 / n + 1e-6
    np.testing.assert_allclose(x[1:], x[1:][::-1], atol=1e-6)  # there and back on the same way
    assert n % 2 or x.max() == 1


def test_even_positions_take_equal_shares_of_the_change():
    # a picture that changes as the square of the position has come half of its way at sqrt(1/2)
    fine = np.linspace(0, 1, 2001)
    ts = Path(np.zeros(1), np.ones(1)).positions(5, change=fine**2)
    np.testing.assert_allclose(ts, np.sqrt([0, 0.25, 0.5, 0.75, 1]), atol=1e-3)
    part = Path(np.zeros(1), np.ones(1)).positions(3, 0.2, 0.4, change=fine**2)
    np.testing.assert_allclose(part, [0.2, 0.2 + 0.2 * math.sqrt(0.5), 0.4], atol=1e-3)


def test_even_positions_of_a_picture_that_never_changes_are_the_plain_ones():
    np.testing.assert_allclose(Path(np.zeros(1), np.ones(1)).positions(3, change=np.zeros(9)), [0, 0.5, 1])


def test_a_plane_is_read_like_a_map():
    origin, u, v = np.array([1.0, 2, 3]), np.array([1.0, 0, 0]), np.array([0.0, 10, 0])
    plane = Plane(origin, u, v)
    grid = plane.grid(3, extent=2.0)
    assert grid.shape == (3, 3, 3)
    assert grid.dtype == np.float32
    np.testing.assert_allclose(grid[0, 0], [-1, 22, 3])  # top left: x = -2, y = +2
    np.testing.assert_allclose(grid[2, 2], [3, -18, 3])  # bottom right
    np.testing.assert_allclose(grid[1, 1], origin)
    np.testing.assert_allclose(plane.grid(1, extent=2.0, center=(1, 0.5))[0, 0], [2, 7, 3])
    np.testing.assert_allclose(plane.grid(3, extent=1.0, center=(5, 0))[1, :, 0], [5, 6, 7])


def test_coordinates_are_those_of_the_foot_of_the_perpendicular():
    rng = np.random.default_rng(5)
    origin, u, v = rng.standard_normal((3, 6))
    xy = rng.standard_normal((9, 2))
    away = np.linalg.svd(np.stack([u, v]))[2][2:]  # perpendicular to the plane
    points = origin + xy @ np.stack([u, v]) + rng.standard_normal((9, 4)) @ away
    np.testing.assert_allclose(Plane(origin, u, v).coordinates(points), xy, atol=1e-9)


def test_a_plane_of_three_shapes_is_refused():
    with pytest.raises(ValueError, match="one shape"):
        Plane(np.ones(2), np.ones(2), np.ones(3))


@pytest.mark.parametrize("kind", ["linear", "slerp"])
def test_corners_lie_where_they_are_named(kind):
    a, b, c, d = np.random.default_rng(6).standard_normal((4, 5)).astype("float32")
    plane = Plane.corners(a, b, c, d, kind=kind)
    grid = plane.grid(4)
    assert grid.shape == (4, 4, 5)
    for corner, found in ((a, grid[0, 0]), (b, grid[0, -1]), (c, grid[-1, 0]), (d, grid[-1, -1])):
        np.testing.assert_allclose(found, corner, atol=1e-6)
    with pytest.raises(NotImplementedError, match="curved"):
        plane.coordinates(a[None])


def test_linear_corners_are_the_bilinear_surface():
    a, b, c, d = np.random.default_rng(7).standard_normal((4, 2, 3))
    x, y = 0.3, -0.4
    weights = [(1 - x) * (1 + y) / 4, (1 + x) * (1 + y) / 4, (1 - x) * (1 - y) / 4, (1 + x) * (1 - y) / 4]
    expected = sum(w * corner for w, corner in zip(weights, (a, b, c, d), strict=True))
    np.testing.assert_allclose(Plane.corners(a, b, c, d).at(x, y), expected, atol=1e-6)


def test_spherical_corners_of_one_norm_stay_on_their_sphere():
    corners = np.random.default_rng(8).standard_normal((4, 9))
    corners *= 3 / np.linalg.norm(corners, axis=1, keepdims=True)
    np.testing.assert_allclose(np.linalg.norm(Plane.corners(*corners, kind="slerp").grid(6), axis=-1), 3, rtol=1e-5)


def test_orthogonal_takes_away_exactly_what_lies_in_the_others():
    rng = np.random.default_rng(9)
    direction, one, two = rng.standard_normal((3, 4, 5))
    rest = geometry.orthogonal(direction, [one, two, one - 2 * two])  # the third adds nothing
    first = one / np.linalg.norm(one)  # Gram and Schmidt's way
    second = two - (two * first).sum() * first
    second /= np.linalg.norm(second)
    np.testing.assert_allclose(rest, direction - (direction * first).sum() * first - (direction * second).sum() * second, atol=1e-6)
    assert rest.dtype == np.float32
    np.testing.assert_allclose(geometry.orthogonal(direction, []), direction, rtol=1e-6)
    np.testing.assert_allclose(geometry.orthogonal(one, [one]), 0, atol=1e-6)


def test_quantile_against_printed_values_and_the_error_function():
    printed = {0.5: 0.0, 0.8413447: 1.0, 0.9: 1.2815516, 0.95: 1.6448536, 0.975: 1.9599640, 0.995: 2.5758293, 0.0013499: -3.0}
    np.testing.assert_allclose(geometry.quantile(list(printed)), list(printed.values()), atol=1e-5)
    p = np.linspace(0.0001, 0.9999, 40).reshape(5, 8)
    np.testing.assert_allclose([[0.5 * math.erfc(-z / math.sqrt(2)) for z in row] for row in geometry.quantile(p)], p, atol=1e-12)


def test_density_against_a_double_loop():
    rng = np.random.default_rng(10)
    points, x, y, width = rng.standard_normal((30, 2)), np.linspace(-2, 2, 5), np.linspace(3, -3, 4), (0.4, 0.9)
    expected = np.zeros((4, 5))
    for row, b in enumerate(y):
        for column, a in enumerate(x):
            for p, q in points:
                expected[row, column] += math.exp(-((a - p) ** 2) / (2 * 0.4**2) - (b - q) ** 2 / (2 * 0.9**2))
    np.testing.assert_allclose(geometry.density(points, x, y, width), expected, rtol=1e-9)


def test_density_on_a_plane_of_a_larger_space():
    rng = np.random.default_rng(11)
    points, width, height = rng.standard_normal((20, 3)), np.array([0.5, 0.7, 0.6]), 0.3
    found = geometry.density(points[:, :2], [0.1], [-0.2], width[:2], ((points[:, 2] - height) / width[2]) ** 2)
    expected = sum(
        math.exp(-sum(((s - p) / w) ** 2 for s, p, w in zip((0.1, -0.2, height), point, width, strict=True)) / 2)
        for point in points
    )
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(expected, rel=1e-9)


def test_density_is_as_wide_as_scotts_rule_says():
    points = np.random.default_rng(12).standard_normal((64, 2)) * (1, 5)
    spread = [float(np.sqrt(sum((c - points[:, i].mean()) ** 2 for c in points[:, i]) / 64)) for i in (0, 1)]
    x, y = np.linspace(-1, 1, 3), np.linspace(-5, 5, 3)
    np.testing.assert_allclose(
        geometry.density(points, x, y), geometry.density(points, x, y, (spread[0] / 2, spread[1] / 2)), rtol=1e-9
    )


@pytest.mark.parametrize("k", [1, 3, 40, 60])
def test_nearest_against_sorting_everything(k):
    points = np.random.default_rng(13).standard_normal((40, 3))
    z = np.array([0.2, -0.1, 0.4])
    expected = sorted(range(40), key=lambda i: math.dist(points[i], z))[:k]
    assert geometry.nearest(points, z, k).tolist() == expected


def some_embeddings(seed, n=1):
    rng = np.random.default_rng(seed)
    return Embeddings(*(rng.standard_normal((n, *shape)).astype("float32") for shape in ((4, 6), (4, 6), (5,), (5,))))


@pytest.mark.parametrize("kind", ["linear", "slerp"])
def test_both_parts_of_embeddings_turn_by_themselves_and_the_negative_ones_stay(kind):
    a, b = some_embeddings(0), some_embeddings(1)
    way = Path(a, b, kind).points(5, 0.2, 0.8)
    turn = {"linear": lerp, "slerp": slerp}[kind]
    for i, t in enumerate(np.linspace(0.2, 0.8, 5)):
        np.testing.assert_allclose(way.sequence[i].ravel(), turn(a.sequence.ravel(), b.sequence.ravel(), t), atol=1e-6)
        np.testing.assert_allclose(way.pooled[i], turn(a.pooled[0], b.pooled[0], t), atol=1e-6)
        np.testing.assert_array_equal(way.negative_sequence[i], a.negative_sequence[0])
        np.testing.assert_array_equal(way.negative_pooled[i], a.negative_pooled[0])


def test_four_embeddings_span_a_plane_that_is_read_like_a_map():
    a, b, c, d = map(some_embeddings, range(4))
    grid = Plane.corners(a, b, c, d).grid(3)
    assert [part.shape for part in grid] == [(9, 4, 6), (9, 4, 6), (9, 5), (9, 5)]
    for i, corner in ((0, a), (2, b), (6, c), (8, d)):
        np.testing.assert_allclose(grid.sequence[i], corner.sequence[0], atol=1e-6)
    np.testing.assert_allclose(grid.pooled[4], (a.pooled + b.pooled + c.pooled + d.pooled)[0] / 4, atol=1e-6)


@pytest.mark.parametrize(
    ("ends", "words"),
    [((some_embeddings(0), np.zeros(3)), "both be embeddings"), ((some_embeddings(0, 2), some_embeddings(1)), "one prompt each")],
)
def test_a_path_wants_one_prompt_at_either_end(ends, words):
    with pytest.raises(ValueError, match=words):
        Path(*ends)


@pytest.mark.parametrize("closed", [False, True])
def test_of_no_points_there_are_none_of_the_right_shape(closed):
    assert Path(np.zeros((2, 3)), np.ones((2, 3)), closed=closed).points(0).shape == (0, 2, 3)
    assert Plane([0, 0], [1, 0], [0, 1]).grid(0).shape == Plane.corners([0, 0], [1, 0], [0, 1], [1, 1]).grid(0).shape == (0, 0, 2)


@pytest.mark.parametrize("n", [-1, 1.5, "3", None, True])
def test_a_number_of_points_that_is_none_is_refused(n):
    for points in (Path([0, 0], [1, 1]).points, Plane([0, 0], [1, 0], [0, 1]).grid, Plane.corners([0], [1], [2], [3]).grid):
        with pytest.raises(ValueError, match=f"n must be a whole number from 0, got {n!r}"):
            points(n)


@pytest.mark.parametrize("kind", geometry.KINDS)
def test_a_way_through_more_points_is_that_from_each_to_the_next(kind):
    stops = np.random.default_rng(1).normal(size=(4, 3))
    path = geometry.Path.through(stops, kind)
    np.testing.assert_allclose(path.at(np.arange(4) / 3), stops, atol=1e-6)
    within = geometry.Path(stops[1], stops[2], kind).at([0.25])
    np.testing.assert_allclose(path.at([(1 + 0.25) / 3]), within, atol=1e-6)
    assert len(path.points(7)) == 7
    parts = geometry.Embeddings(*(np.random.default_rng(2).normal(size=(3, 2, 5)) for _ in range(4)))
    np.testing.assert_allclose(geometry.Path.through(parts, kind).at([0.5]).sequence[0], parts.sequence[1], atol=1e-6)
    with pytest.raises(ValueError, match="two points at least"):
        geometry.Path.through(stops[:1])
