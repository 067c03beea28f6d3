"""Gaussians on a square grid in the plane: "2D-grid" of VEEGAN (Srivastava et al., 2017), arXiv:1705.07761."""

import numpy as np

from genbench.data.parts import mixture
from genbench.data.source import Source
from genbench.storage.files import InputError

KIND = "points"


def load(
    *, side: int = 5, sigma: float = 0.025, train: int = 5000, held_out: int = 1000, seed: int = 0
) -> Source:
    """side² equal Gaussians.  sigma: their standard deviation, in units of the grid's spacing (paper: .05 to 2).

    Raises:
        InputError: a side below 2, sigma not above 0, counts below 1.
    """
    if side < 2:
        raise InputError(f"side: got {side}; expected at least 2")
    centres = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1).reshape(-1, 2)
    about = {
        "source": "drawn by genbench",
        "description": f"{side}×{side} Gaussians on a grid, standard deviation {sigma:g} of its spacing",
        "licence": "CC0 1.0",
    }
    weights = [1 / side**2] * side**2
    return mixture.source(
        centres.astype(np.float64), sigma, weights, train=train, held_out=held_out, seed=seed, about=about
    )
