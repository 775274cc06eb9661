"""From a recipe to an untrained model, and to one with the weights of a run."""

import inspect

from explorer import data, judges
from explorer.training import kinds


def build(recipe):
    """The untrained Keras model of a recipe: its kind's `build`, told what that asks for by name."""
    kind = kinds.kind_of(recipe)
    told = inspect.signature(kind.network.build).parameters
    named = recipe.get("conditional") or judges.kind_of(recipe)
    known = recipe | {"classes": len(data.classes(recipe["data"])) if named else 0, "variational": kind.has_prior}
    return kind.network.build(**{key: known[key] for key in told if key in known})


def trained(recipe, weights):
    """A model of the recipe with stored weights and no optimizer."""
    model = build(recipe)
    model.load_weights(weights)
    return model
