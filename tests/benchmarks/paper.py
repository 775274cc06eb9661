"""How many photographed digits and garments are read as what they are, and how long a photograph of 12 megapixels takes.

`EXPLORER_DATA=... python -m tests.benchmarks.paper [N]` prints it as JSON, of N (200) test pictures a kind, from the half of them that
nothing was tuned on.
"""

import io
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

import numpy as np  # noqa: E402
import pages  # noqa: E402
from PIL import Image  # noqa: E402

import explorer  # noqa: E402
from explorer import imaging, paper  # noqa: E402


def share_read(file, judge, framing, kinds, photographed, count):
    with np.load(Path(os.environ["EXPLORER_DATA"]) / file) as arrays:
        unseen = np.random.default_rng(0).permutation(10_000)[5000:][:count]
        x, y = arrays["x_test"][unseen], arrays["y_test"][unseen]
    judge = explorer.judge(judge)
    shares = {"the data set's own": float((judge(x[..., None] / np.float32(255)).argmax(1) == y).mean())}
    for kind in kinds:
        seen = np.zeros((count, 28, 28, 1), "float32")
        for i in range(count):
            try:
                seen[i] = paper.framed(photographed(kind, x[i], int(unseen[i])), (28, 28, 1), framing)
            except imaging.PictureError:
                seen[i] = np.nan  # right by chance it shall not be
        found = np.isfinite(seen[:, 0, 0, 0])
        shares[kind] = round(float(((judge(np.nan_to_num(seen)).argmax(1) == y) & found).mean()), 3)
    return shares


def counted(count):
    """Of pages with none, two and five digits the share on which as many are found."""
    with np.load(Path(os.environ["EXPLORER_DATA"]) / "mnist.npz") as arrays:
        x = arrays["x_test"][np.random.default_rng(0).permutation(10_000)[5000:]]
    shares = {}
    for digits in (0, 2, 5):
        for kind in pages.DIGIT_PAGES:
            right = 0
            for i in range(count):
                try:
                    page = paper.read(pages.digits_page(kind, x[i * digits : (i + 1) * digits], 5000 + i), "mnist")
                    right += len(page.things) == digits
                except imaging.PictureError:
                    right += digits == 0
            shares[f"{kind}, {digits}"] = right / count
    return shares


def seconds(framing, repeats=9):
    """To frame a JPEG of 4000 x 3000 pixels: the median."""
    with np.load(Path(os.environ["EXPLORER_DATA"]) / "mnist.npz") as arrays:
        page = Image.open(io.BytesIO(pages.digits_page("squared", arrays["x_test"][:1], 0)))
    file = io.BytesIO()
    page.resize((3000, 4000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=92)
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        paper.framed(file.getvalue(), (28, 28, 1), framing)
        taken.append(time.perf_counter() - began)
    return round(statistics.median(taken), 3)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    photographed = lambda kind, digit, seed: pages.digits_page(kind, digit[None], seed)  # noqa: E731
    report = {
        "digits": share_read("mnist.npz", "digits", "mnist", pages.DIGIT_PAGES, photographed, count),
        "garments": share_read("fashion_mnist.npz", "fashion", "fashion", pages.BACKGROUNDS, pages.garment_page, count),
        "as many found as there are": counted(max(1, count // 10)),
        "seconds for 12 megapixels": {framing: seconds(framing) for framing in ("mnist", "fashion")},
        "load_average": os.getloadavg(),
        "cores": os.cpu_count(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
