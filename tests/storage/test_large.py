"""Sets larger than memory: mapped, streamed and searched in blocks, they give what sets that fit would give."""

import json
import mmap
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_training as loop
import torch
from PIL import Image
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save
from test_models import SPACES, ZOO, elements, tiny
from torch import Generator

from genbench import core
from genbench.core import Batch, Space, Splits, Streamed, space_of
from genbench.data import prepared as data
from genbench.data.source import Part
from genbench.data.sources import faces, folder
from genbench.extractors import pca_pixels
from genbench.kinds.distance import distance_of
from genbench.kinds.drawing import drawing_of
from genbench.models import sampling
from genbench.models.controls.copycat import Copycat
from genbench.models.controls.independent_pixels import IndependentPixels
from genbench.models.controls.noise import Noise
from genbench.models.controls.pca_gaussian import PCAGaussian
from genbench.models.controls.real import Real
from genbench.models.controls.tenth_copycat import TenthCopycat
from genbench.models.latent.rbm import RBM
from genbench.params.schema import Dataset
from genbench.scoring import audit, held_out, metrics, neighbours
from genbench.scoring.arrays import Rows
from genbench.scoring.measures import measures as measures_of
from genbench.storage import arrays as large
from genbench.storage.files import InputError, write_all
from genbench.storage.stored import Stored
from genbench.storage.tensors import header
from genbench.storage.weights import weights_bytes
from genbench.training import batches

ASKED = drawing_of({"kind": "image"}).pictures
CPU = torch.device("cpu")
DIGITS = Dataset(source="digits", train=1000)
EDGES = Dataset(source="translation", base="digits", transform="edges", paired=True)


def smaller(space: Space) -> Space:
    """With a quarter of the pixels, for what is drawn one by one."""
    source = (1, 4, 4) if space.source else ()
    return space._replace(shape=(1, 4, 4), source=source) if space.kind == "image" else space


# What a model refuses at 4 × 4 pixels it is given at 8 × 8.
SMALLER = [each for space in SPACES for each in (smaller(space), space)]


def mapped(array: np.ndarray) -> bool:
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("large") / "digits.safetensors"
    path.write_bytes(data.prepare("digits", DIGITS))
    return path


