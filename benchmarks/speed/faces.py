"""Speed of drawing faces: images per second at 16 and 32 pixels, on one core.

    python benchmarks/speed/faces.py                      20,000 images, the best of five
    python benchmarks/speed/faces.py --images 2000 --sizes 64 128

Wall time counts everything from factors to bytes; processor time tells how much of it was waiting for a busy machine.
"""

import argparse
import time

from genbench.data.sources.faces import render, sample_factors


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--repeat", type=int, default=5, help="take the best of so many runs of each")
    arguments = parser.parse_args()
    factors = sample_factors(arguments.images, seed=0)
    for size in arguments.sizes:
        wall, processor = [], []
        for _ in range(arguments.repeat):
            start = time.perf_counter(), time.process_time()
            render(factors, size=size)
            wall.append(time.perf_counter() - start[0])
            processor.append(time.process_time() - start[1])
        rates = [arguments.images / min(seconds) for seconds in (wall, processor)]
        print(f"{size:4} px  {rates[0]:10,.0f} images/s   {rates[1]:10,.0f} by processor time")


if __name__ == "__main__":
    main()
