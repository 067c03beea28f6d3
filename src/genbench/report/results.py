"""What the report is made from: the results of one run, and of one dataset."""

from math import isfinite, isnan, nan
from typing import Any, NamedTuple

import numpy as np
import pandas as pd


class Estimate(NamedTuple):
    """One score with its 95 % interval; `low` and `high` are nan where none was computed."""

    value: float
    low: float
    high: float
    n: int | None

    @property
    def interval(self) -> tuple[float, float]:
        """The interval, or the value alone where there is none."""
        return (self.low, self.high) if self.has_interval else (self.value, self.value)

    @property
    def has_interval(self) -> bool:
        return isfinite(self.low) and isfinite(self.high)


def estimate(record: dict[str, Any]) -> Estimate | None:
    """None where the value is missing or not a number."""
    value, low, high = (nan if record.get(k) is None else float(record[k]) for k in ("value", "low", "high"))
    return Estimate(value, low, high, record.get("n")) if not isnan(value) else None


class RunResult(NamedTuple):
    """One model on one dataset with one seed. Images are uint8 levels, shape (…, c, h, w)."""

    name: str
    entry: dict[str, Any]
    metrics: dict[str, Any]
    novelty: dict[str, Any]
    curve: pd.DataFrame
    samples: dict[str, np.ndarray]
    grid: bytes
    nearest: bytes
    weights_sha256: str
    parameters: int

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
        return self.name.removeprefix(f"{self.dataset}-") or self.name

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Every score that has a value, of quality first, then of novelty."""
        records = {**self.metrics["scores"], **self.novelty.get("scores", {})}
        found = {name: estimate(record) for name, record in records.items() if record is not None}
        return {name: e for name, e in found.items() if e is not None}


class DatasetResult(NamedTuple):
    """One prepared dataset: its card, its feature extractor, a few images (n, c, h, w) of uint8 levels.

    studies: the scores of human studies on it, as `genbench study-score` writes them.
    """

    name: str
    card: dict[str, Any]
    extractor: dict[str, Any]
    examples: np.ndarray
    studies: tuple[dict[str, Any], ...] = ()
