"""Refined faces in links, files and the page's questions: by a refiner whose arithmetic can be done by hand."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, views
from explorer.state import StateError, parse_strictly
from explorer.views import calls, refined
from explorer.views.faces import calls as faces
from explorer.views.morph import calls as morphs
from explorer.views.morph import pictures

FACE, PLACES = "view=faces&face=5&attributes=Smiling:0.5", "view=morph&corners=g1;g2"


def state(query):
    return views.complete(parse_strictly(query))


def added(world, seed):
    """What the refiner adds: the noise of a seed, turned by four steps of one angle, seen from the last of them."""
    first, last = np.arccos([0.999, 0.02])
    turned = np.cos((last - first) / 4) ** 3 * np.cos(first + (last - first) / 4)
    noise = np.random.default_rng(seed).standard_normal((1, 64, 64, 3), dtype="float32")
    return np.sqrt(world.variance) * turned * noise[0]


def made(query):
    full = state(query)
    return views.of(full["view"]).pictures(full, False).make()


@pytest.mark.parametrize(
    "link", [FACE, PLACES, f"{PLACES}&what=strip&frames=3", f"{PLACES};g3&what=strip", f"{FACE}&what=strip&frames=4"]
)
@pytest.mark.parametrize("seed", [0, 7])
def test_what_rests_is_refined_from_one_noise(refined_registry, link, seed):
    said, painted = made(f"{link}&refined=0"), made(f"{link}&noise_seed={seed}" if seed else link)
    assert said.shape == painted.shape
    np.testing.assert_allclose(painted, np.clip(said + added(refined_registry, seed), 0, 1), atol=2e-3)


@pytest.mark.parametrize("link", [f"{FACE}&what=grid&n=2", f"{PLACES};g3;g4&what=grid&n=2"])
def test_planes_stay_as_the_model_has_them(refined_registry, link):
    np.testing.assert_array_equal(made(link), made(f"{link}&refined=0"))


def test_a_file_is_the_refined_picture_and_says_from_which_noise(refined_registry):
    query = f"{FACE}&noise_seed=3&size=64"
    png = Image.open(io.BytesIO(views.render(state(query), "png")))
    np.testing.assert_allclose(np.asarray(png, float), 255 * made(query)[0], atol=1)
    assert "noise_seed=3" in str(png.info)
    full = state(FACE)
    assert (full["refined"], full["noise_seed"]) == (True, 0)


def test_a_page_is_told_the_models_picture_at_once_and_the_sharp_one_when_it_asks(refined_registry):
    at_once, sharp = faces.decode_face(FACE)["pixels"], calls.refine({"query": FACE})["pictures"]
    assert at_once == faces.decode_face(f"{FACE}&refined=0")["pixels"]
    assert sharp == [calls.pixels(made(FACE)[0])] != [at_once]
    assert morphs.decode_morph(PLACES)["pixels"] == morphs.decode_morph(f"{PLACES}&refined=0")["pixels"]


def test_a_strip_is_refined_some_at_a_time(refined_registry):
    query = f"{PLACES}&what=strip&frames=5"
    whole = [calls.pixels(picture) for picture in made(query)]
    parts = [calls.refine({"query": query, "first": first, "count": 2})["pictures"] for first in (0, 2, 4, 6)]
    assert [len(part) for part in parts] == [2, 2, 1, 0]
    assert sum(parts, []) == whole


def test_even_spacing_evens_out_the_refined_pictures(refined_registry, monkeypatch):
    monkeypatch.setattr(refined, "painted", lambda state, images: images**4)
    walk = f"{PLACES}&what=strip&frames=8"

    def unevenness(link):
        frames, _, ts = pictures.frames(state(link))
        steps = pictures.structural_steps(frames**4)
        return steps.max() / steps.min(), ts

    (even, ts), (plain, _), (by_the_models, others) = map(unevenness, (f"{walk}&even=1", walk, f"{walk}&even=1&refined=0"))
    assert even < min(1.3, plain, by_the_models)
    assert np.abs(ts - others).max() > 0.01
    even, plain = (morphs.morph_frames(f"{walk}&even={number}")["steps"] for number in (1, 0))
    assert max(even) / min(even) < max(plain) / min(plain)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"query": f"{FACE}&refined=0"}, "not refined"),
        ({"query": FACE, "count": 0}, "count must be 1 to 16"),
        ({"query": FACE, "first": -1}, "first must be greater than or equal to 0"),
        ({"query": "view=latent-plane"}, "not refined"),
    ],
)
def test_what_cannot_be_refined_is_said(refined_registry, request_, words):
    assert words in calls.refine(request_)["error"]


def test_what_was_invented_is_shown_beside_what_was_said(refined_registry):
    said, painted, like, again = faces.invented(FACE)["pictures"]
    assert painted == calls.refine({"query": FACE})["pictures"][0]
    assert like == calls.refine({"query": f"{FACE}&noise_seed=1"})["pictures"][0]
    assert said == faces.decode_face(FACE)["pixels"]
    assert again not in (said, painted, like)


@pytest.mark.parametrize("key", ["refined=1", "noise_seed=4"])
@pytest.mark.parametrize("link", [FACE, PLACES])
def test_without_a_refiner_nothing_is_refined_and_who_asks_is_told(face_registry, link, key):
    assert not set(state(link)) & {"refined", "noise_seed"}
    assert made(f"{link}&refined=0").shape == (1, 64, 64, 3)
    with pytest.raises(StateError, match=f"there is no refiner for celeba-vae: leave {key.split('=')[0]} out"):
        state(f"{link}&{key}")


def test_a_damaged_refiner_leaves_the_faces_as_they_are(refined_root, tmp_path, monkeypatch):
    shutil.copytree(refined_root.root, tmp_path / "models")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "models"))
    (tmp_path / "models" / "celeba-refiner" / checkpoints.CARD).write_text("{}", "utf-8")
    assert "refined" not in state(FACE)
    assert faces.open_faces(FACE)["model"]["refiner"] is None
    assert explorer.load("celeba-vae").decode(np.zeros((1, 8))).shape == (1, 64, 64, 3)
