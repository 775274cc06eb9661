"""The server as a process: it ends when it is told to, leaves nothing behind, and says in a sentence why it cannot begin."""

import os
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from common import REPOSITORY


@pytest.fixture
def start(toy_root, tmp_path):
    """`start(port)`: the app, whose files of every kind go to `tmp_path/files`."""
    files = tmp_path / "files"
    files.mkdir()
    places = {"EXPLORER_CHECKPOINTS": str(toy_root.root), "GRADIO_TEMP_DIR": str(files / "gradio"), "TMPDIR": str(files)}
    begun = []

    def begin(port):
        command = [sys.executable, str(REPOSITORY / "app.py"), "--port", str(port)]
        begun.append(subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **places}, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE))  # fmt: skip
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_ends_well_and_leaves_no_file(start, tmp_path, how):
    port = free_port()
    process = start(port)
    assert process.stdout.readline().startswith("Latent Explorer:")
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        made = client.post("/gradio_api/run/render", json={"data": ["model=flat&z=0,1"]}).json()
        assert client.get(made["data"][0]["url"]).content.startswith(b"\x89PNG")
        taken = client.post("/gradio_api/upload", files={"files": ("mine.png", b"x" * 2_000_000)}).json()
        assert taken[0].startswith("upload:")
    began = time.monotonic()
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert time.monotonic() - began < 50  # on a busy machine
    assert "Traceback" not in said
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_a_port_that_is_in_use_is_said_in_one_sentence(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start(port)
        _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert said == f"explorer serve: port {port} is in use: name another with --port\n"
