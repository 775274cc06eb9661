"""The latent plane: from its state to the picture at the point, the walk, and what is visible of the plane."""

import numpy as np
from PIL import Image, ImageDraw

from explorer import checkpoints, geometry, imaging
from explorer.errors import UnknownName
from explorer.generators import has_encodings, kind_of
from explorer.state import DECIMALS, StateError
from explorer.views import films, points
from explorer.views.drawn import Drawn

# Colours of the classes on the plane, for eyes of all kinds on a dark ground (after Okabe and Ito 2008, and four more).
PALETTE = ("#56b4e9", "#e69f00", "#2fd6a3", "#f0e442", "#ff7f6e", "#cc79a7", "#b7a3ff", "#9bd64a", "#d9d9d9", "#ff9ed2")
TITLE = "Latent plane"
KEYS = frozenset({"z", "corners", "from", "to", "kind", "even", "closed", "start", "stop", "frames", "axes", "scale", "center",
                  "extent", "n", "veil", "points", "hidden", "beside", "label", "seed", "via", "inside", "noise_seed",
                  "quiz"}) | films.KEYS  # fmt: skip
WHATS = ("picture", "strip", "plane", "grid")
DEFAULT_MODEL = "mnist-vae"
_EDGE = 1e-4  # p-values are kept so far from 0 and 1, where z would be infinite
_SIDE = 1080  # of the plane's own picture
_LARGE, _SHEET = 1024, 8000  # pixels along the side of a picture, and of a sheet of them, where a state names no size


def is_here():
    """Always: without a model the view says what is missing."""
    return True


def has_plane(card):
    """Whether a card's model is shown in this view."""
    return "view" in card and "views" not in card


