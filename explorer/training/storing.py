"""How what was trained is written down: weights in 16 bits, the card, pictures whole or not at all."""

import json
import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
from PIL import Image

from explorer import checkpoints, data, imaging


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


def parts(networks):
    """What a card says of a model's networks, {part: network}."""
    return {
        "parameters": {part: network.count_params() for part, network in networks.items()},
        "architecture": {part: summary(network) for part, network in networks.items()},
    }


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


def replace(path, picture):
    """Write a PNG whole or not at all."""
    part = f"{path}.part"
    sheet: Image.Image = imaging.to_pillow(picture)
    sheet.save(part, "PNG")
    os.replace(part, path)
