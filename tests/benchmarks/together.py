"""Visitors who sample at once: their steps computed as one batch, against one after the other.

`python -m tests.benchmarks.together [--visitors 4] [--steps 20]` prints a table in Markdown: seconds until all have their picture, in turn,
always together, and as the app does, which measures what is faster; and how far pixels are from those that one gets alone, in 1/255.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np  # noqa: E402

from explorer import checkpoints  # noqa: E402
from explorer.serving.turns import Turns, _Network, running  # noqa: E402

WAYS = {"in turn": False, "together": True, "as it decides": None}
MODELS = ("flowers-diffusion", "fashion-ddpm", "stable_diffusion_3_tiny")


def draw(name, seed, steps):
    generator = checkpoints.load(name)
    if generator.card["kind"] == "text-to-image":
        return generator.decode(generator.prior(1, seed), "a photo of a sunflower", steps=steps)
    return generator.decode(generator.prior(1, seed), steps=steps, seed=seed)


def at_once(turns, name, visitors, steps):
    """Seconds until all are done, and their pictures."""
    found = [None] * visitors

    def work(i):
        with running(turns, i, i, lambda: None):
            found[i] = draw(name, i, steps)

    threads = [threading.Thread(target=work, args=[i]) for i in range(visitors)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, np.concatenate(found)


def seconds_of(way, turns, name, options):
    if WAYS[way] is None:
        return at_once(turns, name, options.visitors, options.steps)
    with patch.object(_Network, "is_faster_together", lambda self: WAYS[way]):
        return at_once(turns, name, options.visitors, options.steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print(f"| model | {options.visitors} {' | '.join(WAYS)} | farthest pixel |\n| --- | --- | --- | --- | --- |")
    for name in MODELS:
        alone = np.concatenate([draw(name, i, options.steps) for i in range(options.visitors)])
        at_once(Turns(options.visitors), name, options.visitors, 2)  # warm
        times, far = {way: [] for way in WAYS}, 0.0
        turns = {way: Turns(options.visitors) for way in WAYS}  # what was decided holds beyond one sampling
        for _ in range(3):  # by turns, since the machine's load changes
            for way, found in times.items():
                seconds, pictures = seconds_of(way, turns[way], name, options)
                found.append(seconds)
                far = max(far, 255 * float(np.abs(pictures - alone).max()))
        apart, *others = (min(found) for found in times.values())
        cells = [f"{apart:.2f} s", *(f"{seconds:.2f} s ({seconds / apart:.2f})" for seconds in others)]
        print(f"| {name} | {' | '.join(cells)} | {far:.3f} |", flush=True)


if __name__ == "__main__":
    main()
