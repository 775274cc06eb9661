"""From a state of the view "Why a VAE?" to its pictures: the autoencoder family and the GANs side by side, chapter by chapter.

A chapter is a few rows of pictures, each with what was made of the same garments.
"""

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.state import StateError
from explorer.views.drawn import Drawn, NoPicture

TITLE = "Why a VAE?"
KEYS = frozenset({"chapter", "seed", "source", "noise", "amount", "label", "z", "epoch", "hidden", "center", "extent"})
WHATS = ("grid",)
CHAPTERS = {
    "linear": "Linear is PCA",
    "deeper": "Deeper",
    "denoising": "Denoising",
    "sparse": "Sparse",
    "codings": "Map",
    "holes": "Holes",
    "labels": "Few labels",
    "gans": "GANs",
    "arithmetic": "Arithmetic",
}
MEMBERS = {
    "linear": ("fashion-linear-ae",),
    "deeper": ("fashion-stacked-ae", "fashion-tied-ae", "fashion-greedy-ae", "fashion-conv-ae"),
    "denoising": ("fashion-denoising-ae", "fashion-denoising-gaussian-ae"),
    "sparse": ("fashion-stacked-ae", "fashion-sparse-l1-ae", "fashion-sparse-kl-ae"),
    "codings": ("fashion-stacked-ae",),
    "holes": ("fashion-ae", "fashion-vae", "fashion-vae-10d"),
    "labels": ("fashion-denoising-ae",),
    "gans": ("fashion-gan", "fashion-dcgan", "fashion-cgan"),
    "arithmetic": ("celeba-vae",),
}
GREEDY, LINEAR = "fashion-greedy-ae", "fashion-linear-ae"
PLANES = MEMBERS["holes"][:2]  # those that one drags across
START = 1  # the seed of the first garments: the judge takes all ten for what they are to be
EXAMPLE = 8  # of the garments, a bag: what is corrupted and repaired at first
REPAIRERS = dict(zip(("dropout", "gaussian"), MEMBERS["denoising"], strict=True))
ARTIST = "fashion-cgan"  # draws the garments that all are shown
GROUPS = (("a man with glasses", True, True), ("a man", True, False), ("a woman", False, False))  # male, glasses
TRIPLE, NEIGHBOUR = 3, 0.35  # faces in a mean; how far the neighbours of their sum lie, in standard deviations of the codes
DRAWN = 10  # pictures of a GAN in a row
ROWS = {"gans": 1, "arithmetic": 3, "denoising": 4, "linear": 3, "deeper": 7, "sparse": 4, "codings": 2, "holes": 4}  # at most


def is_here():
    """Whether there is the model that draws its garments."""
    return ARTIST in checkpoints.names()


def complete(state):
    """A state of this view with the defaults filled in; StateError says what does not fit."""
    chapter = state.get("chapter", "linear")
    seed = 0 if chapter in ("gans", "arithmetic") else START
    full = {"view": "why-a-vae", "what": "grid", "chapter": chapter, "seed": seed, "source": "drawn", "noise": "dropout",
            "amount": 0.5, "label": EXAMPLE if chapter == "denoising" else 0} | state  # fmt: skip
    if chapter == "gans":
        full.setdefault("model", "fashion-dcgan")
    if chapter not in ("gans", "holes") and "model" in full:
        raise StateError(f"chapter {chapter} shows models of its own: leave model out, got {full['model']}", "model")
    if full.get("model", MEMBERS[chapter][0]) not in MEMBERS[chapter]:
        raise StateError(f"model must be one of {', '.join(MEMBERS[chapter])} in chapter {chapter}, got {full['model']}", "model")
    if full["label"] >= len(data.GARMENTS):
        raise StateError(f"label must be a garment from 0 to {len(data.GARMENTS) - 1}, got {full['label']}", "label")
    _check_shown(full)
    if full["noise"] == "dropout" and full["amount"] > 0.95:
        raise StateError("amount must be at most 0.95 where noise is dropout: a picture without pixels says nothing", "amount")
    if full["source"] == "test" and not data.at_hand("fashion"):
        raise StateError(
            "source test shows real test images, and none are here: name a folder with fashion_mnist.npz in EXPLORER_DATA",
            "source",
        )
    return full


