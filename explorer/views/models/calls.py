"""The Models view: a card for each model, written from its card.json."""

import re
from contextlib import suppress
from html import escape

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from explorer import checkpoints, devices, views
from explorer.errors import ExplorerError
from explorer.generators.cards import network
from explorer.generators.layer_words import in_words as layer_words
from explorer.generators.layer_words import named_layers, shape_words
from explorer.serving import questions
from explorer.serving.calls import answered, in_turn
from explorer.state import parse
from explorer.views.models import gallery

# Keys of metrics in words, see `in_words`; what is not named here is shown under its own name.
WORDS = {
    "bce_plus_kl": "BCE + KL on the test images (sums, z sampled, mean of 10 seeds)",
    "bce_plus_kl_standard_error": "standard error of it over the seeds",
    "bce_at_z_mean": "BCE at z_mean (sum over pixels)",
    "bce_z_sampled": "BCE with z sampled",
    "kl": "KL (sum over dimensions, nats)",
    "mse_at_z_mean": "MSE at z_mean (mean over pixels)",
    "mse_z_sampled": "MSE with z sampled",
    "fitted_gaussian_kl": "KL of the Gaussian fitted to the encodings from N(0, I), nats",
    "active_dimensions": "active dimensions (KL above 0.01 nats)",
    "prior_samples_judged_above_0.9": "share of 1,000 prior samples that the judge is sure of (above 0.9)",
    "test_images_judged_above_0.9": "share of real test images that it is sure of",
    "reconstructions_judged_as_labelled": "share of reconstructions judged as labelled",
    "ssim_at_z_mean": "SSIM at z_mean",
    "a_minus_b_plus_c_is_a_woman_with_glasses": "man with glasses − man + woman, judged a woman with glasses (100 random triples)",
    "women_with_glasses_are_judged_so": "women with glasses, held out, judged so",
    "glasses_seen_where_worn": "share of held-out faces with glasses that the judge sees them on",
    "glasses_seen_where_not": "the same of those without glasses",
    "kernel_distance_of_prior_samples": "kernel distance of 1,000 prior samples to held-out faces, on the judge's features",
    "kernel_distance_of_plain_samples": "the same for draws from N(0, I)",
    "kernel_distance_of_reconstructions": "the same for reconstructions",
    "kernel_distance_of_real_faces": "kernel distance of 1,000 held-out faces to others, on the judge's features",
    "kernel_distance_of_refined_reconstructions": "kernel distance of 1,000 refined reconstructions to held-out faces",
    "kernel_distance_of_draws": "kernel distance of 1,000 draws to held-out faces",
    "kernel_distance_of_refined_draws": "kernel distance of 1,000 refined draws to held-out faces",
    "difference_at_a_quarter_of_the_size": "mean difference between what the VAE says and the refined, both at 16 x 16",
    "same_verdicts": "share of verdicts on six attributes that stay as they were before refining",
    "same_verdicts_by_attribute": "the same, attribute by attribute",
    "finest_octave_of_reconstructions": "power of the finest details, as a share of real faces', of what the VAE says",
    "finest_octave_of_refined_reconstructions": "power of the finest details, as a share of real faces', refined",
    "mse_of_reconstructions": "MSE of what the VAE says",
    "mse_of_refined_reconstructions": "MSE of the refined",
    "spread_of_prior_samples": "mean distance of pairs of prior samples, on the judge's features",
    "spread_of_plain_samples": "the same for draws from N(0, I)",
    "spread_of_reconstructions": "the same for reconstructions",
    "kernel_distance_of_real_flowers": "kernel distance of 1,000 training flowers to held-out ones, on the judge's features",
    "kernel_distance_of_flowers_reduced_to_16_pixels": "the same for flowers reduced to 16 x 16 and enlarged again",
    **{f"mse_pca_{n}": f"MSE of PCA with {n} components" for n in (2, 10, 30, 200, 300)},
    "ssim_pca_200": "SSIM of PCA with 200 components",
    "mse_of_the_mean_image": "MSE of the mean image",
    "z_mean_sd": "standard deviation of each code over the test images",
    "kl_by_dimension": "KL of each dimension, nats",
    "prior_samples": "share of 1,000 prior samples",
    "samples": "share of samples",
    "pretraining": "accuracy on the test images, classifiers with and without its encoder's weights, one for each seed",
    **{
        f"pushed_{method}{judge}": f"faces pushed both ways, {how}{by}"
        for method, how in (
            ("free", "differences of means"),
            ("whitened", "differences of means in whitened codes"),
            ("learned", "learned directions"),
            ("to_the_end", "learned directions, to the sliders' ends, which the card's second judge set"),
        )
        for judge, by in (("", ""), ("_by_faces", ", by the judge that they were learned against"))
    },
    **{f"kernel_distance_at_{steps}_steps": f"the same for 1,000 samples of {steps} steps" for steps in (5, 10, 20, 50)},
    "nearest_training_image_of_samples_median": "distance of 200 samples to their nearest training image (RMS), median",
    "nearest_training_image_of_held_out_median": "the same for held-out flowers",
    "nearest_training_image_of_held_out_tenth_percentile": "the same, tenth percentile",
    "samples_judged_as_asked": "share of samples that the judge takes for what was asked for",
    "samples_judged_above_0.9": "share of samples that the judge is sure of (above 0.9)",
    "samples_judged_above_0.9_ddpm_50_steps": "share of 1,000 samples (DDPM, 50 steps) that the judge is sure of (above 0.9)",
    "samples_judged_above_0.9_ddim_50_steps": "the same for DDIM, 50 steps",
    "samples_judged_above_0.9_ddpm_4000_steps": "the same for 100 samples of all 4,000 steps (DDPM)",
    "mnist_obeyed": "share of ten prompts x 50 seeds for digits that the judge finds obeyed",
    "mnist_test_images_judged_right": "what the same judge gets right of real test images",
    "fashion_obeyed": "the same for garments",
    "fashion_test_images_judged_right": "what the same judge gets right of real test images",
    "flowers_obeyed_top_5": "the same for the 20 commonest flowers, among the judge's first five",
    "flowers_test_images_judged_right_top_5": "what the same judge gets right of real ones",
    "glasses_asked_for": "share of 100 men with glasses, as asked, that the judge sees wearing them",
    "glasses_asked_for_and_in_the_negative_prompt": "the same with glasses in the negative prompt as well",
    "mse_before_clipping": "MSE at z_mean before what leaves [0, 1] is clipped",
    "mse_of_noisy_images": "MSE of the test images corrupted as in training",
    "mse_repaired": "MSE after they were repaired",
    "mse_repaired_by_pca_30": "MSE after PCA with 30 components instead",
    "mean_activation": "mean activation of the codes on the test images",
    "share_of_units_never_above_0.1": "share of units that no test image brings above 0.1",
    "samples_judged_above_0.8": "share of 1,000 samples that the judge is sure of (above 0.8)",
    "test_images_judged_above_0.8": "share of real test images that it is sure of",
    "discriminator_on_samples": "its discriminator's mean probability that its samples are real",
    "discriminator_on_test_images": "the same of real test images",
    "drawn_as_asked": "share of 5,000 samples, 500 of each garment, that the judge takes for the garment that was asked for",
    "test_images_judged_right": "share of test images that the judge gets right",
    "portraits_as_asked": "share of 50 portraits for each prompt that the judge finds as asked",
    "real_faces_judged_right": "what the same judge gets right of real faces",
    "commoner_answer": "share of the commoner answer",
    "validation_faces": "validation faces, each moved, turned and scaled",
    "eyes_within_3_px": "share with both eyes found within 3 pixels of 64",
    "eyes_within_2_px": "the same within 2 pixels",
    "median_eye_error_px": "median distance of an eye found from where it is, pixels",
    "not_found": "share of these faces in which no face was found",
    "false_alarms_on_flowers": "share of flowers in which a face was found",
    "validation_accuracy": "accuracy on the validation ids, mean over attributes",
    "test_accuracy": "accuracy on the test images",
    "test_share_above_0.9": "share of test images judged with confidence above 0.9",
}
_DETAILS = re.compile(
    r"(?P<what>.+?)(_by_(?P<split>class|attribute))?(_(?P<sampler>[a-z]+)_(?P<steps>\d+)_steps)?(_at_guidance_(?P<guidance>\d+))?"
)
MOST_BARS = 12  # beneath each other; more numbers stand beside each other
MOST_COMPARED = 6  # figures
THIS = " class='lx-this'"
PARTS = (
    "loss",
    "generator_loss",
    "discriminator_loss",
    "reconstruction",
    "kl",
    "accuracy",
)


