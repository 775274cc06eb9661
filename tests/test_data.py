import tarfile
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
from PIL import Image

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


# --- faces: never real ones, but squares of colour whose height, width and id can be read off ---

# CelebA's, as its own table orders them
NAMES = "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair Blurry \
Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open \
Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair \
Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"
OFFICIAL, KAGGLE, SMALL = "official", "kaggle", "small"
IDS = {"train": (2, 1, 162_770), "validation": (162_771, 170_000, 182_637), "test": (182_638, 202_599)}
EVERY_ID = tuple(i for ids in IDS.values() for i in ids)


def face(number, size):
    """Red grows downward from 0 at the top of a published picture, green to the right, and blue is the id's remainder by 5."""
    height, width = (218, 178) if size == "whole" else (size, size)
    y, x = np.mgrid[:height, :width]
    if size != "whole":  # as if the 178 x 178 box from row 20 had been resized
        y, x = 20 + (y + 0.5) * 178 / size - 0.5, (x + 0.5) * 178 / size - 0.5
    return Image.fromarray(np.stack([y, x, np.full_like(y, 50 * (number % 5))], -1).round().astype("uint8"))


def attributes_of(number):
    """40 attributes that tell ids apart, 0 or 1."""
    return [(number >> (i % 18)) + i & 1 for i in range(40)]


def jpeg(number, size):
    file = BytesIO()
    face(number, size).save(file, "JPEG", quality=98, subsampling=0)
    return file.getvalue()


def write_faces(folder, layout, ids=EVERY_ID):
    """A small CelebA in one of its layouts; the table has the ids backwards and one face more than the images."""
    rows = [(f"{i:06d}.jpg", attributes_of(i)) for i in (*sorted(ids, reverse=True), 99)]
    names = NAMES.split(" ")
    if layout == OFFICIAL:
        images, table = folder / "Img/img_align_celeba", folder / "Anno/list_attr_celeba.txt"
        lines = [str(len(rows)), " ".join(names)]
        lines += [f"{name}  " + " ".join(f"{2 * v - 1:2d}" for v in values) for name, values in rows]
    else:
        images, table = folder / "img_align_celeba/img_align_celeba", folder / "list_attr_celeba.csv"
        low = -1 if layout == KAGGLE else 0
        lines = [",".join(["image_id", *names])]
        lines += [",".join([name, *(str(v or low) for v in values)]) for name, values in rows]
    if layout == SMALL:
        images, table = folder / "celeba64.zip", folder / "celeba_attributes.csv"
        images.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(images, "w") as archive:
            for i in ids:
                archive.writestr(f"{i:06d}.jpg", jpeg(i, 64))
    else:
        images.mkdir(parents=True)
        for i in ids:
            (images / f"{i:06d}.jpg").write_bytes(jpeg(i, "whole"))
        (images / "Thumbs.db").write_bytes(b"not a face")
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(lines) + "\n", "utf-8")
    return images, table


@pytest.fixture(scope="module", params=[OFFICIAL, KAGGLE, SMALL])
def faces(request, tmp_path_factory):
    """A folder with a few made-up faces, in each layout."""
    folder = tmp_path_factory.mktemp(request.param)
    write_faces(folder, request.param)
    return folder


@pytest.mark.parametrize("split", IDS)
def test_faces_are_split_by_id_and_ordered_by_name(faces, split):
    images, attributes = data.load("celeba", split, 64, faces)
    ids = sorted(IDS[split])
    assert (images.dtype, images.shape, attributes.dtype) == (np.float32, (len(ids), 64, 64, 3), np.uint8)
    blue = np.round(images[..., 2].mean((1, 2)) * 255 / 50)
    assert blue.tolist() == [i % 5 for i in ids]
    assert attributes.tolist() == [attributes_of(i) for i in ids]


@pytest.mark.parametrize("size", [64, 32])
def test_of_a_face_the_box_in_the_middle_is_resized(faces, size):
    images, _ = data.load("celeba", "train", size, faces)
    middles = (np.arange(size) + 0.5) * 178 / size - 0.5  # of the small picture's pixels, in the published one's
    inner = slice(4, -4)  # the filter sees the edge
    red, green = images[:, inner, inner, 0] * 255, images[:, inner, inner, 1] * 255
    assert np.abs(red - (20 + middles[inner, None])).max() < 3
    assert np.abs(green - middles[None, inner]).max() < 3
    assert images.min() >= 0
    assert images.max() <= 1


def test_a_small_face_is_taken_as_it_is(tmp_path):
    write_faces(tmp_path, SMALL)
    images, _ = data.load("celeba", "test", 64, tmp_path)
    with ZipFile(tmp_path / "celeba64.zip") as archive:
        stored = [np.asarray(Image.open(BytesIO(archive.read(f"{i:06d}.jpg")))) for i in IDS["test"]]
    np.testing.assert_array_equal(np.round(images * 255).astype("uint8"), stored)


def test_a_folder_named_celeba_in_the_folder_will_do(tmp_path, monkeypatch):
    write_faces(tmp_path / "celeba", KAGGLE, (5, 6))
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    assert len(data.load("celeba", image_size=16)[0]) == 2


