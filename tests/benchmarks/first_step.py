"""The diffusion view in Chromium: how soon after a click the first predicted picture is on screen, and whether each step comes.

`python -m tests.benchmarks.first_step [--model NAME] [--runs 20]` prints percentiles in milliseconds as JSON: from the start of
a run of 20 steps to its first predicted x_0 drawn, warm, server on this machine.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from tests.benchmarks.drag import App, View, chromium, percentiles

OVER = "document.querySelector('.lx-diffusion').dataset.done"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="flowers-diffusion")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        app = App(Path(folder, "app")).wait()
        page = View(browser.new_page(viewport={"width": 1280, "height": 900}), app.url).page
        page.goto(f"{app.url}/?view=diffusion&model={options.model}&steps=20&sampler=ddim")
        page.locator(".lx-diffusion[data-done]").wait_for(state="attached", timeout=60_000)
        page.wait_for_timeout(3000)
        steps = []
        for _ in range(options.runs):
            before = page.evaluate(OVER)
            page.locator("#diffusion [data-do=dice]").click()
            page.wait_for_function(f"before => {OVER} !== before", arg=before)
            steps.append(page.locator(".lx-film").nth(1).locator("canvas").count())
        pictures = page.evaluate("performance.getEntriesByName('first-picture').map(entry => entry.duration)")[1:]
        app.stop()
    report = {"first_picture_ms": percentiles(pictures), "runs": len(pictures), "pictures_of_20_steps": sorted(set(steps)),
              "load": [round(part, 2) for part in load]}  # fmt: skip
    print(json.dumps({"model": options.model, **report}, indent=1))


if __name__ == "__main__":
    main()
