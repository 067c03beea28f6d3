"""Stage `train`: a run's weights, its loss curve, and what was seen of it on the way."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from genbench.core import space_of
from genbench.models.build import build
from genbench.params.schema import Run, load, pick
from genbench.provenance.fingerprints import training_fingerprint
from genbench.runtime import group as processes
from genbench.runtime import machine
from genbench.runtime.cost import Meter, note, surroundings
from genbench.stages.inputs import about, dataset_of
from genbench.storage.files import npz_bytes, write_all
from genbench.storage.weights import weights_bytes
from genbench.training import loop
from genbench.training.batches import splits_of
from genbench.training.execution import Execution

CHECKPOINTS = Path("results/checkpoints")


def run(run: str, data: Path, out: Path, params: Path) -> None:
    """Killed and started again, it ends with the same bytes."""
    meter = Meter()
    settings = load(params)
    entry = pick(settings.runs, run, "runs", params)
    prepared = dataset_of(run, entry, data)
    machine.make_deterministic(threads=entry.threads)
    machine.optimize_without_compiler()
    device = machine.pick_device(settings.device, jobs_per_gpu=settings.jobs_per_gpu)
    group = processes.join(run, entry.processes, device)
    seed, device = machine.seed_of(entry.seed, run, "train"), group.device
    torch.manual_seed(seed)
    model = build(run, entry, space_of(prepared.card)).to(device)
    owner = about(run, entry, prepared)
    fingerprint = json.dumps(owner | {"code": training_fingerprint(entry.model)})
    job = loop.Job(run, seed, CHECKPOINTS / f"{run}.pt", fingerprint)
    budget = loop.Budget(entry.steps, entry.batch_size, entry.ema, entry.moments, entry.followed)
    how = Execution(group, entry.precision, entry.compile)
    with how.explained(run):
        record = loop.train(model, splits_of(prepared, device), budget, job, how)
    if not group.is_rank_zero:
        return
    timing = _timing(entry, meter) | surroundings(device) | {"processes": group.size}
    contents = {
        "curve.csv": _csv(record.curve),
        "followed.npz": npz_bytes(record.follower.arrays()),
        "frames.npz": npz_bytes(record.watcher.arrays(space_of(prepared.card))),
        "model.safetensors": weights_bytes(model, owner),
    }
    write_all(out, contents)
    note(out, "train", timing, alone=True)
    job.checkpoint.unlink(missing_ok=True)


def _csv(curve: Sequence[loop.CurvePoint]) -> bytes:
    lines = ["step,phase,objective,loss"]
    lines += [f"{p.step},{p.phase},{p.objective},{p.loss:.9g}" for p in curve]
    return ("\n".join(lines) + "\n").encode()


def _timing(entry: Run, meter: Meter) -> dict[str, Any]:
    seconds = meter.seconds
    speed = round(entry.steps * entry.batch_size / max(seconds, 1e-3), 1)
    return {
        "seconds": seconds,
        "cpu_seconds": meter.cpu_seconds,
        "images_per_second": speed,
        "threads": entry.threads,
    }
