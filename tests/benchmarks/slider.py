"""Dragging one slider of the faces view in Chromium: event to pixels, and beside it the wait for the next presented frame.

`python -m tests.benchmarks.slider [--events 600] [--attribute Smiling]` prints percentiles in milliseconds as JSON. "Event to
pixels": from entering the slider's input handler to the return of the `drawImage` that shows the decoded face, by
`performance.now()` in the page; warm, server on this machine.
"""

import argparse
import json
import math
import os
import tempfile
import time
from pathlib import Path

from tests.benchmarks.drag import MEASURED, WATCH, App, View, chromium, percentiles


def slide(page, box, events, rate=60):
    """Move the held thumb to and fro until so many pictures have been shown."""
    middle, reach = box["x"] + box["width"] / 2, 0.45 * box["width"]
    page.mouse.move(middle, box["y"] + box["height"] / 2)
    page.mouse.down()
    began, k = time.perf_counter(), 0
    while k % 60 or page.evaluate(MEASURED) < events:
        k += 1
        time.sleep(max(0, began + k / rate - time.perf_counter()))
        page.mouse.move(middle + reach * math.sin(k / 40), box["y"] + box["height"] / 2)
    seconds = time.perf_counter() - began
    page.mouse.up()
    return k, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600)
    parser.add_argument("--attribute", default="Smiling")
    options = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        app = App(Path(folder, "app")).wait()
        page = View(browser.new_page(viewport={"width": 1280, "height": 900}), app.url).page
        page.goto(f"{app.url}/?view=faces&face=0")
        page.locator(".lx-faces[data-ready=yes]").wait_for(state="attached", timeout=60_000)
        page.wait_for_timeout(3000)  # strip, plane and judge have had their turn
        slider = page.locator(f"[data-attribute={options.attribute}] input[type=range]")
        box = slider.bounding_box()
        slide(page, box, 60)  # warm
        page.wait_for_timeout(1500)
        page.evaluate(WATCH)
        sent, seconds = slide(page, box, options.events)
        page.wait_for_timeout(500)
        pictures = page.evaluate("performance.getEntriesByName('event-to-pixels').map(entry => entry.duration)")
        waits = page.evaluate("waits")
        app.stop()
    report = {
        "event_to_pixels_ms": percentiles(pictures),
        "then_next_frame_ms": percentiles(waits),
        "pictures": len(pictures),
        "moves_per_second": round(sent / seconds, 1),
        "attribute": options.attribute,
        "load_average_before": load,
        "cores": os.cpu_count(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
