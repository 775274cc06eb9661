"""The morph view with models that are no faces: GANs and autoencoders whose layers are known, against NumPy."""

import base64
import io

import numpy as np
import pytest
from driver import App
from PIL import Image
from playwright.sync_api import expect

import explorer
from explorer import imaging
from explorer.state import parse_strictly


@pytest.fixture(scope="session")
def morph_app(tmp_path_factory, gan_root):
    app = App(tmp_path_factory.mktemp("morph_app") / "folder", gan_root.root)
    yield app.wait()
    app.stop()


@pytest.fixture
def morph(morph_app, page_of):
    """`morph(query, **settings)`: a page of the morph view with its picture on screen."""

    def go(query, **settings):
        view = page_of(morph_app, **settings)
        view.page.goto(f"{morph_app.url}/?view=morph&{query}")
        view.page.locator(".lx-morph[data-ready=yes]").wait_for(state="attached")
        return view

    return go


def seeded(seed, d=6):
    return np.round(np.random.default_rng(seed).standard_normal(d, dtype="float32").astype("float64"), 4)


def shows(view, toy, z, selector=".lx-morph .lx-of-two .lx-picture"):
    """Wait until the picture of z is on screen, in square pixels."""
    expected = toy.picture_bytes(z)[0].astype(int)
    view.eventually(lambda: np.abs(view.shown(8, selector).astype(int) - expected).max() <= 1)


def test_a_morph_between_two_seeds_of_a_gan(morph, gan_root):
    view = morph("model=gan&corners=3;4&t=0.25")
    a, b = seeded(3), seeded(4)
    shows(view, gan_root.gan, 0.75 * a + 0.25 * b)
    frames = view.page.locator(".lx-morph .lx-strip button")
    expect(frames).to_have_count(9)
    frames.last.click()
    shows(view, gan_root.gan, b)
    view.until("link.get('t') === '1'")
    expect(view.page.locator("#morph [data-count='2']")).to_have_text("Two pictures")
    expect(view.page.get_by_role("button", name="the gallery's next face as A")).to_be_hidden()
    expect(view.page.locator(".lx-steps")).to_contain_text("root mean square")


def test_the_part_of_a_way_stays_in_the_link_and_is_what_is_drawn(morph, gan_root):
    view = morph("model=gan&corners=3;4&start=0.25&stop=0.75&frames=3")
    a, b = seeded(3), seeded(4)
    shows(view, gan_root.gan, (a + b) / 2)
    frames = view.page.locator(".lx-morph .lx-strip button")
    expect(frames).to_have_count(3)
    frames.last.click()
    shows(view, gan_root.gan, 0.25 * a + 0.75 * b)
    view.until("link.get('t') === '0.75' && link.get('start') === '0.25' && link.get('stop') === '0.75'")
    for ending in ("png", "gif", "mp4"):
        with view.page.expect_download() as download:
            view.page.locator(f"#morph [data-save='strip {ending}']:visible").click()
        data = download.value.path().read_bytes()
        state = parse_strictly(imaging.state_of(data))
        assert (state["start"], state["stop"], state["frames"]) == (0.25, 0.75, 3)
        if ending == "png":
            first = np.asarray(Image.open(io.BytesIO(data)))[8:128:16, 8:128:16]
            assert (first == gan_root.gan.picture_bytes(0.75 * a + 0.25 * b)[0]).all()
    view.page.locator("#morph [data-set=even]").check()
    view.until("link.get('even') === '1' && link.get('start') === '0.25' && link.get('stop') === '0.75'")


def test_another_model_draws_from_the_same_seeds_and_back_to_faces(morph, gan_root):
    view = morph("corners=3;4&t=0")
    expect(view.page.locator("#morph [data-count='4']")).to_have_text("Four faces")
    choice = view.page.locator("#morph [data-model]")
    assert sorted(choice.locator("option").all_inner_texts()) == ["Faces", "deep", "gan", "garments", "holes", "mnist-vae"]
    choice.select_option("deep")
    view.until("link.get('model') === 'deep' && link.get('corners') === '3;4'")
    shows(view, gan_root.deep, seeded(3, 4))
    view.do("undo")
    view.until("link.get('model') === 'celeba-vae'")


