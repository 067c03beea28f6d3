"""What belongs to an element stays with it.  Planted: row i of every array says i, whatever the array is called."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.data import prepared as data
from genbench.data.source import Part, Source
from genbench.data.sources import translation
from genbench.data.splits import hide_held_out, subset
from genbench.params.schema import Dataset
from genbench.storage import arrays as large
from genbench.storage.files import InputError
from genbench.training import batches

PLANTED = {"x": (np.uint8, (1, 2, 2)), "source": (np.uint8, (1, 2, 2)), "intensity": (np.uint8, (1, 2, 2))}
PLANTED |= {"y": (np.int64, ()), "source_y": (np.int64, ()), "factors": (np.float32, (2,))}
PLANTED |= {"source_factors": (np.float32, (2,))}


def part(first: int, n: int) -> Part:
    """Rows that say first, first + 1, …; every element is a class of its own, and a person."""
    assert set(PLANTED) == set(Part._fields), "a new field is under these laws when it is planted"
    numbers = np.arange(first, first + n)
    return Part(
        **{
            field: np.broadcast_to(numbers.reshape(n, *(1,) * len(shape)), (n, *shape)).astype(dtype)
            for field, (dtype, shape) in PLANTED.items()
        }
    )


def planted(*, train: int = 120, held_out: int = 60) -> Source:
    factors = {"number": [0, 255], "identity": "the number of a person"}
    return Source(part(0, train), part(150, held_out), 256, 210, {"description": "planted"}, factors)


def plant(monkeypatch: pytest.MonkeyPatch, load: Callable[..., Source]) -> None:
    """A source of images, `planted`, that no file holds."""
    module = SimpleNamespace(load=load)
    monkeypatch.setitem(sys.modules, "genbench.data.sources.planted", module)  # type: ignore[arg-type]
    monkeypatch.setattr(translation, "source_signature", lambda *_: {})
    for reader in (data, translation):
        monkeypatch.setattr(reader, "source_kind", lambda *_: "image")


def said(rows: Part, field: str) -> list[int]:
    """What the rows of one array say; all values of a row say the same."""
    values = getattr(rows, field).reshape(len(rows.y), -1)
    assert (values == values[:, :1]).all()
    return [int(value) for value in values[:, 0]]


FIELDS = pytest.mark.parametrize("field", Part._fields)


@FIELDS
def test_a_subset_takes_all_of_an_element(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for held in (large.HELD, 20):  # in memory, and laid out in a file
        monkeypatch.setattr(large, "HELD", held)
        few = subset(planted(), train=50, held_out=20, seed=1)
        assert (len(few.train.x), len(few.held_out.x)) == (50, 20)
        for rows, whole in ((few.train, range(120)), (few.held_out, range(150, 210))):
            assert said(rows, field) == said(rows, "x")
            assert len(set(said(rows, "x"))) == len(rows.x) and set(said(rows, "x")) <= set(whole)
    whole_train = subset(planted(), train=None, held_out=20, seed=1)
    assert said(whole_train.train, field) == list(range(120))
    assert said(whole_train.held_out, field) == said(whole_train.held_out, "x")


@FIELDS
def test_validation_data_take_all_of_an_element(field: str) -> None:
    split = hide_held_out(planted())
    assert said(split.train, field) == said(split.train, "x")
    if field == "intensity":  # only training draws afresh
        assert split.held_out.intensity is None
    else:
        assert said(split.held_out, field) == said(split.held_out, "x")
    assert sorted(said(split.train, "x") + said(split.held_out, "x")) == list(range(120))


@pytest.mark.parametrize("paired", [True, False])
@FIELDS
def test_a_translation_takes_all_of_an_element(
    field: str, paired: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image to translate from comes with its own label and factors; in the negative, 255 stands for 0."""
    plant(monkeypatch, planted)
    made = translation.load(base="planted", transform="negative", paired=paired)
    for rows in (made.train, made.held_out):
        numbers = said(rows, field)
        if field == "source":
            assert [255 - number for number in numbers] == said(rows, "source_y")
        elif field in {"source_y", "source_factors"}:
            assert numbers == said(rows, "source_y")
            assert paired == (numbers == said(rows, "x"))
        else:
            assert numbers == said(rows, "x")


def test_an_array_that_was_not_cut_along_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = planted()
    cut = whole._replace(train=whole.train.take(np.arange(20))._replace(factors=whole.train.factors))
    plant(monkeypatch, lambda: cut)
    with pytest.raises(InputError, match=r"train\.factors: got 120 rows; expected 20, one for each element"):
        data.prepare("set", Dataset(source="planted"))


@pytest.mark.parametrize("held", [1 << 30, 10])
def test_a_batch_says_whose_picture_it_holds(
    held: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the source through the file to the batch of a step; the identity is the factor of that name."""
    without_draws = planted()._replace(train=part(0, 120)._replace(intensity=None))
    plant(monkeypatch, lambda: without_draws)
    monkeypatch.setattr(batches, "HELD", held)
    (tmp_path / "d.safetensors").write_bytes(data.prepare("set", Dataset(source="planted")))
    ready = data.load(tmp_path / "d.safetensors")
    assert np.array_equal(ready.identity(ready.held_out), np.arange(150, 210))
    splits = batches.splits_of(ready, torch.device("cpu"))
    for batch in (batches.batch_of_step(splits, 3, 50, 1), splits.held_out.rows(slice(7, 20))):
        number = (batch.x * 255).round().long()[:, 0, 0, 0]
        assert batch.identity is not None and torch.equal(batch.identity, number)
        assert batch.label is not None and torch.equal(batch.label, number)
        assert batch.source is not None and torch.equal(batch.source, batch.x)
        assert batch.factors is not None and torch.equal(batch.factors.long(), number[:, None].expand(-1, 2))


def test_faces_say_who_they_are_and_digits_do_not(tmp_path: Path) -> None:
    for source, options in (
        ("faces", {"size": 16, "train": 40, "held_out": 20, "identities": 9}),
        ("digits", {}),
    ):
        (tmp_path / "d.safetensors").write_bytes(data.prepare("d", Dataset(source=source, **options)))
        ready = data.load(tmp_path / "d.safetensors")
        batch = batches.splits_of(ready, torch.device("cpu")).held_out.rows(slice(None))
        if source == "digits":
            assert batch.identity is None and batch.factors is None
        else:
            assert batch.factors is not None and batch.identity is not None
            who = list(ready.card["factors"]).index("identity")
            assert batch.identity.tolist() == [int(number) for number in batch.factors[:, who]]
            assert len(set(batch.identity.tolist())) > 1
