"""The faces view: from its state to the face with its attributes, strips, attribute planes and A - B + C.

A face is a place in a face model's latent space, see `points`; attribute directions are added to it.
"""

import numpy as np

from explorer import checkpoints, geometry
from explorer.data import SIX
from explorer.errors import InputError, some_of
from explorer.generators import directions
from explorer.state import StateError
from explorer.views import films, points, refined
from explorer.views.drawn import Drawn

TITLE = "Faces"
OWN = "yours"  # the name of a visitor's direction that has none
HANDFULS = frozenset({"direction", "more", "less"})
KEYS = frozenset({"z", "seed", "truncation", "face", "attributes", "hold", "how", "along", "pair", "corners", "frames", "n"}) | (
    HANDFULS | refined.KEYS | films.KEYS
)
WHATS = ("picture", "strip", "grid")
LISTS = ("attributes", "hold")  # of which the names that a model knows stay where another one is left out
DEFAULT_MODEL = "celeba-vae"
REACH = 3.0  # lengths of a direction to each side, in strips and planes


def is_here():
    """Whether there is a model of faces with attributes."""
    return any(card.get("attributes") for card in checkpoints.models())


def complete(state):
    """A state with the defaults filled in; StateError says what does not fit the model.

    Raises UnknownName for an unknown model and CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model") or points.usual(DEFAULT_MODEL, state, lambda card: card.get("attributes")))
    if not card.get("attributes"):
        faces = ", ".join(c["name"] for c in checkpoints.models() if c.get("attributes"))
        raise StateError(f"{card['name']} knows no attributes: choose another model ({faces or 'none is here'})", "model")
    first = [name for name in SIX if name in card["attributes"]] or card["attributes"]
    first = dict.fromkeys(name for name in ("Smiling", "Male", *first) if name in card["attributes"])
    full = {"view": "faces", "what": "picture", "model": card["name"], "frames": 9, "n": 7, "attributes": (), "hold": (),
            "how": "whitened", "along": next(iter(first)), "pair": tuple(first)[:2]} | state  # fmt: skip
    if not {"z", "seed", "face"} & set(full):
        full["face"] = card.get("start_face", 0)
    if "truncation" in full and "seed" not in full:
        raise StateError("truncation says how far from the mean a seed's face is drawn: name a seed, or leave it out", "truncation")
    size, known = int(np.prod(card["latent_shape"])), card["attributes"]
    for key in ("more", "less"):
        points.check(card, full.get(key, ()), key)
    if "direction" in full and full["direction"] in known:
        raise StateError(f"{full['direction']} is an attribute of {card['name']}: call your own direction otherwise", "direction")
    nameable = [*known, *filter(None, [own(full)])]
    if "z" in full and len(full["z"]) != size:
        raise StateError(f"z must be {size} numbers for {card['name']}, got {len(full['z'])}", "z")
    named = {"attributes": dict(full["attributes"]), "hold": full["hold"], "along": [full["along"]], "pair": full["pair"]}
    for key, names in named.items():
        there = known if key == "hold" else nameable
        if unknown := [name for name in names if name not in there]:
            kept = tuple(part for part, name in zip(full[key], names, strict=True) if name in there) if key in LISTS else None
            raise StateError(
                f"{card['name']} knows no attribute {', '.join(map(repr, unknown))}; there are {some_of(there)}", key, kept
            )
    if len(full["pair"]) != 2 and (full["what"] == "grid" or "pair" in state):  # a model may know one attribute alone
        raise StateError("pair must be two different attributes, as in Smiling,Young", "pair")
    corners = full.get("corners", (0, 0, 0))
    if len(corners) != 3:
        raise StateError(f"corners must be 3 faces, A - B + C, got {len(corners)}: the way between others is view=morph", "corners")
    opened = full["what"] == "picture"  # the page's sum may have places that nobody has chosen yet
    points.check(card, [place for place in full.get("corners", ()) if place != "" or not opened])
    if not {"z", "seed"} & set(full):
        points.in_gallery(card["name"], full["face"], "face")
    if state.get("how") == "learned" and not card.get("learned"):
        raise StateError(f"{card['name']} has no learned directions: how must be whitened or plain", "how")
    _check_directions(full)
    return refined.complete(full, card)


def _check_directions(state):
    """StateError where nothing is left of an attribute of the state's while the held ones keep still."""
    shown = {"strip": [state["along"]], "grid": state["pair"]}.get(state["what"], ())
    for name in (*dict(state["attributes"]), *(() if "corners" in state else shown), *filter(None, [own(state)])):
        try:
            direction(state, name)
        except InputError as error:
            raise StateError(str(error), "more" if name == own(state) and not state["hold"] else "hold") from None


