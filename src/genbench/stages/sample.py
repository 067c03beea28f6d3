"""Stage `sample`: as many samples as there are held-out elements, a grid, and the pictures that only this model has."""

from pathlib import Path

from torch import Generator

from genbench.drawing import tiles
from genbench.kinds.drawing import drawing_of
from genbench.models import sampling
from genbench.params.schema import load, pick
from genbench.runtime import machine
from genbench.runtime.cost import Meter, note, surroundings
from genbench.stages.inputs import dataset_of, sampling_seed
from genbench.stages.trained import trained
from genbench.storage.files import npz_bytes, write_all
from genbench.training.batches import splits_of


def run(run: str, data: Path, out: Path, params: Path) -> None:
    settings = load(params)
    entry = pick(settings.runs, run, "runs", params)
    prepared = dataset_of(run, entry, data)
    machine.make_deterministic(threads=entry.threads)
    device = machine.pick_device(settings.device, jobs_per_gpu=settings.jobs_per_gpu)
    model = trained(run, entry, prepared, out).to(device)
    rng = Generator(device).manual_seed(sampling_seed(run, entry))
    drawing = drawing_of(prepared.card)
    splits, meter = splits_of(prepared, device), Meter()
    arrays = sampling.draw(model, splits, run=run, pictures=drawing.pictures, rng=rng, meter=meter)
    grid = drawing.grid(arrays["x"], prepared.card)
    write_all(out, {"samples.npz": npz_bytes(arrays), "grid.png": tiles.png(grid)})
    drawn = {"n": len(arrays["x"]), "seconds": meter.seconds, "cpu_seconds": meter.cpu_seconds}
    note(out, "sample", drawn | {"threads": entry.threads} | surroundings(device))
