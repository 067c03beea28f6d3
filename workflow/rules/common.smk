from pathlib import Path

from genbench.files import InputError
from genbench.params import read, validate

# A typo stops everything here, before an earlier result is touched.
PARAMS = Path("params.yaml")
try:
    validate(dict(config), PARAMS)
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
