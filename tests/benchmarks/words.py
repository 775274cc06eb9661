"""What drawing from words costs: one picture, the first one after loading, and a walk against KerasHub's own `generate`.

`python -m tests.benchmarks.words [MODEL]`: 28 steps of one picture (bar: 1 s on two cores), load to first picture (bar: 5 s), and
a walk of 9 frames between two prompts against one `generate` of 9 prompts with as many steps (bar: 1.1), taken in turns.
"""

import json
import sys
import time

import numpy as np

import explorer

STEPS, FRAMES, ROUNDS = 28, 9, 7
ENDS = "a portrait of a smiling woman", "a photo of a sunflower"


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main(name="stable_diffusion_3_tiny"):
    import keras_hub  # noqa: F401  its import is measured by start_up; here it is what comes after

    began = time.perf_counter()
    generator = explorer.load(name)
    loaded = time.perf_counter()
    shown = []
    generator.decode(generator.prior(1), ENDS[0], steps=STEPS,
                     callback=lambda step: shown.append((time.perf_counter(), generator.preview(step.x_0))))  # fmt: skip
    first = time.perf_counter()

    def walk():
        path = explorer.Path(generator.embed(ENDS[0]), generator.embed(ENDS[1]), kind="slerp")
        return generator.decode(generator.prior(1).repeat(FRAMES, 0), path.points(FRAMES), steps=STEPS)

    task, scale = generator.model, generator.card["sampling"]["guidance_scale"]
    inputs = {"prompts": [ENDS[i % 2] for i in range(FRAMES)], "negative_prompts": [""] * FRAMES}

    def generate():
        return task.generate(dict(inputs), num_steps=STEPS, guidance_scale=scale, seed=0)

    walk(), generate()
    pairs = [(seconds(walk), seconds(generate)) for _ in range(ROUNDS)]
    one = [seconds(lambda: generator.decode(generator.prior(1), ENDS[0], steps=STEPS)) for _ in range(ROUNDS)]
    middle = lambda values: round(float(np.median(values)), 3)  # noqa: E731
    print(json.dumps({
        "model": name, "load s": round(loaded - began, 2), "first preview after loading s": round(shown[0][0] - loaded, 2),
        "first picture after loading s": round(first - loaded, 2), "previews": len(shown), f"{STEPS} steps s": middle(one),
        f"walk of {FRAMES} s": middle([a for a, _ in pairs]), "walk / generate, median": middle([a / b for a, b in pairs]),
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:2])
