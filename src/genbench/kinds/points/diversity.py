"""Which modes of a known mixture samples leave out, and how a training came to it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from genbench.kinds.kind import Card
from genbench.kinds.points.mixture import WITHIN
from genbench.scoring import metrics
from genbench.scoring.collapse import modes_record
from genbench.scoring.dynamics import Moments, record_of


def modes_of(
    real: np.ndarray, fake: np.ndarray, card: Card, followed: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """`collapse` of samples (n, d), and `dynamics` where a training kept some, by their nearest true centres."""
    shares = np.array(card["weights"])
    modes, good = _nearest(fake, card)
    found: dict[str, Any] = {"collapse": modes_record(modes, good, shares)}
    if followed:
        x = followed["x"].astype(np.float64)
        finite = np.isfinite(x).all((1, 2))
        x = x[finite]
        modes, good = (part.reshape(x.shape[:2]) for part in _nearest(x.reshape(-1, x.shape[2]), card))
        distances = np.array([metrics.frechet_value(real, each) for each in x])
        found["dynamics"] = record_of(Moments(followed["step"][finite], modes, good, shares, distances))
    return found


def _nearest(x: np.ndarray, card: Card) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) -> (n,) the nearest centre, and whether it is as near as 3 sigma."""
    distance, mode = metrics.nearest(np.array(card["centres"]), x)
    return mode[:, 0], distance[:, 0] <= WITHIN * float(card["sigma"])
