"""The growing of a StyleGAN: what its discriminator sees, its slope, its fading and its runs, by tiny ones."""

import io

import keras
import numpy as np
import pytest
from keras import ops

from explorer import data
from explorer.generators.stylegan import StyleganGenerator
from explorer.training import building, progressive_growing, recipes, runs, stylegan_measures
from explorer.training.differentiable_augmentation import KINDS, KNOBS, varied
from explorer.training.train import PROCEDURES

RATE = {"name": "inverse", "initial": 2e-3, "decay": 0.0, "steps": 1}
TINY = {"faded": 0.5, "latent_size": 8, "mapping": 2, "widths": [8, 6, 4], "discriminator": [8, 6, 4], "image_shape": [16, 16, 3], "batch_size": 8,
        "epoch_images": 16, "learning_rate": RATE, "stages": {side: {"epochs": 2} for side in ("4", "8", "16")}}  # fmt: skip


def recipe(**own):
    return recipes.recipe("celeba-stylegan") | TINY | own


def numpy(x):
    return np.asarray(ops.convert_to_numpy(x))


def test_the_recipe_is_grown_over_all_its_levels():
    found = recipes.recipe("celeba-stylegan")
    assert next(PROCEDURES[key] for key in PROCEDURES if found.get(key)) == "progressive_growing"
    assert list(found["stages"]) == ["4", "8", "16", "32", "64"]
    seen = sum(stage["epochs"] * found["epoch_images"] for stage in found["stages"].values())
    assert 1e6 <= seen <= 1.5e6
    assert all((found | stage)["batch_size"] % progressive_growing.GROUP == 0 for stage in found["stages"].values())


# --- the discriminator ---


def test_minibatch_deviation_is_that_of_each_group():
    x = np.random.default_rng(0).normal(size=(8, 2, 2, 3)).astype("float32")
    found = numpy(progressive_growing.MinibatchDeviation()(x))
    np.testing.assert_array_equal(found[..., :3], x)
    for first in (0, 4):
        total = 0.0
        for i, j, k in np.ndindex(2, 2, 3):
            four = [float(x[first + m, i, j, k]) for m in range(4)]
            total += (sum((a - sum(four) / 4) ** 2 for a in four) / 4) ** 0.5
        np.testing.assert_allclose(found[first : first + 4, ..., 3], total / 12, rtol=1e-4)


def test_going_down_is_a_convolution_whose_pixels_are_averaged_two_by_two():
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    down, plain = progressive_growing.EqualizedConv(4, down=True), progressive_growing.EqualizedConv(4, linear=True)
    down(x), plain(x)
    plain.kernel.assign(down.kernel)
    expected = numpy(plain(x)).reshape(2, 4, 2, 4, 2, 4).mean((2, 4))
    np.testing.assert_allclose(numpy(down(x)), np.where(expected < 0, 0.2 * expected, expected), atol=1e-5)


class Quadratic(keras.Model):
    """A critic x' A x / 2, whose slope is A x."""

    def __init__(self, matrix):
        super().__init__()
        self.matrix = self.add_weight(shape=matrix.shape, initializer="zeros")
        self.matrix.assign(matrix)
        self.built = True

    def call(self, inputs, training=False):
        x = ops.reshape(inputs[0], (-1, self.matrix.shape[0]))
        return ops.sum(x * ops.matmul(x, self.matrix), axis=1, keepdims=True) / 2


def test_the_slope_is_that_of_a_known_critic(monkeypatch):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(48, 48))
    matrix = ((matrix + matrix.T) / 2).astype("float32")
    monkeypatch.setattr(progressive_growing, "PENALIZED", 4096)
    stage = progressive_growing.stage_of(recipe(augmentation=[]), "4")
    gan = progressive_growing.build(stage).gan
    trainer = progressive_growing.Growing(gan, Quadratic(matrix), 0, 1.0, [])
    image = rng.integers(0, 256, (1, 4, 4, 3), dtype="uint8")
    n = 4096
    batch = (image.repeat(n, 0), np.zeros((n, 2, 8), "float32"), np.ones(n, "int32"), np.zeros((n, 16), "float32"),
             np.zeros((n, 2, KNOBS), "float32"), rng.standard_normal((n, 4, 4, 3), "float32"))  # fmt: skip
    x = image.ravel() / 127.5 - 1.0
    slopes = numpy(trainer(batch)["slopes"])
    assert slopes.mean() == pytest.approx(np.square(matrix @ x).sum(), rel=0.1)
    np.testing.assert_allclose(slopes[:, 0], np.square(batch[5].reshape(n, 48) @ (matrix @ x)), rtol=0.05, atol=0.05)


