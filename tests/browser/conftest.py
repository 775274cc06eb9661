"""The app and the browser, started once, and pages that are watched while a test uses them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from common import lacking
from driver import PATIENCE, REPOSITORY, App, View, chromium, chromium_path
from playwright.sync_api import expect

import explorer
from explorer.publishing.runtime import RuntimeFetchError, fetch_package
from explorer.serving import runtime as runtimes

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.is_relative_to(os.path.dirname(__file__)):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    if not chromium_path():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no chromium on the path, and CHROMIUM names none")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def app(tmp_path_factory):
    app = App(tmp_path_factory.mktemp("app") / "folder")
    yield app.wait()
    app.stop()


@pytest.fixture(scope="session")
def runtime():
    """The folder of the browser's ONNX Runtime, which is fetched if it is not here yet."""
    if not runtimes.folder():
        done = subprocess.run([sys.executable, "-m", "explorer", "runtime"], cwd=REPOSITORY, text=True, capture_output=True)
        if not runtimes.folder():
            lacking(f"the browser's runtime could not be fetched: {done.stderr.strip()}")
    return runtimes.folder()


@pytest.fixture(scope="session")
def axe():
    """Deque's axe-core as a script, which is fetched if it is not here yet."""
    lock = json.loads(Path(__file__).with_name("axe.json").read_text("utf-8"))
    folder = runtimes.cached().parent / f"{lock['name']}-{lock['version']}"
    try:
        script = next(iter(folder.glob("axe.min.js")), None) or fetch_package(lock, folder) / "axe.min.js"
    except RuntimeFetchError as error:
        lacking(str(error))
    return script.read_text("utf-8")


@pytest.fixture(scope="session")
def usual(browser):
    """The context of most pages: 1280 x 900, light."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page_of(browser, usual):
    """`page_of(app, **settings)`: a `View` in a page of its own, in a fresh context if it has settings.

    Afterwards no page may have had an uncaught error, an error in the console, or a request to another host.
    """
    views, contexts = [], []

    def make(app, **settings):
        context = usual
        if settings:
            context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | settings)
            contexts.append(context)
        views.append(View(context.new_page(), app.url))
        return views[-1]

    yield make
    problems = [problem for view in views for problem in view.problems]
    for view in views:
        view.page.close()
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture
def view(app, page_of):
    """The latent plane view, not yet opened."""
    return page_of(app)


@pytest.fixture(scope="session")
def decoded():
    """`decoded(model, z)`: the picture by this process's own decoder, uint8 (h, w)."""

    def decode(model, z):
        picture = explorer.load(model).decode(np.array([z], "float32"))[0]
        return np.rint(picture[..., 0] * 255).astype("uint8")

    return decode
