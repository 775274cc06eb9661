"""Places, planes through three of them, GANs on these planes, and morphs of any model, against NumPy."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from explorer import checkpoints, geometry, imaging, state, views
from explorer.state import StateError
from explorer.views import points
from explorer.views.latent_plane import calls as plane_calls
from explorer.views.latent_plane import pictures as planes
from explorer.views.morph import calls as morph_calls
from explorer.views.morph import pictures as morphs


def complete(query):
    return views.complete(state.parse_strictly(query))


def morphing(query):
    return views.complete(state.parse_strictly(f"view=morph&{query}"))


def seeded(seed, d=6):
    """What a seed draws from N(0, I), as it stands in a link: float64 (d,)."""
    return np.round(np.random.default_rng(seed).standard_normal(d, dtype="float32").astype("float64"), 4)


def garment(toy, z, label):
    """What the conditional GAN draws, float64 (n, side, side, 1)."""
    logits = np.asarray(z).reshape(-1, toy.latent_size) @ toy.kernel + toy.garments[label] + toy.bias
    return (1 / (1 + np.exp(-logits))).reshape(-1, toy.side, toy.side, 1)


# --- long walks ---


def ends(even=0):
    return f"view=morph&what=strip&model=gan&corners=0;1&frames=220&even={even}"


def test_a_long_walk_is_the_same_pictures_decoded_in_parts(gans, monkeypatch):
    asked, decode = [], points.decode
    monkeypatch.setattr(points, "decode", lambda state, z: asked.append(len(z)) or decode(state, z))
    full = complete(ends())
    frames, z, ts = morphs.frames(full)
    assert asked == [64, 64, 64, 28]
    np.testing.assert_allclose(ts, np.linspace(0, 1, 220))
    np.testing.assert_allclose(frames, decode(full, z), atol=1e-6)


@pytest.mark.parametrize("frames", [2, 9, 64, 100, 220, 600])
def test_even_steps_of_a_long_walk_look_at_a_bounded_number_of_pictures(gans, monkeypatch, frames):
    asked, decode = [], points.decode
    monkeypatch.setattr(points, "decode", lambda state, z: asked.append(len(z)) or decode(state, z))
    full = complete(ends(1)) | {"frames": frames}
    images, z, ts = morphs.frames(full)
    fine = min(8 * frames, 1200)
    assert sum(asked) == fine + 1 + frames
    assert max(asked) <= 513
    # by NumPy, at once: what changed up to each frame grows in equal parts
    path = geometry.Path(*points.corners_of(full), "linear").at(np.linspace(0, 1, fine + 1))
    change = np.append(0, np.cumsum(np.sqrt(np.square(np.diff(decode(full, path), axis=0)).mean((1, 2, 3)))))
    at = np.interp(ts, np.linspace(0, 1, fine + 1), change)
    np.testing.assert_allclose(np.diff(at), at[-1] / (frames - 1), rtol=1e-3)


@pytest.mark.parametrize("ending", ["gif", "mp4"])
def test_a_film_of_220_frames_has_220(gans, ending):
    file = views.render(state.parse_strictly(ends() + "&size=32"), ending)
    if ending == "gif":
        assert Image.open(io.BytesIO(file)).n_frames == 220
    else:
        av = pytest.importorskip("av")
        with av.open(io.BytesIO(file)) as film:
            assert sum(1 for _ in film.decode(video=0)) == 220
    with pytest.raises(StateError, match="a film may have 70 megapixels in all, got 600 frames of 512 x 512"):
        views.render(state.parse_strictly(ends().replace("220", "600") + "&size=512"), ending)
    with pytest.raises(StateError, match="frames must be a whole number from 2 to 600"):
        state.parse_strictly("frames=601")


# --- the plane through three points ---


def test_a_plane_through_three_points_measures_distances_from_the_first():
    plane = geometry.Plane.through([1, 0, 0], [1, 3, 0], [1, 1, -2])
    np.testing.assert_allclose(plane.at(0, 0), [1, 0, 0])
    np.testing.assert_allclose(plane.at([3, 1, -1], [0, 2, 1]), [[1, 3, 0], [1, 1, -2], [1, -1, -1]], atol=1e-6)
    np.testing.assert_allclose(plane.coordinates([[1, 3, 0], [1, 1, -2], [9, 0, 1]]), [[3, 0], [1, 2], [0, -1]], atol=1e-9)


def test_in_many_dimensions_its_axes_stay_perpendicular():
    plane = geometry.Plane.through(*np.random.default_rng(0).normal(size=(3, 300)))
    np.testing.assert_allclose([plane.u @ plane.u, plane.v @ plane.v, plane.u @ plane.v], [1, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    "points", [([1, 2], [1, 2], [1, 2]), ([0, 0], [1, 1], [3, 3]), ([0, 0], [0, 0], [1, 0]), ([1, 0], [2, 0], [1, 0])]
)
def test_points_on_one_line_span_no_plane(points):
    with pytest.raises(ValueError, match="three points on one line"):
        geometry.Plane.through(*points)


THREE = "model=deep&corners=0,1,0,0;0,1,2,0;3,1,0,0"  # u is axis 2, v is axis 0: x = z2, y = z0


def test_three_corners_are_seen_whole_and_the_first_is_the_point(toys):
    full = complete(THREE)
    assert full["z"] == (0, 1, 0, 0)
    assert full["center"] == pytest.approx((2 / 3, 1), abs=1e-4)
    assert full["extent"] == pytest.approx(1.25 * 2, abs=1e-4)
    with pytest.raises(state.StateError, match="leave axes out, or corners"):
        complete(f"{THREE}&z=1,1,1,1&center=0,0&extent=2&axes=3,1")
    assert complete(f"{THREE}&center=1,2")["center"] == (1, 2)


def test_its_sheet_is_decoded_on_it(toys):
    sheet = planes.manifold(complete(f"{THREE}&n=2&center=1,2&extent=2&z=9,9,9,9"))
    z = [(y, 1, x, 0) for y in (3, 1) for x in (0, 2)]
    np.testing.assert_allclose(sheet, toys.deep.pictures(z), atol=1e-6)


def test_the_normals_density_peaks_where_the_plane_is_nearest_to_the_origin(toys):
    full = complete("model=deep&corners=-1,1,0,0;-1,1,2,0;3,1,0,0&center=0,0&extent=2&veil=normal")  # x = z2, y = z0 + 1
    x, y = planes.window(full, 9)
    veil = planes.veil(full, 9)
    np.testing.assert_allclose(veil, np.exp(-0.5 * (x[None] ** 2 + (y[:, None] - 1) ** 2)), atol=1e-9)


def test_the_datas_density_is_that_of_the_whole_space(toys):
    full = complete("model=deep&corners=0,0,0,0;1,1,0,0;0,0,1,-1&center=0,0&extent=1.5&veil=data")
    codes = toys.deep.z_mean.astype(float)
    width = np.maximum(codes.std(0), 0.05) * 60 ** (-1 / 8)
    x, y = planes.window(full, 8)
    z = np.array([[(a, a, b, -b) for a in x / np.sqrt(2)] for b in y / np.sqrt(2)])
    expected = np.exp(-0.5 * (((z[:, :, None] - codes) / width) ** 2).sum(-1)).sum(-1)
    veil = planes.veil(full, 8)
    inner = (veil < 0.999) & (veil > 1e-6)
    ratio = veil[inner] / expected[inner]
    assert inner.sum() > 20
    assert ratio.max() / ratio.min() == pytest.approx(1, abs=1e-3)


def test_the_points_are_drawn_where_they_are_nearest_to_it(toys):
    query = f"{THREE}&what=plane&n=2&center=0,0&extent=3&z=0,0,0,0"
    bare, dotted = (planes.figure(complete(query + more), 600).astype(int) for more in ("&points=0", ""))
    seen = 0
    for z, label in zip(toys.deep.z_mean.astype(float), toys.deep.labels, strict=True):
        column, row = int((z[2] + 3) * 100), int((3 - z[0]) * 100)
        if 5 < column < 595 and 5 < row < 595:
            colours = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in planes.PALETTE[:3]]
            assert dotted[row, column].tolist() in colours, label
            seen += 1
    assert seen > 30
    assert (bare != dotted).any()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("model=deep&corners=1;2", "corners must be 3 places for a plane, got 2"),
        ("model=deep&corners=1;2;3;4", "corners must be 3 places for a plane, got 4"),
        ("model=deep&corners=5;5;6", "one line span no plane: choose another seed"),
        ("model=deep&corners=0,0,0,0;1,1,1,1;2,2,2,2", "one line span no plane"),
        ("model=deep&corners=1;2;3&scale=p", "scale p is of axes"),
        ("model=deep&corners=1;2;0,5", "a place in corners must be 4 numbers for deep, got 2"),
        ("model=deep&corners=1;2;g60", "the gallery of deep has the pictures 0 to 59, not 60"),
        ("model=deep&label=1", "deep was trained without classes: leave label out"),
    ],
)
def test_what_is_no_plane_is_said(toys, query, words):
    with pytest.raises(StateError, match=words):
        complete(query)


# --- GANs ---


def test_a_gan_shows_the_plane_through_its_cards_seeds(gans):
    full = complete("model=gan")
    a, b, c = (seeded(seed) for seed in (0, 1, 2))
    assert full["corners"] == (0, 1, 2)
    np.testing.assert_allclose(full["z"], a, atol=1e-9)
    assert full["points"] is False
    plane = planes.plane_of(full)
    u, side = (b - a) / np.linalg.norm(b - a), c - a
    v = side - (side @ u) * u
    np.testing.assert_allclose(plane.at([0, 1, 0], [0, 0, 1]), [a, a + u, a + v / np.linalg.norm(v)], atol=1e-5)
    at = np.array([[0, 0], [np.linalg.norm(b - a), 0], [side @ u, np.linalg.norm(v)]])
    np.testing.assert_allclose(full["center"], at.mean(0), atol=1e-4)
    assert full["extent"] == pytest.approx(1.25 * np.abs(at - at.mean(0)).max(), abs=1e-3)
    np.testing.assert_allclose(planes.picture(full), gans.gan.pictures(a)[0], atol=1e-6)


def test_named_axes_win_over_the_cards_seeds(gans):
    assert "corners" not in complete("model=gan&axes=0,1")
    assert "corners" not in complete("model=gan&scale=p")
    full = complete("model=gan&axes=4,2&n=2&extent=2")
    assert full["center"] == (0, 0)
    np.testing.assert_allclose(planes.manifold(full)[1], gans.gan.pictures([0.5, 0, 1, 0, 1, 0])[0], atol=1e-6)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("model=gan&veil=data", "gan has no encodings"),
        ("model=gan&corners=1;2;g3", "gan has no gallery: places in corners must be seeds"),
        ("model=gan&label=0", "gan was trained without classes"),
        ("model=garments&label=3", "label must be a whole number from 0 to 2 for garments, got 3"),
    ],
)
def test_what_a_gan_does_not_have_is_said(gans, query, words):
    with pytest.raises(StateError, match=words):
        complete(query)


def test_a_conditional_gan_draws_what_the_label_says(gans):
    np.testing.assert_allclose(planes.picture(complete("model=garments")), garment(gans.garments, seeded(0), 0)[0], atol=1e-6)
    full = complete("model=garments&label=2&n=2")
    np.testing.assert_allclose(planes.picture(full), garment(gans.garments, seeded(0), 2)[0], atol=1e-6)
    x, y = planes.window(full, 2)
    z = planes.plane_of(full).at(*np.meshgrid(x, y)).reshape(-1, 6)
    np.testing.assert_allclose(planes.manifold(full), garment(gans.garments, z, 2), atol=1e-6)
    frames, z, _ = planes.walk(complete("model=garments&label=1&to=0,0,0,0,0,0&frames=3&even=1"))
    np.testing.assert_allclose(frames, garment(gans.garments, z, 1), atol=1e-6)


def test_files_of_a_gan_show_what_the_page_shows(gans):
    for query in ("model=gan&what=plane&veil=normal&n=4", "model=gan&what=grid&n=3&size=16", "model=garments&label=1"):
        file = views.render(state.parse_strictly(query), "png")
        assert state.parse_strictly(imaging.state_of(file)) == state.parse_strictly(query)


def test_the_server_tells_a_page_of_a_gan_what_it_has(gans):
    answer = plane_calls.open_view("model=gan")
    assert answer["problems"] == []
    assert answer["state"]["corners"] == [0, 1, 2]
    assert (answer["model"]["encodings"], answer["model"]["conditional"], answer["model"]["kl_weight"]) == (False, False, None)
    basis, pins = answer["through"], np.array(answer["through"]["pins"])
    on_plane = np.array(basis["origin"]) + pins @ np.array([basis["u"], basis["v"]])
    np.testing.assert_allclose(on_plane, [seeded(0), seeded(1), seeded(2)], atol=2e-4)
    assert plane_calls.open_view("model=deep")["through"] is None
    assert [m["apart"] for m in answer["models"] if m["name"] in ("gan", "garments")] == [False, True]
    assert plane_calls.plane_points("gan") == {"points": "", "step": 1.0, "labels": "", "d": 6}
    z = ",".join(map(str, seeded(3)))
    decoded = plane_calls.decode_point(f"model=gan&z={z}")
    assert decoded["nearest"] == []
    assert decoded["real"] == pytest.approx(gans.gan.real(gans.gan.pictures(seeded(3)))[0], abs=1e-3)
    assert "real" not in plane_calls.decode_point("model=deep")
    assert "no encoder" in plane_calls.encode_picture({"model": "gan", "picture": ""})["error"]


def test_its_code_names_its_parts(gans):
    assert "model.generator.predict(z)[0]" in plane_calls.describe("gan")["code"]
    assert "model.told(z, [{label}])" in plane_calls.describe("garments")["code"]
    assert "model.decoder.predict(z)[0]" in plane_calls.describe("deep")["code"]


# --- morphs of any model ---


def test_a_morph_between_seeds_of_a_gan(gans):
    full = morphing("model=gan&frames=5")
    assert (full["corners"], full["t"]) == ((0, 1), (0.5,))
    frames, z, _ = morphs.frames(full)
    np.testing.assert_allclose(z, [(1 - t) * seeded(0) + t * seeded(1) for t in (0, 0.25, 0.5, 0.75, 1)], atol=1e-4)
    np.testing.assert_allclose(frames, gans.gan.pictures(z), atol=1e-6)
    np.testing.assert_allclose(morphs.picture(full), frames[2], atol=1e-3)  # whose points are rounded
    sheet = morphs.sheet(morphing("model=gan&corners=3;4;5;6&n=2"))
    np.testing.assert_allclose(sheet, gans.gan.pictures([seeded(seed) for seed in (3, 4, 5, 6)]), atol=1e-6)


def test_a_plain_autoencoders_seeds_come_from_its_fitted_gaussian(gans):
    factor = np.linalg.cholesky([[4.0, 1.2], [1.2, 1.0]])
    expected = [[2, -1] + factor @ seeded(seed, 2) for seed in (0, 1)]
    np.testing.assert_allclose(points.corners_of(morphing("model=holes")), expected, atol=1e-3)


@pytest.mark.parametrize("model", ["deep", "holes"])
def test_truncation_draws_a_seed_nearer_to_the_priors_mean(gans, model):
    generator = checkpoints.load(model)
    many = generator.prior(20_000, seed=4)
    np.testing.assert_allclose(generator.prior_mean(), many.mean(0), atol=5 * many.std() / 140)
    far, near = points.at(model, 7), points.at(model, 7, truncation=0.4)
    np.testing.assert_allclose(near - generator.prior_mean(), 0.4 * (far - generator.prior_mean()), atol=2e-4)
    np.testing.assert_allclose(points.at(model, 7, truncation=0.0), generator.prior_mean(), atol=1e-4)


def test_a_conditional_morph_is_of_one_garment(gans):
    frames, z, _ = morphs.frames(morphing("model=garments&label=2&frames=3"))
    np.testing.assert_allclose(frames, garment(gans.garments, z, 2), atol=1e-6)


def test_even_steps_of_small_grey_pictures(gans):
    ratios = []
    for even in (1, 0):
        frames = morphs.frames(morphing(f"model=deep&corners=-4,-4,0,0;3,3,2,2&frames=8&even={even}"))[0]
        steps = np.sqrt(np.square(np.diff(frames, axis=0)).mean((1, 2, 3)))
        ratios.append(steps.max() / steps.min())
    assert ratios[0] < 1.3 < ratios[1]


def test_a_minus_b_plus_c_of_three_corners(gans):
    with pytest.raises(state.StateError, match="with no way along it: leave t out"):
        morphing("model=gan&corners=3;4;5&t=0.3")
    full = morphing("model=gan&corners=3;4;5")
    assert "t" not in full
    total = seeded(3) - seeded(4) + seeded(5)
    np.testing.assert_allclose(morphs.picture(full), gans.gan.pictures(total)[0], atol=1e-5)
    pictures = morphs.total(full)
    np.testing.assert_allclose(pictures, gans.gan.pictures([seeded(3), seeded(4), seeded(5), total]), atol=1e-4)


def test_files_of_a_morph_keep_grey_pixels_square(gans):
    file = views.render(state.parse_strictly("view=morph&model=gan&corners=0;1&what=strip&frames=3&size=16"), "png")
    sheet = np.asarray(Image.open(io.BytesIO(file))).astype(int)
    assert sheet.shape == (16, 3 * 16 + 2 * 4)
    z = [seeded(0), (seeded(0) + seeded(1)) / 2, seeded(1)]
    for i, picture in enumerate(gans.gan.picture_bytes(z)):
        assert np.abs(sheet[:, 20 * i : 20 * i + 16] - np.kron(picture.astype(int), np.ones((2, 2), int))).max() <= 1
    four = views.render(state.parse_strictly("view=morph&model=gan&corners=0;1;2&what=strip&size=16"), "png")
    assert Image.open(io.BytesIO(four)).size == (4 * 16 + 3 * 4, 16)
    for ending in ("gif", "mp4"):
        assert views.render(state.parse_strictly("view=morph&model=gan&what=strip&frames=3"), ending)


def test_three_faces_can_be_added_in_the_morph_view_too(gans):
    g = gans.faces.gallery
    logits = (g[0] - g[1] + g[2]).astype("float64") @ gans.faces.kernel + gans.faces.bias
    expected = (1 / (1 + np.exp(-logits))).reshape(64, 64, 3)
    np.testing.assert_allclose(morphs.picture(morphing("corners=g0;g1;g2")), expected, atol=2e-3)


def test_a_model_of_noise_has_nothing_to_morph(diffusion_registry):
    with pytest.raises(StateError, match="blots has no points to morph between: choose another model"):
        morphing("model=blots")


def test_the_morph_view_opens_any_model_and_says_what_did_not_fit(gans):
    answer = morph_calls.open_morph("view=morph&model=garments&label=1")
    assert answer["problems"] == []
    assert (answer["state"]["corners"], answer["state"]["label"]) == (["0", "1"], 1)
    assert (answer["model"]["face"], answer["model"]["gallery"], answer["model"]["conditional"]) == (False, 0, True)
    assert {"gan", "garments", "deep", "celeba-vae"} <= {model["name"] for model in answer["models"]}
    told = np.frombuffer(base64.b64decode(answer["points"]), "<f4").reshape(2, -1)
    np.testing.assert_array_equal(told, [points.at("garments", 0), points.at("garments", 1)])
    wrong = morph_calls.open_morph("model=gan&corners=1;g2")
    assert "gan has no gallery" in wrong["problems"][0]
    assert (wrong["model"]["name"], wrong["state"]["corners"]) == ("gan", ["0", "1"])
    assert morph_calls.open_morph("")["model"]["name"] == "celeba-vae"
    assert morph_calls.open_morph("model=nobody")["model"]["name"] == "celeba-vae"
    frames = morph_calls.morph_frames("view=morph&model=gan&frames=4")
    assert (len(frames["frames"]), len(frames["steps"]), frames["measure"]) == (4, 3, "root mean square")


def test_a_place_is_a_seed_an_encoding_or_its_coordinates(gans):
    np.testing.assert_allclose(points.at("gan", 7), seeded(7), atol=1e-6)
    np.testing.assert_allclose(points.at("deep", "g5"), gans.deep.z_mean[5], atol=1e-4)
    np.testing.assert_allclose(points.at("deep", (1.0, 2.0, 3.0, 4.0)), [1, 2, 3, 4])
