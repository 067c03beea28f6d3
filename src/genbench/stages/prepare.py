"""Stage `prepare`: one prepared dataset, with its splits and a card of where it comes from."""

from pathlib import Path

from genbench.data.prepared import pieces
from genbench.params.schema import load, pick
from genbench.storage.files import InputError, write_all


def run(dataset: str, out: Path, params: Path) -> None:
    entry = pick(load(params).datasets, dataset, "datasets", params)
    try:
        content = pieces(dataset, entry)
    except InputError as error:
        raise InputError(f"{params}: datasets.{dataset}: {error}") from error
    write_all(out.parent, {out.name: content})
