"""The toys' decoders are one dense layer each, so that every picture can be worked out without Keras."""

import io
import math

import av
import numpy as np
import pytest
from PIL import Image

from explorer import imaging, state, views
from explorer.state import StateError
from explorer.views.latent_plane import pictures as plane


def complete(query):
    return views.complete(state.parse_strictly(query))


def render(query, ending="png"):
    return views.render(state.parse_strictly(query), ending)


def pixels(file_bytes):
    return np.asarray(Image.open(io.BytesIO(file_bytes)))


def close(found, expected):
    """Equal but for the rounding of a value that lies between two bytes."""
    difference = np.abs(found.astype(int) - expected.astype(int))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.01


# --- completing ---


def test_what_a_link_leaves_out_comes_from_the_model(toys):
    full = complete("model=deep&n=5")
    assert (full["z"], full["center"], full["extent"]) == ((0.5, -0.25, 0.75, 0.25), (0.0, 0.0), 3.0)
    assert (full["what"], full["axes"], full["n"], full["scale"], full["kind"]) == ("picture", (0, 1), 5, "z", "linear")
    assert complete("model=deep&scale=p")["center"] == (0.5, 0.5)
    assert complete("model=deep&scale=p")["extent"] == 0.5
    assert set(full) <= set(state.KEYS)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("model=flat&z=1", "z must be 2 numbers for flat, got 1"),
        ("model=flat&z=1,2,3", "z must be 2 numbers"),
        ("model=deep&to=1,2", "to must be 4 numbers"),
        ("model=deep&from=1,2", "from must be 4 numbers"),
        ("model=flat&axes=0,2", "axes"),
        ("model=flat&axes=1,1", "axes"),
        ("model=flat&axes=0", "axes"),
        ("model=flat&axes=", "axes"),
        ("model=holes&scale=p", "scale p needs a prior"),
        ("model=flat&what=forward", "what must be one of picture, strip, plane, grid with view=latent-plane, got forward"),
    ],
)
def test_what_does_not_fit_the_model_is_said(toys, query, words):
    with pytest.raises(StateError, match=words):
        complete(query)


def test_an_unknown_model_and_a_judge_are_no_models_to_draw(toys, small_registry, monkeypatch):
    with pytest.raises(KeyError, match="judge, which makes no pictures"):
        complete("model=judges/digits")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(toys.root))
    with pytest.raises(KeyError, match="deep, flat, holes"):
        complete("model=unknown")


# --- what is decoded where ---


def test_a_picture_is_what_the_decoder_makes_of_z(toys):
    np.testing.assert_allclose(
        plane.picture(complete("model=deep&z=1,-2,0.5,3")), toys.deep.pictures([1, -2, 0.5, 3])[0], atol=1e-6
    )


def test_the_window_looks_at_the_middles_of_its_cells(toys):
    x, y = plane.window(complete("model=flat&center=1,-2&extent=2"), 4)
    np.testing.assert_allclose(x, [-0.5, 0.5, 1.5, 2.5])
    np.testing.assert_allclose(y, [-0.5, -1.5, -2.5, -3.5])  # from the top


def test_the_window_in_p_values_is_even_in_the_normals_share(toys):
    x, y = plane.window(complete("model=flat&scale=p"), 10)
    np.testing.assert_allclose([0.5 * math.erfc(-z / math.sqrt(2)) for z in x], np.arange(0.05, 1, 0.1), atol=1e-9)
    np.testing.assert_allclose(y, -x, atol=1e-9)
    far, _ = plane.window(complete("model=flat&scale=p&extent=3"), 10)
    assert np.isfinite(far).all()


def test_a_plane_through_a_larger_space_keeps_the_other_coordinates(toys):
    sheet = plane.manifold(complete("model=deep&z=9,1,9,-2&axes=2,0&n=3&center=0.5,-1&extent=3"))
    z = [(x_of_0, 1, x_of_2, -2) for x_of_0 in (1, -1, -3) for x_of_2 in (-1.5, 0.5, 2.5)]  # axis 2 across, axis 0 upwards
    np.testing.assert_allclose(sheet, toys.deep.pictures(z), atol=1e-6)


