"""Anchors of a page."""

import re
from collections.abc import Sequence


def slugs_of(names: Sequence[str]) -> dict[str, str]:
    """Name -> a distinct string that is safe in an anchor."""
    slugs: dict[str, str] = {}
    for name in names:
        slug = base = re.sub(r"[^A-Za-z0-9_-]+", "-", name)
        copy = 2
        while slug in slugs.values():
            slug, copy = f"{base}-{copy}", copy + 1
        slugs[name] = slug
    return slugs
