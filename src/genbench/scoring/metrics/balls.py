"""Which balls hold which points: one pass over all pairs of two sets, for balls around either of them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Floats, Integers
from genbench.scoring.neighbours import measured, nearest_others
from genbench.storage.arrays import slices

ROWS, COLUMNS = 512, 4096  # a tile of points × centres: 8 MB in float32
TILE = 1 << 22  # numbers of a tile of all points
LARGE = 1 << 31  # multiplications between all pairs, above which only what decides a boundary is exact
EPS = float(np.finfo(np.float32).eps)


class Balls(NamedTuple):
    """Balls of these radii (n,).  A closed one holds its boundary (distance ≤ radius); an open one does not, but always
    holds its own centre, so that a radius of 0 (duplicates) still finds exact copies."""

    radii: Floats
    closed: bool

    def hold(self, centres: Integers, distances: Floats) -> np.ndarray:
        """Whether the balls around these centres hold points at these distances."""
        radii = self.radii[centres]
        return distances <= radii if self.closed else (distances < radii) | (distances == 0)


class Held(NamedTuple):
    """points: (m,) balls that hold each point.  balls: (n,) points in each ball."""

    points: Integers
    balls: Integers


class Pairs(NamedTuple):
    """Row numbers of centres and of points, and their distances, all (p,)."""

    centres: Integers
    points: Integers
    distances: Floats


class Reach(NamedTuple):
    """How far pairs are wanted, from centres (n,) and from points (m,)."""

    centres: Floats
    points: Floats


def held(
    centres: Floats,
    points: Floats,
    around_centres: Sequence[Balls],
    around_points: Sequence[Balls] = (),
    *,
    reach: Reach | None = None,
    most: int = 1 << 22,
) -> tuple[list[Held], Pairs | None]:
    """Which of the points the balls around the centres hold, and which of the centres those around the points.

    centres (n, d), points (m, d) → one `Held` for each set of balls, in that order, decided exactly; and the pairs
    within `reach`, whose distances are those of float32 products where no ball's boundary is near; None if they are
    more than `most`.  Besides the arrays themselves and copies of them in float32 about 200 MB are used.
    """
    n, m = len(centres), len(points)
    found = [Held(np.zeros(m, np.int64), np.zeros(n, np.int64)) for _ in around_centres]
    found += [Held(np.zeros(n, np.int64), np.zeros(m, np.int64)) for _ in around_points]
    kept: list[Pairs] = []
    count = 0
    for pairs in _pairs(centres, points, around_centres, around_points, reach or _nowhere(n, m)):
        i, j, distance = pairs
        sides = [(balls, i, j) for balls in around_centres] + [(balls, j, i) for balls in around_points]
        for counts, (balls, centre, point) in zip(found, sides, strict=True):
            inside = balls.hold(centre, distance)
            counts.points[:] += np.bincount(point[inside], minlength=len(counts.points))
            counts.balls[:] += np.bincount(centre[inside], minlength=len(counts.balls))
        count += len(i)
        kept = [*kept, pairs] if reach is not None and count <= most else []
    if reach is None or count > most:
        return found, None
    return found, Pairs(*(np.concatenate(part) for part in zip(*kept, strict=True)))


def _nowhere(n: int, m: int) -> Reach:
    return Reach(np.full(n, -np.inf), np.full(m, -np.inf))


def _pairs(
    centres: Floats,
    points: Floats,
    around_centres: Sequence[Balls],
    around_points: Sequence[Balls],
    reach: Reach,
) -> Iterator[Pairs]:
    """All pairs that lie in some ball or within reach, and few more.

    Distances come from float32 products; one that rounding might put on the other side of a ball's boundary is measured
    as √Σ(c−p)² in float64.  So comparisons with the radii are exact; the distances are not.
    """
    d = centres.shape[1]
    middle = centres.mean(axis=0)
    widest = max(float(np.abs(z - middle).max()) for z in (centres, points))
    unit = (widest or 1.0) * d**0.5
    x, y = (((z - middle) / unit).astype(np.float32) for z in (centres, points))
    size_x, size_y = (np.einsum("ij,ij->i", z, z, dtype=np.float64) for z in (x, y))
    edges = [[np.square(balls.radii / unit) for balls in side] for side in (around_centres, around_points)]
    far = [
        np.max([*side, np.sign(limit) * np.square(limit / unit)], axis=0)
        for side, limit in zip(edges, reach, strict=True)
    ]
    for rows in slices(len(y), ROWS):
        error = 2 * (d + 16) * EPS * (np.sqrt(size_y[rows]) + float(np.sqrt(size_x.max()))) ** 2
        lift = (2 * error - size_y[rows]).astype(np.float32)
        for columns in slices(len(x), COLUMNS):
            tile = (-2 * y[rows]) @ x[columns].T
            tile += size_x[columns].astype(np.float32)  # |p − c|² less |p|²
            near = tile <= (far[1][rows] + lift).astype(np.float32)[:, None]
            tile -= lift[:, None]
            near |= tile <= far[0][columns].astype(np.float32)
            j, i = np.divmod(np.flatnonzero(near), near.shape[1])
            square, slack = tile[j, i] + (lift.astype(np.float64) + size_y[rows])[j], error[j]
            i, j = i + columns.start, j + rows.start
            unsure = np.zeros(len(i), bool)
            for side, places in zip(edges, (i, j), strict=True):
                for edge in side:
                    unsure |= np.abs(square - edge[places]) <= slack
            distance = np.sqrt(np.maximum(square, 0)) * unit
            distance[unsure] = measured(centres, points, j[unsure], i[unsure])
            yield Pairs(i, j, distance)


class Near(NamedTuple):
    """The nearest others of each row, closest first: distances and row numbers, (n, depth).

    radii: the distances to the k-th of them, exact where the others are those of float32 products.
    """

    distances: Floats
    rows: Integers
    radii: Mapping[int, Floats]


def near(points: Floats, ks: Sequence[int], depth: int) -> Near:
    """The `depth` nearest others of each row of points (n, d), and exact distances to the k-th, k in ks ≤ depth < n.

    All are exact, but for sets where that takes long.
    """
    if len(points) ** 2 * points.shape[1] <= LARGE:
        distances, rows = nearest_others(points, k=depth)
        return Near(distances, rows, {k: distances[:, k - 1] for k in ks})
    n, d = points.shape
    z, size, unit = _scaled(points)
    square, rows = np.empty((n, depth), np.float32), np.empty((n, depth), np.int64)
    for part in slices(n, max(1, TILE // n)):
        tile = (-2 * z[part]) @ z.T
        tile += size.astype(np.float32)
        own = np.arange(part.start, part.stop)
        tile[own - part.start, own] = np.inf
        first = np.argpartition(tile, depth - 1, axis=1)[:, :depth]
        found = np.take_along_axis(tile, first, axis=1)
        order = np.argsort(found, axis=1)
        square[part] = np.take_along_axis(found, order, axis=1)
        rows[part] = np.take_along_axis(first, order, axis=1)
    lifted = square + size[:, None]
    error = 2 * (d + 16) * EPS * (np.sqrt(size) + float(np.sqrt(size.max()))) ** 2
    radii = {k: _kth(points, lifted, rows, error, k) for k in ks}
    return Near(np.sqrt(np.maximum(lifted, 0)) * unit, rows, radii)


def _kth(points: Floats, square: Floats, rows: Integers, error: Floats, k: int) -> Floats:
    """The exact distance to the k-th nearest other, from rounded squares, least first (n, depth), and their error."""
    middle = square[:, k - 1]
    near_enough = np.abs(square - middle[:, None]) <= 2 * error[:, None]
    below = (square < (middle - 2 * error)[:, None]).sum(axis=1)
    exact = np.full(square.shape, np.inf)
    i, place = near_enough.nonzero()
    exact[i, place] = measured(points, points, rows[i, place], i)
    exact.sort(axis=1)
    radii: Floats = exact[np.arange(len(points)), k - 1 - below]
    open_ended = near_enough[:, -1].nonzero()[0]  # others beyond the last known may be as near
    radii[open_ended] = nearest_others(points, k=k, of=open_ended)[0][:, -1] if len(open_ended) else 0
    return radii


def _scaled(points: Floats) -> tuple[NDArray[np.float32], Floats, float]:
    """Rows centred and divided by a unit, the squares of their lengths, and the unit."""
    middle = points.mean(axis=0)
    unit = (float(np.abs(points - middle).max()) or 1.0) * points.shape[1] ** 0.5
    z = ((points - middle) / unit).astype(np.float32)
    return z, np.einsum("ij,ij->i", z, z, dtype=np.float64), unit
