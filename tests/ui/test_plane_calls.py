"""The latent plane's server functions, called as a script would call them."""

import pytest

from explorer import checkpoints, rendering
from explorer.ui import plane_view

WITHOUT_A_PLANE = [card["name"] for card in checkpoints.models() if "views" in card]


@pytest.mark.parametrize("name", WITHOUT_A_PLANE)
def test_a_model_without_a_plane_is_said_to_have_none(name):
    answer = plane_view.open_view(f"model={name}")
    assert f"{name} has no plane" in answer["problems"][0]
    assert answer["model"]["name"] == rendering.DEFAULT_MODEL


@pytest.mark.parametrize("name", WITHOUT_A_PLANE)
def test_behind_the_models_view_the_plane_says_nothing_of_it(name):
    answer = plane_view.open_view(f"view=models&model={name}")
    assert answer["problems"] == []
    assert answer["model"]["name"] == rendering.DEFAULT_MODEL


def test_lists_travel_as_json_knows_them():
    state = plane_view.open_view("model=mnist-vae&z=0.5,-1&axes=1,0")["state"]
    assert (state["z"], state["axes"]) == ([0.5, -1], [1, 0])