def cards():
    """All cards that are whole, judges last: key -> card."""
    found = {card["name"]: card for card in checkpoints.models()}
    for folder in sorted((checkpoints.root() / "judges").glob(f"*/{checkpoints.SUMS}")):
        try:
            key = f"judges/{folder.parent.name}"
            found[key] = checkpoints.card(key)
        except checkpoints.CheckpointError:
            continue
    return found


def damaged():
    """What is wrong with the cards that are not whole, one line each."""
    lines = []
    judges = sorted(f"judges/{path.parent.name}" for path in (checkpoints.root() / "judges").glob(f"*/{checkpoints.SUMS}"))
    for name in [*checkpoints.names(), *judges]:
        try:
            checkpoints.card(name)
        except checkpoints.CheckpointError as error:
            lines.append(str(error))
    return lines


def misfits(query):
    """What in a link of this view cannot be shown, one line each; of another's, which says so itself, nothing."""
    if parse(query)[0].get("view") != "models":
        return []
    with suppress(checkpoints.CheckpointError):  # `damaged` says it
        return views.opened(query, "models")[1]
    return []


def page(name):
    """A card as HTML."""
    card = checkpoints.card(name)
    rows = [
        ("Name", f"<code>{escape(name)}</code>"),
        ("Latents → pictures", _shapes(card)),
        ("Parameters", escape(", ".join(f"{part} {count:,}" for part, count in card["parameters"].items()))),
        ("On disk", f"{card['bytes'] / 1e6:.2f} MB"),
        ("Architecture from", f"<span translate='no'>{escape(card['source'])}</span>"),
        ("Data", escape(card["data"])),
        ("Terms", f"<span translate='no'>{escape(card['licence'])}</span>"),
    ]
    if card.get("derived"):
        rows.append(("Not said by its card", escape(", ".join(card["derived"]))))
    facts = "".join(f"<tr><th scope='row'>{key}</th><td>{value}</td></tr>" for key, value in rows)
    return f"""<article class="lx-card"><h2>{escape(card["title"])}</h2>
<div class="lx-at-work">{gallery.drawn(name, card)}{gallery.measured(card)}</div>
<table class="lx-facts">{facts}</table>
<h3>Measured quality</h3>{_metrics(card["metrics"])}
{_failures(card)}{_beside(name, card)}
<section data-aside><h3>How it was trained</h3>{_recipe(card["recipe"])}
<h3>Layers</h3>{_architecture(name, card)}</section></article>"""