def test_a_minus_b_plus_c(morph, gan_root):
    view = morph("model=gan&corners=3;4;5")
    shows(view, gan_root.gan, seeded(3) - seeded(4) + seeded(5))
    expect(view.page.locator("#morph [data-count='3']")).to_be_checked()
    with view.page.expect_download() as download:
        view.page.locator("#morph [data-save='strip png']:visible").click()
    data = download.value.path().read_bytes()
    assert Image.open(io.BytesIO(data)).size == (4 * 128 + 3 * 4, 128)
    assert parse_strictly(imaging.state_of(data))["corners"] == (3, 4, 5)
    view.page.locator("#morph [data-count='4']").click()
    view.until("link.get('corners') === '3;4;5;3' && link.get('t') === '0,0'")
    view.page.locator("#morph [data-count='2']").click()
    view.until("link.get('corners') === '3;4' && link.get('t') === '0.5'")
    shows(view, gan_root.gan, (seeded(3) + seeded(4)) / 2)


def test_the_surface_of_four_and_a_film(morph, gan_root):
    view = morph("model=deep&corners=1;2;3;4&t=1,-1")
    shows(view, gan_root.deep, seeded(4, 4), ".lx-morph .lx-output .lx-picture")
    view.page.locator("#morph [data-count='2']").click()
    with view.page.expect_download() as download:
        view.page.locator("#morph [data-save='strip gif']").click()
    assert Image.open(io.BytesIO(download.value.path().read_bytes())).n_frames == 9


def test_how_a_film_goes_is_set_beside_its_buttons(morph, gan_root):
    view = morph("model=deep&corners=1;2&frames=3")
    view.page.locator("#morph .lx-film-settings summary").click()
    for key, value in (("fps", "24"), ("between", "3"), ("size", "64")):
        view.page.locator(f"#morph [data-film={key}]").fill(value)
    button = view.page.locator("#morph [data-save='strip mp4']")
    with view.page.expect_download() as download:
        button.click()
    data = download.value.path().read_bytes()
    told = parse_strictly(imaging.state_of(data))
    assert (told["fps"], told["between"], told["size"], told["frames"]) == (24, 3, 64, 3)
    expect(button).to_have_text("MP4")
    seen = view.page.evaluate(
        """data => new Promise((done, failed) => {
            const film = document.createElement("video");
            film.onloadedmetadata = () => done([film.duration, film.videoWidth]);
            film.onerror = () => failed(film.error.message);
            film.src = "data:video/mp4;base64," + data;
        })""",
        base64.b64encode(data).decode(),
    )
    assert seen == [pytest.approx(9 / 24, abs=0.02), 64]


def test_between_two_by_way_of_a_third(morph, gan_root):
    view = morph("model=deep&corners=1;2&via=5&t=0.5")
    shows(view, gan_root.deep, seeded(5, 4))


