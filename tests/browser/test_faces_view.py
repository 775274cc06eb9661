"""The faces and morph views, on a face model whose decoder is known."""

import base64
import io
import re

import numpy as np
import pytest
from driver import App
from PIL import Image
from playwright.sync_api import expect

from explorer import imaging
from explorer.state import parse_strictly

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def face_app(face_root, tmp_path_factory):
    app = App(tmp_path_factory.mktemp("faces") / "folder", face_root.root)
    yield app.wait()
    app.stop()


@pytest.fixture
def faces(face_app, page_of):
    """`faces(query, **settings)`: a page of the faces or morph view with its picture on screen."""

    def go(query, **settings):
        view = page_of(face_app, **settings)
        view.page.goto(f"{face_app.url}/?{query}")
        name = "faces" if query.startswith("view=faces") else "morph"
        view.page.locator(f".lx-{name}[data-ready=yes]").wait_for(state="attached")
        return view

    return go


def expected(world, z):
    logits = np.asarray(z, "float64") @ world.kernel + world.bias
    return 255 / (1 + np.exp(-logits.reshape(64, 64, 3)))


def on_screen(view, selector=".lx-faces .lx-picture"):
    """What a smoothly enlarged canvas shows, brought back to 64 x 64."""
    canvas = Image.fromarray(view.canvas(selector)[..., :3])
    return np.asarray(canvas.resize((64, 64), Image.Resampling.BOX), "float64")


def shows(view, world, z, selector=".lx-faces .lx-picture"):
    """Wait until the picture of z is there. The enlargement blurs the edges of its blocks: compare their middles."""
    target = expected(world, z)[3::8, 3::8]
    view.eventually(lambda: np.abs(on_screen(view, selector)[3::8, 3::8] - target).max() < 12)


def saved(view, button):
    """The bytes of the file that a button saves."""
    with view.page.expect_download() as download:
        view.page.locator(button).click()
    return download.value.path().read_bytes()


def slide(view, name, value):
    view.page.locator(f".lx-faces [data-attribute={name}] input.lx-number").fill(str(value))


def test_a_link_shows_its_face_with_its_attributes(faces, face_root):
    view = faces("view=faces&face=4&attributes=Smiling:1.5")
    shows(view, face_root, face_root.gallery[4] + 1.5 * face_root.directions[0])
    expect(view.page.locator("[data-attribute=Smiling] input.lx-number")).to_have_value("1.5")
    expect(view.page.locator(".lx-whence").first).to_have_text("gallery, 4")
    shows(view, face_root, face_root.gallery[4], ".lx-faces .lx-before")


def test_a_slider_changes_face_and_link_and_undo_goes_back(faces, face_root):
    view = faces("view=faces&face=2")
    slide(view, "Male", -2)
    shows(view, face_root, face_root.gallery[2] - 2 * face_root.directions[2])
    view.until("link.get('attributes') === 'Male:-2'")
    view.page.locator(".lx-faces [data-attribute=Male] input.lx-number").blur()
    view.page.locator("#faces [data-do=undo]").click()
    shows(view, face_root, face_root.gallery[2])
    view.until("!link.has('attributes')")
    slide(view, "Young", 1)
    view.page.locator("#faces [data-do=reset]").click()
    view.until("!link.has('attributes')")


def test_the_range_slider_by_keyboard(faces):
    view = faces("view=faces&face=2")
    slider = view.page.locator(".lx-faces [data-attribute=Smiling] input[type=range]")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    view.until("link.get('attributes') === 'Smiling:0.2'")


def test_holding_is_in_the_link_and_shows_other_receipts(faces):
    view = faces("view=faces&face=1&attributes=Smiling:1")
    receipt = view.page.locator("[data-attribute=Smiling] .lx-receipt")
    free = receipt.text_content()
    assert "per unit" in free
    assert "drags" in free
    view.page.locator("#faces [data-hold]").check()
    view.until("(link.get('hold') || '').split(',').length === 6 && link.get('how') === 'learned'")
    expect(receipt).not_to_have_text(free)
    learned = receipt.text_content()
    view.page.locator("#faces [data-how]").select_option("whitened")
    view.until("!link.has('how')")
    expect(receipt).not_to_have_text(learned)
    view.page.locator("#faces [data-how]").select_option("plain")
    view.until("link.get('how') === 'plain'")


