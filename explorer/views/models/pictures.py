"""The Models view: it shows cards, and no pictures of its own."""

from explorer import checkpoints
from explorer.views.drawn import NoPicture

TITLE = "Models"
KEYS = frozenset()
WHATS = ("picture",)


def is_here():
    """Always: without a model the view says so."""
    return True


def complete(state):
    """A state with the model that is shown first; raises UnknownName and CheckpointError as `checkpoints.card` does."""
    names = [card["name"] for card in checkpoints.models()]
    full = {"view": "models", "what": "picture", **({"model": names[0]} if names else {})} | state
    if "model" in full:
        checkpoints.card(full["model"])
    return full


def pictures(state, moving=False):
    """NoPicture: a card is none."""
    raise NoPicture("view=models shows a card and no picture: name the view of its model, or none", "view")
