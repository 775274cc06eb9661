"""The static site, from `python -m http.server` in a sub-path: planes, faces, morphs and the autoencoder family decode in the
browser, in another site's frame too, and, once it was opened, without a network."""

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
from driver import PATIENCE
from PIL import Image

import explorer
from explorer.publishing import site
from explorer.serving import decoders
from explorer.serving import runtime as runtimes

POINT = (0.5, -1.0)
READY = "#latent-plane .lx[data-ready=yes]"
# the picture's own pixels: the canvas shows them enlarged
PIXELS = """async ([model, z]) => {
    const { decode } = await import("./lx/serving/decoder.js");
    return [...(await decode(model, z)).pixels];
}"""


# what stands in for the server: [view, function, query] -> its answer
ASKED = """async ([view, name, query]) => {
    const { server } = await import(`./lx/publishing/static/${view === "why-a-vae" ? "family" : view}.js`);
    return server(JSON.parse(document.getElementById("props").textContent).views[view])[name](query);
}"""
FAMILY = "#why-a-vae .lx"
SIX = "Smiling,Eyeglasses,Male,Young,Blond_Hair,Black_Hair"


def serve(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


@pytest.fixture(scope="module")
def served(runtime, site_files, tmp_path_factory):
    """The port of a server below whose path /sub/site/ the site lies, and beside it a page that frames it."""
    folder = tmp_path_factory.mktemp("served")
    own = {f"{decoders.RUNTIME}{path.name}": path.read_bytes() for path in runtime.iterdir() if path.name in runtimes.FILES}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site, "files", lambda: site_files | own)
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
        page.set_default_timeout(PATIENCE)
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


def dragged(page, part=4):
    """A drag over the plane, from its middle by a part of its side, which shows another picture, of the browser's own."""
    page.locator(READY).wait_for(state="attached")
    box = page.locator("#latent-plane .lx-plane").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = page.locator("#latent-plane .lx-picture").get_attribute("data-z")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / part, y - box["height"] / part, steps=8)
    page.mouse.up()
    page.wait_for_function("before => document.querySelector('.lx-picture').dataset.z !== before", arg=before)
    page.locator("#latent-plane .lx-speed", has_text="in this browser").wait_for()


def test_a_link_shows_the_picture_of_keras_and_a_drag_another(opened):
    page = opened(f"sub/site/?model=mnist-vae&z={POINT[0]},{POINT[1]}")
    page.locator(READY).wait_for(state="attached")
    assert page.locator("#latent-plane .lx-picture").get_attribute("data-z") == "0.5,-1"
    found = np.reshape(page.evaluate(PIXELS, ["mnist-vae", POINT]), (28, 28, 1))
    expected = np.rint(255 * explorer.load("mnist-vae").decode([POINT])[0])
    assert np.abs(found - expected).max() <= 1
    dragged(page)
    assert not page.locator("#latent-plane .lx-message").is_visible()


