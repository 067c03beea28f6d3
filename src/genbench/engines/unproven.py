"""What Snakemake must make again whatever its own records say.

Its records are of jobs: one that was killed or failed leaves its earlier result beside a record of the new parameters,
and a file that was damaged, edited or removed behind its back, or images that were replaced in a folder, it does not
look at.  Receipts are of files.  So while the Snakefile is read, every output is held against the receipt of its stage.
"""

import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from genbench.engines.proofs import CODE, Hashes, Stage, doubts
from genbench.provenance.receipts import FOLDER, Receipt, param_hashes, receipt_in
from genbench.storage.files import PARTIAL

MEMORY = FOLDER / "hashes.json"
PLACES = (
    "data/*.safetensors",
    "results/extractors/*",
    "results/references/*",
    "results/runs/*/*",
    "results/report/*",
)
DATED = (
    *PLACES,
    "results/external/*",
    "results/code/*",
    "results/code/*/*",
    "results/code/*/*/*",
    "examples/*",
)
NO_OUTPUTS = ("timing.json", "cost.html", "cost.csv", "cost.md", "figures")
UNKNOWN = (
    "files of which nothing shows what they were made from (after dvc pull or dvc checkout: genbench sync)"
)
SHOWN = 8


def unproven(root: Path, params: Mapping[str, Any]) -> dict[str, str]:
    """Outputs that no receipt proves to be what the workspace would make now, each with the reason."""
    now, hashes = param_hashes(params), Hashes(root, memory=root / MEMORY)
    proven: set[str] = set()
    found: dict[str, str] = {}
    for receipt in _receipts(root, params):
        if why := doubts(_stage(receipt, params), receipt, now, hashes):
            found |= dict.fromkeys(receipt.written, f"{receipt.of.stage} {receipt.of.subject}: {why}")
        else:
            proven.update(receipt.written)
    hashes.keep()
    present = (path for place in PLACES for path in root.glob(place) if path.name not in NO_OUTPUTS)
    names = {path.relative_to(root).as_posix() for path in present if path.suffix != PARTIAL}
    return dict.fromkeys(names - proven, UNKNOWN) | found


def said(found: Mapping[str, str]) -> str:
    """The reasons in lines, those of single stages first."""
    reasons = sorted(set(found.values()), key=lambda reason: (reason == UNKNOWN, reason))
    more = [f"… and {len(reasons) - SHOWN} more"] if len(reasons) > SHOWN else []
    return "\n".join(["made again:", *(f"  {line}" for line in [*reasons[:SHOWN], *more])]) if reasons else ""


def _receipts(root: Path, params: Mapping[str, Any]) -> Iterator[Receipt]:
    """The receipts of the stages of these parameters; others may be left of earlier ones."""
    stages: dict[str, Iterable[str]] = {
        "prepare": params["datasets"],
        "extractor": params["datasets"],
        "reference": params["datasets"],
        "train": params["runs"],
        "sample": params["runs"],
        "import": params["external"],
        "novelty": [*params["runs"], *params["external"]],
        "evaluate": [*params["runs"], *params["external"]],
        "report": ["report"],
        "outside": {Path(entry["samples"]).stem for entry in params["external"].values()},
    }
    for stage, subjects in stages.items():
        for subject in subjects:
            if receipt := receipt_in(root / FOLDER / stage / f"{subject}.json"):
                yield receipt


def _stage(receipt: Receipt, params: Mapping[str, Any]) -> Stage:
    """The stage as its receipt describes it."""
    command = receipt.of
    try:
        code = [f"{CODE}{place}" for place in command.code(params)]
    except KeyError:  # it was about another run or dataset than its file is called
        code = []
    inputs = receipt.read.keys() - {command.params_file} if command.stage != "prepare" else ()
    return Stage(
        name=command.stage,
        command=receipt.command,
        files=(*code, *sorted(inputs)),
        folders=(),
        params=tuple(command.parameters()),
        outs=tuple(receipt.written),
        upstream=(),
        locked=False,
    )


def date_now(root: Path, params: Mapping[str, Any]) -> list[str]:
    """Give files and folders that are dated in the future the present time, and name them.

    Snakemake would call what is made of them older than them, and remove it.
    """
    own = (Path(entry["samples"]).expanduser() for entry in params["external"].values())
    paths = [*(path for place in DATED for path in root.glob(place)), *(root / path for path in own)]
    changed, now = [], time.time()
    for path in paths:
        with suppress(OSError):
            if max(path.lstat().st_mtime, path.stat().st_mtime) > now:
                os.utime(path, (now, now))
                if path.is_symlink():
                    os.utime(path, (now, now), follow_symlinks=False)
                changed.append(path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path))
    return changed


def say_unproven(root: Path, params: Mapping[str, Any]) -> dict[str, str]:
    """`date_now` and `unproven`, told on standard error."""
    if dated := date_now(root, params):
        some = ", ".join(dated[:3]) + (", …" if len(dated) > 3 else "")
        print(f"dated in the future, now as of now: {some}", file=sys.stderr)
    found = unproven(root, params)
    if text := said(found):
        print(text, file=sys.stderr)
    return found
