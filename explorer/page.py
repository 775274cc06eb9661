"""The whole page: one tab a view, the theme, and how it is served."""

import logging
import threading
import time
from pathlib import Path

import gradio as gr

from explorer import checkpoints, family, rendering
from explorer.state import parse
from explorer.ui import diffusion_view, faces_view, family_view, live, models_view, morph_view, plane_view, runs, text_view

HERE = Path(__file__).parent
STYLES = (
    "page.css",
    "latent_plane.css",
    "plane_view.css",
    "faces_view.css",
    "diffusion_view.css",
    "text_view.css",
    "family_view.css",
)
TABS = {"latent-plane": "Latent plane", "faces": "Faces", "morph": "Morph", "diffusion": "Diffusion",
        "text-to-image": "Text to image", "why-a-vae": "Why a VAE?", "models": "Models"}  # fmt: skip
HEADER = """<header class="lx-head"><h1>Latent Explorer</h1>
<p>Drag across a latent space and see what it decodes to.</p></header>"""
LIVE = {function.__name__: function for room in (plane_view, faces_view, runs, family_view) for function in room.LIVE_FUNCTIONS}
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


def build():
    """The app's Blocks; needs no Keras."""
    with gr.Blocks(title="Latent Explorer", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(HEADER, apply_default_css=False)
        with gr.Tabs(elem_id="views") as tabs:
            with gr.Tab(TABS["latent-plane"], id="latent-plane"):
                plane_view.build()
            if any(card.get("attributes") for card in checkpoints.models()):
                with gr.Tab(TABS["faces"], id="faces") as faces_tab:
                    faces_view.build(faces_tab)
                with gr.Tab(TABS["morph"], id="morph"):
                    morph_view.build()
            if any(card["kind"] == "diffusion" for card in checkpoints.models()):
                with gr.Tab(TABS["diffusion"], id="diffusion"):
                    diffusion_view.build()
            if any(card["kind"] == "text-to-image" for card in checkpoints.models()):
                with gr.Tab(TABS["text-to-image"], id="text-to-image"):
                    text_view.build()
            if family.ARTIST in checkpoints.names():
                with gr.Tab(TABS["why-a-vae"], id="why-a-vae"):
                    family_view.build()
            with gr.Tab(TABS["models"], id="models") as models_tab:
                models_view.build(blocks, models_tab)
        blocks.load(_view_of_link, outputs=tabs, show_progress="hidden", api_visibility="private")
    return blocks


def _view_of_link(request: gr.Request):
    """The tab that the link names."""
    _visited.set()
    state, _ = parse(str(request.query_params))
    return gr.Tabs(selected=state.get("view", "latent-plane"))


def launch(host=None, port=None, open_browser=False, block=True):
    """Serve the page, then load Keras and the models behind it."""
    blocks = build()
    served = blocks.launch(
        server_name=host, server_port=port, inbrowser=open_browser, prevent_thread_lock=True, theme=theme(),
        css="\n".join((HERE / style).read_text("utf-8") for style in STYLES), footer_links=[], show_error=True, quiet=True,
        ssr_mode=False, run_history=False, max_file_size="25mb", favicon_path=HERE / "favicon.svg",
    )  # fmt: skip
    served[0].add_api_websocket_route(live.PATH, live.route(LIVE))
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    if block:
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
    for name in sorted(names, key=lambda name: name != rendering.DEFAULT_MODEL):
        while name != rendering.DEFAULT_MODEL and live.quiet_for() < QUIET:
            time.sleep(0.1)
        try:
            generator = checkpoints.load(name)
            settings = {"steps": 1} if "sampling" in generator.card else {"label": 0} if generator.card.get("conditional") else {}
            generator.decode(generator.prior(1), **settings)
        except Exception as error:  # one bad checkpoint must not keep the others waiting; its view says what is wrong
            _log.warning("%s could not be loaded: %s", name, error)