def complete(state):
    """A state with the defaults of its model filled in; StateError says what does not fit the model.

    Raises UnknownName for an unknown model and CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model") or points.usual(DEFAULT_MODEL, state, has_plane))
    if "latent_shape" not in card:
        raise UnknownName(f"{card['name']} is a judge, which makes no pictures; there are {', '.join(checkpoints.names())}")
    if not has_plane(card):
        raise StateError(f"{card['name']} has no plane to drag across: it is shown with view={card['views'][0]}", "model")
    size, view, codes = int(np.prod(card["latent_shape"])), card["view"], has_encodings(card)
    full = {"view": "latent-plane", "what": "picture", "model": card["name"], "kind": "linear", "even": False, "closed": False,
            "start": 0.0, "stop": 1.0, "frames": 9, "axes": tuple(view["axes"]), "scale": "z", "n": 30, "veil": "none",
            "points": True, "hidden": ()} | state  # fmt: skip
    # a link that names axes, or their scale, wants these; only without does a model's own plane through three places hold
    if "corners" in view and "axes" not in state and full["scale"] == "z":
        full.setdefault("corners", tuple(view["corners"]))
    if "seed" in full:
        drawn = points.at(card["name"], full.pop("seed"), "seed").astype("float64").round(DECIMALS)
        full.setdefault("z", tuple(drawn.tolist()))
    full = {"z": tuple(view["z"])} | points.with_label(_through(full, card), card)
    _check_points(state, card, codes)
    full["points"] = full["points"] and codes
    if full["veil"] == "data" and not codes:
        raise StateError(f"{card['name']} has no encodings to say where the data is: use veil normal or none", "veil")
    for key in ("z", "from", "to"):
        if full.get(key, ()) != () and len(full[key]) != size:
            raise StateError(f"{key} must be {size} numbers for {card['name']}, got {len(full[key])}", key)
    points.check(card, full.get("via", ()), "via")
    if len(set(full["axes"])) != 2 or max(full["axes"]) >= size:
        raise StateError(f"axes must be two different whole numbers from 0 to {size - 1} for {card['name']}", "axes")
    if full["scale"] == "p" and not kind_of(card).has_prior:
        raise StateError(f"scale p needs a prior, and {card['name']} is a plain autoencoder: use scale z", "scale")
    if full["what"] == "strip" and "to" not in full:
        raise StateError("a walk needs two points: from (or z) and to", "what")
    full.setdefault("center", (0.5, 0.5) if full["scale"] == "p" else tuple(view["center"]))
    full.setdefault("extent", 0.5 if full["scale"] == "p" else view["extent"])
    return full


def _check_points(state, card, codes):
    """StateError where a state asks for points of classes, or for a second model beside it, that its model has not."""
    if not codes and (state.get("points") or state.get("hidden")):
        key = "points" if state.get("points") else "hidden"
        raise StateError(f"{card['name']} has no encodings to show as points: leave {key} out", key)
    most, hidden = len(card["classes"]) - 1, state.get("hidden", ())
    if any(label > most for label in hidden):
        kept = tuple(label for label in hidden if label <= most)
        raise StateError(
            f"hidden must be classes from 0 to {most} for {card['name']}, got {','.join(map(str, hidden))}", "hidden", kept
        )
    beside = card["recipe"].get("beside")
    if state.get("beside", beside) != beside or "beside" in state and beside not in checkpoints.names():
        known = f"beside must be {beside}" if beside in checkpoints.names() else "there is no model to show beside it"
        raise StateError(f"{known} for {card['name']}, got {state['beside']!r}: leave beside out", "beside")


def _through(full, card):
    """The state of a plane through three places, with its window and, if it has no point, the first of them; others as they are."""
    if "corners" not in full:
        return full
    if len(full["corners"]) != 3:
        raise StateError(f"corners must be 3 places for a plane, got {len(full['corners'])}", "corners")
    if full["scale"] == "p":
        raise StateError(
            "scale p is of axes, and a plane through three places has none: use scale z, or leave corners out", "scale"
        )
    if full["axes"] != tuple(card["view"]["axes"]):
        raise StateError("axes span a plane, and so do three places: leave axes out, or corners", "axes")
    points.check(card, full["corners"])
    _, center, extent = points.plane_through(card["name"], full["corners"])
    first = points.at(card["name"], full["corners"][0]).astype("float64").round(DECIMALS)
    return {"z": tuple(first.tolist()), "center": center, "extent": extent} | full | {"axes": tuple(card["view"]["axes"])}


def plane_of(state):
    """The `Plane` of a complete state: through its three corners, or spanned by its two axes, through its point."""
    if "corners" in state:
        return points.plane_through(state["model"], state["corners"])[0]
    origin, (i, j) = np.array(state["z"], "float64"), state["axes"]
    u, v = np.eye(len(origin))[[i, j]]
    origin[[i, j]] = 0
    return geometry.Plane(origin, u, v)


def window(state, n):
    """The z-coordinates of n cells' middles along x (left to right) and y (top to bottom) of what is visible: (n,), (n,)."""
    steps = state["extent"] * (2 * (np.arange(n) + 0.5) / n - 1)
    x, y = state["center"][0] + steps, state["center"][1] - steps
    if state["scale"] == "p":
        x, y = (geometry.quantile(np.clip(c, _EDGE, 1 - _EDGE)) for c in (x, y))
    return x, y


def picture(state):
    """The decoded picture of the state's point: float32 (h, w, c)."""
    return points.decode(state, np.array([state["z"]], "float32"))[0]


def cells(state):
    """The points of n x n cells of what is visible of the plane, row 0 at the top: float32 (n * n, d)."""
    x, y = window(state, state["n"])
    z = plane_of(state).at(*np.meshgrid(x, y))
    return z.reshape(-1, z.shape[-1])


def manifold(state):
    """Their pictures: float32 (n * n, h, w, c)."""
    return points.decode(state, cells(state))


def walk(state):
    """The frames from `from` (default: z) to `to`: pictures float32 (frames, h, w, c), z float32 (frames, d), positions
    float64 (frames,)."""
    if "to" not in state:  # what the page asks for need not say what=strip
        raise StateError("a walk needs two points: from (or z) and to", "what")
    return points.walk(np.array(state.get("from") or state["z"]), np.array(state["to"]), state)


