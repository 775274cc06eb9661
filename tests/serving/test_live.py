"""The live channel by a WebSocket client: its answers are those of the functions themselves."""

import base64
import contextlib
import json
import threading
import time
from collections import deque

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from explorer import page
from explorer.serving import live
from explorer.serving.visitors import COOKIE, Visitors
from explorer.views.faces import calls as faces
from explorer.views.latent_plane import calls as plane
from explorer.views.morph import calls as morph
from explorer.views.why_a_vae import calls as why

ASKED = "model=deep&z=0.5,-1,0.25,2"


@pytest.fixture
def connect():
    """`connect(functions)`: a socket to a server of these functions."""
    open_sockets = []

    def make(functions):
        client = TestClient(Starlette(routes=[WebSocketRoute(live.PATH, live.route(functions))]))
        open_sockets.append(client.websocket_connect(live.PATH))
        return open_sockets[-1].__enter__()

    yield make
    for socket in open_sockets:
        socket.__exit__(None, None, None)


@pytest.fixture
def socket(toys, connect):
    """A socket to what the page is served."""
    return connect(page.live_functions())


def ask(socket, name, request):
    socket.send_text(json.dumps([name, request]))
    return json.loads(socket.receive_text())


def picture(answer):
    return np.frombuffer(base64.b64decode(answer["pixels"]), "uint8").reshape(8, 8)


def test_the_answer_is_that_of_the_function(socket, toys):
    found, expected = ask(socket, "decode_point", ASKED), plane.decode_point(ASKED)
    assert {key: found[key] for key in found if key != "ms"} == {key: expected[key] for key in expected if key != "ms"}
    assert found["ms"] > 0
    np.testing.assert_allclose(picture(found), toys.deep.picture_bytes([0.5, -1, 0.25, 2])[0], atol=1)


def test_what_must_answer_at_once_is_live_and_nothing_heavy():
    assert page.live_functions() == {
        "decode_point": plane.decode_point, "decode_face": faces.decode_face, "decode_morph": morph.decode_morph,
        "repaired_picture": why.repaired_picture, "coded_picture": why.coded_picture,
    }  # fmt: skip


def test_what_the_function_refuses_is_said(socket):
    assert "'nothing'; there are" in ask(socket, "decode_point", "model=nothing&z=0,0")["error"]
    assert ask(socket, "decode_point", 17)["error"]
    assert "error" not in ask(socket, "decode_point", ASKED)


@pytest.mark.parametrize(
    "message",
    ["", "junk", "17", "null", "[]", '"decode_point"', '["decode_point"]', '["decode_point", "", ""]', '["open_view", ""]',
     '[["decode_point"], ""]', '{"name": "decode_point"}', '["__class__", ""]', "[" * 15_000, "9" * 15_000, "\N{GRINNING FACE}",
     json.dumps(["decode_point", ASKED + " " * live.LONGEST])],
    ids=["empty", "junk", "a number", "null", "an empty list", "a name alone", "no request", "two requests", "not live",
         "a list for a name", "an object", "another attribute", "deep", "a large number", "no ASCII", "too long"],
)  # fmt: skip
def test_what_is_no_question_is_answered_and_the_connection_lives_on(socket, message):
    socket.send_text(message)
    answer = json.loads(socket.receive_text())
    assert set(answer) == {"error"}
    assert "[name, request]" in answer["error"]
    assert "decode_point" in answer["error"]
    assert "error" not in ask(socket, "decode_point", ASKED)


def test_bytes_are_no_question_either(socket):
    socket.send_bytes(b"\xff\x00junk")
    assert "[name, request]" in json.loads(socket.receive_text())["error"]
    assert "error" not in ask(socket, "decode_point", ASKED)


def test_the_longest_question_is_answered(connect):
    socket = connect({"length": len})
    around = len(json.dumps(["length", ""]))
    assert ask(socket, "length", "x" * (live.LONGEST - around)) == live.LONGEST - around
    assert "error" in ask(socket, "length", "x" * (live.LONGEST - around + 1))


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://elsewhere.example"}, {"origin": "null"}, {"origin": "http://testserver:1"}, {"origin": "file://"},
     {"origin": "http://proxy.example", "x-forwarded-host": "other.example"}],
)  # fmt: skip
def test_another_sites_page_may_not_ask(headers):
    client = TestClient(Starlette(routes=[WebSocketRoute(live.PATH, live.route({"echo": lambda request: request}))]))
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(live.PATH, headers=headers):
        pytest.fail("the socket was accepted")


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://testserver"}, {"origin": "https://proxy.example", "x-forwarded-host": "proxy.example"}],
)
def test_a_page_of_this_server_may_ask_also_behind_a_proxy(headers):
    client = TestClient(Starlette(routes=[WebSocketRoute(live.PATH, live.route({"echo": lambda request: request}))]))
    with client.websocket_connect(live.PATH, headers=headers) as socket:
        assert ask(socket, "echo", 3) == 3


