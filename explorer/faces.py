"""From a state of the faces and morph views to their pictures: the way that page, downloads and `render` share.

A face is a point of a face model's latent space: drawn from the prior by its seed, one of the gallery, or given by its
coordinates; attribute directions are added to it.
"""

import numpy as np

from explorer import checkpoints, geometry, imaging
from explorer.generators.base import Generator
from explorer.state import DECIMALS, StateError

DEFAULT_MODEL = "celeba-vae"
REACH = 3.0  # lengths of a direction to each side, in strips and planes
VIEWS = ("faces", "morph")
SIX = ("Smiling", "Eyeglasses", "Male", "Young", "Blond_Hair", "Black_Hair")  # Generative Deep Learning's, ch. 3


def complete(state):
    """A state of these views with the defaults filled in; StateError says what does not fit the model.

    Raises KeyError for an unknown model and CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model", DEFAULT_MODEL))
    if not card.get("attributes"):
        faces = ", ".join(c["name"] for c in checkpoints.models() if c.get("attributes"))
        raise StateError(f"{card['name']} knows no attributes: choose another model ({faces or 'none is here'})")
    full = {"view": "faces", "what": "picture", "model": card["name"], "attributes": (), "hold": (), "how": "whitened",
            "along": "Smiling", "pair": ("Smiling", "Male"), "kind": "linear", "even": False, "closed": False,
            "start": 0.0, "stop": 1.0, "frames": 9, "n": 7} | state  # fmt: skip
    if not {"z", "seed", "face"} & set(state):
        full["face"] = card.get("start_face", 0)
    if full["view"] == "morph":
        full.setdefault("corners", tuple(card.get("start_corners", ("g0", "g1"))))
        if len(full["corners"]) == 3:
            raise StateError("a morph is between 2 or 4 corners, got 3")
        full.setdefault("t", (0.5,) if len(full["corners"]) == 2 else (0.0, 0.0))
        if len(full["t"]) != len(full["corners"]) // 2 or (len(full["t"]) == 1 and full["t"][0] < 0):
            raise StateError("t must be one number from 0 to 1 between two corners, two from -1 to 1 among four")
    size, known = int(np.prod(card["latent_shape"])), card["attributes"]
    if "z" in full and len(full["z"]) != size:
        raise StateError(f"z must be {size} numbers for {card['name']}, got {len(full['z'])}")
    for place in full.get("corners", ()):
        if isinstance(place, tuple) and len(place) != size:
            raise StateError(f"a place in corners must be {size} numbers for {card['name']}, got {len(place)}")
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
    return at(state["model"], state["seed"] if "seed" in state else f"g{state['face']}")


def at(model, place):
    """The point of a place: a seed, a face of the gallery ("g12"), or its coordinates: float32 (d,)."""
    if isinstance(place, tuple):
        return np.array(place, "float32")
    if isinstance(place, int):
        return np.round(Generator(checkpoints.card(model), None).prior(1, seed=place)[0], DECIMALS)  # no need of its decoder
    gallery, index = checkpoints.encodings(model).z_mean, int(place[1:])
    if index >= len(gallery):
        raise StateError(f"the gallery of {model} has the faces 0 to {len(gallery) - 1}, not {index}")
    return np.round(gallery[index], DECIMALS)


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
    """The decoded face, or what lies at t between the corners of a morph: float32 (h, w, 3)."""
    z = point(state)[None] if state["view"] == "faces" else surface(state).at(*state["t"]).reshape(1, -1)
    return checkpoints.load(state["model"]).decode(z)[0]


def surface(state):
    """The path between two corners, whose `at` takes positions, or the surface of four, A and B above, C and D below."""
    corners = [at(state["model"], place) for place in state["corners"]]
    if len(corners) == 2:
        return geometry.Path(*corners, state["kind"])
    return geometry.Plane.corners(*corners, kind=state["kind"])


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
    """A, B, C and A - B + C of three places: pictures (4, h, w, 3) and the sum's point (d,)."""
    a, b, c = (at(state["model"], place) for place in state["corners"])
    total = np.round(a - b + c, DECIMALS)
    return checkpoints.load(state["model"]).decode(np.stack([a, b, c, total])), total


def morph(state):
    """The frames between two places: pictures (frames, h, w, 3), points (frames, d), positions (frames,)."""
    a, b = (at(state["model"], place) for place in state["corners"][:2])
    return walk(checkpoints.load(state["model"]), a, b, state, structural_steps)


def root_mean_square_steps(frames):
    """How much each frame differs from the one before: (n, h, w, c) -> (n - 1,)."""
    return np.sqrt(np.square(np.diff(frames, axis=0)).mean((1, 2, 3)))


def structural_steps(frames):
    """The same by structure, as suits faces: the root of 1 - SSIM, which for small steps grows with the step."""
    return np.sqrt(np.maximum(0, 1 - imaging.ssim(frames[:-1], frames[1:])))


def walk(generator, a, b, state, steps=root_mean_square_steps):
    """`frames` pictures from a to b by the state's kind, part, loop and spacing, with their points and positions.

    Even spacing evens out what `steps` measures between neighbours on a way eight times as fine.
    """
    path, change = geometry.Path(a, b, state["kind"], closed=state["closed"]), None
    if state["even"]:
        fine = generator.decode(path.at(np.linspace(state["start"], state["stop"], 8 * state["frames"] + 1)))
        change = np.cumsum([0, *steps(fine)])
    ts = path.positions(state["frames"], state["start"], state["stop"], change)
    z = np.round(path.at(ts), DECIMALS)
    return generator.decode(z), z, ts


def sheet(state):
    """The surface between four places: n x n pictures."""
    z = surface(state).grid(state["n"])
    return checkpoints.load(state["model"]).decode(z.reshape(-1, z.shape[-1]))


def pictures(state):
    """What a complete state shows: (pictures uint8 (n, h, w, 3), columns), by `view` and `what`."""
    corners, what = len(state.get("corners", ())), state["what"]
    if what == "picture":
        return imaging.to_bytes(picture(state)[None]), 1
    if state["view"] == "morph" and what == "strip" and corners == 2:
        return imaging.to_bytes(morph(state)[0]), state["frames"]
    if state["view"] == "morph" and what == "grid" and corners == 4:
        return imaging.to_bytes(sheet(state)), state["n"]
    if state["view"] == "faces" and what == "strip" and corners == 3:
        return imaging.to_bytes(arithmetic(state)[0]), 4
    if state["view"] == "faces" and what == "strip":
        return imaging.to_bytes(strip(state)[0]), state["frames"]
    if state["view"] == "faces" and what == "grid":
        return imaging.to_bytes(plane(state)), state["n"]
    raise StateError(f"view={state['view']} with {corners} corners has no what={what}: a strip needs 2 corners, a grid 4")
