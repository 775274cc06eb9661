"""Faces that are painted out once the hand rests, by a refiner that adds a known noise."""

import io

import numpy as np
import pytest
from driver import App
from PIL import Image
from playwright.sync_api import expect

from explorer.state import parse_strictly

FACE = "view=faces&face=4"


@pytest.fixture(scope="module")
def refined_app(refined_root, tmp_path_factory):
    app = App(tmp_path_factory.mktemp("refined") / "folder", refined_root.root)
    yield app.wait()
    app.stop()


@pytest.fixture
def opened(refined_app, page_of):
    """`opened(query)`: a page of the faces or morph view with its picture on screen."""

    def go(query):
        view = page_of(refined_app)
        view.page.goto(f"{refined_app.url}/?{query}")
        name = "faces" if query.startswith("view=faces") else "morph"
        view.page.locator(f".lx-{name}[data-ready=yes]").wait_for(state="attached")
        return view

    return go


def likeness(picture, seed):
    """The correlation of a picture's detail with the noise of a seed: of squares of one colour there is none."""
    small = np.asarray(Image.fromarray(picture[..., :3]).resize((64, 64), Image.Resampling.BOX), "float64")
    noise = np.random.default_rng(seed).standard_normal((1, 64, 64, 3), dtype="float32")[0]
    detail = [lot.reshape(8, 8, 8, 8, 3) - lot.reshape(8, 8, 8, 8, 3).mean((1, 3), keepdims=True) for lot in (small, noise)]
    inner = [lot[:, 2:6, :, 2:6].ravel() for lot in detail]  # the enlargement blurs the edges of squares
    return float(np.corrcoef(*inner)[0, 1]) if inner[0].std() > 0.5 else 0.0


def shows(view, seed, selector=".lx-faces .lx-picture"):
    """Wait until the noise of a seed, or of None of these, is seen in a picture."""
    view.eventually(lambda: (likeness(view.canvas(selector), seed or 0) > 0.5) == (seed is not None))


def test_the_sharp_face_fades_in_and_the_bare_one_is_a_press_away(opened):
    view = opened(FACE)
    shows(view, 0)
    expect(view.page.locator(".lx-faces .lx-sharp")).to_contain_text("ms")
    view.do("sharpen")
    shows(view, None)
    view.until("link.get('refined') === '0'")
    expect(view.page.locator("[data-do=sharpen]")).to_have_attribute("aria-pressed", "false")
    view.do("undo")
    shows(view, 0)
    view.until("link.get('refined') === null")
    view.do("repaint")
    view.until("link.get('noise_seed') !== null")
    shows(view, int(view.link("noise_seed")))


def test_a_link_says_from_which_noise_and_a_file_is_what_is_shown(opened):
    view = opened(f"{FACE}&noise_seed=9")
    shows(view, 9)
    with view.page.expect_download() as download:
        view.page.locator(".lx-faces [data-save='picture png']").click()
    png = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert likeness(np.asarray(png), 9) > 0.5
    assert parse_strictly(png.info["latent-explorer"])["noise_seed"] == 9


def test_nothing_is_sharpened_while_a_slider_moves(opened):
    view = opened(FACE)
    shows(view, 0)
    count = lambda: sum("first" not in asked for asked in view.calls("refine"))  # noqa: E731  but for the frames of the strip
    before = count()
    pauses = view.page.evaluate("""async () => {
        const slider = document.querySelector(".lx-faces .lx-attributes input[type=range]");
        let pauses = 0;
        for (let i = 1; i <= 30; i++) {
            const began = performance.now();
            slider.value = i / 20;
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            await new Promise(resolve => setTimeout(resolve, 30));
            pauses += performance.now() - began > 110; // of a busy machine's own
        }
        return pauses;
    }""")
    assert count() - before <= pauses + 2
    shows(view, 0)
    view.eventually(lambda: count() > before)


def test_frames_of_a_strip_come_sharp(opened):
    view = opened(FACE)
    view.page.locator(".lx-faces .lx-strip").scroll_into_view_if_needed()
    view.page.locator(".lx-faces .lx-strip button").nth(8).wait_for()
    for i in (1, 9):
        shows(view, 0, f".lx-faces .lx-strip button:nth-child({i}) canvas")


def test_what_was_invented_is_shown(opened):
    view = opened(FACE)
    view.page.locator(".lx-invented summary").click()
    shows(view, 0, ".lx-invented figure:nth-child(3) canvas")
    shows(view, None, ".lx-invented figure:nth-child(2) canvas")
    expect(view.page.locator(".lx-invented [data-lost]")).to_contain_text("no photograph")


def test_a_morph_is_sharpened_and_may_stay_as_it_is(opened):
    view = opened("view=morph&corners=g1;g2&frames=3&noise_seed=5")
    picture = ".lx-morph .lx-of-two .lx-picture"
    shows(view, 5, picture)
    shows(view, 5, ".lx-morph .lx-strip button:nth-child(3) canvas")
    view.page.locator(".lx-morph [data-set=refined]").uncheck()
    shows(view, None, picture)
    shows(view, None, ".lx-morph .lx-strip button:nth-child(3) canvas")
    view.until("link.get('refined') === '0'")
