"""Signatures of models and of data sources, which are the schema of their options.

They are read from the source text, not by importing it, so that a stage that needs no torch does not pay for torch, and
a typo fails within a second.
"""

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from genbench.params.messages import expected, listed
from genbench.storage.files import InputError

PACKAGE = Path(__file__).parent.parent
MODELS = PACKAGE / "models"
SOURCES = PACKAGE / "data/sources"

# What a constructor may ask for, beside Literal[…]; anything else in a signature is a mistake in its file.
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


class Parameter(NamedTuple):
    """One keyword-only argument.  annotation: as its source spells it.  type: of its value in params.yaml."""

    annotation: str
    type: Any
    default: Any  # `...` where there is none


def model_names() -> list[str]:
    """Every model by the name it has in params.yaml: its path under genbench/models."""
    files = (path.relative_to(MODELS).with_suffix("") for path in MODELS.rglob("*.py"))
    return sorted(file.as_posix() for file in files if len(file.parts) > 1 and not file.name.startswith("_"))


def class_name_matches(name: str, model: str) -> bool:
    """`autoregressive/pixelcnn` is the class PixelCNN: the file's name, however capitalised."""
    return name.lower() == model.rsplit("/", 1)[-1].replace("_", "").lower()


def model_signature(model: str, run: str) -> dict[str, Parameter]:
    """The hyper-parameters of a model, read from its file.

    Raises:
        InputError: no such model, or a file that holds no class of that name or asks for what YAML cannot give.
    """
    path = MODELS / f"{model}.py"
    if not path.is_file() or path.name.startswith("_"):
        raise InputError(f"runs.{run}.model: unknown model {model!r}; {expected(model, model_names())}")
    classes = [
        node
        for node in statements(path)
        if isinstance(node, ast.ClassDef) and class_name_matches(node.name, model)
    ]
    if not classes:
        raise InputError(
            f"{path}: holds no class named like the file; expected the model's class, e.g. {_camel(model)}"
        )
    return _keywords(classes[0].body, "__init__", path)


def source_names() -> list[str]:
    """Every data source by the name it has in params.yaml: a file of genbench/data/sources."""
    return sorted(path.stem for path in SOURCES.glob("*.py") if not path.name.startswith("_"))


def source_signature(
    source: str, dataset: str, options: Mapping[str, Any] | None = None
) -> dict[str, Parameter]:
    """The options of a data source, read from its file's `load`.

    Where that takes a `base` and `**options`, these are the options of the source that `base` names.

    Raises:
        InputError: no such source or base, or a file that asks for what YAML cannot give.
    """
    body, path = _source(source, dataset)
    own = _keywords(body, "load", path)
    if not _is_derived(body, own):
        return own
    base = (options or {}).get("base", own["base"].default)
    if base is ...:
        return own  # the option is missing, which the check of the options says
    bases = [name for name in source_names() if name != source]
    if base not in bases:
        raise InputError(f"datasets.{dataset}.base: unknown source {base!r}; {expected(str(base), bases)}")
    return source_signature(base, dataset) | own


def sources_of(source: str, options: Mapping[str, Any]) -> list[str]:
    """A source and, where it makes its data from another's, that one, and so on.

    Raises:
        InputError: no such source or base.
    """
    body, path = _source(source, source)
    own = _keywords(body, "load", path)
    if not _is_derived(body, own):
        return [source]
    return [source, *sources_of(options.get("base", own["base"].default), {})]


def source_kind(source: str, options: Mapping[str, Any]) -> str:
    """The kind of data that a source gives: the constant KIND of its file, or of its base's; "image" without one.

    Raises:
        InputError: no such source or base.
    """
    for name in sources_of(source, options):
        for node in _source(name, name)[0]:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(target, ast.Name) and target.id == "KIND" for target in targets):
                kind: str = ast.literal_eval(node.value)  # type: ignore[attr-defined]
                return kind
    return "image"


def _source(source: str, dataset: str) -> tuple[list[ast.stmt], Path]:
    if source not in source_names():
        raise InputError(
            f"datasets.{dataset}.source: unknown source {source!r}; {expected(source, source_names())}"
        )
    path = SOURCES / f"{source}.py"
    return statements(path), path


def _is_derived(body: list[ast.stmt], own: Mapping[str, Parameter]) -> bool:
    """Whether a source makes its data from another's: `load` takes a `base`, and options for it."""
    arguments = _arguments(body, "load")
    return "base" in own and arguments is not None and arguments.kwarg is not None


def statements(path: Path) -> list[ast.stmt]:
    """The statements of a file as it stands now; one that many entries name is parsed once.

    Raises:
        InputError: it is no Python.
    """
    status = path.stat()
    return _parsed(path, status.st_mtime_ns, status.st_size)


@cache
def _parsed(path: Path, _time: int, _size: int) -> list[ast.stmt]:
    try:
        return ast.parse(path.read_text(encoding="utf-8")).body
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
        kind = _choices(argument.annotation) or ANNOTATIONS.get(annotation)
        if kind is None:
            raise InputError(
                f"{path}: {function}(…, {argument.arg}: {annotation or '?'}) cannot come from params.yaml; "
                f"expected one of {listed([*ANNOTATIONS, 'Literal[…]'])}"
            )
        value = ... if default is None else ast.literal_eval(default)
        result[argument.arg] = Parameter(annotation, kind, value)
    return result


def _choices(annotation: ast.expr | None) -> Any:
    """The type Literal['a', 'b'] that an annotation spells, None for another one."""
    if not isinstance(annotation, ast.Subscript) or ast.unparse(annotation.value) != "Literal":
        return None
    inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    return Literal[tuple(ast.literal_eval(each) for each in inner)]


def _camel(model: str) -> str:
    return "".join(part.capitalize() for part in model.rsplit("/", 1)[-1].split("_"))
