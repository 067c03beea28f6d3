"""The three files of a study: the key, one rater's answers, the scores.  Whatever is read is checked whole."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    Field,
    GetPydanticSchema,
    PlainSerializer,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from genbench.params.schema import Name, Strict
from genbench.scoring.estimates import Estimate
from genbench.storage.files import InputError

StudyId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
TrialId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
Rater = Annotated[str, Field(pattern=r"^[A-HJ-NP-Z2-9]{8}$")]  # no I, O, 0, 1: people read codes out
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
DAY = 86_400_000  # milliseconds

R = TypeVar("R", bound=Strict)


class Truth(Strict):
    """Where a trial's image is from; `run` None is a held-out image, `index` its place in its file."""

    run: Name | None
    index: Count
    sha256: Sha256


class Key(Strict):
    """What the page does not hold: the truth.  `samples` are the hashes of the runs' whole samples."""

    format: Literal["genbench-study-key"]
    study: StudyId
    dataset: Name
    data_sha256: Sha256
    seed: Count
    per_run: Annotated[int, Field(ge=1)]
    seconds: Seconds | None
    samples: Annotated[dict[Name, Sha256], Field(min_length=1)]
    trials: Annotated[dict[TrialId, Truth], Field(min_length=2)]

    @model_validator(mode="after")
    def every_source_is_there(self) -> "Key":
        found = {truth.run for truth in self.trials.values()}
        if found != {None, *self.samples}:
            raise ValueError("trials: their runs are not the ones of `samples` and real images")
        return self


class Trial(Strict):
    id: TrialId
    answer: Literal["real", "fake"]
    ms: Annotated[int, Field(ge=0, le=DAY)]


class Answers(Strict):
    """One rater's file, trials in the order in which they were shown."""

    format: Literal["genbench-study-answers"]
    study: StudyId
    rater: Rater
    trials: Annotated[list[Trial], Field(min_length=1)]


class _Number(Strict):
    """An estimate in a file; n counts answers."""

    value: Annotated[float, Field(allow_inf_nan=False)]
    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    n: Count


def _estimate(value: Any, check: ValidatorFunctionWrapHandler) -> Estimate:
    """An estimate as it is, or what stands in a file for one."""
    if isinstance(value, Estimate):
        return value
    found: _Number = check(value)
    return Estimate(found.value, found.low, found.high, found.n)


# Estimates that a file holds as value, low, high and n.
Number = Annotated[
    Estimate,
    GetPydanticSchema(
        lambda _, schema: schema(
            Annotated[_Number, WrapValidator(_estimate), PlainSerializer(Estimate.as_dict)]
        )
    ),
]


class Row(Strict):
    """One run, or the real images (`run` None, no `d_prime`): the share of its images that were judged real."""

    run: Name | None
    judged_real: Number
    d_prime: Number | None
    raters: Count
    images: Count
    median_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    samples_sha256: Sha256 | None


class Excluded(Strict):
    rater: Rater
    reason: str


class Score(Strict):
    """What the report shows of one study."""

    format: Literal["genbench-study-score"]
    study: StudyId
    dataset: Name
    data_sha256: Sha256
    seconds: Seconds | None
    raters: Annotated[int, Field(ge=1)]
    excluded: list[Excluded]
    rules: list[str]
    accuracy: Number
    d_prime: Number
    median_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    rows: Annotated[list[Row], Field(min_length=2)]


def parse(content: bytes, record: type[R], path: Path, *, what: str) -> R:
    """One record from the bytes of a file.

    Raises:
        InputError: one line that names the file and the first field that is wrong.
    """
    try:
        return record.model_validate(json.loads(content))
    except ValidationError as error:
        raise InputError(f"{path}: not {what}: {_problem(error)}") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{path}: {what} cannot be read: not valid JSON ({reason}); truncated?") from error


def _problem(error: ValidationError) -> str:
    """The first problem: where, what was found, what was expected."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"] if part != "[key]") or "the whole file"
    if problem["type"] == "missing":
        return f"{where}: missing"
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return f"{where}: got {_short(problem['input'])}; {problem['msg'].replace('Input should', 'should')}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