def test_the_receipts_are_those_of_the_checkpoint(faces, face_registry):
    from explorer import checkpoints

    table = checkpoints.receipts("celeba-vae")["free"]
    view = faces("view=faces&face=1")
    for i, name in enumerate(["Smiling", "Eyeglasses", "Male"]):
        words = view.page.locator(f"[data-attribute={name}] .lx-receipt").text_content()
        sign = "−" if table[i, i] < 0 else "+"
        assert words.startswith(f"{sign}{abs(round(100 * float(table[i, i])))} % per unit"), words


def test_a_slider_ends_where_the_face_becomes_a_mask(faces):
    view = faces("view=faces&face=1")
    ends = {name: [view.page.locator(f"[data-attribute={name}] input[type=range]").get_attribute(end) for end in ("min", "max")]
            for name in ("Young", "Smiling")}  # fmt: skip
    assert ends == {"Young": ["-1", "2"], "Smiling": ["-3", "3"]}  # the second was measured by nobody


def test_judges_that_disagree_are_told(faces, face_registry):
    import explorer

    face, direction = face_registry.gallery[1], explorer.load("celeba-vae").direction("Smiling")
    for amount in (0.25, 0.5, 0.75, 1.0, -0.25, -0.5, -0.75, -1.0):
        picture = explorer.load("celeba-vae").decode((face + amount * direction)[None].astype("float32"))
        first, second = (float(explorer.judge(name)(picture)[0, 0]) for name in ("faces", "faces_second"))
        if abs(first - second) > 0.12:
            break
    view = faces(f"view=faces&face=1&attributes=Smiling:{amount}")
    expect(view.page.locator(".lx-moved")).to_contain_text(f"{round(100 * second)} %, and {round(100 * first)} % for the judge")


def test_an_example_is_a_good_place_to_start(faces, face_root):
    view = faces("view=faces&face=1")
    view.page.locator(".lx-faces .lx-examples button", has_text="A smile").click()
    shows(view, face_root, face_root.gallery[3] + 1.5 * face_root.directions[0])
    view.until("link.get('face') === '3' && link.get('attributes') === 'Smiling:1.5'")
    view.page.locator("#faces [data-do=undo]").click()
    shows(view, face_root, face_root.gallery[1])


def test_the_gallery_chooses_a_face(faces, face_root):
    view = faces("view=faces&face=0")
    view.page.locator("#faces [data-do=gallery]").click()
    buttons = view.page.locator(".lx-faces-grid button")
    expect(buttons).to_have_count(12)
    buttons.nth(7).click()
    shows(view, face_root, face_root.gallery[7])
    view.until("link.get('face') === '7'")
    view.page.locator("[data-gallery]").select_option("Male")
    assert 0 < buttons.count() < 12


def test_the_strip_goes_to_a_frame(faces, face_root):
    view = faces("view=faces&face=3")
    frames = view.page.locator(".lx-one-attribute .lx-strip button")
    expect(frames).to_have_count(9)
    frames.nth(8).click()
    shows(view, face_root, face_root.gallery[3] + 3 * face_root.directions[0])
    view.until("link.get('attributes') === 'Smiling:3'")


def test_the_attribute_plane_sets_two_attributes(faces, face_root):
    view = faces("view=faces&face=3&pair=Young,Bangs")
    plane = view.page.locator(".lx-faces [role=application]").last
    expect(view.page.locator(".lx-faces .lx-strip button")).to_have_count(9)  # it comes above the plane and moves it down
    expect(plane).to_have_attribute("aria-label", re.compile("0.00 across"))  # it is still until it shows where the face stands
    box = plane.bounding_box()
    plane.click(position={"x": box["width"] * (2 + 3.5) / 7, "y": box["height"] * (3.5 + 1) / 7})
    shows(view, face_root, face_root.gallery[3] + 2 * face_root.directions[3] - 1 * face_root.directions[6])


def test_a_sum_that_is_half_chosen_is_in_the_link(faces):
    view = faces("view=faces&face=3")
    view.page.get_by_role("button", name="B = this face").click()
    view.until("link.get('corners') === ';g3;'")
    second = ".lx-sum figure:nth-of-type(2):not(.lx-empty) canvas"
    shown = view.canvas(second)
    other = faces(view.query())
    expect(other.page.locator(".lx-sum .lx-empty")).to_have_count(3)
    assert (other.canvas(second) == shown).all()
    assert other.query() == view.query()


