"""Real runs of the real recipes on a few hundred made-up images, and the plateau's rules on a model that is none."""

import io
import json
import os
import signal
from types import SimpleNamespace

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

import explorer
from explorer import checkpoints, data
from explorer.training import feeding, recipes, runs
from explorer.training.muon import Muon
from explorer.training.train import train

QUICK = {"encoder": {"dense": [16]}, "decoder": {"dense": [16]}, "batch_size": 200, "snapshots": []}


@pytest.fixture
def recipe():
    """A quick one: `mnist-vae` with thinner nets, two epochs, no snapshots."""
    return recipes.recipe("mnist-vae") | QUICK | {"epochs": 2}


def fit(recipe, folder, data_folder, **options):
    return runs.fit(recipe, folder, data_folder, out=options.pop("out", io.StringIO()), **options)


def weights(model):
    return [keras.ops.convert_to_numpy(w) for w in model.trainable_variables]


def steps_taken(folder):
    """What the optimizer says in the file from which a run goes on."""
    with h5py.File(folder / runs.LAST) as file:
        return int(file["optimizer/vars/0"][()])


# --- a run ---


def test_a_run_keeps_its_history_and_its_best_weights(recipe, small_data, tmp_path):
    seen, out = [], io.StringIO()
    model, history = fit(recipe, tmp_path, small_data, preview=lambda model, epoch: seen.append((epoch, weights(model))), out=out)
    assert json.loads((tmp_path / runs.HISTORY).read_text()) == history
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert history["loss"][1] < history["loss"][0]
    assert [len(history[key]) for key in ("loss", "kl", "reconstruction", "seconds")] == [2, 2, 2, 2]
    assert keras.backend.backend() in history["device"]
    for kept, last in zip(weights(model), seen[-1][1], strict=True):
        np.testing.assert_array_equal(kept, last)  # without validation the last are the best
    assert "epoch 2/2: loss" in out.getvalue()
    assert "\033" not in out.getvalue()
    first, second = out.getvalue().splitlines()
    assert first.endswith(" left")
    assert "left" not in second
    assert "\r" not in out.getvalue()  # no bar where nobody looks


