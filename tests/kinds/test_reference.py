"""What is known of a dataset: what its file gives back is what was computed, and no other file is taken for it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from genbench.core import space_of
from genbench.data import prepared as data
from genbench.data import reference
from genbench.data.pixels import spread
from genbench.data.reference import Known, load, pieces
from genbench.extractors import classifier, readers
from genbench.extractors.pca_pixels import PcaPixels
from genbench.extractors.random_convolution import RandomConvolution
from genbench.kinds.comparison import Subject, comparison_of
from genbench.kinds.distance import TO_TRAIN, distance_of
from genbench.kinds.extractor import extractor_of
from genbench.kinds.image import factors, parts, representation
from genbench.kinds.image.composed import beside
from genbench.kinds.image.reference import ImageReference
from genbench.kinds.reference import reference_of
from genbench.params.schema import Dataset, Extractor
from genbench.scoring import audit
from genbench.scoring.held_out import SEED
from genbench.scoring.resampling import draws
from genbench.storage.files import InputError, sha256

ENTRIES = {
    "faces": Dataset(source="faces", size=16, train=90, held_out=40, levels=8, identities=60),  # type: ignore[call-arg]
    "counting": Dataset(source="counting", train=60, held_out=40),  # type: ignore[call-arg]
    "ring": Dataset(source="ring", train=60, held_out=40),  # type: ignore[call-arg]
    "meshes": Dataset(source="meshes", train=50, held_out=20),  # type: ignore[call-arg]
    "sprinkler": Dataset(source="sprinkler", train=60, held_out=40),  # type: ignore[call-arg]
}


class Made(NamedTuple):
    data: data.Prepared
    extractor: Path
    known: Known
    path: Path


def make(folder: Path, name: str) -> Made:
    path, extractor, out = (folder / f"{name}.{what}.safetensors" for what in ("data", "extractor", "known"))
    path.write_bytes(data.prepare(name, ENTRIES[name]))
    prepared = data.load(path)
    settings = Extractor(steps=2, width=4, features=8, seeds=[0, 3])
    extractor.write_bytes(extractor_of(prepared.card)(prepared, settings)[0])
    known = reference_of(prepared.card)(prepared, extractor)
    out.write_bytes(b"".join(pieces(known, prepared, sha256(extractor.read_bytes()))))
    return Made(prepared, extractor, known, out)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    folder = tmp_path_factory.mktemp("reference")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "READABLE", -np.inf)  # after two steps nothing can be read
        return {name: make(folder, name) for name in ENTRIES}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_file_gives_back_every_bit(made: dict[str, Made], name: str) -> None:
    prepared, extractor, known, path = made[name]
    again = load(path, prepared, sha256(extractor.read_bytes()))
    assert again.arrays.keys() == known.arrays.keys()
    for what, array in known.arrays.items():
        assert again.arrays[what].dtype == array.dtype and np.array_equal(again.arrays[what], array), what
    assert repr(again.facts) == repr(dict(known.facts))  # not a number is equal to nothing
    assert path.read_bytes() == b"".join(pieces(again, prepared, sha256(extractor.read_bytes())))


@pytest.mark.parametrize("name", ["faces", "counting"])
def test_of_images_it_holds_what_a_run_would_compute(made: dict[str, Made], name: str) -> None:
    prepared, extractor, _, path = made[name]
    found = ImageReference(prepared, load(path, prepared))
    extract, read = classifier.load(extractor, prepared), readers.load(extractor, prepared)
    real, shown = prepared.held_out.x, spread(prepared.held_out.x, prepared.levels)
    for one, other in zip(found.held_out, extract(real), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(found.train, extract(prepared.train.x).features)
    assert np.array_equal(found.others["3"], extract(real, seed=3).features)
    assert np.array_equal(
        found.others["random-convolution"], RandomConvolution(real.shape[1]).features(shown)
    )
    pca = PcaPixels(spread(prepared.train.x, prepared.levels))
    assert found.pca.sha256 == pca.sha256 and found.pca.components == pca.components
    assert np.array_equal(found.pca.features(shown), pca.features(shown))
    assert np.array_equal(found.others["pca-pixels"], pca.features(shown))
    assert found.composed is not None
    assert np.array_equal(found.composed, extract(beside(real)).features)
    if read is None:
        assert found.true_factors is None and name == "counting"
    else:
        assert repr(found.true_factors) == repr(factors.of_truth(prepared, read)) != "None"
    pixels, own = found.pixels, representation.of_pixels(prepared)
    assert pixels is not None and own is not None and pixels.scores == own.scores
    for one, other in zip(found.parts, parts.part_readers(prepared), strict=True):
        for mine, theirs in zip(one(real).values(), other(real).values(), strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("width", [2, 64, representation.COMPONENTS + 1])
def test_components_of_any_number_are_those_of_the_images(made: dict[str, Made], width: int) -> None:
    prepared = made["faces"].data
    x = space_of(prepared.card).to_unit(torch.tensor(prepared.train.x))
    own = representation.of_pixels(prepared)
    assert own is not None
    few = representation.components_of(x, width, own.components).encode(x)
    assert few.shape[1] == width
    assert torch.equal(few, representation.components_of(x, width, None).encode(x))


@pytest.mark.parametrize("name", ENTRIES)
def test_scores_and_novelty_with_a_file_are_those_without(made: dict[str, Made], name: str) -> None:
    """And they are made with it: what is changed in it shows in them."""
    prepared, extractor, _, path = made[name]
    samples = np.concatenate([prepared.train.x[:5], prepared.held_out.x[5:]])
    n, known = len(samples), load(path, prepared)
    subject = Subject(samples, None, prepared.held_out.y if prepared.classes else None)
    distance = distance_of(prepared.card)
    vectors, images = (partial(of, card=prepared.card) for of in (distance.vectors, distance.images))

    def scored(known: Known | None) -> str:
        compare, drawn = comparison_of(prepared.card), draws(n, n, real_seed=0, fake_seed=1)
        found = compare(prepared, subject, drawn, extractor=extractor, seed=0, known=known)
        scores = {which: score._replace(interval=None) for which, score in found.scores.items()}  # type: ignore[arg-type]
        with np.printoptions(precision=17, threshold=10**6):
            return repr(found._replace(scores=scores))

    def judged(known: Known | None) -> str:
        given = None if known is None else known.of(TO_TRAIN)
        told = {"vectors": vectors, "images": images, "distance": "", "seed": SEED}
        return repr(audit.novelty(prepared, samples, known=given, **told))  # type: ignore[arg-type]

    assert scored(known) == scored(None)
    assert judged(known) == judged(None)
    changed = {
        what: 0 * array if what == f"{TO_TRAIN}.distances" else array + 0.1
        for what, array in known.arrays.items()
    }
    other = known._replace(arrays=changed)
    assert (judged(other) == judged(None)) == (name == "sprinkler")  # whose copies mean nothing
    if prepared.card["kind"] == "image":
        assert scored(other) != scored(None)


def truncated(path: Path) -> bytes:
    return path.read_bytes()[:-1]


def of_no_dataset(path: Path) -> bytes:
    return path.with_name("ring.data.safetensors").read_bytes()


@pytest.mark.parametrize("change", [truncated, of_no_dataset, lambda path: b"", lambda path: b"{}" * 50])
def test_a_damaged_file_is_refused(
    made: dict[str, Made], tmp_path: Path, change: Callable[[Path], bytes]
) -> None:
    prepared, _, _, path = made["ring"]
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(change(path))
    with pytest.raises(InputError, match=r"bad\.safetensors: damaged or no reference of a dataset") as caught:
        load(bad, prepared)
    assert "\n" not in str(caught.value) and reference.EXPECTED in str(caught.value)


def test_a_file_of_other_data_or_another_extractor_or_other_code_is_refused(made: dict[str, Made]) -> None:
    prepared, _, known, path = made["ring"]
    with pytest.raises(InputError, match="belongs to dataset 'ring'; expected that of 'faces'"):
        load(path, made["faces"].data)
    with pytest.raises(InputError, match="was made with another version of the data than is there"):
        load(path, prepared._replace(sha256="0" * 64))
    with pytest.raises(InputError, match="was made with another extractor than is there"):
        load(path, prepared, "0" * 64)
    with pytest.raises(InputError, match=r"ring\.known\.safetensors: has no 'scales'"):
        load(path, prepared).of(TO_TRAIN)["scales"]
    with pytest.raises(InputError, match="cannot read the reference"):
        load(path.with_name("none"), prepared)
    assert known.of("nothing") == {}
