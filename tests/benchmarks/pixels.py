"""The pictures of the browser's own decoders beside Keras', of all models that have one.

`python -m tests.benchmarks.pixels [--points 200] [MODEL ...]` prints for each model by how many grey levels of 255 a pixel differs
at most, the part of pixels that differ at all, and milliseconds a picture in the browser, one at a time; as JSON.
"""

import argparse
import base64
import json
import tempfile

import numpy as np

import explorer
from tests.benchmarks.drag import chromium, page_by, percentiles, served

DECODE = """async ([model, points, label]) => {
    const { decode, prepare } = await import("/lx/serving/decoder.js"), parts = [], ms = [];
    await prepare(model);
    for (const z of points) {
        const answer = await decode(model, z, label);
        if (!answer) return null;
        parts.push(String.fromCharCode(...answer.pixels));
        ms.push(answer.ms);
    }
    return { pixels: btoa(parts.join("")), ms };
}"""


def compared(page, name, n):
    generator = explorer.load(name)
    label = 1 if generator.card.get("conditional") else None
    z = generator.prior(n, seed=0)
    answer = page.evaluate(DECODE, [name, z.reshape(n, -1).tolist(), label])
    if not answer:
        return "decoded by the server"
    found = np.frombuffer(base64.b64decode(answer["pixels"]), "uint8").reshape(n, *generator.image_shape)
    expected = np.rint(generator.decode(z, **({} if label is None else {"label": label})) * 255)
    apart = np.abs(found - expected)
    return {"most": int(apart.max()), "differ": round(float((apart > 0).mean()), 5), "ms": percentiles(answer["ms"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--points", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser, served(folder) as (app, decoders):
        if "browser" not in decoders:
            parser.error("the browser's runtime is not here: fetch it with python -m explorer runtime")
        page = page_by("browser", browser, app).page
        page.goto(app.url)
        known = page.evaluate("async () => Object.keys((await (await fetch('lx/decoders.json')).json()).models)")
        report = {name: compared(page, name, options.points) for name in options.models or known}
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
