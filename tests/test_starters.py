"""What opens a view or is offered in it by name shows what it is called; what takes minutes to judge is `tests.benchmarks.starters`."""

import numpy as np
import openers
import pytest

from explorer import checkpoints, data
from explorer.training.captions import GARMENTS, NUMBERS


@pytest.mark.parametrize("opener", [openers.in_planes, openers.of_faces, openers.of_sums, openers.of_garments])
def test_what_is_offered_by_name_is_what_it_is_called(opener):
    found = opener()
    assert found
    assert {what: share for what, share in found.items() if share < 0.9} == {}


def test_a_starter_of_another_name_would_be_found(monkeypatch):
    """The measure can fail: a smile where glasses are promised."""
    monkeypatch.setitem(openers.TITLES, "A smile", ("Eyeglasses", True))
    assert openers.of_faces()["celeba-vae: A smile"] == 0


def test_each_prompt_names_what_a_judge_can_see():
    texts = [text for some in openers.prompts().values() for text in some]
    assert len(texts) > 8
    for text in texts:
        named = text.endswith((*NUMBERS, *GARMENTS, *data.FLOWERS)) or any(word in text for word in openers.WORDS)
        assert named, text


def test_sums_are_of_faces_of_their_kinds():
    card = checkpoints.card("celeba-vae")
    labels, names = checkpoints.encodings("celeba-vae").labels, card["attributes"]
    groups = [set(group) for group in card["sum_faces"]]
    assert [len(group) for group in groups] == [10, 10, 10]
    assert len(card["sums"]) >= 6
    for three in card["sums"]:
        assert all(face in group for face, group in zip(three, groups, strict=True))
    male = [labels[sorted(group), names.index("Male")].mean() for group in groups]
    assert np.round(male).tolist() == [1, 1, 0]
