"""Back goes back: views and chapters are entries of the browser's history, moves are not; each has a title of its own."""

import pytest
from playwright.sync_api import expect
from test_dropped import drop

from explorer import views
from explorer.state import parse_strictly

FAMILY = ".lx-family"


def chapter(view, name):
    """Wait until a chapter is on screen and in the address bar."""
    view.until("link.get('chapter') === argument && $('.lx-family')?.dataset.chapter === argument", name)
    expect(view.page.locator(f"{FAMILY} .lx-chapters [aria-checked=true]")).to_have_attribute("data-chapter", name)
    view.page.locator(f"{FAMILY}[data-ready=yes]").wait_for()


def test_back_goes_through_chapters_and_views(view):
    view.open("view=latent-plane&model=mnist-vae")
    entries = view.page.evaluate("history.length")
    view.until_z(view.drag((0, 0), (1, 1)), 1e-3)
    plane = view.query()
    assert view.page.evaluate("history.length") == entries, "a move is no entry"
    expect(view.page).to_have_title("Latent plane · Latent Explorer")
    view.page.get_by_role("tab", name="Why a VAE?").click()
    chapter(view, "linear")
    expect(view.page).to_have_title("Why a VAE? 1 Linear is PCA · Latent Explorer")
    for name in ("deeper", "sparse"):
        view.page.locator(f"{FAMILY} [data-chapter={name}]").click()
        chapter(view, name)
    assert view.page.evaluate("history.length") == entries + 3
    for name in ("deeper", "linear"):
        view.page.go_back()
        chapter(view, name)
    view.page.go_back()
    view.until("location.search.slice(1) === argument && $('#latent-plane').offsetParent", plane)
    assert view.rest() == plane
    expect(view.page).to_have_title("Latent plane · Latent Explorer")
    view.page.go_forward()
    chapter(view, "linear")
    view.page.go_forward()
    chapter(view, "deeper")
    assert view.page.evaluate("history.length") == entries + 3


def test_the_address_is_that_of_a_tab_from_the_start(view):
    view.open("model=mnist-vae&z=0.5,0.5")
    view.page.get_by_role("tab", name="Why a VAE?").click()
    view.until("link.get('view') === 'why-a-vae'")
    view.page.reload()
    chapter(view, "linear")


def test_back_after_a_reload_opens_a_view_that_was_not_there_yet(view):
    query = view.open("view=latent-plane&model=mnist-vae&z=0.75,-0.5")
    view.page.get_by_role("tab", name="Why a VAE?").click()
    chapter(view, "linear")
    view.page.reload()
    chapter(view, "linear")
    view.page.go_back()
    view.until(
        "link.get('view') === 'latent-plane' && $('#latent-plane .lx[data-ready=yes] .lx-picture')?.dataset.z === link.get('z')"
    )
    assert view.rest() == query


def test_back_and_undo_return_from_a_file_that_was_dropped(view):
    query = view.open("view=latent-plane&model=mnist-vae&z=0.75,-0.5")
    data = views.render(parse_strictly("view=latent-plane&model=mnist-vae&z=1.25,0.5"), "png")
    assert drop(view, data, "found.png")
    view.until_z([1.25, 0.5])
    view.page.keyboard.press("Control+z")
    view.until_z([0.75, -0.5])
    assert drop(view, data, "found.png")
    view.until_z([1.25, 0.5])
    view.page.go_back()
    view.until_z([0.75, -0.5])
    assert view.rest() == query


@pytest.mark.parametrize("width", [390, 1280])
def test_a_file_of_another_view_opens_there_and_back_returns(app, page_of, width):
    view = page_of(app, viewport={"width": width, "height": 844})
    query = view.open("view=latent-plane&model=mnist-vae&z=0.75,-0.5")
    drop(view, views.render(parse_strictly("view=why-a-vae&chapter=sparse"), "png"), "rows.png")
    chapter(view, "sparse")
    view.page.go_back()
    view.until("location.search.slice(1) === argument && $('#latent-plane').offsetParent", query)


@pytest.mark.parametrize("name", ["why-a-vae", "latent-plane"])
def test_what_does_not_fit_leaves_the_address_of_every_view(view, name):
    view.page.goto(f"{view.url}/?view={name}&chapter=xx&model=mnist-vae&t=7")
    view.page.locator(f"#{name} .lx[data-ready=yes]").wait_for()
    view.until("link.get('view') === argument && link.get('chapter') !== 'xx' && !link.has('t')", name)
    expect(view.page.locator(f"#{name} .lx-message")).to_contain_text("chapter must be one of")


# ---- the address says what is on screen, in "Why a VAE?" too


def test_the_points_of_both_planes_are_in_the_link(app, view, page_of):
    view.page.goto(f"{view.url}/?view=why-a-vae&chapter=holes")
    planes = view.page.locator(f"{FAMILY} .lx-holes [role=application]")
    expect(planes).to_have_count(2)
    planes.nth(1).click(position={"x": 60, "y": 90})
    view.until("link.get('z')?.split(',').length === 4")
    query = view.query()
    pictures = f"{FAMILY} .lx-holes figure:nth-child(2) .lx-caption canvas"
    view.quiet(250)
    shown = view.canvas(pictures)
    other = page_of(app, locale="de-DE")
    other.page.goto(f"{other.url}/?{query}")
    other.eventually(lambda: other.page.locator(pictures).count() and (other.canvas(pictures) == shown).all())
    other.until("location.search.slice(1) === argument", query)


def test_what_is_hidden_and_zoomed_on_the_map_is_in_the_link(app, view, page_of):
    view.page.goto(f"{view.url}/?view=why-a-vae&chapter=codings")
    view.page.locator(f"{FAMILY}[data-code]").wait_for()
    boot = view.page.locator(f"{FAMILY} .lx-map-box .lx-legend button", has_text="Ankle boot")  # the first code is of one
    boot.click()
    view.until("link.get('hidden') === '9'")
    expect(view.page.locator(f"{FAMILY} .lx-near")).not_to_contain_text("Ankle boot")
    view.page.locator(f"{FAMILY} .lx-map [role=application]").press("+")
    view.until("link.has('extent') && link.has('center')")
    query = view.query()
    view.quiet(250)
    shown = [view.canvas(f"{FAMILY} .lx-map canvas"), view.canvas(f"{FAMILY} .lx-map-picture canvas")]
    other = page_of(app, locale="de-DE")
    other.page.goto(f"{other.url}/?{query}")
    other.page.locator(f"{FAMILY}[data-code]").wait_for()
    for selector, pixels in zip((".lx-map canvas", ".lx-map-picture canvas"), shown, strict=True):
        other.eventually(lambda s=selector, p=pixels: (other.canvas(f"{FAMILY} {s}") == p).all())
    other.until("location.search.slice(1) === argument", query)
    boot.click()
    view.until("!link.has('hidden')")


def test_the_epoch_is_in_the_link(view):
    view.page.goto(f"{view.url}/?view=why-a-vae&chapter=gans&model=fashion-gan&epoch=3")
    output = f"{FAMILY} .lx-epochs output"
    expect(view.page.locator(output)).to_contain_text("3 of ")
    view.page.locator(f"{FAMILY} [data-epoch]").fill("2")
    view.until("link.get('epoch') === '2'")
    view.page.reload()
    expect(view.page.locator(output)).to_contain_text("2 of ")
    view.page.locator(f"{FAMILY} [data-epoch]").press("End")
    view.until("!link.has('epoch')")
