"""Arrays that may be larger than memory: mapped from files, read block by block, never held whole.

The pages of a mapped array that were read count as memory of the process until they are let go; what comes here lets
them go after each block.  They stay in the system's file cache, and are found there the next time.
"""

import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 1 << 25  # bytes looked at at a time
HELD = 1 << 28  # bytes of an array that is made in memory; a longer one is made in a file


def slices(n: int, step: int) -> Iterator[slice]:
    """0 … n in order, `step` at a time."""
    for start in range(0, n, step):
        yield slice(start, min(n, start + step))


def evenly(n: int, most: int) -> np.ndarray:
    """Places of no more than `most` of n elements, spread evenly over them, in order: int64."""
    count = min(n, most)
    return np.arange(count) * n // max(1, count)


def rows_in(array: Any, size: int = BLOCK) -> int:
    """How many rows of an array take about `size` bytes, at least 1."""
    return max(1, size // max(1, array[:1].nbytes))


def blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The rows in order, some at a time."""
    for part in slices(len(array), rows_in(array)):
        yield array[part]
        release_pages(array)


def release_pages(array: np.ndarray) -> None:
    """Give back the memory behind a mapped array: it is read from the file again where it is needed again."""
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    if isinstance(base, mmap.mmap):
        base.madvise(mmap.MADV_DONTNEED)


def concatenated(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Arrays end to end along their first axis: one array in memory, or, beyond HELD bytes, mapped from a file.

    The file has no name and ends with the array.  It lies where TMPDIR says, else in /var/tmp, which is a disk where
    /tmp is memory.
    """
    held: list[np.ndarray] = []
    source, size = iter(parts), 0
    for part in source:
        held.append(part)
        if (size := size + part.nbytes) > HELD:
            break
    else:
        return np.concatenate(held)
    kind, shape, count = held[0].dtype, held[0].shape[1:], 0
    folder = None if "TMPDIR" in os.environ or not Path("/var/tmp").is_dir() else "/var/tmp"
    with tempfile.TemporaryFile(dir=folder) as file:
        while held:
            count += len(held[0])
            file.write(raw_bytes(held.pop(0)))
        for part in source:
            count += len(part)
            file.write(raw_bytes(part))
        file.flush()
        return np.asarray(np.memmap(file, kind, "r", shape=(count, *shape)))


def take_rows(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """array[index] of any length; see `concatenated`."""

    def parts() -> Iterator[np.ndarray]:
        for part in slices(len(index), rows_in(array)):
            yield array[index[part]]
            release_pages(array)

    return concatenated(parts()) if len(index) else array[index]


def raw_bytes(array: np.ndarray) -> memoryview:
    """The bytes of an array, row by row."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