# --- the walk ---


def test_a_walk_has_its_ends_and_even_steps_between(toys):
    pictures, z, ts = plane.walk(complete("model=flat&z=-1,0&to=1,2&frames=5"))
    np.testing.assert_allclose(z, [[-1, 0], [-0.5, 0.5], [0, 1], [0.5, 1.5], [1, 2]], atol=1e-6)
    np.testing.assert_allclose(ts, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(pictures, toys.flat.pictures(z), atol=1e-6)


def test_a_walk_that_has_its_end_alone_begins_at_z_where_it_is_drawn(toys):
    _, z, _ = plane.walk(complete("model=flat&z=-1,0&from=&to=1,2&frames=3&what=strip"))
    np.testing.assert_allclose(z, [[-1, 0], [0, 1], [1, 2]], atol=1e-6)
    assert complete("model=flat&z=-1,0&from=&to=1,2")["from"] == ()


def test_a_walk_may_begin_elsewhere_than_at_z(toys):
    _, z, _ = plane.walk(complete("model=flat&z=9,9&from=-1,0&to=1,2&frames=3"))
    np.testing.assert_allclose(z, [[-1, 0], [0, 1], [1, 2]], atol=1e-6)


def test_a_walk_on_the_circle_keeps_its_distance_from_the_origin(toys):
    _, z, _ = plane.walk(complete("model=flat&z=2,0&to=0,2&kind=slerp&frames=7&start=0.2&stop=0.7"))
    angles = np.degrees(np.arctan2(z[:, 1], z[:, 0]))
    np.testing.assert_allclose(angles, np.linspace(18, 63, 7), atol=0.01)
    np.testing.assert_allclose(np.hypot(*z.T), 2, atol=1e-3)


def test_an_even_walk_changes_the_picture_by_as_much_in_each_step(toys):
    query = "model=flat&z=-8,-6&to=3,4&frames=8"
    steps = {}
    for even in (0, 1):
        _, z, _ = plane.walk(complete(f"{query}&even={even}"))
        fine = [toys.flat.pictures(np.linspace(a, b, 50)) for a, b in zip(z[:-1].astype(float), z[1:].astype(float), strict=True)]
        steps[even] = np.array([np.sqrt((np.diff(f, axis=0) ** 2).mean((1, 2, 3))).sum() for f in fine])  # lengths along the way
    assert steps[0].max() / steps[0].min() > 3
    assert steps[1].max() / steps[1].min() < 1.1


def test_a_closed_walk_returns_the_way_it_came(toys):
    _, z, _ = plane.walk(complete("model=flat&z=0,0&to=1,0&frames=4&closed=1"))
    np.testing.assert_allclose(z[:, 0], [0, 0.5, 1, 0.5], atol=1e-6)


def test_a_walk_needs_somewhere_to_go(toys):
    with pytest.raises(StateError, match="two points"):
        render("model=flat&what=strip")


# --- the veil ---


def test_the_normal_veil_is_the_standard_normal_relative_to_its_peak(toys):
    veil = plane.veil(complete("model=flat&veil=normal&center=0.5,0&extent=2"), 4)
    expected = [[math.exp(-(x * x + y * y) / 2) for x in (-1, 0, 1, 2)] for y in (1.5, 0.5, -0.5, -1.5)]
    np.testing.assert_allclose(veil, expected, rtol=1e-9)


@pytest.mark.parametrize(
    "query",
    ["model=flat&veil=data", "model=deep&veil=data&axes=3,1&z=0.5,0,-0.5,0", "model=holes&veil=data&center=0.5,0.5&extent=1.5"],
)
def test_the_data_veil_follows_a_kernel_estimate_made_by_hand(toys, query):
    full = complete(query)
    toy = getattr(toys, full["model"])
    points, d = toy.z_mean.astype("float64"), toy.latent_size
    width = [
        math.sqrt(sum((p - points[:, i].mean()) ** 2 for p in points[:, i]) / len(points)) * len(points) ** (-1 / (d + 4))
        for i in range(d)
    ]
    n, expected = 9, np.zeros((9, 9))
    for row in range(n):
        for column in range(n):
            z = list(full["z"])
            z[full["axes"][0]] = full["center"][0] + full["extent"] * (2 * (column + 0.5) / n - 1)
            z[full["axes"][1]] = full["center"][1] - full["extent"] * (2 * (row + 0.5) / n - 1)
            expected[row, column] = sum(math.exp(-sum(((z[i] - p[i]) / width[i]) ** 2 for i in range(d)) / 2) for p in points)
    veil = plane.veil(full, n)
    assert veil.min() >= 0
    assert veil.max() <= 1
    inner = (veil < 0.999) & (veil > 1e-6)  # where nothing was clipped the two differ by a factor alone
    assert inner.sum() > 20
    ratio = veil[inner] / expected[inner]
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-3)


