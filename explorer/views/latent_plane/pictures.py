"""From a state to the pictures that it stands for: the one way that the page, its downloads and `render` share."""

import numpy as np
from PIL import Image, ImageDraw

from explorer import checkpoints, denoising, faces, family, geometry, imaging, places, prompting
from explorer.state import DECIMALS, StateError, text

# Colours of the classes on the plane, for eyes of all kinds on a dark ground (after Okabe and Ito 2008, and four more).
PALETTE = ("#56b4e9", "#e69f00", "#2fd6a3", "#f0e442", "#ff7f6e", "#cc79a7", "#b7a3ff", "#9bd64a", "#d9d9d9", "#ff9ed2")
ENDINGS = ("png", "gif", "mp4")
DEFAULT_MODEL = "mnist-vae"
_WHATS = ("picture", "strip", "plane", "grid")
_EDGE = 1e-4  # p-values are kept so far from 0 and 1, where z would be infinite
_MOST_PIXELS = 16_000  # along a sheet's side
_MOST_AREA = 64_000_000  # ... and in all


def complete(state):
    """A state with the defaults of its model filled in; StateError says what does not fit the model.

    Raises KeyError for an unknown model and CheckpointError for a damaged card.
    """
    card = checkpoints.card(state.get("model", DEFAULT_MODEL))
    if card["kind"] == "judge":
        raise KeyError(f"{card['name']} is a judge, which makes no pictures; there are {', '.join(checkpoints.names())}")
    if "view" not in card or "views" in card:
        raise StateError(f"{card['name']} has no plane to drag across: it is shown with view={card['views'][0]}")
    if state.get("what", "picture") not in _WHATS:
        raise StateError(f"what must be one of {', '.join(_WHATS)} for a latent plane, got {state['what']}")
    size, view, codes = int(np.prod(card["latent_shape"])), card["view"], places.has_encodings(card)
    full = {"view": "latent-plane", "what": "picture", "model": card["name"], "kind": "linear", "even": False, "closed": False,
            "start": 0.0, "stop": 1.0, "frames": 9, "axes": tuple(view["axes"]), "scale": "z", "n": 30, "veil": "none",
            "points": True, "hidden": ()} | state  # fmt: skip
    # a link that names axes, or their scale, wants these; only without does a model's own plane through three places hold
    if "corners" in view and "axes" not in state and full["scale"] == "z":
        full.setdefault("corners", tuple(view["corners"]))
    full = {"z": tuple(view["z"])} | places.with_label(_through(full, card), card)
    full["points"] = full["points"] and codes
    if full["veil"] == "data" and not codes:
        raise StateError(f"{card['name']} has no encodings to say where the data is: use veil normal or none")
    for key in ("z", "from", "to"):
        if key in full and len(full[key]) != size:
            raise StateError(f"{key} must be {size} numbers for {card['name']}, got {len(full[key])}")
    if len(set(full["axes"])) != 2 or max(full["axes"]) >= size:
        raise StateError(f"axes must be two different whole numbers from 0 to {size - 1} for {card['name']}")
    if full["scale"] == "p" and card["kind"] == "ae":
        raise StateError(f"scale p needs a prior, and {card['name']} is a plain autoencoder: use scale z")
    full.setdefault("center", (0.5, 0.5) if full["scale"] == "p" else tuple(view["center"]))
    full.setdefault("extent", 0.5 if full["scale"] == "p" else view["extent"])
    return full


def _through(full, card):
    """The state of a plane through three places, with its window and, if it has no point, the first of them; others as they are."""
    if "corners" not in full:
        return full
    if len(full["corners"]) != 3:
        raise StateError(f"corners must be 3 places for a plane, got {len(full['corners'])}")
    if full["scale"] == "p":
        raise StateError("scale p is of axes, and a plane through three places has none: use scale z, or leave corners out")
    places.check(card, full["corners"])
    _, center, extent = places.plane_through(card["name"], full["corners"])
    first = places.at(card["name"], full["corners"][0]).astype("float64").round(DECIMALS)
    return {"z": tuple(first.tolist()), "center": center, "extent": extent} | full | {"axes": tuple(card["view"]["axes"])}


def complete_for_view(state):
    """A state completed by the view that it names, or the first that its model has."""
    homes = {name: room.complete for room in (faces, denoising, prompting, family) for name in room.VIEWS}
    view = state.get("view")
    if view is None and prompting.elsewhere(state):
        view = "text-to-image"
    elif view is None and "model" in state:
        view = checkpoints.card(state["model"]).get("views", [None])[0]
    return homes.get(view, complete)(state if view is None else {**state, "view": view})


def plane_of(state):
    """The `Plane` of a complete state: through its three corners, or spanned by its two axes, through its point."""
    if "corners" in state:
        return places.plane_through(state["model"], state["corners"])[0]
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
    return places.decode(state, np.array([state["z"]], "float32"))[0]


def manifold(state):
    """The n x n pictures of what is visible of the plane, row 0 at the top: float32 (n * n, h, w, c)."""
    x, y = window(state, state["n"])
    z = plane_of(state).at(*np.meshgrid(x, y))
    return places.decode(state, z.reshape(-1, z.shape[-1]))


