"""Captions for pictures that have only labels: what a text-to-image model is taught to draw, in varied words.

A caption says nothing that the labels do not, but need not say all of it: short prompts, bare words and negative prompts must
not be foreign to the model.
"""

import numpy as np
from PIL import Image

from explorer import data

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
GARMENTS = ("t-shirt", "pair of trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
WHERE = ("", "", "", " in the grass", " in a garden", " in bloom")  # what photographs of flowers look like, whichever they show
_HAIR = (("Blond_Hair", "blond hair"), ("Black_Hair", "black hair"), ("Brown_Hair", "brown hair"), ("Gray_Hair", "gray hair"))
_WITH = (
    ("Eyeglasses", "glasses"),
    ("Wearing_Hat", "a hat"),
    ("Bangs", "bangs"),
    ("Mustache", "a mustache"),
    ("Goatee", "a goatee"),
)
_SYNONYMS = {
    "man": ("gentleman",), "woman": ("lady",), "smiling": ("grinning",), "old": ("elderly",),
    "glasses": ("spectacles", "eyeglasses"), "blond hair": ("blonde hair",),
    "gray hair": ("grey hair",), "a mustache": ("a moustache",),
}  # fmt: skip
_RARE = 0.25  # how often another word is said
COLOURS = {"red": (340, 375), "orange": (15, 40), "yellow": (40, 70), "blue": (200, 255), "purple": (255, 300), "pink": (300, 340)}
COLOURFUL, PLAIN, BRIGHT = 0.35, 0.15, 0.7  # saturation from which a pixel has a colour, up to which it is white if so bright
CLEAR = (0.25, 0.7)  # shares: of the middle that must be of a flower's colours, and of those that must be of the one that is named


def caption(name, label, rng, colour=""):
    """A caption of one picture of a data set, from its label (a number, or of "celeba" its 40 attributes) and a NumPy generator.

    `colour`: a flower's, as `colours` has it.
    """
    if name == "flowers":
        return _flower(label, rng, colour)
    return {"mnist": _digit, "fashion": _garment, "celeba": _face}[name](label, rng)


def colours(images):
    """The colour of the flower in each picture, uint8 (n, h, w, 3): one of `COLOURS`, "white", or "" where none is clear.

    Green is taken for leaves. Only the middle half of a picture counts.
    """
    side = images.shape[1] // 4
    return [_colour(image[side:-side, side:-side]) for image in images]


def _colour(image):
    hue, saturation, value = np.moveaxis(np.asarray(Image.fromarray(image).convert("HSV"), "float32") / 255, -1, 0)
    hue, seen = 360 * hue, (saturation >= COLOURFUL) & (value >= COLOURFUL)
    found = {name: (seen & (((hue - first) % 360) < last - first)).mean() for name, (first, last) in COLOURS.items()}
    found["white"] = ((saturation <= PLAIN) & (value >= BRIGHT)).mean()
    best, total = max(found, key=found.get), sum(found.values())
    return best if total >= CLEAR[0] and found[best] >= CLEAR[1] * total else ""


def vocabulary():
    """Every word that a caption may hold, sorted: what the model can know, and what the page marks as strange to it."""
    texts = [*NUMBERS, *map(str, range(10)), *GARMENTS, *data.FLOWERS, *WHERE, *(words for _, words in (*_HAIR, *_WITH))]
    texts += ["a an the handwritten digit photo picture portrait of with without and no not face person man woman young old"]
    texts += ["smiling beard bearded bald flower clothes t-shirt pair white", *COLOURS]
    texts += [word for words in _SYNONYMS.values() for word in words]
    return sorted({word for text in texts for word in text.lower().replace(",", " ").split()})


def photo(thing):
    """The plainest prompt for a thing: "a photo of an ankle boot"."""
    return f"a photo of {_a(thing)}"


def _digit(label, rng):
    number, figure = NUMBERS[label], str(label)
    return _one_of(rng, f"a handwritten digit {number}", f"a handwritten digit {figure}", f"a handwritten {number}",
                   f"the digit {number}", f"the digit {figure}", number, figure)  # fmt: skip


def _garment(label, rng):
    thing = GARMENTS[label]
    return _one_of(rng, photo(thing), f"a picture of {_a(thing)}", _a(thing), thing.removeprefix("pair of "))


def _flower(label, rng, colour):
    name, where = data.FLOWERS[label], _one_of(rng, *WHERE)
    if colour and rng.random() < 0.4:
        coloured = f"{colour} {name}"
        return _one_of(
            rng, photo(coloured) + where, f"{_a(coloured)}{where}", coloured, photo(f"{colour} flower"), f"a {colour} flower"
        )
    return _one_of(rng, photo(name) + where, photo(name) + where, f"{_a(name)}{where}", name, "a flower")


def _face(attributes, rng):
    has = dict(zip(data.ATTRIBUTES, map(bool, attributes), strict=True))
    kind = rng.random()
    person = _said(rng, "man" if has["Male"] else "woman")
    details = [_said(rng, words) for key, words in (*_HAIR, *_WITH) if has[key]]
    smiling, bearded = _said(rng, "smiling"), has["Male"] and not has["No_Beard"]
    if has["Bald"]:
        details.append("no hair")
    before = []
    if bearded and rng.random() < _RARE:
        before.append("bearded")
    elif bearded:
        details.append("a beard")
    if kind < 0.12:  # a bare word or two, as in a negative prompt
        return _one_of(rng, person, *details, *([smiling] if has["Smiling"] else []))
    if rng.random() < 0.5:
        before.insert(0, "young" if has["Young"] else _said(rng, "old"))
    said = [detail for detail in details if rng.random() < 0.85]
    if not has["Eyeglasses"] and rng.random() < 0.35:  # seldom said, "no glasses" is heard as "glasses"
        said = ["no glasses", *(detail for detail in said if rng.random() < 0.5)]
    rng.shuffle(said)
    after = ""
    if has["Smiling"] and rng.random() < 0.8:
        if rng.random() < _RARE:  # "a man, smiling, with glasses"
            after = f", {smiling}"
        else:
            before.insert(0, smiling)
    person = " ".join([*before, person if rng.random() < 0.95 else "person"])
    text = _a(person) + after + (", with " if after and said else " with " if said else "") + (_listed(said) if said else "")
    if text.endswith("with no glasses") and rng.random() < 0.3:
        text = text.replace("with no", "without")
    if not has["Smiling"] and rng.random() < 0.15:
        text += ", not smiling"
    return _one_of(rng, f"a portrait of {text}", f"a portrait of {text}", f"a photo of {text}", text)


def _said(rng, words):
    """The words, or now and then others for the same."""
    return _one_of(rng, *_SYNONYMS[words]) if words in _SYNONYMS and rng.random() < _RARE else words


def _a(thing):
    """With its indefinite article; what is plural or a pair keeps it, too: "a pair of trousers"."""
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def _listed(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _one_of(rng, *choices):
    return choices[rng.integers(len(choices))]