def test_attributes_are_named_in_the_order_of_the_table():
    assert data.classes("celeba") == NAMES.split(" ")
    assert "non-commercial" in data.licence("celeba")


def test_a_folder_without_faces_or_without_their_table_is_said_to_lack_them(tmp_path):
    for what, layout in (("images", OFFICIAL), ("attribute table", SMALL)):
        folder = tmp_path / layout
        images, table = write_faces(folder, layout, (1,))
        (images if what == "images" else table).rename(folder / "elsewhere")
        with pytest.raises(
            FileNotFoundError, match=rf"CelebA's {what} not found in .*{layout}.*mmlab.*EXPLORER_DATA.*celeba64\.zip"
        ):
            data.load("celeba", folder=folder)
    with pytest.raises(FileNotFoundError, match="CelebA's images not found"):
        data.load("celeba", folder=tmp_path / "nothing")


@pytest.mark.parametrize("layout", [OFFICIAL, KAGGLE])
@pytest.mark.parametrize("harm", ["another order", "a short row", "words for values", "a picture", "empty", "one line", "no ids"])
def test_a_wrong_table_is_named(tmp_path, layout, harm):
    _, table = write_faces(tmp_path, layout, (1, 2))
    text = table.read_text("utf-8")
    lines = text.splitlines(keepends=True)
    wrong = {
        "another order": text.replace("Smiling", "Male", 1).encode(),
        "a short row": text.rstrip("1\n ,-").encode(),
        "words for values": text.replace("-1", "no").encode(),
        "a picture": jpeg(1, 64),
        "empty": b"",
        "one line": b"2\n",
        "no ids": "".join(lines[:-1] + [lines[-1].replace("000099", "portrait")]).encode(),
    }
    table.write_bytes(wrong[harm])
    (tmp_path / "Img/img_align_celeba/portrait.jpg" if layout == OFFICIAL else tmp_path / "img_align_celeba/img_align_celeba/portrait.jpg").write_bytes(jpeg(1, "whole"))  # fmt: skip
    with pytest.raises(ValueError, match=rf"{table.name} is not CelebA's table of 40 attributes: get it anew"):
        data.load("celeba", folder=tmp_path)


