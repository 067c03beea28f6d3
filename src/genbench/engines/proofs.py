"""Which stages are up to date, each with its proof: DVC's lock file, or the receipt the stage left."""

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from genbench.provenance import fingerprints
from genbench.provenance.closure import difference
from genbench.provenance.receipts import Receipt, listing
from genbench.storage.files import InputError, version_of, write_whole

SETTLED = 2 * 10**9  # nanoseconds after which a file's times tell its versions apart
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
    """md5 of files under a root, each read once; of a name that ends with a slash its `listing`; None for what is not.

    memory: a file of hashes found before; a file whose size and times are as they were then is not read again.
    """

    def __init__(self, root: Path, *, memory: Path | None = None) -> None:
        self.root, self.memory = root, memory
        self._known: dict[str, str | None] = {}
        self._code: dict[str, dict[str, str]] = {}
        self._kept: dict[str, list[Any]] = {}
        self._used: dict[str, list[Any]] = {}
        if memory is not None:
            with suppress(OSError, ValueError, TypeError):
                self._kept = {path: [*kept] for path, kept in dict(json.loads(memory.read_bytes())).items()}

    def __getitem__(self, path: str) -> str | None:
        if path not in self._known:
            place = self.root / Path(path).expanduser()
            self._known[path] = listing(place) if path.endswith("/") else self._hash(path, place)
        return self._known[path]

    def _hash(self, path: str, place: Path) -> str | None:
        version = version_of(place)
        kept = self._kept.get(path)
        if version and kept and kept[0] == [*version]:
            self._used[path] = kept
            return str(kept[1])
        try:
            with place.open("rb") as file:
                found = hashlib.file_digest(file, "md5").hexdigest()
        except OSError:
            return None
        # A file that has just been written may be written again in the same tick of its clock.
        if version and time.time_ns() - max(version[:2]) > SETTLED:
            self._used[path] = [version, found]
        return found

    def code(self, place: str) -> dict[str, str]:
        """What a fingerprint in results/code holds."""
        if place not in self._code:
            self._code[place] = fingerprints.read(self.root / fingerprints.FOLDER, [place])
        return self._code[place]

    def keep(self) -> None:
        """Write down what was looked at, for the next time."""
        if self.memory is not None and self._used != self._kept:
            with suppress(InputError):
                write_whole(self.memory, json.dumps(self._used).encode())

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
        elif doubt := (_unseen if stage.locked else doubts)(
            stage, receipts.get(stage.command), params, hashes
        ):
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
    code: dict[str, str] = {}
    for place in _code_of(stage, hashes):
        code |= hashes.code(place)
    if doubt := difference(receipt.code, code):
        yield doubt
    inside = [path for path in receipt.read if any(path.startswith(f"{folder}/") for folder in stage.folders)]
    for path in (*stage.files, *sorted(inside)):
        if not path.startswith(CODE) and receipt.read.get(path, "") != hashes[path]:
            yield f"{path} is not what it was made from"
    yield from _raw_doubts(stage, receipt, hashes)
    for path in stage.outs:
        if hashes[path] is None:
            yield f"{path} is not there"
        elif receipt.written.get(path) != hashes[path]:
            yield f"{path} is not what the stage wrote (damaged or edited)"


def _unseen(stage: Stage, receipt: Receipt | None, _: Mapping[str, str], hashes: Hashes) -> str:
    """The first reason why a stage is not up to date that DVC cannot see: of raw data dvc.lock says nothing.

    Only a receipt of the very files that are there counts: DVC puts others in place without a stage having run.
    """
    if receipt is None or any(receipt.written.get(path) != hashes[path] for path in stage.outs):
        return ""
    return next(_raw_doubts(stage, receipt, hashes), "")


def _raw_doubts(stage: Stage, receipt: Receipt, hashes: Hashes) -> Iterator[str]:
    """What a stage has read that is no dependency of it, raw data, may be gone once it is prepared, and not changed."""
    if not stage.command.startswith("genbench prepare "):
        return
    for path, found in receipt.read.items():
        if path != receipt.of.params_file and "\\" not in path and hashes[path] not in (None, found):
            yield f"{path} is not what it was made from"


def receipt_of(stage: Stage, made: Collection[str], params: Mapping[str, str], hashes: Hashes) -> Receipt:
    """The receipt of a stage that something else proves, as the workspace stands.

    made: the outputs of all stages.  In a folder of these nothing else counts; any other folder is the user's own.
    """
    inside: list[str] = []
    for folder in stage.folders:
        ours = [path for path in made if path.startswith(f"{folder}/")]
        inside += ours or (*hashes.under(folder), f"{folder}/")
    read = {path: hashes[path] for path in (*stage.files, *sorted(inside)) if not path.startswith(CODE)}
    code = {name: found for place in _code_of(stage, hashes) for name, found in hashes.code(place).items()}
    written = {path: hashes[path] for path in stage.outs}
    own = {key: params[key] for key in stage.params if key in params}
    return Receipt(stage.command, "", own, code, _known(read), _known(written))


def _known(found: Mapping[str, str | None]) -> dict[str, str]:
    return {path: digest for path, digest in found.items() if digest is not None}


def _code_of(stage: Stage, hashes: Hashes) -> list[str]:
    """The fingerprints that a stage depends on, by their places."""
    inside = [path for folder in stage.folders if folder.startswith(CODE) for path in hashes.under(folder)]
    files = [path for path in stage.files if path.startswith(CODE)]
    return [path.removeprefix(CODE) for path in (*files, *sorted(inside))]
