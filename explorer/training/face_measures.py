"""What is measured of a face model: its directions' statistics, their receipts, and how good its faces are.

Measured on CelebA's validation ids by a judge of attributes that saw training ids only and took no part: the recipe's
`held_out_judge`. The directions and the encoder were learned against its `judge`, which says the same of the pushes beside it. A
push is z_mean plus an amount times a direction, decoded.
"""

import logging

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.data import SIX
from explorer.generators.base import Generator
from explorer.generators.directions import HOLDS, Directions
from explorer.training import learned_directions, mixture
from explorer.training.measures import encode, figure, kernel_distance, kl_by_dimension, principal_components, spread

_log = logging.getLogger(__name__)

AMOUNTS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0)
RECEIPT_FACES = 160
GALLERY = 240
OF_A_KIND, TRIED = 10, 2000  # faces of each kind that sums are of; sums of three that are looked at to find them
SUMS, OFTENEST, SURE = 12, 3, 0.8  # sums of single faces; in how many a face may be; how sure the judge must be of them
CLEAR = 0.25  # from 0 or 1, at most: what the judge says of a face that stands for a kind
HAIR = {"Blond_Hair", "Black_Hair"}  # of which one takes the other away
RANGES, AS_SURE = np.arange(0.5, 4.01, 0.5), 0.01  # where a slider may end; how near to the most certain it must get
BINS = np.linspace(-4, 4, 41)


def statistics(z, attributes):
    """Class means float (k, 2, d), counts int (k, 2) and covariance float (d, d) of codes z (n, d) by attributes (n, k)."""
    having = attributes.astype("float64")
    counts = np.stack([len(z) - having.sum(0), having.sum(0)], 1)
    sums = np.stack([(1 - having).T @ z, having.T @ z], 1)
    return sums / counts[..., None], counts.astype("int64"), np.cov(z.T.astype("float64"))


def toward(directions, name, how):
    """An attribute's direction: "free", or with the rest of the six held still in one of the ways of `HOLDS`."""
    if how == "free":
        return directions.direction(name)
    return directions.direction(name, [other for other in SIX if other != name], how)


def judged(generator, judge, z):
    """The judge's probabilities of the decoded z (n, d): float32 (n, k)."""
    return said_by(generator, [judge], z)[0]


def said_by(generator, judges, z, batch=256):
    """The same of several judges, of faces that are decoded once."""
    decoded = (generator.decode(z[i : i + batch]) for i in range(0, len(z), batch))
    return [np.concatenate(parts) for parts in zip(*([judge(some) for judge in judges] for some in decoded), strict=True)]


def receipts(generator, directions, judge, z, attributes):
    """What one unit of each direction does to every attribute: {hold: (k, k)}, mean change of the judge's probability.

    Row: the direction. "free": nothing held; the others of `HOLDS`: the rest of the six held still, that way. Measured
    both ways, adding where the face lacks the attribute and taking away where it has it, as a gain of the attribute.
    """
    before, changes = judged(generator, judge, z), {}
    for how in ("free", *HOLDS):
        if how == "learned" and not directions.learned:
            continue
        rows = []
        for i, name in enumerate(directions.names):
            v = toward(directions, name, how)
            sign = 1 - 2.0 * attributes[:, i : i + 1]  # towards what it is not
            after = judged(generator, judge, z + (sign * v).astype("float32"))
            rows.append((sign * (after - before)).mean(0))
        changes[how] = np.array(rows)
    return changes


def flips(generator, directions, judges, z, attributes, how, amount):
    """Push all faces towards what they are not by one amount, attribute by attribute of the six.

    Returns for each judge {attribute: (share judged to have it after, share judged not to have it after taking it away, mean
    absolute change of the other five's probability)}. `amount`: lengths, or {attribute: (lengths taken away, lengths added)}.
    """
    before, found = said_by(generator, judges, z), [{} for _ in judges]
    where = [directions.names.index(name) for name in SIX]
    for name, i in zip(SIX, where, strict=True):
        taken, added = amount[name] if isinstance(amount, dict) else (amount, amount)
        has = attributes[:, i] == 1
        pushes = np.where(has, -taken, added)[:, None] * toward(directions, name, how)
        others = [j for j in where if j != i]
        for row, was, after in zip(found, before, said_by(generator, judges, z + pushes.astype("float32")), strict=True):
            change = np.abs(after[:, others] - was[:, others]).mean()
            row[name] = (float((after[~has, i] > 0.5).mean()), float((after[has, i] < 0.5).mean()), float(change))
    return found


