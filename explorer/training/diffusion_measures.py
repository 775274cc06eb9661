"""What is measured of a diffusion model: how near its samples come to pictures it never saw, and whether it copies.

By the project's own judges, which saw training images only, beside the same figures of real pictures.
"""

import logging

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.generators.diffusion import DiffusionGenerator
from explorer.training.measures import CONFIDENT, figure, kernel_distance, nearest_distances, reduced
from explorer.training.storing import parts, replace

_log = logging.getLogger(__name__)

SAMPLES = 1000
STEPS = (5, 10, 20, 50)
COPIES = 200  # samples whose nearest training image is looked for


def samples(generator, n, seed=0, batch=50, label=None, **settings):
    """n pictures from the prior's noise, of classes `label` (n,) where the model knows such: float32 (n, h, w, c)."""
    noise, found = generator.prior(n, seed), []
    for i in range(0, n, batch):
        asked = {} if label is None else {"label": label[i : i + batch]}
        found.append(generator.decode(noise[i : i + batch], seed=i, **asked, **settings))
    return np.concatenate(found)


def describe(recipe, model):
    """What the card says of the network, and of how it is sampled."""
    return parts({"unet": model.network}) | {
        "latent_shape": recipe["image_shape"],
        "sampling": recipe["sampling"],
        "start_seed": recipe.get("start_seed", 0),  # of the noise that the view opens with
        "schedule": recipe["schedule"],
        "conditional": bool(recipe.get("conditional")),
        "views": ["diffusion"],
    }


def keep(card, folder, generator, data_folder):
    """How often the classes came in training, where it knows such, and what is measured of it."""
    recipe = card["recipe"]
    if card["conditional"]:
        labels = data.load(recipe["data"], "train", recipe["image_shape"][0], data_folder)[1]
        card["class_counts"] = np.bincount(labels, minlength=len(card["classes"])).tolist()
    card["metrics"] = measure(generator, data_folder, log=_log.info)


def preview(recipe, path):
    """The book's: 3 x 6 pictures of 20 steps, always from the same noise."""
    card = {"name": "preview", "sampling": recipe["sampling"],
            "latent_shape": recipe["image_shape"], "image_shape": recipe["image_shape"]}  # fmt: skip

    def write(model, _):
        generator = DiffusionGenerator(card, model)
        replace(path, imaging.grid(generator.decode(generator.prior(18), steps=20, sampler="ddim"), 6))

    return write


def measure(generator, folder=None, log=None):
    """All that the card says of a diffusion model."""
    kind = _of_colour if generator.image_shape[-1] == 3 else _of_classes
    return kind(generator, folder, log or (lambda words: None))


def _of_colour(generator, folder, log):
    """Kernel distances on the judge's features for several step counts, with two yardsticks, and memorization."""
    recipe = generator.card["recipe"]
    judge = checkpoints.judge(recipe["judge"])
    train, test = (data.load(recipe["data"], split, generator.image_shape[0], folder)[0] for split in data.SPLITS)
    real = judge.features(test)
    some = train[np.random.default_rng(0).choice(len(train), SAMPLES, replace=len(train) < SAMPLES)]
    found = {
        "kernel_distance_of_real_flowers": figure(kernel_distance(judge.features(some), real)),
        "kernel_distance_of_flowers_reduced_to_16_pixels": figure(kernel_distance(judge.features(reduced(some)), real)),
    }
    for steps in STEPS:
        log(f"drawing {SAMPLES:,} samples in {steps} steps")
        drawn = samples(generator, SAMPLES, steps=steps)
        found[f"kernel_distance_at_{steps}_steps"] = figure(kernel_distance(judge.features(drawn), real))
        log(f"{steps} steps: {found[f'kernel_distance_at_{steps}_steps']}")
        if steps == generator.card["sampling"]["steps"]:
            near = nearest_distances(drawn[:COPIES], train)
    held_out = nearest_distances(test[:COPIES], train)
    return found | {
        "nearest_training_image_of_samples_median": figure(np.median(near)),
        "nearest_training_image_of_held_out_median": figure(np.median(held_out)),
        "nearest_training_image_of_held_out_tenth_percentile": figure(np.quantile(held_out, 0.1)),
    }


def _of_classes(generator, folder, log):
    """How sure the judge is of samples, how they spread over the classes, in few steps and in all of them.

    Of a model that knows classes, and is asked for one or another, also whether it draws what it is asked for, and how sure the
    judge is where guidance is left out (1) and where nothing is asked for (0).
    """
    recipe, sampling = generator.card["recipe"], generator.card["sampling"]
    judge = checkpoints.judge(recipe["judge"])
    images = data.load(recipe["data"], "test", generator.image_shape[0], folder)[0]
    found = {"test_images_judged_above_0.9": figure((judge(images).max(1) > CONFIDENT).mean())}
    measured = [("ddpm", 50, SAMPLES, {}), ("ddim", 50, SAMPLES, {}), ("ddpm", generator.schedule.steps, SAMPLES // 10, {})]
    knows = recipe.get("conditional", False)
    if knows:
        measured += [(sampling["sampler"], 50, SAMPLES, {"guidance_scale": scale}) for scale in (1.0, 0.0)]
    for sampler, steps, count, settings in measured:
        log(f"drawing {count:,} samples in {steps:,} steps ({sampler})")
        label = generator.labels(count) if knows else None
        verdict = judge(samples(generator, count, steps=steps, sampler=sampler, label=label, **settings))
        by_class = np.bincount(verdict.argmax(1), minlength=len(judge.classes)) / count
        key = f"{sampler}_{steps}_steps" + "".join(f"_at_guidance_{scale:g}" for scale in settings.values())
        found[f"samples_judged_above_0.9_{key}"] = figure((verdict.max(1) > CONFIDENT).mean())
        if knows and settings.get("guidance_scale", 1.0):
            found[f"samples_judged_as_asked_{key}"] = figure((verdict.argmax(1) == label).mean())
        found[f"samples_by_class_{key}"] = {name: figure(share) for name, share in zip(judge.classes, by_class, strict=True)}
        log(f"{key}: {found[f'samples_judged_above_0.9_{key}']}")
    return found
