"""Places of a model's latent space as they stand in a link, and the pictures at a state's points: what the views share.

A place is a seed (7), a picture of the model's encodings ("g12"), or the coordinates themselves (a tuple of numbers).
"""

import numpy as np

from explorer import checkpoints, geometry
from explorer.generators import has_encodings
from explorer.generators.base import Generator
from explorer.state import DECIMALS, LIMIT, StateError

TOGETHER = 64  # frames decoded at once
FINE = 8  # pictures looked at for each frame that is to be evenly spaced
FINE_PAINTED = 2  # ... of those that a refiner paints out, which are smooth enough: steps come within a fifth of each other
MOST_FINE = 1200  # ... in all: two a frame of the longest walk
_MARGIN = 1.25  # how much further than its three places a plane is shown


def usual(name, state, fits):
    """The model of a state that names none: `name`; of one that says nothing, if it is not here, the first that `fits`."""
    here = not set(state) <= {"view", "what"} or name in checkpoints.names()
    return name if here else next((card["name"] for card in checkpoints.models() if fits(card)), name)


def check(card, places, key="corners"):
    """StateError for places that do not fit the model, before any network is loaded."""
    size = int(np.prod(card["latent_shape"]))
    for place in places:
        if place == "":
            raise StateError(f"a place in {key} is open: put a seed (7), a gallery face (g12) or coordinates there", key)
        if isinstance(place, tuple) and len(place) != size:
            raise StateError(f"a place in {key} must be {size} numbers for {card['name']}, got {len(place)}", key)
        if isinstance(place, str) and not has_encodings(card):
            raise StateError(f"{card['name']} has no gallery: places in {key} must be seeds (7) or coordinates, got {place}", key)
        if isinstance(place, str):
            in_gallery(card["name"], int(place[1:]), key)


def at(model, place, key="corners", truncation=1.0):
    """The point of a place: float32 (d,); `key`: of the state, which names it; `truncation`: of a seed's, see `truncated`."""
    if isinstance(place, tuple):
        return np.array(place, "float32")
    if isinstance(place, int):
        card = checkpoints.card(model)
        # a model whose draws are fitted to its codes is asked; the others need no decoder for it
        fitted = {"fitted_gaussian", "fitted_mixture"} & set(card)
        generator = checkpoints.load(model) if fitted else Generator(card, None)
        return np.round(truncated(generator, generator.prior(1, seed=place), truncation)[0], DECIMALS)
    return np.round(in_gallery(model, int(place[1:]), key), DECIMALS)


def truncated(generator, z, truncation):
    """Points of the prior (n, d), so many times as far from its mean: below 1 they are more usual, and more alike (the truncation
    trick as Karras et al. 2019, arXiv:1812.04948, do it in their space of styles)."""
    if truncation == 1:
        return z
    mean = generator.prior_mean()
    return (mean + np.float32(truncation) * (z - mean)).astype("float32")


def in_gallery(model, index, key):
    """The point of a picture of a model's gallery, float32 (d,); StateError naming the `key` if there is none such."""
    gallery = checkpoints.encodings(model).z_mean
    if index >= len(gallery):
        what = "faces" if checkpoints.card(model).get("attributes") else "pictures"
        raise StateError(f"the gallery of {model} has the {what} 0 to {len(gallery) - 1}, not {index}", key)
    return gallery[index]


def plane_through(model, places):
    """The `Plane` through three places, and the window that shows them: center (x, y) and extent, in the plane's coordinates."""
    points = np.stack([at(model, place) for place in places]).astype("float64")
    try:
        plane = geometry.Plane.through(*points)
    except ValueError:
        words = "three places on one line span no plane: choose another seed or point for one of corners"
        raise StateError(words, "corners") from None
    found = plane.coordinates(points)
    center = np.round(np.clip(found.mean(0), -LIMIT, LIMIT), DECIMALS)
    extent = round(min(_MARGIN * float(np.abs(found - center).max()), LIMIT), DECIMALS)
    return plane, tuple(center.tolist()), max(extent, 0.001)


