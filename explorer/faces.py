"""From a state of the faces and morph views to their pictures: the way that page, downloads and `render` share.

A face is a place in a face model's latent space, see `places`; attribute directions are added to it. A morph is between places
of any model whose latents are vectors.
"""

import numpy as np

from explorer import checkpoints, geometry, imaging, places
from explorer.data import SIX  # noqa: F401  as others know it
from explorer.state import DECIMALS, StateError

DEFAULT_MODEL = "celeba-vae"
REACH = 3.0  # lengths of a direction to each side, in strips and planes
VIEWS = ("faces", "morph")


def complete(state):
    """A state of these views with the defaults filled in; StateError says what does not fit the model.

    Raises KeyError for an unknown model and CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model", DEFAULT_MODEL))
    full = {"view": "faces", "what": "picture", "model": card["name"], "kind": "linear", "even": False, "closed": False,
            "start": 0.0, "stop": 1.0, "frames": 9, "n": 7} | state  # fmt: skip
    full = _morph(full, card) if full["view"] == "morph" else _face(full, card)
    places.check(card, full.get("corners", ()))
    return full


def morphs(card):
    """Whether a card's model has a vector for a latent and is shown in the morph view."""
    return len(card.get("latent_shape", ())) == 1 and "morph" in card.get("views", ["latent-plane", "morph"])


def _morph(full, card):
    if not morphs(card):
        others = ", ".join(c["name"] for c in checkpoints.models() if morphs(c) and not c["series"])
        raise StateError(f"{card['name']} has no points to morph between: choose another model ({others or 'none is here'})")
    corners = full.setdefault("corners", tuple(card.get("start_corners", ("g0", "g1") if card.get("attributes") else (0, 1))))
    if len(corners) == 3:  # A - B + C is one point, with no way along it
        full.pop("t", None)
        return places.with_label(full, card)
    t = full.setdefault("t", (0.5,) if len(corners) == 2 else (0.0, 0.0))
    if len(t) != len(corners) // 2 or (len(t) == 1 and t[0] < 0):
        raise StateError("t must be one number from 0 to 1 between two corners, two from -1 to 1 among four")
    return places.with_label(full, card)


def _face(full, card):
    if not card.get("attributes"):
        faces = ", ".join(c["name"] for c in checkpoints.models() if c.get("attributes"))
        raise StateError(f"{card['name']} knows no attributes: choose another model ({faces or 'none is here'})")
    full = {"attributes": (), "hold": (), "how": "whitened", "along": "Smiling", "pair": ("Smiling", "Male")} | full
    if not {"z", "seed", "face"} & set(full):
        full["face"] = card.get("start_face", 0)
    size, known = int(np.prod(card["latent_shape"])), card["attributes"]
    if "z" in full and len(full["z"]) != size:
        raise StateError(f"z must be {size} numbers for {card['name']}, got {len(full['z'])}")
    named = [*dict(full["attributes"]), *full["hold"], full["along"], *full["pair"]]
    for name in named:
        if name not in known:
            raise StateError(f"{card['name']} knows no attribute {name!r}; there are {', '.join(known)}")
    if len(full["pair"]) != 2:
        raise StateError("pair must be two different attributes, as in Smiling,Young")
    return full


def base(state):
    """The face before attributes are added: float32 (d,)."""
    if "z" in state:
        return np.array(state["z"], "float32")
    return places.at(state["model"], state["seed"] if "seed" in state else f"g{state['face']}")


def direction(state, name):
    """What one unit of an attribute adds while the state's held ones keep still: float32 (d,)."""
    hold = [other for other in state["hold"] if other != name]
    return checkpoints.directions(state["model"]).direction(name, hold, state["how"])


def point(state):
    """The face with its attributes: float32 (d,)."""
    z = base(state)
    for name, amount in state["attributes"]:
        z = z + np.float32(amount) * direction(state, name)
    return z


def picture(state):
    """The decoded face, or what lies at t between the corners of a morph, or A - B + C of three: float32 (h, w, c)."""
    if state["view"] == "faces":
        z = point(state)
    else:
        z = total(corners_of(state)) if len(state["corners"]) == 3 else surface(state).at(*state["t"])
    return places.decode(state, z.reshape(1, -1))[0]


def corners_of(state):
    """The points of a state's corners: float32 (k, d)."""
    return np.stack([places.at(state["model"], place) for place in state["corners"]])


