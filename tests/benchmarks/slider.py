"""Dragging a slider in Chromium, of the faces view, by its own decoder and by the server's in one run, or of the noise on a
drawing: event to pixels, and beside it the wait for the next presented frame.

`python -m tests.benchmarks.slider [--events 600] [--view faces|why-a-vae] [--attribute Smiling]` prints percentiles in milliseconds as JSON. "Event to
pixels": from entering the slider's input handler to the return of the `drawImage` that shows the decoded picture, by
`performance.now()` in the page; warm, server on this machine.
"""

import argparse
import json
import math
import os
import tempfile
import time

from tests.benchmarks.drag import MEASURED, WATCH, chromium, measured, page_by, served, wait_for


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


def open_faces(page, url, options):
    """The slider of an attribute."""
    page.goto(f"{url}/?view=faces&face=0")
    page.locator(".lx-faces[data-ready=yes]").wait_for(state="attached", timeout=60_000)
    page.wait_for_timeout(3000)  # strip, plane and judge have had their turn
    return page.locator(f"[data-attribute={options.attribute}] input[type=range]")


def open_drawing(page, url, options):
    """The slider of the noise, a drawing on the pad."""
    page.goto(f"{url}/?view=why-a-vae&chapter=denoising")
    page.locator(".lx-family[data-repaired]").wait_for(timeout=60_000)
    box = page.locator(".lx-family .lx-pad canvas").bounding_box()
    at = lambda x, y: (box["x"] + x * box["width"], box["y"] + y * box["height"])  # noqa: E731
    page.mouse.move(*at(0.3, 0.2))
    page.mouse.down()
    for corner in ((0.3, 0.8), (0.7, 0.8), (0.7, 0.2), (0.3, 0.2)):
        page.mouse.move(*at(*corner), steps=8)
    page.mouse.up()
    page.wait_for_timeout(3000)
    page.evaluate("performance.clearMeasures('event-to-pixels')")  # those of the drawing
    return page.locator(".lx-family [data-set=amount]")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=600)
    parser.add_argument("--view", choices=("faces", "why-a-vae"), default="faces")
    parser.add_argument("--attribute", default="Smiling")
    parser.add_argument("--wait", type=float, default=45, help="seconds for which the app may load its other models first")
    options = parser.parse_args()
    faces = options.view == "faces"
    report = {"slider": options.attribute if faces else "noise", "load_average_before": os.getloadavg(), "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, served(folder) as (app, decoders):
        for decoder in decoders if faces else ["server"]:  # noise and PCA are the server's
            page = page_by(decoder, browser, app).page
            page.goto(app.url)  # models are loaded once somebody looks
            page.wait_for_timeout(1000 * options.wait if decoder == decoders[0] or not faces else 0)
            slider = (open_faces if faces else open_drawing)(page, app.url, options)
            if faces:
                wait_for(decoder, page, "celeba-vae")
            box = slider.bounding_box()
            slide(page, box, 60)  # warm
            page.wait_for_timeout(1500)
            page.evaluate(WATCH)
            sent, seconds = slide(page, box, options.events)
            page.wait_for_timeout(500)
            report[decoder] = measured(page) | {"moves_per_second": round(sent / seconds, 1)}
            page.close()
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
