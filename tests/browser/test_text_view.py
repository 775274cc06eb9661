"""The text-to-image view in Chromium, on an untrained model."""

import io
from pathlib import Path

import numpy as np
import pytest
from driver import App, another_run
from PIL import Image
from playwright.sync_api import expect

from explorer import imaging, views
from explorer.state import parse_strictly
from explorer.views.text_to_image import pictures as prompting

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def text_app(text_root, tmp_path_factory):
    app = App(tmp_path_factory.mktemp("words") / "folder", text_root)
    yield app.wait()
    app.stop()


@pytest.fixture
def words(text_app, page_of):
    """`words(query, **settings)`: a page of the view once its first run is over."""

    def go(query="", **settings):
        view = page_of(text_app, **settings)
        view.page.goto(f"{text_app.url}/?view=text-to-image&{query}")
        view.page.locator(".lx-text[data-done]").wait_for(state="attached")
        return view

    return go


def near(found, expected):
    """The same but for rounding and a canvas's own resampling."""
    assert np.abs(found.astype(int) - expected).mean() < 3


def cells(view):
    return view.page.locator(".lx-cells canvas")


def cell_pixels(view, index):
    return view.canvas(f".lx-cells figure:nth-child({index + 1}) canvas")


def drawn_at(query, i):
    """The picture i of a walk as `render` has it: uint8 (h, w, 3)."""
    return imaging.to_bytes(prompting.run(views.complete(parse_strictly(query)))[i])


@pytest.fixture(autouse=True)
def _registry(text_registry):
    """The same models here as in the app."""


def test_whoever_types_nothing_sees_a_walk(words):
    view = words()
    assert cells(view).count() == 9
    expect(view.page.locator(".lx-text [data-set=prompt]")).to_have_value("a rose")
    expect(view.page.locator(".lx-knows")).to_contain_text("has seen nothing at all")
    view.until("link.get('what') === 'strip'")
    expect(view.page.locator(".lx-angle")).to_contain_text("apart")


def test_another_prompt_draws_and_the_link_opens_the_same(words):
    view = words("steps=2&frames=3")

    def type_it():
        view.page.fill(".lx-text [data-set=prompt]", "a smiling zebra")
        view.page.press(".lx-text [data-set=prompt]", "Enter")

    another_run(view, type_it)
    expect(view.page.locator(".lx-strange")).to_have_text("It never saw “zebra”.")
    view.until("location.search.includes('zebra')")
    again = words(view.page.url.split("view=text-to-image&")[1])
    expect(again.page.locator(".lx-text [data-set=prompt]")).to_have_value("a smiling zebra")
    near(cell_pixels(again, 2), cell_pixels(view, 2))


def test_a_picture_at_a_place_of_the_walk_is_saved_as_it_is_shown(words):
    view = words("what=strip&steps=2&frames=5&seed=4&to_prompt=glasses")
    cells(view).nth(2).click()
    expect(view.page.locator(".lx-caption-of")).to_have_text("t 0.5")
    with view.page.expect_download() as waiting:
        view.page.click(".lx-text [data-save='picture png']")
    expected = views.render(parse_strictly("view=text-to-image&steps=2&seed=4&to_prompt=glasses&t=0.5"), "png")
    near(np.asarray(Image.open(waiting.value.path())), np.asarray(Image.open(io.BytesIO(expected))).astype(int))


def test_the_frame_that_was_chosen_is_in_the_link(words):
    view = words("what=strip&steps=2&frames=5&seed=4&to_prompt=glasses")
    cells(view).nth(3).click()
    view.until("link.get('t') === '0.75'")
    assert view.page.evaluate("!!document.activeElement.closest('.lx-cells')"), "the focus is where somebody pressed"
    shown = view.canvas(".lx-text .lx-big")
    again = words(view.page.url.split("view=text-to-image&")[1])
    again.until("link.get('t') === '0.75'")
    expect(again.page.locator(".lx-caption-of")).to_have_text("t 0.75")
    near(again.canvas(".lx-text .lx-big"), shown)
    cells(view).first.click()
    view.until("!link.has('t')")


def test_what_the_mode_before_had_drawn_has_no_place_on_the_walk(words):
    view = words("what=picture&steps=4&prompt=a+man")
    view.page.evaluate("""() => {
        const find = selector => document.querySelector(`#text-to-image ${selector}`), scrubber = find('[data-scrub]');
        find('[data-what=strip]').click();
        scrubber.value = 2; // while the run has not begun
        scrubber.dispatchEvent(new Event('input'));
    }""")
    view.until("link.get('what') === 'strip'")
    view.until("document.querySelectorAll('#text-to-image .lx-cells canvas').length === 9")
    assert view.link("t") is None


