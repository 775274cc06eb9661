"""The autoencoder family's layers and losses, against NumPy and the counts that the book's tables give."""

import keras
import numpy as np
import pytest

from explorer.generators import autoencoder, autoencoder_variants
from explorer.generators.autoencoder import Autoencoder
from explorer.training import building, recipes

# encoder, decoder; worked out from the chapter's layers
PARAMETERS = {
    "fashion-linear-ae": (784 * 30 + 30, 30 * 784 + 784),
    "fashion-stacked-ae": (81_530, 82_284),
    "fashion-tied-ae": (81_530, 100 + 784),
    "fashion-greedy-ae": (81_530, 82_284),
    "fashion-conv-ae": (40_606, 13_873),
    "fashion-denoising-ae": (81_530, 82_284),
    "fashion-denoising-gaussian-ae": (81_530, 82_284),
    "fashion-sparse-l1-ae": (108_800, 109_284),
    "fashion-sparse-kl-ae": (108_800, 109_284),
}
LOSS = {"reconstruction_loss": "mse", "reconstruction_weight": 1.0}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_layers_are_the_books(name):
    model = building.build(recipes.recipe(name))
    assert (model.encoder.count_params(), model.decoder.count_params()) == PARAMETERS[name]
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype="float32")
    assert model.predict_on_batch(images).shape == images.shape


def tied(seed=0):
    keras.utils.set_random_seed(seed)
    return autoencoder_variants.build(
        (4, 4, 1), 3, {"dense": [5], "code": "relu"}, {"dense": [5], "output": "linear", "tied": True}, LOSS
    )


def test_a_tied_decoder_is_the_encoders_transpose(tmp_path):
    model, z = tied(), np.random.default_rng(1).random((2, 3), dtype="float32")
    one, two = (layer.get_weights()[0] for layer in model.encoder.layers if isinstance(layer, keras.layers.Dense))
    up, out = (layer for layer in model.decoder.layers if isinstance(layer, autoencoder_variants.DenseTranspose))
    up.bias.assign(np.full(5, 0.3))
    by_hand = np.maximum(0, z @ two.T + 0.3) @ one.T
    np.testing.assert_allclose(model.decoder.predict_on_batch(z).reshape(2, 16), by_hand, atol=1e-5)
    model.save(tmp_path / "tied.keras")
    again = keras.saving.load_model(tmp_path / "tied.keras", safe_mode=True)
    np.testing.assert_allclose(again.decoder.predict_on_batch(z), model.decoder.predict_on_batch(z), atol=1e-6)
    assert again.count_params() == 16 * 5 + 5 + 5 * 3 + 3 + 5 + 16  # each kernel once


def test_training_a_tied_autoencoder_moves_the_one_kernel_that_both_use():
    model = tied()
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    images = np.random.default_rng(2).random((8, 4, 4, 1), dtype="float32")
    losses = [model.train_on_batch(images)[0] for _ in range(60)]
    assert losses[-1] < 0.8 * losses[0]
    one, two = (layer.get_weights()[0] for layer in model.encoder.layers if isinstance(layer, keras.layers.Dense))
    biases = [layer.get_weights()[0] for layer in model.decoder.layers if layer.weights]
    z = model.encoder.predict_on_batch(images)
    by_hand = np.maximum(0, z @ two.T + biases[0]) @ one.T + biases[1]
    np.testing.assert_allclose(model.decoder.predict_on_batch(z).reshape(8, 16), by_hand, atol=1e-5)


def test_a_transpose_that_is_tied_to_nothing_says_so():
    with pytest.raises(ValueError, match="call its `tie`"):
        autoencoder_variants.DenseTranspose(4)(np.zeros((1, 3), "float32"))