def test_the_loss_is_each_sides_own_and_half_the_penalized_slope():
    stage = progressive_growing.stage_of(recipe(), "4")
    trainer = progressive_growing.build(stage)
    said = {"drawn": [[0.5], [-1.0]], "real": [[2.0], [0.0]], "fooled": [[0.5], [-1.0]], "slopes": [[3.0], [5.0]]}
    loss = float(trainer.compute_loss(y_pred={key: ops.convert_to_tensor(value) for key, value in said.items()}))
    softplus = lambda values: np.log1p(np.exp(values)).mean()  # noqa: E731
    expected = softplus([0.5, -1.0]) + softplus([-2.0, 0.0]) + softplus([-0.5, 1.0]) + stage["penalty"] * 16 / 2 * 4
    assert loss == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("learns", ["discriminator", "gan"])
def test_each_side_learns_from_its_own_loss(learns):
    keras.utils.set_random_seed(0)
    stage = progressive_growing.stage_of(recipe(), "8")
    trainer = progressive_growing.build(stage)
    faces = np.random.default_rng(1).integers(0, 256, (16, 16, 16, 3), dtype="uint8")
    batch = progressive_growing.batches_of(faces, stage, 0)[0][0]
    trainer.seen.assign(1e6)  # faded in, so that it stays what it is
    for name in ("discriminator", "gan"):
        getattr(trainer, name).trainable = name == learns
    trainer.compile(optimizer=keras.optimizers.Adam(2e-3, beta_1=0.0))

    def loss():
        said = {key: numpy(value) for key, value in trainer(batch).items()}
        softplus = lambda values: np.log1p(np.exp(values)).mean()  # noqa: E731
        return softplus(-said["fooled"]) if learns == "gan" else softplus(said["drawn"]) + softplus(-said["real"])

    before = loss()
    for _ in range(8):
        trainer.train_on_batch(batch)
    assert loss() < before - 0.01


# --- growing ---


def test_at_no_fade_a_grown_one_draws_and_judges_what_the_lower_one_did():
    small, large = (progressive_growing.build(progressive_growing.stage_of(recipe(), side)) for side in ("8", "16"))
    small.seen.assign(1e6)
    progressive_growing.inherit(large.parts, small.parts)
    rng = np.random.default_rng(0)
    z, noise, one = (
        rng.standard_normal((4, 8), "float32"),
        rng.standard_normal((4, 16 + 2 * 64 + 2 * 256), "float32"),
        np.ones((4, 1)),
    )
    style = numpy(small.gan.mapping(z))
    np.testing.assert_allclose(numpy(large.gan.mapping(z)), style, atol=1e-6)
    styles = style[:, None].repeat(3, 1)
    low = numpy(small.gan.synthesis([styles[:, :2], noise[:, : 16 + 128], one]))
    none, all_of_it = (numpy(large.gan.synthesis([styles, noise, fade * one])) for fade in (0, 1))
    enlarged = numpy(keras.layers.UpSampling2D(interpolation="bilinear")(low))
    np.testing.assert_allclose(none, enlarged, atol=1e-5)
    assert np.abs(all_of_it - enlarged).max() > 0.01
    pictures = rng.uniform(-1, 1, (4, 16, 16, 3)).astype("float32")
    means = pictures.reshape(4, 8, 2, 8, 2, 3).mean((2, 4))
    np.testing.assert_allclose(numpy(large.discriminator([pictures, 0 * one])), numpy(small.discriminator([means, one])), atol=1e-4)


