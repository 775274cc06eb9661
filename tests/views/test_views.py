"""The registry of views: which view a link wants, what it keeps of a link that does not fit, and which files it writes."""

import io
import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import views
from explorer.errors import UnknownName
from explorer.state import StateError, parse, parse_strictly
from explorer.views import calls, drawn

FOLDER = Path(views.__file__).parent


def render(query, ending="png"):
    return views.render(parse_strictly(query), ending)


@pytest.mark.parametrize("name", views.NAMES)
def test_a_view_is_a_folder_of_its_name(name):
    view = views.of(name)
    assert Path(view.__file__).parent == FOLDER / name.replace("-", "_")
    assert view.TITLE
    assert view.WHATS
    assert not view.KEYS & views.EVERYWHERE
    assert all(callable(getattr(view, part)) for part in ("is_here", "complete", "pictures"))
    files = {path.name for path in Path(view.__file__).parent.iterdir()}
    assert {"pictures.py", "calls.py", "view.js"} <= files


def test_no_folder_is_forgotten():
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(map(views.folder, views.NAMES))


def test_a_link_without_view_is_its_models(face_registry):
    assert views.view_of({"model": "celeba-vae", "face": 3}) == "faces"
    assert views.view_of({"view": "morph", "model": "celeba-vae"}) == "morph"
    assert views.view_of({}) == calls.seen("") == "latent-plane"
    assert calls.view_of("model=celeba-vae&face=3") == {"view": "faces"}
    assert calls.view_of("view=nowhere&model=celeba-vae") == calls.view_of("model=nobody") == {"view": "latent-plane"}
    shown = np.asarray(Image.open(io.BytesIO(render("model=celeba-vae&face=3"))))
    np.testing.assert_array_equal(shown, np.asarray(Image.open(io.BytesIO(render("view=faces&model=celeba-vae&face=3")))))


def test_an_unknown_view_is_said_with_the_known_ones(toys):
    with pytest.raises(StateError, match="view must be one of latent-plane, faces"):
        render("view=nowhere")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "view=latent-plane&model=flat&attributes=Smiling:1",
            "attributes means nothing with view=latent-plane, which knows axes, beside",
        ),
        ("view=morph&face=3", "face means nothing with view=morph"),
        ("view=faces&t=0.5", "t means nothing with view=faces"),
        ("view=diffusion&prompt=a+rose", "prompt means nothing with view=diffusion"),
        ("view=why-a-vae&z=1,2", "z means nothing with view=why-a-vae"),
        ("view=models&z=1,2", "z means nothing with view=models, which knows no keys of its own"),
        ("view=latent-plane&what=forward", "what must be one of picture, strip, plane, grid with view=latent-plane, got forward"),
        ("view=faces&what=plane", "what must be one of picture, strip, grid with view=faces"),
        ("view=text-to-image&what=grid", "what must be one of picture, strip, plane, steps, trajectory"),
        ("view=why-a-vae&what=picture", "what must be one of grid"),
        ("view=models&model=flat", "shows a card and no picture"),
    ],
)
def test_a_view_refuses_what_it_does_not_know(toys, query, words):
    with pytest.raises(StateError, match=words):
        render(query)


def test_render_takes_a_whole_address_and_refuses_unknown_keys_by_name(toys):
    whole = render("http://host:7860/some/where?model=flat&z=0.5,1&__theme=dark")
    assert whole == render("model=flat&z=0.5,1")
    with pytest.raises(StateError, match="there is no key 'modle': a state has view, what, model"):
        render("modle=flat&z=0,1")
    with pytest.raises(StateError, match="there is no key ' pepper'.*Write & within a text as %26"):
        render("prompt=salt & pepper")
    assert parse("modle=flat&z=0,1") == ({"z": (0.0, 1.0)}, []), "a page ignores them"


@pytest.mark.parametrize(
    ("query", "kept", "lost"),
    [
        ("face=33&attributes=Smiling:2&along=Smilling", {"attributes": (("Smiling", 2.0),)}, ["along"]),
        ("face=3&attributes=Smiling:2&along=Smilling", {"face": 3, "attributes": (("Smiling", 2.0),)}, ["along"]),
        ("seed=7&hold=Wings&pair=Smiling&frames=5", {"seed": 7, "frames": 5}, ["hold", "pair"]),
        ("seed=7&t=0.5&n=5", {"seed": 7, "n": 5}, ["t"]),
        ("model=nobody&seed=7", {"seed": 7, "model": "celeba-vae"}, []),
        ("seed=7&what=forward", {"seed": 7, "what": "picture"}, []),
    ],
)
def test_a_key_that_does_not_fit_loses_that_key_alone(face_registry, query, kept, lost):
    state, problems = views.opened(query, "faces")
    assert {key: state[key] for key in kept} == kept
    assert problems
    defaults = views.complete({"view": "faces"})
    for key in lost:
        assert state.get(key) == defaults.get(key)


def test_no_link_keeps_a_page_from_opening(face_registry):
    """Whatever stands in a link, together or alone: each view shows something, and says what it left out."""
    values = {"view": ["bogus"], "model": ["nobody"], "what": ["forward", "grid"], "corners": ["1;2;3;4", "g1;2"], "t": ["0.5", "-1,1"],
              "z": ["1,2"], "label": ["3"], "steps": ["99"], "frames": ["3"], "seed": ["x"]}  # fmt: skip
    for keys in itertools.combinations(values, 3):
        for chosen in itertools.product(*(values[key] for key in keys)):
            query = "&".join(f"{key}={value}" for key, value in zip(keys, chosen, strict=True))
            for name in ("latent-plane", "faces", "morph"):
                if name == "latent-plane":
                    continue  # there is no such model among these
                state, _ = views.opened(query, name)
                assert state["view"] == name


def test_an_unknown_model_is_named_beside_the_known_ones(toys):
    with pytest.raises(UnknownName, match="no checkpoint 'nobody'; there are deep, flat, holes"):
        render("model=nobody")


def test_a_seed_draws_a_point_on_the_plane_too(toys):
    drawn_point = np.round(explorer.load("deep").prior(1, seed=5)[0].astype("float64"), 4)
    assert views.complete({"model": "deep", "seed": 5})["z"] == tuple(drawn_point.tolist())
    assert views.complete({"model": "deep", "seed": 5, "z": (1.0, 0.0, 0.0, 0.0)})["z"] == (1.0, 0.0, 0.0, 0.0)


def test_films_are_bounded_in_pixels_times_frames(toys):
    with pytest.raises(
        StateError, match="a film may have 70 megapixels in all, got 64 frames of 2048 x 2048: lower size or frames"
    ):
        drawn.file(drawn.Drawn(lambda: pytest.fail("it is not drawn"), 64, (8, 8, 1), cells=2, moves=True), 1024, "mp4", "")
    pictures = np.random.default_rng(0).random((3, 8, 8, 1))
    frames = drawn.Drawn(lambda: pictures, 3, (8, 8, 1), moves=True)
    film = Image.open(io.BytesIO(drawn.file(frames, 16, "gif", "z=1")))
    assert (film.n_frames, film.size, film.info["comment"]) == (3, (16, 16), b"z=1")


def test_each_ending_of_a_film_has_its_button_from_one_list():
    assert ("png", *drawn.FILMS) == drawn.ENDINGS
    for path in FOLDER.rglob("*.html"):
        offered = [part for part in path.read_text("utf-8").split("data-save=")[1:] if part.split('"')[1].endswith(("gif", "mp4"))]
        assert all("film" in part[:12] for part in offered), f"{path}: the list of drawn.py has the endings"
