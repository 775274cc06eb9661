"""`python -m explorer train NAME`: run a recipe and ship what it learned."""

import json
import sys
from pathlib import Path

from explorer import checkpoints
from explorer.training import recipes, runs, shipping


def train(name, data_folder=None, epochs=None, out=None, seed=None, log=None):
    """Train `name` and write `out/name` (default: the registry's root); returns its card.

    The run's state stays in `out/name/run`, so that training again with more epochs goes on from there. Raises KeyError
    for an unknown name, ValueError for a folder whose run has another seed.
    """
    log = log or sys.stderr
    recipe = recipes.recipe(name)
    asked = {key: value for key, value in {"epochs": epochs, "seed": seed}.items() if value is not None}
    for part in (recipe, *recipe.get("stages", {}).values()):
        part |= asked
    root = Path(out) if out else checkpoints.root()
    working = root / name / "run"
    working.mkdir(parents=True, exist_ok=True)
    written = working / "recipe.json"
    if written.is_file() and (before := json.loads(written.read_text("utf-8"))["seed"]) != recipe["seed"]:
        raise ValueError(f"{working} holds a run with seed {before}: go on with that, delete the folder, or name another --out")
    written.write_text(json.dumps(recipe, indent=1), "utf-8")
    if recipe["kind"] == "text-to-image":
        from explorer.training import presets, text_to_image  # they want KerasHub, which takes seconds to import

        print(f"{name}: {' and '.join(recipe['stages'])}, state and previews in {working}", file=log)
        card = presets.ship(name, recipe, *text_to_image.fit(recipe, working, data_folder, log), root, data_folder)
        print(f"{name}: shipped to {root / name}", file=log)
        return card
    print(f"{name}: {recipe['epochs']} epochs, state and preview in {working}", file=log)
    model, history = runs.fit(recipe, working, data_folder, shipping.preview(recipe, working / "preview.png"), log)
    card = shipping.ship(name, recipe, model, history, root, data_folder)
    for epoch in recipe.get("snapshots", ()):
        if (working / runs.snapshot_file(epoch)).is_file():
            early = recipes.snapshot_recipe(recipe, epoch)
            shipping.ship(f"{name}-epoch-{epoch:02d}", early, runs.trained(recipe, working / runs.snapshot_file(epoch)),
                          runs.cut(history, epoch), root, data_folder)  # fmt: skip
    print(f"{name}: shipped to {root / name}", file=log)
    return card
