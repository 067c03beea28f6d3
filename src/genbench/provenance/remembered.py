"""Closures as they were computed before, while no file of the package and no release of a library is another.

Following the imports takes each stage .05 s of processor time, and .4 s all fingerprints of a hundred runs.  What was
found is kept beside Python's byte code, under one hash of the names, sizes and times of all files of the package.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genbench.provenance.closure import LIBRARIES, Closure, closure
from genbench.provenance.sources import PACKAGE, Sources
from genbench.storage.files import InputError, md5, version_of, write_whole

KEPT = Path(__file__).parent / "__pycache__" / "closures.json"


class Remembered:
    """Closures by the files whose closure each is; `keep` writes down those that are new."""

    def __init__(self) -> None:
        files = [(path.as_posix(), version_of(path)) for path in sorted(PACKAGE.rglob("*")) if _counts(path)]
        releases = [_release(name) for name in LIBRARIES.values()]
        self.state = md5(json.dumps([files, releases]).encode())
        self.known: dict[str, Any] = {}
        self.files: dict[str, str] = {}
        self.new = False
        self._sources: Sources | None = None
        with suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(KEPT.read_bytes())
            if kept["state"] == self.state:
                self.files, self.known = dict(kept["files"]), dict(kept["closures"])

    def __getitem__(self, roots: Sequence[Path]) -> Closure:
        key = " ".join(root.relative_to(PACKAGE).as_posix() for root in roots)
        if key not in self.known:
            self._sources = self._sources or Sources()
            found = closure(roots, self._sources)
            self.files |= found.files
            self.known[key] = [list(found.files), found.packages]
            self.new = True
        names, packages = self.known[key]
        return Closure({name: self.files[name] for name in names}, dict(packages))

    def keep(self) -> None:
        if self.new:
            content = {"state": self.state, "files": self.files, "closures": self.known}
            with suppress(InputError):
                write_whole(KEPT, json.dumps(content).encode())


def _release(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _counts(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.is_file()
