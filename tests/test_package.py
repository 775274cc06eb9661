"""The wheel: what is in it, and that it works in an environment of its own, away from the source tree."""

import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import venv
import zipfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

import explorer
from explorer import state, views
from explorer.serving import runtime

REPOSITORY = Path(__file__).parent.parent
STATE = "model=mnist-vae&z=0.5,-1"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built from the source tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=REPOSITORY, check=True, timeout=600
    )
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """The wheel in a fresh environment, which sees the packages of this one but not the source tree.

    `run(*arguments)` runs the script `latent-explorer` in `folder`; `script`, `environment`: to run it otherwise.
    """
    place, folder = tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("elsewhere")
    venv.create(place)
    python = place / "bin" / "python"
    (own,) = place.glob("lib/python*/site-packages")
    (own / "beside.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel], check=True, timeout=600)
    unset = ("PYTHONPATH", "EXPLORER_CHECKPOINTS", "EXPLORER_DATA", "TF_CPP_MIN_LOG_LEVEL", "KERAS_BACKEND")
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    script = place / "bin" / "latent-explorer"

    def run(*arguments, **more):
        return subprocess.run([script, *map(str, arguments)], cwd=folder, env=environment | more, text=True, capture_output=True,
                              timeout=300)  # fmt: skip

    return SimpleNamespace(run=run, script=script, python=python, folder=folder, environment=environment, own=own)


def names(lines):
    """Requirements, one a line, without comments."""
    return {re.sub(r"\s", "", line.partition("#")[0]) for line in lines} - {""}


def test_the_wheel_holds_the_package_and_the_models_and_nothing_else(wheel):
    found = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    here = [path.relative_to(REPOSITORY) for part in ("explorer", "checkpoints") for path in (REPOSITORY / part).rglob("*")
            if path.is_file()]  # fmt: skip
    kept = [path.as_posix() for path in here if not {"__pycache__", "run"} & set(path.parts)]
    expected = {re.sub("^checkpoints/", "explorer/shipped/", name) for name in kept}
    expected |= {f"explorer/runtime/{runtime.VERSION}/{file}" for file in runtime.FILES if runtime.folder()}
    assert {"explorer/page.py", "explorer/views/faces/view.js", "explorer/shipped/mnist-vae/model.keras"} < expected
    assert found == expected


def test_each_pin_stands_once(wheel):
    (said,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("METADATA"))
    told = metadata.PathDistribution(zipfile.Path(wheel, said.removesuffix("METADATA"))).requires
    required = names(line for line in told if "extra ==" not in line)
    assert required == names((REPOSITORY / "requirements.txt").read_text().splitlines())
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    tested = names((REPOSITORY / "tests/requirements.txt").read_text().splitlines())
    assert {*extras["torch"], *extras["jax"]} < tested


def test_its_own_copy_of_everything_is_used(installed):
    code = (
        "import sys, explorer; from explorer import checkpoints; print(explorer.__file__, checkpoints.root(), *sys.path, sep='\\n')"
    )
    finished = subprocess.run([installed.python, "-c", code], cwd=installed.folder, env=installed.environment, text=True,
                              capture_output=True, check=True, timeout=300)  # fmt: skip
    file, root, *paths = finished.stdout.splitlines()
    assert Path(file).parent == installed.own / "explorer"
    assert Path(root) == installed.own / "explorer" / "shipped"
    assert str(REPOSITORY) not in paths
    assert installed.run("--version").stdout == f"Latent Explorer {explorer.__version__}\n"


def test_it_renders_the_picture_of_the_source_tree_and_says_nothing(installed):
    finished = installed.run("render", STATE, "--out", "picture.png")
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")
    assert (installed.folder / "picture.png").read_bytes() == views.render(state.parse_strictly(STATE), "png")


def test_it_serves_the_page_and_its_modules(installed):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([installed.script, "serve", "--port", str(port)], cwd=installed.folder, env=installed.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip

    def get(path=""):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
            return answer.read().decode()

    try:
        for _ in range(3000):
            assert server.poll() is None, server.stdout.read()
            try:
                page = get()
                break
            except urllib.error.URLError:
                time.sleep(0.1)
        assert "Latent Explorer" in page
        assert "latent-plane" in page
        assert get("lx/views/faces/view.js") == (REPOSITORY / "explorer/views/faces/view.js").read_text("utf-8")
    finally:
        server.terminate()
        server.communicate(timeout=120)


def test_it_trains_into_a_folder_beside_and_says_what_it_does(installed, small_data):
    finished = installed.run("train", "judges/digits", "--epochs", "1", EXPLORER_DATA=str(small_data))
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr
    assert (installed.folder / "checkpoints/judges/digits/model.keras").is_file()
    lines = finished.stderr.splitlines()
    assert lines[0].startswith("judges/digits: 1 epoch, state and preview in checkpoints/judges/digits/run")
    assert lines[1].startswith("epoch 1/1: loss")
    assert "left" not in lines[1]
    assert lines[2].startswith("judges/digits: storing the model, then measuring")
    assert lines[-1] == "judges/digits: shipped to checkpoints/judges/digits"


def test_every_file_says_the_same_version():
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["version"] == explorer.__version__
    assert f"## [{explorer.__version__}]" in (REPOSITORY / "CHANGELOG.md").read_text("utf-8")


def test_the_workflow_calls_what_must_hold():
    job = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]["all"]
    assert any(".ci/run" in step.get("run", "") for step in job["steps"])
