"""Text-to-image models that do not ship: what is said before anything is downloaded, and what happens where they cannot be had."""

from urllib.parse import quote

import keras_hub
import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import presets
from explorer.__main__ import main
from explorer.generators import text_to_image
from explorer.generators.text_to_image import TextToImageGenerator


@pytest.fixture(autouse=True)
def _nothing_loaded(monkeypatch):
    """Whatever another test loaded."""
    monkeypatch.setattr(presets, "_loaded", {})


@pytest.fixture
def offline(monkeypatch):
    """KerasHub finds nothing; what it was asked for."""
    asked = []

    def from_preset(name, **settings):
        asked.append((name, settings))
        raise FileNotFoundError("no such preset\nand much more")

    monkeypatch.setattr(keras_hub.models.TextToImage, "from_preset", from_preset)
    return asked


def test_a_preset_folder_is_a_generator(text_root, capsys):
    folder = str(text_root / "words")
    g = explorer.load(folder)
    assert explorer.load(folder) is g
    assert "nothing is downloaded" in capsys.readouterr().err
    assert g.decode(g.prior(1), "a rose", steps=2).shape == (1, 32, 32, 3)
    assert g.card["parameters"]["mmdit"] == g.backbone.diffuser.count_params()


def test_a_larger_picture_is_previewed_in_colours_a_pixel_a_latent(text_root, monkeypatch):
    monkeypatch.setattr(text_to_image, "DECODED", 64)
    g = explorer.load(str(text_root / "words"), image_size=128)
    assert (g.latent_shape, g.image_shape) == ((16, 16, 4), (128, 128, 3))
    smooth = g.prior(1)[:, ::4, ::4].repeat(4, 1).repeat(4, 2)
    small, pooled = g.preview(smooth), g.pictures(smooth).reshape(1, 16, 8, 16, 8, 3).mean((2, 4))
    assert small.shape == pooled.shape
    assert np.square(small - pooled).mean() < 0.9 * pooled.var((0, 1, 2)).mean()  # of an untrained decoder even


@pytest.mark.parametrize("size", [0, 65, 4096, -64])
def test_another_size_is_refused(text_root, size):
    with pytest.raises(ValueError, match="multiple of 16 from 64 to 2048"):
        explorer.load(str(text_root / "words"), image_size=size)


def test_a_size_beyond_the_models_positions_is_refused(text_root):
    with pytest.raises(ValueError, match="at most 128 pixels a side, got image_size 256"):
        explorer.load(str(text_root / "words"), image_size=256)


def test_what_ships_has_its_own_size(text_registry):
    with pytest.raises(ValueError, match="size of its own"):
        explorer.load("words", image_size=64)


def test_what_it_needs_is_said_before_anything_is_fetched(offline, capsys, monkeypatch):
    monkeypatch.setattr(presets, "memory", lambda: 1e12)
    with pytest.raises(
        presets.PresetError, match="could not be loaded: no such preset stable_diffusion_3_medium: 3.0 billion"
    ) as told:
        explorer.load("stable_diffusion_3_medium")
    said = capsys.readouterr().err
    for words in ("6.0 GB", "licence", "KAGGLE_KEY", "kaggle.com"):
        assert words in said
        assert words in str(told.value)
    ((name, settings),) = offline
    assert (name, settings["image_shape"]) == ("stable_diffusion_3_medium", (512, 512, 3))


def test_where_it_has_no_room_nothing_is_fetched(offline, monkeypatch):
    monkeypatch.setattr(presets, "memory", lambda: 4e9)
    with pytest.raises(presets.PresetError, match="needs a GPU, or 19.9 GB of memory: here are 4.0 GB"):
        explorer.load("stable_diffusion_3.5_large")
    assert not offline


@pytest.mark.parametrize(("room", "dtype"), [(12e9, None), (11.9e9, "bfloat16"), (7.8e9, "bfloat16")])
def test_a_cpu_computes_in_float32_where_it_has_room(offline, monkeypatch, room, dtype):
    monkeypatch.setattr(presets, "memory", lambda: room)
    with pytest.raises(presets.PresetError, match="could not be loaded"):
        explorer.load("stable_diffusion_3_medium")
    assert offline[0][1].get("dtype") == dtype


def test_half_precision_draws_the_same(text_root):
    """To what bfloat16 keeps, eight bits; by the folder's own weights."""
    folder, model = str(text_root / "words"), keras_hub.models.TextToImage
    whole, half = (
        TextToImageGenerator(explorer.load(folder).card, model.from_preset(folder, dtype=dtype))
        for dtype in ("float32", "bfloat16")
    )
    assert str(half.backbone.diffuser.joint_blocks[0].compute_dtype) == "bfloat16"
    drawn = [g.decode(g.prior(2), "a rose", steps=2) for g in (whole, half)]
    assert drawn[1].dtype == "float32"
    assert 0 < np.abs(drawn[0] - drawn[1]).max() < 0.1


