"""From whatever the caller has (NumPy, torch, lists) to checked NumPy arrays.  Nothing here imports torch."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from genbench.storage.arrays import release_pages

Array: TypeAlias = Any
"""What a metric accepts: a NumPy array, a torch tensor on any device, or nested sequences of numbers."""

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Nearest: TypeAlias = tuple[Floats, Integers]  # distances (m,) and rows (m,) of what lies nearest to m queries


class Rows:
    """A matrix (n, d) of numbers that is worked out from something shorter, and is never held whole.

    `rows[index]` are some of its rows in the same form, `np.asarray(rows)` the numbers.  `make` turns stored elements
    (m, …) into rows (m, d), each by itself; they are finite.
    """

    def __init__(self, stored: NDArray[Any], make: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        self.stored, self.make = stored, make
        self.shape = (len(stored), make(stored[:1]).shape[1])

    def __len__(self) -> int:
        return len(self.stored)

    def __getitem__(self, index: slice | Integers) -> "Rows":
        return Rows(self.stored[index], self.make)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        values = self.make(self.stored)
        release_pages(self.stored)
        return values if dtype is None else values.astype(dtype)


def as_array(values: Array) -> NDArray[Any]:
    """A NumPy view or copy of `values`; torch tensors are detached and moved to the CPU (duck-typed)."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # NumPy has no bfloat16; float32 holds it exactly
            values = values.float()
        values = values.numpy()
    return np.asarray(values)


def numbers(values: Array, name: str, *, ndim: int, rows: int = 1) -> NDArray[Any]:
    """`values` as a finite real array with `ndim` axes and at least `rows` rows, in its own dtype.

    Raises ValueError naming the argument `name`, what was wrong and what was expected.
    """
    array = as_array(values)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name}: dtype {array.dtype}, expected real numbers")
    if array.ndim != ndim:
        raise ValueError(f"{name}: shape {array.shape}, expected {ndim} axes")
    if 0 in array.shape[1:]:
        raise ValueError(f"{name}: shape {array.shape}, expected no empty axis")
    if len(array) < rows:
        raise ValueError(f"{name}: {len(array)} rows, expected at least {rows}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise ValueError(f"{name}: {bad} values are NaN or infinite, expected finite numbers")
    return array


def matrix(values: Array, name: str, *, rows: int = 1) -> NDArray[Any] | Rows:
    """`numbers` (n, d), or `Rows` as they are."""
    if not isinstance(values, Rows):
        return numbers(values, name, ndim=2, rows=rows)
    if len(values) < rows:
        raise ValueError(f"{name}: {len(values)} rows, expected at least {rows}")
    return values


def floats(values: Array, name: str, *, ndim: int = 2, rows: int = 1) -> Floats:
    """`numbers` in float64; with the defaults a feature matrix (n, d)."""
    return numbers(values, name, ndim=ndim, rows=rows).astype(np.float64, copy=False)


def integers(values: Array, name: str, *, classes: int) -> Integers:
    """Class labels (n,) as int64, each in 0 … classes−1."""
    if classes < 1:
        raise ValueError(f"classes: {classes}, expected at least 1")
    array = numbers(values, name, ndim=1)
    whole = array.astype(np.int64)
    if (whole != array).any() or whole.min() < 0 or whole.max() >= classes:
        raise ValueError(
            f"{name}: values {array.min()} to {array.max()}, expected integers 0 to {classes - 1}"
        )
    return whole


def same_width(*named: tuple[str, NDArray[Any] | Rows]) -> None:
    """ValueError unless all arrays agree in every axis but the first."""
    first, reference = named[0]
    for name, array in named[1:]:
        if array.shape[1:] != reference.shape[1:]:
            raise ValueError(
                f"{name}: rows of shape {array.shape[1:]}, expected {reference.shape[1:]} as in {first}"
            )


def pair(real: Array, fake: Array, *, rows: int = 2) -> tuple[Floats, Floats]:
    """Two feature matrices (n, d), (m, d) of equal width in float64, each with at least `rows` rows."""
    x, y = floats(real, "real", rows=rows), floats(fake, "fake", rows=rows)
    same_width(("real", x), ("fake", y))
    return x, y


def log_sum_exp(logs: Floats) -> Floats:
    """log Σ_k exp(logs[:, k]) of rows (n, k), without overflow: (n,)."""
    top = logs.max(axis=1)
    total: Floats = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    return total
