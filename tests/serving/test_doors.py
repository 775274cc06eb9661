"""Every door by an HTTP client and a WebSocket: who is let in, by which name, and how much at once."""

import json

import httpx
import pytest
from common import awaited
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from explorer import page
from explorer.serving import doors, live, uploads

OWN = "http://127.0.0.1:7860"
LOCAL = doors.Allowed.of("127.0.0.1", {})
OPEN = doors.Allowed.of("0.0.0.0", {})
PROXIED = doors.Allowed.of("127.0.0.1", {}, ["https://there.example"], "https://lab.example/demo")
SPACE = doors.Allowed.of("0.0.0.0", {"SPACE_ID": "a/b", "SPACE_HOST": "a-b.hf.space"})
DOORS = ["/", "/config", "/live", "/leave", "/lx/serving/view.js", "/gradio_api/component_server", "/gradio_api/run/render",
         "/gradio_api/call/render", "/gradio_api/queue/join", "/gradio_api/upload", "/gradio_api/file=/x", "/gradio_api/mcp/"]  # fmt: skip


async def everything(scope, receive, send):
    """What lies behind the doors: it says which body came."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    body = (await receive()).get("body", b"")
    await PlainTextResponse(body or b"in")(scope, receive, send)


def ask(path, allowed=LOCAL, method="POST", app=everything, address=OWN, **request):
    async def answered():
        behind = doors.Doors(app, allowed)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(behind), base_url=address) as client:
            return await client.request(method, path, **request)

    return awaited(answered())


FOREIGN = [  # what a browser sends for another site's page, or for a name of another site that leads here
    {"origin": "https://elsewhere.example"}, {"origin": "http://elsewhere.example:7860"}, {"origin": "null"}, {"origin": "file://"},
    {"origin": ""}, {"origin": "http://127.0.0.1"}, {"origin": "http://127.0.0.1:7861"}, {"origin": "http://localhost:8888"},
    {"origin": "http://127.0.0.1:7860.elsewhere.example"}, {"origin": "http://elsewhere.example/127.0.0.1:7860"},
    {"origin": "http://127.0.0.1:7860@elsewhere.example"}, {"origin": "http://elsewhere.example#127.0.0.1:7860"},
    {"origin": "chrome-extension://abcdef"}, {"origin": "https://a-b.hf.space"}, {"origin": "https://huggingface.co"},
    {"origin": "127.0.0.1:7860"}, {"origin": "data:127.0.0.1:7860"}, {"sec-fetch-site": "cross-site"},
    {"host": "elsewhere.example:7860", "origin": "http://elsewhere.example:7860"}, {"host": "elsewhere.example"},
    {"host": "127.0.0.1.nip.io:7860", "origin": "http://127.0.0.1.nip.io:7860"}, {"host": "localhost.elsewhere.example"},
    {"host": "elsewhere.example", "x-forwarded-host": "127.0.0.1:7860", "origin": OWN}, {"host": "10.0.0.1:7860"}, {"host": ""},
    {"host": "[::1"},
]  # fmt: skip


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: ",".join(map(":".join, headers.items())))
def test_another_sites_page_is_refused_at_every_door(headers):
    for path in DOORS:
        answer = ask(path, headers=headers, json={})
        assert answer.status_code in (403, 421), path
        assert answer.json()["detail"].count(".") <= 2
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("headers", [h for h in FOREIGN if h.get("origin") or h.get("host")])
def test_so_it_is_at_the_live_channel(headers):
    app = Starlette(routes=[WebSocketRoute(live.PATH, live.route({"echo": lambda request: request}))])
    client = TestClient(doors.Doors(app, LOCAL), base_url=OWN)
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(live.PATH, headers=headers):
        pytest.fail("the socket was accepted")


@pytest.mark.parametrize(
    ("allowed", "headers"),
    [
        (LOCAL, {}), (LOCAL, {"origin": OWN}), (LOCAL, {"host": "localhost:7860", "origin": "http://localhost:7860"}),
        (LOCAL, {"host": "[::1]:7860", "origin": "http://[::1]:7860"}), (LOCAL, {"sec-fetch-site": "same-origin"}),
        (LOCAL, {"x-forwarded-host": "there.example", "origin": "https://there.example"}),  # of a proxy that asks in its own name
        (OPEN, {"host": "lab.local:7860", "origin": "http://lab.local:7860"}), (OPEN, {"host": "10.0.0.5:7860"}),
        (PROXIED, {"host": "there.example", "origin": "https://there.example"}), (PROXIED, {"host": "lab.example"}),
        (PROXIED, {"origin": "https://there.example"}), (PROXIED, {"origin": OWN}),
        (SPACE, {"host": "a-b.hf.space", "origin": "https://a-b.hf.space"}), (SPACE, {"origin": "https://huggingface.co"}),
        (SPACE, {"host": "10.1.2.3:7860"}),
    ],
)  # fmt: skip
def test_its_own_page_and_what_whoever_runs_it_lets_in(allowed, headers):
    for path in DOORS:
        assert ask(path, allowed, headers=headers, json={}).status_code == 200, path


@pytest.mark.parametrize(
    ("allowed", "headers"),
    [(OPEN, {"host": "lab.local", "origin": "https://there.example"}), (SPACE, {"origin": "https://c-d.hf.space"}),
     (PROXIED, {"host": "other.example"}), (PROXIED, {"origin": "https://other.example"}),
     (doors.Allowed.of("0.0.0.0", {}, ["https://there.example"]), {"host": "other.example"})],
)  # fmt: skip
def test_who_is_let_in_lets_in_no_others(allowed, headers):
    assert ask("/gradio_api/queue/join", allowed, headers=headers, json={}).status_code in (403, 421)


def test_a_link_from_another_site_opens_the_page():
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert ask("/", method="GET", headers=headers).text == "in"


@pytest.mark.parametrize(
    "path", ["proxy=http://10.0.0.1/", "file=http://10.0.0.1/", "FILE=https://10.0.0.1/", "vibe-edit", "process_recording",
             "upload_progress?upload_id=1", "stream/1", "deep_link", "dev/reload"])  # fmt: skip
def test_doors_that_nobody_uses_are_shut(path):
    for method in ("GET", "POST"):
        assert ask(f"/gradio_api/{path}", method=method).status_code == 404


@pytest.mark.parametrize(
    "path", ["/assets/" + "x" * 256, "/static/%C3%A9" + "%C3%A9" * 128, "/svelte/x%00", "/pwa_icon/30000", "/pwa_icon/-1"]
)
def test_no_file_has_such_a_name_and_no_icon_is_drawn_as_large_as_is_asked(path):
    assert ask(path, method="GET").status_code == 404
    assert ask("/assets/" + "x" * 255, method="GET").status_code == 200


# ---- bodies


def test_a_body_that_is_too_long_is_refused_before_it_is_read():
    read = []

    async def endless():
        for _ in range(300):
            read.append(1)
            yield b" " * 1_000_000

    answer = ask("/gradio_api/component_server", content=endless())  # which says no length
    assert answer.status_code == 413
    assert "at most 36 MB" in answer.json()["detail"]
    told = {"content-length": "300000000"}
    assert ask("/gradio_api/run/render", content=endless(), headers=told).status_code == 413


def test_a_body_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(doors, "PATIENCE", 0.05)
    door = doors.Doors(everything, LOCAL)
    sent = []

    async def waits():
        import asyncio

        await asyncio.sleep(30)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/leave", "headers": [(b"host", b"localhost")], "query_string": b""}
    awaited(door(scope, waits, send))
    assert sent[0]["status"] == 408
    assert door._held == 0


class Served:
    """As much of Gradio's Blocks as the doors look at."""

    def __init__(self):
        def known(request):
            return request

        known._is_server_fn = True
        component = type("Html", (), {"known": known, "secret": lambda self: 1})()
        value = type("Api", (), {"skip_api": False})()
        self.blocks = {3: component}
        self.fns = {7: type("Fn", (), {"api_name": "render", "inputs": [value, value], "_id": 7})()}