@pytest.mark.parametrize("harm", ["text", "cut", "a face cut short", "a flipped byte"])
def test_a_damaged_archive_is_named(tmp_path, harm):
    archive, _ = write_faces(tmp_path, SMALL)
    whole = archive.read_bytes()
    if harm == "a face cut short":
        with ZipFile(archive, "w") as new:
            for i in IDS["train"]:
                new.writestr(f"{i:06d}.jpg", jpeg(i, 64)[:200])
    else:
        flipped = whole[:300] + bytes([whole[300] ^ 1]) + whole[301:]
        archive.write_bytes({"text": b"this is no archive", "cut": whole[: len(whole) // 2], "a flipped byte": flipped}[harm])
    with pytest.raises(ValueError, match=r"celeba64\.zip is damaged \(.*\): get it anew"):
        data.load("celeba", folder=tmp_path)


def test_a_deflated_archive_is_read_and_named_when_damaged(tmp_path):
    archive, _ = write_faces(tmp_path, SMALL)
    with ZipFile(archive, "w", ZIP_DEFLATED) as new:
        for i in IDS["train"]:
            new.writestr(f"{i:06d}.jpg", jpeg(i, 64))
    assert len(data.load("celeba", folder=tmp_path)[0]) == 3
    whole = archive.read_bytes()
    archive.write_bytes(whole[:60] + b"\xff" * 60 + whole[120:])
    with pytest.raises(ValueError, match=r"celeba64\.zip is damaged \(.*\): get it anew"):
        data.load("celeba", folder=tmp_path)


def test_a_damaged_face_in_a_folder_is_named(tmp_path):
    images, _ = write_faces(tmp_path, OFFICIAL, (1, 2, 3))
    (images / "000002.jpg").write_bytes(jpeg(2, "whole")[:300])
    with pytest.raises(ValueError, match=r"000002\.jpg is damaged \(.*\): get it anew"):
        data.load("celeba", folder=tmp_path)


def test_a_partition_without_a_face_is_said_to_be_empty(faces, tmp_path):
    images, table = write_faces(tmp_path, SMALL, (1, 2))
    with pytest.raises(
        FileNotFoundError, match=r"celeba64\.zip holds no face of CelebA's test partition that .*celeba_attributes\.csv lists"
    ):
        data.load("celeba", "test", folder=tmp_path)
    with pytest.raises(ValueError, match=r"train.*validation.*test.*'valid'"):
        data.load("celeba", "valid", folder=faces)


@pytest.mark.data
def test_the_real_faces_have_the_published_shares(real_faces):
    images, attributes = data.load("celeba", "validation", 64, real_faces)
    assert images.shape == (2_945, 64, 64, 3)
    names = NAMES.split(" ")
    # shares over the whole of CelebA; four standard errors of 2,945 drawings
    for name, share in {"Smiling": 0.48, "Eyeglasses": 0.065, "Male": 0.417, "Young": 0.774, "Blond_Hair": 0.148}.items():
        assert attributes[:, names.index(name)].mean() == pytest.approx(share, abs=4 * (share * (1 - share) / 2_945) ** 0.5), name
    assert 0.3 < images.mean() < 0.6


# --- flowers: never real ones, but squares whose number can be read off ---

FLOWER_IDS = (1, 2, 3, 13, 20, 143)


def flower(number, size=(60, 40)):
    """Red is the number, green grows to the right; the largest square in the middle begins at column 10."""
    width, height = size
    picture = np.zeros((height, width, 3), "uint8")
    picture[..., 0], picture[..., 1] = number, np.arange(width) * 4
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=98, subsampling=0)
    return file.getvalue()


def write_flowers(folder, layout):
    """Both layouts with the same flowers; the class of number n is n % 102 + 1."""
    if layout == "zip":
        with ZipFile(folder / "flowers.zip", "w") as archive:
            for n in FLOWER_IDS:
                archive.writestr(f"{n % 102 + 1:03d}/image_{n:05d}.jpg", flower(n))
            archive.writestr("README.txt", "words")
        return
    from scipy.io import savemat  # comes with JAX

    with tarfile.open(folder / "102flowers.tgz", "w:gz") as archive:
        for n in FLOWER_IDS:
            content = flower(n)
            entry = tarfile.TarInfo(f"jpg/image_{n:05d}.jpg")
            entry.size = len(content)
            archive.addfile(entry, BytesIO(content))
    savemat(folder / "imagelabels.mat", {"labels": np.array([[n % 102 + 1 for n in range(1, 200)]], "uint8")})


@pytest.mark.parametrize("layout", ["zip", "published"])
def test_flowers_are_split_by_their_last_digit_and_cut_square(tmp_path, layout):
    write_flowers(tmp_path, layout)
    for split, numbers in (("train", (1, 2, 20)), ("test", (3, 13, 143))):
        images, labels = data.load("flowers", split, 20, tmp_path)
        assert (images.dtype, images.shape, labels.dtype) == (np.float32, (3, 20, 20, 3), np.uint8)
        found = np.round(images[..., 0].mean((1, 2)) * 255).astype(int)
        order = np.argsort(found)
        assert found[order] == pytest.approx(numbers, abs=1)
        assert labels[order].tolist() == [n % 102 for n in numbers]
        green = 255 * images[0, 5:15, 5:15, 1]
        expected = 4 * (10 + (np.arange(5, 15) + 0.5) * 2 - 0.5)  # 40 columns from the tenth, halved
        assert np.abs(green - expected).max() < 3


def test_flowers_that_are_not_there_or_damaged_are_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="lacks 102flowers.tgz and imagelabels.mat.*flowers.zip"):
        data.load("flowers", folder=tmp_path)
    (tmp_path / "flowers.zip").write_bytes(b"PK no archive")
    with pytest.raises(ValueError, match="flowers.zip is damaged"):
        data.load("flowers", folder=tmp_path)
    with pytest.raises(ValueError, match="split must be one of"):
        data.load("flowers", "validation", folder=tmp_path)


def test_without_a_folder_keras_fetches_the_flowers(tmp_path, monkeypatch):
    import keras

    write_flowers(tmp_path, "published")
    asked = []

    def get_file(name, origin):
        asked.append(origin)
        return str(tmp_path / name)

    monkeypatch.delenv("EXPLORER_DATA", raising=False)
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert len(data.load("flowers", "test", 16)[0]) == 3
    assert asked == [f"https://www.robots.ox.ac.uk/~vgg/data/flowers/102/{name}" for name in ("102flowers.tgz", "imagelabels.mat")]
    monkeypatch.setattr(keras.utils, "get_file", lambda name, origin: 1 / 0)
    with pytest.raises(FileNotFoundError, match="could not download the flowers"):
        data.load("flowers", "test", 16)


def test_the_names_of_the_flowers_are_in_oxfords_order():
    names = data.classes("flowers")
    assert (len(names), len(set(names))) == (102, 102)
    assert (names[0], names[53], names[101]) == ("pink primrose", "sunflower", "blackberry lily")


@pytest.mark.data
def test_the_real_flowers(real_data):
    train, labels = data.load("flowers", "train", 16, real_data)
    test, held_out = data.load("flowers", "test", 16, real_data)
    assert 0.09 < len(test) / (len(train) + len(test)) < 0.12
    assert set(labels) == set(held_out) == set(range(102))


def test_whether_a_set_is_at_hand_is_told_without_fetching_it(small_data, tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_DATA", str(small_data))
    assert data.at_hand("fashion")
    monkeypatch.setenv("EXPLORER_DATA", str(tmp_path))
    assert not data.at_hand("fashion")
    monkeypatch.delenv("EXPLORER_DATA")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert not data.at_hand("fashion")
    folder = tmp_path / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for i in range(4):  # Keras keeps them in four files
        assert not data.at_hand("fashion")
        (folder / f"{i}-ubyte.gz").touch()
    assert data.at_hand("fashion")
