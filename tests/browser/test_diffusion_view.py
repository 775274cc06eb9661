"""The diffusion view in Chromium, on models whose every picture is known in closed form."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from driver import App
from PIL import Image
from playwright.sync_api import expect

from explorer import imaging
from explorer.state import parse_strictly
from explorer.views.diffusion import pictures as view_pictures

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
START, END = np.arccos(0.95), np.arccos(0.02)


@pytest.fixture(scope="module")
def noise_app(diffusion_root, tmp_path_factory):
    app = App(tmp_path_factory.mktemp("noise") / "folder", diffusion_root)
    yield app.wait()
    app.stop()


@pytest.fixture
def diffusion(noise_app, page_of):
    """`diffusion(query, **settings)`: a page of the view once its first run is over."""

    def go(query="", over=True, **settings):
        view = page_of(noise_app, **settings)
        view.page.goto(f"{noise_app.url}/?view=diffusion&{query}")
        if over:
            view.page.locator(".lx-diffusion[data-done]").wait_for(state="attached")
        return view

    return go


def runs(view):
    """How many runs have ended so far."""
    return int(view.page.locator(".lx-diffusion").get_attribute("data-done") or 0)


def another_run(view, act):
    """Do something and wait until the run that it begins is over."""
    before = runs(view)
    act()
    view.until("+$('.lx-diffusion').dataset.done > argument && !$('.lx-progress').textContent.includes('starting')", before)
    view.until("$('.lx-diffusion [data-do=stop]').disabled")


def noise(seed):
    return np.random.default_rng(seed).standard_normal((1, 16, 16, 1), dtype="float32")[0, ..., 0]


def picture(seed, steps, until=None):
    """The predicted picture of deterministic sampling at a step, in closed form: 0..255 (16, 16)."""
    until = steps - 1 if until is None else until
    width = END - START
    shrink = np.cos(width / steps) ** until * np.cos(START + width * (1 - until / steps))
    return 255 * np.clip(0.5 + 0.1 * shrink * noise(seed), 0, 1)


def shows(view, index, expected):
    """Wait until the canvas of that index is the picture."""
    found = f".lx-lanes figure:nth-child({index}) canvas"
    view.eventually(lambda: np.abs(view.shown(16, found).astype("float64") - expected).max() <= 1)


def test_a_run_fills_both_rows_and_can_be_scrubbed(diffusion):
    view = diffusion("seed=3&steps=10")
    shows(view, 2, picture(3, 10))
    for film in view.page.locator(".lx-film").all():
        expect(film.locator("canvas")).to_have_count(10)
    expect(view.page.locator(".lx-lane-words")).to_have_text("10 of 10")
    expect(view.page.locator(".lx-at")).to_have_text("t = 0.10")

    scrubber = view.page.locator("[data-scrub]")
    scrubber.fill("4")
    shows(view, 2, picture(3, 10, until=4))
    shows(view, 1, 255 * np.clip(0.5 + 0.1 * np.cos((END - START) / 10) ** 4 * noise(3), 0, 1))
    expect(view.page.locator(".lx-at")).to_have_text("t = 0.60")
    angle = START + 0.6 * (END - START)
    expect(view.page.locator("[data-rate=noise]")).to_have_text(f"{np.sin(angle):.3f}")
    expect(view.page.locator("[data-rate=signal]")).to_have_text(f"{np.cos(angle):.3f}")
    view.until("link.get('time') === '0.6'")
    assert runs(view) == 1  # nothing was computed again

    scrubber.focus()
    view.page.keyboard.press("ArrowRight")
    expect(view.page.locator(".lx-lane-words")).to_have_text("6 of 10")
    view.page.locator(".lx-film").nth(1).locator("canvas").nth(1).click()
    expect(view.page.locator(".lx-lane-words")).to_have_text("2 of 10")
    view.page.locator(".lx-film").nth(1).locator("canvas").nth(9).click()
    view.until("!link.has('time')")


def test_less_of_the_noise_is_taken_away(diffusion):
    view = diffusion("seed=3&steps=1")
    shows(view, 2, 255 * np.clip(0.5 + 0.1 * 0.02 * noise(3), 0, 1))
    scale = view.page.locator("#diffusion [data-set=epsilon_scale]")
    another_run(view, lambda: scale.fill("0.99"))
    view.until("link.get('epsilon_scale') === '0.99'")
    expect(scale.locator("xpath=following-sibling::output")).to_have_text("0.990")
    # noise rate^2 is 1 - 0.02^2, and what is not taken away is divided by the signal rate
    shows(view, 2, 255 * np.clip(0.5 + 0.1 * (1 - 0.99 * (1 - 0.02**2)) / 0.02 * noise(3), 0, 1))
    assert "epsilon_scale=0.99)" in view.page.locator("#diffusion .lx-folds code").text_content()
    another_run(view, lambda: scale.fill("1"))
    view.until("!link.has('epsilon_scale')")


def kind(seed, mean, steps=10):
    """What `kinds` makes of a seed's noise, guided to a mean: 0..255 (16, 16)."""
    width = END - START
    gain = np.cos(width / steps) ** (steps - 1) * np.cos(START + width / steps)
    return 255 * np.clip(0.5 + 0.1 * (mean + gain * (noise(seed) - 0.02 * mean)), 0, 1)


