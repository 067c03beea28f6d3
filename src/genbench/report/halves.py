"""Do samples depend on the training set?  Two trainings on its two halves, sampled from the same noise.

Where a system has learnt the distribution and not its examples, what the same noise gives is alike (Kadkhodaie et al.,
2024, arXiv:2310.02557, section 2): the halves have no element in common, so what agrees comes from neither alone.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from genbench.report.results import RunResult
from genbench.scoring.estimates import Estimate, mean_interval

METHOD = (
    "Cosines of deviations from the mean of all samples: 1 for the same, about 0 for any two. Both trainings are "
    "given the same noise; by chance: a sample of the one beside the next of the other. Of the training set: a sample "
    "of the first beside the element of all the training set that is nearest to it. A diffusion that has learnt the "
    "distribution agrees with itself more than with single training elements (Kadkhodaie et al., 2024). It says "
    "nothing of systems in which the distribution leaves open what a noise becomes: two GANs or VAEs need not agree."
)


class Halves(NamedTuple):
    """Mean cosines over n samples.  nearest: None where the kind of data has no distance."""

    label: str
    agreement: Estimate
    chance: Estimate
    nearest: Estimate | None


def halves(runs: Sequence[RunResult]) -> list[Halves]:
    """Of every pair of runs that differ in their half of the training set alone; of data whose values are amounts."""
    found = []
    for one in runs:
        if one.entry.get("half") != "a":
            continue
        for other in runs:
            if other.entry.get("half") == "b" and _rest(one) == _rest(other):
                x, y = one.samples.get("x"), other.samples.get("x")
                if x is not None and y is not None and x.dtype.kind in "uf" and x.shape == y.shape:
                    found.append(_compared(f"{one.label}, {other.label}", x, y, one.nearest_elements))
    return found


def _rest(run: RunResult) -> dict[str, Any]:
    return {key: value for key, value in run.entry.items() if key != "half"}


def _compared(label: str, x: np.ndarray, y: np.ndarray, nearest: np.ndarray | None) -> Halves:
    centre = (_flat(x).mean(0) + _flat(y).mean(0)) / 2
    a, b = (_unit(_flat(each) - centre) for each in (x, y))
    known = None if nearest is None else _unit(_flat(nearest) - centre)
    return Halves(
        label,
        mean_interval((a * b).sum(1)),
        mean_interval((a * np.roll(b, 1, axis=0)).sum(1)),
        None if known is None else mean_interval((a * known).sum(1)),
    )


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), -1).astype(np.float64)


def _unit(x: np.ndarray) -> np.ndarray:
    """Rows of length 1; of length 0 where they were."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
