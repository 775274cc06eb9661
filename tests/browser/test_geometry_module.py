"""The page goes from point to point as Python does."""

import numpy as np
import pytest

from explorer import geometry
from explorer.state import DECIMALS

PATHS = """async ways => {
    const { interpolate } = await import("/lx/serving/geometry.js");
    return ways.map(({ a, b, t, kind }) => [...interpolate(a, b, t, kind)]);
}"""
SURFACES = """async ways => {
    const { onSurface, total } = await import("/lx/serving/geometry.js");
    return ways.map(({ corners, x, y, kind }) => [[...onSurface(corners, x, y, kind)], [...total(corners)]]);
}"""
POSITIONS = """async walks => {
    const { positions } = await import("/lx/serving/geometry.js");
    return walks.map(positions);
}"""
TOLERANCE = {"rtol": 0, "atol": 1e-6}  # two roundings of 32 bits


@pytest.fixture(scope="module")
def page(app, browser):
    page = browser.new_page()
    page.goto(f"{app.url}/lx/serving/geometry.js")  # as good as any page of the app's own origin
    yield page
    page.close()


def ends(rng):
    """Two points, of which some are zero, parallel or opposite."""
    a, b = rng.normal(size=(2, rng.choice([1, 2, 30]))).astype("float32")
    return a, rng.choice(np.stack([b, b, b, 0 * b, 2 * a, -a, -3 * a]))


def test_paths(page):
    rng = np.random.default_rng(1)
    ways = [(*ends(rng), rng.choice([0, 1, rng.uniform()]), kind) for kind in geometry.KINDS for _ in range(200)]
    asked = [{"a": a.tolist(), "b": b.tolist(), "t": float(t), "kind": kind} for a, b, t, kind in ways]
    for found, (a, b, t, kind) in zip(page.evaluate(PATHS, asked), ways, strict=True):
        np.testing.assert_allclose(found, geometry.interpolate(a, b, t, kind), **TOLERANCE)


def test_surfaces_and_sums(page):
    rng = np.random.default_rng(2)
    ways = [
        (rng.normal(size=(4, 30)).astype("float32"), *rng.uniform(-1, 1, 2), kind) for kind in geometry.KINDS for _ in range(50)
    ]
    asked = [{"corners": corners.tolist(), "x": x, "y": y, "kind": kind} for corners, x, y, kind in ways]
    for (point, total), (corners, x, y, kind) in zip(page.evaluate(SURFACES, asked), ways, strict=True):
        np.testing.assert_allclose(point, geometry.Plane.corners(*corners, kind=kind).at(x, y), **TOLERANCE)
        np.testing.assert_allclose(total, corners[0] - corners[1] + corners[2], rtol=0, atol=0.51 * 10**-DECIMALS)


def test_positions_of_a_walk(page):
    walks = [
        {"frames": frames, "start": start, "stop": stop, "closed": closed}
        for frames in (1, 2, 9, 24) for start, stop in ((0, 1), (0.25, 0.5), (1, 0)) for closed in (False, True)
    ]  # fmt: skip
    for found, walk in zip(page.evaluate(POSITIONS, walks), walks, strict=True):
        path = geometry.Path(np.zeros(2), np.ones(2), closed=walk["closed"])
        np.testing.assert_allclose(found, path.positions(walk["frames"], walk["start"], walk["stop"]), atol=1e-12)
