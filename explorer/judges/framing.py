"""Framing: finds the face in a photograph and the square around it that CelebA would have cut.

OpenCV's Haar cascade (Viola and Jones 2001; it knows real photographs) proposes squares; a small net of our own, which saw
CelebA's training faces only, corrects each of them a few times and says how certain it is that a face stands there. Both
see grey only. In the 64x64 square the eyes lie at about (25, 33) and (39, 33).
"""

import math
import threading
from dataclasses import dataclass

import cv2
import keras
import numpy as np
from keras import layers

from explorer import imaging
from explorer.generators.files import KerasFile

OUTPUTS = ["face", "right", "down", "larger", "clockwise"]  # the logit of a face, and how the window must move to frame it
STEP = np.array([0.1, 0.1, 0.2, 0.2], "float32")  # one unit of a correction: shares of the side, log of the side, radians
WINDOW = 0.75  # the net sees the middle of the square: what lies around a face in a photograph says little
EYES = np.array([[25.0, 33.0], [39.0, 33.0]]) / 64  # of the square

_LONGEST = 512  # pixels of the copy that is searched: faces of a tenth of the picture are found at this size
_SMALLEST = 320  # a smaller picture is enlarged: the cascade sees no face below 20 pixels
_TILT = 25  # degrees of the second look: the cascade wants upright heads
_LEAST, _GROWTH, _STRIDE = 52, 1.8, 0.35  # of the windows of the second look: the smallest side, and how dense they lie
_LIKELIEST = 48  # of them are followed
_BATCH = 16
_STEPS = 4
_CERTAIN, _SURE = 0.95, 0.98  # that it is a face; that no second look is needed
_AGREED = 5  # places of the second look that end at the same face: at others seldom more than three do
_AROUND = np.concatenate([np.zeros((1, 4)), np.eye(4), -np.eye(4)])  # a place and its neighbours, corrections in units of STEP


@dataclass(frozen=True)
class Crop:
    """A square in a picture: centre and side in the upright picture's pixels, `angle` in degrees, positive: clockwise.

    `certainty` in [0, 1]; `others`: the further faces that were found, as crops, the likeliest to be meant first.
    """

    center_x: float
    center_y: float
    side: float
    angle: float = 0.0
    certainty: float = 1.0
    others: tuple = ()

    @property
    def note(self):
        """What people should be told; "" if nothing."""
        if not self.others:
            return ""
        return (
            f"There are {1 + len(self.others)} faces in this picture; the largest one is framed. To take another, place the "
            "square by hand or upload a picture of that face alone."
        )


