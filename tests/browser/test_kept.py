"""What is moved and moved back is where it was; what does not depend on a choice, and what a refused input was to replace, stays."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
WALK = "from=-1,-1&to=1,1&frames=5&kind=slerp"


@pytest.mark.parametrize(("name", "there"), [("KL weight", "0"), ("epoch", "2")])
def test_a_series_moved_and_moved_back_is_the_model_that_one_came_from(view, name, there):
    query = view.open(f"view=latent-plane&model=mnist-vae&z=0.5,0.5&{WALK}")
    series = view.page.locator(f"[data-series='{name}']")
    at = series.input_value()
    series.fill(there)
    view.until("link.get('model') !== 'mnist-vae'")
    view.rest()
    for key, value in (("from", "-1,-1"), ("to", "1,1"), ("frames", "5"), ("kind", "slerp"), ("z", "0.5,0.5")):
        assert view.link(key) == value, "the same walk, another model"
    expect(view.page.locator("#latent-plane .lx-strip button")).to_have_count(5)
    series.fill(at)
    view.until("link.get('model') === 'mnist-vae'")
    view.eventually(lambda: sorted(view.query().split("&")) == sorted(query.split("&")))  # which may stand there as it came


def test_a_pinch_leaves_the_point_where_it_was(app, page_of):
    view = page_of(app, **PHONE)
    view.open("model=mnist-vae&z=0.5,0.5")
    fingers = view.page.context.new_cdp_session(view.page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    left, right = view.at(-1.5, 0), view.at(-0.5, 0)
    touch("Start", left)
    touch("Start", left, right)
    touch("Move", (left[0] - 20, left[1]), (right[0] + 20, right[1]))
    touch("End")
    view.until("link.has('extent')")
    assert view.z == [0.5, 0.5]
    view.page.wait_for_timeout(500)
    assert view.page.locator("#latent-plane .lx-picture").get_attribute("data-z") == "0.5,0.5"


@pytest.mark.parametrize(("query", "field", "key"), [
    ("view=latent-plane&model=mnist-vae&z=0.5,0.5", "#latent-plane [aria-label='z0 as a number']", "z"),
    ("view=faces", "#faces [aria-label='smiling as a number']", "attributes"),
    ("view=morph", "#morph [data-set=frames]", "frames"),
    ("view=why-a-vae&chapter=codings", "#why-a-vae [data-map=perplexity]", "perplexity"),
])  # fmt: skip
def test_a_number_that_is_refused_is_said_and_put_back(view, query, field, key):
    view.page.goto(f"{view.url}/?{query}")
    name = field.split()[0]
    view.page.locator(f"{name} .lx[data-ready=yes]").wait_for()
    before = view.page.locator(field).input_value()
    view.page.locator(field).press("Control+a")
    view.page.keyboard.type("50000")
    view.page.keyboard.press("Tab")
    expect(view.page.locator(f"{name} .lx-message")).to_contain_text("got “50000”")
    expect(view.page.locator(field)).to_have_value(before)
    view.page.wait_for_timeout(400)
    assert view.link(key) in (None, "0.5,0.5")


def file_of(picture, name="one.png"):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return {"name": name, "mimeType": "image/png", "buffer": file.getvalue()}


@pytest.mark.parametrize("ink", [0, 255])
def test_a_cut_out_is_shown_as_it_was_read(view, ink):
    view.open("model=mnist-vae")
    picture = np.zeros((100, 100, 4), "uint8")
    picture[15:85, 45:55] = (ink, ink, ink, 255)
    view.page.locator("#latent-plane .lx-input [type=file]").set_input_files(file_of(Image.fromarray(picture)))
    expect(view.page.locator("#latent-plane .lx-encoded")).to_be_visible()
    pad = view.canvas("#latent-plane .lx-pad canvas")[..., 0].astype(int)
    assert abs(pad[140, 140] - pad[140, 30]) > 200, "the thing stands out"


def test_a_file_that_is_none_leaves_the_photo(view):
    view.page.goto(f"{view.url}/?view=faces")
    view.page.locator("#faces .lx[data-ready=yes]").wait_for()
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 255, (8, 8, 3), "uint8")).resize((200, 200))
    chooser = view.page.locator("#faces .lx-input [type=file]")
    chooser.set_input_files(file_of(photo))
    expect(view.page.locator("#faces .lx-whence")).to_have_text("your photo")
    square = view.canvas("#faces .lx-crop")
    chooser.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"this is no picture"})
    expect(view.page.locator("#faces .lx-message")).to_be_visible()
    expect(view.page.locator("#faces .lx-whence")).to_have_text("your photo")
    expect(view.page.locator("#faces .lx-photo [data-do=share]")).to_be_visible()
    assert (view.canvas("#faces .lx-crop") == square).all()