def test_the_file_and_the_link_of_a_step_are_what_is_on_screen(words):
    view = words("what=picture&steps=6&prompt=a+man")
    view.page.locator(".lx-text [data-scrub]").fill("2")
    view.until("link.has('time')")
    time = float(view.link("time"))
    shown = cell_pixels(view, 2)
    with view.page.expect_download() as waiting:
        view.page.click(".lx-text [data-save='picture png']")
    inside = parse_strictly(imaging.state_of(Path(waiting.value.path()).read_bytes()))
    assert (inside["what"], inside["time"]) == ("picture", pytest.approx(time))
    again = words(view.page.url.split("view=text-to-image&")[1])
    expect(again.page.locator(".lx-caption-of")).to_have_text(view.page.locator(".lx-caption-of").inner_text())
    near(cell_pixels(again, 2), shown)
    view.page.locator(".lx-text [data-scrub]").fill("5")
    view.until("!link.has('time')")


def test_a_run_that_was_stopped_has_a_link_of_its_own_step(words):
    view, later = words("what=picture&steps=1&prompt=a+man"), []

    def first_steps_alone(route):
        """However fast this machine is, the run is under way until it is stopped."""
        asked = route.request.post_data_json
        if asked["fn_name"] != "run_news":
            return route.continue_()
        if asked["data"][1] >= 6:
            return later.append(route)
        answer = route.fetch().json()
        return route.fulfill(json=answer | {"events": answer["events"][:6], "done": False})

    view.page.route("**/component_server/", first_steps_alone)
    view.page.evaluate("document.querySelector('.lx-text .lx-more').open = true")
    view.page.fill(".lx-text [data-set=steps]", "100")
    view.page.press(".lx-text [data-set=steps]", "Tab")
    view.until("document.querySelectorAll('.lx-cells canvas').length > 2 && !$('.lx-text [data-do=stop]').disabled")
    view.page.click(".lx-text [data-do=stop]")
    view.until("link.has('time')")
    caption = view.page.locator(".lx-caption-of").inner_text()
    assert caption == f"σ {float(view.link('time')):.2f}"
    assert cells(view).count() < 100
    for route in later:
        route.continue_()


def test_one_picture_shows_every_step(words):
    view = words("what=picture&steps=6&prompt=a+man")
    assert cells(view).count() == 6
    view.page.locator(".lx-text [data-scrub]").fill("0")
    expect(view.page.locator(".lx-caption-of")).to_have_text("σ 1.00")


def test_the_modes_show_what_they_are_named_for(words):
    view = words("steps=2&frames=2")
    another_run(view, lambda: view.page.click(".lx-text [data-what=plane]"))
    assert cells(view).count() == 16
    expect(view.page.locator(".lx-text [data-set=below_to_prompt]")).to_have_value("glasses")
    another_run(view, lambda: view.page.click(".lx-text [data-what=steps]"))
    assert view.page.locator(".lx-cells figcaption").all_text_contents() == [f"{n} steps" for n in (5, 10, 15, 20, 25)]
    assert view.page.locator(".lx-text [data-set=to_prompt]").is_hidden()


def test_bad_input_is_said_and_what_was_there_stays(words):
    view = words("steps=2&frames=2&guidance_scale=99")
    expect(view.page.locator(".lx-text .lx-message span")).to_contain_text("guidance_scale must be")
    view.page.evaluate("document.querySelector('.lx-text .lx-more').open = true")
    view.page.fill(".lx-text [data-set=frames]", "1000")
    view.page.press(".lx-text [data-set=frames]", "Tab")
    expect(view.page.locator(".lx-text .lx-message span")).to_contain_text("from 2 to 600")
    expect(view.page.locator(".lx-text [data-set=frames]")).to_have_value("2")


def test_it_fits_a_phone(words):
    view = words("steps=1&frames=9", **PHONE)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390


def choose_model(view, name):
    view.page.evaluate("document.querySelector('.lx-text .lx-more').open = true")
    view.page.select_option(".lx-text [data-set=model]", name)


