"""Files are read back by Pillow and PyAV; uploads are made by hand, good ones and bad ones."""

import io
import struct
import time
import zipfile
import zlib

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, JpegImagePlugin

from explorer import imaging
from explorer.imaging import PictureError, read_picture
from explorer.paper import framed


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype="float32")


def file_of(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


# --- writing ---


def test_bytes_are_rounded_to_the_nearest_and_clipped():
    assert imaging.to_bytes(np.array([-1, 0, 0.4 / 255, 0.6 / 255, 127.4 / 255, 254.6 / 255, 1, 7])).tolist() == [
        0,
        0,
        0,
        1,
        127,
        255,
        255,
        255,
    ]


def test_enlarging_repeats_whole_pixels():
    images = noise(2, 3, 4, 1)
    large = imaging.enlarged(images, 13)  # 3 x 4 fits three times
    assert large.shape == (2, 9, 12, 1)
    np.testing.assert_array_equal(large[1, ..., 0], np.kron(images[1, ..., 0], np.ones((3, 3))))
    np.testing.assert_array_equal(imaging.enlarged(images, 2), images)  # never smaller than it is


def test_a_grid_is_read_like_a_page_with_grey_between():
    images = np.stack([np.full((2, 3, 1), i / 10, "float32") for i in range(5)])
    sheet = imaging.grid(images, columns=3, gap=1)
    assert sheet.shape == (5, 11, 1)
    for i, (top, left) in enumerate([(0, 0), (0, 4), (0, 8), (3, 0), (3, 4)]):
        assert (sheet[top : top + 2, left : left + 3] == images[i]).all()
    assert (sheet[2] == 0.5).all()
    assert (sheet[:, 3] == 0.5).all()
    assert (sheet[3:, 8:] == 0.5).all()  # the empty place
    np.testing.assert_array_equal(imaging.strip(images), np.concatenate(list(images), axis=1))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_the_exact_picture_and_its_state(channels):
    image, state = noise(5, 7, channels), "model=mnist-vae&z=0.5,-1&prompt=é"
    file = imaging.png(image, state)
    picture = Image.open(io.BytesIO(file))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L" if channels == 1 else "RGB", (7, 5))
    assert picture.info["latent-explorer"] == state
    np.testing.assert_array_equal(np.asarray(picture).reshape(5, 7, channels), np.round(image * 255))
    assert imaging.state_of(file) == state


def test_a_gif_plays_every_frame_as_long_as_the_others_forever():
    frames = [noise(6, 6, 1, seed=i) for i in range(4)]
    images = np.stack([frames[0], frames[0], frames[1], frames[1], frames[2]])  # some stand still for a moment
    file = imaging.gif(images, "z=1,2", seconds=0.2)
    picture = Image.open(io.BytesIO(file))
    assert (picture.format, picture.info["loop"], picture.info["comment"]) == ("GIF", 0, b"z=1,2")
    shown = []  # what is on screen every 200 ms
    for i in range(picture.n_frames):
        picture.seek(i)
        shown += [np.asarray(picture.convert("L"))] * round(picture.info["duration"] / 200)
    assert len(shown) == 5
    for pixels, image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(pixels, np.round(image[..., 0] * 255))
    assert imaging.state_of(file) == "z=1,2"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", ["000000000", "000110222", "011111110"])
def test_a_gif_has_as_many_frames_as_it_was_given_and_stays_small(order, channels):
    kinds = [(noise(6, 6, channels, seed=int(i)) > 0.5).astype("float32") for i in order]
    file = imaging.gif(iter(kinds), "z=0,0&to=0,0")
    picture = Image.open(io.BytesIO(file))
    assert picture.n_frames == len(order)
    for i, image in enumerate(kinds):
        picture.seek(i)
        assert picture.info["duration"] == 120
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), np.broadcast_to(image * 255, (6, 6, 3)))
    with av.open(io.BytesIO(file)) as container:  # another reader
        assert [round(float(frame.time), 2) for frame in container.decode(video=0)] == [
            round(0.12 * i, 2) for i in range(len(order))
        ]
    moved = sum(a != b for a, b in zip(order, order[1:], strict=False))
    assert len(file) < len(imaging.gif(kinds[:1])) + 900 * moved + 25 * len(order) + 20
    assert imaging.state_of(file) == "z=0,0&to=0,0"


