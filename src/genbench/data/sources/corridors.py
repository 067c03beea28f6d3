"""Drawn corridors: floor, ceiling and two walls, whose four edges run to one vanishing point.

The ceiling is red, the floor blue, the walls green, the more the brighter, which is the class; the far end is dark.
So each edge can be measured, and whether all four meet: see `genbench.data.parts.perspective`.
"""

import numpy as np

from genbench.data.parts.options import check_ranges
from genbench.data.parts.perspective import FULL, band
from genbench.data.source import Part, Source
from genbench.data.sources.faces import in_levels

WALLS = ("dark", "grey", "bright")
GREEN = np.array([90, 170, 250])
MIDDLE = (0.39, 0.61)  # where the vanishing point is, both ways, in shares of the side
ASIDE, ABOVE = (0.7, 1.3), (0.4, 0.9)  # how far from the eye the walls, and the ceiling and the floor are
END = (0.06, 0.1)  # half the far end of a corridor of half-width 1, in shares of the side
MARGIN = 1.0  # pixels that an edge keeps from the top and the bottom of the picture, at its sides


def load(*, size: int = 16, train: int = 1500, held_out: int = 500, levels: int = 8, seed: int = 0) -> Source:
    """Three channels.

    Raises:
        InputError: an option outside what it can be.
    """
    check_ranges(
        size=(size, 12, 64),
        train=(train, 1, 10**6),
        held_out=(held_out, 1, 10**6),
        levels=(levels, 2, 256),
        seed=(seed, 0, 2**32 - 1),
    )
    parts = []
    for part, n in enumerate((train, held_out)):
        rng = np.random.default_rng((seed, part))
        walls = rng.integers(len(WALLS), size=n)
        parts.append(Part(in_levels(render(geometry(n, size, rng), walls, size), levels), walls))
    about = {
        "source": "drawn by genbench",
        "description": f"corridors, {size}×{size} pixels, {levels} levels a channel; the class is how bright the walls "
        f"are ({', '.join(WALLS)})",
        "licence": "CC0 1.0",
        "class_names": list(WALLS),
        "perspective": {"lines": 4, "columns": band(size)},
    }
    return Source(parts[0], parts[1], levels, len(WALLS), about)


def geometry(n: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 7): x and y of the vanishing point in pixels; left, right, up and down from the eye; the far end's scale.

    Drawn anew where an edge would leave the picture by its top or bottom.
    """
    found = np.empty((0, 7))
    while len(found) < n:
        point = size * rng.uniform(*MIDDLE, size=(n, 2))
        aside, above = rng.uniform(*ASIDE, size=(n, 2)), rng.uniform(*ABOVE, size=(n, 2))
        end = size * rng.uniform(*END, size=(n, 1))
        away = np.stack([point[:, 0], size - point[:, 0]], 1)  # of the point from the picture's sides
        rise = (away / aside).max(1)  # of an edge, for each unit of height
        stays = (point[:, 1] - rise * above[:, 0] >= MARGIN) & (
            point[:, 1] + rise * above[:, 1] <= size - MARGIN
        )
        found = np.concatenate([found, np.concatenate([point, aside, above, end], 1)[stays]])
    return found[:n]


def render(corridors: np.ndarray, walls: np.ndarray, size: int) -> np.ndarray:
    """uint8 (n, 3, size, size) of `geometry`, (n, 7); only sums, products and roots, which machines round alike."""
    x, y, left, right, up, down, end = (column[:, None, None] for column in corridors.T)
    places = np.arange(size) + 0.5
    dx, dy = places[None, None, :] - x, places[None, :, None] - y
    wide, high = np.where(dx < 0, left, right), np.where(dy < 0, up, down)
    across = (np.abs(dy) * wide - np.abs(dx) * high) / np.sqrt(wide * wide + high * high)
    flat = np.clip(across + 0.5, 0, 1)  # ceiling or floor rather than a wall
    before = np.maximum(np.abs(dx) - end * wide, np.abs(dy) - end * high)
    lit = np.clip(before + 0.5, 0, 1)
    red, blue = (FULL * lit * flat * (sign * dy > 0) for sign in (-1, 1))
    green = lit * (1 - flat) * GREEN[walls][:, None, None]
    return np.floor(np.stack([red, green, blue], 1) + 0.5).astype(np.uint8)
