"""Do the edges of a drawn corridor run to one point?  Measured on pixels, of `genbench.data.sources.corridors`."""

import numpy as np

FULL = 255.0  # level of the red of a ceiling and of the blue of a floor


def band(size: int) -> int:
    """How many columns at either side of a picture show walls, floor and ceiling, and never the far end."""
    return size // 4


def edges(images: np.ndarray) -> np.ndarray:
    """Intercept and slope of the four edges, left and right of the ceiling, left and right of the floor: (n, 4, 2).

    images: uint8 (n, 3, h, w).  The ceiling's height in a column is how much red there is, the floor's how much blue,
    to a fraction of a pixel; a line is fitted to the columns of either side by least squares.
    """
    size, columns = images.shape[2], band(images.shape[3])
    top = images[:, 0].astype(np.float64).sum(1) / FULL  # (n, w)
    bottom = size - images[:, 2].astype(np.float64).sum(1) / FULL
    places = np.arange(images.shape[3]) + 0.5
    sides = slice(None, columns), slice(-columns, None)
    lines = [
        np.polyfit(places[side], height[:, side].T, 1)[::-1].T for height in (top, bottom) for side in sides
    ]
    return np.stack(lines, 1)


def miss(lines: np.ndarray) -> np.ndarray:
    """Root mean square distance of lines, intercept and slope (n, k, 2), from the point nearest to all: (n,) pixels."""
    intercept, slope = lines[..., 0], lines[..., 1]
    length = np.sqrt(1 + slope * slope)
    normal = np.stack([-slope, np.ones_like(slope)], -1) / length[..., None]  # (n, k, 2)
    offset = intercept / length
    point = np.linalg.pinv(normal) @ offset[..., None]  # (n, 2, 1)
    distance: np.ndarray = (normal @ point)[..., 0] - offset
    return np.asarray(np.sqrt((distance * distance).mean(axis=-1)))
