"""The morph view: from one face to another, or among four. The page's half is `morph_view.js`."""

import numpy as np

from explorer import checkpoints, faces, imaging
from explorer.state import place_text
from explorer.ui import faces_view
from explorer.ui.faces_view import opened, state_of
from explorer.ui.latent_plane import answered, in_turn, pixels
from explorer.ui.views import component

SCRIPTS = ("live.js", "view.js", "latent_plane.js", "morph_view.js")


@answered
def open_morph(query):
    """See `faces_view.opened`; the corners as they stand in a link, and their pictures."""
    answer = opened(query, "morph")
    state = answer["state"]
    corners = np.stack([faces.at(state["model"], place) for place in state["corners"]])
    answer["state"] = {**state, "corners": [place_text(place) for place in state["corners"]]}
    return answer | {"pictures": [pixels(image) for image in checkpoints.load(state["model"]).decode(corners)]}


@answered
@in_turn
def morph_frames(query):
    """The frames between two faces, their positions, and how much each step changes the picture (1 - SSIM)."""
    frames, _, ts = faces.morph(state_of(query))
    steps = 1 - imaging.ssim(frames[:-1], frames[1:])
    return {"frames": [pixels(frame) for frame in frames], "t": np.round(ts, 4).tolist(), "steps": np.round(steps, 4).tolist()}


SERVER_FUNCTIONS = [
    open_morph, morph_frames, faces_view.decode_face, faces_view.face_sheet, faces_view.face_gallery, faces_view.export_file,
]  # fmt: skip


def build():
    """The view as one component."""
    component("morph", "morph_view.html", SCRIPTS, SERVER_FUNCTIONS)
