"""Receipts: what a stage was made from, written by the stage itself, whichever engine called it.

A receipt holds the command, the hashes of the parameters, of the code that it can reach, of every file that the stage
read, as it read it, and of every file that it wrote.  So it is a proof that an output belongs to what stands in the
workspace, or that it does not: `genbench sync` asks for it before it tells one engine what the other has built.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from genbench.params.yaml import read as read_params
from genbench.provenance import fingerprints
from genbench.provenance.closure import SOURCE, merged
from genbench.provenance.sources import PACKAGE
from genbench.storage.files import LEDGER, InputError, json_bytes, md5, utf8, version_of, write_whole

FOLDER = Path("results/receipts")
ENGINES = {"DVC_STAGE": "dvc", "GENBENCH_SNAKEMAKE": "snakemake"}  # what an engine leaves in the environment
STAGES = (*fingerprints.STAGES, "outside")
KEYS = {  # of a stage, the keys of params.yaml that it depends on
    "prepare": ("datasets.{dataset}",),
    "extractor": ("extractor",),
    "train": ("runs.{run}",),
    "sample": ("runs.{run}",),
    "import": ("external.{run}",),
    "evaluate": ("runs.{run}", "external.{run}"),
    "report": ("runs", "external", "datasets"),
}


class Receipt(NamedTuple):
    """code: files of the package and releases of numerical packages, those that the stage can reach."""

    command: str
    engine: str  # "dvc", "snakemake", or "" where a person called the command
    params: dict[str, str]
    code: dict[str, str]
    read: dict[str, str]
    written: dict[str, str]


@contextmanager
def recording(arguments: Sequence[str]) -> Iterator[None]:
    """Leave a receipt if the block runs a stage and ends well, by returning or with exit code 0.

    Raises:
        InputError: the workspace holds another copy of the package than the one that runs; or, before an output takes
            the place of an earlier one, the code or an input of the stage has changed since it began.
    """
    LEDGER.clear()
    if not arguments or arguments[0] not in STAGES:
        yield
        return
    refuse_other_code()
    stage = _Stage(arguments)
    LEDGER.checks.append(stage.confirm)
    try:
        yield
        stage.leave()
    except SystemExit as end:
        if not end.code:
            stage.leave()
        raise
    finally:
        LEDGER.clear()  # what follows in this process is no part of the stage


def refuse_other_code() -> None:
    """Raises InputError where the folder has a copy of the package, and another one runs."""
    own = Path(SOURCE)
    if own.is_dir() and not own.samefile(PACKAGE):
        raise InputError(
            f"{own.resolve()}: is not the code that runs, which is {PACKAGE}; expected one and the same: "
            "install this copy (make setup, or pip install -e .), or set PYTHONPATH to its src"
        )


def receipts(root: Path) -> dict[str, Receipt]:
    """Every readable receipt of a workspace, by command; a damaged one proves nothing and is left out."""
    found = {}
    for path in sorted((root / FOLDER).glob("*/*.json")):
        try:
            receipt = Receipt(**json.loads(path.read_bytes()))
        except (OSError, ValueError, TypeError):
            continue
        found[receipt.command] = receipt
    return found


def param_hashes(content: Mapping[str, Any]) -> dict[str, str]:
    """Hashes of the top-level entries and of what is directly below them: `runs`, `runs.digits-vae`, …"""
    hashes = {}
    for key, value in content.items():
        hashes[key] = _hash(value)
        if isinstance(value, dict):
            hashes |= {f"{key}.{name}": _hash(entry) for name, entry in value.items()}
    return hashes


def _hash(value: Any) -> str:
    return md5(json.dumps(value, default=str).encode())


class _Stage:
    """The stage that this process runs, from its command line."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = arguments
        self.name = arguments[0]
        self.engine = next((name for key, name in ENGINES.items() if key in os.environ), "")
        self.began = {path: version_of(path) for path in PACKAGE.rglob("*") if path.is_file()}
        self.code: dict[str, str] = {}

    def confirm(self) -> None:
        """The outputs are about to be put in place: is all that they were made from still what it was?"""
        for path, version in LEDGER.versions.items():
            if path != LEDGER.params_file and version_of(path) != version and not _is_still(path):
                raise _changed(utf8(path))
        self._confirm_params()
        if self.name == "outside":
            return
        found = fingerprints.of(self._needs(), LEDGER.params)
        whole = merged(found.values())
        for name in whole.files:
            path = PACKAGE / Path(name).relative_to(SOURCE)
            if self.began.get(path) != version_of(path):
                raise _changed(name)
        self.code = whole.files | whole.packages
        if self._inside():
            for place, code in found.items():
                fingerprints.settle(place, code, refuse=bool(self.engine))

    def leave(self) -> None:
        """Write the receipt, if the stage has written anything, and inside the workspace."""
        if not LEDGER.written or not self._inside():
            return
        receipt = Receipt(
            command=" ".join(["genbench", *self.arguments]),
            engine=self.engine,
            params=param_hashes(LEDGER.params),
            code=self.code,
            read=LEDGER.read,
            written=LEDGER.written,
        )
        write_whole(FOLDER / self.name / f"{self._subject()}.json", json_bytes(receipt._asdict()))

    def _confirm_params(self) -> None:
        """Only the entries that the stage is about: others may be edited while it runs."""
        file = LEDGER.params_file
        if file is None or version_of(file) == LEDGER.versions.get(file):
            return
        content = LEDGER.params
        began, now = param_hashes(content), param_hashes(read_params(file))
        LEDGER.params = content  # the receipt names what the stage was made with
        for key in KEYS.get(self.name, ()):
            name = key.format(run=self._option("--run"), dataset=self._option("--dataset"))
            if began.get(name) != now.get(name):
                raise _changed(f"{file}: {name}")

    def _needs(self) -> list[str]:
        data = Path(self._option("--data")).stem
        dataset = self._option("--dataset") or (data if data in LEDGER.params["datasets"] else "")
        return fingerprints.needed(self.name, LEDGER.params, run=self._option("--run"), dataset=dataset)

    def _inside(self) -> bool:
        return not any(Path(path).is_absolute() or path.startswith("..") for path in LEDGER.written)

    def _option(self, name: str) -> str:
        place = self.arguments.index(name) + 1 if name in self.arguments else len(self.arguments)
        return self.arguments[place] if place < len(self.arguments) else ""

    def _subject(self) -> str:
        """What the stage is about: the name of its output folder or file, e.g. the run."""
        return Path(self._option("--out") or self.name).stem


def _changed(name: str) -> InputError:
    return InputError(
        f"{name}: changed while this stage ran; expected it as it was at the start; start it again"
    )


def _is_still(path: Path) -> bool:
    """Whether a file with another time has the content that was read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest() == LEDGER.read[utf8(path)]
    except OSError:
        return False
