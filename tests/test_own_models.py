"""One's own models: foreign decoders in every view that fits, and what is hostile refused before anything runs."""

import base64
import io
import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, imaging, own_models, state, views
from explorer.checkpoints import CheckpointError
from explorer.errors import ExplorerError, InputError, NotSupported
from explorer.views import drawn as files
from explorer.views.faces import calls as faces
from explorer.views.latent_plane import calls as plane
from explorer.views.models import calls as models_view
from explorer.views.morph import calls as morph


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """A registry without checkpoints, that forgets what a test adds."""
    monkeypatch.setattr(checkpoints, "_added", {})
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "none"))


def networks(d, shape, style="functional", activation="sigmoid", heads=1):
    """A decoder sigmoid(z W), as Keras users write it, and an encoder of so many heads."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(d)
    count = int(np.prod(shape))
    if style == "subclass":

        class Mine(keras.Model):
            def __init__(self):
                super().__init__()
                self.dense, self.shaped = layers.Dense(count, activation=activation), layers.Reshape(shape)

            def call(self, z):
                return self.shaped(self.dense(z))

        decoder = Mine()
        decoder(np.zeros((1, d), "float32"))
    elif style == "sequential":
        decoder = keras.Sequential([keras.Input((d,)), layers.Dense(count), layers.Activation(activation), layers.Reshape(shape)])
    else:
        z = keras.Input((d,))
        decoder = keras.Model(z, layers.Reshape(shape)(layers.Dense(count, activation=activation)(z)))
    image = keras.Input(shape)
    flat = layers.Flatten()(image)
    codes = [layers.Dense(d)(flat) for _ in range(heads)]
    return decoder, keras.Model(image, codes if heads > 1 else codes[0])


def expected(decoder, z, shape, activation="sigmoid"):
    """What the decoder draws, worked out by NumPy: (n, h, w, c) in [0, 1]."""
    kernel, bias = (np.asarray(weight, "float64") for weight in decoder.get_weights())
    raw = z @ kernel + bias
    return {"sigmoid": 1 / (1 + np.exp(-raw)), "tanh": (np.tanh(raw) + 1) / 2, "linear": np.clip(raw, 0, 1)}[activation].reshape(
        -1, *shape
    )


def codes(d, n=40):
    rng = np.random.default_rng(1)
    having = np.stack([np.arange(n) % 2, np.arange(n) // 2 % 2], 1)
    return {"z_mean": (rng.normal(0, 1, (n, d)) + having[:, :1]).astype("float32"), "label": np.array(["cat", "dog", "eel", "fox"] * (n // 4)),
            "attributes": having, "names": np.array(["Striped", "With tail"])}  # fmt: skip


def folder(path, d, shape, heads=0, card=None, **options):
    """A folder of one's own; returns its decoder."""
    decoder, encoder = networks(d, shape, heads=max(heads, 1), **options)
    path.mkdir()
    decoder.save(path / "decoder.keras")
    if heads:
        encoder.save(path / "encoder.keras")
        np.savez(path / "encodings.npz", **codes(d))
    if card is not None:
        (path / "card.json").write_text(json.dumps(card))
    return decoder


def drawn(**keys):
    """A picture by the one way that page and command line share: uint8 (h, w, c)."""
    return np.asarray(Image.open(io.BytesIO(views.render(keys, "png"))))


FOREIGN = [
    (8, (32, 32, 3), "functional", "sigmoid"),
    (3, (20, 24, 1), "sequential", "tanh"),
    (2, (20, 24, 1), "functional", "sigmoid"),
    (8, (32, 32, 3), "subclass", "tanh"),
]


