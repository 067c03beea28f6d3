"""What is said of a mistake in params.yaml: one line with the key, what was given, and what was expected."""

import difflib
from collections.abc import Collection, Iterable, Mapping

from pydantic import ValidationError

# What a key that is unknown, but often tried, is called here.
HINTS = {"seeds": "a run has one seed; list a run for each, e.g. digits-vae-s1: {<<: *vae, seed: 1}; "}


def first_problem(
    error: ValidationError, *, under: str = "", known: Mapping[str, Collection[str]] | None = None
) -> str:
    """The first problem that pydantic found.

    under: the key of the value that was checked, "" for a whole file.  known: by section of a file, the keys that are
    allowed in it; those of the file itself under "".
    """
    # A misspelt key shows up twice, as one unknown and one missing: the unknown one is what the user wrote.
    problem = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    location = [str(part) for part in problem["loc"] if part != "[key]"]
    key = ".".join([under, *location] if under else location)
    if problem["type"] == "extra_forbidden" and known is not None:
        siblings = known["" if len(location) == 1 else location[0]]
        return f"{key}: unknown key; {expected(location[-1], siblings)}"
    if problem["type"] == "missing":
        return f"{key}: missing; this key is required"
    if problem["type"] == "string_pattern_mismatch" and problem["loc"][-1] == "[key]":
        return f"{key}: not a usable name; expected letters, digits, '-' and '_' alone, e.g. digits-vae"
    if problem["type"] == "too_short":
        return f"{key}: got {problem['input']!r}; expected at least {problem['ctx']['min_length']} of them"
    if problem["type"] == "literal_error":
        return f"{key}: got {problem['input']!r}; expected {problem['ctx']['expected']}"
    message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
    return f"{key}: got {problem['input']!r}; {message[0].lower()}{message[1:]}"


def expected(given: str, names: Iterable[str]) -> str:
    """The names that would have been right, the closest one first."""
    names = list(names)
    close = difflib.get_close_matches(given, names, n=1)
    return (f"did you mean {close[0]!r}? " if close else "") + f"expected one of {listed(names)}"


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
