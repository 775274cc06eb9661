"""The morph view: from its state to what lies between two places of a latent space, among four, or at A - B + C of three.

Of any model whose latents are vectors.
"""

from functools import partial

import numpy as np

from explorer import checkpoints, geometry, imaging
from explorer.errors import some_of
from explorer.state import StateError
from explorer.views import films, points, refined
from explorer.views.drawn import Drawn

TITLE = "Morph"
KEYS = (
    frozenset({"corners", "t", "kind", "even", "closed", "start", "stop", "frames", "n", "label", "via"})
    | refined.KEYS
    | films.KEYS
)
WHATS = ("picture", "strip", "grid")
DEFAULT_MODEL = "celeba-vae"
WINDOWED = 32  # pixels along a side, which hold enough windows of SSIM to tell structure


def is_here():
    """Whether there is a model to morph with."""
    return any(map(morphs, checkpoints.models()))


def morphs(card):
    """Whether a card's model has a vector for a latent and is shown in this view."""
    return len(card.get("latent_shape", ())) == 1 and "morph" in card.get("views", ["latent-plane", "morph"])


def complete(state):
    """A state with the defaults filled in; StateError says what does not fit the model.

    Raises UnknownName for an unknown model and CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model") or points.usual(DEFAULT_MODEL, state, morphs))
    if not morphs(card):
        others = some_of(c["name"] for c in checkpoints.models() if morphs(c) and not c["series"])
        words = f"{card['name']} has no points to morph between: choose another model ({others or 'none is here'})"
        raise StateError(words, "model")
    full = {"view": "morph", "what": "picture", "model": card["name"], "kind": "linear", "even": False, "closed": False,
            "start": 0.0, "stop": 1.0, "frames": 9, "n": 7} | refined.complete(state, card)  # fmt: skip
    corners = full.setdefault("corners", start(card))
    points.check(card, corners)
    points.check(card, full.get("via", ()), "via")
    if "via" in full and len(corners) != 2:
        raise StateError(f"via lies on the way between two corners, got {len(corners)}: leave it out", "via")
    wanted = {"strip": (2, 3), "grid": (4,)}.get(full["what"])
    if wanted and len(corners) not in wanted:
        raise StateError(f"a strip needs 2 or 3 corners, a grid 4: what={full['what']} has none of {len(corners)}", "what")
    if len(corners) == 3:  # A - B + C is one point, with no way along it
        if "t" in full:
            raise StateError("A - B + C is one point, with no way along it: leave t out", "t")
        return points.with_label(full, card)
    t = full.setdefault("t", (0.5,) if len(corners) == 2 else (0.0, 0.0))
    if len(t) != len(corners) // 2 or (len(t) == 1 and t[0] < 0):
        raise StateError("t must be one number from 0 to 1 between two corners, two from -1 to 1 among four", "t")
    return points.with_label(full, card)


def start(card):
    """The two places that a model's morph begins with."""
    return tuple(card.get("start_corners", ("g0", "g1") if card.get("attributes") else (0, 1)))


def start_sum(card):
    """The three that its A - B + C begins with: of faces a man with glasses, a man and a woman, where such are known."""
    if card.get("sums"):
        return tuple(f"g{face}" for face in card["sums"][0])
    return 0, 1, 2


def surface(state):
    """The path between two corners, whose `at` takes positions, or the surface of four, A and B above, C and D below."""
    corners = points.corners_of(state)
    if len(corners) == 2:
        return geometry.Path.through(points.stops_of(*corners, state), state["kind"])
    return geometry.Plane.corners(*corners, kind=state["kind"])


def point(state):
    """What lies at t between the corners, or A - B + C of three: float32 (1, d)."""
    z = points.total(points.corners_of(state)) if len(state["corners"]) == 3 else surface(state).at(*state["t"])
    return z.reshape(1, -1)


def picture(state):
    """Its picture: float32 (h, w, c)."""
    return points.decode(state, point(state))[0]


def frames(state):
    """The frames between two places, as the model says them: pictures (frames, h, w, c), points (frames, d), positions (frames,).
    Where they are refined it is the refined ones that even spacing evens out."""
    painted = partial(refined.painted, state) if state.get("refined") else None
    return points.walk(*points.corners_of(state), state, steps_of(state), painted)


def steps_of(state):
    """What measures a model's steps: structure suits faces, small grey pictures have too few windows for it."""
    card = checkpoints.card(state["model"])
    structured = card.get("attributes") and min(card["image_shape"][:2]) >= WINDOWED
    return structural_steps if structured else points.root_mean_square_steps


def structural_steps(images):
    """How much each frame differs from the one before by structure, (n, h, w, c) -> (n - 1,): the root of 1 - SSIM, which for small
    steps grows with the step."""
    return np.sqrt(np.maximum(0, 1 - imaging.ssim(images[:-1], images[1:])))


def cells(state):
    """The surface between four places: points (n * n, d)."""
    z = surface(state).grid(state["n"])
    return z.reshape(-1, z.shape[-1])


def sheet(state):
    """Their n x n pictures."""
    return points.decode(state, cells(state))


def terms(state):
    """A, B, C and A - B + C of three places: points (4, d)."""
    corners = points.corners_of(state)
    return np.concatenate([corners, points.total(corners)[None]])


def total(state):
    """Their pictures (4, h, w, c)."""
    return points.decode(state, terms(state))


def said(state):
    """The pictures of a point or a walk, as the model says them: float32 (n, h, w, c)."""
    if state["what"] == "picture":
        return picture(state)[None]
    return total(state) if len(state["corners"]) == 3 else frames(state)[0]


def pictures(state, moving=False):
    """What a complete state shows, as `Drawn`: points and walks refined if it says so, surfaces as the model has them."""
    shape, what = tuple(checkpoints.card(state["model"])["image_shape"]), state["what"]
    make = lambda: refined.painted(state, said(state))  # noqa: E731
    if what == "picture":
        return Drawn(make, 1, shape, latents=lambda: {"z": point(state)}, evaluations=refined.evaluations(state, 1))
    if what == "grid":
        n = state["n"]
        return Drawn(lambda: sheet(state), n**2, shape, n, size=128, latents=lambda: {"z": cells(state)})
    size = 256 if moving else 128
    if len(state["corners"]) == 3:
        return Drawn(make, 4, shape, 4, size=size, moves=True, latents=lambda: {"z": terms(state)},
                     evaluations=refined.evaluations(state, 4))  # fmt: skip
    count, looked_at = state["frames"], points.FINE_PAINTED if state["even"] else 0
    return Drawn(make, count, shape, count, size=size, moves=True, latents=lambda: {"z": frames(state)[1]},
                 evaluations=refined.evaluations(state, (1 + looked_at) * count))  # fmt: skip
