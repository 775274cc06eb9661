"""What a finished run leaves behind: the checkpoint's folder, all of it measured on the weights as they are stored."""

import json
import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
from PIL import Image

from explorer import checkpoints, data, imaging
from explorer.generators.autoencoder import AutoencoderGenerator
from explorer.generators.diffusion import DiffusionGenerator
from explorer.generators.files import Files
from explorer.generators.gan import GanGenerator
from explorer.judges.classifier import Judge
from explorer.judges.framing import Framer
from explorer.training import diffusion, evaluation, faces, family, framing, mixture, refiner, tsne

SHEET_CELLS = 30
FEW = 2000  # encodings
MOST_DIMENSIONS = 100  # of which a card can hold the covariance
DRAWN = "drawn"  # in a GAN's run: what it drew after each epoch


def ship(name, recipe, model, history, root, data_folder=None):
    """Write `root/name`: model (float16), encodings of the test set, sheet of the plane, card with metrics, SHA256SUMS."""
    folder = Path(root, name)
    folder.mkdir(parents=True, exist_ok=True)
    save(model, folder / checkpoints.MODEL)
    stored = keras.saving.load_model(folder / checkpoints.MODEL, compile=False, safe_mode=True)
    card = card_of(name, recipe, history)
    if recipe["kind"] == "judge":
        card |= {"parameters": {"judge": stored.count_params()}, "architecture": {"judge": summary(stored)}}
        if recipe.get("net") == "framing":
            card |= framing.described(recipe)
            card["metrics"] = framing.metrics(Framer(card, stored), data_folder)
        else:
            card["metrics"] = evaluation.judge_metrics(Judge(card, stored), data_folder)
    elif recipe["kind"] == "diffusion":
        card |= {
            "latent_shape": recipe["image_shape"],
            "parameters": {"unet": stored.network.count_params()},
            "architecture": {"unet": summary(stored.network)},
            "sampling": recipe["sampling"],
            "start_seed": recipe.get("start_seed", 0),  # of the noise that the view opens with
            "schedule": recipe["schedule"],
            "conditional": bool(recipe.get("conditional")),
            "views": ["diffusion"],
        }
        if card["conditional"]:
            labels = data.load(recipe["data"], "train", recipe["image_shape"][0], data_folder)[1]
            card["class_counts"] = np.bincount(labels, minlength=len(card["classes"])).tolist()
        card["metrics"] = diffusion.metrics(DiffusionGenerator(card, stored), data_folder, log=print)
    elif recipe["kind"] == "gan":
        parts = {"generator": stored.generator, "discriminator": stored.discriminator}
        card |= {
            "latent_shape": [recipe["latent_size"]],
            "parameters": {part: network.count_params() for part, network in parts.items()},
            "architecture": {part: summary(network) for part, network in parts.items()},
            "conditional": bool(recipe.get("conditional")),
        }
        _add_gan(card, folder, GanGenerator(card, stored), data_folder)
    else:
        parts = {"encoder": stored.encoder, "decoder": stored.decoder}
        card |= {
            "latent_shape": [recipe["latent_size"]],
            "parameters": {part: network.count_params() for part, network in parts.items()},
            "architecture": {part: summary(network) for part, network in parts.items()},
        }
        add = _add_faces if recipe["data"] == "celeba" else _add_latent_space
        add(card, folder, AutoencoderGenerator(card, stored, Files(folder)), data_folder)
    return seal(folder, card)


def card_of(name, recipe, history):
    """What every card says."""
    return {
        "name": name.split("/")[-1],
        "kind": recipe["kind"],
        "title": recipe["title"],
        "order": recipe.get("order", 99),
        "short": recipe.get("short", recipe["title"]),
        "family": recipe.get("family"),  # models that share data, latent shape and the sliders of their series
        "series": recipe.get("series"),
        "image_shape": recipe["image_shape"],
        "classes": [] if isinstance(recipe["data"], list) else data.classes(recipe["data"]),
        "data": described(recipe),
        "licence": licence(recipe),
        "source": recipe.get("source", "the project's own"),
        "known_failures": recipe.get("known_failures", []),
        "recipe": {**recipe, **run_facts(recipe, history)},
        "history": {key: values for key, values in history.items() if key != "device"},
    }


