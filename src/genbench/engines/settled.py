"""Whether a workspace is as `genbench sync` left it when all was in agreement: then nothing is asked again.

Asking DVC and Snakemake takes many seconds at some hundred stages.  So one hash of the names, sizes and times of all
files that `sync` looks at is kept in `results/receipts/synced.json`: a file with another, one more or one less give
another hash, and then everything is asked as ever.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from genbench.engines.proofs import SETTLED
from genbench.provenance.receipts import FOLDER
from genbench.provenance.sources import PACKAGE
from genbench.storage.files import InputError, json_bytes, write_whole

MEMORY = FOLDER / "synced.json"
PLACES = (
    *("params.yaml", "data", "results", "examples", "src"),
    *("dvc.yaml", "dvc.lock", "stages", ".dvcignore", ".dvc/config", ".dvc/config.local", ".dvc/cache"),
    *("workflow", ".snakemake/metadata", ".snakemake/incomplete"),
    *("~/.config/dvc/config", "/etc/xdg/dvc/config"),
)
LEFT_OUT = ("results/logs", "results/checkpoints", "results/receipts/hashes.json", MEMORY.as_posix())


def known(root: Path, params: Mapping[str, Any]) -> int | None:
    """How many stages there were at the last `sync`, where nothing has changed since and all of them were ready."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        kept = json.loads((root / MEMORY).read_bytes())
        if kept["state"] == _state(root, params)[0]:
            return int(kept["stages"])
    return None


def keep(root: Path, params: Mapping[str, Any], stages: int) -> None:
    """To be called when all stages are ready, and both engines know it.

    A file that has just been written may be written again in the same tick of its clock: then nothing is kept.
    """
    state, newest = _state(root, params)
    if time.time_ns() - newest > SETTLED:
        with suppress(InputError):
            write_whole(root / MEMORY, json_bytes({"state": state, "stages": stages}))


def _state(root: Path, params: Mapping[str, Any]) -> tuple[str, int]:
    """The hash, and the time of the last change in nanoseconds."""
    own = [entry["samples"] for entry in (params.get("external") or {}).values()]
    own += [str(entry["root"]) for entry in params["datasets"].values() if "root" in entry]
    left_out = {str(root / place) for place in LEFT_OUT}
    found, newest = hashlib.md5(usedforsecurity=False), 0
    for place in (*PLACES, *own, str(PACKAGE)):
        for name, status in _files(root / Path(place).expanduser(), left_out):
            times = status.st_mtime_ns, status.st_ctime_ns
            found.update(
                f"{name}\0{status.st_ino} {status.st_size} {times}\0".encode(errors="surrogateescape")
            )
            newest = max(newest, *times)
    packages = {
        name
        for place in sys.path
        if Path(place).is_dir()
        for name in os.listdir(place)  # noqa: PTH208  of thousands, names alone
        if name.endswith((".dist-info", ".egg-info"))
    }
    found.update(json.dumps([str(root.absolute()), sys.version, sorted(packages)]).encode())
    return found.hexdigest(), newest


def _files(top: Path, left_out: Collection[str]) -> Iterator[tuple[str, os.stat_result]]:
    """All files at a place in order, links followed, with what stands in the file system of each."""
    seen: set[str] = set()
    if top.is_file():
        yield str(top), top.stat()
    for folder, inner, names in os.walk(top, followlinks=True):
        real = os.path.realpath(folder)
        circle = real in seen  # as links may make one
        seen.add(real)
        inner[:] = sorted(
            name
            for name in inner
            if not circle and name != "__pycache__" and f"{folder}/{name}" not in left_out
        )
        for path in (f"{folder}/{name}" for name in sorted(names)):
            if path not in left_out:
                with suppress(OSError):  # a link to nothing
                    yield path, os.stat(path)  # noqa: PTH116  of thousands
