"""Which modes a generator reaches: class shares, mixtures with known centres, stacked MNIST."""

from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, Integers, floats, integers, same_width
from genbench.scoring.estimates import (
    Z95,
    Estimate,
    clopper_pearson,
    resamplings,
    spread,
    spread_interval,
)
from genbench.scoring.neighbours import nearest


class ModeCoverage(NamedTuple):
    """covered: modes reached.  quality: share of good samples.  kl: KL(generated ‖ target) of modes, nats."""

    covered: Estimate
    quality: Estimate
    kl: Estimate


class LabelCoverage(NamedTuple):
    """covered: number of classes that occur.  kl: KL(generated ‖ target) over classes, nats."""

    covered: Estimate
    kl: Estimate


def class_histogram(labels: Array, classes: int) -> Floats:
    """Share of each class: labels (n,), integers 0 … classes−1 (else ValueError) → (classes,), sums to 1."""
    whole = integers(labels, "labels", classes=classes)
    shares: Floats = np.bincount(whole, minlength=classes) / len(whole)
    return shares


def total_variation(p: Array, q: Array) -> float:
    """½ Σ|p−q| between two histograms (classes,) that sum to 1: 0 equal, 1 disjoint; lower is better."""
    a, b = _distribution(p, "p"), _distribution(q, "q")
    if len(a) != len(b):
        raise ValueError(f"q: {len(b)} classes, expected {len(a)} as in p")
    return float(np.abs(a - b).sum() / 2)


def mode_coverage(
    points: Array,
    centres: Array,
    sigma: float,
    *,
    weights: Array | None = None,
    within: float = 3.0,
    bootstrap: int = 100,
    seed: int = 0,
) -> ModeCoverage:
    """Modes of a known mixture that samples reach (Srivastava et al., 2017, VEEGAN, arXiv:1705.07761).

    A sample belongs to its nearest centre and is good if closer than `within`·sigma to it; a mode is covered
    if it holds a good sample; kl = Σ p log(p/w) over modes, p the share of all samples per mode, w the
    mixture weights (uniform if None).  points (n, d), centres (modes, d).  covered in [0, modes] and quality
    in [0, 1]: higher is better; kl ≥ 0 nats: lower is better.  Intervals, all of the expected score of n points:
    quality Clopper–Pearson; kl ± 1.96·sd of `bootstrap` resamplings (`genbench.scoring.estimates.spread`); covered
    see `covered_interval`.  Raises ValueError for bad input or sigma ≤ 0.
    """
    x, c = floats(points, "points"), floats(centres, "centres")
    same_width(("centres", c), ("points", x))
    if not sigma > 0:
        raise ValueError(f"sigma: {sigma}, expected more than 0")
    distance, mode = nearest(c, x)
    good = distance[:, 0] <= within * sigma
    found = _coverage(mode[:, 0], good, _target(weights, len(c)), bootstrap, seed)
    return ModeCoverage(found.covered, clopper_pearson(int(good.sum()), len(x)), found.kl)


def covered_interval(hits: Array, *, seed: int = 0, draws: int = 2000) -> Estimate:
    """How many of the modes are hit, from the number of hits of each (modes,); n is the number of hits.

    The interval is of the expected number for so many samples, Σ 1 − exp(−λ) over modes with λ expected hits, and
    holds the number itself.  Its low end is the 2.5 % quantile with λ drawn from Γ(hits), the posterior under Haldane's
    prior, or 1.96·√f below, whichever is less; its high end is 1.96·√f above, f being the number of modes that are hit
    once: without its one hit each of these would be missed, which is the jackknife's error; or 0.975 above, if that is
    more and a mode is missed, which may have had up to 3.69 expected hits.  A bootstrap says ± 0 where all are hit.
    """
    counts = np.asarray(hits, dtype=np.float64)
    found, once = float((counts > 0).sum()), float((counts == 1).sum())
    rate = np.random.default_rng(seed).gamma(np.maximum(counts[counts > 0], 1e-9), size=(draws, int(found)))
    expected = (1 - np.exp(-rate)).sum(axis=1)
    low = min(float(np.quantile(expected, 0.025)), found - Z95 * once**0.5)
    high = found + max(Z95 * once**0.5, 0.975)
    return Estimate(found, max(low, 0.0), min(high, float(len(counts))), int(counts.sum()))