def with_label(full, card):
    """A state with the class that a conditional model draws, the first if none is named; StateError where it does not fit."""
    check_label(full, card)
    return {"label": 0, **full} if card.get("conditional") else full


GUIDANCE = ("guidance_rescale", "guidance_interval")


def with_guidance(full):
    """A state with the usual guidance of its sampler filled in; StateError for an interval that ends before it begins."""
    full = {"guidance_rescale": 0.0, "guidance_interval": (0.0, 1.0), **full}
    low, high = full["guidance_interval"] = tuple(map(float, full["guidance_interval"]))
    if low > high:
        raise StateError(f"guidance_interval must be two times from 0 to 1, the lower first, got {low:g},{high:g}", GUIDANCE[1])
    return full


def check_label(state, card):
    """StateError where a state's class, or the guidance towards it, does not fit its model."""
    if not card.get("conditional"):
        for key in ("label", "guidance_scale", *GUIDANCE):
            if key in state:
                raise StateError(f"{card['name']} was trained without classes: leave {key} out", key)
    elif state.get("label", 0) >= len(card["classes"]):
        most = len(card["classes"]) - 1
        raise StateError(f"label must be a whole number from 0 to {most} for {card['name']}, got {state['label']}", "label")


def decode(state, z):
    """The pictures at points of a state's model, of its class if it draws by class: float (n, d) -> float32 (n, h, w, c)."""
    return checkpoints.load(state["model"]).decode(z, label=state.get("label"))


def decode_frames(state, z):
    """As `decode`, of a walk however long: so many at a time that what the decoder needs meanwhile does not grow."""
    return np.concatenate([decode(state, z[i : i + TOGETHER]) for i in range(0, len(z), TOGETHER)])


def root_mean_square_steps(frames):
    """How much each frame differs from the one before: (n, h, w, c) -> (n - 1,)."""
    return np.sqrt(np.square(np.diff(frames, axis=0)).mean((1, 2, 3)))


def stops_of(a, b, state):
    """The points of a walk: from a to b, and between them those of the state's `via`, (n, d)."""
    return np.stack([a, *(at(state["model"], place, "via") for place in state.get("via", ())), b])


def walk(a, b, state, steps=root_mean_square_steps, painted=None):
    """`frames` pictures from a to b by the state's model, kind, part, loop, spacing and stops, with their points and positions.

    Even spacing evens out what `steps` measures between neighbours on a way eight times as fine, of a long walk on one of
    `MOST_FINE` steps. `painted` says what is shown instead of pictures (n, h, w, c): then that is evened out, looked at twice a
    frame.
    """
    path, change = geometry.Path.through(stops_of(a, b, state), state["kind"], closed=state["closed"]), None
    if state["even"]:
        count = min((FINE_PAINTED if painted else FINE) * state["frames"], MOST_FINE)
        change = _change(state, path.at(np.linspace(state["start"], state["stop"], count + 1)), steps, painted)
    ts = path.positions(state["frames"], state["start"], state["stop"], change)
    z = np.round(path.at(ts), DECIMALS)
    return decode_frames(state, z), z, ts


def _change(state, z, steps, painted):
    """What `steps` measures between neighbours among the pictures at z (n, d), summed from the first on: (n,)."""
    found, last, most = [0.0], [], FINE * TOGETHER + 1
    for i in range(0, len(z), most):
        images = decode(state, z[i : i + most])
        images = np.concatenate([*last, painted(images) if painted else images])
        found += [*steps(images)]
        last = [images[-1:]]
    return np.cumsum(found)


def corners_of(state):
    """The points of a state's corners: float32 (k, d)."""
    return np.stack([at(state["model"], place) for place in state["corners"]])


def total(corners):
    """A - B + C: float32 (3, d) -> (d,)."""
    a, b, c = corners
    return np.round(a - b + c, DECIMALS)
