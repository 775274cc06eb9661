"""Files dropped on the page: one of ours opens what it shows, any other goes to where it was dropped."""

import base64
import io
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from explorer import imaging, views
from explorer.state import parse_strictly

DROP = """([selector, name, data]) => {
    const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0)), dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name));
    const event = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer });
    document.querySelector(selector).dispatchEvent(event);
    return event.defaultPrevented;
}"""


def drop(view, data, name, selector="#latent-plane .lx-first"):
    return view.page.evaluate(DROP, [selector, name, base64.b64encode(data).decode()])


@contextmanager
def opening(view):
    """Until the page has been loaded anew."""
    with view.page.expect_navigation():
        yield
    view.page.locator(".lx[data-ready=yes]").first.wait_for(state="attached")


@pytest.mark.parametrize("ending", ["png", "npz"])
def test_a_file_of_ours_opens_its_state(view, ending):
    view.open()
    data = views.render(parse_strictly("view=latent-plane&model=mnist-vae&z=1.25,-0.5"), ending)
    with opening(view):
        assert drop(view, data, f"found.{ending}")
    view.until_z([1.25, -0.5])


def test_a_picture_without_a_state_goes_to_its_place(view):
    view.open()
    file = io.BytesIO()
    ink = np.zeros((40, 40), "uint8")
    ink[5:35, 18:23] = 255
    Image.fromarray(ink).save(file, "PNG")
    before = view.link("z")
    drop(view, file.getvalue(), "one.png", "#latent-plane .lx-pad canvas")
    view.until("link.get('z') !== argument", before)
    assert drop(view, file.getvalue(), "one.png")
    expect(view.page.locator("#latent-plane .lx-message")).to_contain_text("does not say what it shows")


def test_a_hostile_state_is_met_like_any_bad_link(view):
    view.open()
    state = "view=latent-plane&model=<img src=x onerror=alert(1)>&z=nan"
    drop(view, imaging.png(np.zeros((4, 4, 1)), state), "bad.png")
    view.eventually(lambda: "z must be" in view.message())
    view.rest()
    assert view.link("model") == "mnist-vae"
    assert view.page.locator(".lx-message img").count() == 0
