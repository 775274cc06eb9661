"""Faces as a refiner paints them out: what the views of a model share whose card says `refined_by`.

The pictures that one drags across stay the model's own; what rests, strips and films are painted out. The noise is held fixed, so
that the frames of a morph differ by what the model says alone.
"""

import numpy as np

from explorer import checkpoints
from explorer.errors import ExplorerError
from explorer.state import StateError

KEYS = frozenset({"refined", "noise_seed"})
TOGETHER = 16  # pictures at once: what the network needs meanwhile does not grow


def refiner_of(card):
    """The name of the refiner of a card's model; None where there is none, or none that is whole."""
    name = card.get("refined_by")
    if not name or not (checkpoints.root() / name).is_dir():  # a drag asks at every move
        return None
    try:
        return checkpoints.card(name)["name"]
    except ExplorerError:
        return None


def complete(full, card):
    """A state with the defaults filled in: what can be refined is, unless the refiner's recipe says that this is to be asked for
    (`"default": false`); StateError where a state asks for what there is not."""
    if name := refiner_of(card):
        return {"refined": checkpoints.card(name)["recipe"].get("default", True), "noise_seed": 0} | full
    for key in sorted(KEYS):
        if full.get(key):
            raise StateError(f"there is no refiner for {card['name']}: leave {key} out", key)
    return {key: value for key, value in full.items() if key not in KEYS}


def evaluations(state, count):
    """How often networks are asked for so many pictures; None where the model's own is asked alone."""
    if not state.get("refined"):
        return None
    return count * (1 + checkpoints.card(refiner_of(checkpoints.card(state["model"])))["sampling"]["steps"])


def painted(state, images):
    """Pictures of a complete state's model, float (n, h, w, c) in [0, 1], refined if it says so: float32 (n, h, w, c)."""
    if not state.get("refined"):
        return images
    refiner = checkpoints.load(refiner_of(checkpoints.card(state["model"])))
    noise = refiner.prior(1, seed=state["noise_seed"])
    parts = [images[i : i + TOGETHER] for i in range(0, len(images), TOGETHER)]
    return np.concatenate([refiner.decode(np.repeat(noise, len(part), 0), given=part) for part in parts])
