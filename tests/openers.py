"""What opens a view, or is offered in it by name, judged as it is named: the very lists that the page shows.

Each function gives {what is offered: share of its draws that the card's own witness takes for what it is called}; where nothing
is drawn by chance the share is 0 or 1. `OPENERS` names them.
"""

import re

import numpy as np

from explorer import checkpoints, data, views
from explorer.state import parse_strictly
from explorer.training.captions import GARMENTS, NUMBERS
from explorer.training.prompt_adherence import as_known
from explorer.views import points
from explorer.views.faces import pictures as faces
from explorer.views.why_a_vae import pictures as why

SEEDS, TOP = 10, 5
# what a title of the faces view says of a face: an attribute, and whether it is there afterwards
TITLES = {
    "A smile": ("Smiling", True),
    "Glasses on": ("Eyeglasses", True),
    "Glasses off": ("Eyeglasses", False),
    "Older": ("Young", False),
    "Blond": ("Blond_Hair", True),
}
# what a word of a prompt says of the face that is drawn
WORDS = {
    "woman": ("Male", False), "man": ("Male", True), "smiling": ("Smiling", True), "old": ("Young", False), "young": ("Young", True),
    "black hair": ("Black_Hair", True), "blond hair": ("Blond_Hair", True), "glasses": ("Eyeglasses", True),
}  # fmt: skip


def witness(card):
    """The judge whose word about a model's pictures is told."""
    return checkpoints.judge(checkpoints.witness(card))


def shown(fits):
    """The cards of all models that have what `fits` asks for."""
    return [card for card in checkpoints.models() if fits(card)]


def in_planes():
    """The places and walks below the planes, at both ends: "0 to 6"."""
    found = {}
    for card in shown(lambda card: "latent-plane" in card.get("views", ["latent-plane"])):
        for start in (*card.get("walks", ()), *card.get("examples", ())):
            if not isinstance(start, dict):
                continue
            judge, places = witness(card), [start[key] for key in ("z", "to") if key in start]
            seen = judge(checkpoints.load(card["name"]).decode(np.array(places, "float32"))).argmax(1)
            named = {"From trousers to sweaters": ["Trouser", "Pullover"]}.get(start["title"], start["title"].split(" to "))
            found[f"{card['name']}: {start['title']}"] = float([judge.classes[i] for i in seen] == named)
    return found


def of_faces():
    """The faces view's starters: the attribute is not as the title says before, and is afterwards."""
    found = {}
    for card in shown(lambda card: card.get("face_examples")):
        judge = witness(card)
        for start in card["face_examples"]:
            state = views.complete({"view": "faces", "model": card["name"], **parse_strictly(start["state"])})
            attribute, wanted = TITLES[start["title"]]
            both = checkpoints.load(card["name"]).decode(np.stack([faces.base(state), faces.point(state)]))
            seen = judge(both)[:, judge.classes.index(attribute)] > 0.5
            found[f"{card['name']}: {start['title']}"] = float(seen.tolist() == [not wanted, wanted])
    return found


def of_sums():
    """Man with glasses - man + woman: of the button in Faces, of the three that Morph opens on, and of the chapter's means."""
    card = checkpoints.card(faces.DEFAULT_MODEL)
    generator, judge = checkpoints.load(card["name"]), witness(card)

    def share(z):
        return women_with_glasses(judge(generator.decode(np.stack(z))), judge.classes)

    def summed(three):
        return points.total(points.corners_of({"model": card["name"], "corners": [f"g{i}" for i in three]}))

    nine = [why.arithmetic(why.complete({"chapter": "arithmetic", "seed": seed}))[0][-1][1] for seed in range(SEEDS)]
    return {
        "Faces: Man with glasses − man + woman": share([summed(three) for three in card["sums"]]),
        "Morph: A − B + C": share([summed(card["sums"][0])]),
        "Why a VAE?: arithmetic": women_with_glasses(judge(np.stack([images[4] for images in nine])), judge.classes),
    }


def of_garments():
    """The ten garments that a chapter opens with, each of its class."""
    judge, images = checkpoints.judge("fashion"), why.garments(why.complete({}))
    return {
        f"Why a VAE?: {name}": float(i == seen)
        for i, (name, seen) in enumerate(zip(data.GARMENTS, judge(images).argmax(1), strict=True))
    }


def women_with_glasses(probabilities, names):
    """Share of a judge's probabilities (n, k) that say a woman with glasses."""
    seen = probabilities[:, [names.index("Male"), names.index("Eyeglasses")]] > 0.5
    return float((seen == [False, True]).all(1).mean())


def by_class(kinds=("gan", "diffusion"), seeds=SEEDS):
    """Models that draw by class: each class, from so many seeds (of a GAN, which is quick, from twenty times as many), as far from
    the prior's mean as the page draws by chance."""
    found = {}
    for card in shown(lambda card: card.get("conditional") and card["kind"] in kinds):
        generator, judge = checkpoints.load(card["name"]), witness(card)
        drawn = range(20 * seeds if card["kind"] == "gan" else seeds)
        noise = np.concatenate([generator.prior(1, seed) for seed in drawn])
        noise = points.truncated(generator, noise, card.get("truncation", 1))
        for label, name in enumerate(card["classes"]):
            found[f"{card['name']}: {name}"] = float((judge(generator.decode(noise, label=label)).argmax(1) == label).mean())
    return found


def prompts():
    """Every prompt that the text view opens with or offers, by model."""
    cards = shown(lambda card: card["kind"] == "text-to-image")
    return {card["name"]: list(dict.fromkeys([*card["prompts"], *sum(card["examples"], [])])) for card in cards}


def by_prompt(seeds=SEEDS):
    """The text view's prompts, each from so many seeds."""
    found = {}
    for name, texts in prompts().items():
        generator = checkpoints.load(name)
        noise = np.concatenate([generator.prior(1, seed) for seed in range(seeds)])
        for text in texts:
            found[f"{name}: {text}"] = float(as_prompted(text, generator.decode(noise, text)).mean())
    return found


def as_prompted(text, images):
    """Whether a judge sees in each picture (n, 64, 64, 3) what a prompt of faces, flowers, digits or clothes says: bool (n,). Of a
    flower it is enough to be among the judge's first five of 102, of which it knows three of four photographs at once."""
    words = re.compile(r"\b(" + "|".join(WORDS) + r")\b")
    if "portrait" in text:
        judge = checkpoints.judge("faces_second")
        asked = [WORDS[word] for word in words.findall(text)]
        seen = judge(images) > 0.5
        return np.all([seen[:, judge.classes.index(attribute)] == wanted for attribute, wanted in asked], 0)
    for name, things in (("digits", NUMBERS), ("fashion", GARMENTS)):
        label = next((i for i, thing in enumerate(things) if text.endswith(thing)), None)
        if label is not None:
            judge = checkpoints.judge(name)
            return judge(as_known(images, judge)).argmax(1) == label
    label = next(i for i, flower in enumerate(data.FLOWERS) if text.endswith(flower))
    return (np.argsort(-checkpoints.judge("flowers")(images), axis=1)[:, :TOP] == label).any(1)


OPENERS = (in_planes, of_faces, of_sums, of_garments, by_class, by_prompt)
