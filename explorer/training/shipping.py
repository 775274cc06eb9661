"""What a finished run leaves behind: the checkpoint's folder, all of it measured on the weights as they are stored."""

import logging
from pathlib import Path

from explorer import checkpoints
from explorer.generators.files import Files
from explorer.training import kinds, storing

_log = logging.getLogger(__name__)


def ship(name, recipe, model, history, root, data_folder=None):
    """Write `root/name`: the model (float16), what its kind keeps beside it, card with metrics, SHA256SUMS; returns the card."""
    kind = kinds.of(recipe)
    _log.info("%s: storing the model, then measuring it as it is stored, on data that it never saw", name)
    if hasattr(kind, "ship"):  # not one Keras file
        return kind.ship(name, recipe, model, history, root, data_folder)
    files = Files(Path(root, name))
    files.path.mkdir(parents=True, exist_ok=True)
    storing.save(model, files.path / checkpoints.MODEL)
    made = kinds.kind_of(recipe).made
    stored = made.load_model(files)
    card = storing.card_of(name, recipe, history) | kind.describe(recipe, stored)
    kind.keep(card, files.path, made(card, stored, files), data_folder)
    return storing.seal(files.path, card)


def preview(recipe, path):
    """A callback for a run, `preview(model, epoch)`: writes what the model shows now to `path`; None of what shows nothing."""
    kind = kinds.of(recipe)
    return kind.preview(recipe, path) if hasattr(kind, "preview") else None
