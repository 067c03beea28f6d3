"""What a file of the package reaches: its import closure, read from the source text.

Imports count wherever they stand, inside functions too, but for those under `if TYPE_CHECKING`.  What a module imports
by a name that it computes (a model, a source, a kind of data) is no part of its closure: `fingerprints` adds it.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from genbench.provenance.sources import PACKAGE, Sources
from genbench.storage.files import md5

SOURCE = "src/genbench"  # where the package stands in a workspace
TEMPLATES = "templates"  # the folder of a package whose files belong to every module of it

# What computes numbers or draws pictures, by the name it is imported under: another release may give other last digits,
# or another picture.
LIBRARIES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "torch": "torch",
    "torchvision": "torchvision",
    "sklearn": "scikit-learn",
    "pandas": "pandas",
    "PIL": "pillow",
    "altair": "altair",
    "vl_convert": "vl-convert-python",
}


class Closure(NamedTuple):
    """files: place in a workspace -> hash of what counts of it.  packages: libraries -> their versions."""

    files: dict[str, str]
    packages: dict[str, str]


def closure(roots: Iterable[Path], known: Sources | None = None) -> Closure:
    """All that these files of the package reach.

    known: what the files hold, where several closures are asked for.

    Raises:
        InputError: a file that is no Python.
    """
    sources = known or Sources()
    found: dict[Path, str] = {}
    names: set[str] = set()
    waiting = [file for root in roots for file in (root, *_packages_around(root))]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        source = sources[path]
        found[path] = source.digest
        names.update(source.packages)
        waiting += [file for module in source.modules for file in _files_of(module)]
    sources.keep()
    for folder in {path.parent for path in found}:
        found |= {path: md5(path.read_bytes()) for path in _data_files(folder)}
    files = {f"{SOURCE}/{path.relative_to(PACKAGE).as_posix()}": digest for path, digest in found.items()}
    packages = {LIBRARIES[name]: _version(LIBRARIES[name]) for name in names & LIBRARIES.keys()}
    return Closure(dict(sorted(files.items())), dict(sorted(packages.items())))


def _files_of(module: str) -> list[Path]:
    """The file of a module and those of the packages around it; nothing for a name that is no module."""
    place = PACKAGE.joinpath(*module.split(".")[1:])
    path = next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
    return [path, *_packages_around(path)] if path else []


def _packages_around(path: Path) -> list[Path]:
    """What Python runs before a module: `__init__.py` of every package that it lies in."""
    inside = [PACKAGE, *(PACKAGE / folder for folder in reversed(path.parent.relative_to(PACKAGE).parents))]
    folders = {*inside, path.parent}
    return [init for folder in folders if (init := folder / "__init__.py").is_file()]


def _data_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted((folder / TEMPLATES).rglob("*")) if path.is_file())


@cache
def _version(distribution: str) -> str:
    """The public version, without what a build adds (`+cpu`); "none" where the package is not installed."""
    try:
        return version(distribution).partition("+")[0]
    except PackageNotFoundError:
        return "none"


def merged(closures: Iterable[Closure]) -> Closure:
    files: dict[str, str] = {}
    packages: dict[str, str] = {}
    for each in closures:
        files |= each.files
        packages |= each.packages
    return Closure(files, packages)


def difference(before: Mapping[str, str], now: Mapping[str, str], *, began: str = "it was made with") -> str:
    """The first thing that differs between two sets of hashes and versions, in words; '' for equal ones."""
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            if name.startswith(SOURCE):
                return f"{name} is not what {began}"
            return f"{name} {now.get(name, 'none')} is not what {began}, {before.get(name, 'none')}"
    return ""
