"""`python -m explorer train NAME`: run a recipe and ship what it learned."""

import json
import logging
import sys
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from explorer import checkpoints
from explorer.errors import InputError
from explorer.generators.base import drawn_by
from explorer.training import building, recipes, runs, shipping

# a recipe's key -> the module whose `fit` trains by it, where a run is more than one model on one loss
PROCEDURES = {"faded": "progressive_growing", "layer_by_layer": "layerwise", "shifted": "critic_finetuning",
              "stages": "rectified_flow", "distilled": "adversarial_distillation"}  # fmt: skip


def fit(recipe, folder, data_folder=None, preview=None, out=None):
    """Train by the procedure that a recipe takes; arguments and what it returns are those of `runs.fit`."""
    procedure = next((PROCEDURES[key] for key in PROCEDURES if recipe.get(key)), "runs")
    return import_module(f"explorer.training.{procedure}").fit(recipe, folder, data_folder, preview, out)


@contextmanager
def told(log):
    """What the modules of training say of their work, line by line on `log`."""
    logger, handler = logging.getLogger("explorer.training"), logging.StreamHandler(log)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def train(name, data_folder=None, epochs=None, out=None, seed=None, log=None):
    """Train `name`, or by one's own recipe file `name`.json, and write `out/name` (default: the registry's root); returns its card.

    The run's state stays in `out/name/run`, so that training again with more epochs goes on from there. Raises KeyError
    for an unknown name, ValueError for a folder whose run has another seed.
    """
    log = log or sys.stderr
    name, recipe = recipes.own(name) if name.endswith(".json") else (name, recipes.recipe(name))
    if seed is not None:
        drawn_by(seed)  # complains
    asked = {key: value for key, value in {"epochs": epochs, "seed": seed}.items() if value is not None}
    for part in (recipe, *recipe.get("stages", {}).values()):
        part |= asked
    root = Path(out) if out else checkpoints.workshop()
    working = root / name / "run"
    working.mkdir(parents=True, exist_ok=True)
    written = working / "recipe.json"
    if written.is_file() and (before := json.loads(written.read_text("utf-8"))["seed"]) != recipe["seed"]:
        raise InputError(f"{working} holds a run with seed {before}: go on with that, delete the folder, or name another --out")
    written.write_text(json.dumps(recipe, indent=1), "utf-8")
    length = " and ".join(recipe["stages"]) if "stages" in recipe else f"{recipe['epochs']} epoch{'s' * (recipe['epochs'] > 1)}"
    print(f"{name}: {length}, state and preview in {working}", file=log)
    model, history = fit(recipe, working, data_folder, shipping.preview(recipe, working / "preview.png"), log)
    with told(log):
        card = shipping.ship(name, recipe, model, history, root, data_folder)
        for epoch in recipe.get("snapshots", ()):
            if (working / runs.snapshot_file(epoch)).is_file():
                early = recipes.snapshot_recipe(recipe, epoch)
                shipping.ship(f"{name}-epoch-{epoch:02d}", early, building.trained(recipe, working / runs.snapshot_file(epoch)),
                              runs.cut(history, epoch), root, data_folder)  # fmt: skip
    print(f"{name}: shipped to {root / name}", file=log)
    return card
