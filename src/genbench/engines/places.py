"""Where a benchmark's files lie, and which of these places DVC cannot work with; Snakemake and the stages can."""

from pathlib import Path

from genbench.params.schema import Params

OUTPUTS = ("data", "results")


def remarks(params: Params) -> list[str]:
    """One line for each place that only one of the engines can use."""
    links = [
        f"{name}: a link to {Path(name).readlink()}; Snakemake and the stages work through it, but DVC refuses outputs "
        "behind a link that leads out of the repository: build with snakemake alone, or mount that disk here"
        for name in OUTPUTS
        if Path(name).is_symlink()
    ]
    homes = [
        f"external.{name}.samples: {entry.samples} is found by Snakemake and the stages, but DVC does not know ~; "
        "give a path in this folder, or one that starts with /, to build with dvc"
        for name, entry in params.external.items()
        if entry.samples.startswith("~")
    ]
    return [*links, *homes]
