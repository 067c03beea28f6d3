"""params.yaml: every number of a benchmark, validated before anything runs.

A run's entry holds the keys below; every other key is a hyper-parameter of its model, and the model's constructor is
the schema.  Signatures are read from the source text, not by importing it, so that a stage that needs no torch does
not pay for torch, and a typo fails within a second.
"""

import ast
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    create_model,
    model_serializer,
)

from genbench.storage.files import LEDGER, InputError, read_bytes

PACKAGE = Path(__file__).parent.parent
NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?$"
MODEL = r"^[a-z0-9_]+(?:/[a-z0-9_]+)+$"
# What a constructor may ask for in params.yaml; anything else in a signature is a mistake in the model file.
ANNOTATIONS: dict[str, Any] = {
    "int": int,
    "float": float,
    "bool": bool,
    "str": str,
    "int | None": int | None,
    "float | None": float | None,
    "str | None": str | None,
    "tuple[int, ...]": list[int],
    "tuple[float, ...]": list[float],
    "tuple[str, ...]": list[str],
}

# Keys of a run that say how its training computes, with the values that an entry need not name.
EXECUTION: dict[str, Any] = {"processes": 1, "precision": "float32", "compile": False}

# What a key that is unknown, but often tried, is called here.
HINTS = {"seeds": "a run has one seed; list a run for each, e.g. digits-vae-s1: {<<: *vae, seed: 1}; "}

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
    `genbench.execution`; it is sampled and scored by one process in float32.
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

    @model_serializer(mode="wrap")
    def _entry(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What weights say they belong to: weights made before a key of EXECUTION existed stay what they are."""
        entry: dict[str, Any] = dump(self)
        return {key: v for key, v in entry.items() if key not in EXECUTION or v != EXECUTION[key]}

    @property
    def control(self) -> str | None:
        """Which control it is ("real", "copycat", …); None for a model."""
        folder, _, name = self.model.partition("/")
        return name if folder == "controls" else None

    @property
    def hyperparameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class External(Strict):
    """Samples made elsewhere: a folder of images, or an .npz archive with an array `x`, of the dataset's shape."""

    dataset: Name
    samples: Annotated[str, Field(min_length=1)]
    seed: Literal[0] = 0

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


class Parameter(NamedTuple):
    """One keyword-only argument of a constructor, as its source spells it."""

    annotation: str
    default: Any  # `...` where there is none


class _Loader(yaml.SafeLoader):
    """YAML with two traps closed: 1e-3 is a number, and a key given twice is an error."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(?:\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":  # `<<: *other`, whose keys may be given anew
            continue
        key = loader.construct_object(key_node)  # type: ignore[no-untyped-call]
        if key in seen:
            raise InputError(
                f"line {key_node.start_mark.line + 1}: key {key!r} is given twice; expected once"
            )
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    value = loader.construct_scalar(node)
    if any("\ud800" <= c <= "\udfff" for c in value):  # "\ud800" in quotes: no page could hold it
        raise InputError(f"line {node.start_mark.line + 1}: {value!a} is no text; expected whole characters")
    return str(value)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("tag:yaml.org,2002:str", _text)


def load(path: Path) -> Params:
    """Read and validate a whole params file.

    Raises:
        InputError: one line that names the file and the key, what was wrong and what was expected.
    """
    return validate(read(path), path)


def read(path: Path) -> dict[str, Any]:
    """A params file as it stands, every key once.

    Raises:
        InputError: it is missing, or no YAML mapping.
    """
    try:
        content = yaml.load(read_bytes(path, what="the parameters"), Loader=_Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except InputError as error:
        raise InputError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    # Lists as keys, thousands of digits, thousands of brackets.
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not what parameters can be: {error}; expected plain keys and values"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping with the keys {_listed(Params.model_fields)}")
    LEDGER.params = content
    return content


def validate(content: dict[str, Any], path: Path) -> Params:
    try:
        params = Params.model_validate(content)
        for name, dataset in params.datasets.items():
            options = dataset.model_extra or {}
            signature = source_signature(dataset.source, name, options)
            _check_options(f"datasets.{name}", options, signature, Dataset)
        for name, run in params.runs.items():
            if run.dataset not in params.datasets:
                raise InputError(
                    f"runs.{name}.dataset: unknown dataset {run.dataset!r}; {_expected(run.dataset, params.datasets)}"
                )
            if run.batch_size % run.processes:
                raise InputError(
                    f"runs.{name}.batch_size: got {run.batch_size} for {run.processes} processes; "
                    "expected a multiple of their number, each takes an equal share"
                )
            _check_options(f"runs.{name}", run.hyperparameters, model_signature(run.model, name), Run)
        for name, external in params.external.items():
            if name in params.runs:
                raise InputError(f"external.{name}: runs has an entry of this name; expected another")
            if external.dataset not in params.datasets:
                raise InputError(
                    f"external.{name}.dataset: unknown dataset {external.dataset!r}; "
                    f"{_expected(external.dataset, params.datasets)}"
                )
    except ValidationError as error:
        raise InputError(f"{path}: {_first_problem(error)}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return params


def pick(entries: Mapping[str, E], name: str, key: str, path: Path) -> E:
    """One entry by name; InputError naming the ones there are where there is none."""
    if name not in entries:
        raise InputError(f"{path}: {key} has no entry {name!r}; {_expected(name, entries)}")
    return entries[name]


def model_names() -> list[str]:
    """Every model by the name it has in params.yaml: its path under genbench/models."""
    root = PACKAGE / "models"
    files = (path.relative_to(root).with_suffix("") for path in root.rglob("*.py"))
    return sorted(file.as_posix() for file in files if len(file.parts) > 1 and not file.name.startswith("_"))


def class_name_matches(name: str, model: str) -> bool:
    """`autoregressive/pixelcnn` is the class PixelCNN: the file's name, however capitalised."""
    return name.lower() == model.rsplit("/", 1)[-1].replace("_", "").lower()


def model_signature(model: str, run: str) -> dict[str, Parameter]:
    """The hyper-parameters of a model, read from its file."""
    path = PACKAGE / "models" / f"{model}.py"
    if model not in model_names():
        raise InputError(f"runs.{run}.model: unknown model {model!r}; {_expected(model, model_names())}")
    classes = [
        node
        for node in _parse(path).body
        if isinstance(node, ast.ClassDef) and class_name_matches(node.name, model)
    ]
    if not classes:
        raise InputError(
            f"{path}: holds no class named like the file; expected the model's class, e.g. {_camel(model)}"
        )
    return _keywords(classes[0].body, "__init__", path)


def source_names() -> list[str]:
    """Every data source by the name it has in params.yaml: a file of genbench/data."""
    return sorted(
        path.stem for path in (PACKAGE / "data/sources").glob("*.py") if not path.name.startswith("_")
    )


def source_signature(
    source: str, dataset: str, options: Mapping[str, Any] | None = None
) -> dict[str, Parameter]:
    """The options of a data source, read from its file's `load`.

    Where that takes a `base` and `**options`, these are the options of the source that `base` names.
    """
    if source not in source_names():
        raise InputError(
            f"datasets.{dataset}.source: unknown source {source!r}; {_expected(source, source_names())}"
        )
    path = PACKAGE / "data/sources" / f"{source}.py"
    body = _parse(path).body
    own = _keywords(body, "load", path)
    arguments = _arguments(body, "load")
    if "base" not in own or arguments is None or arguments.kwarg is None:
        return own
    base = (options or {}).get("base", own["base"].default)
    if base is ...:
        return own  # the option is missing, which the check of the options says
    bases = [name for name in source_names() if name != source]
    if base not in bases:
        raise InputError(f"datasets.{dataset}.base: unknown source {base!r}; {_expected(str(base), bases)}")
    return source_signature(base, dataset) | own


def _parse(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InputError(f"{path}: not valid Python, line {error.lineno}: {error.msg}") from error


def _arguments(body: list[ast.stmt], function: str) -> ast.arguments | None:
    """The arguments of the first function of that name, or None without one."""
    found = (node.args for node in body if isinstance(node, ast.FunctionDef) and node.name == function)
    return next(found, None)


def _keywords(body: list[ast.stmt], function: str, path: Path) -> dict[str, Parameter]:
    arguments = _arguments(body, function)
    if arguments is None:
        return {}
    result = {}
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        if _type(annotation) is None:
            raise InputError(
                f"{path}: {function}(…, {argument.arg}: {annotation or '?'}) cannot come from params.yaml; "
                f"expected one of {_listed(ANNOTATIONS)}, or a Literal of strings"
            )
        result[argument.arg] = Parameter(annotation, ... if default is None else ast.literal_eval(default))
    return result


def _type(annotation: str) -> Any:
    """The type that an annotation's source names, or None where params.yaml has no such values.

    A choice is spelt out in the signature, Literal["linear", "cosine"], since names are not resolved here.
    """
    if not annotation.startswith("Literal["):
        return ANNOTATIONS.get(annotation)
    try:
        choices = ast.literal_eval(f"({annotation.removeprefix('Literal[').removesuffix(']')},)")
    except (SyntaxError, ValueError):
        return None
    return Literal[choices] if all(isinstance(choice, str) for choice in choices) else None


def _check_options(
    key: str, options: dict[str, Any], signature: dict[str, Parameter], schema: type[BaseModel]
) -> None:
    """Options against a signature: no unknown key, right types, nothing required left out."""
    for option in options:
        if option not in signature:
            raise InputError(
                f"{key}.{option}: unknown key; {HINTS.get(option, '')}"
                f"{_expected(option, [*signature, *schema.model_fields])}"
            )
    fields: dict[str, Any] = {name: (_type(p.annotation), p.default) for name, p in signature.items()}
    try:
        create_model(
            "Options", __config__=ConfigDict(strict=True, allow_inf_nan=False), **fields
        ).model_validate(options)
    except ValidationError as error:
        raise InputError(f"{key}.{_first_problem(error)}") from error


def _first_problem(error: ValidationError) -> str:
    # A misspelt key shows up twice, as one unknown and one missing: the unknown one is what the user wrote.
    problem = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        schema: type[BaseModel] = Params if len(location) == 1 else Extractor
        siblings = schema.model_fields
        return f"{key}: unknown key; {_expected(location[-1], siblings)}"
    if problem["type"] == "missing":
        return f"{key}: missing; this key is required"
    if problem["type"] == "string_pattern_mismatch" and problem["loc"][-1] == "[key]":
        return f"{key}: not a usable name; expected letters, digits, '-' and '_' alone, e.g. digits-vae"
    if problem["type"] == "too_short":
        return f"{key}: got {problem['input']!r}; expected at least {problem['ctx']['min_length']} of them"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{key}: got {problem['input']!r}; {message[0].lower()}{message[1:]}"


def _expected(given: str, names: Any) -> str:
    close = difflib.get_close_matches(given, list(names), n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"expected one of {_listed(names)}"


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


def _camel(model: str) -> str:
    return "".join(part.capitalize() for part in model.rsplit("/", 1)[-1].split("_"))
