"""Other domains made of the images of one: named pure functions of uint8 levels 0 … levels−1, (n, c, h, w)."""

from collections.abc import Callable, Mapping

import numpy as np

from genbench.storage.files import InputError

Transform = Callable[[np.ndarray, int], np.ndarray]
NIGHT = (0.25, 0.3, 0.5)  # of red, green and blue: dark, and bluer


def transformed(name: str, x: np.ndarray, levels: int) -> np.ndarray:
    """The images as transform `name` makes them, uint8 levels (n, c' , h, w): the sides stay, channels may become one.

    Raises:
        InputError: no transform of that name.
    """
    if name not in TRANSFORMS:
        raise InputError(f"transform: got {name!r}; expected one of {', '.join(sorted(TRANSFORMS))}")
    return np.ascontiguousarray(TRANSFORMS[name](x, levels))


def grey(x: np.ndarray, levels: int) -> np.ndarray:
    """The mean over the channels, (n, 1, h, w)."""
    return np.round(x.mean(axis=1, keepdims=True, dtype=np.float64)).astype(np.uint8)


def negative(x: np.ndarray, levels: int) -> np.ndarray:
    """Dark where it was bright."""
    return (levels - 1 - x.astype(np.int64)).astype(np.uint8)


def night(x: np.ndarray, levels: int) -> np.ndarray:
    """The same scene with less light, and what there is of it bluer."""
    channels = x.shape[1]
    light = np.array(NIGHT) if channels == 3 else np.full(channels, np.mean(NIGHT))
    return np.round(x * light[:, None, None]).astype(np.uint8)


def edges(x: np.ndarray, levels: int) -> np.ndarray:
    """White where a pixel is brighter than its four neighbours, by half the range in sum; (n, 1, h, w).

    A line drawing: the strokes' course is kept, their width and greys are lost.
    """
    bright = grey(x, levels).astype(np.int64)
    around = sum(_neighbours(bright, mode="edge"))
    return ((2 * (4 * bright - around) >= levels - 1) * (levels - 1)).astype(np.uint8)


def outline(x: np.ndarray, levels: int) -> np.ndarray:
    """White on the dark side of the border between the bright half of the range and the dark one; (n, 1, h, w)."""
    ink = 2 * grey(x, levels).astype(np.int64) >= levels - 1
    touched = np.any(_neighbours(ink, mode="constant"), axis=0)
    return ((touched & ~ink) * (levels - 1)).astype(np.uint8)


def _neighbours(x: np.ndarray, *, mode: str) -> list[np.ndarray]:
    """The pixels above, below, to the left and to the right of each, four times (n, c, h, w)."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode=mode)  # type: ignore[call-overload]
    above, below = padded[..., :-2, 1:-1], padded[..., 2:, 1:-1]
    return [above, below, padded[..., 1:-1, :-2], padded[..., 1:-1, 2:]]


TRANSFORMS: Mapping[str, Transform] = {
    "edges": edges,
    "grey": grey,
    "negative": negative,
    "night": night,
    "outline": outline,
}