def walk(state):
    """The frames from `from` (default: z) to `to`: pictures float32 (frames, h, w, c), z float32 (frames, d), positions
    float64 (frames,)."""
    if "to" not in state:
        raise StateError("a walk needs two points: from (or z) and to")
    return faces.walk(np.array(state.get("from", state["z"])), np.array(state["to"]), state)


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
    points, axes = checkpoints.encodings(state["model"]).z_mean, list(state["axes"])
    d = points.shape[1]
    bandwidth = np.maximum(points.std(0), 0.05) * len(points) ** (-1 / (d + 4))  # Scott's rule; dead axes have no width
    if plane:
        seen = plane.coordinates(points)
        estimate = geometry.density_on(plane, points, x, y, bandwidth)
        at_points = geometry.density_on(plane, points, *(np.linspace(*np.quantile(seen[:, k], (0.02, 0.98)), 24) for k in (0, 1)),
                                        bandwidth)  # fmt: skip
        return np.clip(estimate / max(float(at_points.max()), 1e-300), 0, 1)
    rest = [i for i in range(d) if i not in axes]
    offsets = np.square((points[:, rest] - np.array(state["z"])[rest]) / bandwidth[rest]).sum(1) if rest else None
    estimate = geometry.density(points[:, axes], x, y, bandwidth[axes], offsets)
    at_points = geometry.density(points[:, axes], *(np.linspace(*np.quantile(points[:, a], (0.02, 0.98)), 24) for a in axes),
                                 bandwidth[axes], offsets)  # fmt: skip
    return np.clip(estimate / max(float(at_points.max()), 1e-12), 0, 1)


def shade(density):
    """How dark the veil lies over a density relative to its peak: 0 where there is plenty of data, 0.85 where there is none."""
    return 0.85 * (1 - np.clip(np.sqrt(density) / 0.35, 0, 1))


def figure(state, side=1080):
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


def render(state, ending):
    """The bytes of the file that a state stands for, with the state inside; `ending` is one of `ENDINGS`.

    `what` decides: picture, strip (PNG, GIF or MP4), plane (with veil and points) or grid (the bare sheet).
    Raises StateError for what does not go together.
    """
    if ending not in ENDINGS:
        raise StateError(f"the file must end in {', '.join('.' + e for e in ENDINGS)}, got .{ending}")
    written = text(state)
    state = complete_for_view(state)
    what = state["what"]
    if ending != "png" and what not in ("strip", "trajectory"):
        raise StateError(f"a {ending.upper()} shows a walk: it needs what=strip, got what={what}")
    if state["view"] in faces.VIEWS:
        return _sheet(*faces.pictures(state), state, ending, written)
    if state["view"] in denoising.VIEWS:
        return _denoising(state, ending, written)
    if state["view"] in prompting.VIEWS:
        return _sheet(*prompting.pictures(state), state, ending, written)
    if state["view"] in family.VIEWS:
        return _family(state, written)
    native = checkpoints.card(state["model"])["image_shape"][0]
    if what == "picture":
        return imaging.png(imaging.enlarged(picture(state), state.get("size", 10 * native)), written)
    if what == "strip":
        frames = imaging.to_bytes(walk(state)[0])
        if ending == "png":
            size = _bounded("frames", state["frames"], state.get("size", 4 * native), state["frames"])
            return imaging.png(imaging.strip(imaging.enlarged(frames, size), gap=4), written)
        return getattr(imaging, ending)(imaging.enlarged(frames, state.get("size", 10 * native)), written)
    if what == "plane":
        return imaging.png(figure(state), written)
    size = _bounded("n", state["n"], state.get("size", 4 * native), state["n"] ** 2)
    return imaging.png(imaging.enlarged(imaging.grid(imaging.to_bytes(manifold(state)), state["n"]), state["n"] * size), written)


def _sheet(images, columns, state, ending, written):
    """A file of pictures: one after the other where it moves, else a sheet with so many columns."""
    native = images.shape[1]
    if ending != "png":
        return getattr(imaging, ending)(_enlarged(images, state.get("size", max(256, native))), written)
    size = _bounded("pictures in a row", columns, state.get("size", max(native, 512 if columns == 1 else 128)), len(images))
    return imaging.png(imaging.grid(_enlarged(images, size), columns, gap=0 if columns == 1 else 4), written)


def _denoising(state, ending, written):
    """A file of the diffusion view: a film shows x_t beside the predicted x_0, a still one below the other."""
    if ending != "png" and state["what"] == "trajectory":
        rows = denoising.film(state)
        images = np.stack([imaging.grid(frame.reshape(-1, *frame.shape[2:]), 2) for frame in rows.transpose(2, 0, 1, 3, 4, 5)])
        images = np.concatenate([images, images[-1:].repeat(8, 0)])  # a moment to look at the outcome
        return getattr(imaging, ending)(_enlarged(images, state.get("size", 256) * 2), written)
    return _sheet(*denoising.pictures(state), state, ending, written)


def _family(state, written):
    """A file of the view "Why a VAE?": the rows of its chapter."""
    images, columns = family.pictures(state)
    size = _bounded("pictures in a row", columns, state.get("size", 112), len(images))
    return imaging.png(imaging.grid(_enlarged(images, size), columns, gap=4), written)


def _enlarged(images, size):
    """Smoothly what is in colour, in whole pixels what is grey and small."""
    if images.shape[-1] == 1:
        return imaging.enlarged(images, size)
    height, width = images.shape[1:3]
    if height == width:
        return imaging.smooth(images, size)
    scaled = [imaging.to_pillow(image).resize((size, round(size * height / width)), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image) for image in scaled])


def _bounded(key, columns, size, count):
    """`size`, if so many pictures, in so many columns, make a file that can be opened."""
    if columns * size > _MOST_PIXELS:
        raise StateError(f"{key} x size must be at most {_MOST_PIXELS} pixels, got {columns} x {size}")
    if count * size**2 > _MOST_AREA:
        raise StateError(f"a sheet may have {_MOST_AREA // 10**6} megapixels, got {count} pictures of {size} x {size}: lower size")
    return size
