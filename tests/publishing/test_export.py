"""ONNX files: of every model that a view drags through, as ONNX Runtime runs them beside Keras, and how they are written."""

import shutil

import numpy as np
import onnx
import onnxruntime
import pytest

import explorer
from explorer import checkpoints
from explorer.errors import NotSupported
from explorer.generators import has_encodings
from explorer.publishing.export import exportable

LEVEL = 1 / 255
POINTS = 200
MODELS = ("mnist-vae", "fashion-cgan", "celeba-vae")


def session(name, file):
    return onnxruntime.InferenceSession(checkpoints.read(name, file), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", MODELS)
def test_the_decoder_gives_the_pictures_of_keras(name):
    generator = explorer.load(name)
    z, told = generator.prior(POINTS, seed=7), {}
    if generator.card.get("conditional"):
        told = {"label": np.arange(POINTS, dtype="int32") % 10}
    runtime = session(name, "decoder.onnx")
    (found,) = runtime.run(["pictures"], {"z": z, **told})
    assert found.dtype == np.float32
    assert found.shape == (POINTS, *generator.image_shape)
    assert np.abs(found - generator.decode(z, **told)).max() < LEVEL / 10
    (far,) = runtime.run(None, {"z": 50 * z[:1], **{key: value[:1] for key, value in told.items()}})  # another n, far out
    assert 0 <= far.min() <= far.max() <= 1
    if not has_encodings(generator.card):
        return
    means, log_vars = session(name, "encoder.onnx").run(["z_mean", "z_log_var"], {"images": found})
    for codes, expected in zip((means, log_vars), generator.encode(found), strict=True):
        np.testing.assert_allclose(codes, expected, rtol=1e-3, atol=1e-3)


def test_every_model_of_one_step_has_its_files_in_the_weights_own_bits():
    names = exportable()
    assert len(names) == len(checkpoints.names()) - 3  # but those of many steps
    for name in names:
        card, files = checkpoints.card(name), checkpoints.files(name).names()
        assert ("encoder.onnx" in files) == has_encodings(card), name
        graph = onnx.load_from_string(checkpoints.read(name, "decoder.onnx")).graph
        assert [value.name for value in graph.output] == ["pictures"]
        assert [value.name for value in graph.input] == ["z", "label"][: 2 if card.get("conditional") else 1]
        part = "decoder" if has_encodings(card) else "unet" if card.get("refines") else "generator"
        tied = card["recipe"].get("decoder", {}).get("tied")  # its kernels are the encoder's
        most = 4 if tied else 2  # bytes a weight
        weights = card["parameters"]["encoder" if tied else part]
        height, width, channels = card["image_shape"]
        noise = 4 * (height * width * channels + height * height) if card.get("refines") else 0  # and what smooths
        assert len(checkpoints.read(name, "decoder.onnx")) < 1.02 * most * weights + noise + 20_000, name


def test_a_model_of_many_steps_is_refused():
    with pytest.raises(NotSupported, match="fashion-ddpm cannot be exported"):
        explorer.load("fashion-ddpm").networks()


RUN = """import sys; from explorer.__main__ import main
from explorer.generators import onnx_files
onnx_files.FURTHEST = float(sys.argv[1])
sys.exit(main(["export", *sys.argv[2:]]))"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A registry of one model, without its ONNX files."""
    root = tmp_path_factory.mktemp("root")
    folder = shutil.copytree(checkpoints.root() / "fashion-tied-ae", root / "fashion-tied-ae")
    for file in folder.glob("*.onnx"):
        file.unlink()
    checkpoints.seal(folder)
    return root


def test_what_is_further_from_keras_is_not_written_and_what_is_not_is_sealed(fresh_python, root, monkeypatch):
    before = {path.name for path in (root / "fashion-tied-ae").iterdir()}
    refused = fresh_python(RUN, 0, "fashion-tied-ae", EXPLORER_CHECKPOINTS=root, KERAS_BACKEND="torch")
    assert refused.returncode == 2
    assert "from what Keras computes" in refused.stderr
    assert {path.name for path in (root / "fashion-tied-ae").iterdir()} == before
    done = fresh_python(RUN, LEVEL, "fashion-tied-ae", EXPLORER_CHECKPOINTS=root, KERAS_BACKEND="torch")
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("fashion-tied-ae/decoder.onnx: ")
    assert second.startswith("fashion-tied-ae/encoder.onnx: ")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    assert set(checkpoints.files("fashion-tied-ae").names()) == before - {"SHA256SUMS"} | {"decoder.onnx", "encoder.onnx"}
    z = explorer.load("fashion-tied-ae").prior(9)
    (found,) = session("fashion-tied-ae", "decoder.onnx").run(None, {"z": z})
    assert np.abs(found - explorer.load("fashion-tied-ae").decode(z)).max() < LEVEL / 10


def test_what_is_damaged_is_not_sealed(fresh_python, root):
    (root / "fashion-tied-ae/encodings.npz").write_bytes(b"harmed")
    refused = fresh_python(RUN, LEVEL, "fashion-tied-ae", EXPLORER_CHECKPOINTS=root, KERAS_BACKEND="torch")
    assert refused.returncode == 2
    assert "encodings.npz is damaged" in refused.stderr


def test_a_name_is_wanted(fresh_python):
    refused = fresh_python(RUN, LEVEL)
    assert refused.returncode == 2
    assert "name models, or --all; there are" in refused.stderr