def _architecture(name, card):
    """The layers of each part, as the book prints them, named by what they are."""
    files = None if card.get("own") else checkpoints.files(name)
    named = named_layers(network(files)) if files else {}
    return "".join(_layers(part, layers, named) for part, layers in card.get("architecture", {}).items())


def _shapes(card):
    left = " × ".join(map(str, card["latent_shape"])) + " numbers" if "latent_shape" in card else "picture"
    shape = " × ".join(map(str, card["image_shape"]))
    return f"{left} → {shape}" if "latent_shape" in card else f"{shape} → {len(card['classes'])} classes"


def in_words(metric):
    """What a key of `metrics` says, in words: how it was sampled and by what it is split up stand at the key's end."""
    if metric in WORDS:
        return WORDS[metric]
    parts = _DETAILS.fullmatch(metric)
    if not parts or parts["what"] not in WORDS:
        return metric.replace("_", " ")
    steps = parts["steps"] and f"{parts['sampler'].upper()}, {int(parts['steps']):,} steps"
    guidance = parts["guidance"] and f"guidance {parts['guidance']}"
    split = parts["split"] and f"by {parts['split']}"
    return ", ".join(filter(None, (WORDS[parts["what"]], steps, guidance, split)))


def _metrics(metrics):
    rows = "".join(
        f"<tr><th scope='row'>{escape(in_words(key))}</th><td>{_drawn(value)}</td></tr>" for key, value in metrics.items()
    )
    return f"<table>{rows}</table>"


def _drawn(value):
    """A metric's value as HTML: a number, named numbers or many as bars, and what is split up twice as a table."""
    if isinstance(value, list) and value and all(map(_is_number, value)):
        value = {str(i): part for i, part in enumerate(value)}
        if len(value) > MOST_BARS:
            return _columns(list(value.values()))
    if isinstance(value, dict) and value and all(map(_is_number, value.values())):
        return _bars([(key, part, False) for key, part in value.items()])
    if isinstance(value, dict) and any(isinstance(part, dict) for part in value.values()):
        return _table(value)
    return escape(listed(value))


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bars(rows):
    """(name, number, whether it is the one meant) as bars beneath each other."""
    most = max((abs(number) for _, number, _ in rows), default=1) or 1
    lines = "".join(
        f"<li><span{THIS * this}>{escape(str(name))}</span>"
        f'<i style="--share: {100 * max(0, number) / most:.1f}%"></i><b>{number:,g}</b></li>'
        for name, number, this in rows
    )
    return f'<ul class="lx-bars">{lines}</ul>'


