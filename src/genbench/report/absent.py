"""Runs without results: each keeps its place in the tables, with the reason."""

from pathlib import Path
from typing import NamedTuple

from genbench.runtime.logs import ending

LOGS = Path("results/logs")  # Snakemake keeps what a stage says there; under DVC it goes to the terminal
STAGES = ("train", "sample", "import", "novelty", "evaluate")


class Absent(NamedTuple):
    """A run that has no results here.  why: "not built: …", "failed: …" or "damaged: …"."""

    name: str
    dataset: str
    why: str

    @property
    def is_damaged(self) -> bool:
        return self.why.startswith("damaged")


def why_missing(run: str, path: Path) -> str:
    """What a run's last failed stage said, or else which of its files is not there."""
    for stage in STAGES:
        if said := _error_in(LOGS / stage / f"{run}.log"):
            return f"failed: {stage}: {said}"
    return f"not built: {path} is not there"


def _error_in(log: Path) -> str:
    """The last line of a log, if a stage ended with it; '' for a stage that ended well, or was killed."""
    try:
        last, kind = ending(log)
    except OSError:
        return ""
    return last if kind else ""
