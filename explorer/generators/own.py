"""One's own model: any Keras network from a vector to a picture of one or three channels, with or without an encoder.

A file is looked through before Keras gets it: what brings or names code, or leads out of the file, is refused here, and again by
Keras' `safe_mode`.
"""

import io
import json
import os
import stat
import tempfile
import zipfile
from functools import cached_property
from pathlib import PurePosixPath
from types import SimpleNamespace

import keras
import numpy as np

from explorer.errors import CheckpointError, InputError
from explorer.generators import cards
from explorer.generators.autoencoder import AutoencoderGenerator
from explorer.generators.base import check_images
from explorer.generators.directions import FILE, Directions
from explorer.generators.files import ENCODINGS

MEMBERS = frozenset({"metadata.json", "config.json", "model.weights.h5"})  # of a .keras file that names no vocabulary
CODE = frozenset({"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"})  # they bring or fetch code
TOOLS = frozenset({"utils", "saving", "datasets", "applications", "export"})  # of Keras, and no part of a network
ENTRIES = ("title", "short", "order", "kind", "latent_shape", "image_shape", "pixels", "data", "licence", "source", "metrics",
           "known_failures", "classes", "view", "examples")  # fmt: skip
RANGES = {"sigmoid": (0, 1), "hard_sigmoid": (0, 1), "softmax": (0, 1), "tanh": (-1, 1), "hard_tanh": (-1, 1), "softsign": (-1, 1)}
PASSING = ("Reshape", "Flatten", "Permute", "Cropping2D", "Dropout", "UpSampling2D", "Identity")  # they leave the range as it is
DRAWS, AT_ONCE = 16, 64  # points that a decoder is tried on; pictures in a batch
MOST_LATENT, MOST_SIDE = 4096, 1024


# ---- files


def load(data, where):
    """The Keras model in the bytes of a .keras file, uncompiled; `where` names it. Raises CheckpointError, and runs nothing."""
    look_through(data, where)
    with tempfile.TemporaryDirectory() as folder:  # what was looked through, not what lies there by now
        path = os.path.join(folder, "model.keras")
        with open(path, "wb") as file:
            file.write(data)
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:
            words = f"{where} cannot be loaded by Keras {keras.__version__}"
            raise CheckpointError(f"{words}: {(str(error).strip() or repr(error)).splitlines()[0][:200]}") from None


def look_through(data, where):
    """CheckpointError for a .keras file that holds, names or reaches for anything but a network of Keras and its weights."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for item in archive.infolist():
                inner = PurePosixPath(item.filename)
                if inner.is_absolute() or ".." in inner.parts or "\\" in item.filename or stat.S_ISLNK(item.external_attr >> 16):
                    raise CheckpointError(f"{where} is refused: {item.filename[:60]!r} in it leads out of the file")
                if item.filename not in MEMBERS:
                    words = "which no decoder from numbers to pictures needs"
                    raise CheckpointError(f"{where} is refused: it holds {item.filename[:60]!r}, {words}")
            config = json.loads(archive.read("config.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, RecursionError):
        raise CheckpointError(f"{where} is no whole .keras file: write it by model.save('decoder.keras')") from None
    if not isinstance(config, dict):
        raise CheckpointError(f"{where} is no whole .keras file: write it by model.save('decoder.keras')")
    for node in _named(config | {"compile_config": None}):
        _check_class(node, where)


def _named(node):
    """The parts of a config that name a class or a function."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "class_name" in node:
                yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_class(node, where):
    name, module, registered = (str(node.get(key) or "") for key in ("class_name", "module", "registered_name"))
    if name in CODE or registered.rpartition(">")[2] in CODE:
        words = "brings code of its own, and nothing of a file is run: build it of layers, or hand over the model itself"
        raise CheckpointError(f"{where} is refused: its {name} {words}, explorer.load(model, name='mine')")
    if keras.saving.get_registered_object(registered or name) is not None or not module and name.startswith("__"):
        return
    if name == "function":
        name = str(node.get("config"))
        if hasattr(keras.activations, name) or keras.saving.get_registered_object(name) is not None:
            return
    elif module.split(".")[0] in ("keras", "keras_hub") and not TOOLS & set(module.split(".")):
        return
    raise CheckpointError(
        f"{where} names {name[:60]}, which is not of Keras; a file says how a class of yours is called and not what it does: "
        "register it (keras.saving.register_keras_serializable) before it is loaded, or hand over the model itself, "
        "explorer.load(model, name='mine')"
    )