@pytest.mark.parametrize(("d", "shape", "style", "activation"), FOREIGN)
def test_a_foreign_decoder_is_drawn_by_every_view_that_fits(d, shape, style, activation):
    decoder, _ = networks(d, shape, style, activation)
    g = explorer.load(decoder, name="mine")
    assert (g.latent_shape, g.image_shape, g.card["kind"]) == ((d,), shape, "gan")
    assert g.card["parameters"] == {"decoder": (d + 1) * np.prod(shape)}
    z = g.prior(3, seed=4)
    np.testing.assert_allclose(g.decode(z), expected(decoder, z, shape, activation), atol=1e-5)
    assert g.decode(z[:0]).shape == (0, *shape)

    point = tuple(np.round(z[0], 4).tolist())
    whole = np.rint(255 * expected(decoder, np.array([point]), shape, activation)[0])
    seen = drawn(view="latent-plane", model="mine", z=point, size=shape[1])
    assert np.abs(seen.reshape(*shape).astype(int) - whole).max() <= 1
    for what in ("plane", "grid", "strip"):
        assert drawn(view="latent-plane", model="mine", what=what, n=3, **({"to": point} if what == "strip" else {})).std() > 0
    for corners in ((0, 1), (0, 1, 2), (0, 1, 2, 3)):
        keys = {
            "view": "morph",
            "model": "mine",
            "corners": corners,
            "what": "grid" if len(corners) == 4 else "strip",
            "n": 3,
            "frames": 3,
        }
        assert drawn(**keys).std() > 0
    with pytest.raises(ExplorerError, match="attributes"):
        views.complete({"view": "faces", "model": "mine"})
    with pytest.raises(NotSupported):
        g.encode(g.decode(z))

    about = plane.open_view("model=mine")
    assert about["problems"] == []
    assert (about["model"]["encoder"], about["model"]["encodings"], about["state"]["points"]) == (False, False, False)
    assert plane.plane_points("mine")["points"] == ""
    assert plane.plane_sheet("mine") == {}
    assert "real" not in plane.decode_point("model=mine")
    assert morph.open_morph("model=mine")["problems"] == []
    assert "not said" in models_view.page("mine")