@pytest.mark.parametrize(("height", "width", "channels"), [(32, 48, 1), (33, 47, 3)])
def test_an_mp4_is_h264_that_browsers_play(height, width, channels):
    y, x = np.mgrid[:height, :width] / 48
    images = np.stack([np.stack([0.2 + 0.1 * i + 0.3 * x + 0.1 * y] * channels, -1) for i in range(4)]).astype("float32")
    file = imaging.mp4(images, "model=mnist-vae&z=1,2", seconds=0.125)
    with av.open(io.BytesIO(file)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 8)
        assert container.metadata["comment"] == "model=mnist-vae&z=1,2"
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 4
    for frame, image in zip(frames, images, strict=True):
        assert frame.shape == (height + height % 2, width + width % 2, 3)
        assert np.abs(frame[:height, :width] / 255 - image).mean() < 0.02
    assert imaging.state_of(file) == "model=mnist-vae&z=1,2"


def test_a_gif_in_colour_has_one_palette_near_all_its_frames():
    y, x = np.mgrid[:96, :96] / 96
    images = np.stack([np.stack([0.3 + 0.4 * x, 0.2 + 0.5 * y, 0.5 + 0.05 * i + 0 * x], -1) for i in range(8)]).astype("float32")
    file = imaging.gif(images)
    picture, shown = Image.open(io.BytesIO(file)), []
    for i in range(picture.n_frames):
        picture.seek(i)
        shown.append(np.asarray(picture.convert("RGB")) / 255)
    assert np.sqrt(np.square(shown - images).mean()) < 0.035
    assert len(np.unique(np.reshape(shown, (-1, 3)), axis=0)) <= 64


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("order", ["000000000", "000110222", "011111110"])
@pytest.mark.parametrize("drift", [0, 1, 12])
def test_a_webp_has_as_many_frames_as_it_was_given(order, channels, drift):
    y, x = np.mgrid[:32, :32].astype("float32") * 7
    kinds = [np.stack([kind] * channels, -1) for kind in (x, y, 220 - x)]
    images = np.stack([kinds[int(i)] for i in order]).astype("uint8")
    images += (drift * np.arange(9, dtype="uint8") // 9)[:, None, None, None]
    picture = Image.open(io.BytesIO(imaging.webp(images)))
    assert getattr(picture, "n_frames", 1) == len(order)
    for i, image in enumerate(images):
        picture.seek(i)
        shown = np.asarray(picture.convert("RGB"), "float64")
        assert picture.info["duration"] == 120
        assert np.abs(shown[2:, 2:] - image[2:, 2:]).mean() < 15


@pytest.mark.parametrize("channels", [1, 3])
def test_a_webp_moves_in_full_colour_with_its_state(channels):
    y, x = np.mgrid[:40, :48] / 48
    images = np.stack([np.stack([0.2 + 0.1 * i + 0.3 * x + 0.1 * y] * channels, -1) for i in range(4)]).astype("float32")
    file = imaging.webp(iter(images), "view=morph&prompt=%C3%A9", seconds=0.2)
    picture = Image.open(io.BytesIO(file))
    assert (picture.format, picture.n_frames, picture.size, picture.info["loop"]) == ("WEBP", 4, (48, 40), 0)
    for i, image in enumerate(images):
        picture.seek(i)
        pixels = np.asarray(picture.convert("RGB"))  # only now is its duration known
        assert picture.info["duration"] == 200
        assert np.abs(pixels / 255 - image).mean() < 0.01
    assert picture.getexif()[270] == "view=morph&prompt=%C3%A9"
    assert imaging.state_of(file) == "view=morph&prompt=%C3%A9"


def test_a_zip_holds_each_frame_exactly_with_the_state():
    images = noise(3, 6, 7, 3)
    file = imaging.frames_zip(iter(images), "view=faces&seed=1")
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert sorted(archive.namelist()) == ["000.png", "001.png", "002.png", "state.txt"]
        assert archive.testzip() is None
        for i, image in enumerate(images):
            png = archive.read(f"{i:03}.png")
            np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png))), np.round(image * 255))
            assert imaging.state_of(png) == "view=faces&seed=1"
    assert imaging.state_of(file) == "view=faces&seed=1"


def test_an_npz_holds_latents_and_the_state():
    z = noise(5, 3)
    file = imaging.npz({"z": z}, "view=morph&z=1")
    with np.load(io.BytesIO(file), allow_pickle=False) as found:
        assert sorted(found.files) == ["state", "z"]
        np.testing.assert_array_equal(found["z"], z)
        assert found["state"].item() == "view=morph&z=1"
    assert imaging.state_of(file) == "view=morph&z=1"


def test_a_picture_from_elsewhere_has_no_state():
    for kind in ("PNG", "GIF", "JPEG", "WEBP"):
        assert imaging.state_of(file_of(Image.new("L", (4, 4)), kind)) == ""


