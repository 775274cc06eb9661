"""Drawing and uploading: what the encoder makes of it, and what is said of files that are no pictures."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

import explorer
from explorer import paper

PINK = "#ff5d8f"


def seven(mode="L", size=200):
    """A seven, white on black."""
    picture = Image.new("L", (size, size))
    points = [(size * x // 20, size * y // 20) for x, y in ((5, 4), (15, 4), (8, 17))]
    ImageDraw.Draw(picture).line(points, fill=255, width=size // 12, joint="curve")
    return picture.convert(mode)


def stored(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def huge_png(side=20_000):
    """A black PNG of 20,000 x 20,000 pixels, one bit each, written row by row."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + side // 8)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def draw(view, *strokes):
    """Draw on the pad, in its own 280 x 280 units."""
    pad = view.page.locator(".lx-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    for stroke in strokes:
        places = [(box["x"] + x / 280 * box["width"], box["y"] + y / 280 * box["height"]) for x, y in stroke]
        view.page.mouse.move(*places[0])
        view.page.mouse.down()
        for place in places[1:]:
            view.page.mouse.move(*place, steps=6)
        view.page.mouse.up()


def on_pad(view):
    """What is drawn on the pad, as a file."""
    url = view.page.locator(".lx-pad canvas").evaluate("canvas => canvas.toDataURL('image/png')")
    return base64.b64decode(url.split(",")[1])


def upload(view, name, data):
    view.page.locator(".lx-input [type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def code_of(model, file_bytes):
    """z_mean and sigma of a picture file by this process's own encoder, and the framed picture, uint8."""
    generator = explorer.load(model)
    seen = paper.framed(file_bytes, generator.image_shape, "mnist" if model.startswith("mnist") else "fashion")
    z_mean, z_log_var = generator.encode(seen[None])
    sigma = None if z_log_var is None else np.exp(z_log_var[0] / 2)
    return z_mean[0], sigma, np.rint(seen[..., 0] * 255)


def words(z, sigma):
    """The numbers under the pad."""
    signed = [f"{'−' if value < 0 else ''}{abs(value):.2f}" for value in np.round(z, 4).astype(float)]
    spread = [""] * len(z) if sigma is None else [f" ± {value:.2f}" for value in np.round(sigma, 4).astype(float)]
    return ", ".join(f"z{i} = {value}{by}" for i, (value, by) in enumerate(zip(signed, spread, strict=True)))


def test_a_drawing_is_encoded_and_its_posterior_shown(view, decoded):
    view.open("model=mnist-vae")
    assert view.page.locator(".lx-encoded").is_hidden()
    draw(view, [(80, 60), (200, 60), (120, 230)], [(100, 150), (180, 150)])
    view.eventually(lambda: view.calls("encode_picture") and view.calls("encode_picture")[-1]["picture"].endswith(
        base64.b64encode(on_pad(view)).decode()))  # fmt: skip
    z, sigma, seen = code_of("mnist-vae", on_pad(view))
    view.until_z(np.round(z, 4).tolist(), 2e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert np.abs(view.shown(selector=".lx-seen") - seen).max() <= 1
    assert (view.shown(selector=".lx-rebuilt") == view.shown()).all()
    expect(view.page.locator(".lx-code-values")).to_contain_text(words(view.z, sigma))

    for _ in range(10):
        view.plane.press("+")  # about the point, until the ellipse is larger than the cursor
    view.until("Math.abs(link.get('extent') - argument) < 1e-3", 3 * 0.8**10)
    center, extent = [float(c) for c in view.link("center").split(",")], float(view.link("extent"))
    marks = view.marks()
    pink = np.argwhere((marks[..., :3] == (0xFF, 0x5D, 0x8F)).all(-1) & (marks[..., 3] == 255))[:, ::-1]
    scale = len(marks) / 2 / extent
    middle = (z - center) * (1, -1) * scale + len(marks) / 2
    assert pink.min(0) == pytest.approx(middle - sigma * scale, abs=3)
    assert pink.max(0) == pytest.approx(middle + sigma * scale, abs=3)


def test_clear_takes_the_drawing_and_its_ellipse_away(view):
    view.open("model=mnist-vae")
    draw(view, [(140, 60), (140, 220)])
    expect(view.page.locator(".lx-encoded")).to_be_visible()
    z, _, _ = code_of("mnist-vae", on_pad(view))  # an unfinished stroke was encoded too
    rest = view.until_z(np.round(z, 4).tolist(), 1e-3)
    view.page.get_by_role("button", name="Clear").click()
    expect(view.page.locator(".lx-encoded")).to_be_hidden()
    assert np.asarray(Image.open(io.BytesIO(on_pad(view))).convert("L")).max() == 0
    pink = (0xFF, 0x5D, 0x8F)
    view.eventually(lambda: not (view.marks()[..., :3] == pink).all(-1).any())
    assert view.query() == rest, "the point stays"


def test_the_autoencoder_has_a_point_and_no_posterior(view, decoded):
    view.open("model=fashion-ae")
    upload(view, "coat.png", stored(seven("RGB"), "PNG"))
    z, _, _ = code_of("fashion-ae", stored(seven(), "PNG"))
    view.until_z(np.round(z, 4).tolist(), 1e-3)
    assert (view.shown(32) == decoded("fashion-ae", view.z)).all()
    assert view.page.locator(".lx-posterior").is_hidden()
    assert "±" not in view.page.locator(".lx-code-values").inner_text()


def test_pictures_of_all_kinds_are_read(view):
    view.open("model=mnist-vae")
    plain = stored(seven(), "PNG")
    other = Image.new("L", (200, 200), 255)
    sixteen = Image.fromarray(np.asarray(seven(), "uint16") * 257)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by 90 degrees when shown
    kinds = {
        "seven.png": plain,
        "animated.gif": stored(seven(), "GIF", save_all=True, append_images=[other, seven()], duration=50),
        "cmyk.jpg": stored(seven("CMYK"), "JPEG", quality=95),
        "sixteen.png": stored(sixteen, "PNG"),
        "dark-on-light.webp": stored(Image.eval(seven(), lambda value: 255 - value).convert("RGB"), "WEBP", lossless=True),
        "turned.jpg": stored(seven().transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=turned),
        "seven.tiff": stored(seven(), "TIFF"),
    }
    expected = code_of("mnist-vae", plain)[2]
    assert (expected > 128).sum() > 20, "a seven"
    for n, (name, data) in enumerate(kinds.items(), start=1):
        view.page.get_by_role("button", name="Clear").click()
        upload(view, name, data)
        view.eventually(lambda n=n: len(view.calls("encode_picture")) == n)
        expect(view.page.locator(".lx-encoded"), name).to_be_visible()
        view.eventually(lambda: np.abs(view.shown(selector=".lx-seen") - expected).mean() < 6)
        assert view.message() == "", name
        assert np.allclose(code_of("mnist-vae", data)[0], code_of("mnist-vae", plain)[0], atol=0.25), name


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("notes.png", lambda: b"This is a letter, not a picture.\n" * 40, "not a picture"),
        ("huge.png", huge_png, "too many pixels"),
        ("empty.png", lambda: stored(Image.new("L", (280, 280)), "PNG"), "nothing to see"),
        ("cut-short.png", lambda: stored(seven(), "PNG")[:300], "cannot be read"),
        ("too-large.png", lambda: bytes(26_000_000), "26 MB; at most 25 MB"),
        ("nothing.png", lambda: b"", "not a picture"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_what_is_no_picture_is_said_and_the_page_goes_on(view, decoded, tmp_path, name, data, said):
    before = view.open("model=mnist-vae&z=0.5,0.5")
    (tmp_path / name).write_bytes(data())
    view.page.locator(".lx-input [type=file]").set_input_files(tmp_path / name)
    expect(view.page.locator(".lx-message span")).to_contain_text(said)
    assert len(view.message()) > 30, "more than a word"
    assert view.query() == before
    upload(view, "seven.png", stored(seven(), "PNG"))
    z = code_of("mnist-vae", stored(seven(), "PNG"))[0]
    view.until_z(np.round(z, 4).tolist(), 2e-4)
    assert (view.shown() == decoded("mnist-vae", view.z)).all()
    assert view.message() == "", "the message is gone"


def test_a_picture_can_be_dropped_on_the_pad(view):
    view.open("model=mnist-vae")
    data = base64.b64encode(stored(seven(), "PNG")).decode()
    view.page.evaluate(
        """data => {
            const bag = new DataTransfer();
            bag.items.add(new File([Uint8Array.from(atob(data), c => c.charCodeAt(0))], "seven.png", { type: "image/png" }));
            const drop = new DragEvent("drop", { dataTransfer: bag, bubbles: true, cancelable: true });
            document.querySelector(".lx-pad").dispatchEvent(drop);
        }""",
        data,
    )
    view.until_z(np.round(code_of("mnist-vae", stored(seven(), "PNG"))[0], 4).tolist(), 2e-4)


def test_nothing_of_an_uploaded_picture_stays_on_the_server(app, view):
    everything = lambda: sorted(str(path) for path in app.folder.rglob("*"))  # noqa: E731
    view.open("model=mnist-vae")
    before = everything()
    upload(view, "seven.png", stored(seven(), "PNG"))
    expect(view.page.locator(".lx-encoded")).to_be_visible()
    draw(view, [(60, 60), (200, 200)])
    view.eventually(lambda: len(view.calls("encode_picture")) > 1)
    upload(view, "notes.png", b"no picture")
    expect(view.page.locator(".lx-message span")).to_contain_text("not a picture")
    assert everything() == before


def test_another_model_has_not_seen_the_picture_yet(view):
    view.open("model=mnist-vae")
    upload(view, "seven.png", stored(seven(), "PNG"))
    expect(view.page.locator(".lx-encoded")).to_be_visible()
    view.page.locator(".lx-models button", has_text="Clothes · VAE").first.click()
    view.until("link.get('model') === 'fashion-vae'")
    expect(view.page.locator(".lx-encoded")).to_be_hidden()


def test_of_several_things_on_a_page_another_is_chosen_by_a_touch(view):
    view.open("model=mnist-vae")
    page = Image.new("L", (600, 400), 220)
    for left in (100, 400):
        ImageDraw.Draw(page).line([(left, 100), (left + 90, 100), (left + 30, 260)], fill=30, width=18, joint="curve")
    noisy = np.clip(np.asarray(page) + np.random.default_rng(0).normal(0, 3, (400, 600)), 0, 255).astype("uint8")
    upload(view, "two.png", stored(Image.fromarray(noisy), "PNG"))
    expect(view.page.locator(".lx-page-words")).to_contain_text("2 things")
    shown = view.page.locator(".lx-page canvas")
    shown.scroll_into_view_if_needed()
    box = shown.bounding_box()
    for left in (400, 100):
        shown.click(position={"x": (left + 30) / 600 * box["width"], "y": 180 / 400 * box["height"]})
        view.eventually(lambda left=left: abs((view.calls("encode_picture")[-1].get("square") or {"x": 0})["x"] - left - 45) < 12)
    calls = len(view.calls("encode_picture"))
    shown.press("ArrowRight")
    view.eventually(lambda: len(view.calls("encode_picture")) > calls)
    assert view.message() == ""
    view.page.get_by_role("button", name="Clear").click()
    expect(view.page.locator(".lx-page")).to_be_hidden()
