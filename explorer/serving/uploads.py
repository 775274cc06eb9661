"""Pictures that scripts send before they ask about them: in memory, for a moment, each to be taken once by a word that nobody can
guess. Nothing is written, and no path is told."""

import secrets
import threading
import time

from starlette.concurrency import run_in_threadpool
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.responses import JSONResponse
from starlette.routing import Route

from explorer import imaging
from explorer.errors import InputError, TooMany

PATH = "/gradio_api/upload"
WORD = "upload:"
KEPT = 120.0  # seconds
MOST_TOGETHER = 200_000_000  # bytes
_kept: dict[str, tuple[float, bytes]] = {}
_lock = threading.Lock()


class _InMemory(MultiPartParser):
    spool_max_size = 2 * imaging.MOST_BYTES  # beyond it Starlette would write a file


def put(data):
    """Keep bytes for a moment; returns the word by which `take` finds them. Raises TooMany."""
    with _lock:
        _forget()
        if sum(len(kept) for _, kept in _kept.values()) + len(data) > MOST_TOGETHER:
            raise TooMany("Many people send pictures at the moment. Try again in a minute.")
        found = WORD + secrets.token_urlsafe(16)
        _kept[found] = time.monotonic(), data
        timer = threading.Timer(KEPT + 1, _emptied)
        timer.daemon = True
        timer.start()
        return found


def take(said):
    """The bytes of a word, which are kept no longer, or of a data URL. InputError for anything else."""
    if said.startswith("data:"):
        return imaging.of_data_url(said)
    with _lock:
        _forget()
        _, data = _kept.pop(said, (0, None))
    if data is None:
        raise InputError("A picture is a file that was just sent, or a data URL: no address is fetched. Send it again.")
    return data


def word(path):
    """What stands in a question for a file that a client names by `path`: the word of an upload or a data URL, else "elsewhere"."""
    return path if isinstance(path, str) and path.startswith((WORD, "data:")) else "elsewhere"


def _emptied():
    with _lock:
        _forget()


def _forget():
    now = time.monotonic()
    for found in [found for found, (since, _) in _kept.items() if now - since > KEPT]:
        del _kept[found]


async def _take_in(request):
    """Multipart with `files` -> their words, as Gradio's clients expect paths."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return _refused(415, "A file is sent as multipart/form-data.")
    try:
        form = await _InMemory(request.headers, request.stream(), max_files=10, max_fields=10).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        return _refused(400, f"The file did not arrive whole ({getattr(error, 'message', type(error).__name__)}). Send it again.")
    try:
        files = [await file.read() for file in form.getlist("files") if not isinstance(file, str)]
    finally:
        await form.close()
    if any(len(file) > imaging.MOST_BYTES for file in files):
        return _refused(413, f"A file may have {imaging.MOST_BYTES // 10**6} MB.")
    try:
        return JSONResponse([await run_in_threadpool(put, file) for file in files])
    except TooMany as error:
        return _refused(503, str(error))


def _refused(status, sentence):
    return JSONResponse({"detail": sentence}, status)


route = Route(PATH, _take_in, methods=["POST"])
