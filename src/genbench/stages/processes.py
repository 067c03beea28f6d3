"""A run that is trained by several processes: the stage starts them and waits, without importing torch."""

from pathlib import Path

from genbench.params.schema import load, pick
from genbench.runtime import gpus, launch


def launched(run: str, params: Path) -> bool:
    """Whether this process is to start others, has done so, and they have ended well; else it trains by itself.

    Raises:
        InputError: the parameters, the GPUs, or one of the processes; see `launch.launch`.
    """
    settings = load(params)
    entry = pick(settings.runs, run, "runs", params)
    if entry.processes == 1 or launch.is_worker():
        return False
    held = gpus.reserve(run, settings.device, entry.processes, jobs_per_gpu=settings.jobs_per_gpu)
    launch.launch(run, entry.processes, held)
    return True