def ranges(generator, directions, judge, z, attributes, how):
    """How far each of the six can be pushed while the judge gets surer of it: {attribute: (lengths taken away, lengths added)},
    both positive. Each way: the least of `RANGES` at which its mean certainty is the greatest, but for `AS_SURE`. Beyond it a face
    becomes a mask, not more of what was asked for."""
    found = {}
    for name in SIX:
        i, v = directions.names.index(name), toward(directions, name, how)
        ends = []
        for sign in (-1, 1):
            lacking = z[attributes[:, i] == (sign < 0)]  # what it would become
            sure = [judged(generator, judge, lacking + np.float32(sign * amount) * v)[:, i].mean() * sign for amount in RANGES]
            ends.append(float(RANGES[np.flatnonzero(np.array(sure) >= max(sure) - AS_SURE)[0]]))
        found[name] = tuple(ends)
    return found


def least_amount(generator, directions, judge, z, attributes, how, share=0.9):
    """The least of `AMOUNTS` that flips so many of each of the six both ways, or the greatest of them."""
    for amount in AMOUNTS:
        (found,) = flips(generator, directions, [judge], z, attributes, how, amount)
        if min(min(there, away) for there, away, _ in found.values()) >= share:
            break
    return amount


def arithmetic(generator, judge, z, attributes, names, trials=100, seed=0):
    """Share of A - B + C judged a woman with glasses; A, B, C: mean codes of three men with glasses, three men, three women."""
    male, glasses = (names.index(name) for name in ("Male", "Eyeglasses"))
    groups = [np.flatnonzero((attributes[:, male] == m) & (attributes[:, glasses] == g)) for m, g in ((1, 1), (1, 0), (0, 0))]
    rng = np.random.default_rng(seed)
    a, b, c = (z[np.stack([rng.choice(group, 3, replace=False) for _ in range(trials)])].mean(1) for group in groups)
    return women_with_glasses(judged(generator, judge, a - b + c), names)


def women_with_glasses(probabilities, names):
    """Share of the judge's probabilities (n, k) that say a woman with glasses."""
    return float(((probabilities[:, names.index("Male")] < 0.5) & (probabilities[:, names.index("Eyeglasses")] > 0.5)).mean())


def glasses(probabilities, names):
    """Share of the judge's probabilities (n, k) that say somebody with glasses."""
    return float((probabilities[:, names.index("Eyeglasses")] > 0.5).mean())


def encoded(generator, split, folder):
    """Images, attributes, z_mean and z_log_var of a partition."""
    images, attributes = data.load("celeba", split, generator.image_shape[0], folder)
    return images, attributes, *encode(generator, images, 500)


def keep(card, folder, generator, data_folder):
    """Directions, gallery and receipts of a face model, and what is measured of it."""
    _log.info("learning directions, choosing the gallery, measuring receipts")
    arrays, chosen, card["amounts"], card["ranges"], pca = learn(generator, data_folder)
    np.savez_compressed(folder / checkpoints.DIRECTIONS, **arrays)
    np.savez_compressed(folder / checkpoints.ENCODINGS, **chosen)
    _log.info("fitting the mixture that random faces are drawn from")
    _add_mixture(card, folder, generator, data_folder)
    card["attributes"] = card.pop("classes")
    witness, gallery_z = checkpoints.judge(checkpoints.witness(card)), chosen["z_mean"].astype("float32")
    card["face_examples"] = examples(generator, witness, gallery_z)
    card["sum_faces"], card["sums"] = sums(generator, witness, gallery_z)
    card["views"] = ["faces", "morph"]
    card |= {
        key: card["recipe"][key] for key in ("start_face", "start_corners", "refined_by", "truncation") if key in card["recipe"]
    }
    card["learned"] = list(SIX)
    _log.info("measuring on the validation faces")
    card["metrics"] = measure(generator, data_folder, pca)
    card["view"] = {"z": [0.0] * card["latent_shape"][0], "axes": [0, 1], "center": [0.0, 0.0], "extent": 3.0}


