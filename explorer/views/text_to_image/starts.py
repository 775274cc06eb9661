"""What is drawn over: a picture of another model or a visitor's own, where it may be drawn anew, and what lies outside."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from explorer import checkpoints, imaging
from explorer.generators import has_encodings
from explorer.generators.samplers import STRENGTH
from explorer.state import MASK_SIDE, StateError
from explorer.views import points

KEYS = ("image", "strength", "mask", "margin")
OUTSIDE = 0.9  # strength, if nothing is said, where there is a margin: little of what was smeared over it is to stay
NAMES = {"celeba": "A face", "flowers": "A flower", "fashion": "A garment", "mnist": "A digit"}  # by what a model learned


@dataclass(frozen=True)
class Start:
    """`image` (1, h, w, 3) in [0, 1], moved in by the margin; `mask` (1, h, w, 1), above 0 where it is drawn anew, or None."""

    image: np.ndarray
    mask: np.ndarray | None


def serves(card):
    """Whether a card's model makes pictures to draw over."""
    return card["kind"] in ("ae", "vae", "gan", "diffusion") and not card.get("refines") and (
        card["kind"] != "gan" or not card.get("conditional")
    )  # fmt: skip


def sources():
    """Of each kind of picture the first model that has a gallery, or else draws: [{"label", "model", "gallery": how many}]."""
    found = {}
    for card in sorted(filter(serves, checkpoints.models()), key=lambda card: not has_encodings(card)):
        label = NAMES.get(card["recipe"].get("data"), "A picture")
        if label not in found:
            try:
                gallery = len(checkpoints.encodings(card["name"]).z_mean) if has_encodings(card) else 0
            except checkpoints.CheckpointError:  # a damaged one: the next may serve
                continue
            found[label] = {"label": label, "model": card["name"], "gallery": gallery}
    order = [*NAMES.values(), "A picture"]
    return sorted(found.values(), key=lambda one: order.index(one["label"]))


def complete(full):
    """Fill in what a state that draws over a picture leaves out; StateError for what does not fit."""
    if full["what"] != "strengths" and not any(key in full for key in KEYS):
        return
    if "image" not in full:
        here = sources()
        if not here:
            raise StateError("there is no model here whose pictures could be drawn over", "what")
        full["image"] = f"{here[0]['model']}:{'g0' if here[0]['gallery'] else 0}"
    model, place = _place(full["image"])
    card = checkpoints.card(model) if model in checkpoints.names() else None
    if card is None or not serves(card):
        known = ", ".join(one["model"] for one in sources())
        raise StateError(f"image must be a picture of a model that makes some, such as {known}, got {full['image']}", "image")
    if isinstance(place, str):
        if not has_encodings(card):
            raise StateError(f"{model} has no gallery: image must be {model} and a seed, as in {model}:7", "image")
        points.in_gallery(model, int(place[1:]), "image")
    if sum(full.get("mask", ())) > MASK_SIDE**2:
        raise StateError(f"mask has {MASK_SIDE} x {MASK_SIDE} cells: its runs must be {MASK_SIDE**2} in all at most", "mask")
    full.setdefault("strength", OUTSIDE if full.get("margin") else STRENGTH)


def of(state, shape, picture=None):
    """The `Start` of a complete state for pictures of `shape` (h, w, 3): its `image`, or a visitor's `picture` (h, w, c)."""
    image = _fitted(_drawn(state["image"]) if picture is None else picture, shape[:2])
    height, width = shape[:2]
    rows, columns = (round(side * state.get("margin", 0.0)) for side in shape[:2])
    mask = cells(state["mask"], (height, width)) if state.get("mask") else None
    if rows and columns:
        inner = _fitted(image, (height - 2 * rows, width - 2 * columns))
        sides = ((rows, rows), (columns, columns))
        image = np.pad(inner, (*sides, (0, 0)), mode="edge")
        frame = np.pad(np.zeros(inner.shape[:2], "float32"), sides, constant_values=1)
        mask = frame if mask is None else np.maximum(mask, frame)
    return Start(image[None], None if mask is None else softened(mask)[None, ..., None])


def softened(mask):
    """A mask (h, w) whose edge is soft inwards, a little, so that no seam is seen; where it was 0 it stays so."""
    reach = max(1, len(mask) // MASK_SIDE)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mask, reach, mode="edge"), (2 * reach + 1,) * 2)
    return (mask * windows.mean((2, 3))).astype("float32")


def cells(runs, size):
    """The mask that a state's runs say, as large as a picture: float32 (h, w)."""
    flags = np.zeros(MASK_SIDE**2, "float32")
    ends = np.cumsum(runs)
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        flags[start:end] = 1
    rows, columns = (np.arange(side) * MASK_SIDE // side for side in size)
    return flags.reshape(MASK_SIDE, MASK_SIDE)[rows][:, columns]


def _place(image):
    model, _, place = image.rpartition(":")
    return model, place if place.startswith("g") else int(place)


def _drawn(image):
    """The picture of a model and a place, float32 (h, w, c)."""
    model, place = _place(image)
    generator = checkpoints.load(model)
    if len(generator.latent_shape) > 1:
        return generator.decode(generator.prior(1, place))[0]
    return generator.decode(points.at(model, place, "image")[None])[0]


def _fitted(image, size):
    """A picture (h, w, 1 or 3) in [0, 1] in another size and in colour, in 256 steps as a file has it: float32 (*size, 3)."""
    height, width = size
    pixels = imaging.to_bytes(np.broadcast_to(image, (*image.shape[:2], 3)))
    if pixels.shape[:2] != tuple(size):
        pixels = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
    return pixels.astype("float32") / 255
