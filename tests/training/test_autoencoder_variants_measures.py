"""What is trained, measured and kept of the family and the GANs, on a few hundred made-up pictures and by other ways of counting."""

import json

import numpy as np
import pytest
from PIL import Image

from explorer import checkpoints
from explorer.training import autoencoder_variants_measures, building, gan_measures, layerwise, measures, recipes, runs, tsne
from explorer.training.train import fit, train


def test_pca_is_what_the_eigenvectors_say(small_data):
    from explorer import data

    images, _ = data.load("fashion", "test", folder=small_data)
    fitted = measures.pca("fashion", 5, small_data)
    error = np.square(measures.projected(images, fitted) - images).mean()
    train, test = (data.load("fashion", split, folder=small_data)[0].reshape(-1, 784) for split in data.SPLITS)
    _, vectors = np.linalg.eigh(np.cov((train - train.mean(0)).T))
    centred, basis = test - train.mean(0), vectors[:, -5:]
    assert error == pytest.approx(np.square(centred - centred @ basis @ basis.T).mean(), rel=1e-4)


def test_the_toy_set_is_nearly_flat():
    points = autoencoder_variants_measures.toy()
    assert points.shape == (60, 3)
    variances = np.linalg.svd(points - points.mean(0), compute_uv=False) ** 2
    assert variances[2] < 0.15 * variances.sum()  # a plane nearly holds it


def test_a_linear_autoencoder_finds_the_plane_of_pca():
    points = autoencoder_variants_measures.toy()
    centred = points - points.mean(0)
    _, singular, _ = np.linalg.svd(centred)
    best = singular[2] ** 2 / points.size
    found = np.square(autoencoder_variants_measures.toy_autoencoder(points) - points).mean((1, 2))
    assert len(found) == len(autoencoder_variants_measures.TOY_EPOCHS)
    assert found[0] > 2 * best
    assert found[-1] == pytest.approx(best, rel=0.01)


def test_noise_is_what_keras_layers_make():
    images = np.full((200, 28, 28, 1), 0.4, "float32")
    lost = autoencoder_variants_measures.corrupted(images, "dropout", 0.5)
    assert set(np.round(np.unique(lost), 4)) == {0.0, np.float32(0.8).round(4)}
    assert (lost == 0).mean() == pytest.approx(0.5, abs=0.01)
    assert autoencoder_variants_measures.corrupted(images, "gaussian", 0.3).std() == pytest.approx(0.3, abs=0.01)


