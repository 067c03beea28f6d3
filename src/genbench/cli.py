"""The commands of genbench, declared: what each does stands in the module that it imports.

Imports stand inside the commands: a stage pays only for what it uses.
"""

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from genbench.runtime import environment
from genbench.storage.files import InputError

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


@app.command(epilog="Example: genbench check")
def check(params: ParamsFile = PARAMS) -> None:
    """Validate the parameters, and nothing else: names, types, datasets, models and their hyper-parameters."""
    from genbench.params.schema import load

    settings = load(params)
    typer.echo(f"{params}: {len(settings.runs)} runs on {len(settings.datasets)} datasets, all valid")


@app.command(epilog="Example: genbench code")
def code(params: ParamsFile = PARAMS) -> None:
    """Write down the code that each stage, model, dataset and kind of data depends on, in results/code.

    Both engines watch these files; `sync` and Snakemake bring them up to date by themselves, DVC by its stage `code`.
    """
    from genbench.params.schema import load
    from genbench.provenance.fingerprints import refresh
    from genbench.provenance.receipts import refuse_other_code
    from genbench.storage.files import LEDGER

    refuse_other_code()
    load(params)
    refresh(LEDGER.params)


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
def novelty(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Are the samples new?  Distances to the training data, calibrated on held-out data; the closest pairs drawn."""
    from genbench.stages import novelty as stage

    stage.run(run, data, out, params)


@app.command(
    epilog="Example: genbench evaluate --run digits-vae --data data/digits.safetensors"
    " --extractor results/extractors/digits.safetensors --out results/runs/digits-vae"
)
def evaluate(
    run: RunName,
    data: DataFile,
    extractor: Annotated[Path, typer.Option(help="The trained feature extractor.")],
    out: RunFolder,
    params: ParamsFile = PARAMS,
) -> None:
    """Score the samples against the held-out data, and what else the model can: likelihood, measures of its own."""
    with uncollected():
        from genbench.stages import evaluate as stage

    stage.run(run, data, extractor, out, params)


@app.command(
    epilog="Example: genbench score --samples my-samples/ --train data/digits.safetensors"
    " --held-out data/digits.safetensors --out scores.json"
)
def score(
    samples: Annotated[
        str, typer.Option(help="A folder of images, an .npz archive, or FILE.safetensors:SPLIT.")
    ],
    train: Annotated[
        str, typer.Option(help="The images the generator was trained on, in one of these forms.")
    ],
    held_out: Annotated[str, typer.Option(help="Images of the same kind that it has not seen.")],
    out: Annotated[Path, typer.Option(help="The JSON to write; the closest pairs go beside it as a PNG.")],
    extractor: Annotated[str, typer.Option(help="What gives the features.")] = "random-convolution",
    weights: Annotated[Path | None, typer.Option(help="The extractor's weights, where it needs any.")] = None,
    size: Annotated[
        int | None, typer.Option(min=2, max=4096, help="Resize all images to SIZE × SIZE.")
    ] = None,
    levels: Annotated[int, typer.Option(min=2, max=256, help="Grey levels of integers in .npz files.")] = 256,
    shift: Annotated[int, typer.Option(min=0, max=4, help="Look for copies shifted by so many pixels.")] = 1,
    seed: int = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda, for the extractor.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the extractor.")] = 1,
) -> None:
    """Score images from any generator, and list those that are closest to its training images."""
    with uncollected():
        from genbench.foreign import command

    command.run(
        samples,
        train,
        held_out,
        out,
        extractor=extractor,
        weights=weights,
        size=size,
        levels=levels,
        shift=shift,
        seed=seed,
        device=device,
        threads=threads,
    )


@app.command(
    epilog="Example: genbench obj --samples results/runs/meshes-polygen --data data/meshes.safetensors"
    " --out results/obj/meshes-polygen"
)
def obj(
    samples: Annotated[Path, typer.Option(help="A run's folder.")],
    data: DataFile,
    out: Annotated[Path, typer.Option(help="The folder to write.")],
    count: Annotated[int, typer.Option(min=1, help="How many of the first samples.")] = 24,
) -> None:
    """Write a run's first samples as OBJ files, which any program for meshes opens; it says which are no meshes."""
    from genbench.kinds.mesh import export

    export.run(samples, data, out, count)


@app.command(epilog="Example: genbench report --out results/report")
def report(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("results/report"),
    study: Annotated[list[Path] | None, typer.Option(help="Scores of a human study; repeatable.")] = None,
    params: ParamsFile = PARAMS,
) -> None:
    """Write the comparison: one self-contained page, and its headline table as csv, markdown and LaTeX."""
    from genbench.stages import report as stage

    stage.run(out, study or [], params)


@app.command(epilog="Example: genbench show")
def show(params: ParamsFile = PARAMS) -> None:
    """Print the headline table and where the report is."""
    from genbench.report import terminal_table
    from genbench.stages.report import results

    runs, _ = results(params)
    typer.echo(terminal_table(runs))
    typer.echo(f"\nReport: {Path('results/report/index.html').resolve().as_uri()}")


@app.command(epilog="Example: genbench sync; a full build in parallel that DVC agrees with: make reproduce")
def sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Say what would be done, do nothing.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 unless every stage is up to date.")
    ] = False,
) -> None:
    """Tell DVC what Snakemake has built, and Snakemake what DVC has built, pulled or checked out.

    A stage counts as up to date only with proof: dvc.lock, or the receipt it left in results/receipts, names the very
    parameters, code, inputs and outputs that stand here.  Any other is left to run again, and named with the reason.
    """
    from genbench.engines.sync import summary
    from genbench.engines.sync import sync as bring_together

    outcome = bring_together(Path.cwd(), dry_run=dry_run)
    typer.echo(summary(outcome, dry_run=dry_run))
    if strict and outcome.rest:
        raise typer.Exit(1)


