"""What the framing net learns from: CelebA's faces, moved, in front of other pictures.

The net sees windows into a face's square that are shifted, scaled and turned at random. Around the square lie the mirrored
face, its edge or another picture, blended in or not, so that the square's border tells nothing.
"""

import io
import os
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import ops
from PIL import Image

from explorer import data, imaging
from explorer.judges import framing

FLOWERS = "flowers128.zip"
HELD_OUT = 3  # of the flowers' numbers mod 10: measured with, not trained on
SIDE = 64  # of the faces


def flowers(held_out, folder=None):
    """Oxford's flowers as grey pictures without faces, uint8 (n, 128, 128); none if `flowers128.zip` is not there."""
    path = Path(folder or os.environ.get("EXPLORER_DATA") or ".", FLOWERS)
    if not path.is_file():
        return np.zeros((0, 128, 128), "uint8")
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        names = [name for name in names if (int(name[-9:-4]) % 10 == HELD_OUT) == held_out]
        return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("L")) for name in names])


def textures(n, rng, side=128):
    """Made-up pictures without faces, uint8 (n, side, side): noise of several scales, light from one side, flat patches."""
    made = np.zeros((n, side, side), "float32")
    for octave in (2, 4, 8, 16, 32, 64, 128):
        weight = rng.exponential(size=(n, 1, 1)) * rng.choice([0, 1], (n, 1, 1))
        made += weight * rng.standard_normal((n, octave, octave)).repeat(side // octave, 1).repeat(side // octave, 2)
    y, x = np.mgrid[:side, :side] / side
    slope = rng.normal(0, 2, (2, n, 1, 1))
    made += slope[0] * x + slope[1] * y
    for picture in made:
        for _ in range(rng.integers(0, 7)):
            (left, right), (top, bottom) = np.sort(rng.integers(0, side, (2, 2)))
            patch = rng.normal(0, 1.5)
            if rng.random() < 0.5:
                picture[top:bottom, left:right] = patch
            else:
                cx, cy, rx, ry = (left + right) / 2, (top + bottom) / 2, (right - left) / 2 + 1, (bottom - top) / 2 + 1
                picture[((x * side - cx) / rx) ** 2 + ((y * side - cy) / ry) ** 2 < 1] = patch
    low, high = made.min((1, 2), keepdims=True), made.max((1, 2), keepdims=True)
    return imaging.to_bytes((made - low) / (high - low + 1e-6))


def read(pictures, which, x, y):
    """pictures (m, h, w) read at x, y (n, ...) of picture `which` (n,), bilinear, mirrored at the edges: float32 (n, ...)."""
    height, width = pictures.shape[1:]
    x, y = (side - 0.5 - np.abs(side - np.mod(a, 2 * side)) for a, side in ((x, width), (y, height)))
    x, y = np.clip(x, 0, width - 1.001).astype("float32"), np.clip(y, 0, height - 1.001).astype("float32")
    left, top = x.astype("int32"), y.astype("int32")
    x, y = x - left, y - top
    start = which.reshape(-1, *[1] * (x.ndim - 1)).astype("int64") * (height * width) + top * width + left
    flat = pictures.reshape(-1)
    above = flat[start] * (1 - x) + flat[start + 1] * x
    below = flat[start + width] * (1 - x) + flat[start + width + 1] * x
    return above * (1 - y) + below * y


class Windows(keras.utils.PyDataset):
    """Batches of windows with what the net should answer, float32 (n, 5): 1 for a face or 0, and the correction.

    `faces` and `backgrounds`: uint8 (n, 64, 64) and (m, 128, 128). Face: within a quarter of the square, 1.6 times its size
    and 35 degrees; no face: half a square or twice the size off, or a background alone. Nothing between is shown.
    """

    def __init__(self, faces, backgrounds, size, batch_size, seed):
        super().__init__()
        self.faces, self.backgrounds, self.batch_size = faces, backgrounds, batch_size
        self.across, self.down = (steps.astype("float32") for steps in framing.lattice(size))
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(faces))

    def __len__(self):
        return len(self.faces) // self.batch_size

    def on_epoch_end(self):
        self._order = self._rng.permutation(len(self.faces))

    def __getitem__(self, index):
        which, rng = self._order[index * self.batch_size : (index + 1) * self.batch_size], self._rng
        n = len(which)
        kind = rng.choice(4, n, p=(0.2, 0.25, 0.15, 0.4))  # near, nearer, off, background
        reach = np.where(kind == 1, 0.3, 1.0)
        dx, dy = rng.uniform(-0.25, 0.25, (2, n)) * reach
        larger = rng.uniform(-0.47, 0.47, n) * reach  # of the window than the face's square, a logarithm
        turn = np.radians(rng.uniform(-35, 35, n)) * reach
        # off: by place or by size
        by_place = rng.random(n) < 0.6
        far = rng.uniform(0.5, 1.0, n)
        around = rng.uniform(0, 2 * np.pi, n)
        off = kind == 2
        dx, dy = np.where(off & by_place, far * np.cos(around), dx), np.where(off & by_place, far * np.sin(around), dy)
        larger = np.where(off & ~by_place, rng.choice([-1, 1], n) * rng.uniform(0.75, 1.6, n), larger)
        turn = np.where(off, rng.uniform(-np.pi, np.pi, n), turn)

        cos, sin, side = np.cos(turn), np.sin(turn), np.exp(larger)
        x, y, c, s = (a.astype("float32")[:, None, None] for a in (dx, dy, side * cos, side * sin))
        x, y = x + c * self.across - s * self.down, y + s * self.across + c * self.down  # in the face's square, 0 its centre
        windows = self._scene(which, x, y, kind < 3)
        answers = np.zeros((n, 5), "float32")
        answers[:, 0] = kind < 2
        right, down = -(cos * dx + sin * dy) / side, -(-sin * dx + cos * dy) / side
        answers[:, 1:] = np.stack([right, down, -larger, -turn], -1) / framing.STEP * answers[:, :1]
        return framing.standardised(self._worse(windows)), answers

    def _scene(self, which, x, y, with_face):
        """The window's pixels, (n, h, w) in [0, 1]: a face, half of them mirrored, in front of something."""
        rng, n = self._rng, len(which)
        mirror = rng.choice(np.array([-1, 1], "float32"), (n, 1, 1))
        u, v = SIDE * (0.5 + mirror * x), SIDE * (0.5 + y)
        border = rng.choice(3, n)[:, None, None]  # mirrored, the edge, another picture
        inside = border == 1
        u, v = np.where(inside, np.clip(u, 0.5, SIDE - 0.5), u), np.where(inside, np.clip(v, 0.5, SIDE - 0.5), v)
        face = read(self.faces, which, u, v) / 255
        zoom = np.exp(rng.uniform(np.log(16), np.log(160), (1, n, 1, 1))).astype("float32")
        corner = rng.uniform(0, 128, (2, n, 1, 1)).astype("float32")
        picture = rng.integers(0, len(self.backgrounds), n)
        behind = read(self.backgrounds, picture, corner[0] + zoom[0] * x, corner[1] + zoom[0] * y) / 255
        behind = np.where(rng.random((n, 1, 1)) < 0.2, rng.random((n, 1, 1), "float32"), behind)
        soft = rng.uniform(0.002, 0.12, (n, 1, 1)).astype("float32")
        shown = np.clip((0.5 - np.maximum(np.abs(x), np.abs(y))) / soft, 0, 1) * with_face[:, None, None]
        shown = np.where((border < 2) & with_face[:, None, None], 1, shown)
        return shown * face + (1 - shown) * behind

    def _worse(self, windows):
        """Other light, blur, noise and things in the way."""
        rng, n = self._rng, len(windows)
        windows = np.clip(windows, 0, 1) ** np.exp(rng.uniform(-0.7, 0.7, (n, 1, 1))).astype("float32")
        slope = rng.normal(0, 0.3, (2, n, 1, 1)).astype("float32")
        windows = windows + slope[0] * self.across + slope[1] * self.down
        blurred, size = windows.copy(), windows.shape[1]
        neighbours = [windows[:, i : size - 2 + i, j : size - 2 + j] for i in range(3) for j in range(3)]
        blurred[:, 1:-1, 1:-1] = sum(neighbours) / 9
        windows += rng.choice(np.array([0, 0, 0.5, 1], "float32"), (n, 1, 1)) * (blurred - windows)
        windows += rng.uniform(0, 0.06, (n, 1, 1)).astype("float32") * rng.standard_normal(windows.shape, "float32")
        for i in np.flatnonzero(rng.random(n) < 0.2):  # a hand, a microphone, a lock of hair
            height, width = rng.integers(4, windows.shape[1] // 3, 2)
            top, left = rng.integers(0, windows.shape[1] - height), rng.integers(0, windows.shape[2] - width)
            windows[i, top : top + height, left : left + width] = rng.random()
        return windows


def windows(recipe, data_folder=None):
    """The training windows of a recipe."""
    rng = np.random.default_rng(recipe["seed"])
    faces = imaging.to_bytes(imaging.grey(data.load(recipe["data"], "train", SIDE, data_folder)[0]))
    backgrounds = np.concatenate([flowers(False, data_folder), textures(recipe["textures"], rng)])
    return Windows(faces, backgrounds, recipe["image_shape"][0], recipe["batch_size"], recipe["seed"])


def loss(answers, outputs):
    """Cross-entropy of the face's logit, and where there is one, Huber's loss of the four corrections."""
    face = answers[:, 0]
    logit = outputs[:, 0]
    unsure = ops.relu(logit) - logit * face + ops.softplus(-ops.abs(logit))
    error = ops.abs(answers[:, 1:] - outputs[:, 1:])
    huber = ops.where(error < 1, 0.5 * ops.square(error), error - 0.5)
    return ops.mean(unsure + face * ops.sum(huber, -1))