def test_a_minus_b_plus_c_by_example(faces):
    view = faces("view=faces&face=3")
    expect(view.page.locator("#faces [data-do=use-sum]")).to_be_disabled()
    for i, face in enumerate((4, 5, 6)):
        view.page.evaluate(
            f"document.querySelector('[data-do=gallery]').ariaExpanded === 'true' || document.querySelector('[data-do=gallery]').click(); {face}"
        )
        view.page.locator(".lx-faces-grid button").nth(face).click()
        view.until(f"link.get('face') === '{face}'")
        view.page.locator(".lx-terms button").nth(i).click()
    view.until("link.get('corners') === 'g4;g5;g6'")
    expect(view.page.locator(".lx-sum-words")).to_contain_text("The judge sees in the sum")


DROP = """([place, files]) => {
    const dataTransfer = new DataTransfer();
    for (const [name, data] of files)
        dataTransfer.items.add(new File([Uint8Array.from(atob(data), sign => sign.charCodeAt(0))], name, { type: "image/png" }));
    document.querySelector(place).dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer }));
}"""


def photo(world, size=300, face=1):
    """A picture file that is no photograph: blocks of colour."""
    picture = np.kron(
        expected(world, world.gallery[face])[::8, ::8].round().astype("uint8"), np.ones((size // 8, size // 8, 1), "uint8")
    )
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def test_a_photo_is_framed_by_hand_and_stays_out_of_the_link_until_shared(faces, face_root):
    view = faces("view=faces&face=3")
    view.page.locator("#faces .lx-input input[type=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": photo(face_root)}
    )
    expect(view.page.locator(".lx-whence").first).to_have_text("your photo")
    view.until("!link.has('z') && !link.has('face')")
    crop = view.page.locator(".lx-faces .lx-crop")
    before = crop.screenshot()
    crop.focus()
    crop.press("ArrowRight")
    crop.press("+")
    crop.press(".")
    view.eventually(lambda: crop.screenshot() != before)
    slide(view, "Smiling", 1)
    view.until("link.get('attributes') === 'Smiling:1' && !link.has('z')")
    view.page.locator("#faces [data-do=link]").click()
    expect(view.page.locator("#faces .lx-message")).to_contain_text("Share this face")
    view.page.on("dialog", lambda dialog: dialog.accept())
    view.page.locator("#faces [data-do=share]").click()
    view.until("link.has('z')")
    view.page.locator("#faces [data-do=forget]").click()
    view.until("!link.has('z')")
    expect(view.page.locator(".lx-photo")).to_be_hidden()


def bring(view, world):
    """Upload a photo and wait until it is the face."""
    view.page.locator("#faces .lx-input input[type=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": photo(world)}
    )
    expect(view.page.locator(".lx-whence").first).to_have_text("your photo")
    view.until("!link.has('z') && !link.has('face')")


def choose(view, face):
    view.page.evaluate(
        "document.querySelector('[data-do=gallery]').ariaExpanded === 'true' || document.querySelector('[data-do=gallery]').click()"
    )
    view.page.locator(".lx-faces-grid button").nth(face).click()
    view.until(f"link.get('face') === '{face}'")


def test_a_photo_may_be_added_and_taken_away_and_stays_out_of_the_link(faces, face_root):
    view = faces("view=faces&face=3")
    bring(view, face_root)
    view.page.locator(".lx-terms button").nth(0).click()
    for i, face in ((1, 4), (2, 5)):
        choose(view, face)
        view.page.locator(".lx-terms button").nth(i).click()
    expect(view.page.locator(".lx-sum-words")).to_contain_text("The judge sees in the sum")
    view.page.locator("#faces [data-do=use-sum]").click()
    expect(view.page.locator(".lx-whence").first).to_have_text("by its code")
    for _ in range(12):
        view.page.wait_for_timeout(300)  # the address follows what is on screen after a quarter of a second
        assert "," not in view.query()
        view.page.locator("#faces [data-do=undo]").evaluate("button => button.click()")  # nothing happens once it is disabled
    view.until("link.get('face') === '3'")


def test_a_photo_that_was_removed_does_not_come_back(faces, face_root):
    view = faces("view=faces&face=3")
    bring(view, face_root)
    view.page.locator(".lx-terms button").nth(0).click()
    slide(view, "Smiling", 1)
    view.until("link.get('attributes') === 'Smiling:1'")
    view.page.locator("#faces [data-do=forget]").click()
    view.until("link.get('face') === '0'")
    view.page.locator("#faces [data-do=undo]").click()
    view.until("link.get('face') === '3'")
    shows(view, face_root, face_root.gallery[3])
    expect(view.page.locator(".lx-photo")).to_be_hidden()


