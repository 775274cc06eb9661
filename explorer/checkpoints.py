"""The registry: which models there are, their cards, their files and whether these are whole.

A checkpoint is a folder `checkpoints/<name>/` with `card.json`, `model.keras`, for most an `encodings.npz`, and
`SHA256SUMS` (as `sha256sum` writes it) over the others. Judges live in `checkpoints/judges/<name>/`. Another root can be
named by the environment variable `EXPLORER_CHECKPOINTS`. An installed package has the folder within, as `explorer/shipped`.
A folder with a `decoder.keras` and no sums is one's own model (`generators.own_files`), and so is what `add` was told of in this
process.
"""

import gc
import hashlib
import os
import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from explorer import generators, judges, memory
from explorer.errors import CheckpointError, InputError, UnknownName
from explorer.generators import cards, own_files
from explorer.generators.base import Card, Generator
from explorer.generators.directions import FILE as DIRECTIONS
from explorer.generators.directions import Directions
from explorer.generators.files import CARD, ENCODINGS, MODEL, Files
from explorer.generators.own_files import OwnFiles

SUMS, SHEET = "SHA256SUMS", "sheet.webp"
PRIOR, PCA, MAP, EPOCHS = "prior.npz", "pca.npz", "tsne.npz", "epochs.webp"
CARD_KEYS = ("name", "kind", "title", "latent_shape", "image_shape", "parameters", "bytes", "data", "licence", "source",
             "metrics", "recipe")  # fmt: skip
SHIPPED = Path(__file__).parent / "shipped"  # of an installed package alone
_NAME = re.compile(r"(judges/)?\w[\w.-]{0,99}", re.ASCII)  # of a folder here, never of one elsewhere
_locks: dict[Any, Any] = defaultdict(threading.RLock)
_made: dict[Any, Any] = {}
_loaded: dict[Any, Card] = {}  # the cards of the generators that are up, least lately used first
_loaded_lock = threading.Lock()
_added: dict[str, Any] = {}  # models from elsewhere, of this process


@dataclass(frozen=True)
class Encodings:
    """A test set's encodings: `z_mean` float32 (n, d), `z_log_var` float32 (n, d) or None, `labels` uint8 (n,).

    Of faces, a gallery of some hundreds; `labels` uint8 (n, 40) are then the attributes that the judge sees in them decoded. Of
    one's own model with attributes these are `attributes` uint8 (n, k), and `labels` its classes, or the first of them.
    """

    z_mean: np.ndarray
    z_log_var: np.ndarray | None
    labels: np.ndarray
    attributes: np.ndarray | None = None


@dataclass(frozen=True)
class Sealed(Files):
    """A checkpoint's files, by its name and the registry's root, checked against SHA256SUMS when they are read.

    Raises KeyError for an unknown name, CheckpointError for a damaged file.
    """

    name: str
    root: Path

    @property
    def shown(self):
        """How messages name the folder."""
        return f"checkpoints/{self.name}"

    @property
    def path(self) -> Path:  # type: ignore[override]  # worked out, where other files say where they are
        return self.root / self.name

    def names(self):
        return list(self.sums())

    def read(self, file):
        expected = self.sums()
        if file not in expected:
            raise CheckpointError(f"{self.shown}/{SUMS} is damaged (it does not list {file}). {self._remedy()}")
        try:
            data = (self.path / file).read_bytes()
        except OSError as error:
            raise CheckpointError(self._damage(file, expected[file], "no such file")) from error
        found = hashlib.sha256(data).hexdigest()
        if found != expected[file]:
            raise CheckpointError(self._damage(file, expected[file], found))
        return data

    def arrays(self, file):
        """The arrays of a NumPy file (dict), the same object each time."""
        return _once(_arrays, self, file)

    def card(self):
        """The bytes of the card."""
        return self.read(CARD)

    def sums(self):
        """{file: SHA-256}, as SHA256SUMS has it; raises as reading does."""
        if not _NAME.fullmatch(self.name) or not _is_checkpoint(self.path):
            known = _names(self.root / "judges") if self.name.startswith("judges/") else sorted({*_names(self.root), *_added})
            raise UnknownName(f"no checkpoint {self.name.removeprefix('judges/')!r}; there are {', '.join(known) or 'none'}")
        try:
            lines = (self.path / SUMS).read_text("utf-8", errors="replace").splitlines()
        except OSError as error:
            if not any(self.path.iterdir()):
                raise CheckpointError(f"{self.shown} is empty. {self._remedy()}") from error
            raise CheckpointError(f"{self.shown}/{SUMS} is missing: {self._remedy()}") from error
        pairs = [line.split(maxsplit=1) for line in lines]
        return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}

    def _damage(self, file, expected, found):
        return f"{self.shown}/{file} is damaged (expected SHA-256 {expected}, found {found}). {self._remedy()}"

    def _remedy(self):
        run = self.name.partition("-epoch-")[0]  # the steps of a run come with it
        restored = f"git checkout -- checkpoints/{self.name}"
        if self.root == SHIPPED:
            restored = "pip install --force-reinstall --no-deps latent-explorer"
        return f"Restore it with `{restored}` or train it: `python -m explorer train {run}`"


