"""The networks of a model as ONNX files, which need no Keras: a browser runs them.

They come from Keras' own exporter, which wants the torch backend. The weights are kept in the 16 bits that a checkpoint holds
them in, wherever that is exact, and are cast when the file is opened.
"""

import os
import warnings
from pathlib import Path

import keras
import numpy as np

from explorer.errors import ExplorerError, InputError

OUTPUTS = {"decoder": ("pictures",), "encoder": ("z_mean", "z_log_var")}
FURTHEST = 1 / 255  # of pictures in [0, 1], or of codes, from what Keras makes of the same
_POINTS = 32
_OPSET = 18  # from which a mean's axes are an input
_SMALL = 64  # numbers below which halving saves nothing


class ExportError(ExplorerError, RuntimeError):
    """A model cannot be written as ONNX; the message says why and what to do."""


def write(generator, folder):
    """Write `decoder.onnx`, and `encoder.onnx` of a model that has one, and compare each with Keras on its `examples`.

    decoder: `z` float32 (n, *latent_shape), of a refiner the pictures that it is given, and `label` int32 (n,) of a conditional
    model -> `pictures` float32 (n, h, w, c) in [0, 1]; encoder: `images` float32 (n, h, w, c) in [0, 1] -> `z_mean` and, of a VAE,
    `z_log_var`, float32 (n, d). n is free.

    Returns the largest differences, {file: float}. Raises NotSupported for a model of many steps, InputError on another backend
    than torch, ExportError where a number is further than 1/255 from Keras'; then nothing is written.
    """
    if keras.backend.backend() != "torch":
        raise InputError(f"export needs Keras on torch, and it runs on {keras.backend.backend()}: set KERAS_BACKEND=torch")
    folder, found, parts = Path(folder), {}, []
    folder.mkdir(parents=True, exist_ok=True)
    generator.model.trainable = False  # the kernel of a tied layer enters as a constant, which has no gradient
    try:
        for part, network in generator.networks().items():
            path = folder / f"{part}.onnx"
            parts.append(path.with_suffix(".part.onnx"))
            _export(network, parts[-1], OUTPUTS[part])
            found[path.name] = _difference(generator, part, parts[-1])
            if not found[path.name] <= FURTHEST:  # so that NaN fails as well
                raise ExportError(f"{generator.card['name']}: its {path.name} is {found[path.name]:.3g} from what Keras "
                                  "computes, at most 1/255; nothing was written")  # fmt: skip
        for part, file in zip(parts, found, strict=True):
            os.replace(part, folder / file)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return found


def _export(network, path, outputs):
    import onnx
    import torch

    torch.onnx.register_custom_op_symbolic("aten::rms_norm", _rms_norm, _OPSET)
    inputs = [tensor.name for tensor in network.inputs]
    zeros = [keras.ops.zeros((1, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs]
    network(zeros if len(zeros) > 1 else zeros[0])  # Keras exports what was called
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, of shapes: all but n are fixed
        network.export(str(path), format="onnx", verbose=False)
    model = onnx.load(path)
    graph = model.graph
    names = dict(zip([value.name for value in graph.input], inputs, strict=True))
    names |= dict(zip([value.name for value in graph.output], outputs, strict=False))
    for values in (graph.input, graph.output):
        for value in values:
            value.name = names[value.name]
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    _halve(graph)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _rms_norm(graph, x, shape, scale, epsilon):
    """x / sqrt(mean(x^2) + epsilon) * scale over the last axis, which the exporter has no words for (PyTorch 2.13)."""
    import torch
    from torch.onnx.symbolic_helper import _get_const

    axes, least = (
        graph.op("Constant", value_t=torch.tensor(value)) for value in ([-1], np.float32(_get_const(epsilon, "f", "epsilon")))
    )
    mean = graph.op("ReduceMean", graph.op("Mul", x, x), axes, keepdims_i=1)
    return graph.op("Mul", graph.op("Div", x, graph.op("Sqrt", graph.op("Add", mean, least))), scale)


def _halve(graph):
    """Store weights as float16, each with a node that casts it, where no number changes."""
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _SMALL:
            continue
        with np.errstate(over="ignore"):
            half = values.astype("float16")
        if (half.astype("float32") == values).all():
            name = weight.name
            weight.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
            casts.append(helper.make_node("Cast", [weight.name], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _difference(generator, part, path):
    """The largest difference of a file's answers from Keras' to the same."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given, expected = generator.examples(part, _POINTS)
    return max(float(np.abs(a - b).max()) for a, b in zip(session.run(None, given), expected, strict=True))
