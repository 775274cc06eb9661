"""The plane by keyboard alone, by touch alone, for a screen reader, without motion; the layout on a desk and on a phone."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from driver import count
from PIL import Image
from playwright.sync_api import expect

import explorer
from explorer import checkpoints
from explorer.views.latent_plane import pictures as plane_pictures

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}


LOOKS = Path(__file__).with_name("looks.js").read_text("utf-8")


def looks(view, name, argument=None):
    """Call a function of looks.js in the page."""
    return view.page.evaluate(f"argument => {LOOKS.strip()}.{name}(argument)", argument)


# ---- keyboard


def test_the_plane_by_keyboard_alone(view, decoded):
    view.open("model=mnist-vae&z=0.5,0.5")
    press = view.page.keyboard.press
    for _ in range(60):
        press("Tab")
        if view.plane.evaluate("plane => plane === document.activeElement"):
            break
    expect(view.plane).to_be_focused()

    z = np.array([0.5, 0.5])
    for key, step in (
        ("ArrowRight", (0.06, 0)),
        ("ArrowUp", (0, 0.06)),
        ("Shift+ArrowLeft", (-0.3, 0)),
        ("Shift+ArrowDown", (0, -0.3)),
    ):
        press(key)
        z = z + step
        view.until_z(z.tolist(), 1e-4)
        assert (view.shown() == decoded("mnist-vae", view.z)).all(), key

    press("+")
    view.until("Math.abs(link.get('extent') - 2.4) < 1e-4")
    press("-")
    press("-")
    view.until("Math.abs(link.get('extent') - 3.75) < 1e-4")
    press("0")
    view.until("!link.has('extent')")

    press("a")
    for _ in range(4):
        press("Shift+ArrowRight")
    press("b")
    expect(view.page.locator(".lx-strip button")).to_have_count(9)
    view.until_z((z + (1.2, 0)).tolist(), 1e-4)
    view.until("link.has('from') && link.has('to')")
    assert [float(v) for v in view.link("from").split(",")] == pytest.approx(z, abs=1e-4)
    assert [float(v) for v in view.link("to").split(",")] == pytest.approx(z + (1.2, 0), abs=1e-4)

    press("k")
    expect(view.page.get_by_role("region", name="Points you kept")).to_be_visible()

    before = view.query()
    press("r")
    view.eventually(lambda: len(view.calls("draw_prior")) == 1)
    random = explorer.load("mnist-vae").prior(1, seed=view.calls("draw_prior")[0]["seed"])[0]
    view.until_z(np.round(random, 4).tolist(), 1e-6)
    press("Control+z")
    view.until("location.search.slice(1) === argument", before)
    view.rest()
    assert (view.shown() == decoded("mnist-vae", view.z)).all()


def test_arrows_past_the_edge_take_the_map_along(view):
    view.open("model=mnist-vae&z=2.9,0")
    view.plane.focus()
    view.page.keyboard.press("Shift+ArrowRight")
    view.until_z([3.2, 0], 1e-4)
    view.until("link.get('center') === '0.3,0'")


def test_letters_typed_into_a_field_do_nothing_else(view):
    query = view.open("model=mnist-vae&z=0.5,0.5")
    view.page.get_by_role("textbox", name="frames").press("b")
    view.page.get_by_label("veil").press("a")
    view.page.get_by_label("z0 as a number").press("r")
    assert view.query() == query
    assert view.calls("draw_prior") == []


# ---- touch


def test_the_plane_by_touch_alone(app, page_of, decoded):
    view = page_of(app, **PHONE)
    view.open("model=mnist-vae")
    fingers = view.page.context.new_cdp_session(view.page)

    def touch(kind, *places):
        points = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]
        fingers.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    def along(start, stop, steps=6):
        return [tuple(a + (b - a) * k / steps for a, b in zip(start, stop, strict=True)) for k in range(1, steps + 1)]

    start, stop = view.at(-1.5, 1.5), view.at(1, -1)
    scrolled = view.page.evaluate("scrollY")
    touch("Start", start)
    for place in along(start, stop):
        touch("Move", place)
    view.until_z(view.under(*stop), 1e-3)  # under the finger, while it is down
    touch("End")
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    inset = view.canvas(".lx-inset")
    assert (view.shown(selector=".lx-inset") == view.shown()).all(), "the same picture in the corner"
    assert len(inset) >= 90
    assert view.page.evaluate("scrollY") == scrolled, "the page stays where it is"

    left, right = view.at(-0.5, 0), view.at(0.5, 0)
    wide = (left[0] - (right[0] - left[0]) / 2, left[1]), (right[0] + (right[0] - left[0]) / 2, right[1])
    touch("Start", left)
    touch("Start", left, right)
    for a, b in zip(along(left, wide[0]), along(right, wide[1]), strict=True):
        touch("Move", a, b)
    touch("End")
    view.until("Math.abs(link.get('extent') - 1.5) < 0.05")
    assert [float(c) for c in view.link("center").split(",")] == pytest.approx([0, 0], abs=0.05)
    assert view.page.evaluate("visualViewport.scale") == 1, "the plane zooms, not the page"

    view.plane.tap(position={"x": 20, "y": 20})
    box = view.plane.bounding_box()
    center, extent = [float(c) for c in view.link("center").split(",")], float(view.link("extent"))
    view.until_z(view.under(box["x"] + 20, box["y"] + 20, center, extent), 1e-2)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()


def test_drawing_with_a_finger(app, page_of):
    view = page_of(app, **PHONE)
    view.open("model=mnist-vae")
    pad = view.page.locator(".lx-pad canvas")
    pad.scroll_into_view_if_needed()
    box, scrolled = pad.bounding_box(), view.page.evaluate("scrollY")
    fingers = view.page.context.new_cdp_session(view.page)
    for step in range(9):
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * (0.15 + 0.08 * step)}
        fingers.send("Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": [place]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(view.page.locator(".lx-encoded")).to_be_visible()
    drawn = view.canvas(".lx-pad canvas")[..., 0]
    rows, columns = np.flatnonzero(drawn.max(1) > 128), np.flatnonzero(drawn.max(0) > 128)
    assert np.ptp(rows) > 4 * np.ptp(columns), "a stroke from top to bottom"
    assert view.page.evaluate("scrollY") == scrolled


# ---- screen reader


def test_the_plane_says_where_the_point_is_and_what_is_near(view):
    view.open("model=mnist-vae&z=-0.5,0.75")
    card, codes = checkpoints.card("mnist-vae"), checkpoints.encodings("mnist-vae")

    def near(z):
        labels = codes.labels[np.argsort(np.square(codes.z_mean - z).sum(1))[:20]]
        return [(card["classes"][label], int(n)) for label, n in zip(*np.unique(labels, return_counts=True), strict=True)]

    live = view.page.locator(".lx-near")
    for z, spoken in (([-0.5, 0.75], "z0 −0.50, z1 0.75"), ([-0.5, 0.69], "z0 −0.50, z1 0.69")):
        expect(view.plane).to_have_accessible_name(re.compile(f"point at {spoken},"))  # what is said of it is of this point then
        for name, n in near(z):
            if n > 4:
                expect(live).to_contain_text(f"{name} ({n} of 20)")
        nearest, keys = live.inner_text().removeprefix("Nearest encodings: "), "Arrow keys move the point, plus and minus zoom."
        spoken_name = f"{card['title']}. The plane; point at {spoken}, nearest encodings {nearest}. {keys}"
        expect(view.plane).to_have_accessible_name(spoken_name)
        expect(view.page.locator(".lx-picture")).to_have_accessible_name(f"The decoded picture at {spoken}")
        view.plane.press("ArrowDown")
    assert live.get_attribute("aria-live") == "polite"
    expect(view.page.locator(".lx-message")).to_have_attribute("role", "alert")


NAMED = {"button", "slider", "spinbutton", "combobox", "checkbox", "radio", "textbox", "application", "tab", "link", "region",
         "img", "listbox", "switch", "DisclosureTriangle"}  # fmt: skip


def nodes(view):
    """What a screen reader is given: (role, name) of each node."""
    tree = view.page.context.new_cdp_session(view.page).send("Accessibility.getFullAXTree")["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]


@pytest.mark.parametrize(
    "query",
    [
        "model=mnist-vae&from=-1,-1&to=1,1",
        "model=fashion-vae&beside=fashion-ae",
        "model=fashion-vae-10d",
        "view=models&model=mnist-vae",
    ],
)
def test_every_control_has_a_name(view, query):
    if query.startswith("view=models"):
        view.page.goto(f"{view.url}/?{query}")
        expect(view.page.locator("#models-card h2")).to_be_visible()
    else:
        view.open(query)
        view.do("keep")
    if "to=" in query:
        expect(view.page.locator(".lx-strip button")).to_have_count(9)
    if "beside" in query:
        expect(view.page.locator(".lx-second [role=application]")).to_be_visible()
    if "10d" in query:
        view.page.get_by_text("the other 8 dimensions").click()
    found = nodes(view)
    assert len([role for role, _ in found if role in NAMED]) >= (3 if "view=models" in query else 30)
    assert [role for role, name in found if role in NAMED and not name.strip()] == []


# ---- motion


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_points_fly_to_their_new_places_unless_motion_is_unwanted(app, page_of, motion):
    view = page_of(app, reduced_motion=motion)
    view.open("model=mnist-vae-kl-4")
    view.eventually(lambda: count(view.base(), plane_pictures.PALETTE[0]) > 0)
    looks(view, "watchPoints", list(plane_pictures.PALETTE))
    view.page.get_by_role("slider", name="KL weight in the loss").fill("0")
    view.until("link.get('model') === 'mnist-vae-kl-0'")
    view.rest()
    view.until("pictures >= argument", 2 if motion == "reduce" else 3)  # a slow machine draws few of those between
    view.page.wait_for_load_state("networkidle")
    assert (view.page.evaluate("pictures") == 2) == (motion == "reduce"), "before and after, nothing between"


# ---- layout


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_overlaps_and_the_plane_is_the_largest(app, page_of, width, scheme):
    view = page_of(app, color_scheme=scheme, **PHONE if width == 390 else {})
    for query, frames in (("model=mnist-vae&from=-1,-1&to=1,1&frames=24", 24), ("model=fashion-vae-10d", 0)):
        view.open(query)
        view.do("keep")
        expect(view.page.locator(".lx-strip button")).to_have_count(frames)
        view.page.locator(".lx-input [type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": stroke()})
        expect(view.page.locator(".lx-encoded")).to_be_visible()
        assert looks(view, "largest") == "plane"
        for summary in view.page.locator(".lx summary:visible").all():
            summary.click()
        assert view.page.evaluate("document.documentElement.scrollWidth") <= width
        assert looks(view, "overlaps") == []
        plane, picture, pad = (
            view.page.locator(where).bounding_box() for where in (".lx-first .lx-plane", ".lx-picture", ".lx-pad")
        )
        if width == 390:
            assert plane["y"] + plane["height"] <= picture["y"] < picture["y"] + picture["height"] <= pad["y"]
        else:
            assert pad["x"] + pad["width"] <= plane["x"] < plane["x"] + plane["width"] <= picture["x"]
        assert (looks(view, "brightness") < 80) == (scheme == "dark")


def stroke():
    """A picture of a one."""
    picture, file = Image.new("L", (100, 100)), io.BytesIO()
    picture.paste(255, (45, 15, 55, 85))
    picture.save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_models_view_fits_the_width(app, page_of, width):
    view = page_of(app, viewport={"width": width, "height": 844})
    view.page.goto(f"{view.url}/?view=models&model=fashion-vae-10d")
    expect(view.page.locator("#models-curves .js-plotly-plot")).to_be_visible()
    assert view.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_its_ground(app, page_of, scheme):
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1."""
    view = page_of(app, color_scheme=scheme)
    view.open("model=mnist-vae&from=-1,-1&to=1,1")
    assert looks(view, "faint") == []
