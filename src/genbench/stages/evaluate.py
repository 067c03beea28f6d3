"""Stage `evaluate`: samples against held-out data, and what else the model can: likelihood, measures of its own.

The bootstrap replicates beside the scores let the report compare two runs on the same resamplings.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genbench.capabilities import Likelihood, ScoreField, capability
from genbench.core import space_of
from genbench.data.reference import load as load_reference
from genbench.data.samples import samples_in
from genbench.kinds.comparison import Subject, comparison_of, united
from genbench.params.schema import load, pick
from genbench.runtime import machine
from genbench.scoring.catalogue import LAST, SCORES
from genbench.scoring.likelihoods import likelihood_scores, tightness
from genbench.scoring.measures import measures
from genbench.scoring.resampling import FOLDS, Scored, draws, replicates_of
from genbench.stages.inputs import dataset_of
from genbench.stages.trained import fresh, trained
from genbench.storage.files import json_bytes, npz_bytes, read_hash, read_npz, write_all
from genbench.training.batches import splits_of

SHOWN = 5  # scores of a run in its summary


def run(
    run: str, data: Path, extractor: Path, out: Path, params: Path, reference: Path | None = None
) -> None:
    settings = load(params)
    entry = pick(settings.rows, run, "runs", params)
    prepared = dataset_of(run, entry, data)
    machine.make_deterministic(threads=entry.threads)
    samples = samples_in(out, prepared)
    digest = read_hash(extractor, what="the extractor")
    known = None if reference is None else load_reference(reference, prepared, digest)
    if len(prepared.train.x) < prepared.card["counts"]["train"]:
        known = None  # it is of the whole training set, and this run has half of it
    seed = machine.seed_of(entry.seed, run, "evaluate")
    n, held_out = len(samples), len(prepared.held_out.x)
    shared_seed = machine.seed_of(entry.dataset, "resamplings")
    drawn = draws(held_out, n, real_seed=shared_seed, fake_seed=seed)
    subject = Subject(samples)
    facts: dict[str, Any] = {"parameters": None, "likelihood": None, "tightness": None}
    own: dict[str, Any] = {}
    likelihoods: dict[str, Scored] = {}
    if run in settings.runs:
        space = space_of(prepared.card)
        device = machine.pick_device(settings.device, jobs_per_gpu=settings.jobs_per_gpu)
        model = trained(run, settings.runs[run], prepared, out).to(device)
        asked = prepared.asked_labels(model.conditional)
        subject = Subject(
            samples,
            capability(model, Likelihood),
            asked,
            capability(model, ScoreField),
            model,
            fresh(run, settings.runs[run], prepared).to(device),
            torch.Generator(device).manual_seed(machine.seed_of(entry.seed, run, "ask")),
            read_npz(out / "followed.npz", what="what the training kept"),
        )
        torch.manual_seed(seed)
        kind, likelihoods = likelihood_scores(model, prepared, space, drawn)
        rng = torch.Generator(device).manual_seed(machine.seed_of(entry.seed, run, "measure"))
        facts = {
            "parameters": model.free_parameters,
            "likelihood": kind,
            "tightness": tightness(model, prepared, space),
            **({"weakness": model.weakness} if model.weakness else {}),
        }
        own = measures(model, splits_of(prepared, device), rng)
    compared = comparison_of(prepared.card)(
        prepared, subject, drawn, extractor=extractor, seed=seed, known=known
    )
    scores = united([compared.scores, likelihoods])
    record = {
        "run": run,
        "dataset": entry.dataset,
        "model": entry.model,
        "seed": entry.seed,
        "n": n,
        "held_out": held_out,
        "folds": FOLDS,
        **facts,
        "measures": {title: found.as_dict() for title, found in {**compared.measures, **own}.items()},
        "scores": {name: score.estimate.as_dict() for name, score in scores.items()},
        **compared.facts,
    }
    contents = {
        "metrics.json": json_bytes(record),
        "summary.json": json_bytes(_summary(record["scores"])),
        "replicates.npz": npz_bytes(replicates_of(scores)),
    }
    write_all(out, contents)


def _summary(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, float | None]:
    """The few values that `dvc metrics` shows of a run: those that a narrow table shows first."""
    first = [name for name in scores if name in SCORES and SCORES[name].rank < LAST]
    return {name: scores[name]["value"] for name in sorted(first, key=lambda name: SCORES[name].rank)[:SHOWN]}
