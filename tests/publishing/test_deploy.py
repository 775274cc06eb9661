"""The app as a Space: its files as git and a fresh interpreter see them, and the upload against a stand-in for the Hub."""

import os
import re
import socket
import subprocess
import sys
from types import SimpleNamespace

import httpx
import huggingface_hub
import pytest
import yaml
from common import REPOSITORY
from huggingface_hub import SpaceHardware
from PIL import Image

from explorer.__main__ import main
from explorer.errors import InputError
from explorer.publishing import deploy

SPACE = "someone/latent-explorer"


@pytest.fixture(scope="module")
def found():
    return deploy.files(SPACE)


@pytest.fixture(scope="module")
def space(found, tmp_path_factory):
    """The files of the Space, and nothing else, in a folder."""
    folder = tmp_path_factory.mktemp("space")
    for path, data in found.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def git(*arguments, folder):
    return subprocess.run(["git", *arguments], cwd=folder, text=True, capture_output=True, check=True).stdout


def test_what_git_takes_for_binary_goes_to_lfs_and_nothing_else_does(found, space, tmp_path):
    git("init", "-q", str(tmp_path), folder=tmp_path)
    where = f"--git-dir={tmp_path / '.git'}", f"--work-tree={space}"
    asked = git(*where, "check-attr", "filter", *found, folder=space).splitlines()
    in_lfs = {line.split(": ")[0] for line in asked if line.endswith(": lfs")}
    (tmp_path / ".git" / "info" / "attributes").write_text("* !filter !diff !text\n")  # now git looks for itself
    git(*where, "add", "-A", folder=space)
    numbers = git(*where, "diff", "--cached", "--numstat", folder=space).splitlines()
    assert len(numbers) == len(found)
    binary = {line.split("\t")[2] for line in numbers if line.startswith("-")}
    assert {"checkpoints/mnist-vae/model.keras", ".github/faces.png"} <= binary
    assert binary == in_lfs
    assert deploy.refused(found) == []


def test_it_holds_the_app_and_nothing_that_only_those_who_work_on_it_need(found):
    tracked = set(git("ls-files", "app.py", "explorer", "checkpoints", folder=REPOSITORY).splitlines())
    assert {path for path in tracked if not path.endswith(".ipynb")} <= set(found)
    for path in found:
        assert not re.search(r"(^|/)(tests|\.ci|run|__pycache__)(/|$)|pyproject|\.pyc$", path), path
    assert sum(map(len, found.values())) < 120_000_000  # 87 MB of models, 14 MB of the browser's runtime


def test_what_the_hub_refuses_is_named(found):
    changes = {
        "explorer/a.bin": b"\0\1",
        "explorer/long.py": b"#" * (10 * 2**20 + 1),
        "checkpoints/x/model.keras": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "explorer/a b.py": b"",
        "README.md": found["README.md"].replace(b"short_description: ", b"short_description: " + b"a" * 60)
        .replace(b"license_name", b"name").replace(b"indigo", b"mauve"),
    }  # fmt: skip
    said = " ".join(deploy.refused(found | changes))
    for words in ("a.bin: binary", "long.py: 10,485,761 bytes", "model.keras: a pointer", "a b.py: no name", "longer than 60",
                  "colorFrom", "license other needs"):  # fmt: skip
        assert words in said


@pytest.mark.parametrize("hardware", ["cpu-basic", "zero-a10g", "t4-small"])
def test_the_front_matter_is_complete_and_says_what_the_hub_accepts(hardware):
    found = deploy.files(SPACE, hardware)
    readme = found["README.md"].decode()
    front = yaml.safe_load(readme.split("---\n")[1])
    assert deploy.front_matter(readme) == {key: value if isinstance(value, list) else str(value).replace("False", "false")
                                           for key, value in front.items()}  # fmt: skip
    assert front["suggested_hardware"] == hardware in {item.value for item in SpaceHardware}
    assert front["thumbnail"] == f"https://huggingface.co/spaces/{SPACE}/resolve/main/.github/latent-plane.png"
    assert ".github/latent-plane.png" in found
    assert front["license"] == "other"
    assert re.fullmatch(r"[a-z0-9.-]+", front["license_name"])
    assert front["license_link"] in found
    assert len(front["short_description"]) <= 60
    assert all(re.fullmatch(r"[\w-]+/[\w.-]+", name) for name in front["models"] + front["datasets"])
    assert len(front["datasets"]) == 4
    assert front["tags"]
    requirements = found["requirements.txt"].decode().splitlines()
    assert f"gradio=={front['sdk_version']}" in requirements
    assert (front["python_version"] == "3.12") == ("spaces" in requirements) == (hardware == "zero-a10g")
    torch = [line.split("  #")[0] for line in (REPOSITORY / "tests/requirements.txt").read_text().splitlines() if "torch" in line][
        0
    ]
    assert (torch in requirements) == (hardware != "cpu-basic")


