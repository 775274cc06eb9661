"""Pictures as a file of any format: a sheet or a film, enlarged, within one bound on what a file may hold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer import imaging
from explorer.state import StateError

FILMS = {"gif": imaging.gif, "mp4": imaging.mp4}  # ending -> how frames become such a file
ENDINGS = ("png", *FILMS)
MOST_PIXELS = 16_000  # along a sheet's side
MOST_AREA = 64_000_000  # of a sheet
MOST_FILM = 70_000_000  # of all frames of a film together: 64 of 1024 x 1024


@dataclass(frozen=True)
class Drawn:
    """What a state shows, before it is drawn: `make()` -> `count` pictures, float in [0, 1] or uint8 (count, h, w, c)."""

    make: Callable[[], np.ndarray]
    count: int
    shape: tuple[int, ...]  # (h, w, c) of one
    columns: int = 1  # of a sheet
    size: int | None = 512  # pixels along a picture's side, if the state names none; None: always as it is
    cells: int = 1  # pictures of that side along a side of one of these, which are sheets themselves
    gap: int = 4  # between pictures of a sheet
    moves: bool = False  # whether they are frames
    pause: int = 0  # so many frames more for a look at the last one
    counted: str = "pictures in a row"  # what bounds a sheet's width, in words


def is_film(ending):
    """Whether files of this ending move; StateError for an ending that is none of `ENDINGS`."""
    if ending not in ENDINGS:
        raise StateError(f"the file must end in {', '.join('.' + e for e in ENDINGS)}, got .{ending}")
    return ending in FILMS


def file(drawn, size, ending, written):
    """The bytes of a file of pictures, with the state `written` inside; StateError for one that would be too large."""
    size = drawn.size if size is None or drawn.size is None else size
    if ending in FILMS:
        if not drawn.moves:
            raise StateError(f"a {ending.upper()} shows a walk: it needs what=strip or what=trajectory", "what")
        _check_film(drawn, size)
        images = imaging.to_bytes(drawn.make())
        frames = (enlarged(image[None], size * drawn.cells)[0] for image in _paused(images, drawn.pause))
        return FILMS[ending](frames, written)
    if size is None:
        return imaging.png(drawn.make()[0], written)
    _check_sheet(drawn, size)
    images = enlarged(imaging.to_bytes(drawn.make()), size * drawn.cells)
    return imaging.png(imaging.grid(images, drawn.columns, gap=drawn.gap if len(images) > 1 else 0), written)


def _paused(images, pause):
    yield from images
    yield from images[-1:].repeat(pause, 0)


def enlarged(images, size):
    """uint8 (n, h, w, c), `size` pixels wide: smoothly what is in colour, in whole pixels what is grey and small."""
    if images.shape[-1] == 1:
        return imaging.enlarged(images, size)
    height, width = images.shape[1:3]
    resized = [imaging.to_pillow(image).resize((size, round(size * height / width)), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in resized])


def _check_sheet(drawn, size):
    columns = drawn.columns * drawn.cells
    if columns * size > MOST_PIXELS:
        raise StateError(f"{drawn.counted} x size must be at most {MOST_PIXELS} pixels, got {columns} x {size}", "size")
    count = drawn.count * drawn.cells**2
    if count * size**2 > MOST_AREA:
        limit = MOST_AREA // 10**6
        raise StateError(f"a sheet may have {limit} megapixels, got {count} pictures of {size} x {size}: lower size", "size")


def _check_film(drawn, size):
    height, width = drawn.shape[:2]
    wide = size * drawn.cells
    high, frames = round(wide * height / width), drawn.count + drawn.pause
    if frames * wide * high > MOST_FILM:
        limit = MOST_FILM // 10**6
        raise StateError(
            f"a film may have {limit} megapixels in all, got {frames} frames of {wide} x {high}: lower size or frames", "size"
        )
