"""Receipts: what a stage was made from, written by the stage itself, whichever engine called it.

A receipt holds the command, the hashes of the parameters, of the code that it can reach, of every file that the stage
read, as it read it, and of every file that it wrote.  So it is a proof that an output belongs to what stands in the
workspace, or that it does not: `genbench sync` asks for it before it tells one engine what the other has built.
"""

import filecmp
import glob
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
from genbench.provenance.command import STAGES, Command
from genbench.provenance.sources import PACKAGE
from genbench.storage.files import LEDGER, InputError, json_bytes, md5, utf8, version_of, write_whole

FOLDER = Path("results/receipts")
LOCKS = ("dvc.lock", "stages/*/dvc.lock", "examples/dvc.lock")
ENGINES = {"DVC_STAGE": "dvc", "GENBENCH_SNAKEMAKE": "snakemake"}  # what an engine leaves in the environment


class Receipt(NamedTuple):
    """code: files of the package and releases of libraries, those that the stage can reach."""

    command: str
    engine: str  # "dvc", "snakemake", or "" where a person called the command
    params: dict[str, str]
    code: dict[str, str]
    read: dict[str, str]  # a name that ends with a slash is a folder, whose files are listed; see `listing`
    written: dict[str, str]

    @property
    def of(self) -> Command:
        return Command(self.command.split()[1:])


@contextmanager
def recording(arguments: Sequence[str]) -> Iterator[None]:
    """Leave a receipt if the block runs a stage and ends well, by returning or with exit code 0.

    Raises:
        InputError: the workspace holds another copy of the package than the one that runs; a file that the stage reads
            is not what its own stage wrote; or, before an output takes the place of an earlier one, the code or an
            input of the stage has changed since it began.
    """
    LEDGER.clear()
    if not arguments or arguments[0] not in STAGES:
        yield
        return
    refuse_other_code()
    stage = _Stage(Command(arguments))
    LEDGER.read_checks.append(stage.confirm_read)
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
    """Raises InputError where the folder has a copy of the package, and one with other code runs."""
    own = Path(SOURCE)
    if not own.is_dir() or own.samefile(PACKAGE):
        return
    here, running = _files_of(own), _files_of(PACKAGE)
    for name in sorted(here.keys() | running.keys()):
        if (
            name not in here
            or name not in running
            or not filecmp.cmp(here[name], running[name], shallow=False)
        ):
            raise InputError(
                f"{own.resolve() / name}: is not the code that runs, which is {PACKAGE}; expected one and the same: "
                "install this copy (make setup, or pip install -e .), or set PYTHONPATH to its src"
            )


def _files_of(package: Path) -> dict[str, Path]:
    found = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package).as_posix(): path for path in found}


def receipts(root: Path) -> dict[str, Receipt]:
    """Every readable receipt of a workspace, by command; a damaged one proves nothing and is left out."""
    found = (receipt_in(path) for path in sorted((root / FOLDER).glob("*/*.json")))
    return {receipt.command: receipt for receipt in found if receipt}


def receipt_in(path: Path) -> Receipt | None:
    try:
        return Receipt(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def keep(root: Path, receipt: Receipt) -> None:
    about = receipt.of
    write_whole(root / FOLDER / about.stage / f"{about.subject}.json", json_bytes(receipt._asdict()))


def listing(folder: Path) -> str | None:
    """One hash of the names of all files below a folder, hidden ones left out; None where there is none."""
    if not folder.is_dir():
        return None
    names: list[str] = []
    seen: set[str] = set()
    for place, inner, files in os.walk(folder, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith(".")]
        real = os.path.realpath(place)
        if real in seen:  # links may lead in a circle
            inner.clear()
            continue
        seen.add(real)
        names += [utf8(Path(place, name).relative_to(folder)) for name in files if not name.startswith(".")]
    return md5("\0".join(sorted(names)).encode())


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
    """The stage that this process runs."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.engine = next((name for key, name in ENGINES.items() if key in os.environ), "")
        self.began = {path: version_of(path) for path in PACKAGE.rglob("*") if path.is_file()}
        self.code: dict[str, str] = {}
        self.known: dict[str, dict[str, str]] = {}  # of a subject, what its stages wrote

    def confirm_read(self, path: Path, found: str) -> None:
        """A file was read: is it what its stage wrote, by that stage's receipt, or what DVC knows as its output?"""
        if path.parts[:1] not in (("data",), ("results",)):
            return
        for subject in {path.stem, path.parent.name}:
            if subject not in self.known:
                kept = map(receipt_in, FOLDER.glob(f"*/{glob.escape(subject)}.json"))
                self.known[subject] = {
                    name: digest for one in kept if one for name, digest in one.written.items()
                }
            if self.known[subject].get(utf8(path), found) != found and not _is_locked(found):
                raise InputError(
                    f"{path}: is not what its stage wrote (damaged or edited); expected that file as it was: "
                    "start the build again, and it is made anew"
                )

    def confirm(self) -> None:
        """The outputs are about to be put in place: is all that they were made from still what it was?"""
        for path, version in LEDGER.versions.items():
            if path != LEDGER.params_file and version_of(path) != version and not _is_still(path):
                raise _changed(utf8(path))
        self._confirm_params()
        if self.command.stage == "outside":
            return
        found = fingerprints.of(self.command.code(LEDGER.params), LEDGER.params)
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
        """Write the receipt, if the stage has written anything, and inside the workspace.

        Its outputs lie where its command says; what it has written elsewhere, such as a download, it has read as well.
        """
        outputs = self._outputs()
        if not outputs or not self._inside():
            return
        elsewhere = {path: found for path, found in LEDGER.written.items() if path not in outputs}
        folders = self.command.folders(LEDGER.params)
        listed = {f"{Path(folder).as_posix()}/": listing(Path(folder).expanduser()) for folder in folders}
        receipt = Receipt(
            command=" ".join(["genbench", *self.command.arguments]),
            engine=self.engine,
            params=param_hashes(LEDGER.params),
            code=self.code,
            read=LEDGER.read | elsewhere | {path: found for path, found in listed.items() if found},
            written=outputs,
        )
        keep(Path(), receipt)

    def _confirm_params(self) -> None:
        """Only the entries that the stage is about: others may be edited while it runs."""
        file = LEDGER.params_file
        if file is None or version_of(file) == LEDGER.versions.get(file):
            return
        content = LEDGER.params
        began, now = param_hashes(content), param_hashes(read_params(file))
        LEDGER.params = content  # the receipt names what the stage was made with
        for name in self.command.parameters():
            if began.get(name) != now.get(name):
                raise _changed(f"{file}: {name}")

    def _outputs(self) -> dict[str, str]:
        places = (self.command.out, self.command.out.parent)
        return {path: found for path, found in LEDGER.written.items() if Path(path).parent in places}

    def _inside(self) -> bool:
        return not any(Path(path).is_absolute() or path.startswith("..") for path in self._outputs())


def _changed(name: str) -> InputError:
    return InputError(
        f"{name}: changed while this stage ran; expected it as it was at the start; start it again"
    )


def _is_locked(found: str) -> bool:
    """Whether DVC knows an output with this hash: it puts files in place without a stage having run."""
    locks = [path for pattern in LOCKS for path in Path().glob(pattern)]
    return any(found in path.read_text(encoding="utf-8", errors="replace") for path in locks)


def _is_still(path: Path) -> bool:
    """Whether a file with another time has the content that was read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest() == LEDGER.read[utf8(path)]
    except OSError:
        return False
