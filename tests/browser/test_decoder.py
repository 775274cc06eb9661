"""Pictures that the browser decodes itself: the server's to within a grey level, without a word from it while one drags, and the
server's own wherever the browser cannot."""

import base64
import json
import re

import numpy as np
import pytest
from driver import App
from playwright.sync_api import expect

import explorer

LEVEL = 1  # of 255
POINTS = 200
KINDS = ("mnist-vae", "fashion-stacked-ae", "fashion-dcgan", "fashion-cgan", "celeba-vae")
HERE = "async model => (await import('./lx/serving/decoder.js')).decodesHere(model)"
DECODE = """async ([model, z, label]) => {
    const { decode, decodesHere, prepare } = await import("./lx/serving/decoder.js");
    await prepare(model);
    while (!decodesHere(model)) await new Promise(resolve => setTimeout(resolve, 100)); // the page may be loading it itself
    const answer = await decode(model, z, label), parts = [];
    for (let i = 0; i < answer?.pixels.length; i += 1e4) parts.push(String.fromCharCode(...answer.pixels.subarray(i, i + 1e4)));
    return answer && btoa(parts.join(""));
}"""
WATCHED = """window.most = window.under = 0; window.workers = [];
window.Worker = class extends Worker {
    constructor(...what) {
        super(...what);
        workers.push(this);
        this.addEventListener("message", () => { under--; });
    }
    postMessage(...what) {
        most = Math.max(most, ++under);
        super.postMessage(...what);
    }
};"""
NO_WORKERS = "delete window.Worker;"


@pytest.fixture(scope="module")
def decoding_app(runtime, tmp_path_factory):
    """The app with the browser's runtime."""
    app = App(tmp_path_factory.mktemp("decoding") / "folder", runtime=runtime)
    yield app.wait()
    app.stop()


@pytest.fixture
def view(decoding_app, page_of):
    return page_of(decoding_app)


MOVE = """async ([selector, times]) => {
    const target = document.querySelector(selector), slides = target.type === "range";
    let last = performance.now(), longest = 0;
    for (let i = 0; i < times; i++) {
        if (slides) target.stepUp();
        target.dispatchEvent(slides ? new Event("input", { bubbles: true })
            : new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true, cancelable: true }));
        await new Promise(requestAnimationFrame);
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
    }
    return longest;
}"""
RESTS = 110  # milliseconds without a move after which a page may take the hand for resting


def move(view, selector, times=20):
    """A slider, or the point of a plane, a step each frame, as a hand does that does not rest; returns its longest pause."""
    return view.page.evaluate(MOVE, [selector, times])


def asked_in_a_move(view, selector, asked):
    """What is asked while a hand moves; once more where a busy machine made a pause in it."""
    for _ in range(10):
        asked.clear()
        if move(view, selector) < RESTS or not asked:
            break
        view.quiet()
    return list(asked)


def asked_since(view):
    """A list that what the page asks for from now on comes into."""
    found = []
    view.page.on(
        "request", lambda request: found.append(request.post_data or request.url) if request.url.startswith("http") else None
    )
    view.page.on("websocket", lambda socket: found.append(socket.url))
    for socket in view.sockets:
        socket.on("framesent", lambda message: found.append(message))
    return found


def decodes_here(view, model):
    """Wait until the page's own decoder is there and all that the page asks for by itself has come."""
    view.page.wait_for_function(HERE, arg=model)
    view.quiet()


@pytest.mark.parametrize("model", KINDS)
def test_pixels_are_the_servers(view, model):
    view.open("model=mnist-vae")
    generator = explorer.load(model)
    label = 3 if generator.card.get("conditional") else None
    z = generator.prior(POINTS, seed=5)
    answer = view.page.evaluate(DECODE, [model, z.ravel().tolist(), label])
    found = np.frombuffer(base64.b64decode(answer), "uint8").reshape(POINTS, *generator.image_shape)
    expected = np.rint(generator.decode(z, **({} if label is None else {"label": label})) * 255)
    assert np.abs(found - expected).max() <= LEVEL
    assert len(np.unique(found, axis=0)) > POINTS / 2, "pictures, and not one of them for all"


