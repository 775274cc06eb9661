"""How films go: frames in between are those of a longer walk, they stay at their ends, and the file plays as fast as it says."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from explorer import views
from explorer.state import StateError, parse_strictly
from explorer.views import films

WALK = "view=morph&model=deep&what=strip&corners=1;2&size=16"


@pytest.fixture(autouse=True)
def registry(gan_root, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(gan_root.root))


def film_of(query):
    full = views.complete(parse_strictly(query))
    return films.filmed(views.of(full["view"]), full)


def test_frames_in_between_leave_the_others_where_they_were():
    few, many = (film_of(f"{WALK}&frames=5{more}").make() for more in ("", "&between=3"))
    assert len(many) == 17
    np.testing.assert_allclose(many[::4], few, atol=1e-5)
    assert len(film_of(f"{WALK}&frames=5&between=3&closed=1").make()) == 20


def test_a_walk_by_way_of_others_shows_them():
    found = film_of(f"{WALK}&frames=5&via=7").make()
    np.testing.assert_allclose(found[2], film_of(f"{WALK.replace('1;2', '7;2')}&frames=2").make()[0], atol=1e-5)


def test_a_film_lasts_as_long_as_it_says():
    file = views.render(parse_strictly(f"{WALK}&frames=5&between=3&fps=24&pause=0.5"), "mp4")
    with av.open(io.BytesIO(file)) as film:
        assert film.streams.video[0].average_rate == Fraction(24)
        assert sum(1 for _ in film.decode(video=0)) == 17 + 2 * 12


def test_too_many_frames_are_refused_in_a_sentence():
    with pytest.raises(StateError, match="100 frames with 60 between are 6040"):
        film_of(f"{WALK}&frames=100&between=60")
