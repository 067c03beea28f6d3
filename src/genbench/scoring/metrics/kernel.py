"""Kernel distance: squared MMD with a cubic polynomial kernel (Bińkowski et al., 2018), arXiv:1801.01401."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, numbers, same_width
from genbench.scoring.byte_products import InnerProducts, fixed, matrix_unit_product
from genbench.scoring.estimates import Estimate, Replicates, both_orders, spread_interval
from genbench.storage.arrays import slices

BLOCK = 1024  # rows and columns of the kernel matrix held at a time: 8 MB
STRIP = 128  # of these rows that are cubed and summed at a time
LARGE = 1 << 31  # multiplications in a kernel matrix, above which they are in float32


def kernel_distance(
    real: Array, fake: Array, *, subsets: int | None = None, subset_size: int = 1000, seed: int = 0
) -> Estimate:
    """Unbiased squared maximum mean discrepancy with k(x, y) = (x·y/d + 1)³; "KID" on Inception features.

    real (n, d), fake (m, d) → Estimate, lower is better, 0 expected for equal distributions, so it may be
    negative.

    By default the U-statistic over all pairs, mean_{i≠j} k(xᵢ,xⱼ) + mean_{i≠j} k(yᵢ,yⱼ) − 2 mean k(xᵢ,yⱼ),
    with value ± 1.96·(its standard error); the variance is estimated from all Hoeffding components, so it is
    right under equal distributions too, where the usual first-order formula is twice too large (compare
    Sutherland & Deka, 2019, arXiv:1906.02104).

    The interval is of the population's distance, which the expected value at any n and m equals.

    With `subsets` (the published protocol: 100 of size 1000) the mean over seeded subsets drawn without
    replacement.  It estimates the U-statistic of the whole sets, so that its variance is that of the latter and
    var(between subsets)/subsets; the customary std/√subsets takes subsets for independent that share their data.
    Raises ValueError for bad input, fewer than 4 rows, or subsets larger than a set.
    """
    x, y = _sets(real, fake)
    if subsets is None:
        shift = _typical(x, y)
        full = _u_statistic(_sums(x, x, shift), _sums(y, y, shift), _sums(x, y, shift))
        return spread_interval(full.value, full.error, len(y))
    least = min(len(x), len(y))
    if not 2 <= subset_size <= least:
        raise ValueError(f"subset_size: {subset_size}, expected 2 to {least}, the smaller number of rows")
    if subsets < 1:
        raise ValueError(f"subsets: {subsets}, expected at least 1")
    rng = np.random.default_rng(seed)
    w, v = np.zeros((subsets, len(x))), np.zeros((subsets, len(y)))
    for in_x, in_y in zip(w, v, strict=True):
        for chosen in (in_x, in_y):
            chosen[rng.choice(len(chosen), subset_size, replace=False)] = 1
    shift = _typical(x, y)
    xx, yy, xy = _sums(x, x, shift, w, w), _sums(y, y, shift, v, v), _sums(x, y, shift, w, v)
    pairs = subset_size * (subset_size - 1)
    values = (xx.drawn + yy.drawn) / pairs - 2 * xy.drawn / subset_size**2
    whole = _u_statistic(xx, yy, xy)
    between = float(values.var(ddof=1)) if subsets > 1 else whole.error**2
    return spread_interval(float(values.mean()), (whole.error**2 + between / subsets) ** 0.5, len(y))


def kernel_replicates(real: Array, fake: Array, real_draws: Array, fake_draws: Array) -> Replicates:
    """The U-statistic and its replicates, real_draws (b, n) and fake_draws (b, m) telling how often each row is drawn
    (`resamplings`).  A row is never paired with another drawing of itself, which would bias the statistic.

    Raises ValueError for bad input and fewer than 4 rows.
    """
    x, y = _sets(real, fake)
    w, v = np.asarray(real_draws, dtype=np.float64), np.asarray(fake_draws, dtype=np.float64)
    shift = _typical(x, y)
    xx, yy, xy = _sums(x, x, shift, w, w), _sums(y, y, shift, v, v), _sums(x, y, shift, w, v)
    n, m = len(x), len(y)
    one = 2 * (xx.rows / (n - 1) - xy.rows / m) / n
    other = 2 * (yy.rows / (m - 1) - xy.columns / n) / m
    value = _u_statistic(xx, yy, xy).value
    linear: Floats = value + w @ (one - one.mean()) + v @ (other - other.mean())
    drawn = _mean(xx, w, w, own=True) + _mean(yy, v, v, own=True) - 2 * _mean(xy, w, v, own=False)
    return Replicates(value, linear, drawn - linear)


def _sets(real: Array, fake: Array) -> tuple[NDArray[Any], NDArray[Any]]:
    """In the types they have: large ones are not copied as a whole."""
    x, y = numbers(real, "real", ndim=2, rows=4), numbers(fake, "fake", ndim=2, rows=4)
    same_width(("real", x), ("fake", y))
    return x, y


def _mean(k: "_Sums", w: Floats, v: Floats, *, own: bool) -> Floats:
    """The kernel's mean over the pairs that each of b resamplings draws, (b,)."""
    pairs = w.sum(axis=1) * v.sum(axis=1) - ((w * v).sum(axis=1) if own else 0.0)
    return k.drawn / pairs


class _Full(NamedTuple):
    value: float
    error: float


class _Sums(NamedTuple):
    """What a kernel matrix leaves behind: sums of its rows and columns, and its sum of squares.

    drawn: (b,) its sum over the pairs of rows and columns that w (b, n) and v (b, m) draw, as often as they do.
    """

    rows: Floats
    columns: Floats
    squares: float
    drawn: Floats


