"""Planes and paths through latent spaces. NumPy only; knows no model.

A point is an array of any shape. Computed in float64, returned as float32.
"""

from html import escape
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.errors import InputError, NotSupported

KINDS = ("linear", "slerp")
Points = NDArray[np.float32]


class Embeddings(NamedTuple):
    """What a text-to-image model makes of n prompts: float32 `sequence` and `negative_sequence` (n, length, width), `pooled` and
    `negative_pooled` (n, width). On a path each of the first two turns by itself; the negative ones stay those of its start.
    """

    sequence: np.ndarray
    negative_sequence: np.ndarray
    pooled: np.ndarray
    negative_pooled: np.ndarray


def lerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Points:
    """(1 - t) a + t b: `a`, `b` of shape s; t a number -> s, or of shape (n,) -> (n, *s)."""
    a, b, t = _aligned(a, b, t)
    return ((1 - t) * a + t * b).astype("float32")


def slerp(a: ArrayLike, b: ArrayLike, t: ArrayLike) -> Points:
    """Spherical interpolation: the unit vectors turn along the great circle, the norm goes linearly. Shapes as in `lerp`.

    Equal to Shoemake's formula (1985; Deep Learning with Python, 3rd ed., ch. 17) where the norms are equal; where they
    are not, the angle stays linear in t and the norm between those of the ends. Nearly parallel: lerp of the unit
    vectors. Opposite: by way of the coordinate axis on which `a` is smallest, made perpendicular to `a`. If one of them
    is zero, or opposite in a single dimension, there is no circle: lerp.
    """
    a, b, t = _aligned(a, b, t)
    norm_a, norm_b = np.linalg.norm(a), np.linalg.norm(b)
    if norm_a == 0 or norm_b == 0:
        return ((1 - t) * a + t * b).astype("float32")
    unit_a, unit_b = a / norm_a, b / norm_b
    # atan2 of the half-angles is exact near 0 and pi, where acos of the dot product is not
    theta = 2 * np.arctan2(np.linalg.norm(unit_a - unit_b), np.linalg.norm(unit_a + unit_b))
    if theta < 1e-6:
        unit = (1 - t) * unit_a + t * unit_b
    else:
        side = unit_b - np.vdot(unit_a, unit_b) * unit_a
        if np.pi - theta < 1e-6:
            if a.size == 1:
                return ((1 - t) * a + t * b).astype("float32")
            axis = np.zeros_like(a)
            axis.flat[np.argmin(np.abs(a))] = 1
            side = axis - np.vdot(unit_a, axis) * unit_a
        unit = np.cos(t * theta) * unit_a + np.sin(t * theta) * side / np.linalg.norm(side)
    return (((1 - t) * norm_a + t * norm_b) * unit).astype("float32")


def interpolate(a, b, t, kind="linear"):
    """`lerp` or `slerp` by name; InputError for another. Of `Embeddings` of one prompt each: those of as many as t has numbers."""
    if kind not in KINDS:
        raise InputError(f"kind must be one of {KINDS}, got {kind!r}")
    if isinstance(a, Embeddings) != isinstance(b, Embeddings):
        raise InputError("the ends must both be embeddings, or neither")
    if not isinstance(a, Embeddings):
        return (lerp if kind == "linear" else slerp)(a, b, t)
    if len(a.pooled) != 1 or len(b.pooled) != 1:
        raise InputError(f"the ends must be embeddings of one prompt each, got {len(a.pooled)} and {len(b.pooled)}")
    t = np.atleast_1d(t)
    sequence, pooled = (interpolate(x[0], y[0], t, kind) for x, y in ((a.sequence, b.sequence), (a.pooled, b.pooled)))
    return Embeddings(sequence, a.negative_sequence.repeat(len(t), 0), pooled, a.negative_pooled.repeat(len(t), 0))


