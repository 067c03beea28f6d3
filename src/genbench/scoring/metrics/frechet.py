"""Fréchet distance between Gaussians fitted to two feature sets (Heusel et al., 2017), arXiv:1706.08500.

FD = ‖μ₁−μ₂‖² + tr Σ₁ + tr Σ₂ − 2 tr (Σ₁Σ₂)^½, covariances with n−1.  With any factors Σ₁ = F₁ᵀF₁ and Σ₂ =
F₂ᵀF₂ the last trace is the sum of the singular values of F₁F₂ᵀ, which is real and never NaN whatever the
ranks.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.scoring.arrays import Array, Floats, numbers, pair, same_width
from genbench.scoring.estimates import Estimate, Replicates, resamplings, spread, spread_interval

EPS = float(np.finfo(np.float64).eps)
BLOCK = 3 << 18
"""Features centred at a time for their covariance: 6 MB, which the last cache holds."""


def frechet_distance(real: Array, fake: Array, *, bootstrap: int = 100, seed: int = 0) -> Estimate:
    """Squared 2-Wasserstein distance between Gaussian fits to two feature sets; "FID" on Inception features.

    real (n, d), fake (m, d) → Estimate ≥ 0 in squared feature units, lower is better.  Biased upward at
    finite m, so compare at equal m only.  Exact for any n, m ≥ 2 and any rank; identical sets give 0 (to 1e-9
    of the variance).

    The interval is value ± 1.96·sd, of the expected distance of sets of n and m elements, never of the populations'
    distance, which is less.  sd comes from `bootstrap` resamplings of both sets, with the bias taken off that a
    bootstrap has near equal distributions (`genbench.scoring.estimates.spread`).  bootstrap=0 takes the first-order
    standard error instead (`linear_error`), for large d, where 100 resamplings take minutes: near equal distributions
    it is up to √2 too large; it vanishes for identical sets and ignores directions in which a set has no variance.
    Raises ValueError for bad input and for bootstrap = 1.
    """
    x, y = pair(real, fake)
    if bootstrap == 0:
        return spread_interval(_distance(x, y), linear_error(x, y), len(y), least=0.0)
    draws = resamplings(len(x), bootstrap, seed=seed), resamplings(len(y), bootstrap, seed=seed + 1)
    found = frechet_replicates(x, y, *draws)
    return spread_interval(found.value, spread(found.linear, found.rest), len(y), least=0.0)


def frechet_replicates(real: Array, fake: Array, real_draws: Array, fake_draws: Array) -> Replicates:
    """The distance and its replicates, real_draws (b, n) and fake_draws (b, m) telling how often each row is drawn
    (`resamplings`).  Two models resampled with the same real_draws can be compared in pairs."""
    x, y = pair(real, fake)
    w, v = np.asarray(real_draws, dtype=np.float64), np.asarray(fake_draws, dtype=np.float64)
    value, resample = _distance(x, y), _Resampler(x, y)
    linear: Floats = value + _moved(x, y, w, v)
    whole = np.array([resample(*draw) for draw in zip(w, v, strict=True)])
    return Replicates(value, linear, whole - linear)


def frechet_linear(real: Array, fake: Array, real_draws: Array, fake_draws: Array) -> Floats:
    """The linear part of `frechet_replicates` around 0, which costs no more than two distances: (b,)."""
    x, y = pair(real, fake)
    return _moved(x, y, np.asarray(real_draws, np.float64), np.asarray(fake_draws, np.float64))


def frechet_value(real: Array, fake: Array) -> float:
    """`frechet_distance` without its interval: real (n, d), fake (m, d) → squared feature units, ≥ 0."""
    x, y = numbers(real, "real", ndim=2, rows=2), numbers(fake, "fake", ndim=2, rows=2)
    same_width(("real", x), ("fake", y))
    return _distance(x, y)


def frechet_distance_infinity(
    real: Array, fake: Array, *, seed: int, sizes: int = 15, smallest: int | None = None
) -> Estimate:
    """FID∞: the Fréchet distance extrapolated to endless samples (Chong & Forsyth, 2020), arXiv:1911.07023.

    FD_m ≈ FD∞ + c/m: the intercept of the least-squares line through `sizes` sample sizes m, evenly spaced
    from max(min(5000, m/10), 2) (or `smallest`) to m, each a seeded subset without replacement of fake; real
    stays whole. real (n, d), fake (m, d) → Estimate, lower is better; it may be slightly negative.  The
    interval joins the standard error of the intercept with the first-order error of the distance itself at m.
    The bias from the real set's own size stays in: give it all real data there is. Raises ValueError for bad
    input and where fewer than 3 different sizes fit.
    """
    x, y = pair(real, fake)
    m = len(y)
    least = max(min(5000, m // 10), 2) if smallest is None else smallest
    counts = np.unique(np.linspace(least, m, sizes).astype(int))
    if least < 2 or least > m or len(counts) < 3:
        raise ValueError(f"fake: {m} rows give sizes {counts.tolist()}, expected 3 or more from 2 to {m}")
    rng = np.random.default_rng(seed)
    distances = []
    for count in counts:
        distances.append(_distance(x, y[np.sort(rng.permutation(m)[:count])]))
    line = np.stack([np.ones(len(counts)), 1 / counts], axis=1)
    solution = np.linalg.lstsq(line, np.array(distances), rcond=None)[0]
    residual = np.array(distances) - line @ solution
    noise = float(residual @ residual) / (len(counts) - 2)
    intercept_error = noise * float(np.linalg.inv(line.T @ line)[0, 0])
    return spread_interval(float(solution[0]), (intercept_error + linear_error(x, y) ** 2) ** 0.5, m)


def linear_error(real: Array, fake: Array) -> float:
    """Standard error of the Fréchet distance to first order, from its influence function at each sample.

    With T = Σ₁^½(Σ₁^½Σ₂Σ₁^½)^−½Σ₁^½, the optimal map from fake to real, a fake sample y moves the distance by
    2(μ₂−μ₁)·(y−μ₂) + (y−μ₂)ᵀ(1−T)(y−μ₂); likewise a real one with T⁻¹ (Dowson & Landau, 1982,
    differentiated). Inverses are pseudo-inverses.  real (n, d), fake (m, d) → squared feature units.
    """
    x, y = pair(real, fake)
    return float(sum(part.var(ddof=1) / len(part) for part in _influences(x, y)) ** 0.5)


def _moved(x: Floats, y: Floats, w: Floats, v: Floats) -> Floats:
    one, other = _influences(x, y)
    moved: Floats = w @ one / len(x) + v @ other / len(y)
    return moved


def _influences(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """How fast weight on each element moves the distance, to first order: (n,) and (m,), centred."""
    gap = y.mean(axis=0) - x.mean(axis=0)
    found = []
    for one, other, way in ((x, y, -gap), (y, x, gap)):
        centred = one - one.mean(axis=0)
        root = _root(np.atleast_2d(np.cov(other, rowvar=False)))
        middle = root @ np.atleast_2d(np.cov(one, rowvar=False)) @ root
        values, vectors = np.linalg.eigh((middle + middle.T) / 2)
        good = values > EPS * len(values) * max(values[-1], 0.0)
        image = (centred @ root) @ (vectors[:, good] * values[good] ** -0.25)
        influence = 2 * centred @ way + (centred * centred).sum(axis=1) - (image * image).sum(axis=1)
        found.append(influence - influence.mean())
    return found[0], found[1]


def gaussian_frechet_distance(mean1: Array, cov1: Array, mean2: Array, cov2: Array) -> float:
    """The same distance from known moments, as of stored statistics: means (d,), covariances (d, d)."""
    m1, m2 = np.asarray(mean1, dtype=np.float64), np.asarray(mean2, dtype=np.float64)
    s1, s2 = np.asarray(cov1, dtype=np.float64), np.asarray(cov2, dtype=np.float64)
    d = len(m1)
    if m2.shape != (d,) or s1.shape != (d, d) or s2.shape != (d, d):
        raise ValueError(
            f"moments: shapes {m1.shape} {s1.shape} {m2.shape} {s2.shape}, expected (d,) (d, d) twice"
        )
    if not all(np.isfinite(moment).all() for moment in (m1, s1, m2, s2)):
        raise ValueError("moments: NaN or infinite, expected finite numbers")
    return _by_covariances(m1 - m2, s1, s2)


def _distance(x: NDArray[Any], y: NDArray[Any]) -> float:
    """Takes sets of any real dtype: what needs them in float64 converts as it centres, without a copy for that."""
    d = x.shape[1]
    mean1, mean2 = x.mean(axis=0, dtype=np.float64), y.mean(axis=0, dtype=np.float64)
    if min(len(x), len(y)) <= d:  # one set is rank deficient: its rows are the factor
        return _by_factors(mean1 - mean2, _factor(x, mean1), _factor(y, mean2))
    return _by_covariances(mean1 - mean2, _covariance(x, mean1), _covariance(y, mean2))


def _covariance(x: NDArray[Any], mean: Floats) -> Floats:
    """The lower triangle of Σ, zeros above it, in the column order of LAPACK.

    A block of rows at a time: the centred copy of all would take as much memory as the features, and
    filling it a tenth of the time of the product.
    """
    from scipy.linalg.blas import dsyrk

    n, d = x.shape
    step = max(BLOCK // d, 128)
    block = np.empty((min(step, n), d))
    cov: Floats = np.zeros((d, d), order="F")
    for start in range(0, n, step):
        rows = x[start : start + step]
        centred = np.subtract(rows, mean, out=block[: len(rows)])
        cov = dsyrk(1 / (n - 1), centred.T, beta=1, c=cov, lower=True, overwrite_c=True)
    return cov


def _by_factors(gap: Floats, factor1: Floats, factor2: Floats) -> float:
    trace = float(np.linalg.svd(factor1 @ factor2.T, compute_uv=False).sum())
    return _assemble(gap, float((factor1 * factor1).sum()), float((factor2 * factor2).sum()), trace)


def _by_covariances(gap: Floats, cov1: Floats, cov2: Floats) -> float:
    return _assemble(gap, float(np.trace(cov1)), float(np.trace(cov2)), _trace_root(cov1, cov2))


def _assemble(gap: Floats, spread1: float, spread2: float, trace: float) -> float:
    return max(0.0, float(gap @ gap) + spread1 + spread2 - 2 * trace)  # rounding alone goes below 0


def _trace_root(cov1: Floats, cov2: Floats) -> float:
    """tr (Σ₁Σ₂)^½ = Σ √eigvalsh(LᵀΣ₂L), Σ₁ = LLᵀ (Cholesky); by pivoted factors where that loses digits.

    Reads the lower triangles alone.
    """
    from scipy.linalg import eigh

    try:
        # type 2: the eigenvalues of LᵀΣ₂L without the two products
        values = eigh(cov2, cov1, type=2, driver="gv", eigvals_only=True, check_finite=False)
    except np.linalg.LinAlgError:  # rank deficient
        return _trace_root_deficient(cov1, cov2)
    top = max(float(values[-1]), 0.0)
    values = np.maximum(values, EPS * top)
    error = float((EPS * top / (2 * np.sqrt(values))).sum()) if top > 0 else 0.0
    if error > 1e-10 * float(np.trace(cov1) + np.trace(cov2)):
        return _trace_root_deficient(cov1, cov2)
    return float(np.sqrt(values).sum())


def _trace_root_deficient(cov1: Floats, cov2: Floats) -> float:
    return float(np.linalg.svd(_pivoted_factor(cov1) @ _pivoted_factor(cov2).T, compute_uv=False).sum())


def _pivoted_factor(cov: Floats) -> Floats:
    """F (r, d) with FᵀF = Σ and r the numerical rank, at least one row: Cholesky with pivots, of the lower triangle."""
    from scipy.linalg.lapack import dpstrf

    triangle, pivots, rank, _ = dpstrf(cov, lower=True)
    factor: Floats = np.zeros((max(rank, 1), len(cov)))
    factor[:rank, pivots - 1] = np.tril(triangle)[:, :rank].T
    return factor


def _factor(x: NDArray[Any], mean: Floats) -> Floats:
    """F with FᵀF = Σ and at most min(n, d) rows: the centred rows, or their triangle where n > d."""
    centred = np.subtract(x, mean, dtype=np.float64)
    centred /= (len(x) - 1) ** 0.5
    return _triangle(centred)


def _root(cov: Floats) -> Floats:
    values, vectors = np.linalg.eigh(cov)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


class _Resampler:
    """The distance of two resampled sets, given how often each row was drawn."""

    def __init__(self, x: Floats, y: Floats) -> None:
        shift = x.mean(axis=0)
        self.x, self.y = x - shift, y - shift
        self.wide = min(len(x), len(y)) <= x.shape[1]

    def __call__(self, w: Floats, v: Floats) -> float:
        mean1, x = self._scaled(self.x, w)
        mean2, y = self._scaled(self.y, v)
        if self.wide:
            return _by_factors(mean1 - mean2, _triangle(x), _triangle(y))
        return _by_covariances(mean1 - mean2, x.T @ x, y.T @ y)

    @staticmethod
    def _scaled(rows: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Weighted mean, and F with FᵀF the weighted covariance."""
        n, drawn = float(weights.sum()), weights > 0
        mean: Floats = weights @ rows / n
        factor: Floats = (rows[drawn] - mean) * np.sqrt(weights[drawn] / (n - 1))[:, None]
        return mean, factor


def _triangle(factor: Floats) -> Floats:
    """The triangle R of F = QR, with RᵀR = FᵀF, where that has fewer rows."""
    if factor.shape[0] <= factor.shape[1]:
        return factor
    triangle: Floats = np.asarray(np.linalg.qr(factor, mode="r"))
    return triangle
