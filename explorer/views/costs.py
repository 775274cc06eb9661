"""What a file costs, before it is begun: seconds, by what its model took when it last ran here, and bytes at once. What visitors
may not have here, whoever runs the program may: `python -m explorer render` asks nobody."""

import math
import os
import threading
import time

from explorer import checkpoints, presets
from explorer.errors import InputError
from explorer.views import drawn

LIMIT = "EXPLORER_MOST_SECONDS"  # environment variable: the longest that one file may take
MOST_SECONDS = 150.0
MOST_BYTES = 2_000_000_000
DECODED = 0.01  # seconds, of a picture that is decoded at once, before any was measured
SAMPLED = (0.004, 8e-12)  # ... of asking a network that is sampled from once, and for each parameter and place of its latent
PIXEL = 1.5e-7  # ... of enlarging and packing one pixel
CHOSEN = 0.5  # ... of one step of a model that does not ship
LEAST = 20  # evaluations that say how long one takes: of fewer the first, which is compiled, is too large a part
_measured: dict[str, float] = {}  # model -> seconds of an evaluation
_lock = threading.Lock()


class Cost:
    """Of one file with an `ending`: `judge` refuses it before it is begun, `learn` is told that it is done."""

    def __init__(self, ending):
        self.ending, self.name, self.evaluations, self.pixels, self.began = ending, "", 0, 0, 0.0

    def judge(self, full, shown):
        """InputError, with the estimate, where what a complete state shows takes too long, or too much memory, to be made here."""
        drawn.check(shown, full.get("size"), self.ending)
        card = _card(full)
        self.name, self.evaluations = card["name"], shown.count if shown.evaluations is None else shown.evaluations
        self.pixels = _pixels(shown, full.get("size"), self.ending)
        seconds = self.evaluations * _measured.get(self.name, usual(card)) + PIXEL * self.pixels
        space = 12 * shown.count * math.prod(shown.shape) + 12 * self.pixels
        most = float(os.environ.get(LIMIT) or MOST_SECONDS)
        if seconds > most or space > MOST_BYTES:
            raise InputError(
                f"This file would take about {_time(seconds)} and {space / 1e9:.1f} GB of memory; at most {_time(most)} and "
                f"{MOST_BYTES / 1e9:g} GB are given to one here. Lower steps, n, frames or size"
            )
        self.began = time.perf_counter()

    def learn(self):
        """The next estimate is by how long this took."""
        if self.evaluations < LEAST:
            return
        found = max(0.0, time.perf_counter() - self.began - PIXEL * self.pixels) / self.evaluations
        with _lock:
            _measured[self.name] = 0.5 * (_measured.get(self.name, found) + found)


def usual(card):
    """Seconds that one picture, or one step of it, takes of a model that was not measured yet: rather too many than too few."""
    if card.get("image_size"):  # does not ship: whoever runs this has chosen model and machine
        return CHOSEN
    if "sampling" not in card:
        return DECODED
    base, each = SAMPLED
    return base + each * sum(card["parameters"].values()) * math.prod(card["latent_shape"][:2])


def _card(full):
    model = full.get("model", "")
    if presets.known(model) and model not in checkpoints.names():
        return {"image_size": presets.IMAGE_SIZE, "name": model}
    return checkpoints.card(model) if model else {"name": full["view"]}


def _pixels(shown, size, ending):
    """Of all pictures in the file together."""
    size = shown.size if size is None or shown.size is None else size
    if ending == drawn.LATENTS or size is None:
        return shown.count * math.prod(shown.shape[:2])
    return (shown.count + shown.pause) * math.prod(drawn.sides(shown.shape, size * shown.cells))


def _time(seconds):
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
