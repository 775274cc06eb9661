import contextlib
import hashlib
import json
import re
import shutil
import weakref

import numpy as np
import pytest

import explorer
from explorer import checkpoints, memory
from explorer.checkpoints import CheckpointError


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_registry_lists_what_there_is_in_the_order_of_the_cards(toys):
    assert checkpoints.names() == ["deep", "flat", "holes"]
    assert [card["name"] for card in explorer.models()] == ["flat", "deep", "holes"]  # by `order`
    written = json.loads((toys.root / "flat/card.json").read_text())
    assert {key: explorer.models()[0][key] for key in written} == written


def test_a_registry_without_checkpoints_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "none"))
    assert explorer.models() == []
    with pytest.raises(KeyError, match="there are none"):
        explorer.load("mnist-vae")


def test_a_model_is_loaded_once(toys):
    generator = explorer.load("flat")
    assert explorer.load("flat") is generator
    assert isinstance(generator, explorer.Generator)
    assert (generator.latent_shape, generator.image_shape) == ((2,), (8, 8, 1))
    assert repr(generator) == "<Generator flat: (2,) -> (8, 8, 1)>"


def test_the_least_lately_used_model_is_given_back(toys, monkeypatch):
    monkeypatch.setattr(checkpoints, "_loaded", {})
    one = memory.estimated(checkpoints.card("deep"))
    monkeypatch.setenv(memory.LIMIT, str(round(2.5 * one)))
    flat, deep = weakref.ref(explorer.load("flat")), explorer.load("deep")
    explorer.load("flat")  # used last
    assert checkpoints.up() == ["deep", "flat"]
    assert not checkpoints.fits(checkpoints.card("holes"))
    explorer.load("holes")
    assert checkpoints.up() == ["flat", "holes"]
    assert explorer.load("flat") is flat()
    assert explorer.load("deep") is not deep, "loaded anew"
    assert deep.decode(deep.prior(1)).shape == (1, 8, 8, 1), "who has it goes on with it"
    assert checkpoints.up() == ["flat", "deep"]
    explorer.load("holes")
    assert flat() is None, "nothing holds on to it"


def test_one_model_is_loaded_however_small_the_limit(toys, monkeypatch):
    monkeypatch.setattr(checkpoints, "_loaded", {})
    monkeypatch.setenv(memory.LIMIT, "1KB")
    for name in ("flat", "deep"):
        assert explorer.load(name).card["name"] == name
        assert checkpoints.up() == [name]


def test_another_registry_has_models_of_its_own(toys, tmp_path, monkeypatch):
    here = explorer.load("flat")
    shutil.copytree(toys.root / "holes", tmp_path / "flat")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    assert explorer.load("flat") is not here
    assert explorer.load("flat").card["kind"] == "ae"


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "",
        ".",
        "..",
        "../toys",
        "judges",
        "flat/",
        "/flat",
        "flat/card.json",
        "deep/../flat",
        "flat\n",
        "fl\0at",
        "m" * 200,
    ],
)
@pytest.mark.parametrize("call", [explorer.load, checkpoints.card, checkpoints.encodings])
def test_an_unknown_name_is_answered_with_the_known_ones(toys, call, name):
    with pytest.raises(KeyError) as caught:
        call(name)
    assert "there are deep, flat, holes" in caught.value.args[0]


def test_a_folder_outside_of_the_registry_is_no_checkpoint(toys, tmp_path):
    shutil.copytree(toys.root / "flat", tmp_path / "foreign")
    for name in (str(tmp_path / "foreign"), f"../{tmp_path.name}/foreign"):  # of which only who runs the program may speak
        for call in (checkpoints.load, checkpoints.card):
            with pytest.raises(KeyError):
                call(name)


def test_an_unknown_judge_is_answered_with_the_known_ones(small_registry):
    with pytest.raises(KeyError, match="'faces'; there are digits, fashion"):
        explorer.judge("faces")


def test_judges_are_no_models(small_registry):
    assert {card["kind"] for card in explorer.models()} == {"ae", "vae"}
    assert explorer.judge("digits") is explorer.judge("digits")
    with pytest.raises(CheckpointError, match="judge"):
        explorer.load("judges/digits")


def test_encodings_come_as_they_were_written(toys):
    codes = checkpoints.encodings("deep")
    np.testing.assert_array_equal(codes.z_mean, toys.deep.z_mean.astype("float32"))
    np.testing.assert_array_equal(codes.labels, toys.deep.labels)
    assert (codes.z_mean.dtype, codes.labels.dtype, codes.z_log_var) == (np.float32, np.uint8, None)


def test_the_sums_are_those_of_sha256sum(toys):
    lines = (toys.root / "flat/SHA256SUMS").read_text().splitlines()
    assert lines == [f"{sha256(toys.root / 'flat' / file)}  {file}" for file in ("card.json", "encodings.npz", "model.keras")]


