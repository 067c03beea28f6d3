"""Stage `outside`: a command that is none of genbench's, with a receipt of what its file was made from."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from genbench.storage.files import LEDGER, InputError, read_hash


def run(command: Sequence[str], out: Path, reads: Sequence[Path]) -> None:
    """Run it, and note what it wrote.

    Raises:
        InputError: it cannot be run, fails, or leaves no new file.
    """
    for path in reads:
        read_hash(path, what="what the command reads")
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