@app.command(epilog="Example: genbench verify digits-vae; genbench verify --against HEAD~1")
def verify(
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="Stages, files or runs, with all they need; default: everything."),
    ] = None,
    engine: Annotated[
        Literal["dvc", "snakemake"] | None,
        typer.Option(help="dvc or snakemake; default: the one that did not build the results."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="REV", help="Build nothing; compare the scores with those of a revision."),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, help="With --against: relative; default: half of each score's 95 % interval."),
    ] = None,
) -> None:
    """Build again, in a clean copy, with the other engine and another hash seed: are all files the same to the bit?

    Exit code 1 if not, with the first stage and file that differ and by how much.
    """
    from genbench.engines import verify as verification

    same = (
        verification.say_rebuilt(Path.cwd(), targets or [], engine=engine)
        if against is None
        else verification.say_against(Path.cwd(), against, tolerance=tolerance)
    )
    raise typer.Exit(not same)


@app.command(epilog="Example: genbench study --dataset digits --out results/study/study.html")
def study(
    out: Annotated[Path, typer.Option(help="The page to write; its key goes beside it.")] = Path(
        "results/study/study.html"
    ),
    runs: Annotated[
        str | None, typer.Option(help="Runs to judge, with commas between; default: all but controls.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="A key of `datasets`; needed where the runs leave it open.")
    ] = None,
    per_run: Annotated[int, typer.Option(min=1, help="Images of each run; as many real ones in all.")] = 20,
    seconds: Annotated[
        float | None, typer.Option(help="Hide each image after this time; default: never.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides which images are shown.")] = 0,
    params: ParamsFile = PARAMS,
) -> None:
    """Write one offline page that asks people: real or fake?  The key beside it holds the truth."""
    from genbench.study import command

    command.make(out, runs, dataset, per_run=per_run, seconds=seconds, seed=seed, params=params)


@app.command(
    name="study-score",
    epilog="Example: genbench study-score --key results/study/study.key.json --answers results/study/answers",
)
def study_score(
    key: Annotated[Path, typer.Option(help="The key written beside the page.")],
    answers: Annotated[list[Path], typer.Option(help="A rater's file, or a folder of them; repeatable.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILES]...", help="More of them.")] = None,
    out: OutFile = Path("results/study/study.json"),
) -> None:
    """Turn raters' files into the share of each run's images judged real, with intervals; one bad file stops it."""
    from genbench.study import command

    command.score(key, [*answers, *(more or [])], out)


def main() -> None:
    """The console script: one clear line for what the user can mend, and exit code 1."""
    environment.fix()  # before NumPy is loaded: nothing that this module imports at its top may import it
    # Memory goes back at the end in any case, and a last look for garbage would take .2 s.
    atexit.register(gc.freeze)
    from genbench.provenance.receipts import recording
    from genbench.runtime import launch

    launch.attend()
    try:
        with recording(sys.argv[1:]):
            app()
    except (InputError, OSError, MemoryError) as error:
        if os.environ.get("GENBENCH_TRACEBACK"):
            raise
        if not launch.told(error):
            said = (
                f"out of memory: {error}; expected less data at once"
                if isinstance(error, MemoryError)
                else error
            )
            # The name of a file can have line breaks, and what a terminal takes for commands.
            line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(said))
            typer.echo(f"genbench: error: {line}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
