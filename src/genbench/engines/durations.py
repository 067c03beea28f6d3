"""How long trainings are likely to take, so that the longest start first.

Started last, one long training keeps one core busy while the others have nothing left: with jobs taken longest first a
build takes at most 4/3 of the best order's time (Graham, 1969), and close to 1 where no job is long beside the whole.
Nothing else depends on these numbers, so that a wrong one costs time alone.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from genbench.params.signatures import source_kind

STEP = 0.003  # seconds of a training step where none has been measured here
LARGER = 8.0  # how much longer a step on images or meshes takes than one on points or rows of a table
SMALL = ("points", "table")


def training_seconds(root: Path, params: Mapping[str, Any]) -> dict[str, float]:
    """Of each run: what its last training here took, else its steps at the usual speed of those that were measured."""
    weights = {name: _weight(entry) for name, entry in params["datasets"].items()}
    expected = {
        run: weights[entry["dataset"]] * float(entry.get("steps", 0)) for run, entry in params["runs"].items()
    }
    measured = {run: seconds for run in expected if (seconds := _last(root / "results/runs" / run)) > 0}
    speeds = [measured[run] / expected[run] for run in measured if expected[run]]
    step = median(speeds) if speeds else STEP
    return {run: measured.get(run, steps * step) for run, steps in expected.items()}


def priorities(root: Path, params: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Of `train` by run and of `prepare` by dataset, in tenths of seconds: data comes before what is trained on it.

    All other stages have none: they are short, and fill what the long ones leave.
    """
    train = {run: round(10 * seconds) for run, seconds in training_seconds(root, params).items()}
    prepare = dict.fromkeys(params["datasets"], 1)
    for run, entry in params["runs"].items():
        dataset = entry["dataset"]
        prepare[dataset] = max(prepare[dataset], train[run] + 1)
    return {"train": train, "prepare": prepare}


def _weight(dataset: Mapping[str, Any]) -> float:
    """What a training step on a dataset costs beside one on points."""
    return 1.0 if source_kind(dataset["source"], dataset) in SMALL else LARGER


def _last(folder: Path) -> float:
    """Seconds; 0 where no training has ended here."""
    try:
        return float(json.loads((folder / "timing.json").read_bytes())["train"]["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0
