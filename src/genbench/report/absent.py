"""Runs without results: each keeps its place in the tables, with the reason."""

from pathlib import Path
from typing import NamedTuple

LOGS = Path("results/logs")  # Snakemake keeps what a stage says there; under DVC it goes to the terminal
STAGES = ("train", "sample", "import", "novelty", "evaluate")
ERROR = "genbench: error: "


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
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    if not lines:
        return ""
    failed = lines[-1].startswith(ERROR) or any(line.startswith("Traceback") for line in lines)
    return lines[-1].removeprefix(ERROR) if failed else ""