@pytest.mark.parametrize("n", [2, 64])
def test_kl_sparsity_is_the_divergence_of_the_means_whatever_the_batch(n):
    codes = np.random.default_rng(3).uniform(0.05, 0.9, (n, 6)).astype("float32")
    q, p = codes.mean(0, dtype="float64"), 0.1
    by_hand = 5e-3 * sum(p * np.log(p / x) + (1 - p) * np.log((1 - p) / (1 - x)) for x in q)
    layer = keras.layers.Activation("linear", activity_regularizer=autoencoder_variants.KLSparsity(5e-3, 0.1))
    layer(keras.ops.convert_to_tensor(codes))
    assert float(layer.losses[0]) == pytest.approx(by_hand, rel=1e-4)  # Keras has divided by the batch


def test_the_loss_has_the_codes_regularizer_in_it():
    keras.utils.set_random_seed(0)
    model = autoencoder_variants.build((4, 4, 1), 7, {"code": "sigmoid", "sparsity": ["l1", 0.01]}, {"output": "linear"}, LOSS)
    images = np.random.default_rng(4).random((5, 4, 4, 1), dtype="float32")
    codes = model.encoder.predict_on_batch(images)
    error = np.square(model.decoder.predict_on_batch(codes) - images).mean()
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    assert float(model.train_on_batch(images)[0]) == pytest.approx(error + 0.01 * np.abs(codes).sum() / 5, rel=1e-4)


@pytest.mark.parametrize("noise", [["dropout", 0.5], ["gaussian", 0.5]])
def test_noise_comes_in_while_training_only(noise):
    encoder = autoencoder_variants.build_encoder((4, 4, 1), 3, noise=noise, seed=0)
    images = np.ones((64, 4, 4, 1), "float32")
    calm = keras.ops.convert_to_numpy(encoder(images))
    np.testing.assert_allclose(calm, np.repeat(calm[:1], 64, 0), atol=1e-6)
    assert keras.ops.convert_to_numpy(encoder(images, training=True)).std(0).min() > 0.01


@pytest.mark.parametrize("kind", ["ae", "vae"])
def test_training_is_told_to_every_layer(kind):
    """Keras tells a model that it is being trained only if its `call` asks: noise and batch normalization hang on that."""
    keras.utils.set_random_seed(0)
    settings = {"filters": [4], "batch_norm": True}
    model = autoencoder.build((8, 8, 1), 2, settings, settings, LOSS, variational=kind == "vae", seed=0)
    model.compile(optimizer=keras.optimizers.SGD(0.01))
    model.fit(3 + np.random.default_rng(0).random((64, 8, 8, 1), dtype="float32"), epochs=2, verbose=0)
    normal = [layer for part in (model.encoder, model.decoder) for layer in part.layers if "batch_normal" in layer.name]
    assert len(normal) >= 3
    for layer in normal:
        assert np.abs(keras.ops.convert_to_numpy(layer.moving_mean)).max() > 1e-3


def test_a_denoising_autoencoder_is_trained_on_noise():
    keras.utils.set_random_seed(0)
    model = autoencoder_variants.build((4, 4, 1), 16, {"noise": ["dropout", 0.5]}, {"output": "linear"}, LOSS, seed=0)
    for part in (model.encoder, model.decoder):
        part.set_weights([np.eye(16), np.zeros(16)])
    model.compile(optimizer=keras.optimizers.SGD(0.0))
    ones = np.ones((500, 4, 4, 1), "float32")
    assert float(model.train_on_batch(ones)[0]) == pytest.approx(1.0, abs=0.02)  # each pixel is 0 or 2
    assert float(model.test_on_batch(ones)[0]) == pytest.approx(0.0, abs=1e-6)


def test_codes_may_begin_above_zero():
    encoder = autoencoder_variants.build_encoder((4, 4, 1), 3, code="relu", code_bias=3.0)
    np.testing.assert_allclose(encoder.predict_on_batch(np.zeros((1, 4, 4, 1), "float32")), 3.0)


def test_members_are_autoencoders_like_the_others():
    assert isinstance(tied(), Autoencoder)
