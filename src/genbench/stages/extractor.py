"""Stage `extractor`: what gives the features of a dataset, and a card beside it."""

from pathlib import Path

from genbench.data.prepared import load as load_data
from genbench.kinds.extractor import extractor_of
from genbench.params.schema import load
from genbench.runtime.machine import make_deterministic, optimize_without_compiler
from genbench.storage.files import json_bytes, write_all


def run(data: Path, out: Path, params: Path) -> None:
    settings = load(params).extractor
    make_deterministic(threads=settings.threads)
    optimize_without_compiler()
    prepared = load_data(data)
    weights, card = extractor_of(prepared.card)(prepared, settings)
    write_all(out.parent, {out.name: weights, out.with_suffix(".json").name: json_bytes(card)})