def test_tsne_keeps_what_lies_together_together(tmp_path, capsys):
    rng = np.random.default_rng(0)
    codes = np.concatenate([rng.normal(centre, 0.1, (40, 6)) for centre in (0, 3, 6)])
    np.save(tmp_path / "codes.npy", codes)
    tsne.main(tmp_path / "codes.npy", tmp_path / "map.npy", "10")
    found = np.load(tmp_path / "map.npy")
    assert (found.shape, np.abs(found).max()) == ((120, 2), pytest.approx(1))
    distances = np.linalg.norm(found[:, None] - found[None], axis=2) + 9 * np.eye(120)
    assert (distances.argmin(1) // 40 == np.arange(120) // 40).all()
    assert "Iteration 50:" in capsys.readouterr().out  # what the page reads


def test_layer_by_layer_nests_what_the_layers_learned(tmp_path, small_data):
    recipe = recipes.recipe("fashion-greedy-ae") | {"epochs": 2, "validation": 100}
    recipe["learning_rate"]["epochs"] = 2
    model, history = fit(recipe, tmp_path, small_data)
    one, two = (
        layerwise.balanced(building.trained(layerwise.layer_recipe(recipe, i), tmp_path / f"layer-{i + 1}" / runs.BEST))
        for i in (0, 1)
    )
    images = np.random.default_rng(0).random((4, 28, 28, 1), dtype="float32")
    codes = one.encoder.predict_on_batch(images)
    inner = np.maximum(0, two.decoder.predict_on_batch(two.encoder.predict_on_batch(codes.reshape(4, 1, 1, 100)))).reshape(4, 100)
    np.testing.assert_allclose(model.predict_on_batch(images), one.decoder.predict_on_batch(inner), atol=1e-4)
    assert [len(history[key]) for key in ("loss", "val_loss", "layer 1 loss", "seconds")] == [2, 2, 2, 4]


def test_balanced_layers_are_the_same_function_with_rows_of_equal_length():
    recipe = layerwise.layer_recipe(recipes.recipe("fashion-greedy-ae"), 0)
    images = np.random.default_rng(0).random((4, 28, 28, 1), dtype="float32")
    model = building.build(recipe)
    before, codes = model.predict_on_batch(images), model.encoder.predict_on_batch(images)
    assert layerwise.balanced(model) is model
    rows = model.decoder.get_weights()[0]
    lengths = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(lengths, lengths.mean(), rtol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch(images), before, atol=1e-5)
    assert not np.allclose(model.encoder.predict_on_batch(images), codes)


def test_a_plane_opens_on_the_first_three_things_that_differ(monkeypatch):
    classes = {0: 4, 1: 4, 2: 7, 3: 7, 4: 1, 5: 2}  # of a seed's picture; 5 is doubtful

    class Generator:
        card = {"conditional": False, "recipe": {"judge": "fashion"}}

        def prior(self, n, seed):
            return np.full((n, 1), seed, "float32")

        def decode(self, z):
            return z

    def judge(seeds):
        found = np.full((len(seeds), 10), 0.01)
        for row, seed in zip(found, seeds[:, 0].astype(int), strict=True):
            row[classes.get(seed, 4)] = 0.5 if seed in (0, 5) else 0.95
        return found

    monkeypatch.setattr(checkpoints, "judge", lambda name: judge)
    assert gan_measures.three_seeds(Generator()) == [1, 2, 4]
    Generator.card = {"conditional": True}
    assert gan_measures.three_seeds(Generator()) == [0, 1, 2]


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    """A GAN, a conditional one and a denoising autoencoder after one epoch on made-up pictures."""
    root = tmp_path_factory.mktemp("family")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CHECKPOINTS", str(small.root))
        for name, own in {"fashion-gan": {"drawn": 3}, "fashion-cgan": {"drawn": 10, "generator": {"filters": [4, 4]}, "discriminator": {"filters": [4, 4]}},
                          "fashion-denoising-ae": {"validation": 100, "tsne": 150}, "fashion-sparse-l1-ae": {"validation": 100}}.items():  # fmt: skip
            patch.setitem(recipes.RECIPES, name, recipes.RECIPES[name] | own)
        patch.setattr(gan_measures, "SAMPLES", 60)
        patch.setattr(gan_measures, "ASKED", 6)
        patch.setattr(autoencoder_variants_measures.pretraining, "__defaults__", (None, 2, 2))
        cards = {name: train(name, small.data, epochs=2 if "gan" in name else 1, out=root, log=open(root / "log", "a"))  # noqa: SIM115
                 for name in ("fashion-gan", "fashion-cgan", "fashion-denoising-ae", "fashion-sparse-l1-ae")}  # fmt: skip
    return root, cards


def test_a_gan_is_shipped_with_what_it_drew_after_each_epoch(trained, monkeypatch):
    root, cards = trained
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    card = cards["fashion-gan"]
    assert (card["kind"], card["conditional"], card["latent_shape"]) == ("gan", False, [30])
    assert set(checkpoints.CARD_KEYS) <= set(json.loads((root / "fashion-gan" / "card.json").read_text()))
    with Image.open(root / "fashion-gan" / "epochs.webp") as sheet:
        assert sheet.size == (3 * 28, 2 * 28)
    assert card["drawn"] == {"epochs": 2, "columns": 3}
    assert sum(card["metrics"]["samples_by_class"].values()) == pytest.approx(1, abs=0.01)
    assert checkpoints.load("fashion-gan").decode(np.zeros((1, 30))).shape == (1, 28, 28, 1)


def test_a_conditional_gan_is_measured_by_what_it_was_asked_for(trained):
    card = trained[1]["fashion-cgan"]
    assert card["conditional"]
    by_class = card["metrics"]["drawn_as_asked_by_class"]
    assert np.mean(list(by_class.values())) == pytest.approx(card["metrics"]["drawn_as_asked"], abs=1e-3)


def test_a_denoising_autoencoder_is_measured_on_noise_and_by_its_use(trained, monkeypatch):
    root, cards = trained
    metrics = cards["fashion-denoising-ae"]["metrics"]
    assert 0 < metrics["mse_repaired_by_pca_30"] < metrics["mse_of_noisy_images"]
    pretraining = metrics["pretraining"]
    assert [len(pretraining[way]) for way in ("with", "without")] == [2, 2]
    assert pretraining["gain"] == pytest.approx(np.mean(pretraining["with"]) - np.mean(pretraining["without"]), abs=1e-4)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    assert checkpoints.arrays("fashion-denoising-ae", checkpoints.MAP)["map"].shape == (150, 2)


def test_many_codes_keep_their_gaussian_in_a_file(trained, monkeypatch):
    root, cards = trained
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(root))
    assert cards["fashion-sparse-l1-ae"]["fitted_gaussian"] == {"file": "prior.npz"}
    mean, factor = (
        checkpoints.arrays("fashion-sparse-l1-ae", checkpoints.PRIOR)[key].astype("float64") for key in ("mean", "factor")
    )
    drawn = checkpoints.load("fashion-sparse-l1-ae").prior(4000)
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(drawn.var(0), (factor @ factor.T).diagonal(), atol=0.02)
    assert 0 <= cards["fashion-sparse-l1-ae"]["metrics"]["mean_activation"] <= 1