def veil(state, n=72):
    """How dense the space is over what is visible, relative to its peak on this plane: float64 (n, n) in [0, 1].

    "data": a kernel estimate over the shipped encodings; "normal": the standard normal. In more than two dimensions both
    are densities of the whole space, on the plane.
    """
    x, y = window(state, n)
    plane = plane_of(state) if "corners" in state else None
    if state["veil"] == "normal":
        peak = plane.coordinates(np.zeros((1, len(plane.origin))))[0] if plane else (0, 0)  # where the plane is nearest to 0
        return np.exp(-0.5 * (np.square(y - peak[1])[:, None] + np.square(x - peak[0])[None, :]))
    codes, axes = checkpoints.encodings(state["model"]).z_mean, list(state["axes"])
    d = codes.shape[1]
    bandwidth = np.maximum(codes.std(0), 0.05) * len(codes) ** (-1 / (d + 4))  # Scott's rule; dead axes have no width
    if plane:
        seen = plane.coordinates(codes)
        estimate = geometry.density_on(plane, codes, x, y, bandwidth)
        at_points = geometry.density_on(plane, codes, *(np.linspace(*np.quantile(seen[:, k], (0.02, 0.98)), 24) for k in (0, 1)),
                                        bandwidth)  # fmt: skip
        return np.clip(estimate / max(float(at_points.max()), 1e-300), 0, 1)
    rest = [i for i in range(d) if i not in axes]
    offsets = np.square((codes[:, rest] - np.array(state["z"])[rest]) / bandwidth[rest]).sum(1) if rest else None
    estimate = geometry.density(codes[:, axes], x, y, bandwidth[axes], offsets)
    at_points = geometry.density(codes[:, axes], *(np.linspace(*np.quantile(codes[:, a], (0.02, 0.98)), 24) for a in axes),
                                 bandwidth[axes], offsets)  # fmt: skip
    return np.clip(estimate / max(float(at_points.max()), 1e-12), 0, 1)


def shade(density):
    """How dark the veil lies over a density relative to its peak: 0 where there is plenty of data, 0.85 where there is none."""
    return 0.85 * (1 - np.clip(np.sqrt(density) / 0.35, 0, 1))


def figure(state, side=_SIDE):
    """The plane as the page draws it, with veil and points: uint8 (side, side, 3)."""
    sheet = (
        imaging.to_pillow(imaging.grid(manifold(state), state["n"])).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    )
    if state["veil"] != "none":
        dark = Image.fromarray((255 * shade(veil(state))).astype("uint8")).resize((side, side), Image.Resampling.BICUBIC)
        sheet.paste(Image.new("RGB", (side, side), "#0b0e14"), mask=dark)
    if state["points"]:
        codes = checkpoints.encodings(state["model"])
        at = plane_of(state).coordinates(codes.z_mean)  # of a plane along axes, those of the points
        if state["scale"] == "p":
            at = np.vectorize(geometry.NormalDist().cdf)(at)
        at = ((at - state["center"]) * (1, -1) / state["extent"] + 1) * side / 2
        draw = ImageDraw.Draw(sheet)
        for (x, y), label in zip(at, codes.labels, strict=True):
            if label not in state["hidden"] and 0 <= x < side and 0 <= y < side:
                draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=PALETTE[label % len(PALETTE)])
    return np.asarray(sheet)


def pictures(state, moving=False):
    """What a complete state shows, as `Drawn`."""
    h, w, c = shape = tuple(checkpoints.card(state["model"])["image_shape"])
    side = max(h, w)  # one's own may be large
    if state["what"] == "picture":
        z = np.array([state["z"]], "float32")
        return Drawn(lambda: picture(state)[None], 1, shape, size=min(10 * side, _LARGE), latents=lambda: {"z": z})
    if state["what"] == "strip":
        make, frames = lambda: walk(state)[0], state["frames"]
        return Drawn(
            make, frames, shape, frames, size=min((10 if moving else 4) * side, _LARGE), moves=True, counted="frames",
            latents=lambda: {"z": walk(state)[1]},
        )  # fmt: skip
    if state["what"] == "plane":
        side = state.get("size", _SIDE)
        return Drawn(lambda: figure(state, side)[None], 1, (side, side, 3), size=None)
    n = state["n"]
    return Drawn(
        lambda: imaging.grid(manifold(state), n)[None], 1, (n * h, n * w, c), size=min(4 * side, _SHEET // n), cells=n, counted="n",
        latents=lambda: {"z": cells(state)},
    )  # fmt: skip