def test_a_run_goes_on_where_it_stopped(recipe, small_data, tmp_path):
    first_model, first = fit(recipe | {"epochs": 1}, tmp_path, small_data)
    assert steps_taken(tmp_path) == 3  # 600 images in batches of 200
    began = []
    second_model, second = fit(recipe, tmp_path, small_data, preview=lambda model, epoch: began.append(epoch))
    assert began == [2]
    assert steps_taken(tmp_path) == 6  # the optimizer's memory came along
    assert second["loss"][0] == first["loss"][0]
    assert second["loss"][1] < second["loss"][0]
    assert any(not np.array_equal(a, b) for a, b in zip(weights(first_model), weights(second_model), strict=True))
    # a run that is finished is not run again
    third_model, third = fit(recipe, tmp_path, small_data, preview=lambda model, epoch: began.append(epoch))
    assert began == [2]
    assert third == second
    for a, b in zip(weights(second_model), weights(third_model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_seed_makes_the_same_run_and_another_another(recipe, small_data, tmp_path):
    losses = [
        fit(recipe | {"epochs": 1, "seed": seed}, tmp_path / str(i), small_data)[1]["loss"][0] for i, seed in enumerate((3, 3, 4))
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def test_a_recipe_may_name_muon_and_its_settings(recipe, small_data, tmp_path):
    seen = []
    recipe |= {"epochs": 1, "optimizer": {"name": "muon", "ema_momentum": 0.9, "use_ema": True}}
    fit(recipe, tmp_path, small_data, preview=lambda model, _: seen.append(model.optimizer))
    assert isinstance(seen[0], Muon)
    assert seen[0].ema_momentum == 0.9
    fit(recipe | {"epochs": 2}, tmp_path, small_data)
    assert steps_taken(tmp_path) == 6  # its memory came along


def test_the_kl_term_rises_to_its_weight(recipe, small_data, tmp_path):
    raised = []
    recipe |= {"epochs": 3, "kl_warmup_epochs": 2}
    recipe["loss"]["kl_weight"] = 4.0
    fit(
        recipe, tmp_path, small_data, preview=lambda model, _: raised.append(float(keras.ops.convert_to_numpy(model.kl_weight_now)))
    )
    assert raised == pytest.approx([2, 4, 4])


def interrupt(*_, **__):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background had it ignored
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_the_last_whole_epoch(recipe, small_data, tmp_path, monkeypatch):
    original = runs.Journal.on_train_batch_end

    def pressed(journal, batch, logs=None):
        original(journal, batch, logs)
        if journal._epoch == 1 and batch == 1:
            interrupt()

    monkeypatch.setattr(runs.Journal, "on_train_batch_end", pressed)
    kept, out = [], io.StringIO()
    model, history = fit(
        recipe | {"epochs": 50}, tmp_path, small_data, preview=lambda model, _: kept.append(weights(model)), out=out
    )
    assert len(history["loss"]) == len(kept) == 1
    assert "keeping what 1 epoch" in out.getvalue()
    for a, b in zip(weights(model), kept[0], strict=True):
        np.testing.assert_array_equal(a, b)
    monkeypatch.setattr(runs.Journal, "on_train_batch_end", original)
    _, resumed = fit(recipe, tmp_path, small_data)
    assert len(resumed["loss"]) == 2
    assert resumed["loss"][0] == history["loss"][0]


def test_ctrl_c_before_anything_was_learned_is_passed_on(recipe, small_data, tmp_path, monkeypatch):
    monkeypatch.setattr(runs.Journal, "on_train_batch_end", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(recipe, tmp_path, small_data)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_a_bar_shows_the_time_left(recipe, small_data, tmp_path):
    out = Terminal()
    fit(recipe | {"epochs": 1}, tmp_path, small_data, out=out)
    bar = out.getvalue().split("\r")[1]
    assert bar.startswith("epoch 1/1 [")
    assert "loss" in bar
    assert bar.rstrip().endswith("left")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3_599, "59:59"), (3_661, "1:01:01"), (36_000, "10:00:00")]
)
def test_clock(seconds, shown):
    assert runs.clock(seconds) == shown


# --- plateaus and schedules ---


class Idle:
    """Stands in for a model: counts what is saved of it."""

    def __init__(self):
        self.saved, self.stop_training = [], False
        self.optimizer = SimpleNamespace(learning_rate=1.0)

    def save_weights(self, path):
        path.touch()
        self.saved.append(path.name)


def journey(tmp_path, losses, **changes):
    """What a journal does to an idle model over epochs with these validation losses."""
    recipe = recipes.recipe("fashion-ae") | {"epochs": 60, "patience": 5} | changes
    recipe["learning_rate"] = {"name": "plateau", "initial": 1.0, "factor": 0.1, "after": 2}
    journal, model = runs.Journal(recipe, tmp_path, 1, None, io.StringIO()), Idle()
    journal.set_model(model)
    rates = []
    for epoch, loss in enumerate(losses):
        journal.on_epoch_begin(epoch)
        journal.on_epoch_end(epoch, {"loss": 0.0, "val_loss": loss})
        rates.append(model.optimizer.learning_rate)
        if model.stop_training:
            break
    return journal, model, rates


def test_five_epochs_that_bring_nothing_end_a_run_and_the_best_is_kept(tmp_path):
    journal, model, rates = journey(tmp_path, [5, 4, 3, 3.5, 3.4, 3.3, 3.2, 3.1, 2])
    assert len(rates) == 8
    assert journal.best_epoch == 2
    assert [name for name in model.saved if name == runs.BEST] == [runs.BEST] * 3
    assert model.saved.count(f"part.{runs.LAST}") == 8  # each put in its place once it is whole
    assert rates == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    again = runs.Journal(journal.recipe, tmp_path, 1, None, io.StringIO())
    assert again.finished
    assert again.best_epoch == 2


def stops_after(tmp_path, losses, **changes):
    """How many epochs with these validation losses a cosine over 4 epochs lasts, two being patience enough."""
    recipe = recipes.recipe("fashion-ae") | {"epochs": 60, "patience": 2} | changes
    recipe["learning_rate"] = {"name": "cosine", "initial": 1.0, "warmup_epochs": 1, "final_fraction": 0.01} | recipe[
        "learning_rate"
    ]
    journal, model = runs.Journal(recipe, tmp_path, 1, None, io.StringIO()), Idle()
    journal.set_model(model)
    for epoch, loss in enumerate(losses, start=1):
        journal.on_epoch_begin(epoch - 1)
        journal.on_epoch_end(epoch - 1, {"loss": 0.0, "val_loss": loss})
        assert runs.Journal(recipe, tmp_path, 1, None, io.StringIO()).finished == journal.finished == model.stop_training
        if model.stop_training:
            return epoch
    return None


@pytest.mark.parametrize(
    ("losses", "last"),
    [
        ([1, 2, 2, 2, 2, 2, 2, 2], 6),  # nothing was stale before the fourth epoch, two were after it
        ([9, 8, 7, 6, 5, 6, 6, 6], 7),  # the best came after the fall
        ([9, 8, 7, 6, 7, 5, 7, 4], None),
    ],
)
def test_nothing_is_stale_while_a_cosine_falls(tmp_path, losses, last):
    assert stops_after(tmp_path, losses, learning_rate={"epochs": 4}) == last


def test_a_cosine_over_the_whole_run_may_be_stopped_in_it(tmp_path):
    assert stops_after(tmp_path, [1, 2, 2, 2, 2], learning_rate={}) == 3


def test_a_cosine_that_falls_as_long_as_the_run_ends_with_it(tmp_path):
    assert stops_after(tmp_path, [1, 2, 2, 2, 2, 2], learning_rate={"epochs": 4}, epochs=4) == 4


def test_a_cosine_that_names_its_epochs_stays_low_after_them():
    schedule = {"name": "cosine", "initial": 1e-3, "warmup_epochs": 1, "final_fraction": 0.01, "epochs": 11}
    rate = runs.learning_rate(schedule, 100, 60)
    assert [float(rate(step)) for step in (600, 1_100, 5_000)] == pytest.approx([(1e-3 + 1e-5) / 2, 1e-5, 1e-5], rel=1e-4)


def test_a_run_that_still_gains_goes_on(tmp_path):
    journal, model, rates = journey(tmp_path, [5, 6, 6, 6, 6, 4, 6, 6, 6, 6])
    assert len(rates) == 10
    assert not journal.finished
    assert not model.stop_training


def test_the_last_epoch_of_the_recipe_is_the_last(tmp_path):
    journal, model, rates = journey(tmp_path, [3, 2, 1], epochs=2)
    assert len(rates) == 2
    assert journal.finished


def test_the_cosine_rises_for_an_epoch_and_falls_to_a_hundredth():
    schedule = runs.learning_rate({"name": "cosine", "initial": 1e-3, "warmup_epochs": 1, "final_fraction": 0.01}, 100, 11)
    rate = [float(schedule(step)) for step in (0, 50, 100, 600, 1_100)]
    assert rate == pytest.approx([0, 5e-4, 1e-3, (1e-3 + 1e-5) / 2, 1e-5], rel=1e-4)
    assert runs.learning_rate({"name": "plateau", "initial": 0.5}, 100, 11) == 0.5


def test_a_cut_history_is_that_of_the_first_epochs():
    assert runs.cut({"loss": [3, 2, 1], "seconds": [1, 1, 1], "device": "tpu"}, 2) == {
        "loss": [3, 2],
        "seconds": [1, 1],
        "device": "tpu",
    }


# --- what is trained on, what is watched, and what is mirrored ---


def numbered(name, split="train", image_size=28, folder=None):
    """In the place of a data set: image i is all i, from 0 for training, from 100 and 200 for the others."""
    first, n = {"train": (0, 10), "validation": (100, 4), "test": (200, 3)}[split]
    images = np.full((n, image_size, image_size, 3), 0.0, "float32") + np.arange(first, first + n).reshape(n, 1, 1, 1)
    return images, np.arange(first, first + n) % 7


@pytest.mark.parametrize("kind", ["vae", "judge"])
@pytest.mark.parametrize(
    ("validation", "trained", "watched"),
    [(0, range(10), None), (3, range(7), range(7, 10)), ("validation", range(10), range(100, 104)), (None, range(10), None)],
)
def test_what_is_watched_is_not_trained_on(monkeypatch, kind, validation, trained, watched):
    monkeypatch.setattr(data, "load", numbered)
    recipe = {"kind": kind, "data": "celeba", "image_shape": [8, 8, 3]} | ({} if validation is None else {"validation": validation})
    for part, numbers in zip(feeding.split(recipe), (trained, watched), strict=True):
        if numbers is None:
            assert part is None
            continue
        assert part[0].shape == (len(numbers), 8, 8, 3)
        assert part[0][:, 0, 0, 0].tolist() == list(numbers)
        assert [labels.tolist() for labels in part[1:]] == ([[i % 7 for i in numbers]] if kind == "judge" else [])


def test_judges_are_told_their_loss_and_autoencoders_bring_theirs():
    assert runs.losses(recipes.recipe("celeba-vae")) == runs.losses(recipes.recipe("mnist-vae")) == {}
    digits, faces = (runs.losses(recipes.recipe(f"judges/{name}")) for name in ("digits", "faces"))
    truth, guess = np.array([[1.0, 0, 1]]), np.array([[0.8, 0.4, 0.5]])
    each = [-np.log(0.8), -np.log(0.6), -np.log(0.5)]
    found = keras.ops.convert_to_numpy(runs.weighted_crossentropy([8, 1, 1])(truth.astype("uint8"), guess.astype("float32")))
    assert found == pytest.approx([np.average(each, weights=[8, 1, 1])], rel=1e-5)
    forty = keras.ops.convert_to_numpy(faces["loss"](np.eye(40, dtype="uint8"), np.full((40, 40), 0.5, "float32")))
    assert forty == pytest.approx(np.full(40, np.log(2)), rel=1e-5)
    sure = np.where(np.eye(40), 0.9, 1e-6).astype("float32")  # right and sure: one label weighs more than another
    by_label = keras.ops.convert_to_numpy(faces["loss"](np.eye(40, dtype="uint8"), sure))
    assert by_label[data.ATTRIBUTES.index("Eyeglasses")] == pytest.approx(8 * by_label[data.ATTRIBUTES.index("Bangs")], rel=0.01)
    assert float(keras.losses.get(digits["loss"])(np.array([1]), np.array([[0.2, 0.5, 0.3]]))[0]) == pytest.approx(
        np.log(2), rel=1e-5
    )
    assert digits["metrics"] == ["accuracy"]
    assert float(keras.metrics.get(faces["metrics"][0])(truth, guess)) == pytest.approx(2 / 3)


@pytest.fixture
def slanted():
    """Images of which no mirrored one is another: the number i, and whether it is mirrored, can be read off the corners."""
    images = np.zeros((300, 4, 6, 3), "float32")
    images[:, 0, 0, 0], images[:, 0, -1, 0] = np.arange(300), -1
    return images


def read(batches):
    """Numbers of the images in their order, and which of them are mirrored."""
    images = np.concatenate([images for (images,) in (batches[i] for i in range(len(batches)))])
    mirrored = images[:, 0, 0, 0] == -1
    numbers = np.where(mirrored, images[:, 0, -1, 0], images[:, 0, 0, 0]).astype(int)
    return images, numbers, mirrored


def test_every_image_comes_once_an_epoch_half_of_them_mirrored(slanted):
    originals = slanted.copy()
    batches = feeding.Shuffled((slanted,), 64, 3, feeding.mirror)
    assert len(batches) == 5
    assert [len(batches[i][0]) for i in range(5)] == [64, 64, 64, 64, 44]
    orders, sides = [], []
    for _ in range(4):
        images, numbers, mirrored = read(batches)
        assert sorted(numbers) == list(range(300))
        for image, number, turned in zip(images, numbers, mirrored, strict=True):
            expected = originals[number, :, ::-1] if turned else originals[number]
            np.testing.assert_array_equal(image, expected)
        assert 115 < mirrored.sum() < 185  # four standard deviations of a fair coin
        orders.append(numbers.tolist())
        sides.append(mirrored[np.argsort(numbers)].tolist())
        batches.on_epoch_end()
    for seen in (orders, sides):
        assert len({tuple(epoch) for epoch in seen}) == 4, "another in each epoch"
    np.testing.assert_array_equal(slanted, originals)


def test_the_order_and_the_sides_follow_from_the_seed(slanted):
    first, same, other = (read(feeding.Shuffled((slanted,), 64, seed, feeding.mirror)) for seed in (3, 3, 4))
    assert first[1].tolist() == same[1].tolist() != other[1].tolist()
    assert first[2].tolist() == same[2].tolist() != other[2].tolist()


def test_labels_go_with_their_images(slanted):
    batches = feeding.Shuffled((slanted, np.arange(300)), 64, 3, lambda images, rng: None)
    for i in range(len(batches)):
        images, labels = batches[i]
        np.testing.assert_array_equal(images[:, 0, 0, 0], labels)


def test_what_is_wanted_oftener_comes_as_often_as_asked_for(slanted):
    shares = np.array([8.0] * 3 + [4.0] * 27 + [1.0] * 270)
    shares /= shares.mean()
    batches, seen = feeding.Shuffled((slanted,), 64, 3, feeding.mirror, shares), []
    for _ in range(20):
        seen.append(read(batches)[1])
        batches.on_epoch_end()
    assert {len(numbers) for numbers in seen} == {300}
    share = np.mean(np.concatenate(seen) < 30)
    assert abs(share - shares[:30].sum() / 300) < 0.03  # five standard deviations of 6,000 draws


def test_a_recipe_that_flips_trains_on_mirrored_images(recipe, small_data, tmp_path, monkeypatch):
    seen, original = [], feeding.Shuffled.__getitem__

    def watch(batches, index):
        seen.append(index)
        return original(batches, index)

    monkeypatch.setattr(feeding.Shuffled, "__getitem__", watch)
    _, history = fit(recipe, tmp_path / "plain", small_data)
    assert seen == []
    _, mirrored = fit(recipe | {"flip": True, "validation": 100}, tmp_path / "flipped", small_data)
    assert set(seen) == {0, 1, 2}  # 500 images in batches of 200
    assert steps_taken(tmp_path / "flipped") == 6
    assert mirrored["loss"][1] < mirrored["loss"][0]
    assert len(mirrored["val_loss"]) == 2


# --- train: from a name to a checkpoint ---


def test_train_leaves_whole_checkpoints_with_cards_that_say_everything(small_registry):
    for name in ("mnist-vae", "mnist-vae-epoch-00", "mnist-vae-epoch-01", "fashion-ae"):
        card = checkpoints.card(name)
        assert set(checkpoints.CARD_KEYS) <= set(card)
        assert card["name"] == name
        for file in (checkpoints.MODEL, checkpoints.ENCODINGS, checkpoints.SHEET):
            checkpoints.read(name, file)
        folder = small_registry.root / name
        assert {path.name for path in folder.iterdir() if path.is_file()} == {
            "card.json",
            "model.keras",
            "encodings.npz",
            "sheet.webp",
            "SHA256SUMS",
        }
        assert card["bytes"] == sum((folder / file).stat().st_size for file in ("model.keras", "encodings.npz", "sheet.webp"))
    card = small_registry.cards["mnist-vae"]
    assert checkpoints.card("mnist-vae") | card == checkpoints.card("mnist-vae")  # completed, and nothing of it changed
    assert card["parameters"] == {"encoder": 69_076, "decoder": 65_089}
    assert (card["recipe"]["epochs"], card["recipe"]["epochs_run"]) == (1, 1)
    assert {"seed", "batch_size", "optimizer", "loss", "minutes", "device", "keras"} <= set(card["recipe"])
    assert checkpoints.card("mnist-vae-epoch-00")["history"]["loss"] == []
    assert checkpoints.card("mnist-vae-epoch-00")["series"] == ["epoch", 0]


def test_the_log_names_epochs_and_where_things_are(small):
    assert "epoch 1/1: loss" in small.log
    assert f"mnist-vae: shipped to {small.root / 'mnist-vae'}" in small.log


def test_the_encodings_are_those_of_the_test_images(small_registry):
    for name, size, kind in (("mnist-vae", 28, "mnist"), ("fashion-ae", 32, "fashion")):
        images, labels = data.load(kind, "test", size, small_registry.data)
        codes = checkpoints.encodings(name)
        z_mean, z_log_var = explorer.load(name).encode(images)
        np.testing.assert_allclose(codes.z_mean, z_mean, atol=2e-3)
        np.testing.assert_array_equal(codes.labels, labels)
        if kind == "mnist":
            np.testing.assert_allclose(codes.z_log_var, z_log_var, atol=2e-3)
        else:
            assert codes.z_log_var is None
        with np.load(small_registry.root / name / "encodings.npz") as arrays:
            assert max(array.nbytes // len(array) for array in arrays.values()) <= 4 * z_mean.shape[1]  # codes, never pictures


def test_the_gaussian_of_an_autoencoder_is_fitted_to_its_training_images(small_registry):
    z, _ = explorer.load("fashion-ae").encode(data.load("fashion", "train", 32, small_registry.data)[0])
    fitted = checkpoints.card("fashion-ae")["fitted_gaussian"]
    np.testing.assert_allclose(fitted["mean"], z.mean(0), atol=1e-4)
    np.testing.assert_allclose(fitted["covariance"], np.cov(z.T, ddof=1), rtol=1e-2, atol=1e-7)


def test_the_sheet_is_the_decoded_plane(small_registry):
    view, generator = checkpoints.card("mnist-vae")["view"], explorer.load("mnist-vae")
    sheet = np.asarray(Image.open(small_registry.root / "mnist-vae/sheet.webp").convert("L"), "float64")
    assert sheet.shape == (840, 840)
    cell = 2 * view["extent"] / 30
    for row, column in ((0, 0), (0, 29), (29, 0), (13, 17)):
        z = [view["center"][0] - view["extent"] + (column + 0.5) * cell, view["center"][1] + view["extent"] - (row + 0.5) * cell]
        found = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
        assert np.abs(found - 255 * generator.decode([z])[0, ..., 0]).mean() < 12  # WebP loses some


def test_a_preview_lies_beside_the_run(small):
    with Image.open(small.root / "mnist-vae/run/preview.png") as picture:
        assert picture.size == (12 * 28, 12 * 28)


def test_training_again_goes_on_and_another_seed_is_refused(small, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(small.root))  # for the judge
    monkeypatch.setitem(recipes.RECIPES, "mnist-vae", recipes.RECIPES["mnist-vae"] | QUICK)
    first = train("mnist-vae", small.data, 1, tmp_path, seed=11, log=io.StringIO())
    with pytest.raises(ValueError, match=r"seed 11"):
        train("mnist-vae", small.data, 2, tmp_path, seed=12, log=io.StringIO())
    second = train("mnist-vae", small.data, 2, tmp_path, seed=11, log=io.StringIO())
    assert (first["recipe"]["epochs_run"], second["recipe"]["epochs_run"]) == (1, 2)
    assert second["history"]["loss"][:1] == first["history"]["loss"]
    assert second["recipe"]["seed"] == 11
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(tmp_path))
    assert explorer.load("mnist-vae").card | second == explorer.load("mnist-vae").card
