"""The recipes' numbers against those of the books."""

import json
import re

import pytest

from explorer.training import recipes
from explorer.training.recipes import RECIPES


def test_every_recipe_has_a_name_and_judges_come_first():
    names = recipes.recipe_names()
    judges = [name for name in names if name.startswith("judges/")]
    assert (
        names[: len(judges)]
        == judges
        == [f"judges/{name}" for name in ("digits", "fashion", "faces", "faces_second", "flowers", "framing")]
    )
    assert len(set(names)) == len(names)
    assert {"mnist-vae", "fashion-ae", "fashion-vae", "fashion-vae-10d", "celeba-vae", "flowers-diffusion", "fashion-ddpm"} <= set(
        names
    )


@pytest.mark.parametrize("name", recipes.recipe_names())
def test_a_recipe_is_data_and_handed_out_as_a_copy(name):
    recipe = recipes.recipe(name)
    assert json.loads(json.dumps(recipe)) == recipe
    stages = lambda recipe: recipe.get("stages", {"all": recipe}).values()  # noqa: E731
    for stage in stages(recipe):
        stage["epochs"], stage["learning_rate"]["initial"] = -1, -1
    for stage in stages(recipes.recipe(name)):
        assert stage["epochs"] > 0
        assert stage["learning_rate"]["initial"] > 0
    assert isinstance(recipe["seed"], int)
    if "stages" not in recipe and not name.startswith("judges/"):
        assert f"judges/{recipe['judge']}" in recipes.recipe_names()
    assert recipe.get("source") or name.startswith("judges/")


@pytest.mark.parametrize("name", ["nothing", "", "judges/nothing", "digits", "mnist-vae-epoch-03"])
def test_an_unknown_recipe_is_answered_with_the_known_ones(name):
    with pytest.raises(KeyError, match="judges/digits.*mnist-vae"):
        recipes.recipe(name)


def test_mnist_vae_is_trained_on_both_terms_summed():
    recipe = recipes.recipe("mnist-vae")
    # the mean over pixels times 784 is their sum
    assert recipe["loss"] == {"reconstruction_loss": "binary_crossentropy", "reconstruction_weight": 28 * 28, "kl_weight": 1}
    assert (recipe["batch_size"], recipe["optimizer"], recipe["validation"]) == (128, "adam", 0)  # on all 60,000


def test_the_fashion_pair_is_the_books():
    ae, vae = recipes.recipe("fashion-ae"), recipes.recipe("fashion-vae")
    assert (ae["batch_size"], ae["optimizer"], vae["batch_size"], vae["optimizer"]) == (100, "adam", 100, "adam")
    assert ae["loss"]["reconstruction_loss"] == vae["loss"]["reconstruction_loss"] == "binary_crossentropy"
    assert (vae["loss"]["reconstruction_weight"], vae["loss"]["kl_weight"]) == (500, 1)
    assert (ae["encoder"], ae["decoder"]) == (vae["encoder"], vae["decoder"])
    assert (ae["patience"], vae["patience"]) == (5, 5)  # until five epochs bring nothing


def test_the_ten_dimensional_vae_is_the_books():
    recipe = recipes.recipe("fashion-vae-10d")
    assert (recipe["batch_size"], recipe["optimizer"]) == (128, "nadam")
    assert recipe["loss"] == {"reconstruction_loss": "mse", "reconstruction_weight": 1, "kl_weight": pytest.approx(1 / 784)}


def test_the_faces_are_the_books_twice_as_large():
    recipe = recipes.recipe("celeba-vae")
    assert (recipe["image_shape"], recipe["latent_size"], recipe["optimizer"]) == ([64, 64, 3], 200, "adam")
    assert recipe["encoder"] == recipe["decoder"] == {"filters": [128, 128, 128, 128], "batch_norm": True}
    assert (recipe["loss"]["reconstruction_loss"], recipe["loss"]["kl_weight"]) == ("mse", 1)
    assert recipe["validation"] == "validation"  # the partition keeps persons apart; the last training images would not


def test_the_judge_of_faces_says_yes_or_no_to_each_attribute():
    judge, model = recipes.recipe("judges/faces"), recipes.recipe("celeba-vae")
    assert judge["multi_label"]
    assert (judge["data"], judge["image_shape"]) == (model["data"], model["image_shape"])


def test_the_flowers_are_the_books_but_for_size_and_optimizer():
    recipe = recipes.recipe("flowers-diffusion")
    assert recipe["network"] == {"widths": [32, 64, 96, 128], "depth": 2}
    assert recipe["schedule"] == {"name": "cosine", "most": 0.95, "least": 0.02}
    assert (recipe["loss"], recipe["batch_size"], recipe["epochs"]) == ("mae", 32, 100)
    optimizer, rate = recipe["optimizer"], recipe["learning_rate"]
    assert (optimizer["name"], optimizer["weight_decay"], optimizer["use_ema"]) == ("muon", 0.004, True)  # the book's: AdamW
    assert (rate["name"], rate["initial"], rate["final_fraction"]) == ("cosine", 2e-3, 0.01)  # the book's: inverse decay
    assert "mean" not in recipe  # Normalization is adapted to the data


def test_the_4000_steps_are_the_books():
    recipe = recipes.recipe("fashion-ddpm")
    assert recipe["schedule"] == {"name": "variance", "steps": 4000, "offset": 0.008, "most": 0.999}
    assert (recipe["loss"], recipe["optimizer"]["name"]) == ("huber", "nadam")
    assert (recipe["mean"] - recipe["variance"] ** 0.5 * -1, recipe["mean"] - recipe["variance"] ** 0.5) == (1, 0)  # [-1, 1]


def test_the_series_over_the_kl_term_differs_in_nothing_else():
    series = {float(name.rpartition("-")[2]): recipes.recipe(name) for name in RECIPES if re.match(r"mnist-vae-kl-", name)}
    assert sorted(series) == [0, 0.5, 1, 4]
    stripped = []
    for weight, recipe in series.items():
        assert recipe["loss"].pop("kl_weight") == weight
        assert recipe.pop("series") == ["KL weight", weight]
        recipe.pop("title")
        stripped.append(recipe)
    assert all(recipe == stripped[0] for recipe in stripped)


def test_a_snapshot_is_the_same_run_cut_short():
    recipe = recipes.recipe("mnist-vae")
    early = recipes.snapshot_recipe(recipe, 3)
    assert early["series"] == ["epoch", 3]
    assert early["title"].endswith("after 3 epochs")
    assert recipes.snapshot_recipe(recipe, 1)["title"].endswith("after 1 epoch")
    assert recipes.snapshot_recipe(recipe, 0)["title"].endswith("before training")
    assert {key for key in recipe if early.get(key) != recipe[key]} <= {
        "title",
        "order",
        "snapshots",
        "series",
        "examples",
        "known_failures",
    }
    assert max(recipe["snapshots"]) < recipe["epochs"]