def test_the_veil_is_dark_where_the_model_only_guesses():
    shade = plane.shade(np.array([0.0, 1e-4, 0.01, 0.05, 0.5, 1.0]))
    assert shade[0] == pytest.approx(0.85)
    assert (np.diff(shade) <= 0).all()
    assert shade[1] > 0.7
    assert shade[-2:].tolist() == [0, 0]


# --- files ---


def test_a_picture_file_is_the_decoded_picture_enlarged(toys):
    close(pixels(render("model=flat&z=0.5,-1&size=64")), np.kron(toys.flat.picture_bytes([0.5, -1])[0], np.ones((8, 8), "uint8")))
    assert pixels(render("model=flat")).shape == (80, 80)
    assert pixels(render("model=flat&size=31")).shape == (24, 24)  # whole pixels only


def test_a_strip_stands_side_by_side(toys):
    sheet = pixels(render("model=flat&what=strip&z=-1,0&to=1,2&frames=3&size=16"))
    assert sheet.shape == (16, 3 * 16 + 2 * 4)
    frames = toys.flat.picture_bytes([[-1, 0], [0, 1], [1, 2]])
    for i in range(3):
        close(sheet[:, 20 * i : 20 * i + 16], np.kron(frames[i], np.ones((2, 2), "uint8")))


