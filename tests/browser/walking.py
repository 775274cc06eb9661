"""A random walk through a view: what a visitor may do, in any order, and whether the address then shows the same to somebody else.

Left out is what no link holds by design: a visitor's own picture or drawing, points kept on the shelf, what is folded away, how far
from the mean the next surprise of a plane is drawn, and runs that are stopped half-way.
"""

import base64
import io
import time
from pathlib import Path

import numpy as np
from driver import PATIENCE
from PIL import Image

# What each view opens with, so that what is computed for it is small.
OPENINGS = {
    "latent-plane": "view=latent-plane&model=mnist-vae&frames=4",
    "faces": "view=faces",
    "morph": "view=morph&frames=4&n=3",
    "diffusion": "view=diffusion&model=fashion-ddpm&steps=2",
    "text-to-image": "view=text-to-image&steps=2&frames=3",
    "why-a-vae": "view=why-a-vae&chapter=linear",
    "models": "view=models&model=mnist-vae",
}
# Numbers that a field may be given, by its key; what else has bounds is given one within.
NUMBERS = {"steps": (1, 4), "frames": (2, 6), "n": (2, 4), "seed": (0, 99), "to": (0, 99)}
PROMPTS = ("a rose", "a photo of a smiling woman", "digit seven", "")
KEYS = ("r", "ArrowLeft", "ArrowRight", "ArrowUp", "Shift+ArrowDown", "+", "-", "0", "a", "b", "n", "p", "Escape", "Control+z")
# The rest of the page: that nothing is under way any more, and what it shows.
SEEN = """view => {
    const root = document.querySelector(`#${view} .lx`) ?? document.querySelector('#models-card');
    const apart = '.lx-kept, .lx-pad, .lx-encoded, .lx-page, .lx-photo, .lx-gallery, .lx-input .lx-pair, [data-truncation], details';
    const seen = element => element.checkVisibility({ visibilityProperty: true }) && !element.closest(apart);
    const hash = canvas => {
        if (!canvas.width || !canvas.height) return 'empty';
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height), words = new Uint32Array(data.buffer);
        let sum = 2166136261;
        for (const word of words) sum = Math.imul(sum ^ word, 16777619);
        return `${canvas.width} x ${canvas.height} ${sum >>> 0}`;
    };
    const name = element => [...element.classList].filter(part => part !== 'lx-now').join('.') || element.closest('[class]').className;
    const canvases = window.walked = [...root.querySelectorAll('canvas')].filter(seen);
    const controls = [...root.querySelectorAll('input:not([type=file]), select, textarea, [role=radio]')].filter(seen);
    const said = control => control.type === 'checkbox' ? control.checked : control.ariaChecked ?? control.value;
    const of = control => Object.entries(control.dataset).filter(([key]) => key !== 'walk').map(([, value]) => value).join() || control.getAttribute('aria-label') || control.closest('label')?.innerText;
    return {
        address: location.search,
        canvases: canvases.map(canvas => `${name(canvas)}: ${hash(canvas)}`),
        controls: controls.map(control => `${of(control)} = ${said(control)}`),
        words: view === 'models' ? root.innerText : '',
        runs: !!root.querySelector('[data-do=stop]:not([disabled])'),
        ready: view === 'models' ? !!root.innerText : root.dataset.ready === 'yes',
        dropped: document.activeElement === document.body,
        message: root.querySelector('.lx-message:not([hidden]) span')?.textContent ?? '',
    };
}"""
# The page scrolled through, and back to where it was.
READ = """async () => {
    const top = scrollY;
    for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight / 2) {
        scrollTo({ top: y, behavior: 'instant' });
        await new Promise(done => requestAnimationFrame(() => setTimeout(done, 80)));
    }
    scrollTo({ top, behavior: 'instant' });
}"""
# What may be pressed or moved: [kind, selector] by a mark that is put on each element.
OFFERED = """view => {
    const root = document.querySelector(`#${view} .lx`) ?? document.querySelector('#models-choice');
    const apart = '[data-save], [data-do=link], [data-do=camera], [data-do=stop], [data-do=share], [data-do=to-morph], [data-do=keep], '
        + '[data-do=fetch], [data-do=gallery], [data-do=play], [data-do=run], [data-do=map], [data-do=peek], .lx-kept *, .lx-photo *, .lx-pad *, '
        + '.lx-page *, .lx-gallery *, .lx-need *, [data-map], [data-do=clear], details *, a, [type=file], '
        + '[data-do=undo]';
    const kinds = { BUTTON: 'press', SELECT: 'choose', TEXTAREA: 'write', CANVAS: 'drag', INPUT: 'number' };
    for (const one of document.querySelectorAll('[data-walk]')) delete one.dataset.walk;
    const found = root.querySelectorAll('button, select, textarea, input, canvas[role=application], [data-cell], .lx-film canvas');
    return [...found].filter(one => one.checkVisibility({ visibilityProperty: true }) && !one.disabled && !one.matches(apart)).map((one, i) => {
        one.dataset.walk = i;
        const kind = one.type === 'range' ? 'slide' : one.type === 'checkbox' || one.dataset.cell || one.closest('.lx-film') ? 'press'
            : kinds[one.tagName] ?? 'press';
        const group = one.closest('[role=radiogroup], [role=group], .lx-film, .lx-cells, .lx-attributes, .lx-sliders');
        return { i, kind, key: one.dataset.set ?? '', group: group ? group.className + group.ariaLabel : `${kind} ${i}`,
            what: one.getAttribute('aria-label') || one.dataset.do || one.dataset.set || one.innerText || one.className };
    });
}"""


