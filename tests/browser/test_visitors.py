"""What a first visitor looks for: what one does most is in sight, code can be copied, pictures dropped and pasted, no hint leads
nowhere, and random pictures are a press away."""

import base64
import io

import numpy as np
import pytest
from driver import says
from PIL import Image
from playwright.sync_api import expect
from test_composed import PHONE, VIEWS, open_view

from explorer import checkpoints

PASTE = """([data, into]) => {
    const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0)), clipboardData = new DataTransfer();
    clipboardData.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
    const target = into ? document.querySelector(into) : document.body;
    target.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData }));
}"""
# where a picture may be put, and what says that it was taken
TAKERS = {
    "view=latent-plane&model=mnist-vae": "!$('#latent-plane .lx-encoded').hidden",
    "view=faces&face=0": "!$('#faces .lx-photo').hidden",
    "view=diffusion&model=fashion-ddpm&what=forward&steps=1": "!$('#diffusion [data-do=own]').hidden",
    "view=text-to-image&what=strengths&steps=2": "!$('#text-to-image .lx-photo').hidden",
}


# so that no view opens after a time for want of a link: what is said then is said at once, however busy the machine is
NO_LONG_TIMERS = """const later = window.setTimeout;
    window.setTimeout = (act, time = 0, ...given) => time < 3000 ? later(act, time, ...given) : 0;"""


def a_picture():
    """A PNG of a bright bar on dark ground, base64."""
    ink = np.zeros((60, 60, 3), "uint8")
    ink[8:52, 26:34] = 255
    file = io.BytesIO()
    Image.fromarray(ink).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def go(view, query):
    view.page.goto(f"{view.url}/?{query}")
    view.page.locator(".lx[data-ready=yes]:visible").first.wait_for()


def test_a_minus_b_plus_c_begins_with_what_it_is_called(app, page_of):
    view = page_of(app)
    open_view(view, "morph")
    view.until("link.has('corners')")
    two = view.link("corners")
    view.page.locator("[data-count='3']").click()
    expected = ";".join(f"g{face}" for face in checkpoints.card("celeba-vae")["sums"][0])
    view.until("link.get('corners') === argument", expected)
    view.page.locator("[data-count='2']").click()
    view.until("link.get('corners') === argument", two)
    view.page.locator('#morph [aria-label="the gallery\'s next face as A"]').click()
    view.until("link.get('corners') !== argument", two)
    mine = view.link("corners")
    view.page.locator("[data-count='3']").click()
    view.until("link.get('corners').startsWith(argument)", mine)


def test_random_faces_by_seed_are_truncated_and_chosen(app, page_of):
    view = page_of(app)
    open_view(view, "faces")
    view.page.locator("#faces [data-do=gallery]").click()
    view.page.locator("[data-gallery]").select_option("*")
    buttons = view.page.locator(".lx-faces-grid button")
    expect(buttons).to_have_count(40)
    expect(buttons.nth(7)).to_have_attribute("title", "seed 7")
    whole = view.canvas(".lx-faces-grid button:nth-child(8) canvas")
    expect(view.page.locator("#faces [data-truncation]")).to_have_value("0.7")  # as the card of the faces says
    view.page.locator("#faces [data-truncation]").fill("0.5")
    view.eventually(lambda: (view.canvas(".lx-faces-grid button:nth-child(8) canvas") != whole).any())
    buttons.nth(7).click()
    view.until("link.get('seed') === '7' && link.get('truncation') === '0.5'")
    view.page.locator("#faces [data-do=others]").click()
    expect(buttons.nth(0)).to_have_attribute("title", "seed 40")
    view.page.reload()
    view.until("$('#faces .lx-whence')?.textContent === 'seed 7' && $('#faces [data-truncation]').value === '0.5'")


def test_of_many_noises_one_is_gone_on_with(app, page_of):
    view = page_of(app)
    go(view, "view=text-to-image&what=grid&n=2&steps=1&seed=5&prompt=a+rose")
    view.page.locator(".lx-text[data-done]").wait_for(state="attached")
    cells = view.page.locator(".lx-text .lx-cells canvas")
    expect(cells).to_have_count(4)
    cells.nth(2).click()
    expect(view.page.locator(".lx-caption-of")).to_have_text("seed 7")
    view.page.get_by_role("button", name="Go on with this noise").click()
    view.until("link.get('what') === 'picture' && link.get('seed') === '7'")


