"""Does each number of a code follow one factor?  MIG, SAP, DCI and the FactorVAE score, of codes and true factors.

MIG (Chen et al., 2018), arXiv:1802.04942.  SAP (Kumar et al., 2018), arXiv:1711.00848.  DCI (Eastwood & Williams, 2018,
ICLR).  FactorVAE score (Kim & Mnih, 2018), arXiv:1802.05983.  Numbers and codes are cut into BINS of equal width where
a score needs that, as in Locatello et al., 2019, arXiv:1811.12359; categories stay as they are.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from genbench.scoring.arrays import Array, Floats, Integers, floats
from genbench.scoring.estimates import Estimate, bootstrap_interval, clopper_pearson, resamplings

BINS = 20
RESAMPLINGS = 50
TREES, LEAF = 20, 5
VOTES, GROUP = (
    400,
    32,
)  # of the FactorVAE score: votes to learn from and to judge by each, and elements behind a vote
DEAD = 0.05  # of the FactorVAE score: a number that varies less than so much of the largest has no vote


class Disentanglement(NamedTuple):
    """All in [0, 1], higher is better; but informativeness, a share of variance or of right answers, may be below 0."""

    mig: Estimate
    sap: Estimate
    disentanglement: Estimate
    completeness: Estimate
    informativeness: Estimate
    factor_vae: Estimate


class Factor(NamedTuple):
    """One true factor (n,) of n elements: numbers, or categories 0, 1, …"""

    values: np.ndarray
    discrete: bool


def disentanglement(codes: Array, factors: Sequence[Factor], *, seed: int) -> Disentanglement:
    """All six, of codes (n, k) and the factors of the same n elements, shuffled among each other.

    The intervals of MIG and SAP come from elements drawn again, those of MIG a tenth too narrow (they cover 90 % with
    400 elements); that of the FactorVAE score is binomial over its votes; those of DCI, whose forests would have to
    grow again, are not computed.  Raises ValueError for bad input.
    """
    z, found = floats(codes, "codes", rows=4), checked(factors, len(codes))
    drawn = np.concatenate([np.ones((1, len(z))), resamplings(len(z), RESAMPLINGS, seed=seed)])
    gap, separated = (score(z, found, drawn) for score in (mutual_information_gap, separated_predictability))
    importance, right = importances(z, found, seed=seed)
    mig, sap = (
        bootstrap_interval(each[0], each[1:], len(z), least=0.0, most=1.0) for each in (gap, separated)
    )
    return Disentanglement(
        mig,
        sap,
        Estimate.alone(unmixed(importance), len(z)),
        Estimate.alone(unmixed(importance.T), len(z)),
        Estimate.alone(right, len(z)),
        factor_vae_score(z, found, seed=seed),
    )


def checked(factors: Sequence[Factor], n: int) -> list[Factor]:
    """Raises ValueError for no factors, for some of another length, and for those that do not vary."""
    if not factors:
        raise ValueError("factors: none, expected at least 1")
    for i, (values, _) in enumerate(factors):
        if np.shape(values) != (n,):
            raise ValueError(f"factors: {np.shape(values)} values of the {i}th, expected ({n},) as of codes")
        if len(np.unique(values)) < 2:
            raise ValueError(f"factors: the {i}th has one value alone, expected at least 2")
    return list(factors)


def in_bins(values: Floats) -> Integers:
    """(n,) -> 0 … BINS − 1, of equal width from the lowest to the highest."""
    low, high = float(values.min()), float(values.max())
    place = (values - low) / ((high - low) or 1.0) * BINS
    return np.minimum(place.astype(np.int64), BINS - 1)


def mutual_information_gap(codes: Floats, factors: Sequence[Factor], drawn: Floats) -> Floats:
    """MIG: mean over factors of (I(z₁; v) − I(z₂; v)) / H(v), z₁ and z₂ the two numbers that know most of v.

    codes (n, k); drawn (b, n), how often each element is drawn -> (b,).  With one number alone I(z₂; v) is 0.
    """
    gaps = []
    for factor in factors:
        joint = joint_counts(codes, factor, drawn)  # (b, k, BINS, values)
        share = joint / joint.sum((2, 3), keepdims=True)
        code, value = share.sum(3, keepdims=True), share.sum(2, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            information = np.nansum(share * np.log(share / (code * value)), axis=(2, 3))  # (b, k)
            entropy = -np.nansum(value * np.log(value), axis=(2, 3))[:, 0]
        gaps.append(top_gap(information) / entropy)
    return np.asarray(np.mean(gaps, axis=0))


def separated_predictability(codes: Floats, factors: Sequence[Factor], drawn: Floats) -> Floats:
    """SAP: mean over factors of how much better the best number predicts a factor than the second best, (b,).

    A number is predicted by a line: the squared correlation, as in the paper.  A category is predicted as the most
    frequent of the bin that the code lies in, where the paper has a linear support vector machine on one number, which
    cannot tell more than two categories apart; the score is (accuracy − that of the most frequent) / (1 − that).
    """
    gaps = []
    for factor in factors:
        if factor.discrete:
            joint = joint_counts(codes, factor, drawn)
            total = joint.sum((2, 3))
            right = joint.max(3).sum(2) / total
            base = joint.sum(2).max(2) / total
            gaps.append(top_gap((right - base) / np.maximum(1 - base, 1e-12)))
        else:
            gaps.append(top_gap(squared_correlations(codes, factor.values, drawn)))
    return np.asarray(np.mean(gaps, axis=0))


def joint_counts(codes: Floats, factor: Factor, drawn: Floats) -> Floats:
    """How many elements lie in each bin of each number of the code and have each value: (b, k, BINS, values)."""
    values = np.unique(factor.values, return_inverse=True)[1] if factor.discrete else in_bins(factor.values)
    width = int(values.max()) + 1
    counts = np.empty((len(drawn), codes.shape[1], BINS * width))
    for j, column in enumerate(codes.T):
        cell = in_bins(column) * width + values
        for i, weights in enumerate(drawn):
            counts[i, j] = np.bincount(cell, weights, BINS * width)
    return counts.reshape(len(drawn), codes.shape[1], BINS, width)


def squared_correlations(codes: Floats, values: Floats, drawn: Floats) -> Floats:
    """Of each number with a factor (n,): (b, k); 0 for numbers that do not vary."""
    total = drawn.sum(1, keepdims=True)
    z, v = codes - codes.mean(0), values - values.mean()
    mean_z, mean_v = drawn @ z / total, drawn @ v[:, None] / total
    both = drawn @ (z * v[:, None]) / total - mean_z * mean_v
    spread = (drawn @ (z * z) / total - mean_z**2) * (drawn @ (v * v)[:, None] / total - mean_v**2)
    return np.where(spread > 1e-24, both**2 / np.maximum(spread, 1e-24), 0.0)


def top_gap(scores: Floats) -> Floats:
    """The highest of each row less the second highest, or less 0 where there is one alone: (b, k) -> (b,)."""
    ordered = np.sort(
        np.concatenate([scores, np.zeros((len(scores), 1))], 1) if scores.shape[1] < 2 else scores
    )
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def importances(codes: Floats, factors: Sequence[Factor], *, seed: int) -> tuple[Floats, float]:
    """How much each number of a code helps a forest to predict each factor (k, factors), and how well that does.

    A forest of TREES learns from three quarters of the elements and is judged on the others: the mean over factors of
    R² or of the accuracy.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    order = np.random.default_rng(seed).permutation(len(codes))
    learn, judge = np.split(order, [3 * len(codes) // 4])
    columns, right = [], []
    for factor in factors:
        kind = RandomForestClassifier if factor.discrete else RandomForestRegressor
        forest = kind(TREES, min_samples_leaf=LEAF, max_features=None, random_state=seed % 2**32, n_jobs=1)
        forest.fit(codes[learn], factor.values[learn])
        columns.append(forest.feature_importances_)
        right.append(forest.score(codes[judge], factor.values[judge]))
    return np.stack(columns, 1), float(np.mean(right))


def unmixed(importance: Floats) -> float:
    """Σ_i ρ_i (1 − H(P_i) / log m), P_i the shares of row i (n, m), ρ_i the row's share of all: DCI's D; C of R^T.

    Of one column alone, whose entropy is 0 whatever the codes, 1.
    """
    rows = importance.sum(1)
    if importance.shape[1] < 2:
        return 1.0
    share = importance[rows > 0] / rows[rows > 0, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(share * np.log(share), axis=1) / np.log(importance.shape[1])
    return float(rows[rows > 0] @ (1 - entropy) / rows.sum()) if rows.sum() else 0.0


def factor_vae_score(codes: Floats, factors: Sequence[Factor], *, seed: int) -> Estimate:
    """Share of votes that name the right factor, each number of the code standing for the factor it votes for most.

    A vote: of GROUP elements with one factor in common, the number that varies least, in units of its variance over
    all.  The paper draws elements anew with the factor fixed; here they are found among the given ones, and have a
    number in common where it lies in the same of BINS bins.  VOTES teach what each number stands for, as many others
    judge it.
    """
    rng = np.random.default_rng(seed)
    variance = codes.var(0)
    alive = variance > DEAD**2 * variance.max()
    z = codes[:, alive] / np.sqrt(variance[alive])
    members = []
    for values, discrete in factors:
        place = np.unique(values, return_inverse=True)[1] if discrete else in_bins(values)
        groups = [np.flatnonzero(place == each) for each in np.unique(place)]
        members.append([group for group in groups if len(group) > 1])
    votes = np.zeros((2, z.shape[1], len(factors)))
    for i in range(2 * VOTES):
        which = int(rng.integers(len(factors)))
        group = members[which][int(rng.integers(len(members[which])))]
        least = z[rng.choice(group, GROUP)].var(0).argmin()
        votes[i % 2, least, which] += 1
    stands_for = votes[0].argmax(1)
    right = votes[1][np.arange(len(stands_for)), stands_for].sum()
    return clopper_pearson(int(right), VOTES)