ASKED = {"data": 1, "component_id": 3, "fn_name": "known", "session_hash": "x"}


@pytest.mark.parametrize(
    ("path", "asked", "status"),
    [
        ("component_server", ASKED, 200), ("component_server", {**ASKED, "component_id": 99}, 404),
        ("component_server", {**ASKED, "component_id": [3]}, 404), ("component_server", {**ASKED, "fn_name": "secret"}, 404),
        ("component_server", {**ASKED, "fn_name": ["known"]}, 404), ("component_server", {**ASKED, "session_hash": {}}, 422),
        ("component_server", {**ASKED, "session_hash": "x" * 101}, 422), ("component_server", [], 422), ("component_server", {}, 422),
        ("component_server", b"{", 400), ("component_server", b"[" * 90_000, 400), ("component_server", b"\xff", 400),
        ("run/render", {"data": [1, 2]}, 200), ("run/render", {"data": [1]}, 422), ("run/render", {"data": {}}, 422),
        ("run/render", 7, 422), ("run/render", {"data": [1, 2], "fn_index": 0}, 422), ("run/render", {"data": [1, 2], "fn_index": 7}, 200),
        ("run/nothing", {"data": []}, 404), ("call/render/", {"data": [1, 2]}, 200),
        ("call/v2/nothing", {}, 404), ("call/v2/render", [], 422),
        ("queue/join", {"data": [1, 2], "fn_index": 7, "session_hash": "x"}, 200),
        ("queue/join", {"data": [1, 2], "fn_index": 8, "session_hash": "x"}, 404), ("queue/join", {"data": [1, 2], "fn_index": 7}, 422),
        ("queue/join", {"data": [], "fn_index": 7, "session_hash": "x"}, 422), ("queue/join", None, 404),
    ],
)  # fmt: skip
def test_a_callers_mistake_is_the_callers(path, asked, status):
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    door = lambda app, allowed: doors.Doors(app, allowed, Served)  # noqa: E731

    async def answered():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door(everything, LOCAL)), base_url=OWN) as client:
            return await client.post(f"/gradio_api/{path}", content=body)

    answer = awaited(answered())
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["detail"].endswith(".")


