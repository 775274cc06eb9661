"""A first visit: the tour stands in the page, covers nothing, is walked by keys, and one click closes it for good."""

import pytest
from driver import PATIENCE
from playwright.sync_api import expect

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

    def open_page(query="", script="", **settings):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{app.url}/?{query}")
        page.locator(".lx[data-ready=yes]").first.wait_for(state="attached")
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
        if step == 0:  # in the view that one turns to
            page.get_by_role("tab", name="Faces").click()
            expect(page.locator(".lx-faces .lx-toured, .lx-faces.lx-toured")).to_be_visible()
            page.get_by_role("tab", name="Latent plane").click()
            tour.get_by_role("button", name="Next").focus()
        page.keyboard.press("Enter")
    assert len(set(titles)) == 5
    expect(tour).to_have_count(0)  # "Done"
    assert page.locator(".lx-toured").count() == 0
    page.reload()
    page.locator(".lx[data-ready=yes]").first.wait_for(state="attached")
    assert page.locator(".lx-tour").count() == 0


def test_one_click_closes_it_and_it_is_not_in_a_course_s_frame(visit):
    page = visit("view=latent-plane")
    page.get_by_role("button", name="Close the tour").click()
    assert page.locator(".lx-tour").count() == 0
    assert page.evaluate("localStorage.getItem('latent-explorer-tour')") == "closed"
    assert visit("embed&view=latent-plane").locator(".lx-tour").count() == 0


def test_without_storage_it_closes_until_the_page_is_left(visit):
    page = visit(script=BLOCKED)
    page.locator(".lx-tour button").first.focus()
    page.keyboard.press("Escape")
    assert page.locator(".lx-tour").count() == 0
