"""Data sets, for training and measuring only: nothing from here is ever shipped.

They are looked for in the folder named by the environment variable `EXPLORER_DATA` (`mnist.npz`, `fashion_mnist.npz`), then
in Keras' cache, which downloads them. Images come as float32 (n, h, w, c) in [0, 1], labels as uint8 (n,).
"""

import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

DIGITS = [str(digit) for digit in range(10)]
GARMENTS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

# name -> (file in EXPLORER_DATA, module of keras.datasets, class names, licence of the data)
_SETS = {
    "mnist": ("mnist.npz", "mnist", DIGITS, "MNIST, (c) Y. LeCun and C. Cortes, CC BY-SA 3.0"),
    "fashion": ("fashion_mnist.npz", "fashion_mnist", GARMENTS, "Fashion-MNIST, (c) 2017 Zalando SE, MIT"),
}
SPLITS = ("train", "test")


def classes(name):
    """The class names of a data set, in the order of its labels."""
    return _entry(name)[2]


def licence(name):
    """Who made the data set and on what terms."""
    return _entry(name)[3]


def load(name, split="train", image_size=28, folder=None):
    """Images float32 (n, image_size, image_size, 1) in [0, 1] and labels uint8 (n,); images are zero-padded to `image_size`.

    Raises ValueError for an unknown name or split or a damaged file, FileNotFoundError if `folder` is given and lacks the file.
    """
    file, module, _, _ = _entry(name)
    if split not in SPLITS:
        raise ValueError(f"split must be one of {SPLITS}, got {split!r}")
    folder = folder or os.environ.get("EXPLORER_DATA")
    if folder:
        path = Path(folder, file)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: put {file} there, or unset EXPLORER_DATA to let Keras download it")
        try:
            with np.load(path) as arrays:
                images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
            raise ValueError(f"{path} is damaged or another file than Keras' {file} ({error}): get it anew") from error
    else:
        import keras

        try:
            images, labels = getattr(keras.datasets, module).load_data()[SPLITS.index(split)]
        except Exception as error:  # Keras raises a bare Exception without a network
            raise FileNotFoundError(
                f"Keras could not download {name} ({error}): name a folder with {file} in EXPLORER_DATA"
            ) from error
    margin = image_size - images.shape[1]
    images = np.pad(images, ((0, 0), *((margin // 2, margin - margin // 2),) * 2))
    return (images.astype("float32") / 255)[..., None], labels.astype("uint8")


def _entry(name):
    if name not in _SETS:
        raise ValueError(f"no data set {name!r}; there are {', '.join(_SETS)}")
    return _SETS[name]
