"""How often the verdicts on collapse and on trainings are wrong about healthy trainings: seeds of one cheap model.

    python benchmarks/dynamics/healthy.py --seeds 24          a VAE on digits, about 7 s of CPU a seed
    python benchmarks/dynamics/healthy.py --run ring-maf      any run of params.yaml whose training keeps samples

Reads the prepared data and, of images, the extractor of a finished build; writes nothing.  A false alarm is any verdict
but "converged" and "still improving", and any but "diverse".  Intervals are Clopper–Pearson, 95 %.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genbench.core import space_of
from genbench.data.prepared import Prepared, load
from genbench.extractors import classifier
from genbench.kinds.image import diversity
from genbench.kinds.image.reference import MOST
from genbench.kinds.points.diversity import modes_of
from genbench.models.build import build
from genbench.models.sampling import draw
from genbench.params.schema import Run
from genbench.params.schema import load as parameters
from genbench.runtime import machine
from genbench.scoring.estimates import clopper_pearson
from genbench.storage.files import InputError
from genbench.training import loop
from genbench.training.batches import splits_of

HEALTHY = {"converged", "still improving"}, {"diverse"}


def trained(entry: Run, name: str, data: Prepared, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """What the training of one seed kept, and its samples."""
    torch.manual_seed(seed)
    model = build(name, entry, space_of(data.card))
    splits = splits_of(data, torch.device("cpu"))
    budget = loop.Budget(entry.steps, entry.batch_size, entry.ema, followed=entry.followed)
    with tempfile.TemporaryDirectory() as folder:
        record = loop.train(model, splits, budget, loop.Job(name, seed, Path(folder) / "c.pt", "healthy"))
    samples = draw(model, splits, run=name, pictures=(), rng=torch.Generator().manual_seed(seed))["x"]
    kept = record.follower.arrays()
    if "x" not in kept:
        raise InputError(
            f"runs.{name}: its training keeps no samples; expected a run that can be sampled while it trains"
        )
    return kept, samples


def verdicts(
    data: Prepared, extract: classifier.Trained | None, kept: dict[str, np.ndarray], samples: np.ndarray
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The records of `dynamics` and of `collapse`."""
    if extract is None:
        real, fake = (x.astype(np.float64) for x in (data.held_out.x, samples))
        found = modes_of(real, fake, data.card, kept)
        return found["dynamics"], found["collapse"]
    real, fake = extract(data.held_out.x), extract(samples)
    return (
        diversity.over_training(data, extract, real, kept),
        diversity.collapse_of(data, extract(data.train.x[:MOST]).features, real, fake, samples, seed=0),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", default="digits-vae", help="an entry of params.yaml")
    parser.add_argument("--seeds", type=int, default=24)
    parser.add_argument("--steps", type=int, help="of the training, in place of the entry's")
    arguments = parser.parse_args()
    machine.make_deterministic(threads=1)
    settings = parameters(Path("params.yaml"))
    entry = settings.runs[arguments.run]
    entry = entry.model_copy(update={"steps": arguments.steps or entry.steps})
    data = load(Path("data") / f"{entry.dataset}.safetensors")
    weights = Path("results/extractors") / f"{entry.dataset}.safetensors"
    extract = classifier.load(weights, data) if data.card["kind"] == "image" else None
    counts: tuple[Counter[str], Counter[str]] = Counter(), Counter()
    for seed in range(1000, 1000 + arguments.seeds):
        training, samples = verdicts(data, extract, *trained(entry, arguments.run, data, seed))
        scores = training["scores"]
        counts[0][scores["verdict"]] += 1
        counts[1][samples["verdict"]] += 1
        shown = {name: scores[name] for name in ("churn", "returns", "p", "swing", "ever", "now", "change")}
        texts = " ".join(f"{name} {value:.3g}" for name, value in shown.items())
        print(f"seed {seed}: {scores['verdict']}; {samples['verdict']}; {texts}", flush=True)
    for what, found, healthy in zip(("trainings", "samples"), counts, HEALTHY, strict=True):
        wrong = sum(count for verdict, count in found.items() if verdict not in healthy)
        e = clopper_pearson(wrong, arguments.seeds)
        print(
            f"{what}: {dict(found)}; false alarms {wrong} of {arguments.seeds}, at most {100 * e.high:.0f} %"
        )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"healthy.py: error: {error}")
