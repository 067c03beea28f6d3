"""params.yaml: every number of a benchmark, validated before anything runs.

A run's entry holds the keys below; every other key is a hyper-parameter of its model, and the model's constructor is
the schema, see `signatures`.
"""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from genbench.params.messages import HINTS, expected, first_problem
from genbench.params.seeds import divided
from genbench.params.signatures import Parameter, model_signature, source_signature
from genbench.params.yaml import read
from genbench.storage.files import InputError

NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$"
MODEL = r"^[a-z0-9_]+(?:/[a-z0-9_]+)+$"
# Keys of a run that came after weights had been made, with the values that change nothing: how training computes, what
# it sees, how it is watched.
LATER_KEYS: dict[str, Any] = {
    "processes": 1,
    "precision": "float32",
    "compile": False,
    "moments": 8,
    "followed": 64,
    "half": None,
}

E = TypeVar("E")
Name = Annotated[str, Field(pattern=NAME, max_length=80)]


def _distinct(seeds: list[int]) -> list[int]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("should hold each seed once")
    return seeds


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Dataset(Strict):
    """source: a file of genbench/data.  validation: score on a fifth of train instead of the held-out data."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    source: str  # a file's name and no other: see `source_signature`
    validation: bool = False


class Extractor(Strict):
    """The domain classifier whose penultimate layer gives the features, trained once for each of `seeds`."""

    steps: Annotated[int, Field(ge=1)]
    batch_size: Annotated[int, Field(ge=2)] = 128
    lr: Annotated[float, Field(gt=0)] = 2e-3
    width: Annotated[int, Field(ge=4)] = 32
    features: Annotated[int, Field(ge=2)] = 64
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), AfterValidator(_distinct)] = [0]
    threads: Annotated[int, Field(ge=1)] = 1


class Run(Strict):
    """One model on one dataset with one seed.

    threads: of the CPU, for each process.  processes, precision, compile: how it is trained, see
    `genbench.training.execution`; it is sampled and scored by one process in float32.  moments: at which a training is
    watched, the first before its first step and the last after its last.  followed: at most so many moments whose
    samples are kept for the scores over training; 0 for none.  half: of the training set, cut in two at random once
    and for all, that it has; null for all of it.  Two runs that differ in their halves alone are given the same noise
    when they are sampled: what still agrees does not come from single training elements.
    """

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)
    dataset: Name
    model: Annotated[str, Field(pattern=MODEL)]
    seed: Annotated[int, Field(ge=0)] = 0
    steps: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=1)] = 128
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    threads: Annotated[int, Field(ge=1)] = 1
    processes: Annotated[int, Field(ge=1)] = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    compile: bool = False
    moments: Annotated[int, Field(ge=2)] = 8
    followed: Annotated[int, Field(ge=0)] = 64
    half: Literal["a", "b"] | None = None

    @model_serializer(mode="wrap")
    def _entry(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What weights say they belong to: a key of LATER_KEYS that changes nothing is left out."""
        entry: dict[str, Any] = dump(self)
        return {key: v for key, v in entry.items() if key not in LATER_KEYS or v != LATER_KEYS[key]}

    @property
    def control(self) -> str | None:
        """Which control it is ("real", "copycat", …); None for a model."""
        folder, _, name = self.model.partition("/")
        return name if folder == "controls" else None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class External(Strict):
    """Samples made elsewhere: a folder of images, or an array in a .npz or .npy file, of the dataset's shape.

    levels: grey levels of whole numbers in it, where they are neither the dataset's nor 0 … 255.
    """

    dataset: Name
    samples: Annotated[str, Field(min_length=1)]
    levels: Annotated[int, Field(ge=2, le=256)] | None = None
    seed: Literal[0] = 0

    @model_serializer(mode="wrap")
    def _entry(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As it was before the key existed, where the entry does not name it."""
        entry: dict[str, Any] = dump(self)
        return {key: value for key, value in entry.items() if key != "levels" or value is not None}

    @property
    def model(self) -> str:
        """What stands for a model in the tables: there is no file of this name."""
        return "external/folder"

    @property
    def threads(self) -> int:
        return 1


class Params(Strict):
    """jobs_per_gpu: so many stages may be on one GPU at a time."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    jobs_per_gpu: Annotated[int, Field(ge=1)] = 1
    datasets: Annotated[dict[Name, Dataset], Field(min_length=1)]
    extractor: Extractor
    runs: Annotated[dict[Name, Run], Field(min_length=1)]
    external: dict[Name, External]

    @property
    def rows(self) -> dict[str, Run | External]:
        """Everything that is audited and scored: the runs, then the samples from elsewhere."""
        return {**self.runs, **self.external}

    @property
    def warnings(self) -> dict[str, str]:
        """By run, what is allowed and hardly meant: seeds of one system that differ in more than the seed."""
        return divided({name: run.model_dump() for name, run in self.runs.items()})


# The keys that a message lists where one is unknown; runs and datasets take whatever their signatures have.
KNOWN: Mapping[str, Collection[str]] = {
    "": Params.model_fields,
    "extractor": Extractor.model_fields,
    "external": External.model_fields,
}


def load(path: Path) -> Params:
    """Read and validate a whole params file.

    Raises:
        InputError: one line that names the file and the key, what was wrong and what was expected.
    """
    return validate(read(path), path)


def validate(content: dict[str, Any], path: Path) -> Params:
    """Names, types and values of what `read` gave.

    Raises:
        InputError: as `load` does.
    """
    try:
        params = Params.model_validate(content)
        for name, dataset in params.datasets.items():
            options = dataset.model_extra or {}
            signature = source_signature(dataset.source, name, options)
            _check_options(f"datasets.{name}", options, signature, Dataset)
        for name, run in params.runs.items():
            _check_run(name, run, params.datasets)
        for name, external in params.external.items():
            if name in params.runs:
                raise InputError(f"external.{name}: runs has an entry of this name; expected another")
            _check_dataset(f"external.{name}", external.dataset, params.datasets)
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error, known=KNOWN)}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return params