def _check_shown(state):
    """StateError for points and an epoch that the page of the state's chapter does not show; its files are the same with any."""
    chapter = state["chapter"]
    if "z" in state:
        if chapter not in ("holes", "codings"):
            raise StateError(f"z means nothing in chapter {chapter}: only holes and codings have planes", "z")
        wanted = {
            "holes": "4 numbers, the point of the first plane and that of the second",
            "codings": "2 numbers, a place on the map",
        }
        if len(state["z"]) != (4 if chapter == "holes" else 2):
            raise StateError(f"z must be {wanted[chapter]}, got {len(state['z'])}", "z")
    for key in ("hidden", "center", "extent"):
        if key in state and chapter != "codings":
            raise StateError(f"{key} means nothing in chapter {chapter}: only codings has a map", key)
    hidden, most = state.get("hidden", ()), len(data.GARMENTS) - 1
    if any(label > most for label in hidden):
        kept = tuple(label for label in hidden if label <= most)
        raise StateError(f"hidden must be garments from 0 to {most}, got {','.join(map(str, hidden))}", "hidden", kept)
    if "epoch" in state:
        last = checkpoints.card(state["model"]).get("drawn", {}).get("epochs", 0) if chapter == "gans" else 0
        if not last:
            raise StateError("epoch needs a GAN whose drawings were kept after each epoch, in chapter gans", "epoch")
        if state["epoch"] > last:
            raise StateError(f"epoch must be a whole number from 1 to {last} for {state['model']}, got {state['epoch']}", "epoch")


def garments(state):
    """The ten garments that every model is shown, one of each class: float32 (10, 28, 28, 1)."""
    if state["source"] == "test":
        images, labels = data.load("fashion", "test")
        rng = np.random.default_rng(state["seed"])
        return images[[rng.choice(np.flatnonzero(labels == i)) for i in range(len(data.GARMENTS))]]
    artist = checkpoints.load(ARTIST)
    return artist.decode(artist.prior(len(data.GARMENTS), state["seed"]), label=np.arange(len(data.GARMENTS)))


def corrupted(images, noise, amount, seed=0):
    """Pictures as training corrupts them, (n, h, w, c): "dropout" takes away a share of the pixels and makes the others brighter
    by as much; "gaussian" adds noise of that standard deviation. Not kept in [0, 1]."""
    rng = np.random.default_rng(seed)
    if noise == "gaussian":
        return images + np.float32(amount) * rng.standard_normal(images.shape, dtype="float32")
    return images * (rng.random(images.shape, dtype="float32") >= amount) / np.float32(1 - amount)


def reconstructed(name, images):
    """What a model makes of pictures (n, 28, 28, 1), whose own are larger by a margin or as large."""
    model = checkpoints.load(name)
    margin = (model.image_shape[0] - images.shape[1]) // 2
    padded = np.pad(images, ((0, 0), (margin, margin), (margin, margin), (0, 0)))
    found = model.reconstruct(padded)
    return found[:, margin : margin + images.shape[1], margin : margin + images.shape[2]]


def by_pca(images):
    """What 30 principal components say of pictures: (n, 28, 28, 1) in [0, 1]."""
    stored = checkpoints.arrays(LINEAR, checkpoints.PCA)
    mean, components = stored["mean"], stored["components"].astype("float32")
    flat = images.reshape(len(images), -1) - mean
    return np.clip(flat @ components.T @ components + mean, 0, 1).reshape(images.shape)


def rows(state):
    """The rows of a complete state's chapter: [{"title", "words", "images" float32 (n, h, w, c)}]; a model that cannot be loaded
    has "error" in place of "images", and the others are shown."""
    chapter = state["chapter"]
    if chapter == "gans":
        return [_row(state["model"], lambda: drawn(state), told=True)]
    if chapter == "arithmetic":
        return [{"title": title, "words": "", "images": images} for title, images in arithmetic(state)[0]]
    images = garments(state)
    whence = "real test images" if state["source"] == "test" else f"drawn by {ARTIST}"
    found = [{"title": "The garments", "words": whence, "images": images}]
    if chapter == "denoising":
        noisy = corrupted(images, state["noise"], state["amount"], state["seed"])
        found.append({"title": "Corrupted", "words": "", "images": np.clip(noisy, 0, 1)})
        found.append(_row(REPAIRERS[state["noise"]], lambda: reconstructed(REPAIRERS[state["noise"]], noisy)))
        found.append(_row(LINEAR, lambda: by_pca(noisy), "PCA, 30 components"))
        return found
    if chapter in ("linear", "deeper"):
        found.append(_row(LINEAR, lambda: by_pca(images), "PCA, 30 components"))
    for name in MEMBERS[chapter]:
        if name == GREEDY:
            found.append(
                _row(name, lambda: checkpoints.load(GREEDY).first_layer_only(images), "One layer at a time: the first alone")
            )
        found.append(_row(name, lambda name=name: reconstructed(name, images)))
    return found


def _row(name, make, title=None, told=False):
    """A row by a model, with its card's figures."""
    try:
        card = checkpoints.card(name)
        return {"title": title or _capital(card["title"].partition(": ")[2]), "words": "" if title else figures(card, told),
                "images": make()}  # fmt: skip
    except (KeyError, checkpoints.CheckpointError) as error:
        return {"title": title or name, "words": "", "error": missing(name, error)}


