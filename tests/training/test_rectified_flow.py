"""Both stages of a Stable Diffusion 3's training, and what they leave behind, on a handful of made-up pictures."""

import io
import json

import keras
import numpy as np
import pytest

from explorer import checkpoints, data
from explorer.training import prompt_adherence, recipes, rectified_flow, runs, text_to_image_measures


def test_every_picture_of_a_pool_comes_once_before_any_comes_again():
    seen = []
    mixture = rectified_flow.Mixture({"a": np.arange(10), "b": np.repeat(np.arange(4), 2)}, {"a": 4, "b": 8}, 3, 0,
                                    lambda name, which, rng: seen.extend((name, i) for i in which) or (which,))  # fmt: skip
    for _ in range(5):
        for i in range(len(mixture)):
            (batch,) = mixture[i]
            assert len(batch) == 3
        mixture.on_epoch_end()
    count = {(name, i): seen.count((name, i)) for name, i in seen}
    assert {count["a", i] for i in range(10)} == {2}  # 5 epochs of 4, from 10
    assert {count["b", i] for i in range(4)} == {10}  # twice in the pool, 5 epochs


def test_a_run_that_is_resumed_is_the_run_that_was_not_stopped(text_model, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 256, (6, 32, 32, 3), dtype="uint8")
    labels = {"mnist": np.arange(6), "flowers": np.arange(6)}
    monkeypatch.setattr(rectified_flow, "pictures", lambda name, most, folder: (drawn, labels[name]))
    monkeypatch.setattr(rectified_flow, "SHOWN", ("a rose",))
    stage = {"quotas": {"mnist": 5, "flowers": 4}, "batch_size": 4, "emphasis": {}, "caption_dropout": 0.1, "kl_weight": 1e-3,
             "edges": 0.5, "optimizer": {"name": "adamw", "use_ema": True, "ema_momentum": 0.5},
             "learning_rate": {"name": "cosine", "initial": 1e-3, "warmup_epochs": 1, "final_fraction": 0.1}}  # fmt: skip
    recipe = recipes.recipe("stable_diffusion_3_small") | text_model.recipe | {
        "data": ["mnist", "flowers"], "sampling": {"steps": 1, "guidance_scale": 1.0}}  # fmt: skip

    def fit(folder, epochs):
        (tmp_path / folder).mkdir(exist_ok=True)
        stages = {name: {**stage, "epochs": 3} for name in ("vae", "flow")}
        if epochs:  # stopped there
            end = runs.Journal.on_epoch_end

            def on_epoch_end(journal, epoch, logs=None):
                end(journal, epoch, logs)
                if journal.folder.name == epochs[0] and epoch + 1 == epochs[1]:
                    raise SystemExit

            monkeypatch.setattr(runs.Journal, "on_epoch_end", on_epoch_end)
            with pytest.raises(SystemExit):
                rectified_flow.fit({**recipe, "stages": stages}, tmp_path / folder, out=io.StringIO())
            monkeypatch.setattr(runs.Journal, "on_epoch_end", end)
            return None
        return rectified_flow.fit({**recipe, "stages": stages}, tmp_path / folder, out=io.StringIO())

    whole, histories = fit("whole", None)
    for stopped in (("vae", 2), ("flow", 1)):
        fit("parts", stopped)
    resumed, found = fit("parts", None)
    assert [found[name]["loss"] for name in found] == [histories[name]["loss"] for name in histories]
    for a, b in zip(whole.backbone.weights, resumed.backbone.weights, strict=True):
        np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (a, b)), atol=1e-5, err_msg=a.path)
    policies = {layer.dtype_policy.name for layer in resumed.backbone._flatten_layers()}
    assert recipe["dtype_policy"] == "mixed_bfloat16"
    assert "mixed_bfloat16" not in policies, "it learned in the one, and draws in the other"


def test_emphasis_draws_faces_more_often():
    labels = np.zeros((3, 40), int)
    labels[1, data.ATTRIBUTES.index("Eyeglasses")] = labels[1, data.ATTRIBUTES.index("Wearing_Hat")] = 1
    assert rectified_flow.pool("celeba", labels, {"Eyeglasses": 3, "Wearing_Hat": 2}).tolist() == [0, 1, 1, 1, 2]
    assert rectified_flow.pool("mnist", labels, {"Eyeglasses": 3}).tolist() == [0, 1, 2]
    labels[2, [data.ATTRIBUTES.index(name) for name in ("Eyeglasses", "Male")]] = 1
    assert rectified_flow.pool("celeba", labels, {"Eyeglasses -Male": 3, "Eyeglasses": 2}).tolist() == [0, 1, 1, 1, 2, 2]