def pick(entries: Mapping[str, E], name: str, key: str, path: Path) -> E:
    """One entry by name; InputError naming the ones there are where there is none."""
    if name not in entries:
        raise InputError(f"{path}: {key} has no entry {name!r}; {expected(name, entries)}")
    return entries[name]


def _check_run(name: str, run: Run, datasets: Mapping[str, Dataset]) -> None:
    _check_dataset(f"runs.{name}", run.dataset, datasets)
    if run.batch_size % run.processes:
        raise InputError(
            f"runs.{name}.batch_size: got {run.batch_size} for {run.processes} processes; "
            "expected a multiple of their number, each takes an equal share"
        )
    _check_options(f"runs.{name}", run.hyperparameters, model_signature(run.model, name), Run)


def _check_dataset(key: str, dataset: str, datasets: Mapping[str, Dataset]) -> None:
    if dataset not in datasets:
        raise InputError(f"{key}.dataset: unknown dataset {dataset!r}; {expected(dataset, datasets)}")


def _check_options(
    key: str, options: dict[str, Any], signature: dict[str, Parameter], schema: type[BaseModel]
) -> None:
    """Options against a signature: no unknown key, right types, nothing required left out."""
    for option in options:
        if option not in signature:
            raise InputError(
                f"{key}.{option}: unknown key; {HINTS.get(option, '')}"
                f"{expected(option, [*signature, *schema.model_fields])}"
            )
    for name, parameter in signature.items():
        if name in options:
            try:
                _adapter(parameter.type).validate_python(options[name])
            except ValidationError as error:
                raise InputError(first_problem(error, under=f"{key}.{name}")) from error
        elif parameter.default is ...:
            raise InputError(f"{key}.{name}: missing; this key is required")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))
