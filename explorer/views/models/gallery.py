"""The models as a gallery: what each draws, its size, the one figure that matters beside its yardstick, what it does badly.

A group holds models of one kind and one data set, so that their figures can be compared: their bars have one scale.
"""

import functools
from html import escape

import numpy as np

from explorer import checkpoints
from explorer.serving.calls import jpeg, shipped

KINDS = {
    "vae": "Variational autoencoders", "ae": "Autoencoders", "gan": "Generators of GANs", "diffusion": "Diffusion models",
    "text-to-image": "Text to image", "judge": "Judges, which measure the others and draw nothing",
}  # fmt: skip
DATA = {"mnist": "digits", "fashion": "clothes", "celeba": "faces", "flowers": "flowers"}
# Of each kind the figures in the order in which one is looked for in a card: the metric, its yardstick, both in words, and whether
# more of it is better. What real pictures get is the yardstick, or what a plainer way gets of the same task.
FIGURES = {
    "vae": [
        ("prior_samples_judged_above_0.9", "test_images_judged_above_0.9", "samples a judge is sure of", "real pictures", True),
        ("mse_at_z_mean", "mse_pca_200", "squared error of reconstructions", "PCA with 200 numbers", False),
    ],
    "ae": [
        ("mse_at_z_mean", "mse_pca_{d}", "squared error of reconstructions", "PCA with {d} numbers", False),
    ],
    "gan": [("samples_judged_above_0.8", "test_images_judged_above_0.8", "samples a judge is sure of", "real pictures", True)],
    "diffusion": [
        ("kernel_distance_of_refined_reconstructions", "kernel_distance_of_real_faces", "distance from real faces", "other faces",
         False),
        ("kernel_distance_at_20_steps", "kernel_distance_of_real_flowers", "distance from real flowers", "other flowers", False),
        ("samples_judged_above_0.9_ddpm_50_steps", "test_images_judged_above_0.9", "samples a judge is sure of", "real pictures",
         True),
    ],
    "text-to-image": [("fashion_obeyed", "fashion_test_images_judged_right", "prompts for garments obeyed", "real pictures", True)],
    "judge": [
        ("test_accuracy", None, "test images judged right", None, True),
        ("validation_accuracy", None, "attributes of faces judged right", None, True),
        ("eyes_within_3_px", None, "both eyes found, within 3 of 64 pixels", None, True),
    ],
}  # fmt: skip
WORDS = {
    "failures": ("known failure", "known failures"), "parameters": "parameters", "drawing": "being drawn …",
    "and": "and {n} of a series",
    "more": "more is better", "less": "less is better", "own": "your own models",
}  # fmt: skip
SAMPLES, STEPS = 6, 12  # pictures of a model, and at most so many steps for each


def figure(card):
    """(value, yardstick or None, words, the yardstick's, whether more is better) of a card, or None where it says none of them."""
    d = int(np.prod(card.get("latent_shape", [0])))
    for metric, yardstick, words, its_words, more in FIGURES.get(card["kind"], ()):
        metric, yardstick = (name and name.format(d=d) for name in (metric, yardstick))
        if isinstance(card["metrics"].get(metric), int | float):
            other = card["metrics"].get(yardstick)
            return card["metrics"][metric], other, words, other is not None and its_words.format(d=d) or None, more
    return None


def group(card):
    """The heading under which a card stands."""
    if card.get("own"):
        return WORDS["own"].capitalize()
    data = card["recipe"].get("data")
    kind = KINDS.get(card["kind"], card["kind"])
    return kind if card["kind"] == "judge" or data not in list(DATA) else f"{kind} of {DATA[data]}"


def page(cards, chosen=None):
    """All cards {key: card} as a gallery, HTML; a series stands for itself in its family's item."""
    groups, series = {}, {}
    for key, card in cards.items():
        if card.get("series"):
            series[card["family"]] = series.get(card["family"], 0) + 1
        else:
            groups.setdefault(group(card), {})[key] = card
    sections = "".join(_group(title, found, chosen, series) for title, found in groups.items())
    shown = sum(map(len, groups.values()))
    is_open = "" if chosen else " open"
    return f'<details class="lx-catalogue"{is_open}><summary>All {shown} models</summary><div>{sections}</div></details>'


def _group(title, cards, chosen, series):
    figures = {key: figure(card) for key, card in cards.items()}
    most = max((abs(number) for found in figures.values() if found for number in found[:2] if number is not None), default=1) or 1
    items = "".join(_item(key, card, figures[key], most, key == chosen, series.get(key, 0)) for key, card in cards.items())
    return f'<section style="--n: {len(cards)}"><h2>{escape(title)}</h2><div>{items}</div></section>'


def _item(key, card, found, most, is_chosen, series):
    size = f"{sum(card['parameters'].values()):,} {WORDS['parameters']}, {card['bytes'] / 1e6:.1f} MB"
    if series:
        size += f", {WORDS['and'].format(n=series)}"
    failures = card.get("known_failures", ())
    number = WORDS["failures"][len(failures) != 1]
    fails = f'<span class="lx-fails"><b>{len(failures)} {number}</b> {escape(failures[0])}</span>' if failures else ""
    current = ' aria-current="true"' if is_chosen else ""
    return f"""<button type="button" data-model="{escape(key)}"{current}>{drawn(key, card)}<strong>{escape(card["title"])}</strong>
<small>{size}</small>{_figure(found, most)}{fails}</button>"""


def drawn(key, card):
    """The place of what a model draws, which the page asks for once it is in sight, HTML; a judge draws nothing."""
    return "" if card["kind"] == "judge" else f'<span class="lx-drawn" data-samples="{escape(key)}">{WORDS["drawing"]}</span>'


def measured(card):
    """The figure that matters of a card beside its yardstick, HTML."""
    found = figure(card)
    return _figure(found, max((abs(number) for number in found[:2] if number is not None), default=1) or 1) if found else ""


def _figure(found, most):
    if not found:
        return ""
    value, yardstick, words, its_words, more = found
    mark = "" if yardstick is None else f'<i style="left: {_share(yardstick, most):.1f}%"></i>'
    beside = "" if yardstick is None else f" <small>{escape(its_words)} {_number(yardstick)}</small>"
    better = WORDS["more" if more else "less"]
    return f"""<span class="lx-measure" title="{better}"><span>{escape(words)} <b>{_number(value)}</b>{beside}</span>
<span class="lx-scale-of"><em style="width: {_share(value, most):.1f}%"></em>{mark}</span></span>"""


def _share(value, most):
    return 100 * max(0.0, value) / most


def _number(value):
    return f"{value:.3g}"


@functools.lru_cache(maxsize=64)
def samples(name):
    """Some pictures drawn by a model now: an image as a data URL."""
    generator = shipped(name)
    card, settings = generator.card, generator.card.get("sampling", {})
    steps = {"steps": min(int(settings["steps"]), STEPS)} if "steps" in settings else {}
    if card["kind"] == "text-to-image":
        prompts = card["prompts"][:SAMPLES]
        pictures = generator.decode(generator.prior(len(prompts)), prompt=prompts, **steps)
    elif "refines" in card:
        said = checkpoints.load(card["refines"])
        given = said.decode(said.prior(SAMPLES))
        pictures = generator.decode(generator.prior(SAMPLES), given=given, **steps)
    else:
        label = {"label": np.arange(SAMPLES) % len(card["classes"])} if card.get("conditional") else {}
        pictures = generator.decode(generator.prior(SAMPLES), **label, **steps)
    return jpeg(pictures, min(len(pictures), SAMPLES), 95)
