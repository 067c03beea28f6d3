"""Snakemake's side: what it would run, and telling it what is up to date, by its own commands alone."""

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from genbench.params.schema import Params, validate
from genbench.params.yaml import read
from genbench.storage.files import InputError

PROGRAM = ["snakemake"]  # what starts it


class Plan(NamedTuple):
    pending: set[str]  # outputs that Snakemake would make again
    unknown: set[str]  # outputs of which it has no record: it would not notice a changed parameter


def parameters(config: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], Params]:
    """The parameters as every stage and DVC read them, plain and validated.

    config: Snakemake's own.  It reads YAML 1.1, to which 1e-3 is text and `on` is true, so that no value is taken from
    it; it only tells whether the command line gave other values than the file.

    Raises:
        InputError: the file is missing or has a mistake, or other values stand on the command line.
    """
    from snakemake.common.configfile import load_configfile

    content = read(path)
    settings = validate(content, path)
    if dict(config) != load_configfile(path):
        raise InputError(
            f"{path.absolute()}: other values stand on the command line, but every stage reads this file; "
            "expected --configfile with a file of that name, or a change of the file itself"
        )
    return content, settings


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=root,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def refuse_if_busy(root: Path) -> None:
    """Raises InputError where Snakemake runs or was killed: what its jobs are writing is not to be judged."""
    if any((root / ".snakemake/locks").glob("*")):
        raise InputError(
            "Snakemake has locked this workspace; wait for it, or after a kill: snakemake --unlock"
        )


def plan(root: Path) -> Plan:
    """Every output of the graph, by Snakemake's own summary of it."""
    result = run(root, "--detailed-summary")
    lines = result.stdout.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("output_file\t")), None)
    if result.returncode or start is None:
        raise InputError(f"Snakemake: {_complaint(result)}")
    rows = list(csv.DictReader(lines[start:], delimiter="\t", quoting=csv.QUOTE_NONE))
    return Plan(
        pending={row["output_file"] for row in rows if row["plan"] != "no update"},
        unknown={row["output_file"] for row in rows if row["shellcmd"] == "-"},
    )


def mark_ready(root: Path, outputs: Iterable[str]) -> None:
    """Tell Snakemake that these outputs, and so all they are made from, are as a run would leave them."""
    result = run(root, "--touch", "--forceall", "--cores", "1", *outputs)
    if result.returncode:
        raise InputError(f"Snakemake: {_complaint(result)}")


def _complaint(result: subprocess.CompletedProcess[str]) -> str:
    """All that Snakemake says from its error on, in one line."""
    said = [line.strip() for line in (result.stderr + result.stdout).splitlines() if line.strip()]
    first = next((i for i, line in enumerate(said) if re.search(r"(error|exception)\b", line, re.I)), 0)
    return " ".join(said[first:]) or f"exit code {result.returncode}"
