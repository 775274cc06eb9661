"""Who asks, as far as sharing needs it: a visitor is a cookie of ours, or else an address; and whether he still waits.

What is asked within a request finds its `Asker` by `asker()`, in whichever thread it runs.
"""

import asyncio
import re
import secrets
import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from explorer.errors import TooMany
from explorer.serving.turns import Places

COOKIE = "lx_visitor"  # a name that nginx can read
MOST_OF_ADDRESS = 200  # visitors of one address that count as several: a school is one address, a script with forged cookies too
AT_ONCE, OF_VISITOR = 400, 50  # questions by HTTP: each keeps a thread, though most of them wait in it
REMEMBERED = 600.0  # seconds for which a visitor of an address counts as one of these
_TOKEN = re.compile(r"[\w-]{16,64}", re.ASCII)


@dataclass(frozen=True)
class Asker:
    """A visitor: `name`, by which work is shared out, `address`; `gone` is set once he does not wait for this answer any more."""

    name: str = ""
    address: str = ""
    gone: threading.Event = field(default_factory=threading.Event, compare=False)


_NOBODY = Asker()
_asker: ContextVar[Asker | None] = ContextVar("asker", default=None)


def asker():
    """Whoever asks in this context; outside of any request nobody."""
    return _asker.get() or _NOBODY


def keep(who):
    """Have `who` be who asks in this context from now on."""
    _asker.set(who)


class Visitors:
    """ASGI middleware: knows who asks, gives newcomers their cookie with the page, and hears when somebody hangs up."""

    def __init__(self, app):
        self.app, self._seen, self._places = app, {}, Places(AT_ONCE, OF_VISITOR, waiting=2000, waiting_of_address=4000)

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        address, token = _address(scope, headers), _token(headers)
        found = Asker(token if token and self._counts(address, token) else address, address)
        keep(found)  # each request has a context of its own
        if scope["type"] == "http" and scope["method"] == "GET" and token is None:
            send = _with_cookie(send, scope, headers)
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        return await self._in_his_share(found, scope, receive, send)

    async def _in_his_share(self, found, scope, receive, send):
        """Answers what somebody sends, once he has a place: of a thousand questions of one visitor most wait here."""
        loop, turn, listening = asyncio.get_running_loop(), asyncio.Event(), _Listening(receive, found)
        try:
            ticket = self._places.enter(found, then=lambda: loop.call_soon_threadsafe(turn.set))
        except TooMany as error:
            return await PlainTextResponse(str(error), 429)(scope, receive, send)
        try:
            await turn.wait()
            return await self.app(scope, listening, send)
        finally:
            self._places.leave(ticket)
            listening.end()

    def _counts(self, address, token):
        """Whether a cookie counts as a visitor of its own."""
        now, seen = time.monotonic(), self._seen.setdefault(address, {})
        if token not in seen and len(seen) >= MOST_OF_ADDRESS:
            for old in [old for old, last in seen.items() if now - last > REMEMBERED]:
                del seen[old]
            if len(seen) >= MOST_OF_ADDRESS:
                return False
        seen[token] = now
        if len(self._seen) > 10_000:  # addresses; the longest known go first
            self._seen.pop(next(iter(self._seen)))
        return True


class _Listening:
    """A request's `receive` that, once all of it has come, hears who asked hang up."""

    def __init__(self, receive, asker):
        self._receive, self._asker, self._rest = receive, asker, None

    async def __call__(self):
        if self._rest:
            return await asyncio.shield(self._rest)
        message = await self._hear()
        if message["type"] == "http.request" and not message.get("more_body"):
            self._rest = asyncio.create_task(self._hear())
        return message

    async def _hear(self):
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._asker.gone.set()
        return message

    def end(self):
        if self._rest:
            self._rest.cancel()


def _token(headers):
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel and _TOKEN.fullmatch(morsel.value) else None


def _address(scope, headers):
    """Where a request comes from; of a proxy on this machine or its network what that says, whose own word is the last."""
    address = (scope.get("client") or ("",))[0]
    try:
        near = ip_address(address).is_private  # loopback included
    except ValueError:  # a socket of Unix, a test
        near = True
    forwarded = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded if near and forwarded else address


def _with_cookie(send, scope, headers):
    """`send`, which adds a cookie to a page. In another site's frame, as a Space is, it is kept apart for that site."""

    async def told(message):
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            if answer.get("content-type", "").startswith("text/html"):
                safe = "https" in (scope.get("scheme"), headers.get("x-forwarded-proto"))
                where = "SameSite=None; Secure; Partitioned" if safe else "SameSite=Lax"
                answer.append("set-cookie", f"{COOKIE}={secrets.token_urlsafe(16)}; Path=/; HttpOnly; {where}")
        await send(message)

    return told
