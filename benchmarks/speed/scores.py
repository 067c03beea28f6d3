"""Speed of the kernel distance and of precision to coverage against torch-fidelity and prdc, same run.

    OMP_NUM_THREADS=1 python benchmarks/speed/scores.py                 10,000 × 10,000 × 2048: two minutes
    OMP_NUM_THREADS=1 python benchmarks/speed/scores.py --rows 3000

Beside the times stands that of one plain matrix product of that size in float32; all by CPU time.  The
kernel distance takes all pairs, torch-fidelity 100 subsets of 1,000 rows.
"""

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from genbench.scoring import metrics


def seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--dim", type=int, default=2048)
    arguments = parser.parse_args()
    rng, n = np.random.default_rng(0), arguments.rows
    x, y = (np.maximum(rng.standard_normal((n, arguments.dim), dtype=np.float32) * by, 0) for by in (1, 1.02))
    keys = rng.random((100, n)), rng.random((100, n))

    import torch
    from prdc import compute_prdc
    from torch_fidelity.metric_kid import kid_features_to_metric

    torch.set_num_threads(1)
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    sizes = {"kid_subsets": 100, "kid_subset_size": min(1000, n), "verbose": False}
    rows = (
        ("kernel distance with its error", lambda: metrics.kernel_distance(x, y), 1.5),
        ("torch-fidelity", lambda: kid_features_to_metric(a, b, **sizes), None),
        ("four scores of balls", lambda: metrics.manifolds(x, y), 2.0),
        ("the same with their errors", lambda: metrics.manifold_replicates(x, y, *keys), 2.0),
        ("prdc, without errors", lambda: compute_prdc(x, y, nearest_k=5), None),
    )
    product = seconds(lambda: x @ y.T)
    print(f"{n} × {n} × {arguments.dim}; one product in float32 {product:.2f} s")
    waiting: list[tuple[str, float, float]] = []
    for name, function, goal in rows:
        own = seconds(function)
        print(f"{name:32} {own:7.2f} s  {own / product:5.1f} products", flush=True)
        if goal is not None:
            waiting.append((name, own, goal))
            continue
        for ours, spent, wanted in waiting:
            print(f"    {ours}: {own / spent:.2f} × as fast as {name}, goal {wanted}")
        waiting = []
    print(f"peak memory of all {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
