"""Captions for pictures that have only labels: what a text-to-image model is taught to draw, in varied words.

A caption says nothing that the labels do not, but need not say all of it: short prompts, bare words and negative prompts must
not be foreign to the model.
"""

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


def caption(name, label, rng):
    """A caption of one picture of a data set, from its label (a number, or of "celeba" its 40 attributes) and a NumPy generator."""
    return {"mnist": _digit, "fashion": _garment, "flowers": _flower, "celeba": _face}[name](label, rng)


def vocabulary():
    """Every word that a caption may hold, sorted: what the model can know, and what the page marks as strange to it."""
    texts = [*NUMBERS, *map(str, range(10)), *GARMENTS, *data.FLOWERS, *WHERE, *(words for _, words in (*_HAIR, *_WITH))]
    texts += ["a an the handwritten digit photo picture portrait of with without and no not face person man woman young old"]
    texts += ["smiling beard bald flower clothes t-shirt pair"]
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


def _flower(label, rng):
    name, where = data.FLOWERS[label], _one_of(rng, *WHERE)
    return _one_of(rng, photo(name) + where, photo(name) + where, f"{_a(name)}{where}", name, "a flower")


def _face(attributes, rng):
    has = dict(zip(data.ATTRIBUTES, map(bool, attributes), strict=True))
    kind = rng.random()
    person = "man" if has["Male"] else "woman"
    details = [words for key, words in (*_HAIR, *_WITH) if has[key]]
    if has["Bald"]:
        details.append("no hair")
    if has["Male"] and not has["No_Beard"]:
        details.append("a beard")
    if kind < 0.12:  # a bare word or two, as in a negative prompt
        return _one_of(rng, person, *details, *(["smiling"] if has["Smiling"] else []))
    before = []
    if has["Smiling"] and rng.random() < 0.8:
        before.append("smiling")
    if rng.random() < 0.5:
        before.append("young" if has["Young"] else "old")
    said = [detail for detail in details if rng.random() < 0.85]
    if not has["Eyeglasses"] and rng.random() < 0.35:  # seldom said, "no glasses" is heard as "glasses"
        said = ["no glasses", *(detail for detail in said if rng.random() < 0.5)]
    rng.shuffle(said)
    person = " ".join([*before, person if rng.random() < 0.95 else "person"])
    text = _a(person) + (" with " + _listed(said) if said else "")
    if text.endswith("with no glasses") and rng.random() < 0.3:
        text = text.replace("with no", "without")
    if not has["Smiling"] and rng.random() < 0.15:
        text += ", not smiling"
    return _one_of(rng, f"a portrait of {text}", f"a portrait of {text}", f"a photo of {text}", text)


def _a(thing):
    """With its indefinite article; what is plural or a pair keeps it, too: "a pair of trousers"."""
    return f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}"


def _listed(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _one_of(rng, *choices):
    return choices[rng.integers(len(choices))]
