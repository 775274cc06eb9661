"""The 30 x 30 sheet of digits: this project's one batched call against the book's loop of 900 `predict` calls, in one run.

`python -m tests.benchmarks.manifold` prints the ratio as JSON (1/250 is the budget). Both are warm.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).parents[2])]

import numpy as np  # noqa: E402

import explorer  # noqa: E402
from explorer.views.latent_plane import pictures as plane  # noqa: E402

REPEATS = 15


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main():
    load = os.getloadavg()
    generator = explorer.load("mnist-vae")
    state = plane.complete({"model": "mnist-vae", "n": 30})
    x, y = plane.window(state, 30)
    points = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2).astype("float32")
    decoder = generator.model.decoder

    ours = plane.manifold(state)  # warm
    decoder.predict(points[0], verbose=0)
    batched = [seconds(lambda: plane.manifold(state)) for _ in range(REPEATS)]
    looped = []
    loop = seconds(lambda: looped.extend(decoder.predict(z, verbose=0)[0] for z in points))
    batched += [seconds(lambda: plane.manifold(state)) for _ in range(REPEATS)]  # on both sides: the machine may change

    report = {
        "ratio": f"1/{loop / statistics.median(batched):.0f}",
        "batched_s": round(statistics.median(batched), 4),
        "batched_fastest_s": round(min(batched), 4),
        "loop_of_900_predict_calls_s": round(loop, 2),
        "largest_difference_of_a_pixel": float(np.abs(np.array(looped) - ours).max()),
        "load_average_before": load,
        "cores": os.cpu_count(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