def zip_of(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def array_file(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"PK",
        b"PK\3\4 and no more",
        b"\x89PNG\r\n\x1a\n",
        b"\0\0\0\x08ftypisom",
        b"\0\0\0\x08ftyp\xa9cmt",
        b"RIFF\4\0\0\0WEBP",
        zip_of("state.npy", b"\x93NUMPY\1\0"),
        zip_of("state.npy", array_file(np.array([{}], object))),
        zip_of("state.npy", array_file(np.zeros((2, 3)))),
        zip_of("state.npy", array_file(np.array("x")).replace(b"'shape': (), ", b"'shape': (9**9,), ")),
        zip_of("other.txt", "view=faces"),
    ],
)
def test_a_file_that_is_none_has_no_state(file):
    assert imaging.state_of(file) == ""


def test_a_state_of_ten_megabytes_is_refused():
    long = "view=morph&prompt=" + "x" * 10_000_000
    for file in (imaging.frames_zip([], long), imaging.npz({}, long), imaging.png(noise(2, 2, 1), long[:70_000])):
        with pytest.raises(PictureError, match="60,000 characters"):
            imaging.state_of(file)
    bomb = zip_of("state.txt", long)
    assert len(bomb) < 20_000
    with pytest.raises(PictureError, match="60,000"):
        imaging.state_of(bomb)


# --- reading: good pictures of all kinds ---


def test_a_plain_picture_is_read_exactly():
    pixels = (noise(4, 6, 3) * 255).astype("uint8")
    rgba = read_picture(file_of(Image.fromarray(pixels)))
    assert rgba.dtype == np.float32
    np.testing.assert_allclose(rgba[..., :3], pixels / 255, atol=1e-6)
    assert (rgba[..., 3] == 1).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_every_named_format_is_read(kind):
    rgba = read_picture(file_of(Image.new("RGB", (9, 5), (255, 0, 0)), kind))
    assert rgba.shape == (5, 9, 4)
    np.testing.assert_allclose(rgba, np.broadcast_to([1.0, 0, 0, 1], (5, 9, 4)), atol=0.03)


def test_a_sixteen_bit_picture_keeps_its_tones():
    values = np.linspace(0, 65535, 64).astype("uint16").reshape(8, 8)
    rgba = read_picture(file_of(Image.fromarray(values)))
    np.testing.assert_allclose(rgba[..., 0], values / 65535, atol=1e-5)
    assert rgba.shape == (8, 8, 4)


def test_a_sixteen_bit_colour_picture_keeps_its_tones():
    row = struct.pack(">6H", 65535, 32768, 0, 0, 16384, 65535)
    rgba = read_picture(handmade_png(2, 1, b"\0" + row, depth=16, colour=2))
    np.testing.assert_allclose(rgba[0, :, :3], [[1, 0.5, 0], [0, 0.25, 1]], atol=0.005)


RAMP = np.linspace(0, 1, 64).reshape(8, 8)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("most", [200 * 255 / 201, 255, 1023, 4095, 16383, 65535])
def test_a_scan_of_fewer_bits_in_sixteen_is_as_light_as_its_own_white(kind, most):
    values = np.rint(RAMP * most).astype("uint16")
    top = {True: 255}.get(most < 255, most)
    np.testing.assert_allclose(read_picture(file_of(Image.fromarray(values), kind))[..., 0], values / top, atol=1e-5)


@pytest.mark.parametrize("most", [200, 1023, 4095, 65535])
@pytest.mark.parametrize("alpha", [False, True])
def test_so_is_one_in_colour(most, alpha):
    values = np.stack([np.rint(x * most) for x in (RAMP, RAMP.T, 0 * RAMP)] + [np.full((8, 8), 65535)] * alpha, -1)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    rgba = read_picture(handmade_png(8, 8, rows, depth=16, colour=6 if alpha else 2))
    np.testing.assert_allclose(rgba[..., :3], values[..., :3] / (255 if most == 200 else most), atol=0.005)
    assert (rgba[..., 3] == 1).all()


@pytest.mark.parametrize(("values", "expected"), [
    (RAMP.astype("float32"), RAMP), (0.4 * RAMP.astype("float32"), 0.4 * RAMP), (255 * RAMP.astype("float32"), RAMP),
    (1.2 * RAMP.astype("float32"), np.minimum(1.2 * RAMP, 1)), (65535 * RAMP.astype("float32"), RAMP),
    (RAMP.astype("float32") * np.where(RAMP == 1, np.nan, 1), np.where(RAMP == 1, 0, RAMP)),
    ((255 * RAMP).astype("int32"), (255 * RAMP).astype("int32") / 255), ((4095 * RAMP).astype("int32"), (4095 * RAMP).astype("int32") / 4095),
    (((2**31 - 1) * RAMP).astype("int32"), RAMP), ((2**24 - 1) * RAMP.astype("float32"), RAMP),
], ids=range(10))  # fmt: skip
def test_numbers_of_32_bits_are_read_by_their_type_and_range(values, expected):
    found = read_picture(file_of(Image.fromarray(values.astype("int32" if values.dtype == np.int32 else "float32")), "TIFF"))
    np.testing.assert_allclose(found[..., 0], expected, atol=2e-4)