def test_a_grid_is_the_bare_sheet_with_the_top_at_the_top(toys):
    sheet = pixels(render("model=flat&what=grid&n=3&size=16&extent=3"))
    expected = toys.flat.picture_bytes([(x, y) for y in (2, 0, -2) for x in (-2, 0, 2)])
    assert sheet.shape == (48, 48)
    for i in range(9):
        close(sheet[16 * (i // 3) :, 16 * (i % 3) :][:16, :16], np.kron(expected[i], np.ones((2, 2), "uint8")))


def test_the_plane_shows_a_point_of_each_class_that_is_not_hidden(toys):
    query = "model=flat&what=plane&n=4&center=0,0&extent=3"
    bare, dotted = pixels(render(query + "&points=0")), pixels(render(query))
    assert bare.shape == dotted.shape
    side = bare.shape[0]
    without = pixels(render(query + "&hidden=1"))
    seen = set()
    for (x, y), label in zip(toys.flat.z_mean.astype(float), toys.flat.labels, strict=True):
        column, row = int((x + 3) / 6 * side), int((3 - y) / 6 * side)
        crowd = np.abs(toys.flat.z_mean.astype(float) - (x, y)).max(1) < 0.05
        if crowd.sum() == 1 and 5 < column < side - 5 and 5 < row < side - 5:
            colour = tuple(int(plane.PALETTE[label][i : i + 2], 16) for i in (1, 3, 5))
            assert tuple(dotted[row, column]) == colour
            hidden = label == 1
            np.testing.assert_array_equal(without[row, column], (bare if hidden else dotted)[row, column])
            seen.add(int(label))
    assert seen == {0, 1, 2}
    assert bare.std() > 1


def test_the_veil_darkens_the_plane_far_from_the_data(toys):
    query = "model=flat&what=plane&n=4&center=0,0&extent=6&points=0"
    bare, veiled = (pixels(render(query + extra)).astype(float) for extra in ("", "&veil=data"))
    corner, middle = (slice(0, 60),) * 2, (slice(510, 570),) * 2
    assert veiled[corner].mean() < 0.4 * bare[corner].mean() + 20
    assert np.abs(veiled[middle] - bare[middle]).mean() < 3


def test_a_gif_and_an_mp4_play_the_walk(toys):
    query = "model=flat&what=strip&z=-1,0&to=1,2&frames=4&size=32"
    expected = toys.flat.picture_bytes(np.linspace((-1, 0), (1, 2), 4))
    film = Image.open(io.BytesIO(render(query, "gif")))
    assert (film.n_frames, film.size) == (4, (32, 32))
    for i in range(4):
        film.seek(i)
        close(np.asarray(film.convert("L")), np.kron(expected[i], np.ones((4, 4), "uint8")))
    with av.open(io.BytesIO(render(query, "mp4"))) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    assert len(frames) == 4
    for frame, image in zip(frames, expected, strict=True):
        assert np.abs(frame.astype(int) - np.kron(image, np.ones((4, 4), "uint8"))).mean() < 12


@pytest.mark.parametrize(
    ("query", "ending"),
    [
        ("model=deep&z=0.1,0.2,0.3,-0.4", "png"),
        ("model=flat&what=strip&to=1,1&frames=3&even=1", "png"),
        ("model=flat&what=strip&to=1,1&frames=3", "gif"),
        ("model=flat&what=strip&to=1,1&frames=3", "webp"),
        ("model=flat&what=strip&to=1,1&frames=3", "zip"),
        ("model=flat&what=strip&to=1,1&frames=3", "npz"),
        ("model=flat&what=strip&to=1,1&frames=3&closed=1", "mp4"),
        ("model=flat&what=plane&n=3&veil=data&scale=p", "png"),
        ("model=holes&what=grid&n=3&size=16", "png"),
    ],
)
def test_a_file_carries_the_link_that_makes_the_same_file_again(toys, query, ending):
    file = render(query, ending)
    carried = imaging.state_of(file)
    assert state.parse_strictly(carried) == state.parse_strictly(query)
    again = render(carried, ending)
    if ending == "mp4":  # the container may carry a date
        with av.open(io.BytesIO(file)) as one, av.open(io.BytesIO(again)) as two:
            for a, b in zip(one.decode(video=0), two.decode(video=0), strict=True):
                np.testing.assert_array_equal(a.to_ndarray(format="rgb24"), b.to_ndarray(format="rgb24"))
    else:
        assert again == file


@pytest.mark.parametrize(
    ("query", "ending", "words"),
    [
        ("model=flat", "jpg", "png, .gif, .mp4, .webp, .zip, .npz, got .jpg"),
        ("model=flat", "", "must end in"),
        ("model=flat", "gif", "what=strip"),
        ("model=flat&what=plane", "mp4", "what=strip"),
        ("model=flat&what=grid&n=60&size=1024", "png", "at most"),
        ("model=flat&what=grid&n=16&size=1000", "png", "64 megapixels, got 256 pictures of 1000 x 1000: lower size"),
        ("model=flat&what=trajectory", "gif", "what must be one of"),
    ],
)
def test_what_does_not_go_together_is_said(toys, query, ending, words):
    with pytest.raises(StateError, match=words):
        render(query, ending)