def _columns(numbers):
    """Many numbers as columns beside each other."""
    low, high = min(0, *numbers), max(0, *numbers) or 1
    scale, width = 100 / (high - low), 1000 / len(numbers)
    columns = "".join(
        f'<rect x="{i * width:.2f}" width="{0.8 * width:.2f}" y="{scale * (high - max(0, number)):.2f}"'
        f' height="{scale * abs(number):.2f}"><title>{i}: {number:g}</title></rect>'
        for i, number in enumerate(numbers)
    )
    words = f"{len(numbers)} numbers from {min(numbers):g} to {max(numbers):g}"
    return f"""<svg class="lx-columns" viewBox="0 0 1000 100" preserveAspectRatio="none" fill="currentColor" role="img"
aria-label="{words}">{columns}</svg><small>{words}</small>"""


def _table(value):
    """{name: number, or {name: number}} as a table; numbers by themselves stand above it."""
    inner = {key: part for key, part in value.items() if isinstance(part, dict)}
    alone = {key: part for key, part in value.items() if key not in inner}
    keys = list(dict.fromkeys(key for part in inner.values() for key in part))
    head = "".join(f"<th scope='col'>{escape(key.replace('_', ' '))}</th>" for key in keys)
    rows = ""
    for key, part in inner.items():
        cells = "".join(f"<td>{escape(listed(part.get(k, '–')))}</td>" for k in keys)
        rows += f"<tr><th scope='row'>{escape(key.replace('_', ' '))}</th>{cells}</tr>"
    before = f"<p>{escape(listed(alone))}</p>" if alone else ""
    return f'{before}<table class="lx-inner"><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _beside(name, card):
    """The figures that others of its kind have as well, this one's in bold."""
    others = {key: other for key, other in cards().items()
              if gallery.group(other) == gallery.group(card) and not other.get("series") and not other.get("own")}  # fmt: skip
    shown = []
    for key, value in card["metrics"].items():
        rows = [(other["short"], other["metrics"].get(key), one == name) for one, other in others.items()]
        rows = [row for row in rows if _is_number(row[1])]
        if _is_number(value) and len(rows) > 1 and len({number for _, number, _ in rows}) > 1:
            shown.append(f"<tr><th scope='row'>{escape(in_words(key))}</th><td>{_bars(rows)}</td></tr>")
    if card.get("series") or name not in others or not shown:
        return ""
    return f"<section data-aside><h3>Beside others of its kind</h3><table>{''.join(shown[:MOST_COMPARED])}</table></section>"


def listed(value):
    """A metric's value in words: a number, a list of such, or such by name."""
    if isinstance(value, (int, float)):
        return f"{value:,g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {part:g}" if isinstance(part, (int, float)) else f"{key}: {listed(part)};"
                         for key, part in value.items()).replace(";,", ";").rstrip(";")  # fmt: skip
    return plain(value)


def _failures(card):
    lines = "".join(f"<li>{escape(line)}</li>" for line in card.get("known_failures", ()))
    return f"<h3>Known failures</h3><ul>{lines}</ul>" if lines else ""


def _recipe(recipe):
    rows = "".join(
        f"<tr><th scope='row'>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in settings(recipe).items()
    )
    return f'<table lang="en" translate="no">{rows}</table>'  # a recipe's own keys


def settings(recipe):
    """What a recipe says of training, {its key in words: its value in words}."""
    left_out = ("title", "short", "order", "family", "series", "source", "judge", "known_failures", "beside", "examples", "prompts",
                "knows")  # fmt: skip
    kept = {key: value for key, value in recipe.items() if key not in left_out and value not in (None, [])}
    return {key.replace("_", " "): plain(value) for key, value in kept.items()}


