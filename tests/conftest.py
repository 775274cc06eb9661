"""Shared by the tests: small checkpoints made on the spot, the shipped ones, and the data sets where they are."""

import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported by anyone

import numpy as np
import pytest
from common import lacking, python

from explorer import checkpoints


@pytest.fixture(scope="session")
def fresh_python():
    """`common.python`: code in an interpreter that has imported nothing yet."""
    return python


@pytest.fixture
def real_data():
    """The folder with the real data sets."""
    folder = os.environ.get("EXPLORER_DATA")
    if not folder or not all(Path(folder, file).is_file() for file in ("mnist.npz", "fashion_mnist.npz")):
        lacking("EXPLORER_DATA names no folder with mnist.npz and fashion_mnist.npz")
    return Path(folder)


@pytest.fixture(scope="session")
def real_faces():
    """The folder with CelebA's faces and attributes."""
    folder = os.environ.get("EXPLORER_DATA")
    if not folder or not Path(folder, "celeba_attributes.csv").is_file():
        lacking("EXPLORER_DATA names no folder with CelebA's faces and attributes")
    return Path(folder)


@pytest.fixture(scope="session")
def site_files(tmp_path_factory):
    """What the static site holds, {path: bytes}, built once, with stand-ins for the files of the browser's runtime."""
    from explorer.publishing import site
    from explorer.serving import runtime

    folder = tmp_path_factory.mktemp("runtime")
    for file in runtime.FILES:
        (folder / file).write_text(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_RUNTIME", str(folder))
        return site.files()


def strokes(n, seed):
    """Pictures that any small net can learn: class k is a bar through the middle, turned by 18 k degrees, a little off."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n, dtype="uint8") % 10
    angle = np.pi * (labels + rng.uniform(-0.2, 0.2, n)) / 10
    middle = 13.5 + rng.uniform(-2, 2, (2, n))
    y, x = np.mgrid[:28, :28][..., None] - middle.reshape(2, 1, 1, n)
    across, along = x * np.sin(angle) - y * np.cos(angle), x * np.cos(angle) + y * np.sin(angle)
    ink = np.clip(2.2 - np.abs(across), 0, 1) * (np.abs(along) < 9)
    return (255 * ink).transpose(2, 0, 1).astype("uint8"), labels


def write_data(folder, train=600, test=200):
    """Stand-ins for both data sets, in the files and under the keys of the real ones."""
    for seed, file in enumerate(("mnist.npz", "fashion_mnist.npz")):
        (x_train, y_train), (x_test, y_test) = strokes(train, 2 * seed), strokes(test, 2 * seed + 1)
        np.savez(folder / file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return folder


@pytest.fixture(scope="session")
def small_data(tmp_path_factory):
    """A folder with a few hundred made-up images in the place of each data set."""
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def small(tmp_path_factory, small_data):
    """A registry of checkpoints that `train` made in one epoch each: the judges of digits and clothes, `mnist-vae` with two snapshots, `fashion-ae`.

    Has `root`, `data`, `cards` (what `train` returned) and `log` (what it printed).
    """
    from explorer.training import recipes
    from explorer.training.train import train

    root, log = tmp_path_factory.mktemp("small"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EXPLORER_CHECKPOINTS", str(root))
        patch.setitem(recipes.RECIPES, "fashion-ae", {**recipes.RECIPES["fashion-ae"], "validation": 100})
        for judge in ("digits", "fashion"):  # faces need other data
            patch.setitem(recipes.JUDGES, judge, recipes.JUDGES[judge] | {"filters": [4, 8], "dense": 16})
        names = ("judges/digits", "judges/fashion", "mnist-vae", "fashion-ae")
        cards = {name: train(name, small_data, epochs=1, log=log) for name in names}
    return SimpleNamespace(root=root, data=small_data, cards=cards, log=log.getvalue())


@pytest.fixture
def small_registry(small, monkeypatch):
    """`small`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(small.root))
    return small


