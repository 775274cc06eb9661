"""Photographs of digits on paper and of garments laid down, made from a data set's test pictures: seeded, nothing is stored.

A page is uint8 RGB, 480 x 400: paper that reflects 0.93, ink of its own darkness, light, then what a camera does (blur, noise, JPEG).
"""

import io

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 480, 400
DIGIT_PAGES = (
    "even", "falling light", "half shadow", "ruled", "squared", "table strip", "frame", "faint pencil", "thumb", "colour cast",
    "whiteboard", "chalk", "thin pen",
)  # fmt: skip
BACKGROUNDS = ("sheet", "wood", "blanket", "carpet", "chair")
JPEG_QUALITY = 88


def _sampled(digit, size):
    """uint8 (28, 28) -> float (size, size) in [0, 1], smooth."""
    return np.clip(cv2.resize(digit.astype("float32") / 255, (size, size), interpolation=cv2.INTER_CUBIC), 0, 1)


def _slope(random, low, high):
    """Light from `low` to `high` across the page, in any direction: float (h, w)."""
    angle = random.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    along = np.cos(angle) * x + np.sin(angle) * y
    return low + (high - low) * (along - along.min()) / np.ptp(along)


def _lines(random, across, pitch, thickness, wander=1.5):
    """How much of each pixel lines at a pitch cover, turned by up to 3 degrees: float (h, w)."""
    angle = np.radians(random.uniform(-3, 3))
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    along, over = (x, y) if across else (y, x)
    at = over * np.cos(angle) + along * np.sin(angle) + random.uniform(0, pitch) + wander * np.sin(along / 150)
    return np.clip(thickness / 2 + 0.5 - np.abs((at + pitch / 2) % pitch - pitch / 2), 0, 1)


def _outline(random, thickness):
    """A rectangle drawn by hand near the edge of the page: float (h, w)."""
    inset = random.uniform(8, 24, (4, 2))
    corners = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]]) + inset * [[1, 1], [-1, 1], [-1, -1], [1, -1]]
    drawn = np.zeros((HEIGHT, WIDTH), "uint8")
    cv2.polylines(drawn, [np.rint(corners).astype("int32")], True, 255, thickness, cv2.LINE_AA)
    return drawn / 255


def _blob(random):
    """A thumb that reaches in from a corner: float (h, w)."""
    drawn = np.zeros((HEIGHT, WIDTH), "uint8")
    corner = np.array([random.choice([0, WIDTH]), random.choice([0, HEIGHT])])
    inward = np.where(corner > 0, -1, 1)
    tip = corner + inward * random.uniform(28, 46, 2)
    cv2.line(
        drawn,
        tuple(int(c) for c in corner - 20 * inward),
        tuple(int(c) for c in tip),
        255,
        int(random.integers(56, 76)),
        cv2.LINE_AA,
    )
    return cv2.GaussianBlur(drawn, (0, 0), 1.5) / 255