# ---- what a network is


def network(part, files):
    """A part of `OwnFiles` as a Keras network: the one that was handed over, or what its file holds."""
    return load(files.read(part), f"{files.name}/{part}") if isinstance(part, str) else part


def parts(files):
    """Decoder and encoder (None without) of `OwnFiles`; of a whole autoencoder or GAN its parts."""
    whole = network(files.decoder, files)
    decoder = next((getattr(whole, key) for key in ("decoder", "generator") if callable(getattr(whole, key, None))), whole)
    encoder = network(files.encoder, files) if files.encoder is not None else None
    if encoder is None and decoder is not whole and callable(getattr(whole, "encoder", None)):
        encoder = whole.encoder
    return SimpleNamespace(decoder=decoder, encoder=encoder)


def derived(files):
    """The card of one's own model, (dict), and its parts: what its card.json says, and what its networks and encodings tell.

    Raises CheckpointError for what cannot be, or cannot be told, with the line to write.
    """
    where, said = f"{files.name}/{cards.CARD}", files.card()
    said = cards.parsed(said, where) if isinstance(said, bytes) else dict(said or {})
    said = {key: value for key, value in cards.checked(said, where).items() if key in ENTRIES}
    model = parts(files)
    d = _latent_size(model.decoder, said, files.name, where)
    out = _tried(model.decoder, np.random.default_rng(0).standard_normal((DRAWS, d), dtype="float32"), f"{files.name}: its decoder")
    shape = _image_shape(out, said, files.name, where)
    pixels = said.get("pixels") or _pixels(model.decoder, out, where)
    codes = files.arrays(ENCODINGS) if files.codes is not None else None
    if codes and codes["z_mean"].shape[1] != d:
        raise CheckpointError(
            f"{files.name}: its encodings have {codes['z_mean'].shape[1]} numbers each, and its decoder takes {d}"
        )
    heads = _heads(model.encoder, shape, pixels, d, files.name) if model.encoder is not None else 0
    variational = heads > 1 or bool(codes and "z_log_var" in codes)
    kind = said.get("kind") or ("vae" if variational else "ae" if heads or codes else "gan")
    if kind not in ("vae", "ae", "gan"):
        raise CheckpointError(f"{where}: kind is {kind}, and one's own models are decoders: {cards.line('kind')}")
    networks = {part: made for part, made in vars(model).items() if made is not None}
    card = {
        "title": files.name, "order": 15, "data": "not said", "licence": "not said", "source": "not said", "known_failures": [],
        "metrics": {}, "classes": codes["classes"] if codes else [], "examples": [], **said,
        "name": files.name, "own": True, "kind": kind, "latent_shape": [d], "image_shape": list(shape), "pixels": pixels,
        "parameters": {part: int(made.count_params()) for part, made in networks.items()},
        "bytes": sum((files.path / file).stat().st_size for file in files.names()), "recipe": {}, "family": None, "series": None,
        "encoder": model.encoder is not None, "encodings": codes is not None, "conditional": False, "dead_axes": [],
        "architecture": {part: _layers(made) for part, made in networks.items()},
    }  # fmt: skip
    card.setdefault("short", card["title"][:40])
    card["derived"] = sorted(
        set(card) - set(said) - {"name", "own", "recipe", "family", "series", "order", "examples", "conditional"}
    )
    if codes:
        card["classes"] = [*card["classes"], *codes["classes"][len(card["classes"]) :]]
        card["dead_axes"] = [i for i, sd in enumerate(codes["z_mean"].std(0)) if sd < 0.1 * codes["z_mean"].std(0).max()]
        if kind == "ae":
            z = codes["z_mean"].astype("float64")
            card["fitted_gaussian"] = {"mean": z.mean(0).tolist(), "covariance": np.atleast_2d(np.cov(z.T)).tolist()}
        if "attributes" in codes:
            card["attributes"] = codes["names"]
    if d == 1:
        card["views"] = ["morph"]
    else:
        given = {key: value for key, value in card.get("view", {}).items() if key in ("z", "axes", "center", "extent")}
        usual = cards.view(codes["z_mean"], codes["label"]) if codes else cards.plane(d)
        if "axes" in given:
            usual.pop("corners", None)
        card["view"] = usual | given
        if len(card["view"]["z"]) != d or max(card["view"]["axes"]) >= d:
            raise CheckpointError(f"{where}: view must have {d} numbers z, and two of their axes from 0 to {d - 1}")
    card["examples"] = [place for place in card["examples"] if cards.is_place(place, d)]
    return card, model


