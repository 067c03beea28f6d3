"""Files: whole or not at all, deterministic bytes, clear errors."""

import glob
import hashlib
import io
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

PARTIAL = ".partial"
NAMED = 40  # letters of a file's name in that of its partial one: a name must not become too long
PIECE = 1 << 22  # bytes of a long file read at a time


class InputError(ValueError):
    """Something the user gave is wrong: one line that names it, what was wrong, what was expected."""


Version = tuple[int, int, int] | None
"""Of a file: when it was written and changed, in nanoseconds, and its size; None where it cannot be read."""


@dataclass
class Ledger:
    """What this process has read and written so far, path -> md5 (DVC's hash), and the parameters as it found them.

    versions: of the files as they were opened, see `version_of`.
    read_checks: what must hold of a file and the md5 of what was read.
    checks: what must hold when outputs take the place of earlier ones.  Each raises InputError where it does not.
    """

    read: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    versions: "dict[Path, Version]" = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    params_file: Path | None = None
    read_checks: list[Callable[[Path, str], None]] = field(default_factory=list)
    checks: list[Callable[[], None]] = field(default_factory=list)

    def clear(self) -> None:
        """Before another command in the same process."""
        self.__init__()  # type: ignore[misc]

    def has_read(self, path: Path, found: str, version: "Version") -> None:
        name = utf8(path)
        self.versions.setdefault(path, version)
        # A file that changed between two readings matches nothing any more.
        self.read[name] = found if self.read.get(name, found) == found else "changed"
        for check in self.read_checks:
            check(path, found)


LEDGER = Ledger()  # genbench.provenance.receipts makes a stage's receipt of it


def version_of(path: Path) -> Version:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size


def utf8(path: Path) -> str:
    """The path with slashes; bytes of names that are no UTF-8 escaped, for receipts, cards and pages to hold it."""
    return os.fsencode(path.as_posix()).decode(errors="backslashreplace")


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def read_bytes(path: Path, *, what: str) -> bytes:
    """Raises InputError naming the file where it cannot be read."""
    version = version_of(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read {what}: {error.strerror}") from error
    LEDGER.has_read(path, md5(content), version)
    return content


def read_hash(path: Path, *, what: str) -> str:
    """The sha256 of a file that may be larger than memory.  Raises InputError as `read_bytes` does."""
    ledgers, own, version = hashlib.md5(usedforsecurity=False), hashlib.sha256(), version_of(path)
    try:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(PIECE):
                ledgers.update(piece)
                own.update(piece)
    except OSError as error:
        raise InputError(f"{path}: cannot read {what}: {error.strerror}") from error
    LEDGER.has_read(path, ledgers.hexdigest(), version)
    return own.hexdigest()


def read_json(path: Path, *, what: str) -> Any:
    content = read_bytes(path, what=what)
    try:
        return json.loads(content)
    except ValueError as error:
        raise InputError(f"{path}: {what} is not valid JSON ({error})") from error


def write_all(folder: Path, contents: Mapping[str, bytes | Iterable[bytes | memoryview]]) -> None:
    """Write every file under a temporary name, then rename them all: a killed stage leaves no half file.

    A file larger than memory comes in pieces.

    Raises:
        InputError: a file that cannot be written; nothing of it is left.
    """
    partials: dict[Path, Path] = {}
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            path = folder / name
            if path.exists() and not path.is_file():  # a folder, or a device, which a rename would replace
                raise InputError(f"{path}: is no file; expected the name of one, or a new name")
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.md5(usedforsecurity=False)
            with _partial(path) as (partials[path], file):
                for piece in [content] if isinstance(content, bytes) else content:
                    digest.update(piece)
                    file.write(piece)
            LEDGER.written[utf8(path)] = digest.hexdigest()
        for check in LEDGER.checks:
            check()
        for path, partial in partials.items():
            partial.replace(path)
    except Exception as error:
        for partial in partials.values():
            with suppress(OSError):
                partial.unlink()
        if not isinstance(error, OSError):
            raise
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written: {error.strerror}; expected a writable place")


def write_whole(path: Path, content: bytes) -> None:
    """One file that is no output of a stage, whole or not at all.

    Raises:
        InputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _partial(path) as (partial, file):
            file.write(content)
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_changed(path: Path, content: bytes) -> None:
    """`write_whole`, but a file that holds just this is left as it is, with its time.

    Raises:
        InputError: it cannot be written.
    """
    if not path.is_file() or path.read_bytes() != content:
        write_whole(path, content)


def write_only(folder: Path, wanted: Mapping[Path, bytes]) -> None:
    """Makes these, by their paths, all .json files that a folder and those within it hold.

    Raises:
        InputError: as `write_changed`.
    """
    for path, content in wanted.items():
        write_changed(path, content)
    for path in folder.rglob("*.json"):
        if path not in wanted:
            path.unlink()


@contextmanager
def _partial(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new file beside `path` that nobody else can have prepared or share, open for writing; gone where it fails.

    Its name says which process of which machine it belongs to, so that what a killed one has left can be removed.
    """
    start, machine = f".{path.name[:NAMED]}.", os.uname().nodename[:NAMED].replace(".", "-")
    for left in path.parent.glob(f"{glob.escape(f'{start}{machine}.')}*{PARTIAL}"):
        if not _is_running(left.name.split(".")[-3]):
            with suppress(OSError):
                left.unlink()
    partial = path.with_name(f"{start}{machine}.{os.getpid()}.{secrets.token_hex(8)}{PARTIAL}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(partial, flags, 0o666), "wb") as file:
        try:
            yield partial, file
            file.flush()
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise


def _is_running(process: str) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except OSError:  # another user's
        pass
    return True


def json_bytes(value: Any) -> bytes:
    """Deterministic JSON: keys in insertion order, floats at full precision, no NaN."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def npz_bytes(arrays: "Mapping[str, np.ndarray]") -> bytes:
    """An .npz archive.  NumPy's own writer leaves the entries' headers to the version of Python."""
    import zipfile

    import numpy as np

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, entry.getvalue())
    return buffer.getvalue()


def read_npz(path: Path, *, what: str) -> "dict[str, np.ndarray]":
    import numpy as np

    try:
        with np.load(io.BytesIO(read_bytes(path, what=what)), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: {what} is damaged or not an .npz archive ({error})") from error