def _strip(random):
    """Table beyond one edge of the paper: float (h, w)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    distance = [x, WIDTH - x, y, HEIGHT - y][random.integers(4)]
    other = y if distance is x or np.ptp(distance[0]) else x
    return np.clip(random.uniform(18, 70) + random.uniform(-0.06, 0.06) * (other - 200) - distance, 0, 1)


def _photographed(random, page):
    """float (h, w, 3) in [0, 1] -> the bytes of a JPEG: blurred, noisy."""
    page = cv2.GaussianBlur(page.astype("float32"), (0, 0), random.uniform(0.6, 1.2))
    page = page + random.normal(0, 0.012, page.shape)
    file = io.BytesIO()
    Image.fromarray(np.rint(np.clip(page, 0, 1) * 255).astype("uint8")).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def digits_page(kind, digits, seed):
    """A photograph of `digits`, uint8 (n, 28, 28), n 0 to 5, from left to right, of a kind of `DIGIT_PAGES`: the bytes of a JPEG."""
    random = np.random.default_rng([seed, sum(kind.encode())])
    ink = np.zeros((HEIGHT, WIDTH))
    n = len(digits)
    for i, digit in enumerate(digits):
        size = int(random.integers(170, 270) if n == 1 else min(random.integers(150, 180), 1.2 * (WIDTH - 60) / n))
        if kind == "thin pen":
            digit = cv2.erode(cv2.resize(digit, (280, 280), interpolation=cv2.INTER_CUBIC), np.ones((9, 9), "uint8"))
        drawn = _sampled(digit, size)
        slot = (WIDTH - 60) / n
        left = int(30 + slot * i + (slot - size) / 2 + (random.integers(-15, 16) if n == 1 else 0))
        top = int((HEIGHT - size) / 2 + random.integers(-30, 31))
        rows, columns = slice(max(0, top), top + size), slice(max(0, left), min(WIDTH, left + size))
        part = drawn[: rows.stop - rows.start, columns.start - left : columns.stop - left]
        ink[rows, columns] = np.maximum(ink[rows, columns], part)

    paper, darkness = 0.93 * np.ones((HEIGHT, WIDTH, 3)), random.uniform(0.75, 0.9)
    light = np.ones((HEIGHT, WIDTH))
    if kind == "falling light":
        light = _slope(random, 0.35, 1)
    elif kind == "half shadow":
        edge = cv2.GaussianBlur((_slope(random, 0, 1) > random.uniform(0.4, 0.6)).astype("float32"), (0, 0), random.uniform(2, 8))
        light = random.uniform(0.45, 0.6) + (1 - random.uniform(0.45, 0.6)) * edge
    elif kind == "ruled":
        lines = _lines(random, True, random.uniform(32, 46), random.uniform(1.5, 2.5))
        paper *= 1 - random.uniform(0.3, 0.6) * lines[..., None] * [1, 0.8, 0.5]
    elif kind == "squared":
        pitch, thickness = random.uniform(18, 28), random.uniform(1.2, 2)
        seed_angle = random.integers(2**31)  # both directions turned alike
        lines = np.maximum(*(_lines(np.random.default_rng(seed_angle), across, pitch, thickness) for across in (True, False)))
        paper *= 1 - random.uniform(0.25, 0.5) * lines[..., None] * [1, 0.8, 0.5]
    elif kind == "frame":
        ink = np.maximum(ink, _outline(random, int(random.integers(3, 7))))
    elif kind == "faint pencil":
        grain = cv2.GaussianBlur(random.random((HEIGHT, WIDTH)), (0, 0), 1.2)
        ink = ink * np.clip(1 + 4 * (grain - 0.5), 0.4, 1.3)
        darkness, light = random.uniform(0.2, 0.35), _slope(random, 0.45, 1)
    elif kind == "thumb":
        light = _slope(random, 0.7, 1)
    elif kind == "colour cast":
        paper *= np.array([[1, 0.82, 0.55], [0.7, 0.85, 1], [0.95, 1, 0.75]])[random.integers(3)]
        light = _slope(random, 0.55, 0.9)
    elif kind == "whiteboard":
        light = _slope(random, 0.6, 0.8)
    elif kind == "chalk":
        dust = cv2.GaussianBlur(random.random((HEIGHT, WIDTH)), (0, 0), 12)
        board = (0.14 + 0.5 * np.abs(dust - 0.5))[..., None] * [0.8, 1, 0.85]
        grain = np.clip(1 + 3 * (cv2.GaussianBlur(random.random((HEIGHT, WIDTH)), (0, 0), 1) - 0.5), 0.5, 1.2)
        page = board + (0.85 - board) * np.clip(ink * grain, 0, 1)[..., None]
        return _photographed(random, page * _slope(random, 0.6, 1)[..., None])
    colour = np.array([[1, 1, 1], [1, 0.9, 0.5], [0.4, 0.9, 1]])[random.integers(3) if kind not in ("faint pencil",) else 0]
    page = paper * (1 - np.clip(darkness * ink, 0, 1)[..., None] * colour) * light[..., None]
    if kind == "table strip":
        table = _strip(random)[..., None]
        page = page * (1 - table) + table * random.uniform(0.1, 0.4) * np.array([1, 0.8, 0.6])
    elif kind == "thumb":
        thumb = _blob(random)[..., None]
        page = page * (1 - thumb) + thumb * random.uniform(0.4, 0.75) * np.array([1, 0.75, 0.6])
    elif kind == "whiteboard":
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        for _ in range(2):
            at, wide = random.uniform((0, 0), (HEIGHT, WIDTH)), random.uniform(25, 60)
            page = page + 0.35 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 2 / wide**2)[..., None]
    return _photographed(random, page)


def _ground(kind, random):
    """What a garment lies on: float (h, w, 3) in [0, 1]."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    if kind == "sheet":
        folds = sum(np.sin(x * np.cos(a) / p + y * np.sin(a) / p) for a, p in random.uniform((0, 20), (np.pi, 60), (4, 2)))
        return (0.88 + 0.015 * folds)[..., None] * [1, 0.99, 0.96]
    if kind == "wood":
        grain = cv2.GaussianBlur(random.random((HEIGHT, WIDTH)), (0, 0), sigmaX=40, sigmaY=1.5)
        boards = 1 - 0.35 * (np.abs((y + 20) % 110 - 55) < 1.5)
        return ((0.62 + 2.2 * (grain - 0.5)) * boards)[..., None] * [1, 0.72, 0.46]
    if kind == "blanket":
        checks = 0.5 * ((x // 34 % 2) + (y // 34 % 2))
        return 0.75 * (1 - 0.35 * checks[..., None] * [0.3, 0.9, 1.0])
    if kind == "carpet":
        pile = cv2.GaussianBlur(random.random((HEIGHT, WIDTH)), (0, 0), 1.5)
        return np.clip(0.55 + 0.9 * (pile - 0.5), 0, 1)[..., None] * [0.65, 0.85, 1]
    back = 1 / (1 + np.exp((y - random.uniform(90, 150)) / 2))  # a chair: its back above its seat
    return (0.72 - 0.2 * back)[..., None] * [0.95, 1, 0.85]


def garment_page(kind, garment, seed):
    """A photograph of a garment, uint8 (28, 28), bright where it is dark as in Fashion-MNIST, on one of `BACKGROUNDS`: JPEG."""
    random = np.random.default_rng([seed, sum(kind.encode())])
    size = int(random.integers(230, 320))
    solid = cv2.morphologyEx((garment > 8).astype("uint8"), cv2.MORPH_CLOSE, np.ones((3, 3), "uint8"))
    garment = np.where(solid, garment, cv2.dilate(garment, np.ones((5, 5), "uint8")))  # no pale seam around it
    covered = np.clip(cv2.resize(solid.astype("float32"), (size, size), interpolation=cv2.INTER_CUBIC), 0, 1)
    cloth = 0.95 - 0.85 * _sampled(garment, size)
    page = _ground(kind, random)
    top, left = int((HEIGHT - size) / 2 + random.integers(-30, 31)), int((WIDTH - size) / 2 + random.integers(-20, 21))
    under = page[top : top + size, left : left + size]
    shade = cv2.GaussianBlur(covered, (0, 0), 5)[..., None]
    under *= 1 - 0.25 * shade
    under += covered[..., None] * (cloth[..., None] - under)
    return _photographed(random, page * _slope(random, 0.65, 1)[..., None])
