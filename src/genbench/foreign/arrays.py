"""Arrays of images as other programs leave them: .npz and .npy files, whatever their axes, type and range."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np

from genbench.data.pixels import spread
from genbench.storage.arrays import blocks, concatenated
from genbench.storage.files import InputError, read_bytes, read_npz

SUFFIXES = (".npz", ".npy")
RANGES = "[0, 1], [-1, 1] or whole numbers 0 … 255"
# Beyond [0, 1] or [-1, 1]: what arithmetic in float16 or float32 adds, a quarter of a level of 256.
SLACK = 1e-3
FAR_BELOW = 4  # the reference reaches more than so many times as far: another range was meant


class Reference(NamedTuple):
    """What is known of the images that others are compared with.

    shape: (c, h, w).  levels: grey levels as stored, 256 where nothing says otherwise.  top: their largest value, of
    0 … 255.
    """

    shape: tuple[int, ...]
    levels: int
    top: int


class Numbered(Sequence[str]):
    """ "x[0]", "x[1]", …: the names of an array's rows, made when they are asked for."""

    def __init__(self, name: str, length: int) -> None:
        self.name, self.length = name, length

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        places = range(self.length)[index]
        return f"{self.name}[{places}]" if isinstance(places, int) else [f"{self.name}[{i}]" for i in places]


def stored(path: Path) -> tuple[str, np.ndarray, int | None]:
    """The array of a .npz or .npy file by its name, "x" of a .npy file, and its levels where an archive says them.

    Of an archive: `x`, else the only array with three axes or more (`arr_0` beside labels `arr_1`), else the only one.

    Raises:
        InputError: no such array or several, or a damaged file.
    """
    if path.suffix == ".npy":
        try:
            return "x", np.load(io.BytesIO(read_bytes(path, what="the images")), allow_pickle=False), None
        except (ValueError, EOFError, OSError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: the images are damaged or no .npy file ({error})") from error
    arrays = read_npz(path, what="the images")
    wide = [name for name, array in arrays.items() if array.ndim >= 3]
    candidates = ["x"] if "x" in arrays else wide or list(arrays)
    if len(candidates) != 1:
        raise InputError(f"{path}: arrays {sorted(arrays)}; expected one array, or one called 'x'")
    levels = arrays.get("levels")
    if levels is None or candidates == ["levels"]:
        return candidates[0], arrays[candidates[0]], None
    if levels.size != 1 or levels.dtype.kind not in "iu" or not 2 <= levels.item() <= 256:
        raise InputError(
            f"{path}: array 'levels' holds {levels.tolist()!r:.40}; expected one number of 2 to 256"
        )
    return candidates[0], arrays[candidates[0]], int(levels.item())


def channels_first(x: np.ndarray, what: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """(n, h, w), (n, c, h, w) or (n, h, w, c) -> (n, c, h, w); where both fit, as the shape (c, h, w) asks."""
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or 0 in x.shape[1:] or not {x.shape[1], x.shape[3]} & {1, 3}:
        raise InputError(
            f"{what} has shape {x.shape}; expected (n, h, w), (n, c, h, w) or (n, h, w, c) with c 1 or 3"
        )
    last = x.transpose(0, 3, 1, 2)
    if shape is not None and x.shape[1:] != shape and last.shape[1:] == shape:
        return last
    return x if x.shape[1] in (1, 3) else last


def full_range(
    x: np.ndarray, what: str, *, levels: int | None, reference: Reference | None
) -> tuple[np.ndarray, str]:
    """Numbers of any type and range -> uint8 0 … 255, and what they were taken for.

    levels: how many grey levels whole numbers have, None where nobody says; then they are levels of the reference if
    they can be, and 0 … 255 otherwise.

    Raises:
        InputError: NaN, a type or a range that no images have, or values beyond the levels.
    """
    if x.dtype.kind not in "buif":
        raise InputError(f"{what} has dtype {x.dtype}; expected uint8, or floats in [0, 1]")
    if not len(x):
        return x.astype(np.uint8), ""
    if x.dtype.kind == "f":
        bad = sum(np.count_nonzero(~np.isfinite(block)) for block in blocks(x))
        if bad:
            raise InputError(f"{what} holds {bad} values that are NaN or infinite; expected {RANGES}")
    low, high = float(x.min()), float(x.max())
    if x.dtype.kind == "f":
        low, high = (_without_slack(value) for value in (low, high))
    whole = x.dtype.kind != "f" or (high > 1 and all((block == np.round(block)).all() for block in blocks(x)))
    if whole and low >= 0 and high <= 255:
        return _of_whole(x, what, int(high), levels, reference)
    if x.dtype.kind != "f" or high > 1 or not (low >= 0 or low <= -0.5) or low < -1:
        kind = "whole numbers" if whole else "floats"
        raise InputError(f"{what} holds {kind} from {low:.4g} to {high:.4g}; expected {RANGES}")
    if low < 0:
        return _rounded(x, lambda block: (block + 1) / 2), "[-1, 1]"
    return _rounded(x, lambda block: block), "[0, 1]"


def _without_slack(value: float) -> float:
    """A bound of a range, where a value is next to one."""
    return next((bound for bound in (-1.0, 0.0, 1.0) if abs(value - bound) <= SLACK), value)


def bright_enough(images: np.ndarray, what: str, top: int, option: str) -> None:
    """InputError where no pixel comes near the brightest of the reference, `top`: their range must be another one.

    All-black images are black under any reading, and pass.
    """
    largest = int(images.max()) if images.size else 0
    if 0 < largest * FAR_BELOW < top:
        raise InputError(
            f"{what}: no pixel above {largest} of 255, where {top} is reached otherwise; expected images of the "
            f"whole range, or {option} (256 if they are that dark)"
        )


def _of_whole(
    x: np.ndarray, what: str, high: int, levels: int | None, reference: Reference | None
) -> tuple[np.ndarray, str]:
    if levels is not None and high >= levels:
        raise InputError(f"{what} holds values up to {high}; expected below {levels}, the number of levels")
    if levels is None:
        guess = 2 if x.dtype.kind == "b" else reference.levels if reference is not None else 256
        levels = guess if high < guess else 256
    said = "0 … 255" if levels == 256 else f"{levels} levels"
    return spread(
        x if x.dtype == np.uint8 else concatenated(b.astype(np.uint8) for b in blocks(x)), levels
    ), said


def _rounded(x: np.ndarray, to_unit: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Floats -> the nearest of 0 … 255, some at a time."""

    def parts() -> Iterator[np.ndarray]:
        for block in blocks(x):
            yield np.round(to_unit(block.astype(np.float64)).clip(0, 1) * 255).astype(np.uint8)

    return concatenated(parts())
