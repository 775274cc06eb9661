"""How the page's questions are answered. The browser calls these functions through `gr.HTML(server_functions=...)`, outside
Gradio's queue, or over the live channel; each takes one JSON value and returns JSON. Pictures travel as base64 of their bytes.
"""

import base64
import errno
import functools
import io
import logging
import re

import numpy as np

from explorer import checkpoints, imaging
from explorer.errors import ExplorerError
from explorer.serving import questions
from explorer.serving.jobs import Jobs
from explorer.serving.turns import Cancelled, Places, Turns, running
from explorer.serving.visitors import asker

JOBS = Jobs()  # what visitors have under way, of all views
LONG = 600  # pictures times steps of a run: what is more leaves places to what is less
DECODES = Turns(16, 64, closing=0.002)  # what is asked at once and must be answered at once: drags, not in turns with the jobs
_SHEETS = Places(8, 2, kept=2, waiting=12, waiting_of_address=120)  # and films; each that waits keeps one of the server's threads
_log = logging.getLogger(__name__)


def answered(function):
    """What may be told becomes `{"error": message}`, a request that does not fit the function's annotation too; anything else is
    logged, and becomes a plain sentence. What is asked of networks is computed together with what others ask of them now."""
    check = questions.checked(function)

    @functools.wraps(function)
    def answer(request):
        try:
            with running(DECODES, object(), asker().name, _still_waiting):
                return function(check(request))
        except ExplorerError as error:
            return {"error": re.sub("[\ud800-\udfff]", "\ufffd", str(error))}  # half a surrogate cannot be sent
        except Cancelled:  # there is nobody to tell
            return {"error": "You left before this was done."}
        except Exception as error:
            _log.exception("%s failed", function.__name__)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                return {"error": "The server's disk is full. Whoever runs it must make room; try again later."}
            return {"error": "This did not work, and it is our fault: the server's log says why. Reload the page to go on."}

    return answer


def _still_waiting():
    if asker().gone.is_set():
        raise Cancelled


def in_turn(function=None, *, long=False):
    """So many of these at once, and visitors alike: who asks for more waits, and ends when he hangs up. The networks are asked in
    turns with the jobs. `long`: it may take a minute, and leaves some places to what does not."""
    if function is None:
        return functools.partial(in_turn, long=long)

    @functools.wraps(function)
    def wait(*arguments):
        who = asker()
        with (
            _SHEETS.held(_SHEETS.enter(who, long), _still_waiting),
            running(JOBS.turns, object(), who.name, _still_waiting),
        ):
            return function(*arguments)

    return wait


@answered
def run_news(request: questions.News):
    """[job, events seen] -> {"events": [...], "done"}; waits for the next one for a moment. While the job waits for a place,
    "place": its number in the queue, and "wait": the seconds that this may take."""
    name, seen = request
    events, done = JOBS.since(str(name), int(seen))
    place = JOBS.place(str(name))
    waits = {"place": place[0], "wait": round(place[1])} if place else {}
    return {"events": events, "done": done, "beside": max(0, JOBS.places.visitors() - 1), **waits}


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


def in_squares(images):
    """Images (n, h, w, c) of a sheet that the page lays out in squares: each in the middle of one, black around it."""
    height, width = images.shape[1:3]
    more = [(max(height, width) - side) for side in (height, width)]
    return np.pad(images, [(0, 0), *((part // 2, part - part // 2) for part in more), (0, 0)])


def jpeg(images, columns, quality):
    """Images (n, h, w, c) side by side as one JPEG, grey or in colour: a data URL for an <img>."""
    file = io.BytesIO()
    imaging.to_pillow(imaging.grid(imaging.to_bytes(images), columns)).save(file, "JPEG", quality=quality)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
