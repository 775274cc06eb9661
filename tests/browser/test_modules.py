"""Modules of the page that know no view, each by itself."""

from pathlib import Path

import pytest

import explorer
from explorer import views

FOLDER = Path(explorer.__file__).parent

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

READ = """async texts => {
    const { readNumber } = await import("/lx/serving/numbers.js");
    const at = { name: "z0", min: -1000, max: 1000 }, whole = { name: "frames", min: 2, max: 600, whole: true };
    return texts.map(text => [readNumber(text, at), readNumber(text, whole)]);
}"""

FIELDS = """async () => {
    const { listenToNumber } = await import("/lx/serving/numbers.js");
    const { listenToSettings } = await import("/lx/serving/settings.js");
    document.body.innerHTML = `<input class="lx-number" id="z" min="-10" max="10" step="0.25" aria-label="z0 as a number">
        <label>frames <input class="lx-number" id="frames" data-set="frames" min="2" max="600" step="1" value="9"></label>`;
    window.seen = { z: 1, said: [], done: 0, frames: [] };
    const say = words => seen.said.push(words);
    listenToNumber(document.querySelector("#z"), { get: () => seen.z, set: value => seen.z = value, done: () => seen.done++, say });
    const view = { all: () => [document.querySelector("#frames")], model: {}, state: { frames: 9 }, say };
    listenToSettings(view, (key, value) => { view.state[key] = value; seen[key].push(value); });
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


def test_a_number_is_read_with_a_comma_or_a_point_and_refused_in_one_sentence(page):
    read = {"0,5": 0.5, "0.5": 0.5, ",5": 0.5, "-1,25": -1.25, "−2": -2, " 7 ": 7, "3,": 3, "+4": 4, "1000": 1000, "12": 12}
    whole = {" 7 ": 7, "+4": 4, "12": 12}
    refused = ["1e9", "1e-1", "1000,1", "1.234,5", "1,234.5", "0x10", "Infinity", "NaN", "five", "-", "1 2", "٣", "9" * 60]
    found = page.evaluate(READ, [*read, *refused, "1000", "7,0", "", "  "])
    assert [one.get("value") for one, _ in found] == [*read.values(), *[None] * len(refused), 1000, 7, None, None]
    assert {text: other["value"] for text, (_, other) in zip(read, found, strict=False) if "value" in other} == whole
    assert found[len(read)][0]["wrong"] == "z0 must be a number from -1000 to 1000, got “1e9”"
    assert found[len(read)][1]["wrong"] == "frames must be a whole number from 2 to 600, got “1e9”"
    assert found[-3][1]["wrong"].endswith("from 2 to 600, got “7,0”")
    assert all("wrong" in one for one, _ in found[len(read) : len(read) + len(refused)])
    assert len(found[len(read) + len(refused) - 1][0]["wrong"]) < 100
    assert found[-2:] == [[{}, {}], [{}, {}]]


def test_what_is_typed_into_a_field_by_keys_is_what_counts(page):
    page.evaluate(FIELDS)

    def typed(field, text):
        page.locator(field).select_text()
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        seen = page.evaluate("seen")
        return page.locator(field).input_value(), seen["said"][-1], seen

    assert typed("#z", "0,5")[:2] == ("0.5", "")
    shown, said, seen = typed("#z", "1e9")
    assert (shown, said) == ("0.5", "z0 must be a number from -10 to 10, got “1e9”")
    assert (seen["z"], seen["done"]) == (0.5, 2)
    shown, said, seen = typed("#z", "99")
    assert (shown, seen["z"]) == ("0.5", 0.5)  # not the 9 on the way to it
    assert typed("#frames", "12,5")[:2] == ("9", "frames must be a whole number from 2 to 600, got “12,5”")
    assert typed("#frames", "601")[0] == "9"
    page.locator("#frames").fill("")
    page.keyboard.press("Tab")
    assert page.evaluate("seen.said.at(-1)") == "frames must be a whole number from 2 to 600, got “nothing”"
    assert typed("#frames", "220")[2]["frames"] == [220]
    page.locator("#z").press("ArrowUp")
    page.locator("#z").press("ArrowUp")
    assert page.evaluate("seen.z") == 1
    page.locator("#frames").press("ArrowDown")
    assert page.evaluate("seen.frames") == [220, 219]


def test_no_field_of_a_number_is_left_to_the_browser():
    """Chromium drops a comma that is typed into a number field of its own, or reads it by its own language."""
    files = [file for pattern in ("*.html", "*.js") for file in FOLDER.rglob(pattern)]
    assert not [
        file.name for file in files if 'type="number"' in file.read_text("utf-8") or "parseFloat" in file.read_text("utf-8")
    ]


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
