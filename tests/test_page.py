"""The models are loaded behind the page: after its first visitor, or after a while for nobody yet."""

import re
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
from common import awaited
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from explorer import checkpoints, page
from explorer.serving import live
from explorer.serving.visitors import COOKIE
from explorer.views.latent_plane import pictures as plane


@pytest.fixture
def loaded(monkeypatch):
    """The names that a warm-up loads, in their order; `broken` is damaged, and nobody has come yet."""
    names = []

    def load(name):
        names.append(name)
        if name == "broken":
            raise checkpoints.CheckpointError("broken is damaged")
        return SimpleNamespace(prior=lambda n: n, decode=lambda z: None)

    monkeypatch.setattr(checkpoints, "load", load)
    monkeypatch.setattr(page, "_visited", threading.Event())
    return names


@pytest.fixture
def registry(monkeypatch):
    """Four models and a step of a series."""
    names = ("other", "step", "broken", plane.DEFAULT_MODEL, "last")
    cards = [{"name": name, "series": ["epoch", 1] if name == "step" else None} for name in names]
    monkeypatch.setattr(checkpoints, "models", lambda: cards)


ALL = [plane.DEFAULT_MODEL, "other", "broken", "last"]


SCRIPT = "/lx/serving/state.js"


@pytest.mark.parametrize("root", ["/explorer", "/explorer/", "/a/b", "https://there.example/explorer"])
def test_below_a_sub_path_all_is_found_whether_the_proxy_takes_it_off_or_not(root):
    inner = Starlette(routes=[Route("/", lambda request: PlainTextResponse("page")), *page.routes()])

    async def served(scope, receive, send):
        await page.SubPath(inner)({**scope, "root_path": root}, receive, send)

    async def answers(*paths):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://inside:7860") as client:
            return [await client.get(path) for path in paths]

    below = "/a/b" if root == "/a/b" else "/explorer"
    bare, asked, slash, off, script, script_off, other = awaited(
        answers(below, f"{below}?z=1,2&prompt=a%20%26+b", f"{below}/", "/", below + SCRIPT, SCRIPT, f"{below}er")
    )
    assert (bare.status_code, bare.headers["location"]) == (307, f"{below}/")
    assert asked.headers["location"] == f"{below}/?z=1,2&prompt=a%20%26+b"
    assert (slash.text, off.text) == ("page", "page")
    assert (script.status_code, script.text) == (200, script_off.text)
    assert other.status_code == 404


def test_without_a_sub_path_nothing_is_redirected():
    app = page.SubPath(Starlette(routes=page.routes()))

    async def answer():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside") as client:
            return await client.get(SCRIPT)

    assert awaited(answer()).status_code == 200


def test_the_whole_page_is_served_below_a_sub_path(loaded, monkeypatch):
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/explorer")
    monkeypatch.setattr(page, "warm_up", lambda: None)
    served = page.launch(block=False)
    try:
        with httpx.Client(base_url=served[1], timeout=60) as browser:
            bare = browser.get("/explorer?view=faces")
            assert bare.headers["location"] == "/explorer/?view=faces"
            for below in ("/explorer", ""):  # as a proxy hands it on, with the path and without
                found = browser.get(f"{below}/").text
                assert '<base href="./" />' in found
                assert found.index("gradio_config") < found.index("location.replace"), "it reads the root from it"
                asset = re.search(r'src="\./(assets/[^"]+)"', found)[1]
                for path in (asset, SCRIPT[1:], "config"):
                    assert browser.get(f"{below}/{path}").status_code == 200, path
                health = browser.get(f"{below}/health").json()
                assert health["status"] == "ok"
                assert health["runs"] == {"under_way": 0, "waiting": 0}
                assert health["models"]["up"] == checkpoints.up()
                assert 0 <= health["models"]["megabytes"] <= health["models"]["limit"]
            assert COOKIE in browser.cookies
    finally:
        served[0].blocks.close()