def _latent_size(decoder, said, name, where):
    """How many numbers a decoder takes."""
    inputs = getattr(decoder, "inputs", None)
    if inputs and len(inputs) > 1:
        raise CheckpointError(f"{name}: its decoder takes {len(inputs)} inputs; a decoder here takes one vector (n, d)")
    built = inputs[0].shape if inputs else ((getattr(decoder, "get_build_config", dict)() or {}).get("input_shape") or ())
    if not inputs and "latent_shape" in said:
        built = (None, *said["latent_shape"])
    if not built or None in built[1:]:
        raise CheckpointError(f"{name}: nothing says how many numbers its decoder takes: call it once before, or in {where} "
                              f"{cards.line('latent_shape')}")  # fmt: skip
    if len(built) != 2 or not 1 <= built[1] <= MOST_LATENT:
        raise CheckpointError(f"{name}: its decoder takes {tuple(built)}, where a decoder takes a vector (n, d) of at most "
                              f"{MOST_LATENT} numbers: of an autoencoder save the decoder alone, "
                              "model.decoder.save('decoder.keras')")  # fmt: skip
    if said.get("latent_shape", [built[1]]) != [built[1]]:
        raise CheckpointError(
            f'{where}: latent_shape is {said["latent_shape"]}, and the decoder takes "latent_shape": [{built[1]}]'
        )
    return int(built[1])


def _tried(part, inputs, what):
    try:
        out = part.predict_on_batch(inputs)
    except Exception as error:
        first = (str(error).strip() or repr(error)).splitlines()[0][:200]
        raise CheckpointError(f"{what} cannot be called on numbers of shape {inputs.shape}: {first}") from None
    return out


def _image_shape(out, said, name, where):
    """Height, width and channels of a decoder's pictures, in which flat ones are laid out as the card says."""
    if isinstance(out, dict | list | tuple):
        raise CheckpointError(f"{name}: its decoder gives {len(out)} results; a decoder gives one picture (n, h, w, c)")
    out, shape = np.asarray(out), said.get("image_shape")
    found = list(out.shape[1:]) + [1] * (out.ndim == 3)
    if shape is None and (len(found) != 3 or found[2] not in (1, 3)):
        raise CheckpointError(f"{name}: its decoder gives {out.shape}, which is no picture (n, h, w, 1 or 3): in {where} "
                              f"{cards.line('image_shape')}")  # fmt: skip
    if shape is not None and np.prod(shape) != np.prod(out.shape[1:]):
        raise CheckpointError(f"{where}: image_shape is {shape}, and the decoder gives {list(out.shape[1:])}")
    if max((shape or found)[:2]) > MOST_SIDE:
        raise CheckpointError(f"{name}: its pictures are {found[0]} x {found[1]}, and at most {MOST_SIDE} pixels a side are shown")
    if not np.isfinite(out).all():
        raise CheckpointError(f"{name}: its decoder gives numbers that are NaN or infinite")
    return tuple(shape or found)


def _pixels(decoder, out, where):
    """What a decoder gives for black and white, by its last activation where its pictures agree, else by these alone."""
    low, high = float(np.min(out)), float(np.max(out))
    told = _range_of(decoder)
    if told and told[0] - 1e-3 <= low and high <= told[1] + 1e-3:
        return list(told)
    if told is None and low >= 0 and high <= 1 and high > 0:
        return [0, 1]
    words = f"does not say what its decoder gives for black and white; {DRAWS} pictures lie from {low:.3g} to {high:.3g}"
    raise CheckpointError(f"{where} {words}: {cards.line('pixels')}")


def _range_of(network):
    """(least, most) that the last layer of a network gives, or None where that is not known."""
    scale, offset = 1.0, 0.0
    for layer in reversed(getattr(network, "layers", ())):
        kind = type(layer).__name__
        if kind == "Rescaling" and np.ndim(layer.scale) == np.ndim(layer.offset) == 0 and layer.scale > 0:
            scale, offset = scale * layer.scale, offset + scale * layer.offset
        elif hasattr(layer, "layers"):
            found = _range_of(layer)
            return found and tuple(scale * end + offset for end in found)
        elif kind not in PASSING:
            activation = getattr(layer, "activation", None)
            found = RANGES.get(getattr(activation, "__name__", kind.lower()))
            return found and tuple(scale * end + offset for end in found)
    return None


