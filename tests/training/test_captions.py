"""Captions are true, varied, and made of words that the vocabulary knows."""

import collections
import re

import numpy as np
import pytest

from explorer import data
from explorer.training import captions, prompt_adherence


def some(name, label, n=400, seed=0):
    rng = np.random.default_rng(seed)
    return [captions.caption(name, label, rng) for _ in range(n)]


def face(**having):
    return [int(having.get(name, 0)) for name in data.ATTRIBUTES]


def test_the_issue_s_own_examples_can_come():
    assert "a handwritten digit seven" in some("mnist", 7)
    assert "a photo of an ankle boot" in some("fashion", 9)
    assert "a photo of a sunflower in the grass" in some("flowers", 53)
    smiling = face(Smiling=1, Young=1, Blond_Hair=1, Eyeglasses=1, No_Beard=1)
    found = some("celeba", smiling, 4000)
    assert "a portrait of a smiling young woman with blond hair and glasses" in found
    assert "glasses" in found


@pytest.mark.parametrize(("name", "label"), [("mnist", 3), ("fashion", 0), ("flowers", 10)])
def test_captions_vary_and_follow_from_the_generator(name, label):
    found = some(name, label)
    assert found == some(name, label)
    assert len(set(found)) >= 4
    assert collections.Counter(found).most_common(1)[0][1] < 300


def test_faces_are_told_the_truth():
    rng = np.random.default_rng(1)
    for _ in range(3000):
        attributes = rng.integers(0, 2, 40)
        has = dict(zip(data.ATTRIBUTES, attributes, strict=True))
        text = captions.caption("celeba", attributes, rng)
        words = set(re.findall(r"[a-z]+", text))
        assert ("man" in words) <= has["Male"]
        assert ("woman" in words) <= 1 - has["Male"]
        assert "young" not in words or has["Young"]
        assert "old" not in words or not has["Young"]
        assert ("blond" in words) <= has["Blond_Hair"]
        assert ("black" in words) <= has["Black_Hair"]
        if "glasses" in words:
            assert has["Eyeglasses"] == (re.search("(no|without) glasses", text) is None)
        if "smiling" in words:
            assert has["Smiling"] == ("not smiling" not in text)
        if "beard" in words:
            assert has["Male"]
            assert not has["No_Beard"]


def test_what_counts_is_often_said():
    found = some("celeba", face(Smiling=1, Eyeglasses=1, Male=1, No_Beard=1), 1000)
    assert sum("glasses" in text or "spectacles" in text for text in found) > 700
    assert sum("smiling" in text or "grinning" in text for text in found) > 600
    bearded = some("celeba", face(Smiling=1, Eyeglasses=1, Male=1), 1000)
    assert all(any(word in text for text in bearded) for word in ("gentleman", "elderly", "spectacles", "grinning", "bearded"))
    assert any(re.search("a (gentle)?man, (smiling|grinning), with ", text) for text in found)
    plain = some("celeba", face(No_Beard=1), 1000)
    assert 150 < sum("no glasses" in text for text in plain) < 400
    assert 10 < sum("without glasses" in text for text in plain) < 150
    assert 50 < sum("not smiling" in text for text in plain) < 300


def test_every_word_is_in_the_vocabulary():
    words = set(captions.vocabulary())
    rng = np.random.default_rng(2)
    for name, labels in (("mnist", range(10)), ("fashion", range(10)), ("flowers", range(102))):
        for label in labels:
            for text in some(name, label, 30):
                assert set(text.lower().replace(",", " ").split()) <= words, text
    for _ in range(2000):
        text = captions.caption("celeba", rng.integers(0, 2, 40), rng)
        assert set(text.replace(",", " ").split()) <= words, text


def test_the_wordings_that_are_measured_otherwise_are_in_no_caption():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, (20_000, 40))
    said = {captions.caption("celeba", label, rng) for label in labels}
    assert "a portrait of a man" in said
    assert not said & set(prompt_adherence.OTHERWISE)


def test_the_colour_of_a_flower_is_that_of_its_middle_unless_it_is_not_clear():
    images = np.full((6, 64, 64, 3), (40, 140, 40), "uint8")  # leaves
    for image, colour in zip(images, [(250, 220, 20), (250, 250, 250), (220, 10, 30), (90, 40, 200)], strict=False):
        image[20:44, 20:44] = colour
    images[4, 20:44, 20:32], images[4, 20:44, 32:44] = (220, 10, 30), (40, 60, 230)
    assert captions.colours(images) == ["yellow", "white", "red", "purple", "", ""]
    rng = np.random.default_rng(0)
    found = {captions.caption("flowers", 53, rng, "yellow") for _ in range(200)}
    assert {"a photo of a yellow sunflower", "a photo of a sunflower", "a yellow flower"} <= found
