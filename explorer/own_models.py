"""One's own models: where `explorer.load` finds what is not in the registry, and what the registry is told of it.

Only who runs the program names paths and handles; a visitor's word goes to `checkpoints.load`, which knows names alone.
"""

import os
import re
from pathlib import Path
from typing import Any

from explorer import checkpoints, presets
from explorer.errors import CheckpointError, ExplorerError, InputError, UnknownName
from explorer.generators import own_files
from explorer.generators.base import Generator
from explorer.generators.files import CARD, MODEL

HUB = "hf://"


def load(
    model: Any,
    image_size: int | None = None,
    *,
    name: str | None = None,
    encoder: Any = None,
    encodings: dict | None = None,
    card: dict | None = None,
) -> Generator:
    """A `Generator`; the same object each time.

    `model`: the name of one of `explorer.models()`; one's own decoder as a `.keras` file, a folder (`checkpoints/README.md` says
    what may lie in it), or "hf://user/repo" with the same files, which is fetched; a Keras model that maps a vector to a picture;
    or a text-to-image model that does not ship, by its KerasHub preset, folder or handle, in an `image_size` of one's choice.

    One's own is listed under `name` (the file's or folder's if none is given) from then on, and shown in every view that fits.
    With a Keras model may come an `encoder`, `encodings` as in `encodings.npz` ({"z_mean": (n, d), "label": (n,), ...}), and what
    a `card` says, such as {"pixels": [-1, 1]}.

    Raises KeyError naming the known ones, or CheckpointError saying what is wrong with a file, or what nothing tells of a model.
    """
    files = None
    if not isinstance(model, str | os.PathLike):
        if not callable(model):
            raise InputError(f"model must be a name, a path or a Keras model, got {type(model).__name__}")
        files = own_files.OwnFiles(_name(name or getattr(model, "name", "mine"), name), None, model, encoder, encodings, card or {})
    elif not any(option is not None for option in (image_size, encoder, encodings, card)):
        files = _files(os.fspath(model), name)
    if files is None:
        if any(option is not None for option in (name, encoder, encodings, card)):
            raise InputError(
                f"name, encoder, encodings and card are for models of your own, and there is no file or folder {model}"
            )
        return checkpoints.load(os.fspath(model), image_size)
    return checkpoints.add(files)


def show(paths):
    """Load models of one's own for the page; InputError says which cannot be, and why."""
    for path in paths:
        try:
            if not path.startswith(HUB) and not Path(path).exists():
                raise InputError(f"there is no file or folder {path}")
            load(path if path.startswith(HUB) else os.path.abspath(path))  # a folder, even where a model is called so
        except ExplorerError as error:
            raise InputError(f"--model {path}: {error}") from error


def _files(place, name):
    """The files of a path or handle, or None for what is a name."""
    if place.startswith(HUB):
        folder = fetched(place)
        return folder and _folder(folder, name or place.rstrip("/").rpartition("/")[2], name)
    if presets.is_preset(place) or place in checkpoints.names() or place.startswith("judges/"):
        return None
    elsewhere = os.sep in place or place.endswith((".keras", ".h5", ".hdf5"))
    try:
        path = Path(place).expanduser().resolve()
        if path.is_dir() and (elsewhere or any(path.glob("*.keras"))):
            return _folder(path, name or path.name, name)
        if elsewhere and path.is_file():
            return own_files.of_file(_name(name or path.stem, name), path)
    except (OSError, RuntimeError, ValueError):
        pass
    if elsewhere:
        raise UnknownName(f"there is no file or folder {place}; there are {', '.join(checkpoints.names())}")
    return None


def _folder(path, usual, name):
    if (path / checkpoints.SUMS).is_file() and (path / MODEL).is_file() and (path / CARD).is_file():  # as `train` leaves it
        if path.parent != checkpoints.root().resolve():
            if _name(usual, usual) != path.name:
                raise InputError(f"{path.name} was made by `train` and is known by the name of its folder: rename that")
            return checkpoints.Sealed(path.name, path.parent)
        return checkpoints.files(path.name)
    return own_files.of_folder(_name(usual, name), path)


def _name(wanted, given):
    """A name for one's own as it may stand in a link. Raises InputError if the `given` one cannot, or is a shipped model's."""
    name = re.sub(r"[^\w.-]+|^\W+", "-", wanted, flags=re.ASCII).strip("-.")[:80] or "mine"
    if given is not None and name != given:
        raise InputError(f"name must have letters, digits, - and _ only, as in {name!r}, got {given!r}")
    if name in checkpoints.names() and not checkpoints.added(name):
        if given is not None:
            raise InputError(f"there is a model {name} already: choose another name")
        return f"{name}-own"
    return name


def fetched(handle):
    """The folder with the files of a model of the Hugging Face Hub, fetched on the word of who asks: networks, arrays and the card.
    None where it is no model of this kind, but a preset of KerasHub."""
    import huggingface_hub
    from huggingface_hub.constants import HF_HOME

    repository = handle.removeprefix(HUB).strip("/")
    try:
        files = huggingface_hub.list_repo_files(repository)
    except Exception:  # no network, no such repository: KerasHub says so in its words
        return None
    if "task.json" in files or not any(file.endswith(".keras") for file in files):
        return None
    folder = Path(HF_HOME, "latent-explorer", repository.replace("/", "--"))
    wanted = ["*.keras", "*.npz", CARD, checkpoints.SUMS, checkpoints.SHEET]
    try:
        huggingface_hub.snapshot_download(repository, allow_patterns=wanted, local_dir=folder)  # files, and no links into a cache
    except Exception as error:
        raise CheckpointError(f"{handle} could not be fetched: {(str(error).strip() or repr(error)).splitlines()[0]}") from error
    return folder