class ModeReplicates(NamedTuple):
    """The three values of `ModeCoverage` under each of b resamplings (b,).

    covered: moved by each point that is its mode's only one.  kl: moved to first order; kl_rest: what the kl of the
    resampled points has beside that.
    """

    covered: Floats
    quality: Floats
    kl: Floats
    kl_rest: Floats


def mode_replicates(
    points: Array,
    centres: Array,
    sigma: float,
    draws: Array,
    *,
    weights: Array | None = None,
    within: float = 3.0,
) -> ModeReplicates:
    """`mode_coverage` of resampled points: draws (b, n) tells how often each is drawn (`resamplings`).

    Raises ValueError as `mode_coverage` does.
    """
    x, c, w = floats(points, "points"), floats(centres, "centres"), np.asarray(draws, dtype=np.float64)
    same_width(("centres", c), ("points", x))
    if not sigma > 0:
        raise ValueError(f"sigma: {sigma}, expected more than 0")
    distance, mode = nearest(c, x)
    belongs = np.eye(len(c))[mode[:, 0]]  # (n, modes)
    good = distance[:, 0] <= within * sigma
    hits = good @ belongs
    alone = good * (hits == 1)[mode[:, 0]]
    kl, kl_rest = _divergences(belongs, w, _target(weights, len(c)))
    return ModeReplicates((hits > 0).sum() + (w - 1) @ alone, w @ good / len(x), kl, kl_rest)


def _divergences(belongs: Floats, draws: Floats, target: Floats) -> tuple[Floats, Floats]:
    """KL of the shares of modes under resamplings (b, n), to first order, and the rest; belongs: (n, modes) of 0, 1."""

    def divergence(p: Floats) -> Floats:
        kl: Floats = (p * np.log(np.where(p > 0, p, 1.0) / target)).sum(axis=-1)  # 0 log 0 = 0
        return np.maximum(kl, 0.0)

    p, shares = belongs.mean(axis=0), draws @ belongs / len(belongs)
    linear: Floats = divergence(p) + (shares - p) @ np.log(np.where(p > 0, p, 1.0) / target)
    return linear, divergence(shares) - linear


def mode_coverage_labels(
    labels: Array, modes: int, *, weights: Array | None = None, bootstrap: int = 100, seed: int = 0
) -> LabelCoverage:
    """Modes covered and KL(generated ‖ target) from predicted classes (Metz et al., 2017, arXiv:1611.02163).

    labels (n,), integers 0 … modes−1; for stacked MNIST 26,000 samples with label 100r + 10g + b of the three
    digits, modes=1000.  kl = Σ p log(p/w), w uniform if None, nats ≥ 0, lower is better; covered in [0,
    modes], higher is better.  Intervals and errors as in `mode_coverage`.  Both are biased where n is not far
    larger than modes.
    """
    whole = integers(labels, "labels", classes=modes)
    return _coverage(whole, np.ones(len(whole), dtype=bool), _target(weights, modes), bootstrap, seed)


def _coverage(mode: Integers, good: np.ndarray, target: Floats, bootstrap: int, seed: int) -> LabelCoverage:
    n, modes = len(mode), len(target)
    if target[np.unique(mode)].min() == 0:
        raise ValueError("weights: 0 for a mode that was generated, expected weights above 0")
    linear, rest = _divergences(np.eye(modes)[mode], resamplings(n, bootstrap, seed=seed), target)
    p = np.bincount(mode, minlength=modes) / n
    kl = max(float((p[p > 0] * np.log(p[p > 0] / target[p > 0])).sum()), 0.0)
    covered = covered_interval(np.bincount(mode[good], minlength=modes), seed=seed)._replace(n=n)
    return LabelCoverage(covered, spread_interval(kl, spread(linear, rest), n, least=0.0))


def _target(weights: Array | None, modes: int) -> Floats:
    target = np.full(modes, 1 / modes) if weights is None else _distribution(weights, "weights")
    if len(target) != modes:
        raise ValueError(f"weights: {len(target)} values, expected {modes}, one for each mode")
    return target


def _distribution(values: Array, name: str) -> Floats:
    p = floats(values, name, ndim=1)
    if p.min() < 0 or abs(float(p.sum()) - 1) > 1e-6:
        raise ValueError(f"{name}: least {p.min():.3g}, sum {p.sum():.6g}, expected shares that sum to 1")
    return p