def _heads(encoder, shape, pixels, d, name):
    """How many codes an encoder gives: 1, or mean and log-variance."""
    out = _tried(encoder, _as_trained(np.full((2, *shape), 0.5, "float32"), pixels), f"{name}: its encoder")
    codes = [np.asarray(code) for code in (out if isinstance(out, list | tuple) else [out])]
    if isinstance(out, dict) or any(code.shape != (2, d) for code in codes[:2]):
        got = list(out) if isinstance(out, dict) else [code.shape for code in codes]
        raise CheckpointError(f"{name}: its encoder gives {got}, where it must give codes (n, {d}), or their mean and log-variance")
    return min(2, len(codes))


def _layers(made):
    """The layers as the books print them: [name, class, output shape, parameters] each."""
    rows = []
    for layer in getattr(made, "layers", ()):
        try:
            shape = str(tuple(layer.output.shape))
        except Exception:  # called more than once, or never by itself
            shape = ""
        rows.append([layer.name[:60], type(layer).__name__[:60], shape, int(layer.count_params()) if layer.built else 0])
    return rows


def _as_trained(images, pixels):
    """Pictures in [0, 1] as the networks know them."""
    if pixels == "logits":
        return images
    low, high = pixels
    return images * np.float32(high - low) + np.float32(low)


def _as_shown(out, pixels):
    """What a decoder gives as pictures in [0, 1]."""
    if pixels == "logits":
        return 1 / (1 + np.exp(-np.clip(out, -60, 60)))
    low, high = pixels
    return np.clip((out - low) / (high - low), 0, 1)


class OwnGenerator(AutoencoderGenerator):
    """One's own decoder as a `Generator`, and with it an encoder and encodings where there are some.

    `model.decoder` and `model.encoder` are the Keras networks. A class of Keras' own does not matter: both are only called.
    """

    def _decode(self, z, label):
        if label is not None:
            raise InputError(f"{self.card['name']} draws without classes: leave label out")
        images = [np.empty((0, *self.image_shape), "float32")]
        for i in range(0, len(z), AT_ONCE):
            out = np.asarray(self.model.decoder.predict_on_batch(z[i : i + AT_ONCE]), "float32").reshape(-1, *self.image_shape)
            images.append(_as_shown(out, self.card["pixels"]).astype("float32"))
        return np.concatenate(images)

    def encode(self, images):
        """float (n, h, w, c) in [0, 1] -> (z_mean, z_log_var), float32 (n, d) each; z_log_var is None of an encoder without."""
        if self.model.encoder is None:
            return super(AutoencoderGenerator, self).encode(images)
        return self._codes(check_images(images, self.image_shape))

    def reconstruct(self, images):
        """What is left of pictures, float (n, h, w, c), after encoder and decoder: float32, the same shape, in [0, 1]."""
        if self.model.encoder is None:
            return super(AutoencoderGenerator, self).encode(images)
        images = np.asarray(images, "float32")
        if images.shape[1:] != self.image_shape or not np.isfinite(images).all():
            raise InputError(f"images must be finite numbers (n, {', '.join(map(str, self.image_shape))}), got {images.shape}")
        return self._decode(self._codes(images)[0], None)

    def _codes(self, images):
        if not len(images):
            return np.empty((0, *self.latent_shape), "float32"), None
        out = self.model.encoder.predict_on_batch(_as_trained(images, self.card["pixels"]))
        codes = [np.asarray(code, "float32") for code in (out if isinstance(out, list | tuple) else [out])]
        return codes[0], codes[1] if len(codes) > 1 else None

    def encoder_input(self, images):
        """Pictures (n, h, w, c) in [0, 1] as the encoder takes them."""
        return _as_trained(images, self.card["pixels"])

    @property
    def _loss(self):
        """The mean squared error, by which any can be measured: what it was trained with its file does not say."""
        return "mse", 1.0

    @cached_property
    def directions(self):
        """The `Directions` of a model with attributes."""
        return Directions.of(self.card, self.files.arrays(FILE))
