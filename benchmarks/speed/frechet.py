"""Speed of the Fréchet distance against scipy.linalg.sqrtm and numpy eigvals, same features, same run.

    python benchmarks/speed/frechet.py                   d=2048, n=10,000: two minutes, mostly sqrtm
    python benchmarks/speed/frechet.py --dim 512 --rows 3000
    python benchmarks/speed/frechet.py --rows 1000       fewer rows than features

"moments → distance" starts from means and covariances, "features → distance" adds the time to compute those, which
no method can avoid where n > d.  Each is timed once a round, in turn, and its median over the rounds printed with
the least and the most: other work on the machine moves a single time by a fifth.
"""

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.linalg

from genbench.scoring.metrics import frechet_value, gaussian_frechet_distance

T = TypeVar("T")
Moments = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def by_root_trace(trace: Callable[[np.ndarray], complex]) -> Callable[[Moments], float]:
    """The distance from a function that takes Σ₁Σ₂ and gives the trace of its square root."""

    def distance(moments: Moments) -> float:
        mean1, cov1, mean2, cov2 = moments
        gap = mean1 - mean2
        return float(gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * complex(trace(cov1 @ cov2)).real)

    return distance


METHODS: dict[str, Callable[[Moments], float]] = {
    "genbench": lambda moments: gaussian_frechet_distance(*moments),
    "numpy eigvals": by_root_trace(lambda product: np.sqrt(np.linalg.eigvals(product).astype(complex)).sum()),
    "scipy sqrtm": by_root_trace(lambda product: np.trace(scipy.linalg.sqrtm(product))),
}


def features(rows: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Correlated features with a falling spectrum, λ ∝ 1/i."""
    spectrum = 1 / np.sqrt(np.arange(1, dim + 1))
    mixing = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return np.asarray(rng.normal(size=(rows, dim)) * spectrum @ mixing) + 0.01 * rng.normal(size=dim)


def spread(seconds: list[float]) -> str:
    return f"{np.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


def timed(function: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    x, y = features(arguments.rows, arguments.dim, rng), features(arguments.rows, arguments.dim, rng)
    gaussian_frechet_distance([0.0], [[1.0]], [0.0], [[1.0]])  # imports are not what is measured

    def statistics() -> Moments:
        return x.mean(axis=0), np.cov(x, rowvar=False), y.mean(axis=0), np.cov(y, rowvar=False)

    moments_times, direct_times = [], []
    times: dict[str, list[float]] = {name: [] for name in arguments.methods}
    values: dict[str, float] = {}
    for _ in range(arguments.rounds):
        seconds, moments = timed(statistics)
        moments_times.append(seconds)
        seconds, direct = timed(lambda: frechet_value(x, y))
        direct_times.append(seconds)
        for name in arguments.methods:
            seconds, values[name] = timed(lambda name=name, moments=moments: METHODS[name](moments))
            times[name].append(seconds)

    print(f"d={arguments.dim}, n={arguments.rows}, means and covariances {spread(moments_times)}")
    print(f"{'':15} {'moments → distance':>28} {'':7} {'features → distance':>28}")
    print(f"{'frechet_value':15} {'':36} {spread(direct_times):>28} {1:6.2f}×   {direct:.10g}")
    ours = np.median(times[arguments.methods[0]])
    for name, own in times.items():
        whole = [a + b for a, b in zip(moments_times, own, strict=True)]
        print(f"{name:15} {spread(own):>28} {np.median(own) / ours:6.2f}×", end=" ")
        ratio = np.median(whole) / np.median(direct_times)
        print(f"{spread(whole):>28} {ratio:6.2f}×   {values[name]:.10g}")
    print("goal at d=2048 from features, beside scipy sqrtm: ≥ 10 × at n=1,000, ≥ 3 × at n=10,000")


if __name__ == "__main__":
    main()
