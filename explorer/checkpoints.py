"""The registry: which models there are, their cards, their files and whether these are whole.

A checkpoint is a folder `checkpoints/<name>/` with `card.json`, `model.keras`, for most an `encodings.npz`, and
`SHA256SUMS` (as `sha256sum` writes it) over the others. Judges live in `checkpoints/judges/<name>/`. Another root can be
named by the environment variable `EXPLORER_CHECKPOINTS`.
"""

import hashlib
import io
import json
import os
import re
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.errors import ExplorerError, InputError, UnknownName

SUMS, CARD, MODEL, ENCODINGS, SHEET = "SHA256SUMS", "card.json", "model.keras", "encodings.npz", "sheet.webp"
DIRECTIONS, PRIOR, PCA, MAP, EPOCHS = "directions.npz", "prior.npz", "pca.npz", "tsne.npz", "epochs.webp"
CARD_KEYS = ("name", "kind", "title", "latent_shape", "image_shape", "parameters", "bytes", "data", "licence", "source",
             "metrics", "recipe")  # fmt: skip
_NAME = re.compile(r"(judges/)?\w[\w.-]{0,99}", re.ASCII)  # of a folder here, never of one elsewhere
_locks, _made = defaultdict(threading.RLock), {}


class CheckpointError(ExplorerError, RuntimeError):
    """A checkpoint's file is missing or is not what was shipped; the message names file, expected and found SHA-256."""


@dataclass(frozen=True)
class Encodings:
    """A test set's encodings: `z_mean` float32 (n, d), `z_log_var` float32 (n, d) or None, `labels` uint8 (n,).

    Of faces, a gallery of some hundreds; `labels` uint8 (n, 40) are then the attributes that the judge sees in them decoded.
    """

    z_mean: np.ndarray
    z_log_var: np.ndarray | None
    labels: np.ndarray


def root():
    """The folder that holds the checkpoints."""
    return Path(os.environ.get("EXPLORER_CHECKPOINTS") or Path(__file__).parent.parent / "checkpoints")


def names():
    """The names of all checkpoints, whole or not."""
    return _names(root())


def _names(folder):
    return sorted({path.parent.name for file in (SUMS, CARD, MODEL) for path in folder.glob(f"*/{file}")})


def models():
    """The cards (dicts) of all checkpoints whose card is whole, in the order in which they are shown; loads no model."""
    cards = []
    for name in names():
        try:
            cards.append(card(name))
        except CheckpointError:
            continue  # `card` and `load` of that name say what is wrong with it
    return sorted(cards, key=lambda c: (c.get("order", 99), c["name"]))


def card(name):
    """The card of a checkpoint (dict). Raises KeyError for an unknown name, CheckpointError for a damaged file."""
    return json.loads(read(name, CARD))


def encodings(name):
    """The `Encodings` of a checkpoint's test set. Raises KeyError or CheckpointError as `card` does."""
    return _once(_encodings, name)


def directions(name):
    """The `Directions` of a checkpoint, by attribute; raises as `card` does, and KeyError for a model without attributes."""
    return _once(_directions, name)


def receipts(name):
    """What one unit of each direction does to every attribute, {hold: float32 (k, k)}; see `training.faces.receipts`."""
    stored = arrays(name, DIRECTIONS)
    return {key.removeprefix("receipts_"): stored[key].astype("float32") for key in stored if key.startswith("receipts_")}


def histograms(name):
    """Counts of each dimension of z over 40 bins from -4 to 4, sampled for held-out faces: (d, 40)."""
    return arrays(name, DIRECTIONS)["histograms"]


def fitted_gaussian(name):
    """Mean (d,) and factor (d, d) of the Gaussian fitted to a plain autoencoder's codes, where these are too many for its card."""
    stored = arrays(name, PRIOR)
    return stored["mean"].astype("float64"), stored["factor"].astype("float64")


def fitted_mixture(name):
    """Arrays of the mixture of Gaussians fitted to a VAE's codes: see `training.mixture.fit`."""
    return arrays(name, PRIOR)


def arrays(name, file):
    """The arrays of one of a checkpoint's NumPy files (dict), the same object each time; raises as `card` does."""
    return _once(_arrays, f"{name}:{file}")


def load(name, image_size=None):
    """A `Generator` by name; the same object each time. Raises KeyError naming the known ones, or CheckpointError.

    A text-to-image model that does not ship may be one of KerasHub's presets ("stable_diffusion_3_medium"), a preset folder, or a
    kaggle:// or hf:// handle, in an `image_size` of one's choice: see `presets.load`.
    """
    from explorer import presets

    if presets.is_preset(name) and name not in names():  # in this order: a drag asks at every move
        return presets.load(name, image_size)
    if image_size is not None:
        raise InputError(f"{name} has a size of its own: image_size is for text-to-image models that do not ship")
    return _once(_load, name)


def judge(name):
    """A `Judge` by name ("digits", "fashion"), which maps pictures to class probabilities; "framing" is a `Framer`, which finds
    faces. Raises as `load` does."""
    return _once(_judge, name)


