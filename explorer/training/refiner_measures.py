"""What is measured of a model that refines a VAE's pictures: how much nearer to photographs they come, and what that costs."""

import logging

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.data import SIX
from explorer.generators.refiner import RefinerGenerator
from explorer.training import diffusion_measures
from explorer.training.measures import decode, encode, figure, kernel_distance, squared_error
from explorer.training.storing import replace

_log = logging.getLogger(__name__)

SHOWN = 8  # pictures in a preview
FACES = 1000
_BATCH = 100


def describe(recipe, model):
    """What the card says of the network, and of whose pictures it refines: the views of these show its own."""
    return diffusion_measures.describe(recipe, model) | {"refines": recipe["refines"], "views": ["models"]}


def keep(card, folder, generator, data_folder):
    """Nothing but what is measured of it."""
    card["metrics"] = measure(generator, data_folder)


def measure(generator, folder=None):
    """Validation faces and draws, as the VAE has them and refined, by a judge that took no part in either.

    Kernel distances, beside that of one half of the real faces from the other; how much stays as the VAE says it: the mean
    difference at a quarter of the resolution, and on which of the six attributes the judge says the same; the power of the finest
    octave, as a share of real faces'.
    """
    _log.info("refining what the VAE says of %d validation faces, and as many draws", FACES)
    recipe = generator.card["recipe"]
    vae, judge = checkpoints.load(recipe["refines"]), checkpoints.judge(recipe["judge"])
    faces = data.load(recipe["data"], "validation", recipe["image_shape"][0], folder)[0]
    some, others = faces[:FACES], judge.features(faces[FACES:])
    said = {"reconstructions": decode(vae, encode(vae, some)[0]), "draws": decode(vae, vae.prior(FACES, seed=1))}
    noise, found = generator.prior(FACES), {"kernel_distance_of_real_faces": _distance(judge, some, others)}
    for name, pictures in said.items():
        refined = np.concatenate(
            [generator.decode(noise[i : i + _BATCH], given=pictures[i : i + _BATCH]) for i in range(0, FACES, _BATCH)]
        )
        found[f"kernel_distance_of_{name}"] = _distance(judge, pictures, others)
        found[f"kernel_distance_of_refined_{name}"] = _distance(judge, refined, others)
        if name == "reconstructions":
            found |= kept(judge, pictures, refined) | {
                "finest_octave_of_reconstructions": figure(finest_octave(pictures) / finest_octave(some), 3),
                "finest_octave_of_refined_reconstructions": figure(finest_octave(refined) / finest_octave(some), 3),
                "mse_of_reconstructions": squared_error(pictures, some),
                "mse_of_refined_reconstructions": squared_error(refined, some),
            }
    return found


def _distance(judge, pictures, others):
    return figure(kernel_distance(judge.features(pictures), others), 5)


def kept(judge, said, refined):
    """What stays as the VAE says it: two lots of pictures, float (n, h, w, c) -> figures by name."""
    n, height, width, channels = said.shape
    change = (refined - said).reshape(n, height // 4, 4, width // 4, 4, channels).mean((2, 4))
    six = [judge.classes.index(name) for name in SIX]
    same = (judge(said)[:, six] > 0.5) == (judge(refined)[:, six] > 0.5)
    return {
        "difference_at_a_quarter_of_the_size": figure(np.abs(change).mean(), 4),
        "same_verdicts": figure(same.mean(), 4),
        "same_verdicts_by_attribute": dict(zip(SIX, [figure(share, 3) for share in same.mean(0)], strict=True)),
    }


def finest_octave(pictures):
    """The mean power of frequencies from half of the highest upwards, of how bright pictures (n, h, w, c) are."""
    grey = pictures.mean(-1)
    power = np.abs(np.fft.fft2(grey - grey.mean((1, 2), keepdims=True))) ** 2
    across, down = (np.abs(np.fft.fftfreq(side)) for side in (grey.shape[2], grey.shape[1]))
    radius = np.hypot(down[:, None], across)
    return float(power[:, (radius >= 0.25) & (radius < 0.5)].mean())


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
