"""What a source gives is held against what it may give, before anything is written."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_parts import plant

from genbench.data import prepared as data
from genbench.data.source import Part, Source
from genbench.nn import towers
from genbench.params.schema import Dataset
from genbench.storage.files import InputError


def given(kind: str) -> Source:
    rng = np.random.default_rng(0)

    def part(n: int) -> Part:
        x: dict[str, Any] = {
            "image": rng.integers(0, 4, (n, 1, 4, 4), dtype=np.uint8),
            "points": rng.random((n, 2), dtype=np.float32),
            "table": rng.integers(0, 4, (n, 3), dtype=np.uint8),
            "mesh": rng.integers(-1, 9, (n, 5)).astype(np.int16),
        }
        return Part(x[kind], rng.integers(0, 3, n), rng.random((n, 2), dtype=np.float32))

    levels = 4 if kind in ("image", "table") else 0
    return Source(part(30), part(12), levels, 3, {"bits": 3}, {"a": [0, 1], "b": [0, 1]})


def changed(field: str, change: Callable[[np.ndarray], Any], part: str = "train") -> Callable[[Source], Any]:
    def apply(source: Source) -> Source:
        rows = getattr(source, part)
        return source._replace(**{part: rows._replace(**{field: change(getattr(rows, field))})})

    return apply


def planted_value(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(x: np.ndarray) -> np.ndarray:
        x = x.copy()
        x[3] = value
        return x

    return change


MISTAKES: dict[str, tuple[str, Callable[[Source], Any], str]] = {
    "a tuple": ("image", tuple, "load: got tuple; expected a Source"),
    "flat images": ("image", changed("x", lambda x: x.reshape(30, 16)), "got uint8 (30, 16); expected uint8 (n, c, h,"),
    "no channel": ("image", changed("x", lambda x: x[:, 0]), "got uint8 (30, 4, 4); expected uint8 (n, c, h, w), c 1"),
    "two channels": ("image", changed("x", lambda x: x.repeat(2, 1)), "train.x: got uint8 (30, 2, 4, 4); expected"),
    "no pixels": ("image", changed("x", lambda x: x[..., :0]), "train.x: got uint8 (30, 1, 4, 0); expected"),
    "floats": ("image", changed("x", lambda x: x / 4), "train.x: got float64 (30, 1, 4, 4); expected uint8"),
    "a list": ("image", changed("x", lambda x: x.tolist()), "train.x: got list; expected an array"),
    "too many levels": ("image", changed("x", planted_value(4), "held_out"), "held_out.x: holds 4; expected values"),
    "no levels": ("image", lambda s: s._replace(levels=0), "levels: got 0; expected 2 to 256"),
    "levels of points": ("points", lambda s: s._replace(levels=2), "got 2; expected 0 of the kind 'points', which"),
    "points outside": ("points", changed("x", planted_value(1.5)), "train.x: holds 0.0"),
    "points of NaN": ("points", changed("x", planted_value(np.nan)), "train.x: holds values that are NaN or infinite"),
    "wide points": ("points", changed("x", lambda x: x.astype(float)), "got float64 (30, 2); expected float32 (n, d)"),
    "categories": ("table", changed("x", planted_value(9)), "train.x: holds 9; expected values below 4"),
    "tokens": ("mesh", changed("x", lambda x: x.astype(np.int64)), "got int64 (30, 5); expected int16 (n, length)"),
    "another shape": ("image", changed("x", lambda x: x[..., :3], "held_out"), "rows of shape (1, 4, 3); expected (1,"),
    "float labels": ("image", changed("y", lambda y: y / 1), "train.y: got float64 (30,); expected int64 (n,)"),
    "label columns": ("image", changed("y", lambda y: y[:, None]), "train.y: got int64 (30, 1); expected int64 (n,)"),
    "too large a label": ("image", changed("y", planted_value(3)), "train.y: labels 0 to 3; expected 0 to 2"),
    "a negative label": ("image", changed("y", planted_value(-1)), "train.y: labels -1 to 2; expected 0 to 2"),
    "a label too few": ("image", changed("y", lambda y: y[1:]), "train.y: got 29 rows; expected 30, one for each"),
    "classes": ("image", lambda s: s._replace(classes=None), "classes: got None; expected the number of labels"),
    "unnamed factors": ("image", lambda s: s._replace(factors={"a": [0, 1]}), "train.factors: 2 columns; expected 1"),
    "factors once": ("image", changed("factors", lambda f: None), "factors: got in one part only; expected in both"),
    "about": ("image", lambda s: s._replace(about={"n": np.int64(3)}), "about: Object of type int64 is not JSON"),
    "no facts": ("image", lambda s: s._replace(about="digits"), "about: got str; expected a dict"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_no_source_may_give_is_named(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, change, said = MISTAKES[mistake]
    plant(monkeypatch, lambda: change(given(kind)))
    monkeypatch.setattr(data, "source_kind", lambda *_: kind)
    with pytest.raises(InputError) as error:
        data.prepare("set", Dataset(source="planted"))
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["image", "points", "table", "mesh"])
def test_what_every_kind_is_made_of_passes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, lambda: given(kind))
    monkeypatch.setattr(data, "source_kind", lambda *_: kind)
    assert data.prepare("set", Dataset(source="planted"))


def test_an_unknown_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, lambda: given("image"))
    monkeypatch.setattr(data, "source_kind", lambda *_: "pictures")
    with pytest.raises(InputError, match="KIND: got 'pictures'; expected one of image, mesh, points, table"):
        data.prepare("set", Dataset(source="planted"))


def test_a_flat_space_is_halved_never() -> None:
    with pytest.raises(ValueError, match=r"sides: none; expected an image space of shape \(c, h, w\)"):
        towers.halvings([])


def test_what_a_source_refuses_is_one_line_that_names_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> Source:
        raise ValueError("turns: got 0; expected at least 1")

    plant(monkeypatch, load)
    with pytest.raises(InputError, match=r"sources/planted\.py: turns: got 0; expected at least 1"):
        data.prepare("set", Dataset(source="planted"))
