"""The live channel: a WebSocket for what must answer within a drag. One connection a page, one request in flight on it.

A message is JSON `[name, request]`, where `name` is one of the live functions; the answer is the JSON that the function of
that name returns. The same functions are served by `gr.HTML(server_functions=...)`, where the page turns when no socket can
be had (some proxies allow none); a socket saves it the several milliseconds of an HTTP request.
"""

import json
import time

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.serving.doors import OWN, same_site

PATH = "/live"
LONGEST = 20_000  # characters of a request: a point of 1,000 dimensions fits
MOST = 3000  # questions of one socket in a window of `WINDOW` seconds: a drag on a fast screen asks some 1,200
WINDOW = 10.0
TOO_MANY, FOREIGN = 1008, 1008  # WebSocket's code for a broken rule

_asked = [float("-inf")]  # when the last question came, monotonic seconds


def quiet_for():
    """Seconds since somebody last asked: what can wait does not load beside a drag."""
    return time.monotonic() - _asked[0]


def route(functions, allowed=OWN):
    """The endpoint that answers by these functions, {name: function of one JSON value}, who is `allowed`."""

    async def live(socket: WebSocket):
        if not same_site(socket.headers, allowed):
            return await socket.close(FOREIGN, "another site's page may not ask here")
        await socket.accept()
        began, count = time.monotonic(), 0
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                now, count = time.monotonic(), count + 1
                if now - began > WINDOW:
                    began, count = now, 1
                elif count > MOST:
                    return await socket.close(TOO_MANY, f"at most {MOST} questions in {WINDOW:g} seconds")
                text = message.get("text") or ""  # none in a message of bytes
                await socket.send_text(json.dumps(await run_in_threadpool(_answer, functions, text)))
        except WebSocketDisconnect:
            pass
        return None

    return live


def _answer(functions, message):
    _asked[0] = time.monotonic()
    try:
        name, request = json.loads(message) if len(message) <= LONGEST else (None, None)
        function = functions[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {"error": f"a message is [name, request], name one of {', '.join(functions)}"}
    return function(request)