@pytest.mark.parametrize(("d", "shape", "heads"), [(8, (32, 32, 3), 2), (3, (20, 24, 1), 1)])
def test_a_folder_with_an_encoder_has_points_colours_directions_and_places(tmp_path, d, shape, heads):
    decoder, given = folder(tmp_path / "pets", d, shape, heads), codes(d)
    g = explorer.load(str(tmp_path / "pets"))
    assert explorer.load(f"{tmp_path}/pets/") is g
    assert [card["name"] for card in explorer.models()] == ["pets"]
    assert (g.card["kind"], g.card["classes"]) == ({1: "ae", 2: "vae"}[heads], ["cat", "dog", "eel", "fox"])
    pictures = expected(decoder, given["z_mean"][:2], shape)
    z_mean, z_log_var = g.encode(pictures)
    assert z_mean.shape == (2, d)
    assert (z_log_var is None) == (heads == 1)

    found = checkpoints.encodings("pets")
    np.testing.assert_array_equal(found.labels, np.arange(40) % 4)
    np.testing.assert_array_equal(found.z_mean, given["z_mean"])
    has = given["attributes"][:, 1].astype(bool)
    v = given["z_mean"][has].astype("float64").mean(0) - given["z_mean"][~has].mean(0)
    np.testing.assert_allclose(g.direction("With_tail"), v * min(1, 2.4 / np.linalg.norm(v)), atol=1e-5)

    for keys in ({"what": "plane", "n": 3, "veil": "data"}, {"what": "grid", "n": 3}):
        assert drawn(view="latent-plane", model="pets", **keys).std() > 0
    for keys in ({}, {"what": "strip", "frames": 3}, {"what": "grid", "n": 3}, {"what": "strip", "corners": (0, "g1", "g2")}):
        assert drawn(view="faces", model="pets", face=5, attributes=(("Striped", 1.5),), **keys).std() > 0
    assert drawn(view="morph", model="pets", corners=("g0", "g39"), what="strip", frames=3, even=True).std() > 0

    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 70, 3), "uint8")).save(file, "PNG")
    asked = {"model": "pets", "picture": "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()}
    answer = plane.encode_picture(asked)
    assert len(answer["z"]) == d
    assert len(base64.b64decode(answer["seen"])) == np.prod(shape)
    assert faces.open_faces("model=pets")["model"]["receipts"] == {}
    assert faces.judge_face("model=pets")["after"] == []
    assert faces.face_gallery("pets")["having"]["Striped"] == list(range(1, 40, 2))
    assert sum(count for _, count in plane.decode_point("model=pets")["nearest"]) == plane.NEIGHBOURS


def test_encodings_without_an_encoder_give_points(tmp_path):
    folder(tmp_path / "points", 2, (20, 24, 1))
    np.savez(tmp_path / "points" / "some.npz", z_mean=np.eye(2))
    g = explorer.load(tmp_path / "points")
    assert plane.open_view("model=points")["model"]["encodings"]
    assert not plane.open_view("model=points")["model"]["encoder"]
    with pytest.raises(NotSupported):
        g.encode(g.decode(g.prior(1)))


@pytest.mark.parametrize(
    ("activation", "card", "pictures"),
    [
        ("linear", {"pixels": [0, 1]}, lambda raw: np.clip(raw, 0, 1)),
        ("linear", {"pixels": [-3, 5]}, lambda raw: np.clip((raw + 3) / 8, 0, 1)),
        ("linear", {"pixels": "logits"}, lambda raw: 1 / (1 + np.exp(-raw))),
        ("sigmoid", {"pixels": [0, 0.5]}, lambda raw: np.clip(2 / (1 + np.exp(-raw)), 0, 1)),
    ],
)
def test_what_is_black_and_white_is_as_the_card_says(activation, card, pictures):
    decoder, _ = networks(3, (8, 8, 1), activation=activation)
    g = explorer.load(decoder, name="mine", card=card)
    z, (kernel, bias) = g.prior(4), decoder.get_weights()
    np.testing.assert_allclose(g.decode(z), pictures(z @ kernel + bias).reshape(-1, 8, 8, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("options", "card", "words"),
    [
        ({"activation": "linear"}, {}, r'"pixels": \[0, 1\]'),
        ({}, {"latent_shape": [5]}, r'"latent_shape": \[3\]'),
        ({}, {"latent_shape": "three"}, r'latent_shape is "three": write a line such as "latent_shape": \[8\]'),
        ({}, {"image_shape": [4, 4, 1]}, "image_shape is"),
        ({}, {"pixels": [1, 0]}, "pixels"),
        ({}, {"kind": "diffusion"}, "decoders"),
        ({}, {"title": ["<b>"]}, "title"),
        ({}, {"view": {"z": [0, 0]}}, "3 numbers"),
    ],
)
def test_what_nothing_tells_is_asked_for_with_the_line_to_write(options, card, words):
    with pytest.raises(CheckpointError, match=words):
        explorer.load(networks(3, (8, 8, 1), **options)[0], name="mine", card=card)
    assert explorer.models() == []  # and it is not listed


def test_flat_pictures_an_unknown_vector_and_what_is_no_decoder():
    import keras
    from keras import layers

    flat = keras.Sequential([keras.Input((4,)), layers.Dense(48, activation="sigmoid")])
    with pytest.raises(CheckpointError, match="image_shape"):
        explorer.load(flat, name="flat")
    assert explorer.load(flat, name="flat", card={"image_shape": [4, 4, 3]}).decode(np.zeros((2, 4))).shape == (2, 4, 4, 3)
    with pytest.raises(CheckpointError, match='call it once before.*"latent_shape"'):
        explorer.load(keras.Sequential([layers.Dense(48, activation="sigmoid"), layers.Reshape((4, 4, 3))]), name="unbuilt")
    with pytest.raises(CheckpointError, match="save the decoder alone"):
        explorer.load(keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(1, 3)]), name="images")
    with pytest.raises(InputError, match="name"):
        explorer.load(flat, name="<b>")


# ---- hostile files


def rewritten(path, change=None, **members):
    """The .keras file with its config changed, and with further members."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    if change:
        content["config.json"] = json.dumps(change(json.loads(content["config.json"]))).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (content | members).items():
            archive.writestr(name, data)


def with_layer(layer):
    """A change of a config: the first layer that is no input becomes another."""

    def change(config):
        config["config"]["layers"][1] |= layer
        return config

    return change


class Bomb:
    """Pickled, it makes a file as soon as it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def sprung(tmp_path):
    """A file that code which ran would have made; afterwards it must not be there."""
    yield tmp_path / "sprung"
    assert not (tmp_path / "sprung").exists()


