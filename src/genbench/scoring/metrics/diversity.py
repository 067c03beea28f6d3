"""How different generated data are from each other: Vendi score and MS-SSIM within classes."""

import numpy as np

from genbench.scoring.arrays import Array, Floats, floats, numbers
from genbench.scoring.estimates import Estimate, bootstrap_interval, spread_interval

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. (2003)


def vendi_score(features: Array, *, bootstrap: int = 50, seed: int = 0) -> Estimate:
    """Effective number of different samples (Friedman & Dieng, 2022), arXiv:2210.02410: exp(−Σ λ log λ).

    λ are the eigenvalues of K/n with the cosine kernel K_ij = xᵢ·xⱼ/(‖xᵢ‖‖xⱼ‖), taken from the d × d matrix
    XᵀX/n where n > d.  features (n, d) → Estimate in [1, min(n, d)], higher is more diverse; 1 for n copies
    of one row, the number of groups for orthogonal groups of equal size.  Grows with n: compare at equal n,
    beside the real data. The interval is value ± 1.96·sd of `bootstrap` resamplings.  Raises ValueError for
    bad input and for zero rows, which have no direction.
    """
    x = floats(features, "features")
    length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    if length.min() == 0:
        zero = int(np.count_nonzero(length == 0))
        raise ValueError(f"features: {zero} rows are all zeros, expected non-zero rows")
    x = x / length
    rng = np.random.default_rng(seed)
    n = len(x)
    replicates = [_vendi(x, np.bincount(rng.integers(0, n, n), minlength=n) / n) for _ in range(bootstrap)]
    value = _vendi(x, np.full(n, 1 / n))
    return bootstrap_interval(value, replicates, n, least=1.0, most=float(min(x.shape)))


def ms_ssim(first: Array, second: Array, *, data_range: float = 1.0) -> Floats:
    """Multi-scale structural similarity of image pairs (Wang, Simoncelli & Bovik, 2003).

    Images (n, h, w) or (n, c, h, w) in [0, data_range] → (n,), 1 for equal images.  Gaussian window 11 with σ
    = 1.5, no padding; up to five scales, each half the last, as many as are at least as large as the window,
    with the published weights renormalised (28 × 28: two).  Images smaller than 11 get a smaller window.
    Channels are averaged. Negative contrast terms count as 0.  Raises ValueError for bad input or values
    outside the range.
    """
    a, b = _images(first, "first", data_range), _images(second, "second", data_range)
    if a.shape != b.shape:
        raise ValueError(f"second: shape {b.shape}, expected {a.shape} as first")
    side = min(a.shape[2:])
    window = min(11, side - 1 + side % 2)
    scales = 1
    while scales < len(SCALE_WEIGHTS) and side >> scales >= window:
        scales += 1
    weights = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])
    ticks = np.arange(window) - window // 2
    kernel = np.exp(-(ticks**2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    product = np.ones(a.shape[:2])
    for scale, weight in enumerate(weights):
        luminance, contrast = _ssim_terms(a, b, kernel, data_range)
        term = luminance * contrast if scale == scales - 1 else contrast
        product *= np.maximum(term.mean(axis=(2, 3)), 0.0) ** weight
        a, b = _halve(a), _halve(b)
    similarity: Floats = product.mean(axis=1)
    return similarity


def ms_ssim_diversity(
    images: Array, labels: Array | None = None, *, pairs: int = 1000, data_range: float = 1.0, seed: int = 0
) -> Estimate:
    """Mean MS-SSIM over random pairs of different images of one class (Odena et al., 2017).

    arXiv:1610.09585.  images (n, h, w) or (n, c, h, w) in [0, data_range], labels (n,) or None for one class
    → Estimate in [0, 1], lower is more diverse.  Read it beside the value of the real data: below that it is
    noise, not diversity.  The first image of a pair is drawn from all images in classes of two or more, the
    second from the rest of its class.  The interval is value ± 1.96·sd, of the expected value for so many images and
    pairs; pairs that share an image are not independent: Var = Σ (s_p − s̄)(s_q − s̄)/pairs² over pairs p and q with an
    image in common (Fafchamps & Gubert, 2007, doi:10.1016/j.jdeveco.2006.05.005).  `n` counts images.

    Raises ValueError for bad input or no such pair.
    """
    x = _images(images, "images", data_range)
    classes = np.zeros(len(x)) if labels is None else numbers(labels, "labels", ndim=1)
    if len(classes) != len(x):
        raise ValueError(f"labels: {len(classes)} values, expected {len(x)}, one for each image")
    order = np.argsort(classes, kind="stable")
    _, start, count = np.unique(classes[order], return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(start)), count)  # of each place in order
    places = np.flatnonzero(count[group] > 1)
    if len(places) == 0 or pairs < 1:
        raise ValueError(f"images: no two of one class, or pairs={pairs}; expected at least one pair")
    rng = np.random.default_rng(seed)
    one = rng.choice(places, pairs)
    step = rng.integers(1, count[group[one]])
    other = start[group[one]] + (one - start[group[one]] + step) % count[group[one]]
    similarity = np.concatenate(
        [
            ms_ssim(x[order[one[i : i + 128]]], x[order[other[i : i + 128]]], data_range=data_range)
            for i in range(0, pairs, 128)
        ]
    )
    gap = similarity - similarity.mean()
    of_image = np.bincount(one, gap, len(x)) + np.bincount(other, gap, len(x))
    variance = max(float(of_image @ of_image - gap @ gap), float(gap @ gap)) / pairs**2
    return spread_interval(float(similarity.mean()), variance**0.5, len(x), least=0.0, most=1.0)


def _vendi(x: Floats, weights: Floats) -> float:
    rows = x[weights > 0] * np.sqrt(weights[weights > 0])[:, None]
    gram = rows.T @ rows if len(rows) > rows.shape[1] else rows @ rows.T
    values = np.linalg.eigvalsh(gram)
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))


def _images(images: Array, name: str, data_range: float) -> Floats:
    axes = np.ndim(images)
    x = floats(images, name, ndim=axes if axes in (3, 4) else 4)
    if x.min() < 0 or x.max() > data_range:
        raise ValueError(f"{name}: values {x.min():.4g} to {x.max():.4g}, expected 0 to {data_range:.4g}")
    return x if axes == 4 else x[:, None]


def _ssim_terms(a: Floats, b: Floats, kernel: Floats, data_range: float) -> tuple[Floats, Floats]:
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mean_a, mean_b = _blur(a, kernel), _blur(b, kernel)
    var_a, var_b = _blur(a * a, kernel) - mean_a**2, _blur(b * b, kernel) - mean_b**2
    cov = _blur(a * b, kernel) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * cov + c2) / (var_a + var_b + c2)


def _blur(x: Floats, kernel: Floats) -> Floats:
    """(n, c, h, w) -> (n, c, h−k+1, w−k+1)"""
    for axis in (2, 3):
        x = np.lib.stride_tricks.sliding_window_view(x, len(kernel), axis=axis) @ kernel
    return x


def _halve(x: Floats) -> Floats:
    """Mean of 2 × 2 blocks; an odd last row or column is left out."""
    h, w = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
    mean: Floats = (
        x[:, :, 0:h:2, 0:w:2] + x[:, :, 1:h:2, 0:w:2] + x[:, :, 0:h:2, 1:w:2] + x[:, :, 1:h:2, 1:w:2]
    ) / 4
    return mean
