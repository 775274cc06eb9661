"""Layers named by what they are, from what a Keras file says of them. Knows no Keras."""

import re

NOTHING = ("InputLayer", "Dropout", "GaussianNoise", "SpatialDropout2D", "ActivityRegularization")  # of what is there at work
ACTIVATIONS = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "silu": "swish", "elu": "ELU", "gelu": "GELU", "selu": "SELU"}
KINDS = {
    "InputLayer": "what comes in", "Dense": "dense", "DenseTranspose": "transpose of a dense layer", "Flatten": "in one row",
    "Reshape": "as a map", "Permute": "axes exchanged", "BatchNormalization": "batch normalization",
    "LayerNormalization": "layer normalization", "GroupNormalization": "group normalization",
    "RMSNormalization": "normalized by the root mean square", "Normalization": "normalized", "Rescaling": "rescaled",
    "LeakyReLU": "leaky ReLU", "ReLU": "ReLU", "PReLU": "learned leaky ReLU", "ELU": "ELU", "Softmax": "softmax",
    "GlobalAveragePooling2D": "mean over the map", "GlobalMaxPooling2D": "largest of the map", "Concatenate": "beside each other",
    "Add": "sum", "Multiply": "product", "Average": "mean", "Dropout": "dropout", "GaussianNoise": "Gaussian noise",
    "TimeEncoding": "sines and cosines of the time", "Sampling": "a sample", "RandomFlip": "mirrored at random",
    "RandomTranslation": "shifted at random", "RandomGaussianBlur": "blurred at random",
}  # fmt: skip
# what a layer makes of its input x, with its weights W or w (one kernel a channel), as books write it
FORMULAS = {
    "Dense": "W x", "DenseTranspose": "Wᵀ x", "Conv1D": "w ∗ x", "Conv2D": "w ∗ x", "Conv2DTranspose": "wᵀ ∗ x",
    "DepthwiseConv2D": "w ∗ x", "MaxPooling2D": "max x", "AveragePooling2D": "mean x",
}  # fmt: skip
AROUND = {"BatchNormalization": "norm", "LayerNormalization": "norm", "GroupNormalization": "norm", "RMSNormalization": "norm",
          "LeakyReLU": "leaky ReLU", "ReLU": "ReLU", "ELU": "ELU", "PReLU": "PReLU", "Softmax": "softmax",
          "Rescaling": "scaled"}  # fmt: skip
CONVOLUTIONS = {
    "Conv1D": "convolution", "Conv2D": "convolution", "Conv2DTranspose": "transposed convolution",
    "DepthwiseConv2D": "convolution of each channel", "SeparableConv2D": "separable convolution",
}  # fmt: skip


def in_words(kind, settings=None):
    """A layer in words, as in "convolution, 3 × 3, stride 2, ReLU": its class, and what a Keras file says of it (dict)."""
    settings = settings or {}
    parts = [CONVOLUTIONS.get(kind) or KINDS.get(kind) or _split(kind)]
    if kind in CONVOLUTIONS and "kernel_size" in settings:
        parts.append(_by(settings["kernel_size"]))
        strides = _list(settings.get("strides", 1))
        if max(strides) > 1:
            parts.append(f"stride {strides[0]}" if len(set(strides)) == 1 else f"strides {_by(strides)}")
    elif "Pooling" in kind and "pool_size" in settings:
        parts = [f"{'average' if kind.startswith('Average') else 'max'} pooling", _by(settings["pool_size"])]
    elif kind == "UpSampling2D":
        parts = [f"enlarged {_by(settings['size'])}" if "size" in settings else "enlarged"]
        parts += ["smoothly"] if settings.get("interpolation") == "bilinear" else []
    elif kind == "MultiHeadAttention":
        parts = ["attention", *([f"{settings['num_heads']} heads"] if "num_heads" in settings else [])]
    elif kind == "Activation":
        parts = []
    activation = _activation(settings)
    if activation:
        parts.append(ACTIVATIONS.get(activation, activation))
    return ", ".join(parts) or "as it is"


def formula(kind, settings=None, within=""):
    """What a layer does, as in "ReLU(w ∗ x + b)": on an input x, or with `within` on what that formula says; "" where no short one
    says it."""
    settings = settings or {}
    if within:
        said = within
        if kind in AROUND:
            said = f"{AROUND[kind]}({said})"
    else:
        said = FORMULAS.get(kind, "")
        if said and "Pooling" not in kind and settings.get("use_bias", True):
            said += " + b"
    activation = _activation(settings)
    return f"{ACTIVATIONS.get(activation, activation)}({said})" if said and activation else said


def shape_words(shape):
    """An output's shape without its batch, as in "14 × 14 × 32" or "16 numbers"; "" where it is not known."""
    if isinstance(shape, str):  # of a card, with its batch
        shape = [int(part) if part.isdigit() else None for part in re.findall(r"None|\d+", shape)][1:]
    if len(shape) < 2:
        return f"{shape[0]:,} number{'s' * (shape[0] != 1)}" if shape and shape[0] else ""
    return " × ".join("any" if side is None else f"{side:,}" for side in shape)


def named_layers(config):
    """{(name, class): settings} of all layers of a Keras file's config (dict), those of its parts too."""
    found, waiting = {}, [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            inner = node.get("config")
            if isinstance(inner, dict) and isinstance(inner.get("name"), str):
                found.setdefault((inner["name"], str(node.get("class_name"))), inner)
            waiting.extend(node.values())
    return found


def _activation(settings):
    """The name of a layer's activation, or "" for none."""
    activation = settings.get("activation")
    if isinstance(activation, dict):  # one of somebody's own
        activation = activation.get("config") if isinstance(activation.get("config"), str) else activation.get("class_name")
    return str(activation) if activation and activation != "linear" else ""


def _list(value):
    return list(value) if isinstance(value, list | tuple) else [value]


def _by(sides):
    sides = _list(sides)
    return " × ".join(map(str, sides if len(sides) > 1 else sides * 2))


def _split(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()
