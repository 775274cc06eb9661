"""The app in a frame of another site, where storage is blocked: what a Space is to visitors who block third-party storage."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from driver import PATIENCE
from playwright.sync_api import expect

from explorer import views

BLOCKED = """for (const name of ["sessionStorage", "localStorage"])
    Object.defineProperty(window, name, { get() { throw new DOMException("Access is denied for this document.", "SecurityError"); } });
"""


@pytest.fixture
def course():
    """`course(html)`: the address of a page on another host than 127.0.0.1, and so of another site."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages[""].encode())

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def put(html):
            pages[""] = html
            return f"http://localhost:{server.server_port}/"

        yield put
        server.shutdown()


@pytest.fixture
def frame(app, browser, course):
    """`frame(view)`: the view in a frame of a course's page; afterwards nothing may have gone wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(BLOCKED)
    page, problems = context.new_page(), []
    page.set_default_timeout(PATIENCE)
    page.on("pageerror", lambda error: problems.append(str(error)))

    def open_view(name):
        page.goto(course(f'<h1>A course</h1><iframe src="{app.url}/?view={name}" style="width: 100%; height: 800px"></iframe>'))
        return page.frame_locator("iframe")

    yield open_view
    context.close()
    assert not problems


@pytest.mark.parametrize("name", views.NAMES)
def test_every_view_works_in_a_frame_of_another_site_without_storage(frame, name):
    inside = frame(name)
    if name == "models":
        expect(inside.locator("#models-card h2")).to_be_visible()
        return
    inside.locator(f"#{name} .lx[data-ready=yes]").wait_for(state="attached")
    expect(inside.locator(f"#{name} .lx-message")).to_be_hidden()
    if name == "latent-plane":
        inside.get_by_role("button", name="Keep", exact=True).click()
        expect(inside.locator(".lx-kept .lx-chip")).to_have_count(1)
