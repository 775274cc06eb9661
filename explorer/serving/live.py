"""The live channel: a WebSocket for what must answer within a drag. One connection a page, one request in flight on it.

A message is JSON `[name, request]`, where `name` is one of the live functions; the answer is the JSON that the function of
that name returns. The same functions are served by `gr.HTML(server_functions=...)`, where the page turns when no socket can
be had (some proxies allow none); a socket saves it the several milliseconds of an HTTP request.
"""

import json
import time

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

PATH = "/live"
LONGEST = 20_000  # characters of a request: a point of 1,000 dimensions fits

_asked = [float("-inf")]  # when the last question came, monotonic seconds


def quiet_for():
    """Seconds since somebody last asked: what can wait does not load beside a drag."""
    return time.monotonic() - _asked[0]


def route(functions):
    """The endpoint that answers by these functions, {name: function of one JSON value}."""

    async def live(socket: WebSocket):
        await socket.accept()
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                text = message.get("text") or ""  # none in a message of bytes
                await socket.send_text(json.dumps(await run_in_threadpool(_answer, functions, text)))
        except WebSocketDisconnect:
            pass

    return live


def _answer(functions, message):
    _asked[0] = time.monotonic()
    try:
        name, request = json.loads(message) if len(message) <= LONGEST else (None, None)
        function = functions[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"error": f"a message is [name, request], name one of {', '.join(functions)}"}
    return function(request)