def root():
    """The folder that holds the checkpoints."""
    return _root(os.environ.get("EXPLORER_CHECKPOINTS"), SHIPPED)


@lru_cache(maxsize=8)  # a drag asks at every move
def _root(named, shipped):
    beside = Path(__file__).parent.parent / "checkpoints"
    return Path(named or (shipped if shipped.is_dir() else beside))


def workshop():
    """The folder that what is trained goes to: the root, or `checkpoints` here if the root is an installed package's own."""
    return Path("checkpoints") if root() == SHIPPED else root()


def names() -> list[str]:
    """The names of all checkpoints, whole or not."""
    return sorted({*_names(root()), *_added})


def _names(folder):
    try:
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name) and _is_checkpoint(path))
    except OSError:
        return []


def _is_checkpoint(folder):
    """Whether a folder is a checkpoint's, or was one before it was emptied; a training run before it ends has `run` alone."""
    try:
        found = {path.name for path in folder.iterdir()}
    except (OSError, ValueError):
        return False
    return folder.name != "judges" and (not found or bool(found & {SUMS, CARD, MODEL, own_files.DECODER}))


def files(name):
    """A checkpoint's files, as its generator is handed them."""
    if name in _added:
        return _added[name]
    path = root() / name
    try:
        own = _NAME.fullmatch(name) and (path / own_files.DECODER).is_file() and not (path / SUMS).is_file()
    except OSError:
        own = False
    return own_files.of_folder(name, path) if own else Sealed(name, root())


def add(files: Sealed | OwnFiles) -> Generator:
    """Let the registry know a model from elsewhere, for as long as this process lives; in the place of one that was added.

    What cannot be loaded is not added; raises CheckpointError then.
    """
    before = added(files.name)
    _added[files.name] = files
    try:
        return load(files.name)
    except BaseException:
        _added.pop(files.name)
        if before is not None:
            _added[files.name] = before
        raise


def added(name: str) -> Sealed | OwnFiles | None:
    """The files of a model that was added under a name, or None."""
    return _added.get(name)


def models() -> list[Card]:
    """The cards (dicts) of all checkpoints whose card is whole, in the order in which they are shown; loads no model."""
    found = []
    for name in names():
        try:
            found.append(card(name))
        except CheckpointError:
            continue  # `card` and `load` of that name say what is wrong with it
    return sorted(found, key=lambda c: (c.get("order", 99), c["name"]))


def card(name: str) -> Card:
    """The card of a checkpoint (dict), with what it does not say filled in, see `generators.cards`.

    Raises KeyError for an unknown name, CheckpointError for a damaged file or a card that says what cannot be.
    """
    return _card(files(name))


def _card(files):
    if isinstance(files, OwnFiles):
        return dict(_own(files)[0])
    return dict(_once(_completed, files, files.card()))


def _completed(files, data):
    where = f"{files.shown}/{CARD}"
    return cards.completed(cards.parsed(data, where), files.name.removeprefix("judges/"), files, where)


def _own(files):
    """Card and parts of one's own model."""
    found = _once(_derived, files)
    if isinstance(found, CheckpointError):
        raise found
    return found


def _derived(files):
    try:
        return generators.OWN.network.derived(files)
    except CheckpointError as error:  # kept too: each page asks for all cards
        return error.with_traceback(None)


def encodings(name: str) -> Encodings:
    """The `Encodings` of a checkpoint's test set. Raises KeyError or CheckpointError as `card` does."""
    return _once(_encodings, files(name))


def directions(name):
    """The `Directions` of a checkpoint, by attribute; raises as `card` does, and KeyError for a model without attributes."""
    return _once(_directions, files(name))


def receipts(name):
    """What one unit of each direction does to every attribute, {hold: float32 (k, k)}; see `training.face_measures.receipts`."""
    stored = arrays(name, DIRECTIONS)
    return {key.removeprefix("receipts_"): stored[key].astype("float32") for key in stored if key.startswith("receipts_")}


def histograms(name):
    """Counts of each dimension of z over 40 bins from -4 to 4, sampled for held-out faces: (d, 40)."""
    return arrays(name, DIRECTIONS)["histograms"]


def arrays(name, file):
    """The arrays of one of a checkpoint's NumPy files (dict), the same object each time; raises as `card` does."""
    return files(name).arrays(file)