def test_undo_of_a_correction_keeps_the_photo(faces, face_root):
    view = faces("view=faces&face=3")
    bring(view, face_root)
    crop = view.page.locator(".lx-faces .lx-crop")
    before = crop.screenshot()
    crop.press("+")
    view.page.locator("#faces [data-do=undo]").click()  # at once, before the face of the new square has come
    view.eventually(lambda: crop.screenshot() == before)
    expect(view.page.locator(".lx-whence").first).to_have_text("your photo")
    assert "z=" not in view.query()


def test_a_photo_in_a_morph_is_in_no_link_until_it_is_copied(faces, face_root):
    view = faces("view=faces&face=3")
    bring(view, face_root)
    view.page.once("dialog", lambda dialog: dialog.accept())
    view.page.locator("#faces [data-do=to-morph]").nth(1).click()
    view.page.get_by_role("tab", name="Morph").click()
    expect(view.page.locator(".lx-corners figcaption").nth(1)).to_contain_text("by its code")
    view.page.locator(".lx-morph .lx-strip button").last.click()
    view.until("link.get('view') === 'morph' && link.get('t') === '1'")
    assert "corners" not in view.query()
    view.page.locator("#morph [data-do=link]").click()
    view.until("link.get('corners')?.includes(',')")


def gather(view, side, *choices):
    """Put faces of the gallery into a handful."""
    if view.page.locator(".lx-gallery").is_hidden():
        view.page.locator("#faces [data-do=gallery]").click()
    view.page.locator("[data-click]").select_option(side)
    for face in choices:
        view.page.locator(".lx-faces-grid button").nth(face).click()
    expect(view.page.locator(f"[data-handful={side}] .lx-marked button")).to_have_count(len(choices))


def test_two_handfuls_of_the_gallery_become_a_slider_with_a_name_and_a_receipt(faces, face_root):
    view = faces("view=faces&face=3")
    view.page.locator(".lx-own-direction summary").click()
    gather(view, "more", 1, 4)
    view.until("link.get('more') === 'g1;g4' && link.get('face') === '3'")
    gather(view, "less", 2)
    view.page.locator("[data-direction]").fill("Mein Gesicht")
    view.page.locator("[data-direction]").press("Enter")
    view.until("link.get('less') === 'g2' && link.get('direction') === 'Mein_Gesicht'")
    row = view.page.locator("[data-attribute=Mein_Gesicht]")
    expect(row.locator("label span").first).to_have_text("mein gesicht")
    expect(row.locator(".lx-receipt")).to_contain_text("faces of the gallery")
    expect(view.page.locator(".lx-handful-words")).to_contain_text("most")
    v = (face_root.gallery[1] + face_root.gallery[4]) / 2 - face_root.gallery[2]
    v *= min(1, 2.4 / np.linalg.norm(v))
    slide(view, "Mein_Gesicht", 1)
    shows(view, face_root, face_root.gallery[3] + v)
    view.until("link.get('attributes') === 'Mein_Gesicht:1'")
    view.page.locator("[data-along]").select_option("Mein_Gesicht")
    view.until("link.get('along') === 'Mein_Gesicht'")
    again = faces(view.query())  # as somebody else opens it
    shows(again, face_root, face_root.gallery[3] + v)
    expect(again.page.locator("[data-along]")).to_have_value("Mein_Gesicht")
    view.page.locator("[data-handful=more] .lx-marked button").first.press("Enter")  # one face less is another direction
    view.until("link.get('more') === 'g4'")
    view.page.locator("#faces [data-do=undo]").click()
    view.until("link.get('more') === 'g1;g4' && link.get('attributes') === 'Mein_Gesicht:1'")
    view.page.locator("#faces [data-do=forget-handfuls]").click()
    view.until("!link.has('more') && !link.has('less') && !link.has('direction') && !link.has('attributes') && !link.has('along')")
    expect(row).to_have_count(0)


