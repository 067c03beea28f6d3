"""What is done with results: shown, brought into agreement, rebuilt, scored, judged by people."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from genbench.cli.declared import PARAMS, DataFile, OutFile, ParamsFile, app, uncollected
from genbench.storage.files import InputError


@app.command(
    epilog="Example: genbench score --samples my-samples/ --train data/digits.safetensors"
    " --held-out data/digits.safetensors --out scores.json"
)
def score(
    samples: Annotated[
        str, typer.Option(help="A folder of images, a .npz or .npy file, or FILE.safetensors:SPLIT.")
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
    levels: Annotated[
        int | None,
        typer.Option(
            min=2, max=256, help="Grey levels of whole numbers in files; else those of --train, or 256."
        ),
    ] = None,
    shift: Annotated[int, typer.Option(min=0, max=4, help="Look for copies shifted by so many pixels.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn by chance.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda, for the extractor.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads for the extractor.")] = 1,
) -> None:
    """Score images from any generator, and list those that are closest to its training images."""
    with uncollected():
        from genbench.foreign import command

    command.run(samples, train, held_out, out, extractor, weights, size, levels, shift, seed, device, threads)


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


@app.command(epilog="Example: genbench show; genbench show digits; genbench show --live, beside a build")
def show(
    names: Annotated[list[str] | None, typer.Argument(help="Datasets or runs; default: everything.")] = None,
    cost: Annotated[
        bool, typer.Option("--cost", help="What training and drawing took here instead.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="What a build is doing, again every two seconds in a terminal.")
    ] = False,
    params: ParamsFile = PARAMS,
) -> None:
    """Print the headline table and where the report is."""
    if live:
        from genbench.engines.live import watch

        return watch(params)
    from genbench.report import terminal_table
    from genbench.stages import report

    found = report.named(names or [], params)
    if cost:
        return typer.echo(report.costs(found[0]))
    typer.echo(terminal_table(*found))
    page = Path("results/report/index.html").resolve()
    typer.echo(f"\nReport: {page.as_uri() if page.is_file() else 'not built: genbench report'}")


@app.command(epilog="Example: genbench zoo --out docs/zoo.md")
def zoo(out: OutFile, params: ParamsFile = PARAMS) -> None:
    """Write the list of all systems: paper, equation, file, runs of the benchmark, what each can do."""
    with uncollected():
        from genbench.report import zoo as catalogue
    from genbench.params.schema import load
    from genbench.storage.files import write_whole

    write_whole(out, catalogue.page(load(params).runs).encode())


@app.command(epilog="Example: genbench warm -- dvc repro")
def warm(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="After --: what runs stages.")],
) -> None:
    """Run a command whose stages start warm: torch is imported once for all of them.

    Snakemake on one machine does so by itself.  The results are the same; only Linux starts warm.
    """
    import subprocess

    from genbench.runtime import warm as starts

    starts.start()
    try:
        raise typer.Exit(subprocess.run(command, check=False).returncode)
    except FileNotFoundError as error:
        raise InputError(f"{command[0]}: not found; expected a program, e.g. dvc") from error


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
    per_run: Annotated[
        int | None,
        typer.Option(
            min=1, help="Images of each run, as many real ones in all; default: 200 images at most."
        ),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(help="Hide each image after this time; default: never.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides which images are shown.")] = 0,
    params: ParamsFile = PARAMS,
) -> None:
    """Write one offline page that asks people: real or fake?  The key beside it holds the truth."""
    from genbench.study import command

    command.make(out, runs, dataset, per_run, seconds, seed, params)


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

    command.score(key, answers, more or [], out)
