"""The whole page: one tab a view, made by walking over the registry of views; the theme, and how it is served."""

import logging
import sys
import threading
import time
import warnings
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from explorer import api, checkpoints, views
from explorer.errors import PromptCut
from explorer.serving import live
from explorer.serving.calls import run_news, stop_run
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
<p>Drag across a latent space and see what it decodes to.</p></header>"""
UNVISITED = 3.0  # seconds for which a server waits for its first page before it loads models for nobody yet
QUIET = 0.5  # seconds without a question before the next model is loaded
_log = logging.getLogger(__name__)
_visited = threading.Event()


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
        gr.HTML(HEADER, apply_default_css=False, js_on_load=_started("serving/tour.js"))
        with gr.Tabs(elem_id="views") as tabs:
            found = []
            for name in views.NAMES:
                with gr.Tab(views.of(name).TITLE, id=name, visible=views.of(name).is_here()) as tab:
                    _build_view(name, blocks, tab)
                found.append(tab)
        blocks.load(_view_of_link, outputs=tabs, show_progress="hidden", api_visibility="private")
        blocks.load(_tabs, outputs=found, show_progress="hidden", api_visibility="private")
        api.build()
    return blocks


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
        if not path.endswith(ASSETS):
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


def routes():
    """Where the browser's modules and styles are served."""
    return [Mount("/lx", routes=[Mount(f"/{part}", Assets(directory=HERE / part)) for part in ("serving", "views")])]


def preloaded():
    """What has the browser fetch all modules at once: else it finds each one's imports only when it has read it."""
    paths = sorted(path.relative_to(HERE).as_posix() for part in ("serving", "views") for path in (HERE / part).rglob("*.js"))
    return "".join(f'<link rel="modulepreload" href="lx/{path}">' for path in paths)


def styles():
    """The style sheets of the page, of what views share and of the views, in their order, as one."""
    sheets = [HERE / "serving" / f"{name}.css" for name in ("page", "latent_plane")]
    sheets += [HERE / "views" / views.folder(name) / "view.css" for name in views.NAMES]
    return "\n".join(sheet.read_text("utf-8") for sheet in sheets if sheet.is_file())


def in_notebook():
    """Whether this is a cell of Jupyter or Colab: what shows its output is a browser."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def launch(host=None, port=None, open_browser=False, block=None, root_path=None, mcp=False, height=800, share=None):
    """Serve the page, then load Keras and the models behind it.

    In a notebook of Jupyter or Colab the page stands below the cell, `height` pixels high, and the cell ends; `block` waits until
    the server is stopped, as elsewhere. `share=True` asks Gradio for a public address, where the browser reaches this machine in
    no other way; nothing is sent there without it. `root_path`: the path of a proxy's site below which it is found; `mcp`: its
    endpoints as tools for agents too.
    """
    inline = in_notebook()
    warnings.simplefilter("ignore", PromptCut)  # the view tells who wrote it
    blocks = build()
    served = blocks.launch(
        server_name=host, server_port=port, inbrowser=open_browser, prevent_thread_lock=True, theme=theme(), css=styles(),
        inline=inline, height=height, share=bool(share) if inline else share,  # Gradio would take a cell of Colab for a wish
        footer_links=[], show_error=True, quiet=True, ssr_mode=False, run_history=False, max_file_size="25mb",
        favicon_path=HERE / "serving" / "favicon.svg", head=WITH_SLASH + EMBEDDED + ICON + preloaded(), root_path=root_path,
        mcp_server=mcp,
        app_kwargs={"routes": routes(), "middleware": [Middleware(SubPath)]},
    )  # fmt: skip
    served[0].add_api_websocket_route(live.PATH, live.route(live_functions()))
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    if block or block is None and not inline:
        print(f"Latent Explorer: {blocks.local_url}", flush=True)
        blocks.block_thread()
    return served


def warm_up():
    """Load the model of the first page and decode once, then the others: nobody's first drag waits for it.

    A page that is being fetched goes first: importing Keras beside it would make both slow. So does a drag: of the models
    that nobody asked for, the next one is loaded in its pauses.
    """
    _visited.wait(UNVISITED)
    names = [card["name"] for card in checkpoints.models() if not card["series"]]
    for name in sorted(names, key=lambda name: name != DEFAULT_MODEL):
        while name != DEFAULT_MODEL and live.quiet_for() < QUIET:
            time.sleep(0.1)
        try:
            generator = checkpoints.load(name)
            settings = {"steps": 1} if "sampling" in generator.card else {"label": 0} if generator.card.get("conditional") else {}
            generator.decode(generator.prior(1), **settings)
        except Exception as error:  # one bad checkpoint must not keep the others waiting; its view says what is wrong
            _log.warning("%s could not be loaded: %s", name, error)
