"""`python -m explorer card NAME`: a model's card as the Hub reads it, Markdown below front matter, written from card.json."""

import json

from explorer import checkpoints

NON_COMMERCIAL = "non-commercial"  # stands in the licence of what was learned from CelebA
TASKS = {"text-to-image": "text-to-image", "judge": "image-classification"}  # what the Hub calls what a kind does
HUB_DATA = {"mnist": "ylecun/mnist", "fashion": "zalando-datasets/fashion_mnist"}


def arguments(parser):
    parser.add_argument("name", metavar="NAME", help="a model's name, or judges/NAME")


def run(options):
    """print a model's card as Markdown for the Hub"""
    print(markdown(options.name), end="")


def markdown(name):
    """The README.md of a model's repository on the Hub. Raises KeyError for an unknown name, CheckpointError for a damaged card."""
    from explorer.views.models.calls import in_words, listed, settings  # which bring Gradio

    card = checkpoints.card(name)
    front = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front_matter(card).items()]  # JSON is YAML
    facts = {
        "Latents": " x ".join(map(str, card.get("latent_shape", []))),
        "Pictures": " x ".join(map(str, card["image_shape"])),
        "Parameters": ", ".join(f"{part} {count:,}" for part, count in card["parameters"].items()),
        "Architecture from": card["source"],
        "Data": card["data"],
        "Terms": card["licence"],
    }
    measured = [(in_words(key), listed(value)) for key, value in card["metrics"].items()]
    failures = "".join(f"- {line}\n" for line in card.get("known_failures", ()))
    parts = [
        "\n".join(["---", *front, f"---\n\n# {card['title']}"]),
        "One of the models of Latent Explorer, which shows and steers the latent spaces of image generators.",
        _table("fact", facts.items()),
        f"## Use\n\n```python\n{_use(name, card)}\n```",
        "## Measured quality\n\nOn data that neither the model nor its judge was trained on; `python -m explorer evaluate "
        f"{name}` measures it anew.\n\n{_table('measure', measured)}",
        *([f"## Known failures\n\n{failures.rstrip()}"] if failures else []),
        "## Training\n\n" + _table("setting", settings(card["recipe"]).items()),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(card):
    """What the Hub sorts a model by, {key: value}."""
    if NON_COMMERCIAL in card["licence"]:
        terms = {"license": "other", "license_name": "non-commercial-research",
                 "license_link": "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"}  # fmt: skip
    else:
        terms = {"license": "apache-2.0"}
    data = card["recipe"].get("data", [])
    known = [HUB_DATA[name] for name in ([data] if isinstance(data, str) else data) if name in HUB_DATA]
    return terms | {
        "library_name": "keras",
        "pipeline_tag": TASKS.get(card["kind"], "unconditional-image-generation"),
        "tags": ["keras", "latent-space", card["kind"]],
        **({"datasets": known} if known else {}),
    }


def _use(name, card):
    shape = "float32 (n, h, w, c) in [0, 1]"
    judge = name.removeprefix("judges/")
    if judge != name:
        return f'import explorer\n\nprobabilities = explorer.judge("{judge}")(pictures)  # pictures: {shape}'
    told = ", label=0" if card.get("conditional") else ""
    if card["kind"] == "text-to-image":
        told = f', prompt="{card["prompts"][0]}"'
    return f'import explorer\n\ng = explorer.load("{name}")\npictures = g.decode(g.prior(4, seed=0){told})  # {shape}'


def _table(head, rows):
    lines = [f"| {_cell(key)} | {_cell(value)} |" for key, value in rows if value]
    return "\n".join([f"| {head} | |", "| --- | --- |", *lines])


def _cell(text):
    return " ".join(text.replace("|", "\\|").split())
