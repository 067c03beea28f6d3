"""Faults of the files that an entry names, and of the catalogue of scores, found by reading them: before any build."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genbench.params.messages import listed
from genbench.params.signatures import MODELS, PACKAGE, SOURCES, class_name_matches, statements
from genbench.storage.files import InputError

CATALOGUE = PACKAGE / "scoring/catalogue.py"
OWED = ("phases", "sample")  # by a class that takes nothing over from another model
BASE = "GenerativeModel"
DIRECTIONS = ("up", "down", None)


def refuse_unfinished(params: Mapping[str, Any]) -> None:
    """What `params.yaml` holds, valid or not: names that have no file are left to its own check.

    Raises:
        InputError: the file, what it lacks and what was expected.
    """
    for model in sorted(set(_named(params, "runs", "model"))):
        _check_model(MODELS / f"{model}.py", model)
    for source in sorted(set(_named(params, "datasets", "source"))):
        _check_source(SOURCES / f"{source}.py")
    _check_catalogue()


def _named(params: Mapping[str, Any], section: str, key: str) -> Iterator[str]:
    entries = params.get(section)
    if isinstance(entries, dict):
        found = (entry.get(key) for entry in entries.values() if isinstance(entry, dict))
        yield from (name for name in found if isinstance(name, str))


def _statements(path: Path) -> list[ast.stmt]:
    """None of a file that is not there: who loads the parameters says so."""
    try:
        return statements(path)
    except (OSError, ValueError):
        return []


def _check_model(path: Path, model: str) -> None:
    for node in _statements(path):
        if not isinstance(node, ast.ClassDef) or not class_name_matches(node.name, model):
            continue
        if [ast.unparse(base) for base in node.bases] != [BASE]:
            continue
        has = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
        lacks = [name for name in OWED if name not in has]
        if lacks:
            raise InputError(
                f"{path}: {node.name} has no method {listed(lacks)}; expected {listed(OWED)} of every {BASE}"
            )


def _check_source(path: Path) -> None:
    body = _statements(path)
    if body and not any(isinstance(node, ast.FunctionDef) and node.name == "load" for node in body):
        raise InputError(f"{path}: holds no function load; expected load(*, options…) -> Source")
    for node in body:
        if not isinstance(node, ast.Assign) or [ast.unparse(each) for each in node.targets] != ["KIND"]:
            continue
        kinds = sorted(place.parent.name for place in (PACKAGE / "kinds").glob("*/comparison.py"))
        kind = node.value.value if isinstance(node.value, ast.Constant) else ast.unparse(node.value)
        if kind not in kinds:
            raise InputError(f"{path}: KIND: got {kind!r}; expected one of {listed(kinds)}")


def _check_catalogue() -> None:
    try:
        from genbench.scoring.catalogue import SCORES
    except (SyntaxError, NameError, TypeError) as error:
        raise InputError(f"{CATALOGUE}: cannot be read: {error}; expected a Score for each name") from error
    for name in _given_twice():
        raise InputError(f"{CATALOGUE}: {name}: is there twice; expected one Score for each name")
    for name, score in SCORES.items():
        is_number = type(score.better) in (int, float)  # True is none here
        if score.better not in DIRECTIONS and not is_number:
            raise InputError(_odd(name, "better", score.better, "None, a number, down, up"))
        if score.copying not in DIRECTIONS:
            raise InputError(_odd(name, "copying", score.copying, "None, down, up"))


def _given_twice() -> Iterator[str]:
    """Of which a dict keeps the last in silence."""
    for node in _statements(CATALOGUE):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            keys = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
            yield from (str(key) for place, key in enumerate(keys) if key in keys[:place])


def _odd(name: str, field: str, value: object, allowed: str) -> str:
    return f"{CATALOGUE}: {name}: {field}: got {value!r}; expected one of {allowed}"
