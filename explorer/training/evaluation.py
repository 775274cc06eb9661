"""Measures a checkpoint anew on data that neither it nor a judge was trained on: what its card's `metrics` say."""

from explorer import checkpoints
from explorer.errors import NotSupported
from explorer.training import kinds


def evaluate(name, folder=None):
    """The metrics of a shipped model or judge as a dict; needs the data set it is measured on."""
    judge = name.removeprefix("judges/")
    measured = checkpoints.load(name) if judge == name else checkpoints.judge(judge)
    if measured.card.get("own"):
        raise NotSupported(f"{name} is a model of your own: nothing says on what data it is to be measured")
    return kinds.of(measured.card).measure(measured, folder)