def tiff(values):
    """An uncompressed TIFF of numbers (h, w) or (h, w, 3) of any type, by hand."""
    height, width, channels = np.atleast_3d(values).shape
    bits, kind = 8 * values.dtype.itemsize, {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 2 if channels > 1 else 1, 277: channels, 278: height,
            279: values.nbytes, 339: kind}  # fmt: skip
    end = 8 + 2 + 12 * (len(tags) + 1) + 4
    lists = {258: end, 339: end + 2 * channels} if channels > 1 else {}
    tags[273] = end + 2 * channels * len(lists)  # where the numbers begin
    found = b"II*\0" + struct.pack("<IH", 8, len(tags))
    for tag, value in sorted(tags.items()):
        found += struct.pack("<HHII", tag, *((3, channels, lists[tag]) if tag in lists else (4, 1, value)))
    return found + bytes(4) + b"".join(struct.pack(f"<{channels}H", *[tags[tag]] * channels) for tag in lists) + values.tobytes()


COLOURS = np.stack([RAMP, RAMP.T, 0 * RAMP], -1)


@pytest.mark.parametrize(("values", "expected"), [
    (COLOURS.astype("<f4"), COLOURS), (COLOURS.astype("<f8"), COLOURS), ((255 * COLOURS).astype("<f4"), COLOURS),
    (0.4 * COLOURS.astype("<f8"), 0.4 * COLOURS), (RAMP.astype("<f8"), RAMP), (4095 * RAMP.astype("<f8"), RAMP),
    ((RAMP * (2**32 - 1)).astype("<u4"), RAMP), ((4095 * RAMP).astype("<u4"), (4095 * RAMP).astype("<u4") / 4095),
    (np.where(RAMP == 1, np.inf, RAMP).astype("<f8"), np.where(RAMP == 1, 0, RAMP)),
], ids=range(9))  # fmt: skip
def test_a_tiff_of_numbers_that_pillow_does_not_know_is_read_by_type_and_range(values, expected):
    found = read_picture(tiff(values))
    np.testing.assert_allclose(found[..., :3], np.broadcast_to(np.atleast_3d(expected), (*RAMP.shape, 3)), atol=0.003)
    assert (found[..., 3] == 1).all()


@pytest.mark.parametrize("cut", [8, 60, 150, 300])
def test_half_of_such_a_tiff_is_refused_in_a_sentence(cut):
    with pytest.raises(PictureError):
        read_picture(tiff(COLOURS.astype("<f4"))[:cut])


def test_a_tiff_that_says_it_is_huge_is_refused_before_it_is_read():
    file = bytearray(tiff(COLOURS.astype("<f4")))
    at = file.index(struct.pack("<HHI", 256, 4, 1))
    file[at + 8 : at + 12] = struct.pack("<I", 2**31 - 1)
    with pytest.raises(PictureError):
        read_picture(bytes(file))


def test_a_deep_picture_is_reduced_too():
    values = np.zeros((300, 600), "uint16")
    values[:, 300:] = 4095
    rgba = read_picture(file_of(Image.fromarray(values)), 100)
    assert rgba.shape == (50, 100, 4)
    np.testing.assert_allclose(rgba[:, [0, -1], 0].mean(0), [0, 1], atol=1e-3)


def test_a_float_drawing_is_framed():
    picture = Image.fromarray(np.asarray(drawing(), "float32") / 255)
    np.testing.assert_allclose(
        framed(file_of(picture, "TIFF"), (28, 28, 1), "mnist"), framed(file_of(drawing()), (28, 28, 1), "mnist"), atol=0.01
    )


@pytest.mark.parametrize(("content", "name"), [
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"), (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "HEIC"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"), (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a --><svg/>", "SVG"),
])  # fmt: skip
def test_what_is_a_picture_of_another_kind_is_called_by_its_name(content, name):
    with pytest.raises(PictureError, match=rf"^This is an? {name} .* as (JPEG|PNG) first\.$"):
        read_picture(content)