def test_a_name_that_is_taken_is_said(faces):
    view = faces("view=faces&face=3&more=g1&less=g2&attributes=yours:1")
    for name, words in (("smiling", "one of the attributes"), ("<b>", "letters, digits and spaces")):
        view.page.locator("[data-direction]").fill(name)
        view.page.locator("[data-direction]").press("Enter")
        expect(view.page.locator("#faces .lx-message")).to_contain_text(words)
        expect(view.page.locator("[data-direction]")).to_have_value("")


@pytest.mark.parametrize("name", ["constructor", "__proto__"])
def test_a_name_may_be_a_word_of_the_script(faces, face_root, name):
    view = faces(f"view=faces&face=3&more=g1&less=g2&direction={name}")
    number = view.page.locator(f"[data-attribute={name}] input.lx-number")
    expect(number).to_have_value("0")
    number.fill("1")
    view.until("link.get('attributes') === argument", f"{name}:1")
    v = face_root.gallery[1] - face_root.gallery[2]
    shows(view, face_root, face_root.gallery[3] + v * min(1, 2.4 / np.linalg.norm(v)))


def test_a_direction_of_ones_own_pictures_is_in_no_link(faces, face_root, face_app):
    view = faces("view=faces&face=3")
    view.page.locator(".lx-own-direction summary").click()
    file = {"name": "me.png", "mimeType": "image/png", "buffer": photo(face_root)}
    view.page.locator("[data-handful=more] input[type=file]").set_input_files([file])
    expect(view.page.locator("[data-handful=more] .lx-marked canvas")).to_have_count(1)
    view.page.locator("[data-handful=less] [data-do=mark]").click()
    dropped = [[f"{face}.png", base64.b64encode(photo(face_root, 240, face)).decode()] for face in (5, 6)]
    view.page.evaluate(DROP, ["[data-handful=less]", dropped])
    expect(view.page.locator("[data-handful=less] .lx-marked canvas")).to_have_count(3)
    slide(view, "yours", 1)
    expect(view.page.locator(".lx-handful-words")).to_contain_text("the link holds nothing of this direction")
    view.page.locator(".lx-faces [data-attribute=Smiling] input.lx-number").fill("1")
    view.until("link.get('attributes') === 'Smiling:1'")
    assert not {"more", "less", "direction"} & {part.split("=")[0] for part in view.query().split("&")}
    view.page.locator("#faces [data-do=link]").click()
    expect(view.page.locator("#faces .lx-message")).to_contain_text("the link does not hold it")
    state = parse_strictly(imaging.state_of(saved(view, "#faces .lx-compare [data-save='picture png']")))
    assert dict(state["attributes"]) == {"Smiling": 1, "yours": 1}
    assert state["less"][0] == "g3"
    assert len(state["less"]) == 3
    assert len(state["more"][0]) == 8
    written = [path for path in face_app.folder.rglob("*") if path.is_file() and b"PNG" in path.read_bytes()[:8]]
    assert written == []
    view.page.locator("#faces [data-do=forget-handfuls]").click()
    view.until("link.get('attributes') === 'Smiling:1'")
    for _ in range(9):
        view.page.locator("#faces [data-do=undo]").evaluate("button => button.click()")
        view.page.wait_for_timeout(150)
        assert view.page.locator("[data-handful=more] .lx-marked button").count() == 0, "what was forgotten comes back"


def test_the_square_of_a_photo_is_dragged(faces, face_root):
    view = faces("view=faces&face=3")
    bring(view, face_root)
    crop, encoded = view.page.locator(".lx-faces .lx-crop"), view.page.locator("#faces .lx-seen")
    before, seen = crop.screenshot(), encoded.screenshot()
    box = crop.bounding_box()
    view.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.45, steps=4)
    view.page.mouse.up()
    view.eventually(lambda: crop.screenshot() != before)
    view.eventually(lambda: encoded.screenshot() != seen)  # what the encoder is given moves with it


CAMERA = """() => { // a canvas as the camera; every stream that was asked for is kept
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d");
  canvas.width = canvas.height = 300;
  setInterval(() => { for (let i = 0; i < 36; i++) { context.fillStyle = `hsl(${i * 70} 80% ${20 + i}%)`; context.fillRect(i % 6 * 50, Math.floor(i / 6) * 50, 50, 50); } }, 30);
  window.streams = [];
  navigator.mediaDevices.getUserMedia = async () => { await new Promise(go => setTimeout(go, 300)); const stream = canvas.captureStream(); streams.push(stream); return stream; };
}"""
LIVE = "streams.flatMap(stream => stream.getTracks()).filter(track => track.readyState === 'live').length"