def test_one_socket_asks_so_often_and_no_more(connect, monkeypatch):
    monkeypatch.setattr(live, "MOST", 20)
    socket = connect({"echo": lambda request: request})
    for i in range(20):
        assert ask(socket, "echo", i) == i
    socket.send_text(json.dumps(["echo", 20]))
    assert socket.receive()["type"] == "websocket.close"


def test_many_questions_are_answered_in_their_order(socket, toys):
    rng = np.random.default_rng(0)
    points = np.round(rng.normal(0, 1, (40, 2)), 3)
    for x, y in points:
        socket.send_text(json.dumps(["decode_point", f"model=flat&z={x},{y}"]))
    pictures = [picture(json.loads(socket.receive_text())) for _ in points]
    np.testing.assert_allclose(pictures, toys.flat.picture_bytes(points), atol=1)


def test_a_slow_answer_holds_nobody_else_up(connect):
    go_on = threading.Event()
    functions = {"slow": lambda _: go_on.wait(60), "quick": lambda request: request}
    first, second = connect(functions), connect(functions)
    first.send_text('["slow", null]')
    assert ask(second, "quick", "here") == "here"
    go_on.set()
    assert json.loads(first.receive_text()) is True


def test_one_who_leaves_without_waiting_harms_nobody(toys):
    routes = [WebSocketRoute(live.PATH, live.route(page.live_functions()))]
    with TestClient(Starlette(routes=routes)) as client:  # which raises what the server did not catch
        with client.websocket_connect(live.PATH) as socket:
            for _ in range(5):
                socket.send_text(json.dumps(["decode_point", ASKED]))
        with client.websocket_connect(live.PATH) as socket:
            assert "error" not in ask(socket, "decode_point", ASKED)


def test_of_too_many_that_wait_the_newest_are_answered(connect, monkeypatch):
    monkeypatch.setattr(live, "DEEP", 5)
    go_on, asked, waiting = threading.Event(), [], deque()
    monkeypatch.setattr(live, "deque", lambda: waiting)

    def slow(request):
        asked.append(request)
        go_on.wait(60)
        return request

    socket = connect({"slow": slow})
    for i in range(20):
        socket.send_text(json.dumps(["slow", i]))
    end = time.monotonic() + 30
    while len(waiting) < 19 or not asked:  # all were read, and the first is being answered
        assert time.monotonic() < end
        time.sleep(0.01)
    go_on.set()
    answers = [json.loads(socket.receive_text()) for _ in range(20)]
    assert answers[0] == 0
    assert answers[-5:] == [15, 16, 17, 18, 19]
    assert all(answer in (i, live.OVERTAKEN) for i, answer in enumerate(answers)), "in their order"
    assert answers.count(live.OVERTAKEN) >= 13
    assert len(asked) <= 7


def test_who_asks_without_end_and_never_reads_is_sent_away_and_costs_others_little(toys, monkeypatch):
    monkeypatch.setattr(live, "MOST", 300)
    routes = [WebSocketRoute(live.PATH, live.route(page.live_functions()))]
    with (
        TestClient(Visitors(Starlette(routes=routes))) as client,
        client.websocket_connect(live.PATH, headers={"cookie": f"{COOKIE}={'g' * 20}"}) as greedy,
        client.websocket_connect(live.PATH, headers={"cookie": f"{COOKIE}={'h' * 20}"}) as honest,
    ):
        assert "error" not in ask(honest, "decode_point", ASKED)
        for _ in range(301):
            greedy.send_text(json.dumps(["decode_point", ASKED]))
        began = time.monotonic()
        for _ in range(5):
            assert "error" not in ask(honest, "decode_point", ASKED)
        assert time.monotonic() - began < 30  # on a busy machine
        message = {"type": "websocket.send"}
        while message["type"] != "websocket.close":
            message = greedy.receive()
        assert message["code"] == live.TOO_MANY


def test_one_visitors_many_sockets_get_a_share_not_all(connect):
    """Of 40 sockets of one visitor only so many are being answered at once, and another visitor does not wait for the rest."""
    go_on, under_way = threading.Event(), []

    def slow(request):
        under_way.append(request)
        go_on.wait(20)
        return request

    routes = [WebSocketRoute(live.PATH, live.route({"slow": slow, "quick": lambda request: request}))]
    with TestClient(Visitors(Starlette(routes=routes))) as client, contextlib.ExitStack() as stack:

        def open_socket(name):
            return stack.enter_context(client.websocket_connect(live.PATH, headers={"cookie": f"{COOKIE}={name * 20}"}))

        many = [open_socket("g") for _ in range(40)]
        for i, socket in enumerate(many):
            socket.send_text(json.dumps(["slow", i]))
        assert ask(open_socket("h"), "quick", "here") == "here"
        assert len(under_way) <= live.OF_VISITOR
        go_on.set()
        assert [json.loads(socket.receive_text()) for socket in many] == list(range(40))
