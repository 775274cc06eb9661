"""The address bar is the picture: in a second browser, in `render`, in the files that are saved; and bad links."""

import io

import av
import numpy as np
import pytest
from driver import says
from PIL import Image
from playwright.sync_api import expect

from explorer import __main__ as command_line
from explorer import checkpoints, imaging, state, views
from explorer.state import LIMIT

WALK = "model=mnist-vae&z=-0.5,0.5&from=-1,-1&to=1,1.5"


def native(file_bytes, side=28):
    """The picture in a PNG, from the middles of its enlarged pixels."""
    large = np.asarray(Image.open(io.BytesIO(file_bytes)))
    middles = ((np.arange(side) + 0.5) * large.shape[0] / side).astype(int)
    return large[np.ix_(middles, middles)]


@pytest.mark.parametrize(("model", "side"), [("mnist-vae", 28), ("fashion-vae", 32), ("fashion-ae", 32), ("fashion-vae-10d", 28)])
def test_a_link_shows_the_same_pixels_in_a_second_browser_and_in_render(app, view, page_of, decoded, tmp_path, model, side):
    view.open(f"model={model}")
    card = checkpoints.card(model)["view"]
    places = [
        view.at(card["center"][0] + part * card["extent"], card["center"][1], card["center"], card["extent"])
        for part in (-0.3, 0.21)
    ]
    view.page.mouse.move(*places[0])
    view.page.mouse.down()
    view.page.mouse.move(*places[1], steps=4)
    view.page.mouse.up()
    expected = list(card["z"])
    i, j = card["axes"]
    expected[i], expected[j] = view.under(*places[1], card["center"], card["extent"])
    view.until_z(expected, 1e-4)
    query, picture = view.query(), view.shown(side)
    assert (picture == decoded(model, view.z)).all()

    other = page_of(app, locale="de-DE", viewport={"width": 1100, "height": 700})
    assert other.open(query) == query
    assert (other.shown(side) == picture).all()

    file = tmp_path / "picture.png"
    assert command_line.main(["render", query, "--out", str(file)]) == 0
    assert (native(file.read_bytes(), side) == picture).all()


def test_render_as_a_process_of_its_own_writes_the_picture_on_screen(view, fresh_python, tmp_path):
    query = view.open("model=mnist-vae&z=0.1234,-1.5678")
    file = tmp_path / "picture.png"
    ran = fresh_python(
        "import runpy, sys; sys.argv[0] = 'explorer'; runpy.run_module('explorer', run_name='__main__')",
        "render",
        query,
        "--out",
        file,
    )
    assert ran.returncode == 0, ran.stderr
    assert (native(file.read_bytes()) == view.shown()).all()


def test_the_whole_view_is_in_the_link(app, view, page_of):
    walk = "from=-1,0&to=1,0.5&kind=slerp&even=1&closed=1&frames=5"
    query = view.open(f"model=fashion-vae&z=0.5,0.25&center=0.5,0&extent=1.5&veil=data&hidden=0,3&{walk}&beside=fashion-ae")
    expect(view.page.locator(".lx-strip button")).to_have_count(5)
    other = page_of(app, color_scheme="dark")
    assert other.open(query) == query
    expect(other.page.locator(".lx-strip button")).to_have_count(5)
    expect(other.page.get_by_label("veil")).to_have_value("data")
    expect(other.page.locator("#latent-plane [data-set=kind]")).to_have_value("slerp")
    for label in ("even steps in the picture", "there and back", "beside the plain autoencoder"):
        expect(other.page.get_by_label(label)).to_be_checked()
    expect(other.page.locator(".lx-legend [aria-pressed=false]")).to_have_count(2)
    expect(other.page.locator(".lx-second [role=application]")).to_be_visible()


def test_copy_link_copies_the_address(app, page_of):
    view = page_of(app, permissions=["clipboard-read", "clipboard-write"])
    query = view.open("model=mnist-vae&z=0.75,0.5")
    says(view.page.locator("#latent-plane [data-do=link]"), "Copied")
    assert view.page.evaluate("navigator.clipboard.readText()") == f"{view.url}/?{query}"


