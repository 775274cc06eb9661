"""A first visit: each view's tour stands in the page, covers nothing, is walked by keys, and one click closes all for good."""

from importlib import import_module

import pytest
from driver import PATIENCE
from playwright.sync_api import expect

from explorer import views

COVERED = """() => {
    const box = document.querySelector(".lx-tour").getBoundingClientRect();
    return [...document.querySelectorAll("button, input, select, canvas, a, summary, [role=tab]")].filter(other => {
        if (other.closest(".lx-tour")) return false;
        const its = other.getBoundingClientRect();
        return its.width && other.checkVisibility() && its.left < box.right && its.right > box.left && its.top < box.bottom && its.bottom > box.top;
    }).map(other => other.outerHTML.slice(0, 80));
}"""
BLOCKED = """Object.defineProperty(window, "localStorage", { get() { throw new DOMException("Access is denied.", "SecurityError"); } });"""


@pytest.fixture
def visit(app, browser):
    """`visit(query, script, **settings)`: the page as somebody sees it who was never here; nothing may go wrong in it."""
    contexts, problems = [], []

    def open_page(query="", name="latent-plane", script="", **settings):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{app.url}/?{query}")
        drawn = "#models-card h2, #models-curves .js-plotly-plot" if name == "models" else f"#{name} .lx[data-ready=yes]"
        page.locator(drawn).last.wait_for(state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_tour_covers_nothing_and_is_walked_by_keys(visit, width, scheme):
    page = visit(viewport={"width": width, "height": 844}, color_scheme=scheme)
    tour = page.locator(".lx-tour")
    expect(tour).to_be_visible()
    assert page.evaluate(COVERED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    titles = []
    tour.get_by_role("button", name="Next").focus()
    for step in range(5):
        expect(tour.locator("small")).to_have_text(f"{step + 1} of 5")
        titles.append(tour.locator("strong").inner_text())
        expect(page.locator(".lx-toured")).to_have_count(1)
        page.keyboard.press("Enter")
    assert len(set(titles)) == 5
    expect(tour).to_have_count(0)  # "Done"
    assert page.locator(".lx-toured").count() == 0
    assert page.evaluate("localStorage.getItem('latent-explorer-tour')") == "latent-plane"
    page.reload()
    page.locator(".lx[data-ready=yes]").first.wait_for(state="attached")
    assert page.locator(".lx-tour").count() == 0
    page.get_by_role("tab", name="Morph").click()  # which has a tour of its own
    expect(tour.locator("strong")).to_have_text(import_module("explorer.views.morph.words").TOUR[0][0])


@pytest.mark.parametrize("name", views.NAMES)
def test_each_view_says_what_it_is_for_and_shows_what_its_steps_are_about(visit, name):
    words = import_module(f"explorer.views.{views.folder(name)}.words")
    page = visit(f"view={name}", name)
    expect(page.locator(".lx-head > p")).to_have_text(words.TAGLINE)
    tour = page.locator(".lx-tour")
    for title, text, target in words.TOUR:
        expect(tour.locator("strong")).to_have_text(title)
        expect(tour.locator("div span")).to_have_text(text)
        expect(page.locator(".lx-toured")).to_have_count(1)
        page.wait_for_function("target => document.querySelector('.lx-toured')?.matches(target)", arg=target)
        tour.get_by_role("button", name="Next").or_(tour.get_by_role("button", name="Done")).click()
    expect(tour).to_have_count(0)


def test_one_click_closes_it_and_it_is_not_in_a_course_s_frame(visit):
    page = visit("view=latent-plane")
    page.get_by_role("button", name="Close the tour").click()
    assert page.locator(".lx-tour").count() == 0
    assert page.evaluate("localStorage.getItem('latent-explorer-tour')") == "closed"
    page.get_by_role("tab", name="Faces").click()
    expect(page.locator(".lx-faces")).to_be_visible()
    assert page.locator(".lx-tour").count() == 0, "those of other views neither"
    assert visit("embed&view=latent-plane").locator(".lx-tour").count() == 0


def test_without_storage_it_closes_until_the_page_is_left(visit):
    page = visit(script=BLOCKED)
    page.locator(".lx-tour button").first.focus()
    page.keyboard.press("Escape")
    assert page.locator(".lx-tour").count() == 0
