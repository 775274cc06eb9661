"""Pictures varied so that gradients go through: what a discriminator is shown, real or drawn, where real ones are few.

DiffAugment: Zhao, Liu, Lin, Zhu and Han 2020 (arXiv:2006.10738), with its ranges; pictures are (n, side, side, c) in [-1, 1].
"""

from keras import ops

KNOBS = 7  # numbers in [0, 1) by picture that all kinds together turn
MOVED, CUT = 1 / 8, 1 / 2  # of the side


def varied(pictures, knobs, kinds):
    """Pictures varied by knobs (n, `KNOBS`), in the `kinds` that are named, of `KINDS`; what leaves them is grey."""
    for kind in kinds:
        function, of = KINDS[kind]
        pictures = function(pictures, [knobs[:, i, None, None, None] for i in of])
    return pictures


def coloured(x, knobs):
    """Another brightness, by up to half of white's distance from grey; 0 to 2 times the saturation, 0.5 to 1.5 the contrast."""
    brightness, saturation, contrast = knobs
    x = x + brightness - 0.5
    grey = ops.mean(x, axis=3, keepdims=True)
    x = grey + 2 * saturation * (x - grey)
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    return mean + (contrast + 0.5) * (x - mean)


def moved(x, knobs):
    """Moved by up to an eighth of the side, whole pixels."""
    side = x.shape[1]
    most = max(1, round(side * MOVED))
    down, across = (ops.floor(knob[:, :, :, 0] * (2 * most + 1)) - most for knob in knobs)
    at = ops.arange(side, dtype="float32")
    rows, columns = (ops.cast(at[None, :, None] - shift == at[None, None, :], x.dtype) for shift in (down, across))
    return ops.einsum("nyp,npxc->nyxc", rows, ops.einsum("nxq,npqc->npxc", columns, x))


def cut(x, knobs):
    """A square of half the side left out, whose middle is anywhere."""
    side = x.shape[1]
    at, half = ops.arange(side, dtype="float32"), side * CUT / 2
    inside = [ops.cast(ops.abs(at[None] + 0.5 - side * knob[:, :, 0, 0]) < half, x.dtype) for knob in knobs]
    return x * (1 - inside[0][:, :, None, None] * inside[1][:, None, :, None])


KINDS = {"colour": (coloured, (0, 1, 2)), "translation": (moved, (3, 4)), "cutout": (cut, (5, 6))}
