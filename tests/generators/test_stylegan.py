"""StyleGAN: its convolutions against kernels written out for each sample, and what the generator answers."""

import keras
import numpy as np
import pytest

from explorer.errors import InputError, NotSupported
from explorer.generators import stylegan
from explorer.generators.files import Files
from explorer.training import storing

WIDTHS, SIDE = [6, 5, 4], 16


def correlated(x, kernel):
    """A 3 x 3 convolution of one picture (h, w, i), the margin zeros, by loops over the kernel: float64 (h, w, o)."""
    padded, (height, width) = np.pad(x, ((1, 1), (1, 1), (0, 0))), x.shape[:2]
    return sum(padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3))


@pytest.mark.parametrize("up", [False, True])
@pytest.mark.parametrize("demodulate", [False, True])
def test_modulation_is_a_kernel_of_each_samples_own(up, demodulate):
    rng = np.random.default_rng(0)
    x, kernel, style = rng.normal(size=(3, 4, 4, 5)), rng.normal(size=(3, 3, 5, 7)), rng.normal(size=(3, 5))
    expected = []
    for picture, scale in zip(x, style, strict=True):
        own = kernel * scale[:, None]
        if demodulate:
            own = own / np.sqrt(np.square(own).sum((0, 1, 2)))
        expected.append(correlated(picture.repeat(2, 0).repeat(2, 1) if up else picture, own))
    tensors = [keras.ops.convert_to_tensor(a.astype("float32")) for a in (x, kernel, style)]
    found = keras.ops.convert_to_numpy(stylegan.modulated(*tensors, demodulate=demodulate, up=up))
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-4)


@pytest.mark.parametrize(("units", "rate"), [(300, 1.0), (300, 0.01)])
def test_layers_with_equalized_rates_keep_the_size_of_what_goes_through(units, rate):
    keras.utils.set_random_seed(1)
    layer = stylegan.EqualizedDense(units, rate)
    x = np.random.default_rng(2).standard_normal((200, 400), dtype="float32")
    y = keras.ops.convert_to_numpy(layer(x))
    assert np.square(y).mean() == pytest.approx(1.04, abs=0.1)  # of sqrt(2) max(x, 0.2 x)
    assert keras.ops.convert_to_numpy(layer.kernel).std() == pytest.approx(1 / rate, rel=0.02)


def network(side=SIDE, seed=0):
    """An untrained one whose every weight makes a difference."""
    keras.utils.set_random_seed(seed)
    model = stylegan.build((side, side, 3), 8, WIDTHS, 2)
    for layer in model.synthesis.layers:
        if isinstance(layer, stylegan.StyledConv):
            layer.strength.assign(0.3)
    model.settle()
    return model


@pytest.fixture(scope="module")
def generator():
    return stylegan.StyleganGenerator({"name": "s", "latent_shape": [8], "image_shape": [SIDE, SIDE, 3]}, network())


def test_a_picture_is_that_of_its_styles(generator):
    z = generator.prior(4, seed=3)
    pictures, styles = generator.decode(z), generator.styles(z)
    assert (pictures.shape, pictures.dtype, styles.shape) == ((4, SIDE, SIDE, 3), np.float32, (4, 3, 8))
    assert pictures.std() > 0.05
    np.testing.assert_allclose(generator.decode_styles(styles, noise_seed=0), pictures, atol=1e-6)
    np.testing.assert_allclose(generator.decode(z[2:3]), pictures[2:3], atol=1e-5)
    np.testing.assert_allclose(generator.styles(3 * z), styles, atol=1e-4, err_msg="the length of z says nothing")
    decoder = generator.networks()["decoder"]
    np.testing.assert_allclose(decoder.predict(z, verbose=0), pictures, atol=1e-5)


def test_noise_belongs_to_a_seed_and_a_place(generator):
    styles = np.repeat(generator.styles(generator.prior(1)), 3, axis=0)
    same = generator.decode_styles(styles)
    np.testing.assert_allclose(same[1:], same[:1].repeat(2, 0), atol=1e-6)
    three = generator.decode_styles(styles, noise_seed=5, places=[0, 7, 2])
    assert min(np.abs(three[i] - three[j]).max() for i, j in ((0, 1), (0, 2), (1, 2))) > 1e-3
    np.testing.assert_allclose(generator.decode_styles(styles[:1], noise_seed=5, places=[7]), three[1:2], atol=1e-5)
    assert np.abs(generator.decode_styles(styles[:1], noise_seed=6, places=[7]) - three[1]).max() > 1e-3
    none, fine = (generator.decode_styles(styles, noise_seed=5, places=[0, 7, 2], noise_levels=levels) for levels in ([], [2]))
    np.testing.assert_allclose(none[1:], none[:1].repeat(2, 0), atol=1e-6)
    assert np.abs(fine[0] - none[0]).max() > 1e-3
    coarse = fine.reshape(3, 8, 2, 8, 2, 3)
    assert np.abs(coarse - none.reshape(3, 8, 2, 8, 2, 3)).max() < np.abs(three - none).max() + 1e-6