def test_a_comment_in_another_encoding_is_no_failure():
    assert imaging.state_of(file_of(Image.new("L", (4, 4)), "GIF", comment=b"caf\xe9")) == "caf\ufffd"


def test_a_cmyk_jpeg_is_read_in_its_colours():
    rgba = read_picture(file_of(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95))
    np.testing.assert_allclose(rgba, np.broadcast_to([1.0, 0, 0, 1], (8, 8, 4)), atol=0.05)


def test_a_palette_picture_is_read_in_its_colours_with_its_transparent_one():
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 0])
    picture.putpixel((1, 0), 1)
    np.testing.assert_allclose(
        read_picture(file_of(picture))[0], [[10 / 255, 20 / 255, 30 / 255, 1], [200 / 255, 100 / 255, 0, 1]], atol=1e-6
    )
    assert read_picture(file_of(picture, transparency=1))[0, :, 3].tolist() == [1, 0]


def test_transparency_is_kept():
    rgba = read_picture(file_of(Image.new("RGBA", (1, 1), (255, 0, 0, 51))))
    np.testing.assert_allclose(rgba[0, 0], [1, 0, 0, 0.2], atol=1e-6)
    assert read_picture(file_of(Image.new("LA", (1, 1), (255, 0))))[0, 0].tolist() == [1, 1, 1, 0]


def test_of_an_animated_gif_the_first_frame_is_read():
    frames = [Image.new("RGB", (5, 5), colour) for colour in ("#ff0000", "#00ff00", "#0000ff")]
    rgba = read_picture(file_of(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50))
    np.testing.assert_allclose(rgba, np.broadcast_to([1.0, 0, 0, 1], (5, 5, 4)), atol=0.01)


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_a_photograph_stands_upright(orientation, corner):
    picture = Image.new("L", (32, 16))
    picture.paste(255, (0, 0, 8, 8))  # stored top left; EXIF says where that belongs
    exif = Image.Exif()
    exif[0x0112] = orientation
    rgba = read_picture(file_of(picture, "JPEG", exif=exif, quality=95))
    assert rgba.shape[:2] == ((16, 32) if orientation in (1, 3) else (32, 16))
    assert rgba[*corner, 0] > 0.9
    assert rgba[..., 0].mean() == pytest.approx(64 / 512, abs=0.02)


def test_a_black_and_white_picture_is_read():
    assert read_picture(file_of(Image.new("1", (3, 2), 1))).tolist() == np.ones((2, 3, 4)).tolist()


# --- reading: what is no picture ---


def handmade_png(width, height, rows, depth=1, colour=0):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"Dear reader,\nthis is a text file renamed .png\n" * 50,
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"RIFF\0\0\0\0WEBP",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF\n",
        b"P5 3 3 255 123456789",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
    ids=repr,
)
def test_what_is_no_picture_gets_a_sentence(content):
    with pytest.raises(PictureError, match=r"^This .*\.$"):
        read_picture(content)
    with pytest.raises(PictureError):
        framed(content, (28, 28, 1), "mnist")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_damaged_picture_is_read_or_refused_but_never_crashes(kind):
    whole = file_of(Image.fromarray((noise(20, 30, 3) * 255).astype("uint8")), kind)
    rng, refused = np.random.default_rng(1), []
    for trial in range(120):
        damaged = bytearray(whole[: rng.integers(1, len(whole))] if trial % 2 else whole)
        for _ in range(trial % 5):
            damaged[rng.integers(min(len(damaged), 200))] ^= 1 << rng.integers(8)
        try:
            rgba = read_picture(bytes(damaged))
        except PictureError as error:
            refused.append(str(error))
        else:
            assert rgba.ndim == 3
            assert rgba.shape[2] == 4
            assert np.isfinite(rgba).all()
            assert 0 <= rgba.min() <= rgba.max() <= 1
    assert len(refused) > 10
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in refused)


