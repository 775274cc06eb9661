"""Pictures that display themselves: below a notebook's cell, or on their own as something to save. No Keras, no Gradio."""

import base64
import math
import os
from html import escape
from pathlib import Path

import numpy as np

from explorer import imaging
from explorer.errors import InputError

SIDE = 128  # pixels to which small pictures are enlarged
WIDTH = 1024  # ... of a sheet, which more columns than fit do not exceed by enlargement
MOST = 64_000_000  # pixels of a sheet
SAMPLES = 8  # of a generator's row


class Sheet:
    """Pictures as one that a notebook displays, and that `save` writes. `pixels`: uint8 (h, w, c)."""

    def __init__(self, pixels, said):
        self.pixels, self._said = pixels, said

    def __repr__(self):
        return f"<{self._said}: .save(path) writes it>"

    def _repr_png_(self):
        return imaging.png(self.pixels)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a PNG; InputError for another ending."""
        path = Path(path)
        if path.suffix.lower() != ".png":
            raise InputError(f"the file must end in .png, got {path.name!r}")
        path.write_bytes(self._repr_png_())


def show(pictures, columns: int | None = None) -> Sheet:
    """Pictures, float (n, h, w, c) or one (h, w, c) in [0, 1], c 1 or 3, as one picture that displays itself, row by row.

    `columns`: how many in a row (default: about as many as rows, and all of them up to ten). Small pictures are enlarged in whole
    pixels. Raises InputError for another shape, none at all, or values that are not finite or leave [0, 1].
    """
    try:
        images = np.asarray(pictures)
    except ValueError:
        raise InputError("pictures must be of one shape, to stand in rows") from None
    images = images[None] if images.ndim == 3 else images
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or not images.size:
        raise InputError(f"pictures must have shape (n, h, w, c) or (h, w, c), c 1 or 3, got {np.shape(pictures)}")
    if images.dtype != np.uint8 and not (images.min() >= 0 and images.max() <= 1):  # so that NaN fails as well
        raise InputError(f"pictures must lie in [0, 1], got values from {images.min():g} to {images.max():g}")
    n, height, width, _ = images.shape
    if columns is None:
        columns = n if n <= 10 else math.ceil(math.sqrt(n))
    if isinstance(columns, bool) or not isinstance(columns, int | np.integer) or columns < 1:
        raise InputError(f"columns must be a whole number from 1, got {columns!r}")
    columns = min(int(columns), n)
    size = max(min(SIDE, WIDTH // columns), height, width)
    large = imaging.enlarged(images[:1], size).shape
    if n * large[1] * large[2] > MOST:
        raise InputError(f"a sheet may have {MOST // 10**6} megapixels, got {n} pictures of {height} x {width}: show fewer")
    sheet = imaging.grid(imaging.enlarged(imaging.to_bytes(images), size), columns, gap=2 if n > 1 else 0)
    return Sheet(sheet, f"{n} picture{'s' if n > 1 else ''} of {height} x {width}")


def described(title, facts, pictures=None):
    """HTML of a title, of `facts` [(name, value)] as a small table, and of pictures (n, h, w, c), if any, in a row."""
    left = 'style="text-align: left"'  # of cells, which notebooks set to the right
    rows = "".join(f"<tr><th {left}>{escape(str(name))}</th><td {left}>{escape(str(value))}</td></tr>" for name, value in facts)
    image = ""
    if pictures is not None:
        data = base64.b64encode(show(pictures, len(pictures))._repr_png_()).decode()
        image = f'<img alt="{len(pictures)} pictures" src="data:image/png;base64,{data}" style="max-width: 100%">'
    return f"<div><strong>{escape(str(title))}</strong><table>{rows}</table>{image}</div>"
