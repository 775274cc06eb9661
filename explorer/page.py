"""The whole page: one tab a view, made by walking over the registry of views; the theme, and how it is served."""

import logging
import os
import signal
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import gradio as gr
import numpy as np
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from explorer import api, checkpoints, memory, views
from explorer.errors import InputError, PromptCut
from explorer.serving import decoders, live, remote, uploads
from explorer.serving.calls import JOBS, run_news, stop_run
from explorer.serving.doors import Allowed, Doors
from explorer.serving.visitors import AT_ONCE, Visitors
from explorer.state import EMBED, schema
from explorer.views import calls as common
from explorer.views.drawn import FILMS, LATENTS
from explorer.views.latent_plane.pictures import DEFAULT_MODEL

HERE = Path(__file__).parent
ASSETS = (".js", ".css")  # what of our folders is served, below /lx
# Below a sub-path whose proxy takes it off, only the browser knows that the last slash is missing, from which all is found.
WITH_SLASH = """<script>{
  const root = window.gradio_config?.root, path = root && new URL(root, location.href).pathname;
  if (path !== "/" && location.pathname === path) location.replace(`${path}/${location.search}${location.hash}`);
}</script>"""
# ?embed, for a frame in a course's page; before anything is shown
EMBEDDED = f"""<style>.lx-embed .lx-head {{ display: none !important; }}</style>
<script>
document.documentElement.classList.toggle("lx-embed", new URLSearchParams(location.search).has("{EMBED}"));
</script>"""
ICON = '<link rel="icon" href="favicon.ico">'  # else the browser looks for it at the root of a proxy's site
HEADER = """<header class="lx-head"><h1>Latent Explorer</h1>
<p></p>
<select class="lx-language" aria-label="Language" hidden></select>
<details class="lx-present"><summary>Present</summary><div>
<button type="button" data-present="lecture"><kbd>L</kbd> Lecture mode, for the last row</button>
<button type="button" data-present="code"><kbd>Q</kbd> QR code of what is on screen</button>
<button type="button" data-present="take"><kbd>T</kbd> Add it to a sequence</button>
<button type="button" data-present="sequence"><kbd>S</kbd> The sequence</button>
<button type="button" data-present="handout"><kbd>H</kbd> Handout, to print</button>
<button type="button" data-present="kiosk"><kbd>W</kbd> Walk on its own, until touched</button>
<p>These keys are the same in all views. In lecture mode the arrow keys go on with what was touched last, or with a view’s
steps; <kbd>Page Down</kbd> and <kbd>Page Up</kbd> step through a sequence, <kbd>Esc</kbd> leaves.</p></div></details></header>"""
UNVISITED = 3.0  # seconds for which a server waits for its first page before it loads models for nobody yet
QUIET = 0.5  # seconds without a question before the next model is loaded
_log = logging.getLogger(__name__)
_visited = threading.Event()
_ending = threading.Event()  # the server was told to end
ENDING = 30  # seconds that what is being warmed up may still take then


def theme():
    """Gradio's base with the system's own fonts: nothing is fetched from anywhere."""
    return gr.themes.Base(
        primary_hue="indigo", neutral_hue="slate", radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"],
        font_mono=["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"],
    )  # fmt: skip


def calls(name):
    """The module of what a view's page asks the server."""
    return import_module(f"explorer.views.{views.folder(name)}.calls")


def live_functions():
    """What must answer within a drag, of all views: {name: function of one JSON value}."""
    return {function.__name__: function for name in views.NAMES for function in getattr(calls(name), "LIVE_FUNCTIONS", ())}


def build():
    """The app's Blocks; needs no Keras."""
    with gr.Blocks(title="Latent Explorer", analytics_enabled=False, fill_width=True, delete_cache=api.KEPT) as blocks:
        said = {name: import_module(f"explorer.views.{views.folder(name)}.words") for name in views.NAMES}
        gr.HTML(
            HEADER, apply_default_css=False,
            js_on_load="".join(_started(f"serving/{module}.js") for module in ("language", "tour", "presenting")),
            languages=languages(),
            titles={name: views.of(name).TITLE for name in views.NAMES},
            taglines={name: words.TAGLINE for name, words in said.items()},
            tours={name: words.TOUR for name, words in said.items()},
        )  # fmt: skip
        with gr.Tabs(elem_id="views", overflow_behavior="wrap") as tabs:
            found = []
            for name in views.NAMES:
                with gr.Tab(views.of(name).TITLE, id=name, visible=views.of(name).is_here()) as tab:
                    _build_view(name, blocks, tab)
                found.append(tab)
        blocks.load(_view_of_link, outputs=tabs, show_progress="hidden", api_visibility="private")
        blocks.load(_tabs, outputs=found, show_progress="hidden", api_visibility="private")
        api.build()
    return blocks