IN_LITTLE_MEMORY = """
import resource, sys
from explorer.imaging import PictureError, read_picture
data = open(sys.argv[1], "rb").read()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 150_000_000,) * 2)
try:
    read_picture(data)
except PictureError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("width", "height"), [(20_000, 20_000), (9_000, 9_000), (100_000, 1_000), (39_000_000, 1), (1, 39_000), (20_001, 100)]
)
def test_a_png_that_swells_is_refused_at_once_and_in_little_memory(width, height, tmp_path, fresh_python):
    file = tmp_path / "bomb.png"
    file.write_bytes(handmade_png(width, height, bytes(height * (1 + width // 8))))
    assert file.stat().st_size < 1_000_000
    began = time.thread_time()  # of the processor: others may have it for longer
    with pytest.raises(PictureError, match="megapixels"):
        read_picture(file.read_bytes())
    assert time.thread_time() - began < 1
    finished = fresh_python(IN_LITTLE_MEMORY, file)
    assert finished.returncode == 0, finished.stderr
    assert "too many pixels; at most 40 megapixels" in finished.stdout


def test_of_a_large_jpeg_no_more_is_decoded_than_is_wanted(monkeypatch):
    file = io.BytesIO()
    Image.linear_gradient("L").resize((6_000, 4_000)).convert("RGB").save(file, "JPEG")
    sizes, load = [], JpegImagePlugin.JpegImageFile.load
    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load", lambda picture: (sizes.append(picture.size), load(picture))[1])
    found = read_picture(file.getvalue(), 3000)
    assert sizes[0] == (3000, 2000)
    assert found.shape == (2000, 3000, 4)
    np.testing.assert_allclose(found[::400, 5, 0], np.linspace(0, 0.8, 5), atol=0.02)


def test_a_large_photograph_is_still_read():
    rgba = read_picture(handmade_png(5_000, 4_000, bytes(4_000 * 626)))
    assert rgba.shape == (4_000, 5_000, 4)


def test_a_picture_is_reduced_where_less_will_do():
    picture = Image.new("RGBA", (3_000, 1_500), (255, 0, 0, 255))
    picture.paste((0, 0, 255, 255), (1_500, 0, 3_000, 1_500))
    rgba = read_picture(file_of(picture), 1_000)
    assert rgba.shape == (500, 1_000, 4)
    np.testing.assert_array_equal(rgba[:, [0, -1]].mean(0), [[1, 0, 0, 1], [0, 0, 1, 1]])
    assert read_picture(file_of(picture), 5_000).shape == (1_500, 3_000, 4)


def test_a_file_of_too_many_bytes_is_refused_before_it_is_looked_at():
    with pytest.raises(PictureError, match=r"26 MB; at most 25 MB"):
        read_picture(bytes(26_000_000))


# --- drawings, framed as the data sets frame theirs ---


def drawing(side=280, ink=0, paper=255, at=(90, 60), thick=24):
    """A seven: a bar and a leg."""
    picture = Image.new("L", (side, side), paper)
    x, y = at
    ImageDraw.Draw(picture).line([(x, y), (x + 90, y), (x + 30, y + 140)], fill=ink, width=thick, joint="curve")
    return picture


def centre_of_mass(image):
    total = image.sum()
    return [float((image.sum(1 - axis) * (np.arange(image.shape[axis]) + 0.5)).sum() / total) for axis in (0, 1)]


def box(image, above=0.1):
    rows, columns = np.flatnonzero((image > above).any(1)), np.flatnonzero((image > above).any(0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def test_a_drawing_is_framed_as_mnist_frames_its_digits():
    image = framed(file_of(drawing()), (28, 28, 1), "mnist")
    assert image.shape == (28, 28, 1)
    assert image.dtype == np.float32
    assert 0 <= image.min() <= image.max() <= 1
    grey = image[..., 0]
    assert max(box(grey)) == 20
    assert np.abs(np.array(centre_of_mass(grey)) - 14.5).max() <= 0.51  # MNIST's mean is 14.50; whole pixels can come no nearer
    assert grey.max() > 0.9
    assert grey[0].max() == grey[:, 0].max() == 0  # a black margin


def test_neither_place_nor_size_nor_colours_change_what_is_framed():
    expected = framed(file_of(drawing()), (28, 28, 1), "mnist")
    moved = framed(file_of(drawing(at=(150, 120))), (28, 28, 1), "mnist")
    np.testing.assert_allclose(moved, expected, atol=1e-5)
    chalk = framed(file_of(drawing(ink=255, paper=0)), (28, 28, 1), "mnist")
    np.testing.assert_allclose(chalk, expected, atol=1e-5)
    pencil = framed(file_of(drawing(ink=120, paper=240)), (28, 28, 1), "mnist")
    np.testing.assert_allclose(pencil, expected, atol=0.02)
    large = framed(file_of(drawing().resize((840, 840), Image.Resampling.NEAREST)), (28, 28, 1), "mnist")
    assert np.abs(large - expected).mean() < 0.01


@pytest.mark.parametrize("ink", [0, 255])
def test_a_cut_out_is_seen_whatever_colour_it_has(ink):
    mask = Image.eval(drawing(), lambda value: 255 - value)
    picture = Image.merge("LA", (Image.new("L", mask.size, ink), mask))
    expected = framed(file_of(drawing()), (28, 28, 1), "mnist")
    np.testing.assert_allclose(framed(file_of(picture), (28, 28, 1), "mnist"), expected, atol=1e-5)


def test_larger_pictures_are_the_same_with_a_margin():
    expected = np.pad(framed(file_of(drawing()), (28, 28, 1), "fashion"), ((2, 2), (2, 2), (0, 0)))
    np.testing.assert_array_equal(framed(file_of(drawing()), (32, 32, 1), "fashion"), expected)


def test_clothes_fill_their_picture():
    picture = Image.new("L", (200, 200), 255)
    picture.paste(40, (20, 10, 60, 90))  # 40 wide, 80 high, near a corner
    image = framed(file_of(picture), (28, 28, 1), "fashion")[..., 0]
    assert (image[:, 7:21] > 0.9).all()
    assert image[:, :7].max() == image[:, 21:].max() == 0


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("L", (280, 280), 255),
        Image.new("L", (280, 280), 0),
        Image.new("L", (280, 280), 128),
        Image.new("RGBA", (280, 280), (0, 0, 0, 0)),
        Image.new("RGBA", (280, 280), (255, 255, 255, 0)),
        Image.new("L", (1, 1), 0),
        Image.new("RGBA", (1, 1)),
    ],
    ids=["white", "black", "grey", "transparent", "transparent white", "one pixel in all", "one transparent pixel"],
)
@pytest.mark.parametrize("framing", ["mnist", "fashion"])
def test_an_empty_drawing_is_said_to_be_empty(picture, framing):
    with pytest.raises(PictureError, match="nothing to see"):
        framed(file_of(picture), (28, 28, 1), framing)


@pytest.mark.parametrize("paper", [0, 255])
def test_a_drawing_of_one_pixel_is_none_yet(paper):
    picture = Image.new("L", (280, 280), paper)
    picture.putpixel((140, 17), 255 - paper)
    with pytest.raises(PictureError, match="nothing to see"):
        framed(file_of(picture), (28, 28, 1), "mnist")


@pytest.mark.parametrize("size", [(2, 280), (280, 2), (3, 3), (28, 28), (2000, 30)])
def test_a_dot_of_any_size_and_a_line_of_any_length_make_a_sane_picture(size):
    picture = Image.new("L", (2400, 400), 255)
    picture.paste(0, (100, 50, 100 + size[0], 50 + size[1]))
    image = framed(file_of(picture), (28, 28, 1), "mnist")[..., 0]
    assert np.isfinite(image).all()
    assert max(box(image)) == 20
    assert np.abs(np.array(centre_of_mass(image)) - 14.5).max() <= 0.51


def test_photographs_with_noise_all_over_make_a_sane_picture():
    image = framed(file_of(Image.fromarray((noise(300, 200, 3) * 255).astype("uint8")), "JPEG"), (32, 32, 1), "fashion")
    assert image.shape == (32, 32, 1)
    assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.data
@pytest.mark.parametrize(("file", "framing"), [("mnist.npz", "mnist"), ("fashion_mnist.npz", "fashion")])
def test_the_data_sets_own_pictures_come_back_nearly_unchanged(real_data, file, framing):
    with np.load(real_data / file) as arrays:
        images = arrays["x_test"][:60]
    likeness = []
    for pixels in images:
        large = Image.fromarray(255 - pixels).resize((280, 280), Image.Resampling.BICUBIC)
        back = framed(file_of(large), (28, 28, 1), framing)[..., 0]
        likeness.append(np.corrcoef(back.ravel(), pixels.ravel())[0, 1])
    assert np.median(likeness) > 0.95  # one pixel off is 0.8
    assert np.mean(np.array(likeness) > 0.7) > 0.95


# --- a square cut from a photograph ---


def test_a_square_over_the_whole_picture_is_the_picture():
    picture = noise(64, 64, 3)
    np.testing.assert_allclose(imaging.cut(picture, (32, 32), 64, 0, 64), picture, atol=1e-6)
    np.testing.assert_allclose(imaging.cut(picture, (30, 35), 8, 0, 8), picture[31:39, 26:34], atol=1e-6)


@pytest.mark.parametrize(("angle", "turns"), [(90, 1), (180, 2), (270, 3), (-90, 3)])
def test_a_head_lying_on_its_side_is_set_upright(angle, turns):
    picture = noise(40, 40, 1)
    # a head tilted clockwise by 90 degrees stands after a quarter turn counterclockwise, as np.rot90 makes it
    np.testing.assert_allclose(imaging.cut(picture, (20, 20), 40, angle, 40), np.rot90(picture, turns), atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 8, 37])
def test_shrinking_takes_the_mean_of_areas(factor):
    small = noise(16, 16, 3)
    scattered = small.repeat(factor, 0).repeat(factor, 1) + 0.2 * (noise(16 * factor, 16 * factor, 1, seed=1) - 0.5)
    means = scattered.reshape(16, factor, 16, factor, 3).mean((1, 3)).clip(0, 1)
    found = imaging.cut(scattered, (8 * factor, 8 * factor), 16 * factor, 0, 16)
    assert np.abs(found - means).mean() < 0.03
    if factor < 4:
        np.testing.assert_allclose(found, means, atol=1e-5)


@pytest.mark.parametrize(
    ("side", "angle", "center"), [(64, 0, (250, 220)), (160, 30, (240, 230)), (90, -77, (260, 218)), (420, 12, (250, 240))]
)
def test_dots_come_out_where_geometry_says(side, angle, center):
    picture, turn = Image.new("RGB", (500, 480), "black"), np.radians(angle)
    dots = {(12, 20): (255, 0, 0), (44, 18): (0, 255, 0), (33, 50): (0, 0, 255)}  # x, y of 64 and colour
    radius = 1 + side / 30
    for (x, y), colour in dots.items():
        right, down = (x - 32) * side / 64, (y - 32) * side / 64
        at = (center[0] + right * np.cos(turn) - down * np.sin(turn), center[1] + right * np.sin(turn) + down * np.cos(turn))
        # Pillow's coordinates are those of pixel centres
        ImageDraw.Draw(picture).ellipse(
            [at[0] - 0.5 - radius, at[1] - 0.5 - radius, at[0] - 0.5 + radius, at[1] - 0.5 + radius], fill=colour
        )
    found = imaging.cut(np.asarray(picture, "float32") / 255, center, side, angle, 64)
    middles = np.arange(64) + 0.5
    for (x, y), colour in dots.items():
        shown = found[..., np.argmax(colour)]
        assert (shown.sum(0) @ middles) / shown.sum() == pytest.approx(x, abs=0.6)
        assert (shown.sum(1) @ middles) / shown.sum() == pytest.approx(y, abs=0.6)


def test_outside_the_picture_its_edge_goes_on():
    picture = np.zeros((20, 30, 3), "float32")
    picture[:, :15], picture[:, 15:] = (1, 0, 0), (0, 0, 1)
    found = imaging.cut(picture, (15, 10), 300, 0, 64)
    assert found.shape == (64, 64, 3)
    np.testing.assert_allclose(found[:, :30], np.broadcast_to([1, 0, 0], (64, 30, 3)), atol=1e-5)
    np.testing.assert_allclose(found[:, 34:], np.broadcast_to([0, 0, 1], (64, 30, 3)), atol=1e-5)
    np.testing.assert_allclose(imaging.cut(picture, (-500, 900), 40, 20, 8), np.broadcast_to([1, 0, 0], (8, 8, 3)), atol=1e-5)


def test_what_is_transparent_is_cut_over_white():
    picture = np.concatenate([noise(16, 16, 3), np.zeros((16, 16, 1), "float32")], -1)
    picture[:, 8:, 3] = 0.25
    found = imaging.cut(picture, (8, 8), 16, 0, 16)
    np.testing.assert_allclose(found[:, :8], 1, atol=1e-6)
    np.testing.assert_allclose(found[:, 8:], 0.25 * picture[:, 8:, :3] + 0.75, atol=1e-6)


@pytest.mark.parametrize("picture", [noise(1, 1, 3), noise(1, 200, 4), noise(200, 1, 1)])
def test_a_picture_of_hardly_any_pixels_can_be_cut(picture):
    found = imaging.cut(picture, (0.5, 0.5), 30, 10, 64)
    assert (found.dtype, found.shape) == (np.float32, (64, 64, min(3, picture.shape[-1])))
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize(
    ("center", "side", "angle"), [((1, 1), 0, 0), ((1, 1), -4, 0), ((np.nan, 1), 4, 0), ((1, 1), 4, np.inf), ((1, 1), np.nan, 0)]
)
def test_a_square_that_is_none_is_refused(center, side, angle):
    with pytest.raises(ValueError, match="a square needs"):
        imaging.cut(noise(8, 8, 3), center, side, angle, 64)


def test_a_square_of_a_large_photograph_is_cut_at_once():
    picture = np.broadcast_to(np.float32(0.5), (5000, 6000, 4)).copy()
    began = time.thread_time()
    found = imaging.cut(picture, (3000, 2500), 4500, 12, 64)
    assert time.thread_time() - began < 4  # 0.3 s on an idle machine
    np.testing.assert_allclose(found, 0.75, atol=1e-5)
