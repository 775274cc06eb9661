"""Modules of the page that know no view, each by itself."""

import pytest

from explorer import views

STRIP = """async () => {
    const { FilmStrip } = await import("/lx/serving/film_strip.js");
    document.body.innerHTML = '<div class="strip"></div><button data-do="play">Play</button>';
    const find = selector => document.querySelector(selector), gone = [], shown = [];
    const view = { find, model: { image_shape: [2, 2, 1] }, isSeen: true };
    const strip = new FilmStrip(view, ".strip"), frame = byte => btoa(String.fromCharCode(byte, 0, 0, byte));
    strip.fill([frame(10), frame(20), frame(30)], i => `frame ${i + 1}`, i => gone.push(i));
    const buttons = [...find(".strip").children];
    const pixels = buttons.map(button => button.querySelector("canvas").getContext("2d").getImageData(0, 0, 1, 1).data[0]);
    buttons[2].click();
    strip.mark(i => i === 1);
    const marked = buttons.map(button => button.classList.contains("lx-now"));
    await new Promise(resolve => strip.play(at => { shown.push(at); if (shown.length === 5) resolve(); }, () => {}));
    const playing = [strip.isPlaying, find("[data-do=play]").textContent];
    strip.stop();
    return { pixels, gone, marked, shown, playing, titles: buttons.map(button => button.title),
             stopped: [strip.isPlaying, find("[data-do=play]").textContent] };
}"""

NEWEST = """async () => {
    const { newest } = await import("/lx/serving/view.js");
    const done = [], open = [];
    const work = newest(what => new Promise(resolve => { done.push(what); open.push(resolve); }));
    const over = [work(1), work(2), work(3)];
    const under = done.slice();
    open.shift()();
    await new Promise(resolve => setTimeout(resolve));
    const then = done.slice();
    open.shift()();
    await Promise.all(over);
    return { under, then, done };
}"""


@pytest.fixture
def page(app, browser):
    page = browser.new_page()
    page.goto(f"{app.url}/lx/serving/state.js")  # of the app's own origin, and with nothing in it
    page.set_content("<body></body>")
    yield page
    page.close()


def test_a_strip_shows_its_frames_goes_to_one_and_plays_them_round(page):
    found = page.evaluate(STRIP)
    assert found["pixels"] == [10, 20, 30]
    assert found["titles"] == ["frame 1", "frame 2", "frame 3"]
    assert found["gone"] == [2]
    assert found["marked"] == [False, True, False]
    assert found["shown"] == [0, 1, 2, 0, 1]
    assert found["playing"] == [True, "Stop"]
    assert found["stopped"] == [False, "Play"]


def test_one_request_is_in_flight_and_the_newest_waits(page):
    assert page.evaluate(NEWEST) == {"under": [1], "then": [1, 3], "done": [1, 3]}


def test_no_module_leaves_anything_on_the_window(page):
    """Each view's script and what it imports, loaded into an empty page: nothing that was not there before."""
    files = [f"/lx/views/{views.folder(name)}/view.js" for name in views.NAMES]
    left = page.evaluate(
        """async files => {
            const before = new Set(Object.getOwnPropertyNames(window));
            for (const file of files) await import(file);
            return Object.getOwnPropertyNames(window).filter(name => !before.has(name));
        }""",
        files,
    )
    assert left == []