def test_a_garment_is_asked_for_and_guided(diffusion):
    view = diffusion("model=kinds&seed=3&steps=10")
    (drawn,) = np.random.default_rng([3, 2]).choice(3, size=1, p=[1 / 3] * 3)
    shows(view, 2, kind(3, 2 * [-1.0, 0.5, 2.0][drawn]))
    expect(view.page.locator(".lx-lane h3")).to_contain_text(f"kind {drawn}")
    garment, guidance = (view.page.locator(f"#diffusion [data-set={key}]") for key in ("label", "guidance_scale"))
    assert garment.locator("option").all_inner_texts() == ["any", "kind 0", "kind 1", "kind 2"]
    another_run(view, lambda: garment.select_option("kind 2"))
    view.until("link.get('label') === '2'")
    shows(view, 2, kind(3, 4.0))
    another_run(view, lambda: guidance.fill("0.5"))
    view.until("link.get('guidance_scale') === '0.5'")
    shows(view, 2, kind(3, 1.0))
    code = view.page.locator("#diffusion .lx-folds code")
    assert "label=2, guidance_scale=0.5" in code.text_content()
    another_run(view, lambda: view.page.locator("#diffusion [data-do=undo]").click())
    view.until("!link.has('guidance_scale') && link.get('label') === '2'")
    another_run(view, lambda: garment.select_option("any"))
    view.until("!link.has('label')")
    assert "guidance_scale=2, seed=3" in code.text_content()
    another_run(view, lambda: view.page.locator("[data-set=model]").select_option("blots"))
    expect(garment).to_be_hidden()
    expect(guidance).to_be_hidden()


@pytest.mark.parametrize(
    "what",
    [
        "",
        "what=strip&to=5&frames=3",
        "what=strip&to=5&via=9;2&closed=1&frames=4",
        "what=grid&n=4",
        "what=forward&time=0.5",
        "label=1&guidance_scale=1",
    ],
)
def test_the_code_beside_a_garment_makes_what_is_seen(diffusion, diffusion_registry, what):
    query = f"view=diffusion&model=kinds&seed=6&steps=5&{what}"
    view = diffusion(query.removeprefix("view=diffusion&"))
    names = {}
    exec(view.page.locator("#diffusion .lx-folds code").text_content(), names)
    made = names["pictures" if "strip" in what or "grid" in what else "picture"]
    full = view_pictures.complete(parse_strictly(query))
    np.testing.assert_allclose(np.concatenate(view_pictures.run(full)).reshape(made.shape), made, atol=1e-6)


def test_a_link_with_a_time_opens_there(diffusion):
    view = diffusion("seed=3&steps=10&time=0.6")
    shows(view, 2, picture(3, 10, until=4))
    expect(view.page.locator(".lx-lane-words")).to_have_text("5 of 10")