def missing(name, error):
    """What the page says of a model that it cannot show."""
    return str(error) if isinstance(error, checkpoints.CheckpointError) else f"checkpoints/{name} is not here: its row is left out"


def _capital(words):
    return words[:1].upper() + words[1:]


def figures(card, told=False):
    """What stands under a model's row: its card's own figures."""
    count = sum(card["parameters"].values())
    if told:
        return f"{card['latent_shape'][0]} numbers of noise · {count:,} parameters"
    error = card["metrics"].get("mse_before_clipping", card["metrics"].get("mse_at_z_mean"))  # as PCA's is
    measured = "" if error is None else f" · test MSE {error:.4f}"
    return f"{card['latent_shape'][0]} codes · {count:,} parameters{measured}"


def drawn(state):
    """What a GAN draws from the noise of the state's seed: (10, 28, 28, 1), all of one garment if it can be asked."""
    generator = checkpoints.load(state["model"])
    label = state["label"] if generator.card["conditional"] else None
    return generator.decode(generator.prior(DRAWN, state["seed"]), label=label)


def verdicts(state, images):
    """The discriminator's probability that each is real: (n,)."""
    generator = checkpoints.load(state["model"])
    return generator.verdict(images, state["label"] if generator.card["conditional"] else None)


def sums(state):
    """A - B + C of mean codes, each of three faces of the gallery: [(title, codes float32 (n, d))], of each kind three and their
    mean, at last the sum among its neighbours.

    Figure 17-17 of the book: the sum stands in the middle of 3 x 3, its neighbours a little off. Which faces is the seed's choice
    among those of the card's `sum_faces`, of whose sums it is known that they are mostly what they are called; where there are
    none, among all that the judge takes for what they are to be.
    """
    name = MEMBERS["arithmetic"][0]
    gallery = checkpoints.encodings(name)
    card = checkpoints.card(name)
    names = card["attributes"]
    male, glasses = (gallery.labels[:, names.index(key)].astype(bool) for key in ("Male", "Eyeglasses"))
    rng, means, found = np.random.default_rng(state["seed"]), [], []
    known = card.get("sum_faces", [[], [], []])
    for (title, is_male, has_glasses), some in zip(GROUPS, known, strict=True):
        candidates = np.array(some, int) if some else np.flatnonzero((male == is_male) & (glasses == has_glasses))
        if len(candidates) < TRIPLE:
            raise StateError(f"the gallery of {name} has fewer than {TRIPLE} faces of the kind: {title}")
        codes = gallery.z_mean[rng.choice(candidates, TRIPLE, replace=False)]
        means.append(codes.mean(0))
        found.append((title, np.concatenate([codes, means[-1:]])))
    total = means[0] - means[1] + means[2]
    offsets = rng.standard_normal((9, len(total)), dtype="float32") * NEIGHBOUR * gallery.z_mean.std(0)
    offsets[4] = 0
    return [*found, ("a man with glasses − a man + a woman", (total + offsets).astype("float32"))]


def arithmetic(state):
    """What `sums` says, decoded: ([(title, pictures)], what the judge sees in the sum)."""
    name = MEMBERS["arithmetic"][0]
    model, card = checkpoints.load(name), checkpoints.card(name)
    found = [(title, model.decode(codes)) for title, codes in sums(state)]
    judged = checkpoints.judge(checkpoints.witness(card))(found[-1][1][4:5])[0]
    names = card["attributes"]
    seen = {"woman": 1 - judged[names.index("Male")], "glasses": judged[names.index("Eyeglasses")]}
    return found, {key: round(float(p), 3) for key, p in seen.items()}


def pictures(state, moving=False):
    """What a complete state shows, as `Drawn`: the rows of its chapter."""
    chapter = state["chapter"]
    if chapter == "labels":
        raise NoPicture("chapter labels has figures and no pictures: choose another chapter", "chapter")
    columns = 2 * TRIPLE + 1 if chapter == "arithmetic" else DRAWN if chapter == "gans" else len(data.GARMENTS)
    side = checkpoints.card(MEMBERS[chapter][0])["image_shape"] if chapter == "arithmetic" else (28, 28, 1)
    return Drawn(lambda: _sheet(state), ROWS[chapter] * columns, tuple(side), columns, size=112)


def _sheet(state):
    """The pictures of all rows, one row after the other: uint8 (n, h, w, c)."""
    found = [imaging.to_bytes(row["images"]) for row in rows(state) if "images" in row]
    if state["chapter"] == "arithmetic":
        *parts, nine = found
        found = [np.concatenate([part, nine[3 * i : 3 * i + 3]]) for i, part in enumerate(parts)]
    return np.concatenate(found)