def base(state):
    """The face before attributes are added: float32 (d,)."""
    if "z" in state:
        return np.array(state["z"], "float32")
    key = "seed" if "seed" in state else "face"
    place = state["seed"] if key == "seed" else f"g{state['face']}"
    return points.at(state["model"], place, key, state.get("truncation", 1.0))


def draws(state, n):
    """Faces of so many seeds, from the state's on: points (n, d), which `base` of each gives too."""
    return np.stack([base({**state, "seed": state["seed"] + i}) for i in range(n)])


def own(state):
    """The name of a visitor's own direction, of which both handfuls are there; None without."""
    return state.get("direction", OWN) if state.get("more") and state.get("less") else None


def direction(state, name):
    """What one unit of an attribute, or of the state's own direction, adds while its held ones keep still: float32 (d,)."""
    hold, known = [other for other in state["hold"] if other != name], checkpoints.directions(state["model"])
    if name != own(state):
        return known.direction(name, hold, state["how"])
    more, less = ([points.at(state["model"], place, key) for place in state[key]] for key in ("more", "less"))
    v = directions.between(more, less)
    return known.held(v, hold, state["how"]) if hold else v


def point(state):
    """The face with its attributes: float32 (d,)."""
    z = base(state)
    for name, amount in state["attributes"]:
        z = z + np.float32(amount) * direction(state, name)
    return z


def picture(state):
    """The decoded face, as the model says it: float32 (h, w, c)."""
    return points.decode(state, point(state).reshape(1, -1))[0]


def along(state):
    """One attribute from -3 to 3 lengths of its direction: points (frames, d) and amounts (frames,)."""
    amounts = np.linspace(-REACH, REACH, state["frames"])
    others = {**state, "attributes": tuple(pair for pair in state["attributes"] if pair[0] != state["along"])}
    return point(others) + amounts[:, None].astype("float32") * direction(state, state["along"]), amounts


def strip(state):
    """Pictures (frames, h, w, 3) of the points of `along`, and its amounts."""
    z, amounts = along(state)
    return points.decode_frames(state, z), amounts


def cells(state):
    """The attribute plane through the face: n x n points (n * n, d), the pair's first to the right, its second upwards."""
    x, y = state["pair"]
    others = {**state, "attributes": tuple(pair for pair in state["attributes"] if pair[0] not in (x, y))}
    z = geometry.Plane(point(others), direction(state, x), direction(state, y)).grid(state["n"], REACH)
    return z.reshape(-1, z.shape[-1])


def plane(state):
    """Its pictures (n * n, h, w, c)."""
    return checkpoints.load(state["model"]).decode(cells(state))


def terms(state):
    """A, B, C and A - B + C of three places: points (4, d)."""
    corners = points.corners_of(state)
    return np.concatenate([corners, points.total(corners)[None]])


def arithmetic(state):
    """The pictures (4, h, w, c) of `terms`, and the sum's point (d,)."""
    z = terms(state)
    return points.decode(state, z), z[3]


def said(state):
    """The pictures of a face or a strip, as the model says them: float32 (n, h, w, c)."""
    if state["what"] == "picture":
        return picture(state)[None]
    return (arithmetic if "corners" in state else strip)(state)[0]


def pictures(state, moving=False):
    """What a complete state shows, as `Drawn`: faces and strips refined if it says so, planes as the model has them."""
    shape, what = tuple(checkpoints.card(state["model"])["image_shape"]), state["what"]
    if what == "picture":
        asked = refined.evaluations(state, 1)
        make = lambda: refined.painted(state, said(state))  # noqa: E731
        return Drawn(make, 1, shape, latents=lambda: {"z": point(state).reshape(1, -1)}, evaluations=asked)
    if what == "strip":
        sums = "corners" in state
        count = 4 if sums else state["frames"]
        latents = lambda: {"z": terms(state) if sums else along(state)[0]}  # noqa: E731
        make = lambda: refined.painted(state, said(state))  # noqa: E731
        return Drawn(make, count, shape, count, size=256 if moving else 128, moves=True, latents=latents,
                     evaluations=refined.evaluations(state, count))  # fmt: skip
    return Drawn(lambda: plane(state), state["n"] ** 2, shape, state["n"], size=128, latents=lambda: {"z": cells(state)})
