"""The registry of views: which view a link wants, what it keeps of a link that does not fit, and which files it writes."""

import base64
import io
import itertools
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import imaging, views
from explorer.errors import UnknownName
from explorer.state import StateError, parse, parse_strictly, text
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
        ("view=why-a-vae&t=0.5", "t means nothing with view=why-a-vae"),
        ("view=models&z=1,2", "z means nothing with view=models, which knows no keys of its own"),
        ("view=latent-plane&what=forward", "what must be one of picture, strip, plane, grid with view=latent-plane, got forward"),
        ("view=faces&what=plane", "what must be one of picture, strip, grid with view=faces"),
        ("view=text-to-image&what=forward", "what must be one of"),
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


def frames_of(query):
    """The frames in the ZIP of a query, as PNGs by Pillow."""
    with zipfile.ZipFile(io.BytesIO(render(query, "zip"))) as archive:
        names = sorted(name for name in archive.namelist() if name != "state.txt")
        return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names])


def latents_of(query):
    """The arrays in the NPZ of a query, whose state is that of the query."""
    with np.load(io.BytesIO(render(query, "npz")), allow_pickle=False) as found:
        assert found["state"].item() == text(parse_strictly(query))
        return {name: found[name] for name in found.files if name != "state"}


@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("flat", "model=flat&what=strip&from=-1,0.5&to=1,1&frames=4&even=1"),
        ("deep", "view=morph&model=deep&what=strip&corners=3;4&frames=5&closed=1&kind=slerp"),
        ("deep", "view=morph&model=deep&what=strip&corners=3;4;5"),
    ],
)
def test_latents_are_those_of_the_frames(toys, model, query):
    z = latents_of(query)["z"]
    np.testing.assert_array_equal(frames_of(f"{query}&size=16")[:, ::2, ::2], getattr(toys, model).picture_bytes(z))


@pytest.mark.parametrize(("query", "n"), [("z=0.5,0.25", 1), ("what=grid&n=3", 9), ("view=morph&what=grid&n=3&corners=1;2;3;4", 9)])
def test_latents_of_a_sheet_are_row_by_row(toys, query, n):
    z = latents_of(f"model=flat&{query}")["z"]
    sheet = np.asarray(Image.open(io.BytesIO(render(f"model=flat&size=16&{query}"))))
    gap, side = (4 if "morph" in query else 0), int(n**0.5)
    for i, picture in enumerate(toys.flat.picture_bytes(z)):
        top, left = (divmod(i, side)[k] * (16 + gap) for k in (0, 1))
        np.testing.assert_array_equal(sheet[top : top + 16 : 2, left : left + 16 : 2], picture)


@pytest.mark.parametrize(
    "query",
    ["view=faces&what=strip&face=2&frames=3", "view=faces&what=strip&corners=1;g2;3", "view=faces&face=1&attributes=Male:1"],
)
def test_latents_of_faces_are_those_of_their_pictures(face_registry, query):
    shown = (
        frames_of(f"{query}&size=64") if "strip" in query else np.asarray(Image.open(io.BytesIO(render(f"{query}&size=64"))))[None]
    )
    logits = latents_of(query)["z"] @ face_registry.kernel + face_registry.bias
    np.testing.assert_allclose(shown, (255 / (1 + np.exp(-logits))).reshape(shown.shape), atol=0.51)


def test_latents_of_diffusion_are_noises_and_what_the_network_sees(diffusion_registry):
    model = explorer.load("specks")
    z = latents_of("model=specks&what=strip&to=4&frames=3&steps=5")["z"]
    expected = explorer.Path(
        model.prior(1, seed=model.card.get("start_seed", 0))[0], model.prior(1, seed=4)[0], kind="slerp"
    ).points(3)
    np.testing.assert_allclose(z, expected, atol=1e-6)
    found = latents_of("view=diffusion&what=trajectory&steps=6")
    assert sorted(found) == ["x_0", "x_t"]
    shown = frames_of("view=diffusion&what=trajectory&steps=6&size=16")
    assert found["x_t"].shape[:2] == (1, 6)  # one lane
    assert shown.shape[:3] == (6, 16, 32)
    pictures = explorer.load(views.complete({"view": "diffusion"})["model"]).model.denormalize
    both = np.concatenate([pictures(found["x_t"][0]), pictures(found["x_0"][0])], 2)[..., 0]
    np.testing.assert_allclose(shown / 255, both, atol=0.51 / 255)


def test_latents_of_prompts_are_noise_and_embeddings(text_registry):
    model, found = explorer.load("words"), latents_of("model=words&what=strip&frames=3&seed=2&prompt=a+man&to_prompt=sunflower")
    assert sorted(found) == ["negative_pooled", "negative_sequence", "pooled", "sequence", "z"]
    np.testing.assert_array_equal(found["z"], model.prior(1, seed=2).repeat(3, 0))
    np.testing.assert_allclose(found["pooled"][[0, 2]], model.embed(["a man", "sunflower"]).pooled, atol=1e-6)
    steps = latents_of("model=words&what=trajectory&steps=4")
    assert steps["x_0"].shape == steps["x_t"].shape == (4, *model.latent_shape)


def test_what_has_no_latents_says_so(toys, monkeypatch):
    with pytest.raises(StateError, match="an? NPZ holds the latents of pictures, and what this shows has none"):
        render("model=flat&what=plane&n=2", "npz")
    monkeypatch.setattr(drawn, "MOST_NUMBERS", 7)
    with pytest.raises(StateError, match="million numbers in all: lower frames"):
        render("model=flat&what=strip&to=1,1&frames=4", "npz")


def test_each_ending_of_a_film_has_its_button_from_one_list():
    assert ("png", *drawn.FILMS, drawn.LATENTS) == drawn.ENDINGS
    for path in FOLDER.rglob("*.html"):
        offered = [
            part for part in path.read_text("utf-8").split("data-save=")[1:] if part.split('"')[1].endswith(drawn.ENDINGS[1:])
        ]
        assert all("film" in part[:12] for part in offered), f"{path}: the list of drawn.py has the endings"


def sent(data):
    return calls.state_of_file({"file": "data:application/octet-stream;base64," + base64.b64encode(data).decode()})


@pytest.mark.parametrize("ending", drawn.ENDINGS)
def test_a_file_says_its_state(toys, ending):
    query = "view=morph&what=strip&model=deep&corners=3;4&frames=3"
    assert parse_strictly(sent(render(query, ending))["state"]) == parse_strictly(query)


def test_a_file_of_others_says_none(toys):
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "GIF", comment=b"Created with GIMP")
    assert sent(file.getvalue()) == {"state": ""}
    assert sent(b"PK\3\4") == sent(b"") == {"state": ""}
    assert "too large" in sent(b"0" * 25_000_001)["error"]
    assert calls.state_of_file(["file"]) == {"error": 'what was asked must be an object, as in {"file": ...}'}


def test_a_hostile_state_is_a_bad_link(toys):
    state = "model=<script>alert(1)</script>&z=nan,1e999&view=../../etc"
    assert sent(imaging.png(np.zeros((2, 2, 1)), state)) == {"state": state}
    with pytest.raises(StateError):
        parse_strictly(state)
    assert "60,000 characters" in sent(imaging.png(np.zeros((2, 2, 1)), "z=" + "1," * 40_000))["error"]