def surface(state):
    """The path between two corners, whose `at` takes positions, or the surface of four, A and B above, C and D below."""
    corners = corners_of(state)
    if len(corners) == 2:
        return geometry.Path(*corners, state["kind"])
    return geometry.Plane.corners(*corners, kind=state["kind"])


def total(corners):
    """A - B + C: float32 (3, d) -> (d,)."""
    a, b, c = corners
    return np.round(a - b + c, DECIMALS)


def strip(state):
    """One attribute from -3 to 3 lengths of its direction: pictures (frames, h, w, 3) and amounts (frames,)."""
    amounts = np.linspace(-REACH, REACH, state["frames"])
    others = {**state, "attributes": tuple(pair for pair in state["attributes"] if pair[0] != state["along"])}
    z = point(others) + amounts[:, None].astype("float32") * direction(state, state["along"])
    return checkpoints.load(state["model"]).decode(z), amounts


def plane(state):
    """The attribute plane through the face: n x n pictures, the pair's first to the right, its second upwards."""
    x, y = state["pair"]
    others = {**state, "attributes": tuple(pair for pair in state["attributes"] if pair[0] not in (x, y))}
    z = geometry.Plane(point(others), direction(state, x), direction(state, y)).grid(state["n"], REACH)
    return checkpoints.load(state["model"]).decode(z.reshape(-1, z.shape[-1]))


def arithmetic(state):
    """A, B, C and A - B + C of three places: pictures (4, h, w, c) and the sum's point (d,)."""
    corners = corners_of(state)
    z = total(corners)
    return places.decode(state, np.concatenate([corners, z[None]])), z


def morph(state):
    """The frames between two places: pictures (frames, h, w, c), points (frames, d), positions (frames,)."""
    return walk(*corners_of(state), state, steps_of(state))


def steps_of(state):
    """What measures a model's steps: structure suits faces, small grey pictures have too few windows for it."""
    return structural_steps if checkpoints.card(state["model"]).get("attributes") else root_mean_square_steps


def root_mean_square_steps(frames):
    """How much each frame differs from the one before: (n, h, w, c) -> (n - 1,)."""
    return np.sqrt(np.square(np.diff(frames, axis=0)).mean((1, 2, 3)))


def structural_steps(frames):
    """The same by structure, as suits faces: the root of 1 - SSIM, which for small steps grows with the step."""
    return np.sqrt(np.maximum(0, 1 - imaging.ssim(frames[:-1], frames[1:])))


def walk(a, b, state, steps=root_mean_square_steps):
    """`frames` pictures from a to b by the state's model, kind, part, loop and spacing, with their points and positions.

    Even spacing evens out what `steps` measures between neighbours on a way eight times as fine.
    """
    path, change = geometry.Path(a, b, state["kind"], closed=state["closed"]), None
    if state["even"]:
        fine = places.decode(state, path.at(np.linspace(state["start"], state["stop"], 8 * state["frames"] + 1)))
        change = np.cumsum([0, *steps(fine)])
    ts = path.positions(state["frames"], state["start"], state["stop"], change)
    z = np.round(path.at(ts), DECIMALS)
    return places.decode(state, z), z, ts


def sheet(state):
    """The surface between four places: n x n pictures."""
    z = surface(state).grid(state["n"])
    return places.decode(state, z.reshape(-1, z.shape[-1]))


def pictures(state):
    """What a complete state shows: (pictures uint8 (n, h, w, c), columns), by `view` and `what`."""
    corners, what = len(state.get("corners", ())), state["what"]
    if what == "picture":
        return imaging.to_bytes(picture(state)[None]), 1
    if state["view"] == "morph" and what == "strip" and corners == 2:
        return imaging.to_bytes(morph(state)[0]), state["frames"]
    if state["view"] == "morph" and what == "grid" and corners == 4:
        return imaging.to_bytes(sheet(state)), state["n"]
    if what == "strip" and corners == 3:
        return imaging.to_bytes(arithmetic(state)[0]), 4
    if state["view"] == "faces" and what == "strip":
        return imaging.to_bytes(strip(state)[0]), state["frames"]
    if state["view"] == "faces" and what == "grid":
        return imaging.to_bytes(plane(state)), state["n"]
    raise StateError(f"view={state['view']} with {corners} corners has no what={what}: a strip needs 2 or 3 corners, a grid 4")
