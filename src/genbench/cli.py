"""One command per stage: load, compute, save.  Both workflow engines call exactly these lines.

Imports stand inside the commands: a stage pays only for what it uses.
"""

import atexit
import gc
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genbench.storage.files import InputError

if TYPE_CHECKING:
    from genbench.core import GenerativeModel, Space
    from genbench.data.prepared import Prepared
    from genbench.params.schema import External, Params, Run
    from genbench.report import DatasetResult, RunResult
    from genbench.study import Answers

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
CHECKPOINTS = Path("results/checkpoints")
CLOSEST = 12
DEVICES = ("auto", "cpu", "cuda")


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


@app.command(epilog="Example: genbench prepare --dataset digits --out data/digits.safetensors")
def prepare(
    dataset: Annotated[str, typer.Option(help="A key of `datasets` in the parameters.")],
    out: OutFile,
    params: ParamsFile = PARAMS,
) -> None:
    """Write one prepared dataset: images, labels, splits and a card of where they come from."""
    from genbench.data import prepared as data
    from genbench.params.schema import load, pick
    from genbench.storage.files import write_all

    entry = pick(load(params).datasets, dataset, "datasets", params)
    try:
        pieces = data.pieces(dataset, entry)
    except InputError as error:
        raise InputError(f"{params}: datasets.{dataset}: {error}") from error
    write_all(out.parent, {out.name: pieces})


@app.command(
    epilog="Example: genbench extractor --data data/digits.safetensors --out results/extractors/digits.safetensors"
)
def extractor(data: DataFile, out: OutFile, params: ParamsFile = PARAMS) -> None:
    """Train the classifiers that give the features; a card beside them states held-out accuracies and hash."""
    with uncollected():
        from genbench.data.prepared import load as load_data
        from genbench.kinds.kind import kind_of
        from genbench.params.schema import load
        from genbench.runtime.machine import make_deterministic, optimize_without_compiler
        from genbench.storage.files import json_bytes, write_all

    settings = load(params).extractor
    make_deterministic(threads=settings.threads)
    optimize_without_compiler()
    prepared = load_data(data)
    weights, card = kind_of(prepared.card).extractor(prepared, settings)
    write_all(out.parent, {out.name: weights, out.with_suffix(".json").name: json_bytes(card)})


