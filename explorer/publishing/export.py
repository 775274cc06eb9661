"""`python -m explorer export NAME`: a model's decoder and encoder as ONNX files beside its weights, compared with Keras, sealed."""

import os
from importlib.util import find_spec
from pathlib import Path

from explorer import checkpoints
from explorer.errors import InputError
from explorer.generators import kind_of

NEEDED = ("torch", "onnx", "onnxscript", "onnxruntime")
SUFFIX = ".onnx"


def arguments(parser):
    parser.add_argument("names", nargs="*", metavar="NAME", help="models' names")
    parser.add_argument("--all", action="store_true", help="every model that decodes in one step")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write DIR/NAME/*.onnx (default: into each checkpoint, and seal it)"
    )


def run(options):
    """write a model's decoder and encoder as ONNX files, which a browser runs"""
    if options.all == bool(options.names):
        raise InputError(f"name models, or --all; there are {', '.join(exportable())}")
    if lacking := [name for name in NEEDED if not find_spec(name)]:
        raise InputError(f'export needs {", ".join(lacking)}: pip install "latent-explorer[export]"')
    os.environ["KERAS_BACKEND"] = "torch"  # the one from which Keras writes ONNX; nothing has imported it yet
    for name in exportable() if options.all else options.names:
        for file, (size, difference) in export(name, options.out).items():
            print(f"{name}/{file}: {size:,} bytes, at most {255 * difference:.4f}/255 from Keras", flush=True)


def exportable():
    """The names of the models here that decode in one step."""
    return [card["name"] for card in checkpoints.models() if _in_one_step(card) and not card.get("own")]


def _in_one_step(card):
    return "sampling" not in card or (card.get("refines") and card["sampling"]["steps"] == 1)


def export(name, out=None):
    """Write a model's ONNX files into its folder, sealed, or plain into `out/name`; {file: (bytes, difference from Keras)}.

    Raises as `checkpoints.load` and `onnx_files.write` do.
    """
    from explorer.generators import onnx_files  # which brings Keras

    generator = checkpoints.load(name)
    if kind_of(generator.card) is None or generator.card.get("own"):
        raise InputError(f"{name} is a model of your own, which is not exported yet; there are {', '.join(exportable())}")
    if not out:
        for file in generator.files.names():
            if not file.endswith(SUFFIX):
                generator.files.read(file)  # what is damaged must not be sealed
    folder = Path(out) / name if out else generator.files.path
    differences = onnx_files.write(generator, folder)
    if not out:
        checkpoints.seal(folder)
    return {file: ((folder / file).stat().st_size, difference) for file, difference in differences.items()}
