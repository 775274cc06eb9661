"""Oracles: the books' tables, numerical integration, losses worked out pixel by pixel in NumPy."""

import json
import math
import shutil

import keras
import numpy as np
import pytest

import explorer
from explorer import checkpoints
from explorer.generators.autoencoder import (
    VAE,
    Autoencoder,
    AutoencoderGenerator,
    Sampling,
    build,
    build_decoder,
    build_encoder,
    kl_divergence,
    reconstruction_error,
)
from explorer.training import building, storing
from explorer.training.recipes import RECIPES
from explorer.views import points

# layer by layer, as the books' tables print them (parameters of the layers that have any)
TABLES = {
    "mnist-vae": ([320, 18_496, 50_192, 34, 34], 69_076, [9_408, 36_928, 18_464, 289], 65_089),
    "fashion-ae": ([320, 18_496, 73_856, 4_098], 96_770, [6_144, 147_584, 73_792, 18_464, 289], 246_273),
    "fashion-vae": ([320, 18_496, 73_856, 4_098, 4_098], 100_868, [6_144, 147_584, 73_792, 18_464, 289], 246_273),
    "fashion-vae-10d": ([784 * 150 + 150, 150 * 100 + 100, 1_010, 1_010], 134_870, [1_100, 15_150, 150 * 784 + 784], 134_634),
}

# the faces' tables 3-5 and 3-6 at 32 x 32, and the same layers at 64 x 64: here batch normalization has parameters of its own
CONVOLUTIONS, NORMALIZATION = [3_584, 147_584, 147_584, 147_584], 512
FACES = {
    32: ([102_600, 102_600], 653_584, 652_560, [102_912, 2_048], 700_803, 698_755),
    64: ([409_800, 409_800], 1_267_984, 1_266_960, [411_648, 8_192], 1_015_683, 1_010_563),
}


@pytest.mark.parametrize("side", FACES)
def test_layers_and_parameters_of_the_faces_are_the_books(side):
    heads, encoder, encoder_trained, first, decoder, decoder_trained = FACES[side]
    model = building.build(RECIPES["celeba-vae"] | {"image_shape": [side, side, 3]})

    def parameters(part):
        return [layer.count_params() for layer in part.layers if layer.count_params()]

    def trained(part):
        return sum(int(np.prod(weight.shape)) for weight in part.trainable_weights)

    assert parameters(model.encoder) == [n for size in CONVOLUTIONS for n in (size, NORMALIZATION)] + heads
    assert parameters(model.decoder) == first + [147_584, NORMALIZATION] * 4 + [3_459]
    assert (model.encoder.count_params(), model.decoder.count_params()) == (encoder, decoder)
    assert (trained(model.encoder), trained(model.decoder)) == (encoder_trained, decoder_trained)


def test_faces_are_normalized_then_leaky_and_nothing_else_bends_them():
    model = building.build(RECIPES["celeba-vae"])
    for part, convolution, maps in ((model.encoder, "Conv2D", [32, 16, 8, 4]), (model.decoder, "Conv2DTranspose", [8, 16, 32, 64])):
        kinds = [type(layer).__name__ for layer in part.layers]
        strided = [i for i, layer in enumerate(part.layers) if kinds[i] == convolution and layer.strides == (2, 2)]
        assert [part.layers[i].output.shape[1:] for i in strided] == [(side, side, 128) for side in maps]
        for i in strided:
            assert kinds[i + 1 : i + 3] == ["BatchNormalization", "LeakyReLU"]
            assert part.layers[i].activation is keras.activations.linear
        slopes = [layer.negative_slope for layer in part.layers if type(layer).__name__ == "LeakyReLU"]
        assert slopes == pytest.approx([0.3] * len(slopes))
    names = [type(layer).__name__ for layer in model.decoder.layers]
    assert names[1:5] == ["Dense", "BatchNormalization", "LeakyReLU", "Reshape"]
    assert model.decoder.layers[4].output.shape == (None, 4, 4, 128)
    assert names[-1] == "Conv2DTranspose"
    assert model.decoder.layers[-1].strides == (1, 1)
    assert model.decoder.layers[-1].activation is keras.activations.sigmoid
    assert model.encoder.output_shape == [(None, 200)] * 2


