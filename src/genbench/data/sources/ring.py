"""Gaussians on a circle in the plane: the test for dropped modes (Metz et al., 2017, arXiv:1611.02163, section 3.1).

Eight of them, a hundredth of the radius wide, are also "2D-ring" of VEEGAN (arXiv:1705.07761) and PacGAN.
"""

import numpy as np

from genbench.data.parts import mixture
from genbench.data.source import Source
from genbench.storage.files import InputError

KIND = "points"


def load(
    *, modes: int = 8, sigma: float = 0.01, train: int = 5000, held_out: int = 1000, seed: int = 0
) -> Source:
    """`modes` equal Gaussians on the unit circle.  sigma: their standard deviation, in units of the radius.

    Raises:
        InputError: fewer than two modes, sigma not above 0, counts below 1.
    """
    if modes < 2:
        raise InputError(f"modes: got {modes}; expected at least 2")
    angles = 2 * np.pi * np.arange(modes) / modes
    centres = np.stack([np.cos(angles), np.sin(angles)], 1)
    about = {
        "source": "drawn by genbench",
        "description": f"{modes} Gaussians on a circle, standard deviation {sigma:g} of the radius",
        "licence": "CC0 1.0",
    }
    weights = [1 / modes] * modes
    return mixture.source(centres, sigma, weights, train=train, held_out=held_out, seed=seed, about=about)
