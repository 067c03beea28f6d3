"""What a piece of work took, and on which machine: for `timing.json`, which no result depends on."""

import json
import platform
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genbench.storage.files import json_bytes, write_whole

if TYPE_CHECKING:
    import torch

FILE = "timing.json"


class Meter:
    """Runs from when it is made until `stop`.

    seconds: on the clock.  cpu_seconds: of the processor, summed over the threads of this process.
    """

    def __init__(self) -> None:
        self._began, self._worked = time.monotonic(), time.process_time()
        self._stopped: tuple[float, float] | None = None

    def stop(self) -> None:
        self._stopped = time.monotonic(), time.process_time()

    @property
    def seconds(self) -> float:
        return round((self._stopped[0] if self._stopped else time.monotonic()) - self._began, 3)

    @property
    def cpu_seconds(self) -> float:
        return round((self._stopped[1] if self._stopped else time.process_time()) - self._worked, 3)


def surroundings(device: "torch.device") -> dict[str, Any]:
    """The device and its largest use of memory so far in MiB, of this process and of the GPU; the processor's name."""
    found: dict[str, Any] = {"device": str(device), "machine": processor(), "peak_memory_mib": peak_memory()}
    if device.type == "cuda":
        import torch  # the report reads records without it

        found["peak_gpu_memory_mib"] = round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
        found["gpu"] = torch.cuda.get_device_name(device)
    return found


def peak_memory() -> float:
    """MiB; the system counts in KiB, on macOS in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, 1)


def processor(described: Path = Path("/proc/cpuinfo")) -> str:
    """Its name as the system gives it, else its architecture."""
    try:
        lines = described.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def note(folder: Path, name: str, record: dict[str, Any], *, alone: bool = False) -> None:
    """Keep a record under its name in a run's `timing.json`, beside those that stand there; alone: in their place."""
    path = folder / FILE
    kept = {} if alone else recorded(path)
    write_whole(path, json_bytes(kept | {name: record}))


def recorded(path: Path) -> dict[str, Any]:
    """What `timing.json` says; nothing where it is missing or is no such record.

    It is read past the ledger of what a stage has read: a result that depended on it would differ every time.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
