"""What the browser is told to decode with, and its files."""

import json
import shutil

import httpx
import pytest
from common import awaited
from starlette.applications import Starlette

from explorer import checkpoints, page
from explorer.serving import decoders, runtime

APP = Starlette(routes=page.routes())


def get(*paths, **headers):
    async def answers():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://here") as client:
            return [await client.get(path, headers=headers) for path in paths]

    return awaited(answers())


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A folder with stand-ins for the runtime's files."""
    for file in runtime.FILES:
        (tmp_path / file).write_bytes(file.encode() * 100)
    monkeypatch.setenv("EXPLORER_RUNTIME", str(tmp_path))
    return tmp_path


def test_every_model_of_the_shelf_is_found_at_its_address_as_it_is_sealed(fetched):
    (answer,) = get("/lx/decoders.json")
    shelf = answer.json()
    assert answer.headers["cache-control"] == "no-cache"
    assert shelf["runtime"] == "lx/runtime/1.30.0/"
    assert shelf["models"]["mnist-vae"] | {"decoder": "", "encoder": ""} == {
        "decoder": "", "encoder": "", "latent_shape": [2], "image_shape": [28, 28, 1], "conditional": False,
    }  # fmt: skip
    assert shelf["models"]["fashion-cgan"]["conditional"]
    assert shelf["models"]["fashion-cgan"]["encoder"] is None
    for name, file in (("mnist-vae", "decoder"), ("celeba-vae", "encoder"), ("fashion-cgan", "decoder")):
        (answer,) = get(f"/{shelf['models'][name][file]}")
        assert answer.content == checkpoints.read(name, f"{file}.onnx")
        assert "immutable" in answer.headers["cache-control"]


def test_a_file_is_packed_for_whoever_takes_it_and_kept_for_ever_under_its_sum_alone(fetched):
    path = "/lx/models/mnist-vae/decoder.onnx"
    plain, packed = get(path, **{"accept-encoding": "identity"}) + get(path, **{"accept-encoding": "gzip, br"})
    assert plain.content == packed.content == checkpoints.read("mnist-vae", "decoder.onnx")
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(plain.content)
    (old,) = get(f"{path}?v=000000000000")
    assert old.headers["cache-control"] == plain.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("file", "kind"), list(zip(runtime.FILES, ["text/javascript", "text/javascript", "application/wasm"], strict=True))
)
def test_the_runtime_has_the_types_that_browsers_want(fetched, file, kind):
    (answer,) = get(f"/lx/runtime/1.30.0/{file}", **{"accept-encoding": "gzip"})
    assert answer.content == (fetched / file).read_bytes()
    assert answer.headers["content-type"].split(";")[0] == kind
    assert answer.headers["content-encoding"] == "gzip"


def test_without_the_runtime_the_page_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_RUNTIME", str(tmp_path))
    shelf, file = get("/lx/decoders.json", f"/lx/runtime/1.30.0/{runtime.FILES[0]}")
    assert shelf.json()["runtime"] is None
    assert file.status_code == 404


def test_nothing_else_is_served(fetched):
    paths = ("models/mnist-vae/model.keras", "models/nothing/decoder.onnx", "models/..%2fmnist-vae/decoder.onnx",
             "models/judges%2fdigits/decoder.onnx", "models/fashion-ddpm/decoder.onnx", "runtime/1.30.0/package.json",
             "runtime/1.29.0/ort.wasm.min.mjs", "runtime/1.30.0/..%2f..%2fpage.py", "serving/runtime.json")  # fmt: skip
    assert [answer.status_code for answer in get(*(f"/lx/{path}" for path in paths))] == [404] * len(paths)


def test_a_damaged_file_is_not_served_and_a_model_without_one_is_not_on_the_shelf(fetched, tmp_path, monkeypatch):
    root = tmp_path / "root"
    folder = shutil.copytree(checkpoints.root() / "mnist-vae-kl-0", root / "digits")
    shutil.copytree(checkpoints.root() / "fashion-ddpm", root / "fashion-ddpm")
    (folder / "encoder.onnx").unlink()
    (folder / "decoder.onnx").write_bytes(b"whole")
    card = json.loads((folder / "card.json").read_text("utf-8"))
    (folder / "card.json").write_text(json.dumps(card | {"name": "digits"}), "utf-8")
    checkpoints.seal(folder)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    (name,), (shown,) = zip(*decoders.shelf()["models"].items(), strict=True)
    assert name == checkpoints.card("digits")["name"] == "digits"
    assert shown["encoder"] is None
    (answer,) = get(f"/{shown['decoder']}")
    assert answer.content == b"whole"
    (folder / "decoder.onnx").write_bytes(b"harmed")
    (answer,) = get(f"/{shown['decoder']}", **{"accept-encoding": "identity"})
    assert answer.status_code == 404
