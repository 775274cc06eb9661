"""The morph view: from one picture to another, among four, or A - B + C of three, of any model whose latents are vectors.

The page's half is `morph_view.js`.
"""

import numpy as np

from explorer import checkpoints, faces, places
from explorer.state import parse, place_text
from explorer.ui import faces_view
from explorer.ui.faces_view import state_of
from explorer.ui.latent_plane import answered, in_turn, pixels
from explorer.ui.views import component, for_page

SCRIPTS = ("live.js", "view.js", "pictures.js", "latent_plane.js", "morph_view.js")


@answered
def open_morph(query):
    """What the page needs to show a query string: the state, what was wrong with it, the model, the others; the corners as they
    stand in a link, and their pictures."""
    state, corners, problems = _opened(str(query))
    models = [card for card in checkpoints.models() if faces.morphs(card) and not card["series"]]
    return {
        "problems": problems,
        "model": describe(state["model"]),
        "models": [{"name": card["name"], "short": card["short"]} for card in models],
        "state": for_page(state) | {"corners": [place_text(place) for place in state["corners"]]},
        "pictures": [pixels(image) for image in places.decode(state, corners)],
    }


def _opened(query):
    """The complete state, its corners' points, and what was wrong: then the model's defaults are shown, or the view's."""
    asked, problems = parse(query)
    for state in (asked, {key: asked[key] for key in ("model",) if key in asked}):
        try:
            full = faces.complete({**state, "view": "morph"})
            return full, faces.corners_of(full), problems
        except (KeyError, ValueError) as error:
            problems = list(dict.fromkeys([*problems, str(error.args[0])]))
    full = faces.complete({"view": "morph"})
    return full, faces.corners_of(full), problems


def describe(name):
    """What the page needs of a model's card; only faces have a gallery to go through."""
    card = checkpoints.card(name)
    face = bool(card.get("attributes"))
    return {
        "name": name, "title": card["title"], "image_shape": card["image_shape"], "face": face,
        "gallery": len(checkpoints.encodings(name).z_mean) if face else 0,
        "conditional": bool(card.get("conditional")), "classes": card.get("classes", []),
    }  # fmt: skip


@answered
@in_turn
def morph_frames(query):
    """The frames between two places, their positions, how much each step changes the picture, and by which measure."""
    state = state_of(query)
    frames, _, ts = faces.morph(state)
    measure, name = faces.steps_of(state), "root of 1 − SSIM"
    name = name if measure is faces.structural_steps else "root mean square"
    return {"frames": [pixels(frame) for frame in frames], "t": np.round(ts, 4).tolist(),
            "steps": np.round(measure(frames), 4).tolist(), "measure": name}  # fmt: skip


SERVER_FUNCTIONS = [
    open_morph, morph_frames, faces_view.decode_face, faces_view.face_sheet, faces_view.face_gallery, faces_view.export_file,
]  # fmt: skip


def build():
    """The view as one component."""
    component("morph", "morph_view.html", SCRIPTS, SERVER_FUNCTIONS)