class Walker:
    """Walks through one view; `faults` are what it found, one text each, `folder` where it leaves pictures of them."""

    def __init__(self, view, name, seed, new_view, folder=None):
        self.view, self.page, self.name, self.new_view, self.folder = view, view.page, name, new_view, folder
        self.random = np.random.default_rng([seed, sum(name.encode())])
        self.log, self.faults, self.checked = [], [], 0

    def walk(self, actions, checks=10):
        self.page.goto(f"{self.view.url}/?{OPENINGS[self.name]}")
        self.rest(self.view)
        for k in range(actions):
            self.act()
            if (k + 1) % max(1, actions // checks) == 0:
                self.check()
                if self.folder:
                    said = f"{k + 1} actions, {self.checked} addresses opened anew, {len(self.faults)} faults"
                    Path(self.folder, f"{self.name}.txt").write_text(said, "utf-8")
        return self.faults

    # ---- acting

    def act(self):
        """One random thing that a visitor may do."""
        kind = self.random.choice(["control", "key", "back", "reload", "tab"], p=[0.72, 0.17, 0.06, 0.03, 0.02])
        getattr(self, f"_{kind}")()
        if kind == "control" and "press" in self.log[-1] and self._is_focus_lost():
            self.faults.append(f"the focus fell to the body after {self.log[-1]}")
        self.page.wait_for_timeout(int(self.random.choice([0, 30, 150, 500])))

    def _is_focus_lost(self):
        """Whether the body has the focus and keeps it: for a moment it may, while what has it is built anew."""
        end = time.monotonic() + 3
        while lost := self.page.evaluate("document.activeElement === document.body"):
            if time.monotonic() > end:
                break
            self.page.wait_for_timeout(100)
        return lost

    def _control(self):
        offered = self.page.evaluate(OFFERED, self.name)
        if not offered:
            return self._note("nothing to press")
        groups = sorted({one["group"] for one in offered})
        group = groups[self.random.integers(len(groups))]  # a row of twenty buttons is no likelier than one slider
        one = self.random.choice([one for one in offered if one["group"] == group])
        self._note(f"{one['kind']} {one['what']!r}")
        try:
            getattr(self, f"_{one['kind']}")(self.page.locator(f"[data-walk='{one['i']}']").first, one)
        except Exception as error:  # it went away meanwhile, as what somebody is about to press may
            self._note(f"  not there: {str(error).splitlines()[0][:90]}")

    def _press(self, element, one):
        by_key = self.random.random() < 0.5 and element.evaluate("e => e.matches('button:not([tabindex=\"-1\"])')")
        element.press("Enter", timeout=1500) if by_key else element.click(timeout=1500)

    def _choose(self, element, one):
        values = element.evaluate("e => [...e.options].filter(o => !o.disabled && !o.dataset.preset).map(o => o.value)")
        here = [value for value in values if not value.startswith(("stable_diffusion_3_medium", "stable_diffusion_3.5"))]
        if self.name == "diffusion" and one["key"] == "model":
            here = [value for value in here if value == "fashion-ddpm"]  # the other takes many steps of larger pictures
        if here:
            element.select_option(str(self.random.choice(here)), timeout=1500)

    def _slide(self, element, one):
        low, high, step = element.evaluate("e => [+e.min, +e.max, +e.step || 1]")
        for _ in range(self.random.integers(1, 4)):
            value = low + step * self.random.integers(0, int((high - low) / step + 1e-6) + 1)
            element.fill(f"{value:.6f}".rstrip("0").rstrip("."), timeout=1500)

    def _number(self, element, one):
        low, high = element.evaluate("e => [+(e.min || 0), +(e.max || 10)]")
        low, high = NUMBERS.get(one["key"], (low, min(high, low + 50)))
        value = self.random.integers(int(low), int(high) + 1)
        element.fill(str(value), timeout=1500)
        element.press(str(self.random.choice(["Enter", "Tab"])))

    def _write(self, element, one):
        element.fill(str(self.random.choice(PROMPTS)), timeout=1500)
        element.press(str(self.random.choice(["Enter", "Tab"])))

    def _drag(self, element, one):
        element.scroll_into_view_if_needed(timeout=1500)
        box = element.bounding_box()
        low, size = np.array([box["x"], box["y"]]), np.array([box["width"], box["height"]])
        at = lambda: (low + size * self.random.uniform(0.03, 0.97, 2)).tolist()  # noqa: E731
        self.page.mouse.move(*at())
        if self.random.random() < 0.2:
            self.page.mouse.wheel(0, int(self.random.choice([-240, 240])))
            return
        if held := self.random.random() < 0.2:
            self.page.keyboard.down("Shift")
        self.page.mouse.down()
        for _ in range(self.random.integers(0, 3)):
            self.page.mouse.move(*at(), steps=4)
        self.page.mouse.up()
        if held:
            self.page.keyboard.up("Shift")

    def _key(self):
        key = str(self.random.choice(KEYS))
        focus = self.page.evaluate("document.activeElement.matches('textarea, input:not([type=range], [type=checkbox]), select')")
        if focus and len(key) == 1:
            return
        self._note(f"key {key}")
        self.page.keyboard.press(key)

    def _back(self):
        if not self.page.evaluate(
            "navigation.canGoBack && navigation.entries()[navigation.currentEntry.index - 1].url.startsWith(origin)"
        ):
            return
        self._note("back")
        self.page.evaluate("history.back()")
        self.page.wait_for_timeout(400)
        self._return()

    def _reload(self):
        self._note("reload")
        self.page.wait_for_timeout(700)  # what was done last has come to the address bar
        self.page.reload()
        self.rest(self.view)

    def _tab(self):
        self._note("another view and back")
        self.page.wait_for_timeout(700)
        here = self.page.evaluate("new URLSearchParams(location.search).get('view')")
        other = "Models" if here != "models" else "Latent plane"
        self.page.evaluate(
            "name => [...document.querySelectorAll('[role=tab]')].find(tab => tab.textContent.trim() === name).click()", other
        )
        self.page.wait_for_timeout(700)
        self.page.evaluate("history.back()")
        self.page.wait_for_timeout(700)
        self._return()

    def _return(self):
        """Back may have led to another view."""
        if self.page.evaluate("new URLSearchParams(location.search).get('view')") != self.name:
            self.page.evaluate("history.forward()")
            self.page.wait_for_timeout(700)

    def _note(self, text):
        self.log.append(text)

    # ---- looking

    def rest(self, view, name=None, calm=900):
        """What a page shows, once nothing has changed in it for so many milliseconds and nothing is under way."""
        before, since, end = None, time.monotonic(), time.monotonic() + 2.5 * PATIENCE / 1000
        while True:
            try:
                seen = view.page.evaluate(SEEN, name or self.name)
            except Exception as error:  # it is being loaded
                seen = {"error": str(error), "runs": True}
            busy = seen["runs"] or not seen.get("ready") or not view.is_answered
            now = time.monotonic()
            if busy or seen != before:
                before, since = seen, now
            elif now - since > calm / 1000:
                return seen
            if now > end:
                return seen | {"late": True}
            view.page.wait_for_timeout(120)

    def seen_whole(self, view):
        """What a page shows once somebody has read it from top to bottom: some is worth its time only where it is seen."""
        self.rest(view)
        view.page.evaluate(READ)
        return self.rest(view)

    def check(self):
        """The address, opened by somebody else, shows the same."""
        self.page.mouse.move(0, 0)  # what is shown where the mouse rests is in no link
        mine = self.seen_whole(self.view)
        other = self.new_view()
        try:
            other.page.goto(f"{self.view.url}/{mine['address']}")
            theirs = self.seen_whole(other)
            self.checked += 1
            for what in ("address", "canvases", "controls", "words"):
                if mine.get(what) != theirs.get(what) and (told := self._differs(what, mine.get(what), theirs.get(what), other)):
                    self._fault(f"{what}: {told}", mine, other)
            if mine.get("late") or theirs.get("late"):
                self._fault(f"never at rest: {'here' if mine.get('late') else 'there'}", mine, other)
            if mine.get("message"):
                self._note(f"  says: {mine['message']}")
        finally:
            other.page.close()

    def _differs(self, what, mine, theirs, other):
        if not isinstance(mine, list):
            return f"{mine} / {theirs}"
        if len(mine) != len(theirs):
            return f"{len(mine)} here, {len(theirs)} there: {sorted(set(mine) ^ set(theirs))[:8]}"
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b]
        if what != "canvases":
            return "; ".join(f"{a} / {b}" for _, a, b in pairs)
        told = []
        for i, a, _ in pairs:
            one, two = self._pixels(self.view, i), self._pixels(other, i)
            off = np.abs(one - two).max() if one.shape == two.shape else f"{one.shape} / {two.shape}"
            if not isinstance(off, (int, np.integer)) or off > 1:  # within 1 of 255 at another batch shape
                told.append(f"{a.split(':')[0]} differs by {off}")
        return "; ".join(told)

    def _pixels(self, view, i):
        url = view.page.evaluate("i => window.walked[i].toDataURL()", i)
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGBA")).astype(int)

    def _fault(self, text, mine, other):
        self.faults.append(f"after action {len(self.log)}, {text}\n  {mine['address']}\n  " + "\n  ".join(self.log[-12:]))
        if self.folder:
            stem = self.folder / f"{self.name}-{len(self.faults)}"
            Path(f"{stem}.txt").write_text(self.faults[-1], "utf-8")
            self.view.page.screenshot(path=f"{stem}-here.png", full_page=True)
            other.page.screenshot(path=f"{stem}-there.png", full_page=True)