def test_the_new_level_fades_in_over_its_part_of_the_stage():
    stage = progressive_growing.stage_of(recipe(), "8")
    trainer = progressive_growing.build(stage)  # over half of 2 epochs of 16
    batches = progressive_growing.batches_of(np.zeros((16, 16, 16, 3), "uint8"), stage, 0)
    faded = []
    for _ in range(3):
        faded.append(float(trainer.fade()))
        trainer(batches[0][0], training=True)
    assert faded == [0, 0.5, 1]
    trainer.seen.assign(4)
    half = progressive_growing.plain(trainer, building.build(stage))
    z, noise = (ops.ones((1, n)) for n in (8, 16 + 128))
    drawn = trainer.gan.synthesis([trainer.gan.spread(trainer.gan.mapping(z)), noise, ops.full((1, 1), 0.25)])
    np.testing.assert_allclose(numpy(half([z, noise])), numpy(drawn), atol=1e-5)


def test_two_latents_share_a_picture_at_the_crossover():
    trainer = progressive_growing.build(progressive_growing.stage_of(recipe(), "16"))
    z = np.random.default_rng(0).standard_normal((3, 2, 8), "float32")
    mixed = numpy(trainer.mixed(ops.convert_to_tensor(z), ops.convert_to_tensor(np.array([1, 2, 3], "int32"))))
    first, second = (numpy(trainer.gan.mapping(z[:, i])) for i in (0, 1))
    for row, crossover in enumerate((1, 2, 3)):
        for level in range(3):
            np.testing.assert_allclose(mixed[row, level], (first if level < crossover else second)[row], atol=1e-6)


def test_batches_are_pictures_of_the_stage_with_all_that_is_drawn_by_lot():
    faces = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype="uint8")
    stage = progressive_growing.stage_of(recipe(flip=False, mixing=0.5, epoch_images=40, batch_size=40), "8")
    images, z, crossover, noise, knobs, directions = progressive_growing.batches_of(faces, stage, 3)[0][0]
    small = faces.reshape(40, 8, 2, 8, 2, 3).mean((2, 4))
    nearest = np.abs(images[:, None] - small[None]).max((2, 3, 4))
    assert (nearest.min(1) <= 0.5).all()
    assert sorted(nearest.argmin(1)) == list(range(40)), "every picture once before any comes again"
    assert (z.shape, noise.shape, knobs.shape, directions.shape) == ((40, 2, 8), (40, 144), (40, 2, KNOBS), (4, 8, 8, 3))
    assert 8 < (crossover == 1).sum() < 32
    assert set(crossover.tolist()) == {1, 2}
    again, other = (progressive_growing.batches_of(faces, stage, seed)[0][0] for seed in (3, 4))
    assert np.array_equal(again[1], z)
    assert not np.array_equal(other[1], z)


@pytest.fixture
def few(monkeypatch):
    """Training faces that are made up: two colours, one above the other."""
    rng = np.random.default_rng(0)
    faces = np.zeros((64, 16, 16, 3), "float32")
    faces[:, :8], faces[:, 8:] = [0.9, 0.2, 0.2], [0.1, 0.2, 0.8]
    faces = np.clip(faces + rng.uniform(-0.1, 0.1, (64, 1, 1, 1)), 0, 1).astype("float32")
    monkeypatch.setattr(data, "load", lambda *arguments: (faces, None))
    return faces


def test_a_resumed_run_equals_the_unbroken_one(few, tmp_path, monkeypatch):
    """Stopped while the second level fades in, which began with what lay on the disk of the first."""
    short = recipe(stages={"4": {"epochs": 1}, "8": {"epochs": 2}}, image_shape=[8, 8, 3], faded=1.0)
    whole, history = progressive_growing.fit(short, tmp_path / "whole", out=io.StringIO())
    end = runs.Journal.on_epoch_end

    def on_epoch_end(journal, epoch, logs=None):
        end(journal, epoch, logs)
        if (journal.folder.name, epoch) == ("8", 0):
            raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(runs.Journal, "on_epoch_end", on_epoch_end)
        with pytest.raises(SystemExit):
            progressive_growing.fit(short, tmp_path / "parts", out=io.StringIO())
    resumed, found = progressive_growing.fit(short, tmp_path / "parts", out=io.StringIO())
    assert found["loss"] == pytest.approx(history["loss"], abs=1e-5)
    assert len(found["loss"]) == len(found["seconds"]) == 3
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_allclose(numpy(a), numpy(b), atol=1e-5, err_msg=a.path)


