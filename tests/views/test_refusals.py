"""What `render` refuses, a page that opens it says and mends: each key of each view, and any mixture of them."""

import dataclasses
import random

import numpy as np
import pytest

from explorer import checkpoints, data, views
from explorer.__main__ import main
from explorer.errors import ExplorerError
from explorer.state import parse, parse_strictly, text
from explorer.views import drawn, films

LARGE = "size=1024&what"
# view: (what else the link says, the key that does not fit, its value, what is said of it)
MISFITS = {
    "latent-plane": [
        ("model=deep", "z", "1,2", "z must be 4 numbers for deep"),
        ("model=deep", "corners", "1;2", "corners must be 3 places"),
        ("model=deep", "corners", "1;2;g60", "the gallery of deep has the pictures 0 to 59, not 60"),
        ("model=gan", "corners", "1;2;g0", "gan has no gallery"),
        ("model=deep", "from", "1", "from must be 4 numbers"),
        ("model=deep", "to", "7", "to must be 4 numbers"),
        (f"model=deep&{LARGE}=strip&to=0,0,0,0", "frames", "600", "a film may have 70 megapixels"),
        ("model=deep", "via", "1,2", "a place in via must be 4 numbers"),
        ("model=deep", "axes", "0,4", "axes must be two different whole numbers from 0 to 3"),
        ("model=deep&corners=1;2;3", "axes", "1,2", "leave axes out, or corners"),
        ("model=holes", "scale", "p", "scale p needs a prior"),
        (f"model=deep&{LARGE}=grid", "n", "60", "at most 16000 pixels"),
        ("model=gan", "veil", "data", "gan has no encodings"),
        ("model=gan", "points", "1", "gan has no encodings to show as points"),
        ("model=gan", "hidden", "1", "gan has no encodings to show as points"),
        ("model=deep", "hidden", "200", "hidden must be classes from 0 to 2 for deep, got 200"),
        ("model=deep", "beside", "nope", "there is no model to show beside it for deep, got 'nope': leave beside out"),
        ("model=deep", "beside", "celeba-vae", "there is no model to show beside it for deep"),
        ("model=deep", "label", "1", "deep was trained without classes"),
        ("model=garments", "label", "3", "label must be a whole number from 0 to 2"),
        ("frames=5", "model", "celeba-vae", "celeba-vae has no plane"),
        ("model=deep", "what", "strip", "a walk needs two points"),
    ],
    "faces": [
        ("", "z", "1,2", "z must be 8 numbers"),
        ("", "face", "12", "the gallery of celeba-vae has the faces 0 to 11, not 12"),
        ("", "truncation", "0.5", "truncation says how far"),
        ("what=strip", "corners", "g1;;g3", "a place in corners is open"),
        ("", "attributes", "Wings:1", "knows no attribute 'Wings'"),
        ("", "hold", "Wings", "knows no attribute 'Wings'"),
        ("", "along", "Wings", "knows no attribute 'Wings'"),
        ("", "pair", "Smiling", "pair must be two different attributes"),
        ("", "more", "g99", "the gallery of celeba-vae has the faces 0 to 11, not 99"),
        ("less=g1", "more", "g1", "both handfuls have the same mean"),
        ("", "less", "3;", "a place in less is open"),
        ("more=g1&less=g2", "direction", "Young", "Young is an attribute of celeba-vae"),
        ("", "corners", "1;2", "corners must be 3 faces"),
        ("", "corners", "1;2;g12", "the gallery of celeba-vae has the faces 0 to 11, not 12"),
        (f"{LARGE}=strip", "frames", "600", "a film may have 70 megapixels"),
        (f"{LARGE}=grid", "n", "60", "at most 16000 pixels"),
        ("", "refined", "1", "there is no refiner for celeba-vae: leave refined out"),
        ("", "noise_seed", "3", "there is no refiner for celeba-vae: leave noise_seed out"),
        ("seed=1", "model", "deep", "deep knows no attributes"),
    ],
    "morph": [
        ("", "corners", "1;g999", "the gallery of celeba-vae has the faces 0 to 11, not 999"),
        ("", "corners", "1;", "a place in corners is open"),
        ("model=deep", "corners", "1;2,3", "a place in corners must be 4 numbers"),
        ("", "via", ";3", "a place in via is open"),
        ("", "via", "g999", "the gallery of celeba-vae has the faces 0 to 11, not 999"),
        ("corners=1;2;3;4", "via", "5", "via lies on the way between two corners"),
        ("", "t", "0.5,0.5", "t must be one number"),
        ("corners=1;2;3", "t", "0.5", "leave t out"),
        (f"{LARGE}=strip", "frames", "600", "a film may have 70 megapixels"),
        (f"{LARGE}=grid&corners=1;2;3;4", "n", "60", "at most 16000 pixels"),
        ("model=deep", "label", "1", "deep was trained without classes"),
        ("", "refined", "1", "there is no refiner for celeba-vae: leave refined out"),
        ("", "noise_seed", "3", "there is no refiner for celeba-vae: leave noise_seed out"),
        ("frames=5", "model", "blots", "blots has no points to morph between"),
        ("", "what", "grid", "a grid 4"),
    ],
    "diffusion": [
        ("", "to", "1,2", "to must be one seed"),
        ("", "t", "0.5", "t lies on the way to a second noise"),
        ("", "via", "3", "via lies on the way to a second noise"),
        ("to=1", "via", "0.5,1", "via must be seeds"),
        ("what=strip&to=1", "frames", "241", "frames must be a whole number from 2 to 240"),
        ("what=trajectory&steps=5", "frames", "6", "frames must be at most the 5 steps of a trajectory, got 6"),
        ("", "n", "19", "n must be a whole number from 1 to 18"),
        ("", "steps", "101", "steps must be a whole number from 1 to 100"),
        ("", "sampler", "nope", "sampler must be one of"),
        ("", "to_sampler", "nope", "to_sampler must be one of"),
        ("", "label", "0", "blots was trained without classes"),
        ("model=kinds", "label", "3", "label must be a whole number from 0 to 2"),
        ("", "guidance_scale", "2", "blots was trained without classes"),
        ("", "guidance_rescale", "0.5", "blots was trained without classes"),
        ("model=kinds", "guidance_interval", "0.9,0.2", "guidance_interval must be two times from 0 to 1, the lower first"),
        ("", "time", "0", "time must be above 0"),
        ("", "model", "deep", "deep does not sample from noise"),
    ],
    "text-to-image": [
        ("", "image_size", "100", "words draws pictures of 32 pixels: image_size must be 32, or be left out"),
        ("", "to", "1,2", "to must be one seed"),
        ("", "t", "-0.5", "t must be one number from 0 to 1"),
        ("what=strip", "time", "0.5", "time says at how much noise one picture is shown"),
        ("steps=100&what=strip", "frames", "600", "600 pictures of 100 steps are too much work"),
        ("", "n", "8", "n must be a whole number from 2 to 7"),
        ("", "steps", "101", "steps must be a whole number from 1 to 100"),
        ("what=strip&to_prompt=a+rose&size=1024&steps=1", "frames", "600", "a film may have 70 megapixels"),
        ("", "model", "deep", "deep knows no words"),
        ("what=strengths", "image", "words:1", "image must be a picture of a model that makes some"),
        ("what=strengths", "image", "nobody:1", "image must be a picture of a model that makes some"),
        ("", "image", "celeba-vae:g12", "the gallery of celeba-vae has the faces 0 to 11, not 12"),
        ("", "image", "blots:g0", "blots has no gallery: image must be blots and a seed"),
        ("", "mask", "1000,25", "its runs must be 1024 in all at most"),
        ("what=trajectory", "strength", "0", "at strength 0 nothing is drawn"),
        ("", "guidance_interval", "0.9,0.2", "guidance_interval must be two times from 0 to 1, the lower first"),
    ],
    "why-a-vae": [
        ("", "label", "10", "label must be a garment from 0 to 9"),
        ("chapter=denoising", "amount", "1", "amount must be at most 0.95"),
        ("", "source", "test", "none are here"),
        ("", "model", "deep", "chapter linear shows models of its own: leave model out, got deep"),
        ("", "z", "1,2", "z means nothing in chapter linear"),
        ("chapter=holes", "z", "1,2", "z must be 4 numbers"),
        ("chapter=codings", "hidden", "10", "hidden must be garments from 0 to 9"),
        ("chapter=holes", "center", "1,1", "center means nothing in chapter holes"),
        ("chapter=holes", "extent", "1", "extent means nothing in chapter holes"),
        ("chapter=linear", "epoch", "1", "epoch needs a GAN whose drawings were kept"),
        ("chapter=gans", "model", "deep", "model must be one of fashion-gan"),
        ("chapter=deeper", "size", "1024", "a sheet may have 64 megapixels, got 70 pictures"),
    ],
    "models": [("", "model", "nope", "'nope'")],
}  # fmt: skip
# What is read is obeyed, whatever the model: choices, flags, seeds, words, and ranges that are those of all models.
FREE = {
    "latent-plane": {"kind", "even", "closed", "start", "stop", "center", "extent", "seed", "noise_seed", "inside", "quiz",
                     *films.KEYS},
    "faces": {"seed", "how", *films.KEYS},  # a model without learned directions: below
    "morph": {"kind", "even", "closed", "start", "stop", *films.KEYS},
    "diffusion": {"seed", "eta", "epsilon_scale", "closed", "inside", *films.KEYS},
    "text-to-image": {"seed", "kind", "closed", "start", "stop", "prompt", "to_prompt", "below_prompt", "below_to_prompt",
                      "negative_prompt", "guidance_scale", "guidance_rescale", "margin", "via_prompts", *films.KEYS},
    "why-a-vae": {"chapter", "seed", "noise"},
    "models": set(),
}  # fmt: skip
CASES = [(view, *case) for view, cases in MISFITS.items() for case in cases]


