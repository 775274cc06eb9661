"""Who may ask, and how much: what every request passes before anything is done about it, page, live channel, API, files and tools.

A browser says in `Host` by which name it found this server, and in `Origin` whose page asks; no page can have it say otherwise.
So another site's page is refused, and so is one that had its own name lead here (DNS rebinding). Bodies are bounded and read
before Gradio sees them; what does not fit is the caller's fault, who is told so in a sentence.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from explorer.serving import uploads

LOOPBACK = ("localhost", "127.0.0.1", "::1")
API = "/gradio_api/"
MOST_BODY = 36_000_000  # bytes: a picture of 25 MB as base64, and some more
MOST_TOGETHER = 400_000_000  # ... of all bodies that are being read or answered
SMALL = 100_000  # ... that are read as JSON beside the others' requests
PATIENCE = 60.0  # seconds for a body to come
LONGEST_NAME = 255  # bytes of a file's, at which a disk stumbles
# what Gradio offers and nothing here needs: it fetches addresses, keeps what it is sent, or tells of the server
SHUT = re.compile(
    r"/gradio_api/(proxy=|file=(https?|data|ftp):|file/|stream/|process_recording|upload_progress|deep_link|run-history|profiling"
    r"|vibe|undo-vibe|dev/|custom_component/)|/monitoring|/login|/logout|/pwa_icon",
    re.IGNORECASE,
)
_ENDPOINT = re.compile(r"/gradio_api/(?P<how>run|api|call/v2|call)/(?P<name>[^/]+)/?")
OURS = b"it is our fault"  # in what is told of a fault of ours, see `calls.answered`
FOREIGN = "Another site's page may not ask here. Whoever runs this server may let it, with --allow-origin"
MISDIRECTED = "This server is not known by this name. Whoever runs it may let it be, with --allow-origin"
TOO_LONG = f"This request is too long: at most {MOST_BODY // 10**6} MB are read"


@dataclass(frozen=True)
class Allowed:
    """By which host names this server may be asked for, None for any; and hosts whose pages may ask beside its own, ".x" for all
    below x."""

    names: frozenset[str] | None = None
    origins: frozenset[str] = frozenset()

    @classmethod
    def of(cls, bound, environment, origins=(), root_path=None, shared=False):
        """What follows from the address that the server is `bound` to, from the names that whoever runs it gives (`origins`, as in
        https://there.example, and a `root_path` that is a whole address) and from the `environment` of a Space."""
        told = {_host(address) for address in (*origins, root_path or "")} - {""}
        near = {".gradio.live"} if shared else set()
        if environment.get("SPACE_ID"):
            return cls(None, frozenset(told | {"huggingface.co"} | set(environment.get("SPACE_HOST", ".hf.space").split(","))))
        if "google.colab" in sys.modules:  # whose proxy alone reaches this machine
            return cls(None, frozenset(told | {".googleusercontent.com", ".colab.dev"}))
        if not told and bound not in LOOPBACK:
            return cls()
        names = {*LOOPBACK, ".localhost", *(_name(host) for host in told)} | near
        return cls(frozenset(names if bound in LOOPBACK else names | {"*"}), frozenset(told))

    def name(self, host):
        """Whether a `Host` may be asked for. Numbers are no name that leads elsewhere, where others than this machine may ask."""
        name = _name(_host(f"//{host}"))
        if self.names is None:
            return True
        return bool(name) and (_among(name, self.names) or "*" in self.names and _is_number(name))

    def origin(self, headers):
        """Whether who asks is a page of this server, or of a site that may, or none."""
        found = headers.getlist("origin")
        if not found:
            return headers.get("sec-fetch-site") != "cross-site"
        scheme, host = urlsplit(found[0]).scheme if len(found) == 1 else "", _host(found[0])
        if scheme not in ("http", "https") or not host or found[0].count("/") != 2:
            return False
        own = [headers.get("host", ""), *headers.get("x-forwarded-host", "").split(",")]
        return host in (_host(f"//{name.strip()}") for name in own) or _among(host, self.origins)


def _host(address):
    """The host of an address, in small letters, with its port unless that is a usual one; "" if there is none."""
    try:
        parts = urlsplit(str(address).strip())
        if parts.username is not None or not parts.hostname:
            return ""
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
        return (f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname) + port
    except ValueError:
        return ""


def _name(host):
    """A host without its port."""
    return (urlsplit(f"//{host}").hostname or "") if host else ""


def _among(host, known):
    return host in known or any(part.startswith(".") and host.endswith(part) for part in known)


def _is_number(name):
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


OWN = Allowed()


def same_site(headers, allowed=OWN):
    """Whether who asks is a page of this server, or none; what host a proxy's visitors know stands in X-Forwarded-Host."""
    return allowed.origin(headers)


class Doors:
    """ASGI middleware: lets in what `allowed` says, and of bodies so much; `blocks()` is what Gradio serves."""

    def __init__(self, app, allowed, blocks=None):
        self.app, self._allowed, self._blocks, self._held = app, allowed, blocks, 0

    async def __call__(self, scope, receive, send):
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        headers, socket = Headers(scope=scope), scope["type"] == "websocket"
        reading = scope.get("method") in ("GET", "HEAD")
        if not self._allowed.name(headers.get("host", "")):
            return await _refused(421, MISDIRECTED, scope, receive, send)
        if not self._allowed.origin(headers) and (socket or not reading or "origin" in headers):
            return await _refused(403, FOREIGN, scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if SHUT.match(path) or "\0" in path or max(len(part.encode(errors="replace")) for part in path.split("/")) > LONGEST_NAME:
            return await _refused(404, "There is nothing here", scope, receive, send)
        if socket:
            return await self.app(scope, receive, send)
        if reading:
            return await self._read_by(path, scope, receive, send)
        return await self._with_body(path, headers, scope, receive, send)

    async def _read_by(self, path, scope, receive, send):
        """What is asked without a body; the news of a call that is not there end, where Gradio would break off in the middle."""
        try:
            await self.app(scope, receive, send)
        except RuntimeError as error:
            if not path.startswith(API + "call/") or not isinstance(error.__cause__, HTTPException):
                raise
            await send({"type": "http.response.body", "body": b""})

    async def _with_body(self, path, headers, scope, receive, send):
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            return await _refused(413, TOO_LONG, scope, receive, send)
        if self._held + int(length) > MOST_TOGETHER:
            return await _refused(503, "Many people send pictures at the moment. Try again in a minute", scope, receive, send)
        held = [0]
        try:
            body = await asyncio.wait_for(self._read(receive, held), PATIENCE)
            if body is None:
                return await _refused(413, TOO_LONG, scope, receive, send)
            problem = None
            if path.startswith(API) and path.rstrip("/") != API + "upload":
                check = run_in_threadpool if len(body) > SMALL else _at_once
                body, problem = await check(self._checked, path, headers, body)
            if problem:
                return await _refused(*problem, scope, receive, send)
            return await self._handed_on(path, body, scope, receive, send)
        except TimeoutError:
            return await _refused(408, "This request did not come to its end. Try again", scope, receive, send)
        finally:
            self._held -= held[0]

    async def _read(self, receive, held):
        """The whole body, or None if it is too long; `held` counts what is kept of it."""
        parts = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b""
            part = message.get("body", b"")
            parts.append(part)
            held[0] += len(part)
            self._held += len(part)
            if held[0] > MOST_BODY or self._held > 2 * MOST_TOGETHER:
                return None
            if not message.get("more_body"):
                return b"".join(parts)

    async def _handed_on(self, path, body, scope, receive, send):
        """The request to Gradio, whose complaints about it are told as the caller's: ours never come so far."""
        waiting, begun, held = [{"type": "http.request", "body": body, "more_body": False}], [], []
        endpoint = _ENDPOINT.fullmatch(path)

        async def again():
            return waiting.pop() if waiting else await receive()

        async def watched(message):
            begun.append(message["type"])
            if message["type"] == "http.response.start" and message["status"] == 500 and endpoint:
                held.append(message)  # Gradio says 500 of whatever an endpoint refuses
                return
            if held and OURS not in message.get("body", b""):
                held[0] = {**held[0], "status": 422}
            while held:
                await send(held.pop())
            await send(message)

        lengths = [(key, value) for key, value in scope["headers"] if key != b"content-length"]
        scope = {**scope, "headers": [*lengths, (b"content-length", str(len(body)).encode())]}
        try:
            await self.app(scope, again, watched)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            if begun or not path.startswith(API):
                raise
            word = f" ({type(error).__name__})"
            await _refused(400, f"This request is none that {path.removeprefix(API)} takes{word}", scope, receive, send)

    def _checked(self, path, headers, body):
        """(body, None) as Gradio may have it, or (body, (status, sentence))."""
        if headers.get("content-type", "").startswith("multipart/"):
            return body, (415, "A question is sent as JSON")
        if not body:
            return body, None
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return body, (400, "The body of a request is JSON, and this is none")
        try:
            cleaned = _without_files(asked)
        except RecursionError:
            return body, (400, "This request is nested too deeply")
        if cleaned != asked:
            body = json.dumps(cleaned).encode()
        blocks = self._blocks and self._blocks()
        return body, _problem(path.rstrip("/"), cleaned, blocks) if blocks else None


def _problem(path, asked, blocks):
    """What is wrong with what is asked of Gradio, (status, sentence), or None."""
    endpoint = _ENDPOINT.fullmatch(path)
    if path == API + "component_server":
        return _of_component(asked, blocks)
    if endpoint:
        name, how = endpoint["name"], endpoint["how"]
        function = next((fn for fn in blocks.fns.values() if fn.api_name == name), None)
        if function is None:
            return 404, f"There is no endpoint {name[:60]!r}"
        if how == "call/v2":
            return None if isinstance(asked, dict) else (422, f"{name} takes an object with its arguments")
        if isinstance(asked, dict) and asked.get("fn_index") not in (None, function._id):  # Gradio would call that one
            return 422, f"{name} is not the event fn_index"
        return _of_values(asked, function, name)
    if path == API + "queue/join":
        number = asked.get("fn_index") if isinstance(asked, dict) else None
        function = blocks.fns.get(number) if isinstance(number, int) else None
        if function is None:
            return 404, "There is no such event (fn_index)"
        if not _is_word(asked.get("session_hash")):
            return 422, "session_hash must be a text of at most 100 characters"
        return _of_values(asked, function, "this event")
    return None


def _of_component(asked, blocks):
    if not isinstance(asked, dict) or not {"data", "component_id", "fn_name", "session_hash"} <= set(asked):
        return 422, "A question has data, component_id, fn_name and session_hash"
    number = asked["component_id"]
    component = blocks.blocks.get(number) if isinstance(number, int) else None
    name = asked["fn_name"] if _is_word(asked["fn_name"]) else ""
    if not getattr(getattr(component, name or "_", None), "_is_server_fn", False):
        return 404, "There is no such question (component_id, fn_name). Reload the page to go on"
    return None if _is_word(asked["session_hash"]) else (422, "session_hash must be a text of at most 100 characters")


def _of_values(asked, function, name):
    data = asked.get("data") if isinstance(asked, dict) else None
    if not isinstance(data, list):
        return 422, f'{name} takes {{"data": [...]}}'
    most = len(function.inputs)
    least = sum(not block.skip_api for block in function.inputs)
    if len(data) not in (most, least):
        return 422, f"{name} takes {most} values in data, got {len(data)}"
    return None


def _is_word(value):
    return isinstance(value, str) and len(value) <= 100


def _without_files(asked):
    """What was asked, an upload's word in the place of what Gradio's clients make of it, which may name any file or address."""
    if isinstance(asked, dict):
        if isinstance(asked.get("meta"), dict) and "path" in asked:
            return uploads.word(asked["path"])
        return {_without_files(key): _without_files(value) for key, value in asked.items()}
    if isinstance(asked, list):
        return [_without_files(value) for value in asked]
    return asked


async def _at_once(function, *arguments):
    return function(*arguments)


async def _refused(status, sentence, scope, receive, send):
    if scope["type"] == "websocket":
        return await send({"type": "websocket.close", "code": 1008, "reason": sentence})
    return await JSONResponse({"detail": f"{sentence}."}, status, {"connection": "close"})(scope, receive, send)