@app.command(
    epilog="Example: genbench train --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae"
)
def train(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Train one run; killed and started again, it ends with the same bytes.

    A run of several processes starts them itself, unless `torchrun` has.
    """
    from genbench.params.schema import load, pick
    from genbench.runtime import gpus, launch

    began = time.monotonic()
    settings = load(params)
    entry = pick(settings.runs, run, "runs", params)
    if entry.processes > 1 and not launch.is_worker():
        held = gpus.reserve(run, settings.device, entry.processes, jobs_per_gpu=settings.jobs_per_gpu)
        launch.launch(run, entry.processes, held)
        return
    with uncollected():
        import torch

        from genbench.core import space_of
        from genbench.runtime import group as parallel
        from genbench.runtime import machine
        from genbench.storage.files import json_bytes, npz_bytes, write_all
        from genbench.storage.weights import weights_bytes
        from genbench.training import loop as training
        from genbench.training.batches import splits_of
        from genbench.training.execution import Execution

    prepared = _data_of(run, entry, data)
    space = space_of(prepared.card)
    machine.optimize_without_compiler()
    device = machine.pick_device(settings.device, jobs_per_gpu=settings.jobs_per_gpu)
    group = parallel.join(run, entry.processes, device)
    seed, device = machine.seed_of(entry.seed, run, "train"), group.device
    torch.manual_seed(seed)
    model = _build(run, entry, space).to(device)
    about = _about(run, entry, prepared)
    fingerprint = json.dumps(about | {"code": _code_hash(entry.model), "torch": torch.__version__})
    job = training.Job(run, seed, CHECKPOINTS / f"{run}.pt", fingerprint)
    budget = training.Budget(entry.steps, entry.batch_size, entry.ema)
    how = Execution(group, entry.precision, entry.compile)
    with how.explained(run):
        record = training.train(model, splits_of(prepared, device), budget, job, how)
    if not group.leads:
        return
    lines = ["step,phase,objective,loss"]
    lines += [f"{p.step},{p.phase},{p.objective},{p.loss:.9g}" for p in record.curve]
    seconds = round(time.monotonic() - began, 3)
    timing = {
        "train_seconds": seconds,
        "images_per_second": round(entry.steps * entry.batch_size / seconds, 1),
    }
    contents = {
        "curve.csv": ("\n".join(lines) + "\n").encode(),
        "frames.npz": npz_bytes(record.watcher.arrays(space)),
        "timing.json": json_bytes(
            timing | {"device": str(device), "threads": entry.threads, "processes": group.size}
        ),
        "model.safetensors": weights_bytes(model, about),
    }
    write_all(out, contents)
    job.checkpoint.unlink(missing_ok=True)


@app.command(
    epilog="Example: genbench sample --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae"
)
def sample(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Draw as many samples as there are held-out elements, a grid, and the pictures that only this model has."""
    with uncollected():
        from torch import Generator

        from genbench.drawing import tiles as pictures
        from genbench.kinds.kind import kind_of
        from genbench.models import sampling
        from genbench.runtime import machine
        from genbench.storage.files import npz_bytes, write_all
        from genbench.training.batches import splits_of

    settings, entry, prepared, space = _load_run(run, data, params)
    device = machine.pick_device(settings.device, jobs_per_gpu=settings.jobs_per_gpu)
    model = _trained(run, entry, prepared, space, out).to(device)
    generator = Generator(device).manual_seed(machine.seed_of(entry.seed, run, "sample"))
    arrays = sampling.draw(model, splits_of(prepared, device), run=run, generator=generator)
    grid = kind_of(prepared.card).grid(arrays["x"], prepared.card)
    write_all(out, {"samples.npz": npz_bytes(arrays), "grid.png": pictures.png(grid)})


@app.command(
    name="import",
    epilog="Example: genbench import --run digits-mine --data data/digits.safetensors --out results/runs/digits-mine",
)
def import_samples(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Take samples that something else has made, an entry of `external`: they are audited and scored like any run's."""
    from genbench.data.prepared import load as load_data
    from genbench.drawing import tiles as pictures
    from genbench.foreign import images
    from genbench.kinds.kind import kind_of
    from genbench.params.schema import load, pick
    from genbench.storage.files import npz_bytes, write_all

    entry = pick(load(params).external, run, "external", params)
    prepared = load_data(data)
    try:
        samples = images.samples_of(entry.samples, prepared)
    except InputError as error:
        raise InputError(f"{params}: external.{run}.samples: {error}") from error
    grid = kind_of(prepared.card).grid(samples, prepared.card)
    write_all(out, {"samples.npz": npz_bytes({"x": samples}), "grid.png": pictures.png(grid)})


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
    from genbench.provenance.receipts import run_outside
    from genbench.storage.files import read_hash

    for path in reads or []:
        read_hash(path, what="what the command reads")
    run_outside(command, out)


@app.command(
    epilog="Example: genbench novelty --run digits-vae --data data/digits.safetensors --out results/runs/digits-vae"
)
def novelty(run: RunName, data: DataFile, out: RunFolder, params: ParamsFile = PARAMS) -> None:
    """Are the samples new?  Distances to the training data, calibrated on held-out data; the closest pairs drawn."""
    from genbench.data.prepared import load as load_data
    from genbench.drawing import tiles as pictures
    from genbench.kinds.kind import kind_of
    from genbench.params.schema import load, pick
    from genbench.scoring import audit
    from genbench.storage.files import json_bytes, write_all

    pick(load(params).rows, run, "runs", params)
    prepared = load_data(data)
    samples = _samples(out, prepared)
    record = audit.novelty(prepared, samples, seed=0)
    closest = record["pairs"][:CLOSEST]
    picture = kind_of(prepared.card).pairs(
        samples.take([pair["sample"] for pair in closest], axis=0),
        prepared.train.x.take([pair["train"] for pair in closest], axis=0),
        [pair["flagged"] for pair in closest],
        prepared.card,
    )
    record = {"run": run, "dataset": prepared.card["name"], **record}
    write_all(out, {"novelty.json": json_bytes(record), "nearest.png": pictures.png(picture)})


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
    """Score the samples against the held-out data, and what else the model can: likelihood, measures of its own.

    The bootstrap replicates beside the scores let the report compare two runs on the same resamplings.
    """
    with uncollected():
        import torch

        from genbench.capabilities import Likelihood, capability
        from genbench.core import space_of
        from genbench.kinds.kind import Subject, kind_of
        from genbench.params.schema import load, pick
        from genbench.runtime import machine
        from genbench.scoring import evaluation, folds
        from genbench.storage.files import json_bytes, npz_bytes, write_all
        from genbench.training.batches import splits_of

    settings = load(params)
    entry = pick(settings.rows, run, "runs", params)
    prepared = _data_of(run, entry, data)
    samples = _samples(out, prepared)
    seed = machine.seed_of(entry.seed, run, "evaluate")
    n, held_out = len(samples), len(prepared.held_out.x)
    shared_seed = machine.seed_of(entry.dataset, "resamplings")
    drawn = evaluation.draws(held_out, n, real_seed=shared_seed, fake_seed=seed)
    subject = Subject(samples)
    facts: dict[str, Any] = {"parameters": None, "likelihood": None}
    measures: dict[str, Any] = {}
    likelihoods: dict[str, evaluation.Scored] = {}
    if run in settings.runs:
        space = space_of(prepared.card)
        device = machine.pick_device(settings.device, jobs_per_gpu=settings.jobs_per_gpu)
        model = _trained(run, settings.runs[run], prepared, space, out).to(device)
        asked = prepared.asked_labels(model.conditional)
        subject = Subject(samples, capability(model, Likelihood), asked)
        torch.manual_seed(seed)
        kind, likelihoods = evaluation.likelihood_scores(model, prepared, space, drawn)
        generator = torch.Generator(device).manual_seed(machine.seed_of(entry.seed, run, "measure"))
        facts = {"parameters": model.free_parameters, "likelihood": kind}
        measures = evaluation.measures(model, splits_of(prepared, device), generator)
    compared = kind_of(prepared.card).compare(prepared, subject, drawn, extractor=extractor, seed=seed)
    scores = compared.scores | likelihoods
    record = {
        "run": run,
        "dataset": entry.dataset,
        "model": entry.model,
        "seed": entry.seed,
        "n": n,
        "held_out": held_out,
        "folds": folds.FOLDS,
        **facts,
        "measures": {**compared.measures, **measures},
        "scores": {name: score.estimate.as_dict() for name, score in scores.items()},
        **compared.facts,
    }
    replicates = npz_bytes({name: score.replicates for name, score in scores.items()})
    write_all(out, {"metrics.json": json_bytes(record), "replicates.npz": replicates})


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
        from genbench.drawing import tiles as pictures
        from genbench.extractors.build import build
        from genbench.foreign import images
        from genbench.foreign import score as scoring
        from genbench.runtime import machine
        from genbench.storage.files import json_bytes, write_all

    if out.suffix != ".json":
        raise InputError(f"{out}: expected a name that ends in .json")
    machine.make_deterministic(threads=threads)
    mine = images.read(samples, "samples", size=size, levels=levels)
    seen = images.read(train, "train", size=size, levels=levels, least=4)
    unseen = images.read(held_out, "held_out", size=size, levels=levels)
    images.alike(mine, seen, unseen)
    images.apart(seen, unseen)
    if device not in DEVICES:
        raise InputError(f"device: got {device!r}; expected auto, cpu or cuda")
    place = str(machine.pick_device(device))
    extract = build(extractor, train=seen.images, weights=weights, device=place)
    record = scoring.score(mine, seen, unseen, extract, seed=seed, shift=shift, resized_to=size)
    picture = scoring.figure(record, mine.images, seen.images, columns=CLOSEST)
    write_all(out.parent, {out.name: json_bytes(record), out.with_suffix(".png").name: pictures.png(picture)})
    typer.echo(scoring.table(record))
    typer.echo(f"\n{out}, {out.with_suffix('.png')}")


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
    from genbench.data.parts.mesh_tokens import Mesh, unpacked
    from genbench.data.parts.obj import to_obj
    from genbench.data.prepared import load as load_data
    from genbench.storage.files import write_all

    prepared = load_data(data)
    if prepared.card["kind"] != "mesh":
        raise InputError(f"{data}: holds data of kind {prepared.card['kind']!r}; expected meshes")
    bits = prepared.card["bits"]
    found = unpacked(_samples(samples, prepared)[:count], bits=bits)
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


@app.command(epilog="Example: genbench report --out results/report")
def report(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("results/report"),
    study: Annotated[list[Path] | None, typer.Option(help="Scores of a human study; repeatable.")] = None,
    params: ParamsFile = PARAMS,
) -> None:
    """Write the comparison: one self-contained page, and its headline table as csv, markdown and LaTeX."""
    from genbench.report import render
    from genbench.storage.files import write_all

    runs, datasets = _results(params)
    write_all(out, render(runs, _with_studies(datasets, study or [])))


@app.command(epilog="Example: genbench show")
def show(params: ParamsFile = PARAMS) -> None:
    """Print the headline table and where the report is."""
    from genbench.report import terminal_table

    runs, _ = _results(params)
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
        str | None, typer.Option(help="dvc or snakemake; default: the one that did not build the results.")
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

    if against is not None:
        found = verification.against(Path.cwd(), against, tolerance=tolerance)
        typer.echo(
            "\n".join([*found.outside, f"{found.scores} scores of {found.runs} runs compared with {against}"])
        )
        typer.echo(f"{len(found.outside)} disagree" if found.outside else "all agree")
        raise typer.Exit(bool(found.outside))
    if engine not in (None, "dvc", "snakemake"):
        raise InputError(f"--engine: got {engine!r}; expected dvc or snakemake")
    result = verification.verify(Path.cwd(), targets or [], engine=engine)  # type: ignore[arg-type]
    built = f"{result.files} files of {result.stages} stages, rebuilt with {result.engine} in a clean copy"
    if not result.findings:
        typer.echo(f"bit-identical: {built}")
        return
    first = result.findings[0]
    typer.echo(f"NOT bit-identical: {len(result.findings)} of {built}")
    typer.echo(f"first: stage {first.stage}, {first.file}: {first.how}")
    typer.echo(
        f"here: {result.hint}"
        if result.hint
        else "the records here show no reason: same code, parameters, inputs"
    )
    raise typer.Exit(1)


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
    from genbench import study as human
    from genbench.data.prepared import load as load_data
    from genbench.params.schema import load
    from genbench.storage.files import write_all

    if seconds is not None and not 0.05 <= seconds <= 3600:
        raise InputError(f"--seconds: got {seconds:g}; expected between 0.05 and 3600")
    name, judged = _judged_runs(load(params), params, runs, dataset)
    prepared = load_data(Path("data") / f"{name}.safetensors")
    samples = {run: _samples(Path("results/runs") / run, prepared) for run in judged}
    source = human.Source(name, prepared.held_out.x, prepared.train.x, prepared.levels, prepared.sha256)
    page, key = human.build(source, samples, per_run=per_run, seed=seed, seconds=seconds)
    key_path = out.with_suffix(".key.json")
    write_all(out.parent, {out.name: page, key_path.name: key})
    typer.echo(f"{2 * per_run * len(judged)} images, half of them real, the rest from {', '.join(judged)}")
    typer.echo(f"Page to give to raters: {out}\nKey, not to give to anyone: {key_path}")


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
    from genbench import study as human
    from genbench.storage.files import json_bytes, read_bytes, write_all

    truth = human.parse(read_bytes(key, what="the key"), human.Key, key, what="a study's key")
    record = human.score(truth, _answers([*answers, *(more or [])]))
    write_all(out.parent, {out.name: json_bytes(record.model_dump(mode="json"))})
    typer.echo(human.summary(record))


def main() -> None:
    """The console script: one clear line for what the user can mend, and exit code 1."""
    # Set before NumPy is loaded, or it is too late: with other thread counts its products differ in the last bits,
    # and each engine sets its own (so nothing that this module imports at its top may import NumPy).
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = (
        ":4096:8"  # without it, matrix products on a GPU are not deterministic
    )
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


def _load_run(run: str, data: Path, path: Path) -> "tuple[Params, Run, Prepared, Space]":
    """Validated parameters, the run's entry, its dataset, its space; the thread count is set on the way."""
    from genbench.core import space_of
    from genbench.params.schema import load, pick

    settings = load(path)
    entry = pick(settings.runs, run, "runs", path)
    prepared = _data_of(run, entry, data)
    return settings, entry, prepared, space_of(prepared.card)


def _data_of(run: str, entry: "Run | External", data: Path) -> "Prepared":
    """The dataset that the entry is on; its thread count is set on the way."""
    from genbench.data.prepared import load as load_data
    from genbench.runtime.machine import make_deterministic

    prepared = load_data(data)
    if prepared.card["name"] != entry.dataset:
        raise InputError(
            f"{data}: holds dataset {prepared.card['name']!r}; run {run} expects {entry.dataset!r}"
        )
    make_deterministic(threads=entry.threads)
    return prepared


def _build(run: str, entry: "Run", space: "Space") -> "GenerativeModel":
    from genbench.models.build import build

    return build(run, entry, space)


def _about(run: str, entry: "Run", prepared: "Prepared") -> dict[str, Any]:
    """What weights belong to: the whole entry and the very file of data they were trained on."""
    return {"run": run, "model": entry.model, "entry": entry.model_dump(mode="json"), "data": prepared.sha256}


def _trained(run: str, entry: "Run", prepared: "Prepared", space: "Space", folder: Path) -> "GenerativeModel":
    from genbench.storage.weights import load_state, read_weights

    path = folder / "model.safetensors"
    tensors, _ = read_weights(path, expected=_about(run, entry, prepared))
    model = _build(run, entry, space)
    load_state(model, tensors, source=str(path))
    return model.eval()


def _samples(folder: Path, prepared: "Prepared") -> Any:
    """The samples of a run, checked against its dataset: (n, *shape), stored as its elements are."""
    from genbench.storage.files import read_npz

    path = folder / "samples.npz"
    arrays = read_npz(path, what="the samples")
    problem = prepared.misfit(arrays.get("x"))
    if problem:
        raise InputError(f"{path}: array 'x' {problem}")
    return arrays["x"]


def _code_hash(model: str) -> str:
    """One hash over the source files that training runs: a checkpoint left by other code is not resumed."""
    from genbench.params.schema import PACKAGE
    from genbench.storage.files import sha256_of_files

    names = ("batches", "capabilities", "core", "execution", "parallel", "training", "watching")
    shared = [PACKAGE / f"{name}.py" for name in names]
    shared += sorted((PACKAGE / "nn").glob("*.py"))
    return sha256_of_files([PACKAGE / "models" / f"{model}.py", *shared])


def _judged_runs(
    settings: "Params", path: Path, runs: str | None, dataset: str | None
) -> tuple[str, list[str]]:
    """The dataset of a study and its runs: those named, or every run on it that is no control."""
    from genbench.params.schema import pick

    if runs is None:
        if dataset is None and len(settings.datasets) > 1:
            raise InputError(f"--dataset: not given; expected one of {', '.join(settings.datasets)}")
        name = dataset or next(iter(settings.datasets))
        pick(settings.datasets, name, "datasets", path)
        found = [
            run for run, entry in settings.runs.items() if entry.dataset == name and entry.control is None
        ]
        return name, found
    names = list(dict.fromkeys(run.strip() for run in runs.split(",") if run.strip()))
    entries = {run: pick(settings.runs, run, "runs", path) for run in names}
    name = dataset or next((entry.dataset for entry in entries.values()), "")
    for run, entry in entries.items():
        if entry.dataset != name:
            raise InputError(
                f"--runs: {run} is on {entry.dataset}, the study on {name}; expected runs of one dataset"
            )
        if entry.control == "real":
            raise InputError(f"--runs: {run} is real images, which every study shows; expected other runs")
    if not names:
        raise InputError(f"--runs: got {runs!r}; expected names of runs with commas between")
    pick(settings.datasets, name, "datasets", path)
    return name, names


def _answers(paths: list[Path]) -> "list[tuple[Path, Answers]]":
    """Every rater's file, of folders all *.json."""
    from genbench.storage.files import read_bytes
    from genbench.study import Answers, parse

    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: holds no .json file; expected the files that raters saved")
        files += inside
    return [
        (path, parse(read_bytes(path, what="the answers"), Answers, path, what="a rater's answers"))
        for path in files
    ]


def _with_studies(datasets: "list[DatasetResult]", paths: list[Path]) -> "list[DatasetResult]":
    """The datasets with the human studies of each, in the order given."""
    from genbench.storage.files import read_bytes
    from genbench.study import Score, parse

    found: dict[str, list[dict[str, Any]]] = {dataset.name: [] for dataset in datasets}
    for path in paths:
        score = parse(read_bytes(path, what="the study's scores"), Score, path, what="a study's scores")
        if score.dataset not in found:
            raise InputError(
                f"{path}: a study of {score.dataset!r}; expected one of {', '.join(found)}, the report's datasets"
            )
        found[score.dataset].append(score.model_dump(mode="json"))
    return [dataset._replace(studies=tuple(found[dataset.name])) for dataset in datasets]


def _results(path: Path) -> "tuple[list[RunResult], list[DatasetResult]]":
    """Everything the report is made of, in the order of the parameters."""
    import io

    import pandas as pd

    from genbench.data.prepared import load as load_data
    from genbench.params.schema import load
    from genbench.report import DatasetResult, RunResult
    from genbench.storage.files import read_bytes, read_json, read_npz, sha256

    settings = load(path)
    runs: list[RunResult] = []
    for name, entry in settings.rows.items():
        folder = Path("results/runs") / name
        metrics = read_json(folder / "metrics.json", what="the scores")
        trained = name in settings.runs
        curve = (
            read_bytes(folder / "curve.csv", what="the training curve")
            if trained
            else b"step,phase,objective,loss"
        )
        weights = read_bytes(folder / "model.safetensors", what="the weights") if trained else None
        runs.append(
            RunResult(
                name=name,
                entry={**entry.model_dump(mode="json"), "model": entry.model},
                metrics=metrics,
                novelty=read_json(folder / "novelty.json", what="the novelty record"),
                curve=pd.read_csv(io.BytesIO(curve)),
                samples=read_npz(folder / "samples.npz", what="the samples"),
                frames=read_npz(folder / "frames.npz", what="the frames") if trained else {},
                grid=read_bytes(folder / "grid.png", what="the sample grid"),
                nearest=read_bytes(folder / "nearest.png", what="the closest pairs"),
                replicates=read_npz(folder / "replicates.npz", what="the bootstrap replicates"),
                weights_sha256=sha256(weights) if weights is not None else None,
                parameters=metrics["parameters"],
            )
        )
    datasets = []
    for name in settings.datasets:
        prepared = load_data(Path("data") / f"{name}.safetensors")
        datasets.append(
            DatasetResult(
                name=name,
                card=prepared.card | {"sha256": prepared.sha256},
                extractor=read_json(Path("results/extractors") / f"{name}.json", what="the extractor's card"),
                examples=prepared.held_out.x[:1000],
            )
        )
    return runs, datasets


if __name__ == "__main__":
    main()
