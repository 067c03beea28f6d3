import os
import sys
from pathlib import Path

from genbench.engines.durations import priorities
from genbench.engines.failures import table
from genbench.engines.snakemake import parameters
from genbench.engines.unproven import say_unproven
from genbench.provenance.fingerprints import refresh
from genbench.provenance.receipts import refuse_other_code
from genbench.runtime import gpus, warm
from genbench.storage.files import InputError

# Reading the graph and comparing it with what is there takes seconds, without a word of Snakemake's.
if workflow.is_main_process:
    print(
        "genbench: looking at what is up to date; what running stages say: tail -F results/logs/*/*.log",
        file=sys.stderr,
        flush=True,
    )

# A typo stops everything here, before an earlier result is touched.
try:
    refuse_other_code()
    CONTENT, SETTINGS = parameters(config, Path("params.yaml"))
    # Jobs refuse to run other code than this (see genbench.provenance); those on other machines read it as it was written.
    os.environ |= {"GENBENCH_SNAKEMAKE": "1"}
    if workflow.is_main_process:
        refresh(CONTENT)
        UNPROVEN = say_unproven(Path(), CONTENT)
except InputError as error:
    raise WorkflowError(str(error))
if workflow.is_main_process:
    for warning in SETTINGS.warnings.values():
        print(f"genbench: warning: params.yaml: {warning}", file=sys.stderr)

RUNS = CONTENT["runs"]
EXTERNAL = CONTENT["external"]  # samples made elsewhere, which nothing here trains
ROWS = {**RUNS, **EXTERNAL}
DATASETS = CONTENT["datasets"]
CODE = "results/code"
# The longest trainings start first: what is left at the end is short.
PRIORITIES = priorities(Path(), CONTENT)


wildcard_constraints:
    run="|".join(ROWS),
    dataset="|".join(DATASETS),


def code_of(stage, *more):
    """The code that a job depends on, the closures of the stage and of what it loads by name."""
    return [f"{CODE}/stages/{stage}.json", *(f"{CODE}/{place}.json" for place in more)]


def source_code(wildcards):
    """The code of a dataset's source.

    Every graph has a job that asks for it, before Snakemake decides what to run: here it is told what to make again
    whatever its own records say.
    """
    if workflow.is_main_process:
        workflow.dag.forcefiles.update(UNPROVEN)
    return f"{CODE}/data/{wildcards.dataset}.json"


def model_code(wildcards):
    """The code of a run's model; samples made elsewhere come without one."""
    return (
        [f"{CODE}/models/{RUNS[wildcards.run]['model']}.json"]
        if wildcards.run in RUNS
        else []
    )


def kind_code(*parts):
    """The code of these parts of the kind of data that a run is on."""

    def places(wildcards):
        dataset = ROWS[wildcards.run]["dataset"]
        return [f"{CODE}/kinds/{part}/{dataset}.json" for part in parts]

    return places


def trained_files(wildcards):
    """What scores of the model and of its training need; samples made elsewhere come without either."""
    folder = f"results/runs/{wildcards.run}"
    return (
        [f"{folder}/model.safetensors", f"{folder}/followed.npz"]
        if wildcards.run in RUNS
        else []
    )


def data_file(wildcards):
    return f"data/{ROWS[wildcards.run]['dataset']}.safetensors"


def extractor_file(wildcards):
    return f"results/extractors/{ROWS[wildcards.run]['dataset']}.safetensors"


def reference_file(wildcards):
    return f"results/references/{ROWS[wildcards.run]['dataset']}.safetensors"


def threads_of(wildcards):
    return ROWS[wildcards.run].get("threads", 1)


def threads_of_training(wildcards):
    return threads_of(wildcards) * ROWS[wildcards.run].get("processes", 1)


def gpus_of(wildcards):
    """How many GPUs a stage of a run needs.  Whether `auto` is one is decided where the build is started."""
    if wildcards.run in EXTERNAL or SETTINGS.device == "cpu":
        return 0
    return 1 if SETTINGS.device != "auto" or gpus.visible() else 0


def gpus_of_training(wildcards):
    return gpus_of(wildcards) * ROWS[wildcards.run].get("processes", 1)


# The profile gives the number of GPUs here, and stages that may share one take it together.  On a cluster the
# scheduler counts them, not the machine that the jobs are sent from.
if workflow.is_main_process and "gpu" in workflow.global_resources:
    workflow.register_resource(
        "gpu",
        (
            workflow.global_resources["gpu"].value * SETTINGS.jobs_per_gpu
            if workflow.local_exec
            else sys.maxsize
        ),
    )
