"""Stage `novelty`: are the samples new?  Distances to the training data, calibrated on held-out data."""

from functools import partial
from pathlib import Path

from genbench.data.prepared import load as load_data
from genbench.data.reference import load as load_reference
from genbench.data.samples import samples_in
from genbench.drawing import tiles
from genbench.kinds.distance import TO_TRAIN, distance_of
from genbench.kinds.drawing import drawing_of
from genbench.params.schema import load, pick
from genbench.scoring import audit, byte_products
from genbench.scoring.held_out import SEED
from genbench.storage.files import json_bytes, write_all

CLOSEST = 12  # pairs that are drawn


def run(run: str, data: Path, out: Path, params: Path, reference: Path | None = None) -> None:
    pick(load(params).rows, run, "runs", params)
    prepared = load_data(data)
    samples = samples_in(out, prepared)
    distance = distance_of(prepared.card)
    known = None if reference is None else load_reference(reference, prepared).of(TO_TRAIN)
    vectors, images = (partial(of, card=prepared.card) for of in (distance.vectors, distance.images))
    with byte_products.every_instruction():
        record = audit.novelty(
            prepared, samples, vectors=vectors, distance=distance.words, seed=SEED, images=images, known=known
        )
    closest = record["pairs"][:CLOSEST]
    picture = drawing_of(prepared.card).pairs(
        samples.take([pair["sample"] for pair in closest], axis=0),
        prepared.train.x.take([pair["train"] for pair in closest], axis=0),
        [pair["flagged"] for pair in closest],
        prepared.card,
    )
    record = {"run": run, "dataset": prepared.card["name"], **record}
    write_all(out, {"novelty.json": json_bytes(record), "nearest.png": tiles.png(picture)})
