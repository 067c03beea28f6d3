"""What failed in a build, and why: the last word of each stage in its log."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from genbench.runtime.logs import ending

LITTLE = 100 << 20  # bytes left on a disk that may have been full


def table(failed: Iterable[tuple[str, Mapping[str, str], Sequence[str]]], waiting: int) -> str:
    """One line for each failed job, given by rule, wildcards and log files; and how many others were not run."""
    rows = sorted(
        (rule, " ".join(wildcards.values()), next(map(reason, map(Path, logs)), "keeps no log"))
        for rule, wildcards, logs in failed
    )
    count = f"{len(rows)} stage{'s' * (len(rows) != 1)} failed"
    if waiting:
        count += f", {waiting} not run; what succeeded stays"
    return "\n".join(["", count, *_aligned([("stage", "of", "why"), *rows])])


def reason(log: Path) -> str:
    """The error that a stage ended with, from what it wrote to standard error."""
    try:
        last, kind = ending(log)
    except OSError:
        return f"left no log; expected {log}"
    if kind:
        return last if kind == "error" else f"{last} (traceback: {log})"
    if not last:
        return f"ended without a word, {_guess(log)} (log: {log})"
    return f"ended without an error, {_guess(log)} last line: {last} (log: {log})"


def _guess(log: Path) -> str:
    """Why a stage said nothing: on a full disk it can write no log either, and its files are gone by now."""
    free = shutil.disk_usage(log.parent).free
    if free < LITTLE:
        return f"the disk is full ({free >> 20} MiB left)?"
    return "killed, out of memory, or the disk was full?"


def _aligned(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return [f"{stage:<{widths[0]}}  {of:<{widths[1]}}  {why}" for stage, of, why in rows]
