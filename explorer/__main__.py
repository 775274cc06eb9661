"""The command line, `python -m explorer VERB`, installed `latent-explorer VERB`: serve, models, render, train, ... (see VERBS)."""

import argparse
import json
import os
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import explorer
from explorer import quiet
from explorer.errors import InputError
from explorer.state import whole

VERBS = {  # with a module of their own: its `arguments(parser)`, and `run(options)`, whose docstring is the verb's help
    "card": "explorer.publishing.model_card",
    "deploy": "explorer.publishing.deploy",
    "export": "explorer.publishing.export",
    "runtime": "explorer.publishing.runtime",
    "site": "explorer.publishing.site",
}


def main(arguments=None):
    """Run one verb; returns the exit status: 0, or 2 after one line on standard error that says what to do;
    130 after Ctrl-C, 141 when whoever reads the output has had enough."""
    quiet.hush()
    options = _parser().parse_args(arguments)
    try:
        status = options.run(options) or 0
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush does not complain
        return 141
    except KeyboardInterrupt:  # of a training run, only before its first epoch: later ones keep what was learned
        print(f"explorer {options.verb}: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        if not isinstance(error, _expected()):
            raise
        print(f"explorer {options.verb}: {error}", file=sys.stderr)
        return 2


def _expected():
    """What bad input raises; anything else is a bug and keeps its traceback."""
    from explorer.errors import ExplorerError

    return (ExplorerError, FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)


class _Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser():
    name = "latent-explorer" if Path(sys.argv[0]).stem == "latent-explorer" else "python -m explorer"
    parser = _Parser(name, description="Latent Explorer: see, touch and steer the latent spaces of image generators.")
    parser.add_argument("--version", action="version", version=f"Latent Explorer {explorer.__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True)

    serve = verbs.add_parser("serve", help="serve the page")
    serve.add_argument("--host", help="address to listen on (default: this machine only; 0.0.0.0: the whole network)")
    serve.add_argument("--port", type=_whole, help="port (default: the first free one from 7860)")
    serve.add_argument("--open", action="store_true", help="open the browser")
    serve.add_argument("--root-path", metavar="PATH", help="where a proxy serves it, as /demo (default: at the root of its site)")
    serve.add_argument("--allow-origin", action="append", default=[], metavar="ADDRESS",
                       help="its own behind a proxy, or another site's whose pages may ask it; repeatable")  # fmt: skip
    serve.add_argument("--mcp", action="store_true", help="serve tools for agents too, at /gradio_api/mcp/")
    serve.add_argument("--model", action="append", default=[], metavar="PATH", help="a model of yours: see README; repeatable")
    serve.set_defaults(run=_serve)

    models = verbs.add_parser("models", help="list the models")
    models.add_argument("--json", action="store_true", help="whole cards as JSON")
    models.set_defaults(run=_models)

    render = verbs.add_parser("render", help="write the picture that a link shows")
    render.add_argument(
        "state", metavar="STATE", help="what stands after ? in the page's address, or all of it, such as 'model=mnist-vae&z=0,1'"
    )
    render.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="its ending is the format: .png, one of a film (.gif, ...) for what moves, .npz for latents",
    )
    render.set_defaults(run=_render)

    train = verbs.add_parser("train", help="train a model by its recipe, or go on where a run stopped")
    train.add_argument("name", nargs="?", metavar="NAME", help="a model's name, judges/NAME, or a recipe of your own, FILE.json")
    train.add_argument("--all", action="store_true", help="every recipe, judges first")
    train.add_argument(
        "--data", type=Path, metavar="DIR", help="folder with the data sets (default: EXPLORER_DATA, else Keras downloads)"
    )
    train.add_argument("--epochs", type=_positive, metavar="N", help="instead of the recipe's")
    train.add_argument("--out", type=Path, metavar="DIR", help="where the checkpoint goes (default: checkpoints/)")
    train.add_argument("--seed", type=_whole, metavar="N", help="instead of the recipe's")
    train.set_defaults(run=_train)

    evaluate = verbs.add_parser("evaluate", help="measure a model's metrics anew and print them as JSON")
    evaluate.add_argument("name", metavar="NAME", help="a model's name, or judges/NAME")
    evaluate.add_argument("--data", type=Path, metavar="DIR", help="folder with the data sets")
    evaluate.set_defaults(run=_evaluate)

    for verb, module in VERBS.items():
        room = import_module(module)
        own = verbs.add_parser(verb, help=room.run.__doc__)
        room.arguments(own)
        own.set_defaults(run=room.run)
    return parser


def _whole(text):
    try:
        return whole(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error} from 0, got {text!r}") from None


def _positive(text):
    with suppress(ValueError):
        if (value := whole(text)) > 0:
            return value
    raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")


def _serve(options):
    if options.mcp and not find_spec("mcp"):
        raise InputError("--mcp needs the package mcp: install it with `pip install 'gradio[mcp]'`")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # no telemetry
    host = options.host or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    if host in ("127.0.0.1", "localhost", "::1") and "SPACE_ID" not in os.environ:
        os.environ.setdefault("EXPLORER_PRESETS", "any")  # who runs it is its visitor, and may have any model fetched

    from explorer import devices

    devices.choose()  # before Gradio and Keras are imported
    if options.model:
        from explorer import own_models

        own_models.show(options.model)

    from explorer.page import launch

    launch(options.host, options.port, options.open, root_path=options.root_path, mcp=options.mcp,
           allow_origin=options.allow_origin)  # fmt: skip


def _models(options):
    cards = explorer.models()
    if options.json:
        print(json.dumps(cards, indent=1, ensure_ascii=False))
        return 0
    for card in cards:
        shapes = f"{card['latent_shape']} -> {card['image_shape']}"
        parameters = " + ".join(f"{count:,} {part}" for part, count in card["parameters"].items())
        print(f"{card['name']}  ({card['kind']}, {card['bytes'] / 1e6:.2f} MB)  {card['title']}")
        print(f"    latents -> pictures  {shapes}\n    parameters  {parameters}")
        print(f"    data  {card['data']}\n    licence  {card['licence']}")
        figures = {key: value for key, value in card["metrics"].items() if isinstance(value, (int, float))}
        print("    metrics  " + ", ".join(f"{key} {value:g}" for key, value in figures.items()))
    return 0


def _render(options):
    from explorer import checkpoints, presets, state, views
    from explorer.errors import PromptCut

    asked = state.parse_strictly(options.state)
    model = asked.get("model", "")
    if presets.is_preset(model) and model not in checkpoints.names():  # who types the command asks for the download too
        presets.load(model, asked.get("image_size"))
    with warnings.catch_warnings():
        warnings.simplefilter("once", PromptCut)
        warnings.showwarning = _told(warnings.showwarning, PromptCut)
        data = views.render(asked, options.out.suffix.lstrip(".").lower())
    try:
        options.out.write_bytes(data)
    except OSError as error:  # no such folder, a name that is too long, a full disk, ...
        raise InputError(f"{options.out} cannot be written: {error.strerror}. Name another file") from error
    return 0


def _told(show, kind):
    """What shows warnings of a kind as one line on standard error, and others as `show` does."""

    def tell(message, category, *place, **where):
        if issubclass(category, kind):
            print(f"explorer render: {message}", file=sys.stderr)
        else:
            show(message, category, *place, **where)

    return tell


def _train(options):
    from explorer.training.recipes import recipe_names
    from explorer.training.train import train

    if options.all == bool(options.name):
        raise InputError(f"name one model, or --all; there are {', '.join(recipe_names())}")
    for name in recipe_names() if options.all else [options.name]:
        train(name, options.data, options.epochs, options.out, options.seed)
    return 0


def _evaluate(options):
    from explorer.training.evaluation import evaluate

    print(json.dumps(evaluate(options.name, options.data), indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
