"""Who asks is known by a cookie, or else by the address, and it is heard when he hangs up."""

import asyncio
from types import SimpleNamespace

import pytest
from common import awaited
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from explorer.serving import visitors
from explorer.serving.visitors import COOKIE, Visitors, asker


async def page(request):
    return HTMLResponse("page")


async def who(request):
    found = await run_in_threadpool(asker)  # in another thread, as the page's questions are answered
    return JSONResponse([found.name, found.address])


@pytest.fixture
def client():
    return TestClient(Visitors(Starlette(routes=[Route("/", page), Route("/who", who, methods=["GET", "POST"])])))


def test_the_page_brings_a_cookie_once_and_it_is_the_visitors_name(client):
    first = client.get("/").headers["set-cookie"]
    assert first.startswith(f"{COOKIE}=")
    assert "HttpOnly" in first
    assert "SameSite=Lax" in first
    assert "set-cookie" not in client.get("/").headers
    assert client.post("/who").json()[0] == client.cookies[COOKIE]
    client.cookies.clear()
    name, address = client.post("/who").json()
    assert name == address == "testclient"


def test_in_a_frame_of_another_site_the_cookie_is_kept_too(client):
    cookie = client.get("/", headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert "SameSite=None; Secure; Partitioned" in cookie


@pytest.mark.parametrize("cookie", ["short", "x" * 80, "with space and more", 'a"b', "<script>alert(1)</script>", ""])
def test_what_no_page_was_given_is_no_name(client, cookie):
    assert client.post("/who", headers={"cookie": f"{COOKIE}={cookie}"}).json()[0] == "testclient"


def test_who_forges_cookies_shares_with_himself(client, monkeypatch):
    monkeypatch.setattr(visitors, "MOST_OF_ADDRESS", 3)
    names = [client.post("/who", headers={"cookie": f"{COOKIE}={'x' * 20}{i}"}).json()[0] for i in range(6)]
    assert len(set(names[:3])) == 3
    assert set(names[3:]) == {"testclient"}
    elsewhere = client.post("/who", headers={"cookie": f"{COOKIE}={'y' * 20}", "x-forwarded-for": "10.1.1.1, 203.0.113.9"})
    assert elsewhere.json() == ["y" * 20, "203.0.113.9"], "another address has its own"


def test_only_a_proxy_nearby_is_believed(client):
    scope = {"client": ("8.8.8.8", 1)}
    assert visitors._address(scope, {"x-forwarded-for": "203.0.113.9"}) == "8.8.8.8"
    assert visitors._address({"client": ("127.0.0.1", 1)}, {"x-forwarded-for": "1.2.3.4, 203.0.113.9"}) == "203.0.113.9"


def test_it_is_heard_when_who_asks_hangs_up():
    found = SimpleNamespace(gone=None)

    async def slow(scope, receive, send):
        body = await receive()
        assert body["body"] == b"all"
        mine = asker()
        for _ in range(200):
            if mine.gone.is_set():
                break
            await asyncio.sleep(0.01)
        found.gone = mine.gone.is_set()
        assert (await receive())["type"] == "http.disconnect", "whoever listens too hears it as well"

    messages = [{"type": "http.request", "body": b"all", "more_body": False}, {"type": "http.disconnect"}]

    async def receive():
        await asyncio.sleep(0.02)
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [], "client": ("127.0.0.1", 1), "path": "/"}
    awaited(Visitors(slow)(scope, receive, None))
    assert found.gone is True


def test_of_a_thousand_questions_of_one_visitor_another_one_waits_for_none(monkeypatch):
    monkeypatch.setattr(visitors, "AT_ONCE", 6)
    monkeypatch.setattr(visitors, "OF_VISITOR", 3)
    inside, most, order = [], [], []

    async def slow(scope, receive, send):
        name = asker().name
        inside.append(name)
        most.append(inside.count("g" * 20))
        await asyncio.sleep(0.005)
        inside.remove(name)
        order.append(name)

    async def ask(app, name):
        headers = [(b"cookie", f"{COOKIE}={name * 20}".encode())]
        scope = {"type": "http", "method": "POST", "headers": headers, "client": ("127.0.0.1", 1), "path": "/"}
        await app(scope, lambda: asyncio.sleep(60, {"type": "http.disconnect"}), None)

    async def all_of_them():
        app = Visitors(slow)
        greedy = [asyncio.create_task(ask(app, "g")) for _ in range(100)]
        await asyncio.sleep(0.001)
        await ask(app, "h")
        await asyncio.gather(*greedy)

    awaited(all_of_them())
    assert len(order) == 101
    assert max(most) == 3
    assert order.index("h" * 20) <= 9
