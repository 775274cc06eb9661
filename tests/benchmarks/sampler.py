"""What sampling costs beside the network's own calls, and whether another number of steps compiles anything again.

`python -m tests.benchmarks.sampler [MODEL]`: one run of 20 steps against 20 bare compiled calls of the U-Net on the same batch
(bar: 1.15), and the first runs with 7, 13 and 50 steps after it against as many warm calls (bar: 1.2 each). Where guidance asks
the network twice about every picture, the bare call has that doubled batch too.
"""

import json
import sys
import time

import keras
import numpy as np

import explorer

ROUNDS = 7


def seconds(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def bare(network):
    """The network as its own compiled function, as a user would call it in a loop."""
    if keras.backend.backend() != "tensorflow":
        return network.predict_on_batch
    import tensorflow as tf

    return tf.function(lambda inputs: network(inputs, training=False))


def main(name="flowers-diffusion", batch=1):
    generator = explorer.load(name)
    noise, call = generator.prior(batch), bare(generator.model.network)
    asked = batch * (1 if generator.card["sampling"].get("guidance_scale", 1.0) in (0.0, 1.0) else 2)
    inputs = [generator.prior(asked), np.full((asked, 1, 1, 1), 0.5, "float32")]
    if generator.model.classes:
        inputs.append(np.eye(generator.model.classes, dtype="float32")[np.zeros(asked, int)])
    inputs = [keras.ops.convert_to_tensor(array) for array in inputs]
    run = lambda steps: generator.decode(noise, steps=steps, sampler="ddim")  # noqa: E731

    def calls(steps):
        for _ in range(steps):
            np.asarray(call(inputs))

    calls(3)
    run(20)
    first = {steps: seconds(lambda steps=steps: run(steps)) for steps in (7, 13, 50)}
    pairs = [(seconds(lambda: run(20)), seconds(lambda: calls(20))) for _ in range(ROUNDS)]
    warm = float(np.median([b for _, b in pairs])) / 20
    print(json.dumps({
        "model": name, "batch": batch, "batch of a call": asked, "bare call ms": round(1000 * warm, 2),
        "20 steps / 20 bare calls, median": round(float(np.median([a / b for a, b in pairs])), 3),
        **{f"first run of {steps} steps / {steps} bare calls": round(first[steps] / (steps * warm), 3) for steps in first},
    }, indent=1))  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
