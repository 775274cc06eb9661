"""Measures a checkpoint anew on data that neither it nor a judge was trained on: what its card's `metrics` say."""

from explorer import checkpoints
from explorer.training import kinds


def evaluate(name, folder=None):
    """The metrics of a shipped model or judge as a dict; needs the data set it is measured on."""
    judge = name.removeprefix("judges/")
    measured = checkpoints.load(name) if judge == name else checkpoints.judge(judge)
    return kinds.of(measured.card).measure(measured, folder)
