"""Planted collapses on a dataset of images: samplers that are known to fail, and the verdict on each.

    python benchmarks/dynamics/planted.py --dataset digits

Reads the prepared data and the extractor of a finished build.  All samplers draw from the training images: one class
alone, ten images with noise of a level, and all classes but three; beside them training images as they are, and
held-out images.  It ends with 1 where a verdict is not the known one.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from genbench.data.prepared import Prepared, load
from genbench.extractors import classifier
from genbench.kinds.image import diversity
from genbench.kinds.image.reference import MOST
from genbench.runtime import machine
from genbench.storage.files import InputError


def planted(data: Prepared, seed: int) -> dict[str, tuple[np.ndarray, str]]:
    """Name -> as many samples as there are held-out images, and the verdict that they deserve."""
    rng = np.random.default_rng(seed)
    x, y, n = data.train.x, data.train.y, len(data.held_out.x)
    some = min(n, len(x))
    one, kept = x[y == y[0]], x[y < data.classes - 3]
    ten = x[rng.choice(len(x), 10, replace=False)].astype(int)
    noise = rng.integers(-1, 2, (n, *x.shape[1:]))
    return {
        "held-out images": (data.held_out.x, "diverse"),
        "training images": (x[rng.choice(len(x), some, replace=False)], "diverse"),
        "one class": (one[rng.integers(0, len(one), n)], "collapsed"),
        "ten images with noise": (
            np.clip(ten[rng.integers(0, 10, n)] + noise, 0, data.levels - 1).astype(np.uint8),
            "collapsed",
        ),
        "all but three classes": (kept[rng.integers(0, len(kept), n)], "drops classes"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    machine.make_deterministic(threads=1)
    data = load(Path("data") / f"{arguments.dataset}.safetensors")
    extract = classifier.load(Path("results/extractors") / f"{arguments.dataset}.safetensors", data)
    real, wrong = extract(data.held_out.x), 0
    train = extract(data.train.x[:MOST]).features
    print("| sampler | verdict | classes held | Vendi | MS-SSIM | support | bins that differ |")
    print("|---|---|---|---|---|---|---|")
    for name, (samples, known) in planted(data, arguments.seed).items():
        found = diversity.collapse_of(data, train, real, extract(samples), samples, seed=arguments.seed)
        support = found["support"]["value"]
        texts = (
            found["verdict"] + ("" if found["verdict"] == known else f" (known: {known})"),
            f"{found['held']} of {found['asked']}",
            f"{found['vendi']['value']:.1f} ({found['vendi_real']['value']:.1f})",
            f"{found['alike']['value']:.2f} ({found['alike_real']['value']:.2f})",
            "∞" if support is None else f"{support:,.0f}",
            f"{found['ndb']:.2f}",
        )
        print(f"| {name} | {' | '.join(texts)} |")
        wrong += found["verdict"] != known
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"planted.py: error: {error}")
