"""Data sets, for training and measuring only: nothing from here is ever shipped.

They are looked for in the folder named by the environment variable `EXPLORER_DATA`; MNIST and Fashion-MNIST (`mnist.npz`,
`fashion_mnist.npz`) and the flowers then in Keras' cache, which downloads them. Images come as float32 (n, h, w, c) in
[0, 1], labels as uint8 (n,), CelebA's attributes as uint8 (n, 40).
"""

import csv
import os
import tarfile
import zlib
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from PIL import Image

from explorer.errors import InputError

DIGITS = [str(digit) for digit in range(10)]
GARMENTS = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]

ATTRIBUTES = [
    "5_o_Clock_Shadow", "Arched_Eyebrows", "Attractive", "Bags_Under_Eyes", "Bald", "Bangs", "Big_Lips", "Big_Nose",
    "Black_Hair", "Blond_Hair", "Blurry", "Brown_Hair", "Bushy_Eyebrows", "Chubby", "Double_Chin", "Eyeglasses", "Goatee",
    "Gray_Hair", "Heavy_Makeup", "High_Cheekbones", "Male", "Mouth_Slightly_Open", "Mustache", "Narrow_Eyes", "No_Beard",
    "Oval_Face", "Pale_Skin", "Pointy_Nose", "Receding_Hairline", "Rosy_Cheeks", "Sideburns", "Smiling", "Straight_Hair",
    "Wavy_Hair", "Wearing_Earrings", "Wearing_Hat", "Wearing_Lipstick", "Wearing_Necklace", "Wearing_Necktie", "Young",
]  # fmt: skip
SIX = ("Smiling", "Eyeglasses", "Male", "Young", "Blond_Hair", "Black_Hair")  # Generative Deep Learning's, ch. 3

# Oxford's classes 1 to 102
_FLOWERS = (
    "pink primrose, hard-leaved pocket orchid, canterbury bells, sweet pea, english marigold, tiger lily, moon orchid, bird "
    "of paradise, monkshood, globe thistle, snapdragon, colt's foot, king protea, spear thistle, yellow iris, globe-flower, "
    "purple coneflower, peruvian lily, balloon flower, giant white arum lily, fire lily, pincushion flower, fritillary, red "
    "ginger, grape hyacinth, corn poppy, prince of wales feathers, stemless gentian, artichoke, sweet william, carnation, "
    "garden phlox, love in the mist, mexican aster, alpine sea holly, ruby-lipped cattleya, cape flower, great masterwort, "
    "siam tulip, lenten rose, barbeton daisy, daffodil, sword lily, poinsettia, bolero deep blue, wallflower, marigold, "
    "buttercup, oxeye daisy, common dandelion, petunia, wild pansy, primula, sunflower, pelargonium, bishop of llandaff, "
    "gaura, geranium, orange dahlia, pink-yellow dahlia, cautleya spicata, japanese anemone, black-eyed susan, silverbush, "
    "californian poppy, osteospermum, spring crocus, bearded iris, windflower, tree poppy, gazania, azalea, water lily, "
    "rose, thorn apple, morning glory, passion flower, lotus lotus, toad lily, anthurium, frangipani, clematis, hibiscus, "
    "columbine, desert-rose, tree mallow, magnolia, cyclamen, watercress, canna lily, hippeastrum, bee balm, ball moss, "
    "foxglove, bougainvillea, camellia, mallow, mexican petunia, bromelia, blanket flower, trumpet creeper, blackberry lily"
)
FLOWERS = _FLOWERS.split(", ")

# name -> (file in EXPLORER_DATA, module of keras.datasets, class names, licence of the data)
_SETS = {
    "mnist": ("mnist.npz", "mnist", DIGITS, "MNIST, (c) Y. LeCun and C. Cortes, CC BY-SA 3.0"),
    "fashion": ("fashion_mnist.npz", "fashion_mnist", GARMENTS, "Fashion-MNIST, (c) 2017 Zalando SE, MIT"),
    "celeba": (None, None, ATTRIBUTES, "CelebA (Liu, Luo, Wang and Tang, ICCV 2015), for non-commercial research only"),
    "flowers": (None, None, FLOWERS, "Oxford 102 Flowers (Nilsback and Zisserman, ICVGIP 2008), published for research"),
}
SPLITS = ("train", "test")
# the official partition of CelebA by id; it keeps persons apart, as a random split would not
CELEBA_SPLITS = {"train": range(1, 162_771), "validation": range(162_771, 182_638), "test": range(182_638, 202_600)}
_CELEBA_IMAGES = ("celeba64.zip", "img_align_celeba.zip", "img_align_celeba/img_align_celeba", "img_align_celeba",
                  "Img/img_align_celeba.zip", "Img/img_align_celeba", "celeba.zip")  # fmt: skip
