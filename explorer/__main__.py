"""The command line: `python -m explorer models | render | train | evaluate`."""

import argparse
import json
import sys
import warnings
from pathlib import Path


def main(arguments=None):
    """Run one verb; returns the exit status: 0, or 2 after one line on standard error that says what to do;
    130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
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
    parser = _Parser("python -m explorer", description="Latent Explorer: latent spaces of image generators.")
    verbs = parser.add_subparsers(dest="verb", required=True)

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
        help="a .png; of what moves a .gif, .mp4, .webp or a .zip of frames; an .npz of latents",
    )
    render.set_defaults(run=_render)

    train = verbs.add_parser("train", help="train a model by its recipe, or go on where a run stopped")
    train.add_argument("name", nargs="?", metavar="NAME", help="a model's name, or judges/NAME")
    train.add_argument("--all", action="store_true", help="every recipe, judges first")
    train.add_argument(
        "--data", type=Path, metavar="DIR", help="folder with the data sets (default: EXPLORER_DATA, else Keras downloads)"
    )
    train.add_argument("--epochs", type=_positive, metavar="N", help="instead of the recipe's")
    train.add_argument("--out", type=Path, metavar="DIR", help="where the checkpoint goes (default: checkpoints/)")
    train.add_argument("--seed", type=int, metavar="N", help="instead of the recipe's")
    train.set_defaults(run=_train)

    evaluate = verbs.add_parser("evaluate", help="measure a model's metrics anew and print them as JSON")
    evaluate.add_argument("name", metavar="NAME", help="a model's name, or judges/NAME")
    evaluate.add_argument("--data", type=Path, metavar="DIR", help="folder with the data sets")
    evaluate.set_defaults(run=_evaluate)
    return parser


def _positive(text):
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return value


def _models(options):
    import explorer

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
    from explorer import presets, state, views
    from explorer.errors import PromptCut
    from explorer.views.text_to_image.pictures import elsewhere

    asked = state.parse_strictly(options.state)
    if elsewhere(asked):  # who types the command asks for the download too
        presets.load(asked["model"], asked.get("image_size"))
    with warnings.catch_warnings():
        warnings.simplefilter("once", PromptCut)
        warnings.showwarning = _told(warnings.showwarning, PromptCut)
        data = views.render(asked, options.out.suffix.lstrip(".").lower())
    options.out.write_bytes(data)
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
    from explorer.errors import InputError
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