def test_a_fresh_run_of_these_files_alone_serves_the_page_and_renders(space, tmp_path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("EXPLORER", "PYTHON"))}
    environment |= {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = subprocess.Popen([sys.executable, "app.py", "--port", port], cwd=space, env=environment, text=True,
                               stdout=subprocess.PIPE)  # fmt: skip
    try:
        url = started.stdout.readline().removeprefix("Latent Explorer: ").strip()
        assert "latent-plane" in httpx.get(url, timeout=60).text
        assert "export" in httpx.get(f"{url.rstrip('/')}/lx/views/faces/view.js", timeout=60).text
    finally:
        started.terminate()
        started.wait(120)
        started.stdout.close()
    where = "import explorer; print(explorer.__file__); from explorer.__main__ import main; "
    render = f"{where}main(['render', 'model=mnist-vae&z=0.5,-1', '--out', {str(tmp_path / 'out.png')!r}])"
    ran = subprocess.run([sys.executable, "-c", render], cwd=space, env=environment, text=True, capture_output=True)
    assert ran.stdout.startswith(str(space)), ran.stderr
    assert Image.open(tmp_path / "out.png").size >= (28, 28)


def test_a_dry_run_lists_every_file_with_its_size(found, capsys, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "HfApi", None)  # nothing of it is called
    assert main(["deploy", SPACE, "--dry-run", "--presets", "any"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert {line.split()[1]: int(line.split()[0].replace(",", "")) for line in lines} == {
        path: len(data) for path, data in found.items()
    }
    assert last.startswith(f"{len(found)} files, {sum(map(len, found.values())):,} bytes, for {SPACE} on cpu-basic")
    assert last.endswith("EXPLORER_PRESETS=any")


def test_the_upload_sets_variables_and_hardware_and_takes_away_what_else_lay_there(found, monkeypatch, capsys):
    calls = []

    class Hub:
        def list_repo_files(self, space, repo_type):
            return ["README.md", "old.py"]

        def __getattr__(self, name):
            return lambda *given, **options: calls.append((name, given, SimpleNamespace(**options)))

    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    assert main(["deploy", SPACE, "--hardware", "zero-a10g"]) == 0
    assert f"https://huggingface.co/spaces/{SPACE}" in capsys.readouterr().out
    names = [name for name, _, _ in calls]
    assert names[0] == "create_repo"
    assert names[-2:] == ["create_commit", "request_space_hardware"]
    assert (SPACE, "KERAS_BACKEND", "torch") in [given for name, given, _ in calls if name == "add_space_variable"]
    changes = calls[-2][1][1]
    assert [change.path_in_repo for change in changes if isinstance(change, huggingface_hub.CommitOperationDelete)] == ["old.py"]
    assert {change.path_in_repo for change in changes[1:]} == set(found)
    assert calls[-1][1] == (SPACE, "zero-a10g")


def test_who_is_not_known_to_the_hub_is_told_what_to_do(monkeypatch, capsys):
    def refuse(*given, **options):
        raise huggingface_hub.errors.LocalTokenNotFoundError("no token")

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    assert main(["deploy", SPACE]) == 2
    assert "hf auth login" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["latent-explorer", "a/b/c", "a/../b", "", "a b/c"])
def test_a_space_is_named_by_user_and_name(name):
    with pytest.raises(InputError, match="USER/NAME"):
        deploy.deploy(name, dry_run=True)


def test_without_a_checkout_it_says_so(tmp_path):
    with pytest.raises(deploy.DeployError, match=r"checkout of the project: .* has no app\.py, README\.md"):
        deploy.files(SPACE, root=tmp_path)