def _add_mixture(card, folder, generator, data_folder):
    """The mixture that random faces are drawn from, fitted to the codes of the training images and of their mirror images."""
    images = data.load(card["recipe"]["data"], "train", generator.image_shape[0], data_folder)[0]
    z_mean = np.concatenate([encode(generator, way, 500)[0] for way in (images, images[:, :, ::-1])])
    np.savez_compressed(folder / checkpoints.PRIOR, **mixture.fit(z_mean, card["recipe"]["mixture"]))
    card["fitted_mixture"] = {"components": card["recipe"]["mixture"], "file": checkpoints.PRIOR}


def measure(generator, folder=None, pca=None):
    """All that the card says of a face model; `pca`: (mean, basis) of the training images, fitted anew if not given."""
    recipe, directions = generator.card["recipe"], generator.directions
    judges = {name: checkpoints.judge(name) for name in (recipe.get("held_out_judge"), recipe["judge"]) if name}
    judge = next(iter(judges.values()))
    images, attributes, z_mean, z_log_var = encoded(generator, "validation", folder)
    decoded = np.concatenate([generator.decode(z_mean[i : i + 256]) for i in range(0, len(z_mean), 256)])
    if pca is None:
        pca = principal_components(data.load("celeba", "train", generator.image_shape[0], folder)[0], z_mean.shape[1])
    mean, basis = pca
    flat = images.reshape(len(images), -1) - mean
    rebuilt = np.clip((flat @ basis) @ basis.T + mean, 0, 1).reshape(images.shape)
    kl = kl_by_dimension(z_mean, z_log_var)
    found = {
        "mse_at_z_mean": figure(np.square(images - decoded).mean(), 6),
        "mse_of_the_mean_image": figure(np.square(flat).mean(), 6),
        f"mse_pca_{z_mean.shape[1]}": figure(np.square(images - rebuilt).mean(), 6),
        "ssim_at_z_mean": figure(imaging.ssim(images, decoded).mean()),
        f"ssim_pca_{z_mean.shape[1]}": figure(imaging.ssim(images, rebuilt).mean()),
        "kl": figure(kl.sum(1).mean(), 3),
        "active_dimensions": int((kl.mean(0) > 0.01).sum()),
        "kl_by_dimension": [figure(k) for k in kl.mean(0)],
    }
    real, rebuilt_features = judge.features(images), judge.features(decoded)
    samples = judge.features(generator.decode(generator.prior(1000, seed=0)))
    plain = judge.features(generator.decode(Generator.prior(generator, 1000, seed=0)))
    names = directions.names
    said = {"photographs": judge(images), "reconstructions": judge(decoded)}
    worn = attributes[:, names.index("Eyeglasses")] == 1
    those = worn & (attributes[:, names.index("Male")] == 0)
    found |= {
        "kernel_distance_of_prior_samples": figure(kernel_distance(samples, real), 5),
        "kernel_distance_of_plain_samples": figure(kernel_distance(plain, real), 5),
        "kernel_distance_of_reconstructions": figure(kernel_distance(rebuilt_features[:1000], real), 5),
        "spread_of_prior_samples": figure(spread(samples)),
        "spread_of_plain_samples": figure(spread(plain)),
        "spread_of_reconstructions": figure(spread(rebuilt_features[:1000])),
        "a_minus_b_plus_c_is_a_woman_with_glasses": figure(arithmetic(generator, judge, z_mean, attributes, names)),
        "women_with_glasses_are_judged_so": {of: figure(women_with_glasses(p[those], names)) for of, p in said.items()},
        "glasses_seen_where_worn": {of: figure(glasses(p[worn], names)) for of, p in said.items()},
        "glasses_seen_where_not": {of: figure(glasses(p[~worn], names)) for of, p in said.items()},
    }
    hows = {f"pushed_{how}": (how, amount) for how, amount in generator.card["amounts"].items()}
    if ends := generator.card.get("ranges"):
        hows["pushed_to_the_end"] = "learned", ends["learned"]
    some = slice(None, None, 3)
    for key, (how, amount) in hows.items():
        pushes = flips(generator, directions, list(judges.values()), z_mean[some], attributes[some], how, amount)
        for name, rows in zip(judges, pushes, strict=True):
            said = {} if isinstance(amount, dict) else {"amount": amount}
            by = "" if judges[name] is judge else f"_by_{name}"
            found[f"{key}{by}"] = said | _table(directions, rows, how)
    return found