def test_a_model_of_a_later_version_is_refused_by_its_kind(toys, tmp_path, monkeypatch):
    shutil.copytree(toys.root / "flat", tmp_path / "flat")
    card = json.loads((tmp_path / "flat/card.json").read_text()) | {"kind": "flow"}
    (tmp_path / "flat/card.json").write_text(json.dumps(card))
    checkpoints.seal(tmp_path / "flat")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    with pytest.raises(CheckpointError, match="'flow'"):
        explorer.load("flat")


# --- damage: each file in turn, in each way ---


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def flip_high(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x80  # no longer UTF-8, if it was text
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path):
    path.write_bytes(b"")


def delete(path):
    path.unlink()


HARM = [flip, flip_high, cut, empty, delete]


@pytest.fixture
def copy(small, tmp_path, monkeypatch):
    """A copy of the small registry, free to be damaged."""
    root = tmp_path / "registry"
    shutil.copytree(small.root, root, ignore=shutil.ignore_patterns("run"))
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    return root


CALLS = {
    "model.keras": lambda name: explorer.load(name),
    "card.json": lambda name: explorer.load(name),
    "encodings.npz": lambda name: checkpoints.encodings(name),
    "sheet.webp": lambda name: checkpoints.read(name, checkpoints.SHEET),
}


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("file", CALLS)
def test_a_damaged_file_is_named_with_both_sums_and_the_others_still_work(copy, file, harm):
    path = copy / "mnist-vae" / file
    expected = sha256(path)
    harm(path)
    with pytest.raises(CheckpointError) as caught:
        CALLS[file]("mnist-vae")
    message = str(caught.value)
    assert f"mnist-vae/{file}" in message
    assert f"expected SHA-256 {expected}" in message
    assert f"found {'no such file' if harm is delete else sha256(path)}" in message
    assert "python -m explorer train mnist-vae`" in message
    assert "\n" not in message
    listed = {card["name"] for card in explorer.models()}
    assert listed == {"fashion-ae", "mnist-vae-epoch-00", "mnist-vae-epoch-01"} | ({"mnist-vae"} if file != "card.json" else set())
    assert "mnist-vae" in checkpoints.names()  # so that its view can say so
    other = explorer.load("mnist-vae-epoch-00")
    assert other.decode(other.prior(1)).shape == (1, 28, 28, 1)
    assert checkpoints.encodings("fashion-ae").z_mean.shape == (200, 2)
    if file != "model.keras" and file != "card.json":
        assert explorer.load("mnist-vae").decode([[0, 0]]).shape == (1, 28, 28, 1)


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("file", ["model.keras", "card.json"])
def test_a_damaged_judge_is_named_too(copy, file, harm):
    path = copy / "judges/digits" / file
    expected = sha256(path)
    harm(path)
    with pytest.raises(CheckpointError, match=f"judges/digits/{re.escape(file)} .*{expected}"):
        explorer.judge("digits")
    assert explorer.judge("fashion").classes[1] == "Trouser"


@pytest.mark.parametrize("harm", HARM)
def test_damaged_sums_are_named_and_the_others_still_work(copy, harm):
    harm(copy / "mnist-vae/SHA256SUMS")
    complaints = []
    for file in CALLS:
        try:
            checkpoints.read("mnist-vae", file)
        except CheckpointError as error:
            complaints.append(str(error))
    assert complaints
    assert all("mnist-vae/" in complaint for complaint in complaints)
    if harm in (empty, delete):
        assert len(complaints) == 4
        assert all("mnist-vae/SHA256SUMS" in complaint for complaint in complaints)
    assert "mnist-vae" in checkpoints.names()
    assert {"fashion-ae", "mnist-vae-epoch-00", "mnist-vae-epoch-01"} <= {card["name"] for card in explorer.models()}
    assert explorer.load("fashion-ae").decode([[0, 0]]).shape == (1, 32, 32, 1)


def test_any_byte_of_the_sums_may_be_any_other(copy):
    path = copy / "mnist-vae/SHA256SUMS"
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged)
        assert len(explorer.models()) >= 3
        for file in CALLS:
            with contextlib.suppress(CheckpointError):  # nothing else
                assert checkpoints.read("mnist-vae", file) == (copy / "mnist-vae" / file).read_bytes()


def test_a_checkpoint_that_is_whole_again_loads_again(copy):
    path = copy / "mnist-vae/model.keras"
    whole = path.read_bytes()
    cut(path)
    with pytest.raises(CheckpointError):
        explorer.load("mnist-vae")
    path.write_bytes(whole)
    assert explorer.load("mnist-vae").card["name"] == "mnist-vae"


def test_the_steps_of_a_run_are_trained_with_it(copy):
    delete(copy / "mnist-vae-epoch-01/model.keras")
    with pytest.raises(CheckpointError, match="train mnist-vae`"):
        explorer.load("mnist-vae-epoch-01")