def test_noise_is_that_of_its_pixels():
    """The flat numbers, laid out by hand: one map of 4 x 4, then two of each wider one."""
    rng = np.random.default_rng(0)
    x, styles = rng.normal(size=(1, 8, 8, 2)), np.zeros((1, 2, 8))
    noise = rng.normal(size=(1, 16 + 64 + 64))
    layer = stylegan.StyledConv(2, 1, 16 + 64)
    inputs = [keras.ops.convert_to_tensor(a.astype("float32")) for a in (x, styles, noise)]
    silent = keras.ops.convert_to_numpy(layer(inputs))
    layer.strength.assign(2.0)
    added = keras.ops.convert_to_numpy(layer(inputs))
    undone = lambda y: np.where(y < 0, y / 0.2, y)  # noqa: E731 - leaky ReLU
    expected = np.broadcast_to(2 * noise[0, 80:].reshape(1, 8, 8, 1), added.shape)
    np.testing.assert_allclose(undone(added) - undone(silent), expected, atol=1e-3)
    assert stylegan.noise_size(8) == 144


def test_truncation_goes_towards_the_mean_of_styles(generator):
    z = generator.prior(3, seed=1)
    whole, half, none = (generator.styles(z, truncation) for truncation in (1.0, 0.5, 0.0))
    np.testing.assert_allclose(none, np.broadcast_to(generator.mean_style, none.shape), atol=1e-6)
    np.testing.assert_allclose(half, (whole + none) / 2, atol=1e-6)
    many = generator.styles(np.random.default_rng(9).standard_normal((20_000, 8)))[:, 0]
    assert np.abs(many.mean(0) - generator.mean_style).max() < 0.05 * many.std()
    np.testing.assert_allclose(generator.decode(z, truncation=0.0), generator.decode_styles(none), atol=1e-6)


def test_mixed_styles_are_the_coarse_ones_below_a_level(generator):
    coarse, fine = generator.styles(generator.prior(2, seed=1)), generator.styles(generator.prior(2, seed=2))
    mixed = generator.mix(coarse, fine, 1)
    np.testing.assert_array_equal(mixed[:, 0], coarse[:, 0])
    np.testing.assert_array_equal(mixed[:, 1:], fine[:, 1:])
    np.testing.assert_array_equal(generator.mix(coarse, fine, 0), fine)
    np.testing.assert_array_equal(generator.mix(coarse, fine, 3), coarse)
    assert np.abs(generator.decode_styles(mixed) - generator.decode_styles(fine)).max() > 1e-3


def test_what_cannot_be_is_refused_in_a_sentence(generator):
    styles = generator.styles(generator.prior(2))
    for call, words in {
        (lambda: generator.decode(np.zeros((2, 7)))): r"latents must have shape \(n, 8\)",
        (lambda: generator.decode(generator.prior(1), label=1)): "was trained without classes: leave label out",
        (lambda: generator.decode_styles(styles[:, :2])): r"latents must have shape \(n, 3, 8\)",
        (lambda: generator.decode_styles(styles, places=[1])): "places must be 2 whole numbers",
        (lambda: generator.decode_styles(styles, noise_seed=-1)): "seed must be a whole number",
        (lambda: generator.decode_styles(styles, noise_levels=[3])): "noise_levels must be among 0 to 2",
        (lambda: generator.mix(styles, styles, 4)): "level must be a whole number from 0 to 3, got 4",
        (lambda: generator.mix(styles, styles[:1], 1)): "as many fine styles as coarse ones, 2, got 1",
        (lambda: generator.styles(generator.prior(1), np.nan)): "truncation must be a number",
        (lambda: generator.grown(8)): "was kept at a width of 16 pixels, not at 8",
        (lambda: stylegan.sides_of(12)): "another power of 2 pixels wide, got 12",
    }.items():
        with pytest.raises(InputError, match=words):
            call()
    with pytest.raises(NotSupported, match="has no encoder"):
        generator.encode(np.zeros((1, SIDE, SIDE, 3)))


def test_of_nothing_there_is_nothing(generator):
    assert generator.decode(generator.prior(0)).shape == (0, SIDE, SIDE, 3)
    assert generator.decode_styles(np.zeros((0, 3, 8))).shape == (0, SIDE, SIDE, 3)


def test_it_is_stored_in_few_bytes_with_what_it_was_before_it_grew(tmp_path):
    whole, early = network(), network(8, seed=4)
    storing.save(whole, tmp_path / "model.keras")
    storing.save(early, tmp_path / stylegan.grown_file(8))
    card = {"name": "s", "latent_shape": [8], "image_shape": [SIDE, SIDE, 3], "grown": [8]}
    files = Files(tmp_path)
    loaded = stylegan.StyleganGenerator(card, stylegan.StyleganGenerator.load_model(files), files)
    made = stylegan.StyleganGenerator(card, whole)
    z = made.prior(2)
    np.testing.assert_allclose(loaded.decode(z), made.decode(z), atol=5e-3)
    np.testing.assert_allclose(loaded.mean_style, made.mean_style, atol=1e-3)
    small = loaded.grown(8)
    assert small.image_shape == (8, 8, 3)
    assert small.decode(z).shape == (2, 8, 8, 3)
    np.testing.assert_allclose(small.mean_style, np.asarray(keras.ops.convert_to_numpy(early.mean_style)), atol=1e-3)
    assert loaded.grown(16) is loaded
    assert loaded.grown(8) is small