def seal(folder, card):
    """Write the card and SHA256SUMS over everything."""
    card["bytes"] = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".keras", ".npz", ".webp", ".h5"))
    (folder / checkpoints.CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")
    checkpoints.seal(folder)
    return card


def _add_latent_space(card, folder, generator, data_folder):
    """The encodings' file, the sheet of a 2-D plane, and what the card says of the latent space."""
    images, labels = data.load(card["recipe"]["data"], "test", generator.image_shape[0], data_folder)
    z_mean, z_log_var = evaluation.encode(generator, images)
    # the steps of a series need no more to show their shape, and hundreds of dimensions would weigh megabytes
    keep = slice(None, FEW if card["series"] or z_mean.shape[1] > MOST_DIMENSIONS else None)
    arrays = {"z_mean": z_mean[keep].astype("float16"), "label": labels[keep]}
    if z_log_var is not None:
        arrays["z_log_var"] = z_log_var[keep].astype("float16")
    np.savez_compressed(folder / checkpoints.ENCODINGS, **arrays)
    if card["kind"] == "ae":
        codes, _ = evaluation.encode(
            generator, data.load(card["recipe"]["data"], "train", generator.image_shape[0], data_folder)[0]
        )
        card["fitted_gaussian"] = {"mean": codes.mean(0).tolist(), "covariance": np.cov(codes.T).tolist()}
    if card["recipe"].get("tsne"):
        np.savez_compressed(folder / checkpoints.MAP, map=tsne.embed(z_mean[: card["recipe"]["tsne"]]).astype("float16"))
    if card["name"] == "fashion-linear-ae":
        np.savez_compressed(folder / checkpoints.PCA, **family.linear(card["recipe"]["data"], data_folder))
    card["metrics"] = evaluation.autoencoder_metrics(generator, data_folder)
    card["view"] = view(z_mean, labels)
    card["dead_axes"] = [i for i, sd in enumerate(z_mean.std(0)) if sd < 0.1]
    card["examples"] = examples(generator, z_mean, labels)
    if z_mean.shape[1] == 2:
        (x, y), extent = card["view"]["center"], card["view"]["extent"]
        steps = extent * (2 * (np.arange(SHEET_CELLS) + 0.5) / SHEET_CELLS - 1)
        z = np.stack(np.meshgrid(x + steps, y - steps), -1).reshape(-1, 2)
        sheet = imaging.to_pillow(imaging.grid(generator.decode(z), SHEET_CELLS))
        sheet.save(folder / checkpoints.SHEET, "WEBP", quality=60, method=6)
    elif generator.card["recipe"]["data"] == "fashion" and card["kind"] == "vae":
        walk = walk_between(generator, z_mean, labels, "Trouser", "Pullover", "From trousers to sweaters")
        card["walks"] = [walk] if walk else []
    if card["kind"] == "ae":
        _apart(card, folder)


def _apart(card, folder):
    """The Gaussian fitted to a plain autoencoder's codes, in a file of its own if it is large."""
    mean, covariance = (np.asarray(card["fitted_gaussian"][key]) for key in ("mean", "covariance"))
    if len(mean) > MOST_DIMENSIONS:
        values, vectors = np.linalg.eigh(covariance)
        factor = vectors * np.sqrt(np.maximum(values, 0))
        np.savez_compressed(folder / checkpoints.PRIOR, mean=mean.astype("float16"), factor=factor.astype("float16"))
        card["fitted_gaussian"] = {"file": checkpoints.PRIOR}


def _add_gan(card, folder, generator, data_folder):
    """What a GAN drew after each epoch, its plane, and what is measured of it."""
    card["metrics"] = family.gan_metrics(generator, data_folder)
    card["view"] = {"z": np.round(generator.prior(1)[0], 4).tolist(), "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0,
                    "corners": family.three_seeds(generator)}  # fmt: skip
    card["dead_axes"], card["examples"] = [], []
    rows = [np.asarray(Image.open(path)) for path in sorted((folder / "run" / DRAWN).glob("epoch-*.png"))]
    if rows:
        card["drawn"] = {"epochs": len(rows), "columns": card["recipe"]["drawn"]}
        Image.fromarray(np.concatenate(rows)).save(folder / checkpoints.EPOCHS, "WEBP", quality=70, method=6)


def _add_faces(card, folder, generator, data_folder):
    """Directions, gallery and receipts of a face model, and what is measured of it."""
    arrays, gallery, card["amounts"], pca = faces.learn(generator, data_folder)
    np.savez_compressed(folder / checkpoints.DIRECTIONS, **arrays)
    np.savez_compressed(folder / checkpoints.ENCODINGS, **gallery)
    _add_mixture(card, folder, generator, data_folder)
    card["attributes"] = card.pop("classes")
    card["face_examples"] = faces.examples(gallery["label"], card["attributes"])
    card["views"] = ["faces", "morph"]
    card |= {key: card["recipe"][key] for key in ("start_face", "start_corners") if key in card["recipe"]}
    card["learned"] = list(faces.SIX)
    card["metrics"] = faces.metrics(generator, generator.directions, data_folder, pca)
    card["view"] = {"z": [0.0] * card["latent_shape"][0], "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0}


def _add_mixture(card, folder, generator, data_folder):
    """The mixture that random faces are drawn from, fitted to the codes of the training images and of their mirror images."""
    images = data.load(card["recipe"]["data"], "train", generator.image_shape[0], data_folder)[0]
    z_mean = np.concatenate([evaluation.encode(generator, way, 500)[0] for way in (images, images[:, :, ::-1])])
    np.savez_compressed(folder / checkpoints.PRIOR, **mixture.fit(z_mean, card["recipe"]["mixture"]))
    card["fitted_mixture"] = {"components": card["recipe"]["mixture"], "file": checkpoints.PRIOR}


def view(z_mean, labels):
    """What the plane shows at first: its two liveliest axes, and a square that holds 99 % of the encodings, +-3 if that does."""
    axes = sorted(int(i) for i in np.argsort(-z_mean.std(0), kind="stable")[:2])
    low, high = np.quantile(z_mean[:, axes], (0.005, 0.995), axis=0)
    center, extent = np.zeros(2), 3.0
    if np.abs([low, high]).max() > 4.5:
        center, extent = (low + high) / 2, float((high - low).max() / 2 * 1.08)
    start = np.median(z_mean[labels == labels[0]], 0)
    return {"axes": axes, "center": _rounded(center), "extent": round(extent, 2), "z": _rounded(start)}


def examples(generator, z_mean, labels):
    """The recipe's examples, points worth a first look, as places: [class] is a point, [class, class] a walk.

    A class stands where its encodings do: at the one nearest their median that the judge is sure of.
    """
    judge = checkpoints.judge(generator.card["recipe"]["judge"])

    def place(name):
        label = judge.classes.index(name)
        codes = z_mean[labels == label][:400]
        sure = judge(generator.decode(codes))[:, label]
        far = np.linalg.norm(codes - np.median(codes, 0), axis=1)
        return _rounded(codes[np.argmin(np.where(sure >= min(0.9, sure.max()), far, np.inf))])

    found = []
    for names in generator.card["recipe"].get("examples", ()):
        points = dict(zip(("z", "to"), map(place, names), strict=False))
        found.append({"title": " to ".join(names), **points})
    return found


def _rounded(point):
    return [round(float(c), 2) + 0.0 for c in point]


def walk_between(generator, z_mean, labels, first, last, title):
    """The axis and interval along which the judge sees `first` turn into `last`: searched through the origin and means.

    Every axis that carries something is walked through the origin and through each class's mean code; the walk with the
    greatest product of the judge's confidence at both ends is kept; None if no axis carries anything.
    """
    judge, steps = checkpoints.judge(generator.card["recipe"]["judge"]), np.linspace(-3, 3, 61)
    a, b = judge.classes.index(first), judge.classes.index(last)
    through = {"zeros": np.zeros(z_mean.shape[1])} | {name: z_mean[labels == i].mean(0) for i, name in enumerate(judge.classes)}
    best = None
    for where, origin in through.items():
        for axis in np.flatnonzero(z_mean.std(0) >= 0.1):
            z = np.tile(origin, (len(steps), 1))
            z[:, axis] = steps
            p = judge(generator.decode(z))
            i, j = int(p[:, a].argmax()), int(p[:, b].argmax())
            score = float(p[i, a] * p[j, b])
            if best is None or score > best["score"]:
                best = {"title": title, "axis": int(axis), "through": where, "score": round(score, 4),
                        "z": _rounded(z[i]), "to": _rounded(z[j]),
                        "judged": [round(float(p[i, a]), 3), round(float(p[j, b]), 3)]}  # fmt: skip
    return best


def run_facts(recipe, history):
    """What the run itself adds to its recipe; `plateau`: whether as many epochs as its patience brought nothing."""
    epochs = len(history["loss"])
    best = 1 + int(np.argmin(history["val_loss"])) if recipe.get("validation") else epochs
    return {
        "epochs_run": epochs,
        "best_epoch": best,
        "plateau": epochs - best >= recipe["patience"] if recipe.get("patience") else None,
        "minutes": round(sum(history["seconds"]) / 60, 1),
        "device": history["device"],
        "keras": keras.__version__,
        "stored_as": "float16",
    }


def described(recipe):
    """What a recipe was trained and measured on, in words."""
    if isinstance(recipe["data"], list):
        return f"{', '.join(recipe['data'])}: training images of each with captions made from their labels, measured by judges"
    if recipe["data"] == "flowers":
        return "flowers: the images whose number does not end in 3, measured on those whose number does"
    if recipe["data"] == "celeba":
        return "celeba: training ids of the official partition, measured on its validation ids: nobody is in both"
    trained = 60_000 - recipe.get("validation", 0)
    return f"{recipe['data']}: {trained:,} training images, measured on the 10,000 test images"


def licence(recipe):
    """On what terms the weights of a recipe may be used."""
    if isinstance(recipe["data"], list):
        return f"for non-commercial research only (learned from {'; '.join(map(data.licence, recipe['data']))})"
    terms = data.licence(recipe["data"])
    if recipe["data"] == "celeba":
        return f"for non-commercial research only (learned from {terms})"
    return f"Apache-2.0 (learned from {terms})"


def summary(network):
    """The layers as the books print them: [name, class, output shape, parameters] each."""
    return [[layer.name, type(layer).__name__, _shapes(layer), layer.count_params()] for layer in network.layers]


def _shapes(layer):
    """The output shapes of a layer where it was called first, in words: parts of a larger network are called again there."""
    tensors = keras.tree.flatten(layer._inbound_nodes[0].output_tensors if layer._inbound_nodes else layer.output)
    return ", ".join(dict.fromkeys(str(tuple(tensor.shape)) for tensor in tensors))


def save(model, path):
    """`model.save`, the float32 weights stored as float16 (Keras loads them as float32 again)."""
    whole = Path(path).with_suffix(".whole.keras")
    model.save(whole)
    weights = whole.with_suffix(".h5")
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            content = source.read(item)
            if item.filename == "model.weights.h5":
                weights.write_bytes(content)
                halve(weights, small := weights.with_suffix(".half.h5"))
                content = small.read_bytes()
                small.unlink()
            target.writestr(zipfile.ZipInfo(item.filename), content, zipfile.ZIP_DEFLATED)
    whole.unlink()
    weights.unlink()


def halve(source, target):
    """Copy an HDF5 file of weights, storing float32 as float16."""
    with h5py.File(source) as old, h5py.File(target, "w") as new:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                group = new.require_group(name)
                group.attrs.update(item.attrs)
            else:
                values = item[()]
                new.create_dataset(name, data=values.astype("float16") if values.dtype == np.float32 else values)

        old.visititems(copy)
        new.attrs.update(old.attrs)


def preview(recipe, path):
    """A callback for `runs.fit`: writes what the model decodes now (the plane, or 64 points of the prior) to `path`."""
    if recipe["kind"] == "judge":
        return None
    if recipe.get("refines"):
        return refiner.preview(recipe, lambda picture: _replace(path, picture))
    if recipe["kind"] == "diffusion":
        return _preview_of_diffusion(recipe, path)
    if recipe["kind"] == "gan":
        return _preview_of_gan(recipe, path)
    d = recipe["latent_size"]
    steps = np.linspace(-2.5, 2.5, 12)
    z = np.stack(np.meshgrid(steps, -steps), -1).reshape(-1, 2) if d == 2 else np.random.default_rng(0).standard_normal((64, d))
    columns = 12 if d == 2 else 8

    def write(model, _):
        images = np.clip(np.asarray(model.decoder.predict_on_batch(z.astype("float32"))), 0, 1)
        _replace(path, imaging.grid(images, columns))

    return write


def _preview_of_diffusion(recipe, path):
    """The book's: 3 x 6 pictures of 20 steps, always from the same noise."""
    card = {"name": "preview", "sampling": recipe["sampling"],
            "latent_shape": recipe["image_shape"], "image_shape": recipe["image_shape"]}  # fmt: skip

    def write(model, _):
        generator = DiffusionGenerator(card, model)
        _replace(path, imaging.grid(generator.decode(generator.prior(18), steps=20, sampler="ddim"), 6))

    return write


def _preview_of_gan(recipe, path):
    """What it draws from the same few noises, of each class one where there are classes: the last row is kept of every epoch."""
    card = {"name": "preview", "latent_shape": [recipe["latent_size"]], "image_shape": recipe["image_shape"],
            "classes": data.classes(recipe["data"])}  # fmt: skip

    def write(model, epoch):
        generator, n = GanGenerator(card, model), recipe["drawn"]
        labels = np.arange(n) % model.classes if model.classes else None
        row = imaging.grid(generator.decode(generator.prior(n), label=labels), n)
        path.parent.joinpath(DRAWN).mkdir(exist_ok=True)
        _replace(path.parent / DRAWN / f"epoch-{epoch:03d}.png", row)
        _replace(path, row)

    return write


def _replace(path, picture):
    """Write a PNG whole or not at all."""
    part = f"{path}.part"
    sheet: Image.Image = imaging.to_pillow(picture)
    sheet.save(part, "PNG")
    os.replace(part, path)
