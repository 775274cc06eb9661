"""Drawing over a picture in the text-to-image view: from its keys to what `decode` is given, uploads, and what is told of them."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, imaging, views
from explorer.serving import calls as serving
from explorer.state import StateError, parse_strictly
from explorer.views.text_to_image import calls, pictures, starts


@pytest.fixture(scope="module")
def root(text_root, face_root, diffusion_root, tmp_path_factory):
    """`words`, and what it may draw over: faces with a gallery, digits, and a model that samples."""
    root = tmp_path_factory.mktemp("starts")
    for folder, name in (
        (text_root, "words"),
        (face_root.root, "mnist-vae"),
        (face_root.root, "celeba-vae"),
        (diffusion_root, "blots"),
    ):
        (root / name).symlink_to(folder / name)
    return root


@pytest.fixture(autouse=True)
def _registry(root, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    yield
    assert serving.JOBS.running() == 0, "nothing is left running"


def state(query):
    return views.complete(parse_strictly(f"view=text-to-image&{query}"))


def data_url(image, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def of_pixels(text, shape=(32, 32, 3)):
    return np.frombuffer(base64.b64decode(text), "uint8").reshape(shape)


def test_a_picture_of_another_model_is_what_it_decodes_as_large_as_it_is_drawn():
    face = explorer.load("celeba-vae").decode(checkpoints.encodings("celeba-vae").z_mean[3:4].astype("float32"))[0]
    found = starts.of(state("image=celeba-vae:g3"), (64, 64, 3))
    np.testing.assert_allclose(found.image[0], face, atol=1 / 255)
    assert found.mask is None
    small = starts.of(state("image=celeba-vae:g3"), (32, 32, 3)).image[0]
    np.testing.assert_allclose(small[4:-4:8, 4:-4:8], face.reshape(32, 2, 32, 2, 3).mean((1, 3))[4:-4:8, 4:-4:8], atol=0.1)
    for model in ("mnist-vae:g1", "mnist-vae:7", "blots:7"):
        image = starts.of(state(f"image={model}"), (32, 32, 3)).image
        assert image.shape == (1, 32, 32, 3)
        assert image.std() > 0.01
        np.testing.assert_array_equal(image[..., 0], image[..., 2])


def test_a_state_with_a_picture_draws_what_decode_makes_of_it():
    g, full = explorer.load("words"), state("prompt=a+man&seed=5&image=celeba-vae:g3&strength=0.5&steps=6&mask=320,256")
    start = starts.of(full, g.image_shape)
    expected = g.decode(g.prior(1, 5), "a man", steps=6, image=start.image, strength=0.5, mask=start.mask)
    np.testing.assert_allclose(pictures.run(full), expected, atol=2e-3)
    rows = np.arange(32)[:, None] + np.zeros(32)
    np.testing.assert_array_equal(start.mask[0, :, :, 0] > 0, (rows >= 10) & (rows < 18))
    np.testing.assert_array_equal(expected[:, :10], start.image[:, :10])
    one = Image.open(io.BytesIO(views.render(parse_strictly("model=words&image=celeba-vae:g3&strength=0&size=32"), "png")))
    np.testing.assert_allclose(np.asarray(one) / 255, g.pictures(g.encode(start.image)[0])[0], atol=2 / 255)


def test_the_strip_of_strengths_is_of_one_noise_and_each_frame_its_own_picture():
    frames = pictures.run(state("what=strengths&prompt=a+man&seed=2&image=celeba-vae:g3&steps=5"))
    assert len(frames) == len(pictures.STRENGTHS) == 8
    for i, strength in ((0, 0.2), (4, 0.6), (7, 0.9)):
        own = pictures.run(state(f"prompt=a+man&seed=2&image=celeba-vae:g3&steps=5&strength={strength}"))
        np.testing.assert_allclose(frames[i : i + 1], own, atol=2e-3)
    start = starts.of(state("image=celeba-vae:g3"), (32, 32, 3)).image
    far = np.abs(frames - start).mean((1, 2, 3))
    assert far[7] > far[0]
    row = Image.open(io.BytesIO(views.render(parse_strictly("model=words&what=strengths&size=32&steps=2"), "png")))
    assert row.size == (8 * 32 + 7 * 4, 32)


def test_other_ways_are_drawn_over_a_picture_too():
    kept = starts.of(state("image=celeba-vae:g3"), (32, 32, 3)).image
    for what, count in (("strip&frames=3", 3), ("plane&n=2", 4), ("steps", 5)):
        found = pictures.run(state(f"what={what}&image=celeba-vae:g3&strength=0.5&steps=2&mask=0,512"))
        assert len(found) == count
        np.testing.assert_array_equal(found[:, 16:], kept[:, 16:].repeat(count, 0))
        assert np.abs(found[:, :16] - kept[:, :16]).mean() > 0.005
    full = state("what=trajectory&image=celeba-vae:g3&strength=0.5&steps=6")
    assert len(pictures.film(full)) == pictures.pictures(full).count == 3


def test_outside_the_picture_is_drawn_and_the_picture_moved_in_stays():
    full = state("image=celeba-vae:g3&margin=0.25&prompt=a+man")
    assert full["strength"] == starts.OUTSIDE
    assert state("image=celeba-vae:g3")["strength"] == 0.6
    start = starts.of(full, (32, 32, 3))
    inner = starts._fitted(starts.of(state("image=celeba-vae:g3"), (32, 32, 3)).image[0], (16, 16))
    np.testing.assert_array_equal(start.image[0, 8:24, 8:24], inner)
    np.testing.assert_array_equal(start.image[0, 0], start.image[0, 8])
    np.testing.assert_array_equal(start.mask[0, 8:24, 8:24], 0)
    assert (start.mask > 0).mean() == 0.75
    drawn = pictures.run(full)
    np.testing.assert_array_equal(drawn[:, 8:24, 8:24], start.image[:, 8:24, 8:24])
    both = starts.of(state("image=celeba-vae:g3&margin=0.25&mask=480,64"), (32, 32, 3)).mask[0, ..., 0]
    assert both[15:17].all()
    assert both[9:14, 9:23].sum() == 0
    none = starts.of(state("image=celeba-vae:g3&margin=0.01"), (32, 32, 3))
    assert none.mask is None


def test_a_masks_edge_is_soft_inwards_and_its_outside_stays_outside():
    mask = np.zeros((64, 64), "float32")
    mask[:20, 10:40] = 1
    found = starts.softened(mask)
    np.testing.assert_array_equal(found > 0, mask > 0)
    assert found[:17, 12:38].min() == 1, "also at the picture's own edge"
    np.testing.assert_allclose(found[5, 10:13], [0.6, 0.8, 1], atol=1e-6)


def test_without_a_picture_said_it_is_the_first_of_the_first_gallery():
    assert state("what=strengths")["image"] == state("strength=0.4")["image"] == "celeba-vae:g0"
    assert "image" not in state("")
    assert "strength" not in state("")
    assert [(one["label"], one["model"], one["gallery"]) for one in starts.sources()] == [
        ("A face", "celeba-vae", 12), ("A flower", "blots", 0), ("A picture", "mnist-vae", 60)]  # fmt: skip


@pytest.mark.parametrize("query", ["image=celeba-vae", "image=celeba-vae:g99999", "image=:3", "image=../x:1", "image=a:4294967296", "image=a:-1",
                                   "strength=nan", "strength=2", "strength=x", "mask=1.5", "mask=-3", "mask=" + "1," * 2000, "margin=0.45"])  # fmt: skip
def test_what_is_no_picture_strength_mask_or_margin_is_said(query):
    with pytest.raises(StateError, match=f"{query.split('=')[0]} must be"):
        state(query)


def test_at_strength_0_nothing_is_drawn_and_the_page_is_told_the_result(follow):
    first, last = follow(calls.start_drawing("view=text-to-image&image=celeba-vae:g3&strength=0")["job"])
    assert (first["total"], first["steps"], last["at"], last["drawn"]) == (0, 0, 0, True)
    g, start = explorer.load("words"), starts.of(state("image=celeba-vae:g3"), (32, 32, 3))
    round_trip = imaging.to_bytes(g.pictures(g.encode(start.image)[0]))[0]
    assert np.abs(of_pixels(last["pictures"][0]).astype(int) - round_trip).max() <= 2


def test_a_visitors_picture_is_drawn_over_and_what_lies_outside_of_the_mask_comes_back(follow):
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype("uint8")
    query = "view=text-to-image&what=picture&strength=0.5&steps=4&mask=0,512"
    events = follow(calls.start_drawing({"query": query, "picture": data_url(image)})["job"])
    np.testing.assert_array_equal(of_pixels(events[0]["start"]), image)
    assert of_pixels(events[0]["mask"], (32, 32, 1))[:15].min() == 255
    assert [event["at"] for event in events[1:]] == [1, 2, 2]
    assert events[0]["total"] == 2
    result = of_pixels(events[-1]["pictures"][0]).astype(int)
    assert np.abs(result[16:] - image[16:]).max() <= 2
    assert np.abs(result[:16] - image[:16]).mean() > 2


def test_a_picture_is_framed_by_the_square_that_somebody_chose_else_by_its_middle():
    image = np.zeros((60, 100, 3), "uint8")
    image[:, 50:] = 200
    answer = calls.frame_picture({"query": "view=text-to-image", "picture": data_url(image)})
    assert (answer["width"], answer["height"], answer["face"]) == (100, 60, False)
    assert answer["crop"] == {"x": 50.0, "y": 30.0, "side": 60.0, "angle": 0.0}
    seen = of_pixels(answer["seen"])
    assert (seen[:, 0].mean(), seen[:, -1].mean()) == (0, 200)
    crop = {"x": 80, "y": 30, "side": 30, "angle": 0}
    assert of_pixels(calls.frame_picture({"query": "", "picture": data_url(image), "crop": crop})["seen"]).min() == 200


@pytest.mark.parametrize(
    ("file", "words"),
    [("data:image/png;base64,AAAA", "not a picture"), ("data:image/png;base64,é", "did not arrive whole"), ("", "not a picture")],
)
def test_what_is_no_picture_is_said(file, words):
    assert words in calls.frame_picture({"query": "view=text-to-image", "picture": file})["error"]
    if file:
        assert words in calls.start_drawing({"query": "view=text-to-image&strength=0.5", "picture": file})["error"]


def test_forty_megapixels_are_refused_or_framed_and_one_colour_is_as_good_as_any(follow):
    large = data_url(np.full((5000, 8000, 3), 90, "uint8"))
    answer = calls.frame_picture({"query": "view=text-to-image", "picture": large})
    assert "too many pixels" in answer.get("error", "") or set(of_pixels(answer["seen"]).ravel().tolist()) == {90}
    one = data_url(np.full((20, 70, 3), 90, "uint8"))
    last = follow(calls.start_drawing({"query": "view=text-to-image&strength=0.5&steps=2", "picture": one})["job"])[-1]
    assert last["drawn"]


def test_links_and_files_hold_nothing_of_a_visitors_picture_and_say_what_they_show():
    opened = calls.open_prompts("view=text-to-image&what=strengths&strength=0.4&mask=3,4")
    assert opened["state"]["image"] == "celeba-vae:g0"
    assert opened["problems"] == []
    assert not {"image", "strength", "mask"} & set(opened["defaults"])
    assert opened["mask_side"] == 32
    assert json.dumps(opened["sources"])
    arrays = np.load(io.BytesIO(views.render(parse_strictly("model=words&image=celeba-vae:g3&strength=0.5&mask=0,9"), "npz")))
    assert {"image", "mask", "strength"} <= set(arrays.files)


def test_a_damaged_gallery_keeps_nobody_from_the_others(root, tmp_path, monkeypatch):
    for path in root.iterdir():
        (tmp_path / path.name).symlink_to(path.resolve())
    (tmp_path / "celeba-vae").unlink()
    shutil.copytree((root / "celeba-vae").resolve(), tmp_path / "celeba-vae")
    (tmp_path / "celeba-vae" / checkpoints.ENCODINGS).write_bytes(b"nothing")
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    assert [one["model"] for one in starts.sources()] == ["blots", "mnist-vae"]
    assert calls.open_prompts("view=text-to-image&what=strengths")["state"]["image"] == "blots:0"
