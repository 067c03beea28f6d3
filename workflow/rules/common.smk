from pathlib import Path

from genbench.files import InputError
from genbench.params import validate

# A typo stops everything here, before an earlier result is touched.
PARAMS = workflow.configfiles[-1] if workflow.configfiles else "params.yaml"
try:
    validate(dict(config), Path(PARAMS))
except InputError as error:
    raise WorkflowError(str(error))

RUNS = config["runs"]
DATASETS = config["datasets"]
SOURCE = "src/genbench"


wildcard_constraints:
    run="|".join(RUNS),
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


def data_file(wildcards):
    return f"data/{RUNS[wildcards.run]['dataset']}.safetensors"


def extractor_file(wildcards):
    return f"results/extractors/{RUNS[wildcards.run]['dataset']}.safetensors"


def threads_of(wildcards):
    return RUNS[wildcards.run].get("threads", 1)
