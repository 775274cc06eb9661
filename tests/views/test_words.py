"""What each view says of itself: a tagline of its own, and a tour of five steps."""

from importlib import import_module

import pytest

from explorer import views

WORDS = {name: import_module(f"explorer.views.{views.folder(name)}.words") for name in views.NAMES}


def test_no_two_views_say_the_same():
    assert len({words.TAGLINE for words in WORDS.values()}) == len(views.NAMES)


@pytest.mark.parametrize("name", views.NAMES)
def test_a_tour_has_five_steps_with_title_words_and_target(name):
    tour = WORDS[name].TOUR
    assert len(tour) == 5
    assert len({title for title, _, _ in tour}) == 5
    assert all(text.endswith(".") and target for _, text, target in tour)
