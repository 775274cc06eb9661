import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import imaging
from explorer.__main__ import main
from explorer.errors import InputError
from explorer.training import runs
from explorer.training import train as train_module


def refused(capsys, *arguments):
    """Runs a command that must be refused in one line; returns the line."""
    try:
        status = main(list(arguments))
    except SystemExit as stop:  # how argparse leaves
        status = stop.code
    assert status == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("\n")
    assert "Traceback" not in captured.err
    return captured.err


@pytest.mark.parametrize("verb", [(), ("serve",), ("models",), ("render",), ("train",), ("evaluate",), ("card",)])
def test_every_verb_has_help(capsys, verb):
    with pytest.raises(SystemExit) as stop:
        main([*verb, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "usage: python -m explorer" in out
    for option in {
        "serve": ["--host", "--port", "--open"],
        "card": ["NAME"],
        "models": ["--json"],
        "render": ["STATE", "--out"],
        "train": ["--all", "--data", "--epochs", "--out", "--seed"],
        "evaluate": ["--data"],
    }.get(verb[0] if verb else "", ["serve", "models", "render", "train", "evaluate", "card", "--version"]):
        assert option in out


def test_models_are_listed(capsys, toys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for words in ("flat  (vae", "deep", "holes  (ae", "[4] -> [8, 8, 1]", "encoder", "decoder", "licence", "one 1.5"):
        assert words in out


def test_models_as_json_are_the_cards(capsys, toys):
    assert main(["models", "--json"]) == 0
    written = [json.loads((toys.root / name / "card.json").read_text()) for name in ("flat", "deep", "holes")]
    told = json.loads(capsys.readouterr().out)  # and what these cards leave out
    assert [{key: card[key] for key in before} for card, before in zip(told, written, strict=True)] == written


def test_render_writes_the_picture_with_its_state(capsys, toys, tmp_path):
    out = tmp_path / "picture.PNG"
    assert main(["render", "http://127.0.0.1:7860/?model=flat&z=0.5,-1&size=16&__theme=dark", "--out", str(out)]) == 0
    assert capsys.readouterr() == ("", "")
    found = np.asarray(Image.open(out)).astype(int)
    assert np.abs(found - np.kron(toys.flat.picture_bytes([0.5, -1])[0], np.ones((2, 2), int))).max() <= 1
    assert imaging.state_of(out.read_bytes()) == "model=flat&z=0.5,-1&size=16"


@pytest.mark.parametrize(
    ("state", "file", "words"),
    [
        ("model=flat&z=nan,0", "a.png", "z must be"),
        ("model=flat&z=1000000000,0", "a.png", "z must be"),
        ("model=flat&z=inf,0", "a.png", "z must be"),
        ("model=flat&z=1", "a.png", "2 numbers"),
        ("model=flat&z=1,2,3", "a.png", "2 numbers"),
        ("model=flat&frames=9999", "a.png", "frames must be"),
        ("model=flat&n=0", "a.png", "n must be"),
        ("model=flat&what=film", "a.png", "what must be"),
        ("model=nothing", "a.png", "there are deep, flat, holes"),
        ("model=../flat", "a.png", "no checkpoint"),
        ("model=flat", "a.jpg", ".png, .gif, .mp4"),
        ("model=flat", "a", ".png"),
        ("model=flat", "a.gif", "what=strip"),
        ("model=flat&what=strip", "a.gif", "two points"),
        ("model=holes&scale=p&what=plane", "a.png", "prior"),
        ("model=flat", "none/a.png", "none"),
        ("model=flat&what=grid&n=60&size=1024", "a.png", "at most"),
        ("z=0,0", "a.png", "'mnist-vae'"),
        ("model=flat&z=0,1&nonsense=1", "a.png", "there is no key 'nonsense'"),
        ("model=flat&prompt=a+rose", "a.png", "prompt means nothing with view=latent-plane"),
        ("view=nowhere", "a.png", "view must be one of latent-plane"),
        ("http://host/", "a.png", "holds no state"),
        ("model=flat&hidden=200", "a.png", "hidden must be classes from 0 to 2 for flat, got 200"),
    ],
)
def test_render_refuses_a_bad_state_in_one_line_and_writes_nothing(capsys, toys, tmp_path, state, file, words):
    assert words in refused(capsys, "render", state, "--out", str(tmp_path / file))
    assert list(tmp_path.iterdir()) == []


def test_render_says_once_what_is_cut_off_of_a_prompt(capsys, text_registry, tmp_path):
    words = "a+photo+of+a+rose,+and+a+photo+of+a+man"
    query = f"model=words&what=strip&frames=2&steps=1&prompt={words}&to_prompt={words}"
    assert main(["render", query, "--out", str(tmp_path / "a.png")]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "cut off" in line]
    assert len(said) == 1
    assert said[0].startswith("explorer render: words reads at most 10 tokens: a prompt is read up to “of”")
    assert main(["render", "model=words&steps=1&prompt=a+rose", "--out", str(tmp_path / "a.png")]) == 0
    assert "cut off" not in capsys.readouterr().err


def test_render_leaves_a_file_that_is_there_alone_when_it_refuses(capsys, toys, tmp_path):
    (tmp_path / "a.png").write_text("mine")
    refused(capsys, "render", "model=flat&z=nan,0", "--out", str(tmp_path / "a.png"))
    assert (tmp_path / "a.png").read_text() == "mine"


def test_render_into_a_folder_is_refused(capsys, toys, tmp_path):
    (tmp_path / "a.png").mkdir()
    refused(capsys, "render", "model=flat", "--out", str(tmp_path / "a.png"))


@pytest.mark.parametrize("file", ["nowhere/a.png", f"{'x' * 300}.png", "loop.png"])
def test_a_file_that_cannot_be_written_is_named(capsys, toys, tmp_path, file):
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert f"{file} cannot be written" in refused(capsys, "render", "model=flat", "--out", str(tmp_path / file))


def test_render_of_a_damaged_model_names_the_file(capsys, toys, tmp_path, monkeypatch):
    shutil.copytree(toys.root, tmp_path / "registry")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "registry"))
    path = tmp_path / "registry/flat/model.keras"
    path.write_bytes(path.read_bytes()[:-1])
    assert "flat/model.keras is damaged (expected SHA-256" in refused(
        capsys, "render", "model=flat", "--out", str(tmp_path / "a.png")
    )
    assert not (tmp_path / "a.png").exists()
    assert main(["render", "model=holes", "--out", str(tmp_path / "a.png")]) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "verb"),
        (("serve", "--port", "many"), "--port"),
        (("card",), "NAME"),
        (("card", "nothing"), "there are deep, flat, holes"),
        (("paint",), "paint"),
        (("render", "model=flat"), "--out"),
        (("render",), "STATE"),
        (("models", "--xml"), "--xml"),
        (("train",), "name one model"),
        (("train", "mnist-vae", "--all"), "name one model"),
        (("train", "nothing"), "there are judges/digits"),
        (("train", "mnist-vae", "--epochs", "0"), "above 0"),
        (("train", "mnist-vae", "--epochs", "-1"), "--epochs"),
        (("train", "mnist-vae", "--epochs", "many"), "above 0"),
        (("train", "mnist-vae", "--epochs", "1_0"), "above 0"),
        (("train", "mnist-vae", "--seed", "+7"), "must be a whole number from 0, got '+7'"),
        (("serve", "--port", "٣"), "must be a whole number from 0"),
        (("train", "mnist-vae", "--seed", "x"), "--seed"),
        (("evaluate",), "NAME"),
        (("evaluate", "nothing"), "there are deep, flat, holes"),
        (("evaluate", "judges/nothing"), "there are none"),
    ],
)
def test_bad_commands_are_refused_in_one_line_that_says_what_to_do(capsys, toys, arguments, words):
    assert words in refused(capsys, *arguments)


