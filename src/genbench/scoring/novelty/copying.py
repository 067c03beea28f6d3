"""Scores of copying from distances to the nearest training data: ratio, authenticity, C_T."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, Integers, matrix, numbers, same_width
from genbench.scoring.estimates import Estimate, bootstrap_interval, clopper_pearson
from genbench.scoring.neighbours import PART, nearest, nearest_others
from genbench.storage.arrays import slices


def neighbour_ratio(train: Array, samples: Array, *, threshold: float = 1 / 3) -> Estimate:
    """Share of samples memorised by d(x, NN₁)/d(x, NN₂) < threshold (Yoon et al., 2023).

    train (n, d), samples (m, d) → share in [0, 1], lower is better.  NN₁ and NN₂ are the two nearest training
    rows; an exact copy counts as memorised even where it copies a duplicate.  Blind to copies with noise in
    small data. Clopper–Pearson interval.  Raises ValueError for bad input or a single training row.
    """
    return neighbour_ratio_distances(
        nearest(matrix(train, "train", rows=2), samples, k=2)[0], threshold=threshold
    )


def neighbour_ratio_distances(distances: Floats, *, threshold: float = 1 / 3) -> Estimate:
    """`neighbour_ratio` where the distances to the two nearest training rows are known, (m, 2)."""
    memorised = (distances[:, 0] < threshold * distances[:, 1]) | (distances[:, 0] == 0)
    return clopper_pearson(int(memorised.sum()), len(distances))


def authenticity(train: Array, samples: Array) -> Estimate:
    """Share of samples farther from their nearest training row than it is from its own (Alaa et al., 2022).

    d(x, t*) > d(t*, nearest other training row of t*), t* the nearest training row of x; arXiv:2102.08921
    ("AuthPct", there in %).  train (n, d), samples (m, d) → share in [0, 1], about ½ for new real data, 0 for
    copies.  Blur and noise raise it: high is not good.  Clopper–Pearson interval.  Raises ValueError for bad
    input.
    """
    points = matrix(train, "train", rows=2)
    distances, indices = nearest(points, samples)
    return authenticity_distances(points, distances[:, 0], indices[:, 0])


def authenticity_distances(train: Array, distances: Floats, indices: Integers) -> Estimate:
    """`authenticity` where the nearest training rows and the distances to them are known, both (m,)."""
    closest, place = np.unique(indices, return_inverse=True)
    own = nearest_others(train, of=closest)[0][:, 0]
    return clopper_pearson(int((distances > own[place]).sum()), len(distances))


def ct_score(
    train: Array,
    held_out: Array,
    samples: Array,
    *,
    cells: int = 3,
    components: int = 64,
    least: int = 20,
    bootstrap: int = 100,
    seed: int = 0,
) -> Estimate:
    """C_T: are samples nearer to training data than held-out data is, cell by cell (Meehan et al., 2020)?

    arXiv:2004.05675.  In each k-means cell of the training data, in its first `components` principal
    components, the z-scored Mann–Whitney U of distances sample → train against held-out → train, with
    mid-ranks and the variance corrected for ties; then their mean weighted by the held-out share of the cell.
    train (n, d), held_out (h, d), samples (m, d) → Estimate in standard deviations: 0 ideal, below −3
    copying, above 3 underfitting.  It grows with the sample size and misses a small share of copies.  Cells
    with fewer than `least` samples or held-out rows are left out; distances go to the whole training set.
    The interval is ± 1.96·sd of both sets resampled, the cells held fixed.  Raises ValueError for bad input or
    if no cell is left.
    """
    points, control, fakes = (
        numbers(rows, name, ndim=2)
        for rows, name in ((train, "train"), (held_out, "held_out"), (samples, "samples"))
    )
    same_width(("train", points), ("held_out", control), ("samples", fakes))
    if not 1 <= cells <= len(points):
        raise ValueError(f"cells: {cells}, expected 1 to {len(points)}, the number of training rows")
    points, control, fakes = _principal(points, control, fakes, components=components)
    cell_control, cell_fakes = _cells(points, control, fakes, cells=cells, seed=seed)
    to_control, to_fakes = nearest(points, control)[0][:, 0], nearest(points, fakes)[0][:, 0]
    sizes = [np.bincount(cell, minlength=cells) for cell in (cell_control, cell_fakes)]
    looked_at = np.flatnonzero(np.minimum(*sizes) >= least)
    if len(looked_at) == 0:
        raise ValueError(f"cells: none has {least} samples and {least} held-out rows, expected at least one")

    def score(controls: Integers, samples: Integers) -> float:
        sides = [(to_control[controls], cell_control[controls]), (to_fakes[samples], cell_fakes[samples])]
        groups = ([distances[cell == c] for distances, cell in sides] for c in looked_at)
        return _weighted([(a, b) for a, b in groups if min(len(a), len(b))])

    rng = np.random.default_rng(seed)
    n, m = len(control), len(fakes)
    replicates = [score(rng.integers(0, n, n), rng.integers(0, m, m)) for _ in range(bootstrap)]
    return bootstrap_interval(score(np.arange(n), np.arange(m)), replicates, m)


def _principal(train: NDArray[Any], *others: NDArray[Any], components: int) -> tuple[NDArray[Any], ...]:
    """All sets in the first principal components of train; unchanged where they have no more columns."""
    if train.shape[1] <= components:
        return train, *others
    from scipy.linalg import eigh

    centre = train.mean(axis=0, dtype=np.float64)
    if wide := len(train) < train.shape[1]:  # the same axes from the smaller matrix of inner products
        rows = train - centre
        inner = rows @ rows.T
    else:
        inner = sum((block := train[part] - centre).T @ block for part in _parts(train))
    top = [max(0, len(inner) - components), len(inner) - 1]
    values, axes = eigh(inner, subset_by_index=top, check_finite=False)
    if wide:
        good = values > values[-1] * 1e-12
        axes = rows.T @ axes[:, good] / np.sqrt(values[good])
    return tuple(
        np.concatenate([(x[part] - centre) @ axes[:, ::-1] for part in _parts(x)]) for x in (train, *others)
    )


def _parts(x: NDArray[Any]) -> Iterator[slice]:
    """Rows that are worked with at once."""
    return slices(len(x), max(1, PART // x.shape[1]))


def _cells(train: NDArray[Any], *others: NDArray[Any], cells: int, seed: int) -> list[Integers]:
    from sklearn.cluster import KMeans

    clusters = KMeans(n_clusters=cells, n_init=10, random_state=seed).fit(
        train.astype(np.float64, copy=False)
    )
    return [nearest(clusters.cluster_centers_, x)[1][:, 0] for x in others]


def _weighted(groups: list[tuple[Floats, Floats]]) -> float:
    sizes = np.array([len(a) for a, _ in groups])
    return float(np.array([_mann_whitney_z(a, b) for a, b in groups]) @ sizes / sizes.sum())


def _mann_whitney_z(control: Floats, fakes: Floats) -> float:
    """z-score of #{fake distance > control distance}, ties half; 0 where all distances are equal."""
    a, b = len(control), len(fakes)
    _, place, counts = np.unique(np.concatenate([control, fakes]), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    u = float(ranks[a:].sum()) - b * (b + 1) / 2
    total = a + b
    variance = a * b / 12 * (total + 1 - float((counts**3 - counts).sum()) / (total * (total - 1)))
    return (u - a * b / 2) / variance**0.5 if variance > 0 else 0.0
