"""How the page's questions are answered. The browser calls these functions through `gr.HTML(server_functions=...)`, outside
Gradio's queue, or over the live channel; each takes one JSON value and returns JSON. Pictures travel as base64 of their bytes.
"""

import base64
import errno
import functools
import io
import logging
import re
import threading

import numpy as np

from explorer import checkpoints, imaging
from explorer.errors import ExplorerError, TooMany
from explorer.serving import questions
from explorer.serving.jobs import Jobs

JOBS = Jobs()  # what visitors have under way, of all views
_log = logging.getLogger(__name__)
_heavy = threading.BoundedSemaphore(2)  # sheets and films at once, so that drags get through on two cores
_queue = threading.BoundedSemaphore(12)  # ... and waiting for it: each keeps one of the server's forty threads from the drags
_WAIT = 30.0  # seconds for one's turn
_BUSY = "Many people are using this at the moment. Try again in a minute."


def answered(function):
    """What may be told becomes `{"error": message}`, a request that does not fit the function's annotation too; anything else is
    logged, and becomes a plain sentence."""
    check = questions.checked(function)

    @functools.wraps(function)
    def answer(request):
        try:
            return function(check(request))
        except ExplorerError as error:
            return {"error": re.sub("[\ud800-\udfff]", "\ufffd", str(error))}  # half a surrogate cannot be sent
        except Exception as error:
            _log.exception("%s failed", function.__name__)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                return {"error": "The server's disk is full. Whoever runs it must make room; try again later."}
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


@answered
def run_news(request: questions.News):
    """[job, events seen] -> {"events": [...], "done"}; waits for the next one for a moment."""
    name, seen = request
    events, done = JOBS.since(str(name), int(seen))
    return {"events": events, "done": done}


@answered
def stop_run(name: questions.Name):
    """End a run."""
    JOBS.stop(str(name))
    return {}


def shipped(name):
    """The generator of a model that ships; UnknownName for any other: on a visitor's word nothing is fetched from elsewhere."""
    return checkpoints.load(checkpoints.card(str(name))["name"])


def shown_with(view):
    """Names and short titles of all models that a view shows, by `view(card)`."""
    return [{"name": card["name"], "short": card["short"]} for card in checkpoints.models() if view(card)]


def for_page(state):
    """A state as the page takes it: lists for tuples."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in state.items()}


def packed(array):
    """An array's bytes as base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def pixels(images):
    """float (..., h, w, c) in [0, 1] -> base64 of uint8."""
    return packed(imaging.to_bytes(images))


def jpeg(images, columns, quality):
    """Images (n, h, w, c) side by side as one JPEG, grey or in colour: a data URL for an <img>."""
    file = io.BytesIO()
    imaging.to_pillow(imaging.grid(imaging.to_bytes(images), columns)).save(file, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
