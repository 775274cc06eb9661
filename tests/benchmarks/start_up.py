"""From `python app.py` to a page in Chromium that answers a drag, and to the first picture decoded by that process.

`python -m tests.benchmarks.start_up [--runs 5]` prints medians and all runs, in seconds, as JSON. Chromium is already running
(it is the visitor's); the app's process is new each time.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "browser")]

from driver import PATIENCE, App, View, chromium  # noqa: E402

MOVES = 10  # of a drag, before the button is let go and pressed again
ANSWERED = "performance.getEntriesByType('measure').find(entry => entry.name.startsWith('event-to-'))?.name"


def run(browser, folder):
    """Seconds from the start of the process: until it serves, until a drag is answered (and by what), until it has decoded."""
    began = time.perf_counter()
    app = App(folder)
    try:
        app.wait()
        seconds = {"served": time.perf_counter() - began}
        view = View(browser.new_page(viewport={"width": 1280, "height": 900}), app.url)
        view.page.goto(app.url, wait_until="commit")
        view.plane.wait_for()
        answer, moves, patient = None, 0, time.perf_counter() + PATIENCE / 1000
        while not answer:  # a press before the plane has its space moves nothing: people press again until something moves
            if moves % MOVES == 0:
                view.page.mouse.up()
                view.page.mouse.move(*view.at(0, 0))
                view.page.mouse.down()
            moves += 1
            view.page.mouse.move(*view.at(0.5 - moves % 2, 0.2))
            answer = view.page.evaluate(ANSWERED)
            if time.perf_counter() > patient:
                raise TimeoutError(f"no drag was answered in {PATIENCE / 1000:g} s")
        seconds["answers_a_drag"] = time.perf_counter() - began
        view.page.mouse.up()
        view.page.locator(".lx[data-ready=yes]").wait_for(state="attached")
        seconds["first_decoded_picture"] = time.perf_counter() - began
        view.page.close()
        return seconds | {"answered_by": answer}
    finally:
        app.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        runs = [run(browser, Path(folder, str(n))) for n in range(options.runs)]
    middle = {key: statistics.median(one[key] for one in runs) for key in ("served", "answers_a_drag", "first_decoded_picture")}
    report = {
        "page_answers_a_drag_s": round(middle["answers_a_drag"], 2),
        "then_first_decoded_picture_s": round(statistics.median(r["first_decoded_picture"] - r["answers_a_drag"] for r in runs), 2),
        "served_s": round(middle["served"], 2),
        "runs": [{key: round(value, 2) if isinstance(value, float) else value for key, value in one.items()} for one in runs],
        "load_average_before": load,
        "cores": os.cpu_count(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
