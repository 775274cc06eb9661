"""What the plane asks a class: which kind is here, and where one would lie. The judge of a model's pictures says what is right."""

import numpy as np

from explorer import checkpoints
from explorer.errors import CheckpointError, InputError, NotSupported, UnknownName
from explorer.generators import has_encodings
from explorer.generators.base import drawn_by
from explorer.state import DECIMALS

QUESTIONS = 10  # every other one asks where
DRAWS = 256  # points among which those are looked for that can be asked about
SURE = 0.8  # how sure the judge must be of a point that is asked about


def can_ask(card):
    """Whether a card's model has a plane that is all of its space, and a judge of what it draws."""
    judge = checkpoints.witness(card)
    if judge is None or card["latent_shape"] != [2] or not has_encodings(card):
        return False
    try:
        return len(checkpoints.card(f"judges/{judge}")["classes"]) == len(card["classes"]) > 1
    except (CheckpointError, UnknownName):
        return False


def questions(name, seed):
    """The questions of a seed: a list of {"z": a point, of which the kind is asked} and {"label": a kind, of which the place is}.

    Points are drawn as the model's prior is, and of as many kinds as it has; NotSupported for a model that cannot be asked about.
    """
    card = checkpoints.card(name)
    if not can_ask(card):
        raise NotSupported(f"{name} has no quiz: that takes two dimensions and a judge of what it draws")
    generator = checkpoints.load(name)
    z = generator.prior(DRAWS, seed).astype("float64").round(DECIMALS)
    chances = _chances(card, generator, z)
    sure = [i for i in range(DRAWS) if chances[i].max() >= SURE] or list(range(DRAWS))
    first = {int(chances[i].argmax()): i for i in reversed(sure)}  # of each kind the first that was drawn
    asked = [first[label] for label in dict.fromkeys(int(chances[i].argmax()) for i in sure)]
    asked += [i for i in sure if i not in asked]
    labels = drawn_by(seed, 3).permutation(len(card["classes"]))
    half = QUESTIONS // 2
    pairs = zip(asked[:half], np.resize(labels, half), strict=False)
    return [question for i, label in pairs for question in ({"z": z[i].tolist()}, {"label": int(label)})]


def verdict(name, z):
    """What the judge sees at a point: {"label", "sure", a probability}."""
    card = checkpoints.card(name)
    chances = _chances(card, checkpoints.load(name), np.array([z]))[0]
    return {"label": int(chances.argmax()), "sure": round(float(chances.max()), 3)}


def middle(name, label):
    """Where a kind lies: the encoding that is nearest to the median of its encodings, (2,); InputError if there is none."""
    codes = checkpoints.encodings(name)
    if label not in codes.labels:
        raise InputError(f"label must be a class of {name} with encodings, got {label}")
    mine = codes.z_mean[codes.labels == label]
    nearest = np.square(mine - np.median(mine, 0)).sum(1).argmin()
    return np.round(mine[nearest].astype("float64"), DECIMALS).tolist()


def _chances(card, generator, z):
    return checkpoints.judge(checkpoints.witness(card))(generator.decode(z.astype("float32")))
