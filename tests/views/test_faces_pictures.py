"""From states of the face views to pictures, against NumPy on a face model whose layers are known."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, imaging, views
from explorer.errors import InputError
from explorer.state import StateError, parse_strictly, text
from explorer.views.faces import calls
from explorer.views.faces import pictures as faces
from explorer.views.morph import pictures as morphs


def decoded(world, z):
    """What the face model decodes, by NumPy: float64 (n, 64, 64, 3)."""
    logits = np.asarray(z, "float64").reshape(-1, 8) @ world.kernel + world.bias
    return (1 / (1 + np.exp(-logits))).reshape(-1, 64, 64, 3)


def close(pictures, expected):
    np.testing.assert_allclose(pictures, expected, atol=2e-3)


def state(query):
    return views.complete(parse_strictly(query))


def test_a_gallery_face_a_seed_and_coordinates(face_registry):
    close(faces.picture(state("view=faces&face=5")), decoded(face_registry, face_registry.gallery[5])[0])
    z = np.round(explorer.load("celeba-vae").prior(1, seed=7)[0], 4)
    close(faces.picture(state("view=faces&seed=7")), decoded(face_registry, z)[0])
    close(faces.picture(state("view=faces&z=1,0,0,0,-1,0,0,0.5")), decoded(face_registry, [1, 0, 0, 0, -1, 0, 0, 0.5])[0])


def test_attributes_are_added_to_the_face(face_registry):
    z = face_registry.gallery[2] + 1.5 * face_registry.directions[0] - 0.5 * face_registry.directions[2]
    close(faces.picture(state("view=faces&face=2&attributes=Smiling:1.5,Male:-0.5")), decoded(face_registry, z)[0])


def test_holding_changes_the_direction_and_nothing_holds_itself(face_registry):
    free, held = (state(f"view=faces&attributes=Smiling:1{more}") for more in ("", "&hold=Smiling,Male"))
    expected = explorer.load("celeba-vae").direction("Smiling", hold=("Male",))
    np.testing.assert_allclose(faces.point(held) - faces.base(held), expected, atol=1e-5)
    assert np.abs(faces.point(held) - faces.point(free)).max() > 1e-3


def test_the_page_is_told_what_it_adds_to_a_face(face_registry):
    names = checkpoints.card("celeba-vae")["attributes"]
    for held, how in (((), "whitened"), (("Smiling", "Male"), "plain")):
        query = f"view=faces&how={how}" + (f"&hold={','.join(held)}" if held else "")
        answer = calls.face_directions(query)
        assert answer["names"] == names
        vectors = np.frombuffer(base64.b64decode(answer["vectors"]), "<f4").reshape(len(names), -1)
        for name, vector in zip(names, vectors, strict=True):
            assert (vector == faces.direction(state(query), name)).all()


def test_a_direction_of_which_nothing_is_left_is_not_told(face_registry, monkeypatch):
    whole = faces.direction

    def nothing_left(state, name):
        if name == "Male":
            raise InputError("nothing is left of Male")
        return whole(state, name)

    monkeypatch.setattr(faces, "direction", nothing_left)
    answer = calls.face_directions("view=faces")
    assert "Male" not in answer["names"]
    assert len(base64.b64decode(answer["vectors"])) == 4 * 8 * len(answer["names"])


def test_a_strip_runs_from_minus_three_to_three_and_replaces_the_slider(face_registry):
    pictures, amounts = faces.strip(state("view=faces&face=1&along=Young&frames=7&attributes=Young:2,Male:1"))
    assert amounts.tolist() == [-3, -2, -1, 0, 1, 2, 3]
    for picture, amount in zip(pictures, amounts, strict=True):
        z = face_registry.gallery[1] + face_registry.directions[2] + amount * face_registry.directions[3]
        close(picture, decoded(face_registry, z)[0])


def test_a_seeds_face_may_be_drawn_nearer_to_the_mean(face_registry):
    far, near = (faces.base(state(f"view=faces&seed=5{more}")) for more in ("", "&truncation=0.5"))
    np.testing.assert_allclose(near, 0.5 * far, atol=1e-4)  # about N(0, I)
    np.testing.assert_array_equal(faces.draws(state("view=faces&seed=4&truncation=0.5"), 2)[1], near)
    with pytest.raises(StateError, match="truncation says how far"):
        state("view=faces&face=3&truncation=0.5")


def test_the_attribute_plane_has_its_first_attribute_across_and_its_second_upwards(face_registry):
    pictures = faces.plane(state("view=faces&face=0&pair=Smiling,Bangs&n=3"))
    corners = {0: (-3, 3), 2: (3, 3), 4: (0, 0), 6: (-3, -3), 8: (3, -3)}
    for cell, (x, y) in corners.items():
        z = face_registry.gallery[0] + x * face_registry.directions[0] + y * face_registry.directions[6]
        close(pictures[cell], decoded(face_registry, z)[0])


def test_a_minus_b_plus_c(face_registry):
    pictures, total = faces.arithmetic(state("view=faces&corners=g0;g1;g2"))
    a, b, c = face_registry.gallery[:3]
    np.testing.assert_allclose(total, a - b + c, atol=2e-4)
    close(pictures, decoded(face_registry, [a, b, c, a - b + c]))


def test_a_morph_between_two_and_among_four(face_registry):
    g = face_registry.gallery
    frames, z, ts = morphs.frames(state("view=morph&corners=g3;g4&frames=5"))
    np.testing.assert_allclose(z, [(1 - t) * g[3] + t * g[4] for t in (0, 0.25, 0.5, 0.75, 1)], atol=1e-4)
    close(frames, decoded(face_registry, z))
    close(morphs.picture(state("view=morph&corners=g3;g4&t=0.25")), frames[1])
    sheet = morphs.sheet(state("view=morph&corners=g0;g1;g2;g3&n=3"))
    close(sheet[[0, 2, 6, 8]], decoded(face_registry, g[:4]))
    close(sheet[4], decoded(face_registry, g[:4].mean(0))[0])
    close(morphs.picture(state("view=morph&corners=g0;g1;g2;g3&t=-1,1")), sheet[0])


def test_even_spacing_evens_out_what_changes(face_registry):
    ratios = []
    for even in (1, 0):
        frames = morphs.frames(state(f"view=morph&corners=g5;g9&frames=8&even={even}"))[0]
        steps = 1 - imaging.ssim(frames[:-1], frames[1:])
        ratios.append(steps.max() / steps.min())
    assert ratios[0] <= 1.5
    assert ratios[0] < ratios[1]


def test_a_state_survives_its_own_string():
    query = "view=faces&face=3&attributes=Smiling:1.5,5_o_Clock_Shadow:-1&hold=Male,Young&how=plain&along=Male&pair=Young,Male&corners=7;g12;0.5,-1"
    first = parse_strictly(query)
    assert parse_strictly(text(first)) == first
    assert first["corners"] == (7, "g12", (0.5, -1.0))
    assert dict(first["attributes"]) == {"Smiling": 1.5, "5_o_Clock_Shadow": -1.0}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("view=faces&attributes=Wings:1", "knows no attribute 'Wings'; there are Smiling"),
        ("view=faces&hold=Wings", "Wings"),
        ("view=faces&pair=Smiling", "pair must be two different attributes"),
        ("view=faces&z=1,2", "z must be 8 numbers for celeba-vae, got 2"),
        ("view=morph&corners=1;0.5,1", "a place in corners must be 8 numbers"),
        ("view=morph&corners=1;2&t=0.1,0.2", "t must be one number"),
    ],
)
def test_what_does_not_fit_the_model_is_said(face_registry, query, words):
    with pytest.raises(StateError, match=words):
        state(query)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("attributes=Smiling", "attributes must be names and numbers from -10 to 10, as in Smiling:1.5"),
        ("attributes=Smiling:11", "attributes must be"),
        ("attributes=Smiling:nan", "attributes must be"),
        ("corners=1", "corners must be 2 to 4 places"),
        ("corners=1;x", "corners must be seeds"),
        ("corners=1;g", "corners must be seeds"),
        ("seed=-1", "seed must be a whole number from 0"),
        ("how=magic", "how must be one of learned, whitened, plain"),
    ],
)
def test_bad_values_name_their_key(query, words):
    with pytest.raises(StateError, match=words):
        parse_strictly(query)


def test_a_face_beyond_the_gallery_is_said(face_registry):
    with pytest.raises(StateError, match="has the faces 0 to 11, not 12"):
        faces.base(state("view=faces&face=12"))


def test_a_model_without_attributes_has_no_faces(toys):
    with pytest.raises(StateError, match="flat knows no attributes: choose another model"):
        state("view=faces&model=flat")


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        ("view=faces&what=picture&face=1", (512, 512)),
        ("view=faces&what=strip&face=1&frames=3", (3 * 128 + 8, 128)),
        ("view=faces&what=grid&face=1&n=3", (3 * 128 + 8, 3 * 128 + 8)),
        ("view=faces&what=strip&corners=g0;g1;g2", (4 * 128 + 12, 128)),
        ("view=morph&what=strip&corners=g0;g1&frames=4", (4 * 128 + 12, 128)),
        ("view=morph&what=grid&corners=g0;g1;g2;g3&n=2", (2 * 128 + 4, 2 * 128 + 4)),
    ],
)
def test_files_show_the_pictures_and_carry_their_state(face_registry, query, shape):
    data = views.render(parse_strictly(query), "png")
    image = Image.open(io.BytesIO(data))
    assert image.size == shape
    assert parse_strictly(imaging.state_of(data)) == parse_strictly(query)


def test_a_file_is_the_picture_smoothly_enlarged(face_registry):
    data = views.render(parse_strictly("view=faces&what=picture&face=4&size=64"), "png")
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    assert np.abs(pixels - 255 * decoded(face_registry, face_registry.gallery[4])[0]).max() <= 1


def test_films_of_a_strip(face_registry):
    for ending, start in (("gif", b"GIF89a"), ("mp4", b"ftyp")):
        data = views.render(parse_strictly("view=morph&what=strip&corners=g0;g1&frames=4"), ending)
        assert start in data[:12]
        assert "corners=g0;g1" in imaging.state_of(data)


@pytest.mark.parametrize(
    "query", ["view=morph&what=grid&corners=1;2", "view=morph&what=strip&corners=1;2;3;4", "view=faces&what=plane"]
)
def test_what_a_view_does_not_have_is_said(face_registry, query):
    with pytest.raises(StateError, match="what=|what must be one of"):
        views.render(parse_strictly(query), "png")


def test_without_a_decoder_faces_are_found_and_directions_known(face_root, fresh_python):
    code = """
