"""What is measured and kept of a GAN: what the judge sees in its pictures, and what its own discriminator says of them."""

import logging

import numpy as np
from PIL import Image

from explorer import checkpoints, data, imaging
from explorer.generators.gan import GanGenerator
from explorer.training.measures import figure
from explorer.training.storing import parts, replace

_log = logging.getLogger(__name__)

SURE = 0.8  # of the judge
SAMPLES = 1000
ASKED = 500  # of each class: at 100 the standard error of a share would be 4 points
DRAWN = "drawn"  # in the folder of a run: what it drew after each epoch


def describe(recipe, model):
    """What the card says of the parts."""
    return parts({"generator": model.generator, "discriminator": model.discriminator}) | {
        "latent_shape": [recipe["latent_size"]],
        "conditional": bool(recipe.get("conditional")),
    }


def keep(card, folder, generator, data_folder):
    """What it drew after each epoch, its plane, and what is measured of it."""
    card["metrics"] = measure(generator, data_folder)
    card["view"] = {"z": np.round(generator.prior(1)[0], 4).tolist(), "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0,
                    "corners": three_seeds(generator)}  # fmt: skip
    card["dead_axes"], card["examples"] = [], []
    if "truncation" in card["recipe"]:
        card["truncation"] = card["recipe"]["truncation"]
    rows = [np.asarray(Image.open(path)) for path in sorted((folder / "run" / DRAWN).glob("epoch-*.png"))]
    if rows:
        card["drawn"] = {"epochs": len(rows), "columns": card["recipe"]["drawn"]}
        Image.fromarray(np.concatenate(rows)).save(folder / checkpoints.EPOCHS, "WEBP", quality=70, method=6)


def preview(recipe, path):
    """What it draws from the same few noises, of each class one where there are classes: the last row is kept of every epoch."""
    card = {"name": "preview", "latent_shape": [recipe["latent_size"]], "image_shape": recipe["image_shape"],
            "classes": data.classes(recipe["data"])}  # fmt: skip

    def write(model, epoch):
        generator, n = GanGenerator(card, model), recipe["drawn"]
        labels = np.arange(n) % model.classes if model.classes else None
        row = imaging.grid(generator.decode(generator.prior(n), label=labels), n)
        path.parent.joinpath(DRAWN).mkdir(exist_ok=True)
        replace(path.parent / DRAWN / f"epoch-{epoch:03d}.png", row)
        replace(path, row)

    return write


def measure(generator, folder=None):
    """What the judge sees in a GAN's pictures, and what its own discriminator says of them and of real ones."""
    recipe = generator.card["recipe"]
    _log.info("judging samples and the test images")
    judge = checkpoints.judge(recipe["judge"])
    images, _ = data.load(recipe["data"], "test", generator.image_shape[0], folder)
    labels = np.arange(SAMPLES) % len(judge.classes) if generator.card["conditional"] else None
    drawn = generator.decode(generator.prior(SAMPLES), label=labels)
    judged, real = judge(drawn), judge(images)
    answer = judged.argmax(1)
    found = {
        "samples_judged_above_0.8": figure((judged.max(1) > SURE).mean()),
        "test_images_judged_above_0.8": figure((real.max(1) > SURE).mean()),
        "samples_by_class": {name: figure((answer == i).mean()) for i, name in enumerate(judge.classes)},
        "discriminator_on_samples": figure(generator.verdict(drawn, labels).mean()),
    }
    if labels is None:
        return found | {"discriminator_on_test_images": figure(generator.verdict(images[:SAMPLES]).mean())}
    labels = np.repeat(np.arange(len(judge.classes)), ASKED)
    noise = generator.prior(len(labels), seed=1)
    answer = np.concatenate([judge(generator.decode(noise[labels == i], label=i)).argmax(1) for i in range(len(judge.classes))])
    by_class = {name: figure((answer[labels == i] == i).mean()) for i, name in enumerate(judge.classes)}
    return found | {"drawn_as_asked": figure((answer == labels).mean()), "drawn_as_asked_by_class": by_class,
                    "test_images_judged_right_by_class": judge.card["metrics"]["test_accuracy_by_class"]}  # fmt: skip


def three_seeds(generator):
    """The first three seeds that give what the judge is sure of and takes for three different things: where a plane shows most. A
    conditional model draws one thing on a plane, whatever the seeds."""
    if generator.card["conditional"]:
        return [0, 1, 2]
    seeds = range(200)
    judged = checkpoints.judge(generator.card["recipe"]["judge"])(
        generator.decode(np.concatenate([generator.prior(1, s) for s in seeds]))
    )
    found = {}
    for seed in seeds:
        if judged[seed].max() > 0.9:
            found.setdefault(int(judged[seed].argmax()), seed)
    return [*found.values(), *(seed for seed in seeds if seed not in found.values())][:3]
