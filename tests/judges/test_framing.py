"""The framing of faces: its geometry by hand, what has no face, and CelebA's validation faces in larger pictures."""

import numpy as np
import pytest

import explorer
from explorer import data, imaging
from explorer.imaging import PictureError
from explorer.judges import framing
from explorer.judges.framing import Crop
from explorer.training import framing_measures, framing_windows
from explorer.training.recipes import JUDGES


@pytest.fixture(scope="module")
def framer():
    return explorer.judge("framing")


# --- geometry ---


def place(crop, points):
    """Points (n, 2) of the square, in shares of its side, as complex numbers in the picture: turned clockwise, y down."""
    offset = (np.asarray(points) - 0.5) @ [1, 1j]
    return complex(crop.center_x, crop.center_y) + crop.side * np.exp(1j * np.radians(crop.angle)) * offset


def test_the_error_of_an_eye_is_its_distance_in_pixels_of_64():
    true = Crop(100, 80, 128, 0)
    assert framing_measures.eye_error(true, true) == pytest.approx(0)
    assert framing_measures.eye_error(Crop(106, 80, 128), true) == pytest.approx(3)
    assert framing_measures.eye_error(Crop(100, 80, 64), true) == pytest.approx(
        np.hypot(7, 1), abs=1e-6
    )  # eyes 7 and 1 from the middle
    one, other = Crop(50, 60, 100, 30), Crop(55, 57, 80, 12)
    eyes = [[25 / 64, 33 / 64], [39 / 64, 33 / 64]]
    moved = (place(one, eyes) - complex(55, 57)) * np.exp(-1j * np.radians(12)) / 80 + complex(0.5, 0.5)
    expected = 64 * np.abs(moved - np.array(eyes) @ [1, 1j]).max()
    assert framing_measures.eye_error(other, one) == pytest.approx(expected)


def test_what_a_scene_says_of_its_face_is_where_the_face_is():
    rng = np.random.default_rng(3)
    face, ground = np.full((64, 64, 3), 0.2, "float32"), np.full((20, 20, 3), 0.4, "float32")
    face[24:30, 10:16] = (1, 0.2, 0.2)  # a red mark with its middle at (13, 27), none of whose mirror images is there
    for _ in range(5):
        picture, crop = framing_measures.scene(face, ground, rng)
        red = np.clip(picture[..., 0] - picture[..., 1], 0.05, None) - 0.05
        y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
        at = complex((red * x).sum(), (red * y).sum()) / red.sum()
        assert abs(at - place(crop, [[13 / 64, 27 / 64]])[0]) < 0.02 * crop.side
        assert 40 <= crop.side <= 220
        again = imaging.cut(picture, (crop.center_x, crop.center_y), crop.side, crop.angle, 64)
        assert np.abs(again - face)[4:-4, 4:-4].mean() < 0.02


@pytest.mark.parametrize("seed", range(3))
def test_the_windows_answer_leads_back_to_the_face(seed):
    rng = np.random.default_rng(seed)
    corrections = rng.uniform(-1, 1, (5, 4))
    place_ = np.array([[100.0, 90.0, 60.0, 0.4]])
    x, y, side, angle = framing.corrected(place_.repeat(5, 0), corrections).T
    moved = 60 * np.exp(0.4j) * 0.1 * (corrections[:, 0] + 1j * corrections[:, 1])
    np.testing.assert_allclose(x + 1j * y, complex(100, 90) + moved)
    np.testing.assert_allclose(side, 60 * np.exp(0.2 * corrections[:, 2]))
    np.testing.assert_allclose(angle, 0.4 + 0.2 * corrections[:, 3])


def test_what_the_net_learns_is_how_the_window_must_move():
    """A face with one bright dot: seen through the corrected window, the dot is where it is in the face itself."""
    faces = np.zeros((64, 64, 64), "uint8")
    faces[:, 18:23, 29:35] = 255  # its middle at (32, 20.5), the same when mirrored
    batches = framing_windows.Windows(faces, np.zeros((3, 128, 128), "uint8"), 48, 64, seed=0)
    batches._worse = lambda windows: windows
    windows, answers = batches[0]
    assert (windows.shape, windows.dtype, answers.shape) == ((64, 48, 48, 1), np.float32, (64, 5))
    assert 0.25 < answers[:, 0].mean() < 0.75
    steps = 0.75 * ((np.arange(48) + 0.5) / 48 - 0.5)
    checked = 0
    for window, answer in zip(windows[..., 0], answers, strict=True):
        bright = window > window.max() * 0.6
        if not answer[0] or bright[[0, -1]].any() or bright[:, [0, -1]].any() or bright.sum() > 80:
            continue  # no face, or another dot in the mirrored border
        y, x = (steps[i].mean() for i in np.nonzero(bright))
        right, down, larger, clockwise = answer[1:] * framing.STEP
        seen = (complex(x, y) - complex(right, down)) / np.exp(larger) * np.exp(-1j * clockwise)
        assert abs(seen - complex(0, -11.5 / 64)) < 0.015
        checked += 1
    assert checked > 8


def test_light_and_contrast_do_not_matter():
    window = np.random.default_rng(0).random((2, 48, 48))
    np.testing.assert_allclose(framing.standardised(window), framing.standardised(0.5 * window + 0.2), atol=0.1)
    assert np.isfinite(framing.standardised(np.ones((1, 48, 48)))).all()


