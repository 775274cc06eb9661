"""The page in German: chosen by the browser or by hand, whole in every view, and nothing of it in the state."""

import re

import pytest
from driver import PATIENCE
from playwright.sync_api import expect

from explorer import views

MISSING = """async () => [...(await import(new URL("lx/serving/language.js", document.baseURI))).missing]"""
UNFOLD = """name => { for (const fold of document.querySelectorAll(`#${name} details`)) fold.open = true; }"""
ALL_SHOWN = """name => [...document.querySelectorAll(`#${name} :is(.lx-inside, .lx-levels)[open]`)].every(fold =>
    fold.hidden || !fold.checkVisibility() || fold.dataset.shown)"""  # the network's layers come later
BLOCKED = """Object.defineProperty(window, "localStorage", { get() { throw new DOMException("Access is denied.", "SecurityError"); } });"""
WRITTEN = """window.written = new Set(); const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...where) { written.add(text); return write.call(this, text, ...where); };"""
QUERY = "model=mnist-vae&z=1,-0.5&view=latent-plane"


def is_there(page, name):
    drawn = "#models-card h2" if name == "models" else f"#{name} .lx[data-ready=yes]"
    page.locator(drawn).first.wait_for(state="visible")


def test_every_view_is_german_throughout_and_no_wider_than_the_screen(app, page_of):
    page = page_of(app, locale="de-DE").page
    page.add_init_script(WRITTEN)
    page.goto(app.url)
    expect(page.locator(".lx-head > p")).to_contain_text("latenten Raums", timeout=PATIENCE)
    assert page.locator("html").get_attribute("lang") == "de"
    for name in views.NAMES:
        page.locator(f'#views [data-tab-id="{name}"]').click()
        is_there(page, name)
        page.evaluate(UNFOLD, name)
        for mode in page.locator(f"#{name} .lx-models > [role=radio]:visible").all()[:9]:
            mode.click()
            page.wait_for_timeout(250)
        page.wait_for_function(ALL_SHOWN, arg=name)
        for width, height in ((390, 844), (1280, 900)):  # charts follow a little later
            page.set_viewport_size({"width": width, "height": height})
            page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    written = page.evaluate("[...written]")
    assert {"lächelnd →", "männlich ↑"} <= set(written), "axes of the attribute plane"
    own = {"Laden..."}  # Gradio's, in its own German
    assert sorted(set(page.evaluate(MISSING)) - own) == []
    page.goto(f"{app.url}/?view=why-a-vae&chapter=denoising")
    expect(page.locator("#why-a-vae .lx-chart text").first).to_have_text("wie gegeben")


def test_the_language_is_switched_back_and_forth_and_is_no_part_of_the_state(app, page_of):
    view = page_of(app, locale="en-GB")  # a context of its own, which remembers what is chosen
    page = view.page
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    query = view.open(QUERY)
    button = page.locator("#latent-plane [data-do=dice]")
    expect(button).to_have_text("Surprise me")
    assert page.locator("html").get_attribute("lang") == "en"
    assert [url for url in asked if url.endswith("de.json")] == []
    choice = page.get_by_label("Language", exact=True)
    fold = page.locator("#latent-plane .lx-folds p").last
    english = fold.text_content()
    choice.select_option("de")
    expect(button).to_have_text("Überraschung")
    expect(button).to_have_attribute("title", "Ein zufälliger Punkt der Prior-Verteilung (Taste: R)")
    expect(fold).to_contain_text("Strg+Z geht zurück")
    expect(page).to_have_title("Latente Ebene · Latent Explorer")
    expect(page.locator("#latent-plane .lx-near")).to_contain_text("Nächste Kodierungen: ")  # what was said before
    page.locator("#latent-plane .lx-first .lx-plane").click(position={"x": 80, "y": 80})
    expect(page.locator("#latent-plane .lx-picture")).to_have_attribute("aria-label", re.compile("Das dekodierte Bild bei "))
    view.until("link.get('z') !== '1,-0.5'")
    assert view.rest() != query
    page.locator("#latent-plane [data-do=undo]").click()
    view.until("link.get('z') === '1,-0.5'")
    assert view.rest() == query
    page.get_by_label("Sprache", exact=True).select_option("en")
    expect(button).to_have_text("Surprise me")
    assert fold.text_content() == english
    expect(page.locator("#latent-plane .lx-near")).to_contain_text("Nearest encodings: ")
    expect(page).to_have_title("Latent plane · Latent Explorer")
    assert view.rest() == query


@pytest.mark.parametrize("script", ["", BLOCKED])
def test_an_address_may_name_the_language(app, page_of, script):
    page = page_of(app, locale="en-GB").page
    if script:
        page.add_init_script(script)
    page.goto(f"{app.url}/?{QUERY}&language=de")
    expect(page.locator("#latent-plane [data-do=dice]")).to_have_text("Überraschung")
    is_there(page, "latent-plane")
    page.goto(f"{app.url}/?{QUERY}")  # what was chosen is remembered, where that is allowed
    is_there(page, "latent-plane")
    expect(page.locator("#latent-plane [data-do=dice]")).to_have_text("Surprise me" if script else "Überraschung")