def check_count(n):
    """`n`; InputError for what is no whole number from 0."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise InputError(f"n must be a whole number from 0, got {n!r}")
    return n


class Path:
    """The way from `a` to `b`, latents or `Embeddings`; `closed` returns to `a` on the same way, so that a loop has no jump."""

    def __init__(self, a: ArrayLike | Embeddings, b: ArrayLike | Embeddings, kind: str = "linear", closed: bool = False):
        self.a, self.b = (end if isinstance(end, Embeddings) else np.asarray(end) for end in (a, b))
        self.kind, self.closed = kind, closed
        self.at([0.0])  # complains about shapes and kinds here, where they were given

    @classmethod
    def through(cls, stops, kind: str = "linear", closed: bool = False) -> "Path":
        """The way through two or more points one after the other, latents (n, *shape) or `Embeddings` of n prompts, as long from
        each to the next."""
        rows = range(len(stops.pooled if isinstance(stops, Embeddings) else stops))
        if len(rows) < 2:
            raise InputError(f"a way leads through two points at least, got {len(rows)}")
        found = [Embeddings(*(part[i : i + 1] for part in stops)) if isinstance(stops, Embeddings) else stops[i] for i in rows]
        return cls(found[0], found[1], kind, closed) if len(found) == 2 else _Chain(found, kind, closed)

    def __repr__(self):
        return f"<Path: {self.kind}{', closed' if self.closed else ''}, between two {_named(self.a)}>"

    def _repr_html_(self):
        return _described(self, "<code>.points(n)</code> are points along it, <code>.at(ts)</code> those at positions from 0 to 1.")

    def at(self, ts: ArrayLike) -> Points | Embeddings:
        """Points at the positions `ts` (n,), 0 = a, 1 = b: float32 (n, *shape)."""
        return interpolate(self.a, self.b, np.asarray(ts, "float64"), self.kind)

    def points(self, n: int, start: float = 0.0, stop: float = 1.0) -> Points | Embeddings:
        """n points from `start` to `stop`, both included; of a closed path, n points of one round: float32 (n, *shape)."""
        return self.at(self.positions(n, start, stop))

    def positions(
        self, n: int, start: float = 0.0, stop: float = 1.0, change: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """The n positions of `points`, (n,). `change` (m + 1,) evens them out: how far the picture has come at m + 1 even
        positions from start to stop; each step then changes the picture by as much."""
        check_count(n)
        fractions = np.linspace(0, 1, n) if not self.closed else 1 - np.abs(1 - 2 * np.arange(n) / n)
        if change is not None and change[-1] > change[0]:
            change = np.asarray(change, "float64")
            steps = np.linspace(0, 1, len(change))
            fractions = np.interp(change[0] + fractions * (change[-1] - change[0]), change, steps)
        return start + fractions * (stop - start)


class _Chain(Path):
    def __init__(self, stops, kind, closed):
        self.legs = [Path(a, b, kind) for a, b in zip(stops, stops[1:], strict=False)]
        super().__init__(stops[0], stops[-1], kind, closed)

    def __repr__(self):
        return f"<Path: {self.kind}{', closed' if self.closed else ''}, through {len(self.legs) + 1} {_named(self.a)}>"

    def at(self, ts):
        ts = np.asarray(ts, "float64") * len(self.legs)
        legs = np.clip(ts.astype(int), 0, len(self.legs) - 1)
        if not ts.ndim:
            return self.legs[legs].at(ts - legs)
        found = [self.legs[leg].at([t]) for leg, t in zip(legs, ts - legs, strict=True)]
        if isinstance(self.a, Embeddings):
            return Embeddings(*map(np.concatenate, zip(*found, strict=True)))
        return np.concatenate(found)


class Plane:
    """The points origin + x u + y v. `origin`, `u`, `v`: arrays of one shape."""

    def __init__(self, origin: ArrayLike, u: ArrayLike, v: ArrayLike):
        self.origin, self.u, self.v = (np.asarray(part, "float64") for part in (origin, u, v))
        if not self.origin.shape == self.u.shape == self.v.shape:
            raise InputError(f"origin, u and v must have one shape, got {self.origin.shape}, {self.u.shape}, {self.v.shape}")

    @classmethod
    def corners(cls, a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, kind: str = "linear") -> "Plane":
        """A surface through four points, which need not lie in one plane: a top left, b top right, c and d below them.

        Each row is a path of `kind` between the two sides; x and y run from -1 to 1 within the corners. Corners may be
        `Embeddings` of one prompt each; a grid is then those of its prompts, row by row.
        """
        return _Corners(a, b, c, d, kind)

    @classmethod
    def through(cls, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> "Plane":
        """The flat plane through three points: a is its origin, u points to b, v is perpendicular to u on c's side, both of
        length 1, so that its coordinates are distances. InputError for points on one line."""
        a, b, c = (np.asarray(point, "float64") for point in (a, b, c))
        long, side = b - a, c - a
        u = long / max(np.linalg.norm(long), 1e-300)
        v = side - np.vdot(side, u) * u
        v -= np.vdot(v, u) * u  # once more: what rounding left of u
        width = np.linalg.norm(v)
        if not width > 1e-6 * max(np.linalg.norm(long), np.linalg.norm(side)) or not long.any():
            raise InputError("three points on one line span no plane")
        return cls(a, u, v / width)

    def __repr__(self):
        return f"<Plane: flat, of {_named(self.origin)}>"

    def _repr_html_(self):
        return _described(self, "<code>.grid(n)</code> are n × n points of it, <code>.at(x, y)</code> those at coordinates.")

    def at(self, x: ArrayLike, y: ArrayLike) -> Points:
        """Points at coordinates x, y (arrays of one shape s): float32 (*s, *shape)."""
        x, y = (np.reshape(c, np.shape(c) + (1,) * self.origin.ndim) for c in np.broadcast_arrays(x, y))
        return (self.origin + x * self.u + y * self.v).astype("float32")

    def grid(self, n: int, extent: float = 1.0, center: tuple[float, float] = (0.0, 0.0)) -> Points:
        """n x n points over center +- extent, both ends included, row 0 at the top: float32 (n, n, *shape)."""
        steps = np.zeros(1) if check_count(n) == 1 else np.linspace(-extent, extent, n)
        return self.at(*np.meshgrid(center[0] + steps, center[1] - steps))

    def coordinates(self, z: NDArray[Any]) -> NDArray[np.float64]:
        """The (x, y) of the nearest point of the plane: (n, *shape) -> float64 (n, 2)."""
        basis = np.stack([self.u.ravel(), self.v.ravel()], 1)
        return np.linalg.lstsq(basis, (np.asarray(z, "float64") - self.origin).reshape(len(z), -1).T, rcond=None)[0].T


class _Corners(Plane):
    def __init__(self, a, b, c, d, kind):
        self.top, self.bottom, self.kind = Path(a, b, kind), Path(c, d, kind), kind

    def __repr__(self):
        return f"<Plane: {self.kind}, among four {_named(self.top.a)}>"

    def at(self, x, y):
        x, y = np.broadcast_arrays(np.asarray(x, "float64"), np.asarray(y, "float64"))
        across, down = (x.ravel() + 1) / 2, (1 - y.ravel()) / 2
        tops, bottoms = self.top.at(across), self.bottom.at(across)
        if isinstance(tops, Embeddings):
            if not x.size:
                return tops
            rows = ([Embeddings(*(part[i : i + 1] for part in side)) for i in range(x.size)] for side in (tops, bottoms))
            points = [interpolate(a, b, t, self.kind) for a, b, t in zip(*rows, down, strict=True)]
            return Embeddings(*map(np.concatenate, zip(*points, strict=True)))
        points = [interpolate(a, b, t, self.kind) for a, b, t in zip(tops, bottoms, down, strict=True)]
        return np.array(points, "float32").reshape(*x.shape, *tops.shape[1:])

    def coordinates(self, z):
        raise NotSupported("a surface through four points is curved: it has no nearest point by formula")


def orthogonal(direction, others):
    """`direction` without its part in the span of `others` (a sequence of arrays of its shape): float32."""
    direction = np.asarray(direction, "float64")
    if not len(others):
        return direction.astype("float32")
    basis = np.stack([np.asarray(other, "float64").ravel() for other in others], 1)
    return (direction - (basis @ np.linalg.lstsq(basis, direction.ravel(), rcond=None)[0]).reshape(direction.shape)).astype(
        "float32"
    )


def quantile(p):
    """The standard normal's quantile function, by coordinate: p in (0, 1), any shape -> z of the same shape."""
    inverse = NormalDist().inv_cdf
    return np.vectorize(inverse, otypes=["float64"])(p)


