"""A network from within, for the page: what each layer makes of one input, as small maps of a few of its channels."""

import functools

import numpy as np

from explorer import checkpoints
from explorer.errors import NotSupported
from explorer.generators import has_encoder
from explorer.generators.layer_words import shape_words
from explorer.serving.calls import packed, pixels, shipped
from explorer.state import DECIMALS

MOST_CHANNELS = 16  # that are shown of a map
MOST_UNITS = 400  # ... of a row of numbers
MOST_SIDE = 32  # pixels; larger maps are halved
TYPICAL = 16  # inputs by which channels are chosen


@functools.lru_cache(maxsize=64)
def channels(name, part, by_class, shapes):
    """Which channels of each stage of a model's network are shown: those that vary most over points of its prior. `shapes`, of the
    stages, tell one's own models of the same name apart."""
    from explorer.generators.activations import liveliest

    generator = checkpoints.load(name)
    z = generator.prior(TYPICAL)
    labels = None if not by_class else np.arange(TYPICAL) % len(generator.card["classes"])
    if part == "encoder":
        inputs = generator.encoder_input(generator.decode(z))
    elif part == "unet":
        inputs = generator.told_of(z, 0.5)
    else:
        inputs = generator.decoder_input(z, labels)
    found = generator.inside[part](inputs)
    return [liveliest([output], MOST_CHANNELS if output.ndim == 4 else MOST_UNITS)[0] for output in found]


def stages(name, part, inputs, label=None):
    """What each stage of a network makes of a batch of one, for the page: words, formula, shape, parameters, and of the shown
    channels, of which there are `count` of `of`, maps of height x width as uint8, 128 for 0 and 1 or 255 for the largest number of
    this stage, `scale`."""
    looked = checkpoints.load(name).inside[part]
    told, kept = [], channels(name, part, label is not None, tuple(stage["shape"] for stage in looked.stages))
    for stage, shown, output in zip(looked.stages, kept, looked(inputs), strict=True):
        maps = _maps(output[0], shown)
        scale = float(np.abs(maps).max())
        bytes_ = np.rint(128 + 127 * maps / (scale or 1)).astype("uint8")
        told.append({"words": stage["words"], "formula": stage["formula"], "shape": shape_words(stage["shape"]),
                     "parameters": stage["parameters"],
                     "scale": round(scale, 3), "count": len(shown), "of": int(output.shape[-1]), "map": output.ndim == 4,
                     "tiles": packed(bytes_), "height": bytes_.shape[1], "width": bytes_.shape[2]})  # fmt: skip
    return told


def _maps(output, shown):
    """The shown channels of an output (h, w, channels), or a row of numbers as one map: float (k, h, w)."""
    if output.ndim < 3:
        row = output.reshape(-1, output.shape[-1])[0][shown]
        width = int(np.ceil(np.sqrt(len(row))))
        height = -(-len(row) // width)
        return np.pad(row, (0, width * height - len(row)))[None].reshape(1, height, width)
    maps = np.moveaxis(output[..., shown], -1, 0)
    while max(maps.shape[1:]) > MOST_SIDE and not maps.shape[1] % 2 and not maps.shape[2] % 2:
        k, h, w = maps.shape
        maps = maps.reshape(k, h // 2, 2, w // 2, 2).mean((2, 4))
    return maps


def of_autoencoder(name, z, label=None, picture=None, seed=0):
    """A model with a decoder, from picture to picture, for the page.

    `picture`, float32 (h, w, c) in [0, 1], goes in; without one, what is decoded at `z`, (d,). Without an encoder the way begins at
    `z`. `seed`: of the sample, eps ~ N(0, I). Raises NotSupported for a model whose layers cannot be looked at.
    """
    generator = shipped(name)
    z = np.asarray(z, "float32")
    answer = {"encoder": None, "mean": None, "sigma": None, "epsilon": None, "loss": None, "input": None, "name": name}
    if not has_encoder(generator.card):
        image = generator.decode(z[None], **({} if label is None else {"label": label}))[0]
        decoder = stages(name, "decoder", generator.decoder_input(z[None], None if label is None else [label]), label)
        return answer | {"decoder": decoder, "z": _rounded(z), "output": pixels(image)}
    if picture is None:
        picture = generator.decode(z[None])[0]
    elif picture.shape != generator.image_shape:
        raise NotSupported(f"{name} takes pictures of another size")
    encoder = stages(name, "encoder", generator.encoder_input(picture[None]))
    mean, log_var = generator.encode(picture[None])
    sample = mean
    if log_var is not None:
        sigma = np.exp(0.5 * log_var)
        epsilon = np.random.default_rng(seed).standard_normal(mean.shape, dtype="float32")
        sample = mean + sigma * epsilon
        answer |= {"sigma": _rounded(sigma[0]), "epsilon": _rounded(epsilon[0])}
    image = generator.decode(sample)
    terms = generator.loss_terms(picture[None], image, mean, log_var)
    kl = None if terms["kl"] is None else terms["kl"][0]
    lost = terms["pixels"][0]
    return answer | {
        "encoder": encoder, "mean": _rounded(mean[0]), "z": _rounded(sample[0]), "decoder": stages(name, "decoder", sample),
        "input": pixels(picture), "output": pixels(image[0]),
        "loss": {
            "loss": terms["loss"], "own": bool(generator.card.get("own")), "reconstruction": float(terms["reconstruction"][0]),
            "pixels": packed(np.rint(255 * lost / max(float(lost.max()), 1e-9)).astype("uint8")), "most": float(lost.max()),
            "summed": bool(abs(_weight(generator) - picture.size) < 0.5), "kl_weight": terms["kl_weight"],
            "kl": None if kl is None else _rounded(kl),
        },
    }  # fmt: skip


def _weight(generator):
    return getattr(generator.model, "reconstruction_weight", 1.0)


def _rounded(values):
    return np.round(np.asarray(values, "float64"), DECIMALS).tolist()
