"""What is measured and kept of a StyleGAN: how near its faces come to photographs, and how unlike one another they are."""

import logging

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.generators.stylegan import StyleganGenerator, grown_file
from explorer.training import progressive_growing, runs, storing
from explorer.training.measures import decode, encode, figure, in_batches, kernel_distance, spread

_log = logging.getLogger(__name__)

SAMPLES, SPREAD = 2000, 1000
SHOWN = 32  # pictures in a preview


def describe(recipe, model):
    """What the card says of the parts, and of how it is used."""
    return storing.parts({"mapping": model.mapping, "synthesis": model.synthesis}) | {
        "latent_shape": [recipe["latent_size"]],
        "conditional": False,
        "truncation": recipe["truncation"],
        "views": ["models"],
    }


def keep(card, folder, generator, data_folder):
    """The models that it was before it grew, small ones, and what is measured of it."""
    card["grown"] = []
    for name in list(card["recipe"]["stages"])[:-1]:
        if (folder / "run" / name / runs.BEST).is_file():
            model = progressive_growing.grown(card["recipe"], folder / "run", name)
            storing.save(model, folder / grown_file(int(name)))
            card["grown"].append(int(name))
    card["examples"], card["dead_axes"] = [], []
    card["view"] = {"z": np.round(generator.prior(1)[0], 4).tolist(), "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0,
                    "corners": [0, 1, 2]}  # fmt: skip
    card["metrics"] = measure(generator, data_folder)


def preview(recipe, path):
    """What it draws of the same latents, as wide as it has grown, enlarged to its last width."""
    card = {"name": "preview", "latent_shape": [recipe["latent_size"]]}

    def write(model, _):
        shape = model.synthesis.output_shape[1:]
        generator = StyleganGenerator(card | {"image_shape": shape}, model)
        factor = recipe["image_shape"][0] // shape[0]
        drawn = generator.decode(generator.prior(SHOWN)).repeat(factor, 1).repeat(factor, 2)
        storing.replace(path, imaging.grid(drawn, 8))

    return write


def measure(generator, folder=None):
    """Draws, with the noise of a place of its own each, by a judge that took no part: the kernel distance from validation faces,
    and how far they are from one another, beside both figures of real faces and of what a VAE makes of such."""
    recipe, card = generator.card["recipe"], generator.card
    _log.info("judging %d draws beside as many validation faces", SAMPLES)
    judge = checkpoints.judge(recipe["judge"])
    faces = data.load(recipe["data"], "validation", recipe["image_shape"][0], folder)[0]
    some, others = faces[:SAMPLES], judge.features(faces[SAMPLES:])

    def drawn(truncation):
        styles = generator.styles(generator.prior(SAMPLES, seed=1), truncation)
        places = np.arange(SAMPLES)
        return in_batches(lambda which: generator.decode_styles(styles[which], places=places[which]), places, 100)

    vae = checkpoints.load(recipe["beside_reconstructions"])
    pictures = {"real_faces": some, "reconstructions_by_a_vae": decode(vae, encode(vae, some)[0]), "draws": drawn(1.0),
                "truncated_draws": drawn(card["truncation"])}  # fmt: skip
    found = {}
    for name, these in pictures.items():
        features = judge.features(these)
        found[f"kernel_distance_of_{name}"] = figure(kernel_distance(features, others), 5)
        found[f"spread_of_{name}"] = figure(spread(features[:SPREAD]))
    return found | {"spread_of_draws_to_real_faces": figure(found["spread_of_draws"] / found["spread_of_real_faces"])}