def test_a_drag_on_the_plane_asks_the_server_nothing(view, decoded):
    view.page.add_init_script(WATCHED)
    view.open("model=mnist-vae")
    decodes_here(view, "mnist-vae")
    asked = asked_since(view)
    view.page.evaluate("most = 0")
    view.until_z(view.drag((0, 0), (1, 1), (-1.5, -1), (0.2, 0.3)), 1e-4)
    slider = view.page.locator(".lx-sliders [data-z='0'][type=range]")
    slider.fill("-0.75")
    slider.fill("1.25")
    view.until("argument === +link.get('z').split(',')[0]", 1.25)
    view.rest()
    assert np.abs(view.shown() - decoded("mnist-vae", view.z).astype(int)).max() <= LEVEL
    expect(view.page.locator(".lx-speed")).to_have_text(re.compile(r"^in this browser, \d+\.\d ms$"))
    assert view.page.evaluate("most") == 1, "never more than one under way"
    view.page.wait_for_timeout(500)
    assert asked == []


def test_the_nearest_encodings_are_those_that_the_server_finds(view):
    view.open("model=mnist-vae")
    decodes_here(view, "mnist-vae")
    asked = asked_since(view)
    view.until_z(view.drag((0, 0), (-1.5, 1.25)), 1e-4)
    codes = explorer.checkpoints.encodings("mnist-vae")
    order = np.argsort(np.square(codes.z_mean.astype("float64") - view.z).sum(1))[:20]
    labels, counts = np.unique(codes.labels[order], return_counts=True)
    first = np.argmax(counts)
    words = f"Nearest encodings: {explorer.checkpoints.card('mnist-vae')['classes'][labels[first]]} ({counts[first]} of 20)"
    expect(view.page.locator(".lx-near")).to_contain_text(words)
    assert asked == []


def test_a_discriminator_is_asked_when_the_hand_rests(view):
    view.open("model=fashion-dcgan")
    decodes_here(view, "fashion-dcgan")
    asked = asked_since(view)
    assert asked_in_a_move(view, ".lx-first [role=application]", asked) == []
    expect(view.page.locator(".lx-speed")).to_contain_text("in this browser")
    view.eventually(lambda: asked)
    assert [json.loads(message)[0] for message in asked if message.startswith("[")] == ["decode_point"]
    expect(view.page.locator(".lx-near")).to_have_text(re.compile(r"^The discriminator: \d+ % real$"))


def test_the_frames_of_a_walk_follow_its_end(view):
    view.open("model=mnist-vae&from=-1,-1&to=1,1&frames=5&kind=slerp")
    decodes_here(view, "mnist-vae")
    asked, end = asked_since(view), view.drag((1, 1), (1.5, -0.5))
    view.until("link.get('to').split(',').every((value, i) => Math.abs(value - argument[i]) < 1e-3)", list(end))
    walk = explorer.Path((-1, -1), [float(value) for value in view.link("to").split(",")], kind="slerp").points(5)
    expected = np.rint(255 * explorer.load("mnist-vae").decode(np.round(walk, 4)))
    for i, picture in enumerate(expected):
        frame = f".lx-strip button:nth-child({i + 1}) canvas"
        view.eventually(lambda f=frame, p=picture: np.abs(view.canvas(f)[..., :1] - p).max() <= LEVEL)
    assert asked == []


SLIDES = [  # a view's state, its model, what is moved by keys, where its picture is
    ("view=faces&face=0&attributes=Young:0.5", "#faces [data-attribute=Smiling] input[type=range]", "#faces .lx-picture"),
    ("view=faces&seed=7&hold=Male,Young&how=learned", "#faces [data-attribute=Eyeglasses] input[type=range]", "#faces .lx-picture"),
    ("view=morph&corners=g0;3&t=0.2&kind=slerp", "#morph [data-t]", "#morph .lx-picture >> visible=true"),
    (
        "view=morph&corners=g0;g1;3;4&t=0.2,-0.3&kind=slerp",
        "#morph .lx-plane [role=application]",
        "#morph .lx-picture >> visible=true",
    ),
]


