"""The static site's files: what its page asks for is there, and it needs what it says; `tests/browser/test_static_site.py` opens it."""

import base64
import hashlib
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints
from explorer.__main__ import main
from explorer.publishing import deploy, site
from explorer.serving import runtime
from explorer.views.why_a_vae import calls
from explorer.views.why_a_vae import pictures as why


@pytest.fixture
def found(site_files):
    return site_files


ABOUT = {"latent-plane": "", "faces": ".faces", "morph": ".morph"}  # where what the page is told of a model stands


def props_of(found):
    return json.loads(re.search(r'id="props">(.*?)</script>', found["index.html"].decode(), re.S).group(1))


def of_view(found):
    views = props_of(found)["views"]
    listed = {"latent-plane": views["latent-plane"]["models"], "morph": views["morph"]["morphs"]}
    return {view: [model["name"] for model in models] for view, models in listed.items()} | {"faces": views["faces"]["faces"]}


def test_every_file_that_a_module_or_the_shelf_names_is_there(found):
    modules = {path: data.decode() for path, data in found.items() if path.startswith("lx/") and path.endswith(".js")}
    assert len(modules) > 20
    for path, text in modules.items():
        for name in re.findall(r'^import .*from "(\.[^"]+)"', text, re.M):
            parts = path.split("/")[:-1]
            for part in name.split("/"):
                parts = parts[:-1] if part == ".." else parts if part == "." else [*parts, part]
            assert "/".join(parts) in found, f"{path} imports {name}"
    shelf = json.loads(found["lx/decoders.json"])
    assert len(shelf["models"]) > 25
    for name, model in shelf["models"].items():
        path, _, digits = model["decoder"].partition("?v=")
        assert hashlib.sha256(found[path]).hexdigest().startswith(digits)
        assert f"cards/{name}.md" in found
    for view, names in of_view(found).items():
        for name in names:
            told = json.loads(found[f"lx/static/{name}{ABOUT[view]}.json"])
            assert told["open"]["model"]["name"] == name
            assert {f"lx/static/{name}.{'points' if view == 'latent-plane' else 'places'}.json"} < set(found)
            assert shelf["models"][name]
    assert {f"{shelf['runtime']}{file}" for file in runtime.FILES} < set(found)


def test_the_page_is_whole_and_the_worker_keeps_what_every_visit_needs(found):
    page, worker = found["index.html"].decode(), found["offline.js"].decode()
    assert not re.search(r"/\*(STYLES|PROPS|VERSION|FILES|SEEDS)|<!--(VIEW|TAB)", page + worker)
    models = of_view(found)
    assert models["latent-plane"][0] == "mnist-vae"
    assert models["faces"] == ["celeba-vae"]
    assert len(models["morph"]) > 15
    kept = json.loads("[" + re.search(r"FILES = \[(.*?)\];", worker).group(1) + "]")
    assert "./" in kept
    assert {path.partition("?")[0] for path in kept} - {"./"} < set(found)
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert b"non-commercial" in found["LICENSE.md"]  # the terms come along


def test_faces_and_places_are_those_of_keras(found):
    told, places = (json.loads(found[f"lx/static/celeba-vae.{part}.json"]) for part in ("faces", "places"))
    seeds, gallery = (np.frombuffer(base64.b64decode(places[of]), "<f4").reshape(-1, 200) for of in ("seeds", "gallery"))
    np.testing.assert_array_equal(gallery[7], np.round(checkpoints.encodings("celeba-vae").z_mean[7], 4))
    np.testing.assert_array_equal(seeds[11], np.round(explorer.load("celeba-vae").prior(1, seed=11)[0], 4))
    six = told["open"]["model"]["six"]
    for how, held in (("free", []), ("learned", six), ("plain", six)):
        names, vectors = told["directions"][how].values()
        rows = np.frombuffer(base64.b64decode(vectors), "<f4").reshape(-1, 200)
        hold = [name for name in held if name != "Young"]
        expected = checkpoints.directions("celeba-vae").direction("Young", hold, "whitened" if how == "free" else how)
        np.testing.assert_array_equal(rows[names.index("Young")], expected.astype("<f4"))
    assert told["open"]["model"]["refiner"] == "celeba-refiner"
    assert told["open"]["state"]["refined"] is True
    assert "lx/models/celeba-refiner/decoder.onnx" in found


def pixels_of(row):
    """What a row's pictures are on the page: uint8 (n, h, w, c)."""
    return np.stack([np.frombuffer(base64.b64decode(picture), "uint8").reshape(row["shape"]) for picture in row["pictures"]])


def test_the_family_is_told_what_the_app_shows(found):
    props, told = props_of(found)["views"]["why-a-vae"], lambda name: json.loads(found[f"lx/static/{name}.json"])
    assert list(props["chapters"]) == [chapter for chapter in why.CHAPTERS if chapter != "denoising"]
    assert told("why-a-vae.holes")["open"]["facts"] == calls.facts("holes")
    for chapter in ("linear", "deeper", "sparse"):
        state = why.complete({"chapter": chapter, "seed": 3})
        for row, expected in zip(told(f"why-a-vae.{chapter}.3")["rows"], why.rows(state), strict=True):
            assert np.abs(pixels_of(row) - np.rint(255 * expected["images"].astype("float64"))).max() <= 1
    gan = explorer.load("fashion-cgan")
    (row,) = told("why-a-vae.gans.2.fashion-cgan")["rows"]
    noise = np.stack([np.frombuffer(base64.b64decode(z), "<f4") for z in row["points"]])
    np.testing.assert_array_equal(noise, gan.prior(10, seed=2))
    np.testing.assert_allclose(row["verdicts"][7], gan.verdict(gan.decode(noise, label=7), 7), atol=2e-3)
    assert "pictures" not in row
    assert told("fashion-stacked-ae.map")["d"] == 2
    sheet, drawn = told("fashion-gan.epochs"), checkpoints.card("fashion-gan")["drawn"]
    image = Image.open(io.BytesIO(base64.b64decode(sheet["url"].partition(",")[2])))
    assert image.size == (28 * drawn["columns"], 28 * sheet["rows"])
    assert sheet["rows"] == drawn["epochs"]


def test_it_overwrites_nothing_but_an_earlier_site(found, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(site, "files", lambda: {"index.html": b"new", "lx/decoders.json": b"{}"})
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["site", str(tmp_path)]) == 2
    assert "holds something else" in capsys.readouterr().err
    for _ in range(2):
        assert main(["site", str(tmp_path / "site")]) == 0
        (tmp_path / "site" / "old.js").write_text("")
    assert main(["site", str(tmp_path / "site")]) == 0
    assert not (tmp_path / "site" / "old.js").exists()
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_without_the_runtime_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EXPLORER_RUNTIME", str(tmp_path / "none"))
    assert main(["site", str(tmp_path / "site")]) == 2
    assert "python -m explorer runtime" in capsys.readouterr().err


def test_as_a_static_space_it_is_what_the_hub_accepts(found, monkeypatch, capsys):
    monkeypatch.setattr(site, "files", lambda: dict(found))
    files = deploy.static_files("someone/planes")
    assert deploy.refused(files) == []
    front = deploy.front_matter(files["README.md"].decode())
    assert (front["sdk"], front["app_file"], front["license_link"]) == ("static", "index.html", "LICENSE.md")
    assert {front["app_file"], front["license_link"]} < set(files)
    assert main(["deploy", "someone/planes", "--static", "--dry-run"]) == 0
    assert f"{len(files)} files" in capsys.readouterr().out
    assert main(["deploy", "someone/planes", "--static", "--hardware", "t4-small"]) == 2
