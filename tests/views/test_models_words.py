"""The Models view says in words what was measured: no card shows a key of its own."""

import json

import pytest

from explorer import checkpoints
from explorer.views.models.calls import in_words, misfits

KEYS = sorted({key for path in checkpoints.root().rglob("card.json") for key in json.loads(path.read_text("utf-8"))["metrics"]})


@pytest.mark.parametrize("key", KEYS)
def test_each_metric_of_a_shipped_card_has_words(key):
    assert in_words(key) != key.replace("_", " ")


def test_how_it_was_sampled_and_split_up_stand_behind_the_words():
    plain = in_words("samples_judged_as_asked")
    assert in_words("samples_judged_as_asked_ddpm_4000_steps_at_guidance_1") == f"{plain}, DDPM, 4,000 steps, guidance 1"
    assert in_words("test_accuracy_by_class") == f"{in_words('test_accuracy')}, by class"


@pytest.mark.parametrize("key", ["quite_unheard_of", "quite_unheard_of_by_class_ddim_5_steps"])
def test_what_has_no_words_is_shown_as_it_is(key):
    assert in_words(key) == key.replace("_", " ")


def test_a_link_to_a_model_that_is_not_there_is_said():
    assert misfits("view=models&model=mnist-vae") == misfits("view=models&model=judges/digits") == misfits("view=models") == []
    (said,) = misfits("view=models&model=nope")
    assert said == "There is no model 'nope' here: another one is shown."
    (said,) = misfits("view=models&model=mnist-vae&z=0,1")
    assert said.startswith("z means nothing with view=models")
    assert misfits("model=nope") == misfits("view=faces&model=nope") == [], "their own views say it"