def test_stops_are_added_moved_and_taken_out_by_hand_and_by_key(morph, gan_root):
    view = morph("model=deep&corners=1;2&t=0.5&frames=3")
    panel = view.page.locator("#morph")
    add = panel.get_by_role("button", name="Add a stop")
    add.click()
    view.until("/^\\d+$/.test(link.get('via'))")
    first = int(view.link("via"))
    shows(view, gan_root.deep, seeded(first, 4))  # halfway is the stop
    add.press("Enter")
    view.until("link.get('via').split(';').length === 2")
    second = int(view.link("via").split(";")[1])
    expect(panel.locator(".lx-corners figcaption b")).to_have_text(["A", "1", "2", "B"])
    shows(view, gan_root.deep, (seeded(first, 4) + seeded(second, 4)) / 2)
    later = panel.get_by_role("button", name="stop 1 later")
    later.focus()
    later.press("Enter")
    view.until("link.get('via') === argument", f"{second};{first}")
    expect(panel.get_by_role("button", name="stop 1 earlier")).to_be_disabled()
    view.page.locator(".lx-morph .lx-strip button").nth(1).click()
    assert view.page.evaluate("document.activeElement !== document.body")
    panel.get_by_role("button", name="take stop 1 out").click()
    view.until("link.get('via') === argument", str(first))
    shows(view, gan_root.deep, seeded(first, 4))
    panel.get_by_role("button", name="another random picture as 1").click()
    view.until("link.get('via') !== argument", str(first))
    for expected in (str(first), f"{second};{first}", f"{first};{second}"):
        panel.locator("[data-do=undo]").click()
        view.until("link.get('via') === argument", expected)
    with view.page.expect_download() as download:
        panel.locator("[data-save='strip gif']").click()
    assert parse_strictly(imaging.state_of(download.value.path().read_bytes()))["via"] == (first, second)
    panel.locator("[data-count='4']").click()
    view.until("link.get('corners').split(';').length === 4 && !link.has('via')")
    panel.locator("[data-count='2']").click()
    view.until("link.get('via') === argument", f"{first};{second}")
    panel.locator("details:has-text('As Keras code') summary").click()
    expect(panel.locator(".lx-folds code")).to_contain_text(
        f"explorer.Path.through(np.stack([\n    z_a,\n    model.prior(1, seed={first})[0]"
    )


def test_a_way_begins_at_a_picture_of_ones_own(app, page_of, decoded):
    view = page_of(app)
    view.page.goto(f"{app.url}/?view=morph&model=mnist-vae&corners=1;0.5,-1&t=0")
    view.page.locator(".lx-morph[data-ready=yes]").wait_for(state="attached")
    file = io.BytesIO()
    Image.fromarray(np.pad(np.full((60, 8), 255, "uint8"), ((20, 20), (46, 46)))).save(file, "PNG")
    view.page.get_by_role("button", name="a picture of yours as A").locator("input").set_input_files(
        {"name": "one.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    expect(view.page.locator(".lx-morph .lx-corners figcaption").first).to_contain_text("by its code")
    view.until("!link.has('corners') && link.get('t') === '0'")
    picture, judge = ".lx-morph .lx-of-two .lx-picture", explorer.judge("digits")
    view.eventually(lambda: judge(view.shown(28, picture).reshape(1, 28, 28, 1) / 255).argmax() == 1)  # the bar is a one
    view.page.locator(".lx-morph .lx-strip button").last.click()
    view.eventually(lambda: np.abs(view.shown(28, picture).astype(int) - decoded("mnist-vae", [0.5, -1])).max() <= 1)
    view.page.locator("#morph [data-do=link]").click()
    view.until("link.get('corners')?.split(';')[0].split(',').length === 2")


def test_a_conditional_gan_morphs_within_the_garment_asked_for(morph, gan_root):
    view = morph("model=garments&corners=1;2&t=0")
    view.page.locator("#morph").get_by_label("which garment").select_option("2")
    view.until("link.get('label') === '2'")
    toy = gan_root.garments
    picture = 255 / (1 + np.exp(-(seeded(1) @ toy.kernel + toy.garments[2] + toy.bias))).reshape(8, 8)
    selector = ".lx-morph .lx-of-two .lx-picture"
    view.eventually(lambda: np.abs(view.shown(8, selector) - picture).max() < 1.5)


@pytest.mark.parametrize("query", ["model=gan", "model=garments&corners=1;2;3", "model=deep&corners=1;2;3;4"])
def test_on_a_phone_nothing_is_wider_than_the_screen(morph, query):
    view = morph(query, viewport={"width": 390, "height": 844})
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
