"""The morph view: from one picture to another, among four, or A - B + C of three, of any model whose latents are vectors.

The page's half is `view.js`.
"""

import numpy as np

from explorer import checkpoints, imaging, views
from explorer.generators import has_encoder
from explorer.serving import questions
from explorer.serving.calls import answered, for_page, in_squares, in_turn, jpeg, packed, pixels, shown_with
from explorer.state import MOST_STOPS, StateError, place_text
from explorer.views import calls as common
from explorer.views import points, refined
from explorer.views.faces.calls import encode_photo
from explorer.views.latent_plane.calls import encode_picture
from explorer.views.morph import pictures


def state_of(query):
    """The complete state of a query string of this view."""
    return views.state_of(query, "morph")


@answered
def open_morph(query: questions.Query):
    """What the page needs to show a query string: the state, what was wrong with it, the model, the others; corners and stops as
    they stand in a link, and of the corners, with the stops between the two of a way, the points, float32 (k, d), and pictures."""
    state, problems = views.opened(query, "morph")
    corners = points.corners_of(state)
    if len(corners) == 2:
        corners = points.stops_of(*corners, state)
    usual = pictures.complete({"model": state["model"], "corners": state["corners"]})
    usual = {key: value for key, value in usual.items() if key not in ("model", "corners", "t")}  # these a link always says
    return {
        "problems": problems,
        "model": describe(state["model"]),
        "models": shown_with(lambda card: pictures.morphs(card) and not card["series"]),
        "state": for_page(state) | {key: [place_text(place) for place in state[key]] for key in ("corners", "via") if key in state},
        "defaults": for_page(usual),
        "points": packed(corners.astype("<f4")),
        "pictures": [pixels(image) for image in points.decode(state, corners)],
    }


def describe(name):
    """What the page needs of a model's card; only faces have a gallery to go through."""
    card = checkpoints.card(name)
    face = bool(card.get("attributes"))
    return {
        "name": name, "title": card["title"], "image_shape": card["image_shape"], "face": face,
        "refiner": refined.refiner_of(card), "start": [place_text(place) for place in pictures.start(card)],
        "sum": [place_text(place) for place in pictures.start_sum(card)],
        "encodes": has_encoder(card), "most_stops": MOST_STOPS,
        "gallery": min(len(checkpoints.encodings(name).z_mean), 10_000) if face else 0,  # places have four digits
        "conditional": bool(card.get("conditional")), "classes": card.get("classes", []),
    }  # fmt: skip


@answered
def decode_morph(query: questions.Query):
    """What lies between the corners of a state: its pixels."""
    return common.decoded(state_of(query), pictures.picture)[1]


@answered
@in_turn
def morph_frames(query: questions.Query):
    """The frames between two places, their positions, how much each step changes what is shown, and by which measure."""
    state = _among(2, query)
    frames, _, ts = pictures.frames(state)
    measure, name = pictures.steps_of(state), "root of 1 − SSIM"
    name = name if measure is pictures.structural_steps else "root mean square"
    return {"frames": [pixels(frame) for frame in frames], "t": np.round(ts, 4).tolist(),
            "steps": np.round(measure(refined.painted(state, frames)), 4).tolist(), "measure": name}  # fmt: skip


@answered
@in_turn
def morph_sheet(query: questions.Query):
    """The surface between four places, as one JPEG."""
    state = _among(4, query)
    images = pictures.sheet(state)
    if images.shape[-1] == 1:
        images = imaging.enlarged(images, 112)  # so that the browser has no small pixels to blur
    return {"url": jpeg(in_squares(images), state["n"], 88)}


def _among(count, query):
    """The complete state of a query string with so many corners; StateError for another number."""
    state = state_of(query)
    if len(state["corners"]) != count:
        raise StateError(f"this lies among {count} corners, got {len(state['corners'])}", "corners")
    return state


SERVER_FUNCTIONS = [open_morph, decode_morph, morph_frames, morph_sheet, encode_photo, encode_picture]
LIVE_FUNCTIONS = [decode_morph]
