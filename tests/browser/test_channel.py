"""Drags through the live channel, by HTTP where there is none, and on from one to the other."""

import json
import re

import pytest
from playwright.sync_api import expect

NO_SOCKETS = "window.WebSocket = new Proxy(WebSocket, { construct() { throw new Error('none here'); } });"


def test_a_drag_goes_through_the_socket_and_sends_no_request(view, decoded):
    view.open("model=mnist-vae")
    view.drag((0, 0), (1, 1))
    view.quiet()
    assert {socket.url for socket in view.sockets} == {view.url.replace("http", "ws") + "/live"}
    before, since = len(view.asked), len(view.frames)
    view.until_z(view.drag((-1.5, -1), (0.2, 0.3), (0.9, -0.4)), 1e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert view.asked[before:] == [], "nothing by HTTP"
    frames = view.frames[since:]
    assert len(frames) > 8
    assert [way for way, _ in frames] == ["sent", "received"] * (len(frames) // 2), "one request at a time"
    name, request = view.asked_live()[-1]
    assert (name, [float(c) for c in request.split("&z=")[1].split(",")]) == ("decode_point", view.z)
    assert not view.page.locator(".lx-message").is_visible()


def test_sliders_and_keys_go_through_the_socket_too(view):
    view.open("model=mnist-vae&z=0.5,0.5")
    view.quiet()
    before = len(view.calls("decode_point"))
    view.page.get_by_label("z0", exact=True).fill("-1.25")
    view.until_z([-1.25, 0.5])
    view.plane.press("ArrowUp")
    view.until_z([-1.25, 0.56], 1e-6)
    assert len(view.calls("decode_point")) == before
    assert view.asked_live()[-1] == ["decode_point", "model=mnist-vae&z=-1.25,0.56"]


def test_what_is_refused_through_the_socket_is_said(view):
    view.open("model=mnist-vae")
    view.page.route_web_socket(re.compile("/live$"), lambda route: route.on_message(
        lambda _: route.send(json.dumps({"error": "Not today."}))))  # fmt: skip
    view.page.reload()
    view.page.locator(".lx[data-ready]").wait_for()  # by the sheet, or by HTTP where the socket was not open yet
    view.drag((0, 0), (1, 1))
    expect(view.page.locator(".lx-message span")).to_have_text("Not today.")


def test_before_the_model_is_there_the_plane_is_still(view):
    waiting = []
    view.page.route("**/component_server/", lambda route: waiting.append(route) if "open_view" in route.request.post_data else
                    route.continue_())  # fmt: skip
    view.page.goto(f"{view.url}/?model=mnist-vae")
    view.eventually(lambda: waiting)
    view.drag((0.2, 0.2), (0.5, 0.5))
    view.plane.press("ArrowLeft")
    view.plane.press("+")
    view.page.mouse.wheel(0, 100)
    assert view.query() == "model=mnist-vae"
    waiting[0].continue_()
    view.page.locator(".lx[data-ready=yes]").wait_for()
    view.until_z(view.drag((0.2, 0.2), (0.5, 0.5)), 1e-4)


@pytest.mark.parametrize("how", ["the browser has none", "it is closed at once"])
def test_without_a_socket_a_drag_goes_by_http(view, decoded, how):
    if how == "the browser has none":
        view.page.add_init_script(NO_SOCKETS)
    else:
        view.page.route_web_socket(re.compile("/live$"), lambda route: route.close())
    view.open("model=mnist-vae")
    for end in ((0.9, -0.4), (-1, 1)):
        before = len(view.calls("decode_point"))
        view.until_z(view.drag((-1.5, -1), end), 1e-4)
        assert (view.shown() == decoded("mnist-vae", view.z)).all()
        assert len(view.calls("decode_point")) > before
    assert view.frames == []
    assert not view.page.locator(".lx-message").is_visible()


def test_a_socket_that_closes_in_a_drag_is_not_missed_and_another_is_opened(view, decoded):
    opened, asked = [], []

    def between(route):
        server = route.connect_to_server()
        opened.append(route)

        def pass_on(message):
            asked.append((route, json.loads(message)))
            if len(asked) == 5:
                route.close()  # and this one is never answered
            else:
                server.send(message)

        route.on_message(pass_on)

    view.page.route_web_socket(re.compile("/live$"), between)
    view.open("model=mnist-vae")
    view.page.mouse.move(*view.at(-1.5, -1.5))
    view.page.mouse.down()
    for step in range(14):
        place = view.at(-1.5 + 0.2 * step, -1.5 + 0.1 * step)
        view.page.mouse.move(*place)
        view.until_z(view.under(*place), 1e-4)
        assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert {route for route, _ in asked[:5]} == {opened[0]}
    lost = asked[4][1][1]
    assert lost in view.calls("decode_point"), "what was in flight is asked again by HTTP"
    assert not view.page.locator(".lx-message").is_visible()

    def again():
        view.page.mouse.move(*view.at(0.5 - len(opened) % 2, 1))
        view.page.mouse.move(*view.at(0.3, 0.9))
        return len(asked) > 7

    view.eventually(again)
    assert {route for route, _ in asked[5:]} == {opened[1]}
    place = view.at(1, 1)
    view.page.mouse.move(*place)
    view.until_z(view.under(*place), 1e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    view.page.mouse.up()


def test_the_speed_is_told_slowly_enough_to_be_read(view):
    view.open("model=mnist-vae")
    view.page.evaluate("""() => {
        window.told = [];
        new MutationObserver(() => told.push(performance.now())).observe(document.querySelector(".lx-speed"), { childList: true });
    }""")
    view.until_z(view.drag((-1.5, -1), *[(1.5 * (k % 3 - 1), k / 8 - 1) for k in range(16)]), 1e-4)
    told = view.page.evaluate("told")
    assert told, "it is told"
    assert min([later - before for before, later in zip(told, told[1:], strict=False)], default=200) > 100
    expect(view.page.locator(".lx-speed")).to_have_text(re.compile(r"^\d+ ms$"))


def test_the_shipped_sheet_is_named_only_while_it_is_shown(view):
    """However soon after the last picture another model's arrives: here no time passes at all."""
    held, holding = [], [True]
    view.page.add_init_script(NO_SOCKETS)
    view.page.add_init_script("const clock = performance.now.bind(performance); performance.now = () => window.stopped ?? clock();")
    view.open("model=fashion-vae")

    def hold(route):
        asked = route.request.post_data_json
        held.append(route) if holding[0] and asked["fn_name"] == "decode_point" else route.continue_()

    view.until_z(view.drag((0, 0), (1, 1)), 1e-4)
    view.page.evaluate("window.stopped = performance.now()")
    view.until_z(view.drag((0, 0), (-1, 1)), 1e-4)
    view.page.route("**/component_server/", hold)
    view.page.get_by_role("radio", name="Digits · VAE").click()
    view.page.locator(".lx[data-ready=sheet]").wait_for(state="attached")
    expect(view.page.locator(".lx-speed")).to_contain_text("sheet")
    view.eventually(lambda: held)
    holding[0] = False
    for route in held:
        route.continue_()
    view.page.locator(".lx[data-ready=yes]").wait_for(state="attached")
    expect(view.page.locator(".lx-speed")).to_have_text(re.compile("decoded in .* ms"))


def test_all_views_share_one_socket(view):
    view.open("model=mnist-vae")
    view.eventually(lambda: view.plane.press("ArrowRight") or view.frames)  # the first pictures come by HTTP until it is open
    for tab, name in (("Faces", "faces"), ("Morph", "morph"), ("Latent plane", "latent-plane")):
        view.page.get_by_role("tab", name=tab).click()
        view.page.locator(f"#{name} .lx[data-ready=yes]").wait_for()
    assert len([socket for socket in view.sockets if not socket.is_closed()]) == 1
    asked = {name for name, _ in view.asked_live()}
    assert {"decode_point", "decode_face", "decode_morph"} <= asked