def test_the_camera_takes_a_photo_and_is_off_afterwards(faces):
    view = faces("view=faces&face=3")
    view.page.evaluate(CAMERA)
    for _ in range(2):  # once more before the first press was answered
        view.page.locator("#faces [data-do=camera]").click()
    view.page.wait_for_function("streams.length === 2")
    view.page.wait_for_function(f"{LIVE} === 1")
    view.page.wait_for_function("document.querySelector('.lx-photo video').videoWidth === 300")
    view.page.locator("#faces [data-do=snap]").click()
    expect(view.page.locator(".lx-whence").first).to_have_text("your photo")
    assert view.page.evaluate(LIVE) == 0
    expect(view.page.locator(".lx-photo video")).to_be_hidden()


def test_a_camera_that_is_not_allowed_is_said(faces, face_root):
    view = faces("view=faces&face=3")
    view.page.evaluate(
        "() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }; }"
    )
    view.page.locator("#faces [data-do=camera]").click()
    expect(view.page.locator("#faces .lx-message")).to_contain_text("Allow it in the browser's address bar")
    shows(view, face_root, face_root.gallery[3])


def test_nothing_moves_when_the_strip_comes(faces):
    view = faces("view=faces&face=3")
    strip = view.page.locator(".lx-faces .lx-strip")
    expect(strip.locator("button")).to_have_count(9)
    for width in (1280, 700, 390):
        view.page.set_viewport_size({"width": width, "height": 900})
        full, empty = strip.evaluate(
            """node => { const kept = [...node.children], full = node.getBoundingClientRect().height; node.replaceChildren();
                         const { height } = node.getBoundingClientRect(); node.append(...kept); return [full, height]; }"""
        )
        assert abs(full - empty) < 1.5, (width, full, empty)


