"""The static site, from `python -m http.server` in a sub-path: the plane decodes in the browser, in another site's frame too, and,
once it was opened, without a network."""

import base64
import io
import re
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer.publishing import site

POINT = (0.5, -1.0)
READY = ".lx[data-ready=yes]"
# the picture's own pixels: the canvas shows them enlarged
PIXELS = """async ([model, z]) => {
    const { decode } = await import("./lx/serving/decoder.js");
    return [...(await decode(model, z)).pixels];
}"""


def serve(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


@pytest.fixture(scope="module")
def served(runtime, tmp_path_factory):
    """The port of a server below whose path /sub/site/ the site lies, and beside it a page that frames it."""
    folder = tmp_path_factory.mktemp("served")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_RUNTIME", str(runtime))
        site.write(folder / "sub" / "site")
    process, port = serve(folder)
    framed = f'<!doctype html><link rel="icon" href="data:,"><iframe width="1200" height="900" src="http://localhost:{port}/sub/site/?model=mnist-vae"></iframe>'
    (folder / "frame.html").write_text(framed)
    yield port
    process.terminate()
    process.wait(30)


@pytest.fixture
def opened(browser, served):
    """`opened(path, width)`: a page of a fresh context; nothing may go wrong in it but what it is told of a missing network."""
    contexts, problems = [], []

    def go(path, width=1280):
        context = browser.new_context(viewport={"width": width, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("websocket", lambda socket: problems.append(f"a socket: {socket.url}"))
        page.on("request", lambda request: problems.append(request.url) if not re.match(
            rf"(data|blob):|http://(127\.0\.0\.1|localhost):{served}/", request.url) else None)  # fmt: skip
        page.goto(f"http://127.0.0.1:{served}/{path}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert problems == []


def dragged(page):
    """What the address says before and after a drag over the plane."""
    page.locator(READY).wait_for(state="attached", timeout=60_000)
    box = page.locator(".lx-plane").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = page.locator(".lx-picture").get_attribute("data-z")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 4, y - box["height"] / 4, steps=8)
    page.mouse.up()
    page.wait_for_function("before => document.querySelector('.lx-picture').dataset.z !== before", arg=before)
    page.locator(".lx-speed", has_text="in this browser").wait_for()


def test_a_link_shows_the_picture_of_keras_and_a_drag_another(opened):
    page = opened(f"sub/site/?model=mnist-vae&z={POINT[0]},{POINT[1]}")
    page.locator(READY).wait_for(state="attached", timeout=60_000)
    assert page.locator(".lx-picture").get_attribute("data-z") == "0.5,-1"
    found = np.reshape(page.evaluate(PIXELS, ["mnist-vae", POINT]), (28, 28, 1))
    expected = np.rint(255 * explorer.load("mnist-vae").decode([POINT])[0])
    assert np.abs(found - expected).max() <= 1
    dragged(page)
    assert not page.locator(".lx-message").is_visible()


def test_the_backdrop_is_the_plane(opened):
    page = opened("sub/site/?model=fashion-vae&n=4")
    page.locator(READY).wait_for(state="attached", timeout=60_000)
    url = page.evaluate("""async () => {
        const { server } = await import("./lx/publishing/static/server.js");
        const props = JSON.parse(document.getElementById("props").textContent);
        return (await server(props).plane_backdrop("model=fashion-vae&n=4&what=plane")).url;
    }""")
    found = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L"), "float32")
    from explorer import imaging, state, views
    from explorer.views.latent_plane import pictures

    full = views.complete(state.parse_strictly("model=fashion-vae&n=4&view=latent-plane"))
    expected = imaging.to_bytes(imaging.grid(pictures.manifold(full), 4))[..., 0].astype("float32")
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 3  # a JPEG of it


@pytest.mark.parametrize("model", ["fashion-ae", "fashion-vae-10d", "fashion-dcgan", "fashion-cgan", "fashion-stacked-ae"])
def test_every_kind_of_plane_opens(opened, model):
    page = opened(f"sub/site/?model={model}&veil=normal")
    page.locator(READY).wait_for(state="attached", timeout=60_000)
    assert page.locator(".lx-picture").get_attribute("data-model") == model
    page.get_by_role("button", name="Surprise me").click()
    assert not page.locator(".lx-message").is_visible()


def test_what_needs_the_app_is_said(opened):
    page = opened("sub/site/?model=mnist-vae&seed=3")
    page.locator(READY).wait_for(state="attached", timeout=60_000)
    assert "seed needs the app" in page.locator(".lx-message").inner_text()
    assert page.locator("[data-save]:visible, .lx-input:visible").count() == 0


def test_on_a_phone_without_a_network_after_the_first_visit(opened):
    page = opened("sub/site/", 390)
    dragged(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => {})")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(True)
    page.goto(page.url)
    dragged(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_in_a_frame_of_another_site(opened, served):
    page = opened("frame.html")
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for(state="attached", timeout=60_000)
    frame.locator(".lx-plane").first.click()
    frame.locator(".lx-speed", has_text="in this browser").wait_for()
