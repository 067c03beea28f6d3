"""Which stages are up to date, each with its proof: DVC's lock file, or the receipt the stage left."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from genbench.provenance.receipts import SOURCE, Receipt


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
        return {p.relative_to(self.root).as_posix() for p in found if "__pycache__" not in p.parts}


def judge(
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
    for key in stage.params:
        if receipt.params.get(key) != params.get(key):
            return f"params.yaml: {key} is not what it was made with"
    for path in stage.files:
        made_from = (receipt.source if path.startswith(f"{SOURCE}/") else receipt.read).get(path)
        if made_from is None or made_from != hashes[path]:
            return f"{path} is not what it was made from"
    for folder in stage.folders:
        of_source = folder.startswith(f"{SOURCE}/")
        known = receipt.source if of_source else receipt.read
        inside = {path for path in known if path.startswith(f"{folder}/")}
        # Of results it counts what was read; of code every file, and that none was added.
        for path in sorted(inside | hashes.under(folder) if of_source else inside):
            if known.get(path) != hashes[path]:
                return f"{path} is not what it was made from"
    for path in stage.outs:
        if receipt.written.get(path) != hashes[path]:
            return f"{path} is not what the stage wrote"
    return ""