def test_multipart_is_for_uploads():
    assert ask("/gradio_api/component_server", files={"files": b"x"}).status_code == 415


def test_what_gradio_trips_over_is_told_as_the_callers_without_a_path():
    async def broken(scope, receive, send):
        raise KeyError("/home/somebody/secret.py")

    answer = ask("/gradio_api/call/v2/x", app=broken, json={})
    assert (answer.status_code, "secret" in answer.text) == (400, False)
    with pytest.raises(KeyError):  # of ours, which is logged
        ask("/leave", app=broken, json={})


@pytest.mark.parametrize(
    ("said", "status"), [("no checkpoint 'nobody'", 422), ("This did not work, and it is our fault: ...", 500)]
)
def test_what_an_endpoint_refuses_is_no_fault_of_the_server(said, status):
    async def refuses(scope, receive, send):
        await PlainTextResponse(json.dumps({"error": said}), 500)(scope, receive, send)

    answer = ask("/gradio_api/run/render", app=refuses, json={"data": []})
    assert (answer.status_code, answer.json()["error"]) == (status, said)


@pytest.mark.parametrize("place", ["http://169.254.169.254/latest", "/etc/passwd", "file:///etc/passwd", 7, None])
def test_no_address_is_fetched_and_no_file_read_for_a_picture(place):
    file = {"path": place, "url": "http://10.0.0.1/", "meta": {"_type": "gradio.FileData"}}
    assert ask("/gradio_api/run/encode", json={"data": [file, "mnist-vae"]}).json() == {"data": ["elsewhere", "mnist-vae"]}
    assert ask("/gradio_api/mcp/", json={"deep": [{"er": file}]}).json() == {"deep": [{"er": "elsewhere"}]}
    with pytest.raises(ValueError, match="no address is fetched"):
        uploads.take("elsewhere")


def test_a_page_that_is_closed_ends_its_run(monkeypatch):
    stopped = []
    monkeypatch.setattr(page.JOBS, "stop", stopped.append)
    answer = ask("/leave", app=Starlette(routes=page.routes()), content=b"its-name", headers={"origin": OWN})
    assert (answer.status_code, stopped) == (200, ["its-name"])


# ---- uploads


def upload(*files, **request):
    app = Starlette(routes=[uploads.route, Route("/", lambda request: PlainTextResponse(""))])
    return ask(uploads.PATH, app=app, files=[("files", (f"{i}.png", data)) for i, data in enumerate(files)], **request)


def test_an_upload_is_in_memory_taken_once_and_tells_no_path(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = bytes(range(256)) * 20_000
    first, second = upload(data, b"other").json()
    assert not {"/", "\\", "."} & set(first)
    assert list(tmp_path.iterdir()) == []
    assert (uploads.take(first), uploads.take(second)) == (data, b"other")
    with pytest.raises(ValueError, match="Send it again"):
        uploads.take(first)


def test_an_upload_is_forgotten(monkeypatch):
    word = uploads.put(b"mine")
    monkeypatch.setattr(uploads, "KEPT", -1.0)
    with pytest.raises(ValueError, match="Send it again"):
        uploads.take(word)
    assert not uploads._kept


def test_uploads_are_bounded(monkeypatch):
    monkeypatch.setattr(uploads, "MOST_TOGETHER", 10)
    assert upload(b"x" * 11).status_code == 503
    monkeypatch.setattr(uploads.imaging, "MOST_BYTES", 5)
    assert upload(b"x" * 6).status_code == 413


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"junk", "text/plain", 415), (b"junk", "multipart/form-data", 400), (b"junk", "multipart/form-data; boundary=x", 400)],
)
def test_what_is_no_upload_is_said(body, kind, status):
    app = Starlette(routes=[uploads.route])
    answer = ask(uploads.PATH, app=app, content=body, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.json()["detail"]
