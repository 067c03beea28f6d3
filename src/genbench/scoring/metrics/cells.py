"""Distances between distributions over a few cells that can all be listed."""

import numpy as np

from genbench.scoring.metrics.arrays import Floats


def divergence(p: Floats, q: Floats) -> Floats:
    """KL(p ‖ q) = Σ p log(p/q) over the last axis, nats ≥ 0; 0 log 0 = 0, and ∞ where q is 0 and p is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(p > 0, p * np.log(p / q), 0.0)
    return np.maximum(terms.sum(axis=-1), 0.0)


def smoothed(counts: Floats) -> Floats:
    """Counts (…, cells) -> shares (count + ½)/(total + cells/2), none of them 0.

    The estimator of Krichevsky & Trofimov, IEEE Trans. Information Theory 27 (1981), doi:10.1109/TIT.1981.1056331:
    the posterior mean under Jeffreys' prior.  With it KL(p ‖ shares) is finite for any sample.
    """
    raised = np.asarray(counts, np.float64) + 0.5
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares
