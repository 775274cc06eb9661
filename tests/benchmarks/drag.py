"""A drag across the plane in Chromium: event to pixels, and beside it the wait for the next presented frame.

`python -m tests.benchmarks.drag [--events 600] [--model mnist-vae]` prints percentiles in milliseconds as JSON. "Event to
pixels": from entering the pointer's handler to the return of the `drawImage` that shows the decoded picture, by
`performance.now()` in the page; warm, server on this machine. The wait: from there to the next `requestAnimationFrame`.
"""

import argparse
import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "browser")]

import numpy as np  # noqa: E402
from driver import App, View, chromium  # noqa: E402

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
    document.querySelector('.lx-first [role=application]').addEventListener('pointermove', () => { window.moves++; }, true);
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


def percentiles(values):
    return {f"p{p}": round(float(np.percentile(values, p)), 2) for p in (50, 95, 99)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600)
    parser.add_argument("--model", default="mnist-vae")
    parser.add_argument("--wait", type=float, default=45, help="seconds for which the app may load its other models first")
    options = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        app = App(Path(folder, "app")).wait()
        view = View(browser.new_page(viewport={"width": 1280, "height": 900}), app.url)
        view.page.wait_for_timeout(1000 * options.wait)
        view.open(f"model={options.model}")
        places = curve(view)
        drag(view, places, 60)  # warm
        view.page.evaluate(WATCH)
        sent, seconds = drag(view, places, options.events)
        view.rest()
        pictures = view.page.evaluate("performance.getEntriesByName('event-to-pixels').map(entry => entry.duration)")
        waits, moves = view.page.evaluate("waits"), view.page.evaluate("moves")
        app.stop()
    report = {
        "event_to_pixels_ms": percentiles(pictures),
        "then_next_frame_ms": percentiles(waits),
        "pictures": len(pictures),
        "pointer_moves_sent": sent,
        "pointer_moves_in_the_page": moves,
        "moves_per_second": round(sent / seconds, 1),
        "model": options.model,
        "load_average_before": load,
        "cores": os.cpu_count(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