def test_a_normalized_model_comes_back_from_disk_and_decodes_a_point_alone_as_among_others(tmp_path):
    model = build((16, 16, 3), 4, {"filters": [8, 8], "batch_norm": True}, {"filters": [8, 8], "batch_norm": True}, {}, seed=0)
    images = np.random.default_rng(6).random((64, 16, 16, 3)).astype("float32")
    model.compile(optimizer="adam")
    model.fit(images, batch_size=16, epochs=2, verbose=0)  # the moving means are now no longer 0
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    z = np.random.default_rng(7).standard_normal((9, 4)).astype("float32")
    together = model.decoder.predict_on_batch(z)
    np.testing.assert_allclose(back.decoder.predict_on_batch(z), together, atol=1e-6)
    for i in range(9):
        np.testing.assert_allclose(model.decoder.predict_on_batch(z[i : i + 1]), together[i : i + 1], atol=1e-5)


@pytest.mark.parametrize("name", TABLES)
def test_layers_and_parameters_are_the_books(name):
    encoder_layers, encoder, decoder_layers, decoder = TABLES[name]
    model = building.build(RECIPES[name])
    for part, layers, total in ((model.encoder, encoder_layers, encoder), (model.decoder, decoder_layers, decoder)):
        assert [layer.count_params() for layer in part.layers if layer.count_params()] == layers
        assert part.count_params() == total == sum(layers)


@pytest.mark.parametrize("name", TABLES)
def test_the_parts_fit_together(name):
    model, recipe = building.build(RECIPES[name]), RECIPES[name]
    assert model.encoder.input_shape == (None, *recipe["image_shape"]) == model.decoder.output_shape
    assert model.decoder.input_shape == (None, recipe["latent_size"])
    heads = model.encoder.output_shape
    assert heads == ((None, 2) if recipe["kind"] == "ae" else [(None, recipe["latent_size"])] * 2)
    activations = [getattr(layer, "activation", None) for layer in model.decoder.layers]
    assert activations[-1 if hasattr(model.decoder.layers[-1], "activation") else -2] is (
        keras.activations.linear if name == "fashion-vae-10d" else keras.activations.sigmoid
    )


def test_the_small_maps_of_the_books_tables():
    decoder = build_decoder((28, 28, 1), 2, filters=(64, 32))
    assert [layer.output.shape[1:] for layer in decoder.layers if "reshape" in layer.name or "conv" in layer.name] == [
        (7, 7, 64),
        (14, 14, 64),
        (28, 28, 32),
        (28, 28, 1),
    ]
    encoder = build_encoder((32, 32, 1), 2, filters=(32, 64, 128))
    assert [layer.output.shape[1:] for layer in encoder.layers if "conv" in layer.name] == [(16, 16, 32), (8, 8, 64), (4, 4, 128)]


# --- sampling and the two terms of the loss ---


def test_sampling_has_the_mean_and_the_spread_it_is_told():
    mean, log_var = np.array([3.0, -1.0, 0.0]), np.log(np.array([0.04, 1.0, 9.0]))
    n = 40_000
    inputs = [np.tile(part.astype("float32"), (n, 1)) for part in (mean, log_var)]
    z = keras.ops.convert_to_numpy(Sampling(seed=1)(inputs))
    spread = np.array([0.2, 1.0, 3.0])
    np.testing.assert_array_less(np.abs(z.mean(0) - mean), 4 * spread / math.sqrt(n))
    np.testing.assert_allclose(z.std(0), spread, rtol=4 / math.sqrt(2 * n))
    eps = (z - mean) / spread
    assert np.abs(np.corrcoef(eps.T) - np.eye(3)).max() < 4 / math.sqrt(n)
    assert (np.abs(eps) < 1).mean() == pytest.approx(0.6827, abs=0.006)  # a normal's, not a uniform's


def test_sampling_draws_anew_in_each_call_and_the_same_from_one_seed():
    inputs = [np.zeros((4, 2), "float32")] * 2
    layer, twin = Sampling(seed=5), Sampling.from_config(Sampling(seed=5).get_config())
    first, second = (keras.ops.convert_to_numpy(layer(inputs)) for _ in range(2))
    assert not np.allclose(first, second)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(twin(inputs)), first)


