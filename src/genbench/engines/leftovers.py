"""What was made for an entry that params.yaml no longer has.

It stays where it is, for the day the entry comes back; but DVC, for which the report depends on whole folders, is told
to look past it: `dvc.lock` is to be the same on a machine that never had it.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from genbench.storage.files import write_changed

MADE = {  # folder -> the sections whose entries own what it holds
    "data": ("datasets",),
    "results/extractors": ("datasets",),
    "results/runs": ("runs", "external"),
}
IGNORED = ".dvcignore"
SPECIAL = re.compile(r"[\\*?\[\]!# ]")  # in a pattern of that file


def hide(params: Mapping[str, Any], root: Path) -> None:
    """A `.dvcignore` in each folder that holds such things names them, and itself; elsewhere there is none."""
    for folder, sections in MADE.items():
        owners = {name for section in sections for name in params.get(section) or {}}
        place, names = root / folder / IGNORED, leftovers(root / folder, owners)
        if names:
            lines = [f"/{IGNORED}", *("/" + SPECIAL.sub(r"\\\g<0>", name) for name in names)]
            write_changed(place, ("\n".join(lines) + "\n").encode())
        else:
            place.unlink(missing_ok=True)


def leftovers(folder: Path, owners: Collection[str]) -> list[str]:
    """What a folder holds that is named like none of the owners, but for a suffix; hidden files and `raw` aside."""
    if not folder.is_dir():
        return []
    places = (place for place in folder.iterdir() if place.name != "raw" and not place.name.startswith("."))
    return sorted(
        place.name for place in places if (place.name if place.is_dir() else place.stem) not in owners
    )
