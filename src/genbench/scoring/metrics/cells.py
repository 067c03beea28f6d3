"""Distances between distributions over a few cells that can all be listed."""

import numpy as np

from genbench.scoring.arrays import Floats


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


def total_variation_replicates(one: Floats, other: Floats, resampled: tuple[Floats, Floats]) -> Floats:
    """Replicates (b,) of ½ Σ|p − q| that scatter around it as it does itself: shares (cells,) twice, and (b, cells).

    A plain bootstrap of a sum of absolute values scatters too much where the true difference is small, because the
    difference found holds the noise once already.  So resampled differences are taken around one that is shrunk until
    its square has the noise taken off: λ² = max(0, 1 − Σ Var/Σ (p−q)²), after James & Stein (1961).
    """
    gap = one - other
    moved = resampled[0] - resampled[1]
    noise, whole = float(moved.var(axis=0, ddof=1).sum()), float(gap @ gap)
    kept = max(0.0, 1 - noise / whole) ** 0.5 if whole > 0 else 0.0
    distances = np.abs(moved - moved.mean(axis=0) + kept * gap).sum(axis=1) / 2
    replicates: Floats = distances - distances.mean() + np.abs(gap).sum() / 2
    return replicates