def test_kl_against_numerical_integration():
    means, log_vars = np.array([[0.0, 0.0], [1.5, -0.5], [0.2, 3.0]]), np.array([[0.0, 0.0], [-1.0, 0.7], [-4.0, 1.0]])
    expected = []
    for row_of_means, row_of_log_vars in zip(means, log_vars, strict=True):
        total = 0.0
        for mean, log_var in zip(row_of_means, row_of_log_vars, strict=True):
            sd = math.exp(log_var / 2)
            x = np.linspace(mean - 12 * sd, mean + 12 * sd, 20_001)
            log_q = -0.5 * ((x - mean) / sd) ** 2 - math.log(sd * math.sqrt(2 * math.pi))
            log_p = -0.5 * x**2 - math.log(math.sqrt(2 * math.pi))
            total += float((np.exp(log_q) * (log_q - log_p)).sum() * (x[1] - x[0]))
        expected.append(total)
    found = keras.ops.convert_to_numpy(kl_divergence(means.astype("float32"), log_vars.astype("float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.random((3, 4, 5, 1), dtype="float32"), rng.uniform(0.05, 0.95, (3, 4, 5, 1)).astype("float32")


def cross_entropy(images, guesses):
    """Mean over pixels, by image, one pixel at a time."""
    return [
        sum(
            -(x * math.log(p) + (1 - x) * math.log(1 - p))
            for x, p in zip(image.ravel().tolist(), guess.ravel().tolist(), strict=True)
        )
        / image.size
        for image, guess in zip(images, guesses, strict=True)
    ]


def test_reconstruction_errors_pixel_by_pixel(pair):
    images, guesses = pair
    squares = [
        sum((a - b) ** 2 for a, b in zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)) / 20
        for x, y in zip(images, guesses, strict=True)
    ]
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(reconstruction_error(images, guesses)), cross_entropy(images, guesses), rtol=1e-5
    )
    np.testing.assert_allclose(keras.ops.convert_to_numpy(reconstruction_error(images, guesses, "mse")), squares, rtol=1e-5)


def test_the_vaes_loss_is_the_negative_elbo_at_the_weights_of_the_recipe(pair):
    images, guesses = pair
    mean, log_var = np.array([[1.0, 0], [0, 2], [0, 0]], "float32"), np.log(np.array([[1, 1], [1, 1], [4, 0.25]], "float32"))
    kl = [0.5, 2.0, 0.5 * (4 + 0.25 - 2)]  # by hand: mean^2 / 2; and (v - log v - 1) / 2, whose logarithms cancel here
    model = VAE(build_encoder((4, 5, 1), 2), build_decoder((4, 5, 1), 2), kl_weight=3.0, reconstruction_weight=20.0)
    loss = model.compute_loss(x=images, y_pred={"reconstruction": guesses, "z_mean": mean, "z_log_var": log_var})
    assert float(loss) == pytest.approx(20 * np.mean(cross_entropy(images, guesses)) + 3 * np.mean(kl), rel=1e-5)


def test_the_autoencoders_loss_has_no_other_term(pair):
    images, guesses = pair
    model = Autoencoder(build_encoder((4, 5, 1), 2, variational=False), build_decoder((4, 5, 1), 2), reconstruction_weight=7.0)
    assert float(model.compute_loss(x=images, y_pred=guesses)) == pytest.approx(
        7 * np.mean(cross_entropy(images, guesses)), rel=1e-5
    )


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match=r"binary_crossentropy.*mse.*'ssim'"):
        build((4, 4, 1), 2, {}, {}, {"reconstruction_loss": "ssim"})


@pytest.mark.parametrize("variational", [True, False])
def test_training_lowers_the_loss_and_reports_its_terms(variational):
    images = np.random.default_rng(1).random((64, 8, 8, 1)).astype("float32") ** 4
    loss = {"reconstruction_loss": "binary_crossentropy", "reconstruction_weight": 64.0} | (
        {"kl_weight": 2.0} if variational else {}
    )
    model = build((8, 8, 1), 2, {"dense": [16]}, {"dense": [16]}, loss, variational, seed=0)
    model.compile(optimizer=keras.optimizers.Adam(0.01))
    history = model.fit(images, batch_size=16, epochs=8, validation_data=(images,), verbose=0).history
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    assert history["val_loss"][-1] < 0.95 * history["val_loss"][0]
    total = 64 * np.array(history["reconstruction"]) + (2 * np.array(history["kl"]) if variational else 0)
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)


# --- on disk ---


@pytest.mark.parametrize("variational", [True, False])
def test_a_model_comes_back_from_disk_without_being_told_how(tmp_path, variational):
    loss = {"reconstruction_loss": "mse", "reconstruction_weight": 5.0} | ({"kl_weight": 0.25} if variational else {})
    model = build((8, 8, 1), 3, {"filters": [4]}, {"filters": [4]}, loss, variational, seed=4)
    model.save(tmp_path / "model.keras")
    back = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    images, z = (
        np.random.default_rng(2).random((5, 8, 8, 1)).astype("float32"),
        np.random.default_rng(3).standard_normal((5, 3)).astype("float32"),
    )
    assert type(back) is type(model)
    assert back.get_config()["reconstruction_weight"] == 5.0
    assert (back.reconstruction_loss, getattr(back, "kl_weight", None), getattr(back, "seed", None)) == (
        ("mse", 0.25, 4) if variational else ("mse", None, None)
    )
    np.testing.assert_allclose(back.decoder.predict_on_batch(z), model.decoder.predict_on_batch(z), atol=1e-6)
    for one, two in zip(
        np.atleast_3d(back.encoder.predict_on_batch(images)), np.atleast_3d(model.encoder.predict_on_batch(images)), strict=True
    ):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_shipped_weights_are_the_trained_ones_in_half_precision(tmp_path):
    model = build((8, 8, 1), 2, {"dense": [50]}, {"dense": [50]}, {}, seed=0)
    model.save(tmp_path / "whole.keras")
    storing.save(model, tmp_path / "model.keras")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "whole.keras"]  # no scraps
    back = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert len(back.weights) == len(model.weights) > 8
    for stored, trained in zip(back.weights, model.weights, strict=True):
        if "seed" not in trained.path:
            assert keras.backend.standardize_dtype(stored.dtype) == "float32"
            trained = np.asarray(keras.ops.convert_to_numpy(trained))
            np.testing.assert_array_equal(keras.ops.convert_to_numpy(stored), trained.astype("float16").astype("float32"))


# --- as a generator ---


def test_decode_is_the_decoder(toys):
    z = np.random.default_rng(4).standard_normal((17, 4))
    images = explorer.load("deep").decode(z)
    assert (images.dtype, images.shape) == (np.float32, (17, 8, 8, 1))
    np.testing.assert_allclose(images, toys.deep.pictures(z), atol=1e-6)
    assert explorer.load("deep").decode(np.zeros((0, 4))).shape == (0, 8, 8, 1)


def test_a_linear_output_is_kept_in_range():
    card = {"name": "x", "kind": "vae", "latent_shape": [2], "image_shape": [4, 4, 1]}
    model = build((4, 4, 1), 2, {}, {"output": "linear"}, {})
    model.decoder.set_weights([np.stack([np.linspace(-2, 2, 16), np.zeros(16)]), np.zeros(16)])
    images = AutoencoderGenerator(card, model).decode([[3.0, -1.0]])
    assert (images.min(), images.max()) == (0, 1)


@pytest.mark.parametrize(
    ("z", "words"),
    [
        (np.zeros(2), r"\(n, 2\), got \(2,\)"),
        (np.zeros((3, 3)), r"\(n, 2\), got \(3, 3\)"),
        (np.zeros((1, 1, 2)), "got"),
        (0.0, "got"),
        ([[0, math.nan]], "finite.* 1 "),
        ([[math.inf, -math.inf]], "finite.* 2 "),
        ([[1e300, 0]], "finite"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_latents_that_are_none_are_refused(toys, z, words):
    with pytest.raises(ValueError, match=words):
        explorer.load("flat").decode(z)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((8, 8, 1)), r"\(n, 8, 8, 1\), got \(8, 8, 1\)"),
        (np.zeros((1, 8, 8)), "got"),
        (np.zeros((1, 8, 8, 3)), "got"),
        (np.full((1, 8, 8, 1), 255.0), r"\[0, 1\].*255"),
        (np.full((1, 8, 8, 1), -0.1), r"\[0, 1\]"),
        (np.full((1, 8, 8, 1), math.nan), r"\[0, 1\]"),
    ],
)
def test_images_that_are_none_are_refused(toys, images, words):
    with pytest.raises(ValueError, match=words):
        explorer.load("flat").encode(images)


def test_encode_gives_both_heads_of_a_vae_and_the_one_of_an_ae(toys):
    images = np.random.default_rng(5).random((6, 8, 8, 1)).astype("float32")
    for name in ("deep", "holes"):
        generator = explorer.load(name)
        weights = [w.astype("float64") for w in generator.model.encoder.get_weights()]
        heads = [images.reshape(6, 64) @ weights[i] + weights[i + 1] for i in range(0, len(weights), 2)]
        z_mean, z_log_var = generator.encode(images)
        np.testing.assert_allclose(z_mean, heads[0], atol=1e-5)
        if name == "holes":
            assert z_log_var is None
        else:
            np.testing.assert_allclose(z_log_var, heads[1], atol=1e-5)


def test_the_prior_of_a_vae_is_the_standard_normal(toys):
    z = explorer.load("deep").prior(20_000, seed=3)
    assert (z.dtype, z.shape) == (np.float32, (20_000, 4))
    assert np.abs(z.mean(0)).max() < 4 / math.sqrt(20_000)
    assert np.abs(np.cov(z.T) - np.eye(4)).max() < 0.05
    np.testing.assert_array_equal(explorer.load("deep").prior(5, seed=3), z[:5])
    assert not np.allclose(explorer.load("deep").prior(5, seed=4), z[:5])


def test_an_autoencoder_without_a_prior_draws_from_the_gaussian_on_its_card(toys):
    z = explorer.load("holes").prior(40_000)
    np.testing.assert_allclose(z.mean(0), [2, -1], atol=0.04)
    np.testing.assert_allclose(np.cov(z.T), [[4, 1.2], [1.2, 1]], atol=0.1)
    assert z.dtype == np.float32


@pytest.fixture
def mixed(toys, tmp_path, monkeypatch):
    """`deep`, with a mixture of two Gaussians fitted to its codes; returns the mixture."""
    folder = shutil.copytree(toys.root / "deep", tmp_path / "deep")
    rng = np.random.default_rng(8)
    mixture = {"weights": np.float32([0.25, 0.75]), "means": np.float16([[9, 9, 9, 9], [-3, 0, 0, 1]]),
               "factors": rng.normal(0, 0.5, (2, 4, 4)).astype("float16")}  # fmt: skip
    np.savez(folder / checkpoints.PRIOR, **mixture)
    card = json.loads((folder / checkpoints.CARD).read_text("utf-8"))
    (folder / checkpoints.CARD).write_text(json.dumps({**card, "fitted_mixture": {"components": 2, "file": "prior.npz"}}), "utf-8")
    checkpoints.seal(folder)
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    return {key: array.astype("float64") for key, array in mixture.items()}


def test_a_vae_with_a_mixture_draws_from_it(mixed):
    z = explorer.load("deep").prior(20_000, seed=3)
    assert (z.shape, z.dtype) == ((20_000, 4), np.float32)
    shares, means, factors = mixed["weights"], mixed["means"], mixed["factors"]
    mean = shares @ means
    np.testing.assert_allclose(z.mean(0), mean, atol=0.1)
    # the law of total covariance
    within = np.einsum("k,kij,klj->il", shares, factors, factors)
    np.testing.assert_allclose(np.cov(z.T), within + ((means - mean).T * shares) @ (means - mean), atol=0.6)
    first = z.sum(1) > 17  # the components are far apart
    assert first.mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(np.cov(z[first].T), factors[0] @ factors[0].T, atol=0.06)
    np.testing.assert_allclose(np.cov(z[~first].T), factors[1] @ factors[1].T, atol=0.06)


def test_the_faces_of_a_mixture_are_told_apart_by_their_seed(mixed):
    generator = explorer.load("deep")
    np.testing.assert_array_equal(generator.prior(8, seed=5)[:3], generator.prior(3, seed=5))
    assert len({tuple(generator.prior(1, seed)[0]) for seed in range(20)}) == 20
    np.testing.assert_allclose(points.at("deep", 5), generator.prior(1, seed=5)[0], atol=1e-4)


def test_what_a_model_cannot_do_it_says(toys):
    with pytest.raises(NotImplementedError, match="flat.*attributes"):
        explorer.load("flat").direction("Smiling")
    with pytest.raises(NotImplementedError, match="flat has no encoder"):
        explorer.Generator.encode(explorer.load("flat"), None)


def test_the_faces_at_32_pixels_are_the_books_to_the_parameter():
    model = building.build(RECIPES["celeba-vae-32"])
    assert (model.encoder.count_params(), model.decoder.count_params()) == (653_584, 700_803)
    recipe = RECIPES["celeba-vae-32"]
    assert (recipe["loss"]["reconstruction_weight"], recipe["batch_size"], recipe["epochs"]) == (2000, 128, 5)


def test_a_sheet_is_decoded_in_parts(monkeypatch):
    generator, sizes = explorer.load("mnist-vae"), []
    z = generator.prior(10)
    whole = generator.decode(z)
    predict = generator.model.decoder.predict_on_batch
    monkeypatch.setattr(generator.model.decoder, "predict_on_batch", lambda some: sizes.append(len(some)) or predict(some))
    monkeypatch.setattr("explorer.generators.autoencoder._AT_ONCE", 4 * 28 * 28)
    np.testing.assert_allclose(generator.decode(z), whole, atol=1e-6)
    assert sizes == [4, 4, 2]
