"""For a room: lecture mode, a QR code, a sequence, a handout, the walk in the hall; the picture that stays in sight on a phone."""

import base64
import io
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

HERE = Path(__file__).parent
SIZES = [(1280, 720), (1920, 1080)]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# of every view, with what it shows most of
STATES = [
    "view=latent-plane&model=mnist-vae&z=0.5,-1&from=-1,-1&to=1,1",
    "view=latent-plane&model=fashion-vae&beside=fashion-ae",
    "view=latent-plane&model=mnist-vae&z=0.5,-1&inside=1",
    "view=latent-plane&model=mnist-vae&quiz=7",
    "view=faces&attributes=Smiling:1.5",
    "view=morph",
    "view=morph&corners=g1;g2;g3;g4",
    "view=diffusion&model=fashion-ddpm&steps=4",
    "view=diffusion&model=flowers-diffusion&steps=4&inside=1",
    "view=text-to-image&steps=2&frames=3",
    "view=why-a-vae&chapter=denoising",
    "view=why-a-vae&chapter=gans",
    "view=why-a-vae&chapter=holes",
    "view=models",
    "view=models&model=mnist-vae",
]
PLANES = """() => [...document.querySelectorAll("#views .lx-plane")].filter(plane => plane.checkVisibility() && plane.clientWidth)
    .map(plane => plane.clientWidth * plane.clientHeight / innerWidth / innerHeight)"""  # of each how much of the screen is its
SEQUENCE = [
    "view=latent-plane&model=mnist-vae&z=0.5,-1",
    "view=faces&attributes=Smiling:1.5",
    "view=morph&corners=g3;g7&t=0.25",
    "view=latent-plane&model=fashion-vae&z=1,1",
    "view=why-a-vae&chapter=denoising&seed=3",
    "view=faces&seed=7",
    "view=diffusion&model=fashion-ddpm&steps=3&seed=4&label=2",
    "view=latent-plane&model=mnist-vae&z=-1,0.25&from=-1,-1&to=1,1",
]


@pytest.fixture
def shown(app, page_of):
    """`shown(query, **settings)`: a page with a state in it, once that is drawn."""

    def show(query, **settings):
        view = page_of(app, **settings)
        view.page.add_init_script((HERE / "room.js").read_text("utf-8"))
        view.page.goto(f"{view.url}/?{query}")
        settle(view)
        return view

    return show


def settle(view):
    """Wait until the view that the address names is drawn and changes no more; returns its pixels."""
    view.until("""link.get('view') === 'models' ? $('#models-card h2') : [...document.querySelectorAll('#views .lx')].some(lx =>
        lx.offsetParent && lx.querySelector('canvas') && lx.dataset.ready === 'yes' &&
        [...lx.querySelectorAll(':is(.lx-inside, .lx-levels)[open]')].every(fold => fold.hidden || fold.dataset.shown) &&
        (!link.has('quiz') || lx.querySelector('.lx-quiz:not([hidden])')))""")  # fmt: skip
    before, same, looks = None, 0, 0
    while same < 3:
        assert (looks := looks + 1) < 500, "it is never at rest"
        view.page.wait_for_timeout(300)
        now = view.page.evaluate(
            "room.pixels() + [...document.querySelectorAll('[data-do=stop]')].some(stop => stop.offsetParent && !stop.disabled)"
        )
        same = same + 1 if now == before and view.is_answered and not now.endswith("true") else 0
        before = now
    return before