def test_the_flow_learns_the_velocity_from_picture_to_noise(text_model):
    """With flow weights that say nothing the loss is E|noise - x_0|^2; of latents all alike that is 1 + their square."""
    _, task = text_model.make()
    for weight in task.backbone.diffuser.output_dense.weights:
        weight.assign(np.zeros(weight.shape))
    trainer = rectified_flow.FlowTrainer(task.backbone)
    latents, ids = np.full((256, 4, 4, 4), 2.0, "float16"), np.ones((256, 12), "int32")
    target, velocity = trainer((latents, ids, *rectified_flow.noise(latents.shape, np.random.default_rng(0))))
    assert not np.any(keras.ops.convert_to_numpy(velocity))
    assert float(trainer.compute_loss(y_pred=(target, velocity))) == pytest.approx(1 + 4, abs=0.1)
    assert not any("vae" in weight.path for weight in trainer.trainable_variables)
    trained = {weight.path.split("/")[0] for weight in trainer.trainable_variables}
    assert trained >= {"clip_l_embedding", "clip_g_embedding"}


def test_latents_of_a_rebuilt_autoencoder_are_standard_and_decode_to_the_same(text_model):
    recipe = text_model.recipe
    vae = rectified_flow.stable_diffusion_3.build_vae(**recipe["vae"])
    images = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype="uint8")
    z = rectified_flow.latents(vae, images)
    task = rectified_flow.build(recipe, vae, {"scale": 1 / z.std(), "shift": z.mean()})
    found = keras.ops.convert_to_numpy(task.backbone.encode_image_step(images.astype("float32") / 127.5 - 1))
    assert (found.mean(), found.std()) == (pytest.approx(0, abs=1e-3), pytest.approx(1, abs=1e-3))
    pictures = keras.ops.convert_to_numpy(task.backbone.decode_step(found))
    np.testing.assert_allclose(np.clip(pictures / 2 + 0.5, 0, 1), rectified_flow.decoded(vae, z), atol=1e-4)


def test_pictures_as_a_judge_of_small_ones_knows_them():
    small = np.zeros((1, 32, 32), "uint8")
    small[:, 2:-2, 2:-2] = np.random.default_rng(1).integers(0, 256, (28, 28))
    large = small.repeat(2, 1).repeat(2, 2)[..., None].repeat(3, -1) / 255

    class Judge:
        image_shape = (28, 28, 1)

    np.testing.assert_allclose(prompt_adherence.as_known(large, Judge)[0, ..., 0], small[0, 2:-2, 2:-2] / 255, atol=1e-6)


def test_what_is_shipped_is_a_preset_that_loads_with_its_card(text_model, tmp_path, monkeypatch):
    monkeypatch.setattr(prompt_adherence, "metrics", lambda generator, folder, log: {"drawn": float(generator.image_shape[0])})
    recipe = recipes.recipe("stable_diffusion_3_tiny") | text_model.recipe
    _, task = text_model.make()
    history = {"loss": [2.0, 1.0], "seconds": [60.0, 60.0], "device": "a test"}
    card = text_to_image_measures.ship("small", recipe, task, {"vae": history, "flow": history, "more": history}, tmp_path)
    assert card == json.loads((tmp_path / "small" / "card.json").read_text("utf-8"))
    assert set(checkpoints.CARD_KEYS) <= set(card)
    assert (card["metrics"], card["history"]["flow loss"], card["recipe"]["minutes_by_stage"]) == (
        {"drawn": 32.0}, [2.0, 1.0], {"vae": 2.0, "flow": 2.0, "more": 2.0},
    )  # fmt: skip
    assert (card["recipe"]["epochs_run"], card["recipe"]["minutes"]) == (4, 4.0)  # of the network, not of its autoencoder
    assert sum(card["parameters"].values()) == pytest.approx(task.backbone.count_params(), rel=0.05)  # but for projections
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    generator = checkpoints.load("small")
    for kept, given in zip(generator.backbone.weights, task.backbone.weights, strict=True):
        given = keras.ops.convert_to_numpy(given).astype("float16").astype("float32")
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(kept), given, err_msg=kept.path)
    assert generator.decode(generator.prior(1), "a rose", steps=1).shape == (1, 32, 32, 3)


def test_the_recipe_asks_for_prompts_that_captions_know():
    recipe = recipes.recipe("stable_diffusion_3_tiny")
    from explorer.training import captions
    from explorer.views.text_to_image.pictures import strange

    texts = [
        *recipe["prompts"],
        *(text for pair in recipe["examples"] for text in pair),
        *prompt_adherence.PORTRAITS,
        *prompt_adherence.OTHERWISE,
        *prompt_adherence.NEGATIVE,
    ]
    for text in texts:
        assert strange(text, captions.vocabulary()) == [], text