def test_parameters_by_arithmetic():
    (a, b, c, d), dense = JUDGES["framing"]["filters"], JUDGES["framing"]["dense"]
    convolutions = 25 * a + 9 * (a * b + b * c + c * d) + 4 * (a + b + c + d)
    model = framing.build((48, 48, 1), (a, b, c, d), dense)
    assert model.count_params() == convolutions + (6 * 6 * d + 1) * dense + (dense + 1) * 5


def test_the_loss_by_hand():
    import keras

    answers = np.array([[1, 0, 0, 0.5, 0], [0, 0, 0, 0, 0]], "float32")
    outputs = np.array([[0, 3, 0, 0, 0], [2, 9, 9, 9, 9]], "float32")  # where there is no face, no place is wrong
    expected = (np.log(2) + 2.5 + 0.125 + np.log(1 + np.exp(2))) / 2
    assert float(keras.ops.convert_to_numpy(framing_windows.loss(answers, outputs))) == pytest.approx(expected, rel=1e-5)


# --- pictures without a face ---


def gradient(height, width):
    return np.broadcast_to(np.linspace(0, 1, width)[None, :, None], (height, width, 3)).astype("float32")


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((300, 200, 3), "float32"),
        np.ones((64, 64, 4), "float32"),
        np.zeros((120, 90, 4), "float32"),
        np.full((1, 1, 3), 0.5, "float32"),
        np.full((3, 700, 1), 0.5, "float32"),
        gradient(240, 320),
        np.random.default_rng(0).random((300, 400, 3), dtype="float32"),
        np.random.default_rng(1).random((20, 30, 1), dtype="float32").repeat(16, 0).repeat(16, 1),
    ],
    ids=["black", "white", "transparent", "one pixel", "a line", "gradient", "noise", "patches"],
)
def test_without_a_face_people_are_told_what_to_do(framer, picture):
    with pytest.raises(PictureError, match="No face was found.*Choose.*place the square by hand"):
        framer.find(picture)


@pytest.mark.data
def test_flowers_are_no_faces(framer, real_data):
    flowers = framing_windows.flowers(True, real_data)[::60]
    assert len(flowers) > 10
    assert sum(framing_measures.find(framer, flower[..., None] / 255) is not None for flower in flowers) <= 2


# --- faces ---


@pytest.fixture(scope="module")
def faces(real_faces):
    """100 validation faces, spread over the partition."""
    return data.load("celeba", "validation", 64, real_faces)[0][::29][:100]


def ground(rng):
    return framing_windows.textures(1, rng)[0][..., None].repeat(3, -1)


@pytest.mark.data
def test_faces_in_larger_pictures_are_framed(framer, faces):
    rng, errors = np.random.default_rng(11), []
    for face in faces:
        picture, true = framing_measures.scene(face, ground(rng), rng)
        found = framing_measures.find(framer, picture)
        errors.append(framing_measures.eye_error(found, true) if found else np.inf)
    assert np.mean(np.array(errors) <= 3) >= 0.9


@pytest.mark.data
def test_grey_and_transparent_pictures_are_framed_alike(framer, faces):
    rng, sides = np.random.default_rng(5), []
    for face in faces[:3]:
        picture, true = framing_measures.scene(face, ground(rng), rng)
        crops = [framer.find(picture), framer.find(imaging.grey(picture)[..., None])]
        crops.append(framer.find(np.concatenate([picture, np.ones_like(picture[..., :1])], -1)))
        for crop in crops[1:]:
            np.testing.assert_allclose(
                [crop.center_x, crop.center_y, crop.side], [crops[0].center_x, crops[0].center_y, crops[0].side], atol=1
            )
        sides.append(crops[0].side / true.side)
    assert np.median(sides) == pytest.approx(1, abs=0.1)


@pytest.mark.data
def test_of_two_faces_the_larger_one_is_framed_and_people_are_told(framer, faces):
    right = 0
    for one, other in zip(faces[:10], faces[10:20], strict=True):
        picture = np.full((300, 500, 3), 0.6, "float32")
        picture[40:240, 30:230] = imaging.cut(one, (32, 32), 64, 0, 200)
        picture[100:230, 330:460] = imaging.cut(other, (32, 32), 64, 0, 130)
        found = framer.find(picture)
        if len(found.others) == 1 and abs(found.others[0].center_x - 395) < 20:
            right += abs(found.center_x - 130) < 20
            assert "2 faces" in found.note
            assert "by hand" in found.note
    assert right >= 8
    assert Crop(1, 1, 1).note == ""


@pytest.mark.data
def test_a_face_in_a_photograph_of_30_megapixels_is_found(framer, faces):
    face = imaging.cut(faces[0], (32, 32), 64, 0, 1500)
    picture = np.full((5000, 6000, 4), 0.5, "float32")
    picture[..., 3] = 1
    picture[1000:2500, 2000:3500, :3] = face
    found = framer.find(picture)
    assert framing_measures.eye_error(found, Crop(2750, 1750, 1500)) < 4


def test_the_framer_says_what_it_is(framer):
    assert repr(framer) == "<Framer framing: pictures -> crops of faces>"
    assert framer.card["metrics"]["eyes_within_3_px"] >= 0.9
