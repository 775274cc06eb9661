import numpy as np
import pytest

from explorer import data


@pytest.mark.parametrize("size", [28, 32, 33])
def test_images_come_as_floats_with_a_black_margin(small_data, size):
    images, labels = data.load("mnist", "test", size, small_data)
    with np.load(small_data / "mnist.npz") as arrays:
        raw, raw_labels = arrays["x_test"], arrays["y_test"]
    assert (images.dtype, images.shape, labels.dtype) == (np.float32, (200, size, size, 1), np.uint8)
    margin = (size - 28) // 2
    inner = images[:, margin : margin + 28, margin : margin + 28, 0]
    np.testing.assert_array_equal(np.round(inner * 255).astype(int), raw)
    assert images.sum() == pytest.approx(inner.sum(), rel=1e-6)
    np.testing.assert_array_equal(labels, raw_labels)


def test_splits_and_sets_are_not_mixed_up(small_data):
    loaded = {(name, split): data.load(name, split, folder=small_data)[0] for name in ("mnist", "fashion") for split in data.SPLITS}
    assert [len(images) for images in loaded.values()] == [600, 200, 600, 200]
    assert not np.array_equal(loaded["mnist", "train"], loaded["fashion", "train"])


def test_the_folder_may_be_named_by_the_environment(small_data, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(small_data))
    np.testing.assert_array_equal(data.load("mnist")[0], data.load("mnist", folder=small_data)[0])


def test_without_a_folder_keras_is_asked(small_data, monkeypatch):
    import keras

    with np.load(small_data / "fashion_mnist.npz") as arrays:
        answer = (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"].astype("int64"))
    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: answer)
    for split in data.SPLITS:
        for found, expected in zip(data.load("fashion", split), data.load("fashion", split, folder=small_data), strict=True):
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == expected.dtype


@pytest.mark.parametrize(
    ("name", "split", "words"),
    [("cifar", "train", "'cifar'; there are mnist, fashion"), ("mnist", "validation", "train.*test.*'validation'")],
)
def test_unknown_sets_and_splits_are_refused(small_data, name, split, words):
    with pytest.raises(ValueError, match=words):
        data.load(name, split, folder=small_data)


def test_a_folder_without_the_file_is_said_to_lack_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"mnist\.npz is missing"):
        data.load("mnist", folder=tmp_path)


@pytest.mark.parametrize("harm", ["text", "cut", "empty", "other keys"])
def test_a_damaged_file_is_named(small_data, tmp_path, harm):
    whole = (small_data / "mnist.npz").read_bytes()
    path = tmp_path / "mnist.npz"
    if harm == "other keys":
        np.savez(path, images=np.zeros(3))
    else:
        path.write_bytes({"text": b"this is no archive", "cut": whole[: len(whole) // 2], "empty": b""}[harm])
    with pytest.raises(ValueError, match=r"mnist\.npz is damaged or another file"):
        data.load("mnist", folder=tmp_path)


def test_classes_are_named_in_the_order_of_their_labels():
    assert data.classes("mnist") == list("0123456789")
    garments = data.classes("fashion")  # https://github.com/zalandoresearch/fashion-mnist#labels
    assert (len(garments), garments[1], garments[2], garments[9]) == (10, "Trouser", "Pullover", "Ankle boot")
    assert "CC BY-SA" in data.licence("mnist")
    assert "MIT" in data.licence("fashion")


@pytest.mark.data
def test_the_real_sets_are_the_published_ones(real_data):
    # class counts as LeCun and Zalando publish them; means and deviations as everyone normalizes by them
    counts = {("mnist", "train"): [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
              ("mnist", "test"): [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
              ("fashion", "train"): [6000] * 10, ("fashion", "test"): [1000] * 10}  # fmt: skip
    pixels = {"mnist": (0.1307, 0.3081), "fashion": (0.2860, 0.3530)}
    for (name, split), expected in counts.items():
        images, labels = data.load(name, split, folder=real_data)
        assert np.bincount(labels).tolist() == expected
        if split == "train":
            mean, square = images.mean(dtype="float64"), np.square(images).mean(dtype="float64")
            assert (mean, (square - mean**2) ** 0.5) == pytest.approx(pixels[name], abs=1e-4)