@pytest.fixture
def nothing_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every limit so low that the digits are a large set, in several blocks."""
    monkeypatch.setattr(large, "HELD", 1000)
    monkeypatch.setattr(large.rows_in, "__defaults__", (1 << 13,))
    monkeypatch.setattr(batches, "HELD", 1000)
    monkeypatch.setattr(core, "VALUES", 64 * 300)
    monkeypatch.setattr(core, "SOME", 4 * 64 * 40)
    monkeypatch.setattr(held_out, "HELD", 1000)
    monkeypatch.setattr(neighbours, "PART", 64 * 90)


# Files and arrays


def test_the_file_is_what_the_library_would_write() -> None:
    for entry in (DIGITS, EDGES, Dataset(source="ring"), Dataset(source="meshes", train=20, held_out=12)):
        content = data.prepare("any", entry)
        assert content == save(load_arrays(content), metadata=header(content))


def test_pieces_make_the_same_file(digits: Path, nothing_held: None, tmp_path: Path) -> None:
    pieces = list(data.pieces("digits", DIGITS))
    assert len(pieces) > 10
    write_all(tmp_path, {"d.safetensors": iter(pieces)})
    assert (tmp_path / "d.safetensors").read_bytes() == digits.read_bytes()


def test_a_long_file_is_mapped_and_read_alike(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = data.load(digits)
    monkeypatch.setattr(large, "HELD", 1000)
    streamed = data.load(digits)
    assert mapped(streamed.train.x) and not mapped(held.train.x)
    assert (streamed.sha256, streamed.card) == (held.sha256, held.card)
    for one, other in zip(held[:2], streamed[:2], strict=True):
        assert np.array_equal(one.x, other.x) and np.array_equal(one.y, other.y)
    with pytest.raises(ValueError, match="read-only"):
        streamed.train.x[0] = 0


def test_a_damaged_long_file_is_one_line(
    digits: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(large, "HELD", 1000)
    whole = digits.read_bytes()
    size = 8 + int.from_bytes(whole[:8], "little")
    entries = json.loads(whole[8:size])
    entries["train.y"]["data_offsets"] = entries["held_out.y"]["data_offsets"]
    text = json.dumps(entries).encode()
    overlapping = len(text).to_bytes(8, "little") + text + whole[size:]
    for content in (whole[:-1], whole[: size + 2000], whole + b"\0", overlapping, b"\0" * 2000):
        (tmp_path / "bad.safetensors").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.safetensors: damaged or not a prepared dataset"):
            data.load(tmp_path / "bad.safetensors")


def test_arrays_beyond_memory_lie_in_a_file(nothing_held: None) -> None:
    parts = [np.random.default_rng(i).integers(0, 256, (7, 3, 5), np.uint8) for i in range(100)]
    found = large.concatenated(iter(parts))
    assert mapped(found) and not mapped(large.concatenated(parts[:2]))
    assert np.array_equal(found, np.concatenate(parts))
    order = np.random.default_rng(0).permutation(700)
    assert np.array_equal(large.take_rows(found, order), np.concatenate(parts)[order])
    assert np.array_equal(np.concatenate(list(large.blocks(found))), found)


def test_a_folder_too_large_to_hold_gives_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    images = faces.render(faces.sample_factors(120, seed=0), size=16).transpose(0, 2, 3, 1)
    for i, image in enumerate(images):
        (tmp_path / "faces" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(tmp_path / "faces" / str(i % 2) / f"{i}.png")
    entry = Dataset(source="folder", root=str(tmp_path / "faces"), size=16, held_out=0.4, validation=True)
    held = data.prepare("faces", entry)
    monkeypatch.setattr(large, "HELD", 1000)
    assert mapped(folder.load(root=str(tmp_path / "faces"), size=16).train.x)
    assert data.prepare("faces", entry) == held


# Batches


@pytest.mark.parametrize("entry", [DIGITS, EDGES], ids=["labels", "sources"])
def test_a_streamed_set_gives_the_same_batches(
    entry: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "d.safetensors").write_bytes(data.prepare("d", entry))
    held = batches.splits_of(data.load(tmp_path / "d.safetensors"), CPU)
    for module in (large, batches):
        monkeypatch.setattr(module, "HELD", 1000)
    streamed = batches.splits_of(data.load(tmp_path / "d.safetensors"), CPU)
    assert isinstance(streamed.train, Streamed) and isinstance(held.train, Batch)
    for step in (0, 1, 40):  # the last straddles two epochs
        one, other = (batches.batch_of_step(splits, step, 300, 5) for splits in (held, streamed))
        same_batch(one, other)
    same_batch(streamed.held_out.rows(slice(700)), held.held_out.rows(slice(700)))
    assert torch.equal(streamed.held_out.whole(), held.held_out.whole())


def same_batch(one: Batch, other: Batch) -> None:
    for field in Batch._fields:
        first, second = getattr(one, field), getattr(other, field)
        assert (first is None) == (second is None), field
        assert first is None or torch.equal(first, second), field


def streamed_bits(n: int = 50) -> Splits:
    bits = loop.DATA.x.to(torch.uint8).numpy()[:n]
    return Splits(Streamed(Stored(bits, loop.SPACE.to_unit, CPU)), loop.DATA)


def test_training_on_a_streamed_set_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = loop.fit(tmp_path, loop.Budget(30, 8))
    monkeypatch.setattr(loop, "SPLITS", streamed_bits())
    assert loop.fit(tmp_path, loop.Budget(30, 8)) == expected


def test_fits_of_a_streamed_set(digits: Path, nothing_held: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts are the same to the bit; what keeps images or components keeps those of a part."""
    streamed = batches.splits_of(data.load(digits), CPU)
    held = Splits(*(Batch(part.whole(), part.label) for part in streamed[:2]))
    assert len(list(streamed.train.blocks())) == 4
    space = space_of(data.load(digits).card)
    counted = [IndependentPixels(space) for _ in range(2)]
    for model, splits in zip(counted, (held, streamed), strict=True):
        model.fit(splits)
    assert torch.equal(counted[0].log_p, counted[1].log_p)
    binary = Space("image", (1, 8, 8), 2)
    rates = [RBM(binary, hidden=4) for _ in range(2)]
    for machine, splits in zip(rates, (held, streamed), strict=True):
        machine.start(splits)
    assert torch.allclose(rates[0].units.base, rates[1].units.base, atol=1e-5)
    copier, real, tenth = Copycat(space), Real(space), TenthCopycat(space)
    for control in (copier, real, tenth):
        control.fit(streamed)
    assert torch.equal(copier.images, held.train.x[torch.arange(40) * 25])
    assert torch.equal(real.images, held.held_out.x)
    assert torch.equal(tenth.originals, held.held_out.x) and len(tenth.copies) == 40
    drawn = sampling.draw(real, streamed, run="r", pictures=ASKED, rng=Generator())
    assert np.array_equal(drawn["x"], data.load(digits).held_out.x)
    assert len(sampling.draw(Noise(space), streamed, run="r", pictures=ASKED, rng=Generator())["x"]) == 797


