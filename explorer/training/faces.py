"""What is measured of a face model: its directions' statistics, their receipts, and how good its faces are.

Measured on CelebA's validation ids by the project's own judge of attributes, which saw training ids only. A push is z_mean
plus an amount times a direction, decoded.
"""

import numpy as np

from explorer import checkpoints, data, imaging
from explorer.data import SIX
from explorer.generators.base import Generator
from explorer.generators.directions import HOLDS, Directions
from explorer.training import pushes

AMOUNTS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0)
RECEIPT_FACES = 160
GALLERY = 240
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


def judged(generator, judge, z, batch=256):
    """The judge's probabilities of the decoded z (n, d): float32 (n, k)."""
    return np.concatenate([judge(generator.decode(z[i : i + batch])) for i in range(0, len(z), batch)])


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


def flips(generator, directions, judge, z, attributes, how, amount):
    """Push all faces towards what they are not by one amount, attribute by attribute of the six.

    Returns {attribute: (share judged to have it after, share judged not to have it after taking it away, mean absolute
    change of the other five's probability)}.
    """
    before, found = judged(generator, judge, z), {}
    where = [directions.names.index(name) for name in SIX]
    for name, i in zip(SIX, where, strict=True):
        v = toward(directions, name, how)
        has = attributes[:, i] == 1
        after = judged(generator, judge, z + (amount * np.where(has, -1, 1)[:, None] * v).astype("float32"))
        others = [j for j in where if j != i]
        change = np.abs(after[:, others] - before[:, others]).mean()
        found[name] = (float((after[~has, i] > 0.5).mean()), float((after[has, i] < 0.5).mean()), float(change))
    return found


def least_amount(generator, directions, judge, z, attributes, how, share=0.9):
    """The least of `AMOUNTS` that flips so many of each of the six both ways, or the greatest of them."""
    for amount in AMOUNTS:
        found = flips(generator, directions, judge, z, attributes, how, amount)
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


def kernel_distance(x, y):
    """Unbiased squared MMD of features (n, d), (m, d) with the kernel (x.y / d + 1)^3 (KID, Binkowski et al. 2018)."""
    x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
    kernel = lambda a, b: (a @ b.T / a.shape[1] + 1) ** 3  # noqa: E731
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (kernel(x, x), kernel(y, y))]
    return float(sum(within) - 2 * kernel(x, y).mean())


def spread(features):
    """Mean distance of pairs of rows (n, d)."""
    squares = np.square(features).sum(1)
    distances = np.sqrt(np.maximum(0, squares[:, None] + squares - 2 * features @ features.T))
    return float(distances.sum() / (len(features) * (len(features) - 1)))


def principal_components(images, components, rounds=3, seed=0):
    """Mean and orthonormal basis (pixels, components) by subspace iteration (Halko, Martinsson and Tropp 2011)."""
    flat = images.reshape(len(images), -1)
    mean = flat.mean(0)
    basis = np.random.default_rng(seed).standard_normal((flat.shape[1], components + 20)).astype("float32")
    for _ in range(rounds):
        projected = flat @ basis - mean @ basis
        basis, _ = np.linalg.qr(flat.T @ projected - np.outer(mean, projected.sum(0)))
    projected = flat @ basis - mean @ basis
    _, vectors = np.linalg.eigh(projected.T.astype("float64") @ projected)
    return mean, basis @ vectors[:, ::-1][:, :components].astype("float32")


def reducer(images, fewest, most, share):
    """A function that leaves of a share of the images, in place, what `fewest` to `most` principal components say of them.

    So blurred are the pictures of a model whose latent space has so many dimensions, whichever it is: a judge that saw
    sharp ones only takes a smooth skin for a woman's and overlooks glasses.
    """
    mean, basis = principal_components(images, most)

    def reduce(batch, rng):
        some = rng.random(len(batch)) < share
        codes = (batch[some].reshape(some.sum(), -1) - mean) @ basis
        codes[np.arange(most) >= rng.integers(fewest, most + 1, len(codes))[:, None]] = 0
        batch[some] = np.clip(codes @ basis.T + mean, 0, 1).reshape(batch[some].shape)

    return reduce


def encoded(generator, split, folder):
    """Images, attributes, z_mean and z_log_var of a partition."""
    from explorer.training.evaluation import encode

    images, attributes = data.load("celeba", split, generator.image_shape[0], folder)
    return images, attributes, *encode(generator, images, 500)