def test_a_handle_is_passed_on(offline):
    with pytest.raises(presets.PresetError, match="hf://nobody/nothing could not be loaded"):
        explorer.load("hf://nobody/nothing")
    assert offline == [("hf://nobody/nothing", {})]


@pytest.mark.parametrize("name", ["nobody", "x" * 300, "é" * 150])
def test_any_other_name_is_unknown(name):
    with pytest.raises(KeyError, match=f"no checkpoint '{name}'"):
        explorer.load(name)


def test_only_the_last_one_is_kept(text_root):
    folder = str(text_root / "words")
    first, second = explorer.load(folder), explorer.load(folder, image_size=64)
    assert presets.opened(folder, 64) is second
    with pytest.raises(presets.PresetError, match="has not been loaded here"):
        presets.opened(folder)
    assert explorer.load(folder) is not first


@pytest.mark.parametrize(
    ("setting", "may"), [("", False), ("any", True), ("hf://a/b", False), ("x, stable_diffusion_3_medium", True)]
)
def test_who_runs_the_page_says_what_its_visitors_may_load(setting, may, monkeypatch):
    monkeypatch.setenv(presets.PERMISSION, setting)
    assert presets.permitted("stable_diffusion_3_medium") is may


def test_a_file_of_a_preset_is_written_by_its_name(text_root, tmp_path, capsys, monkeypatch):
    folder, file = text_root / "words", tmp_path / "a.png"
    assert main(["render", f"model={quote(str(folder))}&steps=1&prompt=a+rose", "--out", str(file)]) == 0
    expected = presets.opened(str(folder))
    drawn = expected.decode(expected.prior(1), "a rose", steps=1)
    assert np.abs(np.asarray(Image.open(file).resize((32, 32), Image.Resampling.BOX), float) / 255 - drawn[0]).mean() < 0.05
    monkeypatch.setattr(keras_hub.models.TextToImage, "from_preset", lambda *_, **__: 1 / 0)
    assert main(["render", "model=hf://nobody/nothing&steps=1", "--out", str(file)]) == 2
    assert "could not be loaded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "known", "words"),
    [("stable_diffusion_3.5_large", "stable_diffusion_3.5_large", "KAGGLE_KEY"), ("hf://keras/stable_diffusion_3_medium", "stable_diffusion_3_medium", "HF_TOKEN"),
     ("kaggle://keras/stablediffusion-3.5/keras/stable_diffusion_3.5_large_turbo/2", "stable_diffusion_3.5_large_turbo", "KAGGLE_KEY"),
     ("hf://somebody/flowers", None, "HF_TOKEN")],
)  # fmt: skip
def test_a_handle_of_a_known_preset_is_judged_as_that_and_the_token_it_takes_is_named(name, known, words, offline, monkeypatch):
    assert presets.of_known(name) == known
    assert words in presets.needs(name)
    assert ("billion parameters" in presets.needs(name)) == bool(known)
    monkeypatch.setattr(presets, "memory", lambda: 4e9)
    with pytest.raises(presets.PresetError, match="needs a GPU, or" if known else "could not be loaded"):
        explorer.load(name)
    assert bool(offline) != bool(known), "what does not fit is not fetched"


def test_each_preset_has_the_steps_and_guidance_of_its_makers(text_model):
    _, task = text_model.make()
    found = {name: presets.card(name, task.backbone)["sampling"] for name in (*presets.KNOWN, "hf://a/b")}
    assert found["stable_diffusion_3.5_large"] == {"steps": 40, "guidance_scale": 4.5}
    assert found["stable_diffusion_3.5_large_turbo"] == {"steps": 4, "guidance_scale": 1.0}
    assert found["stable_diffusion_3_medium"] == found["hf://a/b"] == {"steps": 28, "guidance_scale": 7.0}


def test_memory_is_what_may_be_taken_within_a_containers_limit(tmp_path, monkeypatch):
    from explorer import memory

    info, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    info.write_text("MemTotal: 30000000 kB\nMemFree: 100 kB\nMemAvailable: 22000000 kB\n")
    monkeypatch.setattr(memory, "MEASURED", str(info))
    monkeypatch.setattr(memory, "CONTAINER", (str(limit),))
    assert presets.memory() == 22000000 * 1024
    limit.write_text("9000000000\n")
    assert presets.memory() == 9e9
