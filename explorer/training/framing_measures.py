"""How good the framing is: faces of CelebA's validation ids pasted into larger pictures, and flowers, which have none."""

import numpy as np
from PIL import Image

from explorer import data, imaging
from explorer.judges import framing
from explorer.training import classifier_measures
from explorer.training.framing_windows import SIDE, flowers, textures

TOLERANCE = 3  # pixels of 64 between an eye and where it should be


def describe(recipe, model):
    """What the card of the framing net says of it, of its data and outputs."""
    return classifier_measures.describe(recipe, model) | {
        "classes": framing.OUTPUTS,
        "data": f"{recipe['data']}: windows of its training faces ({recipe['epochs']} times each) in front of flowers (Oxford 102) "
        "and made-up textures, measured on validation faces pasted into larger pictures",
        "known_failures": [
            "Faces from the side, lying faces and faces below a tenth of the picture are missed",
            "Cats, coins with a head on them and the like are taken for faces now and then",
        ],
    }


def scene(face, background, rng, most_turn=15.0):
    """A picture with a face in it: (float32 (h, w, 3), its `framing.Crop`).

    `face` (64, 64, 3) becomes a square of 48 to 220 pixels, turned by up to `most_turn` degrees, in a picture of 200 to 600
    pixels whose background is `background` (h, w, 3), enlarged.
    """
    height, width = rng.integers(200, 601, 2)
    angle = rng.uniform(-most_turn, most_turn)
    around = np.abs(np.cos(np.radians(angle))) + np.abs(np.sin(np.radians(angle)))
    side = np.exp(rng.uniform(np.log(48), np.log(min(220, (min(height, width) - 2) / around))))
    reach = side * around / 2
    x, y = rng.uniform(reach, width - reach), rng.uniform(reach, height - reach)
    picture = np.asarray(imaging.to_pillow(background).resize((width, height), Image.Resampling.BICUBIC), "float32") / 255
    down, across = np.mgrid[:height, :width] + 0.5
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    across, down = across - x, down - y
    u, v = (cos * across + sin * down) / side, (cos * down - sin * across) / side
    inside = np.maximum(np.abs(u), np.abs(v)) < 0.5
    small = side < SIDE  # the area's mean, as a camera would see it
    source = imaging.cut(face, (SIDE / 2, SIDE / 2), SIDE, 0, round(side)) if small else face
    picture[inside] = imaging.sampled(source, (u[inside] + 0.5) * len(source), (v[inside] + 0.5) * len(source))
    return picture, framing.Crop(x, y, side, angle)


def eye_error(found, true):
    """How far from its place the worse eye lies in the framed picture, in pixels of 64."""

    def place(crop, points):
        cos, sin = np.cos(np.radians(crop.angle)), np.sin(np.radians(crop.angle))
        return (crop.center_x, crop.center_y) + crop.side * (points - 0.5) @ np.array([[cos, sin], [-sin, cos]])

    cos, sin = np.cos(np.radians(found.angle)), np.sin(np.radians(found.angle))
    back = (place(true, framing.EYES) - (found.center_x, found.center_y)) @ np.array([[cos, -sin], [sin, cos]]) / found.side + 0.5
    return float(SIDE * np.linalg.norm(back - framing.EYES, axis=1).max())


def keep(card, folder, framer, data_folder):
    """Nothing but what is measured of it."""
    card["metrics"] = measure(framer, data_folder)


def measure(framer, folder=None, n=500, seed=0):
    """The bar: of `n` validation faces in larger pictures, how many are framed within `TOLERANCE`; and false alarms on flowers."""
    rng = np.random.default_rng(seed)
    faces = data.load(framer.card["recipe"]["data"], "validation", SIDE, folder)[0]
    faces = faces[rng.choice(len(faces), min(n, len(faces)), replace=False)]
    behind = np.concatenate([flowers(True, folder)[:500], textures(100, rng)])
    errors = []
    for face in faces:
        picture, true = scene(face, behind[rng.integers(len(behind))][..., None].repeat(3, -1), rng)
        found = find(framer, picture)
        errors.append(eye_error(found, true) if found else np.inf)
    errors = np.array(errors)
    figures = {
        "validation_faces": len(errors),
        "eyes_within_3_px": _share(errors <= TOLERANCE),
        "eyes_within_2_px": _share(errors <= 2),
        "median_eye_error_px": round(float(np.median(errors)), 2),
        "not_found": _share(np.isinf(errors)),
    }
    empty = flowers(True, folder)[:300]
    if len(empty):
        figures["false_alarms_on_flowers"] = _share([find(framer, picture[..., None] / 255) is not None for picture in empty])
    return figures


def find(framer, picture):
    """The face, or None."""
    try:
        return framer.find(picture)
    except imaging.PictureError:
        return None


def _share(flags):
    return round(float(np.mean(flags)), 4)
