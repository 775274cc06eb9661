"""A drag across the plane in Chromium, by its own decoder and by the server's in one run: event to pixels, and beside it the wait
for the next presented frame.

`python -m tests.benchmarks.drag [--events 600] [--model mnist-vae]` prints percentiles in milliseconds as JSON. "Event to
pixels": from entering the pointer's handler to the return of the `drawImage` that shows the decoded picture, by
`performance.now()` in the page; warm, server on this machine. The wait: from there to the next `requestAnimationFrame`.
`longest_task_ms`: for how long the page did not answer meanwhile, at most. Without the browser's runtime (`python -m explorer
runtime`) the server is measured alone.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "browser")]

import numpy as np  # noqa: E402
from driver import App, View, chromium  # noqa: E402

from explorer.serving import runtime  # noqa: E402

MEASURED = "performance.getEntriesByName('event-to-pixels').length"
WATCH = """() => {
    performance.clearMeasures();
    window.waits = [];
    const measure = performance.measure;
    performance.measure = function (name, options) {
        if (name === 'event-to-pixels') requestAnimationFrame(() => waits.push(performance.now() - options.end));
        return measure.call(performance, name, options);
    };
    window.moves = 0;
    window.tasks = [];
    new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration))).observe({ type: 'longtask' });
    document.querySelector('.lx-first [role=application]')?.addEventListener('pointermove', () => { window.moves++; }, true);
}"""


def curve(view, n=600):
    """Places along a closed curve on the plane, in the window's pixels."""
    turns = [2 * math.pi * k / n for k in range(n)]
    (x, y), (right, top) = view.at(0, 0), view.at(1.9, 1.9)
    return [(x + (right - x) * math.sin(3 * t), y + (top - y) * math.sin(2 * t + 0.5)) for t in turns]


def drag(view, places, events, rate=60):
    """Move along the places, `rate` moves a second, until so many pictures have been shown; returns moves and seconds."""
    view.page.mouse.move(*places[0])
    view.page.mouse.down()
    began, k = time.perf_counter(), 0
    while k % 60 or view.page.evaluate(MEASURED) < events:
        k += 1
        time.sleep(max(0, began + k / rate - time.perf_counter()))
        view.page.mouse.move(*places[k % len(places)])
    seconds = time.perf_counter() - began
    view.page.mouse.up()
    return k, seconds


DECODERS = ("browser", "server")


@contextmanager
def served(folder):
    """The app, with the browser's runtime where there is one; and by which decoders pages can be measured."""
    found = runtime.folder()
    app = App(Path(folder, "app"), runtime=found).wait()
    try:
        yield app, DECODERS if found else DECODERS[1:]
    finally:
        app.stop()


def page_by(decoder, browser, app):
    """A page whose pictures come from one of `DECODERS`."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    if decoder == "server":
        page.route("**/lx/decoders.json", lambda route: route.fulfill(json={"runtime": None, "models": {}}))
    return View(page, app.url)


def wait_for(decoder, page, model):
    """Until a page's own decoder is there."""
    if decoder == "browser":
        page.wait_for_function("async model => (await import('/lx/serving/decoder.js')).decodesHere(model)", arg=model)


def measured(page):
    """What was measured since `WATCH`."""
    pictures = page.evaluate("performance.getEntriesByName('event-to-pixels').map(entry => entry.duration)")
    tasks = page.evaluate("window.tasks")
    return {
        "event_to_pixels_ms": percentiles(pictures),
        "then_next_frame_ms": percentiles(page.evaluate("waits")),
        "longest_task_ms": max(tasks, default=0),
        "pictures": len(pictures),
    }


def percentiles(values):
    return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (50, 95, 99)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600)
    parser.add_argument("--model", default="mnist-vae")
    parser.add_argument("--wait", type=float, default=45, help="seconds for which the app may load its other models first")
    options = parser.parse_args()
    report = {"model": options.model, "load_average_before": os.getloadavg(), "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, served(folder) as (app, decoders):
        for decoder in decoders:
            view = page_by(decoder, browser, app)
            view.page.goto(app.url)  # models are loaded once somebody looks
            view.page.wait_for_timeout(1000 * options.wait if decoder == decoders[0] else 0)
            report[decoder] = dragged(view, decoder, options)
            view.page.close()
    print(json.dumps(report, indent=1))


def dragged(view, decoder, options):
    view.open(f"model={options.model}")
    wait_for(decoder, view.page, options.model)
    places = curve(view)
    drag(view, places, 60)  # warm
    view.page.evaluate(WATCH)
    sent, seconds = drag(view, places, options.events)
    view.rest()
    moves = {"pointer_moves_sent": sent, "pointer_moves_in_the_page": view.page.evaluate("moves")}
    return measured(view.page) | moves | {"moves_per_second": round(sent / seconds, 1)}


if __name__ == "__main__":
    main()
