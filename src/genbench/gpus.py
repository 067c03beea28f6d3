"""Which GPUs there are, and which one is this process's own: jobs side by side share none unless the parameters say so.

A GPU is held by locking a file named after it.  The system lets go of the lock when the process ends, however it ends.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import IO

VISIBLE = "CUDA_VISIBLE_DEVICES"
HELD = "GENBENCH_HELD_GPU"  # what this process, or the one that started it, has claimed
POLL_SECONDS = 0.5
_locks: list[IO[bytes]] = []  # open until the process ends


def visible() -> list[str]:
    """The UUIDs of the GPUs, and of the slices of those cut by MIG, that this process may use, found without CUDA.

    CUDA_VISIBLE_DEVICES is obeyed, as a scheduler or a person has set it; a job of SLURM that was given none has none.
    Empty where the driver's nvidia-smi is not there.
    """
    listed = _listed()
    if VISIBLE not in os.environ:
        return [] if "SLURM_JOB_ID" in os.environ else list(listed)
    return selected(os.environ[VISIBLE], listed)


def selected(allowed: str, listed: Sequence[str]) -> list[str]:
    """What CUDA_VISIBLE_DEVICES leaves of the listed GPUs: numbers or beginnings of UUIDs, until one is neither."""
    found = []
    for entry in filter(None, (part.strip() for part in allowed.split(","))):
        if entry.isdecimal():
            match = [listed[int(entry)]] if int(entry) < len(listed) else []
        else:
            match = [name for name in listed if name.startswith(entry)]
        if len(match) != 1:
            break
        found += match
    return found


def parse(listing: str) -> list[str]:
    """The UUIDs in the output of `nvidia-smi -L`; where a GPU is cut by MIG, those of its slices stand in its place."""
    found: list[str] = []
    for uuid in re.findall(r"\(UUID: ([A-Za-z0-9/-]+)\)", listing):
        if uuid.startswith("MIG-") and found and found[-1].startswith("GPU-"):
            found.pop()
        found.append(uuid)
    return found


def occupy(names: Sequence[str], *, jobs_per_gpu: int, count: int = 1) -> None:
    """Wait for `count` of these GPUs, hold them to this process's end, and make them all that CUDA will see.

    To be called before CUDA is used.  A process that has its own, or whose parent has them for it, keeps them; one of
    several that torchrun has started (LOCAL_RANK) shares what they were given.
    """
    if os.environ.get(HELD, "") == os.environ.get(VISIBLE) or "LOCAL_RANK" in os.environ:
        return
    folder = Path(tempfile.gettempdir()) / f"genbench-gpus-{os.getuid()}"
    count = min(count, len(names))
    claimed = _claim_all(names, count, jobs_per_gpu=jobs_per_gpu, folder=folder)
    if not claimed:
        print(f"waiting for a free GPU: {count} of {len(names)}", file=sys.stderr, flush=True)
    while not claimed:
        time.sleep(POLL_SECONDS)
        claimed = _claim_all(names, count, jobs_per_gpu=jobs_per_gpu, folder=folder)
    _locks.extend(claimed.values())
    os.environ[VISIBLE] = os.environ[HELD] = ",".join(claimed)


def _claim_all(names: Sequence[str], count: int, *, jobs_per_gpu: int, folder: Path) -> dict[str, IO[bytes]]:
    """So many GPUs with the files that hold them, or none: who waits holds nothing that another waits for."""
    claimed: dict[str, IO[bytes]] = {}
    for _ in range(count):
        others = [name for name in names if name not in claimed]
        found = claim(others, jobs_per_gpu=jobs_per_gpu, folder=folder)
        if found is None:
            for lock in claimed.values():
                lock.close()
            return {}
        claimed[found[0]] = found[1]
    return claimed


def claim(names: Sequence[str], *, jobs_per_gpu: int, folder: Path) -> tuple[str, IO[bytes]] | None:
    """One of the GPUs with fewer than `jobs_per_gpu` jobs, an empty one first, and the open file that holds it."""
    import fcntl

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in range(jobs_per_gpu):
        for name in names:
            lock = (folder / f"{name.replace('/', '_')}.{place}").open("ab")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            return name, lock
    return None


@cache
def _listed() -> tuple[str, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        result = subprocess.run([program, "-L"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(parse(result.stdout)) if result.returncode == 0 else ()
