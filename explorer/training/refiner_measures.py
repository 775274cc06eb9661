"""What is measured of a model that refines a VAE's pictures: how much nearer to photographs they come, and what that costs."""

import logging

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.generators.refiner import RefinerGenerator
from explorer.training import diffusion_measures
from explorer.training.measures import decode, encode, figure, kernel_distance, squared_error
from explorer.training.storing import replace

_log = logging.getLogger(__name__)

SHOWN = 8  # pictures in a preview
FACES = 1000
_BATCH = 100


def describe(recipe, model):
    """What the card says of the network, and of whose pictures it refines: they are shown with the faces."""
    return diffusion_measures.describe(recipe, model) | {"refines": recipe["refines"], "views": ["faces"]}


def keep(card, folder, generator, data_folder):
    """Nothing but what is measured of it."""
    card["metrics"] = measure(generator, data_folder)


def measure(generator, folder=None):
    """Validation faces, what the VAE says of them, and refined: errors, and kernel distances on the judge's features."""
    _log.info("refining what the VAE says of %d validation faces", FACES)
    recipe = generator.card["recipe"]
    vae, judge = checkpoints.load(recipe["refines"]), checkpoints.judge(recipe["judge"])
    faces = data.load(recipe["data"], "validation", recipe["image_shape"][0], folder)[0]
    some = faces[:FACES]
    said, noise = decode(vae, encode(vae, some)[0]), generator.prior(len(some))
    refined = np.concatenate(
        [generator.decode(noise[i : i + _BATCH], given=said[i : i + _BATCH]) for i in range(0, len(some), _BATCH)]
    )
    real = judge.features(faces)
    return {
        "mse_of_reconstructions": squared_error(said, some),
        "mse_of_refined_reconstructions": squared_error(refined, some),
        "kernel_distance_of_reconstructions": figure(kernel_distance(judge.features(said), real), 5),
        "kernel_distance_of_refined_reconstructions": figure(kernel_distance(judge.features(refined), real), 5),
    }


def preview(recipe, path, folder=None):
    """Validation faces, what the VAE says of them, and refined from two noises, a row each."""
    vae = checkpoints.load(recipe["refines"])
    faces = data.load(recipe["data"], "validation", recipe["image_shape"][0], folder)[0][:SHOWN]
    said = vae.decode(vae.encode(faces)[0])
    shape = recipe["image_shape"]
    card = {"name": "preview", "sampling": recipe["sampling"], "latent_shape": shape, "image_shape": shape}

    def write(model, _):
        generator = RefinerGenerator(card, model)
        refined = [generator.decode(generator.prior(SHOWN, seed), given=said) for seed in (0, 1)]
        replace(path, imaging.grid(np.concatenate([faces, said, *refined]), SHOWN))

    return write
