"""Random clicks, keys, drags, steps back and reloads in each view in Chromium; after each tenth of them the address is opened in a
fresh context, where every canvas must show the same pixels.

`python -m tests.benchmarks.random_walk [--actions 300] [--views latent-plane,faces] [--seed 0] [--out FOLDER]` prints what differed, and
ends with status 1 if anything did; FOLDER gets pictures of both pages.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.drag import App, View, chromium

from walking import OPENINGS, Walker  # noqa: E402  isort: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--actions", type=int, default=300)
    parser.add_argument("--checks", type=int, default=10)
    parser.add_argument("--views", default=",".join(OPENINGS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    failed = False
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        app = App(Path(folder, "app")).wait()

        def new_view():
            return View(browser.new_context(viewport={"width": 1280, "height": 900}).new_page(), app.url)

        try:
            for name in options.views.split(","):
                began, view = time.perf_counter(), new_view()
                walker = Walker(view, name, options.seed, new_view, options.out)
                faults = walker.walk(options.actions, options.checks) + view.problems
                seconds = time.perf_counter() - began
                print(
                    f"{name}: {options.actions} actions in {seconds:.0f} s, {walker.checked} addresses opened anew, {len(faults)} faults",
                    flush=True,
                )
                print("\n".join(faults), flush=True)
                failed |= bool(faults)
                view.page.close()
        finally:
            app.stop()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