import sys
from explorer.state import parse_strictly
from explorer.views.faces import pictures as faces
faces.point(faces.complete(parse_strictly("view=faces&seed=3&attributes=Smiling:1&hold=Male")))
assert "keras" not in sys.modules
"""
    assert fresh_python(code, EXPLORER_CHECKPOINTS=str(face_root.root)).returncode == 0


def test_a_damaged_directions_file_is_named(face_root, tmp_path, monkeypatch):
    import shutil

    root = tmp_path / "damaged"
    shutil.copytree(face_root.root, root)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    file = root / "celeba-vae" / checkpoints.DIRECTIONS
    file.write_bytes(file.read_bytes()[:-5] + b"wrong")
    with pytest.raises(explorer.CheckpointError, match=r"celeba-vae/directions.npz is damaged \(expected SHA-256"):
        explorer.load("celeba-vae").direction("Smiling")
    assert explorer.load("celeba-vae").decode(np.zeros((1, 8))).shape == (1, 64, 64, 3)  # the rest goes on


def test_a_learned_direction_is_the_stored_one(face_registry):
    v = checkpoints.directions("celeba-vae").direction("Male", hold=["Smiling"], how="learned")
    np.testing.assert_array_equal(v, 2.5 * np.eye(8)[2])


def test_what_is_told_is_what_the_judge_says_that_took_no_part(face_registry):
    said = calls.judge_face("view=faces&face=1&attributes=Smiling:2")
    both = decoded(face_registry, [face_registry.gallery[1], face_registry.gallery[1] + 2 * face_registry.directions[0]])
    second, first = (explorer.judge(name)(both.astype("float32")) for name in ("faces_second", "faces"))
    np.testing.assert_allclose([said["before"], said["after"]], second, atol=2e-3)
    np.testing.assert_allclose(said["learned_against"], first[1], atol=2e-3)
    assert np.abs(first - second).max() > 0.05  # else the test could not tell them apart
    assert checkpoints.witness({"recipe": {"judge": "faces"}}) == "faces"
    assert checkpoints.witness({"recipe": {}}) is None