def plain(value):
    """A recipe's value in words."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {plain(part)}" for key, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(plain, value))
    return f"{value:,g}" if isinstance(value, float) else str(value)


def _layers(part, layers, named):
    rows = ""
    for own, kind, shape, count in layers:
        words = layer_words(kind, named.get((own, kind)))
        rows += f"<tr><td>{escape(words)}</td><td>{escape(shape_words(shape))}</td><td>{count:,}</td></tr>"
    total = sum(count for *_, count in layers)
    return f"""<table class="lx-layers"><caption>{escape(part)}</caption>
<thead><tr><th>layer</th><th>output</th><th>parameters</th></tr></thead>
<tbody>{rows}</tbody><tfoot><tr><td colspan="2">total</td><td>{total:,}</td></tr></tfoot></table>"""


def curves(name):
    """The loss curves of a model's training as a Plotly figure; an untrained model has none."""
    history = checkpoints.card(name).get("history", {})
    figure = go.Figure()
    for key in [*PARTS, *(key for key in history if key.endswith(" loss") and not key.startswith("val_"))]:  # and of each stage
        for prefix, dash in (("", "solid"), ("val_", "dot")):
            values = history.get(prefix + key)
            if values:
                figure.add_scatter(x=np.arange(1, len(values) + 1), y=values, name=prefix.replace("_", " ") + key,
                                   line={"dash": dash}, visible=True if key in ("loss", "flow loss") else "legendonly")  # fmt: skip
    figure.update_layout(height=320, margin={"l": 50, "r": 10, "t": 30, "b": 40}, xaxis_title="epoch", yaxis_title="loss",
                         legend={"orientation": "h", "y": 1.12}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
                         font={"color": "#8891a5"}, xaxis={"gridcolor": "#8891a540"}, yaxis={"gridcolor": "#8891a540"})  # fmt: skip
    return figure


@answered
@in_turn(long=True)
def model_samples(name: questions.Name):
    """Some of what a model draws: {"url": of an image}."""
    return {"url": gallery.samples(name)}


SERVER_FUNCTIONS = [model_samples]


def _script(function):
    """A function of the view's script, as Gradio calls it with the chosen model."""
    return f"""async (name) => {{ (await import(new URL("lx/views/models/view.js", document.baseURI))).{function}(name); }}"""


GALLERY = """import(new URL("lx/views/models/gallery.js", document.baseURI))
    .then(module => module.start({ element, props, server, trigger, watch }));"""


def below(blocks, tab):
    """The view: choose a model, read its card, see its curves."""
    warning = gr.HTML(visible=False, apply_default_css=False)
    shelf = gr.HTML(apply_default_css=False, elem_id="models-gallery", server_functions=SERVER_FUNCTIONS, js_on_load=GALLERY)
    chosen = gr.Dropdown([], label="Model", elem_id="models-choice")
    with gr.Row():
        with gr.Column(scale=2, min_width=480):
            card = gr.HTML(apply_default_css=False, elem_id="models-card")
        with gr.Column(scale=1, min_width=320):
            plot = gr.Plot(show_label=False, elem_id="models-curves")
    device = gr.Markdown(elem_id="models-device")

    def show(name):
        try:
            return page(name), curves(name)
        except ExplorerError as error:
            raise gr.Error(str(error)) from None

    def choose(event: gr.EventData):
        return event.model, *show(event.model)

    def visit(request: gr.Request):
        """What there is now, and the link's model if it is there."""
        names, query = list(cards()), str(request.query_params)
        wrong, name = damaged() + misfits(query), parse(query)[0].get("model")
        said = name in names
        name = name if said else names[0] if names else None
        shown = (page(name), curves(name)) if name else ("There are no models in checkpoints/.", None)
        warned = gr.HTML("".join(f"<p>⚠ {escape(line)}</p>" for line in wrong), visible=bool(wrong))
        return warned, gallery.page(cards(), name if said else None), gr.Dropdown(names, value=name), *shown

    shelf.select(choose, outputs=[chosen, card, plot], show_progress="hidden", api_visibility="private")
    chosen.input(show, chosen, [card, plot], show_progress="hidden", api_visibility="private")
    # of a link's model as well, which may come only after the tab has been turned to and has written the first one
    chosen.change(None, chosen, js=_script("writeModelHere"), api_visibility="private")
    tab.select(None, chosen, js=_script("writeModel"), api_visibility="private")
    tab.select(devices.in_words, outputs=device, show_progress="hidden", api_visibility="private")
    blocks.load(visit, outputs=[warning, shelf, chosen, card, plot], show_progress="hidden", api_visibility="private")
