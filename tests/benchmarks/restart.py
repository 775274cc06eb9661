"""An open page whose server is killed (kill -9) and started anew at once: seconds until a drag shows decoded pictures again.

`python -m tests.benchmarks.restart [--runs 3]` prints them as JSON, and when the new server answered.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "browser")]

import httpx  # noqa: E402
from driver import PATIENCE, App, View, chromium  # noqa: E402

SHOWN = "performance.getEntriesByName('event-to-pixels').length"


def run(browser, folder):
    """{"served", "goes_on"} in seconds after the kill."""
    app = App(folder).wait()
    view = View(browser.new_page(viewport={"width": 1280, "height": 900}), app.url)
    try:
        view.open("model=mnist-vae")
        view.page.wait_for_timeout(3000)
        view.drag((0, 0), (1, 1), (-1, 0.5))
        view.rest()
        app.process.kill()
        app.process.wait()
        began = time.perf_counter()
        app.process = subprocess.Popen(app.process.args, cwd=folder, stdout=subprocess.PIPE, text=True)
        view.page.evaluate("performance.clearMeasures()")
        view.page.mouse.move(*view.at(0, 0))
        view.page.mouse.down()
        found, k = {}, 0
        while not view.page.evaluate(SHOWN):
            k += 1
            view.page.mouse.move(*view.at(1 - (k % 20) / 10, 0.4))
            if "served" not in found:
                try:
                    httpx.get(f"{app.url}/health", timeout=0.5)
                    found["served"] = round(time.perf_counter() - began, 2)
                except httpx.HTTPError:
                    pass
            time.sleep(0.02)
            if time.perf_counter() > began + 2 * PATIENCE / 1000:
                raise TimeoutError(f"the page did not go on, at load {os.getloadavg()[0]:.1f}: {found}, {view.problems[-3:]}")
        view.page.mouse.up()
        return found | {"goes_on": round(time.perf_counter() - began, 2)}
    finally:
        view.page.close()
        app.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        runs = [run(browser, Path(folder, str(i))) for i in range(options.runs)]
    median = statistics.median(found["goes_on"] for found in runs)
    print(json.dumps({"goes_on": median, "runs": runs, "load_before": round(load, 1)}, indent=1))


if __name__ == "__main__":
    main()
