"""One audit: the benchmark's row and `genbench score` flag the same pictures of the same files, in bounded memory."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_score import blobs, disguise

from genbench.data.pixels import reduced
from genbench.data.prepared import Prepared
from genbench.data.source import Part
from genbench.extractors.pca_pixels import PcaPixels
from genbench.foreign import score as scoring
from genbench.foreign.images import ImageSet, read, samples_of
from genbench.foreign.table import table
from genbench.kinds.distance import distance_of
from genbench.scoring import audit, candidates, metrics, novelty
from genbench.scoring.metrics import kernel
from genbench.scoring.neighbours import ball_counts
from genbench.scoring.novelty import copying, memorisation

CARD = {
    "name": "blobs",
    "kind": "image",
    "levels": 256,
    "classes": 1,
    "range": [0, 255],
    "shape": [3, 16, 16],
}


def pictures(n: int, *, seed: int) -> np.ndarray:
    return reduced(blobs(n, seed=seed), 16)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, list[ImageSet]]:
    """The same files as a prepared dataset and as three sets: among the samples means of two training pictures."""
    folder = tmp_path_factory.mktemp("sets")
    train, held_out, samples = pictures(90, seed=1), pictures(230, seed=2), pictures(60, seed=3)
    one, other = np.random.default_rng(0).integers(0, 90, (2, 40))
    samples[:40] = (train[one].astype(int) + train[other] + 1) // 2
    samples[40:50] = [disguise(train[i], kind, i) for i, kind in enumerate(["shift", "bright"] * 5)]
    for name, x in (("train", train), ("held_out", held_out), ("samples", samples)):
        np.savez(folder / f"{name}.npz", x=x)
    parts = (Part(x, np.zeros(len(x), np.int64)) for x in (train, held_out))
    return Prepared(*parts, CARD, ""), [
        read(str(folder / f"{name}.npz"), name) for name in ("samples", "train", "held_out")
    ]


def test_both_flag_the_same_pictures(sets: tuple[Prepared, list[ImageSet]]) -> None:
    prepared, (samples, train, held_out) = sets
    distance = distance_of(CARD)
    row = audit.novelty(
        prepared,
        samples_of(samples.source, prepared),
        vectors=partial(distance.vectors, card=CARD),
        images=partial(distance.images, card=CARD),
        distance=distance.words,
        seed=0,
    )
    record = scoring.score(samples, train, held_out, PcaPixels(train.images), seed=0)
    mine = {pair["sample"]: pair for pair in row["pairs"] if pair["flagged"]}
    theirs = {pair["places"][0]: pair for pair in record["copies"]["pairs"] if pair["flagged"]}
    assert mine.keys() == theirs.keys() >= set(range(40, 50))
    assert all(mine[i]["view"] == theirs[i]["view"] for i in mine)
    assert all(
        (mine[i]["train"], mine[i]["distance"]) == (theirs[i]["places"][1], theirs[i]["ratio"]) for i in mine
    )
    assert row["scores"]["copy_rate"] == {
        key: value
        for key, value in record["novelty"]["copy_rate"].items()
        if key in row["scores"]["copy_rate"]
    }
    assert row["threshold"] == record["copies"]["threshold"]


def test_real_data_is_flagged_no_more_than_promised(sets: tuple[Prepared, list[ImageSet]]) -> None:
    """The control `real` gives the held-out pictures themselves."""
    _, (_, train, held_out) = sets
    found = audit.copies_of(train.images, held_out.images, held_out.images, seed=0)
    assert 0 < found.calibration.rate.value <= audit.QUANTILE


def test_a_set_too_long_for_features_is_cut_and_every_number_says_so(
    sets: tuple[Prepared, list[ImageSet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (samples, train, held_out) = sets
    monkeypatch.setattr(scoring, "FEATURES", 50)
    monkeypatch.setattr(scoring, "PAIRED", 30)
    record = scoring.score(samples, train, held_out, PcaPixels(train.images, components=8), seed=0)
    assert record["features_of"] == {"train": 50, "held_out": 50, "generated": 50}
    assert record["fidelity"]["fid"]["n"] == record["novelty"]["mifid"]["n"] == 50
    assert {record["fidelity"][name]["n"] for name in ("kid", "precision", "recall", "coverage")} == {30}
    assert record["novelty"]["copy_rate"]["n"] == record["novelty"]["birthday_support"]["n"] == 60
    said = table(record)
    for words in ("60 samples", "90 training images", "230 held-out images"):
        assert f"note: fidelity, FLD and MiFID are of 50 of {words}, drawn at random" in said
        assert f"balls (precision to coverage) are of 30 of {words}, drawn at random" in said


def test_a_long_list_of_flagged_pairs_is_cut(
    sets: tuple[Prepared, list[ImageSet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (samples, train, held_out) = sets
    found = audit.copies_of(train.images, held_out.images, samples.images, seed=0)
    monkeypatch.setattr(scoring, "LISTED", 2)
    monkeypatch.setattr(scoring, "MOST_LISTED", 4)
    assert found.calibration.flags.sum() > 4 == len(scoring.closest_pairs(found, samples, train))


def test_the_kernel_in_blocks_gives_the_same_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(70, 5)), rng.normal(size=(90, 5))
    draws = rng.multinomial(70, np.full(70, 1 / 70), 3), rng.multinomial(90, np.full(90, 1 / 90), 3)
    whole, replicates = metrics.kernel_distance(x, y), metrics.kernel_replicates(x, y, *draws)
    sizes, compute = [], kernel._cubed

    def watched(k: np.ndarray) -> np.ndarray:
        sizes.append(k.shape)
        return compute(k)

    monkeypatch.setattr(kernel, "BLOCK", 24)
    monkeypatch.setattr(kernel, "STRIP", 16)
    monkeypatch.setattr(kernel, "_cubed", watched)
    np.testing.assert_allclose(metrics.kernel_distance(x, y), whole, rtol=1e-9)
    for small, large in zip(metrics.kernel_replicates(x, y, *draws), replicates, strict=True):
        np.testing.assert_allclose(small, large, rtol=1e-9)
    assert max(a for a, _ in sizes[1:]) <= 24 and max(b for _, b in sizes[1:]) == 24


def test_equal_outputs_are_counted_by_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (60, 4)) * rng.choice([-0.0, 1.0], (60, 1))
    found = novelty.birthday_support(x)
    assert found.pairs == (ball_counts(x, np.zeros(60), x, closed=True).sum() - 60) // 2 > 100
    monkeypatch.setattr(memorisation, "ball_counts", None)  # every pair of 200,000 would take hours
    many = np.arange(200_000, dtype=np.uint32)[:, None].view(np.uint8)
    many[7] = many[9]
    assert novelty.birthday_support(many).pairs == 1


def test_principal_components_in_blocks_give_the_same_score(
    sets: tuple[Prepared, list[ImageSet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, (samples, train, held_out) = sets
    rows = [
        x.images.reshape(len(x.images), -1)[:, ::9] for x in (train, held_out, samples)
    ]  # fewer columns than rows
    whole = novelty.ct_score(*rows, components=6)
    monkeypatch.setattr(copying, "PART", 1000)
    np.testing.assert_allclose(novelty.ct_score(*rows, components=6), whole, rtol=1e-6)


def test_names_of_a_long_array_are_made_when_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.eye(4, dtype=np.uint8)[None].repeat(3, 0) * 255)
    names = read(str(tmp_path / "x.npy"), "samples").names
    assert list(names) == ["x[0]", "x[1]", "x[2]"] and names[-1] == "x[2]" and names[1:] == ["x[1]", "x[2]"]


@pytest.mark.parametrize(("count", "bound"), [(90, "EXACT"), (12, "EXACT"), (12, "NUMBERS")])
def test_candidates_of_a_large_training_set_find_the_same_copies(
    count: int, bound: str, sets: tuple[Prepared, list[ImageSet]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All images as candidates give the exact search; a few of them still hold what a copy was made of."""
    _, (samples, train, held_out) = sets
    images = [x.images.copy() for x in (train, held_out, samples)]
    images[0][60], images[2][5] = 77, 80  # of one colour
    exact = audit.copies_of(*images, seed=0)
    monkeypatch.setattr(candidates, bound, 10)
    monkeypatch.setattr(candidates, "CANDIDATES", count)
    found = audit.copies_of(*images, seed=0)
    if count == 90:
        np.testing.assert_allclose(found.distances, exact.distances, atol=1e-5)
        np.testing.assert_allclose(found.ratios, exact.ratios, rtol=1e-5)
        assert (found.indices == exact.indices).all()
    copied = np.arange(40, 50)
    assert found.calibration.flags[copied].all()
    assert (found.indices[copied] == exact.indices[copied]).all()
    assert (found.views[copied] == exact.views[copied]).all()
    assert found.calibration.false_positive_rate <= audit.QUANTILE