def _kernel(x: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """(x·y + 1)³ of rows that are divided by √d already."""
    return _cubed(x @ y.T + 1)


def _cubed(k: NDArray[Any]) -> NDArray[Any]:
    """In place."""
    square = k * k
    k *= square
    return k


def _products(x: NDArray[Any], y: NDArray[Any]) -> Iterator[tuple[slice, slice, NDArray[Any], bool]]:
    """Rows, columns, x·y/d + 1 there, and whether the block stands for its mirror image as well.

    Where y is x, only blocks on and above the diagonal come.  Products of large sets are in float32, whose rounding,
    10⁻⁷ of an entry, averages out over the pairs, or of numbers rounded to 16 bits, see `byte_products`.
    """
    own = x is y
    size = len(x) * len(y) * x.shape[1]
    dtype = np.float32 if size > LARGE else np.float64
    product = matrix_unit_product(size)
    multiply = InnerProducts(product, BLOCK) if product else None
    prepare = fixed if product else partial(_with_one, dtype=dtype)
    a: Any = prepare(x)
    b: Any = a if own else prepare(y)
    for rows in slices(len(a), BLOCK):
        for columns in slices(len(b), BLOCK):
            if own and columns.start < rows.start:
                continue
            if multiply:
                block = multiply(a[rows], b[columns])
                block *= np.float32(1 / x.shape[1])
                block += 1
            else:
                block = a[rows] @ b[columns].T
            yield rows, columns, block, own and rows != columns


def _with_one(x: NDArray[Any], dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Rows divided by √d, and a 1 behind each: (n, d) -> (n, d + 1)."""
    n, d = x.shape
    found = np.ones((n, d + 1), dtype)
    np.divide(x, d**0.5, out=found[:, :d], casting="same_kind", dtype=np.float64)
    return found


def _typical(x: NDArray[Any], y: NDArray[Any]) -> float:
    """A constant near the kernel's mean: it leaves the distance alone, and sums without it keep more digits."""
    some = (np.divide(rows[:BLOCK], x.shape[1] ** 0.5, dtype=np.float64) for rows in (x, y))
    return float(_kernel(*some).mean())


def _add_sums(k: NDArray[Any], rows: Floats, columns: Floats) -> None:
    rows += k @ np.ones(k.shape[1], k.dtype)
    columns += np.ones(len(k), k.dtype) @ k


def _sums(
    x: NDArray[Any], y: NDArray[Any], shift: float, w: Floats | None = None, v: Floats | None = None
) -> _Sums:
    """Of the kernel less `shift`, with zeros where a row meets itself."""
    sums, columns_sums, squares = np.zeros(len(x)), np.zeros(len(y)), 0.0
    drawn = np.zeros(0 if w is None else len(w))
    for rows, columns, block, mirrored in _products(x, y):
        for strip in slices(len(block), STRIP):  # which the cache holds
            k = _cubed(block[strip])
            k -= block.dtype.type(shift)
            if x is y and rows == columns:
                places = np.arange(strip.start, strip.stop)
                k[places - strip.start, places] = 0
            there = slice(rows.start + strip.start, rows.start + strip.stop)
            _add_sums(k, sums[there], columns_sums[columns])
            if mirrored:
                _add_sums(k.T, sums[columns], columns_sums[there])
            squares += (1 + mirrored) * float(np.dot(k.ravel(), k.ravel()))
        if w is not None and v is not None:
            of_rows = w[:, rows].astype(block.dtype) @ block
            drawn += (1 + mirrored) * (of_rows * v[:, columns]).sum(axis=1)
    return _Sums(sums, columns_sums, squares, drawn)


def _u_statistic(xx: _Sums, yy: _Sums, xy: _Sums) -> _Full:
    """MMD² and its standard error, of an unbiased variance but for what `both_orders` cuts.

    Var = 4 Var(a(X)−b(X))/n + 4 Var(a'(Y)−b'(Y))/m + 2V_xx/(n(n−1)) + 2V_yy/(m(m−1)) + 4V_xy/(nm), where
    a(x) = E k(x,X'), b(x) = E k(x,Y) and V are the variances of the doubly centred kernels (Hoeffding, 1948).
    """
    n, m = len(xy.rows), len(xy.columns)
    total_xx, total_yy, total_xy = float(xx.rows.sum()), float(yy.rows.sum()), float(xy.rows.sum())
    value = total_xx / (n * (n - 1)) + total_yy / (m * (m - 1)) - 2 * total_xy / (n * m)
    v_xx, v_yy = _u_centred(xx, n), _u_centred(yy, m)
    cross = (
        xy.squares - float(xy.rows @ xy.rows) / m - float(xy.columns @ xy.columns) / n + total_xy**2 / (n * m)
    )
    v_xy = cross / ((n - 1) * (m - 1))
    first_x = float((xx.rows / (n - 2) - xy.rows / m).var(ddof=1)) - v_xx / (n - 2) - v_xy / m
    first_y = float((yy.rows / (m - 2) - xy.columns / n).var(ddof=1)) - v_yy / (m - 2) - v_xy / n
    second = 2 * v_xx / (n * (n - 1)) + 2 * v_yy / (m * (m - 1)) + 4 * v_xy / (n * m)
    return _Full(value, float(both_orders(4 * first_x / n + 4 * first_y / m, second)))


def _u_centred(k: _Sums, n: int) -> float:
    """Unbiased variance of the doubly centred kernel from off-diagonal sums (Székely & Rizzo, 2014)."""
    rows = float(k.rows @ k.rows)
    return (k.squares - 2 * rows / (n - 2) + float(k.rows.sum()) ** 2 / ((n - 1) * (n - 2))) / (n * (n - 3))