def test_the_backdrop_is_the_plane(opened):
    page = opened("sub/site/?model=fashion-vae&n=4")
    page.locator(READY).wait_for(state="attached")
    url = page.evaluate("""async () => {
        const { server } = await import("./lx/publishing/static/plane.js");
        const props = JSON.parse(document.getElementById("props").textContent).views["latent-plane"];
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
    page.locator(READY).wait_for(state="attached")
    assert page.locator("#latent-plane .lx-picture").get_attribute("data-model") == model
    page.get_by_role("button", name="Surprise me").click()
    assert not page.locator("#latent-plane .lx-message").is_visible()


def test_what_needs_the_app_is_said(opened):
    page = opened("sub/site/?model=mnist-vae&seed=3")
    page.locator(READY).wait_for(state="attached")
    assert "seed needs the app" in page.locator("#latent-plane .lx-message").inner_text()
    assert page.locator("[data-save]:visible, #latent-plane .lx-input:visible").count() == 0


def close_to(answer, expected):
    """Whether raw pixels in base64 are a picture's, to one grey level."""
    found = np.frombuffer(base64.b64decode(answer), "uint8").reshape(expected.shape)
    return np.abs(found - np.rint(255 * np.asarray(expected, "float64"))).max() <= 1


@pytest.mark.parametrize("query", [
    "face=3&attributes=Smiling:2,Bangs:-1", f"seed=5&attributes=Young:-2&hold={SIX}&how=learned",
    f"face=9&attributes=Male:1.5&hold={SIX}&how=plain&along=Eyeglasses&frames=3",
])  # fmt: skip
def test_faces_are_those_of_keras(opened, query):
    page = opened("sub/site/?view=faces&" + query)
    page.locator("#faces .lx[data-ready=yes]").wait_for(state="attached")
    from explorer import views
    from explorer.views import refined
    from explorer.views.faces import pictures

    state = views.state_of(query + "&model=celeba-vae", "faces")
    (sharp,) = page.evaluate(ASKED, ["faces", "refine", {"query": query}])["pictures"]
    assert close_to(sharp, refined.painted(state, pictures.picture(state)[None])[0])
    assert close_to(page.evaluate(ASKED, ["faces", "decode_face", query])["pixels"], pictures.picture(state))
    strip = page.evaluate(ASKED, ["faces", "face_strip", query + "&what=strip"])
    frames, amounts = pictures.strip({**state, "what": "strip"})
    sharp = page.evaluate(ASKED, ["faces", "refine", {"query": query + "&what=strip", "first": 1, "count": 2}])["pictures"]
    assert all(map(close_to, sharp, refined.painted(state, frames[1:3])))
    assert all(map(close_to, strip["frames"], frames))
    np.testing.assert_allclose(strip["amounts"], amounts, atol=5e-4)
    z = page.evaluate(ASKED, ["faces", "face_point", query])["z"]
    np.testing.assert_allclose(z, pictures.point(state), atol=6e-5)
    assert not page.locator("#faces .lx-message").is_visible()


def test_attribute_arithmetic_and_the_attribute_plane(opened):
    page = opened("sub/site/?view=faces&corners=g1;g2;4")
    page.locator("#faces .lx[data-ready=yes]").wait_for(state="attached")
    from explorer import imaging, views
    from explorer.views.faces import pictures

    query = "what=strip&corners=g1;g2;4"
    state = views.state_of(query + "&model=celeba-vae", "faces")
    found, (frames, total) = page.evaluate(ASKED, ["faces", "face_strip", query]), pictures.arithmetic(state)
    np.testing.assert_allclose(found["z"], total, atol=1.1e-4)
    assert all(map(close_to, found["frames"], frames))
    assert page.locator("#faces .lx-sum-words").inner_text() == ""  # no judge, no verdict
    query = "what=grid&n=3&face=2&pair=Young,Male"
    url = page.evaluate(ASKED, ["faces", "face_sheet", query])["url"]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB"), "float32")
    expected = imaging.to_bytes(imaging.grid(pictures.plane(views.state_of(query + "&model=celeba-vae", "faces")), 3))
    assert np.abs(sheet - expected.astype("float32")).mean() < 4  # a JPEG of it
    page.get_by_role("button", name="Man with glasses").click()
    page.wait_for_function("document.querySelectorAll('#faces .lx-sum canvas[aria-label=\"face A − B + C\"]').length")
    page.get_by_role("button", name="Go on with the sum").click()
    page.locator("#faces .lx-whence", has_text="by its code").wait_for()


@pytest.mark.parametrize("query", [
    "model=celeba-vae&corners=g3;7&kind=slerp&frames=4&t=0.3", "model=fashion-cgan&label=3&corners=1;2&frames=3&closed=1",
    "model=mnist-vae&corners=0.5,1;-1,0.25&start=0.2&frames=3",
])  # fmt: skip
def test_morphs_are_those_of_keras(opened, query):
    page = opened("sub/site/?view=morph&" + query)
    page.locator("#morph .lx[data-ready=yes]").wait_for(state="attached")
    from explorer import views
    from explorer.views.morph import pictures

    state = views.state_of(query, "morph")
    assert close_to(page.evaluate(ASKED, ["morph", "decode_morph", query])["pixels"], pictures.picture(state))
    answer, (frames, _, t) = page.evaluate(ASKED, ["morph", "morph_frames", query]), pictures.frames(state)
    np.testing.assert_allclose(answer["t"], t)
    assert all(map(close_to, answer["frames"], frames))
    page.get_by_role("radio", name="Four").click()
    page.wait_for_function("document.querySelectorAll('#morph .lx-corners figure').length === 4")
    assert not page.locator("#morph .lx-message").is_visible()


def test_what_a_link_asks_of_the_app_alone_is_said(opened):
    page = opened("sub/site/?view=faces&noise_seed=7&hold=Male&seed=99999")
    page.locator("#faces .lx[data-ready=yes]").wait_for(state="attached")
    said = page.locator("#faces .lx-message").inner_text()
    assert all(
        word in said for word in ("noise_seed other than 0 needs the app", "hold of others", "seed from 200 on needs the app")
    )
    page = opened("sub/site/?view=text-to-image&prompt=a+face")
    page.get_by_text("The view of this link is in the app alone.").wait_for()


@pytest.mark.parametrize("query", [
    "chapter=linear&seed=6", "chapter=gans&model=fashion-gan&seed=2", "chapter=gans&model=fashion-cgan&seed=5&label=3",
    "chapter=arithmetic&seed=1",
])  # fmt: skip
def test_rows_of_the_family_are_those_of_keras(opened, query):
    page = opened(f"sub/site/?view=why-a-vae&{query}")
    page.locator(f"{FAMILY}[data-ready=yes]").wait_for(state="attached")
    from explorer import views
    from explorer.views.why_a_vae import pictures

    state = views.state_of(query, "why-a-vae")
    answer, expected = page.evaluate(ASKED, ["why-a-vae", "family_rows", query]), pictures.rows(state)
    for row, own in zip(answer["rows"], expected, strict=True):
        assert row["title"] == own["title"]
        assert all(map(close_to, row["pictures"], own["images"]))
        if "model" in state:
            np.testing.assert_allclose(row["verdicts"], pictures.verdicts(state, own["images"]), atol=2e-3)
    if state["chapter"] == "arithmetic":
        assert answer["seen"] == pictures.arithmetic(state)[1]
    assert not page.locator(f"{FAMILY} .lx-message").is_visible()
    shown = page.locator(f"{FAMILY} .lx-rows figure:last-child canvas").nth(2)
    found = shown.evaluate("canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]")
    drawn = np.rint(255 * expected[-1]["images"][2].astype("float64"))
    assert np.abs(np.reshape(found, (*drawn.shape[:2], 4))[..., : drawn.shape[2]] - drawn).max() <= 1


def test_two_planes_and_a_map_are_dragged_and_their_links_show_the_same(opened):
    page = opened("sub/site/?view=why-a-vae&chapter=holes&z=0.5,1,-0.5,0.25")
    page.locator(f"{FAMILY}[data-ready=yes]").wait_for(state="attached")
    small = page.locator(f"{FAMILY} .lx-holes .lx-caption canvas").nth(1)
    page.wait_for_function("canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((x, i) => i % 4 < 3 && x)",
                           arg=small.element_handle())  # fmt: skip
    before = small.evaluate("canvas => canvas.toDataURL()")
    page.locator(f"{FAMILY} .lx-holes .lx-plane").nth(1).click(position={"x": 60, "y": 60})
    page.wait_for_function("([canvas, before]) => canvas.toDataURL() !== before", arg=[small.element_handle(), before])
    page.wait_for_function("new URLSearchParams(location.search).get('z') !== '0.5,1,-0.5,0.25'")
    z = [float(value) for value in page.evaluate("new URLSearchParams(location.search).get('z')").split(",")]
    assert z[:2] == [0.5, 1]
    page.goto(page.url)
    page.locator(f"{FAMILY}[data-ready=yes]").wait_for(state="attached")
    page.wait_for_function("z => new URLSearchParams(location.search).get('z') === z", arg=",".join(f"{x:g}" for x in z))
    page.locator(f"{FAMILY} .lx-chapters button", has_text="Map").click()
    page.locator(f"{FAMILY}[data-chapter=codings][data-code]").wait_for()
    index = int(page.locator(FAMILY).get_attribute("data-code"))
    found = page.evaluate(ASKED, ["why-a-vae", "coded_picture", ["fashion-stacked-ae", index]])
    from explorer import checkpoints

    codes = checkpoints.encodings("fashion-stacked-ae")
    assert close_to(found["pixels"], explorer.load("fashion-stacked-ae").decode(codes.z_mean[index][None])[0])
    assert found["label"] == codes.labels[index]


def test_what_the_family_lacks_is_said_and_not_offered(opened):
    page = opened("sub/site/?view=why-a-vae&chapter=gans&model=fashion-cgan&seed=900&source=test&z=1,2&epoch=9999")
    page.locator(f"{FAMILY}[data-ready=yes]").wait_for(state="attached")
    said = page.locator(f"{FAMILY} .lx-message").inner_text()
    for words in ("seed from 16 on needs the app", "source test needs the app", "z means nothing in chapter gans", "epoch must be"):
        assert words in said
    for _ in range(3):
        page.get_by_role("button", name="Surprise me").click()
    page.wait_for_function("new URLSearchParams(location.search).get('seed') < 16")
    page.goto(page.url.partition("?")[0] + "?view=why-a-vae&chapter=denoising")
    page.get_by_text("there is no chapter denoising here").wait_for()
    assert page.locator(f"{FAMILY} .lx-chapters button").count() == 8
    assert page.locator(f"{FAMILY} :is([data-do=map], [data-map], [data-set=source]):visible").count() == 0


def went_through_the_family(page):
    """Each chapter, from left to right, shows its own."""
    page.get_by_role("tab", name="Why a VAE?").click()
    buttons = page.locator(f"{FAMILY} .lx-chapters button")
    buttons.first.wait_for()
    for button in buttons.all():
        button.click()
        page.locator(f"{FAMILY}[data-ready=yes][data-chapter={button.get_attribute('data-chapter')}]").wait_for()
        assert not page.locator(f"{FAMILY} .lx-message").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
        assert page.locator(f"{FAMILY} :is(.lx-rows, .lx-map, .lx-holes, .lx-told):visible").count()


def moved(page, view, control):
    """What the readout of a view says after one of its sliders was moved by key."""
    page.get_by_role("tab", name={"faces": "Faces", "morph": "Morph"}[view]).click()
    page.locator(f"#{view} .lx[data-ready=yes]").wait_for(state="attached")
    before = page.locator(f"#{view} .lx-picture").first.evaluate("canvas => canvas.toDataURL()")
    page.locator(f"#{view} {control}").first.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("([view, before]) => document.querySelector(`#${view} .lx-picture`).toDataURL() !== before",
                           arg=[view, before])  # fmt: skip
    page.locator(f"#{view} .lx-speed", has_text="in this browser").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert not page.locator(f"#{view} .lx-message").is_visible()


def test_on_a_phone_without_a_network_after_the_first_visit(opened):
    page = opened("sub/site/", 390)
    dragged(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => {})")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(True)
    page.goto(page.url)
    dragged(page, 3)  # its address says where the first one ended
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    moved(page, "faces", "[data-attribute] input[type=range]")
    page.locator("#faces [data-do=gallery]").click()
    page.locator("#faces .lx-faces-grid button").nth(3).click()
    page.locator("#faces .lx-whence", has_text="gallery, 3").wait_for()
    moved(page, "morph", "[data-t]")
    went_through_the_family(page)


def test_in_a_frame_of_another_site(opened, served):
    page = opened("frame.html")
    frame = page.frame_locator("iframe")
    frame.locator(READY).wait_for(state="attached")
    frame.locator("#latent-plane .lx-plane").first.click()
    frame.locator("#latent-plane .lx-speed", has_text="in this browser").wait_for()
