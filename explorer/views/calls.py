"""What every view's page may ask: which view a link wants, and the file that a state stands for."""

import base64
import time

from explorer import checkpoints, imaging, views
from explorer.errors import ExplorerError
from explorer.serving import qr, questions
from explorer.serving.calls import answered, in_turn, pixels
from explorer.state import StateError, parse, parse_strictly, text
from explorer.views import costs, refined


@answered
def view_of(query: questions.Query):
    """{"view"}: the one that a link names, or its model's; the first where there is none such."""
    return {"view": seen(query)}


def seen(query):
    """The name of the view that the page shows for a link."""
    state, _ = parse(str(query))
    try:
        return views.view_of(state)
    except ExplorerError:
        return views.NAMES[0]


def decoded(state, picture):
    """What a drag asks for: `picture(state)`, float32 (h, w, c), and as the page takes it, {"pixels", "ms"}; loading the model is
    no part of what it takes."""
    checkpoints.load(state["model"])
    began = time.perf_counter()
    image = picture(state)
    return image, {"pixels": pixels(image), "ms": round(1000 * (time.perf_counter() - began), 2)}


@answered
@in_turn
def refine(request: questions.Refined):
    """{"query", "first", "count"} -> of what a state shows, so many pictures from that one on, painted out: {"pictures", "ms"}."""
    state, first, count = views.state_of(request["query"]), request.get("first", 0), request.get("count", 1)
    if not state.get("refined"):
        raise StateError("a state that is not refined has nothing to paint out", "refined")
    if not 0 < count <= refined.TOGETHER:
        raise StateError(f"count must be 1 to {refined.TOGETHER}, got {count}")
    said = views.of(state["view"]).said(state)[first : first + count]
    began = time.perf_counter()
    painted = refined.painted(state, said) if len(said) else said
    return {"pictures": [pixels(image) for image in painted], "ms": round(1000 * (time.perf_counter() - began), 1)}


@answered
@in_turn(long=True)
def export_file(request: questions.Exported):
    """{"query", "ending"} -> the file that `python -m explorer render` writes for the same string: base64 and a name."""
    state, ending = parse_strictly(request["query"]), request["ending"]
    cost = costs.Cost(ending)
    data = views.render(state, ending, cost.judge)
    cost.learn()
    full = views.complete(state)
    return {
        "file": base64.b64encode(data).decode(),
        "name": f"{full.get('model', full['view'])}-{full.get('chapter', full['what'])}.{ending}",
        "state": text(state),
    }


@answered
def state_of_file(request: questions.Dropped):
    """{"file": a data URL} -> {"state"}: what a file that was saved here shows, as it stands after ? in the address; "" if it does
    not say. Whether it can be shown, the page finds out as of any link."""
    data = imaging.of_data_url(request["file"])
    if len(data) > imaging.MOST_BYTES:
        raise imaging.PictureError(f"This file is too large: at most {imaging.MOST_BYTES / 1e6:.0f} MB can be read.")
    found = imaging.state_of(data).removeprefix("?")
    state, problems = parse(found)
    return {"state": found if state or problems else ""}


@answered
def qr_code(request: questions.Coded):
    """{"text": a link} -> {"svg"}: its QR code."""
    return {"svg": qr.svg(request["text"])}


SERVER_FUNCTIONS = [view_of, refine, export_file, state_of_file, qr_code]