def languages():
    """The languages of the page beside English: {"de": paths of its catalogues, of the frame and of each view}."""
    found = {}
    for path in sorted([*(HERE / "serving").glob("??.json"), *(HERE / "views").glob("*/??.json")]):
        found.setdefault(path.stem, []).append(path.relative_to(HERE).as_posix())
    return found


def _build_view(name, blocks, tab):
    """A view's component, made of its files, and what it has below it of Gradio's own: `below(blocks, tab)`."""
    folder, asked = HERE / "views" / views.folder(name), calls(name)
    template = folder / "view.html"
    if template.is_file():
        functions = [*asked.SERVER_FUNCTIONS, *common.SERVER_FUNCTIONS, run_news, stop_run]
        gr.HTML(
            html_template=template.read_text("utf-8"), js_on_load=_started(f"views/{folder.name}/view.js"),
            apply_default_css=False, elem_id=name,
            server_functions=functions, schema=schema(), live=list(live_functions()), films=[*FILMS, LATENTS],
            titles={other: views.of(other).TITLE for other in views.NAMES},
            **getattr(asked, "PROPS", {}),
        )  # fmt: skip
    if hasattr(asked, "below"):
        asked.below(blocks, tab)


def _started(module):
    """What starts a module of ours: the page runs it within a function, where only a dynamic import works."""
    return f'import(new URL("lx/{module}", document.baseURI)).then(module => module.start({{ element, props, server }}));'


def _view_of_link(request: gr.Request):
    """The tab that the link names."""
    _visited.set()
    return gr.Tabs(selected=common.seen(str(request.query_params)))


def _tabs():
    """Which views have a model now: a file that was damaged when the page was built may have been mended since."""
    return [gr.Tab(visible=views.of(name).is_here()) for name in views.NAMES]


class Assets(StaticFiles):
    """The browser's files of one folder, and nothing else that lies there."""

    async def get_response(self, path, scope):
        if not path.endswith(ASSETS) and not Path(path).match("??.json"):  # a catalogue of words
            return PlainTextResponse("Not found", 404)
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"  # asked for anew with its tag, so that parts of two versions never meet
        return response


class SubPath:
    """ASGI middleware for a page below a path of its site (GRADIO_ROOT_PATH), whether or not the proxy takes that path off.

    The address without the last slash goes on to the one with it, since what the page fetches is found from there.
    """

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        root = urlsplit(scope.get("root_path") or "").path.rstrip("/")  # it may be a whole address
        if root and scope["type"] in ("http", "websocket"):
            path, query = scope["path"], scope["query_string"].decode("latin-1")
            if scope["type"] == "http" and path == root:  # without host and scheme, which a proxy may have changed
                await RedirectResponse(f"{root}/" + (query and f"?{query}"))(scope, receive, send)
                return
            # a path begins with its root: without, what is mounted is not found
            scope = {**scope, "root_path": root, "path": path if path.startswith(f"{root}/") else root + path}
        await self.app(scope, receive, send)


async def health(request):
    """Whether the server answers, which models are up and what they are counted as, and what is under way; imports no Keras."""
    loaded = checkpoints.up()
    taken = sum(memory.estimated(checkpoints.card(name)) for name in loaded if name in checkpoints.names())
    models = {"up": loaded, "megabytes": round(taken / 1e6), "limit": round(min(memory.limit(), 1e15) / 1e6)}
    return JSONResponse({"status": "ok", "models": models, "runs": JOBS.places.counts()})


def routes():
    """Where the browser's modules and styles are served, and what it decodes with; what a balancer asks, where a run is left, and
    where pictures are taken in that Gradio would keep."""
    modules = [Mount(f"/{part}", Assets(directory=HERE / part)) for part in ("serving", "views")]
    assets = Mount("/lx", routes=[*decoders.routes(), *modules])
    return [assets, Route("/health", health), Route("/leave", _left, methods=["POST"]), uploads.route]


async def _left(request):
    """Ends the run whose name is sent: a page that is closed has time for no more than that."""
    JOBS.stop((await request.body())[:100].decode("ascii", "replace"))
    return PlainTextResponse("")


def preloaded():
    """What has the browser fetch all modules at once: else it finds each one's imports only when it has read it. A worker, which
    starts when the page is idle, is no module of the page."""
    found = (path for part in ("serving", "views") for path in (HERE / part).rglob("*.js"))
    paths = sorted(path.relative_to(HERE).as_posix() for path in found if not path.stem.endswith("_worker"))
    return "".join(f'<link rel="modulepreload" href="lx/{path}">' for path in paths)


def styles():
    """The style sheets of the page, of what views share and of the views, in their order, as one."""
    sheets = [HERE / "serving" / f"{name}.css" for name in ("page", "latent_plane", "inside")]
    sheets += [HERE / "views" / views.folder(name) / "view.css" for name in views.NAMES]
    return "\n".join(sheet.read_text("utf-8") for sheet in sheets if sheet.is_file())


