"""Which balls hold which points: one pass over all pairs of two sets, for balls around either of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from genbench.scoring.metrics.arrays import Floats, Integers
from genbench.scoring.metrics.neighbours import measured
from genbench.storage.arrays import slices

ROWS, COLUMNS = 512, 4096  # a tile of points × centres: 8 MB in float32


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
    eps = float(np.finfo(np.float32).eps)
    for rows in slices(len(y), ROWS):
        error = 2 * (d + 16) * eps * (np.sqrt(size_y[rows]) + float(np.sqrt(size_x.max()))) ** 2
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
