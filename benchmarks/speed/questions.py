"""What each question of the evaluation costs: processor seconds of `evaluate` and `novelty` of built runs, one thread.

    python benchmarks/speed/questions.py                               seven digit runs of the default benchmark
    python benchmarks/speed/questions.py digits-ddpm digits-realnvp    others

In the root of a built workspace of images; every run is evaluated in a copy of its folder.  What a question needs and
another has computed already is counted where it was first needed.
"""

import argparse
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from genbench.kinds.image import comparison, diversity, fidelity, representation, structure, walks
from genbench.params.schema import load
from genbench.stages import evaluate, novelty

SYSTEMS = "vae", "gan", "ddpm", "flow_matching", "score_sde", "iaf", "realnvp"
RUNS = tuple(f"digits-{system}" for system in SYSTEMS)
QUESTIONS: dict[str, tuple[Any, str]] = {
    "likelihoods": (evaluate, "likelihood_scores"),
    "tightness of a bound": (evaluate, "tightness"),
    "the model's own measures": (evaluate, "measures"),
    "headline scores": (comparison, "sample_scores"),
    "distances under other extractors": (comparison, "_extractor_scores"),
    "collapse": (diversity, "collapse_of"),
    "training over time": (diversity, "over_training"),
    "worth of samples as training data, endless samples": (fidelity, "answers"),
    "structure": (structure, "answers"),
    "walks through the latent space": (walks, "answers"),
    "representation": (representation, "answers"),
}
GOAL = 6.0  # seconds of both stages


def timed(taken: dict[str, float], name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **options: Any) -> Any:
        start = time.process_time()
        found = call(*arguments, **options)
        taken[name] += time.process_time() - start
        return found

    return wrapped


def measured(run: str) -> dict[str, float]:
    """Seconds by question, of the rest, of novelty, and of all."""
    params, taken = Path("params.yaml"), defaultdict[str, float](float)
    dataset = load(params).runs[run].dataset
    data, extractor, known = (
        Path(folder) / f"{dataset}.safetensors"
        for folder in ("data", "results/extractors", "results/references")
    )
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patches:
        out = Path(folder) / run
        shutil.copytree(Path("results/runs") / run, out)
        for name, (module, function) in QUESTIONS.items():
            call = timed(taken, name, getattr(module, function))
            patches.enter_context(patch.object(module, function, call))
        start = time.process_time()
        evaluate.run(run, data, extractor, out, params, known)
        between = time.process_time()
        novelty.run(run, data, out, params, known)
        end = time.process_time()
    taken["all else of evaluate"] = between - start - sum(taken.values())
    taken["novelty"] = end - between
    taken["both stages"] = end - start
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", default=RUNS)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    measured(arguments.runs[0])  # imports are not what is measured
    found = {run: [measured(run) for _ in range(arguments.rounds)] for run in arguments.runs}
    print(f"| seconds | {' | '.join(arguments.runs)} |\n|---|{'---:|' * len(arguments.runs)}")
    for name in (*QUESTIONS, "all else of evaluate", "novelty", "both stages"):
        row = [median(each.get(name, 0.0) for each in rounds) for rounds in found.values()]
        if any(row):
            print(f"| {name} | {' | '.join(f'{value:.2f}' if value else '–' for value in row)} |")
    print(f"goal: both stages {GOAL:g} s")


if __name__ == "__main__":
    main()
