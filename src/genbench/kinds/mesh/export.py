"""`genbench obj`: a run's first samples as OBJ files."""

from pathlib import Path

import typer

from genbench.data.parts.mesh_tokens import Mesh, unpacked
from genbench.data.parts.obj import to_obj
from genbench.data.prepared import load
from genbench.data.samples import samples_in
from genbench.storage.files import InputError, write_all


def run(samples: Path, data: Path, out: Path, count: int) -> None:
    """Writes the first `count` samples of a run's folder, and prints which of them are no meshes.

    Raises:
        InputError: the data are no meshes, or a file is missing or damaged.
    """
    prepared = load(data)
    if prepared.card["kind"] != "mesh":
        raise InputError(f"{data}: holds data of kind {prepared.card['kind']!r}; expected meshes")
    bits = prepared.card["bits"]
    found = unpacked(samples_in(samples, prepared)[:count], bits=bits)
    names = [f"{number:04d}.obj" for number in range(len(found))]
    contents = {
        name: to_obj(mesh, name=Path(name).stem, bits=bits).encode()
        for name, mesh in zip(names, found, strict=True)
        if isinstance(mesh, Mesh)
    }
    write_all(out, contents)
    for name, mesh in zip(names, found, strict=True):
        if not isinstance(mesh, Mesh):
            typer.echo(f"{name}: not written, {mesh}")
    typer.echo(f"{len(contents)} meshes in {out}")
