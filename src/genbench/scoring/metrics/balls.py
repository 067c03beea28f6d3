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


class Held(NamedTuple):
    """points: (m,) balls that hold each point.  balls: (n,) points in each ball."""

    points: Integers
    balls: Integers


def held(
    centres: Floats, points: Floats, around_centres: Sequence[Balls], around_points: Sequence[Balls] = ()
) -> list[Held]:
    """Which of the points the balls around the centres hold, and which of the centres those around the points.

    centres (n, d), points (m, d) → one `Held` for each set of balls, in that order.  Decided exactly.  Besides the
    arrays themselves and copies of them in float32 about 100 MB are used.
    """
    n, m = len(centres), len(points)
    found = [Held(np.zeros(m, np.int64), np.zeros(n, np.int64)) for _ in around_centres]
    found += [Held(np.zeros(n, np.int64), np.zeros(m, np.int64)) for _ in around_points]
    for i, j, distance in _pairs(centres, points, around_centres, around_points):
        sides = [(balls, i, j) for balls in around_centres] + [(balls, j, i) for balls in around_points]
        for counts, (balls, centre, point) in zip(found, sides, strict=True):
            radii = balls.radii[centre]
            inside = distance <= radii if balls.closed else (distance < radii) | (distance == 0)
            counts.points[:] += np.bincount(point[inside], minlength=len(counts.points))
            counts.balls[:] += np.bincount(centre[inside], minlength=len(counts.balls))
    return found


def _pairs(
    centres: Floats, points: Floats, around_centres: Sequence[Balls], around_points: Sequence[Balls]
) -> Iterator[tuple[Integers, Integers, Floats]]:
    """Row numbers i, j and distances of all pairs that lie in some ball, and of some more.

    Distances come from float32 products; one that rounding might put on the other side of a ball's boundary is measured
    as √Σ(c−p)² in float64.  So comparisons with the radii are exact; the distances are not.
    """
    d = centres.shape[1]
    middle = centres.mean(axis=0)
    widest = max(float(np.abs(z - middle).max()) for z in (centres, points))
    unit = (widest or 1.0) * d**0.5
    x, y = (((z - middle) / unit).astype(np.float32) for z in (centres, points))
    size_x, size_y = (np.einsum("ij,ij->i", z, z, dtype=np.float64) for z in (x, y))
    of_centres, of_points = (
        [np.square(balls.radii / unit) for balls in side] for side in (around_centres, around_points)
    )
    reach_x, reach_y = (
        np.max(side, axis=0) if side else np.full(len(z), -np.inf)
        for side, z in ((of_centres, x), (of_points, y))
    )
    eps = float(np.finfo(np.float32).eps)
    for rows in slices(len(y), ROWS):
        error = 2 * (d + 16) * eps * (np.sqrt(size_y[rows]) + float(np.sqrt(size_x.max()))) ** 2
        lift = (2 * error - size_y[rows]).astype(np.float32)
        for columns in slices(len(x), COLUMNS):
            tile = (-2 * y[rows]) @ x[columns].T
            tile += size_x[columns].astype(np.float32)  # |p − c|² less |p|²
            near = tile <= (reach_y[rows] + lift).astype(np.float32)[:, None]
            near |= tile - lift[:, None] <= reach_x[columns].astype(np.float32)
            j, i = np.divmod(np.flatnonzero(near), near.shape[1])
            square, slack = tile[j, i] + size_y[rows][j], error[j]
            i, j = i + columns.start, j + rows.start
            unsure = np.zeros(len(i), bool)
            for side, places in ((of_centres, i), (of_points, j)):
                for edges in side:
                    unsure |= np.abs(square - edges[places]) <= slack
            distance = np.sqrt(np.maximum(square, 0)) * unit
            distance[unsure] = measured(centres, points, j[unsure], i[unsure])
            yield i, j, distance