class Toy:
    """What a made-by-hand checkpoint decodes, worked out by NumPy: sigmoid(z W + b), and its encodings."""

    def __init__(self, name, latent_size, side, seed):
        rng = np.random.default_rng(seed)
        self.name, self.side, self.latent_size = name, side, latent_size
        # coarse numbers, so that storing them in 16 bits loses nothing
        self.kernel = np.round(rng.normal(0, 0.8, (latent_size, side * side)) * 64) / 64
        self.bias = np.round(rng.normal(0, 0.3, side * side) * 64) / 64
        self.z_mean = np.round(rng.normal(0, 1, (60, latent_size)) * np.linspace(1.2, 0.6, latent_size), 2).astype("float16")
        self.labels = np.arange(60, dtype="uint8") % 3

    def pictures(self, z):
        """float64 (n, side, side, 1), decoded without Keras."""
        logits = np.asarray(z, "float64").reshape(-1, self.latent_size) @ self.kernel + self.bias
        return (1 / (1 + np.exp(-logits))).reshape(-1, self.side, self.side, 1)

    def picture_bytes(self, z):
        """uint8 (n, side, side), as they stand in a file."""
        return np.floor(self.pictures(z)[..., 0] * 255 + 0.5).astype("uint8")


def make_toy(root, name, kind="vae", latent_size=2, side=8, seed=0):
    """Write a whole checkpoint `root/name` whose decoder is one dense layer; returns its `Toy`."""
    from explorer.generators.autoencoder import build

    toy = Toy(name, latent_size, side, seed)
    loss = {"reconstruction_loss": "binary_crossentropy", "reconstruction_weight": 1.0}
    model = build((side, side, 1), latent_size, {}, {}, loss, variational=kind == "vae", seed=0)
    model.decoder.set_weights([toy.kernel, toy.bias])
    folder = Path(root, name)
    folder.mkdir(parents=True)
    model.save(folder / checkpoints.MODEL)
    card = {"name": name, "kind": kind, "title": name, "latent_shape": [latent_size], "image_shape": [side, side, 1],
            "parameters": {"encoder": model.encoder.count_params(), "decoder": model.decoder.count_params()}, "bytes": 0,
            "data": "none", "licence": "none", "source": "a test", "metrics": {"one": 1.5}, "recipe": {}, "order": seed,
            "view": {"z": [0.5, -0.25, 0.75, 0.25][:latent_size], "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0},
            "classes": ["a", "b", "c"], "short": name, "family": None, "series": None}  # fmt: skip
    if kind == "ae":
        card["fitted_gaussian"] = {"mean": [2.0, -1.0], "covariance": [[4.0, 1.2], [1.2, 1.0]]}
    (folder / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
    np.savez(folder / checkpoints.ENCODINGS, z_mean=toy.z_mean, label=toy.labels)
    checkpoints.seal(folder)
    return toy


def make_gan(root, name, latent_size=6, side=8, seed=5, conditional=False, order=5):
    """Write a GAN `root/name` without encodings, whose generator and discriminator are one dense layer each; returns its `Toy`.

    `toy.real(images)` is what the discriminator says. A conditional one adds row k of `toy.garments` (3, side * side) for class k.
    """
    from explorer.generators.gan import build

    toy = Toy(name, latent_size, side, seed)
    rng = np.random.default_rng(seed + 100)
    toy.garments = np.round(rng.normal(0, 2, (3, side * side)) * 64) / 64
    weights = np.round(rng.normal(0, 0.3, (side * side, 1)) * 64) / 64
    classes = 3 if conditional else 0
    model = build((side, side, 1), latent_size, {}, {}, classes=classes, seed=0)
    model.generator.set_weights([np.concatenate([toy.kernel, toy.garments[:classes]]), toy.bias])
    model.discriminator.get_layer("real").set_weights([weights, np.array([0.25])])
    if conditional:
        model.discriminator.get_layer("embedding").set_weights([np.zeros((3, side * side))])
    toy.real = lambda images: 1 / (1 + np.exp(-(np.reshape(images, (-1, side * side)) @ weights[:, 0] + 0.25)))
    folder = Path(root, name)
    folder.mkdir(parents=True)
    model.save(folder / checkpoints.MODEL)
    card = {"name": name, "kind": "gan", "title": f"Toy: {name}", "short": name, "family": None, "series": None, "order": order,
            "latent_shape": [latent_size], "image_shape": [side, side, 1], "conditional": conditional, "bytes": 0, "data": "none",
            "parameters": {"generator": model.generator.count_params(), "discriminator": model.discriminator.count_params()},
            "licence": "none", "source": "a test", "metrics": {"one": 1.5}, "recipe": {}, "known_failures": [],
            "view": {"z": [0.5] + [0.0] * (latent_size - 1), "axes": [0, 1], "center": [0, 0], "extent": 3, "corners": [0, 1, 2]},
            "classes": ["a", "b", "c"]}  # fmt: skip
    (folder / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
    checkpoints.seal(folder)
    return toy


@pytest.fixture(scope="session")
def gan_root(tmp_path_factory):
    """A registry of `gan`, `garments` (a conditional one), `deep` and `mnist-vae`, which have encodings, `holes`, and faces."""
    root = tmp_path_factory.mktemp("gans")
    toys = {"gan": make_gan(root, "gan"), "garments": make_gan(root, "garments", seed=6, conditional=True, order=32),
            "deep": make_toy(root, "deep", latent_size=4, seed=1), "digits": make_toy(root, "mnist-vae"),
            "holes": make_toy(root, "holes", kind="ae", seed=2), "faces": make_faces(root)}  # fmt: skip
    return SimpleNamespace(root=root, **toys)


@pytest.fixture
def gans(gan_root, monkeypatch):
    """`gan_root`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(gan_root.root))
    return gan_root


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory):
    """A registry of three toys: `flat` (2-D), `deep` (4-D) and `holes`, a plain autoencoder."""
    root = tmp_path_factory.mktemp("toys")
    toys = {"flat": make_toy(root, "flat"), "deep": make_toy(root, "deep", latent_size=4, seed=1),
            "holes": make_toy(root, "holes", kind="ae", seed=2)}  # fmt: skip
    return SimpleNamespace(root=root, **toys)


@pytest.fixture(scope="session")
def digit_root(tmp_path_factory):
    """A registry of `mnist-vae` alone, a toy of 28 x 28 pixels, whose pictures can be framed."""
    root = tmp_path_factory.mktemp("digits")
    make_toy(root, "mnist-vae", side=28)
    return root


@pytest.fixture
def toys(toy_root, monkeypatch):
    """`toy_root`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(toy_root.root))
    return toy_root


FACE_NAMES = ["Smiling", "Eyeglasses", "Male", "Young", "Blond_Hair", "Black_Hair", "Bangs", "Wearing_Hat"]


def make_faces(root, name="celeba-vae", d=8, side=64, seed=3):
    """Write a face model `root/name` of one dense layer, whose dimension i carries attribute i, and its judge; returns what is
    known of it: `kernel` (d, side * side * 3), `bias`, `gallery` (12, d), `directions` (8, d)."""
    import keras

    from explorer.generators.autoencoder import build
    from explorer.training.face_measures import BINS, statistics

    rng = np.random.default_rng(seed)
    blocks = np.round(rng.normal(0, 0.25, (d + 1, side // 8, side // 8, 3)) * 64) / 64  # 8 x 8 squares of colour
    *kernel, bias = blocks.repeat(8, 1).repeat(8, 2).reshape(d + 1, -1)
    kernel = np.stack(kernel)
    loss = {"reconstruction_loss": "mse", "reconstruction_weight": 1.0}
    model = build((side, side, 3), d, {}, {}, loss, seed=0)
    model.decoder.set_weights([kernel, bias])
    logits = np.linalg.pinv(kernel)
    model.encoder.set_weights([4 * logits, np.zeros(d), np.zeros((side * side * 3, d)), np.full(d, -4.0)])
    folder, judge_folders = Path(root, name), {judge: Path(root, "judges", judge) for judge in ("faces", "faces_second")}
    for path in (folder, *judge_folders.values()):
        path.mkdir(parents=True)
    model.save(folder / checkpoints.MODEL)
    inputs = keras.Input((side, side, 3))
    features = keras.layers.Dense(d, name="features")(keras.layers.Flatten()(inputs))
    judge = keras.Model(inputs, keras.layers.Dense(d, activation="sigmoid")(features))
    for name_of_judge, sure in (("faces", 16), ("faces_second", 6)):  # the one that took no part is less sure
        judge.set_weights([sure * logits, -sure / 2 * logits.sum(0), np.eye(d), np.zeros(d)])
        judge.save(judge_folders[name_of_judge] / checkpoints.MODEL)
    attributes = rng.integers(0, 2, (400, d)).astype("uint8")
    z = (2.0 * attributes - 1 + rng.normal(0, 0.2, (400, d))).astype("float32")
    means, counts, covariance = statistics(z, attributes)
    tables = {f"receipts_{how}": np.round(rng.uniform(-0.3, 0.3, (d, d)) + 0.5 * np.eye(d), 2).astype("float16")
              for how in ("free", "learned", "whitened", "plain")}  # fmt: skip
    histograms = np.stack([np.histogram(np.clip(z[:, i], -3.9, 3.9), BINS)[0] for i in range(d)]).astype("uint16")
    np.savez(folder / checkpoints.DIRECTIONS, means=means, counts=counts, covariance=covariance, histograms=histograms,
             learned=2.5 * np.eye(6, d), **tables)  # fmt: skip
    gallery = np.round(z[:12], 2).astype("float16")
    np.savez(folder / checkpoints.ENCODINGS, z_mean=gallery, label=attributes[:12])
    common = {"title": "faces", "image_shape": [side, side, 3], "bytes": 0, "data": "none", "licence": "for research only",
              "source": "a test", "metrics": {"one": 1.0}, "known_failures": [], "architecture": {}, "history": {"loss": [1.0]}}  # fmt: skip
    card = {"name": name, "kind": "vae", "order": 9, "short": "Faces", "family": None, "series": None, "latent_shape": [d],
            "attributes": FACE_NAMES, "learned": FACE_NAMES[:6], "views": ["faces", "morph"],
            "face_examples": [{"title": "A smile", "state": "face=3&attributes=Smiling:1.5"}], "parameters": {"encoder": 1, "decoder": 1},
            "recipe": {"judge": "faces", "held_out_judge": "faces_second", "data": "celeba", "loss": {}}, **common,
            "ranges": {"free": {"Young": [1.0, 2.0]}},
            "view": {"z": [0.0] * d, "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0}}  # fmt: skip
    (folder / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
    for judge, path in judge_folders.items():
        card = {"name": judge, "kind": "judge", "classes": FACE_NAMES, "parameters": {"judge": 1}, "recipe": {}, **common}
        (path / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
        checkpoints.seal(path)
    checkpoints.seal(folder)
    return SimpleNamespace(kernel=kernel, bias=bias, gallery=gallery.astype("float32"), directions=means[:, 1] - means[:, 0])


@pytest.fixture(scope="session")
def face_root(tmp_path_factory):
    """A registry of one face model, made by hand, its judge, and a plane to start from."""
    root = tmp_path_factory.mktemp("faces")
    make_toy(root, "mnist-vae")
    return SimpleNamespace(root=root, **vars(make_faces(root)))


@pytest.fixture
def face_registry(face_root, monkeypatch):
    """`face_root`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(face_root.root))
    return face_root


def make_refiner(root, name="celeba-refiner", refines="celeba-vae", side=64):
    """Write a refiner `root/name` whose network tells a velocity of zero, and name it in the card of what it refines.

    x_0 is then signal_rate x, and a step turns x by the cosine of its angle: what is added is the noise, times a number.
    """
    from explorer.generators import refiner

    shape = [side, side, 3]
    schedule = {"name": "cosine", "most": 0.999, "least": 0.02}
    model = refiner.build(shape, {"widths": [2, 4], "depth": [1, 1], "time_encoding": 4, "patch": 2},
                          schedule, "mse", REFINED, seed=0)  # fmt: skip
    folder, refined = Path(root, name), Path(root, refines)
    folder.mkdir(parents=True)
    model.save(folder / checkpoints.MODEL)
    card = {"name": name, "kind": "diffusion", "order": 9, "title": "refiner", "short": "Refiner", "family": None, "series": None,
            "latent_shape": shape, "image_shape": shape, "parameters": {"network": 1}, "bytes": 0, "data": "none",
            "licence": "for research only", "source": "a test", "metrics": {}, "known_failures": [], "architecture": {},
            "history": {"loss": [1.0]}, "recipe": {"refines": refines}, "refines": refines, "views": ["models"],
            "schedule": schedule, "sampling": {"sampler": "ddim", "steps": 4, "coarse": 0.0}}  # fmt: skip
    (folder / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
    checkpoints.seal(folder)
    of = refined / checkpoints.CARD
    of.write_text(json.dumps(json.loads(of.read_text("utf-8")) | {"refined_by": name}), "utf-8")
    checkpoints.seal(refined)


REFINED = 0.01  # variance of what that refiner adds, before it is turned


@pytest.fixture(scope="session")
def refined_root(tmp_path_factory):
    """As `face_root`, with a refiner."""
    root = tmp_path_factory.mktemp("refined")
    make_toy(root, "mnist-vae")
    world = make_faces(root)
    make_refiner(root)
    return SimpleNamespace(root=root, variance=REFINED, **vars(world))


@pytest.fixture
def refined_registry(refined_root, monkeypatch):
    """`refined_root`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(refined_root.root))
    return refined_root


def make_diffusion(root, name="blots", schedule=None, side=16, channels=1, order=5, means=()):
    """Write a diffusion model `root/name` whose network is exact for standard normal data: the noise in x is noise_rate x.

    Its pictures are 0.5 + 0.1 x; of a schedule in steps the network knows no rates and takes half of x for noise. With `means` it
    knows classes, each normal around its own mean: the noise in x is noise_rate (x - signal_rate mean).
    """
    import keras

    from explorer.generators.diffusion import Diffusion

    schedule = schedule or {"name": "cosine", "most": 0.95, "least": 0.02}
    shape = (side, side, channels)
    noisy, told = keras.Input(shape, name="noisy"), keras.Input((1, 1, 1), name="told")
    inputs, known = [noisy, told], {}
    if means:
        inputs.append(keras.Input((len(means),), name="label"))
        at = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Zeros())
        mean = keras.layers.Reshape((1, 1, 1))(at(inputs[-1]))
        at.set_weights([np.array(means, "float32")[:, None]])
        guess = told * (noisy - keras.ops.sqrt(1.0 - told * told) * mean)
        known = {"conditional": True, "classes": [f"kind {i}" for i in range(len(means))]}
    elif schedule["name"] == "cosine":
        guess = keras.layers.Multiply()([noisy, told])
    else:
        halved = keras.layers.Rescaling(0.5)
        guess = keras.layers.Add()([halved(noisy), keras.layers.Rescaling(0.0)(told)])
    model = Diffusion(keras.Model(inputs, guess), schedule, mean=[0.5] * channels, variance=[0.01] * channels)
    folder = Path(root, name)
    folder.mkdir(parents=True)
    model.save(folder / checkpoints.MODEL)
    card = {"name": name, "kind": "diffusion", "title": f"Toy: {name}", "order": order, "short": name, "family": None, "series": None,
            "latent_shape": list(shape), "image_shape": list(shape), "views": ["diffusion"], "schedule": schedule, "bytes": 0,
            "sampling": {"sampler": "ddim", "steps": 20} | ({"guidance_scale": 2.0} if means else {}), "parameters": {"unet": model.network.count_params()}, "data": "none",
            "licence": "none", "source": "a test", "metrics": {"one": 1.0}, "recipe": {"data": "flowers"}, "known_failures": [],
            "architecture": {}, "history": {"loss": [1.0]}, "classes": ["a"], **known}  # fmt: skip
    (folder / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
    checkpoints.seal(folder)


@pytest.fixture(scope="session")
def diffusion_root(tmp_path_factory):
    """A registry of a plane and three diffusion models: `blots`, any time from 0 to 1, `specks`, in 4000 steps, and `kinds`, which
    knows three classes with the means -1, 0.5 and 2."""
    root = tmp_path_factory.mktemp("diffusion")
    make_toy(root, "mnist-vae")
    make_diffusion(root)
    make_diffusion(root, "specks", {"name": "variance", "steps": 4000}, side=12, channels=3, order=6)
    make_diffusion(root, "kinds", order=7, means=(-1.0, 0.5, 2.0))
    return root


@pytest.fixture
def diffusion_registry(diffusion_root, monkeypatch):
    """`diffusion_root`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(diffusion_root))
    return diffusion_root


SMALL_TEXT = {
    "image_shape": [32, 32, 3], "vae": {"filters": [32] * 4, "blocks": [[1] * 4, [1] * 4], "latent_channels": 4},
    "text": {"width": 32, "layers": 2, "heads": 2, "length": 12}, "mmdit": {"width": 32, "layers": 2, "heads": 2},
}  # fmt: skip


def small_text_model():
    """An untrained Stable Diffusion 3 whose every weight makes a difference, and the rest of its card."""
    import keras

    from explorer.generators import stable_diffusion_3
    from explorer.training import captions

    keras.utils.set_random_seed(0)  # whatever test comes first
    task = stable_diffusion_3.build(SMALL_TEXT, captions.vocabulary())
    rng = np.random.default_rng(0)
    for weight in task.backbone.diffuser.trainable_variables:
        weight.assign(rng.normal(0, 0.15, weight.shape))
    card = {
        "name": "words", "kind": "text-to-image", "title": "Toy: words", "order": 7, "short": "words", "family": None, "series": None,
        "latent_shape": [4, 4, 4], "image_shape": [32, 32, 3], "views": ["text-to-image"], "bytes": 0, "data": "none",
        "sampling": {"steps": 4, "guidance_scale": 3.0}, "parameters": {"mmdit": task.backbone.diffuser.count_params()},
        "licence": "none", "source": "a test", "metrics": {"one": 1.0}, "recipe": {"data": []}, "known_failures": [],
        "architecture": {}, "history": {"loss": [1.0]}, "classes": [], "vocabulary": captions.vocabulary(), "knows": "nothing at all",
        "prompts": ["a rose", "a bag", "digit seven", "glasses"], "examples": [["a man", "a woman"]],
    }  # fmt: skip
    return card, task


@pytest.fixture(scope="session")
def text_model():
    """`small_text_model` and the sizes that it is built by."""
    return SimpleNamespace(make=small_text_model, recipe=SMALL_TEXT)


@pytest.fixture(scope="session")
def text_root(tmp_path_factory):
    """A registry of a plane and `words`, an untrained text-to-image model."""
    root = tmp_path_factory.mktemp("text")
    make_toy(root, "mnist-vae")
    card, task = small_text_model()
    task.save_to_preset(str(root / "words"))
    (root / "words" / checkpoints.CARD).write_text(json.dumps(card), "utf-8")
    checkpoints.seal(root / "words")
    return root


@pytest.fixture
def text_registry(text_root, monkeypatch):
    """`text_root`, with the registry looking there."""
    monkeypatch.setenv("EXPLORER_CHECKPOINTS", str(text_root))
    return text_root
