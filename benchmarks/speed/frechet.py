"""Speed of the Fréchet distance against scipy.linalg.sqrtm and numpy eigvals, same features, same run.

    python benchmarks/speed/frechet.py                      d=2048, n=10,000: some minutes, nearly all in sqrtm
    python benchmarks/speed/frechet.py --dim 512 --rows 3000
    python benchmarks/speed/frechet.py --rows 1000          fewer rows than features

Each method gets features and gives the distance, so all of them pay for means and covariances.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import scipy.linalg

from genbench.metrics.frechet import _distance

Features = np.ndarray


def by_root_trace(trace: Callable[[np.ndarray], complex]) -> Callable[[Features, Features], float]:
    """The distance from a function that takes Σ₁Σ₂ and gives the trace of its square root."""

    def distance(x: Features, y: Features) -> float:
        gap = x.mean(axis=0) - y.mean(axis=0)
        cov1, cov2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
        return float(gap @ gap + np.trace(cov1) + np.trace(cov2) - 2 * complex(trace(cov1 @ cov2)).real)

    return distance


METHODS: dict[str, Callable[[Features, Features], float]] = {
    "genbench": _distance,
    "numpy eigvals": by_root_trace(lambda product: np.sqrt(np.linalg.eigvals(product).astype(complex)).sum()),
    "scipy sqrtm": by_root_trace(lambda product: np.trace(scipy.linalg.sqrtm(product))),
}


def features(rows: int, dim: int, rng: np.random.Generator) -> Features:
    """Correlated features with a spectrum that falls like those of deep networks, λ ∝ 1/i."""
    spectrum = 1 / np.sqrt(np.arange(1, dim + 1))
    mixing = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    return np.asarray(rng.normal(size=(rows, dim)) * spectrum @ mixing) + 0.01 * rng.normal(size=dim)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    x, y = features(arguments.rows, arguments.dim, rng), features(arguments.rows, arguments.dim, rng)
    print(f"d={arguments.dim}, n={arguments.rows}")
    print(f"{'method':15} {'seconds':>9} {'× genbench':>11}   distance")
    first = 0.0
    for name in arguments.methods:
        start = time.perf_counter()
        value = METHODS[name](x, y)
        seconds = time.perf_counter() - start
        first = first or seconds
        print(f"{name:15} {seconds:9.2f} {seconds / first:11.2f}   {value:.10g}")


if __name__ == "__main__":
    main()
