"""The app as a process of its own, and a real Chromium to look at it: for the browser tests and the benchmarks."""

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image
from playwright.sync_api import expect, sync_playwright

REPOSITORY = Path(__file__).parent.parent.parent
APP = os.environ.get("LX_APP", REPOSITORY / "app.py")  # another release's, to be measured beside this one
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync")  # fmt: skip
# what Gradio's own client says when a page is left while its event stream is opening
CUT_OFF = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
FAULTS = """async () => {
    const found = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations'] });
    return found.violations.map(({ id, nodes }) => [id, nodes.map(node => node.target.join(' ') + ': ' + node.any.concat(node.all)
        .map(check => check.message).join('; ').slice(0, 200)).slice(0, 5)]);
}"""
PATIENCE = 60_000  # milliseconds, for a machine that is busy with other things


def chromium_path():
    """Where Chromium is, or None."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@contextmanager
def chromium():
    """A headless Chromium, as Playwright's `Browser`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        yield browser
        browser.close()


class App:
    """`python app.py` on a free port; it may write to `folder` only, where its temporary files go. Pages decode by themselves where
    `runtime` names the folder of the browser's ONNX Runtime; else the server does."""

    def __init__(self, folder, checkpoints=None, arguments=(), runtime=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        places = {name: str(self.folder) for name in ("TMPDIR", "GRADIO_TEMP_DIR")}
        places |= {"EXPLORER_CHECKPOINTS": str(checkpoints)} if checkpoints else {}
        places["EXPLORER_RUNTIME"] = str(runtime or self.folder / "no runtime")
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **places}
        command = [sys.executable, str(APP), "--port", str(port), *map(str, arguments)]
        self._log = Path(f"{self.folder}.log")
        with self._log.open("w", encoding="utf-8") as log:
            pipes = {"stdout": subprocess.PIPE, "stderr": log}
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, text=True, **pipes)

    def wait(self):
        """Until it says that it is served; returns itself."""
        for line in self.process.stdout:
            if line.startswith("Latent Explorer:"):
                return self
        raise RuntimeError(f"the app ended with status {self.process.wait()}:\n{self._log.read_text('utf-8')}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:  # a busy machine
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class View:
    """The latent plane view in a page, used as a person would use it; `problems` are what no page may have."""

    def __init__(self, page, url):
        self.page, self.url, self.problems, self.asked, self.sockets, self.frames = page, url, [], [], [], []
        self._under_way, self._unanswered = set(), {}  # requests; how many questions, by socket
        page.set_default_timeout(PATIENCE)
        page.add_init_script(
            "try { localStorage.setItem('latent-explorer-tour', 'closed') } catch {}"
        )  # as one who was here before
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("console", self._hear)
        page.on("request", self._see)
        for ended in ("requestfinished", "requestfailed"):
            page.on(ended, lambda request: self._under_way.discard(request))
        page.on("domcontentloaded", lambda _: self._under_way.clear())  # what was asked before is answered to nobody
        page.on("websocket", self._overhear)

    def _hear(self, message):
        if message.type == "error" and not message.text.startswith(CUT_OFF):
            self.problems.append(f"console: {message.text}")

    def _see(self, request):
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self.url:
            self.problems.append(f"a request elsewhere: {request.url}")
        if parts.path.endswith("/component_server/"):
            self.asked.append(request.post_data_json)
        if request.is_navigation_request():
            self._unanswered.clear()
        elif parts.path.endswith(("/component_server/", "/queue/join")):
            self._under_way.add(request)

    def _overhear(self, socket):
        self.sockets.append(socket)
        if urlsplit(socket.url).netloc != urlsplit(self.url).netloc:
            self.problems.append(f"a socket elsewhere: {socket.url}")
        self._unanswered[socket] = 0
        for way, more in (("sent", 1), ("received", -1)):
            socket.on(f"frame{way}", lambda payload, way=way, more=more: self._hear_frame(socket, way, more, payload))
        socket.on("close", lambda _: self._unanswered.pop(socket, None))

    def _hear_frame(self, socket, way, more, payload):
        self.frames.append((way, json.loads(payload)))
        if socket in self._unanswered:
            self._unanswered[socket] += more

    # ---- opening and waiting

    def open(self, query=""):
        """Go to the view; back when the picture of the link is there."""
        self.page.goto(f"{self.url}/?{query}" if query else self.url)
        self.page.locator(".lx[data-ready=yes]").wait_for(state="attached")
        return self.rest()

    def until(self, expression, argument=None):
        """Wait until a JavaScript expression of the page (`$` is querySelector, `link` the address bar's values) is true."""
        self.page.wait_for_function(
            f"argument => {{ const $ = document.querySelector.bind(document), link = new URLSearchParams(location.search);"
            f" return {expression}; }}", arg=argument)  # fmt: skip

    def rest(self):
        """Wait until address bar, picture and sliders show the same point; returns the address bar's string."""
        self.until("""link.get('view') === 'latent-plane' && $('.lx-picture').dataset.model === link.get('model') &&
            $('.lx-picture').dataset.z === link.get('z') &&
            [...document.querySelectorAll('.lx-sliders input[type=range][data-z]')].every(input => {
                const value = +link.get('z').split(',')[input.dataset.z];
                return +input.value === Math.max(+input.min, Math.min(+input.max, +value.toFixed(2))); })""")  # fmt: skip
        return self.query()

    def until_z(self, z, tolerance=1e-9):
        """Wait until the picture at `z` is on screen, and the address bar says so."""
        self.until(
            "link.get('z')?.split(',').every((value, i) => Math.abs(value - argument[0][i]) <= argument[1])", [list(z), tolerance]
        )
        return self.rest()

    def eventually(self, check):
        """Wait until `check()` is true, looking once a frame."""
        end = self.page.evaluate("performance.now()") + PATIENCE
        while not check():
            assert self.page.evaluate("() => new Promise(requestAnimationFrame)") < end, "it never came to pass"

    @property
    def is_answered(self):
        """Whether the page has the answers to all that it has asked by HTTP and through its sockets."""
        return not self._under_way and not any(self._unanswered.values())

    def quiet(self, calm=1_000):
        """Wait until the page has all that it asks for by itself: everything is answered, and for `calm` milliseconds it asks no more."""
        before, end = None, time.monotonic() + PATIENCE / 1000
        while before != (before := (len(self.asked), len(self.frames))) or not self.is_answered:
            assert time.monotonic() < end, "it never rests"
            self.page.wait_for_timeout(calm)

    def query(self):
        """What stands after ? in the address bar."""
        return self.page.evaluate("location.search.slice(1)")

    @property
    def z(self):
        return [float(value) for value in self.link("z").split(",")]

    def link(self, key):
        """One value of the address bar, or None."""
        return self.page.evaluate("key => new URLSearchParams(location.search).get(key)", key)

    # ---- doing

    @property
    def plane(self):
        """The element that is dragged across."""
        return self.page.locator(".lx-first [role=application]")

    def at(self, x, y, center=(0, 0), extent=3):
        """Where a point of the plane is in the window of the browser, once the plane is in sight: whole pixels."""
        self.plane.scroll_into_view_if_needed()
        box = self.plane.bounding_box()
        half = box["width"] / 2
        px, py = half + (x - center[0]) / extent * half, half - (y - center[1]) / extent * half
        return round(box["x"] + px), round(box["y"] + py)

    def under(self, px, py, center=(0, 0), extent=3):
        """The point of the plane that is under a pixel of the window: what `at` undoes."""
        box = self.plane.bounding_box()
        half = box["width"] / 2
        return center[0] + (px - box["x"] - half) / half * extent, center[1] - (py - box["y"] - half) / half * extent

    def drag(self, *points):
        """Press at the first point of the plane, move to the others, let go; returns where the pointer ended, in z."""
        places = [self.at(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=8)
        self.page.mouse.up()
        return self.under(*places[-1])

    def do(self, action):
        """Press a button by what it does."""
        self.page.locator(f"[data-do={action}]:visible").click()

    def save(self, what):
        """Press a button that saves; returns the file's bytes."""
        with self.page.expect_download() as waiting:
            self.page.locator(f"[data-save='{what}']").click()
        return Path(waiting.value.path()).read_bytes()

    # ---- looking

    def faults(self, axe):
        """What axe finds on the page, dark and light: pairs of the scheme and a list that should be empty."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe)
        for scheme in ("dark", "light"):
            self.page.emulate_media(color_scheme=scheme)
            self.until("document.body.classList.contains('dark') === (argument === 'dark')", scheme)
            self.until("!document.getAnimations().some(one => one instanceof CSSTransition)")
            yield scheme, self.page.evaluate(FAULTS)

    def canvas(self, selector):
        """What a canvas shows: uint8 (h, w, 4)."""
        url = self.page.locator(selector).first.evaluate("canvas => canvas.toDataURL('image/png')")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA"))

    def base(self):
        """The plane without marks and cursor: uint8 (side, side, 3)."""
        return self.canvas(".lx-first canvas:not([role])")[..., :3].astype(int)

    def marks(self):
        """Marks, ellipse and trail: uint8 (side, side, 4)."""
        return self.canvas(".lx-first [role=application]").astype(int)

    def cursor(self):
        """Where the cursor is seen on the plane, by its yellow, in pixels of the window from the plane's corner: (x, y)."""
        seen = np.asarray(Image.open(io.BytesIO(self.plane.screenshot())).convert("RGB"))
        inner = (seen == (0xFF, 0xD1, 0x66)).all(-1)[8:-8, 8:-8]  # without the ring of the focus, which is yellow too
        yellow = np.argwhere(inner)[:, ::-1] + 8
        return (yellow.min(0) + yellow.max(0) + 1) / 2

    def shown(self, side=28, selector=".lx-picture"):
        """The picture on screen at its own size, from the middles of its enlarged pixels: uint8 (side, side)."""
        large = self.canvas(selector)[..., :3]
        assert (large == large[..., :1]).all(), "a grey picture"
        middles = ((np.arange(side) + 0.5) * len(large) / side).astype(int)
        return large[np.ix_(middles, middles)][..., 0]

    def message(self):
        """The message that is on screen, or ""."""
        return self.page.locator(".lx-message span").inner_text() if self.page.locator(".lx-message").is_visible() else ""

    def asked_live(self):
        """What the page has asked through its sockets so far, [name, request] each."""
        return [message for way, message in self.frames if way == "sent"]

    def calls(self, name):
        """What the page has asked of a server function by HTTP so far."""
        return [request["data"] for request in self.asked if request["fn_name"] == name]


def says(button, words):
    """Press a button; back once it has said these words, as it does for a moment only."""
    button.evaluate("""(button, words) => new MutationObserver((_, me) => {
        if (button.textContent !== words) return;
        button.dataset.said = words;
        me.disconnect();
    }).observe(button, { childList: true })""", words)  # fmt: skip
    button.click()
    expect(button).to_have_attribute("data-said", words)


def count(pixels, colour):
    """How many pixels (h, w, 3 or 4) have exactly a colour "#rrggbb"."""
    return int((pixels[..., :3] == [int(colour[i : i + 2], 16) for i in (1, 3, 5)]).all(-1).sum())


def another_run(view, act):
    """Do something and wait until the run that it begins is over."""
    before = int(view.page.locator(".lx-text").get_attribute("data-done"))
    act()
    view.until("+$('.lx-text').dataset.done > argument && !$('.lx-progress').textContent.includes('starting')", before)
    view.until("$('.lx-text [data-do=stop]').disabled")
