"""What the layers of a network make of an input: a second model of the same layers, which gives the output of each."""

import keras
import numpy as np

from explorer.errors import NotSupported
from explorer.generators.base import answers
from explorer.generators.layer_words import NOTHING, formula, in_words

# What belongs to the stage before it: it has no weights that anybody would draw, or only moves numbers about.
WITH_BEFORE = ("Activation", "LeakyReLU", "ReLU", "PReLU", "ELU", "Softmax", "BatchNormalization", "LayerNormalization",
               "GroupNormalization", "RMSNormalization", "Reshape", "Flatten", "Permute", "Rescaling", "Concatenate")  # fmt: skip
UNSEEN = ("Flatten", "Permute")  # the stage is shown as it was before
MOST_STAGES = 24


class Activations:
    """The stages of a network, and what each makes of an input.

    `stages`: a list of dicts, `words` (what it is), `formula` (what it does to its input x; "" where no short one says it), `shape`
    (its output's, without the batch) and `parameters`.
    """

    def __init__(self, network, stages):
        self.stages = [{key: stage[key] for key in ("words", "formula", "shape", "parameters")} for stage in stages]
        tensors = [stage["tensor"] for stage in stages]
        self._model = keras.Model(network.inputs, tensors) if tensors else None  # the codes may be all there is

    def __call__(self, inputs):
        """What the network takes, a batch of n -> what each stage makes of it: a list of float32 (n, *shape)."""
        if self._model is None:
            return []
        found = answers(self._model, inputs)
        return found if isinstance(found, list) else [found]


def of_chain(network, name, heads=False):
    """The `Activations` of a network whose layers follow each other; with `heads` without its outputs, an encoder's codes.

    Raises NotSupported for one that is no functional or sequential model, of which Keras does not know what feeds what.
    """
    if not getattr(network, "outputs", None) or not getattr(network, "layers", None):
        raise NotSupported(
            f"{name} is no functional or sequential Keras model, so that nobody knows which of its layers feeds which"
        )
    codes = {tensor.name for tensor in network.outputs} if heads else set()
    stages = []
    for layer in network.layers:
        kind, tensor = type(layer).__name__, getattr(layer, "output", None)
        if isinstance(tensor, list) or tensor is None or tensor.name in codes or kind in NOTHING:
            continue
        belongs = kind in WITH_BEFORE
        if belongs and not stages:
            continue
        settings, parameters = layer.get_config(), int(layer.count_params())
        words = in_words(kind, settings)
        if not belongs:
            stages.append({"words": words, "formula": formula(kind, settings), "parameters": parameters, "tensor": tensor})
            continue
        last = stages[-1]
        last["parameters"] += parameters
        last["formula"] = formula(kind, settings, last["formula"])
        if kind not in UNSEEN:
            last |= {"tensor": tensor, "words": f"{last['words']}, {words}"}
    if len(stages) > MOST_STAGES:
        raise NotSupported(f"{name} has {len(stages)} stages, and at most {MOST_STAGES} can be shown")
    for stage in stages:
        stage["shape"] = tuple(stage["tensor"].shape[1:])
    return Activations(network, stages)


def of_unet(network, name):
    """The `Activations` of a U-Net at each of its levels: what stands before each change of resolution, and before its last layer.

    `words` begin with "down", "bottom" or "up"; of each level the parameters of all that the level before did not need.
    """
    changes = [layer for layer in network.layers if type(layer).__name__ in ("AveragePooling2D", "MaxPooling2D", "UpSampling2D")]
    changes = [layer for layer in changes if (layer.input.shape[1] or 0) > 1]  # what the time tells is enlarged too
    downs = [layer for layer in changes if "Pooling" in type(layer).__name__]
    last = next((layer for layer in network.layers if layer.name == "noise"), None)
    if not downs or len(changes) != 2 * len(downs) or last is None:
        raise NotSupported(f"{name} is no U-Net whose levels could be told")
    ways = ["down"] * len(downs) + ["bottom"] + ["up"] * len(downs)
    tensors = [layer.input for layer in changes] + [last.input]
    stages, known = [], set()
    for way, tensor in zip(ways, tensors, strict=True):
        needed = {id(layer): layer for layer in keras.Model(network.inputs, tensor).layers}
        own = [layer for key, layer in needed.items() if key not in known]
        known |= set(needed)
        convolutions = sum(type(layer).__name__ == "Conv2D" and max(layer.kernel_size) > 1 for layer in own)
        words = f"{way}: {convolutions} convolutions"
        if any(type(layer).__name__ == "MultiHeadAttention" for layer in own):
            words += " and attention"
        stages.append({"words": words, "formula": "", "shape": tuple(tensor.shape[1:]), "tensor": tensor,
                       "parameters": sum(int(layer.count_params()) for layer in own)})  # fmt: skip
    return Activations(network, stages)


def liveliest(outputs, most):
    """Which channels of each output, (n, ..., channels), to show where there is room for `most`: those that vary most over a batch
    of typical inputs, in their order; a list of int arrays."""
    found = []
    for output in outputs:
        spread = output.reshape(-1, output.shape[-1]).std(0)
        found.append(np.sort(np.argsort(-spread, kind="stable")[:most]))
    return found