def test_saved_pictures_carry_the_state_that_renders_them_again(view, decoded):
    query = view.open(f"{WALK}&veil=data&hidden=2&frames=5&n=12")
    expect(view.page.locator(".lx-strip button")).to_have_count(5)
    on_screen = state.parse_strictly(query)
    for what, ending in (
        ("picture", "png"),
        ("plane", "png"),
        ("grid", "png"),
        ("strip", "png"),
        ("strip", "gif"),
        ("strip", "mp4"),
    ):
        data = view.save(f"{what} {ending}")
        inside = state.parse_strictly(imaging.state_of(data))
        assert inside["what"] == what
        expected_n = 30 if what == "grid" else 12
        assert {**on_screen, "what": what, "n": expected_n} == {"n": expected_n, **inside}
        again = views.render(inside, ending)
        if ending == "mp4":
            assert (frames(data) == frames(again)).all()
        else:
            assert data == again, f"{what} {ending}"
        if what == "picture":
            assert (native(data) == decoded("mnist-vae", [-0.5, 0.5])).all()
        if what == "grid":
            assert min(Image.open(io.BytesIO(data)).size) >= 30 * 28 * 2, "a poster"
        if ending == "gif":
            film = Image.open(io.BytesIO(data))
            assert film.n_frames == 5
            assert np.abs(native_frame(film).astype(int) - decoded("mnist-vae", [-1, -1])).max() <= 1
        if ending == "mp4":
            assert len(frames(data)) == 5
            middle = decoded("mnist-vae", [0, 0.25]).repeat(10, 0).repeat(10, 1).astype(int)
            assert np.abs(frames(data)[2].mean(-1) - middle).mean() < 6


def native_frame(film):
    film.seek(0)
    large = np.asarray(film.convert("L"))
    return large[5::10, 5::10]


def frames(data):
    with av.open(io.BytesIO(data)) as film:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]).astype(int)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("model=mnist-vae&z=nan,0", [f"z must be numbers from -{LIMIT:g} to {LIMIT:g}", "'nan,0'"]),
        ("model=mnist-vae&z=1e9,0", [f"z must be numbers from -{LIMIT:g} to {LIMIT:g}", "'1e9,0'"]),
        ("model=mnist-vae&z=1", ["z must be 2 numbers for mnist-vae, got 1"]),
        ("model=no-such-model", ["There is no model 'no-such-model' here"]),
        ("model=<img src=x onerror=alert(1)>", ["There is no model '<img"]),
        ("model=fashion-ae&scale=p", ["scale p needs a prior", "fashion-ae"]),
        ("extent=-1&center=nan,0&frames=1000&axes=0,0", ["extent must be", "center must be", "frames must be", "axes must be"]),
    ],
)
def test_a_bad_link_says_what_is_wrong_and_shows_the_default(view, decoded, query, words):
    view.open(query)
    message = view.message()
    assert all(word in message for word in words), message
    model = "fashion-ae" if "fashion-ae" in query else "mnist-vae"
    card, side = checkpoints.card(model)["view"], 32 if model == "fashion-ae" else 28
    assert (view.link("model"), view.z, view.link("scale"), view.link("extent")) == (model, card["z"], None, None)
    assert (view.shown(side) == decoded(model, card["z"])).all()
    assert view.page.locator(".lx-message img").count() == 0
    place = view.at(*card["center"], card["center"], card["extent"])
    view.page.mouse.click(*place)
    view.until_z(view.under(*place, card["center"], card["extent"]), 1e-3)
    assert (view.shown(side) == decoded(model, view.z)).all()
    view.do("hush")
    expect(view.page.locator(".lx-message")).to_be_hidden()


def test_a_link_far_outside_still_shows_its_point(view, decoded):
    view.open("model=mnist-vae&z=100,-100")
    assert view.message() == ""
    assert (view.shown() == decoded("mnist-vae", [100, -100])).all()


def test_coming_back_from_another_view_the_address_is_the_plane_s(view):
    query = view.open("model=mnist-vae&z=0.5,0.5")
    view.page.get_by_role("tab", name="Models").click()
    view.until("link.get('view') === 'models'")
    view.page.get_by_role("tab", name="Latent plane").click()
    view.until("location.search.slice(1) === argument", query)
