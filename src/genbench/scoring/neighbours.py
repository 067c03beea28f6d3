"""Exact Euclidean neighbours in bounded memory.

Candidates come from a tiled matrix product, |t|² − 2 q·t, whose rounding error is bounded; every pair within
that bound of the best is then measured directly as √Σ(q−t)² in float64.  So the answer does not depend on
tiling, threads or BLAS, is symmetric in its two points to the last bit, and an exact copy is at distance
exactly 0.0.  Of bytes the product is taken in whole numbers where that is faster, which changes no answer.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, Integers, Rows, matrix, numbers, same_width
from genbench.scoring.byte_products import WIDEST, Product, fast_product
from genbench.storage.arrays import slices

ROWS, COLUMNS = 1024, 8192  # a tile of queries × training rows: 32 MB in float32
BYTE_COLUMNS = (
    1024  # of a tile of bytes, which takes less time than to write a long row to memory and read it back
)
GATHER = 1 << 20  # numbers measured directly at a time: 8 MB in float64
PART = 1 << 24  # numbers of `Rows` worked out at a time: 128 MB
BYTES = 1 << 26  # the same of bytes that are multiplied as such
CROWD = 64  # more candidates than this (beyond k) per tile: measure that query in higher precision

Tile = tuple[
    slice, slice, NDArray[Any], Floats
]  # rows of queries, of train; a number of each pair; its largest error
Tiles = Callable[[NDArray[Any], NDArray[Any]], Iterator[Tile]]


def nearest(train: Array, queries: Array, *, k: int = 1) -> tuple[Floats, Integers]:
    """The k nearest training rows of each query.

    train (n, d), queries (m, d) of any real dtype → distances (m, k) ascending and row numbers in train (m,
    k). Among equal distances the lower row number comes first.  Besides the arrays themselves about 4·(n+m)·d
    bytes + 150 MB are used; of `Rows` 1 GB, however many.  Raises ValueError for bad input and for n < k.
    """
    points, wanted = matrix(train, "train"), matrix(queries, "queries")
    same_width(("train", points), ("queries", wanted))
    if not 1 <= k <= len(points):
        raise ValueError(f"k: {k}, expected 1 to {len(points)}, the number of training rows")
    product = _product_of_bytes(points, wanted) if k <= CROWD else None
    if not isinstance(points, Rows) and not isinstance(wanted, Rows):
        return _nearest(points, wanted, k, product)
    distances, indices = np.full((len(wanted), k), np.inf), np.full((len(wanted), k), len(points))
    step = max(1, (BYTES if product else PART) // points.shape[1])
    for rows in slices(len(wanted), step):
        few = np.asarray(wanted[rows])
        for part in slices(len(points), step):
            found, at = _nearest(np.asarray(points[part]), few, min(k, part.stop - part.start), product)
            found = np.concatenate([distances[rows], found], 1)
            at = np.concatenate([indices[rows], at + part.start], 1)
            best = np.lexsort((at, found), axis=1)[:, :k]
            distances[rows] = np.take_along_axis(found, best, 1)
            indices[rows] = np.take_along_axis(at, best, 1)
    return distances, indices


def nearest_others(points: Array, *, k: int = 1, of: Integers | None = None) -> tuple[Floats, Integers]:
    """`nearest` of each row among the other rows of the same set: itself is left out, its duplicates are not.

    points (n, d) → distances (n, k), row numbers (n, k); `of` (m,) names the rows where not all are wanted.  Raises
    ValueError for bad input and for n ≤ k.
    """
    rows = matrix(points, "points", rows=k + 1)
    distances, indices = nearest(rows, rows if of is None else rows[of], k=k + 1)
    own = indices == (np.arange(len(rows)) if of is None else of)[:, None]
    own[~own.any(axis=1), k] = True  # crowded out by more than k duplicates: drop the last of them instead
    return distances[~own].reshape(-1, k), indices[~own].reshape(-1, k)


def ball_counts(centres: Array, radii: Array, points: Array, *, closed: bool) -> Integers:
    """How many balls hold each point.

    centres (n, d), radii (n,), points (m, d) → counts (m,).  A closed ball holds its boundary (distance ≤
    radius); an open one does not, but always holds its own centre, so that a radius of 0 (duplicates) still
    finds exact copies.
    """
    c, p = numbers(centres, "centres", ndim=2), numbers(points, "points", ndim=2)
    r = numbers(radii, "radii", ndim=1).astype(np.float64)
    same_width(("centres", c), ("points", p))
    if len(r) != len(c):
        raise ValueError(f"radii: {len(r)} values, expected {len(c)}, one for each centre")
    counts = np.zeros(len(p), dtype=np.int64)
    for rows, columns, tile, error in _tiles(c, p, np.float64, radii=r):
        counts[rows] += np.count_nonzero(tile < -error[:, None], axis=1)
        i, j = np.nonzero(
            np.abs(tile) <= error[:, None]
        )  # too close to the boundary for the product: measure
        i, j = i + rows.start, j + columns.start
        distance = measured(c, p, i, j)
        inside = (distance <= r[j]) if closed else (distance < r[j]) | (distance == 0)
        np.add.at(counts, i[inside], 1)
    return counts


def _product_of_bytes(train: NDArray[Any] | Rows, queries: NDArray[Any] | Rows) -> Product | None:
    """What multiplies them faster than floats, if they are bytes."""
    of_bytes = all(np.asarray(x[:1]).dtype == np.uint8 for x in (train, queries))
    if not of_bytes or train.shape[1] > WIDEST:
        return None
    return fast_product(len(train) * len(queries) * train.shape[1])


def _nearest(
    train: NDArray[Any], queries: NDArray[Any], k: int, product: Product | None
) -> tuple[Floats, Integers]:
    distances, indices = np.empty((len(queries), k)), np.empty((len(queries), k), dtype=np.int64)
    todo = np.arange(len(queries))
    # Each is for the queries that the one before found too many candidates for.
    ways: list[Tiles] = [partial(_tiles, dtype=np.float32), partial(_tiles, dtype=np.float64)]
    if product is not None:
        ways.insert(0, partial(_byte_tiles, product=product))
    for tiles in ways:
        distances[todo], indices[todo], done = _search(train, queries[todo], k, tiles)
        todo = todo[~done]
        if todo.size == 0:
            return distances, indices
    every = np.arange(len(train))
    for row in todo:  # hundreds of equally near training rows: constant images, few grey levels
        exact = measured(train, queries, np.full(len(train), row), every)
        indices[row] = np.lexsort((every, exact))[:k]
        distances[row] = exact[indices[row]]
    return distances, indices


def _search(
    train: NDArray[Any], queries: NDArray[Any], k: int, tiles: Tiles
) -> tuple[Floats, Integers, NDArray[np.bool_]]:
    """Distances and indices (m, k), and whether each row is done: not where too many candidates came up."""
    distances, indices = np.zeros((len(queries), k)), np.zeros((len(queries), k), dtype=np.int64)
    done = np.ones(len(queries), dtype=bool)
    found: list[tuple[Integers, Integers, NDArray[Any]]] = []
    bound = np.empty(0)
    for rows, columns, tile, error in tiles(train, queries):
        if columns.start == 0:
            found, bound = [], np.full(len(tile), np.inf)
        enough = tile.shape[1] >= k
        if enough and columns.start == 0:
            bound = _at_least_kth(tile, k) + 2 * error
        i, j = np.divmod(np.flatnonzero(tile <= _in_type_of(tile, bound)[:, None]), tile.shape[1])
        if (
            enough and columns.start > 0 and i.size > 0
        ):  # only rows with something below the bound can lower it
            some = np.unique(i)
            bound[some] = np.minimum(bound[some], _at_least_kth(tile[some], k) + 2 * error[some])
            close = tile[i, j] <= bound[i]
            i, j = i[close], j[close]
        if enough:
            done[rows] &= np.bincount(i, minlength=len(tile)) <= CROWD + k
        open_rows = done[rows][i]
        i, j = i[open_rows], j[open_rows]
        found.append((i, j + columns.start, tile[i, j]))
        if columns.stop == len(train):
            i, j, value = (np.concatenate(part) for part in zip(*found, strict=True))
            keep = (value <= bound[i]) & done[rows][i]
            i, j = i[keep] + rows.start, j[keep]
            exact = measured(train, queries, i, j)
            order = np.lexsort((j, exact, i))
            i, j, exact = i[order], j[order], exact[order]
            rank = np.arange(len(i)) - np.searchsorted(i, i)
            top = rank < k
            distances[i[top], rank[top]], indices[i[top], rank[top]] = exact[top], j[top]
    return distances, indices, done


def _in_type_of(tile: NDArray[Any], bound: Floats) -> NDArray[Any]:
    """A bound rounded to what a tile is compared with; of whole numbers, down."""
    if tile.dtype.kind == "i":
        bound = np.floor(np.minimum(bound, np.iinfo(tile.dtype).max))
    return bound.astype(tile.dtype)


def _at_least_kth(tile: NDArray[Any], k: int) -> NDArray[Any]:
    """For each row a number that k of its entries do not exceed: the k-th smallest of group minima."""
    groups = 1 if k == 1 else 32 * k
    depth = tile.shape[1] // groups
    if depth >= 2:
        tile = tile[:, : depth * groups].reshape(len(tile), depth, groups).min(axis=1)
    smallest: NDArray[Any] = np.partition(tile, k - 1, axis=1)[:, k - 1]
    return smallest


def _byte_tiles(train: NDArray[np.uint8], queries: NDArray[np.uint8], *, product: Product) -> Iterator[Tile]:
    """Tiles of |t|²/2 − q·t in whole numbers, of bytes less 128: exact but for the half that is cut off."""
    right, half = (train ^ 128).view(np.int8), np.empty(len(train), dtype=np.int32)
    for part in slices(len(train), max(1, GATHER // train.shape[1])):
        block = right[part].astype(np.int32)
        half[part] = (block * block).sum(axis=1) // 2
    space = np.empty(
        min(ROWS, len(queries)) * min(BYTE_COLUMNS, len(train)), dtype=np.int32
    )  # of each tile in turn
    for rows in slices(len(queries), ROWS):
        left = (queries[rows] ^ 128).view(np.int8)
        error = np.full(len(left), 0.5)
        for columns in slices(len(train), BYTE_COLUMNS):
            shape = len(left), columns.stop - columns.start
            tile = product(left, right[columns], space[: shape[0] * shape[1]].reshape(shape))
            yield rows, columns, np.subtract(half[columns], tile, out=tile), error


def _tiles(
    train: NDArray[Any], queries: NDArray[Any], dtype: type[np.floating[Any]], *, radii: Floats | None = None
) -> Iterator[Tile]:
    """Tiles of |t|² − 2 q·t (queries × train), or of |q−t|² − r_t², centred and scaled, and an error bound.

    The bound, one number for each query of the tile, covers rounding to dtype and (d+1)-term sums in any order; its
    factor 2 covers the rounding of the direct measurement.  Centring costs nothing, since the same centre is taken
    from both sides and each difference is correctly rounded.
    """
    d = train.shape[1]
    centre = train.mean(axis=0, dtype=np.float64)
    right, size = np.empty((len(train), d + 1), dtype=dtype), np.empty(len(train))
    spread = float(max(train.max(), queries.max())) - float(min(train.min(), queries.min()))
    scale = (spread or 1.0) * d**0.5
    for part in slices(len(train), max(1, GATHER // d)):
        block = (train[part] - centre) / scale
        square = (block * block).sum(axis=1)
        size[part] = np.sqrt(square)
        right[part, :d] = block
        right[part, d] = square if radii is None else square - (radii[part] / scale) ** 2
    widest = float(size.max()) + (0.0 if radii is None else float(radii.max()) / scale)
    unit = float(np.finfo(dtype).eps)
    space = np.empty(min(ROWS, len(queries)) * min(COLUMNS, len(train)), dtype=dtype)  # of each tile in turn
    for rows in slices(len(queries), ROWS):
        block = (queries[rows] - centre) / scale
        square = (block * block).sum(axis=1)
        left = np.ones((len(block), d + 1), dtype=dtype)
        left[:, :d] = -2 * block
        reach = np.sqrt(square) + widest
        error = 2 * (d + 16) * unit * reach**2
        for columns in slices(len(train), COLUMNS):
            shape = len(left), columns.stop - columns.start
            tile = np.matmul(left, right[columns].T, out=space[: shape[0] * shape[1]].reshape(shape))
            if radii is not None:
                tile += square[:, None]
            yield rows, columns, tile, error


def measured(train: NDArray[Any], queries: NDArray[Any], i: Integers, j: Integers) -> Floats:
    """√Σ(queries[i] − train[j])² pair by pair, in float64 from the original numbers."""
    distance = np.empty(len(i))
    exact = (
        np.int32 if train.dtype == queries.dtype == np.uint8 else np.float64
    )  # of bytes the same, and faster
    for part in slices(len(i), max(1, GATHER // train.shape[1])):
        gap = np.subtract(queries[i[part]], train[j[part]], dtype=exact)
        distance[part] = np.sqrt(np.multiply(gap, gap, out=gap).sum(axis=1))
    return distance
