"""Arrays to files and back: PNG, strips, grids, GIF, WebP, MP4, ZIP, NPZ; and the pictures people bring, made into clean arrays.

Pictures are float (h, w, c) in [0, 1], c 1 or 3. Every file that is written carries the state that made it.
"""

import base64
import io
import struct
import warnings
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from explorer.errors import InputError

MOST_PIXELS = 40_000_000  # a 30-megapixel photograph, with some to spare
MOST_SIDE = 20_000  # a panorama, with some to spare: beyond it a row alone is large
MOST_BYTES = 25_000_000
LONGEST = 3000  # pixels along a side, more than enough for what becomes a picture of at most 64
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")  # Pillow would hand an EPS to Ghostscript
DEPTHS = (8, 10, 12, 14, 16, 24, 31, 32)  # bits of a value
_BRIGHTEST = 2.0  # of numbers that are not whole, where 1 is white: a little too light, not of another range
STATE_KEY = "latent-explorer"  # of the PNG's text chunk
STATE_NAME = "state.txt"  # of the ZIP's member
MOST_STATE = 60_000  # characters, about as many as an address may have on its way to the server
_COLOURS = 64  # of a GIF: a quarter of what there may be, for half of the bytes
_H264 = {"crf": "20", "movflags": "faststart"}  # four seconds of 512 x 512 have a few hundred kB
_NUDGE = 16  # of a value of 255: what a WebP's encoder does not take for equal
_DESCRIPTION = 0x010E  # EXIF's ImageDescription
_WIDTH, _HEIGHT, _ORIENTATION, _SAMPLE_FORMAT = 256, 257, 274, 339  # TIFF's tags


class PictureError(InputError):
    """A picture that cannot be used; the message says what to do."""


def to_bytes(images):
    """float in [0, 1] -> uint8, rounded; uint8 stays as it is."""
    if images.dtype == np.uint8:
        return images
    return np.rint(np.clip(images, 0, 1) * 255).astype("uint8")


def enlarged(images, size):
    """(..., h, w, c) -> whole-number enlargement without smoothing, to at most `size` pixels a side, at least once."""
    factor = max(1, size // max(images.shape[-3:-1]))
    return images.repeat(factor, axis=-3).repeat(factor, axis=-2)


def smooth(images, size):
    """uint8 (n, h, w, c) -> (n, size, size, c), enlarged smoothly: what suits photographs."""
    resized = [to_pillow(image).resize((size, size), Image.Resampling.LANCZOS) for image in images]
    return np.stack([np.asarray(image).reshape(size, size, -1) for image in resized])


def grid(images, columns, gap=0):
    """(n, h, w, c) -> one picture, row by row, with `gap` pixels of middle grey between."""
    images = np.asarray(images)
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    grey = 128 if images.dtype == np.uint8 else 0.5
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, channels), grey, images.dtype)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def strip(images, gap=0):
    """(n, h, w, c) -> one picture, side by side."""
    return grid(images, len(images), gap)


