import sys
from pathlib import Path

from genbench import gpus
from genbench.engines.failures import table
from genbench.files import InputError
from genbench.params import read, validate

# A typo stops everything here, before an earlier result is touched.
PARAMS = Path("params.yaml")
try:
    SETTINGS = validate(dict(config), PARAMS)
    if dict(config) != read(PARAMS):
        raise InputError(
            f"{PARAMS.absolute()}: other values stand on the command line, but every stage reads this file; "
            "expected --configfile with a file of that name, or a change of the file itself"
        )
except InputError as error:
    raise WorkflowError(str(error))

RUNS = config["runs"]
EXTERNAL = config["external"]  # samples made elsewhere, which nothing here trains
ROWS = {**RUNS, **EXTERNAL}
DATASETS = config["datasets"]
SOURCE = "src/genbench"


wildcard_constraints:
    run="|".join(ROWS),
    dataset="|".join(DATASETS),


def python_files(*folders):
    """The source files of packages, which stand as one directory each in dvc.yaml."""
    return sorted(
        path.as_posix()
        for folder in folders
        for path in Path(SOURCE, folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def model_file(wildcards):
    return f"{SOURCE}/models/{RUNS[wildcards.run]['model']}.py"


def source_file(wildcards):
    return f"{SOURCE}/data/{DATASETS[wildcards.dataset]['source']}.py"


def weights_file(wildcards):
    """What a score of the model itself needs; samples made elsewhere come without a model."""
    return (
        [
            model_file(wildcards),
            f"results/runs/{wildcards.run}/model.safetensors",
            f"{SOURCE}/capabilities.py",
            f"{SOURCE}/core.py",
            *python_files("nn"),
        ]
        if wildcards.run in RUNS
        else []
    )


def data_file(wildcards):
    return f"data/{ROWS[wildcards.run]['dataset']}.safetensors"


def extractor_file(wildcards):
    return f"results/extractors/{ROWS[wildcards.run]['dataset']}.safetensors"


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
