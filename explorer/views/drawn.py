"""Pictures as a file of any format: a sheet or a film, enlarged, within one bound on what a file may hold."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer import imaging
from explorer.state import StateError

# ending -> how frames become such a file
FILMS = {"gif": imaging.gif, "mp4": imaging.mp4, "webp": imaging.webp, "zip": imaging.frames_zip}
LATENTS = "npz"  # no pictures, but the points that they are decoded from
ENDINGS = ("png", *FILMS, LATENTS)
MOST_PIXELS = 16_000  # along a sheet's side
MOST_AREA = 64_000_000  # of a sheet
MOST_FILM = 70_000_000  # of all frames of a film together: 64 of 1024 x 1024
MOST_NUMBERS = 20_000_000  # in a file of latents


class NoPicture(StateError):
    """What a state shows is on the page alone, and no picture: its link is as good as any."""


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
    held: tuple[tuple[int, int], ...] = ()  # frames that stay: which, and for how many more
    fps: int | None = None  # frames in a second; None: a little more than eight
    counted: str = "pictures in a row"  # what bounds a sheet's width, in words
    latents: Callable[[], dict[str, np.ndarray]] | None = None  # what they are decoded from, by name, where there is such
    evaluations: int | None = None  # of the network, a picture's each for itself; None: one for each of the `count`

    @property
    def pause(self):
        """How many frames a film has besides."""
        return sum(more for _, more in self.held)


def is_film(ending):
    """Whether files of this ending are of frames; StateError for an ending that is none of `ENDINGS`."""
    if ending not in ENDINGS:
        raise StateError(f"the file must end in {', '.join('.' + e for e in ENDINGS)}, got .{ending}")
    return ending != "png"


def check(drawn, size, ending=None):
    """StateError for a file of these pictures that would be too large, before they are made; without an ending, for what fits
    none: neither a sheet nor, if it moves, a film."""
    size = drawn.size if size is None or drawn.size is None else size
    if size is None or ending == LATENTS:
        return
    if ending in FILMS:
        _check_film(drawn, size)
        return
    try:
        _check_sheet(drawn, size)
    except StateError:
        if ending or not drawn.moves:
            raise
        _check_film(drawn, size)


def file(drawn, size, ending, written):
    """The bytes of a file of pictures, with the state `written` inside; StateError for one that would be too large."""
    size = drawn.size if size is None or drawn.size is None else size
    if ending == LATENTS:
        return imaging.npz(_latents(drawn), written)
    if ending in FILMS:
        if not drawn.moves:
            raise StateError(f"a {ending.upper()} shows a walk: it needs what=strip or what=trajectory", "what")
        _check_film(drawn, size)
        zipped = ending == "zip"
        frames = _Frames(imaging.to_bytes(drawn.make()), size * drawn.cells, () if zipped else drawn.held)
        timed = {} if zipped or not drawn.fps else {"seconds": 1 / drawn.fps}
        return FILMS[ending](frames, written, **timed)
    if size is None:
        return imaging.png(drawn.make()[0], written)
    _check_sheet(drawn, size)
    images = enlarged(imaging.to_bytes(drawn.make()), size * drawn.cells)
    return imaging.png(imaging.grid(images, drawn.columns, gap=drawn.gap if len(images) > 1 else 0), written)


class _Frames:
    """Pictures (n, h, w, c) enlarged to `size`, some `held` longer: one after the other, as often as asked."""

    def __init__(self, images, size, held):
        self.images, self.size = images, size
        self.held = {at % len(images): more for at, more in held}

    def __iter__(self):
        for at, image in enumerate(self.images):
            frame = enlarged(image[None], self.size)[0]
            for _ in range(1 + self.held.get(at, 0)):
                yield frame


def _latents(drawn):
    if drawn.latents is None:
        raise StateError(f"a {LATENTS.upper()} holds the latents of pictures, and what this shows has none: use a .png", "what")
    found = drawn.latents()
    if sum(array.size for array in found.values()) > MOST_NUMBERS:
        raise StateError(f"a {LATENTS.upper()} may have {MOST_NUMBERS // 10**6} million numbers in all: lower frames", "frames")
    return found


def enlarged(images, size):
    """uint8 (n, h, w, c), the longer side `size` pixels: smoothly what is in colour, in whole pixels what is grey and small."""
    if images.shape[-1] == 1:
        return imaging.enlarged(images, size)
    height, width = sides(images.shape[1:3], size)
    resized = [imaging.to_pillow(image).resize((width, height), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in resized])


def sides(shape, size):
    """Height and width of pictures (h, w, ...) of which the longer side is `size` pixels; neither is nothing."""
    return tuple(max(1, round(size * side / max(shape[:2]))) for side in shape[:2])


def _check_sheet(drawn, size):
    columns = drawn.columns * drawn.cells
    if columns * size > MOST_PIXELS:
        raise StateError(f"{drawn.counted} x size must be at most {MOST_PIXELS} pixels, got {columns} x {size}", "size")
    count = drawn.count * drawn.cells**2
    if count * size**2 > MOST_AREA:
        limit = MOST_AREA // 10**6
        raise StateError(f"a sheet may have {limit} megapixels, got {count} pictures of {size} x {size}: lower size", "size")


def _check_film(drawn, size):
    (high, wide), frames = sides(drawn.shape, size * drawn.cells), drawn.count + drawn.pause
    if frames * wide * high > MOST_FILM:
        limit = MOST_FILM // 10**6
        raise StateError(
            f"a film may have {limit} megapixels in all, got {frames} frames of {wide} x {high}: lower size or frames", "size"
        )
