"""The network as a picture: it follows the point and the drawing, another sample is a touch away, its state is in the link."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from explorer.views import inside

FOLD = ".lx-inside"


def shown(view):
    """Wait until the network of the point in the link is on screen; returns model and sample."""
    view.until(f"$('{FOLD}').dataset.shown?.startsWith(link.get('model'))")
    return view.page.locator(FOLD).get_attribute("data-shown")


def test_it_opens_follows_the_point_and_is_in_the_link(view):
    view.open("model=mnist-vae&z=0.5,-1")
    assert view.calls("look_inside") == [], "closed, nothing is asked"
    view.page.locator(f"{FOLD} summary").click()
    before = shown(view)
    view.until("link.get('inside') === '1'")
    told = inside.of_autoencoder("mnist-vae", [0.5, -1.0])
    captions = view.page.locator(f"{FOLD} .lx-stage-of b").all_inner_texts()
    assert [words.replace("\u00a0", " ") for words in captions] == [stage["words"] for stage in told["encoder"] + told["decoder"]]
    assert f"{told['loss']['reconstruction']:.1f}" in view.page.locator(".lx-loss-terms").inner_text()
    view.plane.press("Shift+ArrowRight")
    view.until("$('.lx-inside').dataset.shown !== argument", before)
    view.page.locator(f"{FOLD} summary").click()
    view.until("!link.has('inside')")


def test_a_touch_draws_another_sample_of_the_same_cloud(view):
    view.open("model=mnist-vae&z=0.5,-1&inside=1")
    before, label = shown(view), view.page.locator(".lx-cloud").get_attribute("aria-label")
    out = view.page.locator(".lx-comes-out canvas").evaluate("canvas => canvas.toDataURL()")
    view.page.locator(".lx-cloud").click()
    view.until("$('.lx-inside').dataset.shown !== argument", before)
    assert view.page.locator(".lx-cloud").get_attribute("aria-label") == label
    assert view.page.locator(".lx-comes-out canvas").evaluate("canvas => canvas.toDataURL()") != out
    view.until("link.has('noise_seed')")
    other, link = shown(view), view.query()
    view.page.locator(".lx-cloud").focus()
    view.page.keyboard.press("Enter")
    view.until("$('.lx-inside').dataset.shown !== argument", other)
    view.open(link)
    assert shown(view) == other, "the link is the sample"


def test_what_was_drawn_goes_in_until_the_point_is_moved(view):
    view.open("model=mnist-vae&inside=1")
    shown(view)
    picture, file = Image.new("L", (100, 100)), io.BytesIO()
    picture.paste(255, (45, 15, 55, 85))
    picture.save(file, "PNG")
    view.page.locator(".lx-input [type=file]").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(view.page.locator(".lx-goes-in figcaption")).to_have_text("x, as you drew it")
    sent = np.frombuffer(base64.b64decode(view.calls("look_inside")[-1]["pixels"]), "uint8")
    assert sent.size == 784
    assert sent.max() == 255
    view.plane.press("Shift+ArrowRight")
    expect(view.page.locator(".lx-goes-in figcaption")).to_have_text("x, the picture at the point")


@pytest.mark.parametrize(("model", "says"), [("fashion-ae", "no cloud"), ("fashion-gan", "no encoder")])
def test_what_a_model_has_not_is_said(view, model, says):
    view.open(f"model={model}&inside=1")
    shown(view)
    expect(view.page.locator(f"{FOLD}").get_by_text(says)).to_be_visible()
    expect(view.page.locator(f"{FOLD} [data-do=sample]")).to_be_hidden()


def test_the_levels_of_a_unet_at_the_step_that_is_shown(app, page_of):
    view = page_of(app)
    view.page.goto(f"{view.url}/?view=diffusion&model=fashion-ddpm&steps=4&inside=1")
    levels = view.page.locator(".lx-levels")
    expect(levels).to_have_attribute("data-shown", "fashion-ddpm 3")
    assert levels.locator(".lx-stage-of b").all_inner_texts()[2:] == [
        "down: 5 convolutions", "up: 4 convolutions", "bottom: 4 convolutions and attention"]  # fmt: skip
    picture = levels.locator(".lx-stages canvas").first
    last = picture.evaluate("canvas => canvas.toDataURL()")
    view.page.locator("[data-scrub]").fill("1")
    expect(levels).to_have_attribute("data-shown", "fashion-ddpm 1")
    assert picture.evaluate("canvas => canvas.toDataURL()") != last
    view.page.get_by_role("radio", name="Many samples").click()
    expect(levels).to_be_hidden()
