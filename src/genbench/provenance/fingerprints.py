"""The code that results depend on, as small files that both engines watch: `results/code/`.

One file for every stage, model, dataset and part of a kind of data, each the import closure of what is loaded by that
name:

    stages/<stage>.json    models/<model>.json    data/<dataset>.json, its source
    kinds/{extractor,reference,distance,drawing,comparison}/<dataset>.json, the parts of its kind

A file is written only where it changes, so that an edit makes stale exactly what can reach it.
"""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from genbench.params.signatures import model_names, source_kind, sources_of
from genbench.provenance.closure import Closure, closure, difference
from genbench.provenance.remembered import Remembered
from genbench.provenance.sources import PACKAGE
from genbench.storage.files import InputError, json_bytes, md5, write_changed, write_only

FOLDER = Path("results/code")
STAGES = {  # of a stage's command, the file that holds it
    "prepare": "prepare",
    "extractor": "extractor",
    "reference": "reference",
    "train": "train",
    "sample": "sample",
    "import": "import_samples",
    "novelty": "novelty",
    "evaluate": "evaluate",
    "report": "report",
}
LOADED = {  # of a stage, the parts of a kind of data that it loads by name: where it imports `kinds/<part>.py`
    "extractor": ("extractor",),
    "reference": ("reference",),
    "sample": ("drawing",),
    "import": ("drawing",),
    "novelty": ("distance", "drawing"),
    "evaluate": ("comparison",),
    "report": ("drawing",),
}

ENVIRONMENT = PACKAGE / "runtime/environment.py"  # run before every stage: what is computed depends on it

Params = Mapping[str, Any]


def places(params: Params) -> dict[str, tuple[Path, ...]]:
    """Every fingerprint by its place under `results/code`, with the files whose closure it is."""
    found: dict[str, tuple[Path, ...]] = {
        _stage(name): (PACKAGE / "stages" / f"{file}.py", ENVIRONMENT) for name, file in STAGES.items()
    }
    found |= {f"models/{name}.json": (PACKAGE / "models" / f"{name}.py",) for name in model_names()}
    for name, entry in params["datasets"].items():
        sources = sources_of(entry["source"], entry)
        found[f"data/{name}.json"] = tuple(PACKAGE / "data/sources" / f"{source}.py" for source in sources)
        kind = PACKAGE / "kinds" / source_kind(entry["source"], entry)
        found |= {_kind(name, part): (kind / f"{part}.py",) for part in sorted({*chain(*LOADED.values())})}
    return found


def refresh(params: Params, folder: Path = FOLDER) -> None:
    """Bring all fingerprints up to date; those of nothing that is there any more are removed."""
    known = Remembered()
    wanted = {folder / place: _bytes(known[roots]) for place, roots in places(params).items()}
    known.keep()
    write_only(folder, wanted)


def needed(stage: str, params: Params, *, run: str = "", dataset: str = "") -> list[str]:
    """The fingerprints that a stage depends on, by their places.

    Raises:
        KeyError: the parameters have no such run or dataset.
    """
    found, parts = [_stage(stage)], LOADED.get(stage, ())
    if stage == "report":
        return found + [_kind(name, part) for part in parts for name in params["datasets"]]
    if stage == "prepare":
        return [*found, f"data/{dataset}.json"]
    if run:
        entry: Mapping[str, Any] = {**params["runs"], **(params.get("external") or {})}[run]
        dataset = entry["dataset"]
        if stage in ("train", "sample", "evaluate") and "model" in entry:
            found.append(f"models/{entry['model']}.json")
    return found + [_kind(dataset, part) for part in parts if dataset]


def of(needs: list[str], params: Params) -> dict[str, Closure]:
    """The closures of these fingerprints as the package that runs has them, by place."""
    roots, known = places(params), Remembered()
    found = {place: known[roots[place]] for place in needs}
    known.keep()
    return found


def settle(place: str, code: Closure, *, refuse: bool) -> None:
    """Write one fingerprint, or, where an engine is at work, which has looked at it already, refuse to change it.

    Raises:
        InputError: code or packages have changed since the engine was started.
    """
    path = FOLDER / place
    if not refuse:
        write_changed(path, _bytes(code))
        return
    if path.is_file() and path.read_bytes() == _bytes(code):
        return
    known = read(FOLDER, [place]) if path.is_file() else {}
    what = difference(known, code.files | code.packages, began="this build was started with")
    raise InputError(f"{what}; expected one and the same code for a whole build; start it again")


def read(folder: Path, needs: list[str]) -> dict[str, str]:
    """Hashes and versions in these fingerprints as they stand in a workspace, in one."""
    found: dict[str, str] = {}
    for place in needs:
        content = json.loads((folder / place).read_bytes())
        found |= content["files"] | content["packages"]
    return found


def training_fingerprint(model: str) -> str:
    """One hash of the code and packages that a training runs with: a checkpoint of another is not resumed."""
    code = closure([PACKAGE / "stages/train.py", PACKAGE / "models" / f"{model}.py", ENVIRONMENT])
    return md5(_bytes(code))


def _bytes(code: Closure) -> bytes:
    return json_bytes(code._asdict())


def _stage(name: str) -> str:
    return f"stages/{name}.json"


def _kind(dataset: str, part: str) -> str:
    return f"kinds/{part}/{dataset}.json"
