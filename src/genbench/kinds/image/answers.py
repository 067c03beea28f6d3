"""What a model that can do more answers to the questions of the evaluation of images."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from genbench.scoring.estimates import Estimate, Measurement

RESAMPLINGS = 100


class Table(NamedTuple):
    """Estimates over a few settings, for the page of a run.

    over: what the settings are.  at: the settings, numbers or words.  columns: title -> an estimate for each setting.
    """

    title: str
    meaning: str
    over: str
    at: Sequence[float] | Sequence[str]
    columns: Mapping[str, Sequence[Estimate]]

    def as_dict(self) -> dict[str, Any]:
        columns = {name: [each.as_dict() for each in column] for name, column in self.columns.items()}
        return {**self._asdict(), "at": list(self.at), "columns": columns}


class Answers(NamedTuple):
    measures: dict[str, Measurement]
    tables: tuple[Table, ...] = ()
