"""What the report is made from: the results of one run, the seeds of one system, and one dataset."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from genbench.params.seeds import divided
from genbench.scoring.estimates import Estimate, over_seeds

CONTROL_ROLES = {  # in the order of the table
    "real": "floor: held-out data",
    "copycat": "ceiling: training data",
    "noisy_copycat": "ceiling: noisy copies",
    "tenth_copycat": "ceiling: one copy in ten",
    "few_classes": "planted: few classes",
    "few_images": "planted: few images",
    "two_in_turns": "planted: two classes in turns",
    "noise": "baseline: noise",
    "pca_gaussian": "baseline: Gaussian",
    "independent_pixels": "baseline: values apart",
    "uniform_tokens": "baseline: any token",
    "token_frequency": "baseline: frequent tokens",
}


@dataclass(frozen=True, eq=False)
class RunResult:
    """One model on one dataset with one seed. Samples are stored as the dataset's elements are, (…, *shape).

    frames: what the model gave at some moments of its training, (moments, …) each, with their `step`; empty where none.

    replicates: score -> its values (B,) under B resamplings of the held-out images and of the samples; the b-th
    resampling of the held-out images is the same for every run of a dataset.

    accuracy: the share of held-out elements that the extractor's classifier reads; None where it is no classifier.

    nearest_elements: the training element nearest to each sample, of a run that had half of the training set.
    """

    name: str
    entry: dict[str, Any]
    metrics: dict[str, Any]
    novelty: dict[str, Any]
    curve: pd.DataFrame
    samples: dict[str, np.ndarray]
    frames: dict[str, np.ndarray]
    replicates: dict[str, np.ndarray]
    grid: bytes
    nearest: bytes
    weights_sha256: str | None  # None of samples made elsewhere
    parameters: int | None
    accuracy: float | None = None
    nearest_elements: np.ndarray | None = None

    @property
    def dataset(self) -> str:
        return str(self.entry["dataset"])

    @property
    def model(self) -> str:
        return str(self.entry["model"])

    @property
    def control(self) -> str | None:
        """The control's name ("real", "copycat", …); None for a model."""
        folder, _, name = self.model.partition("/")
        return name if folder == "controls" else None

    @property
    def label(self) -> str:
        """The name inside its dataset's section: `digits-vae` is `vae`."""
        return short_name(self.name, self.dataset)

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Every score that has a value, of quality first, then of novelty."""
        records = {**self.metrics["scores"], **self.novelty.get("scores", {})}
        found = {name: Estimate.from_dict(record) for name, record in records.items() if record is not None}
        return {name: e for name, e in found.items() if e is not None}


class Measured(NamedTuple):
    """What one run's model measured of itself."""

    run: RunResult
    estimate: Estimate
    meaning: str
    arrow: str  # ↓ or ↑, or nothing


@dataclass(frozen=True, eq=False)
class Row:
    """One system on one dataset, a line of every table: its runs differ in nothing but the seed."""

    name: str
    runs: tuple[RunResult, ...]

    @property
    def dataset(self) -> str:
        return self.runs[0].dataset

    @property
    def model(self) -> str:
        return self.runs[0].model

    @property
    def control(self) -> str | None:
        return self.runs[0].control

    @property
    def likelihood(self) -> str | None:
        """ "exact", "bound" or None."""
        return self.runs[0].metrics.get("likelihood")

    @property
    def weights(self) -> int | None:
        """Of a bound on the likelihood: how many importance weights it is a mean of."""
        found = (self.runs[0].metrics.get("tightness") or {}).get("weights")
        return None if found is None else int(found)

    @property
    def slack(self) -> Estimate | None:
        """Nats by which ten times the weights tighten the bound; none where that is not known, or it is exact."""
        found = (self.runs[0].metrics.get("tightness") or {}).get("gained")
        return Estimate.from_dict(found) if found else None

    @property
    def label(self) -> str:
        return short_name(self.name, self.dataset)

    @property
    def seeds(self) -> str:
        """ "3 seeds"; nothing for one."""
        return f"{len(self.runs)} seeds" if len(self.runs) > 1 else ""

    @property
    def title(self) -> str:
        """The label and, where there are several, the number of seeds."""
        return f"{self.label} ({self.seeds})" if self.seeds else self.label

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """Every score that has a value, over the seeds that have one."""
        found: dict[str, list[Estimate]] = {}
        for run in self.runs:
            for name, e in run.estimates.items():
                found.setdefault(name, []).append(e)
        return {name: over_seeds(seeds) for name, seeds in found.items()}

    def having(self, name: str) -> list[RunResult]:
        """The runs that have this score."""
        return [run for run in self.runs if name in run.estimates]


def not_ranked(row: Row, rows: Iterable[Row]) -> list[Row]:
    """Rows that are ahead of a bound in likelihood by no more than it may be loose, as far as that is known."""
    if row.likelihood != "bound" or "nll" not in row.estimates:
        return []
    slack, own = (math.inf if row.slack is None else row.slack.interval[1]), row.estimates["nll"].value
    others = [each for each in rows if each is not row and "nll" in each.estimates]
    return [each for each in others if 0 <= own - each.estimates["nll"].value <= slack]


class DatasetResult(NamedTuple):
    """One prepared dataset: its card, its feature extractor, a few of its elements.

    studies: the scores of human studies on it, as `genbench study-score` writes them.
    """

    name: str
    card: dict[str, Any]
    extractor: dict[str, Any]
    examples: np.ndarray
    studies: tuple[dict[str, Any], ...] = ()


def short_name(name: str, dataset: str) -> str:
    """The name inside its dataset's section: `digits-vae` is `vae`."""
    return name.removeprefix(f"{dataset}-") or name


def rows_of(runs: Sequence[RunResult]) -> list[Row]:
    """Runs whose entries are equal but for the seed make one row, at the place of the first of them.

    It has the first one's name, without a final -s<digits> unless another row or run is called so.
    """
    groups: dict[tuple[str, int], list[RunResult]] = {}
    met: Counter[tuple[str, int]] = Counter()
    for run in runs:
        settings = json.dumps({**run.entry, "seed": None}, sort_keys=True)
        met[settings, run.entry["seed"]] += 1
        # The same seed once more is no further seed: it belongs to another row.
        groups.setdefault((settings, met[settings, run.entry["seed"]]), []).append(run)
    rows: list[Row] = []
    for group in groups.values():
        name = group[0].name
        if len(group) > 1:
            stem, own = re.sub(r"-s\d+$", "", name), {run.name for run in group}
            taken = {run.name for run in runs} - own | {row.name for row in rows}
            name = name if stem in taken else stem
        rows.append(Row(name, tuple(group)))
    return rows


def measures_of(runs: Iterable[RunResult]) -> dict[str, list[Measured]]:
    """Title -> what each run that measured it found, in the order in which the titles come."""
    found: dict[str, list[Measured]] = {}
    for run in runs:
        for title, record in run.metrics.get("measures", {}).items():
            e = Estimate.from_dict(record)
            if e is not None:
                arrow = {"up": "↑", "down": "↓"}.get(record["better"], "")
                found.setdefault(title, []).append(Measured(run, e, record["meaning"], arrow))
    return found


def divided_seeds(rows: Iterable[Row]) -> list[str]:
    """What to say of rows that look like seeds of one system and are not."""
    return list(divided({run.name: run.entry for run in runs_of(rows)}).values())


def runs_of(rows: Iterable[Row]) -> list[RunResult]:
    return [run for row in rows for run in row.runs]
