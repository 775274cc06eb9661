"""The view "Why a VAE?" in a browser: a lecturer goes through it from left to right."""

import numpy as np
import pytest
from playwright.sync_api import expect

from explorer import checkpoints
from explorer.state import CHAPTERS, parse_strictly
from explorer.views.why_a_vae import pictures as why

ROOT = ".lx-family"


def opened(view, chapter, extra=""):
    view.page.goto(f"{view.url}/?view=why-a-vae&chapter={chapter}{extra}")
    ready(view, chapter)
    return view.page


def ready(view, chapter):
    view.page.locator(f"{ROOT}[data-chapter={chapter}][data-ready=yes]").wait_for()


def pixels(page, selector):
    """The canvas of a selector as numbers: (h, w)."""
    found = page.eval_on_selector(
        selector,
        """canvas => {
        const {width, height} = canvas;
        return [height, width, Array.from(canvas.getContext('2d').getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 0))];
    }""",
    )
    return np.array(found[2], "uint8").reshape(found[:2])


def test_from_left_to_right_each_chapter_shows_its_point(view):
    page = opened(view, "linear")
    for i, chapter in enumerate(CHAPTERS):
        if i:
            page.locator(f"{ROOT} .lx-chapters button").nth(i).click()
            ready(view, chapter)
        expect(page.locator(f"{ROOT} .lx-chapters [aria-checked=true]")).to_have_text(f"{i + 1} {why.CHAPTERS[chapter]}")
        view.until("location.search.includes(argument)", f"chapter={chapter}" if i else "view=why-a-vae")
        assert page.locator(f"{ROOT} .lx-point").inner_text()
        assert page.locator(f"{ROOT} .lx-explanation .lx-formula").count() == 1
        expect(page.locator(f"{ROOT} .lx-message")).to_be_hidden()
        shown = {"codings": ".lx-map canvas", "holes": ".lx-holes canvas", "labels": ".lx-charts circle"}.get(
            chapter, ".lx-rows canvas"
        )
        expect(page.locator(f"{ROOT} {shown}").first).to_be_visible()
    expect(page.locator("#family-toy")).to_be_hidden()


def test_the_first_rows_are_the_pictures_of_the_models(view):
    page = opened(view, "linear", "&seed=6")
    rows = why.rows(why.complete(parse_strictly("chapter=linear&seed=6")))
    for i, row in enumerate(rows):
        found = pixels(page, f"{ROOT} .lx-of:nth-child({i + 1}) canvas >> nth=3")
        assert np.abs(found / 255 - row["images"][3, ..., 0]).max() < 1 / 255
    expect(page.locator("#family-toy .js-plotly-plot")).to_be_visible()


def test_numbers_on_the_page_are_the_cards(view):
    page = opened(view, "deeper")
    text = page.locator(f"{ROOT} .lx-charts").inner_html()
    for name in why.MEMBERS["deeper"]:
        card = checkpoints.card(name)
        assert f"{sum(card['parameters'].values()):,}" in text
        assert f"{card['metrics']['mse_before_clipping']:.4f}" in text


@pytest.mark.parametrize("noise", ["dropout", "gaussian"])
def test_the_slider_repairs_what_it_spoils(view, noise):
    page = opened(view, "denoising")
    if noise == "gaussian":
        page.locator(f"{ROOT} [data-set=noise]").select_option("gaussian")
    page.locator(f"{ROOT} [data-set=amount]").fill("0.3")
    page.locator(f"{ROOT}[data-repaired='{noise} 0.3']").wait_for()
    view.until("location.search.includes('amount=0.3')")
    before = pixels(page, f"{ROOT} .lx-repaired")
    page.locator(f"{ROOT} [data-set=amount]").fill("0.9")
    page.locator(f"{ROOT}[data-repaired='{noise} 0.9']").wait_for()
    assert np.abs(pixels(page, f"{ROOT} .lx-repaired") - before.astype(int)).mean() > 2