def alike(some, others):
    """Whether two lots of canvases hold the same: to two grey levels of 255, as this browser and the server may have decoded them."""
    some, others = (
        [np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"), int) for url in json.loads(lot)]
        for lot in (some, others)
    )
    return [one.shape for one in some] == [one.shape for one in others] and all(
        np.abs(one - other).max() <= 2 for one, other in zip(some, others, strict=True)
    )


def decoded(picture):
    """What a QR code in a screenshot says."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
    return cv2.QRCodeDetector().detectAndDecode(pixels)[0]


# ---- lecture mode


@pytest.mark.parametrize("query", STATES)
def test_the_last_row_can_read_it_and_nothing_is_cut_off(shown, axe, query):
    view = shown(f"{query}&lecture", viewport={"width": 1280, "height": 720}, color_scheme="dark")
    for width, height in SIZES:
        view.page.set_viewport_size({"width": width, "height": height})
        settle(view)
        found = view.page.evaluate((HERE / "cut_off.js").read_text("utf-8"))
        assert found == {"small": [], "cut": []}
        assert min(view.page.evaluate("room.type"), default=20) >= 20, "what is written on canvases"
    planes = view.page.evaluate(PLANES)
    assert len(planes) < 2 or sum(planes) > 0.4, "two side by side have the room"
    for scheme, found in view.faults(axe):
        assert found == [], f"{scheme}: {json.dumps(found, indent=1)}"


def test_leaving_a_lecture_changes_nothing(shown):
    view = shown("view=latent-plane&model=mnist-vae&z=0.5,-1&from=-1,-1&to=1,1")
    before = view.query(), settle(view), view.page.evaluate("[innerWidth, scrollY]")
    view.page.keyboard.press("l")
    expect(view.page.locator("html")).to_have_class(re.compile("lx-lecture"))
    assert sorted(view.query().split("&")) == sorted([*before[0].split("&"), "lecture"])
    expect(view.page.locator(".lx-head")).to_be_hidden()
    assert settle(view) != before[1], "larger"
    view.page.get_by_role("button", name="Leave").click()
    assert (view.query(), settle(view), view.page.evaluate("[innerWidth, scrollY]")) == before
    view.page.get_by_role("textbox", name="frames").press("l")  # a letter in a field is none of ours
    expect(view.page.locator("html")).not_to_have_class(re.compile("lx-lecture"))


def test_arrows_go_on_with_what_was_touched_last_which_stands_in_a_ring(shown):
    view = shown("view=faces&lecture")
    slider = view.page.get_by_role("slider", name="smiling").first
    slider.fill("1")
    expect(view.page.locator(".lx-spot")).to_have_count(1)
    assert view.page.locator(".lx-spot input[type=range]").input_value() == "1"
    view.page.evaluate("document.activeElement.blur()")
    view.page.keyboard.press("ArrowRight")
    assert float(slider.input_value()) > 1
    view.until("link.get('attributes')?.startsWith('Smiling:1.')")

    view = shown("view=why-a-vae&chapter=linear&lecture")
    view.page.keyboard.press("ArrowRight")
    view.until("link.get('chapter') === 'deeper'")


# ---- the QR code


def test_a_phone_that_reads_the_code_sees_the_same_pixels(shown):
    view = shown("view=latent-plane&model=mnist-vae&z=0.5,-1&lecture")
    view.page.keyboard.press("q")
    code, same = view.page.locator(".lx-code"), settle(view)
    expect(code.locator("svg")).to_be_visible()
    link = decoded(code.screenshot())
    assert link == f"{view.url}/?{view.query().removesuffix('&lecture')}"
    view.page.evaluate("document.activeElement.blur()")
    view.plane.press("Shift+ArrowRight")
    view.until("$('.lx-code').dataset.address !== argument", link)
    settle(view)
    assert "z=0.8" in decoded(code.screenshot()), "it follows the state"
    view.page.keyboard.press("q")
    expect(code).to_be_hidden()
    other = shown(link.partition("?")[2] + "&lecture")
    assert settle(other) == same


def test_a_link_too_long_for_a_code_says_so(shown):
    view = shown("view=latent-plane&model=mnist-vae")
    answer = view.page.evaluate(
        "async () => (await import(new URL('lx/serving/qr.js', document.baseURI))).codeOf('x'.repeat(1201))"
    )
    assert "too many for a QR code" in answer["error"]


# ---- a sequence


def test_a_sequence_is_stepped_through_twice_with_the_same_pixels(shown, tmp_path):
    view = shown("view=latent-plane&model=mnist-vae")
    file = tmp_path / "lecture.txt"
    lines = [f"{'https://there.example/?' if i % 2 else ''}{query} The teacher's line {i}" for i, query in enumerate(SEQUENCE)]
    file.write_text("# what is shown today\n\n" + "\n".join(lines), "utf-8")
    view.page.keyboard.press("s")
    view.page.locator(".lx-editor [type=file]").set_input_files(file)
    expect(view.page.locator(".lx-editor li")).to_have_count(8)
    view.page.get_by_role("button", name="Done").click()
    seen, pictures = [], lambda: view.page.evaluate("room.shown() === '[]' ? room.pixels() : room.shown()")
    for again in (False, True):
        for i, query in enumerate(SEQUENCE):
            if i:
                view.page.keyboard.press("PageDown")
            name = re.match(r"view=([\w-]+)", query)[1]
            view.until("link.get('view') === argument && $(`#${argument} .lx`).offsetParent", name)
            expect(view.page.locator(".lx-sequence p")).to_have_text(f"The teacher's line {i}")
            settle(view)
            if again:
                view.eventually(lambda i=i: alike(pictures(), seen[i]))
            else:
                seen.append(pictures())
        for _ in SEQUENCE[1:]:
            view.page.keyboard.press("PageUp")
        expect(view.page.locator(".lx-step-number")).to_have_text("1 of 8")
    assert len(set(seen)) == 8


def test_what_is_on_screen_becomes_a_step_and_the_sequence_is_a_file_and_a_link(shown):
    view = shown("view=latent-plane&model=mnist-vae&z=0.5,-1")
    view.page.keyboard.press("t")
    line = view.page.get_by_role("textbox", name="Your line at step 1")
    line.fill("Between a 4 & a 9, l'été")
    line.press("Enter")
    view.page.get_by_role("button", name="Done").click()
    view.page.goto(f"{view.url}/?view=latent-plane&model=mnist-vae&z=1,1")  # kept while the tab is
    settle(view)
    view.page.keyboard.press("t")
    expect(view.page.locator(".lx-editor li")).to_have_count(2)
    view.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(); }")
    view.page.get_by_role("button", name="Copy its link").click()
    words = view.page.locator(".lx-sequence-words")
    expect(words).to_contain_text("sequence=")
    link = words.inner_text()
    with view.page.expect_download() as waiting:
        view.page.get_by_role("button", name="Save as a file").click()
    text = Path(waiting.value.path()).read_text("utf-8").splitlines()
    assert text[0].startswith(f"{view.url}/?")
    assert text[0].endswith("z=0.5,-1 Between a 4 & a 9, l'été")
    other = shown(link.partition("?")[2], locale="en-GB")
    expect(other.page.locator(".lx-step-number")).to_have_text("1 of 2")
    expect(other.page.locator(".lx-sequence p")).to_have_text("Between a 4 & a 9, l'été")
    assert other.z == [0.5, -1]
    assert "sequence" not in other.query()
    other.page.keyboard.press("PageDown")
    other.until_z([1, 1])


def test_the_list_of_steps_lies_on_nothing_that_is_shown_to_a_room(shown):
    view = shown("view=latent-plane&model=mnist-vae&z=0.5,-1")
    editor = view.page.locator(".lx-editor")
    view.page.keyboard.press("t")
    expect(editor).to_be_visible()
    view.page.keyboard.press("l")
    expect(editor).to_be_hidden()
    settle(view)
    found = view.page.evaluate((HERE / "cut_off.js").read_text("utf-8"))
    assert found == {"small": [], "cut": []}
    for key in ("q", "PageUp"):
        view.page.keyboard.press("s")
        expect(editor).to_be_visible()
        view.page.keyboard.press(key)
        expect(editor).to_be_hidden()
    view.page.keyboard.press("q")
    view.page.keyboard.press("l")
    view.page.keyboard.press("s")
    view.page.keyboard.press("PageUp")
    expect(editor).to_be_visible()  # outside of lecture mode one writes the lines while one steps


# ---- a handout


@pytest.mark.parametrize("query", ["view=latent-plane&model=mnist-vae&z=0.5,-1", "view=faces&seed=7", "view=diffusion&model=fashion-ddpm&steps=3",
                                   "view=why-a-vae&chapter=denoising"])  # fmt: skip
def test_a_handout_is_one_page_with_pictures_formula_link_and_code(shown, query):
    view = shown(query, color_scheme="dark")
    view.page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    view.page.keyboard.press("h")
    view.until("window.printed")  # with the QR code, which the server draws
    pdf = view.page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", pdf).groups())
    assert (width, height) == pytest.approx((595.3, 841.9), abs=1), "A4"
    view.page.emulate_media(media="print")
    view.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    head = view.page.locator(".lx-handout")
    assert decoded(head.screenshot()) == head.locator("p").inner_text() == f"{view.url}/?{view.query()}"
    name = re.match(r"view=([\w-]+)", query)[1]
    assert view.page.locator(f"#{name} canvas:visible").count() >= (1 if name == "faces" else 2)
    expect(view.page.locator(f"#{name} .lx-formula:visible").first).to_be_visible()
    assert view.page.locator("button:visible").count() == 0
    view.page.evaluate("dispatchEvent(new Event('afterprint'))")
    view.page.emulate_media(media="screen")
    expect(head).to_have_count(0)
    expect(view.page.locator(f"#{name} .lx-formula:visible")).to_have_count(0)


# ---- the walk in the hall


@pytest.mark.parametrize("query", ["view=latent-plane&model=mnist-vae&z=0.5,-1&kiosk", "view=faces&seed=7"])
def test_a_walk_goes_on_by_itself_until_it_is_touched(shown, query):
    view = shown(query)
    if "kiosk" not in query:
        view.page.keyboard.press("w")
    walk = view.page.locator(".lx-kiosk")
    expect(walk).to_be_visible()
    places, pictures = [], []
    for _ in range(3):
        view.until("$('.lx-kiosk').dataset.z && $('.lx-kiosk').dataset.z !== argument", places[-1] if places else "")
        places.append(walk.get_attribute("data-z"))
        pictures.append(walk.locator("canvas").evaluate("canvas => canvas.toDataURL()"))
        view.page.wait_for_timeout(1000)
    assert len(set(pictures)) == 3
    view.page.mouse.click(300, 300)
    expect(walk).to_have_count(0)
    assert view.link("z") in ("0.5,-1", None), "the touch was for the walk alone"


# ---- a phone


IN_SIGHT = """control => {
    const root = control.closest(".lx"), box = control.getBoundingClientRect();
    control.dispatchEvent(new Event("input", { bubbles: true }));
    const within = ({ left, right, top, bottom }) => left >= -1 && right <= innerWidth + 1 && top >= -1 && bottom <= innerHeight + 1;
    const seen = picture => {
        const its = picture.getBoundingClientRect(), down = Math.min(its.bottom, innerHeight) - Math.max(its.top, 0);
        return its.height && down / its.height >= 0.6;
    };
    const copy = document.querySelector(".lx-in-sight"), copied = copy?.getBoundingClientRect();
    if (copied) return within(copied) && copied.height > 60 && (copied.bottom <= box.top || copied.top >= box.bottom);
    return [...root.querySelectorAll("[data-shows]")].some(mark =>
        (mark.matches("canvas") ? [mark] : [...mark.querySelectorAll("canvas")]).some(canvas => canvas.offsetParent && seen(canvas)));
}"""


NOTHING_TO_SET = re.compile("view=models|quiz|chapter=holes")  # no slider, number or menu changes a picture there


@pytest.mark.parametrize("query", [query for query in STATES if not NOTHING_TO_SET.search(query)])
def test_what_is_changed_is_in_sight_while_its_control_moves(shown, query):
    view = shown(query, **PHONE)
    view.page.evaluate("for (const fold of document.querySelectorAll('.lx-more')) fold.open = true")
    controls = view.page.locator(
        "#views .lx input[type=range]:visible, #views .lx input.lx-number:visible, #views .lx select:visible"
    )
    assert controls.count()
    for i in range(controls.count()):
        control = controls.nth(i)
        control.scroll_into_view_if_needed()
        assert control.evaluate(IN_SIGHT), control.evaluate("control => control.outerHTML")
