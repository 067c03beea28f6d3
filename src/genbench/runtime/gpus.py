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
from typing import TYPE_CHECKING

from genbench.storage.files import InputError

if TYPE_CHECKING:
    from filelock import BaseFileLock

VISIBLE = "CUDA_VISIBLE_DEVICES"
HELD = "GENBENCH_HELD_GPU"  # what this process, or the one that started it, has claimed
POLL_SECONDS = 0.5
_locks: list["BaseFileLock"] = []  # held until the process ends


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


def occupy(names: Sequence[str], *, jobs_per_gpu: int) -> None:
    """Wait for one of these GPUs, hold it to this process's end, and make it the only one that CUDA will see.

    To be called before CUDA is used.  A process that has one, or whose parent has one for it, keeps it; those that
    torchrun has started share what they were given.
    """
    if os.environ.get(HELD, "") == os.environ.get(VISIBLE) or "TORCHELASTIC_RUN_ID" in os.environ:
        return
    os.environ |= its_own(hold(names, 1, jobs_per_gpu=jobs_per_gpu)[0])


def reserve(run: str, device: str, processes: int, *, jobs_per_gpu: int) -> list[str]:
    """Wait for a GPU for each process of a run, and hold them to this process's end; none where there are none to use.

    Raises:
        InputError: fewer GPUs than processes, or one GPU named in `device`.
    """
    names = [] if device == "cpu" else visible()
    if names and (":" in device or len(names) < processes):
        raise InputError(
            f"runs.{run}.processes: got {processes} on device {device}, with {len(names)} GPU here; "
            "expected a GPU for each process, and no number in device"
        )
    return hold(names, processes, jobs_per_gpu=jobs_per_gpu) if names else []


def its_own(name: str) -> dict[str, str]:
    """The environment of a process that is to see this GPU alone, and need not claim it."""
    return {VISIBLE: name, HELD: name}


def hold(names: Sequence[str], count: int, *, jobs_per_gpu: int) -> list[str]:
    """Wait for so many of these GPUs, all at once, so that two who wait for several never wait for each other."""
    folder = Path(tempfile.gettempdir()) / f"genbench-gpus-{os.getuid()}"
    waiting = False
    while True:
        held: dict[str, BaseFileLock] = {}
        while len(held) < count:
            found = claim([n for n in names if n not in held], jobs_per_gpu=jobs_per_gpu, folder=folder)
            if found is None:
                break
            held[found[0]] = found[1]
        else:
            _locks.extend(held.values())
            return list(held)
        for lock in held.values():
            lock.release()
        if not waiting:
            print(f"waiting for {count} free GPU(s) of {len(names)}", file=sys.stderr, flush=True)
            waiting = True
        time.sleep(POLL_SECONDS)


def claim(names: Sequence[str], *, jobs_per_gpu: int, folder: Path) -> "tuple[str, BaseFileLock] | None":
    """One of the GPUs with fewer than `jobs_per_gpu` jobs, an empty one first, and the lock that holds it."""
    from filelock import FileLock, Timeout

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in range(jobs_per_gpu):
        for name in names:
            lock = FileLock(
                folder / f"{name.replace('/', '_')}.{place}",
                blocking=False,
                thread_local=False,
                fallback_to_soft=False,  # a lock file that the system does not let go of would outlive a kill
            )
            try:
                lock.acquire()
            except Timeout:
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