def test_who_stops_it_before_it_has_grown_goes_on_later(few, tmp_path, monkeypatch):
    def stopped(journal, batch, logs=None):
        if journal.folder.name == "4" and journal.history["loss"]:
            raise KeyboardInterrupt

    monkeypatch.setattr(runs.Journal, "on_train_batch_end", stopped)
    with pytest.raises(KeyboardInterrupt):
        progressive_growing.fit(recipe(), tmp_path, out=io.StringIO())
    assert runs.done(tmp_path / "4") == 1
    assert not (tmp_path / "8").exists()


def test_it_learns_what_pictures_look_like_and_shows_it(few, tmp_path):
    own = recipe(stages={"4": {"epochs": 4}, "8": {"epochs": 1}}, image_shape=[8, 8, 3], epoch_images=1024, batch_size=16,
                 learning_rate=RATE | {"initial": 1e-2}, penalty=0.01)  # fmt: skip
    own["optimizer"] |= {"ema_momentum": 0.9}
    preview = stylegan_measures.preview(own, tmp_path / "preview.png")
    model, history = progressive_growing.fit(own, tmp_path, preview=preview, out=io.StringIO())
    generator = StyleganGenerator({"name": "s", "latent_shape": [8], "image_shape": [8, 8, 3]}, model)
    drawn = generator.decode(generator.prior(64)).reshape(64, 2, 4, 8, 3).mean((0, 2, 3))
    assert np.abs(drawn - [[0.9, 0.2, 0.2], [0.1, 0.2, 0.8]]).max() < 0.25, drawn  # 0.4 of grey ones
    assert (tmp_path / "preview.png").is_file()
    early = progressive_growing.grown(own, tmp_path, "4")
    assert early.synthesis.output_shape == (None, 4, 4, 3)
    assert len(history["loss"]) == 5


# --- pictures varied ---


def test_pictures_are_varied_as_their_knobs_say():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (4, 16, 16, 3)).astype("float32")
    knobs = np.full((4, KNOBS), 0.5, "float32")
    as_it_was = numpy(varied(ops.convert_to_tensor(x), ops.convert_to_tensor(knobs), ["colour", "translation"]))
    np.testing.assert_allclose(as_it_was, x, atol=1e-5)
    knobs[:, 3], knobs[:, 4] = [0, 0.5, 0.5, 0.999], [0.5, 0.25, 0.999, 0]  # of 5 shifts: -2 to 2
    shifted = numpy(varied(ops.convert_to_tensor(x), ops.convert_to_tensor(knobs), ["translation"]))
    for picture, found, (down, across) in zip(x, shifted, [(-2, 0), (0, -1), (0, 2), (2, -2)], strict=True):
        padded = np.pad(picture, ((2, 2), (2, 2), (0, 0)))
        np.testing.assert_allclose(found, padded[2 - down : 18 - down, 2 - across : 18 - across], atol=1e-6)
    knobs[:, 5], knobs[:, 6] = 0.5, 0.0
    without = numpy(varied(ops.convert_to_tensor(x), ops.convert_to_tensor(knobs), ["cutout"]))
    expected = x.copy()
    expected[:, 4:12, :4] = 0
    np.testing.assert_allclose(without, expected, atol=1e-6)
    knobs[:, :3] = [0.75, 0.0, 0.5]
    grey = numpy(varied(ops.convert_to_tensor(x), ops.convert_to_tensor(knobs), ["colour"]))
    np.testing.assert_allclose(grey, (x.mean(3, keepdims=True) + 0.25).repeat(3, 3), atol=1e-5)
    assert varied(x, knobs, []) is x
    assert set(recipes.recipe("celeba-stylegan")["augmentation"]) <= set(KINDS)
