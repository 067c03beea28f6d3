"""Speed and memory of exact nearest neighbours against one plain matrix product of that size, same run.

    python benchmarks/speed/nearest.py                      10,000 queries × 60,000 training rows × 784
    python benchmarks/speed/nearest.py --queries 2000 --train 10000

The product is queries @ train.T in float32 by blocks of queries, the least that a search over all pairs of floats does.
The same search among bytes, as images are, multiplies whole numbers where the processor does that faster.
"""

import argparse
import resource
import time
from importlib import import_module

import numpy as np

from genbench.scoring.novelty import nearest


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--train", type=int, default=60_000)
    parser.add_argument("--dim", type=int, default=784)
    parser.add_argument("--k", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=1, help="take the best of so many runs of each")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    train = rng.random((arguments.train, arguments.dim), dtype=np.float32)
    queries = rng.random((arguments.queries, arguments.dim), dtype=np.float32)
    copies = min(arguments.queries, arguments.train) // 10
    queries[:copies] = train[:copies]
    print(f"{arguments.queries} queries × {arguments.train} training rows × {arguments.dim}, k={arguments.k}")

    product, search, of_bytes = [], [], []
    for _ in range(arguments.repeat):
        start = time.perf_counter()
        for i in range(0, len(queries), 1024):
            queries[i : i + 1024] @ train.T
        product.append(time.perf_counter() - start)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        distances, indices = nearest(train, queries, k=arguments.k)
        search.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (distances[:copies, 0] == 0).all()
    assert (indices[:copies, 0] == np.arange(copies)).all()

    grey = [np.floor(256 * rows).astype(np.uint8) for rows in (train, queries)]
    import_module("torch")  # which is not what is measured
    for _ in range(arguments.repeat):
        start = time.perf_counter()
        nearest(*grey, k=arguments.k)
        of_bytes.append(time.perf_counter() - start)

    print(f"matrix product  {min(product):8.2f} s")
    print(f"nearest         {min(search):8.2f} s   ratio {min(search) / min(product):.2f}")
    print(f"nearest, bytes  {min(of_bytes):8.2f} s   ratio {min(of_bytes) / min(product):.2f}")
    print("goal ≤ 1.1 at 10,000 × 60,000")
    print(f"peak memory of the process {peak / 2**20:.2f} GiB, before the search {before / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