def build(image_shape, filters, dense):
    """A strided 5x5, then 3x3 convolutions with batch normalization, between them pooled by 2: `OUTPUTS`, linear."""
    inputs = x = keras.Input(image_shape, name="window")
    for i, width in enumerate(filters):
        x = layers.Conv2D(width, 3 if i else 5, strides=1 if i else 2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D(2)(x) if 0 < i < len(filters) - 1 else x
    x = layers.Flatten()(x)
    x = layers.Dense(dense, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(len(OUTPUTS), name="correction")(x), name="framing")


def corrected(places, corrections):
    """Places (n, 4: centre x, y, side, angle in radians) moved by the net's corrections (n, 4), in units of `STEP`."""
    right, down, larger, clockwise = (corrections * STEP).T
    x, y, side, angle = places.T
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack(
        [x + side * (cos * right - sin * down), y + side * (sin * right + cos * down), side * np.exp(larger), angle + clockwise],
        -1,
    )


def lattice(size):
    """Where the pixels of a net's window lie in the square: x and y, float (size, size), in shares of the side from its centre."""
    steps = WINDOW * ((np.arange(size) + 0.5) / size - 0.5)
    return np.meshgrid(steps, steps)


def standardised(windows):
    """float (n, h, w) -> float32 (n, h, w, 1), each with mean 0 and standard deviation 1: light and contrast do not matter."""
    windows = windows - windows.mean((1, 2), keepdims=True)
    return (windows / (windows.std((1, 2), keepdims=True) + 0.02)).astype("float32")[..., None]


class Framer(KerasFile):
    """Finds faces; `card` carries what it was measured at, `model` is the net."""

    def __init__(self, card, model, files=None):
        self.card, self.model = card, model
        self.size = card["image_shape"][0]
        self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
        self._lock = threading.Lock()  # the cascade keeps its work to itself and is not to be shared

    def __repr__(self):
        return f"<Framer {self.card['name']}: pictures -> crops of faces>"

    def find(self, picture):
        """The face in a picture, float (h, w, 1, 3 or 4) in [0, 1] (4: with alpha), as a `Crop`.

        Of several faces the one that is largest and surest. Raises imaging.PictureError, which says what to do, if there is
        none.
        """
        grey, scale = _reduced(np.asarray(picture))
        proposals = self._seen(grey, (0,))
        places, certainty = self._judge(grey, proposals)
        if certainty.max(initial=0) < _SURE:
            proposals = np.concatenate([proposals, self._seen(grey, (-_TILT, _TILT)), self._likeliest(grey)])
            places, certainty = self._judge(grey, proposals, _AGREED)
        found = [
            Crop(x / scale, y / scale, side / scale, math.degrees(angle), p)
            for (x, y, side, angle), p in zip(places.tolist(), certainty.tolist(), strict=True)
        ]
        if not found:
            raise imaging.PictureError(
                "No face was found in this picture. Choose one where a face looks at the camera, or place the square by hand."
            )
        found.sort(key=lambda crop: -(crop.certainty**8) * crop.side)  # large false alarms are seldom sure
        first = found[0]
        others = tuple(crop for crop in found[1:] if crop.certainty > _SURE and crop.side > 0.35 * first.side)
        return Crop(first.center_x, first.center_y, first.side, first.angle, first.certainty, others)

    def _judge(self, grey, places, agreed=1):
        """Corrects places (n, 4) in a grey picture (h, w) and keeps the certain ones, one a face: (places, certainty).

        At least `agreed` of the places must end there.
        """
        for _ in range(_STEPS):
            places = corrected(places, self._net(grey, places)[1])
            wild = (places[:, 2] < 12) | (places[:, 2] > 3 * max(grey.shape)) | (np.abs(places[:, 3]) > 1.2)
            inside = (places[:, :2] > 0).all(1) & (places[:, :2] < grey.shape[::-1]).all(1)
            places = places[inside & ~wild]
        logit, _ = self._net(grey, places)
        kept = []
        for place in places[np.argsort(-logit)][: (logit > 0).sum()]:
            taken = any(math.dist(place[:2], other[:2]) < 0.35 * max(place[2], other[2]) for other in kept)
            same = np.hypot(*(places[:, :2] - place[:2]).T) < 0.12 * place[2]
            same &= np.abs(np.log(places[:, 2] / place[2])) < 0.15
            if not taken and same.sum() >= agreed:
                kept.append(place)
        if not kept:
            return np.zeros((0, 4)), np.zeros(0)
        # what its neighbours say too: the median is steadier than one answer, and only at a face they all see one
        around = corrected(np.repeat(kept, len(_AROUND), 0), np.tile(_AROUND, (len(kept), 1)))
        logit, corrections = self._net(grey, around)
        places = np.median(corrected(around, corrections).reshape(len(kept), -1, 4), 1)
        certainty = (1 / (1 + np.exp(-logit.clip(-30, 30)))).reshape(len(kept), -1).mean(1)
        return places[certainty >= _CERTAIN], certainty[certainty >= _CERTAIN]

    def _net(self, grey, places):
        """(logits (n,), corrections (n, 4), none of them wild) of the windows at places (n, 4)."""
        if not len(places):
            return np.zeros(0), np.zeros((0, 4))
        across, down = lattice(self.size)
        windows = np.empty((len(places), self.size, self.size), "float32")
        halvings = np.log2(np.maximum(1, places[:, 2] * WINDOW / self.size / 1.2)).astype(int)  # so that no pixel is skipped
        level = grey
        for halved in range(halvings.max() + 1):
            level = imaging.shrunk(level[..., None], 2)[..., 0] if halved else level
            x, y, side, angle = (a[:, None, None] for a in places[halvings == halved].T)
            cos, sin = side * np.cos(angle), side * np.sin(angle)
            x, y = x + cos * across - sin * down, y + sin * across + cos * down
            windows[halvings == halved] = imaging.sampled(level, x / 2**halved, y / 2**halved)
        few = -len(windows) % _BATCH  # so that TensorFlow traces one shape
        batch = standardised(np.concatenate([windows, np.zeros((few, self.size, self.size), "float32")]))
        parts = [self.model.predict_on_batch(batch[i : i + _BATCH]) for i in range(0, len(batch), _BATCH)]
        answer = np.concatenate([np.asarray(part, "float32") for part in parts])[: len(places)]
        return answer[:, 0], answer[:, 1:].clip(-4, 4)

    def _seen(self, grey, tilts):
        """Places (n, 4) where the cascade sees a face whose head is tilted clockwise by one of `tilts`, in degrees."""
        factor = max(1.0, _SMALLEST / max(grey.shape))
        pixels = imaging.to_bytes(grey)
        pixels = cv2.equalizeHist(cv2.resize(pixels, None, fx=factor, fy=factor) if factor > 1 else pixels)
        found = [np.zeros((0, 4))]
        for tilt in tilts:
            # counterclockwise, OpenCV's direction: this sets such a head upright
            turn = cv2.getRotationMatrix2D((pixels.shape[1] / 2, pixels.shape[0] / 2), tilt, 1.0)
            turned = cv2.warpAffine(pixels, turn, pixels.shape[::-1], borderMode=cv2.BORDER_REPLICATE) if tilt else pixels
            with self._lock:
                boxes = self._cascade.detectMultiScale(turned, scaleFactor=1.1, minNeighbors=1, minSize=(20, 20))
            x, y, width = np.reshape(boxes, (-1, 4))[:, :3].T.astype(float)
            back = cv2.invertAffineTransform(turn)
            # its boxes hold the face from brow to chin; the numbers are medians over framed faces
            centres = np.stack([x + 0.5 * width, y + 0.35 * width], -1) @ back[:, :2].T + back[:, 2]
            found.append(np.column_stack([centres, 1.7 * width, np.full(len(width), math.radians(tilt))]))
        return np.concatenate(found) / (factor, factor, factor, 1)

    def _likeliest(self, grey):
        """The likeliest of places (n, 4) all over the picture, so dense that any face is within the net's reach of one."""
        height, width = grey.shape
        places, side = [np.zeros((0, 4))], _LEAST
        while side < 1.5 * max(height, width):
            rows, columns = (np.linspace(0, whole, 3 + int(whole / (_STRIDE * side)))[1:-1] for whole in (height, width))
            x, y = np.meshgrid(columns, rows)
            places.append(np.stack([x, y, np.full_like(x, side), np.zeros_like(x)], -1).reshape(-1, 4))
            side *= _GROWTH
        places = np.concatenate(places)
        return places[np.argsort(-self._net(grey, places)[0])[:_LIKELIEST]]


def _reduced(picture):
    """(h, w, c) -> (grey copy (h, w) of at most `_LONGEST` pixels a side, its scale)."""
    scale = min(1.0, _LONGEST / max(picture.shape[:2]))
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
        picture = cv2.resize(picture.astype("float32", copy=False), (width, height), interpolation=cv2.INTER_AREA)
        picture = picture.reshape(height, width, -1)
    return imaging.grey(picture), scale
