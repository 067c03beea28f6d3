"""Memorisation-informed Fréchet distance, and the birthday test for a small support."""

import hashlib
import math
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, Integers, numbers, pair
from genbench.scoring.estimates import Estimate
from genbench.scoring.metrics.frechet import frechet_distance
from genbench.scoring.neighbours import ball_counts, nearest


class Birthday(NamedTuple):
    """support: estimate s² of the number of different outputs.  batch: s.  pairs: duplicate pairs found."""

    support: Estimate
    batch: float
    pairs: int


def mifid(
    train: Array, samples: Array, *, threshold: float = 0.1, bootstrap: int = 100, seed: int = 0
) -> Estimate:
    """Fréchet distance over the memorisation distance, where that is below threshold (Bai et al., 2021).

    arXiv:2106.03062.  The memorisation distance is the mean over samples g of min over training rows r of 1 −
    |cos(g, r)|; at or above `threshold` there is no penalty, and 1e-15 is added to it as in the original
    contest. train (n, d), samples (m, d) → Estimate ≥ 0, lower is better; near FD·10¹⁵ for exact copies.  The
    threshold suits Inception features; on others see what held-out data get.  The interval is that of the
    Fréchet distance under the same penalty.  A zero row has distance 1 to all others, 0 to a zero row.
    Raises ValueError for bad input.
    """
    real, fake = pair(train, samples)
    distance = float(_cosine_distances(real, fake).mean())
    penalty = 1 / (distance + 1e-15) if distance < threshold else 1.0
    found = frechet_distance(real, fake, bootstrap=bootstrap, seed=seed)
    return found.scaled(penalty)


def birthday_support(samples: Array, *, threshold: float = 0.0) -> Birthday:
    """Birthday paradox test: a duplicate among s samples, probability ½, suggests a support of at most s².

    Arora & Zhang (2018), arXiv:1706.08224.  A pair is a duplicate at distance ≤ threshold (0: equal outputs;
    for continuous outputs take a distance below which a person sees no difference, and look at the pairs).
    From the share ρ of duplicates among all pairs, s solves (1−ρ)^(s(s−1)/2) = ½, which needs no choice of
    batches; s² is about 1.39/ρ, and 1.39 N for N equally likely outputs.  samples (m, d) → support ≥ 1,
    higher is better; without any duplicate value and high are infinite and low is what m samples can exclude.
    The interval is the exact Poisson interval of the number of duplicate pairs, of as many independent ones as have its
    relative error: pairs that share a sample go together where some outputs are likelier than others.  Raises
    ValueError for bad input or threshold < 0.
    """
    x = numbers(samples, "samples", ndim=2, rows=2)
    if not threshold >= 0:
        raise ValueError(f"threshold: {threshold}, expected 0 or more")
    from scipy.special import gammaincinv

    n = len(x)
    duplicates = _equal_to(x) if threshold == 0 else _near_to(x, float(threshold))
    together, everything = int(duplicates.sum()) // 2, n * (n - 1) / 2
    # two pairs with one sample in common, less as many as chance makes: what their going together adds to the variance
    shared = float(duplicates @ (duplicates - 1)) - n * (n - 1) * (n - 2) * (together / everything) ** 2
    wide = 1 + max(shared, 0.0) / together if together else 1.0
    low = float(gammaincinv(together / wide, 0.025)) * wide if together else 0.0
    high = float(gammaincinv(together / wide + 1, 0.975)) * wide
    batch, least, most = (_half_batch(count / everything) for count in (together, high, low))
    return Birthday(Estimate(batch**2, least**2, most**2, n), batch, together)


def _equal_to(x: NDArray[Any]) -> Integers:
    """How many other rows equal each (n,), by their hashes: in time linear in the number of rows."""
    rows = (np.ascontiguousarray(row + 0.0 if x.dtype.kind == "f" else row) for row in x)  # −0 equals 0
    hashes = [hashlib.blake2b(row.data, digest_size=16).digest() for row in rows]
    counts = Counter(hashes)
    return np.array([counts[each] - 1 for each in hashes])


def _near_to(x: NDArray[Any], threshold: float) -> Integers:
    return ball_counts(x, np.full(len(x), threshold), x, closed=True) - 1


def _half_batch(rate: float) -> float:
    """s with (1 − rate)^(s(s−1)/2) = ½: 1 if every pair is a duplicate, infinite if none is."""
    if rate <= 0 or rate >= 1:
        return math.inf if rate <= 0 else 1.0
    return (1 + math.sqrt(1 + 8 * math.log(0.5) / math.log1p(-rate))) / 2


def _cosine_distances(real: Floats, fake: Floats) -> Floats:
    """min over real rows of 1 − |cos| for each fake row; measured as half a squared chord, exact near 0."""
    a, b = _unit(real), _unit(fake)
    chord = nearest(np.concatenate([a, -a]), b)[0][:, 0]
    distance: Floats = np.minimum(chord * chord / 2, 1.0)
    return distance


def _unit(x: Floats) -> Floats:
    length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    unit: Floats = x / np.where(length > 0, length, 1.0)
    return unit
