"""params.yaml as plain keys and values: YAML 1.2, as DVC reads it.

`on` is text and `1e-3` is a number, where YAML 1.1 has true and text.  A mapping may take over the keys of another,
`<<: *other`, and give some of them anew.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode

from genbench.storage.files import LEDGER, InputError, read_bytes

KEYS = ("datasets", "device", "external", "extractor", "jobs_per_gpu", "runs")
PLAIN = (str, int, float, type(None))  # bool is an int


def read(path: Path) -> dict[str, Any]:
    """A params file as it stands, every key once.

    Raises:
        InputError: it is missing, no YAML mapping, or holds what is no plain key or value.
    """
    try:
        # The engines read UTF-8 alone, where the loader would take UTF-16 as well.
        text = read_bytes(path, what="the parameters").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not valid YAML: {error.reason} at byte {error.start}; expected UTF-8"
        ) from error
    try:
        content = _loaded(text)
    except YAMLError as error:
        raise InputError(f"{path}: not valid YAML: {_said(error)}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    # Thousands of digits, thousands of brackets, a list that holds itself.
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: not what parameters can be: {error}; expected plain keys and values"
        ) from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a mapping with the keys {', '.join(KEYS)}")
    LEDGER.params, LEDGER.params_file = content, path
    return content


@lru_cache(maxsize=2)
def _loaded(text: str) -> Any:
    """What a text holds; whoever gets it leaves it as it is.  Kept for those who read the same text again."""
    content = _loader().load(text)
    if isinstance(content, dict):
        _refuse_odd(content, "")
    return content


class _Constructor(SafeConstructor):
    """ruamel.yaml takes the last of two equal keys where the mapping takes over another's; here it is an error too."""

    def flatten_mapping(self, node: Any) -> None:
        if getattr(node, "merge", None) is None:  # else this was done before
            _refuse_twice(node)
        super().flatten_mapping(node)


def _loader() -> YAML:
    loader = YAML(typ="safe")
    loader.Constructor = _Constructor
    return loader


def _refuse_twice(node: MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        name = str(key.value)
        if name in seen:
            raise InputError(f"line {key.start_mark.line + 1}: key {name!r} is given twice; expected once")
        seen.add(name)


def _refuse_odd(value: Any, key: str) -> None:
    """InputError for names that are no text to YAML, such as 2021, and for dates, sets and bytes."""
    if isinstance(value, dict):
        for name, entry in value.items():
            if not isinstance(name, str):
                raise InputError(
                    f"{key or 'top level'}: key {name!r} is no text to YAML; expected quotes around it"
                )
            _refuse_odd(entry, f"{key}.{name}" if key else name)
    elif isinstance(value, list):
        for entry in value:
            _refuse_odd(entry, key)
    elif not isinstance(value, PLAIN):
        raise InputError(
            f"{key}: {value} is a {type(value).__name__} to YAML; expected a number, or quotes around it"
        )


def _said(error: YAMLError) -> str:
    """What the parser says, in one line that begins with the number of the file's line."""
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())
