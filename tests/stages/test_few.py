"""The fewest elements that are accepted are enough for every score; fewer are refused before anything is trained."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import EXTRACTOR

from genbench.data.prepared import LEAST, LEAST_SAMPLES, load, pieces
from genbench.kinds.comparison import Subject, comparison_of
from genbench.kinds.distance import distance_of
from genbench.params.schema import Dataset
from genbench.scoring import audit
from genbench.scoring.resampling import draws
from genbench.storage.files import InputError


def test_the_fewest_are_scored(built: Path) -> None:
    whole = load(built / "data/bits.safetensors")
    prepared = whole._replace(held_out=whole.held_out.take(np.arange(LEAST)))
    samples = whole.train.x[:LEAST_SAMPLES]
    distance = distance_of(prepared.card)
    drawn = draws(LEAST, LEAST_SAMPLES, real_seed=0, fake_seed=1)
    found = comparison_of(prepared.card)(
        prepared, Subject(samples), drawn, extractor=built / EXTRACTOR, seed=0
    )
    vectors = partial(distance.vectors, card=prepared.card)
    novelty = audit.novelty(prepared, samples, vectors=vectors, distance=distance.words, seed=0)
    assert "fid" in found.scores and "copy_rate" in novelty["scores"]


@pytest.mark.parametrize("left", [1, LEAST - 1])
def test_fewer_held_out_elements_are_refused(left: int) -> None:
    entry = Dataset.model_validate({"source": "digits", "train": 1797 - left})
    with pytest.raises(InputError, match=f"held_out: got {left} elements; expected at least {LEAST}"):
        pieces("digits", entry)


@pytest.mark.parametrize("n", [2, LEAST_SAMPLES - 1])
def test_fewer_samples_are_refused(built: Path, n: int) -> None:
    prepared = load(built / "data/bits.safetensors")
    assert f"n at least {LEAST_SAMPLES}" in (prepared.misfit(prepared.train.x[:n]) or "")
    assert prepared.misfit(prepared.train.x[:LEAST_SAMPLES]) is None