def test_settings_begin_anew_and_stand_in_the_link_and_undo_goes_back(diffusion):
    view = diffusion("seed=3&steps=10")
    another_run(view, lambda: view.page.locator("[data-set=steps]").fill("4") or view.page.locator("[data-set=steps]").blur())
    view.until("link.get('steps') === '4'")
    shows(view, 2, picture(3, 4))
    another_run(view, lambda: view.page.locator("[data-set=seed]").fill("12") or view.page.locator("[data-set=seed]").blur())
    shows(view, 2, picture(12, 4))
    another_run(view, lambda: view.page.locator("#diffusion [data-do=undo]").click())
    shows(view, 2, picture(3, 4))
    another_run(view, lambda: view.page.locator("[data-set=sampler]").select_option("ddpm"))
    view.until("link.get('sampler') === 'ddpm'")
    expect(view.page.locator(".lx-eta")).to_be_hidden()


@pytest.mark.parametrize("value", ["0", "-3", "1000000", "2.5", ""])
def test_steps_that_cannot_be_are_said_and_nothing_is_lost(diffusion, value):
    view = diffusion("seed=3&steps=10")
    view.page.locator("[data-set=steps]").fill(value)
    view.page.locator("[data-set=steps]").blur()
    view.until("$('.lx-diffusion .lx-message span').textContent.startsWith('steps must be a whole number from 1 to 100')")
    expect(view.page.locator("[data-set=steps]")).to_have_value("10")
    assert runs(view) == 1


@pytest.mark.parametrize("steps", ["0", "-3", "1000000", "abc"])
def test_a_link_with_bad_steps_is_said_and_the_usual_number_taken(diffusion, steps):
    view = diffusion(f"seed=3&steps={steps}")
    view.until("$('.lx-diffusion .lx-message span').textContent.includes('steps must be a whole number from 1 to 4000')")
    shows(view, 2, picture(3, 20))


def test_the_same_noise_in_few_steps_and_many(diffusion):
    view = diffusion("what=steps&seed=5")
    expect(view.page.locator(".lx-lane h3")).to_contain_text(["5 steps", "10 steps", "15 steps", "20 steps", "25 steps"])
    for lane, steps in enumerate((5, 10, 15, 20, 25), 1):
        found, expected = f".lx-lane:nth-child({lane}) canvas", picture(5, steps)
        view.eventually(lambda f=found, e=expected: np.abs(view.shown(16, f).astype("float64") - e).max() <= 1)


def test_many_samples_and_between_two_noises(diffusion):
    view = diffusion("what=grid&seed=2&n=7&steps=3")
    expect(view.page.locator(".lx-big")).to_have_count(7)
    another_run(view, lambda: view.page.locator("[data-what=strip]").click())
    view.until("link.get('what') === 'strip' && link.get('to') === '3'")
    expect(view.page.locator(".lx-big")).to_have_count(9)
    shows(view, 1, picture(2, 3))
    shows(view, 9, picture(3, 3))


def test_a_walk_of_noises_leads_through_others_and_back(diffusion):
    view = diffusion("what=strip&seed=2&to=3&via=7&frames=3&steps=3")
    shows(view, 2, picture(7, 3))
    view.until("link.get('via') === '7'")
    field = view.page.locator("#diffusion [data-via]")
    expect(field).to_have_value("7")

    def write(text):
        field.fill(text)
        field.press("Enter")

    another_run(view, lambda: write("7, 5 6"))
    view.until("link.get('via') === '7;5;6'")
    shows(view, 2, picture(5, 3))
    another_run(view, lambda: view.page.locator("#diffusion [data-set=closed]").check())
    view.until("link.get('closed') === '1'")
    write("7 x")
    expect(view.page.locator("#diffusion .lx-message")).to_contain_text("seeds with spaces between, got “7 x”")
    expect(field).to_have_value("7 5 6")
    another_run(view, lambda: write(""))
    view.until("!link.has('via')")
    another_run(view, lambda: view.page.locator("#diffusion [data-do=undo]").click())
    view.until("link.get('via') === '7;5;6'")


def test_two_samplers_side_by_side(diffusion):
    view = diffusion("seed=3&steps=6")
    another_run(view, lambda: view.page.locator("[data-what=samplers]").click())
    expect(view.page.locator(".lx-lane h3")).to_contain_text(["DDIM, η 0", "DDPM"])
    view.until("link.get('to_sampler') === 'ddpm' && link.get('what') === 'trajectory'")


