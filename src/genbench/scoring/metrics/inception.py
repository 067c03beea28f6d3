"""Inception Score (Salimans et al., 2016), arXiv:1606.03498: exp E_x KL(p(y|x) ‖ p(y))."""

import numpy as np

from genbench.scoring.arrays import Array, Floats, floats
from genbench.scoring.estimates import Estimate, first_halves, spread, spread_interval


def inception_score(
    probabilities: Array, *, splits: int = 10, bootstrap: int = 100, seed: int = 0
) -> Estimate:
    """Mean over `splits` consecutive parts of exp E KL(p(y|x) ‖ mean of p(y|x) in that part).

    probabilities (n, classes), rows that sum to 1 → Estimate in [1, classes], higher is better.  Of a
    classifier other than Inception-v3 call it "classifier score".  The interval is value ± 1.96·sd, the sd from
    `bootstrap` halvings of each part by chance (`inception_score_replicates`); none where a part has a single row.
    The "± std" usually printed with this score is the std between parts: the spread of a score of n/splits samples,
    about √splits times too wide for this mean, and no confidence interval (see `inception_score_splits`).  Samples
    sorted by class give each part few classes: shuffle them first.  Raises ValueError for rows that are no
    probabilities and for fewer rows than splits.
    """
    value = float(inception_score_splits(probabilities, splits=splits).mean())
    found = inception_score_replicates(probabilities, splits=splits, bootstrap=bootstrap, seed=seed)
    n, classes = np.shape(probabilities)
    if np.isnan(found).any():
        return Estimate.alone(value, n)
    return spread_interval(value, spread(found), n, least=1.0, most=float(classes))


def inception_score_replicates(
    probabilities: Array, *, splits: int = 10, bootstrap: int = 100, seed: int = 0
) -> Floats:
    """The score, moved by half the difference between the two halves of a halving of each part: (bootstrap,).

    The halves share no sample, so that the variance of that is half the variance of a half, without bias; a
    resampling of parts of a few dozen samples has a tenth too little scatter.  Halves have a lower score than the part,
    and scatter less in proportion, which is put right.  NaN where a part has a single row.
    """
    rng, moved = np.random.default_rng(seed), []
    for part in _parts(probabilities, splits):
        n = len(part)
        if n < 2:
            return np.full(bootstrap, np.nan)
        first = first_halves(rng.random((bootstrap, n)))
        one, other = (_score(part, side / side.sum(axis=1, keepdims=True)) for side in (first, ~first))
        whole = _score(part, np.full((1, n), 1 / n))
        moved.append(whole + whole * (one - other) / (one + other).mean())
    return np.asarray(np.mean(moved, axis=0), np.float64)


def inception_score_splits(probabilities: Array, *, splits: int = 10) -> Floats:
    """The score of each part (splits,): published "IS ± std" is their mean and population std."""
    return np.array(
        [float(_score(p, np.full((1, len(p)), 1 / len(p)))[0]) for p in _parts(probabilities, splits)]
    )


def _parts(probabilities: Array, splits: int) -> list[Floats]:
    p = floats(probabilities, "probabilities")
    off = float(np.abs(p.sum(axis=1) - 1).max())
    if p.min() < 0 or off > 1e-3:
        raise ValueError(
            f"probabilities: least {p.min():.3g}, row sums off by {off:.3g}, expected rows that sum to 1"
        )
    if not 1 <= splits <= len(p):
        raise ValueError(f"splits: {splits}, expected 1 to {len(p)}, the number of rows")
    n = len(p)
    return [p[i * n // splits : (i + 1) * n // splits] for i in range(splits)]


def _score(p: Floats, weights: Floats) -> Floats:
    """exp(Σ_i w_i Σ p log p − Σ q log q), q = Σ_i w_i p_i; weights (b, n), each row sums to 1 → (b,)."""
    inner = weights @ _p_log_p(p).sum(axis=1)
    score: Floats = np.exp(np.maximum(inner - _p_log_p(weights @ p).sum(axis=1), 0.0))
    return score


def _p_log_p(p: Floats) -> Floats:
    out: Floats = p * np.log(np.where(p > 0, p, 1.0))
    return out
