"""What a card must say, and the one place where what it does not say is filled in. NumPy only.

A card that lacks something is completed from the model's files, as far as these tell; a card that says what cannot be is refused
in one sentence with the line to write. So whoever reads a card may rely on it.
"""

import io
import json
import zipfile
from math import prod

import numpy as np

from explorer.errors import CheckpointError
from explorer.generators import has_encodings, kind_of
from explorer.generators.files import CARD, MODEL

WEIGHTS = "model.weights.h5"
LONGEST = 2000  # letters of a text
MOST_BYTES = 8_000_000  # of a card
PIXELS = '"pixels": [0, 1], or [-1, 1], [0, 255], or "logits"'


def _text(value):
    return isinstance(value, str) and len(value) <= LONGEST


def _number(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _whole(value, low=0):
    return isinstance(value, int) and not isinstance(value, bool) and low <= value < 2**53


def _list(check, least=0, most=100_000):
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(check, value))


def _dict(check):
    return lambda value: isinstance(value, dict) and all(map(_text, value)) and all(map(check, value.values()))


def _view(value):
    return (
        isinstance(value, dict)
        and _list(_number, 1)(value.get("z"))
        and _list(_whole, 2, 2)(value.get("axes", [0, 1]))
        and _list(_number, 2, 2)(value.get("center", [0, 0]))
        and _number(value.get("extent", 1))
    )


def is_place(value, d):
    """Whether an example is a point of d numbers, or a walk from one to another, with a title."""
    numbers = _list(_number, d, d)
    return (
        isinstance(value, dict) and _text(value.get("title")) and numbers(value.get("z")) and numbers(value.get("to", value["z"]))
    )


def _layers(value):
    return _list(lambda row: isinstance(row, list) and len(row) == 4 and all(map(_text, row[:3])) and _whole(row[3]))(value)


# key -> what its value must be, and a line that would do
ENTRIES = {
    "title": (_text, '"title": "Digits: a VAE"'),
    "short": (_text, '"short": "Digits"'),
    "order": (_number, '"order": 20'),
    "kind": (_text, '"kind": "vae", or "ae", "gan"'),
    "latent_shape": (_list(lambda value: _whole(value, 1), 1, 4), '"latent_shape": [8]'),
    "image_shape": (
        lambda value: _list(lambda side: _whole(side, 1), 3, 3)(value) and value[2] in (1, 3),
        '"image_shape": [28, 28, 1], height, width and 1 or 3 channels',
    ),
    "pixels": (
        lambda value: value == "logits" or _list(_number, 2, 2)(value) and value[0] < value[1],
        f"{PIXELS}: what the decoder gives for black and white",
    ),
    "parameters": (_dict(_whole), '"parameters": {"decoder": 65089}'),
    "bytes": (_whole, '"bytes": 410827'),
    "data": (_text, '"data": "what it was trained on"'),
    "licence": (_text, '"licence": "CC BY 4.0"'),
    "source": (_text, '"source": "whose architecture it is"'),
    "metrics": (lambda value: isinstance(value, dict) and all(map(_text, value)), '"metrics": {"mse": 0.01}'),
    "recipe": (lambda value: isinstance(value, dict), '"recipe": {}'),
    "classes": (_list(_text), '"classes": ["0", "1"]'),
    "attributes": (_list(_text), '"attributes": ["Smiling"]'),
    "known_failures": (_list(_text), '"known_failures": ["what it does badly"]'),
    "family": (lambda value: value is None or _text(value), '"family": null'),
    "series": (lambda value: value is None or isinstance(value, list) and len(value) == 2, '"series": null'),
    "refined_by": (_text, '"refined_by": "celeba-refiner"'),
    "views": (_list(_text, 1), '"views": ["latent-plane"]'),
    "view": (_view, '"view": {"z": [0, 0], "axes": [0, 1], "center": [0, 0], "extent": 3}'),
    "dead_axes": (_list(_whole), '"dead_axes": []'),
    "examples": (lambda value: isinstance(value, list), '"examples": []'),
    "walks": (lambda value: isinstance(value, list), '"walks": []'),
    "history": (_dict(_list(lambda value: value is None or _number(value))), '"history": {"loss": [0.3, 0.2]}'),
    "architecture": (_dict(_layers), '"architecture": {}'),
    "sampling": (_dict(lambda value: _text(value) or _number(value)), '"sampling": {"sampler": "ddim", "steps": 20}'),
    "schedule": (_dict(lambda value: _text(value) or _number(value)), '"schedule": {"name": "cosine"}'),
    "prompts": (_list(_text, 1), '"prompts": ["a photo of a sunflower"]'),
}
SHOWN = {"diffusion": (("sampling", "schedule"), "diffusion"), "text-to-image": (("sampling", "prompts"), "text-to-image")}
NETWORKS = {"VAE": "vae", "Autoencoder": "ae", "TiedAutoencoder": "ae", "GAN": "gan", "Diffusion": "diffusion"}


def parsed(data, where):
    """The card (dict) in the bytes of a `card.json`; `where` names it. Raises CheckpointError for what is none."""
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES >> 20} MB")
        said = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} is no JSON that can be read: {str(error)[:100]}") from None
    if not isinstance(said, dict):
        raise CheckpointError(f'{where} must hold one object, as in {{"title": "Mine"}}')
    return said


def checked(said, where, keys=ENTRIES):
    """`said`; CheckpointError names the first entry that cannot be, and the line to write."""
    for key in keys:
        if key in said and not ENTRIES[key][0](said[key]):
            raise CheckpointError(f"{where}: {key} is {json.dumps(said[key])[:60]}: {line(key)}")
    return said


