"""A short random walk through the views that answer at once; `python -m tests.benchmarks.random_walk` takes long ones, through all."""

import pytest
from walking import Walker


@pytest.mark.parametrize("name", ["latent-plane", "faces", "morph", "why-a-vae"])
def test_the_address_shows_the_same_pixels_after_whatever_was_done(app, page_of, name):
    walker = Walker(page_of(app), name, seed=1, new_view=lambda: page_of(app, locale="en"))
    assert walker.walk(actions=12, checks=1) == []
    assert walker.checked == 1
