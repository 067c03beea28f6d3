"""Entries of params.yaml as small files, one each: what DVC watches in place of the whole file.

Of a stage with `params: [runs.digits-vae]` DVC reads all of params.yaml, at 600 such stages 600 times: four fifths of
what `dvc status` took.  So its stage `code` writes

    results/params/runs/<run>.json    datasets/<dataset>.json    external/<name>.json    extractor.json
    results/params/runs.json          datasets.json              external.json           all of them, for the report

and a stage depends on its own.  A file is written only where its entry changes, so that DVC runs again what has
changed.  A stage of DVC refuses to run with other values than those files hold.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genbench.engines import leftovers
from genbench.provenance.command import Command
from genbench.storage.files import InputError, write_only

FOLDER = Path("results/params")
WHOLE = ("runs", "external", "datasets", "extractor")
BY_NAME = ("runs", "external", "datasets")


def refresh(params: Mapping[str, Any], root: Path = Path()) -> None:
    """Bring all of them up to date; those of entries that are gone are removed, what was made for them is hidden."""
    write_only(root / FOLDER, {root / place: content for place, content in contents(params).items()})
    leftovers.hide(params, root)


def contents(params: Mapping[str, Any]) -> dict[Path, bytes]:
    """Every file and what it holds."""
    found = {place_of(key): _bytes(params.get(key)) for key in WHOLE}
    for section in BY_NAME:
        for name, entry in (params.get(section) or {}).items():
            found[place_of(f"{section}.{name}")] = _bytes(entry)
    return found


def place_of(key: str) -> Path:
    """`runs.digits-vae` -> results/params/runs/digits-vae.json; names may have points, sections have none."""
    section, _, name = key.partition(".")
    return FOLDER / section / f"{name}.json" if name else FOLDER / f"{section}.json"


def key_of(place: str) -> str:
    """The key of the entry that a file holds; '' for a file that is none of these."""
    path = Path(place)
    if not path.is_relative_to(FOLDER) or path.suffix != ".json":
        return ""
    return ".".join(path.relative_to(FOLDER).with_suffix("").parts)


def refuse_others(arguments: Sequence[str], params: Mapping[str, Any]) -> None:
    """Raises InputError where a stage of DVC would run with other entries than those by which DVC has judged it."""
    command, wanted = Command(arguments), contents(params)
    for key in command.parameters():
        place = place_of(key)
        if place in wanted and (not place.is_file() or place.read_bytes() != wanted[place]):
            raise InputError(
                f"{command.params_file}: {key}: is not what {place} says; expected one and the same parameters for a "
                "whole build: start it again, or run genbench code before dvc repro --single-item"
            )


def _bytes(entry: Any) -> bytes:
    return (json.dumps(entry, indent=2, ensure_ascii=False, default=str) + "\n").encode()
