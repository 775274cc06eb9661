"""What is measured of a judge: how often it is right about pictures that it never saw."""

import logging

import numpy as np

from explorer import data
from explorer.training.measures import CONFIDENT, figure
from explorer.training.storing import parts

_log = logging.getLogger(__name__)


def describe(recipe, model):
    """What the card says of the network."""
    return parts({"judge": model})


def keep(card, folder, judge, data_folder):
    """Nothing but what is measured of it."""
    _log.info("having it judge what it never saw")
    card["metrics"] = measure(judge, data_folder)


def measure(judge, folder=None):
    """Accuracy on the test images, whole and by class, and how many of them are judged with confidence.

    Of a judge of attributes: accuracy on the validation ids, beside what always saying the commoner answer would get.
    """
    if judge.card["recipe"].get("multi_label"):
        images, attributes = data.load(judge.card["recipe"]["data"], "validation", judge.image_shape[0], folder)
        right = ((judge(images) > 0.5) == attributes).mean(0)
        commoner = np.maximum(attributes.mean(0), 1 - attributes.mean(0))
        return {
            "validation_accuracy": figure(right.mean()),
            "validation_accuracy_by_attribute": {name: figure(r) for name, r in zip(judge.classes, right, strict=True)},
            "commoner_answer_by_attribute": {name: figure(c) for name, c in zip(judge.classes, commoner, strict=True)},
        }
    images, labels = data.load(judge.card["recipe"]["data"], "test", judge.image_shape[0], folder)
    probabilities = judge(images)
    right = probabilities.argmax(1) == labels
    return {
        "test_accuracy": figure(right.mean()),
        "test_share_above_0.9": figure((probabilities.max(1) > CONFIDENT).mean()),
        "test_accuracy_by_class": {name: figure(right[labels == i].mean()) for i, name in enumerate(judge.classes)},
    }
