"""The command line of each stage under DVC, which Snakemake and a receipt spell out.

DVC gives `cmd` to a shell, and a name of params.yaml could hold what a shell obeys.  So dvc.yaml says `genbench train`
and no more: which run that is stands in the environment variable that DVC sets for each stage, DVC_STAGE, and is looked
up in the parameters after they have been checked.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from genbench.engines import entries
from genbench.params.schema import Params, load
from genbench.provenance.fingerprints import STAGES
from genbench.storage.files import LEDGER

DVC_STAGE = "DVC_STAGE"
RUN = "--run {name} --data data/{dataset}.safetensors --out results/runs/{name}"
REFERENCE = "--reference results/references/{dataset}.safetensors"
OPTIONS = {  # of a stage that exists once for each run or dataset
    "prepare": "--dataset {name} --out data/{name}.safetensors",
    "extractor": "--data data/{name}.safetensors --out results/extractors/{name}.safetensors",
    "reference": "--data data/{name}.safetensors --extractor results/extractors/{name}.safetensors"
    " --out results/references/{name}.safetensors",
    "train": RUN,
    "sample": RUN,
    "import": RUN,
    "novelty": f"{RUN} {REFERENCE}",
    "evaluate": "--run {name} --data data/{dataset}.safetensors"
    " --extractor results/extractors/{dataset}.safetensors --out results/runs/{name}"
    f" {REFERENCE}",
}


def whole(arguments: Sequence[str], params: Path) -> list[str]:
    """The arguments of this process, with the options that dvc.yaml leaves out.

    Raises:
        InputError: DVC has started this stage, and the parameters have a mistake, e.g. a name that is none, or are not
            those by which DVC has judged the stage.
    """
    stage, found = os.environ.get(DVC_STAGE, ""), list(arguments)
    if not stage or not found or found[0] not in STAGES:
        return found
    settings = load(params)
    if len(found) == 1:
        found = completed(found[0], stage, settings).split()
    entries.refuse_others(found, LEDGER.params)
    return found


def completed(command: str, stage: str, params: Params) -> str:
    """`train` of the stage `stages/train/dvc.yaml:train@digits-vae` -> `train --run digits-vae --data …`.

    A command with options of its own, or of a stage that exists only once, stays as it is.
    """
    group, _, name = stage.rpartition(":")[2].partition("@")
    if command != group or group not in OPTIONS:
        return command
    entry = params.rows.get(name)
    return f"{group} {OPTIONS[group].format(name=name, dataset=entry.dataset if entry else name)}"
