"""A mixture fitted to codes, against the codes' own statistics."""

import numpy as np
import pytest

from explorer.training import mixture


def codes(n=6000, seed=4):
    """Codes of two kinds of pictures, a third and two thirds of them, and which is of the first kind."""
    rng = np.random.default_rng(seed)
    first = np.arange(n) < n // 3
    z_mean = rng.standard_normal((n, 3)) @ [[0.6, 0.3, 0], [0, 0.4, 0], [0, 0, 0.2]]
    z_mean[~first] = z_mean[~first][:, ::-1] + [4, -2, 1]
    return z_mean.astype("float32"), first


def test_it_finds_the_kinds():
    z_mean, first = codes()
    found = mixture.fit(z_mean, 2)
    order = np.argsort(found["weights"])
    np.testing.assert_allclose(found["weights"][order], [1 / 3, 2 / 3], atol=0.01)
    for part, some in zip(order, (first, ~first), strict=True):
        np.testing.assert_allclose(found["means"][part], z_mean[some].mean(0), atol=0.03)
        factor = found["factors"][part].astype("float64")
        np.testing.assert_allclose(factor @ factor.T, np.cov(z_mean[some].T), atol=0.03)


def test_it_is_stored_small_and_comes_out_the_same_again():
    z_mean, _ = codes(600)
    found, again = (mixture.fit(z_mean, 3) for _ in range(2))
    assert {key: (array.dtype, array.shape) for key, array in found.items()} == {
        "weights": (np.float32, (3,)), "means": (np.float16, (3, 3)), "factors": (np.float16, (3, 3, 3)),
    }  # fmt: skip
    assert found["weights"].sum() == pytest.approx(1, abs=1e-5)
    for key, array in found.items():
        np.testing.assert_array_equal(array, again[key])


def test_fewer_pictures_than_components_are_refused():
    z_mean, _ = codes(9)
    with pytest.raises(ValueError, match="n_samples"):
        mixture.fit(z_mean, 10)