def test_what_is_no_picture_is_said_and_nothing_is_lost(faces, face_root):
    view = faces("view=faces&face=3&attributes=Male:1")
    view.page.locator("#faces .lx-input input[type=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(view.page.locator("#faces .lx-message")).to_contain_text("This file is not a picture")
    shows(view, face_root, face_root.gallery[3] + face_root.directions[2])


def test_nothing_of_a_photo_is_written_on_the_server(faces, face_root, face_app):
    view = faces("view=faces&face=3")
    before = {path for path in face_app.folder.rglob("*") if path.is_file()}
    view.page.locator("#faces .lx-input input[type=file]").set_input_files(
        {"name": "me.png", "mimeType": "image/png", "buffer": photo(face_root)}
    )
    expect(view.page.locator(".lx-whence").first).to_have_text("your photo")
    slide(view, "Smiling", 1)
    view.until("link.get('attributes') === 'Smiling:1'")
    assert {path for path in face_app.folder.rglob("*") if path.is_file()} == before


def test_bad_links_are_said_and_the_usual_face_shown(faces):
    view = faces("view=faces&face=99&attributes=Smiling:1")
    expect(view.page.locator("#faces .lx-message")).to_contain_text("has the faces 0 to 11, not 99")
    view.until("link.get('face') === '0'")


def test_files_carry_the_state(faces):
    view = faces("view=faces&face=3&attributes=Male:1")
    state = parse_strictly(imaging.state_of(saved(view, "#faces .lx-compare [data-save]")))
    assert (state["face"], state["attributes"]) == (3, (("Male", 1.0),))


def test_frames_and_cells_of_a_link_stay_in_it_and_are_what_is_drawn(faces, face_root):
    view = faces("view=faces&face=3&frames=5&n=4")
    frames = view.page.locator(".lx-faces .lx-strip button")
    expect(frames).to_have_count(5)
    expect(frames.locator("small")).to_have_text(["−3", "−1.5", "0", "+1.5", "+3"])
    plane = view.page.locator(".lx-faces [role=application]").last
    expect(plane).to_have_attribute("aria-label", re.compile("0.00 across"))
    box = plane.bounding_box()
    plane.click(position={"x": box["width"] * (3 + 4) / 8, "y": box["height"] * (4 - 1) / 8})  # the middle of a cell
    shows(view, face_root, face_root.gallery[3] + 3 * face_root.directions[0] + 1 * face_root.directions[2])
    view.until("link.get('attributes') && link.get('frames') === '5' && link.get('n') === '4'")
    assert dict(parse_strictly(view.query())["attributes"]) == pytest.approx({"Smiling": 3, "Male": 1}, abs=0.03)  # a pixel is 0.02
    for what, count in (("strip png", 5), ("strip gif", 5), ("strip mp4", 5), ("grid png", 4)):
        data = saved(view, f"#faces [data-save='{what}']")
        state = parse_strictly(imaging.state_of(data))
        assert (state["frames"], state["n"]) == (5, 4), what
        if what.endswith("png"):
            assert Image.open(io.BytesIO(data)).width == count * 128 + (count - 1) * 4, what
        if what.endswith("gif"):
            assert Image.open(io.BytesIO(data)).n_frames == count
    view.page.locator("#faces [data-do=undo]").click()
    view.until("!link.has('attributes') && link.get('frames') === '5' && link.get('n') === '4'")


def test_a_morph_between_two_faces(faces, face_root):
    view = faces("view=morph&corners=g3;g4&t=0.25")
    g = face_root.gallery
    shows(view, face_root, 0.75 * g[3] + 0.25 * g[4], ".lx-morph .lx-of-two .lx-picture")
    expect(view.page.locator(".lx-morph .lx-strip button")).to_have_count(9)
    view.page.locator(".lx-morph .lx-strip button").last.click()
    shows(view, face_root, g[4], ".lx-morph .lx-of-two .lx-picture")
    view.until("link.get('t') === '1'")
    view.page.locator("#morph [data-set=even]").check()
    view.until("link.get('even') === '1'")


def test_a_link_sets_the_controls_of_the_morph(faces):
    view = faces("view=morph&corners=g3;g4&even=1&closed=1&kind=slerp&frames=5")
    expect(view.page.locator("#morph [data-set=even]")).to_be_checked()
    expect(view.page.locator("#morph [data-set=closed]")).to_be_checked()
    expect(view.page.locator("#morph [data-set=kind]")).to_have_value("slerp")
    expect(view.page.locator(".lx-morph .lx-strip button")).to_have_count(5)


def test_a_surface_among_four_faces(faces, face_root):
    view = faces("view=morph&corners=g0;g1;g2;g3&t=-1,1")
    shows(view, face_root, face_root.gallery[0], ".lx-morph .lx-output .lx-picture")
    plane = view.page.locator(".lx-morph [role=application]")
    plane.focus()
    plane.press("Shift+ArrowRight")
    view.until("+link.get('t').split(',')[0] > -1")
    view.page.locator("#morph [data-count='2']").click()
    view.until("link.get('corners') === 'g0;g1'")


def test_a_face_goes_to_the_morph_view(faces, face_root):
    view = faces("view=faces&face=5&attributes=Smiling:1")
    view.page.locator("#faces [data-do=to-morph]").nth(1).click()
    view.page.get_by_role("tab", name="Morph").click()
    view.until("link.get('view') === 'morph' && link.get('corners')?.split(';')[1].includes(',')")
    view.page.locator(".lx-morph .lx-strip button").last.click()
    shows(view, face_root, face_root.gallery[5] + face_root.directions[0], ".lx-morph .lx-of-two .lx-picture")


def test_the_latent_space_in_curves_and_in_faces_drawn_from_it(faces, face_root):
    page = faces("view=faces&face=3").page
    page.get_by_role("button", name="What the latent space looks like").click()
    expect(page.locator("#faces-space .js-plotly-plot")).to_be_visible()
    pictures = page.get_by_role("img", name="faces drawn from N(0, I)")
    expect(pictures).to_be_visible()
    sheet = Image.open(io.BytesIO(base64.b64decode(pictures.get_attribute("src").split(",")[1]))).convert("RGB")
    assert sheet.size == (8 * 64, 2 * 64)
    for i, z in enumerate(np.random.default_rng(0).standard_normal((8, 8), dtype="float32")):
        face = np.asarray(sheet, "float64")[:64, 64 * i : 64 * (i + 1)]
        np.testing.assert_allclose(face[3::8, 3::8], expected(face_root, z)[3::8, 3::8], atol=12)  # JPEG


@pytest.mark.parametrize("query", ["view=faces&face=3", "view=morph&corners=g0;g1", "view=morph&corners=g0;g1;g2;g3"])
def test_on_a_phone_nothing_is_wider_than_the_screen(faces, query):
    view = faces(query, **PHONE)
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