def test_an_own_drawing_is_spoiled_and_repaired(view):
    page = opened(view, "denoising")
    pad = page.locator(f"{ROOT} .lx-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    before = pixels(page, f"{ROOT} .lx-noisy-picture")
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    for x, y in ((0.3, 0.8), (0.7, 0.8), (0.7, 0.2), (0.3, 0.2)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
    page.mouse.up()
    view.until("performance.getEntriesByName('event-to-pixels').length > 3")
    assert np.abs(pixels(page, f"{ROOT} .lx-noisy-picture") - before.astype(int)).mean() > 5


def test_a_cleared_pad_is_not_repaired(view):
    page = opened(view, "denoising")
    page.locator(f"{ROOT} [data-do=clear]").click()
    assert pixels(page, f"{ROOT} .lx-noisy-picture").max() == 0
    page.locator(f"{ROOT} [data-set=amount]").fill("0.9")
    view.until("link.get('amount') === '0.9'")
    page.wait_for_timeout(800)  # the rows are drawn anew
    assert pixels(page, f"{ROOT} .lx-noisy-picture").max() == 0


def test_pointing_at_the_map_decodes_a_code(view):
    page = opened(view, "codings")
    page.locator(f"{ROOT}[data-code]").wait_for()
    first = page.locator(ROOT).get_attribute("data-code")
    box = page.locator(f"{ROOT} .lx-map canvas >> nth=1").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    view.until(f"document.querySelector('{ROOT}').dataset.code !== argument", first)
    index = int(page.locator(ROOT).get_attribute("data-code"))
    label = checkpoints.encodings("fashion-stacked-ae").labels[index]
    expect(page.locator(f"{ROOT} .lx-near")).to_contain_text(checkpoints.card("fashion-stacked-ae")["classes"][label])


def test_a_map_is_computed_anew_while_one_watches(view):
    page = opened(view, "codings")
    page.locator(f"{ROOT} [data-map=points]").fill("300")
    page.locator(f"{ROOT} [data-do=map]").click()
    page.locator(f"{ROOT}[data-points='300']").wait_for(timeout=90_000)
    page.locator(f"{ROOT} [data-map=perplexity]").fill("99")
    page.locator(f"{ROOT} [data-do=map]").click()
    expect(page.locator(f"{ROOT} .lx-message")).to_contain_text("four times the perplexity")


def test_a_gan_draws_what_it_is_asked_for_and_is_judged(view):
    page = opened(view, "gans", "&model=fashion-cgan")
    assert page.locator(f"{ROOT} .lx-of small:has-text('% real')").count() == why.DRAWN
    page.locator(f"{ROOT} [data-set=label]").fill("7")
    expect(page.locator(f"{ROOT} .lx-for-class output")).to_have_text("Sneaker")
    view.until("location.search.includes('label=7')")
    images = why.drawn(why.complete(parse_strictly("chapter=gans&model=fashion-cgan&label=7")))
    view.until(f"""(() => {{ const c = document.querySelector('{ROOT} .lx-of canvas'), d = c.getContext('2d').getImageData(0, 0, 28, 28).data;
        return argument.every((value, i) => Math.abs(d[4 * i] - value) <= 1); }})()""",
               np.rint(255 * images[0, ..., 0]).ravel().tolist())  # fmt: skip
    rows = checkpoints.card("fashion-cgan")["drawn"]["epochs"]
    expect(page.locator(f"{ROOT} .lx-epochs output")).to_have_text(f"{rows} of {rows}")
    page.locator(f"{ROOT} [data-epoch]").fill("1")
    expect(page.locator(f"{ROOT} .lx-epochs output")).to_have_text(f"1 of {rows}")
    page.locator(f"{ROOT} [data-set=model]").select_option("fashion-gan")
    ready(view, "gans")
    expect(page.locator(f"{ROOT} .lx-for-class")).to_be_hidden()


def test_other_garments_and_back(view):
    page = opened(view, "linear")
    before = pixels(page, f"{ROOT} .lx-of canvas >> nth=0")
    page.locator(f"{ROOT} [data-do=dice]").click()
    view.until("location.search.includes('seed=')")
    first = f"{ROOT} .lx-of canvas >> nth=0"
    view.eventually(lambda: (pixels(page, first) != before).any())
    view.until("document.querySelector('.lx-family [data-do=undo]').disabled === false")
    page.locator(f"{ROOT} [data-do=undo]").click()
    view.until("!location.search.includes('seed=')")
    view.eventually(lambda: (pixels(page, first) == before).all())


def test_a_bad_link_is_told_and_the_view_opens(view):
    page = opened(view, "linear", "&amount=9")
    expect(page.locator(f"{ROOT} .lx-message")).to_contain_text("amount must be")


def test_what_does_not_fit_leaves_the_address(view):
    page = opened(view, "holes", "&z=1,1&amount=9")
    page.wait_for_function("!/z=|amount=/.test(location.search)")
    assert parse_strictly(page.url)["chapter"] == "holes"


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page(page_of, app, width):
    view = page_of(app, viewport={"width": width, "height": 844})
    for chapter in CHAPTERS:
        page = opened(view, chapter)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, chapter