def _table(directions, pushes, how):
    return {
        name: {
            "has_it_after": figure(there),
            "lacks_it_after": figure(away),
            "others_change": figure(change),
            "length": figure(np.linalg.norm(toward(directions, name, how)), 3),
        }
        for name, (there, away, change) in pushes.items()
    }


def learn(generator, folder=None):
    """What a face model encodes: arrays of `directions.npz`, of `encodings.npz` (the gallery), the amounts that flip, the
    sliders' ends, PCA."""
    recipe = generator.card["recipe"]
    judge, held_out = checkpoints.judge(recipe["judge"]), checkpoints.judge(recipe.get("held_out_judge", recipe["judge"]))
    images, attributes, z, _ = encoded(generator, "train", folder)
    means, counts, covariance = statistics(z, attributes)
    directions = Directions(data.ATTRIBUTES, means, counts, covariance)
    some = slice(None, None, max(1, len(z) // RECEIPT_FACES))
    third = slice(None, None, 3)
    before = judged(generator, judge, z[third])
    learned = learned_directions.learn(generator, directions, judge, z[third], attributes[third], before)
    directions = Directions(data.ATTRIBUTES, means, counts, covariance, learned)
    hows = ("free", "whitened", "learned")
    amounts = {how: least_amount(generator, directions, judge, z[some], attributes[some], how) for how in hows}
    pca = principal_components(images, z.shape[1])
    _, attributes, z, z_log_var = encoded(generator, "validation", folder)
    some = slice(None, None, max(1, len(z) // RECEIPT_FACES))
    changes = receipts(generator, directions, held_out, z[some], attributes[some])
    ends = {how: ranges(generator, directions, held_out, z[some], attributes[some], how) for how in ("free", "learned")}
    drawn = z + np.exp(0.5 * z_log_var) * np.random.default_rng(0).standard_normal(z.shape)
    inside = np.clip(drawn, BINS[0] + 1e-6, BINS[-1] - 1e-6)
    histograms = np.stack([np.histogram(inside[:, i], BINS)[0] for i in range(z.shape[1])])
    arrays = {"means": means.astype("float32"), "counts": counts, "covariance": covariance.astype("float32")}
    arrays |= {"histograms": histograms.astype("uint16"), "learned": np.stack([learned[name] for name in SIX])}
    arrays |= {f"receipts_{how}": change.astype("float16") for how, change in changes.items()}
    chosen = gallery(judged(generator, judge, z), directions.names)
    seen = judged(generator, judge, z[chosen]) > 0.5
    return arrays, {"z_mean": z[chosen].astype("float16"), "label": seen.astype("uint8")}, amounts, ends, pca


def gallery(probabilities, names, size=GALLERY, seed=0):
    """Indices of faces that show all sorts: as many as possible of each of the six, of hats, bangs and beards, both ways."""
    order = np.random.default_rng(seed).permutation(len(probabilities))
    wanted = [names.index(name) for name in (*SIX, "Wearing_Hat", "Bangs", "No_Beard", "Gray_Hair", "Bald")]
    has = probabilities[:, wanted] > 0.5
    chosen = []
    for column in range(len(wanted)):  # first some of each kind, both ways, then whoever comes
        for kind in (True, False):
            alike = [index for index in order if has[index, column] == kind and index not in chosen]
            chosen += alike[: max(0, size // len(wanted) - int((has[chosen, column] == kind).sum()))]
    rest = [index for index in order if index not in set(chosen)]
    return np.array(sorted((chosen + rest)[:size]))


def examples(generator, judge, z):
    """Good places to start: faces of the gallery, z (n, d), with one attribute to turn. Of those that the judge takes for what they
    are to be, the one of which it is surest afterwards that this has turned, and nothing else of the six."""
    wanted = (
        ("A smile", {"Smiling": 0, "Male": 0, "Young": 1, "Eyeglasses": 0}, "Smiling", 2.5),
        ("Glasses on", {"Eyeglasses": 0, "Male": 1, "Wearing_Hat": 0}, "Eyeglasses", 2.0),
        ("Glasses off", {"Eyeglasses": 1, "Wearing_Hat": 0}, "Eyeglasses", -2.0),
        ("Older", {"Young": 1, "Male": 1, "Smiling": 1, "Eyeglasses": 0}, "Young", -2.5),
        ("Blond", {"Black_Hair": 1, "Male": 0, "Eyeglasses": 0}, "Blond_Hair", 2.5),
    )
    names, before = generator.directions.names, judged(generator, judge, z)
    found, taken = [], set()
    for title, traits, name, amount in wanted:
        fits = np.all([(before[:, names.index(trait)] > 0.5) == value for trait, value in traits.items()], 0)
        those = np.array([i for i in np.flatnonzero(fits) if i not in taken], int)
        if not len(those):
            continue
        after = judged(generator, judge, z[those] + np.float32(amount) * generator.directions.direction(name))
        others = [names.index(other) for other in SIX if other != name and not {other, name} <= HAIR]
        moved = np.abs(after - before[those])
        best = int(those[(moved[:, names.index(name)] - moved[:, others].max(1)).argmax()])
        taken.add(best)
        found.append({"title": title, "state": f"face={best}&attributes={name}:{amount:g}"})
    return found


def sums(generator, judge, z, seed=0):
    """Faces of the gallery, z (n, d), for "a man with glasses - a man + a woman", so that the judge takes the sum for what it is
    called: of each kind those `OF_A_KIND` that make sums of means of three the surest (three lists), and sums of single ones among
    them, the surest first ([a, b, c] each), those nearest to the middle of the space: far out pictures are burnt. All as places in
    the gallery.
    """
    names, said = generator.directions.names, judged(generator, judge, z)
    traits = said[:, [names.index(name) for name in ("Male", "Eyeglasses")]]
    kinds = [np.flatnonzero((np.abs(traits - kind) <= CLEAR).all(1)) for kind in ((1, 1), (1, 0), (0, 0))]
    if min(map(len, kinds)) < 3:
        return [[], [], []], []
    rng = np.random.default_rng(seed)
    drawn = [np.stack([rng.choice(kind, 3, replace=False) for _ in range(TRIED)]) for kind in kinds]
    a, b, c = (z[faces].mean(1) for faces in drawn)
    effect = _effects(drawn, _certainty(judged(generator, judge, a - b + c), names), len(z))
    chosen = [kind[np.argsort(-effect[i, kind], kind="stable")[:OF_A_KIND]] for i, kind in enumerate(kinds)]
    triples = np.stack(np.meshgrid(*chosen, indexing="ij"), -1).reshape(-1, 3)
    a, b, c = (z[triples[:, i]] for i in range(3))
    sure = _certainty(judged(generator, judge, a - b + c), names)
    far, found = np.linalg.norm(a - b + c, axis=1), {}
    for i in np.argsort(far, kind="stable"):
        taken = [face for triple in found for face in triple]
        if sure[i] >= SURE and len(found) < SUMS and all(taken.count(face) < OFTENEST for face in triples[i]):
            found[tuple(triples[i].tolist())] = sure[i]
    surest = sorted(found, key=found.__getitem__, reverse=True)
    return [sorted(faces.tolist()) for faces in chosen], [list(triple) for triple in surest]


def _certainty(said, names):
    """How sure a judge (n, k) is of a woman with glasses, of the less sure of the two: (n,)."""
    return np.minimum(1 - said[:, names.index("Male")], said[:, names.index("Eyeglasses")])


def _effects(drawn, sure, n):
    """By how much each of n faces makes sums surer, in each of the three roles: (3, n). By ridge regression of the certainty's log
    odds, `sure` (m,), on which faces were drawn for each role, (m, 3) each."""
    inside = np.zeros((len(sure), len(drawn), n))
    for role, faces in enumerate(drawn):
        np.put_along_axis(inside[:, role], faces, 1.0, axis=1)
    inside = inside.reshape(len(sure), -1)
    sure = np.clip(sure, 0.01, 0.99)
    odds = np.log(sure / (1 - sure))
    effect = np.linalg.solve(inside.T @ inside + np.eye(inside.shape[1]), inside.T @ (odds - odds.mean()))
    return effect.reshape(len(drawn), n)
