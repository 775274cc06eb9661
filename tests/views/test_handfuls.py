"""A visitor's own direction, from two handfuls of faces, against NumPy on a face model whose layers are known."""

import base64

import numpy as np
import pytest

import explorer
from explorer import checkpoints, views
from explorer.errors import InputError, NotSupported
from explorer.generators.directions import LONGEST
from explorer.state import parse_strictly
from explorer.views.faces import calls, receipts
from explorer.views.faces import pictures as faces

HANDFULS = "more=g1;g4;7&less=g2;0,0,1,0,0,0,0,0.5"


@pytest.fixture
def toward(face_registry):
    """The direction that `HANDFULS` tell, worked out here: (8,)."""
    seventh = np.round(explorer.load("celeba-vae").prior(1, seed=7)[0], 4)
    more = np.stack([face_registry.gallery[1], face_registry.gallery[4], seventh]).mean(0)
    v = more - np.stack([face_registry.gallery[2], [0, 0, 1, 0, 0, 0, 0, 0.5]]).mean(0)
    return v * min(1, LONGEST / np.linalg.norm(v))


def state(query):
    return views.complete(parse_strictly(f"view=faces&{query}"))


def test_it_is_added_as_an_attribute_is_under_its_name(face_registry, toward):
    named = state(f"face=3&{HANDFULS}&direction=Fröhlich&attributes=Fröhlich:1.5,Smiling:1")
    expected = face_registry.gallery[3] + 1.5 * toward + face_registry.directions[0]
    np.testing.assert_allclose(faces.point(named), expected, atol=1e-4)
    unnamed = state(f"face=3&{HANDFULS}&attributes=yours:1.5,Smiling:1")
    np.testing.assert_array_equal(faces.point(unnamed), faces.point(named))


def test_strips_and_planes_go_along_it(face_registry, toward):
    strip = state(f"face=3&{HANDFULS}&what=strip&along=yours&frames=3")
    expected = face_registry.gallery[3] + np.array([[-3], [0], [3]]) * toward
    np.testing.assert_allclose(faces.along(strip)[0], expected, atol=1e-3)  # places are rounded
    plane = faces.cells(state(f"face=3&{HANDFULS}&what=grid&pair=yours,Male&n=3"))
    corner = face_registry.gallery[3] + 3 * toward + 3 * face_registry.directions[2]
    np.testing.assert_allclose(plane[2], corner, atol=1e-3)


@pytest.mark.parametrize("how", ["learned", "whitened", "plain"])
def test_others_may_be_held_as_beside_a_named_one(face_registry, how):
    held = state(f"face=3&{HANDFULS}&hold=Smiling,Male&how={how}&attributes=yours:1")
    found, free = faces.direction(held, "yours"), faces.direction(state(f"face=3&{HANDFULS}"), "yours")
    normals = np.linalg.inv(checkpoints.directions("celeba-vae").covariance) @ face_registry.directions[[0, 2]].T
    across = face_registry.directions[[0, 2]].T if how == "plain" else normals
    assert np.abs(found @ across).max() < 0.02 * np.abs(free @ across).max()
    g = explorer.load("celeba-vae")
    more, less = ([faces.points.at("celeba-vae", place) for place in held[key]] for key in ("more", "less"))
    np.testing.assert_array_equal(g.direction_between(more, less, ("Smiling", "Male"), how), found)


def test_a_handful_alone_is_kept_and_has_no_direction(face_registry):
    alone = state("more=g1;g4")
    assert faces.own(alone) is None
    assert alone["more"] == ("g1", "g4")
    with pytest.raises(InputError, match="knows no attribute 'yours'"):
        state("more=g1;g4&attributes=yours:1")
    assert "both handfuls" in calls.direction_receipt("view=faces&more=g1")["error"]


def test_the_page_gets_vectors_faces_and_a_receipt(face_registry, toward):
    query = f"view=faces&{HANDFULS}"
    answer = calls.face_directions(query)
    assert answer["names"][-1] == "yours"
    vectors = np.frombuffer(base64.b64decode(answer["vectors"]), "<f4").reshape(-1, 8)
    np.testing.assert_allclose(vectors[-1], toward, atol=1e-4)
    shown = calls.handfuls(query)
    assert [len(shown[key]) for key in ("more", "less")] == [3, 2]
    fifth = explorer.load("celeba-vae").decode(face_registry.gallery[[4]])[0]
    assert np.abs(np.frombuffer(base64.b64decode(shown["more"][1]), "uint8") - np.rint(fifth * 255).ravel()).max() <= 1
    assert calls.handfuls("view=faces") == {"more": [], "less": []}
    assert calls.open_faces(query)["state"]["less"] == ["g2", "0,0,1,0,0,0,0,0.5"]


def test_the_receipt_is_the_judges_who_took_no_part(face_registry):
    told = receipts.receipt(state("more=1,0,0,0,0,0,0,0&less=0,0,0,0,0,0,0,0"))
    z = face_registry.gallery[: receipts.FACES]
    g, judge, v = explorer.load("celeba-vae"), explorer.judge("faces_second"), np.eye(8, dtype="float32")[0]
    by = {amount: judge(g.decode(z + np.float32(amount) * v)).mean(0) for amount in (-1, 1, *receipts.AMOUNTS, *-receipts.AMOUNTS)}
    np.testing.assert_allclose(told["receipt"], (by[1] - by[-1]) / 2, atol=1e-3)
    assert (told["most"], told["faces"]) == ("Smiling", len(z))
    less, more = told["range"]
    surest = max(by[amount][0] for amount in receipts.AMOUNTS)
    assert by[more][0] >= surest - receipts.AS_SURE
    assert all(by[amount][0] < surest - receipts.AS_SURE for amount in receipts.AMOUNTS if amount < more)
    least = min(by[-amount][0] for amount in receipts.AMOUNTS)
    assert by[-less][0] <= least + receipts.AS_SURE


def test_faces_of_a_handful_are_not_those_that_are_pushed(face_registry):
    assert receipts.receipt(state("more=g0;g1&less=g2;7"))["faces"] == len(face_registry.gallery) - 3


def test_any_model_with_a_vector_tells_a_direction_but_holds_only_what_it_knows(face_registry):
    g = explorer.load("mnist-vae")
    np.testing.assert_allclose(g.direction_between([[1, 0], [1, 1]], [[0, 0.5]]), [1, 0])
    with pytest.raises(NotSupported, match="none to hold still"):
        g.direction_between([[1, 0]], [[0, 0]], hold=["Male"])
    with pytest.raises(InputError, match="latents must have shape"):
        g.direction_between([[1, 0, 0]], [[0, 0]])
