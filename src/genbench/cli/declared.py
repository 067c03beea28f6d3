"""The application, and the options that several commands have."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="genbench",
    help="Train every classic family of generative model on the same data, audit, score, compare.",
    epilog="Example: genbench train --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ParamsFile = Annotated[Path, typer.Option("--params", help="The benchmark's parameters.")]
DataFile = Annotated[Path, typer.Option("--data", help="The prepared dataset.")]
ExtractorFile = Annotated[Path, typer.Option("--extractor", help="The trained feature extractor.")]
ReferenceFile = Annotated[
    Path | None,
    typer.Option("--reference", help="What is known of the dataset; without it, it is computed again."),
]
RunName = Annotated[str, typer.Option("--run", help="A key of `runs` in the parameters.")]
RunFolder = Annotated[Path, typer.Option("--out", help="The run's folder.")]
OutFile = Annotated[Path, typer.Option("--out", help="The file to write.")]
PARAMS = Path("params.yaml")


@contextmanager
def uncollected() -> Iterator[None]:
    """For imports of torch: what modules make stays, and looking for garbage in it is a sixth of the time they take."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def warn(message: str) -> None:
    """One line for what may be a mistake and stops nothing."""
    typer.echo(f"genbench: warning: {message}", err=True)