@pytest.mark.parametrize(("query", "moved", "picture"), SLIDES)
def test_a_face_is_the_servers_and_takes_no_request(decoding_app, page_of, query, moved, picture):
    view, name = page_of(decoding_app), query.split("&")[0].removeprefix("view=")
    view.page.goto(f"{view.url}/?{query}")
    ready = f"#{name} .lx[data-ready=yes]"
    view.page.locator(ready).wait_for()
    decodes_here(view, "celeba-vae")
    speed = view.page.locator(f"#{name} .lx-speed")
    while "browser" not in speed.inner_text():  # the first move has the page fetch what it adds
        move(view, moved, 1)
        view.page.wait_for_timeout(300)
    decodes_here(view, "celeba-vae")
    decodes_here(view, "celeba-refiner")  # since the server sharpened the first one
    asked = asked_since(view)
    in_a_move = asked_in_a_move(view, moved, asked)
    assert [request for request in in_a_move if "what=strip" not in request] == []  # which the server sharpens
    expect(speed).to_contain_text("in this browser")
    sharp = f"#{name} .lx-sharp"
    expect(view.page.locator(sharp)).to_contain_text("sharp in")
    view.quiet()
    assert not any('"refine"' in str(what) and '"first"' not in str(what) for what in asked)  # a strip is the server's
    here, link = view.canvas(picture).astype(int), view.query()
    assert link != query
    other = page_of(decoding_app)
    serve_no_runtime(other)
    other.page.goto(f"{view.url}/?{link}")
    other.page.locator(ready).wait_for()
    expect(other.page.locator(f"#{name} .lx-speed")).to_contain_text("decoded in")
    expect(other.page.locator(sharp)).to_contain_text("sharp in")
    # it fades in; it was enlarged, and rounded once more
    other.eventually(lambda: np.abs(other.canvas(picture) - here).max() <= 2 * LEVEL)


def test_two_planes_and_the_map_of_codes_ask_nothing_either(view):
    view.page.goto(f"{view.url}/?view=why-a-vae&chapter=holes")
    planes = view.page.locator(".lx-holes [role=application]")
    expect(planes).to_have_count(2)
    for model in ("fashion-ae", "fashion-vae"):
        decodes_here(view, model)
    asked = asked_since(view)
    for i in (1, 2):
        move(view, f".lx-holes figure:nth-of-type({i}) [role=application]")
    view.page.wait_for_timeout(500)
    assert asked == []


def serve_no_runtime(view):
    view.page.route("**/lx/decoders.json", lambda route: route.fulfill(json={"runtime": None, "models": {}}))


def damaged(pattern):
    return lambda view: view.page.route(pattern, lambda route: route.fulfill(body="no such thing"))


FAULTS = {
    "no runtime": serve_no_runtime,
    "no index": damaged("**/lx/decoders.json"),
    "a damaged runtime": damaged("**/*.wasm"),
    "a damaged model": damaged("**/decoder.onnx*"),
    "no workers": lambda view: view.page.add_init_script(NO_WORKERS),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_where_the_browser_cannot_the_server_decodes_without_a_word(view, decoded, fault):
    FAULTS[fault](view)
    met, sign = [], {"a damaged runtime": ".wasm", "a damaged model": "decoder.onnx"}.get(fault, "decoders.json")
    view.page.on("response", lambda response: sign in response.url and met.append(response))
    view.open("model=mnist-vae")
    view.until_z(view.drag((0, 0), (1, 1)), 1e-4)
    view.eventually(lambda: met)
    for _ in range(30 if fault == "a damaged runtime" else 4):  # what fails has failed, and been told to developers
        if not view.problems:
            view.page.wait_for_timeout(500)
    before = len(view.asked_live())
    view.until_z(view.drag((1, 1), (-1.2, 0.4)), 1e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert len(view.asked_live()) > before
    assert not view.page.evaluate(HERE, "mnist-vae")
    expect(view.page.locator(".lx-speed")).to_have_text(re.compile(r"^\d+ ms$"))
    assert view.message() == ""
    if fault == "a damaged runtime":
        view.problems[:] = [problem for problem in view.problems if not problem.startswith("console")]


def test_a_worker_that_dies_leaves_the_rest_of_the_drag_to_the_server(view, decoded):
    view.page.add_init_script(WATCHED)
    view.open("model=mnist-vae")
    decodes_here(view, "mnist-vae")
    view.page.evaluate("workers[0].postMessage = () => { workers[0].dispatchEvent(new ErrorEvent('error')); }")
    before = len(view.asked_live())
    view.until_z(view.drag((0, 0), (1.2, -0.4)), 1e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert len(view.asked_live()) > before
    assert view.message() == ""


def test_it_is_loaded_after_the_first_picture(view):
    order = []
    view.page.on("request", lambda request: order.append(request.url))
    view.page.on("websocket", lambda socket: socket.on("framereceived", lambda _: order.append("a picture")))
    view.open("model=mnist-vae")
    decodes_here(view, "mnist-vae")
    parts = [i for i, what in enumerate(order) if re.search(r"lx/(decoders\.json|models/|runtime/|.*_worker\.js)", what)]
    pictures = [i for i, what in enumerate(order) if what == "a picture" or what.endswith("component_server/")]
    assert len(parts) >= 6
    assert min(parts) > min(pictures)
