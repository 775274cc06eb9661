"""Does a text-to-image model draw what it is asked for? Judged by the project's own classifiers, which saw training images only.

Beside every share stands what the same judge says of real held-out pictures.
"""

import numpy as np

from explorer import checkpoints, data
from explorer.training import captions
from explorer.training.measures import figure
from explorer.training.rectified_flow import pictures

SEEDS, FACES = 50, 100
COMMONEST = 20  # flowers
NEGATIVE = ("a portrait of a man with glasses", "glasses")
# prompt -> attribute of the judge, and whether it is to be there
PORTRAITS = {
    "a portrait of a smiling woman": ("Smiling", True),
    "a portrait of a man, not smiling": ("Smiling", False),
    "a portrait of a man with glasses": ("Eyeglasses", True),
    "a portrait of a woman with glasses": ("Eyeglasses", True),
    "a portrait of a man with no glasses": ("Eyeglasses", False),
    "a portrait of a man": ("Male", True),
    "a portrait of a woman": ("Male", False),
    "a portrait of a woman with blond hair": ("Blond_Hair", True),
    "a portrait of a woman with black hair": ("Black_Hair", True),
}
# words that captions know, in an order in which none has them: what obeying them tells is not what was learned by heart
OTHERWISE = {
    "smiling lady, a portrait": ("Smiling", True),
    "not smiling, a portrait of a gentleman": ("Smiling", False),
    "spectacles and a man": ("Eyeglasses", True),
    "a photo, a woman and glasses": ("Eyeglasses", True),
    "without glasses, a man": ("Eyeglasses", False),
    "an old face of a gentleman": ("Male", True),
    "a face of a young lady": ("Male", False),
    "blonde, a young woman": ("Blond_Hair", True),
    "black hair, a face of a woman": ("Black_Hair", True),
}


def metrics(generator, folder=None, log=None):
    """All that the card says of a text-to-image model."""
    log, found = log or (lambda words: None), {}
    for judge, name, prompts in (("digits", "mnist", [f"a handwritten digit {number}" for number in captions.NUMBERS]),
                                 ("fashion", "fashion", [captions.photo(thing) for thing in captions.GARMENTS])):  # fmt: skip
        judge = checkpoints.judge(judge)
        shares = [
            (judge(as_known(drawn(generator, prompt, SEEDS), judge)).argmax(1) == i).mean() for i, prompt in enumerate(prompts)
        ]
        found |= {f"{name}_obeyed": figure(np.mean(shares)),
                  f"{name}_obeyed_by_class": _named(judge.classes, shares),
                  f"{name}_test_images_judged_right": judge.card["metrics"]["test_accuracy"],
                  f"{name}_test_images_judged_right_by_class": judge.card["metrics"]["test_accuracy_by_class"]}  # fmt: skip
        log(f"{name}: {found[f'{name}_obeyed']}")
    return found | _faces(generator, folder, log) | _flowers(generator, folder, log)


def drawn(generator, prompt, n, negative_prompt="", batch=25):
    """n pictures of a prompt, float32 (n, 64, 64, 3), from the noises that seeds 0 to n - 1 give in the page."""
    embeddings = generator.embed(prompt, negative_prompt)
    noise = np.concatenate([generator.prior(1, seed) for seed in range(n)])
    return np.concatenate([generator.decode(noise[i : i + batch], embeddings) for i in range(0, n, batch)])


def as_known(images, judge):
    """Pictures (n, 64, 64, 3) as a judge of grey 28 x 28 pictures knows them: halved, without the margin."""
    if judge.image_shape[-1] == 3:
        return images
    grey = images.mean(-1, keepdims=True)
    return grey.reshape(-1, 32, 2, 32, 2, 1).mean((2, 4))[:, 2:-2, 2:-2]


def _faces(generator, folder, log):
    judge = checkpoints.judge("faces")
    images, attributes = data.load("celeba", "validation", judge.image_shape[0], folder)
    real, asked, given = judge(images) > 0.5, {}, {}
    for prompt, (attribute, wanted) in (PORTRAITS | OTHERWISE).items():
        which = judge.classes.index(attribute)
        asked[prompt] = figure(((judge(drawn(generator, prompt, FACES))[:, which] > 0.5) == wanted).mean())
        given[prompt] = figure((real[attributes[:, which] == wanted, which] == wanted).mean())
        log(f"{prompt}: {asked[prompt]}")
    prompt, negative = NEGATIVE
    glasses = judge.classes.index("Eyeglasses")
    without = (judge(drawn(generator, prompt, FACES, negative))[:, glasses] > 0.5).mean()
    usual, otherwise = ({key: asked[key] for key in prompts} for prompts in (PORTRAITS, OTHERWISE))
    return {"portraits_as_asked": usual, "portraits_as_asked_in_wordings_of_no_caption": otherwise,
            "real_faces_judged_right": {key: given[key] for key in PORTRAITS}, "glasses_asked_for": asked[prompt],
            "glasses_asked_for_and_in_the_negative_prompt": figure(without)}  # fmt: skip


def _flowers(generator, folder, log):
    judge = checkpoints.judge("flowers")
    counts = np.bincount(pictures("flowers", folder=folder)[1], minlength=len(data.FLOWERS))
    commonest = np.argsort(-counts, kind="stable")[:COMMONEST]
    images, labels = data.load("flowers", "test", judge.image_shape[0], folder)
    top = _in_top_5(judge(images), labels)
    shares = [_in_top_5(judge(drawn(generator, captions.photo(data.FLOWERS[i]), SEEDS)), i).mean() for i in commonest]
    log(f"flowers: {np.mean(shares):.3f}")
    names = [data.FLOWERS[i] for i in commonest]
    real = [top[labels == i].mean() for i in commonest]
    return {
        "flowers_obeyed_top_5": figure(np.mean(shares)),
        "flowers_obeyed_top_5_by_class": _named(names, shares),
        "flowers_test_images_judged_right_top_5": figure(top[np.isin(labels, commonest)].mean()),
        "flowers_test_images_judged_right_top_5_by_class": _named(names, real),
    }


def _in_top_5(probabilities, labels):
    return (np.argsort(-probabilities, axis=1)[:, :5] == np.reshape(labels, (-1, 1))).any(1)


def _named(names, shares):
    return {name: figure(share) for name, share in zip(names, shares, strict=True)}
