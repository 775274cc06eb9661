"""What is measured of a diffusion model: how near its samples come to pictures it never saw, and whether it copies.

By the project's own judges, which saw training images only, beside the same figures of real pictures.
"""

import numpy as np
from PIL import Image

from explorer import checkpoints, data
from explorer.training.faces import kernel_distance

SAMPLES = 1000
STEPS = (5, 10, 20, 50)
COPIES = 200  # samples whose nearest training image is looked for
CONFIDENT = 0.9


def samples(generator, n, seed=0, batch=50, label=None, **settings):
    """n pictures from the prior's noise, of classes `label` (n,) where the model knows such: float32 (n, h, w, c)."""
    noise, found = generator.prior(n, seed), []
    for i in range(0, n, batch):
        asked = {} if label is None else {"label": label[i : i + batch]}
        found.append(generator.decode(noise[i : i + batch], seed=i, **asked, **settings))
    return np.concatenate(found)


def reduced(images, side=16):
    """Pictures (n, h, w, c) reduced to `side` pixels and enlarged again: a yardstick of what blur costs."""
    whole = images.shape[1]
    rows = []
    for image in (255 * images).round().astype("uint8"):
        small = Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)
        rows.append(np.asarray(small.resize((whole, whole), Image.Resampling.BICUBIC)))
    return np.stack(rows).astype("float32") / 255


def nearest_distances(images, others, batch=20):
    """Root of the mean square to the nearest of `others` or of their mirror images: (n,)."""
    flat = np.concatenate([others, others[:, :, ::-1]]).reshape(2 * len(others), -1)
    squares, found = np.square(flat).sum(1), []
    for i in range(0, len(images), batch):
        some = images[i : i + batch].reshape(len(images[i : i + batch]), -1)
        distances = np.square(some).sum(1)[:, None] + squares - 2 * some @ flat.T
        found.append(np.sqrt(np.maximum(0, distances.min(1)) / flat.shape[1]))
    return np.concatenate(found)


def metrics(generator, folder=None, log=None):
    """All that the card says of a diffusion model."""
    measure = _of_colour if generator.image_shape[-1] == 3 else _of_classes
    return measure(generator, folder, log or (lambda words: None))


def _of_colour(generator, folder, log):
    """Kernel distances on the judge's features for several step counts, with two yardsticks, and memorization."""
    recipe = generator.card["recipe"]
    judge = checkpoints.judge(recipe["judge"])
    train, test = (data.load(recipe["data"], split, generator.image_shape[0], folder)[0] for split in data.SPLITS)
    real = judge.features(test)
    some = train[np.random.default_rng(0).choice(len(train), SAMPLES, replace=len(train) < SAMPLES)]
    found = {
        "kernel_distance_of_real_flowers": _figure(kernel_distance(judge.features(some), real)),
        "kernel_distance_of_flowers_reduced_to_16_pixels": _figure(kernel_distance(judge.features(reduced(some)), real)),
    }
    for steps in STEPS:
        drawn = samples(generator, SAMPLES, steps=steps)
        found[f"kernel_distance_at_{steps}_steps"] = _figure(kernel_distance(judge.features(drawn), real))
        log(f"{steps} steps: {found[f'kernel_distance_at_{steps}_steps']}")
        if steps == generator.card["sampling"]["steps"]:
            near = nearest_distances(drawn[:COPIES], train)
    held_out = nearest_distances(test[:COPIES], train)
    return found | {
        "nearest_training_image_of_samples_median": _figure(np.median(near)),
        "nearest_training_image_of_held_out_median": _figure(np.median(held_out)),
        "nearest_training_image_of_held_out_tenth_percentile": _figure(np.quantile(held_out, 0.1)),
    }


def _of_classes(generator, folder, log):
    """How sure the judge is of samples, how they spread over the classes, in few steps and in all of them.

    Of a model that knows classes, and is asked for one or another, also whether it draws what it is asked for, and how sure the
    judge is where guidance is left out (1) and where nothing is asked for (0).
    """
    recipe, sampling = generator.card["recipe"], generator.card["sampling"]
    judge = checkpoints.judge(recipe["judge"])
    images = data.load(recipe["data"], "test", generator.image_shape[0], folder)[0]
    found = {"test_images_judged_above_0.9": _figure((judge(images).max(1) > CONFIDENT).mean())}
    measured = [("ddpm", 50, SAMPLES, {}), ("ddim", 50, SAMPLES, {}), ("ddpm", generator.schedule.steps, SAMPLES // 10, {})]
    knows = recipe.get("conditional", False)
    if knows:
        measured += [(sampling["sampler"], 50, SAMPLES, {"guidance_scale": scale}) for scale in (1.0, 0.0)]
    for sampler, steps, count, settings in measured:
        label = generator.labels(count) if knows else None
        verdict = judge(samples(generator, count, steps=steps, sampler=sampler, label=label, **settings))
        by_class = np.bincount(verdict.argmax(1), minlength=len(judge.classes)) / count
        key = f"{sampler}_{steps}_steps" + "".join(f"_at_guidance_{scale:g}" for scale in settings.values())
        found[f"samples_judged_above_0.9_{key}"] = _figure((verdict.max(1) > CONFIDENT).mean())
        if knows and settings.get("guidance_scale", 1.0):
            found[f"samples_judged_as_asked_{key}"] = _figure((verdict.argmax(1) == label).mean())
        found[f"samples_by_class_{key}"] = {name: _figure(share) for name, share in zip(judge.classes, by_class, strict=True)}
        log(f"{key}: {found[f'samples_judged_above_0.9_{key}']}")
    return found


def _figure(value):
    return round(float(value), 4)