def load(name: str, image_size: int | None = None) -> Generator:
    """A `Generator` by name, never by a path; the same object each time, as long as there is memory for it: beyond `memory.limit`
    the least lately used are given back, and loaded anew when they are asked for. Raises KeyError naming the known ones, or
    CheckpointError.

    A text-to-image model that does not ship may be one of KerasHub's presets ("stable_diffusion_3_medium"), a preset folder, or a
    kaggle:// or hf:// handle, in an `image_size` of one's choice: see `presets.load`.
    """
    from explorer import presets

    if presets.is_preset(name) and name not in names():  # in this order: a drag asks at every move
        return presets.load(name, image_size)
    if image_size is not None:
        raise InputError(f"{name} has a size of its own: image_size is for text-to-image models that do not ship")
    found = files(name)
    generator = _once(_load, found)
    _use(found, generator.card)
    return generator


def up() -> list[str]:
    """The names of the models that are loaded, least lately used first."""
    with _loaded_lock:
        return [files.name for files in _loaded]


def fits(card: Card) -> bool:
    """Whether the model of a card can be loaded without another being given back."""
    with _loaded_lock:
        others = [taken for files, taken in _loaded.items() if files.name != card["name"]]
    return sum(map(memory.estimated, [card, *others])) <= memory.limit()


def _use(found, card):
    """Note that a generator is used; where it is new and the limit is passed, give others back."""
    with _loaded_lock:
        new = _loaded.pop(found, None) is None
        _loaded[found] = card
        if not new:
            return
        taken, left = sum(map(memory.estimated, _loaded.values())), []
        while taken > memory.limit() and len(_loaded) > 1:
            oldest = next(iter(_loaded))
            taken -= memory.estimated(_loaded.pop(oldest))
            left.append(_made.pop((_load, oldest), None))  # who still draws with it keeps it until then
    if left:
        left.clear()
        gc.collect()  # Keras' models hold on to themselves in circles


def judge(name: str) -> Any:
    """A `Judge` by name ("digits", "fashion"), which maps pictures to class probabilities; "framing" is a `Framer`, which finds
    faces. Raises as `load` does."""
    return _once(_judge, files(f"judges/{name}"))


def witness(card):
    """The name of the judge whose word about a model's pictures is told: one that took no part in making it, where the recipe names
    one (`held_out_judge`), else its `judge`; None where there is none."""
    return card["recipe"].get("held_out_judge") or card["recipe"].get("judge")


def read(name, file):
    """The bytes of a checkpoint's file, checked against SHA256SUMS."""
    return files(name).read(file)


def seal(folder):
    """Write SHA256SUMS over the files of a checkpoint's folder."""
    folder = Path(folder)
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    files = sorted(name for name in paths if name != SUMS and not name.startswith("run/"))
    lines = [f"{hashlib.sha256(paths[name].read_bytes()).hexdigest()}  {name}\n" for name in files]
    Path(folder, SUMS).write_text("".join(lines), "utf-8")


def _once(make, *what):
    """`make(*what)`, made once. Who asks for what is there never waits for what is being loaded."""
    key = make, *what
    if key not in _made:
        # the page's warm-up and a visitor's first call may come together; a lock a kind: encodings need not wait for Keras
        with _locks[make]:
            if key not in _made:
                _made[key] = make(*what)
    return _made[key]


def _arrays(files, file):
    return Files.arrays(files, file)


def _encodings(files):
    stored = files.arrays(ENCODINGS)
    log_var = stored.get("z_log_var")
    log_var = None if log_var is None else log_var.astype("float32")
    return Encodings(stored["z_mean"].astype("float32"), log_var, stored["label"], stored.get("attributes"))


def _directions(files):
    card = _card(files)
    if not card.get("attributes"):
        raise UnknownName(f"{files.name} was trained without attributes, so it has no directions by name")
    return Directions.of(card, files.arrays(DIRECTIONS))


def _load(files):
    card = _card(files)
    kind = generators.kind_of(card)
    if isinstance(files, OwnFiles):
        return generators.OWN.made(*_own(files), files)
    if kind is None:
        raise CheckpointError(f"{files.shown}/{CARD}: kind {card['kind']!r} is not one that this version can load")
    return _opened(kind.made, card, files)


def _judge(files):
    card = _card(files)
    return _opened(judges.kind_of(card).made, card, files)


def _opened(made, card, files):
    """An object of a class of ours, its model loaded as the class says."""
    try:
        model = made.load_model(files)
    except CheckpointError:
        raise
    except Exception as error:  # whole, but of another version of this project or of a library
        library, module = made.library
        raise CheckpointError(
            f"{files.shown}/{made.file} is whole, but {library} {import_module(module).__version__} cannot load it: "
            f"{(str(error).strip() or repr(error)).splitlines()[0]}"
        ) from error
    return made(card, model, files)
