"""One file of the package: the hash of what counts of it, and what it imports.

What was found is kept beside Python's byte code, by the file's size and times, as that is: reading all of the package
anew would add a tenth of a second to every stage.
"""

import ast
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from genbench.storage.files import InputError, md5, write_whole

PACKAGE = Path(__file__).parent.parent
KEPT = Path(__file__).parent / "__pycache__" / "sources.json"


class Source(NamedTuple):
    """digest: of the text without docstrings and comments.  modules: dotted names of this package that may be modules.

    packages: top-level names of others.
    """

    digest: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]


class Sources:
    """Files of the package by path, each read once for every version of it."""

    def __init__(self) -> None:
        self.known: dict[str, list[object]] = {}
        self.new = False
        with suppress(OSError, ValueError):
            self.known = dict(json.loads(KEPT.read_bytes()))

    def __getitem__(self, path: Path) -> Source:
        """Raises InputError for a file that is no Python."""
        status = path.stat()
        name, version = path.as_posix(), [status.st_mtime_ns, status.st_ctime_ns, status.st_size]
        found = self.known.get(name)
        if not found or found[0] != version:
            found = self.known[name] = [version, *read(path)]
            self.new = True
        digest, modules, packages = found[1:]
        return Source(str(digest), tuple(modules), tuple(packages))  # type: ignore[arg-type]

    def keep(self) -> None:
        """Write down what was read; where that is not allowed, it is read again the next time."""
        if not self.new:
            return
        with suppress(InputError):
            write_whole(KEPT, json.dumps(self.known).encode())


def read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise InputError(f"{path}: not valid Python, line {error.lineno}: {error.msg}") from error
    names = list(dict.fromkeys(_imports(tree, path)))
    own = tuple(name for name in names if name.split(".")[0] == PACKAGE.name)
    others = sorted({top for name in names if (top := name.split(".")[0]) != PACKAGE.name})
    return Source(md5(_significant(text, tree).encode()), own, tuple(others))


def _imports(tree: ast.Module, path: Path) -> Iterator[str]:
    """Dotted names of what a file imports: of `from a import b` both `a` and `a.b`, which may be a module."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, path)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    if not node.level:
        return node.module or ""
    around = (PACKAGE.name, *path.parent.relative_to(PACKAGE).parts)  # level 1 is the package of the file
    parts = around[: len(around) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def _significant(text: str, tree: ast.Module) -> str:
    """The text without docstrings, lines of comments and blank lines: they change nothing that is computed."""
    held: set[int] = set()  # lines inside strings, where `#` and blank lines are part of the text
    left_out: set[int] = set()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and (node.end_lineno or 0) > node.lineno:
            held.update(range(node.lineno, (node.end_lineno or 0) + 1))
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            first = node.body[0]
            alone = len(node.body) == 1 or node.body[1].lineno > (first.end_lineno or 0)
            if alone and first.lineno > getattr(node, "lineno", 0):
                left_out.update(range(first.lineno, (first.end_lineno or 0) + 1))
    kept = [
        line.rstrip()
        for number, line in enumerate(text.splitlines(), start=1)
        if number not in left_out and (number in held or line.strip()[:1] not in ("", "#"))
    ]
    return "\n".join(kept)
