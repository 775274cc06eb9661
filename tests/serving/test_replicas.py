"""Two processes of the app behind nginx: who drags or follows a run always reaches the one that knows of it."""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from common import REPOSITORY, awaited, lacking

sys.path.insert(0, str(REPOSITORY / "tests/benchmarks"))

from class_at_once import App, Client, Server  # noqa: E402


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def replicas(tmp_path_factory, diffusion_root):
    """Two replicas with toy models behind nginx: `url` and `log()`, the lines "replica cookie path" of what was asked."""
    if not shutil.which("nginx"):
        lacking("no nginx on the path")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    apps = [App(folder / name, diffusion_root) for name in ("one", "two")]
    ports = [urlsplit(app.wait().url).port for app in apps]
    text = Path(__file__).with_name("nginx.conf").read_text("utf-8").replace("FOLDER", str(folder)).replace("PORT", str(port))
    config = folder / "nginx.conf"
    config.write_text(text.replace("FIRST", str(ports[0])).replace("SECOND", str(ports[1])), "utf-8")
    nginx = subprocess.Popen(["nginx", "-e", str(folder / "error.log"), "-c", str(config), "-g", "daemon off;"])
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{url}/health").raise_for_status()
            break
        except httpx.HTTPError:
            assert time.monotonic() < end
            time.sleep(0.1)
    yield SimpleNamespace(url=url, log=lambda: [line.split() for line in (folder / "access.log").read_text("utf-8").splitlines()])
    nginx.terminate()
    nginx.wait(20)
    for app in apps:
        app.stop()


def test_six_visitors_follow_their_runs_and_drag_each_on_one_replica(replicas):
    server = Server(replicas.url)
    visitors = [Client(server, f"visitor-{i}-with-a-cookie") for i in range(6)]

    async def visit(visitor, i):
        took, _ = await visitor.run(f"view=diffusion&model=blots&steps=5&seed={i}")
        waits = []
        await visitor.drag("decode_point", i, lambda: len(waits) >= 3, waits)
        return took, waits

    async def all_of_them():
        return await asyncio.gather(*(visit(visitor, i) for i, visitor in enumerate(visitors)))

    for took, waits in awaited(all_of_them()):
        assert not isinstance(took, str), took  # "This run has ended", said by the other replica
        assert np.isfinite(waits).all()
    for i in range(32):  # six alone may all fall to one: which is whose depends on the ports
        httpx.get(f"{replicas.url}/health", headers={"cookie": f"lx_visitor=passer-by-{i}-with-a-cookie"}, timeout=60)
    reached = {}
    for replica, cookie, path in replicas.log():
        if cookie.startswith("visitor-"):
            reached.setdefault(cookie, []).append((replica, path))
    assert len(reached) == 6
    assert all(len({replica for replica, _ in asked}) == 1 for asked in reached.values())
    assert all(any(path == "/live" for _, path in asked) for asked in reached.values())
    assert len({replica for replica, cookie, _ in replicas.log() if "-with-a-cookie" in cookie}) == 2, "both had some visitors"
