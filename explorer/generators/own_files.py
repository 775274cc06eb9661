"""The files of one's own model: a folder, or one file of it, that somebody else wrote and no sums vouch for. NumPy only.

Nothing outside of the folder is read, and nothing that is pickled: what lies in it are numbers and words.
"""

import io
import zipfile
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from explorer.errors import CheckpointError
from explorer.generators import directions
from explorer.generators.files import CARD, ENCODINGS, MODEL, Files

DECODER, ENCODER = "decoder.keras", "encoder.keras"
MOST_BYTES = 2**32  # of a file
MOST_CLASSES = 256


@dataclass(frozen=True, eq=False)  # the same as itself only: what was made of it is kept as long as it is
class OwnFiles(Files):
    """The parts of one's own model: names of files in the folder `path`, or what they hold.

    `decoder`, `encoder`: Keras networks, or None; `codes`: {key: array}, or None; `said`: the entries of the card (dict) where the
    folder is not to be asked for them.
    """

    name: str
    path: Path | None = None  # type: ignore[assignment]  # None: nothing on disk
    decoder: Any = None
    encoder: Any = None
    codes: Any = None
    said: dict | None = None

    def names(self):
        return [part for part in (self.decoder, self.encoder, self.codes) if isinstance(part, str)]

    def read(self, file):
        """The bytes of a file in the folder. Raises CheckpointError for one that is missing, or lies elsewhere."""
        if self.path is None:
            raise CheckpointError(f"{self.name} is a model of this process and has no file {file}")
        path = self.path / file
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise CheckpointError(f"{self.name}: {file} leads out of the model's folder, where nothing is read: put a copy into it")
        try:
            if path.stat().st_size > MOST_BYTES:
                raise CheckpointError(f"{self.name}: {file} is larger than {MOST_BYTES >> 30} GB")
            return path.read_bytes()
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.name}: {file} cannot be read: {getattr(error, 'strerror', None) or error}") from None

    def card(self):
        """What is said of the model: the bytes of its card.json, a dict, or None."""
        if self.said is not None or self.path is None or not (self.path / CARD).exists():
            return self.said
        return self.read(CARD)

    def arrays(self, file):
        """The arrays of `ENCODINGS` or of `directions.FILE` (dict): as given, and what follows from them."""
        if file == ENCODINGS and self.codes is not None:
            return self._encodings
        if file == directions.FILE and self.codes is not None and "attributes" in self._encodings:
            return self._statistics
        raise CheckpointError(f"{self.name} has no {file}")

    @cached_property
    def _encodings(self):
        return encodings(self.name, self.codes if isinstance(self.codes, dict) else self._load(self.codes))

    @cached_property
    def _statistics(self):
        z, having = self._encodings["z_mean"].astype("float64"), self._encodings["attributes"].astype(bool)
        means = [[z[~has].mean(0), z[has].mean(0)] for has in having.T]
        counts = [[(~has).sum(), has.sum()] for has in having.T]
        return {"means": np.array(means), "counts": np.array(counts), "covariance": np.atleast_2d(np.cov(z.T))}

    def _load(self, file):
        try:
            with np.load(io.BytesIO(self.read(file)), allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (ValueError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile):
            words = "is no .npz of plain arrays: write it by numpy.savez; pickled objects are not read"
            raise CheckpointError(f"{self.name}: {file} {words}") from None


def encodings(name, given):
    """The arrays of one's own encodings, checked: {"z_mean" float32 (n, d), "label" uint8 (n,), "classes" and, where they are
    given, "z_log_var" float32 (n, d), "attributes" uint8 (n, k) with "names" (k,)}.

    `given`: `z_mean` (n, d) and, if wanted, `z_log_var`; `label` (n,), numbers or words, with `classes`, the words for the numbers;
    `attributes` (n, k) of 0 and 1 with `names`, what they are called.
    """

    def wrong(words):
        return CheckpointError(f"{name}: encodings need {words}")

    z = np.asarray(given.get("z_mean", np.empty(0)))
    if z.ndim != 2 or z.dtype.kind not in "fiu" or len(z) < 2 or not np.isfinite(z).all():
        raise wrong('"z_mean", finite numbers (n, d), a row for each of at least 2 pictures')
    found = {"z_mean": z.astype("float32")}
    if "z_log_var" in given:
        found["z_log_var"] = np.asarray(given["z_log_var"]).astype("float32")
        if found["z_log_var"].shape != z.shape:
            raise wrong(f'"z_log_var" of the shape of "z_mean", {z.shape}, got {found["z_log_var"].shape}')
    if "attributes" in given:
        having, names = np.asarray(given["attributes"]), [str(part)[:40] for part in np.asarray(given.get("names", ())).ravel()]
        if having.shape != (len(z), len(names)) or not np.isin(having, (0, 1)).all():
            raise wrong('"attributes" of 0 and 1 (n, k), with "names", k words')
        if (having.min(0) == having.max(0)).any():
            raise wrong('"attributes" that some pictures have and some have not')
        plain = ["".join(c if c.isascii() and c.isalnum() else "_" for c in part) for part in names]  # as they stand in links
        if "" in plain or len(set(plain)) < len(plain):
            raise wrong('"names" that differ in their letters and digits')
        found |= {"attributes": having.astype("uint8"), "names": plain}
    label = np.asarray(given.get("label", found["attributes"][:, 0] if "attributes" in found else np.zeros(len(z), "uint8")))
    if label.shape != (len(z),):
        raise wrong(f'"label" for each of the {len(z)} pictures, got {label.shape}')
    classes = [str(part)[:60] for part in np.asarray(given.get("classes", ())).ravel()]
    if label.dtype.kind in "US":
        words, label = np.unique(label, return_inverse=True)
        classes = [str(part)[:60] for part in words]
    if label.dtype.kind not in "iub" or label.min() < 0 or label.max() >= MOST_CLASSES:
        raise wrong(f'"label" of words, or whole numbers from 0 to {MOST_CLASSES - 1}')
    count = int(label.max()) + 1
    if not classes and "label" not in given:
        classes = [f"without {found['names'][0]}", found["names"][0]] if "attributes" in found else ["encodings"]
    if len(classes) < count:
        classes += [str(i) for i in range(len(classes), count)]
    return found | {"label": label.astype("uint8"), "classes": classes}


@lru_cache(maxsize=64)
def _folder(name, path, stamp):
    """The parts of a folder; `stamp` (a tuple of files, their sizes and times) changes when they do."""
    files = {file for file, *_ in stamp}
    networks = sorted(file for file in files if file.endswith(".keras") and file != ENCODER)
    decoder = next((file for file in (DECODER, MODEL) if file in files), networks[0] if len(networks) == 1 else None)
    if decoder is None:
        raise CheckpointError(f"{name}: the folder has no {DECODER}: save the decoder under this name, decoder.save('{DECODER}')")
    codes = sorted(file for file in files if file.endswith(".npz"))
    codes = ENCODINGS if ENCODINGS in codes else codes[0] if len(codes) == 1 else None
    return OwnFiles(name, path, decoder, ENCODER if ENCODER in files else None, codes)


@lru_cache(maxsize=64)
def _file(name, path, stamp):
    return OwnFiles(name, path.parent, path.name, said={})


def of_folder(name, path):
    """The `OwnFiles` of a folder, the same object as long as its files are the same."""
    path = Path(path)
    return _folder(name, path, tuple(sorted(_stamp(file) for file in path.iterdir() if file.suffix in (".keras", ".npz", ".json"))))


def of_file(name, path):
    """The `OwnFiles` of one file, a decoder; what else lies in its folder is no part of it."""
    return _file(name, Path(path), _stamp(Path(path)))


def _stamp(file):
    status = file.lstat()
    return file.name, status.st_size, status.st_mtime_ns