@pytest.fixture(scope="module")
def root(tmp_path_factory, gan_root, text_root, diffusion_root):
    """Toys of every kind."""
    root = tmp_path_factory.mktemp("kinds")
    (root / "judges").symlink_to(gan_root.root / "judges")
    for folder in (gan_root.root, text_root, diffusion_root):
        for path in folder.iterdir():
            if not (root / path.name).exists():
                (root / path.name).symlink_to(path)
    return root


@pytest.fixture(autouse=True)
def registry(root, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    monkeypatch.setattr(data, "at_hand", lambda name: False)


def query_of(view, others, key, value):
    return "&".join(filter(None, (f"view={view}", others, f"{key}={value}")))


@pytest.mark.parametrize("view", views.NAMES)
def test_each_key_of_each_view_has_its_misfit(view):
    known = {key for _, key, _, _ in MISFITS[view]} - views.EVERYWHERE
    assert known | FREE[view] == views.of(view).KEYS
    assert not known & FREE[view]


@pytest.mark.parametrize(("view", "others", "key", "value", "words"), CASES)
def test_what_no_model_can_obey_is_refused_by_render_and_mended_by_the_page(view, others, key, value, words, capsys, tmp_path):
    query = query_of(view, others, key, value)
    if view != "models":  # which writes no file at all
        for ending in ("png", "gif"):
            assert main(["render", query, "--out", str(tmp_path / f"a.{ending}")]) == 2
            assert list(tmp_path.iterdir()) == []
        capsys.readouterr()
    with pytest.raises(ExplorerError) as error:
        views.checked(parse_strictly(query))
    assert words in str(error.value)
    shown, problems = views.opened(query, view)
    assert words in problems[0]
    assert len(problems) == 1
    asked = parse(query)[0]
    (lost,) = {name for name in asked if shown.get(name) != asked[name]}
    assert lost in {key, *{"size", "steps"}.intersection(asked)}, "of what is too large together, one goes"
    if lost == key:
        usual, _ = views.opened("&".join(filter(None, (f"view={view}", others))), view)
        assert shown.get(key) == usual.get(key)
    assert views.checked(shown) == shown


@pytest.mark.parametrize(
    ("view", "query", "key", "kept"),
    [
        ("faces", "attributes=Smiling:2,Wings:1,Male:-1", "attributes", (("Smiling", 2.0), ("Male", -1.0))),
        ("faces", "hold=Wings,Young", "hold", ("Young",)),
        ("latent-plane", "model=deep&hidden=1,200,2", "hidden", (1, 2)),
    ],
)
def test_of_a_list_what_fits_is_kept(view, query, key, kept):
    shown, (problem,) = views.opened(query, view)
    assert shown[key] == kept
    assert "Wings" in problem or "200" in problem
    assert "Smiling'" not in problem


def test_an_attribute_of_which_nothing_is_left_is_said_before_it_is_drawn():
    everything = ",".join(["Smiling", "Male", "Young", "Eyeglasses", "Blond_Hair", "Black_Hair", "Bangs", "Wearing_Hat"])
    shown, problems = views.opened(f"attributes=Smiling:1&hold={everything}", "faces")
    assert not problems or shown["hold"] == ()


@pytest.mark.parametrize("name", ["nope", "faces2"])
def test_a_view_that_is_not_there_is_said_in_the_page(name):
    shown, problems = views.opened(f"view={name}&z=1,0", "latent-plane")
    assert problems == [f"There is no view '{name}' here. This is Latent plane; the tabs above have the others."]
    assert shown["z"] == (1.0, 0.0)
    assert views.opened("view=faces", "latent-plane")[1] == [], "somebody has turned to another view"


VALUES = {
    "view": [*views.NAMES, "nope"], "what": ["picture", "strip", "plane", "grid", "trajectory", "steps", "forward", "strengths"],
    "model": ["deep", "gan", "garments", "holes", "mnist-vae", "celeba-vae", "blots", "kinds", "words", "nobody", "fashion-gan"],
    "size": ["16", "300", "1024"], "z": ["1,2", "1,2,3,4", "nan"], "seed": ["0", "7", "1_0"], "face": ["1", "99"], "n": ["2", "7", "60"],
    "attributes": ["Smiling:1", "Wings:1", "Smiling:1,Wings:1", "yours:1"], "hold": ["Male", "Wings"], "how": ["learned", "plain"],
    "more": ["g0;3"], "less": ["g1", "g0;3"], "direction": ["mine", "Young"], "along": ["Young", "Wings"], "pair": ["Young,Male", "Male"], "corners": ["1;2", "1;g999", "g0;1;2", "1;2;3;4", "1;1;1"],
    "from": ["1,2", "0,0,0,0"], "to": ["3", "1,2", "1,2,3,4"], "t": ["0.5", "-1", "0,0"], "frames": ["2", "9", "65", "220", "600"],
    "via": ["3", "1;2", "g0", "1,2", "0,0,0,0"], "via_prompts": ["a boot%0Aa bag"], "between": ["3"], "fps": ["24"], "pause": ["0.5"],
    "steps": ["1", "5", "100", "4000"], "sampler": ["ddim", "ddpm", "nope"], "to_sampler": ["ddim", "nope"], "label": ["0", "2", "9"],
    "guidance_scale": ["1", "40"], "time": ["0", "0.5"], "axes": ["0,1", "2,3", "0,9"], "scale": ["z", "p"], "veil": ["data", "normal"],
    "points": ["0", "1"], "hidden": ["", "1", "200"], "beside": ["holes", "nope"], "image_size": ["64", "100"], "prompt": ["a rose", "%ff"],
    "to_prompt": ["a man"], "chapter": ["linear", "deeper", "gans", "labels", "arithmetic", "holes"], "noise": ["gaussian"],
    "guidance_rescale": ["0.5"], "guidance_interval": ["0.2,0.8", "0.8,0.2"],
    "image": ["deep:7", "celeba-vae:g3", "celeba-vae:g99", "words:1", "nobody:1"], "strength": ["0", "0.5", "1"], "mask": ["", "66,4", "900,900"],
    "margin": ["0", "0.25"],
    "source": ["test", "drawn"], "amount": ["1", "0.5"], "even": ["1"], "closed": ["1"], "start": ["0.5"], "extent": ["2", "0"],
}  # fmt: skip


def some_queries(count):
    """Seeded random links of every view, the half of their keys of the view's own."""
    chance = random.Random(0)
    for _ in range(count):
        view = chance.choice(views.NAMES)
        own = [key for key in VALUES if key in views.of(view).KEYS | {"what", "model", "size"}]
        keys = [*chance.sample(own, min(len(own), chance.randint(0, 4))), *chance.sample([*VALUES], chance.randint(0, 1))]
        yield view, "&".join(f"{key}={chance.choice(VALUES[key])}" for key in dict.fromkeys(["view", *keys]) if key != "view")


@pytest.fixture
def undrawn(monkeypatch):
    """`render` with all its checks, but nothing is decoded or written."""
    file = drawn.file

    def blank(found, size, ending, written):
        return file(dataclasses.replace(found, make=lambda: np.zeros((1, 2, 2, 1))), size, ending, written)

    monkeypatch.setattr(drawn, "file", blank)
    monkeypatch.setattr(drawn, "enlarged", lambda images, size: images)
    monkeypatch.setitem(drawn.FILMS, "gif", lambda frames, written: b"film")

    def accepts(query):
        for ending in ("png", "gif"):
            try:
                views.render(parse_strictly(query), ending)
                return True
            except drawn.NoPicture:  # the view shows figures and cards, and files of them there are none
                return True
            except ExplorerError:
                pass
        return False

    return accepts


def test_a_page_says_something_exactly_where_render_refuses_and_what_it_shows_is_accepted(undrawn):
    seen = {True: 0, False: 0}
    for view, rest in some_queries(250):
        query = f"view={view}&{rest}".rstrip("&")
        accepted = undrawn(query)
        shown, problems = views.opened(query, view)
        assert (problems == []) == accepted, (query, problems)
        assert undrawn(text(shown)), (query, shown)
        seen[accepted] += 1
    assert min(seen.values()) > 50, seen


def test_a_model_without_learned_directions_is_not_asked_for_them(monkeypatch):
    assert views.checked({"view": "faces", "how": "learned"})["how"] == "learned"
    monkeypatch.setattr(checkpoints, "card", lambda name, card=checkpoints.card: {**card(name), "learned": []})
    shown, (problem,) = views.opened("how=learned", "faces")
    assert problem == "celeba-vae has no learned directions: how must be whitened or plain"
    assert shown["how"] == "whitened"


@pytest.mark.parametrize(
    ("view", "query"),
    [
        ("latent-plane", "model=nonsense"),
        ("models", "view=models&model=nonsense"),
        ("morph", "model=blots&view=morph"),
        ("faces", "attributes=Wings:1"),
        ("faces", "chapter=linear"),
        ("text-to-image", "view=text-to-image&face=3"),
    ],
)
def test_the_page_lists_no_more_names_than_one_reads(view, query):
    _, (problem,) = views.opened(query, view)
    assert problem.count(",") <= 7
    assert len(problem) < 180
