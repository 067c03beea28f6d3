"""Starting the processes of one training and watching over them.  This module imports no torch: a watcher needs none.

The command that a user or an engine calls starts itself once for each process of the run, and ends when they do.
Process 0 is the stage: it alone writes files and leaves the receipt.  Started by `torchrun`, the command is itself
one of the processes and starts nothing.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from genbench.runtime.gpus import its_own
from genbench.storage.files import InputError

RENDEZVOUS = "GENBENCH_RENDEZVOUS"
"""Names the folder in which the processes that one command started find each other, and leave what went wrong."""

GRACE_SECONDS = 5.0  # seconds in which the process that went first must be seen to have ended


class PeerLostError(InputError):
    """Another process of the group is gone; what ended it is the news, this is not."""


def is_worker() -> bool:
    """Whether this is one process of a group already."""
    return RENDEZVOUS in os.environ or "TORCHELASTIC_RUN_ID" in os.environ


def launch(run: str, processes: int, gpus: Sequence[str] = ()) -> None:
    """Run this very command in so many processes, each with the GPU of its rank if there are any, and wait.

    They read from a pipe that ends when this process does, however it ends, and then end as well: none is left behind.

    Raises:
        InputError: one of them failed; the others have been ended.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # to clean up on the way out
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        workers: list[subprocess.Popen[bytes]] = []
        try:
            for rank in range(processes):
                place = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": processes, RENDEZVOUS: folder}
                environment = {**os.environ, **{key: str(value) for key, value in place.items()}}
                if gpus:
                    environment |= its_own(gpus[rank])
                command = [sys.executable, *sys.orig_argv[1:]]
                workers.append(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE))
            while any(worker.poll() is None for worker in workers) and not any(w.returncode for w in workers):
                time.sleep(0.05)
            if any(worker.returncode for worker in workers):
                raise InputError(_what_happened(run, workers, Path(folder)))
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()  # closes its pipe and waits for it


def end_with_parent() -> None:
    """In a worker: leave ctrl-C to the process that started it, and end when that one has ended."""
    if RENDEZVOUS not in os.environ:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        os.read(0, 1)  # nothing is ever written: this returns when the other end is closed
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def reported_to_parent(error: Exception) -> bool:
    """Whether there is a process that will say it: a worker leaves its message to the one that started it."""
    if RENDEZVOUS not in os.environ:
        return False
    message = "" if isinstance(error, PeerLostError) else str(error)
    Path(os.environ[RENDEZVOUS], os.environ["RANK"]).write_text(message, encoding="utf-8")
    return True


def _what_happened(run: str, workers: list[subprocess.Popen[bytes]], folder: Path) -> str:
    """What went wrong first: a lost group ends its other processes, too, and those have nothing to say."""
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline:
        failed = {rank: worker.returncode for rank, worker in enumerate(workers) if worker.poll()}
        said = {rank: _read(folder / str(rank)) for rank in failed}
        if any(message != "" for message in said.values()):
            break
        time.sleep(0.05)
    for message in said.values():
        if message:
            return message
    rank = next((rank for rank in failed if said[rank] is None), min(failed))
    code = failed[rank]
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return (
        f"runs.{run}: process {rank} of {len(workers)} {how}; expected all of them to reach the end; "
        "start the command again to resume"
    )


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