def read(name, file):
    """The bytes of a checkpoint's file, checked against SHA256SUMS."""
    expected = _sums(name)
    if file not in expected:
        raise CheckpointError(f"checkpoints/{name}/{SUMS} is damaged (it does not list {file}). {_remedy(name)}")
    try:
        data = (root() / name / file).read_bytes()
    except OSError as error:
        raise CheckpointError(_damage(name, file, expected[file], "no such file")) from error
    found = hashlib.sha256(data).hexdigest()
    if found != expected[file]:
        raise CheckpointError(_damage(name, file, expected[file], found))
    return data


def _sums(name):
    """{file: SHA-256} of a checkpoint."""
    folder = root() / name
    if not _NAME.fullmatch(name) or not any((folder / part).is_file() for part in (SUMS, CARD, MODEL)):
        known = _names(root() / "judges" if name.startswith("judges/") else root())
        raise UnknownName(f"no checkpoint {name.removeprefix('judges/')!r}; there are {', '.join(known) or 'none'}")
    try:
        lines = (folder / SUMS).read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise CheckpointError(f"checkpoints/{name}/{SUMS} is missing: {_remedy(name)}") from error
    pairs = [line.split(maxsplit=1) for line in lines]
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}


def _damage(name, file, expected, found):
    return f"checkpoints/{name}/{file} is damaged (expected SHA-256 {expected}, found {found}). {_remedy(name)}"


def _remedy(name):
    run = name.partition("-epoch-")[0]  # the steps of a run come with it
    return f"Restore it with `git checkout -- checkpoints/{name}` or train it: `python -m explorer train {run}`"


def seal(folder):
    """Write SHA256SUMS over the files of a checkpoint's folder."""
    folder = Path(folder)
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    files = sorted(name for name in paths if name != SUMS and not name.startswith("run/"))
    lines = [f"{hashlib.sha256(paths[name].read_bytes()).hexdigest()}  {name}\n" for name in files]
    Path(folder, SUMS).write_text("".join(lines), "utf-8")


def _once(make, name):
    """`make(name)`, made once for each root. Who asks for what is there never waits for what is being loaded."""
    key = make, root(), name
    if key not in _made:
        # the page's warm-up and a visitor's first call may come together; a lock a kind: encodings need not wait for Keras
        with _locks[make]:
            if key not in _made:
                _made[key] = make(name)
    return _made[key]


def _encodings(name):
    stored = _arrays(f"{name}:{ENCODINGS}")
    log_var = stored.get("z_log_var")
    return Encodings(stored["z_mean"].astype("float32"), None if log_var is None else log_var.astype("float32"), stored["label"])


def _directions(name):
    from explorer.generators.directions import Directions

    attributes, learned = (card(name).get(key, []) for key in ("attributes", "learned"))
    if not attributes:
        raise UnknownName(f"{name} was trained without attributes, so it has no directions by name")
    stored = arrays(name, DIRECTIONS)
    statistics = (stored[key].astype("float64") for key in ("means", "counts", "covariance"))
    return Directions(attributes, *statistics, dict(zip(learned, stored.get("learned", ()), strict=True)))


def _load(name):
    kind = card(name)["kind"]
    if kind == "diffusion":
        from explorer.generators.diffusion import DiffusionGenerator

        return DiffusionGenerator(card(name), _keras_model(name))
    if kind == "text-to-image":
        from explorer.generators.text_to_image import TextToImageGenerator

        return TextToImageGenerator(card(name), _preset(name))
    if kind == "gan":
        from explorer.generators.gan import GanGenerator

        return GanGenerator(card(name), _keras_model(name))
    if kind not in ("ae", "vae"):
        raise CheckpointError(f"{name}/{CARD}: kind {kind!r} is not one that this version can load")
    from explorer.generators import family  # noqa: F401  the layers that some files name
    from explorer.generators.autoencoder import AutoencoderGenerator

    return AutoencoderGenerator(card(name), _keras_model(name))


def _judge(name):
    if name == "framing":
        from explorer.generators.framing import Framer

        return Framer(card(f"judges/{name}"), _keras_model(f"judges/{name}"))
    from explorer.generators.judge import Judge

    return Judge(card(f"judges/{name}"), _keras_model(f"judges/{name}"))


def _arrays(key):
    name, _, file = key.partition(":")
    with np.load(io.BytesIO(read(name, file))) as stored:
        return {key: stored[key] for key in stored.files}


def _keras_model(name):
    import keras

    read(name, MODEL)  # for the check; Keras wants a path
    try:
        return keras.saving.load_model(root() / name / MODEL, compile=False, safe_mode=True)
    except Exception as error:
        raise _of_another_version(name, MODEL, f"Keras {keras.__version__}", error) from error


def _preset(name):
    """A KerasHub preset in a checkpoint's folder, its files checked."""
    import keras_hub

    for file in _sums(name):
        read(name, file)
    try:
        return keras_hub.models.TextToImage.from_preset(str(root() / name))
    except Exception as error:
        raise _of_another_version(name, "config.json", f"KerasHub {keras_hub.__version__}", error) from error


def _of_another_version(name, file, library, error):
    """Whole, but of another version of this project or of a library."""
    return CheckpointError(
        f"checkpoints/{name}/{file} is whole, but {library} cannot load it: {(str(error).strip() or repr(error)).splitlines()[0]}"
    )
