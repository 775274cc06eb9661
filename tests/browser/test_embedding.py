"""The app in a course's page and in the Hub's: without its header, in the page's own colours, with a link that others can open."""

import io

import pytest
from driver import PATIENCE, says
from PIL import Image
from playwright.sync_api import expect

QUERY = "view=latent-plane&model=mnist-vae&z=0.75,0.5"
SPACE = "Object.defineProperty(window, 'gradio_config', { get() { return this.said; }, set(said) { this.said = { ...said, space_id: 'someone/explorer' }; } });"


def test_embed_has_no_header_and_stays_so_while_one_drags(app, page_of):
    view = page_of(app)
    view.open(f"{QUERY}&embed")
    expect(view.page.locator(".lx-head")).to_be_hidden()
    view.plane.click()
    view.until("!location.search.includes('z=0.75,0.5')")
    assert view.query().split("&")[-1] == "embed"
    view.page.reload()
    expect(view.page.locator(".lx-head")).to_be_hidden()
    other = page_of(app)
    other.open(QUERY)
    expect(other.page.locator(".lx-head")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_embedding_page_chooses_dark_or_light_whatever_the_visitor_s_system_has(app, page_of, scheme):
    other = {"light": "dark", "dark": "light"}[scheme]
    view = page_of(app, color_scheme=other)
    view.open(f"{QUERY}&__theme={scheme}")
    corner = Image.open(io.BytesIO(view.page.screenshot())).convert("L").getpixel((3, 500))
    assert (corner < 128) == (scheme == "dark")
    assert view.page.locator(".lx").first.evaluate("element => getComputedStyle(element).colorScheme") == (
        "dark" if scheme == "dark" else "normal"
    )
    assert f"__theme={scheme}" in view.query()


@pytest.mark.parametrize("hub", [True, False])
def test_in_a_frame_the_link_is_one_that_others_can_open(app, browser, hub):
    """The Hub hands the query of its own page to the frame when that is opened, and knows nothing of what it is later."""
    outer = "https://huggingface.co/spaces/someone/explorer" if hub else "https://course.example/week-3"
    context = browser.new_context(
        permissions=["clipboard-read", "clipboard-write", "local-network-access"], viewport={"width": 1280, "height": 900}
    )
    context.add_init_script(SPACE)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    html = f'<iframe src="{app.url}/?{QUERY}" allow="clipboard-write; local-network-access" style="width: 100%; height: 850px"></iframe>'
    page.route(f"{outer}**", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{outer}?{QUERY}")
    frame = page.frame_locator("iframe")
    frame.locator("#latent-plane .lx[data-ready=yes]").wait_for(state="attached")
    says(frame.locator("#latent-plane [data-do=link]"), "Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{outer if hub else f'{app.url}/'}?{QUERY}"
    context.close()