def density(points, x, y, bandwidth=None, offsets=None):
    """Gaussian kernel estimate on a grid: points (n, 2), x (w,), y (h,) -> float64 (h, w), up to a constant.

    `bandwidth` (2,) defaults to Scott's rule. `offsets` (n,): squared distances of the points from the plane, in bandwidths;
    with them it is the estimate of the whole space on that plane.
    """
    points = np.asarray(points, "float64")
    if bandwidth is None:
        bandwidth = points.std(0) * len(points) ** (-1 / 6)
    kernel_x, kernel_y = (
        np.exp(-0.5 * ((np.asarray(axis)[:, None] - points[None, :, i]) / bandwidth[i]) ** 2) for i, axis in enumerate((x, y))
    )
    weights = 1.0 if offsets is None else np.exp(-0.5 * offsets)
    return (kernel_y * weights) @ kernel_x.T


def density_on(plane, points, x, y, bandwidth):
    """`density` of the whole space on a plane that lies askew: points (n, d), bandwidth (d,) -> float64 (h, w)."""
    u, v = plane.u / bandwidth, plane.v / bandwidth
    away = (plane.origin - np.asarray(points, "float64")) / bandwidth
    x = np.asarray(x, "float64")[:, None]
    across = np.square(away).sum(1) + 2 * x * (away @ u) + x**2 * (u @ u)  # |away + x u|^2: (w, n); a row at a time fits memory
    up, both = 2 * (away @ v), 2 * x * (u @ v)
    return np.stack([np.exp(-0.5 * (across + t * (up + both) + t**2 * (v @ v))).sum(1) for t in np.asarray(y, "float64")])


def nearest(points, z, k):
    """Indices (k,) of the points nearest to z, nearest first: points (n, d), z (d,)."""
    distances = np.square(points - z).sum(1)
    chosen = np.argpartition(distances, k - 1)[:k] if k < len(points) else np.arange(len(points))
    return chosen[np.argsort(distances[chosen])]


def _named(point):
    """What a point is, in words."""
    return "prompts" if isinstance(point, Embeddings) else f"points of shape {np.shape(point)}"


def _described(thing, use):
    """For a notebook: what a path or a plane is, and what to do with it."""
    return f"<div><strong>{escape(repr(thing)[1:-1])}</strong><br>{use}</div>"


def _aligned(a, b, t):
    """`a`, `b` as float64 of one shape, `t` with their dimensions appended."""
    a, b, t = (np.asarray(part, "float64") for part in (a, b, t))
    if a.shape != b.shape:
        raise InputError(f"the ends must have one shape, got {a.shape} and {b.shape}")
    return a, b, t.reshape(t.shape + (1,) * a.ndim)