def line(key):
    """What to write into a card, in words."""
    return f"write a line such as {ENTRIES[key][1]}"


def completed(said, name, files, where):
    """The card of the checkpoint `name`, whose `card.json` says `said`, with what is missing filled in.

    Raises CheckpointError for an entry that cannot be, and for one that is missing and that the files do not tell.
    """
    card = {"name": name, **checked(said, where)}
    card["name"] = name  # it is found by its folder
    known = {
        "title": name, "order": 99, "family": None, "series": None, "classes": [], "data": "not said", "licence": "not said",
        "source": "not said", "known_failures": [], "metrics": {}, "recipe": {},
    }  # fmt: skip
    card |= {key: value for key, value in known.items() if key not in card}
    card.setdefault("short", card["title"])
    if "kind" not in card:
        card["kind"] = NETWORKS.get(network(files).get("class_name")) or _lacking("kind", where)
    if "conditional" not in card:
        settings = {} if has_encodings(card) or kind_of(card) is None else network(files).get("config")
        drawn = settings.get("classes") if isinstance(settings, dict) else 0
        card["conditional"] = _whole(drawn, 1)
        if card["conditional"]:
            card["classes"] = [*card["classes"], *map(str, range(len(card["classes"]), drawn))]
    if kind_of(card) is None:  # a judge
        if "image_shape" not in card:
            _lacking("image_shape", where)
    else:
        _shapes(card, files, where)
        _spaces(card, where)
    if "parameters" not in card:
        card["parameters"] = {"all": count_parameters(files)}
    if "bytes" not in card:
        card["bytes"] = sum(len(files.read(file)) for file in files.names() if file != CARD)
    return card


def _shapes(card, files, where):
    """The shapes, of an autoencoder or a GAN as its network has them."""
    missing = [key for key in ("latent_shape", "image_shape") if key not in card]
    if not missing:
        return
    if "sampling" in card and len(missing) < 2:  # of a diffusion model, noise is as large as a picture
        card[missing[0]] = card["image_shape" if "image_shape" in card else "latent_shape"]
        return
    try:
        model = kind_of(card).made.load_model(files)
        network = getattr(model, "decoder", None) or model.generator
        found = {"latent_shape": network.inputs[0].shape[1:], "image_shape": network.outputs[0].shape[1:]}
    except CheckpointError:
        raise
    except Exception:
        _lacking(missing[0], where)
    checked(card | {key: list(found[key]) for key in missing}, where)
    card |= {key: list(found[key]) for key in missing}


def _spaces(card, where):
    """What the views need of a kind of model, and which views these are."""
    needed, view = SHOWN.get(card["kind"], ((), None))
    for key in needed:
        if key not in card:
            _lacking(key, where)
    if view:
        card.setdefault("views", [view])
    elif len(card["latent_shape"]) > 1:
        raise CheckpointError(
            f"{where}: latent_shape is {card['latent_shape']}, where a {card['kind']} has one number: {line('latent_shape')}"
        )
    elif "views" not in card:
        card.setdefault("dead_axes", [])
        d, given = card["latent_shape"][0], card.get("view", {})
        card["view"] = given if given.keys() >= {"z", "axes", "center", "extent"} else plane(d) | given
        if len(card["view"]["z"]) != d or max(card["view"]["axes"]) >= d:
            raise CheckpointError(f"{where}: view must have {d} numbers z, and two of their axes from 0 to {d - 1}")


def plane(d):
    """What the plane shows at first of a space of which nothing is known: its two axes, or three points drawn from N(0, I)."""
    return {"z": [0.0] * d, "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0} | ({"corners": [0, 1, 2]} if d > 2 else {})


def view(z_mean, labels):
    """What the plane shows at first: its two liveliest axes, and a square that holds 99 % of the encodings, +-3 if that does."""
    axes = sorted(int(i) for i in np.argsort(-z_mean.std(0), kind="stable")[:2])
    low, high = np.quantile(z_mean[:, axes], (0.005, 0.995), axis=0)
    center, extent = np.zeros(2), 3.0
    if np.abs([low, high]).max() > 4.5:
        center, extent = (low + high) / 2, float((high - low).max() / 2 * 1.08)
    start = np.median(z_mean[labels == labels[0]], 0)
    return {"axes": axes, "center": rounded(center), "extent": round(extent, 2), "z": rounded(start)}


def rounded(point):
    """A point as a card says it."""
    return [round(float(c), 2) + 0.0 for c in point]


def count_parameters(files):
    """How many numbers a model's Keras file holds, without loading it; 0 where that has none."""
    import h5py

    try:
        if WEIGHTS in files.names():
            data = files.read(WEIGHTS)
        else:
            with zipfile.ZipFile(io.BytesIO(files.read(MODEL))) as archive:
                data = archive.read(WEIGHTS)
        sizes = []

        def count(path, item):
            if isinstance(item, h5py.Dataset) and item.shape and not path.startswith("optimizer"):  # a number alone is a setting
                sizes.append(prod(item.shape))

        with h5py.File(io.BytesIO(data)) as weights:
            weights.visititems(count)
        return int(sum(sizes))
    except (KeyError, OSError, ValueError, zipfile.BadZipFile):
        return 0


def network(files):
    """What a model's Keras file says of its network (dict), empty where there is none that could be read."""
    if MODEL not in files.names():
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(files.read(MODEL))) as archive:
            found = json.loads(archive.read("config.json"))
        return found if isinstance(found, dict) else {}
    except (KeyError, OSError, ValueError, RecursionError, zipfile.BadZipFile):
        return {}


def _lacking(key, where):
    raise CheckpointError(f"{where} does not say its {key}, and its files do not either: {line(key)}")


def _no_number(text):
    raise ValueError(f"{text} is no number")
