"""What each module reaches, as another library reads the imports."""

from functools import cache
from pathlib import Path

import grimp

from genbench.provenance.sources import PACKAGE

MODULES = sorted(PACKAGE.rglob("*.py"))


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("genbench", exclude_type_checking_imports=True, cache_dir=None)


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def reached(path: Path) -> set[str]:
    """Every module that runs when this one is imported: those it imports, and the packages around each."""
    found: set[str] = set()
    waiting = [module_of(path)]
    while waiting:
        name = waiting.pop()
        if name in found or name not in graph().modules:
            continue
        found.add(name)
        waiting += graph().find_modules_directly_imported_by(name)
        if "." in name:
            waiting.append(name.rpartition(".")[0])
    return found
