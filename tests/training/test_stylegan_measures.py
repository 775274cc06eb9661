"""What ships of a StyleGAN and what is measured of it, by an untrained one and a judge that sees mean colours."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from explorer import checkpoints, data
from explorer.generators.files import Files
from explorer.generators.stylegan import StyleganGenerator
from explorer.training import progressive_growing, recipes, runs, shipping, stylegan_measures

STAGES = {side: {"epochs": 1} for side in ("4", "8", "16")}
RECIPE = {"latent_size": 8, "mapping": 2, "widths": [6, 5, 4], "discriminator": [6, 5, 4], "image_shape": [16, 16, 3],
          "stages": STAGES}  # fmt: skip


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """(card, folder, model, faces) of one whose run has all stages behind it."""
    rng = np.random.default_rng(0)
    faces = rng.random((60, 16, 16, 3)).astype("float32") * rng.random((60, 1, 1, 3)).astype("float32")
    dark = SimpleNamespace(
        encode=lambda images: (images.reshape(len(images), -1) / 2, None), decode=lambda z: z.reshape(-1, 16, 16, 3)
    )
    monkeypatch.setattr(checkpoints, "judge", lambda name: SimpleNamespace(features=lambda images: images.mean((1, 2))))
    monkeypatch.setattr(checkpoints, "load", lambda name: dark)
    monkeypatch.setattr(data, "load", lambda *arguments: (faces, None))
    monkeypatch.setattr(stylegan_measures, "SAMPLES", 30)
    keras.utils.set_random_seed(0)
    recipe = recipes.recipe("celeba-stylegan") | RECIPE
    for name in STAGES:
        (tmp_path / "s" / "run" / name).mkdir(parents=True)
        trainer = progressive_growing.build(progressive_growing.stage_of(recipe, name))
        trainer.seen.assign(1e6)
        trainer.save_weights(tmp_path / "s" / "run" / name / runs.BEST)
    model = progressive_growing.grown(recipe, tmp_path / "s" / "run", "16")
    history = {"loss": [1.0] * 3, "seconds": [60.0] * 3, "device": "none"}
    return shipping.ship("s", recipe, model, history, tmp_path), tmp_path / "s", model, faces


def test_it_ships_with_what_it_was_before_it_grew(shipped):
    card, folder, model, _ = shipped
    files = Files(folder)
    generator = StyleganGenerator(card, StyleganGenerator.load_model(files), files)
    assert card["grown"] == [4, 8]
    assert card["parameters"]["synthesis"] == model.synthesis.count_params()
    assert (card["kind"], card["latent_shape"], card["recipe"]["minutes"]) == ("gan", [8], 3.0)
    z = generator.prior(2)
    np.testing.assert_allclose(generator.decode(z), StyleganGenerator(card, model).decode(z), atol=5e-3)
    stages = progressive_growing.grown(card["recipe"], folder / "run", "8")
    small = StyleganGenerator(card | {"image_shape": [8, 8, 3]}, stages)
    np.testing.assert_allclose(generator.grown(8).decode(z), small.decode(z), atol=5e-3)


def test_draws_are_measured_beside_real_faces_and_what_a_vae_makes_of_them(shipped):
    card, folder, model, faces = shipped
    found, features = card["metrics"], faces.mean((1, 2)).astype("float64")
    kernel = lambda a, b: (a @ b.T / 3 + 1) ** 3  # noqa: E731
    for name, some in {"real_faces": features[:30], "reconstructions_by_a_vae": features[:30] / 2}.items():
        others, n = features[30:], 30
        within = [sum(kernel(a, a)[i, j] for i in range(n) for j in range(n) if i != j) / (n * (n - 1)) for a in (some, others)]
        expected = sum(within) - 2 * kernel(some, others).mean()
        assert found[f"kernel_distance_of_{name}"] == pytest.approx(expected, abs=2e-5)
    apart = [np.linalg.norm(features[i] - features[j]) for i in range(30) for j in range(30) if i != j]
    assert found["spread_of_real_faces"] == pytest.approx(np.mean(apart), abs=2e-4)
    assert found["spread_of_truncated_draws"] < found["spread_of_draws"]
    assert found["spread_of_draws_to_real_faces"] == pytest.approx(
        found["spread_of_draws"] / found["spread_of_real_faces"], abs=1e-3
    )