def wait_for(loaded, number):
    end = time.monotonic() + 30
    while len(loaded) < number:
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.01)


def test_without_a_visitor_the_models_are_loaded_all_the_same(loaded, registry, monkeypatch, caplog):
    monkeypatch.setattr(page, "UNVISITED", 0.3)
    began = time.monotonic()
    page.warm_up()
    assert 0.25 < time.monotonic() - began < 20
    assert loaded == ALL  # the first page's first, the steps of a series not at all
    assert "broken could not be loaded: broken is damaged" in caplog.text


def test_the_wait_for_a_visitor_is_short():
    assert 0 < page.UNVISITED <= 10


def test_nothing_is_loaded_before_the_first_page_is_fetched(loaded, registry, monkeypatch):
    monkeypatch.setattr(page, "UNVISITED", 600.0)
    thread = threading.Thread(target=page.warm_up, daemon=True)
    thread.start()
    time.sleep(0.3)
    assert loaded == []
    page._view_of_link(SimpleNamespace(query_params="model=other"))
    wait_for(loaded, len(ALL))
    thread.join(30)
    assert not thread.is_alive()
    assert loaded == ALL


def test_who_drags_goes_before_the_models_that_nobody_asked_for(loaded, registry, monkeypatch):
    monkeypatch.setattr(page, "UNVISITED", 0.0)
    time.sleep(0.01)
    before = live.quiet_for()
    live._answer({}, "[]")
    assert live.quiet_for() < before, "a question is heard"
    quiet = [0.9 * page.QUIET]
    monkeypatch.setattr(live, "quiet_for", lambda: quiet[0])
    thread = threading.Thread(target=page.warm_up, daemon=True)
    thread.start()
    wait_for(loaded, 1)
    time.sleep(0.5)
    assert loaded == ALL[:1]
    quiet[0] = page.QUIET
    wait_for(loaded, len(ALL))
    thread.join(30)


def test_the_load_of_a_page_is_what_counts_as_a_visit(loaded, monkeypatch):
    """Through Gradio, as a browser does it: serving alone loads nothing; the page's load events set the models going."""
    monkeypatch.setattr(page, "UNVISITED", 600.0)
    served = page.launch(block=False)
    try:
        with httpx.Client(base_url=served[1], timeout=60) as browser:
            events = browser.get("/config").json()["dependencies"]
            assert loaded == []
            for event in events:
                if any(trigger == "load" for _, trigger in event["targets"]):
                    request = {"data": [], "fn_index": event["id"], "session_hash": "a-visitor"}
                    browser.post("/gradio_api/queue/join", json=request).raise_for_status()
        models = {card["name"] for card in checkpoints.models() if not card["series"]}
        wait_for(loaded, len(models))
        assert loaded[0] == plane.DEFAULT_MODEL
        assert set(loaded) == models
    finally:
        served[0].blocks.close()


def test_all_modules_are_fetched_at_once_and_each_is_one_that_is_served():
    named = re.findall(r'href="lx/([^"]+)"', page.preloaded())
    assert {"serving/view.js", "views/latent_plane/view.js", "views/faces/sliders.js"} <= set(named)
    assert "serving/decoder_worker.js" not in named, "it starts when the page is idle"
    for path in named:
        imported = re.findall(r'^import .*?from "(.+?)";', (page.HERE / path).read_text("utf-8"), re.M | re.S)
        for other in imported:
            assert ((page.HERE / path).parent / other).resolve().relative_to(page.HERE).as_posix() in named, f"{path}: {other}"


def test_no_rule_of_the_styles_is_one_that_gradio_drops():
    """It writes each rule anew, for its own part of the page: what is nested in one is lost, and nothing lies outside."""
    rules = re.sub(r"/\*.*?\*/", "", page.styles(), flags=re.S)
    assert "&" not in rules
    assert not re.search(r"(^|[,{}\s])(html|body)\b[^{}]*\{", rules)
