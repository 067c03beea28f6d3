"""Which stages are up to date, each with its proof: DVC's lock file, or the receipt the stage left."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from genbench.provenance import fingerprints
from genbench.provenance.closure import difference
from genbench.provenance.receipts import Receipt

CODE = f"{fingerprints.FOLDER.as_posix()}/"


class Stage(NamedTuple):
    """One stage as DVC describes it; paths are relative to the workspace."""

    name: str
    command: str
    files: tuple[str, ...]  # what it depends on, one file each …
    folders: tuple[str, ...]  # … or all files under a folder
    params: tuple[str, ...]  # keys of params.yaml
    outs: tuple[str, ...]
    upstream: tuple[str, ...]  # names of the stages whose outputs it depends on
    locked: bool  # whether dvc.lock says that all of this is as it stands in the workspace


class Verdict(NamedTuple):
    stage: Stage
    state: Literal["ready", "stale", "waiting", "missing"]
    why: str = ""  # of a stage that is not ready


class Hashes:
    """md5 of files under a root, each read once; None for what is no file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, str | None] = {}

    def __getitem__(self, path: str) -> str | None:
        if path not in self._known:
            try:
                with (self.root / path).open("rb") as file:
                    self._known[path] = hashlib.file_digest(file, "md5").hexdigest()
            except OSError:
                self._known[path] = None
        return self._known[path]

    def under(self, folder: str) -> set[str]:
        found = (path for path in (self.root / folder).rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix() for path in found}


def assess(
    stages: Iterable[Stage], receipts: Mapping[str, Receipt], params: Mapping[str, str], hashes: Hashes
) -> dict[str, Verdict]:
    """A verdict for each stage, given in topological order.

    Ready is a stage that is proven and whose upstream stages are all ready: an output is up to date only if what it
    was made from is.
    """
    verdicts: dict[str, Verdict] = {}
    for stage in stages:
        absent = [out for out in stage.outs if hashes[out] is None]
        behind = [name for name in stage.upstream if verdicts[name].state != "ready"]
        if absent:
            verdicts[stage.name] = Verdict(stage, "missing", f"{absent[0]} is not there")
        elif doubt := "" if stage.locked else doubts(stage, receipts.get(stage.command), params, hashes):
            verdicts[stage.name] = Verdict(stage, "stale", doubt)
        elif behind:
            verdicts[stage.name] = Verdict(stage, "waiting", f"waits for {', '.join(behind)}")
        else:
            verdicts[stage.name] = Verdict(stage, "ready")
    return verdicts


def doubts(stage: Stage, receipt: Receipt | None, params: Mapping[str, str], hashes: Hashes) -> str:
    """The first reason why a receipt does not prove that the stage's outputs belong to the workspace; else ''."""
    if receipt is None:
        return "nothing shows what it was made from"
    return next(_doubts(stage, receipt, params, hashes), "")


def _doubts(stage: Stage, receipt: Receipt, params: Mapping[str, str], hashes: Hashes) -> Iterator[str]:
    for key in stage.params:
        if receipt.params.get(key) != params.get(key):
            yield f"params.yaml: {key} is not what it was made with"
    code = fingerprints.read(hashes.root / fingerprints.FOLDER, _code_of(stage, hashes))
    if doubt := difference(receipt.code, code):
        yield doubt
    inside = [path for path in receipt.read if any(path.startswith(f"{folder}/") for folder in stage.folders)]
    for path in (*stage.files, *sorted(inside)):
        if not path.startswith(CODE) and receipt.read.get(path, "") != hashes[path]:
            yield f"{path} is not what it was made from"
    for path in stage.outs:
        if receipt.written.get(path) != hashes[path]:
            yield f"{path} is not what the stage wrote"


def _code_of(stage: Stage, hashes: Hashes) -> list[str]:
    """The fingerprints that a stage depends on, by their places."""
    inside = [path for folder in stage.folders if folder.startswith(CODE) for path in hashes.under(folder)]
    files = [path for path in stage.files if path.startswith(CODE)]
    return [path.removeprefix(CODE) for path in (*files, *sorted(inside))]
