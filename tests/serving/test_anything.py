"""Whatever is asked of a server function, an endpoint or a state, no fault of ours comes of it: hypothesis thinks of it."""

import base64
import io
import json
import logging
from contextlib import suppress
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer import api, page, state, views
from explorer.errors import ExplorerError
from explorer.serving import calls
from explorer.views import calls as common

FUNCTIONS = {function.__name__: function for name in views.NAMES for function in getattr(page.calls(name), "SERVER_FUNCTIONS", ())}
FUNCTIONS |= {function.__name__: function for function in (*common.SERVER_FUNCTIONS, calls.run_news, calls.stop_run)}
MODELS = ["mnist-vae", "garments", "celeba-vae", "blots", "words", "fashion-ae", "nobody", "../words", "", "judges/faces"]
SMALL = {"size": [16, 40], "frames": [2, 5], "steps": [1, 2], "n": [1, 3], "image_size": [64], "model": MODELS, "beside": MODELS,
         "view": views.NAMES, "what": state.WHATS, "chapter": state.CHAPTERS}  # fmt: skip
fast = settings(max_examples=12, deadline=None, derandomize=True, database=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip


def picture():
    file = io.BytesIO()
    Image.new("L", (40, 40), 255).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


half = st.sampled_from(["\ud800", "a\udfff", "%ff", "%00", "\0"])
words = st.text(max_size=12) | half | st.sampled_from(MODELS)
numbers = st.integers() | st.floats() | st.integers(-3, 12)
anything = st.recursive(st.none() | st.booleans() | numbers | words, lambda inner: st.lists(inner, max_size=3) |
                        st.dictionaries(words, inner, max_size=3), max_leaves=6)  # fmt: skip


@st.composite
def pairs(draw):
    """(key, value) of a state; what decides how much is drawn stays small."""
    key = draw(st.sampled_from(list(state.KEYS)))
    usual = ["0", "1", "0,0", "0.5,-1", "linear", "Smiling:1", "1;2", "g1;g2"]
    fitting = st.sampled_from(SMALL.get(key, usual))
    listed = st.lists(numbers, max_size=4).map(lambda found: ",".join(map(str, found)))
    return key, str(draw(fitting if key in ("size", "frames", "steps", "n") else fitting | words | listed))


def text_of(found):
    return "&".join(f"{key}={quote(value, errors='surrogatepass')}" for key, value in dict(found).items())


queries = st.lists(pairs(), max_size=6).map(text_of) | st.text(max_size=30) | half
values = words | numbers | queries | st.just(picture()) | st.none() | anything
requests = st.one_of(
    queries, anything, st.sampled_from(MODELS), st.tuples(words, numbers).map(list),
    st.fixed_dictionaries(
        {key: queries if key == "query" else values for key in ("query", "model", "picture")},
        optional=dict.fromkeys(("crop", "seed", "ending", "file", "noise", "amount", "pixels", "perplexity", "points", "name", "image_size"), values),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory, digit_root, face_root, text_root, diffusion_root, gan_root):
    """Toys of every kind."""
    root = tmp_path_factory.mktemp("anything")
    (root / "judges").mkdir()
    for name, folder in {"celeba-vae": face_root.root, "judges/faces": face_root.root, "words": text_root, "blots": diffusion_root,
                         "garments": gan_root.root, "mnist-vae": digit_root}.items():  # fmt: skip
        (root / name).symlink_to(folder / name)
    return root


@pytest.fixture(autouse=True)
def faults(root, monkeypatch, caplog):
    """`faults()`: what was logged as a fault of ours. No run begins."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    monkeypatch.setattr(calls.JOBS, "start", lambda *arguments, **settings: "a-job")
    caplog.set_level(logging.ERROR)
    return lambda: [record.getMessage() + str(record.exc_info) for record in caplog.records]


def fits(answer, faults):
    assert not faults()
    json.dumps(answer, allow_nan=False, ensure_ascii=False).encode()  # as it is sent
    assert "Traceback" not in str(answer.get("error"))
    assert len(str(answer.get("error", ""))) < 2000


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_server_function_answers_whatever_is_asked(name, faults):
    @fast
    @given(requests)
    @example({"query": "\ud800", "picture": "\ud800", "model": "\ud800", "file": "é", "ending": "\ud800", "name": "\ud800"})
    @example({"model": "mnist-vae", "picture": "é", "seed": 10**400})
    @example({"model": "celeba-vae", "picture": picture(), "crop": {"x": float("nan"), "y": 0, "side": 1e308, "angle": 1e308}})
    @example("model=" + "x" * 300_000)
    @example("z=nan&" * 30_000)
    @example([[["deep"]]])
    def asked(request):
        fits(FUNCTIONS[name](request), faults)

    asked()


ENDPOINTS = {function.__name__: function for function in api.ENDPOINTS}
link = SimpleNamespace(url=SimpleNamespace(path="/gradio_api/run/x"))


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_answers_whatever_is_asked(name, faults, monkeypatch, tmp_path):
    monkeypatch.setattr(api, "_link", lambda request, written: written)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    hints = api.get_function_params(ENDPOINTS[name])
    bounded = {"frames": st.sampled_from([2, 3]), "steps": st.sampled_from([1, 2]), "size": st.sampled_from([16, None])}
    given_ = [bounded.get(argument, st.none() | st.binary(max_size=30) if hint in (bytes, bytes | None) else
                          st.just(default) | queries | values) for argument, _, default, hint in hints]  # fmt: skip
    ask = api.asked(ENDPOINTS[name])

    @settings(fast, max_examples=8)  # pictures are drawn
    @given(st.tuples(*given_))
    def asked(arguments):
        with suppress(api.Refused):
            ask(*([] if name == "list_models" else [link]), *arguments)
        assert not faults()

    asked()


@settings(fast, max_examples=100)
@given(queries)
def test_a_state_is_completed_or_refused_in_a_sentence(query):
    known, problems = state.parse(query)
    assert len(problems) <= len(state.KEYS)
    try:
        full = views.complete(known)
    except ExplorerError:
        return
    assert state.parse(state.text(full)) == (full, [])  # what is shown has a link


def test_a_long_link_is_refused_shortly():
    for query in ("z=nan&" * 3_000_000, "prompt=" + "x" * 10_000_000):
        answer = FUNCTIONS["open_view"](query)
        assert len(str(answer)) < 500
        assert "200,000 characters" in answer["error"]
    answer = FUNCTIONS["open_view"]("z=nan&" * 33_000)
    assert len(answer["problems"]) == 1
