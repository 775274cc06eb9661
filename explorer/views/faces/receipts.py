"""The receipt of a visitor's own direction, by the judge that took no part in finding the model's directions: what one unit does to
the attributes, and how far faces can be pushed while it gets surer."""

from functools import lru_cache

import numpy as np

from explorer import checkpoints
from explorer.errors import NotSupported
from explorer.state import StateError
from explorer.views.faces import pictures

FACES = 24  # of the gallery, which are in neither handful
AMOUNTS, AS_SURE = np.arange(0.5, 4.01, 0.5), 0.01  # as the attributes' own ends are found
LEAST = 0.03  # a change of the judge's probability by which a direction can be told
REACH = (3.0, 3.0)  # where it cannot


def receipt(state):
    """Of a complete state's own direction: {"receipt": by how much one unit changes the judge's probability of each attribute in
    the mean, "most": the attribute that it changes most, or None, "range": (lengths taken away, lengths added), "faces": how many}.

    Raises StateError without both handfuls, NotSupported where there is no judge.
    """
    if not pictures.own(state):
        raise StateError("a direction needs both handfuls: name faces in more and in less", "more")
    card = checkpoints.card(state["model"])
    if not checkpoints.witness(card):
        raise NotSupported(f"there is no judge of {card['name']}'s attributes, and so no receipt")
    marked = {int(place[1:]) for key in ("more", "less") for place in state[key] if isinstance(place, str)}
    v = pictures.direction(state, pictures.own(state))
    return _receipt(checkpoints.files(card["name"]), v.tobytes(), tuple(sorted(marked)))


@lru_cache(maxsize=64)
def _receipt(files, vector, marked):
    generator = checkpoints.load(files.name)
    judge, v = checkpoints.judge(checkpoints.witness(generator.card)), np.frombuffer(vector, "float32")
    z = np.delete(checkpoints.encodings(files.name).z_mean, marked, 0)[:FACES]

    def judged(amount):
        return judge(generator.decode(z + np.float32(amount) * v)).mean(0)

    changes = (judged(1) - judged(-1)) / 2
    most = int(np.argmax(np.abs(changes)))
    told = {"receipt": np.round(changes, 3).tolist(), "most": None, "range": REACH, "faces": len(z)}
    if abs(changes[most]) < LEAST:
        return told
    ends = []
    for sign in (-1, 1):
        sure = np.array([judged(sign * amount)[most] for amount in AMOUNTS]) * sign * np.sign(changes[most])
        ends.append(float(AMOUNTS[np.flatnonzero(sure >= sure.max() - AS_SURE)[0]]))
    return {**told, "most": generator.card["attributes"][most], "range": ends}
