"""Stage `import`: samples that something else has made, an entry of `external`, as those of a run are stored."""

from pathlib import Path

from genbench.data.prepared import load as load_data
from genbench.drawing import tiles
from genbench.foreign import images
from genbench.kinds.drawing import drawing_of
from genbench.params.schema import load, pick
from genbench.storage.files import InputError, npz_bytes, write_all


def run(run: str, data: Path, out: Path, params: Path) -> None:
    entry = pick(load(params).external, run, "external", params)
    prepared = load_data(data)
    try:
        samples = images.samples_of(entry.samples, prepared, levels=entry.levels)
        if wrong := prepared.misfit(samples):
            raise InputError(f"{entry.samples} {wrong}")
    except InputError as error:
        raise InputError(f"{params}: external.{run}.samples: {error}") from error
    grid = drawing_of(prepared.card).grid(samples, prepared.card)
    write_all(out, {"samples.npz": npz_bytes({"x": samples}), "grid.png": tiles.png(grid)})