def as_prepared(space: Space) -> data.Prepared:
    """Elements of a space as a file would give them."""
    parts = []
    for n, seed in ((40, 0), (30, 1)):
        batch = elements(space, n, seed)
        label = torch.zeros(n, dtype=torch.long) if batch.label is None else batch.label
        source = None if batch.source is None else space.stored(batch.source)
        parts.append(Part(space.stored(batch.x), label.numpy(), source=source))
    card = {"kind": space.kind, "shape": space.shape, "levels": space.levels, "classes": space.classes}
    card |= {"source_shape": space.source, "paired": space.paired} if space.source else {}
    return data.Prepared(*parts, card, "")


@pytest.fixture
def deterministic() -> Iterator[None]:
    """As a stage computes: torch then fills new memory where it is asked to."""
    torch.set_deterministic_debug_mode("error")
    yield
    torch.set_deterministic_debug_mode("default")


@pytest.mark.parametrize("name", ZOO)
@pytest.mark.usefixtures("deterministic")
def test_every_model_is_fitted_to_streamed_data_to_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And says, draws and shows the same of them; one of the fits would read NaN in memory that nobody has written."""
    found = []
    for held in (1 << 30, 10):
        monkeypatch.setattr(batches, "HELD", held)
        monkeypatch.setattr(torch.utils.deterministic, "fill_uninitialized_memory", held == 10)
        model = tiny(name, SMALLER)
        asked = drawing_of({"kind": model.space.kind}).pictures
        splits = batches.splits_of(as_prepared(model.space), CPU)
        assert isinstance(splits.train, Batch if held > 10 else Streamed)
        loop.train(model, splits, loop.Budget(3, 16), loop.Job("r", 0, tmp_path / "c.pt", f"{held}"))
        drawn = sampling.draw(model, splits, run="r", pictures=asked, rng=Generator().manual_seed(0))
        measures = measures_of(model, splits, Generator().manual_seed(0))
        found.append((weights_bytes(model, {}), drawn, measures))
    (weights, drawn, measures), (streamed_weights, streamed_drawn, streamed_measures) = found
    assert weights == streamed_weights
    assert drawn.keys() == streamed_drawn.keys()
    assert all(np.array_equal(drawn[key], streamed_drawn[key]) for key in drawn)
    assert measures == streamed_measures


def test_components_from_few_elements_are_those_of_the_covariance() -> None:
    space = Space("image", (1, 6, 6), 256)
    few = Batch(torch.rand(20, 1, 6, 6, generator=Generator().manual_seed(0)))
    model = PCAGaussian(space, components=5)
    model.fit(Splits(few, few))
    x = few.x.flatten(1).double()
    values = torch.linalg.eigvalsh(torch.cov(x.T))
    sigma = values[:-5].mean()
    assert model.sigma.double().square() == pytest.approx(float(sigma), rel=1e-5)
    own = model.weight.double() @ model.weight.double().T + sigma * torch.eye(36)
    top = torch.linalg.eigvalsh(own)[-5:]
    assert torch.allclose(top, values[-5:], rtol=1e-5)


# Binary images drawn afresh


def grey_splits(n: int = 64) -> Splits:
    levels = torch.randint(256, (n, 1, 4, 4), generator=Generator().manual_seed(1), dtype=torch.uint8)
    part = Batch((levels > 127).float())
    return Splits(part, part, levels)


def test_two_epochs_show_different_pixels_and_a_step_always_the_same() -> None:
    part = grey_splits()
    first, second = (batches.batch_of_step(part, step, 64, 3) for step in (0, 1))
    assert torch.equal(first.x, batches.batch_of_step(part, 0, 64, 3).x)
    assert set(first.x.unique().tolist()) == {0.0, 1.0}
    # Put back into the order of the data, the two epochs show the same images in other pixels.
    places = [batches._permutation(64, 3, epoch).argsort() for epoch in (0, 1)]
    one, other = (epoch.x[place] for epoch, place in zip((first, second), places, strict=True))
    assert 0.1 < (one != other).float().mean() < 0.6
    assert part.intensity is not None
    certain = (part.intensity == 0) | (part.intensity == 255)
    assert torch.equal(one[certain], other[certain])


def test_the_mean_of_many_draws_is_the_intensity() -> None:
    part = grey_splits(8)
    assert part.intensity is not None
    seen = [
        batches.batch_of_step(part, step, 8, 0).x[batches._permutation(8, 0, step).argsort()]
        for step in range(2000)
    ]
    apart = torch.stack(seen).mean(0) - part.intensity / 255
    assert float(apart.abs().max()) < 5 * 0.5 / 2000**0.5
    assert abs(float(apart.mean())) < 0.005


def test_a_training_on_fresh_draws_is_resumed_to_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    static = loop.fit(tmp_path, loop.Budget(30, 8))
    monkeypatch.setattr(loop, "SPLITS", grey_splits())
    loop.test_killed_and_resumed_gives_the_same_bits(tmp_path, 9, 0.0)
    assert loop.fit(tmp_path, loop.Budget(30, 8)) != static


# Comparisons


@pytest.mark.parametrize("k", [1, 3])
def test_neighbours_in_blocks_are_those_of_the_whole(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    stored = [rng.integers(0, 3, (n, 1, 3, 3), np.uint8) for n in (301, 47)]  # many ties
    monkeypatch.setattr(neighbours, "PART", 9 * 100)
    make = lambda x: x.reshape(len(x), -1) / 7  # noqa: E731
    expected = metrics.nearest(make(stored[0]), make(stored[1]), k=k)
    for one, other in zip(expected, metrics.nearest(*(Rows(x, make) for x in stored), k=k), strict=True):
        assert np.array_equal(one, other)
    others = metrics.nearest_others(make(stored[0]), k=k)
    few = np.array([0, 7, 300])
    for one, other in zip(others, metrics.nearest_others(Rows(stored[0], make), k=k, of=few), strict=True):
        assert np.array_equal(one[few], other)


def test_novelty_of_a_large_set_is_the_same_record(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = data.load(digits)
    samples = np.concatenate([prepared.train.x[:20], prepared.held_out.x[20:200]])
    of_kind = distance_of(prepared.card)
    distance: dict[str, Any] = {
        "vectors": partial(of_kind.vectors, card=prepared.card),
        "images": partial(of_kind.images, card=prepared.card),
        "distance": of_kind.words,
    }
    expected = audit.novelty(prepared, samples, **distance, seed=0)
    for module in (large, held_out):
        monkeypatch.setattr(module, "HELD", 1000)
    monkeypatch.setattr(neighbours, "PART", 64 * 90)
    assert audit.novelty(data.load(digits), samples, **distance, seed=0) == expected


def test_components_of_pixels_in_blocks(digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = data.load(digits).train.x
    at_once = pca_pixels.PcaPixels(train)
    monkeypatch.setattr(pca_pixels, "HELD", 8 * 64 * 300)
    in_blocks = pca_pixels.PcaPixels(train)
    assert in_blocks.sha256 == at_once.sha256
    spreads = [one.outputs(train).features.std(axis=0) for one in (at_once, in_blocks)]
    assert np.allclose(*spreads, rtol=1e-8)