def test_a_picture_of_ones_own_is_noised_and_never_in_the_link(diffusion, tmp_path):
    file = tmp_path / "grey.png"
    file.write_bytes(imaging.png(np.full((40, 60, 3), 0.7, "float32")))
    view = diffusion("what=forward&time=0.2&steps=3")
    another_run(view, lambda: view.page.locator(".lx-source input[type=file]").set_input_files(file))
    expect(view.page.locator(".lx-private")).to_contain_text("written nowhere")
    query = view.query()
    assert "picture" not in query.replace("what=", "")
    assert len(query) < 120
    near = view.canvas(".lx-lanes figure:nth-child(2) canvas")[..., :3].astype(float)
    angle, target = START + 0.2 * (END - START), 0.7
    # exact for N(0, 1) data, the network shrinks what it is shown: x = 2 to 2 cos^2, and so on
    assert np.abs(near.mean() / 255 - 0.5) < abs(target - 0.5)
    assert near.mean() / 255 > 0.5 + 0.05 * np.cos(angle) ** 2
    another_run(view, lambda: view.page.locator("[data-do=own]").click())
    expect(view.page.locator(".lx-private")).to_contain_text("the seed’s own noise")


def test_letting_go_of_the_time_denoises_the_picture(diffusion, tmp_path):
    file = tmp_path / "grey.png"
    file.write_bytes(imaging.png(np.full((40, 60, 3), 0.7, "float32")))
    view = diffusion("what=forward&time=0.2&steps=3")
    another_run(view, lambda: view.page.locator(".lx-source input[type=file]").set_input_files(file))
    for time in ("0.4", "0.6"):
        view.page.locator(".lx-diffusion [data-set=time]").evaluate(
            """(slider, time) => {
                for (let i = 1; i <= 5; i++) { slider.value = +time - 0.05 + i / 100; slider.dispatchEvent(new Event("input", { bubbles: true })); }
                slider.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            time,
        )
        view.until("$('.lx-diffusion .lx-progress').textContent.includes('3 steps in') && link.get('time') === argument", time)
        view.page.wait_for_timeout(500)  # nothing that was still on its way may undo it
        assert "3 steps in" in view.page.locator(".lx-diffusion .lx-progress").text_content()
        assert view.page.locator(".lx-lanes canvas").count() > 1


def test_another_model_draws_what_is_asked_for(diffusion):
    view = diffusion("what=strip&seed=999999&to=1000000&steps=3")
    expect(view.page.locator(".lx-diffusion .lx-message")).to_be_hidden()
    select = view.page.locator(".lx-diffusion [data-set=model]")
    names = select.evaluate("select => [...select.options].map(option => option.value)")
    other = next(name for name in names if name != select.input_value())
    another_run(view, lambda: select.select_option(other))
    view.until("link.get('model') === argument && link.get('what') === 'strip' && link.get('to') === '1000000'", other)
    expect(select).to_have_value(other)
    expect(view.page.locator(".lx-big")).to_have_count(9)


def test_what_is_no_picture_is_said(diffusion, tmp_path):
    file = tmp_path / "words.png"
    file.write_text("no picture")
    view = diffusion("what=forward&steps=3")
    view.page.locator(".lx-source input[type=file]").set_input_files(file)
    view.until("$('.lx-diffusion .lx-message span').textContent.includes('not a picture')")


def test_a_long_run_is_started_by_hand_and_stopped_at_any_moment(diffusion):
    view = diffusion("model=specks&steps=200&sampler=ddpm")
    view.page.locator("[data-set=steps]").fill("4000")
    view.page.locator("[data-set=steps]").blur()
    expect(view.page.locator(".lx-progress")).to_contain_text("press Run")
    view.page.locator("#diffusion [data-do=run]").click()
    view.until("/^step \\d+ of 4000/.test($('.lx-progress').textContent)")
    view.page.locator("#diffusion [data-do=stop]").click()
    expect(view.page.locator(".lx-progress")).to_have_text("stopped")
    kept = view.page.locator(".lx-film").first.locator("canvas").count()
    view.page.wait_for_timeout(600)
    assert view.page.locator(".lx-film").first.locator("canvas").count() == kept < 100
    shows_something = view.canvas(".lx-lanes figure:nth-child(2) canvas")[..., :3]
    assert shows_something.std() > 0  # what there was stays on screen


def test_two_visitors_at_once_see_the_same_pixels(diffusion):
    first, second = diffusion("seed=8&steps=60", over=False), diffusion("seed=8&steps=60", over=False)
    for view in (first, second):
        view.page.locator(".lx-diffusion[data-done]").wait_for(state="attached")
    canvas = ".lx-lanes figure:nth-child(2) canvas"
    np.testing.assert_array_equal(first.canvas(canvas), second.canvas(canvas))
    shows(second, 2, picture(8, 60))


def test_who_waits_is_told_the_place_in_the_queue(diffusion):
    view, told = diffusion("seed=8&steps=5"), [(2, 75), (1, 20)]

    def in_a_queue(route):
        asked = route.request.post_data_json
        if asked["fn_name"] == "run_news" and told:
            place, wait = told[0]
            return route.fulfill(json={"events": [], "done": False, "beside": 3, "place": place, "wait": wait})
        return route.continue_()

    view.page.route("**/component_server/", in_a_queue)
    view.page.locator(".lx-diffusion [data-do=dice]").click()
    for words in ("place 2 in the queue, about 1 min 15 s", "place 1 in the queue, about 20 s"):
        expect(view.page.locator("#diffusion .lx-progress")).to_have_text(words)
        told.pop(0)
    expect(view.page.locator("#diffusion .lx-progress")).to_have_text(re.compile("^5 steps in"))


def saved(view, what):
    with view.page.expect_download() as waiting:
        view.page.locator(f"#diffusion [data-save='{what}']:visible").click()
    return Path(waiting.value.path()).read_bytes()


def test_files_carry_the_state(diffusion):
    view = diffusion("seed=3&steps=5")
    data = saved(view, "picture png")
    assert parse_strictly(imaging.state_of(data)) == parse_strictly("view=diffusion&what=picture&model=blots&seed=3&steps=5")
    pixels = np.asarray(Image.open(io.BytesIO(data)).resize((16, 16), Image.Resampling.BOX), "float64")
    assert np.abs(pixels - picture(3, 5)).max() <= 1
    film = Image.open(io.BytesIO(saved(view, "rows gif")))
    assert film.n_frames >= 5


@pytest.mark.parametrize(("query", "what"), [("steps=3", "rows"), ("what=strip&to=4&frames=2&steps=1", "own")])
def test_each_film_goes_as_is_set_beside_its_buttons(diffusion, query, what):
    view = diffusion(query)
    fold = view.page.locator("#diffusion .lx-film-settings:visible")
    fold.locator("summary").click()
    for key, value in (("fps", "24"), ("pause", "1"), ("size", "32")):
        fold.locator(f"[data-film={key}]").fill(value)
    told = parse_strictly(imaging.state_of(saved(view, f"{what} gif")))
    assert (told["fps"], told["pause"], told["size"]) == (24, 1, 32)


def test_the_code_makes_the_picture(diffusion, diffusion_registry):
    view = diffusion("seed=3&steps=5")
    view.page.locator("#diffusion summary", has_text="As Keras code").click()
    code = view.page.locator("#diffusion .lx-folds code").inner_text()
    names = {}
    exec(code, names)
    np.testing.assert_allclose(255 * names["picture"][..., 0], picture(3, 5), atol=0.01)


@pytest.mark.parametrize("query", ["steps=5", "what=steps", "what=grid&steps=2", "what=strip&to=4&steps=2", "what=forward&steps=2"])
def test_on_a_phone_nothing_is_wider_than_the_screen(diffusion, query):
    view = diffusion(query, **PHONE)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = [view.page.locator(f"#diffusion .lx-{name}").first.bounding_box()["y"] for name in ("middle", "output", "input")]
    assert boxes == sorted(boxes)  # the pictures first
    if "what" not in query:
        view.page.locator("[data-scrub]").fill("2")
        expect(view.page.locator(".lx-lane-words")).to_have_text("3 of 5")


def test_every_control_has_a_name(diffusion):
    view = diffusion("what=forward&steps=2")
    unnamed = view.page.evaluate("""() => [...document.querySelectorAll('#diffusion button, #diffusion input, #diffusion select')]
        .filter(e => e.offsetParent && !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')?.textContent.trim()))
        .map(e => e.outerHTML)""")
    assert unnamed == []