@pytest.mark.parametrize(
    ("query", "words"), [("view=bogus", "There is no view 'bogus' here"), ("model=nonsense", "There is no model 'nonsense' here")]
)
def test_an_address_that_is_none_is_said_at_once_and_in_few_words(app, page_of, query, words):
    view = page_of(app)
    view.page.add_init_script(NO_LONG_TIMERS)
    view.page.goto(f"{view.url}/?{query}")
    message = view.page.locator(".lx-message:visible span")
    expect(message).to_contain_text(words)
    assert len(message.inner_text()) < 140
    view.rest()
    assert "bogus" not in view.query()
    assert "nonsense" not in view.query()


def test_the_buttons_that_morph_names_are_there_on_a_phone(app, page_of):
    view = page_of(app, **PHONE)
    open_view(view, "morph")
    expect(view.page.locator(".lx-from-faces")).to_contain_text("Use in Morph as A")
    open_view(view, "faces")
    says(view.page.locator("#faces [data-do=to-morph][data-slot='0']"), "✓")


@pytest.mark.parametrize("query", TAKERS)
def test_a_picture_is_pasted_wherever_one_may_be_chosen(app, page_of, query):
    view = page_of(app)
    go(view, query)
    assert not view.page.evaluate(f"(() => {{ const $ = document.querySelector.bind(document); return {TAKERS[query]}; }})()")
    view.page.evaluate(PASTE, [a_picture(), None])
    view.until(TAKERS[query])


def test_a_picture_is_pasted_into_a_chapter(app, page_of):
    view = page_of(app)
    go(view, "view=why-a-vae&chapter=denoising")
    assert not view.calls("framed_garment")
    view.page.evaluate(PASTE, [a_picture(), None])
    view.eventually(lambda: view.calls("framed_garment"))


def test_a_picture_is_dropped_on_the_diffusion_view_too(app, page_of):
    view = page_of(app)
    go(view, "view=diffusion&model=fashion-ddpm&what=forward&steps=1")
    view.page.evaluate(
        """data => {
        const bytes = Uint8Array.from(atob(data), sign => sign.charCodeAt(0)), dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File([bytes], 'mine.jpg', { type: 'image/jpeg' }));
        document.querySelector('#diffusion .lx-source').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer }));
    }""",
        a_picture(),
    )
    view.until("!$('#diffusion [data-do=own]').hidden")


def test_where_none_may_be_chosen_none_is_taken(app, page_of):
    view = page_of(app)
    go(view, "view=text-to-image&what=picture&steps=1&prompt=a+rose")
    view.page.evaluate(PASTE, [a_picture(), None])
    view.page.evaluate("() => new Promise(done => setTimeout(done, 400))")
    assert view.link("what") == "picture"
    expect(view.page.locator("#text-to-image .lx-photo")).to_be_hidden()


@pytest.mark.parametrize("name", VIEWS)
def test_on_a_phone_tabs_take_two_rows_and_no_mode_runs_out_of_sight(app, page_of, name):
    view = page_of(app, **PHONE)
    open_view(view, name)
    rows = {round(tab.bounding_box()["y"]) for tab in view.page.get_by_role("tab").all()}
    assert len(rows) <= 2
    for radio in view.page.locator(f"#{name} [role=radio]:visible").all():
        box = radio.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390, radio.inner_text()


@pytest.mark.parametrize("name", [name for name in VIEWS if name != "models"])
def test_the_code_is_copied(app, page_of, name):
    view = page_of(app, permissions=["clipboard-read", "clipboard-write"])
    open_view(view, name)
    view.page.locator(f"#{name} summary", has_text="As Keras code").click()
    says(view.page.locator(f"#{name}").get_by_role("button", name="Copy the code"), "Copied")
    code = view.page.locator(f"#{name} .lx-folds pre code").text_content()
    assert "explorer.load" in code
    assert view.page.evaluate("navigator.clipboard.readText()").replace("\r\n", "\n") == code


@pytest.mark.parametrize("model", ["mnist-vae", "fashion-vae", "fashion-vae-10d", "fashion-dcgan"])
def test_what_one_does_most_is_in_sight_at_1280_by_720(app, page_of, model):
    view = page_of(app, viewport={"width": 1280, "height": 720})
    view.open(f"model={model}")
    parts = ["[data-do=set-a]", "[data-do=set-b]", "[data-set=veil]", "#latent-plane .lx-picture", "[data-do=home]"]
    parts += [".lx-chip >> nth=-1"] if checkpoints.card(model)["examples"] else ["[data-truncation] >> nth=0"]
    parts += [".lx-series input >> nth=0"] if model == "mnist-vae" else []
    for part in parts:
        shown = view.page.locator(part).first
        expect(shown).to_be_visible()
        box = shown.bounding_box()
        assert box["y"] >= 0, part
        assert box["y"] + box["height"] <= 720, part
    assert view.plane.bounding_box()["width"] >= 480
