"""Exact matrix products of bytes, where the processor multiplies them faster than it does float32.

Sums of whole numbers are the same in any order and on any hardware, so that what is faster may be chosen by trial.
Numbers of 16 bits are products of bytes as well; those stand for floats, which they are not, and whether they do is
decided by the processor alone.  No stage uses them: oneDNN, held to AVX2, does not multiply bytes exactly.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.storage.arrays import slices

Bytes = NDArray[np.int8]
Product = Callable[[Bytes, Bytes, NDArray[np.int32]], NDArray[np.int32]]
"""Rows (m, d) and (n, d), d at most WIDEST, and room for (m, n) -> their inner products, there."""

HOLD = "ONEDNN_MAX_CPU_ISA"  # what `runtime.environment` sets
WORTH = 1e9  # multiplications, below which there is nothing to win
WORTH_AN_IMPORT = 3e10  # where torch is not there yet
WIDEST = (2**31 - 1) // (2 * 128**2)  # numbers in a row, up to which |t|²/2 − q·t fits into 32 bits
TRIAL = 256, 1024, 784  # rows on the left and on the right, and their length
LARGEST = 127 * 256 + 127  # whole number in `Fixed`
STRIP = 512  # columns multiplied at a time
GATHER = 1 << 19  # numbers rounded at a time, which the cache holds


def fast_product(multiplications: float) -> Product | None:
    """One that is exact and faster than NumPy's in float32; None where there is none or so few need none."""
    enough = multiplications >= (WORTH if "torch" in sys.modules else WORTH_AN_IMPORT)
    return _exact() if enough and _faster() else None


def matrix_unit_product(multiplications: float) -> Product | None:
    """One that is exact and, of many, an order of magnitude faster than float32, as processors with AMX have it."""
    if multiplications < WORTH_AN_IMPORT:
        return None
    import torch

    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return _exact() if capabilities.get("amx_int8") else None


def _trial() -> tuple[Bytes, Bytes, NDArray[np.int32]]:
    m, n, d = TRIAL
    numbers = np.random.default_rng(0).integers(-128, 128, (m + n, d), dtype=np.int8)
    numbers[::4], numbers[1::4] = -128, 127  # units that add pairs in 16 bits overflow here
    return numbers[:m], numbers[m:], np.empty((m, n), dtype=np.int32)


@contextmanager
def every_instruction() -> Iterator[None]:
    """Lets oneDNN use all that this processor has: for what asks of torch nothing but products of whole numbers.

    oneDNN looks once, when it is first used, so that in a process that has used it before nothing changes; one that
    uses it here must not use it for floats later.
    """
    held = os.environ.pop(HOLD, None)
    try:
        yield
    finally:
        if held is not None:
            os.environ[HOLD] = held


@cache
def _exact() -> Product | None:
    import torch

    def product(left: Bytes, right: Bytes, out: NDArray[np.int32]) -> NDArray[np.int32]:
        torch._int_mm(torch.from_numpy(left), torch.from_numpy(right).T, out=torch.from_numpy(out))
        return out

    left, right, room = _trial()
    expected = left.astype(np.float32) @ right.T.astype(np.float32)  # exact, too, below 2^24
    return product if (product(left, right, room) == expected).all() else None


@cache
def _faster() -> bool:
    product, (left, right, room) = _exact(), _trial()
    if product is None:
        return False
    one, other = left.astype(np.float32), right.astype(np.float32)
    ways: tuple[Callable[[], object], ...] = (lambda: product(left, right, room)), (lambda: one @ other.T)
    bytewise, plain = (min(_seconds(way) for _ in range(3)) for way in ways)
    return bytewise < plain


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Fixed:
    """Rows (n, d) as 16-bit numbers, (256 · high + low) times the unit (n,) of their row: off by half of it at most."""

    high: Bytes
    low: Bytes
    unit: NDArray[np.float32]

    def __getitem__(self, rows: slice) -> "Fixed":
        return Fixed(self.high[rows], self.low[rows], self.unit[rows])

    def __len__(self) -> int:
        return len(self.unit)


def fixed(rows: NDArray[Any]) -> Fixed:
    """The largest number of each row becomes LARGEST."""
    high, low = (np.empty(rows.shape, dtype=np.int8) for _ in range(2))
    unit = np.empty(len(rows), dtype=np.float32)
    for part in slices(len(rows), max(1, GATHER // rows.shape[1])):
        some = rows[part].astype(np.float32)
        largest = np.maximum(some.max(axis=1), -some.min(axis=1))
        unit[part] = np.where(largest > 0, largest, 1) / LARGEST
        some /= unit[part, None]
        whole = np.rint(some, out=some).astype(np.int16)
        low[part] = whole.astype(np.int8)  # the low byte, -128 … 127
        whole -= low[part]
        high[part] = whole.view(np.int8)[:, 1::2]  # of two bytes the second is the high one
    return Fixed(high, low, unit)


class InnerProducts:
    """(m, n) of `Fixed` rows, of floats rounded to 16 bits, in memory that the next call writes over.

    largest: of m and n.
    """

    def __init__(self, product: Product, largest: int) -> None:
        self.product, self.total = product, np.empty(largest**2, dtype=np.float32)
        types = np.int32, np.int32, np.float32, np.float32
        self.space: list[NDArray[Any]] = [np.empty(largest * STRIP, dtype=kind) for kind in types]

    def __call__(self, left: Fixed, right: Fixed) -> NDArray[np.float32]:
        product, total = self.product, _shaped(self.total, len(left), len(right))
        for columns in slices(len(right), STRIP):
            other, shape = right[columns], (len(left), columns.stop - columns.start)
            whole, more, sums, some = (_shaped(x, *shape) for x in self.space)
            np.copyto(sums, product(left.high, other.high, whole), casting="unsafe")
            product(left.high, other.low, whole)
            whole += product(left.low, other.high, more)
            smallest = product(left.low, other.low, more)
            smallest >>= 8  # of what is kept of these, less than the rounding to 16 bits
            whole += smallest
            np.copyto(some, whole, casting="unsafe")
            sums *= 256
            sums += some
            sums *= 256 * left.unit[:, None]
            np.multiply(sums, other.unit, out=total[:, columns])
        return total


def _shaped(space: NDArray[Any], m: int, n: int) -> NDArray[Any]:
    return space[: m * n].reshape(m, n)
