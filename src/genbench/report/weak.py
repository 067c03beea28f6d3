"""Extractors that hardly know their data: what is measured on their features decides nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from genbench.report.results import Row, RunResult
from genbench.scoring.catalogue import ON_FEATURES

WEAK = 0.7  # share of the held-out elements that a classifier should read


def with_accuracy(runs: Sequence[RunResult], extractors: Mapping[str, Mapping[str, Any]]) -> list[RunResult]:
    """The runs with the held-out accuracy of their dataset's extractor, where that is a classifier.

    extractors: the card of each dataset's.
    """
    known = {dataset: card["accuracy"] for dataset, card in extractors.items() if "accuracy" in card}
    return [
        replace(run, accuracy=float(known[run.dataset]["value"])) if known.get(run.dataset) else run
        for run in runs
    ]


def has_no_winner(score: str, rows: Sequence[Row]) -> bool:
    """Whether a score rests on features of a weak extractor."""
    return score in ON_FEATURES and _weak(rows) is not None


def warning(rows: Sequence[Row]) -> str | None:
    """One sentence on a weak extractor; None where it is none."""
    accuracy = _weak(rows)
    if accuracy is None:
        return None
    return (
        f"The extractor's classifier reads only {100 * accuracy:.1f} % of the held-out data rightly (at least "
        f"{100 * WEAK:.0f} % expected): scores on its features say little here, and none of them has a winner."
    )


def _weak(rows: Sequence[Row]) -> float | None:
    """The accuracy of the extractor, where it is too low."""
    found = [run.accuracy for row in rows for run in row.runs if run.accuracy is not None]
    return min(found) if found and min(found) < WEAK else None
