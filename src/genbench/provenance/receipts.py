"""Receipts: what a stage was made from, written by the stage itself, whichever engine called it.

A receipt holds the command, the hashes of the parameters, of the package's source, of every file the stage read, as it
read it, and of every file it wrote.  So it is a proof that an output belongs to what stands in the workspace, or that
it does not: `genbench sync` asks for it before it tells one engine what the other has built.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from genbench.storage.files import LEDGER, PARTIAL, InputError, json_bytes, md5

FOLDER = Path("results/receipts")
STAGES = ("prepare", "extractor", "train", "sample", "outside", "import", "novelty", "evaluate", "report")
PACKAGE = Path(__file__).parent.parent
SOURCE = "src/genbench"  # where the package stands in a workspace


class Receipt(NamedTuple):
    command: str
    engine: str  # "dvc" where DVC called the command, else "other"
    params: dict[str, str]
    source: dict[str, str]
    read: dict[str, str]
    written: dict[str, str]


@contextmanager
def recording(arguments: Sequence[str]) -> Iterator[None]:
    """Leave a receipt if the block runs a stage and ends well, by returning or with exit code 0."""
    if not arguments or arguments[0] not in STAGES:
        yield
        return
    before = source_hashes()
    try:
        yield
    except SystemExit as end:
        if not end.code:
            _leave(arguments, before)
        raise
    _leave(arguments, before)


def run_outside(command: Sequence[str], out: Path) -> None:
    """Run a command that keeps no ledger of its own, and note what it wrote.

    Raises:
        InputError: it cannot be run, fails, or leaves no new file.
    """
    before = out.stat().st_mtime_ns if out.exists() else None
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be run: {error.strerror}") from error
    if code:
        raise InputError(f"{' '.join(command)}: exit code {code}; expected 0")
    if not out.is_file() or out.stat().st_mtime_ns == before:
        raise InputError(f"{' '.join(command)}: left no new {out}; expected it to write that file")
    with out.open("rb") as file:
        LEDGER.written[out.as_posix()] = hashlib.file_digest(file, "md5").hexdigest()


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


def source_hashes() -> dict[str, str]:
    """The files of the package that is running, by their place in a workspace."""
    files = (
        path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts
    )
    return {f"{SOURCE}/{path.relative_to(PACKAGE).as_posix()}": md5(path.read_bytes()) for path in files}


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


def _leave(arguments: Sequence[str], source: dict[str, str]) -> None:
    outside = [path for path in LEDGER.written if Path(path).is_absolute() or path.startswith("..")]
    if not LEDGER.written or outside:
        return
    path = FOLDER / arguments[0] / f"{_subject(arguments)}.json"
    if source_hashes() != source:
        path.unlink(missing_ok=True)
        print(f"genbench: note: {SOURCE} changed while this ran; no receipt is left", file=sys.stderr)
        return
    receipt = Receipt(
        command=" ".join(["genbench", *arguments]),
        engine="dvc" if "DVC_STAGE" in os.environ else "other",
        params=param_hashes(LEDGER.params),
        source=source,
        read=LEDGER.read,
        written=LEDGER.written,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + PARTIAL)
    partial.write_bytes(json_bytes(receipt._asdict()))
    partial.replace(path)


def _subject(arguments: Sequence[str]) -> str:
    """What the stage is about: the name of its output folder or file, e.g. the run."""
    position = arguments.index("--out") + 1 if "--out" in arguments else len(arguments)
    return Path(arguments[position]).stem if position < len(arguments) else arguments[0]