def test_train_without_its_data_says_what_is_missing(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path / "registry"))
    status = main(["train", "mnist-vae", "--data", str(tmp_path), "--epochs", "1"])
    assert status == 2
    assert "mnist.npz is missing" in capsys.readouterr().err.splitlines()[-1]


def test_train_hands_its_options_on(capsys, tmp_path, monkeypatch):
    asked = []

    def stop(recipe, folder, data_folder, preview, log):
        asked.append((recipe["epochs"], recipe["seed"], folder, data_folder))
        raise InputError("far enough")

    monkeypatch.setattr(runs, "fit", stop)
    arguments = ["train", "judges/digits", "--data", "somewhere", "--epochs", "3", "--out", str(tmp_path), "--seed", "5"]
    assert main(arguments) == 2
    ((epochs, seed, folder, data_folder),) = asked
    assert (epochs, seed, folder, str(data_folder)) == (3, 5, tmp_path / "judges/digits/run", "somewhere")


def test_train_all_begins_with_the_judges(monkeypatch, capsys):
    trained = []
    monkeypatch.setattr(train_module, "train", lambda name, *_: trained.append(name))
    assert main(["train", "--all"]) == 0
    assert trained[:2] == ["judges/digits", "judges/fashion"]
    assert {"mnist-vae", "fashion-ae", "fashion-vae", "fashion-vae-10d", "mnist-vae-kl-4"} <= set(trained)


def test_evaluate_prints_the_metrics_as_json(capsys, small_registry):
    assert main(["evaluate", "judges/digits", "--data", str(small_registry.data)]) == 0
    assert json.loads(capsys.readouterr().out)["test_accuracy"] == small_registry.cards["judges/digits"]["metrics"]["test_accuracy"]


def test_a_reader_that_has_had_enough_ends_it_without_a_word(toys):
    read, write = os.pipe()
    os.close(read)
    finished = subprocess.run([sys.executable, "-m", "explorer", "models"], cwd=Path(__file__).parent.parent, stdout=write,
                              stderr=subprocess.PIPE, text=True, timeout=300)  # fmt: skip
    os.close(write)
    assert (finished.returncode, finished.stderr) == (141, "")


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"Latent Explorer {explorer.__version__}\n"


def test_serve_hands_its_options_on(monkeypatch):
    served = []
    monkeypatch.setenv("EXPLORER_PRESETS", "")  # put back afterwards
    monkeypatch.setattr("explorer.page.launch", lambda *options, **named: served.append((options, named)))
    assert main(["serve", "--port", "7999", "--open", "--root-path", "/demo"]) == 0
    assert served == [((None, 7999, True), {"root_path": "/demo", "mcp": False, "allow_origin": []})]


def test_the_module_runs_as_a_program(toys, tmp_path):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "explorer", *arguments],
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )

    listed = run("models", "--json")
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)) == 3
    bad = run("render", "model=flat&z=NaN,1e9", "--out", str(tmp_path / "a.png"))
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1)
    assert "z must be" in bad.stderr
    assert list(tmp_path.iterdir()) == []
