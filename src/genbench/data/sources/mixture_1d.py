"""A mixture of Gaussians on the line: data density, sample density and D(x) fit into one picture."""

import numpy as np

from genbench.data.parts import mixture
from genbench.data.source import Source
from genbench.storage.files import InputError

KIND = "points"


def load(
    *,
    centres: tuple[float, ...] = (-2.0, 0.0, 2.0),
    weights: tuple[float, ...] = (0.3, 0.5, 0.2),
    sigma: float = 0.2,
    train: int = 5000,
    held_out: int = 1000,
    seed: int = 0,
) -> Source:
    """One standard deviation for all components.

    Raises:
        InputError: no two different centres, weights that do not fit them, sigma not above 0, counts below 1.
    """
    if len(set(centres)) < max(2, len(centres)):
        raise InputError(f"centres: got {list(centres)}; expected two or more, all different")
    about = {
        "source": "drawn by genbench",
        "description": f"{len(centres)} Gaussians on the line, standard deviation {sigma:g}",
        "licence": "CC0 1.0",
    }
    places = np.array(centres, np.float64)[:, None]
    return mixture.source(places, sigma, weights, train=train, held_out=held_out, seed=seed, about=about)
