"""Which module knows what is kept and measured of a kind of model: `gan_measures` of what generators/gan.py draws, and so on.

Each brings
    describe(recipe, model) -> what the card says of the network and of how it is used (dict);
    keep(card, folder, generator, data_folder): writes what lies beside the model, and adds to the card what that and `metrics` say;
    measure(generator, data_folder) -> the metrics, measured anew (dict);
    preview(recipe, path) -> a callback for a run that writes a picture, for models that show something while they are trained;
and, where a model is more than one Keras file, a `ship` of its own, as `shipping.ship`. Of a judge, the judge is the generator.
"""

from importlib import import_module

from explorer import generators, judges


def kind_of(card):
    """The `Kind` of a model's or a judge's card or recipe (dict)."""
    return generators.kind_of(card) or judges.kind_of(card)


def of(card):
    """The module of a card or a recipe (dict)."""
    return import_module(f"explorer.training.{kind_of(card).module.split('.')[-1]}_measures")
