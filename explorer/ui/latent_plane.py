"""The component that all views share: a plane of a latent space to drag across. This is its server side.

The browser calls these functions through `gr.HTML(server_functions=...)`, outside Gradio's queue; each takes one JSON value
and returns JSON. Pictures travel as base64 of their bytes. The page's half is `latent_plane.js` and `latent_plane.css`.
"""

import base64
import functools
import io
import logging
import threading
import time

import numpy as np

from explorer import checkpoints, geometry, imaging, places, presets, rendering
from explorer.ui import views
from explorer.ui.jobs import TooMany

_log = logging.getLogger(__name__)
_heavy = threading.BoundedSemaphore(2)  # sheets and films at once, so that drags get through on two cores
_queue = threading.BoundedSemaphore(12)  # ... and waiting for it: each keeps one of the server's forty threads from the drags
_WAIT = 30.0  # seconds for one's turn
_BUSY = "Many people are using this at the moment. Try again in a minute."
NEIGHBOURS = 20


def answered(function):
    """Expected exceptions become `{"error": message}`, in the page's words; others are logged and become a plain one."""

    @functools.wraps(function)
    def answer(request):
        try:
            return function(request)
        except (checkpoints.CheckpointError, presets.PresetError, ValueError, NotImplementedError, TooMany) as error:
            return {"error": str(error)}
        except KeyError as error:
            return {"error": str(error.args[0]) if error.args else "unknown name"}
        except Exception:
            _log.exception("%s failed", function.__name__)
            return {"error": "This did not work, and it is our fault: the server's log says why. Reload the page to go on."}

    return answer


def in_turn(function):
    """At most two of these at once; who waits longer than half a minute, or behind ten others, is told so."""

    @functools.wraps(function)
    def wait(*arguments):
        if not _queue.acquire(blocking=False):
            raise TooMany(_BUSY)
        try:
            if not _heavy.acquire(timeout=_WAIT):
                raise TooMany(_BUSY)
            try:
                return function(*arguments)
            finally:
                _heavy.release()
        finally:
            _queue.release()

    return wait


def shipped(name):
    """The generator of a model that ships; KeyError for any other: on a visitor's word alone nothing is fetched from elsewhere."""
    return checkpoints.load(checkpoints.card(str(name))["name"])


def packed(array):
    """An array's bytes as base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def pixels(images):
    """float (..., h, w, c) in [0, 1] -> base64 of uint8."""
    return packed(imaging.to_bytes(images))


def state_of(query):
    """The complete state of a query string of the latent plane."""
    return views.state_of(query, rendering.complete)


@answered
def decode_point(query):
    """The picture at the state's point, and how many of the nearest encodings bear which label, or of a GAN, which has none, for
    how real its discriminator takes it."""
    state = state_of(query)
    generator = checkpoints.load(state["model"])  # once; not part of what a picture takes
    began = time.perf_counter()
    image = rendering.picture(state)
    milliseconds = 1000 * (time.perf_counter() - began)
    answer = {"pixels": pixels(image), "ms": round(milliseconds, 2)}
    if not places.has_encodings(generator.card):
        return answer | {"nearest": [], "real": round(float(generator.verdict(image[None], state.get("label"))[0]), 4)}
    try:
        codes = checkpoints.encodings(state["model"])
    except checkpoints.CheckpointError:
        return answer | {"nearest": []}  # `plane_points` says which file is damaged; the picture does not need it
    labels = codes.labels[geometry.nearest(codes.z_mean, np.array(state["z"], "float32"), NEIGHBOURS)]
    counts = sorted(zip(*np.unique(labels, return_counts=True), strict=True), key=lambda pair: -pair[1])
    return answer | {"nearest": [[int(label), int(count)] for label, count in counts]}


@answered
def plane_points(name):
    """The encodings of a model's test set: z_mean as int16 (n, d) in units of `step`, and uint8 labels (n,); of a GAN none."""
    card = checkpoints.card(name)
    if not places.has_encodings(card):
        return {"points": "", "step": 1.0, "labels": "", "d": int(np.prod(card["latent_shape"]))}
    codes = checkpoints.encodings(name)
    step = max(float(np.abs(codes.z_mean).max()), 1e-6) / 32767
    fixed = np.rint(codes.z_mean / step).astype("<i2")
    return {"points": packed(fixed), "step": step, "labels": packed(codes.labels), "d": codes.z_mean.shape[1]}


@answered
def plane_sheet(name):
    """The decoded plane that was shipped with a 2-D model, for the time until its decoder is there: a data URL and its cells."""
    card = checkpoints.card(name)
    if len(card["view"]["z"]) != 2:
        return {}
    data = base64.b64encode(checkpoints.read(name, checkpoints.SHEET)).decode()
    return {"url": f"data:image/webp;base64,{data}", "n": 30, **card["view"]}


@answered
@in_turn
def plane_backdrop(query):
    """What is visible of the plane, decoded: one grey or colour JPEG of n x n pictures as a data URL."""
    state = state_of(query)
    sheet = imaging.to_pillow(imaging.grid(imaging.to_bytes(rendering.manifold(state)), state["n"]))
    file = io.BytesIO()
    sheet.save(file, "JPEG", quality=88)
    return {"url": "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()}


@answered
def plane_veil(query):
    """How dark the veil lies over what is visible: uint8 (side, side)."""
    shade = rendering.shade(rendering.veil(state_of(query)))
    return {"shade": packed((255 * shade).astype("uint8")), "side": len(shade)}


SERVER_FUNCTIONS = [decode_point, plane_points, plane_sheet, plane_backdrop, plane_veil]
