"""What a refiner is fed with, by a made-up VAE whose code is a picture's mean and whose picture is that mean everywhere."""

import numpy as np

from explorer.training.refiner_pairs import Pairs

SIDE = 8


class Mean:
    """Encodes (n, 8, 8, 3) to the mean of its left half, decodes to that everywhere; `spread`: the posterior's deviation."""

    def __init__(self, spread):
        self.spread = spread

    def encode(self, images):
        mean = images[:, :, : SIDE // 2].mean((1, 2, 3))[:, None].astype("float32")
        return mean, np.full_like(mean, 2 * np.log(self.spread))

    def decode(self, z):
        return np.broadcast_to(z[:, :, None, None], (len(z), SIDE, SIDE, 3)).astype("float32")


def faces(n=200):
    rng = np.random.default_rng(0)
    images = rng.uniform(0.2, 0.8, (n, 1, 1, 1)) * np.ones((n, SIDE, SIDE, 3))
    images[:, :, SIDE // 2 :] += 0.1  # so that a mirror image is another
    return images.astype("float32")


def pairs(images, spread=1e-6, epoch_images=160):
    return Pairs(Mean(spread), images, 32, epoch_images, seed=0)


def test_each_face_stands_beside_what_the_vae_makes_of_it_mirrored_or_not():
    images = faces()
    before, mirrored, count = images.copy(), 0, 0
    for ((some, given),) in (batch for batch in map(pairs(images).__getitem__, range(5))):
        left = some[:, :, : SIDE // 2].mean((1, 2, 3))
        np.testing.assert_allclose(given[:, 0, 0, 0], left, atol=1e-4)
        np.testing.assert_allclose(given, given[:, :1, :1, :1] * np.ones((1, SIDE, SIDE, 3)))
        mirrored += int((some[:, 0, 0, 0] > some[:, 0, -1, 0]).sum())
        count += len(some)
    assert count == 160
    assert 0.3 < mirrored / count < 0.7
    np.testing.assert_array_equal(images, before)  # the images themselves stay as they are


def test_half_of_the_codes_are_drawn_from_the_posterior():
    images, spread = faces(), 0.05
    off = np.concatenate([given[:, 0, 0, 0] - some[:, :, : SIDE // 2].mean((1, 2, 3))
                          for ((some, given),) in map(pairs(images, spread).__getitem__, range(5))])  # fmt: skip
    drawn = np.abs(off) > 1e-4
    assert 0.35 < drawn.mean() < 0.65
    assert 0.8 * spread < off[drawn].std() < 1.25 * spread


def test_an_epoch_has_so_many_images_and_the_next_one_others():
    images = faces()
    some = pairs(images, epoch_images=64)
    assert len(some) == 2
    first = some._order.copy()
    some.on_epoch_end()
    assert len(set(first)) == len(some._order) == 64
    assert set(first) != set(some._order)
    assert len(pairs(images, epoch_images=1000)) == 7  # at most all
