"""What a source gives, held against what it may give: a mistake is named here, not by a stage that comes later."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from genbench.data.source import Part, Source
from genbench.params.signatures import PACKAGE
from genbench.storage.arrays import blocks
from genbench.storage.files import InputError

KINDS = PACKAGE / "kinds"


class Form(NamedTuple):
    """How elements of a kind are stored.  levels: whether values are levels or categories; unit: numbers in [0, 1]."""

    dtype: str
    axes: tuple[str, ...]
    levels: bool = False
    unit: bool = False

    def __str__(self) -> str:
        axes = ", ".join(self.axes) + "," * (len(self.axes) == 1)
        return f"{self.dtype} ({axes})" + (", c 1 or 3" if "c" in self.axes else "")


IMAGES = Form("uint8", ("n", "c", "h", "w"), levels=True)
FORMS = {
    "image": IMAGES,
    "points": Form("float32", ("n", "d"), unit=True),
    "table": Form("uint8", ("n", "variables"), levels=True),
    "mesh": Form("int16", ("n", "length")),
}
LABELS, FACTORS = Form("int64", ("n",)), Form("float32", ("n", "k"))


def check(source: Any, kind: str) -> None:
    """Raises InputError unless this is a source of elements as that kind of data has them; see `Part` and `Source`.

    Of a kind that is none of `FORMS` only labels and factors are looked at.
    """
    if not (KINDS / kind / "__init__.py").is_file():
        there = sorted(path.parent.name for path in KINDS.glob("*/__init__.py"))
        raise InputError(f"KIND: got {kind!r}; expected one of {', '.join(there)}")
    if not isinstance(source, Source):
        raise InputError(f"load: got {type(source).__name__}; expected a Source")
    _check_about(source)
    form = FORMS.get(kind)
    if form is not None:
        _check_levels(source.levels, form, kind)
    for name in ("train", "held_out"):
        _check_part(name, getattr(source, name), source, form)
    for field in ("x", "factors", "source"):
        one, other = (getattr(part, field) for part in (source.train, source.held_out))
        if (one is None) != (other is None):
            raise InputError(f"{field}: got in one part only; expected in both, or in none")
        if one is not None and one.shape[1:] != other.shape[1:]:
            raise InputError(
                f"held_out.{field}: rows of shape {other.shape[1:]}; expected {one.shape[1:]}, as train"
            )


def _check_about(source: Source) -> None:
    if not isinstance(source.about, Mapping):
        raise InputError(f"about: got {type(source.about).__name__}; expected a dict of facts for the card")
    try:
        json.dumps(source.about, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"about: {error}; expected what JSON can hold") from error
    if not isinstance(source.classes, int) or source.classes < 0:
        raise InputError(
            f"classes: got {source.classes!r}; expected the number of labels, 0 where there are none"
        )


def _check_levels(levels: Any, form: Form, kind: str) -> None:
    low, high = (2, 256) if form.levels else (0, 0)
    if not isinstance(levels, int) or not low <= levels <= high:
        expected = "2 to 256" if form.levels else "0"
        raise InputError(
            f"levels: got {levels!r}; expected {expected} of the kind {kind!r}, which a source names by KIND"
        )


def _check_part(name: str, part: Part, source: Source, form: Form | None) -> None:
    if not isinstance(part, Part):
        raise InputError(f"{name}: got {type(part).__name__}; expected a Part")
    forms = {
        "x": form,
        "y": LABELS,
        "factors": FACTORS,
        "source": IMAGES,
        "source_y": LABELS,
        "source_factors": FACTORS,
        "intensity": IMAGES,
    }
    for field, expected in forms.items():
        values = getattr(part, field)
        if values is None and field not in ("x", "y"):
            continue
        if not isinstance(values, np.ndarray):
            raise InputError(f"{name}.{field}: got {type(values).__name__}; expected an array")
        if expected is not None:
            _check_form(f"{name}.{field}", values, expected)
            most = 256 if field == "intensity" else source.levels
            _check_values(f"{name}.{field}", values, expected, most)
    if part.y.size and (part.y.min() < 0 or (source.classes and part.y.max() >= source.classes)):
        above = f" to {source.classes - 1}, below classes" if source.classes else " and up"
        raise InputError(f"{name}.y: labels {part.y.min()} to {part.y.max()}; expected 0{above}")
    for field in ("factors", "source_factors"):
        values = getattr(part, field)
        if values is not None and values.shape[1] != len(source.factors or {}):
            raise InputError(
                f"{name}.{field}: {values.shape[1]} columns; expected {len(source.factors or {})}, "
                "as many as the source's factors have names"
            )


def _check_form(what: str, values: np.ndarray, form: Form) -> None:
    fits = values.dtype.name == form.dtype and values.ndim == len(form.axes) and 0 not in values.shape[1:]
    if not fits or ("c" in form.axes and values.shape[1] not in (1, 3)):
        raise InputError(f"{what}: got {values.dtype.name} {values.shape}; expected {form}")


def _check_values(what: str, values: np.ndarray, form: Form, levels: int) -> None:
    for block in blocks(values):
        if form.levels and (largest := int(block.max())) >= levels:
            raise InputError(f"{what}: holds {largest}; expected values below {levels}, the levels")
        if values.dtype.kind == "f" and not np.isfinite(block).all():
            raise InputError(f"{what}: holds values that are NaN or infinite; expected finite ones")
        if form.unit and not 0 <= block.min() <= block.max() <= 1:
            raise InputError(
                f"{what}: holds {block.min():.4g} to {block.max():.4g}; expected values in [0, 1]"
            )