HOSTILE = {
    "lambda": (with_layer({"class_name": "Lambda", "registered_name": None}), {}, "Lambda brings code"),
    "lambda as an activation": (with_layer({"config": {"name": "x", "units": 64, "activation": {"class_name": "__lambda__", "config": {}}}}), {}, "__lambda__"),
    "module of elsewhere": (with_layer({"module": "antigravity", "class_name": "Fly", "registered_name": None}), {}, "Fly, which is not of Keras"),
    "function of Python": (with_layer({"config": {"name": "x", "units": 64, "activation": {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"}}}), {}, "eval, which is not"),
    "tool of Keras": (with_layer({"module": "keras.utils", "class_name": "get_file", "registered_name": None}), {}, "get_file, which"),
    "saved model": (with_layer({"class_name": "TFSMLayer", "registered_name": None}), {}, "TFSMLayer"),
    "path outside": (None, {"../../outside": b"x"}, "leads out"),
    "absolute path": (None, {"/tmp/outside": b"x"}, "leads out"),
    "pickle inside": (None, {"model.pkl": b"x"}, "'model.pkl', which no decoder"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_runs(tmp_path, what, monkeypatch):
    import keras

    change, members, words = HOSTILE[what]
    folder(tmp_path / "bad", 3, (8, 8, 1))
    rewritten(tmp_path / "bad/decoder.keras", change, **members)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras was handed the file"))
    with pytest.raises(CheckpointError, match=words):
        explorer.load(tmp_path / "bad")
    assert not (tmp_path.parent / "outside").exists()
    assert explorer.models() == []


def test_a_class_of_the_makers_own_is_asked_for(tmp_path):
    decoder, _ = networks(3, (8, 8, 1), "subclass")
    (tmp_path / "mine").mkdir()
    decoder.save(tmp_path / "mine/decoder.keras")
    with pytest.raises(CheckpointError, match="Mine, which is not of Keras.*hand over the model itself"):
        explorer.load(tmp_path / "mine")


def test_a_class_that_a_notebook_defined_is_asked_for_by_name(tmp_path):
    """The layer that every VAE of the books has: Keras writes no module for what is defined where it runs."""
    import keras

    sampling = type("Sampling", (keras.layers.Layer,), {"__module__": "__main__", "call": lambda self, x: x})
    folder(tmp_path / "mine", 3, (8, 8, 1))
    keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3), sampling()]).save(
        tmp_path / "mine/encoder.keras"
    )
    with pytest.raises(CheckpointError, match="encoder.keras names Sampling, which is not of Keras.*register it"):
        explorer.load(tmp_path / "mine")


def test_a_folder_is_found_by_its_bare_name_and_what_is_missing_is_said(toys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder(tmp_path / "mine", 3, (8, 8, 1))
    folder(tmp_path / "flat", 5, (8, 8, 1))  # a model is called so
    (tmp_path / "empty").mkdir()
    assert explorer.load("mine") is explorer.load("mine/") is explorer.load("~/mine")
    assert explorer.load("flat").latent_shape == (2,)
    own_models.show(["flat"])
    assert checkpoints.card("flat-own")["latent_shape"] == [5]
    for name in ("gone.keras", "gone/", "~/gone", "gone.h5"):
        with pytest.raises(KeyError, match=f"there is no file or folder {name}; there are deep, flat"):
            explorer.load(name)
    with pytest.raises(KeyError, match="no checkpoint 'empty'; there are deep, flat"):
        explorer.load("empty")
    for what in (None, 3, np.zeros(3)):
        with pytest.raises(InputError, match=f"must be a name, a path or a Keras model, got {type(what).__name__}"):
            explorer.load(what)


@pytest.mark.parametrize("shape", [(2, 90, 3), (90, 2, 3), (90, 2, 1), (300, 320, 3)])
def test_pictures_of_any_shape_are_drawn_in_every_file(shape):
    explorer.load(networks(3, shape, "sequential")[0], name="long")
    for keys in ({"view": "latent-plane"}, {"view": "latent-plane", "what": "grid", "n": 3}, {"view": "morph", "corners": (1, 2)}):
        seen = drawn(model="long", size=330, **keys)
        sides = np.array(seen.shape[:2]) / keys.get("n", 1)
        assert 0.8 * 330 < max(sides) <= 330, "the longer side has the size"
        assert sides[1] / sides[0] == pytest.approx(shape[1] / shape[0], rel=0.2)
    assert drawn(view="latent-plane", model="long").size
    for keys in ({"what": "grid"}, {"what": "strip", "to": (1.0, 0.0, 0.0), "frames": 9}):  # without a size of the state's
        full = views.complete({"view": "latent-plane", "model": "long", **keys})
        for moving, ending in ((False, "png"), (True, "gif")):
            shown = views.of("latent-plane").pictures(full, moving)
            if ending == "png" or shown.moves:
                files.check(shown, None, ending)


def test_pickles_links_and_damage_are_refused(tmp_path, sprung):
    folder(tmp_path / "bad", 3, (8, 8, 1))
    bad = tmp_path / "bad"
    np.savez(bad / "encodings.npz", z_mean=np.array([[Bomb(sprung)] * 3] * 2, object))
    with pytest.raises(CheckpointError, match="pickled objects are not read"):
        explorer.load(bad)
    (bad / "encodings.npz").write_bytes(pickle.dumps(Bomb(sprung)))
    with pytest.raises(CheckpointError, match="pickled objects are not read"):
        explorer.load(bad)
    (bad / "encodings.npz").unlink()
    shutil.move(bad / "decoder.keras", tmp_path / "elsewhere.keras")
    (bad / "decoder.keras").symlink_to(tmp_path / "elsewhere.keras")
    with pytest.raises(CheckpointError, match=r"decoder\.keras leads out of the model's folder"):
        explorer.load(bad)
    (bad / "decoder.keras").unlink()
    (bad / "decoder.keras").write_bytes(pickle.dumps(Bomb(sprung)))
    with pytest.raises(CheckpointError, match="no whole .keras file"):
        explorer.load(bad)


def test_a_visitor_cannot_name_a_path(tmp_path):
    folder(tmp_path / "mine", 3, (8, 8, 1))
    for name in (str(tmp_path / "mine"), f"{tmp_path}/mine/decoder.keras"):
        for call in (checkpoints.load, checkpoints.card, checkpoints.encodings):
            with pytest.raises(KeyError):
                call(name)
        assert "no checkpoint" in plane.decode_point(f"model={name}")["error"]
        assert "no checkpoint" in plane.draw_prior({"model": name, "seed": 0})["error"]


def test_hostile_text_is_shown_as_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    card = {
        "title": evil,
        "short": evil,
        "data": evil,
        "metrics": {evil: evil, "a": [evil]},
        "known_failures": [evil],
        "recipe": {"judge": "../x"},
        "name": "../../x",
    }
    folder(tmp_path / "evil", 2, (20, 24, 1), heads=1, card=card)
    g = explorer.load(tmp_path / "evil")
    assert (g.card["name"], g.card["recipe"]) == ("evil", {})
    page = models_view.page("evil")
    assert "<img" not in page
    assert page.count("&lt;img") >= 5


# ---- thin and broken cards of the registry


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (b"{}", None),
        (b'{"title": "thin"}', None),
        (b"garbage", "no JSON"),
        (b"[]", "one object"),
        (b'{"order": NaN}', "NaN"),
        (b"[" * 100_000, "no JSON"),
        (b'{"metrics": 5}', "metrics is 5"),
        (b'{"classes": "abc"}', "classes"),
        (b'{"parameters": {"<b>": "x"}}', "parameters"),
        (b'{"image_shape": [8, 8, 4]}', "image_shape"),
        (b'{"kind": "diffusion", "latent_shape": [8, 8, 1]}', '"sampling"'),
    ],
)
def test_a_thin_or_broken_card_takes_nothing_down(toys, tmp_path, monkeypatch, card, words):
    root = tmp_path / "root"
    shutil.copytree(toys.root, root)
    (root / "flat/card.json").write_bytes(card)
    checkpoints.seal(root / "flat")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    names = {card["name"] for card in explorer.models()}
    assert names == {"deep", "holes"} | ({"flat"} if words is None else set())
    assert [line for line in models_view.damaged() if "flat" in line] == models_view.damaged()
    for name in names:
        assert models_view.page(name)
        assert models_view.curves(name) is not None
        assert plane.open_view(f"model={name}")["problems"] == []
        assert morph.open_morph(f"model={name}")["problems"] == []
    if words is None:
        here = checkpoints.card("flat")
        assert here["parameters"] == {"all": sum(toys_parameters(toys))}
        assert (here["kind"], here["latent_shape"], here["image_shape"]) == ("vae", [2], [8, 8, 1])
    else:
        with pytest.raises(CheckpointError, match=words):
            checkpoints.card("flat")
        assert len(models_view.damaged()) == 1
        assert any("flat" in problem for problem in plane.open_view("model=flat")["problems"])


def toys_parameters(toys):
    return json.loads((toys.root / "flat/card.json").read_text())["parameters"].values()


def test_an_emptied_folder_is_named_and_the_rest_works(toys, tmp_path, monkeypatch):
    root = tmp_path / "root"
    shutil.copytree(toys.root, root)
    for file in (root / "flat").iterdir():
        file.unlink()
    (root / "training" / "run").mkdir(parents=True)  # not shipped yet
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    assert checkpoints.names() == ["deep", "flat", "holes"]
    assert models_view.damaged() == [str(pytest.raises(CheckpointError, checkpoints.card, "flat").value)]
    assert "checkpoints/flat is empty" in models_view.damaged()[0]
    assert {card["name"] for card in explorer.models()} == {"deep", "holes"}


def test_a_decoder_in_the_registrys_folder_needs_no_word(tmp_path, monkeypatch):
    (tmp_path / "root").mkdir()
    folder(tmp_path / "root/pets", 3, (20, 24, 1), heads=2)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "root"))
    assert [card["name"] for card in explorer.models()] == ["pets"]
    assert drawn(model="pets", what="grid", n=2).std() > 0


# ---- states


def test_a_state_of_ten_megabytes_and_one_in_a_picture_are_data():
    explorer.load(networks(2, (8, 8, 1))[0], name="mine")
    for query in ("z=" + "1," * 5_000_000, "model=" + "m" * 10_000_000, "hidden=" + "1," * 5_000_000):
        answer = plane.decode_point(query)
        assert len(answer["error"]) < 2000
    evil = '<script>alert(1)</script>&model=../../etc/passwd&z=__import__("os")'
    png = imaging.png(np.zeros((8, 8, 1)), evil)
    assert imaging.state_of(png) == evil
    with pytest.raises(state.StateError):
        state.parse_strictly(imaging.state_of(png))


# ---- the Hub, and one's own recipe


def test_a_repository_of_the_hub_is_fetched_when_asked_and_a_preset_is_left_to_kerashub(tmp_path, monkeypatch):
    import huggingface_hub

    made = folder(tmp_path / "repo", 3, (20, 24, 1))
    asked = []

    def download(repository, allow_patterns, local_dir):
        asked.append((repository, allow_patterns))
        shutil.copytree(tmp_path / "repo", local_dir, dirs_exist_ok=True)

    monkeypatch.setattr("huggingface_hub.constants.HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda repository: ["decoder.keras", "README.md"])
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    g = explorer.load("hf://somebody/pets")
    assert asked == [("somebody/pets", ["*.keras", "*.npz", "card.json", "SHA256SUMS", "sheet.webp"])]
    assert g.card["name"] == "pets"
    np.testing.assert_allclose(g.decode(np.ones((1, 3))), expected(made, np.ones((1, 3)), (20, 24, 1)), atol=1e-5)
    monkeypatch.setattr(huggingface_hub, "list_repo_files", lambda repository: ["task.json", "model.keras"])
    assert own_models.fetched("hf://keras/a-preset") is None


def test_ones_own_recipe_makes_a_checkpoint(small, tmp_path, monkeypatch):
    from explorer.training import recipes
    from explorer.training.train import train

    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(small.root))
    file = tmp_path / "my-vae.json"
    tiny = {
        "like": "mnist-vae",
        "latent_size": 3,
        "epochs": 1,
        "encoder": {"filters": [2]},
        "decoder": {"filters": [2, 2]},
        "batch_size": 64,
    }
    file.write_text(json.dumps(tiny | {"examples": [["0"]]}))
    card = train(str(file), small.data, out=tmp_path / "out", log=io.StringIO())
    assert (card["name"], card["latent_shape"], card["recipe"]["epochs_run"]) == ("my-vae", [3], 1)
    assert not list(tmp_path.glob("out/my-vae-epoch-*"))
    g = explorer.load(f"{tmp_path}/out/my-vae")
    assert g.decode(g.prior(2)).shape == (2, 28, 28, 1)
    assert drawn(model="my-vae", what="grid", n=2).std() > 0

    for said, words in (
        ({"name": "mnist-vae"}, "name of its own"),
        ({"kind": "vae", "data": "mnist"}, "lacks image_shape"),
        ({"like": "mnist-vae", "data": "../x"}, "data must be one of"),
        ({"like": "mnist-vae", "epochs": "ten"}, "epochs must be"),
        ({"data": "mnist"}, '"kind": "vae"'),
    ):
        file.write_text(json.dumps(said))
        with pytest.raises(InputError, match=words):
            recipes.own(file)
