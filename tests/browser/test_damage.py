"""One file of a checkpoint damaged: the view says which, and the other models work."""

import re
import shutil
from pathlib import Path

import pytest
from driver import App
from playwright.sync_api import expect

from explorer import checkpoints


def flip(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file):
    file.write_bytes(file.read_bytes()[:-100])


@pytest.fixture
def damaged(tmp_path):
    """`damaged(file, how)`: the app on a copy of the checkpoints in which a file of `mnist-vae` is damaged."""
    apps = []

    def start(file, how):
        root = tmp_path / "checkpoints"
        for name in ("mnist-vae", "fashion-vae"):
            shutil.copytree(checkpoints.root() / name, root / name, ignore=shutil.ignore_patterns("run"))
        how(root / "mnist-vae" / file)
        apps.append(App(tmp_path / "folder", root))
        return apps[-1].wait()

    yield start
    for app in apps:
        app.stop()


@pytest.mark.parametrize(
    ("file", "how"),
    [("model.keras", flip), ("card.json", cut), ("encodings.npz", Path.unlink)],
    ids=["weights flipped", "card cut short", "encodings gone"],
)
def test_the_view_names_the_damaged_file_and_the_other_models_work(damaged, page_of, decoded, file, how):
    view = page_of(damaged(file, how))
    view.page.goto(view.url)
    message = view.page.locator(".lx-message span")
    expect(message).to_contain_text(f"checkpoints/mnist-vae/{file} is damaged (expected SHA-256 ")
    expect(message).to_contain_text("git checkout -- checkpoints/mnist-vae")
    if file == "model.keras":  # the sheet that was shipped with it is whole, and answers a drag
        view.page.locator(".lx[data-ready=sheet]").wait_for(state="attached")
        before = view.canvas(".lx-picture")
        view.drag((0, 0), (-2, -2))
        view.eventually(lambda: (view.canvas(".lx-picture") != before).any())

    def choose_the_other():
        """Back once it is open: not before what the damaged one asked was answered, which would be said beside it."""
        view.quiet(250)
        view.page.get_by_role("radio", name="Clothes · VAE").click()
        expect(view.page.locator(".lx-message")).to_be_hidden()  # by the answer that opens it
        view.until("link.get('model') === 'fashion-vae'")
        view.rest()

    choose_the_other()
    view.until_z(view.drag((0, 0), (1, 1)), 1e-4)
    assert (view.shown(32) == decoded("fashion-vae", view.z)).all()

    # back to the damaged one: it says so again, and what can be shown is shown
    view.page.get_by_role("radio", name=re.compile("Digits|mnist-vae")).click()
    expect(message).to_contain_text(f"checkpoints/mnist-vae/{file} is damaged")
    choose_the_other()
    view.until_z(view.drag((0, 0), (-1, 1)), 1e-4)
    assert (view.shown(32) == decoded("fashion-vae", view.z)).all()

    if file == "card.json":
        view.page.get_by_role("tab", name="Models").click()
        expect(view.page.get_by_text(f"checkpoints/mnist-vae/{file} is damaged")).to_be_visible()
