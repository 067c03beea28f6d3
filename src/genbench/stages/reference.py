"""Stage `reference`: what every run on a dataset would compute again of the dataset and its extractor alone."""

from pathlib import Path

from genbench.data.prepared import load as load_data
from genbench.data.reference import pieces
from genbench.kinds.reference import reference_of
from genbench.params.schema import load
from genbench.runtime.machine import make_deterministic
from genbench.storage.files import read_hash, write_all


def run(data: Path, extractor: Path, out: Path, params: Path) -> None:
    make_deterministic(threads=load(params).extractor.threads)
    prepared = load_data(data)
    known = reference_of(prepared.card)(prepared, extractor)
    digest = read_hash(extractor, what="the extractor")
    write_all(out.parent, {out.name: pieces(known, prepared, digest)})