def to_pillow(image):
    """float (h, w, c) in [0, 1] or uint8 -> PIL image, grey or RGB."""
    pixels = to_bytes(image)
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def png(image, state=""):
    """A picture as the bytes of a PNG file with its state in a text chunk."""
    info, file = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_text(STATE_KEY, state)
    to_pillow(image).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def gif(images, state="", seconds=0.12):
    """Frames (h, w, c) as the bytes of an endless GIF with its state in the comment: as many frames as were given, each shown as
    long as the others. Any iterable gives them, one after the other; all that are in colour have one palette."""
    images = list(images) if iter(images) is images else images  # gone through twice
    shades, file = _palette(images), io.BytesIO()
    frames = (_with_palette(to_pillow(image), shades) for image in images)
    duration = 10 * max(1, round(100 * seconds))  # whole hundredths of a second are what a GIF knows
    next(frames).save(
        file, "GIF", save_all=True, append_images=frames, duration=duration, loop=0, optimize=False, comment=state.encode()
    )
    return _with_every_frame(file.getvalue(), duration // 10)


def _palette(images):
    """A picture with the palette of frames in colour, found among some of their pixels; None of frames in grey."""
    some = []
    for image in images:
        if image.shape[-1] == 1:
            return None
        stride = -(-max(image.shape[:2]) // 64)
        some.append(to_bytes(image[::stride, ::stride]).reshape(-1, 3))
    return Image.fromarray(np.concatenate(some)[None]).quantize(_COLOURS, Image.Quantize.MEDIANCUT, kmeans=8)


def _with_palette(frame, shades):
    """Without dithering, whose dots take as many bytes as the picture."""
    return frame.quantize(palette=shades, dither=Image.Dither.NONE) if shades else frame


def _with_every_frame(data, delay):
    """A GIF of Pillow's, in which frames that equal the one before are its longer delay, with each of them a frame of `delay`
    hundredths of a second: one transparent pixel."""
    still = b"!\xf9\x04\x05" + struct.pack("<H", delay) + b"\0\0" + b"," + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\2\2\x44\1\0"
    found, repeats = [], 0

    def table(flags):
        return 3 << (flags & 7) + 1 if flags & 0x80 else 0

    def blocks(at):
        while data[at]:
            at += 1 + data[at]
        return at + 1

    at = 13 + table(data[10])
    found.append(data[:at])
    while data[at : at + 1] != b";":
        if data[at] == 0x2C:
            end = blocks(at + 11 + table(data[at + 9]))
            found += [data[at:end], still * repeats]
        elif data[at + 1] == 0xF9:
            end = blocks(at + 2)
            (held,) = struct.unpack_from("<H", data, at + 4)
            repeats = held // delay - 1
            found.append(data[at : at + 4] + struct.pack("<H", delay) + data[at + 6 : end])
        else:
            end = blocks(at + 2)
            found.append(data[at:end])
        at = end
    return b"".join([*found, data[at:]])


def mp4(images, state="", seconds=0.12):
    """Frames as of `gif`, as the bytes of an H.264 MP4 with its state in the comment; sides are padded to even numbers."""
    import av

    file, stream = io.BytesIO(), None
    with av.open(file, "w", format="mp4") as container:
        container.metadata["comment"] = state
        for image in images:
            pixels = to_bytes(np.asarray(image))
            pixels = pixels.repeat(3, -1) if pixels.shape[-1] == 1 else pixels
            pixels = np.pad(pixels, ((0, pixels.shape[0] % 2), (0, pixels.shape[1] % 2), (0, 0)), mode="edge")
            if stream is None:
                stream = container.add_stream("libx264", rate=round(1 / seconds), options=_H264)
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = "yuv420p"  # what browsers and phones play
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def webp(images, state="", seconds=0.12):
    """Frames as of `gif`, as the bytes of an endless WebP in full colour with its state in EXIF's ImageDescription."""
    first, *others = map(to_pillow, _apart(images))
    exif, file = Image.Exif(), io.BytesIO()
    exif[_DESCRIPTION] = state
    duration = round(1000 * seconds)
    first.save(
        file, "WEBP", save_all=True, append_images=others, duration=duration, loop=0, quality=90, method=4, exif=exif.tobytes()
    )
    return file.getvalue()


def _apart(images):
    """Frames, of which one that hardly differs from the one before has another pixel in its corner: else both are merged."""
    last = None
    for image in images:
        pixels = to_bytes(np.asarray(image))
        if last is not None and np.abs(pixels.astype("int16") - last).max() < _NUDGE:
            pixels = pixels.copy()
            pixels[0, 0] = last[0, 0] ^ _NUDGE
        last = pixels
        yield pixels


def frames_zip(images, state=""):
    """Frames as of `gif`, as the bytes of a ZIP of PNGs (000.png, ...), each with the state, which is its state.txt too."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:  # not compressed again
        archive.writestr(zipfile.ZipInfo(STATE_NAME), state)  # which has no date: the same frames are the same file
        for number, image in enumerate(images):
            archive.writestr(zipfile.ZipInfo(f"{number:03}.png"), png(image, state))
    return file.getvalue()


def npz(arrays, state=""):
    """Arrays by name as the bytes of NumPy's file of arrays; `state` is one of them."""
    file = io.BytesIO()
    np.savez(file, **arrays, state=np.array(state))
    return file.getvalue()


def ssim(a, b, sigma=1.5, reach=5):
    """Structural similarity of pictures (n, h, w, c) in [0, 1], mean over windows and channels: float64 (n,), 1 where equal.

    Wang, Bovik, Sheikh and Simoncelli 2004: Gaussian windows of 11 x 11 and sigma 1.5 within the picture, K1 0.01, K2 0.03.
    """
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * np.square(offsets / sigma))
    weights /= weights.sum()

    def blurred(images):
        for axis in (1, 2):
            windows = np.lib.stride_tricks.sliding_window_view(images, 2 * reach + 1, axis)
            images = windows @ weights
        return images

    a, b = np.asarray(a, "float64"), np.asarray(b, "float64")
    mean_a, mean_b = blurred(a), blurred(b)
    var_a, var_b = blurred(a * a) - mean_a**2, blurred(b * b) - mean_b**2
    covariance = blurred(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    index = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return index.mean((1, 2, 3))


def state_of(file_bytes):
    """The state in a file that this module wrote, or what another program wrote in its place; "" if there is none.

    Of any bytes whatever: nothing is decoded, and nothing longer than `MOST_STATE` is read; PictureError for a longer one.
    """
    if file_bytes[4:8] == b"ftyp":
        text = _mp4_comment(file_bytes)
    elif file_bytes[:2] == b"PK":
        text = _zip_state(file_bytes)
    else:
        text = _picture_state(file_bytes)
    if len(text) > MOST_STATE:
        raise PictureError(f"The state in this file has more than {MOST_STATE:,} characters: no picture of ours needs as many.")
    return text


def _mp4_comment(file_bytes):
    """The comment among an MP4's tags: an atom within an atom, each with its length and its name, and the type of the text."""
    at = file_bytes.rfind(b"\xa9cmt")
    if at < 0 or file_bytes[at + 8 : at + 12] != b"data":
        return ""
    (length,) = struct.unpack(">I", file_bytes[at + 4 : at + 8])
    return file_bytes[at + 20 : at + 4 + min(length, 4 * MOST_STATE)].decode(errors="replace")


def _zip_state(file_bytes):
    """The state of `frames_zip` or `npz`, of which the array's header says whether it is a text of a length that one has."""
    try:
        with zipfile.ZipFile(io.BytesIO(file_bytes)) as archive:
            name = next((name for name in (STATE_NAME, "state.npy") if name in archive.namelist()), None)
            if name is None:
                return ""
            with archive.open(name) as member:
                if name == STATE_NAME:
                    return member.read(MOST_STATE + 1).decode(errors="replace")
                np.lib.format.read_magic(member)
                shape, _, kind = np.lib.format.read_array_header_1_0(member)
                if shape != () or kind.kind != "U":
                    return ""
                return member.read(4 * MOST_STATE + 4)[: kind.itemsize].decode("utf-32-le", errors="replace")
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, OSError, EOFError):
        return ""


def _picture_state(file_bytes):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # no pixel is looked at
            picture = Image.open(io.BytesIO(file_bytes), formats=FORMATS)
            info = picture.info
            found = info.get(STATE_KEY) or info.get("comment") or (picture.getexif().get(_DESCRIPTION) if "exif" in info else "")
    except (Image.DecompressionBombError, UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        return ""
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found or "")


def read_picture(file_bytes, longest=None):
    """The bytes of any picture file -> float32 (h, w, 4), RGB and alpha in [0, 1], upright, reduced to `longest` pixels.

    The first frame of an animation; EXIF rotation is applied; CMYK and palette pictures are converted, deep ones as `white` says.
    Raises PictureError for what is no picture, is damaged or too large.
    """
    if len(file_bytes) > MOST_BYTES:
        raise PictureError(f"This file has {len(file_bytes) / 1e6:.0f} MB; at most {MOST_BYTES / 1e6:.0f} MB can be read.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(file_bytes), formats=FORMATS)
            width, height = picture.size
            if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
                raise Image.DecompressionBombError
            if longest:  # a JPEG is decoded at half, a quarter or an eighth, where that is enough
                picture.draft(None, [max(1, longest * side // max(width, height, 1)) for side in (width, height)])
            unsigned = picture.format == "TIFF" and picture.mode == "I" and picture.tag_v2.get(_SAMPLE_FORMAT, (1,))[0] == 1
            deep = ";16" in str(picture.tile) and picture.mode in ("RGB", "RGBA", "LA")
            picture.load()
            if deep:
                picture = _in_eight_bits(picture, file_bytes)
            if unsigned:
                picture = _of_values(np.asarray(picture).astype("int32").view("uint32"), picture.getexif())
            return _to_rgba(ImageOps.exif_transpose(picture), longest)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(
            f"This picture has too many pixels; at most {MOST_PIXELS / 1e6:.0f} megapixels, {MOST_SIDE:,} along a side, can be "
            "read. Make it smaller first."
        ) from None
    except UnidentifiedImageError:
        if (picture := _deep_tiff(file_bytes)) is None:
            raise PictureError(_unread(file_bytes)) from None
        return _to_rgba(ImageOps.exif_transpose(picture), longest)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise PictureError(f"This picture cannot be read ({error}). Open it in an image program and save it again.") from None


def of_data_url(text):
    """The bytes of a picture that came as a data URL or as base64; PictureError if it did not arrive whole."""
    try:
        return base64.b64decode(str(text).split(",")[-1], validate=True)
    except ValueError:  # binascii.Error is one, and there is another for what is no ASCII
        raise PictureError("The picture did not arrive whole. Try again.") from None


def white(values, whole):
    """The value of white among those of a picture, which few files name: float.

    Of `whole` numbers the largest of the fewest usual bits that hold them all, since a scanner of 12 bits fills files of 16; of
    others 1, if the brightest is not far above.
    """
    most = float(values.max(initial=0))
    if not whole and most <= _BRIGHTEST:
        return 1.0
    return next((2.0**bits - 1 for bits in DEPTHS if most < 2.0**bits), max(most, 1.0))


def _in_eight_bits(picture, file_bytes):
    """A picture in colour of 16 bits, of which Pillow kept the upper ones, as large as `white` says: where values are small it kept
    nothing."""
    import cv2

    values = cv2.imdecode(np.frombuffer(file_bytes, "uint8"), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3 or values.shape[1::-1] != picture.size:
        return picture
    colours = values[..., 2::-1]
    if (top := white(colours, whole=True)) == 65535:
        return picture
    bands = [*Image.fromarray(to_bytes(colours / np.float32(top))).split()]
    if "A" in picture.mode:
        bands.append(picture.getchannel("A"))
    deep = Image.merge("RGBA" if "A" in picture.mode else "RGB", bands)
    deep.info["exif"] = picture.getexif().tobytes()  # how it stands
    return deep


def _deep_tiff(file_bytes):
    """A TIFF of numbers that Pillow does not know, such as colours as floats and numbers of 64 bits; None if it is none."""
    import cv2

    if file_bytes[:4] not in (b"II*\0", b"MM\0*"):
        return None
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(file_bytes[:8])
        file = io.BytesIO(file_bytes)
        file.seek(tags.next)
        tags.load(file)
        if tags[_WIDTH] * tags[_HEIGHT] > MOST_PIXELS:
            return None
        values = cv2.imdecode(np.frombuffer(file_bytes, "uint8"), cv2.IMREAD_UNCHANGED)
    except (cv2.error, KeyError, TypeError, SyntaxError, ValueError, OSError, struct.error):
        return None
    if values is None:
        return None
    exif = Image.Exif()
    exif[_ORIENTATION] = tags.get(_ORIENTATION, 1)
    return _of_values(values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]], exif)


def _of_values(values, exif):
    """Numbers (h, w) or (h, w, 3 or 4) of any type as a picture, as large as `white` says; it stands as `exif` says."""
    whole = values.dtype.kind in "iu"
    values = np.nan_to_num(values.astype("float64"), posinf=0, neginf=0)
    colours = values[..., :3] if values.ndim == 3 else values
    scaled = np.clip(colours / white(colours, whole), 0, 1)
    if values.ndim == 3:
        alpha = [np.clip(values[..., 3:] / white(values[..., 3:], whole), 0, 1)] if values.shape[2] == 4 else []
        picture = Image.fromarray(to_bytes(np.concatenate([scaled, *alpha], -1)))
    else:
        picture = Image.fromarray(scaled.astype("float32"))
    picture.info["exif"] = exif.tobytes()
    return picture


def _unread(file_bytes):
    """What to say of a file that is none of `FORMATS`."""
    known = "PNG, JPEG, GIF, BMP, TIFF, WebP or AVIF"
    if file_bytes[4:8] == b"ftyp" and any(brand in file_bytes[8:64] for brand in (b"hei", b"hev", b"mif1", b"msf1")):
        return "This is a HEIC photograph, which cannot be read here. Export or save it as JPEG first."
    start = file_bytes[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<") and b"<svg" in start:
        return "This is an SVG drawing, which has no pixels to read. Export it as PNG first."
    return f"This file is not a picture. Choose a {known} file."


def _to_rgba(picture, longest):
    if picture.mode.startswith("I") or picture.mode == "F":  # Pillow's convert would clip at 255
        values = np.nan_to_num(np.asarray(picture), posinf=0, neginf=0)
        grey = Image.fromarray(np.clip(values / white(values, picture.mode != "F"), 0, 1).astype("float32"))
        if longest:
            grey.thumbnail((longest, longest))
        grey = np.clip(np.asarray(grey), 0, 1)
        return np.stack([grey, grey, grey, np.ones_like(grey)], -1)
    picture = picture.convert("RGBA")
    if longest:
        picture.thumbnail((longest, longest))
    rgba = np.array(picture, "float32")
    rgba /= 255
    return rgba


def fitted(file_bytes, image_shape):
    """The middle of any picture, as large as it fits -> float32 image_shape (h, w, 1 or 3) in [0, 1], on white what is transparent.

    Raises PictureError as `read_picture` does.
    """
    picture = opaque(read_picture(file_bytes, LONGEST))
    height, width, channels = image_shape
    scale = max(height / picture.shape[0], width / picture.shape[1])
    across, down = width / scale / 2, height / scale / 2
    y, x = picture.shape[0] / 2, picture.shape[1] / 2
    whole = to_pillow(to_bytes(picture)).resize((width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC,
                                                (max(0, x - across), max(0, y - down), x + across, y + down))  # fmt: skip
    seen = np.asarray(whole, "float32") / 255
    return seen if channels == 3 else seen @ np.array([[0.299], [0.587], [0.114]], "float32")


def opaque(picture):
    """(h, w, 4) over white -> (h, w, 3); pictures without alpha stay as they are."""
    return picture[..., :3] * picture[..., 3:] + (1 - picture[..., 3:]) if picture.shape[-1] == 4 else picture


def grey(picture):
    """(h, w, 1, 3 or 4) -> luma (h, w), what is transparent over white."""
    picture = opaque(picture)
    return picture @ np.array([0.299, 0.587, 0.114], "float32") if picture.shape[-1] == 3 else picture[..., 0]


def shrunk(picture, factor):
    """(h, w, c) -> the means of squares of `factor` pixels, what is transparent over white; the last may be narrower."""
    columns = np.arange(0, picture.shape[1], factor)
    widths = np.diff(columns, append=picture.shape[1])[:, None].astype("float32")
    # band by band: a photograph's 30 megapixels do not fit the processor's cache
    bands = (opaque(picture[top : top + factor]).mean(0) for top in range(0, len(picture), factor))
    return np.stack([np.add.reduceat(band, columns, axis=0) / widths for band in bands])


def sampled(picture, x, y):
    """(h, w, ...) read at x, y (any shape; pixel i spans i to i + 1), bilinear; outside the picture its edge goes on."""
    height, width = picture.shape[:2]
    x, y = np.clip(x - 0.5, 0, width - 1), np.clip(y - 0.5, 0, height - 1)
    left, top = np.minimum(x.astype(int), max(0, width - 2)), np.minimum(y.astype(int), max(0, height - 2))
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = ((a - b).astype("float32").reshape(a.shape + (1,) * (picture.ndim - 2)) for a, b in ((x, left), (y, top)))
    above = picture[top, left] * (1 - x) + picture[top, right] * x
    below = picture[bottom, left] * (1 - x) + picture[bottom, right] * x
    return above * (1 - y) + below * y


def cut(picture, center, side, angle, image_size):
    """A square of a picture, float (h, w, 1, 3 or 4) in [0, 1] -> float32 (image_size, image_size, c), alpha over white.

    `center` (x, y) and `side` are in the picture's pixels; `angle` in degrees turns the square clockwise, so that a head
    tilted as far comes out upright. Shrinking averages areas; outside the picture its edge goes on.
    """
    if not (side > 0 and np.isfinite([*center, side, angle]).all()):
        raise InputError(f"a square needs a finite centre and angle and a side above 0, got {center}, {side}, {angle}")
    x, y = center
    reach = 0.75 * side + 2  # of the corners, with some to spare
    height, width = picture.shape[:2]
    left, top = (int(np.clip(c - reach, 0, whole - 1)) for c, whole in ((x, width), (y, height)))
    right, bottom = (int(np.clip(np.ceil(c + reach), 1, whole)) for c, whole in ((x, width), (y, height)))
    factor = max(1, int(side / image_size / 8))
    picture = shrunk(picture[top : max(bottom, top + 1), left : max(right, left + 1)], factor)
    x, y, side = (x - left) / factor, (y - top) / factor, side / factor
    often = max(1, int(np.ceil(side / image_size - 1e-6)))  # points a pixel and direction, none farther apart than the picture's
    steps = side * ((np.arange(image_size * often) + 0.5) / (image_size * often) - 0.5)
    across, down = np.meshgrid(steps, steps)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    points = sampled(picture, x + cos * across - sin * down, y + sin * across + cos * down)
    return np.clip(shrunk(points, often), 0, 1).astype("float32")
