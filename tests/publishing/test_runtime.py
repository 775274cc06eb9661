"""The browser's runtime: fetched from a registry of the test's own, by npm's ways, checked against the lock file."""

import base64
import hashlib
import http.server
import io
import json
import os
import shutil
import tarfile
import threading

import pytest

from explorer.__main__ import main
from explorer.publishing import runtime
from explorer.serving import runtime as where


@pytest.fixture(scope="module")
def package():
    """What npm would have packed: the three files, and one that nobody needs."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for path in [*where.LOCK["files"], "../escaped.js", "dist/other.wasm"]:
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size = len(path)
            archive.addfile(entry, io.BytesIO(path.encode()))
    return file.getvalue()


@pytest.fixture
def registry(package):
    """A registry that has the package: `asked`, the paths; `url`."""
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = package if self.path.endswith(".tgz") else json.dumps({"dist": {"tarball": f"{url}files/x.tgz"}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *what):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        url = f"http://127.0.0.1:{server.server_port}/npm/"
        server.url, server.asked = url, asked
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def home(tmp_path, monkeypatch, package):
    """A home without npm and without the runtime, and a lock file that names the package of the test."""
    for key in ("EXPLORER_RUNTIME", "npm_config_registry", "NPM_CONFIG_REGISTRY"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(where, "SHIPPED", tmp_path / "nothing")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(where.LOCK, "integrity", "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode())
    return tmp_path


def left(home):
    return [path for path in home.rglob("*") if path.is_file() and path.name != ".npmrc"]


@pytest.mark.parametrize("named", ["the environment", "the home's .npmrc"])
def test_it_comes_from_the_registry_that_npm_is_told_of_once(home, registry, named, monkeypatch, capsys):
    if named == "the environment":
        monkeypatch.setenv("npm_config_registry", registry.url.rstrip("/"))
    else:
        (home / ".npmrc").write_text(f'fund=false\nregistry = "{registry.url}"\n')
    assert where.folder() is None
    assert main(["runtime"]) == 0
    folder = where.folder()
    assert folder == home / "cache/latent-explorer/onnxruntime-web-1.30.0"
    assert {path.name: path.read_text() for path in left(home)} == {path.rpartition("/")[2]: path for path in where.LOCK["files"]}
    assert registry.asked == ["/npm/onnxruntime-web/1.30.0", "/npm/files/x.tgz"]
    assert registry.url in capsys.readouterr().out
    assert main(["runtime"]) == 0
    assert len(registry.asked) == 2
    assert "is in" in capsys.readouterr().out


def test_npm_is_asked_where_there_is_one(home, package, monkeypatch, capsys):
    (home / "x.tgz").write_bytes(package)
    npm = home / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text(f'#!/bin/sh\ntest "$1 $2" = "pack onnxruntime-web@1.30.0" && cp {home}/x.tgz "$5"\n')
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{npm.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(shutil, "which", lambda name: str(npm))
    assert main(["runtime"]) == 0
    assert "from npm" in capsys.readouterr().out
    assert where.folder() == where.cached()


def test_another_package_is_refused_and_nothing_of_it_kept(home, registry, monkeypatch, capsys):
    monkeypatch.setenv("npm_config_registry", registry.url)
    monkeypatch.setitem(where.LOCK, "integrity", "sha512-" + base64.b64encode(bytes(64)).decode())
    assert main(["runtime"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "is not the package of the lock file" in said
    assert left(home) == []
    assert where.folder() is None


def test_without_a_network_it_says_what_to_do_in_a_line(home, monkeypatch, capsys):
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    assert main(["runtime"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "Is there a network?" in said
    assert left(home) == []


def test_half_of_it_is_not_it(home, registry, monkeypatch):
    where.cached().mkdir(parents=True)
    (where.cached() / where.FILES[0]).write_text("half")
    assert where.folder() is None
    monkeypatch.setenv("npm_config_registry", registry.url)
    assert (runtime.fetch() / where.FILES[0]).read_text() == where.LOCK["files"][0]


def test_a_folder_of_ones_own_can_be_named(home, monkeypatch):
    monkeypatch.setenv("EXPLORER_RUNTIME", str(home / "mine"))
    assert where.folder() is None
    (home / "mine").mkdir()
    for file in where.FILES:
        (home / "mine" / file).write_text("")
    assert where.folder() == home / "mine"