def metrics(generator, directions, folder=None, pca=None):
    """All that the card says of a face model; `pca`: (mean, basis) of the training images, fitted anew if not given."""
    judge = checkpoints.judge(generator.card["recipe"]["judge"])
    images, attributes, z_mean, z_log_var = encoded(generator, "validation", folder)
    decoded = np.concatenate([generator.decode(z_mean[i : i + 256]) for i in range(0, len(z_mean), 256)])
    if pca is None:
        pca = principal_components(data.load("celeba", "train", generator.image_shape[0], folder)[0], z_mean.shape[1])
    mean, basis = pca
    flat = images.reshape(len(images), -1) - mean
    rebuilt = np.clip((flat @ basis) @ basis.T + mean, 0, 1).reshape(images.shape)
    kl = 0.5 * (np.square(z_mean) + np.exp(z_log_var) - z_log_var - 1)
    found = {
        "mse_at_z_mean": round(float(np.square(images - decoded).mean()), 6),
        "mse_of_the_mean_image": round(float(np.square(flat).mean()), 6),
        f"mse_pca_{z_mean.shape[1]}": round(float(np.square(images - rebuilt).mean()), 6),
        "ssim_at_z_mean": round(float(imaging.ssim(images, decoded).mean()), 4),
        f"ssim_pca_{z_mean.shape[1]}": round(float(imaging.ssim(images, rebuilt).mean()), 4),
        "kl": round(float(kl.sum(1).mean()), 3),
        "active_dimensions": int((kl.mean(0) > 0.01).sum()),
        "kl_by_dimension": [round(float(k), 4) for k in kl.mean(0)],
    }
    real, rebuilt_features = judge.features(images), judge.features(decoded)
    samples = judge.features(generator.decode(generator.prior(1000, seed=0)))
    plain = judge.features(generator.decode(Generator.prior(generator, 1000, seed=0)))
    names = directions.names
    said = {"photographs": judge(images), "reconstructions": judge(decoded)}
    worn = attributes[:, names.index("Eyeglasses")] == 1
    those = worn & (attributes[:, names.index("Male")] == 0)
    found |= {
        "kernel_distance_of_prior_samples": round(kernel_distance(samples, real), 5),
        "kernel_distance_of_plain_samples": round(kernel_distance(plain, real), 5),
        "kernel_distance_of_reconstructions": round(kernel_distance(rebuilt_features[:1000], real), 5),
        "spread_of_prior_samples": round(spread(samples), 4),
        "spread_of_plain_samples": round(spread(plain), 4),
        "spread_of_reconstructions": round(spread(rebuilt_features[:1000]), 4),
        "a_minus_b_plus_c_is_a_woman_with_glasses": round(arithmetic(generator, judge, z_mean, attributes, names), 4),
        "women_with_glasses_are_judged_so": {of: round(women_with_glasses(p[those], names), 4) for of, p in said.items()},
        "glasses_seen_where_worn": {of: round(glasses(p[worn], names), 4) for of, p in said.items()},
        "glasses_seen_where_not": {of: round(glasses(p[~worn], names), 4) for of, p in said.items()},
    }
    amounts = generator.card["amounts"]
    for how in amounts:
        pushes = flips(generator, directions, judge, z_mean, attributes, how, amounts[how])
        found[f"pushed_{how}"] = {"amount": amounts[how]} | {
            name: {
                "has_it_after": round(there, 4),
                "lacks_it_after": round(away, 4),
                "others_change": round(change, 4),
                "length": round(float(np.linalg.norm(toward(directions, name, how))), 3),
            }
            for name, (there, away, change) in pushes.items()
        }
    return found


def learn(generator, folder=None):
    """What a face model encodes: arrays of `directions.npz`, of `encodings.npz` (the gallery), the amounts that flip, PCA."""
    judge = checkpoints.judge(generator.card["recipe"]["judge"])
    images, attributes, z, _ = encoded(generator, "train", folder)
    means, counts, covariance = statistics(z, attributes)
    directions = Directions(data.ATTRIBUTES, means, counts, covariance)
    some = slice(None, None, max(1, len(z) // RECEIPT_FACES))
    third = slice(None, None, 3)
    learned = pushes.learn(generator, directions, judge, z[third], attributes[third], judged(generator, judge, z[third]))
    directions = Directions(data.ATTRIBUTES, means, counts, covariance, learned)
    hows = ("free", "whitened", "learned")
    amounts = {how: least_amount(generator, directions, judge, z[some], attributes[some], how) for how in hows}
    pca = principal_components(images, z.shape[1])
    _, attributes, z, z_log_var = encoded(generator, "validation", folder)
    some = slice(None, None, max(1, len(z) // RECEIPT_FACES))
    changes = receipts(generator, directions, judge, z[some], attributes[some])
    drawn = z + np.exp(0.5 * z_log_var) * np.random.default_rng(0).standard_normal(z.shape)
    inside = np.clip(drawn, BINS[0] + 1e-6, BINS[-1] - 1e-6)
    histograms = np.stack([np.histogram(inside[:, i], BINS)[0] for i in range(z.shape[1])])
    arrays = {"means": means.astype("float32"), "counts": counts, "covariance": covariance.astype("float32")}
    arrays |= {"histograms": histograms.astype("uint16"), "learned": np.stack([learned[name] for name in SIX])}
    arrays |= {f"receipts_{how}": change.astype("float16") for how, change in changes.items()}
    chosen = gallery(judged(generator, judge, z), directions.names)
    seen = judged(generator, judge, z[chosen]) > 0.5
    return arrays, {"z_mean": z[chosen].astype("float16"), "label": seen.astype("uint8")}, amounts, pca


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


def examples(labels, names):
    """Good places to start: faces of the gallery, by what the judge sees in them (n, k), with one attribute to turn."""
    wanted = (
        ("A smile", {"Smiling": 0, "Male": 0, "Young": 1}, "Smiling:2.5"),
        ("Glasses on", {"Eyeglasses": 0, "Male": 1, "Wearing_Hat": 0}, "Eyeglasses:2"),
        ("Glasses off", {"Eyeglasses": 1, "Wearing_Hat": 0}, "Eyeglasses:-2"),
        ("Older", {"Young": 1, "Male": 1, "Smiling": 1}, "Young:-2.5"),
        ("Blond", {"Black_Hair": 1, "Male": 0, "Eyeglasses": 0}, "Blond_Hair:2.5"),
    )
    found, taken = [], set()
    for title, traits, change in wanted:
        fits = np.all([labels[:, names.index(name)] == value for name, value in traits.items()], 0)
        face = next((int(i) for i in np.flatnonzero(fits) if i not in taken), None)
        if face is not None:
            taken.add(face)
            found.append({"title": title, "state": f"face={face}&attributes={change}"})
    return found
