"""The app behind nginx, with the lines of the README, below a path of its site."""

import os
import re
import shutil
import socket
import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pytest
from driver import REPOSITORY, App


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """The address of a site whose /demo is the app's."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no nginx on the path")
    folder = tmp_path_factory.mktemp("proxy")
    app = App(folder / "app", arguments=["--root-path", "/demo"])
    port = free_port()
    location = re.search(r"```nginx\n(.*?)```", (REPOSITORY / "README.md").read_text("utf-8"), re.S)[1]
    assert "127.0.0.1:7860" in location
    places = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"pid {folder}/pid; error_log {folder}/errors; daemon off; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; {places}\nserver {{ listen 127.0.0.1:{port}; location = /favicon.ico {{ return 204; }}\n"  # the site has an icon of its own
        + location.replace("127.0.0.1:7860", app.url.removeprefix("http://"))
        + "}}\n"
    )
    app.wait()
    server = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    while socket.socket().connect_ex(("127.0.0.1", port)):
        assert server.poll() is None, (folder / "errors").read_text()
        time.sleep(0.05)
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}")
    server.terminate()
    server.wait(30)
    app.stop()


def test_below_a_path_of_nginx_the_page_opens_and_a_drag_goes_over_the_socket(proxied, page_of, decoded):
    view = page_of(proxied)
    answers = []
    view.page.on("response", lambda response: answers.append((response.status, response.url)))
    view.page.goto(f"{proxied.url}/demo?view=latent-plane&model=mnist-vae&z=0.5,0.5")
    view.page.locator(".lx[data-ready=yes]").wait_for(state="attached")
    view.rest()
    assert view.page.evaluate("location.pathname") == "/demo/"
    view.eventually(lambda: view.plane.press("ArrowRight") or view.frames)  # until the socket is open it goes by HTTP
    place = view.at(-1, 1)
    view.page.mouse.move(*view.at(0.5, 0.5))
    view.page.mouse.down()
    view.page.mouse.move(*place, steps=5)
    view.page.mouse.up()
    view.until_z(view.under(*place), 1e-3)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert {socket.url for socket in view.sockets} == {f"{proxied.url.replace('http', 'ws')}/demo/live"}
    assert any(way == "received" for way, _ in view.frames), "nothing came over the socket"
    assert [url for status, url in answers if status >= 400] == []
    assert all("/demo" in url for _, url in answers if url.startswith("http"))
    assert np.ptp(view.base()) > 100, "the plane's manifold is there"
