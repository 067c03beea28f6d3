"""Speed of KID, precision, recall, density and coverage against torch-fidelity and prdc, same features, same run.

    python benchmarks/speed/scores.py                                 d=512, n=3,000: half a minute
    python benchmarks/speed/scores.py --dim 2048 --rows 10000         as on Inception features: some minutes

Both KIDs are means over 100 subsets of 1,000 rows.  prdc gives precision, recall, density and coverage as values
alone; genbench's are timed as values, and with their intervals from 100 random halves.  The product is one matrix
product of all rows with all rows, the least that any of these scores does.  Processor time of one thread, turn by turn,
medians over the rounds with the least and the most.
A package that is not installed is left out: pip install -e '.[dev]'.
"""

import argparse
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import torch

from genbench.scoring.metrics.kernel import kernel_distance
from genbench.scoring.metrics.manifold import manifold_estimates, manifolds

Timed = Callable[[np.ndarray, np.ndarray], object]
GOALS = {"KID": 1.5, "manifold": 2.0, "manifold with intervals": 2.0}  # times as fast as the package


def kid_of_fidelity(x: np.ndarray, y: np.ndarray) -> object:
    from torch_fidelity.metric_kid import kid_features_to_metric

    return kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subset_size=1000, verbose=False
    )


def prdc(x: np.ndarray, y: np.ndarray) -> object:
    from prdc import compute_prdc

    return compute_prdc(x, y, nearest_k=5)


COMPARED: dict[str, dict[str, tuple[str, Timed]]] = {
    "KID": {
        "genbench": ("genbench", lambda x, y: kernel_distance(x, y, subsets=100)),
        "torch-fidelity": ("torch_fidelity", kid_of_fidelity),
    },
    "manifold": {"genbench": ("genbench", manifolds), "prdc": ("prdc", prdc)},
    "manifold with intervals": {"genbench": ("genbench", manifold_estimates), "prdc": ("prdc", prdc)},
}


def features(rows: int, dim: int, rng: np.random.Generator) -> np.ndarray:
    """Float32 features with a falling spectrum, λ ∝ 1/i."""
    return (rng.normal(size=(rows, dim)) / np.sqrt(np.arange(1, dim + 1))).astype(np.float32)


def seconds(function: Timed, x: np.ndarray, y: np.ndarray) -> float:
    start = time.process_time()
    function(x, y)
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x, y = (features(arguments.rows, arguments.dim, rng) for _ in range(2))
    print(f"d={arguments.dim}, n={arguments.rows}")
    for score, methods in COMPARED.items():
        there = {name: call for name, (package, call) in methods.items() if find_spec(package)}
        for name in there:
            import_module(methods[name][0])  # which is not what is measured
        there["product"] = lambda x, y: x @ y.T
        times: dict[str, list[float]] = {name: [] for name in there}
        for _ in range(arguments.rounds):
            for name, call in there.items():
                times[name].append(seconds(call, x, y))
        for name, found in times.items():
            print(f"{score:23} {name:15} {np.median(found):7.2f} s ({min(found):.2f} to {max(found):.2f})")
        for name in there.keys() - {"genbench", "product"}:
            ratio = np.median(times[name]) / np.median(times["genbench"])
            print(f"{score:23} {ratio:.2f} × as fast as {name}; goal {GOALS[score]} ×")
        for name in methods.keys() - there.keys():
            print(f"{score:23} {name} is not installed; pip install -e '.[dev]'")


if __name__ == "__main__":
    main()
