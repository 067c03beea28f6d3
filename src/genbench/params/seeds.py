"""Runs that look like several seeds of one system and are not.

The seeds of a system are runs that differ in `seed` alone, usually written by a YAML anchor.  `dvc exp run -S` changes
one of them, and writes the earlier value out into the others: then two seeds have become two systems.
"""

from collections.abc import Mapping
from typing import Any

SAME = ("dataset", "model")  # what runs must have in common to be compared here


def divided(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Run -> one sentence, for each run that differs in its seed and in more from one of a lower seed.

    A run whose settings another one has with that lower seed is a seed of that one, and nothing is wrong.

    Args:
        entries: the runs with every key of theirs, by name.
    """
    found = {}
    for name, entry in entries.items():
        seeds = {other["seed"] for other in entries.values() if not _differing(entry, other)}
        apart = {
            base: _differing(entry, other)
            for base, other in entries.items()
            if other["seed"] < entry["seed"]
            and other["seed"] not in seeds
            and all(entry[key] == other[key] for key in SAME)
        }
        if apart:
            base = min(apart, key=lambda each: len(apart[each]))
            found[name] = _sentence(name, entry, base, entries[base], apart[base])
    return found


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys beside the seed in which two runs differ."""
    return [key for key in {**one, **other} if key != "seed" and one.get(key) != other.get(key)]


def _sentence(
    name: str, entry: Mapping[str, Any], base: str, other: Mapping[str, Any], keys: list[str]
) -> str:
    values = ", ".join(
        f"{key} ({other.get(key, 'left out')} and {entry.get(key, 'left out')})" for key in keys
    )
    return (
        f"runs.{base} and runs.{name} differ in {values} beside the seed: two systems, not two seeds of one; "
        "for one system give both the same values (dvc exp run: one -S for each)"
    )
