"""What each model takes: the process's resident memory before it is loaded and after it has drawn once, beside its weights.

`python -m tests.benchmarks.memory [NAME ...]` prints a table in Markdown, megabytes. Keras and one small model were loaded before.
"""

import gc
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from explorer import checkpoints  # noqa: E402
from explorer.memory import estimated  # noqa: E402


def resident():
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def draw(name):
    """Load a model and draw with it once."""
    generator = checkpoints.load(name)
    settings = {"steps": 1} if "sampling" in generator.card else {"label": 0} if generator.card.get("conditional") else {}
    if generator.card["kind"] == "text-to-image":
        settings["prompt"] = "a rose"
    generator.decode(generator.prior(1), **settings)
    return generator


def main():
    names = sys.argv[1:] or [
        card["name"] for card in checkpoints.models() if not card["series"] and not card["recipe"].get("refines")
    ]
    draw(names[-1])
    print("| model | takes | is counted as | weights |\n| --- | --- | --- | --- |")
    for name in names[:-1]:
        before = resident()
        generator = draw(name)
        weights = 4 * sum(generator.card["parameters"].values()) / 1e6
        print(f"| {name} | {resident() - before:.0f} | {estimated(generator.card) / 1e6:.0f} | {weights:.1f} |", flush=True)


if __name__ == "__main__":
    main()