def room_styles():
    """What is laid out otherwise on a small screen, in a lecture or on paper, for the page's head: Gradio would write these rules
    for its own part of the page alone."""
    names = "small_screen", "presenting", "lecture", "handout"
    sheets = [(HERE / "serving" / f"{name}.css").read_text("utf-8") for name in names]
    return f"<style>{''.join(sheets)}</style>"


def in_notebook():
    """Whether this is a cell of Jupyter or Colab: what shows its output is a browser."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def launch(
    host=None, port=None, open_browser=False, block=None, root_path=None, mcp=False, height=800, share=None, allow_origin=()
):  # fmt: skip
    """Serve the page, then load Keras and the models behind it.

    In a notebook of Jupyter or Colab the page stands below the cell, `height` pixels high, and the cell ends; `block` waits until
    the server is stopped, as elsewhere. `share=True` asks Gradio for a public address, where the browser reaches this machine in
    no other way; nothing is sent there without it. `root_path`: the path of a proxy's site below which it is found; `mcp`: its
    endpoints as tools for agents too. `allow_origin`: addresses, as in "https://there.example", by which visitors of a proxy know
    this server, or of other sites whose pages may ask it.
    """
    inline = in_notebook()
    warnings.simplefilter("ignore", PromptCut)  # the view tells who wrote it
    blocks = build()
    bound = host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    allowed = Allowed.of(bound, os.environ, allow_origin, root_path or os.environ.get("GRADIO_ROOT_PATH"), bool(share))
    served = _served(port, lambda: blocks.launch(
        server_name=host, server_port=port, inbrowser=open_browser, prevent_thread_lock=True, theme=theme(), css=styles(),
        inline=inline, height=height, share=bool(share) if inline else share,  # Gradio would take a cell of Colab for a wish
        footer_links=[], show_error=True, quiet=True, ssr_mode=False, run_history=False, max_file_size="25mb",
        favicon_path=HERE / "serving" / "favicon.svg", root_path=root_path,
        head=WITH_SLASH + EMBEDDED + ICON + room_styles() + preloaded(),
        mcp_server=mcp, max_threads=AT_ONCE,
        app_kwargs={
            "routes": routes(),
            "middleware": [Middleware(SubPath), Middleware(Doors, allowed, lambda: blocks), Middleware(Visitors)],
        },
    ))  # fmt: skip
    served[0].add_api_websocket_route(live.PATH, live.route(live_functions(), allowed))
    _ending.clear()
    warming = threading.Thread(target=warm_up, name="warm-up", daemon=True)
    warming.start()
    if block or block is None and not inline:
        with _until_told() as told:
            print(f"Latent Explorer: {blocks.local_url}", flush=True)
            told.wait()
            _ending.set()
            blocks.close(verbose=False)
            warming.join(ENDING)  # a backend does not bear that its process ends under it
    return served


def _served(port, launch):
    """What `launch()` returns; InputError where it finds no port."""
    try:
        return launch()
    except OSError as error:
        if "empty port" not in str(error):
            raise
        wanted = f"port {port} is" if port else "the ports from 7860 on are"
        raise InputError(f"{wanted} in use: name another with --port") from None


@contextmanager
def _until_told():
    """An event that is set once the server is told to end: by Ctrl-C, or as service managers do it, by SIGTERM."""
    told = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, lambda *_: told.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def warm_up():
    """Load the model of the first page and decode once, then the others: nobody's first drag waits for it.

    Where others sample (remote.py), they are found first. A page that is being fetched goes first: importing Keras beside it would
    make both slow. So does a drag: of the models that nobody asked for, the next one is loaded in its pauses, and none for which
    another would be given back.
    """
    try:
        remote.application()
    except Exception as error:  # each run says so too
        _log.warning("nobody samples elsewhere: %s", error)
    visited, patience, began = _visited, UNVISITED, time.monotonic()
    while not visited.wait(0.05) and (since := time.monotonic() - began) < patience and live.quiet_for() > since:
        if _ending.is_set():
            return
        # a page that was open before a restart does not come anew: it asks at once
    cards = {card["name"]: card for card in checkpoints.models() if not card["series"]}
    for name in sorted(cards, key=lambda name: name != DEFAULT_MODEL):
        while not _ending.is_set() and name != DEFAULT_MODEL and live.quiet_for() < QUIET:
            time.sleep(0.1)
        if _ending.is_set():
            return
        if name != DEFAULT_MODEL and not checkpoints.fits(cards[name]):
            continue
        try:
            generator = checkpoints.load(name)
            generator.decode(generator.prior(1), **_least(generator.card))
        except Exception as error:  # one bad checkpoint must not keep the others waiting; its view says what is wrong
            _log.warning("%s could not be loaded: %s", name, error)


def _least(card):
    """The cheapest settings with which a model decodes."""
    if "refines" in card:
        return {"steps": 1, "given": np.full((1, *card["image_shape"]), 0.5, "float32")}
    return {"steps": 1} if "sampling" in card else {"label": 0} if card.get("conditional") else {}
