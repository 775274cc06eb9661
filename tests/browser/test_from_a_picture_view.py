"""Drawing over a picture in Chromium, with an untrained model: marks, strengths, one's own picture, and what links hold."""

import io
import re

import numpy as np
import pytest
from driver import App, another_run
from PIL import Image
from playwright.sync_api import expect

from explorer import views
from explorer.state import MASK_SIDE, parse_strictly
from explorer.views.text_to_image import starts

FLAGS = """async runs => {
    const { flagsOf, runsOf } = await import("/lx/views/text_to_image/start.js");
    return runs.map(one => [[...flagsOf(one, 1024)], runsOf(flagsOf(one, 1024))]);
}"""


@pytest.fixture(scope="module")
def over_app(text_root, face_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("over")
    for folder, name in ((text_root, "words"), (face_root.root, "mnist-vae"), (face_root.root, "celeba-vae")):
        (root / name).symlink_to(folder / name)
    app = App(root / "folder", root)
    app.root = root
    yield app.wait()
    app.stop()


@pytest.fixture
def over(over_app, page_of, monkeypatch):
    """`over(query, **settings)`: a page of the view once its first run is over; the same models here as in the app."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(over_app.root))

    def go(query="", **settings):
        view = page_of(over_app, **settings)
        view.page.goto(f"{over_app.url}/?view=text-to-image&{query}")
        view.page.locator(".lx-text[data-done]").wait_for(state="attached")
        return view

    return go


def shown(view, index):
    return view.canvas(f".lx-cells figure:nth-child({index + 1}) canvas").astype(int)


def test_the_marks_are_runs_of_cells_as_the_server_has_them(over):
    view = over("what=strengths&steps=2")
    asked = [[], [0, 5], [66, 4, 28, 4], [0, 1024], [1023, 1], [3, 2, 0, 4]]
    for runs, (flags, again) in zip(asked, view.page.evaluate(FLAGS, asked), strict=True):
        np.testing.assert_array_equal(flags, starts.cells(runs, (MASK_SIDE, MASK_SIDE)).ravel())
        np.testing.assert_array_equal(starts.cells(again, (MASK_SIDE, MASK_SIDE)).ravel(), flags)


def test_from_little_to_much_and_the_one_that_is_large_is_in_link_and_file(over):
    view = over("what=strip&steps=2&frames=2")
    another_run(view, lambda: view.page.click(".lx-text [data-what=strengths]"))
    assert view.page.locator(".lx-cells figcaption").all_text_contents() == [f"0.{n}" for n in range(2, 10)]
    view.until("link.get('image') === 'celeba-vae:g0'")
    view.page.locator(".lx-cells canvas").nth(5).click()
    view.until("link.get('strength') === '0.7'")
    with view.page.expect_download() as waiting:
        view.page.click(".lx-text [data-save='picture png']")
    query = "view=text-to-image&steps=2&image=celeba-vae:g0&strength=0.7"
    expected = Image.open(io.BytesIO(views.render(parse_strictly(query), "png")))
    assert np.abs(np.asarray(Image.open(waiting.value.path())).astype(int) - np.asarray(expected)).mean() < 3
    expect(view.page.locator(".lx-new-words")).to_contain_text("% of the pixels")
    another_run(view, lambda: view.page.click(".lx-text [data-over=picture]"))
    view.until("link.get('what') === 'picture' && link.get('strength') === '0.7'")
    another_run(view, lambda: view.page.click(".lx-text [data-what=picture]"))
    view.until("!link.has('image') && !link.has('strength')")
    expect(view.page.locator(".lx-mask")).to_be_hidden()


def test_marks_by_brush_and_by_keys_and_undone(over):
    view = over("what=picture&steps=2&image=celeba-vae:g3&strength=0.5")
    mask = view.page.locator(".lx-mask")
    mask.scroll_into_view_if_needed()
    box = mask.bounding_box()

    def brush():
        view.page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
        view.page.mouse.down()
        view.page.mouse.move(box["x"] + 0.27 * box["width"], box["y"] + 0.5 * box["height"])
        view.page.mouse.up()

    another_run(view, brush)
    view.until("link.has('mask')")
    brushed = starts.cells(tuple(map(int, view.link("mask").split(","))), (MASK_SIDE, MASK_SIDE))
    rows, columns = np.nonzero(brushed)
    assert (rows.min() >= 14, rows.max() <= 17, columns.min() >= 6, columns.max() <= 10) == (True,) * 4
    expect(view.page.locator(".lx-mask-words")).to_contain_text("The rest stays")
    expect(view.page.locator(".lx-new-words")).to_contain_text("none is off by more than")
    another_run(view, lambda: view.page.keyboard.press("Control+z"))
    view.until("!link.has('mask')")
    mask.focus()
    view.page.keyboard.press("ArrowLeft")
    view.page.keyboard.press("Shift+ArrowDown")
    another_run(view, lambda: view.page.keyboard.press("Enter"))
    view.until("link.has('mask')")
    boxed = starts.cells(tuple(map(int, view.link("mask").split(","))), (MASK_SIDE, MASK_SIDE))
    expected = np.zeros((MASK_SIDE, MASK_SIDE))
    expected[12:21, 11:19] = 1
    np.testing.assert_array_equal(boxed, expected)
    start = starts.of(views.state_of("view=text-to-image&image=celeba-vae:g3"), (32, 32, 3))
    outside = np.asarray(Image.fromarray((255 * start.image[0]).round().astype("uint8")).resize((128, 128)))[100:, :]
    drawn = shown(view, 0)
    assert np.abs(drawn[100 * len(drawn) // 128 :, :, :3].mean((0, 1)) - outside.mean((0, 1))).max() < 4
    another_run(view, lambda: view.page.keyboard.press("Delete"))
    view.until("!link.has('mask')")


def test_ones_own_picture_is_drawn_over_and_no_link_holds_it(over, tmp_path):
    view = over("what=picture&steps=2&image=celeba-vae:g3&strength=0")
    file = tmp_path / "mine.png"
    Image.fromarray(np.full((40, 60, 3), (200, 30, 90), "uint8")).save(file)
    another_run(view, lambda: view.page.set_input_files(".lx-start [type=file]", file))
    assert view.canvas(".lx-from").reshape(-1, view.canvas(".lx-from").shape[-1])[:, :3].mean(0) == pytest.approx(
        (200, 30, 90), abs=3
    )
    view.until("!link.has('image') && link.get('strength') === '0'")
    expect(view.page.locator(".lx-text [data-save='picture png']")).to_be_hidden()
    with view.page.expect_download() as waiting:
        view.page.click(".lx-text [data-do=keep]")
    assert Image.open(waiting.value.path()).size == (32, 32)
    expect(view.page.locator(".lx-text code")).to_have_text(re.compile("of yours"))
    another_run(view, lambda: view.page.click(".lx-text [data-do=forget]"))
    view.until("link.get('image') === 'celeba-vae:g0'")
    view.page.set_input_files(".lx-start [type=file]", __file__)
    expect(view.page.locator(".lx-text .lx-message span")).to_contain_text("not a picture")
    view.until("link.get('image') === 'celeba-vae:g0'")


def test_outside_the_picture(over):
    view = over("what=picture&steps=2&image=celeba-vae:g3&strength=0.5")
    another_run(view, lambda: view.page.locator(".lx-text [data-set=margin]").fill("0.25"))
    view.until("link.get('margin') === '0.25' && link.get('strength') === '0.9'")
    expect(view.page.locator(".lx-mask-words")).to_contain_text("The frame is drawn")


def test_it_fits_a_phone(over):
    view = over("what=strengths&steps=1", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
