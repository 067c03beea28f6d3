"""Files: whole or not at all, deterministic bytes, clear errors."""

import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

PARTIAL = ".partial"
PIECE = 1 << 22  # bytes of a long file read at a time


class InputError(ValueError):
    """Something the user gave is wrong: one line that names it, what was wrong, what was expected."""


Version = tuple[int, int, int] | None
"""Of a file: when it was written and changed, in nanoseconds, and its size; None where it cannot be read."""


@dataclass
class Ledger:
    """What this process has read and written so far, path -> md5 (DVC's hash), and the parameters as it found them.

    versions: of the files as they were opened, see `version_of`.
    checks: what must hold when outputs take the place of earlier ones; each raises InputError where it does not.
    """

    read: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    versions: "dict[Path, Version]" = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    params_file: Path | None = None
    checks: list[Callable[[], None]] = field(default_factory=list)

    def clear(self) -> None:
        """Before another command in the same process."""
        self.__init__()  # type: ignore[misc]

    def has_read(self, path: Path, found: str, version: "Version") -> None:
        name = utf8(path)
        self.versions.setdefault(path, version)
        # A file that changed between two readings matches nothing any more.
        self.read[name] = found if self.read.get(name, found) == found else "changed"


LEDGER = Ledger()  # genbench.receipts makes a stage's receipt of it


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


def sha256_of_files(paths: Iterable[Path]) -> str:
    """One hash over the contents of several files, in the order given."""
    return sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths))


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
    partials = {folder / name: folder / (name + PARTIAL) for name in contents}
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for (path, partial), content in zip(partials.items(), contents.values(), strict=True):
            if path.exists() and not path.is_file():  # a folder, or a device, which a rename would replace
                raise InputError(f"{path}: is no file; expected the name of one, or a new name")
            path.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.md5(usedforsecurity=False)
            with partial.open("wb") as file:
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
        raise InputError(f"{path}: cannot be written: {error.strerror}; expected a writable place") from error


def write_whole(path: Path, content: bytes) -> None:
    """One file that is no output of a stage, under a name of this process's own first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}{PARTIAL}")
    partial.write_bytes(content)
    partial.replace(path)


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
