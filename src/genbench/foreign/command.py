"""`genbench score`: load three sets of images, compute, save."""

from pathlib import Path

import typer

from genbench.data.parts.raw import home_expanded
from genbench.drawing import tiles
from genbench.extractors.build import build
from genbench.foreign import images
from genbench.foreign.score import score
from genbench.foreign.table import figure, table
from genbench.runtime import machine
from genbench.storage.files import InputError, json_bytes, write_all

COLUMNS = 12  # pairs side by side
DEVICES = ("auto", "cpu", "cuda")


def run(
    samples: str,
    train: str,
    held_out: str,
    out: Path,
    extractor: str,
    weights: Path | None,
    size: int | None,
    levels: int | None,
    shift: int,
    seed: int,
    device: str,
    threads: int,
) -> None:
    """Writes the record to `out`, a .json, the closest pairs beside it as .png, and prints the table.

    Raises:
        InputError: a name, a device or a set of images that cannot be used, or sets that cannot be compared.
    """
    out, weights = home_expanded(out), None if weights is None else home_expanded(weights)
    if out.suffix != ".json":
        raise InputError(f"{out}: expected a name that ends in .json")
    machine.make_deterministic(threads=threads)
    training = images.read(train, "train", size=size, levels=levels, least=4)
    known = training.reference
    generated = images.read(samples, "samples", size=size, levels=levels, reference=known)
    control = images.read(held_out, "held_out", size=size, levels=levels, reference=known)
    generated, training, control = images.one_mode(generated, training, control)
    images.alike(generated, training, control)
    images.apart(training, control)
    if device not in DEVICES:
        raise InputError(f"device: got {device!r}; expected auto, cpu or cuda")
    place = str(machine.pick_device(device))
    extract = build(extractor, train=training.images, weights=weights, device=place)
    record = score(generated, training, control, extract, seed=seed, shift=shift, resized_to=size)
    picture = figure(record, generated.images, training.images, columns=COLUMNS)
    write_all(out.parent, {out.name: json_bytes(record), out.with_suffix(".png").name: tiles.png(picture)})
    typer.echo(table(record))
    typer.echo(f"\n{out}, {out.with_suffix('.png')}")