_FLOWER_ZIPS = ("flowers128.zip", "flowers.zip")
_FLOWER_SITE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
_FLOWER_FILES = ("102flowers.tgz", "imagelabels.mat")
_CELEBA_TABLES = ("celeba_attributes.csv", "list_attr_celeba.csv", "list_attr_celeba.txt", "Anno/list_attr_celeba.txt")


def classes(name):
    """The class names of a data set, in the order of its labels."""
    return _entry(name)[2]


def licence(name):
    """Who made the data set and on what terms."""
    return _entry(name)[3]


def load(name, split="train", image_size=28, folder=None):
    """Images float32 (n, image_size, image_size, c) in [0, 1] and labels uint8 (n,), or (n, 40) for "celeba".

    Digits and clothes are zero-padded to `image_size`; of a face the square of its picture's width in the middle of the
    height is resized to it (the 178x178 box of the aligned 178x218 images), of a flower the largest square in the middle.
    Splits: "train", "test", for "celeba" also "validation".

    Raises ValueError for an unknown name or split or a damaged file, FileNotFoundError if `folder` is given and lacks the file.
    """
    file, module, _, _ = _entry(name)
    if name == "celeba":
        return _celeba(split, image_size, folder)
    if split not in SPLITS:
        raise InputError(f"split must be one of {SPLITS}, got {split!r}")
    if name == "flowers":
        return _flowers(split, image_size, folder)
    folder = folder or os.environ.get("EXPLORER_DATA")
    if folder:
        path = Path(folder, file)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: put {file} there, or unset EXPLORER_DATA to let Keras download it")
        try:
            with np.load(path) as arrays:
                images, labels = arrays[f"x_{split}"], arrays[f"y_{split}"]
        except (BadZipFile, EOFError, KeyError, OSError, ValueError) as error:
            raise InputError(f"{path} is damaged or another file than Keras' {file} ({error}): get it anew") from error
    else:
        import keras

        try:
            images, labels = getattr(keras.datasets, module).load_data()[SPLITS.index(split)]
        except Exception as error:  # Keras raises a bare Exception without a network
            raise FileNotFoundError(
                f"Keras could not download {name} ({error}): name a folder with {file} in EXPLORER_DATA"
            ) from error
    margin = image_size - images.shape[1]
    images = np.pad(images, ((0, 0), *((margin // 2, margin - margin // 2),) * 2))
    return (images.astype("float32") / 255)[..., None], labels.astype("uint8")


def at_hand(name):
    """Whether the digits or clothes can be loaded without fetching anything."""
    file, module, _, _ = _entry(name)
    folder = os.environ.get("EXPLORER_DATA")
    if folder:
        return Path(folder, file).is_file()
    cache = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "datasets")
    return (cache / file).is_file() or len(list((cache / module.replace("_", "-")).glob("*.gz"))) == 4


def _celeba(split, image_size, folder):
    """CelebA's faces as published (`Img`, `Anno`), as Kaggle packs them, or as any zip or folder of NNNNNN.jpg and the table."""
    if split not in CELEBA_SPLITS:
        raise InputError(f"split must be one of {tuple(CELEBA_SPLITS)}, got {split!r}")
    folder = Path(folder or os.environ.get("EXPLORER_DATA") or ".")
    roots = [folder, folder / "celeba", folder / "CelebA"]
    images, table = ([root / name for root in roots for name in names if (root / name).exists()]
                     for names in (_CELEBA_IMAGES, _CELEBA_TABLES))  # fmt: skip
    if not images or not table:
        raise FileNotFoundError(
            f"CelebA's {'attribute table' if images else 'images'} not found in {folder}: get the aligned images and attributes "
            f"from mmlab.ie.cuhk.edu.hk/projects/CelebA.html (or Kaggle's celeba-dataset) and name their folder with --data "
            f"or EXPLORER_DATA; it must hold one of {', '.join(_CELEBA_IMAGES)} and one of {', '.join(_CELEBA_TABLES)}"
        )
    attributes = _attribute_table(table[0])
    ids = CELEBA_SPLITS[split]
    if images[0].is_dir():
        files = {path.name: path for path in images[0].iterdir()}
        names = sorted(name for name in files if name in attributes and int(name[:6]) in ids)
        faces = []
        for name in names:
            try:
                faces.append(_face(files[name], image_size))
            except OSError as error:
                raise InputError(f"{files[name]} is damaged ({error}): get it anew") from error
    else:
        try:
            with ZipFile(images[0]) as archive:
                members = {Path(member).name: member for member in archive.namelist()}
                names = sorted(name for name in members if name in attributes and int(name[:6]) in ids)
                faces = [_face(BytesIO(archive.read(members[name])), image_size) for name in names]
        except (BadZipFile, zlib.error, OSError) as error:
            raise InputError(f"{images[0]} is damaged ({error}): get it anew") from error
    if not names:
        raise FileNotFoundError(f"{images[0]} holds no face of CelebA's {split} partition that {table[0]} lists")
    return np.stack(faces).astype("float32") / 255, np.array([attributes[name] for name in names], "uint8")


def _flowers(split, image_size, folder):
    """Oxford's flowers as published (`102flowers.tgz`, `imagelabels.mat`), or a zip of CCC/image_NNNNN.jpg, CCC the class.

    Those whose number ends in 3 are the test images: the data set's own split tests on most of it.
    """
    folder = folder or os.environ.get("EXPLORER_DATA")
    zipped = next((path for name in _FLOWER_ZIPS if folder and (path := Path(folder, name)).is_file()), None)
    try:
        if zipped:
            with ZipFile(zipped) as archive:
                found = [(name, int(Path(name).parent.name) - 1, archive.read(name)) for name in sorted(archive.namelist())
                         if name.endswith(".jpg")]  # fmt: skip
        else:
            found = _published_flowers(folder)
        found = [entry for entry in found if (Path(entry[0]).stem[-1] == "3") == (split == "test")]
        images = np.stack([_flower(BytesIO(content), image_size) for _, _, content in found])
    except (BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise InputError(f"{zipped or folder or 'the downloaded archive'} is damaged or holds no flowers ({error})") from error
    return images.astype("float32") / 255, np.array([label for _, label, _ in found], "uint8")


def _published_flowers(folder):
    """(name, class from 0, JPEG) of each image of Oxford's archive, from a folder or by way of Keras' cache."""
    if folder:
        paths = [Path(folder, name) for name in _FLOWER_FILES]
        if missing := [path.name for path in paths if not path.is_file()]:
            raise FileNotFoundError(
                f"{folder} lacks {' and '.join(missing)}: put there what {_FLOWER_SITE} publishes, or a zip of "
                "CCC/image_NNNNN.jpg named flowers.zip; or unset EXPLORER_DATA to let Keras download it"
            )
    else:
        import keras

        try:
            paths = [keras.utils.get_file(name, _FLOWER_SITE + name) for name in _FLOWER_FILES]
        except Exception as error:  # Keras raises a bare Exception without a network
            raise FileNotFoundError(
                f"Keras could not download the flowers ({error}): name a folder with {' and '.join(_FLOWER_FILES)} in EXPLORER_DATA"
            ) from error
    try:
        from scipy.io import loadmat  # MATLAB's format; training alone wants it
    except ImportError as error:
        raise FileNotFoundError("the labels of Oxford's flowers are a MATLAB file: pip install scipy to read it") from error
    labels = loadmat(paths[1])["labels"].ravel()
    with tarfile.open(paths[0]) as archive:
        members = sorted((m for m in archive if m.name.endswith(".jpg")), key=lambda m: m.name)
        return [(m.name, int(labels[int(Path(m.name).stem[-5:]) - 1]) - 1, archive.extractfile(m).read()) for m in members]


def _flower(file, image_size):
    """The largest square in the middle."""
    with Image.open(file) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").crop((left, top, left + side, top + side))
        return np.asarray(square.resize((image_size, image_size), Image.Resampling.LANCZOS, reducing_gap=3))


def _attribute_table(path):
    """{file name: 40 values 0 or 1} from CelebA's text table or a CSV with the same names."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            if path.suffix == ".csv":
                names, *rows = csv.reader(lines)
                names = names[1:]
            else:
                _, names, *rows = map(str.split, lines)
        if names != ATTRIBUTES or any(len(row) != 41 or not row[0][:6].isdigit() for row in rows):
            raise InputError("other columns")
        return {name: [int(value) > 0 for value in values] for name, *values in rows}
    except (ValueError, csv.Error) as error:  # no text, no lines, no numbers
        raise InputError(f"{path} is not CelebA's table of {len(ATTRIBUTES)} attributes: get it anew") from error


def _face(file, image_size):
    with Image.open(file) as image:
        width, height = image.size
        top = (height - width) // 2
        if image.size == (image_size, image_size):
            return np.asarray(image.convert("RGB"))
        box = (0, top, width, top + width)
        return np.asarray(image.convert("RGB").resize((image_size, image_size), Image.Resampling.LANCZOS, box=box, reducing_gap=3))


def _entry(name):
    if name not in _SETS:
        raise InputError(f"no data set {name!r}; there are {', '.join(_SETS)}")
    return _SETS[name]
