"""What is measured and kept of a text-to-image model: whether it draws what it is asked for, and a KerasHub preset."""

import logging
from pathlib import Path

import keras_hub

from explorer.generators.text_to_image import TextToImageGenerator
from explorer.training import captions, prompt_adherence, storing

_log = logging.getLogger(__name__)


def ship(name, recipe, task, histories, root, data_folder=None):
    """Write `root/name`: a KerasHub preset with float16 weights and its card, measured on the weights as they are stored."""
    folder = Path(root, name)
    folder.mkdir(parents=True, exist_ok=True)
    task.save_to_preset(str(folder))
    weights, half = folder / "model.weights.h5", folder / "half.h5"
    storing.halve(weights, half)
    half.replace(weights)
    stored = keras_hub.models.TextToImage.from_preset(str(folder))
    backbone = stored.backbone
    parts = {"vae": backbone.vae, "mmdit": backbone.diffuser, "clip_l": backbone.clip_l, "clip_g": backbone.clip_g}
    flow = [history for stage, history in histories.items() if stage != "vae"]  # its stages are one training, of one network
    together = {**flow[0], **{key: [value for history in flow for value in history[key]] for key in ("loss", "seconds")}}
    card = storing.card_of(name, recipe, together) | {
        "latent_shape": list(backbone.latent_shape[1:]),
        **storing.parts(parts),
        "sampling": recipe["sampling"],
        "vocabulary": captions.vocabulary(),
        **{key: recipe[key] for key in ("knows", "prompts", "examples")},
        "views": ["text-to-image"],
        "start_seed": recipe.get("start_seed", 0),
    }
    card["recipe"]["minutes_by_stage"] = {stage: round(sum(history["seconds"]) / 60, 1) for stage, history in histories.items()}
    card["history"] = {f"{stage} {key}": values for stage, history in histories.items() for key, values in history.items()
                       if key != "device"}  # fmt: skip
    card["metrics"] = prompt_adherence.metrics(TextToImageGenerator(card, stored), data_folder, log=_log.info)
    return storing.seal(folder, card)


def measure(generator, folder=None):
    """Shares of its pictures that show what they were asked to."""
    return prompt_adherence.metrics(generator, folder)