def test_a_preset_says_what_it_needs_then_loads_and_draws(words, text_root):
    view = words("steps=1&frames=2")
    choose_model(view, "stable_diffusion_3_medium")
    needs = view.page.locator(".lx-need-words")
    expect(needs).to_contain_text("6.0 GB in float16")
    expect(needs).to_contain_text("licence")
    view.page.fill("[data-preset=name]", "no such thing")
    view.page.press("[data-preset=name]", "Tab")
    expect(view.page.locator(".lx-text .lx-message span")).to_contain_text(
        "is no preset that can be loaded here: it must be one of stable_diffusion_3"
    )
    expect(view.page.locator(".lx-text [data-do=fetch]")).to_be_disabled()

    folder = str(text_root / "words")
    view.page.fill("[data-preset=name]", folder)
    view.page.press("[data-preset=name]", "Tab")
    expect(needs).to_contain_text("nothing is downloaded")
    view.page.select_option("[data-preset=size]", "256")
    view.page.click(".lx-text [data-do=fetch]")
    expect(view.page.locator(".lx-text .lx-message span")).to_contain_text("at most 128 pixels a side")
    view.page.select_option("[data-preset=size]", "")
    view.page.click(".lx-text [data-do=fetch]")
    view.until("link.get('model') === argument", folder)
    expect(cells(view)).to_have_count(28)
    expect(view.page.locator(".lx-need")).to_be_hidden()
    expect(view.page.locator(".lx-text code")).to_contain_text(f'load("{folder}")')
    again = words(view.page.url.split("view=text-to-image&")[1])  # it is there now
    expect(again.page.locator(".lx-need")).to_be_hidden()
    assert again.page.locator(".lx-text [data-set=model]").input_value() == folder


def test_a_link_to_a_model_that_is_not_here_fetches_nothing(words):
    view = words("model=hf%3A%2F%2Fnobody%2Fnothing&steps=1&frames=2")
    expect(view.page.locator(".lx-text .lx-message span")).to_contain_text("hf://nobody/nothing has not been loaded here")
    expect(view.page.locator("[data-preset=name]")).to_have_value("hf://nobody/nothing")
    view.page.click(".lx-text [data-do=leave]")
    expect(view.page.locator(".lx-need")).to_be_hidden()
    view.until("link.get('model') === 'words'")


def test_a_walk_leads_through_stops_that_are_added_moved_and_taken_out(words):
    view = words("what=strip&prompt=a+rose&to_prompt=a+man&steps=1&frames=3")
    panel, add = view.page.locator(".lx-text"), view.page.get_by_role("button", name="Add a stop")
    another_run(view, add.click)
    stops = panel.locator(".lx-stops textarea")
    expect(stops).to_have_count(1)

    def write(i, prompt):
        stops.nth(i).fill(prompt)
        stops.nth(i).press("Enter")

    another_run(view, lambda: write(0, "a smiling zebra\nwith a boot"))
    view.until("link.get('via_prompts') === 'a smiling zebra with a boot'")  # a stop is a line
    expect(panel.locator(".lx-strange")).to_contain_text("“zebra”")
    middle = np.asarray(Image.fromarray(cell_pixels(view, 1)[..., :3]).resize((32, 32), Image.Resampling.BOX), int)
    away = [np.abs(middle - drawn_at(view.query(), i)).mean() for i in range(3)]  # the canvas enlarged it smoothly
    assert np.argmin(away) == 1
    assert away[1] < 0.5 * min(away[0], away[2])
    another_run(view, add.click)
    another_run(view, lambda: write(1, "a bag"))
    view.until("link.get('via_prompts').endsWith('\\na bag')")
    earlier = panel.get_by_role("button", name="stop 2 earlier")
    earlier.focus()
    another_run(view, lambda: earlier.press("Enter"))
    view.until("link.get('via_prompts').startsWith('a bag\\n')")
    another_run(view, panel.get_by_role("button", name="take stop 1 out").click)
    view.until("link.get('via_prompts') === 'a smiling zebra with a boot'")
    another_run(view, lambda: write(0, ""))  # an empty stop is none
    view.until("!link.has('via_prompts')")
    expect(stops).to_have_count(0)
    another_run(view, panel.locator("[data-do=undo]").click)
    view.until("link.get('via_prompts') === 'a smiling zebra with a boot'")
    expect(stops).to_have_value("a smiling zebra with a boot")
    panel.locator("details:has-text('As Keras code') summary").click()
    expect(panel.locator(".lx-folds code")).to_contain_text(
        'Path.through(model.embed(["a rose", "a smiling zebra with a boot", "a man"]'
    )
    panel.locator("[data-what=picture]").click()
    view.until("link.get('what') === 'picture' && !link.has('via_prompts')")
