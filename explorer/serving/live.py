"""The live channel: a WebSocket for what must answer within a drag. One connection a page, one request in flight on it.

A message is JSON `[name, request]`, where `name` is one of the live functions; the answer is the JSON that the function of
that name returns. The same functions are served by `gr.HTML(server_functions=...)`, where the page turns when no socket can
be had (some proxies allow none); a socket saves it the several milliseconds of an HTTP request.

The questions of a socket are answered in their order, those of many visitors in turn. Of more than `DEEP` that wait on one socket
the newest are answered, the older ones with `OVERTAKEN`: who asks so fast has no use for them.
"""

import asyncio
import contextvars
import json
import logging
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from starlette.websockets import WebSocket, WebSocketDisconnect

from explorer.errors import TooMany
from explorer.serving.doors import OWN, same_site
from explorer.serving.turns import Places
from explorer.serving.visitors import asker, keep

PATH = "/live"
LONGEST = 20_000  # characters of a request: a point of 1,000 dimensions fits
MOST = 3000  # questions of one socket in a window of `WINDOW` seconds: a drag on a fast screen asks some 1,200
WINDOW = 10.0
DEEP = 64  # questions that wait on one socket: a page that opens with a shelf of points asks for all of them
AT_ONCE, OF_VISITOR = 16, 4  # questions that are being answered: what they ask of one network is computed together
MOST_SOCKETS = 2000  # of one address
OVERTAKEN = {"error": "newer questions have overtaken this one"}
TOO_MANY, FOREIGN, FAULT = 1008, 1008, 1011  # WebSocket's codes for a broken rule, and for a fault of ours

_log = logging.getLogger(__name__)
_asked = [float("-inf")]  # when the last question came, monotonic seconds


def quiet_for():
    """Seconds since somebody last asked: what can wait does not load beside a drag."""
    return time.monotonic() - _asked[0]


def route(functions, allowed=OWN):
    """The endpoint that answers by these functions, {name: function of one JSON value}, who is `allowed`."""

    places = Places(AT_ONCE, OF_VISITOR, waiting=MOST_SOCKETS, waiting_of_address=MOST_SOCKETS)
    threads = ThreadPoolExecutor(AT_ONCE, "live")  # its own: what takes long elsewhere keeps no thread from a drag

    async def live(socket: WebSocket):
        if not same_site(socket.headers, allowed):
            return await socket.close(FOREIGN, "another site's page may not ask here")
        await socket.accept()
        keep(replace(asker(), gone=threading.Event()))  # each socket is left for itself
        waiting, news = deque(), asyncio.Event()
        answering = asyncio.create_task(_answer_all(socket, functions, waiting, news, places, threads))
        began, count = time.monotonic(), 0
        try:
            while (message := await socket.receive())["type"] == "websocket.receive":
                now, count = time.monotonic(), count + 1
                if now - began > WINDOW:
                    began, count = now, 1
                elif count > MOST:
                    return await socket.close(TOO_MANY, f"at most {MOST} questions in {WINDOW:g} seconds")
                waiting.append(message.get("text") or "")  # none in a message of bytes
                if len(waiting) > MOST:  # and nobody reads the answers
                    return await socket.close(TOO_MANY, "read the answers")
                if len(waiting) > DEEP:
                    waiting[-DEEP - 1] = None
                news.set()
        except WebSocketDisconnect:
            pass
        finally:
            asker().gone.set()
            answering.cancel()
        return None

    return live


async def _answer_all(socket, functions, waiting, news, places, threads):
    """Answers what comes on a socket, one after the other, until it is closed."""
    try:
        while True:
            while not waiting:
                news.clear()
                await news.wait()
            answer = json.dumps(OVERTAKEN)
            if waiting[0] is not None:
                answer = await _in_turn(functions, waiting, places, threads)
            else:
                waiting.popleft()
            await socket.send_text(answer)
    except WebSocketDisconnect:
        pass
    except TooMany as error:
        await socket.close(TOO_MANY, str(error))
    except Exception:
        _log.exception("the live channel failed")
        await socket.close(FAULT, "the server's log says why")


async def _in_turn(functions, waiting, places, threads):
    """The answer, as text, to the first of the questions that wait, once it is its visitor's turn."""
    loop, turn = asyncio.get_running_loop(), asyncio.Event()
    ticket = places.enter(asker(), then=lambda: loop.call_soon_threadsafe(turn.set))
    try:
        await turn.wait()
        message = waiting.popleft()
        if message is None:  # overtaken meanwhile
            return json.dumps(OVERTAKEN)
        return await loop.run_in_executor(threads, contextvars.copy_context().run, _answer, functions, message)
    finally:
        places.leave(ticket)


def _answer(functions, message):
    _asked[0] = time.monotonic()
    try:
        name, request = json.loads(message) if len(message) <= LONGEST else (None, None)
        function = functions[name]
    except (ValueError, KeyError, TypeError, RecursionError):
        return json.dumps({"error": f"a message is [name, request], name one of {', '.join(functions)}"})
    return json.dumps(function(request))
