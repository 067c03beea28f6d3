"""The stages of the graph, as both engines call them, and what comes before them.

Imports stand inside the commands: a stage pays only for what it uses.
"""

from pathlib import Path
from typing import Annotated

import typer

from genbench.cli.declared import (
    PARAMS,
    DataFile,
    ExtractorFile,
    OutFile,
    ParamsFile,
    ReferenceFile,
    RunFolder,
    RunName,
    app,
    uncollected,
    warn,
)


@app.command(epilog="Example: genbench check")
def check(params: ParamsFile = PARAMS) -> None:
    """Validate the parameters and build nothing: names, types, datasets, models and their hyper-parameters.

    Of the models and sources that they name, and of the catalogue of scores, what reading the files shows.
    """
    from genbench.cli.unfinished import refuse_unfinished
    from genbench.engines.places import remarks
    from genbench.params.schema import load
    from genbench.params.yaml import read

    refuse_unfinished(read(params))
    settings = load(params)
    typer.echo(f"{params}: {len(settings.runs)} runs on {len(settings.datasets)} datasets, all valid")
    for remark in remarks(settings):
        typer.echo(f"note: {remark}")
    for warning in settings.warnings.values():
        warn(f"{params}: {warning}")


@app.command(epilog="Example: genbench code")
def code(params: ParamsFile = PARAMS) -> None:
    """Write down the code that each stage, model, dataset and kind of data depends on, in results/code.

    And each entry of the parameters, in results/params.

    Both engines watch these files; `sync` and Snakemake bring them up to date by themselves, DVC by its stage `code`.
    """
    from genbench.engines import entries
    from genbench.params.schema import load
    from genbench.provenance.fingerprints import refresh
    from genbench.provenance.receipts import refuse_other_code
    from genbench.storage.files import LEDGER

    refuse_other_code()
    settings = load(params)
    refresh(LEDGER.params)
    entries.refresh(LEDGER.params)
    for warning in settings.warnings.values():
        warn(f"{params}: {warning}")


@app.command(epilog="Example: genbench prepare --dataset digits --out data/digits.safetensors")
def prepare(
    dataset: Annotated[str, typer.Option(help="A key of `datasets` in the parameters.")],
    out: OutFile,
    params: ParamsFile = PARAMS,
) -> None:
    """Write one prepared dataset: images, labels, splits and a card of where they come from."""
    from genbench.stages import prepare as stage

    stage.run(dataset, out, params)


@app.command(
    epilog="Example: genbench extractor --data data/digits.safetensors --out results/extractors/digits.safetensors"
)
def extractor(data: DataFile, out: OutFile, params: ParamsFile = PARAMS) -> None:
    """Train the classifiers that give the features; a card beside them states held-out accuracies and hash."""
    with uncollected():
        from genbench.stages import extractor as stage

    stage.run(data, out, params)


@app.command(
    epilog="Example: genbench reference --data data/digits.safetensors"
    " --extractor results/extractors/digits.safetensors --out results/references/digits.safetensors"
)
def reference(data: DataFile, extractor: ExtractorFile, out: OutFile, params: ParamsFile = PARAMS) -> None:
    """Compute once what the scores of every run on a dataset ask of the data and the extractor alone."""
    with uncollected():
        from genbench.stages import reference as stage

    stage.run(data, extractor, out, params)


@app.command(
    epilog="Example: genbench train --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae"
)
def train(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Train one run; killed and started again, it ends with the same bytes.

    A run of several processes starts them itself, unless `torchrun` has.
    """
    from genbench.stages.processes import launched

    if launched(run, params):
        return
    with uncollected():
        from genbench.stages import train as stage

    stage.run(run, data, out, params)


@app.command(
    epilog="Example: genbench sample --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae"
)
def sample(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Draw as many samples as there are held-out elements, a grid, and the pictures that only this model has."""
    with uncollected():
        from genbench.stages import sample as stage

    stage.run(run, data, out, params)


@app.command(
    name="import",
    epilog="Example: genbench import --run digits-mine --data data/digits.safetensors --out results/runs/digits-mine",
)
def import_samples(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Take samples that something else has made, an entry of `external`: they are audited and scored like any run's."""
    from genbench.stages import import_samples as stage

    stage.run(run, data, out, params)


@app.command(
    epilog="Example: genbench outside --reads data/digits.safetensors --out results/external/mine.npz"
    " -- python mine.py data/digits.safetensors results/external/mine.npz"
)
def outside(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="After --: what to run.")],
    out: OutFile,
    reads: Annotated[list[Path] | None, typer.Option(help="A file that it reads; repeatable.")] = None,
) -> None:
    """Run what is none of genbench's as a stage: it must write its file, and a receipt says what it was made from."""
    from genbench.stages import outside as stage

    stage.run(command, out, reads or [])


@app.command(
    epilog="Example: genbench novelty --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae"
)
def novelty(
    run: RunName,
    data: DataFile,
    out: RunFolder,
    reference: ReferenceFile = None,
    params: ParamsFile = PARAMS,
) -> None:
    """Are the samples new?  Distances to the training data, calibrated on held-out data; the closest pairs drawn."""
    from genbench.stages import novelty as stage

    stage.run(run, data, out, params, reference)


@app.command(
    epilog="Example: genbench evaluate --run digits-vae --data data/digits.safetensors"
    " --extractor results/extractors/digits.safetensors --out results/runs/digits-vae"
)
def evaluate(
    run: RunName,
    data: DataFile,
    extractor: ExtractorFile,
    out: RunFolder,
    reference: ReferenceFile = None,
    params: ParamsFile = PARAMS,
) -> None:
    """Score the samples against the held-out data, and what else the model can: likelihood, measures of its own."""
    with uncollected():
        from genbench.stages import evaluate as stage

    stage.run(run, data, extractor, out, params, reference)


@app.command(epilog="Example: genbench report --out results/report")
def report(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("results/report"),
    study: Annotated[list[Path] | None, typer.Option(help="Scores of a human study; repeatable.")] = None,
    params: ParamsFile = PARAMS,
) -> None:
    """Write the comparison: one self-contained page, and its headline table as csv, markdown and LaTeX."""
    from genbench.stages import report as stage
    from genbench.storage.files import InputError

    absent = stage.run(out, study or [], params)
    for run in absent:
        if not run.is_damaged:
            warn(f"{run.name}: {run.why}")
    if damaged := [f"{run.name}: {run.why}" for run in absent if run.is_damaged]:
        raise InputError("; ".join(damaged))
